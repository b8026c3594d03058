"""Messages out of a stream, RFC 3261 §18.3, and what is made of streams that break its rules."""

from __future__ import annotations

import pytest

from analyzer.batch import X_BAD_CONTENT_LENGTH, X_NO_CONTENT_LENGTH
from analyzer.capture.framing import MESSAGE_OCTETS, Framed, Framing
from analyzer.capture.scapy_packets import begins_by_kernel, begins_by_parser
from tests.capture.stream_messages import SDP, SIPFRAG, request, response

INVITE = request(body=SDP)
BYE = request("BYE", number=2)
OK = response()


def framed(*segments: bytes) -> list[Framed]:
    framing = Framing(begins_by_parser)
    return [message for segment in segments for message in framing.receive(segment)]


def octets(*segments: bytes) -> list[bytes]:
    return [message.octets for message in framed(*segments)]


def notes(*segments: bytes) -> list[tuple[str, int]]:
    framing = Framing(begins_by_parser)
    for segment in segments:
        framing.receive(segment)
    return framing.notes


class TestWhole:
    def test_messages_one_by_one_and_together(self) -> None:
        assert octets(INVITE, OK, BYE) == [INVITE, OK, BYE]
        assert octets(INVITE + OK + BYE) == [INVITE, OK, BYE]

    @pytest.mark.parametrize("begins", [begins_by_parser, begins_by_kernel])
    def test_octet_by_octet(self, begins: object) -> None:
        stream = INVITE + b"\r\n\r\n" + OK + BYE
        framing = Framing(begins)  # type: ignore[arg-type]
        got = [m.octets for octet in stream for m in framing.receive(bytes([octet]))]
        assert got == [INVITE, OK, BYE]
        assert not framing.notes
        assert not framing.pending

    def test_every_cut_in_two(self) -> None:
        stream = INVITE + OK
        for at in range(len(stream)):
            assert octets(stream[:at], stream[at:]) == [INVITE, OK]

    def test_keepalives_are_no_part_of_messages(self) -> None:
        assert octets(b"\r\n\r\n", INVITE + b"\r\n\r\n", b"\r", b"\n", b"\r\n" + OK) == [INVITE, OK]
        assert notes(b"\r\n\r\n", INVITE + b"\r\n\r\n", b"\r\n" + OK) == []

    def test_where_a_message_stands(self) -> None:
        first, second = framed(b"\r\n\r\n" + INVITE + OK[:30], OK[30:])
        assert (first.first, first.end) == (4, 4 + len(INVITE))
        assert (second.first, second.end) == (first.end, first.end + len(OK))
        assert (first.wire_length, first.defects) == (len(INVITE), 0)

    @pytest.mark.parametrize(
        "line",
        ["Content-Length: {n}", "content-length:{n}", "l: {n}", "L :{n}", "CONTENT-LENGTH \t: {n}", "l:\r\n {n}"],
    )
    def test_content_length_in_every_form(self, line: str) -> None:
        message = request(body=SDP, length=line.format(n=len(SDP)))
        assert octets(message + OK) == [message, OK]

    def test_the_first_content_length_counts(self) -> None:
        message = request(body=SDP, length=f"l: {len(SDP)}\r\nContent-Length: 3")
        assert octets(message + OK) == [message, OK]

    def test_a_content_length_in_the_body_is_none(self) -> None:
        message = request(body=b"Content-Length: 1000\r\n", length="Content-Length: 22")
        assert octets(message + OK) == [message, OK]

    def test_lines_that_end_in_lf(self) -> None:
        message = request(body=b"v=0\n").replace(b"\r\n", b"\n")
        assert octets(message + OK) == [message, OK]


class TestNoLength:
    def test_without_body(self) -> None:
        message = request("OPTIONS", length=None)
        got = framed(message, OK)
        assert [m.octets for m in got] == [message, OK]
        assert got[0].defects == X_NO_CONTENT_LENGTH

    def test_the_body_is_the_rest_of_the_segment(self) -> None:
        message = request(body=SDP, length=None)
        assert octets(message, OK) == [message, OK]
        assert octets(message[:50], message[50:], OK) == [message, OK]

    def test_up_to_a_start_line(self) -> None:
        message = request(body=SDP, length=None)
        assert octets(message + OK + message + BYE) == [message, OK, message, BYE]

    def test_no_number(self) -> None:
        message = request(body=SDP, length="Content-Length: many")
        got = framed(message + OK)
        assert [m.octets for m in got] == [message, OK]
        assert got[0].defects == X_BAD_CONTENT_LENGTH
        assert got[0].wire_length == len(message)


