"""Bringing a store of an earlier version up to this one, in place.

A migration only adds: files under names that are made of what they stand for, so that one that was interrupted is done
once more, and nobody who reads meanwhile misses anything. The last step names the new version in ``store.json``; until
then the store is of the old one. Old versions refuse a store of a newer schema, and one that still writes is waited
for by nobody: the person is told.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from analyzer.errors import StoreError
from analyzer.findings import KeptCaptureRow
from analyzer.tables.build import arrow
from analyzer.tables.small import columns_of_rows
from analyzer.tables.store_files import ABOUT, SCHEMA, About, Disk, LogName, about_text, part_path, read_about
from analyzer.tables.store_keys import source_row
from analyzer.tables.store_locks import living, whole_store
from analyzer.tables.store_read import open_store
from analyzer.tables.store_roll import parquet_octets
from analyzer.tables.store_tables import local_days, stored_columns
from analyzer.vocab import SourceKind

#: Parts that a migration made: no log has this number.
SEQUENCE = 0


def migrate(folder: Path, disk: Disk) -> str | None:
    """Bring a store up to `SCHEMA`; what was done in one line, None for a store that is up to date.

    Raises StoreError when an older version writes to it at the moment, or when it cannot be written.
    """
    if read_about(folder).schema == SCHEMA:
        return None
    try:
        with whole_store(folder):
            about = read_about(folder)
            if about.schema == SCHEMA:  # somebody else has done it meanwhile
                return None
            if runs := living(folder):
                reason = (
                    f"has schema {about.schema} and is being written by an older sipcause ({runs[0]}): "
                    "end that one, then this one brings the store up to date"
                )
                raise StoreError(str(folder), reason)
            for schema in range(about.schema, SCHEMA):
                MIGRATIONS[schema](folder, disk)
            disk.put(folder / ABOUT, about_text(About(SCHEMA, about.zone, about.created), folder))
    except OSError as error:
        raise StoreError(str(folder), f"cannot be brought up to date: {error.strerror or error}") from error
    return f"{folder} was brought up to date: schema {about.schema} is schema {SCHEMA} now"


def _name_sources(folder: Path, disk: Disk) -> None:
    """1 → 2: what ``capture_no`` stands for in the runs so far, by their intervals.

    A run wrote its sources in their order, one row each, at every writing: those of its first one number them.
    """
    store = open_store(folder)
    told = store.intervals(columns=["run", "source", "kind", "from_ts", "to_ts"])
    runs, sources, kinds = (told.column(name).to_pylist() for name in ("run", "source", "kind"))
    starts, ends = (told.column(name).cast("int64").to_pylist() for name in ("from_ts", "to_ts"))
    found: dict[str, dict[str, KeptCaptureRow]] = {}
    for run, source, kind, start, end in zip(runs, sources, kinds, starts, ends, strict=True):
        known = found.setdefault(run, {})
        if source in known:
            known[source] = known[source]._replace(end_ts=max(known[source].end_ts, end))
        else:
            known[source] = source_row(run, len(known) + 1, source, SourceKind(kind), start, end)
    for run, rows in found.items():
        by_day: dict[str, list[KeptCaptureRow]] = {}
        for row in rows.values():
            day = str(local_days(np.array([row.start_ts]), store.zone)[0])
            by_day.setdefault(day, []).append(row)
        for day, of_day in by_day.items():
            stored = arrow(stored_columns("captures", columns_of_rows(KeptCaptureRow, of_day), run, {}))
            path = part_path(folder, "captures", day, LogName(run, SEQUENCE))
            disk.put(path, parquet_octets(stored, "captures"))


#: From the schema that it is for to the next one.
MIGRATIONS: Mapping[int, Callable[[Path, Disk], None]] = {1: _name_sources}
