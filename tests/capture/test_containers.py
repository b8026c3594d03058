from __future__ import annotations

import struct
from pathlib import Path

import pytest

from analyzer.batch import D_FRAME_NO, D_INTERFACE_NO, D_LENGTH, D_TS, D_WIRE_LENGTH
from tests.capture.made import (
    INVITE,
    RINGING,
    RTP,
    SRC4,
    SRC6,
    block,
    ether,
    interface,
    ipv4,
    option,
    packet,
    pcap,
    read,
    read_octets_of,
    section,
    sip,
    udp,
)

S = 1_000_000_000


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("magic", "unit"), [(0xA1B2C3D4, 1000), (0xA1B23C4D, 1)])
def test_classic_pcap(tmp_path: Path, order: str, magic: int, unit: int) -> None:
    got = read_octets_of(
        tmp_path,
        pcap([(7 << 32 | 999_999, sip(), 4000), (5 << 32 | 1, sip(RTP), 214)], order=order, magic=magic),
    )
    assert got.payloads == [INVITE]
    assert got.column(D_TS) == [7 * S + 999_999 * unit]
    assert (got.reader.start_ts, got.reader.end_ts) == (5 * S + unit, 7 * S + 999_999 * unit)
    assert (got.reader.frames, got.reader.octets) == (2, len(sip()) + len(sip(RTP)))
    assert got.reader.format == "pcap"
    assert got.reader.dropped is None
    assert not got.reader.unread
    assert not got.reader.truncated


def test_modified_pcap_has_longer_record_headers(tmp_path: Path) -> None:
    got = read_octets_of(tmp_path, pcap([sip(), sip(RINGING)], magic=0xA1B2CD34, extra=bytes(8)))
    assert got.payloads == [INVITE, RINGING]


def test_the_last_second_of_pcap(tmp_path: Path) -> None:
    got = read_octets_of(tmp_path, pcap([(0xFFFFFFFF << 32 | 999_999_999, sip(), 1)], magic=0xA1B23C4D))
    assert got.column(D_TS) == [0xFFFFFFFF * S + 999_999_999]


def test_frame_check_sequence_flags_are_no_link_type(tmp_path: Path) -> None:
    assert read_octets_of(tmp_path, pcap([sip() + b"\1\2\3\4"], link_type=0x54000001)).payloads == [INVITE]


def test_an_empty_capture(tmp_path: Path) -> None:
    for octets in (pcap([]), section(), section() + interface()):
        got = read_octets_of(tmp_path, octets)
        assert (got.reader.frames, got.reader.octets, len(got.rows)) == (0, 0, 0)
        assert got.reader.start_ts is None
        assert got.reader.end_ts is None
        assert not got.reader.truncated


def test_zero_length_records_are_frames(tmp_path: Path) -> None:
    got = read_octets_of(tmp_path, pcap([b"", sip(), b""]))
    assert got.column(D_FRAME_NO) == [2]
    assert got.reader.frames == 3
    assert got.reader.unread == {"cut": 2}


@pytest.mark.parametrize("cut", [1, 15, 16, 17, 100])
def test_a_capture_cut_short(tmp_path: Path, cut: int) -> None:
    octets = pcap([sip(), sip()])
    got = read_octets_of(tmp_path, octets[: len(octets) - len(sip()) - 16 + cut])
    assert len(got.rows) == 1
    assert got.reader.truncated
    assert got.issues.counts == {"capture.truncated": 1}
    assert f"octet {24 + 16 + len(sip())}" in got.issues.notes[0].detail


@pytest.mark.parametrize("length", [4, 10, 20, 23])
def test_a_capture_cut_in_its_header(tmp_path: Path, length: int) -> None:
    got = read_octets_of(tmp_path, pcap([])[:length])
    assert (got.reader.frames, got.reader.truncated) == (0, True)
    assert got.issues.counts == {"capture.truncated": 1}


@pytest.mark.parametrize("length", [0xFFFFFFFF, 0x7FFFFFFF, 65 << 20])
def test_lengths_that_cannot_be(tmp_path: Path, length: int) -> None:
    octets = pcap([sip()]) + struct.pack("<IIII", 1, 1, length, length) + bytes(100_000)
    got = read_octets_of(tmp_path, octets)
    assert len(got.rows) == 1
    assert got.reader.truncated
    assert got.issues.counts == {"capture.damaged": 1}
    assert f"octet {24 + 16 + len(sip())}" in got.issues.notes[0].detail