class TestWrongLength:
    def test_too_small(self) -> None:
        message = request(body=SDP, length="Content-Length: 10")
        rest = SDP[10:]
        whole = message[: -len(rest)]
        for segments in ([message + OK], [message, OK], [message + OK[:20], OK[20:]]):
            assert octets(*segments) == [whole, OK]
            assert notes(*segments) == [("tcp.resync", len(rest))]

    def test_too_small_and_the_rest_ends_no_line(self) -> None:
        message = request(body=b"v=0\r\na=sendrecv", length="Content-Length: 12")
        assert octets(message, OK) == [message[:-3], OK]

    def test_a_zero_octet_behind_the_body(self) -> None:
        assert octets(INVITE + b"\0", BYE) == [INVITE, BYE]
        assert notes(INVITE + b"\0", BYE) == [("tcp.resync", 1)]

    def test_too_great(self) -> None:
        message = request(body=SDP, length=f"Content-Length: {len(SDP) + 5}")
        got = framed(message, OK)
        assert [m.octets for m in got] == [message, OK]
        assert got[0].wire_length == len(message) + 5
        assert got[0].end == len(message)

    def test_too_great_but_the_next_segment_is_body(self) -> None:
        message = request(body=SDP + SDP)
        assert octets(message[: -len(SDP)], message[-len(SDP) :], OK) == [message, OK]

    @pytest.mark.parametrize("kind", ["message/sipfrag", "Message/SIP", "multipart/mixed;boundary=x"])
    def test_a_message_as_body_is_a_body(self, kind: str) -> None:
        message = request("NOTIFY", body=SIPFRAG, kind=kind)
        head = len(message) - len(SIPFRAG)
        assert octets(message[:head], message[head:] + OK) == [message, OK]

    def test_far_too_great(self) -> None:
        message = request(body=SDP, length="Content-Length: 999999999999")
        filler = b"x" * 40_000
        framing = Framing(begins_by_parser)
        got = [m for segment in (message, filler, filler, OK) for m in framing.receive(segment)]
        assert [len(m.octets) for m in got] == [MESSAGE_OCTETS, len(OK)]
        assert got[0].wire_length == len(message) - len(SDP) + 999_999_999_999
        assert got[1].octets == OK

    def test_long_bodies_are_skipped_to_their_end(self) -> None:
        body = b"v=0\r\n" * 30_000
        message = request(body=body)
        got = framed(*(message[at : at + 1460] for at in range(0, len(message), 1460)), OK)
        assert [m.octets for m in got] == [message[:MESSAGE_OCTETS], OK]
        assert got[0].wire_length == len(message)
        assert framed(message + OK) == got


class TestInterrupted:
    def test_a_gap_in_the_body_cuts_the_message(self) -> None:
        framing = Framing(begins_by_parser)
        assert framing.receive(INVITE[:-20]) == []
        (cut,) = framing.gap(20)
        assert cut.octets == INVITE[:-20]
        assert cut.wire_length == len(INVITE)
        assert [m.octets for m in framing.receive(BYE)] == [BYE]
        assert not framing.notes

    def test_a_gap_in_the_header_section_loses_it(self) -> None:
        framing = Framing(begins_by_parser)
        assert framing.receive(INVITE[:60]) == []
        assert framing.gap(20) == []
        assert [m.octets for m in framing.receive(INVITE[80:] + BYE)] == [BYE]
        assert not framing.notes  # the gap has been said

    def test_close(self) -> None:
        framing = Framing(begins_by_parser)
        framing.receive(OK + INVITE[:-20])
        assert [m.octets for m in framing.close()] == [INVITE[:-20]]
        assert framing.close() == []
        framing.receive(INVITE[:60])
        assert framing.close() == []

    def test_the_middle_of_a_stream(self) -> None:
        assert octets(INVITE[100:] + OK) == [OK]
        assert notes(INVITE[100:] + OK) == [("tcp.resync", len(INVITE) - 100)]
        assert octets(INVITE[100:], OK) == [OK]

    def test_a_header_section_without_end(self) -> None:
        framing = Framing(begins_by_parser)
        framing.receive(OK[:-2])
        for _ in range(100):
            framing.receive(b"X-Filler: " + b"x" * 1000 + b"\r\n")
        assert framing.notes == [("tcp.bound", MESSAGE_OCTETS)]
        assert framing.pending == 0
        assert [m.octets for m in framing.receive(BYE)] == [BYE]

    def test_text_that_is_no_sip(self) -> None:
        text = b"GET / HTTP/1.1\r\nHost: a\r\n\r\nSIP/2.0 is a version\r\n" * 20
        assert octets(text + b"x SIP/2.0\r\n" + OK) == [OK]
