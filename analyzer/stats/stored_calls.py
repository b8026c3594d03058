"""Calls of a store: those that a choice fits, those that a key names, and where the captures that they stand in are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from analyzer import schema
from analyzer.batch import Columns, Ints, concat
from analyzer.periods import Period, period_of
from analyzer.stats.scanners import find
from analyzer.stats.select import Choice, chosen
from analyzer.tables.from_arrow import columns_of_arrow
from analyzer.tables.store_slice import read_slice
from analyzer.tables.store_tables import STORED, ArrowTable
from analyzer.vocab import SourceKind

if TYPE_CHECKING:
    from analyzer.registry import Registry
    from analyzer.tables.store_read import Store

_SECOND = 1_000_000_000
#: Shorter beginnings of a key are taken for something else.
SHORTEST_KEY = 6
_HEX = frozenset("0123456789abcdef")


class Place(NamedTuple):
    """A capture in which a call may stand, as its run numbers it."""

    capture_no: int
    source: str
    kind: str
    is_there: bool


def last_day_ts(store: Store) -> int | None:
    """A moment of the last day that the store has calls of, ns: times that are typed without a day mean it."""
    days = store.days()
    return (
        None if not days else period_of(date.fromisoformat(days[-1]), date.fromisoformat(days[-1]), store.zone).from_ts
    )


def stored_calls(store: Store, choice: Choice, registry: Registry) -> tuple[Columns, Ints]:
    """The calls of the days that a choice is about, and which of them fit, both in the order of their first INVITE.

    Who scans is told as a weekly report tells it: by all that was seen in the weeks that the choice is about.
    """
    period = _period(store, choice)
    if period is None:
        return read_slice(store, period_of(date(1970, 1, 1), date(1970, 1, 1), UTC)).calls, np.empty(0, dtype=np.int64)
    asked = {"calls": _names("calls")}
    if choice.is_scanner is not None:
        asked |= {name: _names(name) for name in ("registrations", "others")}
    part = read_slice(store, period, asked)
    calls = part.calls
    if choice.is_scanner is not None and len(calls):
        marks = find(calls, part["registrations"], registry, part["others"]).is_scanner
        calls = Columns(calls.row_type, {**calls.columns, "is_scanner": marks}, len(calls))
    return calls, chosen(calls, choice)


def _names(table: str) -> Sequence[str]:
    return [column.name for column in schema.columns(STORED[table].row_type)]


def _period(store: Store, choice: Choice) -> Period | None:
    """Whole weeks where scanners are asked for, else whole days; None for a store without calls."""
    days = store.days()
    if not days:
        return None
    first, last = date.fromisoformat(days[0]), date.fromisoformat(days[-1])
    if choice.since is not None:
        first = max(first, _day(choice.since, store))
    if choice.until is not None:
        last = min(last, _day(choice.until - 1, store))
    if choice.is_scanner is not None:
        first -= timedelta(days=first.weekday())
        last += timedelta(days=6 - last.weekday())
    return period_of(first, max(first, last), store.zone)


def _day(ts: int, store: Store) -> date:
    return datetime.fromtimestamp(ts // _SECOND, UTC).astimezone(store.zone).date()


def named_calls(store: Store, which: str) -> tuple[Columns, Ints]:
    """The calls, and their places among these (all), whose key is or begins with a text, else those of that Call-ID.

    Read day by day, so that a large store needs no memory.
    """
    is_key = len(which) >= SHORTEST_KEY and not set(which.lower()) - _HEX
    for column in (["call_key"] if is_key else []) + ["call_id"]:
        found = [part for day in store.days() if (part := _named(store, day, column, which)) is not None]
        if found:
            row_type = STORED["calls"].row_type
            calls = concat(row_type, [columns_of_arrow(row_type, part) for part in found])
            return calls, np.arange(len(calls))
    return Columns(STORED["calls"].row_type, {}, 0), np.empty(0, dtype=np.int64)


def _named(store: Store, day: str, column: str, which: str) -> ArrowTable | None:
    import pyarrow.compute as pc

    def fits(rows: ArrowTable) -> Any:
        texts = rows.column(column)
        found = pc.starts_with(texts, which.lower()) if column == "call_key" else pc.equal(texts, which)
        return pc.fill_null(found, False)

    if not pc.any(fits(store.calls([day], [column]))).as_py():
        return None
    rows = store.calls([day])
    return rows.filter(fits(rows))


def of_call(store: Store, table: str, call: Mapping[str, Any]) -> Columns:
    """The rows of branches, blocks or midcall that are about a call."""
    import pyarrow.compute as pc

    days = [_day(call["invite_ts"] + shift, store).isoformat() for shift in (0, 86_400 * _SECOND)]
    rows = store.table(table, days)
    own = pc.and_(pc.equal(rows.column("run"), call["run"]), pc.equal(rows.column("call_no"), call["call_no"]))
    return columns_of_arrow(STORED[table].row_type, rows.filter(pc.fill_null(own, False)))


class Places:
    """Where the calls of a store stand."""

    def __init__(self, store: Store) -> None:
        names = ["run", "capture_no", "source", "kind", "start_ts", "end_ts"]
        captures = columns_of_arrow(STORED["captures"].row_type, store.table("captures", columns=names))
        self._of_run: dict[str, list[dict[str, Any]]] = {}
        for row in captures.rows():
            self._of_run.setdefault(row["run"], []).append(row)

    def of(self, call: Mapping[str, Any]) -> list[Place]:
        """First the capture (or source) of its first message, then others of its run in which it may go on."""
        begin = call["invite_ts"]
        end = max(call[name] or begin for name in ("end_ts", "last_ts", "ack_ts", "bye_ts", "invite_ts"))
        rows = self._of_run.get(call["run"], [])
        found: dict[str, Place] = {}
        for row in sorted(rows, key=lambda row: (row["capture_no"] != call["capture_no"], row["start_ts"] or 0)):
            is_file = row["kind"] == SourceKind.FILE
            meets = (row["start_ts"] or 0) <= end and (row["end_ts"] or 0) >= begin
            if row["capture_no"] == call["capture_no"] or (meets and is_file):
                place = Place(row["capture_no"], row["source"], row["kind"], is_file and Path(row["source"]).is_file())
                found.setdefault(row["source"], place)
        return list(found.values())

    def of_all(self, calls: Columns) -> tuple[list[str], list[str]]:
        """The captures in which some calls stand: those that are there, and those that are not (any more)."""
        there: dict[str, None] = {}
        gone: dict[str, None] = {}
        for call in calls.rows():
            stands = self.of(call)
            for place in stands:
                (there if place.is_there else gone)[place.source] = None
            if not stands:
                gone[f"run {call['run']}"] = None
        return list(there), list(gone)


def with_key(calls: Columns, wanted: Columns) -> Ints:
    """The call_no, among calls of an analysis, of those that a store calls so."""
    from analyzer.tables.store_keys import call_keys

    keys = {wanted.value("call_key", row) for row in range(len(wanted))}
    found = [key in keys for key in call_keys(calls).values()]
    if not any(found):
        return np.empty(0, dtype=np.int64)
    numbers: Ints = calls.ints("call_no")[np.array(found, dtype=np.bool_)]
    return numbers
