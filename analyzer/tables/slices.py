"""What happened in one period, whatever it is read from: the tables that reports and comparisons are counted from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from analyzer.batch import Columns
from analyzer.periods import Period


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
