"""A network of its own for a test: a namespace that lives as long as the thread in it, and touches no other."""

from __future__ import annotations

import ctypes
import os
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import pytest

from analyzer.capture.listening import LEAST_BUFFER, Listener
from analyzer.capture.packet_socket import IFF_RUNNING, interface_flags
from tests.capture.records import Record, records

_CAPABILITY_VERSION_3 = 0x20080522
_CLONE_NEWNET = 0x40000000
#: How long a test waits for what comes at once, before it fails.
PATIENCE_S = 20


def in_own_network(body: Callable[[], None]) -> None:
    """Run a test in a network namespace of its own, where there is nothing but a loopback that is up."""
    if sys.platform != "linux":
        pytest.skip("network namespaces are Linux'")
    failures: list[BaseException] = []

    def run() -> None:
        try:
            if ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWNET):
                pytest.skip(f"no network of its own: {os.strerror(ctypes.get_errno())}")
            ip("link set lo up")
            body()
        except BaseException as failure:
            failures.append(failure)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if failures:
        raise failures[0]


@contextmanager
def without_capabilities() -> Iterator[None]:
    """What the calling thread does within has no rights but those of anybody."""
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    given = (ctypes.c_uint32 * 6)()
    assert libc.capget(header, given) == 0
    none_effective = (ctypes.c_uint32 * 6)(0, given[1], given[2], 0, given[4], given[5])
    assert libc.capset(header, none_effective) == 0
    try:
        yield
    finally:
        assert libc.capset(header, given) == 0


def ip(command: str) -> None:
    """The program ip(8), in the calling thread's network."""
    try:
        done = subprocess.run(["ip", *command.split()], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("the program ip is not installed")
    assert done.returncode == 0, f"ip {command}: {done.stderr}"


def pair(one: str, other: str) -> None:
    """Two Ethernet interfaces joined by a cable, up, on which nothing is sent that no test sends."""
    ip(f"link add {one} type veth peer name {other}")
    for name in (one, other):
        ip(f"link set {name} addrgenmode none")
        ip(f"link set {name} arp off multicast off up")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        # The kernel says a moment later that there is a carrier.
        until(lambda: all(interface_flags(asked, name) & IFF_RUNNING for name in (one, other)))


def until(holds: Callable[[], object]) -> None:
    """Wait for what comes about at once or a moment later."""
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def send(name: str, frames: Sequence[bytes]) -> None:
    """Send frames as they are."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sending:
        sending.bind((name, 0))
        for frame in frames:
            sending.send(frame)


def received(listener: Listener, count: int) -> list[Record]:
    """So many records, waited for as a live run waits."""
    buffer = np.empty(LEAST_BUFFER, dtype=np.uint8)
    found: list[Record] = []
    deadline = time.monotonic() + PATIENCE_S
    while len(found) < count and time.monotonic() < deadline:
        waiting = select.poll()
        for fileno in listener.filenos():
            waiting.register(fileno, select.POLLIN)
        waiting.poll(100)
        found += records(buffer, listener.read_into(buffer))
    assert len(found) == count, f"{len(found)} of {count}"
    return found


def is_quiet(listener: Listener) -> bool:
    """Whether nothing wakes who waits for frames."""
    waiting = select.poll()
    for fileno in listener.filenos():
        waiting.register(fileno, select.POLLIN)
    return waiting.poll(0) == []
