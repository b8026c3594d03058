"""What happened in one period, whatever it is read from: the tables that reports and comparisons are counted from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from analyzer.batch import MISSING, Columns
from analyzer.periods import Period

#: Tables whose rows have a length, with the column of their end: they belong to each period that they overlap.
ENDS = {"intervals": "to_ts", "captures": "end_ts"}


@dataclass(frozen=True)
class Slice:
    """The rows of one period, by table (docs/tables.md, tables in a store), as numpy columns.

    ``tables``: ``calls`` (with ``call_key`` and ``run``), ``registrations``, ``others``, ``midcall``, ``branches``,
    ``blocks``, ``traffic``, ``intervals``, ``captures``, ``doubts``; of each the rows whose time
    (`store_tables.STORED`) lies in the period, with at least the columns that were asked for; of ``intervals`` and
    ``captures`` those that overlap it. A table that nobody wrote is there, and empty.
    """

    period: Period
    tables: Mapping[str, Columns] = field(default_factory=dict)

    def __getitem__(self, table: str) -> Columns:
        return self.tables[table]

    @property
    def calls(self) -> Columns:
        """The calls."""
        return self.tables["calls"]


def slice_of(tables: Mapping[str, Columns], period: Period, run: str = "") -> Slice:
    """The rows of whole tables that lie in a period.

    Tables of an analysis (``Result.columns``) get the columns that a store would give them: ``call_key``, and ``run``
    as it is given here. Tables that are stored ones already stay as they are; those that are not given are empty.
    """
    from analyzer.tables.build import complete
    from analyzer.tables.store_tables import STORED, stored_columns

    keys: dict[int, str] = {}
    found = {}
    for table, stored in STORED.items():  # calls come first: branches and blocks look up the keys of theirs
        rows = complete(tables.get(table, Columns(stored.row_type, {}, 0)))
        if rows.row_type is not stored.row_type:
            rows = stored_columns(table, rows, run, keys)
        found[table] = within(rows, table, stored.time, period)
    return Slice(period, found)


def within(rows: Columns, table: str, time: str, period: Period) -> Columns:
    """The rows of a table that belong to a period. Rows without a time belong to none."""
    if not len(rows):
        return rows
    chosen = belongs(rows, table, time, period)
    return rows if chosen.all() else rows.take(np.flatnonzero(chosen))


def belongs(rows: Columns, table: str, time: str, period: Period) -> NDArray[np.bool_]:
    """Which rows of a table belong to a period."""
    times = rows.ints(time)
    end = ENDS.get(table)
    chosen: NDArray[np.bool_] = (times < period.to_ts) & (times != MISSING)
    if end is None:
        return chosen & (times >= period.from_ts)
    ends = rows.ints(end)  # what ends in the moment in which the period begins is over before it
    return chosen & ((times >= period.from_ts) | (ends > period.from_ts))
