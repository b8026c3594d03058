"""The messages table: every cell is what the batch says of the message, and stays so when the window is reused."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from analyzer import batch as b
from analyzer.batch import MISSING, Datagrams, Ints, MessageBatch, MethodNames
from analyzer.capture.address import address_halves, address_text
from analyzer.sip.read import read_messages_whole
from analyzer.tables import frame, message_columns
from analyzer.wiretext import printable
from tests.tables.made import HOSTILE

INVITE = (
    b"INVITE sip:bob@example.com SIP/2.0\r\n"
    b"Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKa1, SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKa0\r\n"
    b'From: "Alice" <sip:alice@example.com>;tag=f1\r\nTo: <sip:bob@example.com>\r\n'
    b"Call-ID: call-1\r\nCSeq: 7 INVITE\r\nContact: <sip:alice@192.0.2.1>\r\nMax-Forwards: 70\r\n"
    b"User-Agent: Phone 1\r\nSession-ID: ab30317f1a784dc48ff824d0d3715d86\r\nContent-Type: application/sdp;x=1\r\n"
    b"Proxy-Authorization: Digest username=alice\r\nContent-Length: 5\r\n\r\nv=0\r\n"
)
BUSY = (
    b"SIP/2.0 486 Busy Here\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKa1\r\n"
    b"From: <sip:alice@example.com>;tag=f1\r\nTo: <sip:bob@example.com>;tag=t1\r\n"
    b'Call-ID: call-1\r\nCSeq: 7 INVITE\r\nReason: Q.850;cause=17;text="User busy", SIP;cause=486\r\n'
    b"Retry-After: 30\r\nContent-Length: 0\r\n\r\n"
)
ODD = b"XPING sip:x SIP/2.0\r\nUser-Agent: =1+\xff\x00\r\nMax-Forwards: 99999\r\nReason: SIP;cause=999999\r\n\r\n"
BARE = b"SIP/2.0 200 OK\r\n\r\n"


def batch_of(messages: list[bytes], methods: MethodNames, lead: bytes = b"") -> MessageBatch:
    """Messages read from one window, sent to and fro between an IPv4 and an IPv6 address."""
    window = bytearray(b"\xff" * 11)
    rows = np.full((len(messages), b.D_COLUMNS), MISSING, dtype=np.int64)
    rows[:, b.D_COPY] = 0
    ends = [address_halves("192.0.2.1"), address_halves("2001:db8::1")]
    for row, message in enumerate(messages):
        rows[row, [b.D_OFFSET, b.D_LENGTH, b.D_WIRE_LENGTH]] = len(window), len(lead + message), len(lead + message)
        window += lead + message + b"\xff" * 5
        rows[row, [b.D_SRC_HI, b.D_SRC_LO]] = ends[row % 2]
        rows[row, [b.D_DST_HI, b.D_DST_LO]] = ends[(row + 1) % 2]
        rows[row, [b.D_FRAME_NO, b.D_TS, b.D_FILE_OFFSET]] = row + 1, 1_700_000_000_123_456_789 + row, 1000 * row
        rows[row, [b.D_SRC_PORT, b.D_DST_PORT, b.D_TRANSPORT, b.D_IP_ID, b.D_CAPTURE_NO]] = 5060, 5070, 0, row, 1
    read = read_messages_whole(Datagrams(np.frombuffer(window, dtype=np.uint8), rows), methods)
    read.numbers[:, b.M_MESSAGE_NO] = np.arange(1, len(messages) + 1)
    return read


def no_links(messages: int) -> Ints:
    return np.full((messages, 4), MISSING, dtype=np.int64)


def rows_of(messages: list[bytes], lead: bytes = b"") -> list[dict[str, Any]]:
    methods = MethodNames()
    batch = batch_of(messages, methods, lead)
    columns = message_columns(batch, no_links(len(messages)), methods.names)
    batch.octets.flags.writeable = True
    batch.octets[:] = 0xEE  # the window is reused
    batch.numbers[:] = -7
    return list(columns.rows())


def test_request_cell_by_cell() -> None:
    row = rows_of([INVITE], lead=b"\r\n")[0]
    wanted = {
        "message_no": 1, "capture_no": 1, "frame_no": 1, "ts": 1_700_000_000_123_456_789, "network": None,
        "transport": "udp", "src_ip": "192.0.2.1", "src_port": 5060, "dst_ip": "2001:db8::1", "dst_port": 5070,
        "is_request": True, "method": "INVITE", "status_code": None, "reason_phrase": None,
        "request_uri": "sip:bob@example.com", "call_id": "call-1", "cseq": 7, "cseq_method": "INVITE",
        "from_uri": "sip:alice@example.com", "from_tag": "f1", "to_uri": "sip:bob@example.com", "to_tag": None,
        "contact_uri": "sip:alice@192.0.2.1", "via_branch": "z9hG4bKa1", "via_sent_by": "192.0.2.1:5060",
        "via_count": 2, "user_agent": "Phone 1", "reason_protocol": None, "reason_cause": None,
        "content_type": "application/sdp", "body_len": 5, "has_credentials": True, "stale": False,
        "retry_after": None, "session_id": "ab30317f1a784dc48ff824d0d3715d86", "max_forwards": 70, "has_sdp": True,
        "resend_of": None, "is_copy": False, "transaction_no": None, "call_no": None, "registration_no": None,
        "raw_offset": 2, "raw_len": len(INVITE),
    }  # fmt: skip
    assert row == wanted


def test_response_and_its_reason() -> None:
    row = rows_of([BUSY])[0]
    assert (row["is_request"], row["method"], row["status_code"]) == (False, None, 486)
    assert (row["reason_phrase"], row["cseq_method"], row["to_tag"]) == ("Busy Here", "INVITE", "t1")
    assert (row["reason_protocol"], row["reason_cause"], row["retry_after"]) == ("Q.850", 17, 30)


def test_what_is_missing_and_what_is_odd() -> None:
    methods = MethodNames()
    batch = batch_of([ODD, BARE], methods)
    table = frame(message_columns(batch, no_links(2), methods.names))
    odd, bare = table.iloc[0], table.iloc[1]
    assert (odd["method"], odd["user_agent"], odd["reason_protocol"]) == ("XPING", "=1+\\xff\\x00", "SIP")
    assert table["max_forwards"].isna().all()  # 99999 is no Max-Forwards
    assert table["reason_cause"].isna().all()
    for name in ("call_id", "cseq", "cseq_method", "from_uri", "via_branch", "user_agent", "reason_protocol"):
        assert table[name].isna()[1], name
    assert (bare["status_code"], bare["reason_phrase"], bare["via_count"]) == (200, "OK", 0)


def test_links_are_put_in_their_columns() -> None:
    methods = MethodNames()
    batch = batch_of([INVITE, INVITE], methods)
    links = np.array([[MISSING, 4, 5, MISSING], [1, 4, 5, 6]], dtype=np.int64)
    rows = list(message_columns(batch, links, methods.names).rows())
    names = ("resend_of", "transaction_no", "call_no", "registration_no")
    assert [tuple(row[name] for name in names) for row in rows] == [(None, 4, 5, None), (1, 4, 5, 6)]


def test_what_does_not_stand_in_the_capture_has_no_place_there() -> None:
    methods = MethodNames()
    batch = batch_of([INVITE], methods)
    batch.numbers[0, b.D_FILE_OFFSET] = MISSING
    assert message_columns(batch, no_links(1), methods.names).value("raw_offset", 0) is None


def test_every_text_is_the_one_of_its_span() -> None:
    chance = random.Random(5)
    texts = {
        "reason_phrase": b.S_REASON_PHRASE, "via_sent_by": b.S_SENT_BY, "user_agent": b.S_AGENT,
        "content_type": b.S_CONTENT_TYPE, "request_uri": b.S_REQUEST_URI, "call_id": b.S_CALL_ID,
        "from_uri": b.S_FROM_URI, "from_tag": b.S_FROM_TAG, "to_uri": b.S_TO_URI, "to_tag": b.S_TO_TAG,
        "contact_uri": b.S_CONTACT_URI, "via_branch": b.S_BRANCH, "session_id": b.S_SESSION_ID,
    }  # fmt: skip
    octets = np.frombuffer(b"".join(HOSTILE) + b"same text again and again", dtype=np.uint8)
    count = 400
    spans = np.zeros((count, b.S_COLUMNS, 2), dtype=np.int32)
    for row in range(count):
        for which in range(b.S_COLUMNS):
            start = chance.randrange(len(octets))
            spans[row, which] = start, min(chance.choice([-1, 0, 1, 7, 8, 9, 24]), len(octets) - start)
    numbers = np.zeros((count, b.M_COLUMNS), dtype=np.int64)
    numbers[:, b.D_SRC_HI] = [chance.choice([-1, 2**63 - 1, 5]) for _ in range(count)]
    numbers[:, b.D_SRC_LO] = [chance.randrange(-5, 5) for _ in range(count)]
    batch = MessageBatch(octets, numbers, spans)
    columns = message_columns(batch, no_links(count), b.METHODS)
    for name, which in texts.items():
        wanted = [batch.text(row, which) for row in range(count)]
        assert [columns.value(name, row) for row in range(count)] == wanted, name
    shown = [address_text(*numbers[row, [b.D_SRC_HI, b.D_SRC_LO]].tolist()) for row in range(count)]
    assert [columns.value("src_ip", row) for row in range(count)] == shown
    assert printable(b"\xff") == "\\xff"


@pytest.mark.parametrize("count", [0, 1])
def test_few_messages(count: int) -> None:
    methods = MethodNames()
    batch = batch_of([INVITE] * count, methods)
    assert len(frame(message_columns(batch, no_links(count), methods.names))) == count
