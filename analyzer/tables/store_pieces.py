"""Where the rows of a store stand at one moment: its parts, and what is in journals and not in parts yet.

A log leaves ``journal`` only when all of its parts are there. So journals are read first, then the parts are listed;
of a journal that is still there after that, what has a part is left to the part. One that has gone meanwhile has
been rolled: then it is begun anew. A compacted part (`store_compact`) names the parts that it holds: these do not
count any more, whether they are still there or not.
"""

from __future__ import annotations

import json
import os
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import tzinfo
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import pyarrow
from pyarrow import parquet

from analyzer.errors import StoreError
from analyzer.tables.journal import Log
from analyzer.tables.store_files import JOURNAL, LogName, logs_in, part_path
from analyzer.tables.store_roll import by_day
from analyzer.tables.store_tables import ArrowTable

#: How often looking is begun anew because something changed meanwhile.
TRIES = 50
#: In the notes of a compacted part: the names of the parts that it holds, as JSON.
HOLDS = b"sipcause.holds"
#: Begins the name of a compacted part.
WHOLE = "whole-"
#: Branches and blocks stand with the day of their call.
_NEEDED = {"calls"}
_PART = re.compile(r"part-(?P<run>[A-Za-z0-9._-]+)-(?P<sequence>\d{6,})\.parquet")
_THREADS = 2
Days = Collection[str]
#: Whether a day is wanted; None: all are.
Wanted: TypeAlias = Callable[[str], bool] | None


class Piece(NamedTuple):
    """Some rows of one table and day: a part, or what a journal has of it."""

    day: str
    #: Whose rows these are, each of them once: a run, or a compacted part.
    writer: str
    path: Path | None
    rows: ArrowTable = None

    def read(self, names: Sequence[str] | None) -> ArrowTable:
        """Its rows with some columns, in order; what it lacks is left out.

        Raises FileNotFoundError when the part has gone, StoreError when it cannot be read.
        """
        if self.path is None:
            there = set(self.rows.column_names)
            return self.rows.select([name for name in names if name in there]) if names is not None else self.rows
        with opened(self.path) as file:
            there = set(file.schema_arrow.names)
            wanted = [name for name in names if name in there] if names is not None else None
            return told(self.path, lambda: file.read(columns=wanted, use_threads=False))

    def row_count(self) -> int:
        """How many rows it has."""
        if self.path is None:
            return len(self.rows)
        with opened(self.path) as file:
            return int(file.metadata.num_rows)


def opened(path: Path) -> Any:
    """A part, opened. Raises FileNotFoundError when it has gone, StoreError when it cannot be read."""
    return told(path, lambda: parquet.ParquetFile(path))


def told(path: Path, work: Callable[[], Any]) -> Any:
    """What ``work`` reads of a part; its trouble as a StoreError that names it, but FileNotFoundError as it is."""
    try:
        return work()
    except FileNotFoundError:
        raise
    except (OSError, pyarrow.ArrowException) as error:
        reason = f"cannot be read ({error}): sipcause store verify says what else is damaged"
        raise StoreError(str(path), reason) from error


def read_all(pieces: Sequence[Piece], names: Sequence[str] | None) -> list[ArrowTable]:
    """The rows of some pieces, in their order; two are read at a time."""
    if len(pieces) < 3:
        return [piece.read(names) for piece in pieces]
    with ThreadPoolExecutor(_THREADS, "sipcause-read") as pool:
        return list(pool.map(lambda piece: piece.read(names), pieces))


def pieces_of(folder: Path, zone: tzinfo, tables: Mapping[str, Wanted]) -> dict[str, list[Piece]]:
    """The pieces of some tables at one moment, of each those of the wanted days, in the order of days and names.

    Raises StoreError when a journal cannot be read, or the store changes faster than it can be looked at.
    """
    for _ in range(TRIES):
        journals = _journals(folder, zone, tables)
        try:
            parts = {table: counted(folder, table, wanted) for table, wanted in tables.items()}
        except FileNotFoundError:
            continue
        if any(name not in logs_in(folder, JOURNAL) for name in journals):
            continue
        found = {}
        for table, there in parts.items():
            wanted = tables[table]
            pieces = [Piece(day, _writer(path.name), path) for day, path in there]
            known = {path for _, path in there}
            for name, journal in sorted(journals.items()):
                for day, rows in sorted(journal[table].items()):
                    is_wanted = wanted is None or wanted(day)
                    if is_wanted and part_path(folder, table, day, name) not in known:
                        pieces.append(Piece(day, name.run, None, rows))
            found[table] = sorted(pieces, key=lambda piece: piece.day)
        return found
    raise StoreError(str(folder), "changes faster than it can be read: try again")


def _writer(name: str) -> str:
    match = _PART.fullmatch(name)
    return match["run"] if match else name


def log_of(path: Path) -> LogName | None:
    """The log that a part was rolled from; None for a compacted one."""
    match = _PART.fullmatch(path.name)
    return LogName(match["run"], int(match["sequence"])) if match else None


def _journals(folder: Path, zone: tzinfo, tables: Collection[str]) -> dict[LogName, dict[str, dict[str, ArrowTable]]]:
    """The rows of some tables that are in journals, by day."""
    found: dict[LogName, dict[str, dict[str, ArrowTable]]] = {}
    needed = {*tables, *_NEEDED}
    for name, path in logs_in(folder, JOURNAL).items():
        try:
            with Log(path, checked=needed) as log:
                found[name] = defaultdict(dict, by_day(log, zone, needed))
        except FileNotFoundError:
            continue  # rolled just now: it is in the parts that are listed after this
        except OSError as error:
            raise StoreError(str(path), f"cannot be read: {error.strerror or error}") from error
    return found


def counted(folder: Path, table: str, wanted: Wanted = None) -> list[tuple[str, Path]]:
    """The parts of a table that count, each with its day, in order.

    A listing that goes on while parts are replaced may show neither the old nor the new ones; two that agree do not.
    Raises FileNotFoundError when a part went meanwhile: then look again.
    """
    parts = list(listed(folder, table, wanted))
    while (again := list(listed(folder, table, wanted))) != parts:
        parts = again
    held = {(day, name) for day, path in parts if path.name.startswith(WHOLE) for name in holds(path)}
    return [(day, path) for day, path in parts if (day, path.name) not in held]


def listed(folder: Path, table: str, wanted: Wanted = None) -> Iterator[tuple[str, Path]]:
    """Every part of a table that is there, with its day, in order."""
    for name in _names(folder / table):
        day = name.removeprefix("day=")
        if day != name and (wanted is None or wanted(day)):
            place = folder / table / name
            yield from ((day, place / part) for part in _names(place) if part.endswith(".parquet"))


def holds(path: Path) -> list[str]:
    """The names of the parts whose rows a compacted part holds. Raises as `opened` does."""
    with opened(path) as file:
        notes = file.metadata.metadata or {}
    return list(json.loads(notes.get(HOLDS, b"[]")))


def _names(folder: Path) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []
