"""Torn, interrupted, killed, full: what was acknowledged is there, once, and what was not is not half there."""

from __future__ import annotations

import fcntl
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.batch import MISSING
from analyzer.tables.journal import Log
from analyzer.tables.store_files import logs_in
from analyzer.tables.store_locks import Lock
from analyzer.tables.store_read import open_store
from analyzer.tables.store_verify import verify
from tests.tables.storing import (
    ALWAYS,
    NEVER,
    START,
    BadDisk,
    Crash,
    message_batch,
    opened,
    texts,
    told_rows,
    writer,
)

ROOT = Path(__file__).parents[2]


def numbers(folder: Path) -> list[int]:
    return sorted(open_store(folder).midcall(columns=["call_no"]).column("call_no").to_pylist())


def dies(one: object) -> None:
    """The process of a writer is gone: so is its lock."""
    lock = one._lock  # type: ignore[attr-defined]
    if lock._number >= 0:
        os.close(lock._number)
        lock._number = -1


def recovered(folder: Path, **options: object) -> tuple[list[str], int]:
    """What a next run goes on with, and the clock that it begins with; it dies without a commit."""
    one = writer(folder, **options)
    found = one.recover()
    said = texts(list(found.datagrams))
    for adopted in one._adopted:
        adopted.release()
    dies(one)
    return said, found.last_ts


def three_commits(folder: Path) -> None:
    one = writer(folder, run="first")
    for turn in range(1, 4):
        one.add("midcall", told_rows([turn]))
        one.keep(*message_batch([turn, turn + 10]))
        one.commit(opened(11, 12, turn + 10), START + turn)
    dies(one)


def test_a_log_that_is_torn_anywhere_says_what_its_last_whole_commit_said(tmp_path: Path) -> None:
    three_commits(tmp_path / "whole")
    (path,) = logs_in(tmp_path / "whole", "journal").values()
    content = path.read_bytes()
    with Log(path) as log:
        ends = [frame.at + frame.octets for frame in log.named("commit")]
    assert ends[-1] == len(content)
    chance = random.Random(5)
    torn = tmp_path / "torn"
    cuts = {*range(ends[1], ends[1] + 120), *range(len(content) - 60, len(content)), *range(40), ends[0] - 1, ends[0]}
    cuts |= {chance.randrange(ends[1], len(content)) for _ in range(60)}
    for cut in sorted(cuts):
        for tail in (b"", bytes(chance.randrange(8, 5_000))):  # a kill; the power gone before the octets were written
            if tail and cut in ends:
                continue
            left = content[:cut] + tail
            whole = sum(left.startswith(content[:end]) for end in ends)  # what ends in zeros may be whole for all that
            shutil.rmtree(torn, ignore_errors=True)
            shutil.copytree(tmp_path / "whole", torn)
            (torn / "journal" / path.name).write_bytes(left)
            with Log(torn / "journal" / path.name) as log:
                assert log.octets == len(left)
                assert (log.last_commit.number if log.last_commit else 0) == whole
                assert not log.is_damaged
                if cut in ends:
                    assert log.torn == 0
            if cut % 7 == 0 or cut in ends:
                assert numbers(torn) == list(range(1, whole + 1))
                assert verify(open_store(torn)).is_sound
                said, last = recovered(torn)
                assert last == (START + whole if whole else MISSING)
                assert said == [f"INVITE {10 + turn}" for turn in range(1, whole + 1)]
                assert numbers(torn) == list(range(1, whole + 1))


