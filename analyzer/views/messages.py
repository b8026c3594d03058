"""Responses by code and method, and requests by method: the wire's own figures, resends apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from analyzer.schema import RequestRow, ResponseRow
from analyzer.views.table import Cell, Column, Table, Tone, plain
from analyzer.views.words import Words
from analyzer.vocab import Family

if TYPE_CHECKING:
    from analyzer.registry import Registry

#: How each family is coloured: what a caller would call good, in between, bad.
FAMILY_TONES = {
    Family.PROVISIONAL: Tone.FAINT,
    Family.SUCCESS: Tone.GOOD,
    Family.REDIRECTION: Tone.PLAIN,
    Family.CLIENT_ERROR: Tone.WARN,
    Family.SERVER_ERROR: Tone.BAD,
    Family.GLOBAL_FAILURE: Tone.BAD,
    Family.VENDOR: Tone.BAD,
}


def responses_table(responses: Sequence[ResponseRow], registry: Registry, words: Words, top: int) -> Table:
    """The most frequent responses in the order of their codes; what is left out is said with its sum."""
    columns = [
        Column(words("code"), align_right=True),
        Column(words("phrase"), shrink=True),
        Column(words("family"), rank=2),
        Column(words("method"), shrink=True),
        Column(words("vendor"), rank=1, shrink=True),
        Column(words("unique"), align_right=True),
        Column(words("resends"), align_right=True),
        Column(words("copies"), align_right=True, rank=3),
        Column(words("messages"), align_right=True),
    ]
    chosen = sorted(responses, key=lambda row: (-row.messages, row.status_code, row.method or ""))
    shown = sorted(chosen[:top], key=lambda row: (row.status_code, row.method or "", row.vendor or ""))
    rows = [
        (
            Cell(str(row.status_code), FAMILY_TONES[row.family]),
            Cell(_phrase(row, registry) or words("(unlisted)")),
            Cell(words(row.family.value), FAMILY_TONES[row.family]),
            Cell(row.method or "–"),
            _vendor(row, words),
            *plain(
                words.number(row.unique),
                words.number(row.resends),
                words.number(row.copies),
                words.number(row.messages),
            ),
        )
        for row in shown
    ]
    notes = []
    if len(chosen) > top:
        rest = chosen[top:]
        notes.append(
            words(
                "… and {count} more rows with {messages} responses",
                count=words.number(len(rest)),
                messages=words.number(sum(row.messages for row in rest)),
            )
        )
    if any(row.vendor_guess for row in shown):
        notes.append(words("? a guess: these makers are known to use that code"))
    if any(row.family is Family.VENDOR for row in shown):
        notes.append(words("Codes from 700 on have no standard meaning: another maker may use them differently"))
    return Table(words("Responses by code and method"), columns, rows, notes)


def _phrase(row: ResponseRow, registry: Registry) -> str:
    """The phrase of the maker's pack, else of the list of codes."""
    if row.vendor and (packed := registry.pack_code(row.vendor, row.status_code)) is not None:
        return packed.phrase or packed.meaning
    return registry.status(row.status_code).phrase


def _vendor(row: ResponseRow, words: Words) -> Cell:
    if row.vendor:
        return Cell(row.vendor)
    return Cell(f"{row.vendor_guess.replace(' ', ', ')}?", Tone.WARN) if row.vendor_guess else Cell("")


def requests_table(requests: Sequence[RequestRow], words: Words, top: int) -> Table:
    """Requests by method, most first."""
    columns = [
        Column(words("method"), shrink=True),
        Column(words("unique"), align_right=True),
        Column(words("resends"), align_right=True),
        Column(words("copies"), align_right=True, rank=3),
        Column(words("messages"), align_right=True),
    ]
    chosen = sorted(requests, key=lambda row: (-row.messages, row.method))
    rows = [
        plain(
            row.method,
            words.number(row.unique),
            words.number(row.resends),
            words.number(row.copies),
            words.number(row.messages),
        )
        for row in chosen[:top]
    ]
    notes = []
    if len(chosen) > top:
        notes.append(words("… and {count} more methods", count=words.number(len(chosen) - top)))
    return Table(words("Requests by method"), columns, rows, notes)
