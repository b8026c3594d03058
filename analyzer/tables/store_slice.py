"""One period out of a store, as numpy columns: only the days and columns that are asked for are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING

import numpy as np

from analyzer.batch import Columns, Labels
from analyzer.schema import columns as schema_columns
from analyzer.tables.build import empty
from analyzer.tables.from_arrow import columns_of_arrow
from analyzer.tables.slices import ENDS, Slice, runs_of, within
from analyzer.tables.store_once import losers, without
from analyzer.tables.store_pieces import Piece, read_all
from analyzer.tables.store_roll import united
from analyzer.tables.store_tables import STORED

if TYPE_CHECKING:
    from analyzer.periods import Period
    from analyzer.tables.store_read import Store

_SECOND = 1_000_000_000
#: So many days before a period it is looked for rows that began there and reach into it.
INTERVAL_DAYS = 2


def read_slice(store: Store, period: Period, columns: Mapping[str, Sequence[str]] | None = None) -> Slice:
    """The rows of a period, each once, in the order of their times.

    ``columns``: the names that are wanted by table; a table that it does not name is not read, and empty. None: all
    of all. The period may be of another zone than the store's days. Raises StoreError when a part cannot be read,
    KeyError for a table or column that there is not.
    """
    wanted = {table: _names(table, columns) for table in STORED}
    if columns is not None and (strangers := sorted(set(columns) - set(STORED))):
        raise KeyError(f"a store has no table {strangers[0]}")
    tables = {table: _wanted(table, period, store.zone) for table, names in wanted.items() if names}
    return store.looking(tables, lambda pieces: _read(pieces, wanted, period))


def _wanted(table: str, period: Period, zone: tzinfo) -> Callable[[str], bool]:
    first, last = days_of(table, period, zone)
    return lambda day: first <= day <= last


def _names(table: str, columns: Mapping[str, Sequence[str]] | None) -> list[str]:
    known = [column.name for column in schema_columns(STORED[table].row_type)]
    if columns is None:
        return known
    asked = columns.get(table, ())
    if strangers := [name for name in asked if name not in known]:
        raise KeyError(f"{table} has no column {strangers[0]}")
    return [name for name in known if name in set(asked)]


def _read(pieces: Mapping[str, list[Piece]], wanted: Mapping[str, list[str]], period: Period) -> Slice:
    found: dict[str, Columns] = {}
    for table, names in wanted.items():  # calls come first: captures ask whose they are
        found[table] = _table(pieces.get(table, []), table, names, period, runs_of(found.get("calls")))
    return Slice(period, found)


def days_of(table: str, period: Period, zone: tzinfo) -> tuple[str, str]:
    """The first and the last day of a store's zone on which rows of a period may stand."""
    first = _day(period.from_ts, zone)
    last = _day(period.to_ts - 1, zone)
    if table == "captures":  # a capture may be as long as it likes, and there are few
        first = date.min
    elif table in ENDS:
        first -= timedelta(days=INTERVAL_DAYS)
    elif STORED[table].of_call:  # it stands on the day of its call
        first -= timedelta(days=1)
    return first.isoformat(), last.isoformat()


def _day(ts: int, zone: tzinfo) -> date:
    return datetime.fromtimestamp(ts // _SECOND, UTC).astimezone(zone).date()


def _table(pieces: Sequence[Piece], table: str, names: list[str], period: Period, runs: frozenset[str]) -> Columns:
    stored = STORED[table]
    if not pieces or not names:
        return empty(stored.row_type)
    order = [stored.time, *(name for name in (ENDS.get(table), "run", _number(table)) if name)]
    order += ["kind"] if table == "captures" else []
    read = list(dict.fromkeys([*names, *order]))
    lost = losers(pieces, table)
    parts = [without(rows, lost.get(place)) for place, rows in enumerate(read_all(pieces, read))]
    rows = within(columns_of_arrow(stored.row_type, united(parts, table, read)), table, stored.time, period, runs)
    return _in_order(rows, stored.time, _number(table))


def _number(table: str) -> str | None:
    """The column that numbers the rows of a run."""
    return {"calls": "call_no", "registrations": "registration_no"}.get(table)


def _in_order(rows: Columns, time: str, number: str | None) -> Columns:
    """Rows by time, those of one moment by run and number: however the store keeps them, statistics see the same."""
    run = rows["run"]
    assert isinstance(run, Labels)
    rank = np.empty(len(run.names) + 1, dtype=np.int64)
    rank[np.argsort(np.array([*run.names, ""], dtype=object), kind="stable")] = np.arange(len(rank))
    ties = [rows.ints(number)] if number else []
    order = np.lexsort((*ties, rank[run.codes], rows.ints(time)))
    return rows if (order[1:] > order[:-1]).all() else rows.take(order)
