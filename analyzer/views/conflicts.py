"""Codes that contradict the causes they come with, as sentences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from analyzer.schema import ConflictRow
from analyzer.views.table import Cell, Column, Table, Tone
from analyzer.views.words import Words
from analyzer.vocab import CauseFrom

if TYPE_CHECKING:
    from analyzer.registry import Registry

_SAYS = {
    CauseFrom.REASON: "{code}, but its Reason says {cause}",
    CauseFrom.REASON_18X: "{code}, but the Reason of its 18x says {cause}",
    CauseFrom.ISUP: "{code}, but its ISUP release says {cause}",
}


def sentence(row: ConflictRow, registry: Registry, words: Words) -> str:
    """``486 Busy Here (17 User busy), but its Reason says 34 No circuit/channel available``."""
    code = f"{row.status_code} {registry.status(row.status_code).phrase}".strip()
    if row.mapped is not None:
        code += f" ({row.mapped} {registry.cause(row.mapped).name})"
    return words(_SAYS[row.cause_from], code=code, cause=f"{row.cause} {registry.cause(row.cause).name}")


def conflicts_table(conflicts: Sequence[ConflictRow], registry: Registry, words: Words, top: int) -> Table:
    """One row for each code, read cause and sender; what had to be so is said beneath."""
    columns = [
        Column(words("calls"), align_right=True),
        Column(words("says")),
        Column(words("sender"), shrink=True),
        Column(words("PSTN may have sent"), rank=1, shrink=True),
    ]
    shown = [row for row in conflicts if not row.expected]
    rows = [
        (
            Cell(words.number(row.calls), Tone.STRONG),
            Cell(sentence(row, registry, words), Tone.WARN),
            Cell(f"{row.name} ({row.ip})" if row.name else row.ip or "–"),
            Cell(row.candidates or "–", Tone.FAINT),
        )
        for row in shown[:top]
    ]
    notes = []
    if len(shown) > top:
        rest = words.number(sum(row.calls for row in shown[top:]))
        notes.append(words("… and {count} more with {calls} calls", count=words.number(len(shown) - top), calls=rest))
    if shown:
        notes.append(words("The cause that was read wins. Tables: {table}, codes to causes", table=shown[0].profile))
    expected = sum(row.calls for row in conflicts if row.expected)
    if expected and shown:
        text = "Codes that had to be changed on the way (503 to 500), no conflict: {count}"
        notes.append(words(text, count=words.number(expected)))
    return Table(words("Codes that contradict their causes"), columns, rows, notes)
