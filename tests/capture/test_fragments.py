"""IP datagrams out of fragments."""

from __future__ import annotations

import struct

import pytest

from analyzer.batch import D_FILE_OFFSET, D_FRAME_NO, D_IP_ID, D_LAYERS, D_TRANSPORT, D_WIRE_LENGTH, MISSING
from analyzer.capture import fragments as module
from analyzer.capture.layer_kernels import text
from tests.capture.made import RTP, udp
from tests.capture.raw import assembled, fragment, fragments, message
from tests.capture.stream_messages import SDP, request, response

INVITE = request(body=SDP * 3)
OK = response()
PACKET = udp(INVITE)


def tcp(payload: bytes, seq: int = 1_000, flags: int = 16) -> bytes:
    return struct.pack(">HHIIBBHHH", 40_000, 5060, seq, 0, 0x50, flags, 0, 0, 0) + payload


def test_in_any_order() -> None:
    one, two, three = fragments(PACKET, [10, 30])
    for order in ([one, two, three], [three, one, two], [two, one, three]):
        got = assembled(order)
        assert got.messages == [INVITE]
        (row,) = got.rows
        assert row[D_FRAME_NO] == order[-1][0][D_FRAME_NO]
        assert row[D_FILE_OFFSET] == MISSING
        assert row[D_IP_ID] == 7
        assert row[D_TRANSPORT] == 0
        assert row[D_WIRE_LENGTH] == len(INVITE)
        assert text(row[D_LAYERS]) == "ip fragments udp"
        assert not got.issues.counts


def test_two_datagrams_at_once() -> None:
    a, b = fragments(PACKET, [10]), fragments(udp(OK), [10], identification=8)
    assert assembled([a[0], b[0], a[1], b[1]]).messages == [INVITE, OK]


def test_repeats_and_second_copies() -> None:
    one, two = fragments(PACKET, [10])
    assert assembled([one, one, two]).messages == [INVITE]
    twice = assembled([one, two, one, two])
    assert twice.messages == [INVITE, INVITE]
    late = assembled([one, one, two, two])
    assert late.messages == [INVITE]
    assert not late.issues.counts


def test_overlaps_with_the_same_octets() -> None:
    one, two, three = (
        fragment(PACKET[:160], 0, True),
        fragment(PACKET[80:400], 80, True),
        fragment(PACKET[320:], 320, False),
    )
    for order in ([one, two, three], [three, two, one], [two, three, one]):
        assert assembled(order).messages == [INVITE]


def test_an_overlap_with_other_octets_condemns() -> None:
    one, two = fragments(PACKET, [10])
    other = fragment(b"x" * 16, 8, True)
    for order in ([one, other, two], [other, one, two]):
        got = assembled(order)
        assert got.messages == []
        assert got.issues.counts == {"ip.fragment_overlap": 1}


@pytest.mark.parametrize(
    "more", [fragment(b"x" * 8, len(PACKET) + 8, False), fragment(b"x" * 8, len(PACKET) + 1_000, True)]
)
def test_two_ends_condemn(more: tuple[list[int], bytes]) -> None:
    one, two = fragments(PACKET, [10])
    got = assembled([two, more, one])
    assert got.messages == []
    assert got.issues.counts == {"ip.fragment_overlap": 1}


def test_too_long() -> None:
    got = assembled([fragment(b"x" * 100, 65_500, False)])
    assert got.issues.counts == {"ip.bad_length": 1}


def test_missing_fragments() -> None:
    one, _ = fragments(PACKET, [10])
    got = assembled([one, message(OK, 9, 29.0)], closes=False)
    assert not got.issues.counts
    got = assembled([one, message(OK, 9, 30.1)], closes=False)
    assert got.issues.counts == {"ip.fragment": 1}
    assert got.issues.notes[0].frame_no == 1
    assert assembled([one]).issues.counts == {"ip.fragment": 1}
    media = fragments(udp(RTP), [5])[:1]
    assert not assembled(media).issues.counts


def test_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DATAGRAMS", 2)
    raw = [fragments(PACKET, [10], identification=n)[0] for n in range(3)]
    got = assembled(raw, closes=False)
    assert got.issues.counts == {"ip.fragment": 1}
    monkeypatch.setattr(module, "OCTETS", 2_000)
    raw = [fragment(bytes(8), 16 * n, True) for n in range(1, 40)]
    assert assembled(raw, closes=False).issues.counts["ip.fragment"] == 2


def test_the_snaplen_took_the_end() -> None:
    raw = [fragment(PACKET[:400], 0, True), fragment(PACKET[400:420], 400, False, missing=len(PACKET) - 420)]
    for order in (raw, raw[::-1]):
        got = assembled(order)
        assert got.messages == [INVITE[:412]]
        assert got.rows[0][D_WIRE_LENGTH] == len(INVITE)


def test_a_tcp_segment() -> None:
    raw = [*fragments(tcp(b"", 999, 2), [1], protocol=6), *fragments(tcp(INVITE), [5, 9], protocol=6, identification=8)]
    got = assembled(raw)
    assert got.messages == [INVITE]
    assert got.rows[0][D_TRANSPORT] == 1
    assert text(got.rows[0][D_LAYERS]) == "ip fragments tcp"


def test_a_broken_start_line() -> None:
    raw = fragments(udp(b"INVITE sip:a SIP/7.0\r\nVia: b\r\n\r\n"), [2])
    assert assembled(raw).issues.counts == {"sip.bad_start_line": 1}