def test_a_long_record_counts_when_a_record_follows(tmp_path: Path) -> None:
    long = ether(b"\x00" * 3_000_000, 0x1234)
    got = read_octets_of(tmp_path, pcap([sip(), long, sip(RINGING), long]))
    assert got.payloads == [INVITE, RINGING]
    assert got.reader.frames == 4
    assert got.reader.unread == {"not_ip": 2}
    assert not got.reader.truncated


def test_a_long_record_is_damage_when_none_follows(tmp_path: Path) -> None:
    octets = pcap([sip()]) + struct.pack("<IIII", 1, 1, 300_000, 300_000) + b"\xee" * 400_000
    got = read_octets_of(tmp_path, octets)
    assert len(got.rows) == 1
    assert got.issues.counts == {"capture.damaged": 1}


def test_how_the_file_is_cut_into_windows_does_not_matter(tmp_path: Path) -> None:
    frames = [sip(INVITE + b"x" * (n * 7919 % 1300)) if n % 3 else sip(RTP) for n in range(4000)]
    path = tmp_path / "x"
    for octets in (pcap(frames), section() + interface() + b"".join(map(packet, frames))):
        path.write_bytes(octets)
        large, small = read(path, window=8 << 20), read(path, window=1)
        assert small.payloads == large.payloads
        assert (small.rows == large.rows).all()
        assert len(large.rows) == sum(n % 3 > 0 for n in range(4000))


# -- pcapng -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", ["<", ">"])
def test_pcapng(tmp_path: Path, order: str) -> None:
    octets = (
        section(order)
        + interface(order=order)
        + packet(sip(), 1_700_000_000_123_456, sent=9999, order=order)
        + block(0x0BAD, b"what is this", order)
        + packet(sip(RTP), 1_700_000_001_000_000, order=order)
    )
    got = read_octets_of(tmp_path, octets)
    assert got.reader.format == "pcapng"
    assert got.payloads == [INVITE]
    assert got.column(D_TS) == [1_700_000_000_123_456_000]
    assert (got.reader.frames, got.reader.end_ts) == (2, 1_700_000_001_000_000_000)
    assert not got.issues.counts


