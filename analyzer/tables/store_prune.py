"""Removing old days from a store, beside runs that write and programs that read."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from analyzer.tables.store_compact import tidying
from analyzer.tables.store_files import Disk
from analyzer.tables.store_pieces import WHOLE, listed
from analyzer.tables.store_tables import STORED

if TYPE_CHECKING:
    from analyzer.tables.store_read import Store

_SECOND = 1_000_000_000


class Pruned(NamedTuple):
    """What went, or with ``dry_run`` would go."""

    #: The first day that stays.
    first_kept: str
    days: list[str]
    #: Parts by table.
    parts: dict[str, int]
    octets: int


def prune(store: Store, keep_days: int, now_ts: int, *, dry_run: bool = False, disk: Disk | None = None) -> Pruned:
    """Remove all parts of the days that lie more than ``keep_days`` before today, in the store's zone.

    ``captures`` stay as long as there is a day of what was read from them (``intervals``). What is in journals stays
    until it is in parts. Raises StoreError when another process tidies this store up, or the disk refuses; what went
    until then is gone.
    """
    disk = disk or Disk()
    today = datetime.fromtimestamp(now_ts // _SECOND, UTC).astimezone(store.zone).date()
    first = (today - timedelta(days=keep_days)).isoformat()
    with tidying(store.folder):
        old = {table: list(listed(store.folder, table, first.__gt__)) for table in STORED}
        if old["captures"]:
            stay = _runs(store, "intervals", first)
            old["captures"] = [(day, path) for day, path in old["captures"] if not stay & _runs_in(store, day)]
        octets = sum(path.stat().st_size for parts in old.values() for _, path in parts)
        if not dry_run:
            for parts in old.values():
                _remove([path for _, path in parts], disk)
    days = sorted({day for parts in old.values() for day, _ in parts})
    return Pruned(first, days, {table: len(parts) for table, parts in old.items() if parts}, octets)


def _runs(store: Store, table: str, first: str) -> set[str]:
    """The runs that have rows on a day or after it."""
    days = [day for day in store.days(table) if day >= first]
    return set(store.table(table, days, ["run"]).column("run").unique().to_pylist())


def _runs_in(store: Store, day: str) -> set[str]:
    return set(store.table("captures", [day], ["run"]).column("run").to_pylist())


def _remove(parts: list[Path], disk: Disk) -> None:
    folders: dict[Path, list[Path]] = defaultdict(list)
    for path in parts:
        folders[path.parent].append(path)
    for folder, paths in folders.items():
        # A merged part goes last: those that it holds, if any are left, do not count as long as it is there.
        for path in sorted(paths, key=lambda path: path.name.startswith(WHOLE)):
            disk.remove(path)
        disk.remove_folder(folder)
