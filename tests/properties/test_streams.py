"""Promises about what is put together.

1. However the octets of a stream are cut into segments, reordered within a window and repeated with other cuts, the
   same messages come out.
2. However a datagram is fragmented, and in whatever order its fragments come, the same message comes out.
3. How rows are cut into batches does not matter.
4. Any rows at all are read to the end without an exception, and within bounds.
"""

from __future__ import annotations

import struct
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.batch import (
    D_FRAME_NO,
    FLOW_HEP,
    FLOW_SIP,
    FLOW_UNDECIDED,
    FLOW_WEBSOCKET,
    R_INFO,
    TCP_ACK,
    TCP_FIN,
    TCP_RST,
    TCP_SYN,
)
from analyzer.capture.flows import FlowKey, Flows
from analyzer.capture.framing import Framing
from analyzer.capture.scapy_packets import begins_by_kernel, begins_by_parser
from tests.capture.made import udp
from tests.capture.raw import Raw, assembled, fragment, fragments, hep_datagram, message, sctp_packet, segment
from tests.capture.stream_messages import SDP, SIPFRAG, request, response
from tests.capture.test_fragments import tcp
from tests.capture.test_hep import hep1, hep3
from tests.capture.test_sctp import data, i_data, packet
from tests.capture.test_websocket import PING, UPGRADE, frame

MESSAGES = st.sampled_from(
    [
        request(body=SDP),
        request("OPTIONS", number=2),
        request("NOTIFY", SIPFRAG, kind="message/sipfrag", number=3),
        request("INFO", SDP, f"l :\r\n {len(SDP)}", number=4),
        response(),
        response(180, SDP, 5),
        response(486).replace(b" Fine", b""),
    ]
)
#: Few examples of each: every one is a whole run of the assembler.
few = settings(max_examples=60, deadline=None, derandomize=True)


@st.composite
def _streams(draw: st.DrawFn) -> tuple[list[bytes], bytes]:
    """Messages and the octets of their stream, with keep-alives between them."""
    messages = draw(st.lists(MESSAGES, min_size=1, max_size=6))
    gaps = draw(st.lists(st.sampled_from([b"", b"", b"\r\n", b"\r\n\r\n"]), min_size=6, max_size=6))
    return messages, b"".join(gap + octets for gap, octets in zip(gaps, messages, strict=False))


@st.composite
def _cuts(draw: st.DrawFn, length: int, most: int = 40) -> list[tuple[int, int]]:
    """Pieces from the first octet to the last, as (start, end)."""
    places = sorted({0, length, *draw(st.lists(st.integers(0, length), max_size=most))})
    return list(pairwise(places))


@few
@given(data=st.data())
def test_cuts_do_not_matter_to_framing(data: st.DataObject) -> None:
    messages, octets = data.draw(_streams())
    for begins in (begins_by_parser, begins_by_kernel):
        framing = Framing(begins)
        pieces = data.draw(_cuts(len(octets)))
        got = [message for start, end in pieces for message in framing.receive(octets[start:end])]
        assert [message.octets for message in got] == messages
        assert [octets[message.first : message.end] for message in got] == messages
        assert not framing.notes


@few
@given(data=st.data())
def test_cut_reordered_and_repeated_segments_give_the_same_messages(data: st.DataObject) -> None:
    messages, octets = data.draw(_streams())
    first = data.draw(st.sampled_from([1_000, 2**32 - 100, 0]))
    pieces = data.draw(_cuts(len(octets), 20))
    # Repeats with other cuts, put anywhere.
    for start, end in data.draw(_cuts(len(octets), 8)):
        pieces.insert(data.draw(st.integers(0, len(pieces))), (start, end))
    # Each piece moves by a few places at most.
    moves = data.draw(st.lists(st.integers(0, 4), min_size=len(pieces), max_size=len(pieces)))
    keys = [(place + move, place) for place, move in enumerate(moves)]
    pieces = [pieces[place] for _, place in sorted(keys)]
    kind = data.draw(st.sampled_from([FLOW_SIP, FLOW_UNDECIDED]))
    raw = [
        segment(octets[start:end], first + start, number, number / 1000, kind=kind, first=first)
        for number, (start, end) in enumerate(pieces, 1)
    ]
    got = assembled(raw, data.draw(st.integers(1, 20)), closes=False)
    assert got.messages == messages
    assert not got.issues.counts
    end = 0
    for octets_of, frame_no in zip(got.messages, got.column(D_FRAME_NO), strict=True):
        end = octets.index(octets_of, end) + len(octets_of)
        start, stop = pieces[frame_no - 1]
        assert start < end <= stop  # the frame that holds its last octet


