from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest

from analyzer.ops.notify import READY, STOPPING, WATCHDOG, notify, status, watchdog_s

pytestmark = pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="service managers listen on Unix sockets")


def _heard(place: str, address: str, monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(place)
        manager.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", address)
        assert notify(READY, status("7 calls\nMAINPID=1"))
        assert notify(WATCHDOG)
        return [manager.recv(4096), manager.recv(4096)]


EXPECTED = [b"READY=1\nSTATUS=7 calls MAINPID=1", b"WATCHDOG=1"]


def test_a_socket_with_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # names of sockets are short
    assert _heard("notify", f"{tmp_path}/notify", monkeypatch) == EXPECTED


@pytest.mark.skipif(sys.platform != "linux", reason="abstract names are Linux'")
def test_an_abstract_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"sipcause-test-{os.getpid()}"
    assert _heard(f"\0{name}", f"@{name}", monkeypatch) == EXPECTED


def test_without_a_manager_nothing_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    assert not notify(STOPPING)
    for address in ("", "relative", "vsock:2:1", str(tmp_path / "gone")):
        monkeypatch.setenv("NOTIFY_SOCKET", address)
        assert not notify(STOPPING)


def test_a_manager_that_does_not_listen_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind("notify")
        monkeypatch.setenv("NOTIFY_SOCKET", f"{tmp_path}/notify")
        assert any(not notify(WATCHDOG) for _ in range(100_000)), "its queue is full at some time"


@pytest.mark.parametrize(
    ("allowed_us", "process", "expected"),
    [("30000000", "", 15.0), ("30000000", "own", 15.0), ("30000000", "1", None), ("", "", None), ("0", "", None)],
)
def test_how_often_the_watchdog_is_fed(
    allowed_us: str, process: str, expected: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", allowed_us)
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()) if process == "own" else process)
    assert watchdog_s() == expected
