"""Merging the parts of a day into one, beside runs that write and programs that read.

The merged part is made under another name and takes its place at once; it says which parts it holds. From that moment
these do not count, wherever what follows stops: they are removed after it, at the latest by the next compaction. Parts
whose log is still in ``journal`` are left alone: rolling may write them once more.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow
from pyarrow import parquet

from analyzer.batch import Ints
from analyzer.errors import StoreError
from analyzer.tables.from_arrow import ints_of_arrow
from analyzer.tables.store_files import JOURNAL, NEW, Disk, LogName, logs_in, new_run
from analyzer.tables.store_locks import Lock
from analyzer.tables.store_once import losers, without
from analyzer.tables.store_pieces import HOLDS, WHOLE, Piece, counted, listed, log_of, opened, read_all, told
from analyzer.tables.store_roll import parquet_options, united
from analyzer.tables.store_tables import STORED, ArrowTable, conformed, stored_schema, summed

if TYPE_CHECKING:
    from analyzer.tables.store_read import Store

#: Who merges or removes parts holds this lock.
TIDYING = "tidying"
#: A group of rows is written when it has so many rows or so many octets.
ROWS, OCTETS = 1 << 17, 48 << 20
#: So many rows of a part are read at once.
_BATCH = 1 << 15
#: Of tallies so many parts are read at once and added up.
_TALLIES = 64


class Compacted(NamedTuple):
    """What compacting did."""

    #: Parts that were merged, and into how many.
    parts: int
    made: int
    #: Rows that another run had told as well, and tallies that were added up.
    dropped: int
    octets_before: int
    octets_after: int


def compact(store: Store, disk: Disk | None = None) -> Compacted:
    """Merge the parts of each day and table into one, each row once, tallies added up.

    Needs memory for a group of rows and the times of a day, not for a day. Raises StoreError when another process
    tidies this store up, a part cannot be read, or the disk is full; what was merged so far stays.
    """
    disk = disk or Disk()
    run = new_run()
    done = Compacted(0, 0, 0, 0, 0)
    with tidying(store.folder):
        for table in STORED:
            for day in sorted({day for day, _ in listed(store.folder, table)}):
                one = _merge(store.folder, table, day, LogName(run, done.made + 1), disk)
                done = Compacted(*(sum(pair) for pair in zip(done, one, strict=True)))
    return done


@contextmanager
def tidying(folder: Path) -> Iterator[None]:
    """Nobody else merges or removes parts. Raises StoreError when somebody does, and for trouble with the disk."""
    try:
        lock = Lock.take(folder, TIDYING)
    except OSError as error:
        raise StoreError(str(folder), f"cannot be written: {error.strerror or error}") from error
    if lock is None:
        raise StoreError(str(folder), "another process compacts or prunes it: wait for that one")
    try:
        yield
    except OSError as error:
        raise StoreError(str(folder), f"cannot be written: {error.strerror or error}") from error
    finally:
        lock.release()


def _merge(folder: Path, table: str, day: str, name: LogName, disk: Disk) -> Compacted:
    """Merge the parts of one day and table. Raises OSError and StoreError."""
    place = folder / table / f"day={day}"
    for half in place.glob(f"{WHOLE}*{NEW}"):  # left by one that was interrupted
        disk.remove(half)
    parts = [path for _, path in counted(folder, table, day.__eq__)]
    for path in {path for _, path in listed(folder, table, day.__eq__)} - set(parts):
        disk.remove(path)  # another one holds it
    # Looked at after the parts were: a log that is gone by now is never rolled again.
    journals = logs_in(folder, JOURNAL)
    parts = [path for path in parts if log_of(path) not in journals]
    if len(parts) < 2:
        return Compacted(0, 0, 0, 0, 0)
    pieces = [Piece(day, _writer(path), path) for path in _by_time(parts, table)]
    before, rows = sum(path.stat().st_size for path in parts), sum(piece.row_count() for piece in pieces)
    notes = {HOLDS: json.dumps([path.name for path in parts]).encode()}
    whole = place / f"{WHOLE}{name}.parquet"
    with disk.made(whole) as file:
        stay = _write(file, _groups(pieces, table), table, notes)
    for path in parts:
        disk.remove(path)
    return Compacted(len(parts), 1, rows - stay, before, whole.stat().st_size)


def _writer(path: Path) -> str:
    log = log_of(path)
    return log.run if log is not None else path.name


def _by_time(parts: Sequence[Path], table: str) -> list[Path]:
    """Parts in the order of their first times, so that the merged one is about in the order of time."""
    at = list(stored_schema(STORED[table].row_type).names).index(STORED[table].time)

    def first(path: Path) -> tuple[int, str]:
        with opened(path) as file:
            about = file.metadata
            names = [about.schema.column(number).name for number in range(about.num_columns)]
            column = names.index(STORED[table].time) if STORED[table].time in names else at
            for group in range(about.num_row_groups):
                statistics = about.row_group(group).column(column).statistics
                if statistics is not None and statistics.has_min_max:
                    return int(statistics.min_raw), path.name
        return 0, path.name

    return sorted(parts, key=first)


def _write(file: Any, groups: Iterator[ArrowTable], table: str, notes: dict[bytes, bytes]) -> int:
    """Write groups of rows as a part; how many rows they were. Raises OSError."""
    schema = stored_schema(STORED[table].row_type)
    schema = schema.with_metadata({**(schema.metadata or {}), **notes})
    rows = 0
    with parquet.ParquetWriter(file, schema, **parquet_options(table)) as writer:
        for group in groups:
            writer.write_table(group.replace_schema_metadata(schema.metadata), row_group_size=max(len(group), 1))
            rows += len(group)
    return rows


def _groups(pieces: Sequence[Piece], table: str) -> Iterator[ArrowTable]:
    """The rows of pieces that count, in groups."""
    if STORED[table].sums:
        whole = united([], table)
        for at in range(0, len(pieces), _TALLIES):
            whole = summed(united([whole, *read_all(pieces[at : at + _TALLIES], None)], table), table)
        yield _in_order(whole, table)
        return
    waiting: list[ArrowTable] = []
    rows = octets = 0
    for part in _rows(pieces, table):
        waiting.append(part)
        rows, octets = rows + len(part), octets + part.nbytes
        if rows >= ROWS or octets >= OCTETS:
            yield _in_order(united(waiting, table), table)
            waiting, rows, octets = [], 0, 0
    if waiting:
        yield _in_order(united(waiting, table), table)


def _rows(pieces: Sequence[Piece], table: str) -> Iterator[ArrowTable]:
    """The rows of pieces that count, a few at a time, as they stand."""
    lost = losers(pieces, table)
    for place, piece in enumerate(pieces):
        assert piece.path is not None
        gone = lost.get(place, np.empty(0, dtype=np.int64))
        at = 0
        with opened(piece.path) as file:
            batches = file.iter_batches(_BATCH, use_threads=False)
            while (batch := told(piece.path, lambda: next(batches, None))) is not None:  # noqa: B023
                own: Ints = gone[(gone >= at) & (gone < at + len(batch))] - at
                rows = conformed(pyarrow.Table.from_batches([batch]), STORED[table].row_type)
                yield without(rows, own)
                at += len(batch)


def _in_order(rows: ArrowTable, table: str) -> ArrowTable:
    """Rows by their time; those of one moment as they stand."""
    column = rows.column(STORED[table].time).combine_chunks()
    chunk = column.chunk(0) if isinstance(column, pyarrow.ChunkedArray) and column.num_chunks else column
    if not len(rows):
        return rows
    times = ints_of_arrow(chunk)
    if (times[1:] >= times[:-1]).all():
        return rows
    return rows.take(pyarrow.array(np.argsort(times, kind="stable")))