@few
@given(data=st.data())
def test_flows_hand_on_all_that_is_needed(data: st.DataObject) -> None:
    """What the flow carries is found out whatever its first segments hold of it."""
    messages, octets = data.draw(_streams())
    key = FlowKey(0, (0, 1), (0, 2), 40_000, 5060)
    flows = Flows(begins_by_parser)
    flows.receive(key, 999, TCP_SYN, b"")
    raw = []
    for number, (start, end) in enumerate(data.draw(_cuts(len(octets))), 1):
        handed = flows.receive(key, 1_000 + start, TCP_ACK, octets[start:end])
        assert handed is not None
        raw.append(segment(handed.payload, handed.seq, number, kind=handed.kind, first=handed.first))
    assert assembled(raw).messages == messages


@few
@given(data=st.data())
def test_fragments_in_any_order_give_the_same_message(data: st.DataObject) -> None:
    octets = data.draw(MESSAGES)
    raw = fragments(udp(octets), data.draw(st.lists(st.integers(1, 60), max_size=12)))
    raw += fragments(udp(octets), data.draw(st.lists(st.integers(1, 60), max_size=4)))[:-1]
    raw = data.draw(st.permutations(raw))
    # Repeats that come behind the last missing one are a datagram of their own that never ends.
    got = assembled(raw)
    assert got.messages == [octets]
    assert not got.issues.counts


@few
@given(data=st.data())
def test_websocket_messages_in_any_frames_and_segments(data: st.DataObject) -> None:
    messages = data.draw(st.lists(MESSAGES, min_size=1, max_size=4))
    octets = UPGRADE
    for payload in messages:
        mask = data.draw(st.sampled_from([b"", b"\x00\x01\xfe\xff"]))
        parts = data.draw(_cuts(len(payload)))[:3]
        parts[-1] = parts[-1][0], len(payload)
        for number, (start, end) in enumerate(parts):
            octets += frame(payload[start:end], 0 if number else 1, end == len(payload), mask)
            octets += data.draw(st.sampled_from([b"", PING]))
    raw = [
        segment(octets[start:end], 1_000 + start, number, kind=FLOW_WEBSOCKET)
        for number, (start, end) in enumerate(data.draw(_cuts(len(octets))), 1)
    ]
    assert assembled(raw).messages == messages


@few
@given(data=st.data())
def test_sctp_fragments_in_any_order(data: st.DataObject) -> None:
    messages = data.draw(st.lists(MESSAGES, min_size=1, max_size=3, unique=True))
    chunks = []
    for octets in messages:
        parts = data.draw(_cuts(len(octets)))
        for start, end in parts:
            flags = (2 if start == 0 else 0) | (1 if end == len(octets) else 0)
            chunks.append(packet(_chunk(len(chunks), octets[start:end], flags)))
    raw = [sctp_packet(octets, number) for number, octets in enumerate(data.draw(st.permutations(chunks)), 1)]
    got = assembled(raw)
    assert sorted(got.messages) == sorted(messages)
    assert not got.issues.counts


def _chunk(number: int, octets: bytes, flags: int) -> bytes:
    return data(2**32 - 3 + number, octets, flags)


