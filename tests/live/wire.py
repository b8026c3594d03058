"""The command on a real interface: what a test needs to start it, talk past it and read what it says."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from analyzer.capture.interfaces import may_capture

needs_capture = pytest.mark.skipif(not may_capture(), reason="needs root or CAP_NET_RAW")
#: How long something that always happens may take on a slow machine, s.
PATIENCE_S = 300


class Live:
    """A running ``sipcause live --json``."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.out, self.err = folder / "live.json", folder / "live.err"
        as_root = ["--user", "root"] if os.geteuid() == 0 else []
        command = [sys.executable, "-m", "analyzer", "live", "--json", *as_root, *options]
        with self.out.open("wb") as out, self.err.open("wb") as err:
            self.process = subprocess.Popen(command, stdout=out, stderr=err, cwd=Path(__file__).parents[2])

    def lines(self, kind: str | None = None) -> list[dict[str, Any]]:
        """What it has said so far; of one kind."""
        text = self.out.read_bytes().decode()
        whole = text[: text.rfind("\n") + 1]
        return [line for line in map(json.loads, whole.splitlines()) if kind in (None, line["type"])]

    def wait_for(self, kind: str, count: int = 1) -> None:
        """Wait until it has said so many lines of a kind."""
        give_up = time.monotonic() + PATIENCE_S
        while len(self.lines(kind)) < count:
            assert self.process.poll() is None, self.err.read_text()
            assert time.monotonic() < give_up, f"no {kind} line: {self.err.read_text()}"
            time.sleep(0.1)

    def end(self, number: int = signal.SIGTERM) -> dict[str, Any]:
        """End it; its summary."""
        self.process.send_signal(number)
        assert self.process.wait(PATIENCE_S) == 0, self.err.read_text()
        (summary,) = self.lines("summary")
        return summary


@contextmanager
def live(folder: Path, *options: str) -> Iterator[Live]:
    """A live run that listens when this begins, and is gone when it ends."""
    running = Live(folder, *options)
    try:
        running.wait_for("status")
        yield running
    finally:
        if running.process.poll() is None:
            running.process.kill()
            running.process.wait()


def free_ports(count: int) -> list[int]:
    """UDP ports of the loopback address that nobody uses."""
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def send(ports: tuple[int, int], messages: list[tuple[bool, str]]) -> None:
    """Send messages over loopback: from the first port to the second where the flag says so, else back."""
    first, second = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in ports)
    with first, second:
        first.bind(("127.0.0.1", ports[0]))
        second.bind(("127.0.0.1", ports[1]))
        for forward, text in messages:
            one, other, port = (first, second, ports[1]) if forward else (second, first, ports[0])
            one.sendto(text.encode(), ("127.0.0.1", port))
            other.recv(65_535)
