"""What is done to a HEP packet that has just come in, before it is kept: headers, clock, key."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.batch import D_LAYERS, D_SRC_PORT, D_TRANSPORT, MISSING
from analyzer.capture.address import address_halves
from analyzer.capture.hep import hep_packet
from analyzer.capture.hep_intake import CLOCK_BOUND_NS, Intake
from analyzer.capture.hep_intake_kernels import HEADROOM, INTAKE_COLUMNS, frame_headers, hep3_intake
from analyzer.capture.layer_kernels import text
from tests.capture.hep_made import INVITE, chunk, hep1, hep3
from tests.capture.made import read_octets_of
from tests.capture.raw import START, assembled

AGENT, COLLECTOR = address_halves("192.0.2.7"), address_halves("192.0.2.9")
AGENT6, COLLECTOR6 = address_halves("2001:db8::ffff:7"), address_halves("2001:db8::9")
PORTS = 33_000 << 16 | 9060
HOUR = 3600 * 10**9
SECRET = b"not to be kept"
STARTS = [b"", b"HEP3", b"HEP3\0\x40", b"\1\x10\2\x11", b"\2\x1c\x0a\6"]
WITH_TIME = [hep3, lambda ts: hep1(version=2, ts=ts), lambda ts: hep1(version=2, ts=ts, order=">")]
KEYED = hep3(INVITE, chunk(14, SECRET))


def taken(packet: bytes, key: str | None = None, ts: int = START, is_ipv6: bool = False) -> tuple[bytes | str, int]:
    """The record or why there is none, and how far the clock was off."""
    intake = Intake(key)
    intake.packet[: len(packet)] = packet
    ends = (AGENT6, COLLECTOR6) if is_ipv6 else (AGENT, COLLECTOR)
    record = intake.record(len(packet), ts, *ends, PORTS)
    return record if isinstance(record, str) else bytes(record), intake.clock_off


def kept(packet: bytes, key: str | None = None, ts: int = START) -> bytes:
    """The packet as it stands in the record."""
    record, _ = taken(packet, key, ts)
    assert isinstance(record, bytes)
    return record[16 + 28 :]


def pcap_of(*records: bytes) -> bytes:
    return struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262_144, 101) + b"".join(records)


@pytest.mark.parametrize("is_ipv6", [False, True])
def test_the_frame_is_what_a_capture_shows(is_ipv6: bool) -> None:
    from scapy.layers.inet import IP, UDP
    from scapy.layers.inet6 import IPv6

    for packet in (hep3(), hep3() + b"x"[:0], hep1(), hep1(INVITE + b"x")):
        record, _ = taken(packet, ts=START + 123, is_ipv6=is_ipv6)
        assert isinstance(record, bytes)
        seconds, rest, captured, sent = struct.unpack("<IIII", record[:16])
        assert seconds * 10**9 + rest == START + 123
        assert captured == sent == len(record) - 16
        frame = (IPv6 if is_ipv6 else IP)(record[16:])
        assert (frame[UDP].sport, frame[UDP].dport, bytes(frame[UDP].payload)) == (33_000, 9060, packet)
        ends = ("2001:db8::ffff:7", "2001:db8::9") if is_ipv6 else ("192.0.2.7", "192.0.2.9")
        assert (frame.src, frame.dst) == ends
        # Scapy reckons the checksums anew.
        anew = frame.copy()
        del anew[UDP].chksum
        if is_ipv6:
            assert bytes(anew) == record[16:]
        else:
            del anew.chksum
            anew[UDP].chksum = 0
            assert bytes(anew) == record[16:]


@pytest.mark.parametrize("how", ["kernels", "scapy"])
@pytest.mark.parametrize("family", [2, 10, 24, 28, 30])
def test_every_version_is_seen_on_any_port(tmp_path: Path, how: str, family: int) -> None:
    packets = [hep3(protocol=6), hep1(family=family), hep1(version=2, family=family)]
    packets += [hep1(version=2, family=family, counts=False)]
    records = [taken(packet, is_ipv6=is_ipv6)[0] for is_ipv6 in (False, True) for packet in packets]
    seen = read_octets_of(tmp_path, pcap_of(*records), how)  # type: ignore[arg-type]
    assert len(seen.raw) == 8
    assert seen.parts == packets * 2
    got = assembled([(row, part) for row, part in zip(seen.raw, seen.parts, strict=True)])
    assert got.messages == [INVITE] * 8
    assert [row[D_SRC_PORT] for row in got.rows] == [5070] * 8
    assert [row[D_TRANSPORT] for row in got.rows] == [1] * 8
    assert [text(row[D_LAYERS]) for row in got.rows] == ["ip udp hep"] * 4 + ["ipv6 udp hep"] * 4


@pytest.mark.parametrize("made", WITH_TIME)
@pytest.mark.parametrize("off", [0, -CLOCK_BOUND_NS, CLOCK_BOUND_NS, 1000 - CLOCK_BOUND_NS])
def test_a_clock_within_the_bound_is_believed(made: Any, off: int) -> None:
    packet = made(ts=START + off)
    record, clock_off = taken(packet)
    assert record[16 + 28 :] == packet
    assert clock_off == 0


@pytest.mark.parametrize("made", WITH_TIME)
@pytest.mark.parametrize("off", [HOUR, -HOUR, 1000 + CLOCK_BOUND_NS, -1000 - CLOCK_BOUND_NS, 80_000 * HOUR, -START])
def test_a_clock_beyond_it_is_not(made: Any, off: int) -> None:
    arrival = START + 987_654_321
    packet = made(ts=START + 987_654_000 + off)
    record, clock_off = taken(packet, ts=arrival)
    said = hep_packet(bytes(record[16 + 28 :]), arrival)  # type: ignore[arg-type]
    assert said is not None
    assert said.ts == START + 987_654_000
    assert said.payload == INVITE
    is_no_time = packet[0] == 2 and abs(off) > 366 * 24 * HOUR
    assert clock_off == (MISSING if is_no_time else off - 321)


def test_a_packet_without_a_time_takes_the_frames() -> None:
    packet = b"HEP3" + struct.pack(">H", 12 + len(INVITE)) + chunk(15, INVITE)
    assert taken(packet) == (taken(packet)[0], 0)
    assert kept(packet) == packet
    assert kept(hep1()) == hep1()


def test_the_key_is_compared_and_blanked() -> None:
    blanked = hep3(INVITE, chunk(14, bytes(len(SECRET))))
    assert kept(KEYED) == blanked
    assert kept(KEYED, "not to be kept") == blanked
    assert kept(hep3(INVITE, chunk(14, "Schlüssel".encode())), "Schlüssel") == hep3(INVITE, chunk(14, bytes(10)))
    others = [hep3(INVITE, chunk(14, b"")), hep3(INVITE, chunk(14, SECRET, 9)), hep3(INVITE, chunk(14, b"another "))]
    for packet in [KEYED, hep3(), hep1(), hep1(version=2), *others]:
        assert taken(packet, "another")[0] == "key"
    assert taken(hep3(INVITE, chunk(14, b"key "), chunk(14, b"key")), "key")[0] == "not_hep"


def test_a_wrong_clock_and_a_key_at_once() -> None:
    record, clock_off = taken(hep3(INVITE, chunk(14, SECRET), ts=START + HOUR), "not to be kept")
    assert record[16 + 28 :] == hep3(INVITE, chunk(14, bytes(len(SECRET))), ts=START)
    assert clock_off == HOUR


@given(st.data())
def test_no_damage_brings_the_key_into_a_frame(data: st.DataObject) -> None:
    packet = bytearray(hep3(b"", chunk(14, SECRET), chunk(15, INVITE)))
    packet[data.draw(st.integers(0, len(packet) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(packet)))
    record, _ = taken(bytes(packet[:cut]))
    if isinstance(record, str) or SECRET not in record:
        return
    # It stands in a chunk that says to be something else, in a packet that can be walked to its end.
    at, rest = 0, record[16 + 28 + 6 :]
    while at < len(rest):
        vendor, kind, size = struct.unpack(">HHH", rest[at : at + 6])
        assert size >= 6
        assert at + size <= len(rest) or kind == 15
        assert vendor or kind != 14 or SECRET not in rest[at : at + size]
        at += size


@pytest.mark.parametrize("packet", [b"", b"H", b"HEP3", b"HEP3\0", b"HEP3\0\5", INVITE, b"\x01\x10\x02", b"\x02" * 40])
def test_what_is_no_hep_is_refused(packet: bytes) -> None:
    assert taken(packet)[0] == "not_hep"


def test_what_stands_behind_the_stated_length_is_cut_off() -> None:
    assert kept(hep3() + SECRET) == hep3()


def test_the_longest_packets() -> None:
    def of(length: int) -> bytes:
        return b"HEP3" + struct.pack(">H", length) + chunk(15, INVITE + bytes(length - 12 - len(INVITE)))

    assert len(taken(of(65_507))[0]) == 16 + 65_535
    assert taken(of(65_508))[0] == "too_long"
    assert len(taken(of(65_527), is_ipv6=True)[0]) == 16 + 40 + 65_535
    assert taken(of(65_528), is_ipv6=True)[0] == "too_long"


@given(st.binary(max_size=200), st.sampled_from(STARTS), st.booleans())
def test_any_octets_are_taken_or_refused(octets: bytes, start: bytes, has_key: bool) -> None:
    record, _ = taken(start + octets, "key" if has_key else None)
    if isinstance(record, str):
        assert record in ("not_hep", "key")
    else:
        # What the reader makes of the packet does not become better or worse; only its time may be set right.
        before, after = hep_packet(start + octets, START), hep_packet(record[16 + 28 :], START)
        assert (before is None) == (after is None)
        if before is not None and after is not None:
            assert after._replace(ts=before.ts) == before
            assert after.ts == MISSING or abs(after.ts - START) <= CLOCK_BOUND_NS


CHUNK = st.tuples(st.integers(0, 18), st.binary(max_size=8), st.integers(0, 1))


@given(st.lists(CHUNK, max_size=12), st.integers(0, 40))
def test_packets_of_any_chunks(chunks: list[tuple[int, bytes, int]], cut: int) -> None:
    body = b"".join(chunk(kind, value, vendor) for kind, value, vendor in chunks)
    packet = (b"HEP3" + struct.pack(">H", 6 + len(body)) + body)[: -cut or None]
    record, _ = taken(packet)
    if isinstance(record, bytes):
        before, after = hep_packet(packet, START), hep_packet(record[16 + 28 :], START)
        assert (before is None) == (after is None)
        if before is not None and after is not None:
            assert after._replace(ts=before.ts) == before
            assert after.ts == MISSING or abs(after.ts - START) <= CLOCK_BOUND_NS


@pytest.mark.parametrize("packet", [hep3(), KEYED, hep3()[:60] + b"\0\0\0\3\0\1" + b"x" * 80, b"HEP3\0\5", hep3(b"")])
def test_kernels_do_the_same_uncompiled(packet: bytes) -> None:
    results = []
    plain: Any = (hep3_intake.py_func, frame_headers.py_func)  # type: ignore[attr-defined]
    for intake, headers in ((hep3_intake, frame_headers), plain):
        octets = np.zeros(HEADROOM + 1000, dtype=np.uint8)
        octets[HEADROOM : HEADROOM + len(packet)] = np.frombuffer(packet, dtype=np.uint8)
        marks = np.zeros(INTAKE_COLUMNS, dtype=np.int64)
        length = intake(octets, len(packet), START, CLOCK_BOUND_NS, marks)
        ends = ((*AGENT, *COLLECTOR), (*AGENT6, *COLLECTOR6))
        starts = [headers(octets, abs(length), START, *both, PORTS) for both in ends]
        results.append((length, starts, marks.tolist(), octets.tobytes()))
    assert results[0] == results[1]
