"""A report in words, free of any format: page, PDF, Markdown and CSV draw the same document.

Every text in it is in the reader's language and safe to show (`analyzer.wiretext`); none is escaped for any format.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from analyzer.views.table import Tone


class Kind(StrEnum):
    """What a column holds: how it is aligned, sorted and, for codes and causes, in whose terms it can be told."""

    TEXT = "text"
    COUNT = "count"
    NUMBER = "number"
    RATIO = "ratio"
    CHANGE = "change"
    TIME = "time"
    DURATION = "duration"
    CODE = "code"
    CAUSE = "cause"

    @property
    def is_number(self) -> bool:
        """Whether its cells stand at the right and sort as numbers."""
        return self in (Kind.COUNT, Kind.NUMBER, Kind.RATIO, Kind.CHANGE, Kind.DURATION)


class Terms(NamedTuple):
    """One failure in the words of SIP, of ISDN and of its maker."""

    sip: str
    isdn: str
    vendor: str


class Link(NamedTuple):
    """From a number to its calls.

    ``keys``: calls of ``Document.calls``; ``command``: the command line that lists all of them, empty where none does.
    """

    title: str
    calls: int
    keys: tuple[str, ...]
    command: str


@dataclass(frozen=True)
class Cell:
    """One value of a table.

    ``sort``: what it sorts by where that is not its text, None last; ``note``: smaller, beneath it (an interval, "few
    calls"); ``weight``: 0 to 1, its part of the largest in its column, for a bar or a tint.
    """

    text: str
    sort: float | None = None
    tone: Tone = Tone.PLAIN
    link: Link | None = None
    terms: Terms | None = None
    note: str = ""
    weight: float | None = None


class Column(NamedTuple):
    """A heading; ``help`` says in a sentence what is counted."""

    title: str
    kind: Kind = Kind.TEXT
    help: str = ""


@dataclass(frozen=True)
class Table:
    """``notes`` stand beneath it; ``is_grid``: the first column names the rows and weights are tints (the heat map).

    ``keys``: of the calls, where each row is one (as many as rows), else empty.
    """

    id: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()
    is_grid: bool = False
    keys: tuple[str, ...] = ()


@dataclass(frozen=True)
class ChartRef:
    """The place of a chart; who draws the report has it by ``name`` or leaves it out."""

    name: str
    title: str


@dataclass(frozen=True)
class Paragraph:
    """A sentence or more by themselves: "nothing to report", a definition."""

    text: str
    tone: Tone = Tone.PLAIN


@dataclass(frozen=True)
class Figure:
    """One figure of the headline: ``value`` large, ``change`` against before, ``notes`` beneath (interval, bounds).

    ``tone``: of the change, plain where it may be chance.
    """

    id: str
    title: str
    value: str
    help: str = ""
    change: str = ""
    tone: Tone = Tone.PLAIN
    notes: tuple[str, ...] = ()
    link: Link | None = None


@dataclass(frozen=True)
class Figures:
    """The figures of the headline, side by side."""

    figures: tuple[Figure, ...]


@dataclass(frozen=True)
class Finding:
    """One thing that explains the change: a sentence, what is known besides, and calls for a ticket.

    ``weight``: its part of the whole change, 0 to 1, None where that cannot be told; ``facts``: names and cells.
    """

    sentence: str
    tone: Tone
    link: Link | None
    weight: float | None
    details: tuple[str, ...] = ()
    facts: tuple[tuple[str, Cell], ...] = ()
    proof: Table | None = None


@dataclass(frozen=True)
class Findings:
    """What explains the change, the largest part first."""

    findings: tuple[Finding, ...]


Block = Table | ChartRef | Paragraph | Figures | Findings


@dataclass(frozen=True)
class Section:
    """One question of the reader's; ``lead``: its answer in sentences."""

    id: str
    title: str
    lead: tuple[str, ...] = ()
    blocks: tuple[Block, ...] = ()

    @property
    def tables(self) -> tuple[Table, ...]:
        """The tables among its blocks."""
        return tuple(block for block in self.blocks if isinstance(block, Table))


@dataclass(frozen=True)
class Document:
    """The whole report. ``verdict``: the first sentence that everybody reads; ``tone``: good, bad or plain news.

    ``calls``: every call that a link shows, a row each, by ``calls.keys``; ``explain``: the command line that explains
    one of them, without its key.
    """

    language: str
    title: str
    subtitle: str
    verdict: str
    tone: Tone
    sections: tuple[Section, ...]
    calls: Table
    explain: str
    footer: tuple[str, ...] = field(default_factory=tuple)
