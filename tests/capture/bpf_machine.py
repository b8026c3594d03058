"""The packet filter's machine, twice: in plain Python, and the kernel's own, which a pair of UNIX sockets lends."""

from __future__ import annotations

import socket
import sys
from collections.abc import Sequence

import pytest

from analyzer.capture.bpf import PACKET_TYPE, Program
from analyzer.capture.packet_socket import attach_filter


def verdict(program: Program, frame: bytes, packet_type: int = 0) -> int:
    """Octets of a frame that pass, 0 = dropped. As in the kernel a load beyond the end drops the frame."""
    a, x, memory = 0, 0, [0] * 16
    at = 0
    while True:
        code, if_true, if_false, k = program[at]
        at += 1
        match code:
            case 0x20 | 0x28 | 0x30 if k == PACKET_TYPE:
                a = packet_type
            case 0x20 | 0x28 | 0x30 | 0x40 | 0x48 | 0x50:
                size = {0x00: 4, 0x08: 2, 0x10: 1}[code & 0x18]
                place = k + (x if code & 0x40 else 0)
                if place + size > len(frame):
                    return 0
                a = int.from_bytes(frame[place : place + size])
            case 0x00:
                a = k
            case 0x01:
                x = k
            case 0x60:
                a = memory[k]
            case 0x02:
                memory[k] = a
            case 0x04:
                a = a + k & 0xFFFFFFFF
            case 0x0C:
                a = a + x & 0xFFFFFFFF
            case 0x54:
                a &= k
            case 0x64:
                a = a << k & 0xFFFFFFFF
            case 0xB1:  # four times the low half of an octet: the length of an IPv4 header
                if k >= len(frame):
                    return 0
                x = (frame[k] & 15) << 2
            case 0x05:
                at += k
            case 0x15 | 0x25 | 0x35 | 0x45:
                holds = {0x15: a == k, 0x25: a > k, 0x35: a >= k, 0x45: a & k != 0}[code]
                at += if_true if holds else if_false
            case 0x06:
                return k
            case 0x07:
                x = a
            case 0x87:
                a = x
            case _:
                raise AssertionError(f"no such instruction: {code:#x}")


def passes(program: Program, frame: bytes) -> bool:
    """Whether a frame that came in passes."""
    return verdict(program, frame) > 0


def kernel_verdicts(program: Program, frames: Sequence[bytes]) -> list[bool]:
    """Which frames the kernel passes: what is sent over a socket pair goes through the receiver's filter."""
    if sys.platform != "linux":
        pytest.skip("the kernel's filter is Linux'")
    sending, receiving = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with sending, receiving:
        attach_filter(receiving, program)
        receiving.setblocking(False)
        found = []
        for frame in frames:
            sending.send(frame)
            try:
                found.append(receiving.recv(1 << 17) == frame)
            except BlockingIOError:
                found.append(False)
        return found
