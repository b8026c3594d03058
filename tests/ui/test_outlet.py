"""Output that never holds up a capture."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable

import pytest

from analyzer.ui.cli import outlet as outlets
from analyzer.ui.cli.outlet import Outlet


def waited(condition: Callable[[], bool]) -> bool:
    """Whether something comes true; patient, so that no slow machine decides."""
    turn = threading.Event()
    for _ in range(3000):
        if condition():
            return True
        turn.wait(0.01)
    return False


def test_everything_arrives_in_its_order() -> None:
    reader, writer = os.pipe()
    outlet = Outlet(writer)
    for number in range(1000):
        assert outlet.put(f"{number}\n".encode())
    assert outlet.close() == 0
    os.close(writer)
    with open(reader, "rb") as stream:
        assert stream.read().split() == [str(number).encode() for number in range(1000)]


def test_a_reader_that_sleeps_holds_nothing_up_and_loses_whole_pieces() -> None:
    reader, writer = os.pipe()
    outlet = Outlet(writer, room=1_000_000)
    piece = b"x" * 99_999 + b"\n"
    taken = [outlet.put(piece) for _ in range(50)]
    assert taken.count(True) >= 10
    assert taken.count(False) >= 30
    assert outlet.close(patience_s=0.05) > 0
    # The reader wakes up: what it gets is whole pieces, as many as were taken.
    got = threading.Thread(target=lambda: received.append(_drained(reader)))
    received: list[bytes] = []
    got.start()
    assert waited(lambda: outlet.is_idle)
    os.close(writer)
    got.join()
    assert received[0] == piece * taken.count(True)


def _drained(reader: int) -> bytes:
    with open(reader, "rb") as stream:
        return stream.read()


def test_a_reader_that_leaves_is_noticed() -> None:
    reader, writer = os.pipe()
    outlet = Outlet(writer)
    os.close(reader)
    assert not outlet.is_gone
    outlet.put(b"anybody?\n")
    assert waited(lambda: outlet.is_gone)
    assert not outlet.put(b"no")
    assert outlet.is_idle
    assert outlet.close() == 0
    os.close(writer)


def test_a_full_disk_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[bytes] = []
    is_full = [True]

    def write(fileno: int, octets: bytes) -> int:
        if is_full[0]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written.append(bytes(octets))
        return len(octets)

    monkeypatch.setattr(outlets, "RETRY_S", 0.01)
    monkeypatch.setattr(outlets.os, "write", write)
    outlet = Outlet(99)
    outlet.put(b"one\n")
    assert waited(lambda: outlet.trouble is not None)
    assert not outlet.is_gone
    is_full[0] = False
    assert waited(lambda: outlet.is_idle)
    assert outlet.trouble is None
    assert written == [b"one\n"]
    outlet.close()


def test_there_is_no_thread_before_there_is_something_to_write() -> None:
    reader, writer = os.pipe()
    before = threading.active_count()
    outlet = Outlet(writer)
    assert threading.active_count() == before
    assert outlet.put(b"")
    assert threading.active_count() == before
    assert outlet.put(b"x")
    assert threading.active_count() == before + 1
    assert outlet.close() == 0
    assert outlet.close() == 0
    assert Outlet(writer).close() == 0
    os.close(writer)
    os.close(reader)
