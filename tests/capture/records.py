"""Records of a classic pcap, as listeners hand them over."""

from __future__ import annotations

import struct
from typing import NamedTuple

from analyzer.batch import Octets


class Record(NamedTuple):
    ts: int
    wire_length: int
    frame: bytes


def records(buffer: Octets, used: int) -> list[Record]:
    """What stands in the first ``used`` octets, which must be whole records."""
    octets, at, found = buffer[:used].tobytes(), 0, []
    while at < used:
        seconds, nanoseconds, length, wire_length = struct.unpack_from("<4I", octets, at)
        assert nanoseconds < 10**9
        assert at + 16 + length <= used
        found.append(Record(seconds * 10**9 + nanoseconds, wire_length, octets[at + 16 : at + 16 + length]))
        at += 16 + length
    return found
