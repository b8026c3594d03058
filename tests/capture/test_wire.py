"""Events on the wire are collected within bounds."""

from __future__ import annotations

import numpy as np
import pytest

from analyzer.batch import (
    D_CAPTURE_NO,
    D_DST_LO,
    D_DST_PORT,
    D_FRAME_NO,
    D_LENGTH,
    D_OFFSET,
    D_SRC_LO,
    D_SRC_PORT,
    D_TRANSPORT,
    D_TS,
    MISSING,
    R_COLUMNS,
    R_INFO,
    R_KIND,
    R_SEQ,
    RAW_MESSAGE,
    Datagrams,
    Ints,
)
from analyzer.capture import wire
from analyzer.capture.address import MAPPED
from analyzer.capture.flow_table import FlowTable
from analyzer.capture.found_kernels import RAW_ICMP, RAW_SIGN, SIGN_REFUSED, SIGN_SYN_AGAIN, SIGN_SYN_ANSWERED
from analyzer.capture.wire import WireEvents
from tests.packets import UDP, Packet, icmp, udp

SECOND = 1_000_000_000


def sign(kind: int, ts: int, port: int = 40_000, seq: int = 1, *, is_back: bool = False) -> Ints:
    """A row of a segment between a client's port and port 5060 of a server."""
    row = np.zeros((1, R_COLUMNS), dtype=np.int64)
    row[0, [R_KIND, R_INFO, R_SEQ, D_TS, D_CAPTURE_NO, D_FRAME_NO]] = RAW_SIGN, kind << 8, seq, ts, 1, 1
    row[0, [D_SRC_LO, D_DST_LO]] = (MAPPED | 2, MAPPED | 1) if is_back else (MAPPED | 1, MAPPED | 2)
    row[0, [D_SRC_PORT, D_DST_PORT]] = (5060, port) if is_back else (port, 5060)
    return row


def give(events: WireEvents, *rows: Ints) -> Datagrams:
    """Hand over rows without octets."""
    return events.receive(Datagrams(np.zeros(1, dtype=np.uint8), np.concatenate(rows)))


def error(ts: int, source_port: int, payload: bytes = b"", quote: int = 8) -> Datagrams:
    """A row of an ICMP error about a datagram to port 30000."""
    ends = "192.0.2.1", source_port, "192.0.2.2", 30_000
    octets = icmp(ts, "192.0.2.2", "port", Packet(0, ends[0], ends[2], UDP, udp(*ends, payload)), quote).payload
    row = np.zeros((1, R_COLUMNS), dtype=np.int64)
    row[0, [R_KIND, R_INFO, D_TS, D_LENGTH, D_OFFSET, D_CAPTURE_NO]] = RAW_ICMP, 1, ts, len(octets), 0, 1
    row[0, [D_SRC_LO, D_DST_LO]] = MAPPED | 2, MAPPED | 1
    return Datagrams(np.frombuffer(bytearray(octets), dtype=np.uint8), row)


def saw(events: WireEvents, source_port: int) -> None:
    """SIP was seen from this port to port 30000."""
    row = np.zeros((1, R_COLUMNS), dtype=np.int64)
    row[0, [D_SRC_PORT, D_DST_PORT, D_TRANSPORT]] = source_port, 30_000, 0
    events.saw(row)


def test_other_rows_pass() -> None:
    events = WireEvents(FlowTable())
    message = np.zeros((1, R_COLUMNS), dtype=np.int64)
    message[0, R_KIND] = RAW_MESSAGE
    assert len(give(events, message, sign(SIGN_REFUSED, 1, is_back=True), message).rows) == 2
    assert [event.name for event in events.events] == ["refused"]


def test_what_repeats_soon_is_one_event_and_what_comes_later_another() -> None:
    events = WireEvents(FlowTable())
    times = [0, SECOND, SECOND + 5_000_000, 30 * SECOND, 70 * SECOND]
    give(events, *(sign(SIGN_REFUSED, ts, is_back=True) for ts in times))
    assert [(event.ts, event.last_ts, event.count) for event in events.events] == [
        (0, 30 * SECOND, 3),  # the third is the second one, captured twice
        (70 * SECOND, 70 * SECOND, 1),
    ]


def test_a_syn_is_judged_when_no_answer_can_come() -> None:
    events = WireEvents(FlowTable())
    give(events, sign(SIGN_SYN_AGAIN, SECOND), sign(SIGN_SYN_AGAIN, 3 * SECOND), sign(SIGN_SYN_AGAIN, 1, port=50_000))
    give(events, sign(SIGN_SYN_ANSWERED, 4 * SECOND, port=50_000, is_back=True))
    assert events.events == []
    events.close()
    assert [(event.src_port, event.count) for event in events.events] == [(40_000, 2)]


def test_a_port_that_is_used_again_is_another_connection() -> None:
    events = WireEvents(FlowTable())
    give(events, sign(SIGN_SYN_AGAIN, SECOND), sign(SIGN_SYN_AGAIN, 99 * SECOND, seq=2))
    events.close()
    assert len(events.events) == 2


def test_whether_ports_are_of_sip_may_turn_out_later() -> None:
    events = WireEvents(FlowTable())
    events.receive(error(1, 20_000))
    events.receive(error(2, 20_002))
    assert events.events == []
    saw(events, 20_000)
    assert [event.src_port for event in events.events] == [20_000]


def test_a_flood_costs_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "EVENTS", 10)
    monkeypatch.setattr(wire, "CONNECTIONS", 10)
    events = WireEvents(FlowTable())
    saw(events, 20_000)
    for number in range(25):  # errors about media give way to what is SIP's
        events.receive(error(number, 40_000 + number))
    events.receive(error(99, 20_000))
    assert [event.src_port for event in events.events] == [20_000]
    for number in range(50):
        give(events, sign(SIGN_REFUSED, number, port=number + 1, is_back=True))
        give(events, sign(SIGN_SYN_AGAIN, number, port=number + 1))
    events.close()
    assert len(events.events) <= 10
    assert events.left_out > 0


def test_a_quote_names_the_call() -> None:
    events = WireEvents(FlowTable())
    invite = b"INVITE sip:b@c SIP/2.0\r\nFrom: <sip:a@b>;tag=t\r\nCall-ID: one@two\r\nCSeq: 1 INVITE\r\nX: yyyyyyyyy"
    events.receive(error(1, 20_000, invite, quote=200))
    events.receive(error(2, 20_002, invite, quote=8 + invite.index(b"two")))
    whole, cut = events.events
    assert (whole.call_id, whole.from_tag, whole.method) == (b"one@two", b"t", "INVITE")
    assert (cut.call_id, cut.method) == (None, "INVITE")
    assert whole.network == 0 != MISSING
