"""A table as a person sees it, before any toolkit draws it: texts, their alignment and their tone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple


class Tone(StrEnum):
    """What a cell wants to say beyond its text; a screen makes colours of it, a pipe nothing."""

    PLAIN = "plain"
    GOOD = "good"
    BAD = "bad"
    WARN = "warn"
    FAINT = "faint"
    STRONG = "strong"


class Cell(NamedTuple):
    """One cell: printable text and its tone."""

    text: str
    tone: Tone = Tone.PLAIN


class Column(NamedTuple):
    """One column of a table.

    Where the screen is too narrow, columns of the highest ``rank`` are left out first (rank 0 never), and then those
    that ``shrink`` are cut: at their end, or with ``is_path`` at their beginning.
    """

    title: str
    align_right: bool = False
    rank: int = 0
    shrink: bool = False
    is_path: bool = False


@dataclass(frozen=True)
class Table:
    """A title, columns, rows and what must be said beneath them."""

    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    notes: Sequence[str] = field(default_factory=tuple)


def plain(*texts: str, tone: Tone = Tone.PLAIN) -> tuple[Cell, ...]:
    """Cells of one tone."""
    return tuple(Cell(text, tone) for text in texts)
