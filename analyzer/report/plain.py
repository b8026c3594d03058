"""A report as plain values, for JSON and CSV: every field of the lines under its own name, nothing in words.

Times (fields that end in ``ts``) are RFC 3339 in UTC with nine decimals, days are ISO dates, shares are per cent with a
dot, what is missing is missing. The order of lists is that of the report, the order of keys that of the dataclasses.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from enum import Enum
from functools import cache
from math import isfinite
from types import UnionType
from typing import TYPE_CHECKING, Any, NamedTuple, Union, get_args, get_origin, get_type_hints

from analyzer.periods import Period
from analyzer.report.lines import Count
from analyzer.stats.document import rfc3339
from analyzer.stats.kpi import Ratio
from analyzer.tables.notation import csv_cell
from analyzer.wiretext import printable_text

if TYPE_CHECKING:
    from analyzer.report.model import WeeklyReport

#: Version of the document and of the CSV files; see docs/report-parts/paper.md.
SCHEMA = 1
#: Decimals of per cents, seconds and the like: beyond them lies the rounding of processors.
_DECIMALS = 9
_COUNT = ("", "_shown", "_choice")
_RATIO = ("_numerator", "_denominator", "_percent", "_low", "_high")


class Sheet(NamedTuple):
    """One CSV table: its name, what a row is, its headings and rows of values that `cell` writes."""

    name: str
    about: str
    headings: tuple[str, ...]
    rows: Iterator[list[str]]


def json_document(report: WeeklyReport) -> dict[str, Any]:
    """The whole report as values that `json.dumps` takes; docs/report.schema.json is its schema."""
    return {
        "schema": SCHEMA,
        **_object(report),
        "calls": {key: plain(report.calls[key]) for key in sorted(report.calls)},
    }


def csv_sheets(report: WeeklyReport) -> Iterator[Sheet]:
    """Every table of the report: each field that holds lines, those of ``registrations`` and ``durations`` besides."""
    for name, row_type, rows in _tables(report):
        columns = _columns(row_type)
        yield Sheet(
            name,
            " ".join((row_type.__doc__ or "").split()),
            tuple(heading for column in columns for heading in column.headings),
            ([text for column in columns for text in column.cells(getattr(row, column.name))] for row in rows),
        )


def _tables(report: WeeklyReport) -> Iterator[tuple[str, type[Any], Iterator[Any]]]:
    for holder, prefix in (
        (report, ""),
        (report.about, ""),
        (report.change, "change_"),
        (report.registrations, "registrations_"),
        (report.durations, "durations_"),
    ):
        for name, hint in hints(type(holder)).items():
            held = get_args(hint)
            if (
                get_origin(hint) is tuple
                and is_dataclass(held[0])
                and isinstance(held[0], type)
                and held[0] is not Period
            ):
                yield prefix + name, held[0], iter(getattr(holder, name))
    from analyzer.report.lines import CallRef

    yield "calls", CallRef, (report.calls[key] for key in sorted(report.calls))


class _Column(NamedTuple):
    """A field of a line and the columns that it becomes."""

    name: str
    kind: str

    @property
    def headings(self) -> tuple[str, ...]:
        ends = {"count": _COUNT, "ratio": _RATIO}.get(self.kind, ("",))
        return tuple(self.name + end for end in ends)

    def cells(self, value: Any) -> list[str]:
        if self.kind == "count":
            if value is None:
                return [""] * len(_COUNT)
            return [_cell(value.calls), _cell(" ".join(value.shown) or None), _cell(value.choice or None)]
        if self.kind == "ratio":
            return [_cell(part) for part in _ratio(value).values()] if value is not None else [""] * len(_RATIO)
        if self.kind == "time":
            return [_cell(rfc3339(value))]
        return [_cell(value)]


def _columns(row_type: type[Any]) -> tuple[_Column, ...]:
    return tuple(_Column(name, _kind(name, hint)) for name, hint in hints(row_type).items())


def _kind(name: str, hint: Any) -> str:
    held = {hint, *get_args(hint)} if get_origin(hint) in (Union, UnionType) else {hint}
    if Count in held:
        return "count"
    if Ratio in held:
        return "ratio"
    return "time" if is_time(name) else "plain"


def is_time(name: str) -> bool:
    """Whether a field holds nanoseconds since the epoch."""
    return name == "ts" or name.endswith("_ts")


def _cell(value: Any) -> str:
    """A value as a CSV cell: numbers with dots, maps and lists as JSON, no text that a spreadsheet would compute."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and not isinstance(value, Enum):
        return str(value)
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str):
        return csv_cell(printable_text(value))
    return csv_cell(json.dumps(plain(value), ensure_ascii=False, separators=(",", ":")))


def _number(value: float) -> str:
    if not isfinite(value):
        return ""
    text = f"{value:.{_DECIMALS}f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def plain(value: Any, name: str = "") -> Any:
    """A value of a report as JSON holds it; ``name``: of the field, which tells times."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, str):
        return printable_text(value)
    if isinstance(value, Ratio):
        return _ratio(value)
    if isinstance(value, Period):
        return _period(value)
    if is_dataclass(value):
        return _object(value)
    if isinstance(value, int):
        return rfc3339(value) if is_time(name) else value
    if isinstance(value, float):
        return round(value, _DECIMALS) if isfinite(value) else None
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {printable_text(str(key)): plain(held) for key, held in value.items()}
    return [plain(held) for held in value]


def _object(value: Any) -> dict[str, Any]:
    return {field.name: plain(getattr(value, field.name), field.name) for field in fields(value)}


def _ratio(ratio: Ratio) -> dict[str, Any]:
    low, high = ratio.interval or (None, None)
    return {
        "numerator": ratio.numerator,
        "denominator": ratio.denominator,
        "percent": plain(ratio.value),
        "low": plain(low),
        "high": plain(high),
    }


def _period(period: Period) -> dict[str, Any]:
    return {
        "label": period.label,
        "from": rfc3339(period.from_ts),
        "to": rfc3339(period.to_ts),
        "days": list(period.day_names),
        "zone": getattr(period.zone, "key", None) or str(period.zone),
        "hours": period.hours,
    }


def hints(row_type: type[Any]) -> dict[str, Any]:
    """The fields of a dataclass of the report and their types."""
    found = get_type_hints(row_type, localns=_names())
    return {field.name: found[field.name] for field in fields(row_type)}


@cache
def _names() -> dict[str, Any]:
    """What annotations of the model refer to."""
    from analyzer.report import lines, lines_of_traffic, model

    return {**vars(lines), **vars(lines_of_traffic), **vars(model)}
