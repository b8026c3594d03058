"""`analyze --store`: each capture once by what is in it, each call once, all of a capture or nothing."""

from __future__ import annotations

import gzip
import os
import shutil
from datetime import date
from pathlib import Path

import pytest

from analyzer import api
from analyzer.adding.about import intervals
from analyzer.adding.rows import AddedRows
from analyzer.batch import Columns
from analyzer.errors import CaptureError, StoreError
from analyzer.pipeline import Pipeline
from analyzer.schema import CaptureRow, columns
from analyzer.tables.store_add import AddingLog
from analyzer.tables.store_files import Disk
from analyzer.tables.store_info import store_info
from analyzer.tables.store_read import open_store
from analyzer.tables.store_tables import STORED
from analyzer.tables.store_verify import verify
from analyzer.vocab import SourceKind
from tests.adding.made import CONFIG, ZONE, add, cut, rows, told, ts
from tests.flow import sent
from tests.frames import write_pcap
from tests.tables.storing import BadDisk, Crash, call_rows

MIDNIGHT = "2026-03-10T00:00:00"
#: Around midnight: one call that is over, one that is up, one that rings; a registration that waits, OPTIONS.
NIGHT = """
at 2026-03-09T23:58:00+01:00
call over
alice -> bob INVITE
alice <- bob 503 retry_after=120
alice -> bob ACK
at 2026-03-09T23:59:30+01:00
call long
alice -> bob INVITE
alice <- bob 180
alice <- bob 200
alice -> bob ACK
carol -> bob OPTIONS
carol <- bob 200
call rings
alice -> bob INVITE +20s
alice <- bob 180
call in
alice -> bob REGISTER +9960ms
alice <- bob 401
alice -> bob REGISTER
call rings
alice <- bob 486 for=INVITE
alice -> bob ACK
call in
alice <- bob 200
call long
alice -> bob BYE +5s
alice <- bob 200
"""


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """The night as two captures."""
    first, second = cut(tmp_path_factory.mktemp("night"), NIGHT, MIDNIGHT)
    return first, second


def test_what_is_stored_is_what_was_counted(tmp_path: Path, night: tuple[str, str]) -> None:
    result = api.analyze(*night, config=CONFIG, store=tmp_path)
    calls: Columns = result.columns("calls")
    names = ("call_id", "invite_ts", "outcome", "status_code", "messages", "capture_no", "frame_no", "end_ts")
    of_result = sorted(tuple(row[name] for name in names) for row in calls.rows())
    assert rows(tmp_path, "calls", *names) == of_result
    assert len(of_result) == 3
    assert [row[1:] for row in rows(tmp_path, "captures", "capture_no", "source")] == [(path,) for path in night]
    assert sum(row[-1] for row in rows(tmp_path, "traffic", "hour_ts", "unique")) == sum(
        row.unique for row in (*result.responses, *result.requests)
    )
    assert len(set(rows(tmp_path, "calls", "run"))) == 1


def test_a_correlator_beside_gives_the_same_store(
    tmp_path: Path, night: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nothing goes on the rows are those of the analysis; a correlator of their own would say the same."""
    add(tmp_path / "shared", *night)
    used: list[AddedRows] = []

    def beside(pipeline: Pipeline, log: AddingLog) -> AddedRows:
        made = AddedRows(pipeline.rules, pipeline.methods, log, lambda: pipeline.assembly.wire.events)
        made.go_on(0, lambda run, number: number)
        used.append(made)
        return made

    monkeypatch.setattr("analyzer.adding.captures.SharedRows", beside)
    add(tmp_path / "beside", *night)
    assert used[0].messages == len(sent(NIGHT))
    for table, stored in STORED.items():
        names = [one.name for one in columns(stored.row_type) if one.name not in ("run", "added_ts")]
        assert rows(tmp_path / "shared", table, *names) == rows(tmp_path / "beside", table, *names), table
    left = [store_info(open_store(tmp_path / name)).runs[0].open_messages for name in ("shared", "beside")]
    assert left[0] == left[1] > 0


def test_calls_over_two_captures_are_those_of_one(tmp_path: Path, night: tuple[str, str]) -> None:
    add(tmp_path / "whole", *night)
    first = add(tmp_path / "parts", night[0])
    assert (first.went_on, first.open_calls) == (0, 2)
    assert sorted(rows(tmp_path / "parts", "calls", "outcome")) == ["answered", "failed", "open"]
    second = add(tmp_path / "parts", night[1])
    assert (second.went_on, second.open_calls) == (2, 0)
    assert told(tmp_path / "parts") == told(tmp_path / "whole")
    assert [row[1] for row in rows(tmp_path / "parts", "calls", "outcome", "sdt_s") if row[0] == "answered"] == [35.05]
    # Each call says where it begins, by a number of its own run.
    captures = {row[:2]: row[2] for row in rows(tmp_path / "parts", "captures", "run", "capture_no", "source")}
    places = rows(tmp_path / "parts", "calls", "run", "capture_no")
    assert [captures[place] for place in places] == [night[0]] * 3
    # The first one holds nothing any more, the second one what may still be sent again.
    left = {run.run: run.open_messages for run in store_info(open_store(tmp_path / "parts")).runs}
    assert (left[str(first.run)], left[str(second.run)]) == (0, 14)


def test_the_printed_analysis_is_that_of_the_captures_given(tmp_path: Path, night: tuple[str, str]) -> None:
    add(tmp_path, night[0])
    plain = api.analyze(night[1], config=CONFIG)
    beside = api.analyze(night[1], config=CONFIG, store=tmp_path)
    assert list(beside.columns("calls").rows()) == list(plain.columns("calls").rows())
    assert (beside.requests, beside.responses, beside.issue_counts) == (
        plain.requests,
        plain.responses,
        plain.issue_counts,
    )


def test_the_same_capture_counts_once_whatever_it_is_called(tmp_path: Path, night: tuple[str, str]) -> None:
    as_pcapng = tmp_path / "other.pcapng"
    write_pcap(sent(NIGHT), as_pcapng)
    packed, micros = tmp_path / "packed.bin", tmp_path / "again.pcap"
    packed.write_bytes(gzip.compress(as_pcapng.read_bytes()))
    micros.write_bytes(as_pcapng.read_bytes())
    store = tmp_path / "store"
    assert add(store, str(as_pcapng)).captures == 1
    before = told(store)
    for path in (packed, micros):
        added = add(store, str(path))
        assert (added.captures, added.run, [one.source for one in added.left_out]) == (0, None, [str(path)])
        assert added.left_out[0].known_as == str(as_pcapng)
    assert told(store) == before
    assert len(rows(store, "captures", "digest")) == 1
    assert verify(open_store(store)).is_sound


def test_of_several_captures_the_others_count(tmp_path: Path, night: tuple[str, str]) -> None:
    add(tmp_path / "whole", *night)
    add(tmp_path / "parts", night[0])
    added = add(tmp_path / "parts", *night)
    assert (added.captures, added.went_on) == (1, 2)
    assert [one.source for one in added.left_out] == [night[0]]
    assert told(tmp_path / "parts") == told(tmp_path / "whole")


def test_a_capture_that_is_given_twice_at_once_counts_once(tmp_path: Path, night: tuple[str, str]) -> None:
    copy = tmp_path / "copy.pcap"
    copy.write_bytes(Path(night[0]).read_bytes())
    add(tmp_path / "once", night[0])
    added = add(tmp_path / "twice", night[0], str(copy))
    assert [(one.source, one.known_as, one.added_ts) for one in added.left_out] == [(str(copy), night[0], None)]
    assert told(tmp_path / "twice") == told(tmp_path / "once")


def test_streams_over_the_edge_of_captures_are_known_alone_as_well(tmp_path: Path) -> None:
    ladder = (
        "alice -- bob tcp mss=100\nat 2026-03-09T23:59:59.990+01:00\n" + "alice -> bob OPTIONS\nalice <- bob 200\n" * 4
    )
    paths = cut(tmp_path, ladder, MIDNIGHT)
    add(tmp_path / "store", *paths)
    for path in paths:
        assert add(tmp_path / "store", path).captures == 0


def test_captures_without_a_message_are_told_apart(tmp_path: Path) -> None:
    paths = cut(tmp_path, "at 2026-03-10T08:00:00+01:00\nend +1s\nend +1h\nend +1s", "2026-03-10T08:30:00")
    assert [add(tmp_path / "store", path).captures for path in (*paths, *paths)] == [1, 1, 0, 0]
    assert len(rows(tmp_path / "store", "intervals", "from_ts")) == 2


def test_after_a_time_in_which_nobody_listened_calls_stay_open(tmp_path: Path) -> None:
    night = NIGHT.partition("call rings\nalice <- bob 486")[0]
    later = "at 2026-03-10T06:00:00+01:00\ncall other\nalice -> bob INVITE\nalice <- bob 404\nalice -> bob ACK\nend +1h"
    first, second = cut(tmp_path, night + later, MIDNIGHT)
    add(tmp_path / "store", first)
    added = add(tmp_path / "store", second)
    assert added.went_on == 0
    outcomes = dict(rows(tmp_path / "store", "calls", "invite_ts", "outcome"))
    assert outcomes[ts("2026-03-09T23:59:50") + 50_000_000] == "open"
    assert sorted(outcomes.values()) == ["answered", "failed", "invalid_number", "open"]


def test_a_call_goes_on_hours_later_and_one_capture_further(tmp_path: Path) -> None:
    ladder = (
        "at 2026-03-09T23:59:00+01:00\ncall long\nalice -> bob INVITE\nalice <- bob 200\nalice -> bob ACK\n"
        "at 2026-03-10T02:00:00+01:00\ncall other\nalice -> bob INVITE\nalice <- bob 404\nalice -> bob ACK\n"
        "at 2026-03-10T03:30:00+01:00\ncall long\nalice -> bob BYE\nalice <- bob 200\n"
    )
    paths = cut(tmp_path, ladder, MIDNIGHT, "2026-03-10T03:00:00")
    assert [add(tmp_path / "store", path).went_on for path in paths] == [0, 0, 1]
    assert rows(tmp_path / "store", "calls", "outcome", "release") == [("answered", "normal"), ("invalid_number", None)]


def test_the_wrong_order_loses_nothing(tmp_path: Path, night: tuple[str, str]) -> None:
    add(tmp_path, night[1])
    added = add(tmp_path, night[0])
    assert added.went_on == 0
    # What went over midnight is not joined, and is open: out of every ratio.
    assert sorted(rows(tmp_path, "calls", "outcome", "release")) == [
        ("answered", "still_up"), ("failed", None), ("open", None),
    ]  # fmt: skip
    assert sum(row[-1] for row in rows(tmp_path, "traffic", "hour_ts", "unique")) == len(sent(NIGHT))


def test_overlapping_captures_give_each_call_once(tmp_path: Path) -> None:
    packets = sent(NIGHT)
    paths = [tmp_path / "a.pcap", tmp_path / "b.pcap"]
    write_pcap(packets[: len(packets) - 4], paths[0])
    write_pcap(packets[2:], paths[1])
    for path in paths:
        add(tmp_path / "store", str(path))
    add(tmp_path / "whole", *cut(tmp_path, NIGHT))
    assert told(tmp_path / "store")["calls"] == told(tmp_path / "whole")["calls"]


def test_days_are_those_of_the_store(tmp_path: Path, night: tuple[str, str]) -> None:
    add(tmp_path, *night)
    days = {table: open_store(tmp_path).days(table) for table in ("calls", "captures", "intervals", "others")}
    assert days == {
        "calls": ["2026-03-09"],
        "captures": ["2026-03-09", "2026-03-10"],
        "intervals": ["2026-03-09", "2026-03-10"],
        "others": ["2026-03-09", "2026-03-10"],
    }


def test_a_capture_over_midnight_has_an_interval_a_day(tmp_path: Path) -> None:
    (path,) = cut(tmp_path, NIGHT)
    add(tmp_path / "store", path)
    found = rows(tmp_path / "store", "intervals", "from_ts", "to_ts", "frames", "sip_messages")
    assert [row[:2] for row in found] == [(ts("2026-03-09T23:58:00"), ts(MIDNIGHT)), (ts(MIDNIGHT), found[1][1])]
    assert [row[2] for row in found] == [11, len(sent(NIGHT)) - 11]
    assert [row[3] for row in found] == [11, len(sent(NIGHT)) - 11]


def test_frames_of_a_capture_are_shared_out_by_messages_or_by_time(tmp_path: Path) -> None:
    """Four days; the frames that are no SIP come with them."""
    days = [date(2026, 3, day) for day in range(9, 13)]
    row = CaptureRow(
        capture_no=1, source="x", kind=SourceKind.FILE, format="pcap", start_ts=ts("2026-03-09T12:00:00"),
        end_ts=ts("2026-03-12T12:00:00"), frames=1001, octets=70_007, sip_messages=10, dropped=3, truncated=False,
        reader="kernels", duplicates=0, opaque=0, opaque_connections=0, unread={}, layers={},
    )  # fmt: skip

    def told_of(*messages: int) -> list[tuple[int, ...]]:
        by_day = {day: count for day, count in zip(days, messages, strict=True) if count}
        found = list(intervals(row, "x", by_day, ZONE, 5))
        assert [sum(column) for column in zip(*(one[4:8] for one in found), strict=True)] == [1001, 70_007, 10, 3]
        return [(one.frames, one.open_calls) for one in found]

    assert told_of(1, 2, 3, 4) == [(100, 0), (200, 0), (300, 0), (401, 5)]
    assert told_of(5, 0, 0, 5) == [(166, 0), (334, 0), (334, 0), (167, 5)]  # half a day, two whole ones, half a day


def test_what_limits_the_captures_is_stored_with_them(tmp_path: Path, night: tuple[str, str]) -> None:
    add(tmp_path, night[0])
    doubts = {
        check: (affected, total) for check, affected, total in rows(tmp_path, "doubts", "check", "affected", "total")
    }
    assert doubts["cut_at_end"] == (1, 3)
    assert doubts["doubts.open"] == (1, 3)


def test_what_stops_before_the_end_adds_nothing(tmp_path: Path, night: tuple[str, str]) -> None:
    torn = tmp_path / "torn.txt"
    torn.write_text("no capture")
    with pytest.raises(CaptureError):
        add(tmp_path / "store", night[0], str(torn))
    assert not (tmp_path / "store" / "calls").exists()
    assert add(tmp_path / "store", night[0]).captures == 1
    assert len(rows(tmp_path / "store", "calls", "call_key")) == 3


def test_a_crash_at_any_step_adds_all_or_nothing(
    tmp_path: Path, night: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    add(tmp_path / "whole", *night)
    wanted = told(tmp_path / "whole")

    def with_disk(store: Path, disk: Disk) -> None:
        monkeypatch.setattr("analyzer.adding.captures.AddingLog", lambda folder, zone: AddingLog(folder, zone, disk))
        add(store, night[1])

    counting = BadDisk()
    add(tmp_path / "count", night[0])
    with_disk(tmp_path / "count", counting)
    assert counting.steps > 20
    monkeypatch.undo()
    add(tmp_path / "first", night[0])
    before = told(tmp_path / "first")
    for step in range(1, counting.steps + 1):
        store = shutil.copytree(tmp_path / "first", tmp_path / f"at-{step}")
        with pytest.raises(Crash):
            with_disk(store, BadDisk(crash_at=step))
        monkeypatch.undo()
        left = told(store)
        assert left in (before, wanted), step
        assert add(store, night[1]).captures == int(left != wanted), step
        assert told(store) == wanted, step
        assert not [*store.glob("journal/*"), *store.glob("*/*/*.new")], step


def test_a_full_disk_is_one_line_and_adds_nothing(
    tmp_path: Path, night: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    add(tmp_path, night[0])
    before = told(tmp_path)
    monkeypatch.setattr(
        "analyzer.adding.captures.AddingLog", lambda folder, zone: AddingLog(folder, zone, BadDisk(room=2000))
    )
    with pytest.raises(StoreError, match=r"No space left on device\): nothing of the captures was added"):
        add(tmp_path, night[1])
    monkeypatch.undo()
    assert told(tmp_path) == before
    assert not [name for name in os.listdir(tmp_path / "journal") if name.endswith(".new")]


def test_two_that_add_the_same_at_once_count_it_once(
    tmp_path: Path, night: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    add(tmp_path / "once", night[0])
    commit = AddingLog.commit

    class Late(AddingLog):
        """Looks what is known, and then another process is faster."""

        def add(self, table: str, columns: Columns, keys: dict[int, str]) -> None:
            if table == "doubts":
                monkeypatch.undo()
                assert add(tmp_path / "store", night[0]).captures == 1
            super().add(table, columns, keys)

    monkeypatch.setattr("analyzer.adding.captures.AddingLog", Late)
    added = add(tmp_path / "store", night[0])
    assert AddingLog.commit is commit
    assert (added.captures, len(added.left_out)) == (0, 1)
    assert told(tmp_path / "store") == told(tmp_path / "once")


def test_messages_on_too_many_days_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analyzer.adding.captures.MOST_DAYS", 2)
    ladder = "".join(f"at 2026-03-{day:02}T12:00:00+01:00\nalice -> bob OPTIONS\n" for day in range(1, 6))
    (path,) = cut(tmp_path, ladder)
    with pytest.raises(StoreError, match="more than 2 days: set its clock right"):
        add(tmp_path / "store", path)


def test_what_a_killed_process_had_not_finished_is_removed(tmp_path: Path, night: tuple[str, str]) -> None:
    killed = AddingLog(tmp_path, ZONE, BadDisk())
    killed.add("calls", call_rows([1, 2]), {})
    os.close(killed._lock._number)  # its lock goes with the process
    assert rows(tmp_path, "calls", "call_key") == []
    assert len(list(tmp_path.glob("journal/*.new"))) == 1
    add(tmp_path, night[0])
    assert not [*tmp_path.glob("journal/*"), *tmp_path.glob("locks/*")]
    assert len(rows(tmp_path, "calls", "call_key")) == 3