@settings(max_examples=40)
@given(st.data())
def test_an_octet_that_changed_is_noticed(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    folder = tmp_path_factory.mktemp("store")
    three_commits(folder)
    (path,) = logs_in(folder, "journal").values()
    content = bytearray(path.read_bytes())
    with Log(path) as log:
        ends = [frame.at + frame.octets for frame in log.named("commit")]
    at = data.draw(st.integers(24, len(content) - 200))
    content[at] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    whole = sum(end <= at for end in ends)
    with Log(path) as log:
        assert (log.last_commit.number if log.last_commit else 0) == whole
        # An octet of a length may lead behind the end of the file, which looks like a torn one.
        assert log.is_damaged or log.torn == len(content) - (log.octets - log.torn) > 0
    if not verify(open_store(folder)).is_sound:
        one = writer(folder)
        assert one.recover().notices == [
            "the journal first-000001 is damaged: what stands behind the damage is left out"
        ]
        one.close()


def test_strangers_cannot_lay_a_frame_where_one_was_torn(tmp_path: Path) -> None:
    """A message that holds a whole log is torn; what it says is not believed."""
    three_commits(tmp_path / "theirs")
    (theirs,) = logs_in(tmp_path / "theirs", "journal").values()
    three_commits(tmp_path / "ours")
    (ours,) = logs_in(tmp_path / "ours", "journal").values()
    with open(ours, "ab") as file:
        file.write(theirs.read_bytes()[24:])
    with Log(ours) as log:
        assert log.last_commit is not None
        assert (log.last_commit.number, log.is_damaged) == (3, True)
    assert numbers(tmp_path / "ours") == [1, 2, 3]


def test_a_frame_that_is_no_arrow_stops_nobody(tmp_path: Path) -> None:
    """Whole by its check sum, and yet not to be understood: as another version might write it."""
    one = writer(tmp_path, run="first")
    one.add("midcall", told_rows([1]))
    one.commit(opened(), START)
    assert one._journal is not None
    one._journal[1].frame("midcall", 1, b"no arrow")
    one.commit(opened(), START + 1)
    dies(one)
    assert [fault.what for fault in verify(open_store(tmp_path)).faults] == ["unreadable"]
    two = writer(tmp_path)
    (notice,) = two.recover().notices
    assert "a frame cannot be understood" in notice
    two.add("midcall", told_rows([2]))
    assert two.commit(opened(), START + 2)
    assert two.trouble is None
    two.close()


def interrupted(folder: Path, crash_at: int) -> tuple[int, list[int], int]:
    """A run in which everything happens that writes, stopped at one step: steps, acknowledged calls, last commit."""
    disk = BadDisk(crash_at)
    done: list[int] = []
    last = 0
    try:
        one = writer(folder, run="first", disk=disk, rolling=ALWAYS)
        try:
            for turn in range(1, 4):
                one.add("midcall", told_rows([turn, 90_000 + turn]))
                one.keep(*message_batch([turn, turn + 10]))
                one.commit(opened(11, turn + 10), START + turn)
                assert one.trouble is None
                done += [turn, 90_000 + turn]
                last = turn
            one.close(opened(11, 13), START + 7)
            last = 7
        finally:
            dies(one)
    except Crash:
        pass
    return disk.steps, sorted(done), last


def test_stopped_at_any_step_nothing_acknowledged_is_lost_and_nothing_is_twice(tmp_path: Path) -> None:
    steps, everything, _ = interrupted(tmp_path / "whole", -1)
    assert numbers(tmp_path / "whole") == everything
    assert steps > 50
    for crash_at in range(1, steps + 1):
        folder = tmp_path / str(crash_at)
        _, done, last = interrupted(folder, crash_at)
        if not (folder / "store.json").exists():
            assert not done
            continue
        begun = [n for n in everything if n % 90_000 <= last + 1]
        found = numbers(folder)
        assert found in (done, begun), crash_at  # the commit in which it stopped is whole or not there
        assert verify(open_store(folder)).is_sound
        said, clock = recovered(folder)
        assert numbers(folder) == found
        known = len([n for n in found if n < 90_000])
        assert clock in ({START + known, START + 7} if known else {MISSING, START + 7})
        assert said == [f"INVITE {n}" for n in dict.fromkeys((11, known + 10)) if known], crash_at
        # Nothing half is left behind, and a second start finds the same.
        assert not list(folder.glob("*/**/*.parquet.new")) or verify(open_store(folder)).faults
        assert recovered(folder) == (said, clock)
        shutil.rmtree(folder)


def adopted(folder: Path, crash_at: int) -> int:
    """A run that goes on with what a dead one left, stopped at one step."""
    disk = BadDisk(crash_at)
    try:
        one = writer(folder, run="second", disk=disk, rolling=ALWAYS)
        try:
            for number, datagrams in enumerate(one.recover().datagrams):
                assert number == 0
                calls = [int(text.split()[1]) for text in texts([datagrams])]
                one.keep(*message_batch(calls))
            one.add("midcall", told_rows([50]))
            one.commit(opened(*calls), START + 100)
            one.add("midcall", told_rows([51]))
            one.close(opened(*calls), START + 101)
        finally:
            for other in one._adopted:
                other.release()
            dies(one)
    except Crash:
        pass
    return disk.steps


def test_going_on_can_be_stopped_at_any_step(tmp_path: Path) -> None:
    """The messages of what is open are held by the old run or by the new one, never by both or none."""
    three_commits(tmp_path / "dead")
    shutil.copytree(tmp_path / "dead", tmp_path / "whole")
    steps = adopted(tmp_path / "whole", -1)
    wanted = ["INVITE 11", "INVITE 12", "INVITE 13"]
    assert recovered(tmp_path / "whole") == (wanted, START + 101)
    for crash_at in range(1, steps + 1):
        folder = tmp_path / str(crash_at)
        shutil.copytree(tmp_path / "dead", folder)
        adopted(folder, crash_at)
        said, _ = recovered(folder)
        assert said == wanted, crash_at
        assert numbers(folder)[:3] == [1, 2, 3]
        assert len(set(numbers(folder))) == len(numbers(folder))
        assert verify(open_store(folder)).is_sound
        shutil.rmtree(folder)


def test_two_that_start_at_once_do_not_both_go_on_with_the_same_run(tmp_path: Path) -> None:
    three_commits(tmp_path)
    one, two = writer(tmp_path), writer(tmp_path)
    first, second = one.recover(), two.recover()
    assert (first.runs, second.runs) == (("first",), ())
    assert (texts(list(first.datagrams)), texts(list(second.datagrams))) == (
        ["INVITE 11", "INVITE 12", "INVITE 13"],
        [],
    )
    one.close()
    two.close()


def test_a_lock_that_was_removed_meanwhile_guards_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody let go of a run between our opening of its lock and our taking of it."""
    writer(tmp_path).close()
    locked = fcntl.flock

    def late(number: int, how: int) -> None:
        (tmp_path / "locks" / "dead.lock").unlink()
        locked(number, how)

    monkeypatch.setattr("fcntl.flock", late)
    assert Lock.take(tmp_path, "dead") is None


def test_nothing_is_committed_before_all_is_read_again(tmp_path: Path) -> None:
    three_commits(tmp_path)
    one = writer(tmp_path)
    walk = one.recover().datagrams
    next(walk)
    assert not one.commit(opened(), START)
    one.close()
    assert recovered(tmp_path)[0] == ["INVITE 11", "INVITE 12", "INVITE 13"]


def test_where_nothing_was_left_open_nothing_need_be_read(tmp_path: Path) -> None:
    one = writer(tmp_path)
    found = one.recover()
    assert (found.runs, found.last_ts, found.is_done) == ((), MISSING, True)
    one.add("midcall", told_rows([1]))
    assert one.commit(opened(), START)
    assert numbers(tmp_path) == [1]
    one.close()


def test_what_two_dead_runs_left_comes_by_time(tmp_path: Path) -> None:
    for run, calls in (("a", (1, 3, 2, 7)), ("b", (4, 5, 6, 8))):
        one = writer(tmp_path, run=run)
        for number in calls:  # the clock of the third one is set back: it keeps its place
            one.keep(*message_batch([number], ts=START + 10 * number))
        one.commit(opened(*range(9)), START + 100)
        dies(one)
    assert recovered(tmp_path)[0] == [f"INVITE {number}" for number in (1, 3, 2, 4, 5, 6, 7, 8)]


def test_a_disk_that_is_full_at_any_octet(tmp_path: Path) -> None:
    """Says so, keeps what there is, goes on when there is room again; with all of it on the disk in the end."""
    size = 0
    disk = BadDisk()
    for room in range(0, 60_000, 997):
        folder = tmp_path / str(room)
        disk = BadDisk()
        one = writer(folder, run="first", disk=disk, rolling=NEVER)
        one.add("midcall", told_rows([1]))
        one.keep(*message_batch([1, 11]))
        one.commit(opened(11), START + 1)
        assert one.trouble is None
        disk.room = room
        for turn in (2, 3):
            one.add("midcall", told_rows([turn]))
            one.keep(*message_batch([turn, turn + 10]))
            one.commit(opened(11, turn + 10), START + turn)
        size = room
        was_full = one.trouble is not None
        assert numbers(folder)[0] == 1
        assert numbers(folder) == list(range(1, len(numbers(folder)) + 1))
        assert verify(open_store(folder)).is_sound
        disk.room = None
        one.add("midcall", told_rows([4]))
        one.commit(opened(11, 13), START + 4)
        assert one.trouble is None
        assert one.lost_rows == one.lost_messages == 0
        assert numbers(folder) == [1, 2, 3, 4]
        dies(one)
        assert recovered(folder) == (["INVITE 11", "INVITE 13"], START + 4)
        assert not verify(open_store(folder)).faults
        shutil.rmtree(folder)
        if not was_full:
            break
    assert 10_000 < size < 59_000


def test_a_disk_that_is_full_while_rolling(tmp_path: Path) -> None:
    for room in range(0, 200_000, 4_001):
        folder = tmp_path / str(room)
        disk = BadDisk()
        one = writer(folder, run="first", disk=disk, rolling=ALWAYS)
        for turn in range(1, 4):
            disk.room = room if turn == 2 else None
            one.add("midcall", told_rows([turn, 90_000 + turn]))
            one.keep(*message_batch([turn, turn + 10]))
            one.commit(opened(11, turn + 10), START + turn)
        assert one.trouble is None
        assert numbers(folder) == [1, 2, 3, 90_001, 90_002, 90_003]
        assert not list(folder.glob("**/*.new"))
        one.close(opened(11, 13), START + 9)
        assert one.trouble is None
        assert not verify(open_store(folder)).faults
        assert recovered(folder) == (["INVITE 11", "INVITE 13"], START + 9)
        shutil.rmtree(folder)


def test_what_the_system_could_not_write_is_written_to_another_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a failed fsync pages may be forgotten: the file is not relied on any more."""
    disk = BadDisk()
    one = writer(tmp_path, run="first", disk=disk)
    one.keep(*message_batch([11]))
    one.commit(opened(11), START)

    def failing(number: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(disk, "sync", failing)
    one.add("midcall", told_rows([1]))
    one.commit(opened(11), START + 1)
    assert one.trouble == "the store cannot be written (Input/output error): 1 rows wait"
    monkeypatch.undo()
    one.commit(opened(11), START + 2)
    assert one.trouble is None
    assert {name.sequence for kind in ("journal", "open") for name in logs_in(tmp_path, kind)} == {1, 2}
    assert numbers(tmp_path) == [1]
    dies(one)
    assert recovered(tmp_path) == (["INVITE 11"], START + 2)


KILLED = """
import sys
from tests.tables.storing import *
from analyzer.tables.store_files import Disk
folder, first = sys.argv[1], int(sys.argv[2])
one = writer(Path(folder), disk=Disk(), in_background=True, rolling=Rolling(every_s=0.05))
held = [int(text.split()[1]) for text in texts(list(one.recover().datagrams))]
print("held", *held, flush=True)
one.keep(*message_batch(held, "INVITE {}")) if held else None
number, waits = first, []
while True:
    number += 1
    one.add("midcall", told_rows([number]))
    one.keep(*message_batch([number, number + 1_000_000]))
    still_open = range(max(number - 5, 1) + 1_000_000, number + 1_000_001)
    if one.commit(opened(*[n for n in held if n + 20 > number + 1_000_000], *still_open), number):
        print("begun", number, flush=True)
    while one.is_busy and number % 3:
        pass
    if not one.is_busy and one._committed is not None:
        print("done", one._committed.ts, flush=True)
"""


def test_killed_again_and_again_with_a_reader_beside(tmp_path: Path) -> None:
    chance = random.Random(1)
    first = 0
    for _ in range(3):
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(tmp_path), str(first)], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        lines: list[str] = []
        enough = chance.randrange(5, 60)
        seen: list[list[int]] = []
        stop = threading.Event()

        def read(seen: list[list[int]] = seen, stop: threading.Event = stop) -> None:
            while not stop.is_set():
                if (tmp_path / "store.json").exists():
                    seen.append(numbers(tmp_path))

        reader = threading.Thread(target=read)
        reader.start()
        for line in process.stdout:
            lines.append(line)
            if len(lines) >= enough:
                break
        process.send_signal(signal.SIGKILL)
        lines += process.stdout.readlines()
        process.wait()
        process.stdout.close()
        stop.set()
        reader.join()
        lines = [line for line in lines if line.endswith("\n")]  # a kill can tear the last one
        done = max((int(line.split()[1]) for line in lines if line.startswith("done")), default=first)
        begun = max((int(line.split()[1]) for line in lines if line.startswith("begun")), default=first)
        for one in [*seen, numbers(tmp_path)]:
            assert one == list(range(1, len(one) + 1))
        assert [len(one) for one in seen] == sorted(len(one) for one in seen)
        last = len(numbers(tmp_path))
        assert done <= last <= begun  # all that was acknowledged, at most one commit more
        assert verify(open_store(tmp_path)).is_sound
        first = last
    assert first > 10
    held = recovered(tmp_path)[0]
    assert len(held) == len(set(held))
    assert {f"INVITE {number + 1_000_000}" for number in range(first - 4, first + 1)} <= set(held)


FILLED = """
import sys
from tests.tables.storing import *
from tests.tables.test_store_crash import numbers
from analyzer.tables.store_files import Disk
from analyzer.tables.store_read import open_store
from analyzer.tables.store_verify import verify
folder = Path(sys.argv[1])
one = writer(folder / "store", disk=Disk(), rolling=Rolling(every_s=0.0, again_s=0.0))
def turn(number):
    one.add("midcall", told_rows([number]))
    one.keep(*message_batch([number + 10_000], "INVITE {} " + "x" * 2_000))
    one.commit(opened(*range(10_000, 10_001 + number)), START + number)
turn(1)
assert one.trouble is None, one.trouble
filling = folder / "filling"
with filling.open("wb", buffering=0) as file:
    try:
        while True:
            file.write(bytes(4096))
    except OSError:
        pass
for number in range(2, 20):
    turn(number)
assert "No space left on device" in one.trouble, one.trouble
assert numbers(folder / "store")[0] == 1 and verify(open_store(folder / "store")).is_sound
filling.unlink()
turn(20)
turn(21)
assert one.trouble is None, one.trouble
assert numbers(folder / "store") == list(range(1, 22))
one.close(opened(10_001), START + 30)
assert one.trouble is None and not verify(open_store(folder / "store")).faults
print("well")
"""


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="mounting needs root")
def test_a_small_file_system_is_full_and_has_room_again(tmp_path: Path) -> None:
    mounted = f"mount -t tmpfs -o size=1m tmpfs {tmp_path} && exec {sys.executable} -c '{FILLED}' {tmp_path}"
    run = subprocess.run(["unshare", "-m", "sh", "-c", mounted], cwd=ROOT, capture_output=True, text=True, check=False)
    if "unshare" in run.stderr or "mount:" in run.stderr:
        pytest.skip("mounting is not allowed here")
    assert (run.stdout, run.stderr) == ("well\n", "")
