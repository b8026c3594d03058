"""User messages out of SCTP packets, RFC 9260 and RFC 8260."""

from __future__ import annotations

import struct

import pytest

from analyzer.batch import D_FILE_OFFSET, D_LAYERS, D_SRC_PORT, D_TRANSPORT, D_WIRE_LENGTH, MISSING
from analyzer.capture import sctp as module
from analyzer.capture.layer_kernels import text
from tests.capture.raw import Assembled, assembled, message, sctp_packet
from tests.capture.stream_messages import SDP, request, response

INVITE = request(body=SDP)
OK = response()
BYE = request("BYE")
B, E, U = 2, 1, 4


def data(tsn: int, octets: bytes, flags: int = B | E, stream: int = 0) -> bytes:
    size = 16 + len(octets)
    return struct.pack(">BBHIHHI", 0, flags, size, tsn % 2**32, stream, 0, 0) + octets + bytes(-size % 4)


def i_data(tsn: int, octets: bytes, flags: int, mid: int, fsn: int) -> bytes:
    size = 20 + len(octets)
    return struct.pack(">BBHIHHII", 64, flags, size, tsn, 0, 0, mid, fsn) + octets + bytes(-size % 4)


def packet(*chunks: bytes, tag: int = 9) -> bytes:
    return struct.pack(">HHII", 5060, 5062, tag, 0) + b"".join(chunks)


def read(*packets: bytes) -> Assembled:
    return assembled([sctp_packet(octets, number) for number, octets in enumerate(packets, 1)])


def test_messages_and_other_chunks_in_one_packet() -> None:
    sack = struct.pack(">BBHIIHH", 3, 0, 16, 1, 1, 0, 0)
    got = read(packet(sack, data(1, INVITE), data(2, OK, B | E | U, 3), data(3, b"no sip")))
    assert got.messages == [INVITE, OK]
    row = got.rows[0]
    assert row[D_TRANSPORT] == 5
    assert row[D_SRC_PORT] == 5060
    assert row[D_FILE_OFFSET] == 10_000 + 12 + 16 + 16
    assert text(row[D_LAYERS]) == "ip sctp"
    assert not got.issues.counts


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0), (0, 2, 1)])
def test_fragments_in_any_order_and_over_the_wrap(order: tuple[int, int, int]) -> None:
    parts = [data(2**32 - 1, INVITE[:100], B), data(0, INVITE[100:150], 0), data(1, INVITE[150:], E)]
    got = read(*(packet(parts[n]) for n in order))
    assert got.messages == [INVITE]
    assert got.rows[0][D_FILE_OFFSET] == MISSING
    assert not got.issues.counts


def test_messages_behind_each_other_are_kept_apart() -> None:
    got = read(packet(data(1, INVITE[:9], B), data(2, INVITE[9:], E), data(3, OK[:9], B), data(4, OK[9:], E)))
    assert got.messages == [INVITE, OK]


def test_a_repeated_tsn_is_dropped() -> None:
    assert read(packet(data(1, INVITE)), packet(data(1, INVITE), data(2, OK))).messages == [INVITE, OK]
    assert read(packet(data(1, INVITE)), packet(data(1, OK), tag=10)).messages == [INVITE, OK]


def test_fragments_of_another_stream_do_not_fit() -> None:
    got = read(packet(data(1, INVITE[:90], B)), packet(data(2, INVITE[90:], E, stream=1)))
    assert got.messages == []
    assert got.issues.counts == {"sctp.incomplete": 1}


def test_interleaved_messages() -> None:
    got = read(
        packet(i_data(1, INVITE[:50], B, 0, 7), i_data(2, OK[:50], B, 1, 7)),
        packet(i_data(3, INVITE[50:90], 0, 0, 1), i_data(4, OK[50:], E, 1, 1), i_data(5, INVITE[90:], E, 0, 2)),
    )
    assert got.messages == [OK, INVITE]


def test_the_snaplen_took_the_end() -> None:
    octets = packet(data(1, INVITE))[:-40]
    got = assembled([sctp_packet(octets, missing=40)])
    assert got.messages == [octets[28:]]
    assert got.rows[0][D_WIRE_LENGTH] == len(INVITE)


def test_what_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    part = sctp_packet(packet(data(1, INVITE[:90], B)))
    assert not assembled([part, message(OK, 2, 29.0)], closes=False).issues.counts
    assert assembled([part, message(OK, 2, 31.0)], closes=False).issues.counts == {"sctp.incomplete": 1}
    other = sctp_packet(packet(data(1, b"diameter", B)))
    assert not assembled([other]).issues.counts
    monkeypatch.setattr(module, "RUNS", 1)
    more = sctp_packet(packet(data(5, INVITE[:90], B)))
    assert assembled([part, more], closes=False).issues.counts == {"sctp.incomplete": 1}


def test_a_forgotten_tsn_that_comes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SEEN_TSNS", 1)
    chunks = [data(tsn, b"x", 0) for tsn in (5, 6, 9, 6, 7, 5, 9, 8, 6, 7, 4)]
    assert read(packet(*chunks)).messages == []
