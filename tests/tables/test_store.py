"""What is written to a store is what is read from it, each row once, on its day."""

from __future__ import annotations

import hashlib
import json
import struct
import time
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analyzer.batch import MISSING, Columns, OpenNumbers, labels_of
from analyzer.errors import StoreError
from analyzer.findings import BranchRow, MidcallRow
from analyzer.schema import CallRow, RegistrationRow
from analyzer.tables.build import arrow
from analyzer.tables.store import StoreWriter
from analyzer.tables.store_files import SCHEMA, logs_in, make_store, read_about
from analyzer.tables.store_info import store_info
from analyzer.tables.store_keys import call_keys, registration_keys
from analyzer.tables.store_locks import Lock
from analyzer.tables.store_open import Segments
from analyzer.tables.store_read import open_store
from analyzer.tables.store_roll import roll
from analyzer.tables.store_tables import STORED, local_days
from analyzer.tables.store_verify import verify
from analyzer.tables.store_waiting import Bounds
from tests.tables.made import made_columns, texts_of
from tests.tables.storing import (
    ALWAYS,
    NEVER,
    SECOND,
    START,
    ZONE,
    BadDisk,
    call_rows,
    message_batch,
    opened,
    texts,
    writer,
)


def ts(text: str) -> int:
    """A time in UTC in ns."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * SECOND


def numbers(folder: Path, table: str = "calls", column: str = "call_no", **options: Any) -> list[int]:
    return sorted(open_store(folder).table(table, columns=[column], **options).column(column).to_pylist())


@pytest.mark.parametrize("rolling", [NEVER, ALWAYS], ids=["journal", "parts"])
@pytest.mark.parametrize("table", STORED)
def test_every_table_comes_back_as_it_went(tmp_path: Path, table: str, rolling: Any) -> None:
    stored = STORED[table]
    columns = made_columns(stored.given, 40, seed=3)
    if stored.sums:  # rows that are equal but for their sums would become one
        columns.columns["method"] = labels_of(f"M{row}" for row in range(40))
        for name in stored.sums:
            columns.columns[name] = np.arange(40)
    with_days = columns.ints(stored.time)
    columns.columns[stored.time] = np.where(with_days == MISSING, MISSING, START + with_days % (90_000 * SECOND))
    one = writer(tmp_path, rolling=rolling)
    one.add(table, columns)
    one.commit(OpenNumbers.none(), START)
    assert one.trouble is None
    assert bool(list(tmp_path.glob("*/*/*.parquet"))) is (rolling is ALWAYS)
    found = open_store(tmp_path).table(table)
    wanted = arrow(columns)
    assert set(found.column_names) - set(wanted.column_names) <= {"run", "call_key", "registration_key"}
    assert set(found.column("run").to_pylist()) == {one.run}
    names = wanted.column_names
    told = sorted(map(str, wanted.to_pylist()))
    assert sorted(map(str, found.select(names).to_pylist())) == told
    for name in names:
        assert found.schema.field(name).type == wanted.schema.field(name).type
    assert len(found.to_pandas()) == 40
    one.close()


def test_a_call_is_on_the_day_on_which_it_began_in_the_zone_of_the_store(tmp_path: Path) -> None:
    begun = ["2026-03-28T22:59:59", "2026-03-28T23:00:00", "2026-03-29T21:59:59", "2026-03-29T22:00:00",
             "2026-10-24T21:59:59", "2026-10-24T22:00:00", "2026-10-25T22:59:59", "2026-10-25T23:00:00"]  # fmt: skip
    columns = call_rows(range(8))
    columns.columns["invite_ts"] = np.array([ts(text) for text in begun])
    one = writer(tmp_path)
    one.add("calls", columns)
    one.close()
    store = open_store(tmp_path)
    # 23 hours and 25 hours long: the nights in which clocks are set.
    days = {
        "2026-03-28": [0],
        "2026-03-29": [1, 2],
        "2026-03-30": [3],
        "2026-10-24": [4],
        "2026-10-25": [5, 6],
        "2026-10-26": [7],
    }
    assert store.days() == list(days)
    assert {day: numbers(tmp_path, days=[day]) for day in days} == days
    assert store_info(store).calls == {day: {"answered": len(calls)} for day, calls in days.items()}


def test_days_are_those_that_the_calendar_has() -> None:
    times = np.arange(ts("2026-01-01T00:00:00"), ts("2026-12-31T00:00:00"), 7_919 * SECOND) + 1
    for zone in (ZONE, UTC, timezone(timedelta(hours=5, minutes=45))):
        said = [datetime.fromtimestamp(one // SECOND, zone).date() for one in times.tolist()]
        assert local_days(times, zone).tolist() == said


def test_branches_stand_with_their_call_and_carry_its_key(tmp_path: Path) -> None:
    night = ts("2026-03-10T22:59:50")  # ten seconds before midnight
    branches = made_columns(BranchRow, 3, seed=1)
    branches.columns["call_no"] = np.array([1, 1, 77])
    branches.columns["request_ts"] = np.array([night + 5 * SECOND, night + 20 * SECOND, night + 20 * SECOND])
    one = writer(tmp_path)
    one.add("branches", branches)
    one.add("calls", call_rows([0, 1], start=night))
    one.close()
    store = open_store(tmp_path)
    assert numbers(tmp_path, "branches", days=["2026-03-10"]) == [1, 1]
    assert numbers(tmp_path, "branches", days=["2026-03-11"]) == [77]
    key = store.calls(columns=["call_no", "call_key"]).to_pandas().set_index("call_no").call_key[1]
    assert sorted(map(str, store.branches().column("call_key").to_pylist())) == sorted([key, key, "None"])


def test_of_rows_with_one_key_one_stays(tmp_path: Path) -> None:
    for run, outcome, messages in (
        ("a", "open", 9),
        ("b", "busy", 4),
        ("c", "busy", 5),
        ("d", "open", 99),
        ("e", "busy", 5),
    ):
        one = writer(tmp_path, run=run)
        one.add("calls", call_rows([1, 2], outcome=outcome, messages=messages))
        if run == "a":
            one.add("calls", call_rows([3], outcome=outcome))
        one.close()
    found = open_store(tmp_path).calls(columns=["call_no", "outcome", "messages", "run"]).to_pylist()
    busy = {"outcome": "busy", "messages": 5, "run": "c"}
    assert sorted(found, key=lambda row: row["call_no"]) == [
        {"call_no": 1, **busy}, {"call_no": 2, **busy}, {"call_no": 3, "outcome": "open", "messages": 7, "run": "a"},
    ]  # fmt: skip


def test_what_two_runs_told_of_one_request_is_told_once(tmp_path: Path) -> None:
    """Rows without a key: equal ones of one run are different requests, those of another run are the same ones."""
    columns = made_columns(MidcallRow, 1, seed=4)
    columns.columns["request_ts"] = np.array([START])
    twice = columns.take(np.array([0, 0]))
    for run in "ab":
        one = writer(tmp_path, run=run)
        one.add("midcall", twice)
        one.close()
    assert open_store(tmp_path).midcall().column("run").to_pylist() == ["b", "b"]


def test_tallies_of_one_part_are_added_up(tmp_path: Path) -> None:
    columns = made_columns(STORED["traffic"].given, 1, seed=4)
    columns.columns["hour_ts"] = np.array([START])
    for name, count in (("unique", 5), ("resends", 2), ("copies", 0)):
        columns.columns[name] = np.array([count])
    one = writer(tmp_path)
    for _ in range(3):
        one.add("traffic", columns)
        one.commit(OpenNumbers.none(), START)
    one.close()
    assert open_store(tmp_path).traffic(columns=["unique", "resends", "copies"]).to_pylist() == [
        {"unique": 15, "resends": 6, "copies": 0}
    ]


def test_keys_are_of_what_the_wire_said() -> None:
    columns = call_rows([1])
    said = struct.pack("<qqii", MISSING, START + SECOND, 18, 5) + b"call-1@example.comtag-1"
    wanted = hashlib.blake2b(said, digest_size=16, person=b"sipcause call").hexdigest()
    assert call_keys(columns).values() == [wanted]


def test_different_calls_have_different_keys() -> None:
    """Texts that run into each other, are missing or empty; networks and times that differ."""
    rows = [(b"ab", b"c", 1, 1), (b"a", b"bc", 1, 1), (b"abc", b"", 1, 1), (b"abc", None, 1, 1), (b"", b"abc", 1, 1),
            (None, b"abc", 1, 1), (None, None, 1, 1), (b"", b"", 1, 1), (b"ab", b"c", 2, 1), (b"ab", b"c", 1, 2),
            (b"ab", b"c", MISSING, 1), (b"a\xffb", b"c", 1, 1), (b"a\\xffb", b"c", 1, 1)]  # fmt: skip
    columns = made_columns(CallRow, len(rows)).columns
    columns |= {"call_id": texts_of([row[0] for row in rows]), "from_tag": texts_of([row[1] for row in rows])}
    columns |= {"network": np.array([row[2] for row in rows]), "invite_ts": np.array([row[3] for row in rows])}
    keys = call_keys(Columns(CallRow, columns, len(rows))).values()
    assert len(set(keys)) == len(rows)
    registrations = made_columns(RegistrationRow, len(rows)).columns
    registrations |= {"call_id": columns["call_id"], "aor": columns["from_tag"], "network": columns["network"]}
    registrations["request_ts"] = columns["invite_ts"]
    others = registration_keys(Columns(RegistrationRow, registrations, len(rows))).values()
    assert len({*keys, *others}) == 2 * len(rows)


def test_several_write_to_one_store(tmp_path: Path) -> None:
    writers = [writer(tmp_path, run=f"run-{number}", rolling=ALWAYS if number else NEVER) for number in range(3)]
    for turn in range(4):
        for number, one in enumerate(writers):
            one.add("calls", call_rows([100 * number + turn]))
            one.commit(OpenNumbers.none(), START)
            assert len(numbers(tmp_path)) == 3 * turn + number + 1
    for one in writers:
        one.close()
        assert len(numbers(tmp_path)) == 12
    assert {run.run: run.is_alive for run in store_info(open_store(tmp_path)).runs} == {}


def test_a_run_is_written_by_one_process(tmp_path: Path) -> None:
    one = writer(tmp_path, run="a")
    with pytest.raises(StoreError, match="another process writes as a"):
        writer(tmp_path, run="a")
    assert Lock.take(tmp_path, "a") is None
    one.close()
    with pytest.raises(StoreError, match="no name for a run"):
        writer(tmp_path, run="../a")


def test_a_folder_with_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear all")
    with pytest.raises(StoreError, match="holds other things and no store"):
        writer(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]
    with pytest.raises(StoreError, match="is no store"):
        open_store(tmp_path)
    with pytest.raises(StoreError, match="cannot be written"):
        writer(tmp_path / "letter.txt" / "below")


def test_a_store_of_another_schema_is_refused(tmp_path: Path) -> None:
    writer(tmp_path).close()
    about = json.loads((tmp_path / "store.json").read_text())
    (tmp_path / "store.json").write_text(json.dumps(about | {"schema": SCHEMA + 1}))
    for use in (writer, open_store):
        with pytest.raises(StoreError, match="written by a newer sipcause"):
            use(tmp_path)  # type: ignore[operator]
    (tmp_path / "store.json").write_text("{")
    with pytest.raises(StoreError, match="is damaged"):
        open_store(tmp_path)


def test_a_store_keeps_the_zone_that_it_was_made_with(tmp_path: Path) -> None:
    writer(tmp_path).close()
    one = StoreWriter(tmp_path, UTC, in_background=False)
    assert str(one.zone) == "Europe/Amsterdam"
    assert one.notices == [f"days of the store {tmp_path} are those of Europe/Amsterdam, not of UTC"]
    one.close()
    with pytest.raises(StoreError, match="set timezone in"):
        make_store(tmp_path / "new", timezone(timedelta(hours=1)), BadDisk())
    assert read_about(tmp_path).schema == SCHEMA


def test_a_part_that_lacks_a_column_is_read(tmp_path: Path) -> None:
    """A column that a later version adds is missing in what an earlier one wrote."""
    import pyarrow
    from pyarrow import parquet

    one = writer(tmp_path)
    one.add("calls", call_rows([1, 2]))
    one.close()
    (part,) = tmp_path.glob("calls/*/*.parquet")
    table = pyarrow.parquet.ParquetFile(part).read()
    parquet.write_table(table.drop_columns(["pdd_ms", "caller_agent", "is_scanner"]), part)
    found = open_store(tmp_path).calls()
    assert found.column("pdd_ms").null_count == 2
    assert found.column("is_scanner").to_pylist() == [False, False]
    assert verify(open_store(tmp_path)).is_sound
    with pytest.raises(KeyError, match="no column nonsense"):
        open_store(tmp_path).calls(columns=["nonsense"])


def test_rows_of_the_wrong_table_are_our_mistake(tmp_path: Path) -> None:
    one = writer(tmp_path)
    with pytest.raises(ValueError, match="none of registrations"):
        one.add("registrations", call_rows([1]))
    one.close()


def test_what_waits_is_bounded_and_counted(tmp_path: Path) -> None:
    disk = BadDisk()
    one = writer(tmp_path, disk=disk, bounds=Bounds(rows=40_000, messages=4_000, ahead=1 << 20))
    disk.room = 0
    for number in range(100):
        one.add("calls", call_rows(range(10 * number, 10 * number + 10)))
        one.keep(*message_batch(range(10 * number, 10 * number + 10)))
    one.commit(opened(*range(990, 1000)), START)
    assert one.trouble is not None
    assert "No space left on device" in one.trouble
    assert 0 < one.lost_rows < 1000
    assert 0 < one.lost_messages < 1000
    disk.room = None
    one.commit(opened(*range(990, 1000)), START)
    assert one.trouble is None
    left = numbers(tmp_path)
    assert left == list(range(one.lost_rows, 1000))  # the oldest went
    one.close(opened(*range(990, 1000)))
    two = writer(tmp_path)
    assert len(texts(list(two.recover().datagrams))) == 10
    two.close()


def test_messages_are_written_ahead_when_there_are_many(tmp_path: Path) -> None:
    one = writer(tmp_path, bounds=Bounds(ahead=1_000))
    for number in range(20):
        one.keep(*message_batch([number, number + 100]))
    (path,) = logs_in(tmp_path, "journal").values()
    assert path.stat().st_size > 5_000
    one.commit(opened(3, 117), START)
    one.close(opened(3, 117), START)
    two = writer(tmp_path)
    assert texts(list(two.recover().datagrams)) == ["INVITE 3", "INVITE 117"]
    two.close()


def test_commits_are_written_in_the_background(tmp_path: Path) -> None:
    one = writer(tmp_path, in_background=True, rolling=ALWAYS)
    begun = 0
    for number in range(30):
        one.add("calls", call_rows([number]))
        one.keep(*message_batch([number]))
        begun += one.commit(opened(number), START)
        time.sleep(0.002)
    assert 0 < begun <= 30
    one.close(opened(29), START)
    assert one.trouble is None
    assert numbers(tmp_path) == list(range(30))
    two = writer(tmp_path)
    assert texts(list(two.recover().datagrams)) == ["INVITE 29"]
    two.close()


def test_our_own_mistakes_in_the_background_are_not_swallowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = writer(tmp_path, in_background=True)
    monkeypatch.setattr(one, "_write_rows", lambda log: 1 / 0)
    one.commit(opened(), START)
    with pytest.raises(ZeroDivisionError):  # noqa: PT012  the second waits for the first
        for _ in range(1000):
            time.sleep(0.01)
            _ = one.is_busy
    monkeypatch.undo()
    one.close()


def test_a_reader_is_right_whatever_of_a_rolling_is_done(tmp_path: Path) -> None:
    """Journal alone, journal with all parts, parts alone."""
    one = writer(tmp_path)
    one.add("calls", call_rows([1, 2, 90_000]))
    one.commit(OpenNumbers.none(), START)
    before = {path: path.read_bytes() for path in tmp_path.glob("journal/*.log")}
    assert numbers(tmp_path) == [1, 2, 90_000]
    (name,) = logs_in(tmp_path, "journal")
    roll(tmp_path, name, ZONE, BadDisk())
    assert len(list(tmp_path.glob("calls/*/*.parquet"))) == 2
    assert numbers(tmp_path) == [1, 2, 90_000]
    for path, content in before.items():
        path.write_bytes(content)
    assert numbers(tmp_path) == [1, 2, 90_000]
    parts = list(tmp_path.glob("calls/*/*.parquet"))
    parts[0].unlink()
    assert numbers(tmp_path) == [1, 2, 90_000]


def test_info_tells_silence_from_a_gap(tmp_path: Path) -> None:
    for run, begin in (("a", 0), ("b", 500)):
        one = writer(tmp_path, run=run)
        rows = made_columns(STORED["intervals"].given, 3, seed=1)
        rows.columns["source"] = labels_of(["eth0", "eth0", "eth1"])
        rows.columns["from_ts"] = START + np.array([begin, begin + 10, begin]) * SECOND
        rows.columns["to_ts"] = START + np.array([begin + 10, begin + 20, begin + 20]) * SECOND
        for name in ("frames", "sip_messages", "dropped", "unstored"):
            rows.columns[name] = np.array([0, 3, 5])
        one.add("intervals", rows)
        one.commit(opened(), START)
        if run == "a":
            one._lock.release()  # as its end would, however it came
    info = store_info(open_store(tmp_path))
    assert [(gap.source, gap.from_ts - START, gap.to_ts - START) for gap in info.gaps] == [
        ("eth0", 20 * SECOND, 500 * SECOND), ("eth1", 20 * SECOND, 500 * SECOND),
    ]  # fmt: skip
    assert [(span.run, span.source, span.intervals, span.dropped) for span in info.spans] == [
        ("a", "eth0", 2, 3), ("a", "eth1", 1, 5), ("b", "eth0", 2, 3), ("b", "eth1", 1, 5),
    ]  # fmt: skip
    assert [(run.run, run.is_alive, run.journals) for run in info.runs] == [("a", False, 1), ("b", True, 1)]


def test_segments_know_nothing_of_an_empty_store(tmp_path: Path) -> None:
    assert Segments(tmp_path, BadDisk()).segments == []