@st.composite
def rubbish(draw: st.DrawFn) -> list[Raw]:
    """Rows of every kind with good, damaged and senseless octets."""
    good = [
        request(body=SDP),
        response(),
        request(body=SDP, length=None) * 2,
        request(body=SDP, length="Content-Length: 99999"),
        frame(response(), mask=b"abcd"),
        UPGRADE,
        hep3(),
        hep1(version=2),
        packet(data(1, response()), i_data(2, b"INVITE sip:a SIP/2.0\r\n", 2, 0, 0)),
        udp(response()),
        tcp(response()),
        b"",
        b"\r\n",
        b"SIP/2.0",
    ]
    rows = []
    for number in range(draw(st.integers(1, 25))):
        octets = bytearray(draw(st.one_of(st.sampled_from(good), st.binary(max_size=60))))
        for _ in range(draw(st.sampled_from([0, 0, 1, 3]))):
            if octets:
                octets[draw(st.integers(0, len(octets) - 1))] = draw(st.integers(0, 255))
        octets = octets[draw(st.sampled_from([0, 0, 0, 10])) : draw(st.sampled_from([9_999, 9_999, 50]))]
        ts = draw(st.sampled_from([0.0, 0.1, 1.5, 2.5, 40.0, -5.0]))
        missing = draw(st.sampled_from([0, 0, 0, 7, 70_000]))
        way = draw(st.integers(0, 4))
        if way == 0:
            flags = draw(st.sampled_from([TCP_ACK, TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN, 255]))
            row, kept = segment(
                bytes(octets),
                draw(st.integers(990, 1_400)) + draw(st.sampled_from([0, 0, 0, 2**31, 2**20 * 3])),
                number,
                ts,
                kind=draw(st.integers(0, 7)),
                first=draw(st.sampled_from([1_000, 1_000, None, 1_100])),
                flags=flags,
                missing=missing,
                ports=draw(st.sampled_from([(1, 2), (3, 5061)])),
                back=draw(st.booleans()),
            )
            rows.append((row, kept))
        elif way == 1:
            protocol = draw(st.sampled_from([17, 6, 132, 47]))
            place = 8 * draw(st.sampled_from([0, 0, 1, 2, 8_190]))
            rows.append(
                fragment(bytes(octets), place, draw(st.booleans()), number, ts, protocol=protocol, missing=missing)
            )
        elif way == 2:
            rows.append(sctp_packet(bytes(octets), number, ts, missing))
        elif way == 3:
            rows.append(hep_datagram(bytes(octets), number, ts, missing))
        else:
            rows.append(message(response(), number, ts))
    return rows


@settings(max_examples=120, deadline=None, derandomize=True)
@given(raw=rubbish(), batch=st.integers(1, 9))
def test_any_rows_are_read_to_the_end_and_batches_do_not_matter(raw: list[Raw], batch: int) -> None:
    got, again = assembled(raw), assembled(raw, batch)
    assert got.rows == again.rows
    assert got.messages == again.messages
    assert got.issues.notes == again.issues.notes


@settings(max_examples=120, deadline=None, derandomize=True)
@given(data=st.data())
def test_any_octets_of_a_stream(data: st.DataObject) -> None:
    """Nothing is made up: each message that is handed out stood in the stream, in order and apart from the others."""
    alphabet = st.sampled_from(
        [
            *(
                b"INVITE sip:a SIP/2.0\r\n",
                b"SIP/2.0 200 OK\r\n",
                b"Content-Length: 5\r\n",
                b"l: 0\r\n",
                b"\r\n",
                b"\n",
            ),
            *(
                b"l: 70000\r\n",
                b"x",
                b"\0",
                b"SIP/2.0",
                b"Via: a\r\n",
                b"c: message/sipfrag\r\n",
                b"l: x\r\n",
                b" y\r\n",
            ),
            struct.pack(">H", 700),
        ]
    )
    segments = data.draw(st.lists(st.lists(alphabet, max_size=12).map(b"".join), max_size=12))
    framing = Framing(begins_by_parser)
    got = []
    for octets in segments:
        got += framing.receive(octets)
        assert framing.pending <= framing.position
        if data.draw(st.integers(0, 9)) == 0:
            got += framing.gap(5)
    got += framing.close()
    stream = b"".join(segments)
    end = 0
    for found in got:
        assert found.first is not None
        assert end <= found.first
        assert stream.startswith(found.octets, found.first)
        assert found.first + len(found.octets) <= found.end <= len(stream)
        assert len(found.octets) <= found.wire_length
        end = found.end


def test_kinds_of_the_rubbish_are_those_of_the_rows() -> None:
    assert FLOW_HEP < 8
    assert segment(b"", kind=7)[0][R_INFO] >> 8 == 7
