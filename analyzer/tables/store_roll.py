"""Rolling: the rows of a log become Parquet parts, and the log with its messages moves from ``journal`` to ``open``.

Names of parts are made of the log's, and the same log gives the same parts: rolling that was interrupted anywhere is
done once more from its beginning. A log leaves ``journal`` when all its parts are there, so that a reader who finds
it there takes of it what has no part yet (`store_read`).
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import tzinfo
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
from pyarrow import parquet

from analyzer.batch import MISSING, Ints
from analyzer.tables.build import label_names, ordered_names
from analyzer.tables.journal import Log, unpack
from analyzer.tables.store_files import JOURNAL, OPEN, Disk, LogName, log_path, part_path
from analyzer.tables.store_tables import STORED, ArrowTable, conformed, local_days, summed


def roll(folder: Path, name: LogName, zone: tzinfo, disk: Disk) -> bool:
    """Write the parts of a log and move it; whether its content was sound. Raises OSError; then it is still there."""
    path = log_path(folder, JOURNAL, name)
    with Log(path) as log:
        is_empty, is_sound = not log.frames, not log.is_damaged
        calls: ArrowTable = None
        for table in STORED:  # one after the other, so that one of them is in memory at a time
            rows = _whole(log, table)
            if rows is None:
                continue
            for day, of_day in _split(rows, table, calls, zone, _written(log)).items():
                disk.put(part_path(folder, table, day, name), parquet_octets(summed(of_day, table), table))
            if table == "calls":
                calls = rows.select(["call_no", "invite_ts"])
            del rows
    if is_empty and is_sound:
        disk.remove(path)
    else:
        disk.rename(path, log_path(folder, OPEN, name))
    return is_sound


def by_day(log: Log, zone: tzinfo, tables: Collection[str] = STORED) -> dict[str, dict[str, ArrowTable]]:
    """The rows of a log by table and day (``2026-11-26``). ``tables`` without calls: rows of calls have days of their
    own. Raises OSError."""
    found = {table: _whole(log, table) for table in STORED if table in tables}
    calls = found.get("calls")
    now = _written(log)
    return {name: _split(rows, name, calls, zone, now) for name, rows in found.items() if rows is not None}


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


def _split(rows: ArrowTable, table: str, calls: ArrowTable, zone: tzinfo, now: int) -> dict[str, ArrowTable]:
    times = _times(rows, STORED[table].time, now)
    days = times
    if STORED[table].of_call and calls is not None and len(calls):
        days = _of_calls(_ints(rows, "call_no"), calls, times)
    dates = local_days(days, zone)
    order = np.lexsort((times, dates))
    different, starts = np.unique(dates[order], return_index=True)
    ends = np.append(starts[1:], len(order))
    return {
        str(day): rows.take(pyarrow.array(order[start:end]))
        for day, start, end in zip(different, starts.tolist(), ends.tolist(), strict=True)
    }


def _of_calls(numbers: Ints, calls: ArrowTable, times: Ints) -> Ints:
    """For each call_no when its call began; the row's own time where the call is not at hand."""
    known, starts = _ints(calls, "call_no"), _ints(calls, "invite_ts")
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
