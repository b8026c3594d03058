"""What happened in one period, whatever it is read from: the tables that reports and comparisons are counted from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from analyzer.batch import MISSING, Columns
from analyzer.periods import Period
from analyzer.vocab import SourceKind

#: Tables whose rows have a length, with the column of their end: they belong to each period that they overlap.
ENDS = {"intervals": "to_ts", "captures": "end_ts"}


@dataclass(frozen=True)
class Slice:
    """The rows of one period, by table (docs/tables.md, tables in a store), as numpy columns.

    ``tables``: ``calls`` (with ``call_key`` and ``run``), ``registrations``, ``others``, ``midcall``, ``branches``,
    ``blocks``, ``traffic``, ``intervals``, ``captures``, ``doubts``; of each the rows whose time
    (`store_tables.STORED`) lies in the period, with at least the columns that were asked for; of ``intervals`` and
    ``captures`` those that overlap it, and of ``captures`` the live sources of runs that told one of its calls (what
    they heard stands in ``intervals``). A table that nobody wrote is there, and empty.
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
    found: dict[str, Columns] = {}
    for table, stored in STORED.items():  # calls come first: branches and blocks look up the keys of theirs
        rows = complete(tables.get(table, Columns(stored.row_type, {}, 0)))
        if rows.row_type is not stored.row_type:
            rows = stored_columns(table, rows, run, keys)
        found[table] = within(rows, table, stored.time, period, runs_of(found.get("calls")))
    return Slice(period, found)


def runs_of(calls: Columns | None) -> frozenset[str]:
    """The runs that told some calls."""
    if calls is None or not len(calls):
        return frozenset()
    run = calls.labels("run")
    return frozenset(run.names[code] for code in np.unique(run.codes).tolist() if code >= 0)


def within(rows: Columns, table: str, time: str, period: Period, runs: frozenset[str] = frozenset()) -> Columns:
    """The rows of a table that belong to a period. Rows without a time belong to none.

    ``runs``: those that told a call of the period (`runs_of`).
    """
    if not len(rows):
        return rows
    times = rows.ints(time)
    chosen: NDArray[np.bool_] = (times < period.to_ts) & (times != MISSING)
    if table in ENDS:  # what ends in the moment in which the period begins is over before it
        chosen &= (times >= period.from_ts) | (rows.ints(ENDS[table]) > period.from_ts)
    else:
        chosen &= times >= period.from_ts
    if table == "captures" and runs:
        run, kind = rows.labels("run"), rows.labels("kind")
        is_told = np.array([*(name in runs for name in run.names), False])[run.codes]
        is_live = np.array([*(name != SourceKind.FILE for name in kind.names), False])[kind.codes]
        chosen |= is_told & is_live
    return rows if chosen.all() else rows.take(np.flatnonzero(chosen))
