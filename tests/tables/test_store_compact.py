"""Compacting and pruning: what a reader sees stays the same, whatever is interrupted and whoever writes beside it."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analyzer.batch import OpenNumbers, labels_of
from analyzer.errors import StoreError
from analyzer.findings import IntervalRow, KeptCaptureRow, TrafficRow
from analyzer.tables import store_compact
from analyzer.tables.store_compact import compact, tidying
from analyzer.tables.store_files import NEW, logs_in
from analyzer.tables.store_pieces import WHOLE
from analyzer.tables.store_prune import prune
from analyzer.tables.store_read import Store, open_store
from analyzer.tables.store_roll import roll
from analyzer.tables.store_tables import STORED
from analyzer.tables.store_verify import verify
from tests.tables.made import made_columns
from tests.tables.storing import ALWAYS, SECOND, START, ZONE, BadDisk, Crash, call_rows, opened, told_rows, writer

DAY = 86_400 * SECOND


def traffic(hour: int, count: int) -> Any:
    rows = made_columns(TrafficRow, 1, seed=4)
    rows.columns["hour_ts"] = np.array([START + hour * 3600 * SECOND])
    for name in ("unique", "resends", "copies"):
        rows.columns[name] = np.array([count])
    return rows


def filled(folder: Path) -> Store:
    """Two days, two runs, six parts of each day and table; some calls were told by both."""
    for run in "ab":
        one = writer(folder, run=run, rolling=ALWAYS)
        for turn in range(3):
            for day in range(2):
                numbers = range(100 * turn + 86_400 * day, 100 * turn + 86_400 * day + (20 if run == "a" else 30))
                one.add("calls", call_rows(numbers, outcome="open" if run == "a" else "busy"))
            one.add("midcall", told_rows(range(10 * turn, 10 * turn + 4)))
            one.add("traffic", traffic(0, turn + 1))
            intervals = made_columns(IntervalRow, 3, seed=turn)
            intervals.columns["from_ts"] = START + np.arange(3)
            one.add("intervals", intervals)
            one.commit(opened(), START)
        one.close()
    return open_store(folder)


def seen(store: Store) -> dict[str, list[str]]:
    """What a reader sees of every table, tallies added up."""
    found = {}
    for table, stored in STORED.items():
        rows = store.table(table)
        if stored.sums:
            keys = [name for name in rows.column_names if name not in stored.sums]
            plain = rows.to_pandas().astype(dict.fromkeys(keys, object))
            rows_of: Any = plain.groupby(keys, dropna=False)[list(stored.sums)].sum().reset_index().values.tolist()
        else:
            rows_of = rows.to_pylist()
        found[table] = sorted(map(str, rows_of))
    return found


def test_compacting_changes_nothing_that_is_seen(tmp_path: Path) -> None:
    store = filled(tmp_path)
    before = seen(store)
    assert len(before["calls"]) == 180
    assert len(before["midcall"]) == 12
    done = compact(store, BadDisk())
    assert seen(store) == before
    parts = [path for _, path in store.every_part()]
    assert all(path.name.startswith(WHOLE) for path in parts if path.parent.parent.name in ("calls", "midcall"))
    assert len(list(tmp_path.glob("calls/*/*.parquet"))) == 2
    assert len(store.traffic()) == 2  # of each run one: three rows became one
    # Calls stand in two days, the other three tables in one; each log has a part of each.
    assert (done.parts, done.made, done.dropped) == (6 * 5, 5, 120 + 12 + 4)
    assert verify(store).is_sound
    assert compact(store, BadDisk())[:2] == (0, 0)


def test_what_comes_after_a_compaction_is_compacted_with_the_rest(tmp_path: Path) -> None:
    store = filled(tmp_path)
    compact(store, BadDisk())
    one = writer(tmp_path, run="c", rolling=ALWAYS)
    one.add("calls", call_rows([5, 900], outcome="busy", messages=99))
    one.close()
    best = {row["call_no"]: row["run"] for row in store.calls(columns=["call_no", "run"]).to_pylist()}
    assert (best[5], best[6], best[900]) == ("c", "b", "c")
    before = seen(store)
    assert compact(store, BadDisk())[:2] == (2, 1)
    assert seen(store) == before
    assert len(before["calls"]) == 181


def test_a_compaction_that_stops_anywhere_shows_no_row_twice_and_loses_none(tmp_path: Path) -> None:
    """One day of calls and of tallies, so that every step is tried."""
    for run in "ab":
        one = writer(tmp_path / "0", run=run, rolling=ALWAYS)
        for turn in range(2):
            one.add("calls", call_rows([turn, turn + 1]))
            one.add("traffic", traffic(0, turn + 1))
            one.commit(opened(), START)
        one.close()

    def told(store: Store) -> tuple[list[int], int]:
        calls = store.calls(columns=["call_no"]).column("call_no").to_pylist()
        return sorted(calls), sum(store.traffic(columns=["unique"]).column("unique").to_pylist())

    for step in range(1, 200):
        folder = tmp_path / str(step)
        shutil.copytree(tmp_path / "0", folder)
        store = open_store(folder)
        try:
            compact(store, BadDisk(crash_at=step))
        except Crash:
            pass
        else:
            break
        # As a power cut leaves it, and after the next one.
        for _ in range(2):
            assert told(store) == ([0, 1, 1, 2], 6), step
            assert verify(store).is_sound
            compact(store, BadDisk())
        assert len(list(folder.glob("calls/*/*"))) == 1
        assert not list(folder.glob(f"*/*/*{NEW}"))
        shutil.rmtree(folder)
    assert 10 < step < 199


def test_a_full_disk_stops_it_and_what_is_there_stays(tmp_path: Path) -> None:
    store = filled(tmp_path)
    before = seen(store)
    with pytest.raises(StoreError, match="No space left on device"):
        compact(store, BadDisk(room=1000))
    assert seen(store) == before
    assert not list(tmp_path.glob(f"*/*/*{NEW}"))


def test_parts_whose_log_is_still_a_journal_are_left_alone(tmp_path: Path) -> None:
    """Rolling that was interrupted is done again from its beginning, and writes the same parts."""
    store = filled(tmp_path)
    one = writer(tmp_path, run="c")
    one.add("calls", call_rows([700, 701]))
    one.commit(OpenNumbers.none(), START)
    kept = {path: path.read_bytes() for path in tmp_path.glob("journal/*")}
    (name,) = logs_in(tmp_path, "journal")
    roll(tmp_path, name, ZONE, BadDisk())
    for path, content in kept.items():
        path.write_bytes(content)  # its parts are there, and the log has not left the journal
    before = seen(store)
    assert len(before["calls"]) == 182
    compact(store, BadDisk())
    assert seen(store) == before
    assert len(list(tmp_path.glob("calls/*/part-c-*"))) == 1
    roll(tmp_path, name, ZONE, BadDisk())
    assert seen(store) == before
    compact(store, BadDisk())
    assert seen(store) == before
    assert not list(tmp_path.glob("calls/*/part-*"))


def test_readers_see_every_row_while_parts_are_merged(tmp_path: Path) -> None:
    """A reader that has listed parts which go while it reads looks again."""
    store = filled(tmp_path)
    wrong: list[int] = []
    is_over = threading.Event()

    def read() -> None:
        while not is_over.is_set():
            if (count := len(store.calls(columns=["call_no"]))) != 180:
                wrong.append(count)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        compact(store, BadDisk())
    finally:
        is_over.set()
        reader.join()
    assert wrong == []


def test_a_part_that_goes_between_listing_and_reading_is_no_trouble(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = filled(tmp_path)
    work: list[Callable[[], object]] = [lambda: compact(store, BadDisk())]
    before = Store.pieces

    def pieces(self: Store, tables: Any) -> Any:
        found = before(self, tables)
        while work:
            work.pop()()
        return found

    monkeypatch.setattr(Store, "pieces", pieces)
    assert len(store.calls()) == 180
    assert work == []


def test_a_day_is_merged_in_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = filled(tmp_path)
    before = seen(store)
    monkeypatch.setattr(store_compact, "ROWS", 25)
    monkeypatch.setattr(store_compact, "_BATCH", 7)
    compact(store, BadDisk())
    assert seen(store) == before


def test_one_process_tidies_up_at_a_time(tmp_path: Path) -> None:
    store = filled(tmp_path)
    with tidying(tmp_path):
        with pytest.raises(StoreError, match="another process compacts or prunes it"):
            compact(store, BadDisk())
        with pytest.raises(StoreError, match="another process compacts or prunes it"):
            prune(store, 1, START)
        one = writer(tmp_path)  # a start that looks for dead runs finds none in it
        assert one.recover().runs == ()
        one.close()
    assert compact(store, BadDisk()).made > 0


def test_prune_removes_whole_days_of_the_zone_of_the_store(tmp_path: Path) -> None:
    store = filled(tmp_path)
    now = START + DAY + 16 * 3600 * SECOND  # 23:00 on the second day, in Amsterdam
    assert prune(store, 1, now).days == []
    before = seen(store)
    told = prune(store, 0, now, dry_run=True)
    assert seen(store) == before
    gone = prune(store, 0, now, disk=BadDisk())
    assert gone == told
    assert gone.first_kept == "2026-03-11"
    assert gone.days == ["2026-03-10"]
    assert gone.parts["calls"] == 6
    assert store.days() == ["2026-03-11"]
    assert len(store.calls()) == 90
    assert not list(tmp_path.glob("*/day=2026-03-10"))
    assert prune(store, 0, now).days == []
    assert prune(store, 0, now + 3600 * SECOND).days == ["2026-03-11"]


def test_a_capture_is_known_as_long_as_what_was_read_from_it(tmp_path: Path) -> None:
    """A live run began long ago: its calls of today still name their source."""
    for run, days in (("a", (0, 30)), ("b", (0, 1))):
        one = writer(tmp_path, run=run)
        captures = made_columns(KeptCaptureRow, 1, seed=1)
        captures.columns["start_ts"] = np.array([START])
        captures.columns["digest"] = labels_of([run])
        intervals = made_columns(IntervalRow, 2, seed=1)
        intervals.columns["from_ts"] = START + np.array(days) * DAY
        one.add("captures", captures)
        one.add("intervals", intervals)
        one.close()
    store = open_store(tmp_path)
    prune(store, 5, START + 30 * DAY)
    assert store.days("intervals") == ["2026-04-09"]
    assert len(store.table("captures")) == 2  # they stand in one day
    prune(store, 5, START + 60 * DAY)
    assert store.days("captures") == []
