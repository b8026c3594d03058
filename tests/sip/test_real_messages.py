"""Both roads over the SIP of real captures, where they are at hand (never part of the repository)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from analyzer.sip.start_kernels import start_line
from tests.sip.wire import Wire, assert_roads_equal, is_message

CAPTURES = Path(__file__).resolve().parents[2] / ".." / "shared" / "captures"


def udp_payloads(file: Path) -> Iterator[Wire]:
    """The UDP payloads of a little-endian classic pcap of Ethernet and IPv4; nothing of any other file."""
    octets = file.read_bytes()
    if octets[:4] != b"\xd4\xc3\xb2\xa1" or octets[20:24] != b"\x01\0\0\0":
        return
    at = 24
    while at + 16 <= len(octets):
        (length,) = struct.unpack_from("<I", octets, at + 8)
        frame = octets[at + 16 : at + 16 + length]
        at += 16 + length
        if frame[12:14] == b"\x08\0" and len(frame) > 42 and frame[23] == 17 and frame[20] & 0x3F == 0:
            udp = 14 + (frame[14] & 15) * 4
            wire_length = int.from_bytes(frame[udp + 4 : udp + 6]) - 8
            payload = frame[udp + 8 : udp + 8 + max(wire_length, 0)]
            yield payload, max(wire_length, len(payload))


@pytest.mark.skipif(not CAPTURES.is_dir(), reason="the real captures are not on this machine")
def test_real_messages_read_alike() -> None:
    wires = [wire for file in sorted(CAPTURES.glob("*/*.pcap")) for wire in udp_payloads(file) if wire[0]]
    messages = []
    for octets, wire_length in wires:
        window = np.frombuffer(octets, dtype=np.uint8)
        found = start_line(window, 0, len(octets), wire_length > len(octets))
        assert (found == 1) == is_message((octets, wire_length)), octets
        if found == 1:
            messages.append((octets, wire_length))
    assert len(messages) > 3000
    whole = assert_roads_equal(messages)
    assert whole < len(messages) / 100, "real messages stay on the kernels' road"
