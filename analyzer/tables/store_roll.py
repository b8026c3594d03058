"""Rolling: the rows of a log become Parquet parts, and the log with its messages moves from ``journal`` to ``open``.

Names of parts are made of the log's, and the same log gives the same parts: rolling that was interrupted anywhere is
done once more from its beginning. A log leaves ``journal`` when all its parts are there, so that a reader who finds
it there takes of it what has no part yet (`store_read`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack
from datetime import tzinfo
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
from pyarrow import parquet

from analyzer.batch import MISSING, Ints
from analyzer.tables.build import label_names, ordered_names
from analyzer.tables.journal import Frame, Log, unpack
from analyzer.tables.store_files import JOURNAL, OPEN, Disk, LogName, log_path, part_path
from analyzer.tables.store_tables import STORED, ArrowTable, conformed, local_days, summed

#: Rows of a log that are in memory at a time, about: a group of rows of a part.
GROUP = 1 << 16
#: Parts that are written at the same time: a table with more days is gone through again.
MOST_PARTS = 64


def roll(folder: Path, name: LogName, zone: tzinfo, disk: Disk) -> bool:
    """Write the parts of a log and move it; whether its content was sound. Raises OSError; then it is still there."""
    path = log_path(folder, JOURNAL, name)
    with Log(path) as log:
        is_empty, is_sound = not log.frames, not log.is_damaged
        days = _Days(zone, _written(log))
        for table in STORED:  # calls come first: rows that belong to calls lie in the days of these
            if STORED[table].sums:  # their rows must be seen together, and are few
                rows = _whole(log, table)
                for day, of_day in days.split(rows, table).items() if rows is not None else ():
                    disk.put(part_path(folder, table, day, name), parquet_octets(summed(of_day, table), table))
            else:
                _roll_in_groups(log, table, days, partial(part_path, folder, table, name=name), disk)
    if is_empty and is_sound:
        disk.remove(path)
    else:
        disk.rename(path, log_path(folder, OPEN, name))
    return is_sound


def _roll_in_groups(log: Log, table: str, days: _Days, place: Callable[[str], Path], disk: Disk) -> None:
    """Write the parts of a table, one group of rows after the other. Raises OSError."""
    groups = _grouped(log.named(table))
    done: set[str] = set()
    is_done = not groups
    while not is_done:
        is_done = True
        writers: dict[str, Any] = {}
        with ExitStack() as opened:
            for group in groups:
                rows = united([unpack(log.payload(frame)) for frame in group], table)
                if table == "calls" and not done:
                    days.take(rows)
                for day, of_day in days.split(rows, table).items():
                    if day in done:
                        continue
                    if day not in writers:
                        if len(writers) == MOST_PARTS:
                            is_done = False
                            continue
                        file = opened.enter_context(disk.made(place(day)))
                        writer = parquet.ParquetWriter(file, of_day.schema, **parquet_options(table))
                        writers[day] = opened.enter_context(writer)
                    writers[day].write_table(of_day, row_group_size=len(of_day))
        done |= writers.keys()


def _grouped(frames: Sequence[Frame]) -> list[list[Frame]]:
    """Frames one after the other, together about `GROUP` rows or a single one with more."""
    groups: list[list[Frame]] = []
    count = GROUP
    for frame in frames:
        if count + frame.rows > GROUP:
            groups.append([])
            count = 0
        groups[-1].append(frame)
        count += frame.rows
    return groups


def by_day(log: Log, zone: tzinfo, tables: Collection[str] = STORED) -> dict[str, dict[str, ArrowTable]]:
    """The rows of a log by table and day (``2026-11-26``). ``tables`` without calls: rows of calls have days of their
    own. Raises OSError."""
    days = _Days(zone, _written(log))
    found = {}
    for table in STORED:
        if table in tables and (rows := _whole(log, table)) is not None:
            if table == "calls":
                days.take(rows)
            found[table] = days.split(rows, table)
    return found


def _whole(log: Log, table: str) -> ArrowTable:
    """The rows of a table in a log; None when it has none."""
    parts = [unpack(log.payload(frame)) for frame in log.frames if frame.name == table]
    return united(parts, table) if parts else None


def _written(log: Log) -> int:
    """The time, ns, for rows that have none of their own. The same whenever it is asked: rolling that is done again
    must give the same parts."""
    commit = log.last_commit
    return log.changed_ts if commit is None or commit.ts == MISSING else commit.ts


def united(parts: list[ArrowTable], table: str, names: list[str] | None = None) -> ArrowTable:
    """Parts of a stored table end to end, typed as this version types them."""
    row_type = STORED[table].row_type
    if not parts:
        return conformed(pyarrow.table({}), row_type, names)
    if all(part.schema.equals(parts[0].schema) for part in parts[1:]):  # the usual case: one conversion for all
        return conformed(pyarrow.concat_tables(parts).unify_dictionaries(), row_type, names).combine_chunks()
    whole = pyarrow.concat_tables([conformed(part, row_type, names) for part in parts])
    return whole.unify_dictionaries().combine_chunks()


class _Days:
    """Which day each row belongs to."""

    def __init__(self, zone: tzinfo, now: int) -> None:
        """``now``: the time, ns, for rows that have none."""
        self._zone = zone
        self._now = now
        self._calls: list[tuple[Ints, Ints]] = []

    def take(self, calls: ArrowTable) -> None:
        """Remember when these calls began: what belongs to them lies in their days."""
        self._calls.append((_ints(calls, "call_no"), _ints(calls, "invite_ts")))

    def split(self, rows: ArrowTable, table: str) -> dict[str, ArrowTable]:
        """The rows by day, each in the order of time."""
        times = _times(rows, STORED[table].time, self._now)
        days = self._of_calls(_ints(rows, "call_no"), times) if STORED[table].of_call else times
        dates = local_days(days, self._zone)
        order = np.lexsort((times, dates))
        different, starts = np.unique(dates[order], return_index=True)
        ends = np.append(starts[1:], len(order))
        return {
            str(day): rows.take(pyarrow.array(order[start:end]))
            for day, start, end in zip(different, starts.tolist(), ends.tolist(), strict=True)
        }

    def _of_calls(self, numbers: Ints, times: Ints) -> Ints:
        """For each call_no when its call began; the row's own time where the call is not at hand."""
        if not self._calls:
            return times
        known, starts = (np.concatenate(parts) for parts in zip(*self._calls, strict=True))
        self._calls = [(known, starts)]
        if not len(known):
            return times
        order = np.argsort(known, kind="stable")
        places = np.minimum(np.searchsorted(known, numbers, sorter=order), len(known) - 1)
        found = known[order][places] == numbers
        return np.where(found, starts[order][places], times)


def _times(rows: ArrowTable, name: str, now: int) -> Ints:
    column = rows.column(name).cast(pyarrow.int64()).fill_null(now)
    return np.asarray(column.to_numpy(), dtype=np.int64)


def _ints(rows: ArrowTable, name: str) -> Ints:
    return _times(rows, name, MISSING)


def parquet_options(table: str) -> dict[str, Any]:
    """How the parts of a table are written."""
    row_type = STORED[table].row_type
    return {
        "compression": "zstd",
        "compression_level": 1,
        "use_dictionary": label_names(row_type),
        "write_statistics": ordered_names(row_type),
    }


def parquet_octets(rows: ArrowTable, table: str) -> memoryview:
    """A part of a table as a file."""
    sink = pyarrow.BufferOutputStream()
    parquet.write_table(rows, sink, **parquet_options(table))
    return memoryview(sink.getvalue())
