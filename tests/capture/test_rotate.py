"""Frames kept for proof: what comes in comes out again, whatever the disk does and whenever it all ends."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from analyzer.batch import Octets
from analyzer.capture import rotate
from analyzer.capture.frames import Frame, chosen_frames
from analyzer.capture.frames_folder import NAME, FramesFolder, mend
from analyzer.capture.record_kernels import copy_records
from analyzer.capture.rotate import FramesFile
from analyzer.capture.source import open_source
from analyzer.errors import OutputError
from tests.capture.made import INVITE, RINGING, RTP, ether, ipv4, read, sip, udp

SECOND = 1_000_000_000
T = 1_790_000_000 * SECOND + 123_456_789
ETHERNET, RAW = 1, 101
ONE = [("eth0", ETHERNET)]

compiled_or_not = pytest.mark.parametrize(
    "kernel", [copy_records, getattr(copy_records, "py_func", copy_records)], ids=["compiled", "plain"]
)


class Clock:
    def __init__(self) -> None:
        self.ts = T

    def __call__(self) -> int:
        return self.ts


@pytest.fixture
def clock() -> Clock:
    return Clock()


def records(frames: Sequence[bytes], first_ts: int = T, wire: int = 0) -> Octets:
    """Frames as a listener hands them over, a millisecond apart."""
    parts = []
    for number, frame in enumerate(frames):
        s, ns = divmod(first_ts + number * 1_000_000, SECOND)
        parts.append(struct.pack("<IIII", s, ns, len(frame), wire or len(frame)) + frame)
    return np.frombuffer(bytearray(b"".join(parts)), dtype=np.uint8)


def numbers(*values: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.array(values, dtype=np.int64)


def add(file: FramesFile, frames: Sequence[bytes], *wanted: int, first: int = 1, capture_no: int = 1) -> None:
    octets = records(frames)
    file.add(capture_no, octets, len(octets), first, numbers(*wanted))


def captures(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if NAME.fullmatch(path.name))


def frames_of(folder: Path) -> list[Frame]:
    found = []
    for path in captures(folder):
        with open_source(str(path)) as source:
            found += list(chosen_frames(source))
    return found


def blocks_of(octets: bytes) -> list[tuple[int, bytes]]:
    """Kind and body of every block; an error unless all are whole."""
    found, at = [], 0
    while at < len(octets):
        kind, total = struct.unpack_from("<II", octets, at)
        assert struct.unpack_from("<I", octets, at + total - 4) == (total,)
        found.append((kind, octets[at + 8 : at + total - 4]))
        at += total
    return found


def test_the_wanted_frames_come_out_again(tmp_path: Path, clock: Clock) -> None:
    file = FramesFile(str(tmp_path / "new" / "frames"), ONE, clock=clock)
    frames = [sip(), sip(RTP), sip(RINGING), b"", sip(INVITE + b"x")]
    add(file, frames, 11, 13, 13, 14, 15, first=11)
    assert file.name is None
    file.flush()
    assert file.name == "sipcause-20260921T141320Z-0001.pcapng"
    octets = records([sip()], T + 5 * SECOND, wire=4000)
    file.add(1, octets, len(octets), 16, numbers(16))
    file.close()
    got = frames_of(tmp_path / "new" / "frames")
    assert [frame.octets for frame in got] == [sip(), sip(RINGING), b"", sip(INVITE + b"x"), sip()]
    assert [frame.ts - T for frame in got] == [0, 2_000_000, 3_000_000, 4_000_000, 5 * SECOND]
    assert [frame.wire_length for frame in got][-2:] == [len(sip()) + 1, 4000]
    assert (file.written, file.lost, file.trouble) == (5, 0, None)
    again = read(captures(tmp_path / "new" / "frames")[0])
    assert again.payloads == [INVITE, RINGING, INVITE + b"x", INVITE]
    assert not again.reader.truncated
    assert again.reader.dropped == 0


@compiled_or_not
def test_listeners_with_link_types_of_their_own(
    tmp_path: Path, clock: Clock, kernel: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rotate, "copy_records", kernel)
    file = FramesFile(str(tmp_path), [("eth0", ETHERNET), ("tun0", RAW)], clock=clock)
    raw = ipv4(udp(RINGING))
    for first in (1, 2, 3):
        add(file, [sip()], first, first=first)
        add(file, [raw], first, first=first, capture_no=2)
    file.close()
    got = frames_of(tmp_path)
    assert [(frame.interface_no, frame.link_type, frame.octets) for frame in got] == [
        (0, ETHERNET, sip()),
        (1, RAW, raw),
    ] * 3
    assert read(captures(tmp_path)[0]).payloads == [INVITE, RINGING] * 3


@compiled_or_not
def test_frames_of_every_length_are_padded(
    tmp_path: Path, kernel: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rotate, "copy_records", kernel)
    frames = [bytes([255]) * length for length in (1, 2, 3, 4, 5, 1999, 70_000)]
    file = FramesFile(str(tmp_path), ONE, buffer=64)
    # What stood in the buffer before must not come out as padding.
    file._out[:] = 0xAA
    add(file, frames, *range(1, 8))
    file.close()
    assert [frame.octets for frame in frames_of(tmp_path)] == frames
    bodies = [body for kind, body in blocks_of(captures(tmp_path)[0].read_bytes()) if kind == 6]
    assert [body[20 + len(frame) :].strip(b"\0") for body, frame in zip(bodies, frames, strict=True)] == [b""] * 7


@compiled_or_not
def test_numbers_that_the_round_does_not_hold_are_lost(
    tmp_path: Path, kernel: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rotate, "copy_records", kernel)
    file = FramesFile(str(tmp_path), ONE)
    octets = records([sip(), sip(RINGING)])
    file.add(1, octets, len(octets) - 1, 5, numbers(3, 4, 4, 5, 6, 7))  # the last record is cut by an octet
    assert (file.written, file.lost) == (1, 4)
    file.add(1, octets, len(octets), 5, numbers())
    assert (file.written, file.lost) == (1, 4)
    file.close()


def test_statistics_stand_at_the_end_and_add_up(tmp_path: Path, clock: Clock) -> None:
    file = FramesFile(str(tmp_path), [("eth0", 1), ("eth1", 1)], clock=clock)
    add(file, [sip()], 1)
    file.count(1, 100, 7)
    file.count(2, 10, 0)
    clock.ts += SECOND
    file.rotate()
    file.rotate()  # nothing is open: nothing happens
    file.count(1, 150, 9)
    clock.ts += SECOND
    add(file, [sip()], 2, first=2)
    file.count(2, 11, 1)
    file.close()
    first, second = captures(tmp_path)
    assert read(first).reader.dropped == 7
    assert read(second).reader.dropped == 3
    last = blocks_of(second.read_bytes())[-2:]
    assert [kind for kind, _ in last] == [5, 5]
    number, _, _ = struct.unpack_from("<III", last[0][1])
    options = [struct.unpack_from("<HH8s", last[0][1], 12 + 12 * n) for n in range(4)]
    assert number == 0
    assert [(code, length) for code, length, _ in options] == [(2, 8), (3, 8), (4, 8), (5, 8)]
    start, end = (struct.unpack("<II", options[n][2]) for n in (0, 1))
    assert (start[0] << 32 | start[1], end[0] << 32 | end[1]) == (T + SECOND, T + 2 * SECOND)
    assert [struct.unpack("<Q", options[n][2])[0] for n in (2, 3)] == [50, 2]


# -- rotation -------------------------------------------------------------------------------------------------------


def test_by_size(tmp_path: Path, clock: Clock) -> None:
    file = FramesFile(str(tmp_path), ONE, max_octets=1200, clock=clock)
    for number in range(1, 31):
        add(file, [sip()], number, first=number)
        if number % 4 == 0:
            file.flush()
    add(file, [bytes(5000), sip()], 31, 32, first=31)
    file.close()
    sizes = [path.stat().st_size for path in captures(tmp_path)]
    assert [size for size in sizes if size > 1200] == [max(sizes)]  # the one frame that is longer than a file
    assert all(size > 900 for size in sizes[:-3])
    assert [frame.octets for frame in frames_of(tmp_path)] == [sip()] * 30 + [bytes(5000), sip()]
    assert file.lost == 0


def test_by_time(tmp_path: Path, clock: Clock) -> None:
    file = FramesFile(str(tmp_path), ONE, max_seconds=60, clock=clock)
    for second in range(150):
        clock.ts = T + second * SECOND
        if second < 100:
            add(file, [sip()], second + 1, first=second + 1)
        file.flush()
    assert [NAME.fullmatch(path.name) is not None and path.name[9:25] for path in captures(tmp_path)] == [
        "20260921T141320Z",
        "20260921T141421Z",
    ]
    assert len(frames_of(tmp_path)) == 100
    file.close()
    assert len(captures(tmp_path)) == 2, "nothing came any more: no empty file"


def test_a_clock_that_is_set_back_does_not_stop_it(tmp_path: Path, clock: Clock) -> None:
    file = FramesFile(str(tmp_path), ONE, max_seconds=60, clock=clock)
    add(file, [sip()], 1)
    file.flush()
    clock.ts -= 3600 * SECOND
    file.flush()
    clock.ts += 60 * SECOND
    file.flush()
    assert file.name is None
    file.close()


def test_by_number_of_files(tmp_path: Path, clock: Clock) -> None:
    strangers = ["capture.pcapng", "sipcause-20260921T142640Z-0001.pcapng.bak", "sipcause-x-0001.pcapng"]
    for name in strangers:
        (tmp_path / name).touch()
    (tmp_path / "sipcause-20250921T142640Z-0000.pcapng").mkdir()
    (tmp_path / "elsewhere").write_bytes(b"kept")
    (tmp_path / "sipcause-20250921T142640Z-0001.pcapng").symlink_to(tmp_path / "elsewhere")
    file = FramesFile(str(tmp_path), ONE, max_files=3, clock=clock)
    for number in range(1, 8):
        add(file, [sip()], number, first=number)
        file.rotate()
    file.close()
    ours = [path.name[-11:-7] for path in captures(tmp_path) if path.is_file() and not path.is_symlink()]
    assert ours == ["0005", "0006", "0007"]
    assert all((tmp_path / name).exists() for name in [*strangers, "elsewhere"])
    assert len(list(tmp_path.iterdir())) == 3 + 6


def test_a_restart_goes_on(tmp_path: Path, clock: Clock) -> None:
    for start in range(3):
        file = FramesFile(str(tmp_path), ONE, max_files=4, clock=clock)
        for number in (1, 2):
            add(file, [sip()], number, first=number)
            file.rotate()
        file.close()
        clock.ts -= 86_400 * SECOND * start  # the number decides what is old, not the clock
    assert sorted(path.name[-11:-7] for path in captures(tmp_path)) == ["0003", "0004", "0005", "0006"]
    (tmp_path / "sipcause-20260921T142640Z-9999.pcapng").touch()
    (tmp_path / "sipcause-20260921T142640Z-9998.pcapng").touch()
    file = FramesFile(str(tmp_path), ONE, clock=clock)
    add(file, [sip()], 1)
    file.close()
    # The torn 9999 held nothing and is gone; the older one is as it was.
    assert sorted(int(path.name[26:-7]) for path in captures(tmp_path)) == [3, 4, 5, 6, 9998, 10000]


def test_one_that_is_removed_while_written_is_left_to_whoever_removed_it(tmp_path: Path, clock: Clock) -> None:
    file = FramesFile(str(tmp_path), ONE, clock=clock)
    add(file, [sip()], 1)
    file.flush()
    captures(tmp_path)[0].unlink()
    add(file, [sip(RINGING)], 2, first=2)
    file.close()
    assert [frame.octets for frame in frames_of(tmp_path)] == [sip(RINGING)]


# -- torn files -----------------------------------------------------------------------------------------------------


@pytest.fixture
def torn(tmp_path: Path) -> tuple[bytes, int]:
    """A file without its end, as a kill leaves it, and where its last block begins."""
    file = FramesFile(str(tmp_path / "torn"), ONE)
    add(file, [sip(), sip(RINGING), sip(INVITE)], 1, 2, 3)
    file.flush()
    octets = captures(tmp_path / "torn")[0].read_bytes()
    file.close()
    return octets, len(octets) - len(sip(INVITE)) - 32 - (-len(sip(INVITE)) % 4)


def test_a_torn_last_block_costs_that_block_alone(tmp_path: Path, torn: tuple[bytes, int]) -> None:
    octets, last = torn
    path = tmp_path / "cut.pcapng"
    for end in range(last, len(octets), 3):
        path.write_bytes(octets[:end])
        got = read(path, window=1 << 16)
        assert got.payloads == [INVITE, RINGING]
        assert got.reader.truncated == (end != last)


def test_the_next_start_mends_it(tmp_path: Path, torn: tuple[bytes, int]) -> None:
    octets, last = torn
    folder = tmp_path / "mended"
    folder.mkdir()
    path = folder / "sipcause-20260921T142640Z-0007.pcapng"
    first_block = struct.unpack_from("<I", octets, 4)[0]
    for end in range(len(octets) + 1):
        path.write_bytes(octets[:end])
        files = FramesFolder(str(folder))
        files.close()
        if end < first_block:
            assert not files.files
            assert not path.exists()
        else:
            blocks_of(path.read_bytes())
            assert octets.startswith(path.read_bytes())
            assert end < last or path.stat().st_size == (last if end < len(octets) else end)


def test_what_a_power_cut_left_unwritten_is_cut_off(tmp_path: Path, torn: tuple[bytes, int]) -> None:
    path = tmp_path / "zeros"
    path.write_bytes(torn[0] + bytes(100_000))
    assert mend(str(path))
    assert path.read_bytes() == torn[0]


def test_damage_elsewhere_is_left_as_it_is(tmp_path: Path, torn: tuple[bytes, int]) -> None:
    octets, last = torn
    path = tmp_path / "other"
    for content in (octets[:last] + b"\x06\0\0\0\x05\0\0\0" + octets[last:], b"not a capture", b"xy"):
        path.write_bytes(content)
        assert mend(str(path))
        assert path.read_bytes() == content
    assert mend(str(tmp_path / "missing"))


_WRITER = """
import sys, struct, numpy as np
from analyzer.capture.rotate import FramesFile
file = FramesFile(sys.argv[1], [("eth0", 1)], max_octets=50_000, buffer=4096)
frame = b"x" * 700
octets = np.frombuffer(bytearray(struct.pack("<IIII", 1, 2, 700, 700) + frame), dtype=np.uint8)
number = 0
while True:
    number += 1
    file.add(1, octets, len(octets), number, np.array([number]))
    file.flush()
    print(file.written, flush=True)
