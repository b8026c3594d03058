"""Reading a store, while others write to it: parts and what is in journals and not in parts yet, each row once.

A log leaves ``journal`` only when all of its parts are there. So journals are read first, then the parts are listed;
of a journal that is still there after that, what has a part is left to the part. One that has gone meanwhile has
been rolled: then it is begun anew.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow
from pyarrow import parquet

from analyzer.errors import StoreError
from analyzer.tables.journal import Log
from analyzer.tables.store_files import JOURNAL, LogName, logs_in, part_path, read_about
from analyzer.tables.store_roll import by_day, united
from analyzer.tables.store_tables import STORED, ArrowTable, once, stored_schema

if TYPE_CHECKING:
    from pandas import DataFrame

#: How often reading is begun anew because a journal was rolled meanwhile.
TRIES = 50
#: Branches and blocks stand with the day of their call.
_NEEDED = {"calls"}
Days = Collection[str]


def open_store(folder: Path | str) -> Store:
    """The store in a folder, to be read. Raises StoreError when there is none that this version reads."""
    return Store(folder)


class Store:
    """Tables of a store as Arrow tables; ``.to_pandas()`` makes DataFrames of them.

    ``days`` are texts such as ``2026-11-26`` in the store's zone, None for all; ``columns`` the names of those that
    are wanted. Each method looks at what is there when it is called. Raises StoreError when a part cannot be read.
    """

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)
        about = read_about(self.folder)
        self.schema, self.zone, self.created = about

    def calls(self, days: Days | None = None, columns: Sequence[str] | None = None) -> ArrowTable:
        """The calls: of several rows with one key the one that is not open, then that with more messages."""
        return self.table("calls", days, columns)

    def registrations(self, days: Days | None = None, columns: Sequence[str] | None = None) -> ArrowTable:
        """The registrations."""
        return self.table("registrations", days, columns)

    def others(self, days: Days | None = None, columns: Sequence[str] | None = None) -> ArrowTable:
        """Tallies of other transactions; to be added up."""
        return self.table("others", days, columns)

    def midcall(self, days: Days | None = None, columns: Sequence[str] | None = None) -> ArrowTable:
        """Requests inside dialogs that were refused or unanswered."""
        return self.table("midcall", days, columns)

    def branches(self, days: Days | None = None, columns: Sequence[str] | None = None) -> ArrowTable:
        """The INVITE transactions of calls."""
        return self.table("branches", days, columns)

    def blocks(self, days: Days | None = None, columns: Sequence[str] | None = None) -> ArrowTable:
        """Endpoints that asked to be left alone."""
        return self.table("blocks", days, columns)

    def traffic(self, days: Days | None = None, columns: Sequence[str] | None = None) -> ArrowTable:
        """Messages by hour, code, method and maker; to be added up."""
        return self.table("traffic", days, columns)

    def intervals(self, days: Days | None = None, columns: Sequence[str] | None = None) -> ArrowTable:
        """What each source of each run did between two writings."""
        return self.table("intervals", days, columns)

    def frame(self, table: str, days: Days | None = None, columns: Sequence[str] | None = None) -> DataFrame:
        """A table as a DataFrame, typed as `docs/tables.md` says."""
        made: DataFrame = self.table(table, days, columns).to_pandas()
        return made

    def table(self, table: str, days: Days | None = None, columns: Sequence[str] | None = None) -> ArrowTable:
        """A table of `STORED`, each row once. Raises KeyError for a table or column that there is not."""
        stored = STORED[table]
        known = stored_schema(stored.row_type)
        wanted = list(columns) if columns is not None else list(known.names)
        if strangers := [name for name in wanted if name not in known.names]:
            raise KeyError(f"{table} has no column {strangers[0]}")
        names = list(dict.fromkeys([*wanted, "run", *stored.same, *stored.prefer]))
        return once(self._all(table, days, names), table).select(wanted)

    def days(self, table: str = "calls") -> list[str]:
        """The days that a table has rows of, in order."""
        found = {day for day, _ in self._parts(table)}
        for journal in self._journals({table}).values():
            found |= journal[table].keys()
        return sorted(found)

    # -- parts and journals ----------------------------------------------------------------------------------------

    def _all(self, table: str, days: Days | None, names: list[str]) -> ArrowTable:
        for _ in range(TRIES):
            journals = self._journals({table})
            parts = [(day, path) for day, path in self._parts(table) if days is None or day in days]
            there = logs_in(self.folder, JOURNAL)
            if any(name not in there for name in journals):
                continue
            try:
                pieces = [self._part(path, names) for _, path in parts]
            except FileNotFoundError:
                continue
            known = {path for _, path in parts}
            for name, journal in sorted(journals.items()):
                for day, rows in sorted(journal[table].items()):
                    is_wanted = days is None or day in days
                    if is_wanted and part_path(self.folder, table, day, name) not in known:
                        pieces.append(rows)
            return united(pieces, table, names)
        raise StoreError(str(self.folder), "changes faster than it can be read: try again")

    def _journals(self, tables: set[str]) -> dict[LogName, dict[str, dict[str, ArrowTable]]]:
        """The rows of some tables that are in journals, by day."""
        found: dict[LogName, dict[str, dict[str, ArrowTable]]] = {}
        for name, path in logs_in(self.folder, JOURNAL).items():
            try:
                with Log(path, checked=tables | _NEEDED) as log:
                    found[name] = defaultdict(dict, by_day(log, self.zone, tables | _NEEDED))
            except FileNotFoundError:
                continue  # rolled just now: it is in the parts that are listed after this
            except OSError as error:
                raise StoreError(str(path), f"cannot be read: {error.strerror or error}") from error
        return found

    def _parts(self, table: str) -> list[tuple[str, Path]]:
        """The parts of a table, each with its day, in order."""
        found: list[tuple[str, Path]] = []
        for folder in _listed(self.folder / table):
            if folder.startswith("day="):
                place = self.folder / table / folder
                parts = [place / name for name in _listed(place) if name.endswith(".parquet")]
                found += [(folder.removeprefix("day="), path) for path in parts]
        return found

    def _part(self, path: Path, names: list[str] | None) -> ArrowTable:
        try:
            with parquet.ParquetFile(path) as file:
                there = set(file.schema_arrow.names)
                return file.read(columns=[name for name in names if name in there] if names is not None else None)
        except FileNotFoundError:
            raise
        except (OSError, pyarrow.ArrowException) as error:
            reason = f"cannot be read ({error}): sipcause store verify says what else is damaged"
            raise StoreError(str(path), reason) from error

    def every_part(self) -> Iterator[tuple[str, Path]]:
        """Every part of every table."""
        for table in STORED:
            yield from ((table, path) for _, path in self._parts(table))


def _listed(folder: Path) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []
