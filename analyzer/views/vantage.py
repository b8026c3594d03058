"""The grade of a capture in one line, its checks that are not good, and between which values the figures lie."""

from __future__ import annotations

from collections.abc import Sequence

from analyzer.registry.counting_entries import VantageCheck
from analyzer.schema import BoundRow, VantageRow
from analyzer.stats.analysis import Analysis
from analyzer.stats.bounds import bound_rows
from analyzer.stats.doubts import doubts
from analyzer.stats.vantage import FAIR, GOOD, POOR, grade, vantage
from analyzer.views.table import Cell, Column, Table, Tone
from analyzer.views.words import Words

_TONES = {GOOD: Tone.GOOD, FAIR: Tone.WARN, POOR: Tone.BAD}
#: Checks that the line names.
_NAMED = 2
#: A range narrower than this (percentage points) says nothing that rounding does not.
_NARROW = 0.5
#: The figure that stands for all in the line.
_FOREMOST = "ser"
#: Names of at most so many letters are abbreviations.
_ABBREVIATED = 4


def vantage_shown(analysis: Analysis, words: Words) -> tuple[str, list[Table]]:
    """The line and its tables; the line is empty for a capture without SIP and without anything that hides it."""
    doubt = doubts(analysis)
    rows, ranges = vantage(analysis, doubt), bound_rows(analysis, doubt)
    checks = list(analysis.registry.vantage_checks.values())
    is_silent = not any(row.sip_messages for row in analysis.captures) and not any(row.affected for row in rows)
    line = "" if is_silent else vantage_line(rows, ranges, {check.id: check for check in checks}, words)
    return line, [
        vantage_table(rows, {check.id: check for check in checks}, words),
        bounds_table(ranges, words),
    ]


def vantage_line(
    rows: Sequence[VantageRow], ranges: Sequence[BoundRow], checks: dict[str, VantageCheck], words: Words
) -> str:
    """The grade and why, in one sentence."""
    found = grade(list(rows))
    if found == GOOD:
        small = [row for row in rows if row.affected and checks[row.check].fair is not None]
        if not small:
            return words("Capture: good – both sides seen, no gaps, nothing cut off.")
        why = "; ".join(_said(row, checks, words) for row in _worst(small))
        return words("Capture: good – {why}.", why=why)
    why = "; ".join(_said(row, checks, words) for row in _worst([row for row in rows if row.grade == found]))
    line = words("Capture: {grade} – {why}.", grade=words(found), why=why)
    foremost = next((row for row in ranges if row.kpi == _FOREMOST), None)
    if foremost is None or foremost.low is None or foremost.high is None or foremost.high - foremost.low < _NARROW:
        return line
    low, high = (words.decimal(end) for end in (foremost.low, foremost.high))
    return line + " " + words("{kpi} lies between {low}% and {high}%.", kpi=_FOREMOST.upper(), low=low, high=high)


def _worst(rows: Sequence[VantageRow]) -> Sequence[VantageRow]:
    """The checks that the line names: the largest shares, in the order of their weight among equals."""
    return sorted(rows, key=lambda row: -(row.share or 0.0))[:_NAMED]


def _said(row: VantageRow, checks: dict[str, VantageCheck], words: Words) -> str:
    title = words(checks[row.check].title)
    if row.total <= 1 or checks[row.check].unit == "captures":
        return f"{title}: {words.number(row.affected)}"
    return f"{title}: {words.share(row.affected, row.total)}"


def vantage_table(rows: Sequence[VantageRow], checks: dict[str, VantageCheck], words: Words) -> Table:
    """The checks that are not good, the poor ones first; copies too, because they explain differing message counts."""
    columns = [
        Column(words("count"), align_right=True),
        Column(words("share"), align_right=True),
        Column(words("grade")),
        Column(words("limit of the capture"), shrink=True),
        Column(words("what follows"), rank=1, shrink=True),
    ]
    shown = sorted((row for row in rows if row.grade != GOOD), key=lambda row: (row.grade != POOR, -(row.share or 0.0)))
    cells = [
        (
            Cell(words.number(row.affected)),
            Cell(words.share(row.affected, row.total)),
            Cell(words(row.grade), _TONES[row.grade]),
            Cell(words(checks[row.check].title)),
            Cell(words(checks[row.check].follows), Tone.FAINT),
        )
        for row in shown
    ]
    return Table(words("What this capture cannot say"), columns, cells)


def bounds_table(ranges: Sequence[BoundRow], words: Words) -> Table:
    """Figures whose range is wider than rounding."""
    columns = [
        Column(words("figure")),
        Column(words("as counted"), align_right=True),
        Column(words("at least"), align_right=True),
        Column(words("at most"), align_right=True),
        Column(words("doubtful"), align_right=True, rank=1),
        Column(words("not counted"), align_right=True, rank=1),
    ]
    rows = [
        (
            Cell(row.kpi.upper() if len(row.kpi) <= _ABBREVIATED else row.kpi),
            Cell(_value(row.value, row.unit, words)),
            Cell(_value(row.low, row.unit, words)),
            Cell(_value(row.high, row.unit, words)),
            Cell(words.number(row.doubtful)),
            Cell(words.number(row.outside)),
        )
        for row in ranges
        if row.low is not None and row.high is not None and row.high - row.low >= _NARROW
    ]
    notes = [
        words(
            "at least, at most: if all doubtful calls (counted, but their final may have been missed) and all that are "
            "not counted (cut off, lost, not readable) lie on the one or on the other side"
        )
    ]
    return Table(words("How far the figures can be wrong"), columns, rows, notes)


def _value(value: float | None, unit: str, words: Words) -> str:
    """A figure with its unit; a dash where there is none."""
    if value is None:
        return "–"
    return words.decimal(value) + ("%" if unit == "%" else f" {unit}")
