"""SIP over WebSocket: RFC 6455 frames, RFC 7118 messages."""

from __future__ import annotations

import struct

import pytest

from analyzer.batch import D_FILE_OFFSET, D_TRANSPORT, D_WIRE_LENGTH, FLOW_WEBSOCKET, MISSING
from analyzer.capture.framing import MESSAGE_OCTETS
from analyzer.capture.layer_kernels import L_IPV4, L_TCP, L_WEBSOCKET
from analyzer.capture.scapy_packets import begins_by_parser
from analyzer.capture.websocket import WebSocket, unmasked
from tests.capture.raw import assembled, stream
from tests.capture.stream_messages import SDP, request, response

INVITE = request(body=SDP)
OK = response()
UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: sip.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Protocol: chat, sip\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
ANSWER = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nSec-WebSocket-Protocol: sip\r\n\r\n"
PING = b"\x89\x02hi"


def frame(
    payload: bytes, opcode: int = 1, is_final: bool = True, mask: bytes = b"", reserved: int = 0, long: bool = False
) -> bytes:
    """RFC 6455 §5.2."""
    first = is_final << 7 | reserved << 4 | opcode
    masked = 128 if mask else 0
    if long or len(payload) > 65_535:
        head = struct.pack(">BBQ", first, masked | 127, len(payload))
    elif len(payload) > 125:
        head = struct.pack(">BBH", first, masked | 126, len(payload))
    else:
        head = struct.pack(">BB", first, masked | len(payload))
    return head + mask + unmasked(payload, mask)


def read(*segments: bytes) -> tuple[list[bytes], list[str]]:
    websocket = WebSocket(begins_by_parser)
    messages = [message.octets for segment in segments for message in websocket.receive(segment)]
    return messages, [code for code, _ in websocket.notes]


def test_unmasked() -> None:
    assert unmasked(unmasked(INVITE, b"abcd"), b"abcd") == INVITE
    whole = unmasked(INVITE, b"abcd")
    assert unmasked(whole[:7], b"abcd") + unmasked(whole[7:], b"abcd", 7) == INVITE


@pytest.mark.parametrize("handshake", [UPGRADE, ANSWER, b""])
def test_frames_behind_a_handshake(handshake: bytes) -> None:
    octets = handshake + frame(INVITE, mask=b"\x01\x02\x03\x04") + PING + frame(OK, 2)
    assert read(octets) == ([INVITE, OK], [])
    assert read(*(bytes([octet]) for octet in octets)) == ([INVITE, OK], [])


def test_a_fragmented_message_with_a_ping_in_it() -> None:
    octets = frame(INVITE[:50], is_final=False) + PING + frame(b"", 0, False) + frame(INVITE[50:], 0, mask=b"mask")
    assert read(octets) == ([INVITE], [])


def test_keepalives_and_other_messages_are_skipped() -> None:
    assert read(frame(b"\r\n\r\n") + frame(b"") + frame(b"{}") + frame(OK, long=True)) == ([OK], [])


def test_a_long_message_is_cut() -> None:
    body = b"v=0\r\n" * 20_000
    message = request(body=body)
    websocket = WebSocket(begins_by_parser)
    (cut, ok) = websocket.receive(frame(message) + frame(OK))
    assert cut.octets == message[:MESSAGE_OCTETS]
    assert cut.wire_length == len(message)
    assert ok.octets == OK


@pytest.mark.parametrize(
    "bad",
    [
        frame(INVITE, reserved=4),
        frame(INVITE, 3),
        frame(b"", 9, is_final=False),
        b"\x89\x7e\x00\x7e",
        b"\x81\x7f" + b"\xff" * 8,
        frame(b"a", 0),
        frame(b"a", is_final=False) + frame(b"b"),
    ],
)
def test_a_bad_frame_and_the_next_good_segment(bad: bytes) -> None:
    assert read(frame(OK) + bad, frame(b"no start line"), frame(INVITE)) == ([OK, INVITE], ["websocket.bad_frame"])


def test_a_gap() -> None:
    websocket = WebSocket(begins_by_parser)
    assert websocket.receive(frame(INVITE)[:-20]) == []
    (cut,) = websocket.gap(20)
    assert cut.octets == INVITE[:-20]
    assert cut.wire_length == len(INVITE)
    assert websocket.receive(b"anything") == []
    assert [m.octets for m in websocket.receive(frame(OK, mask=b"abcd"))] == [OK]
    assert websocket.receive(frame(INVITE)[:50]) == []
    assert websocket.close() == []


def test_the_rows() -> None:
    octets = UPGRADE + frame(INVITE) + frame(OK, mask=b"abcd")
    raw = stream(octets)
    for row, _ in raw:
        row[21] = row[21] & 255 | FLOW_WEBSOCKET << 8
    got = assembled(raw)
    assert got.messages == [INVITE, OK]
    assert got.column(D_TRANSPORT) == [3, 3]
    assert got.column(D_WIRE_LENGTH) == [len(INVITE), len(OK)]
    assert got.column(D_FILE_OFFSET) == [10_000 + len(UPGRADE) + 4, MISSING]
    assert got.rows[0][17] == (L_IPV4 << 5 | L_TCP) << 5 | L_WEBSOCKET
