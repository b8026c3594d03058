"""Scanners, apart from everybody else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from typing import TYPE_CHECKING

from analyzer.stats.calls import CallTotals
from analyzer.stats.scanners import Scanner
from analyzer.views.table import Cell, Column, Table, Tone
from analyzer.views.times import local_time
from analyzer.views.words import Words
from analyzer.vocab import Outcome
from analyzer.wiretext import printable_text

if TYPE_CHECKING:
    from analyzer.registry.vendor_entries import Signal


def scanners_said(calls: int, scanners: int, without: CallTotals, words: Words) -> str:
    """How many calls are scanners', and the figures without them; empty without any."""
    if not calls:
        return ""
    answered = without.by_outcome.get(Outcome.ANSWERED, 0)
    return words(
        "Scanning addresses ({scanners}) made {calls} of the calls; without these {total} calls: {answered} answered "
        "({answered_share}), {failures} failures ({failures_share}).",
        calls=words.number(calls),
        scanners=words.number(scanners),
        total=words.number(without.total),
        answered=words.number(answered),
        answered_share=words.share(answered, without.total),
        failures=words.number(without.failures),
        failures_share=words.share(without.failures, without.total),
    )


def scanners_table(
    scanners: Sequence[Scanner], signals: Mapping[str, Signal], words: Words, zone: tzinfo, top: int
) -> Table:
    """Who scans and what gave it away, highest score first."""
    has_networks = len({scanner.row.network for scanner in scanners}) > 1
    columns = [
        Column(words("endpoint"), shrink=True),
        *([Column("VLAN/VNI", align_right=True, rank=2)] if has_networks else []),
        Column(words("score"), align_right=True),
        Column(words("calls"), align_right=True),
        Column(words("registrations"), align_right=True),
        Column(words("other requests"), align_right=True, rank=1),
        Column(words("users asked for"), align_right=True, rank=1),
        Column(words("from"), rank=3),
        Column(words("agent"), rank=2, shrink=True),
        Column(words("what gave it away"), shrink=True),
    ]
    rows = [
        (
            Cell(scanner.row.ip),
            *([Cell("–" if scanner.row.network is None else str(scanner.row.network))] if has_networks else []),
            Cell(words.number(scanner.row.score), Tone.BAD),
            Cell(words.number(scanner.row.calls)),
            Cell(words.number(scanner.row.registrations)),
            Cell(words.number(scanner.row.others)),
            Cell(words.number(scanner.row.targets)),
            Cell(local_time(scanner.row.first_ts, zone, 0)),
            Cell(printable_text(scanner.row.agent or "–"), Tone.FAINT),
            Cell(_reasons(scanner, signals, words)),
        )
        for scanner in scanners[:top]
    ]
    notes = [words("Scanners are counted in every total, and left out of the ratios that say so; nothing is deleted")]
    if len(scanners) > top:
        notes.insert(0, words("… and {count} more scanners", count=words.number(len(scanners) - top)))
    return Table(words("Scanners"), columns, rows, notes)


def _reasons(scanner: Scanner, signals: Mapping[str, Signal], words: Words) -> str:
    return "; ".join(
        words(signals[reason.signal].says, count=words.number(reason.number), tool=reason.tool)
        for reason in scanner.reasons
    )
