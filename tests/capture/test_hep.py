"""HEP 1, 2 and 3: what a capture agent says about a message."""

from __future__ import annotations

import struct
import zlib

import pytest

from analyzer.batch import (
    D_DST_PORT,
    D_FILE_OFFSET,
    D_FRAME_NO,
    D_LAYERS,
    D_NETWORK,
    D_SRC_HI,
    D_SRC_LO,
    D_SRC_PORT,
    D_TRANSPORT,
    D_TS,
    FLOW_HEP,
    MISSING,
)
from analyzer.capture.address import address_text
from analyzer.capture.hep import HepStream
from analyzer.capture.layer_kernels import text
from tests.capture.hep_made import INVITE, chunk, hep1, hep3
from tests.capture.made import udp
from tests.capture.raw import FIRST, START, assembled, fragments, hep_datagram, segment


def test_version_3() -> None:
    packet = hep3()
    got = assembled([hep_datagram(packet, 4)])
    assert got.messages == [INVITE]
    (row,) = got.rows
    assert address_text(row[D_SRC_HI], row[D_SRC_LO]) == "198.51.100.1"
    assert (row[D_SRC_PORT], row[D_DST_PORT], row[D_TRANSPORT]) == (5070, 5080, 0)
    assert row[D_TS] == START - 2_750_000_000
    assert row[D_FRAME_NO] == 4
    assert row[D_NETWORK] == MISSING
    assert row[D_FILE_OFFSET] == 40_000 + len(packet) - len(INVITE)
    assert text(row[D_LAYERS]) == "ip udp hep"


@pytest.mark.parametrize(
    ("protocol", "port", "transport"), [(17, 5070, 0), (6, 5070, 1), (6, 5061, 2), (22, 5070, 2), (132, 5070, 5)]
)
def test_how_it_travelled(protocol: int, port: int, transport: int) -> None:
    assert assembled([hep_datagram(hep3(protocol=protocol, port=port))]).rows[0][D_TRANSPORT] == transport


def test_ipv6_vlan_and_compression() -> None:
    packet = hep3(b"", chunk(18, struct.pack(">H", 42)), chunk(16, zlib.compress(INVITE)), src="2001:db8::1")
    got = assembled([hep_datagram(packet)])
    assert got.messages == [INVITE]
    (row,) = got.rows
    assert address_text(row[D_SRC_HI], row[D_SRC_LO]) == "2001:db8::1"
    assert row[D_NETWORK] == 42
    assert row[D_FILE_OFFSET] == MISSING


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("counts", [True, False])
def test_versions_1_and_2(order: str, counts: bool) -> None:
    one = assembled([hep_datagram(hep1())]).rows[0]
    assert (one[D_SRC_PORT], one[D_TRANSPORT], one[D_TS]) == (5070, 1, START)
    got = assembled([hep_datagram(hep1(version=2, order=order, counts=counts))])
    assert got.messages == [INVITE]
    assert got.rows[0][D_TS] == START - 2_750_000_000


def test_what_is_no_sip_is_left_out() -> None:
    got = assembled([hep_datagram(hep3(b"\x80\xc8 rtcp")), hep_datagram(hep3(b""))])
    assert got.messages == []
    assert not got.issues.counts


@pytest.mark.parametrize(
    "packet",
    [
        hep3(INVITE, chunk(7, b"x")),
        hep3(INVITE, struct.pack(">HHH", 0, 2, 3)),
        hep3(b"", chunk(16, b"no zlib")),
        hep3()[:40],
        b"HEP3\0",
        b"\x02\x10\x07\x06" + bytes(40),
        b"",
    ],
)
def test_packets_that_contradict_themselves(packet: bytes) -> None:
    got = assembled([hep_datagram(packet)])
    assert got.messages == []
    assert got.issues.counts == {"hep.bad_packet": 1}


def test_a_compressed_payload_is_bounded() -> None:
    bomb = zlib.compress(INVITE + bytes(10_000_000))
    (message,) = assembled([hep_datagram(hep3(b"", chunk(16, bomb)))]).messages
    assert len(message) == 65_535


def test_over_tcp() -> None:
    stream = hep3() + hep3(b"no sip") + hep3()
    raw = [segment(stream[:200], kind=FLOW_HEP), segment(stream[200:], FIRST + 200, 2, kind=FLOW_HEP)]
    got = assembled(raw)
    assert got.messages == [INVITE, INVITE]
    assert text(got.rows[0][D_LAYERS]) == "ip tcp hep"
    assert got.rows[1][D_FILE_OFFSET] == 20_000 + len(stream) - 200 - len(INVITE)


def test_a_stream_finds_its_packets_again() -> None:
    stream = HepStream()
    packets = [packet for octet in b"rubbish" + hep3() + hep3() for _, packet in stream.receive(bytes([octet]))]
    assert packets == [hep3(), hep3()]
    assert [code for code, _ in stream.notes] == ["hep.bad_packet"]
    stream.receive(hep3()[:100])
    stream.gap(10)
    assert stream.pending == 0
    assert [packet for _, packet in stream.receive(b"the rest" + hep3())] == [hep3()]
    assert len(stream.notes) == 1


def test_in_fragments() -> None:
    got = assembled(fragments(udp(hep3(), 33_000, 9060), [10, 20]))
    assert got.messages == [INVITE]
    assert text(got.rows[0][D_LAYERS]) == "ip fragments udp hep"
