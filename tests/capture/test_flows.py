"""Which TCP flow carries what, told by its first octets."""

from __future__ import annotations

import pytest

from analyzer.batch import (
    FLOW_HEP,
    FLOW_OTHER,
    FLOW_SIP,
    FLOW_TLS,
    FLOW_UNDECIDED,
    FLOW_WEBSOCKET,
    TCP_ACK,
    TCP_FIN,
    TCP_RST,
    TCP_SYN,
)
from analyzer.capture.flows import SEARCHED_SEGMENTS, UNDECIDED_OCTETS, FlowKey, Flows, content, may_become
from analyzer.capture.scapy_packets import begins_by_parser
from tests.capture.stream_messages import SDP, request, response
from tests.capture.test_hep import hep3
from tests.capture.test_websocket import ANSWER, UPGRADE, frame

INVITE = request(body=SDP)
OK = response()
CLIENT_HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(32)
HTTP = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
ISN = 2**32 - 1  # the first octet has number 0


class Play:
    """A flow; segments at places counted from its first octet. What is handed on, as (kind, first, octets)."""

    def __init__(self, syn: bool = True, ports: tuple[int, int] = (40_000, 5060), wants_tls: bool = True) -> None:
        self.flows = Flows(begins_by_parser, lambda key: wants_tls)
        self.key = FlowKey(0, (0, 1), (0, 2), *ports)
        if syn:
            assert self.flows.receive(self.key, ISN, TCP_SYN, b"") is None

    def __call__(self, at: int, payload: bytes, flags: int = TCP_ACK) -> tuple[int, int | None, bytes] | None:
        segment = self.flows.receive(self.key, at % 2**32, flags, payload)
        return None if segment is None else (segment.kind, segment.first, segment.payload)


CONTENTS = [
    (INVITE, FLOW_SIP),
    (OK, FLOW_SIP),
    (b"\r\n\r\n" + OK, FLOW_SIP),
    (INVITE[:60], FLOW_SIP),
    (CLIENT_HELLO, FLOW_TLS),
    (CLIENT_HELLO.replace(b"\0\1\0\1", b"\0\2\0\1"), FLOW_TLS),
    (UPGRADE, FLOW_WEBSOCKET),
    (ANSWER, FLOW_WEBSOCKET),
    (frame(INVITE), FLOW_WEBSOCKET),
    (frame(OK, 2, mask=b"abcd")[:40], FLOW_WEBSOCKET),
    (hep3(), FLOW_HEP),
    (HTTP, FLOW_OTHER),
    (UPGRADE.replace(b"chat, sip", b"chat, sipx"), FLOW_OTHER),
    (ANSWER.replace(b": sip", b": mqtt"), FLOW_OTHER),
    (frame(b"{}"), FLOW_OTHER),
    (b"\x17\x03\x03\x00\x20" + bytes(32), FLOW_OTHER),
    (b"", FLOW_OTHER),
]


@pytest.mark.parametrize(("octets", "kind"), CONTENTS)
def test_content(octets: bytes, kind: int) -> None:
    assert content(octets, begins_by_parser) == kind


@pytest.mark.parametrize("octets", [octets for octets, kind in CONTENTS[:3] + CONTENTS[4:8] + CONTENTS[10:11]])
def test_every_beginning_may_become_it(octets: bytes) -> None:
    for length in range(len(octets)):
        assert content(octets[:length], begins_by_parser) != FLOW_OTHER or may_become(octets[:length]), length


@pytest.mark.parametrize("octets", [HTTP, b"220 mail.example ESMTP\r\n", b"\0\0\0\x10", b"SSH-2.0-x\r\n", b"SIP/7.0 2"])
def test_what_never_becomes_it(octets: bytes) -> None:
    assert not may_become(octets)


@pytest.mark.parametrize(("octets", "kind"), CONTENTS[:11])
def test_the_first_segment_decides(octets: bytes, kind: int) -> None:
    play = Play()
    assert play(0, octets) == (kind, 0, octets)
    assert play(len(octets), HTTP) == (kind, 0, HTTP)
    assert play(len(octets) + len(HTTP), b"") is None
    assert play(len(octets) + len(HTTP), b"", TCP_FIN) == (kind, 0, b"")


def test_what_is_not_ours_stays_that() -> None:
    play = Play()
    assert play(0, HTTP) is None
    assert play(len(HTTP), INVITE) is None
    assert play(len(HTTP), b"", TCP_RST) is None


def test_a_new_syn_begins_anew() -> None:
    play = Play()
    play(0, HTTP)
    assert play(ISN, b"", TCP_SYN) is None
    assert play(20, INVITE) is None  # the same SYN again
    assert play(99, b"", TCP_SYN) is None
    assert play(100, INVITE) == (FLOW_SIP, 100, INVITE)


def test_octets_in_the_syn() -> None:
    play = Play(syn=False)
    assert play(99, INVITE, TCP_SYN) == (FLOW_SIP, 100, INVITE)


def test_too_few_octets_wait_for_more() -> None:
    play = Play()
    assert play(0, b"\r\n") == (FLOW_UNDECIDED, 0, b"\r\n")
    assert play(2, INVITE[:3]) == (FLOW_UNDECIDED, 0, INVITE[:3])
    assert play(5, b" (rest)") == (FLOW_UNDECIDED, 0, b" (rest)")
    assert play(100, OK) == (FLOW_SIP, 0, OK)


def test_later_octets_wait_for_the_first() -> None:
    play = Play()
    assert play(50, b"Host: a\r\n\r\n") == (FLOW_UNDECIDED, 0, b"Host: a\r\n\r\n")
    assert play(0, HTTP) == (FLOW_OTHER, 0, b"")
    assert play(70, INVITE) is None


def test_it_must_turn_out_soon() -> None:
    play = Play()
    assert play(10, b"a") is not None
    assert play(UNDECIDED_OCTETS, b"b") == (FLOW_OTHER, 0, b"")


def test_a_probe_before_the_first_octet() -> None:
    play = Play()
    assert play(-1, b"\0") is None
    assert play(-1, b"\0" + INVITE) == (FLOW_SIP, 0, b"\0" + INVITE)


def test_without_syn_any_segment_may_begin() -> None:
    play = Play(syn=False)
    for number in range(20):
        assert play(number, b"text\r\n") is None
    assert play(20, b"", TCP_FIN) is None
    assert play(20, INVITE) == (FLOW_SIP, None, INVITE)
    assert play(20 + len(INVITE), b"text") == (FLOW_SIP, None, b"text")


def test_without_syn_the_first_segments_are_searched() -> None:
    inside = b"a=sendrecv\r\n" + OK
    play = Play(syn=False)
    assert play(0, b"a=sendrecv\r\n SIP/2.0 200 OK\r\n") is None
    assert play(1, inside) == (FLOW_SIP, None, inside)
    play = Play(syn=False)
    for number in range(SEARCHED_SEGMENTS):
        play(number, b"a")
    assert play(20, inside) is None


def test_tls() -> None:
    assert Play(wants_tls=False)(0, CLIENT_HELLO) is None
    data = b"\x17\x03\x03\x00\x20" + bytes(32)
    assert Play(syn=False)(0, data) is None
    assert Play(syn=False, ports=(5061, 40_000))(0, data) == (FLOW_TLS, None, data)
