"""Blocks of the kernel's ring, laid out by hand as linux/if_packet.h says."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.batch import Octets
from analyzer.capture.ring_kernels import AT_COLUMNS, AT_FRAME, AT_LEFT, read_block
from tests.capture.made import ether, ipv4, sip, udp
from tests.capture.records import Record, records

BLOCK = 1 << 20
HAS_TAG, HAS_TAG_TYPE = 16, 64


class Held(NamedTuple):
    """A frame as the kernel holds it: without the tag that stands in the header."""

    ts: int
    frame: bytes
    sent: int = 0
    status: int = 1
    tag: int = 0
    tag_type: int = 0
    mac: int = 82


def block(frames: Sequence[Held], first: int = 48) -> Octets:
    """tpacket_block_desc and a tpacket3_hdr for each frame, in the machine's byte order."""
    octets = bytearray(np.random.default_rng(1).bytes(BLOCK))
    struct.pack_into("=IIIIII", octets, 0, 1, 0, 1, len(frames), first, 0)
    at = first
    for number, held in enumerate(frames):
        size = held.mac + len(held.frame) + 15 & ~15
        following = size if number + 1 < len(frames) else 0
        struct.pack_into(
            "=IIIIIIHHIIHH", octets, at, following, held.ts // 10**9, held.ts % 10**9, len(held.frame),
            held.sent or len(held.frame), held.status, held.mac, held.mac + 14, 0xDEAD, held.tag, held.tag_type, 0xBEEF,
        )  # fmt: skip
        octets[at + held.mac : at + held.mac + len(held.frame)] = held.frame
        at += size
    assert at <= BLOCK
    return np.frombuffer(octets, dtype=np.uint8)


@pytest.fixture(params=["compiled", "py_func"])
def read(request: pytest.FixtureRequest) -> Any:
    return read_block if request.param == "compiled" else read_block.py_func  # type: ignore[attr-defined]


def at_beginning() -> Any:
    return np.zeros(AT_COLUMNS, dtype=np.int64)


TS = 1_700_000_000_123_456_789


def test_frames_become_records(read: Any) -> None:
    frames = [Held(TS, sip()), Held(TS + 10**9, b"\x01", sent=1500), Held(2**32 * 10**9 - 1, bytes(60), mac=66)]
    buffer, at = np.full(4096, 255, dtype=np.uint8), at_beginning()
    used = read(block(frames), at, buffer, 0)
    expected = [Record(held.ts, held.sent or len(held.frame), held.frame) for held in frames]
    assert records(buffer, used) == expected
    assert (buffer[used:] == 255).all()
    assert not at.any()


def test_an_empty_block_is_nothing(read: Any) -> None:
    at = at_beginning()
    assert read(block([]), at, np.empty(100, dtype=np.uint8), 7) == 7
    assert not at.any()


def test_the_tag_comes_back_to_where_it_stood(read: Any) -> None:
    packet = ipv4(udp(b"x"))
    frames = [
        Held(TS, ether(packet), status=1 | HAS_TAG | HAS_TAG_TYPE, tag=0x2064, tag_type=0x8100),
        Held(TS, ether(packet, tags=[(0x8100, 7)]), status=HAS_TAG | HAS_TAG_TYPE, tag=0, tag_type=0x88A8, sent=2000),
        Held(TS, ether(packet), status=HAS_TAG, tag=5, tag_type=0xFFFF),  # an old kernel says no type
        Held(TS, ether(packet), status=HAS_TAG_TYPE, tag=5, tag_type=0x8100),  # no tag at all
        Held(TS, bytes(5), status=HAS_TAG | HAS_TAG_TYPE, tag=5, tag_type=0x8100),  # no place for one
    ]
    buffer = np.empty(4096, dtype=np.uint8)
    got = records(buffer, read(block(frames), at_beginning(), buffer, 0))
    assert [record.frame for record in got] == [
        ether(packet, tags=[(0x8100, 0x2064)]),
        ether(packet, tags=[(0x88A8, 0), (0x8100, 7)]),
        ether(packet, tags=[(0x8100, 5)]),
        ether(packet),
        bytes(5),
    ]
    assert [record.wire_length for record in got] == [len(got[0].frame), 2004, *(len(one.frame) for one in got[2:])]


def test_reading_stops_where_the_buffer_ends_and_goes_on(read: Any) -> None:
    frames = [Held(TS + n, bytes([n]) * (60 + n)) for n in range(20)]
    held, at, got = block(frames), at_beginning(), []
    for size in (16 + 60, 16 + 60, 500, 500, 4096):
        buffer = np.empty(size, dtype=np.uint8)
        used = read(held, at, buffer, 0)
        got += records(buffer, used)
        assert at[AT_LEFT] == 20 - len(got)
    assert [record.frame for record in got] == [one.frame for one in frames]
    assert not at.any()


def test_a_record_with_its_tag_fits_exactly_or_waits(read: Any) -> None:
    held = block([Held(TS, bytes(100), status=HAS_TAG, tag=1)])
    at = at_beginning()
    assert read(held, at, np.empty(16 + 103, dtype=np.uint8), 0) == 0
    assert (at[AT_LEFT], at[AT_FRAME]) == (1, 48)
    assert read(held, at, np.empty(16 + 104, dtype=np.uint8), 0) == 16 + 104


def test_long_frames_and_what_stands_in_the_buffer_before_them(read: Any) -> None:
    rng = np.random.default_rng(3)
    frames = [
        Held(TS, rng.bytes(65549)),
        Held(TS, rng.bytes(65549), status=HAS_TAG, tag=9),
        Held(TS, rng.bytes(524_294)),
    ]
    buffer = np.full(BLOCK, 9, dtype=np.uint8)
    used = read(block(frames), at_beginning(), buffer, 50)
    assert (buffer[:50] == 9).all()
    got = records(buffer[50:], used - 50)
    tagged = frames[1].frame[:12] + b"\x81\0\0\x09" + frames[1].frame[12:]
    assert [record.frame for record in got] == [frames[0].frame, tagged, frames[2].frame]


@given(
    st.lists(st.tuples(st.binary(max_size=80), st.booleans()), max_size=12),
    st.lists(st.integers(100, 400), max_size=12),
)
def test_how_often_the_buffer_ends_does_not_matter(made: list[tuple[bytes, bool]], sizes: list[int]) -> None:
    frames = [Held(TS, frame, status=HAS_TAG if has_tag else 0, tag=3) for frame, has_tag in made]
    held = block(frames)
    buffer = np.empty(4096, dtype=np.uint8)
    whole = records(buffer, read_block(held, at_beginning(), buffer, 0))
    assert len(whole) == len(frames)
    at, pieces = at_beginning(), []
    for size in [*sizes, 4096]:
        pieces += records(buffer, read_block(held, at, buffer[:size], 0))
        if not at[AT_LEFT]:
            break
    assert pieces == whole