@pytest.mark.parametrize(
    ("resolution", "ticks", "ns"),
    [
        (0, 1_700_000_000, 1_700_000_000 * S),
        (3, 1_700_000_000_123, 1_700_000_000_123_000_000),
        (9, 1_700_000_000_123_456_789, 1_700_000_000_123_456_789),
        (10, 17_000_000_001_234_567_899, 1_700_000_000_123_456_789),
        (12, 1_234_567_890_123_456_789, 1_234_567_890_123_456),
        (27, 2**64 - 1, 18),
        (127, 2**64 - 1, 18),
        (0x80, 1_700_000_000, 1_700_000_000 * S),
        (0x80 | 10, 1_700_000_000 << 10 | 1, 1_700_000_000 * S + S // 1024),
        (0x80 | 32, 1_700_000_000 << 32 | 0x80000001, 1_700_000_000 * S + 500_000_000),
        (0x80 | 60, 3 << 60 | (2**60 - 1), 3 * S + 999_999_999),
        (0x80 | 62, 3 << 62 | 1 << 61, 3 * S + 500_000_000),
        (0, 2**64 - 1, 2**62 - 1),
        (6, 2**64 - 1, 2**62 - 1),
    ],
)
def test_resolution_of_time(tmp_path: Path, resolution: int, ticks: int, ns: int) -> None:
    octets = section() + interface(options=option(9, bytes([resolution]))) + packet(sip(), ticks)
    assert read_octets_of(tmp_path, octets).column(D_TS) == [ns]


@pytest.mark.parametrize(
    ("offset", "ns"), [(1_700_000_000, 1_700_000_000 * S + 5000), (-3, 5000 - 3 * S), (2**63 - 1, 2**62 - 1)]
)
def test_offset_of_time(tmp_path: Path, offset: int, ns: int) -> None:
    options = option(14, struct.pack("<q", offset))
    got = read_octets_of(tmp_path, section() + interface(options=options) + packet(sip(), 5))
    assert got.column(D_TS) == [ns]


def test_interfaces_and_sections(tmp_path: Path) -> None:
    raw = ipv4(udp(RINGING))
    octets = (
        section("<")
        + interface(1)
        + interface(101, option(9, b"\x09"))
        + packet(raw, 7, 1)
        + packet(sip(), 7, 0)
        + section(">")
        + interface(101, order=">")
        + packet(raw, 8, 0, order=">")
    )
    got = read_octets_of(tmp_path, octets)
    assert got.payloads == [RINGING, INVITE, RINGING]
    assert got.column(D_INTERFACE_NO) == [1, 0, 2]
    assert got.column(D_TS) == [7, 7000, 8000]


def test_simple_and_obsolete_packet_blocks(tmp_path: Path) -> None:
    obsolete = struct.pack("<HHIIII", 0, 0, 0, 44, len(sip()), len(sip()))
    long = sip(INVITE + b"x" * 600)
    octets = (
        section()
        + interface(snaplen=500)
        + block(2, obsolete + sip())
        + block(3, struct.pack("<I", len(sip())) + sip())
        + block(3, struct.pack("<I", len(long)) + long[:500])
    )
    got = read_octets_of(tmp_path, octets)
    assert got.payloads == [INVITE, INVITE, long[42:500]]
    # A simple packet block has no time: it takes that of the frame before it.
    assert got.column(D_TS) == [44_000, 44_000, 44_000]
    assert got.rows[2][D_WIRE_LENGTH] - got.rows[2][D_LENGTH] == len(long) - 500
    assert got.issues.counts == {"capture.frame_cut": 1, "capture.no_timestamps": 1}


def test_names_statistics_and_secrets_are_kept(tmp_path: Path) -> None:
    names = (
        option(1, SRC4 + b"pbx.example.net\0second.example\0")
        + option(2, SRC6 + b"trunk\x1b[31m\0")
        + option(1, b"\1\2")
        + option(0, b"")
    )
    drops = option(4, struct.pack("<Q", 999)) + option(5, struct.pack("<Q", 3)) + option(7, struct.pack("<Q", 4))
    octets = (
        section()
        + interface()
        + block(4, names)
        + packet(sip())
        + block(5, struct.pack("<III", 0, 0, 0) + option(5, struct.pack("<Q", 1)))
        + block(5, struct.pack("<III", 0, 0, 0) + drops + option(0, b""))
        + block(10, struct.pack("<II", 0x544C534B, 5) + b"12345")
    )
    got = read_octets_of(tmp_path, octets)
    assert got.reader.names == {"192.0.2.1": "pbx.example.net", "2001:db8::1": "trunk\\x1b[31m"}
    assert got.reader.dropped == 7
    assert got.issues.counts == {"capture.dropped": 7, "capture.keylog": 1}  # no secret stands in that block
    assert got.reader.secrets == [(0x544C534B, b"12345")]
    assert got.payloads == [INVITE]


GOOD = section() + interface() + packet(sip())
BAD_BLOCKS = {
    "length below twelve": struct.pack("<III", 9, 8, 8),
    "length not of four": struct.pack("<II", 9, 15) + bytes(20),
    "lengths that differ": block(9, bytes(20))[:-4] + struct.pack("<I", 36),
    "no such interface": packet(sip(), number=1),
    "packet longer than its block": block(6, struct.pack("<IIIII", 0, 0, 0, 100, 100) + bytes(40)),
    "block too short for a packet": block(6, bytes(8)),
    "section without byte order": block(0x0A0D0D0A, bytes(16)),
    "interface too short": block(1, bytes(4)),
    "longer than any frame": struct.pack("<II", 6, 68 << 20) + bytes(4000),
}


@pytest.mark.parametrize("what", BAD_BLOCKS)
def test_damaged_pcapng(tmp_path: Path, what: str) -> None:
    got = read_octets_of(tmp_path, GOOD + BAD_BLOCKS[what] + packet(sip()))
    assert len(got.rows) == 1
    assert got.reader.truncated
    assert got.issues.counts == {"capture.damaged": 1}
    assert got.issues.notes[0].detail.endswith(f"at octet {len(GOOD)}")


@pytest.mark.parametrize("cut", [1, 11, 12, 100])
@pytest.mark.parametrize("last", [packet(sip()), section() * 8, block(10, bytes(200)), block(99, bytes(200))])
def test_pcapng_cut_short(tmp_path: Path, cut: int, last: bytes) -> None:
    got = read_octets_of(tmp_path, GOOD + last[:-cut] if cut > 99 else GOOD + last[:cut])
    assert len(got.rows) == 1
    assert got.issues.counts == {"capture.truncated": 1}


def test_long_blocks_are_skipped_or_read(tmp_path: Path) -> None:
    names = b"".join(option(1, struct.pack(">I", n) + b"name%d\0" % n) for n in range(1, 40_000))
    octets = (
        GOOD + block(0xBAD, bytes(9 << 20)) + block(4, names) + packet(ether(bytes(1 << 20), 0x1234)) + packet(sip())
    )
    got = read_octets_of(tmp_path, octets)
    assert len(got.rows) == 2
    assert got.reader.frames == 3
    assert len(got.reader.names) == 39_999
    assert not got.issues.counts
    cut = read_octets_of(tmp_path, GOOD + block(0xBAD, bytes(9 << 20))[:-8])
    assert cut.issues.counts == {"capture.truncated": 1}