"""


def test_a_kill_loses_nothing_that_was_flushed(tmp_path: Path) -> None:
    running = subprocess.Popen([sys.executable, "-c", _WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert running.stdout is not None
    told = 0
    with running.stdout as said:
        while told < 150:
            told = int(said.readline())
        running.send_signal(signal.SIGKILL)
        told = int((said.read().splitlines() or [str(told)])[-1])
    running.wait()
    files = captures(tmp_path)
    assert len(files) >= 2
    count = len(frames_of(tmp_path))
    assert told <= count <= told + 1
    FramesFile(str(tmp_path), ONE).close()
    assert all(not read(path).reader.truncated for path in files)


# -- disks ----------------------------------------------------------------------------------------------------------


class Disk:
    """A disk with so much room; what does not fit is refused as a disk does it: a part is taken, then nothing."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.room = 1 << 40
        self.is_cutting = True
        write, ftruncate = os.write, os.ftruncate

        def limited(descriptor: int, octets: memoryview) -> int:
            if not self.room:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            count = write(descriptor, octets[: self.room])
            self.room -= count
            return count

        def cut(descriptor: int, size: int) -> None:
            if not self.is_cutting:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            self.room += os.fstat(descriptor).st_size - size
            ftruncate(descriptor, size)

        monkeypatch.setattr(rotate.os, "write", limited)
        monkeypatch.setattr(rotate.os, "ftruncate", cut)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    with monkeypatch.context() as patched:
        yield Disk(patched)


