"""What is lost between the wire and the reader: the kernel's ring beside Scapy's raw receive, on a loopback of its own.

    sudo python -m bench.listening [PACKETS_PER_SECOND] [SECONDS] [PAUSE_MS]

One process sends UDP packets of 542 octets (sendmmsg, 64 at a time) at a steady rate; another takes them as records,
and does nothing for PAUSE_MS after each 100 ms, as a reader that has other work. Printed for each way: packets sent,
received, lost as the kernel counted them, and processor seconds for each million received.
"""

from __future__ import annotations

import ctypes
import os
import select
import socket
import sys
import time

import numpy as np

from analyzer.capture.listening import LEAST_BUFFER
from analyzer.capture.ring import RING_OCTETS
from analyzer.capture.sockets import InterfaceListener, listeners
from tests.capture.network import in_own_network

_BURST = 64
_PAYLOAD = (b"OPTIONS sip:bob@127.0.0.1 SIP/2.0\r\nCall-ID: one\r\n" + bytes(500))[:500]


class _Vector(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


class _Message(ctypes.Structure):
    """``struct mmsghdr`` of sendmmsg(2)."""

    _fields_ = (
        ("name", ctypes.c_void_p), ("name_length", ctypes.c_uint32), ("vector", ctypes.c_void_p),
        ("vector_length", ctypes.c_size_t), ("control", ctypes.c_void_p), ("control_length", ctypes.c_size_t),
        ("flags", ctypes.c_int), ("padding", ctypes.c_int), ("sent", ctypes.c_uint),
    )  # fmt: skip


def send(rate: float, seconds: float, octets: bytes = _PAYLOAD) -> int:
    """Send at a rate to a socket that takes nothing; returns the packets sent."""
    libc = ctypes.CDLL(None)
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sink,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out,
    ):
        sink.bind(("127.0.0.1", 0))
        out.connect(sink.getsockname())
        payload = ctypes.create_string_buffer(octets, len(octets))
        vector = _Vector(ctypes.addressof(payload), len(octets))
        messages = (_Message * _BURST)(
            *(_Message(vector=ctypes.addressof(vector), vector_length=1) for _ in range(_BURST))
        )
        count, start = 0, time.monotonic()
        while (elapsed := time.monotonic() - start) < seconds:
            if count > rate * elapsed:
                time.sleep(0.0005)
                continue
            count += libc.sendmmsg(out.fileno(), messages, _BURST, 0)
    return count


def receive(listener: InterfaceListener, stop: int, pause_s: float) -> tuple[int, float]:
    """Take records until the sender is done and nothing waits; returns their number and the processor time."""
    buffer = np.empty(8 * LEAST_BUFFER, dtype=np.uint8)
    waiting = select.poll()
    waiting.register(listener.filenos()[0], select.POLLIN)
    ended = select.poll()
    ended.register(stop, select.POLLIN)
    octets, before, worked_since = 0, time.process_time(), time.monotonic()
    while True:
        waiting.poll(100)
        used = listener.read_into(buffer)
        octets += used
        if pause_s and time.monotonic() - worked_since > 0.1:
            time.sleep(pause_s)
            worked_since = time.monotonic()
        if not used and ended.poll(0):
            break
    return octets // (16 + 42 + len(_PAYLOAD)), time.process_time() - before


def compare(rate: float, seconds: float, pause_s: float) -> None:
    """Both ways, one after the other."""
    for ring_octets, way in ((RING_OCTETS, "ring"), (0, "recv_raw")):
        (listener,) = listeners(["lo"], ring_octets=ring_octets)
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            os.write(writing, str(send(rate, seconds)).encode())
            os._exit(0)
        os.close(writing)
        received, processor_s = receive(listener, reading, pause_s)
        sent = int(os.read(reading, 100))
        os.waitpid(child, 0)
        os.close(reading)
        cost = 1e6 * processor_s / received
        print(
            f"{way:9} {sent / seconds:9,.0f}/s  sent {sent:10,}  received {received:10,}  lost {sent - received:9,}"
            f"  counted {listener.dropped:9,}  {cost:6.2f} s/million",
            flush=True,
        )
        listener.close()


if __name__ == "__main__":
    rate, seconds, pause_ms = (float(text) for text in (sys.argv[1:] + ["50000", "10", "0"][len(sys.argv) - 1 :]))
    in_own_network(lambda: compare(rate, seconds, pause_ms / 1000))