MANY = [sip(INVITE + bytes([number]) * number) for number in range(1, 5)]


@pytest.mark.parametrize("max_octets", [10_000, 500])
def test_a_full_disk_at_every_octet(
    tmp_path: Path, disk: Disk, clock: Clock, max_octets: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    for room in range(1100):
        folder = tmp_path / str(room)
        file = FramesFile(str(folder), ONE, max_octets=max_octets, max_files=9, clock=clock)
        disk.room = room
        for number, frame in enumerate(MANY, 1):
            add(file, [frame], number, first=number)
            file.flush()
            for path in captures(folder):
                blocks_of(path.read_bytes())
        was_full = file.trouble is not None
        disk.room = 1 << 40
        file.flush()
        assert file.trouble is None or not was_full
        assert file.written + file.lost == len(MANY)
        add(file, [sip(RINGING)], 5, first=5)
        file.close()
        assert file.trouble is None
        got = [frame.octets for path in captures(folder) for frame in _plain(path)]
        assert len(got) == file.written
        assert got[-1] == sip(RINGING)
        if max_octets > 1 << 12:
            assert got == [*MANY, sip(RINGING)], "what waits in the buffer is not lost"
        else:
            assert [frame for frame in MANY if frame in got] == got[:-1], "in order, each once"
        shutil.rmtree(folder)


def _plain(path: Path) -> Iterator[Frame]:
    for kind, body in blocks_of(path.read_bytes()):
        if kind == 6:
            number, _, _, length, wire = struct.unpack_from("<IIIII", body)
            yield Frame(0, 0, number, 1, wire, body[20 : 20 + length])


def test_a_full_disk_is_said_and_frames_are_counted(tmp_path: Path, disk: Disk) -> None:
    file = FramesFile(str(tmp_path), ONE, buffer=2100)
    disk.room = 300
    frame = bytes(1000)
    for number in range(1, 10):
        add(file, [frame], number, first=number)
    assert file.trouble == f"{tmp_path}: cannot be written (No space left on device); 7 frames lost"
    assert file.lost == 7
    add(file, [frame], 10, first=10)
    assert (file.written, file.lost) == (2, 8)
    disk.room = 1 << 20
    file.flush()
    assert file.trouble is None
    add(file, [frame] * 5, *range(11, 16), first=11)
    file.close()
    assert (file.written, file.lost) == (7, 8)
    assert len(frames_of(tmp_path)) == 7


def test_what_still_waits_at_the_end_is_lost(tmp_path: Path, disk: Disk) -> None:
    file = FramesFile(str(tmp_path), ONE)
    add(file, [sip()], 1)
    file.flush()
    disk.room = 10
    add(file, [sip(), sip()], 2, 3, first=2)
    file.close()
    file.close()
    assert (file.written, file.lost) == (1, 2)
    assert [frame.octets for frame in frames_of(tmp_path)] == [sip()]


def test_a_disk_that_cannot_even_cut(tmp_path: Path, disk: Disk) -> None:
    file = FramesFile(str(tmp_path), ONE)
    add(file, [sip()], 1)
    file.flush()
    disk.room, disk.is_cutting = 50, False
    add(file, [sip(RINGING)], 2, first=2)
    file.flush()
    assert file.trouble is not None
    disk.room = 1 << 20
    file.flush()
    file.close()
    first, second = captures(tmp_path)
    assert read(first).payloads == [INVITE]
    assert read(second).payloads == [RINGING]


def test_statistics_that_found_no_room_stand_in_the_next_file(tmp_path: Path, disk: Disk) -> None:
    file = FramesFile(str(tmp_path), [("eth0", 1), ("eth1", 1)])
    add(file, [sip()], 1)
    file.flush()
    file.count(1, 5, 3)
    file.count(2, 5, 4)
    disk.room = 100  # for one of two blocks
    file.rotate()
    disk.room = 1 << 20
    add(file, [sip()], 2, first=2)
    file.close()
    assert [read(path).reader.dropped for path in captures(tmp_path)] == [None, 7]


def test_old_files_make_room_on_a_full_disk(tmp_path: Path, disk: Disk) -> None:
    file = FramesFile(str(tmp_path), ONE, max_files=2)
    for number in (1, 2):
        add(file, [sip()], number, first=number)
        file.rotate()
    disk.room = 0
    add(file, [sip()], 3, first=3)
    for _ in range(5):
        file.flush()
    assert len(captures(tmp_path)) == 1, "no more than one is given up for the one to come"
    assert not [path for path in tmp_path.iterdir() if not path.stat().st_size]
    disk.room = 1 << 20
    file.close()
    assert [path.name[-11:-7] for path in captures(tmp_path)] == ["0002", "0003"]


def test_an_old_file_that_cannot_be_removed_is_said_and_nothing_stops(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: str) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    file = FramesFile(str(tmp_path), ONE, max_files=1, buffer=1024)
    add(file, [sip()], 1)
    file.rotate()
    with monkeypatch.context() as patched:
        patched.setattr(os, "unlink", refuse)
        add(file, [sip()] * 50, *range(2, 52), first=2)
        file.flush()
    assert str(file.trouble).endswith("-0001.pcapng cannot be removed (Operation not permitted)")
    file.close()
    assert (file.written, file.lost) == (51, 0)


def test_a_sync_that_fails_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(descriptor: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fsync", refuse)
    file = FramesFile(str(tmp_path), ONE)
    add(file, [sip()], 1)
    file.close()
    assert str(file.trouble).endswith("-0001.pcapng: cannot be put on the disk (Input/output error)")
    assert file.lost == 0


def test_a_folder_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="is a file, not a folder"):
        FramesFile(str(tmp_path / "file"), ONE)
    with pytest.raises(OutputError, match=r"cannot be made \(Not a directory\)"):
        FramesFile(str(tmp_path / "file" / "below"), ONE)
    first = FramesFile(str(tmp_path), ONE)
    with pytest.raises(OutputError, match="another sipcause writes its frames there"):
        FramesFile(str(tmp_path), ONE)
    first.close()
    FramesFile(str(tmp_path), ONE).close()


@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_is_not_ours(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    with pytest.raises(OutputError, match="cannot be written"):
        FramesFile(str(tmp_path), ONE)


def test_others_cannot_read_what_was_said(tmp_path: Path) -> None:
    file = FramesFile(str(tmp_path / "new"), ONE)
    add(file, [sip()], 1)
    file.close()
    assert not captures(tmp_path / "new")[0].stat().st_mode & 0o7137
    assert not (tmp_path / "new").stat().st_mode & 0o027


# -- beside Wireshark -----------------------------------------------------------------------------------------------


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
def test_wireshark_opens_it(tmp_path: Path, torn: tuple[bytes, int], clock: Clock) -> None:
    file = FramesFile(str(tmp_path / "w"), [("eth0", ETHERNET), ("tün0", RAW)], clock=clock)
    add(file, [sip(), ether(b"", 0x0806)], 1)
    add(file, [ipv4(udp(RINGING))], 1, capture_no=2)
    file.flush()
    fields = ["frame.time_epoch", "frame.len", "frame.interface_name", "sip.Method", "sip.Status-Code"]
    options = [part for field in fields for part in ("-e", field)]

    def said(path: Path) -> tuple[list[str], str]:
        done = subprocess.run(["tshark", "-n", "-r", path, "-T", "fields", *options], capture_output=True, text=True)
        return done.stdout.splitlines(), done.stderr

    expected = [
        f"1790000000.123456789\t{len(sip())}\teth0\tINVITE\t",
        f"1790000000.123456789\t{len(ipv4(udp(RINGING)))}\ttün0\t\t180",
    ]
    path = captures(tmp_path / "w")[0]
    assert said(path)[0] == expected, "while it is written"
    file.close()
    lines, trouble = said(path)
    assert lines == expected
    assert "cut short" not in trouble
    path.write_bytes(torn[0][:-9])
    lines, trouble = said(path)
    assert len(lines) == 2
    assert "cut short" in trouble


@pytest.mark.skipif(shutil.which("capinfos") is None, reason="capinfos is not installed")
def test_capinfos_knows_its_interfaces_and_counts(tmp_path: Path) -> None:
    file = FramesFile(str(tmp_path), ONE)
    add(file, [sip(), sip()], 1, 2)
    file.count(1, 20, 3)
    file.close()
    done = subprocess.run(["capinfos", captures(tmp_path)[0]], capture_output=True, text=True, check=True)
    assert "Name = eth0" in done.stdout
    assert "Time precision = nanoseconds (9)" in done.stdout
    assert "Number of stat entries = 1" in done.stdout
    assert "Capture application: sipcause" in done.stdout
