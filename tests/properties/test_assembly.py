"""The promise of the fast second stage: what kernels put together is what the plain assembler would have made of it.

Rows, octets, order and issues are equal, whatever is ordinary or odd about the streams, and however they are cut into
batches.
"""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.batch import (
    D_COLUMNS,
    D_LENGTH,
    D_NETWORK,
    D_OFFSET,
    D_SRC_PORT,
    D_TS,
    R_FIRST,
    R_INFO,
    R_KIND,
    R_SEQ,
    TCP_ACK,
    TCP_FIN,
    TCP_RST,
    Datagrams,
)
from analyzer.capture.assembly import Assembly
from analyzer.capture.flow_table import FlowTable
from analyzer.issues import IssueLog, IssueNote
from tests.capture.raw import Raw, datagrams, hep_datagram, message, segment
from tests.capture.stream_messages import SDP, SIPFRAG, request, response
from tests.capture.test_hep import chunk, hep3
from tests.properties.test_streams import rubbish

LONG = b"x" * 40_000
PARTS = st.sampled_from(
    [
        *[request(body=SDP), response(), response(180, SDP, 5)] * 4,
        request("NOTIFY", SIPFRAG, kind="message/sipfrag", number=3),
        request("INFO", SDP, f"l :\r\n {len(SDP)}", number=4),
        request("INFO", SDP, f"l : {len(SDP)} ", number=4),
        request(body=SDP, length=None),
        request(body=SDP, length="Content-Length: 7"),
        request(body=SDP, length=f"Content-Length: {len(SDP) + 900}"),
        request(body=SDP, length="Content-Length: x"),
        request(body=SDP, length="content-length: 0\r\nContent-Length: 5"),
        request("MESSAGE", LONG, kind="text/plain"),
        request("MESSAGE", LONG * 2, kind="text/plain"),
        response(486).replace(b"\r\n", b"\n"),
        b"\r\n\r\n",
        b"\r\n",
        b"garbage\r\nmore of it\r\n",
        b"\x00\x01\x02",
        b"SIP/2.0 2000 OK\r\nVia: a\r\n\r\n",
    ]
)
FIRSTS = st.sampled_from([1_000, 1_000, 2**32 - 300, None])


class Rows(list[Raw]):
    """Rows that are shown by what tells them apart: their octets may be long."""

    def __repr__(self) -> str:
        columns = (R_KIND, D_SRC_PORT, R_SEQ, R_FIRST, R_INFO, D_TS)
        return "\n" + "\n".join(str(([row[c] for c in columns], octets[:60], len(octets))) for row, octets in self)


@st.composite
def _flow(draw: st.DrawFn, port: int) -> list[Raw]:
    """The segments of one flow in the order of their coming; most are ordinary."""
    octets = b"".join(draw(st.lists(PARTS, min_size=1, max_size=6)))
    first = draw(FIRSTS)
    base = 5_000 if first is None else first
    sizes = st.sampled_from([1, 7, 40, 300, 300, 1_400, 1_400, 1_400, 60_000])
    made: list[Raw] = []
    at = 0
    while at < len(octets):
        size = draw(sizes)
        made.append(segment(octets[at : at + size], base + at, first=first, ports=(port, 5060)))
        at += size
        if len(made) > 60:  # the rest in one go
            made.append(segment(octets[at : at + 60_000], base + at, first=first, ports=(port, 5060)))
            break
    for _ in range(draw(st.sampled_from([0, 0, 1, 3]))):
        place = draw(st.integers(0, len(made) - 1))
        way = draw(st.sampled_from(["swap", "drop", "repeat", "cut", "fin", "rst", "anew", "far"]))
        row, kept = made[place]
        seq = base + sum(len(part) for _, part in made[:place])
        if way == "swap":
            made.insert(min(place + draw(st.integers(1, 3)), len(made) - 1), made.pop(place))
        elif way == "drop" and len(made) > 1:
            made.pop(place)
        elif way == "repeat":
            made.insert(draw(st.integers(place, len(made))), (row, kept))
        elif way == "cut":
            cut = draw(st.integers(0, len(kept)))
            made[place] = segment(kept[:cut], seq, first=first, ports=(port, 5060), missing=len(kept) - cut)
        elif way == "fin":
            made[place] = segment(kept, seq, first=first, ports=(port, 5060), flags=TCP_ACK | TCP_FIN)
        elif way == "rst":
            made.insert(place, segment(b"", seq, first=first, ports=(port, 5060), flags=TCP_RST))
        elif way == "far":
            made.insert(place, segment(response(), seq - 3 * 2**20, first=first, ports=(port, 5060)))
        else:
            again = response() + request(body=SDP)
            made += [
                segment(again[:100], 77, first=77, ports=(port, 5060)),
                segment(again[100:], 177, first=77, ports=(port, 5060)),
            ]
    return made


@st.composite
def _rows(draw: st.DrawFn) -> Rows:
    """Some flows and datagrams between each other, on a clock that mostly goes on."""
    flows = [draw(_flow(40_000 + number)) for number in range(draw(st.integers(1, 3)))]
    flows.append([message(response(), 1, 0) for _ in range(draw(st.integers(0, 3)))])
    made = Rows()
    clock = 0.0
    while any(flows):
        flow = draw(st.sampled_from([flow for flow in flows if flow]))
        row, octets = flow.pop(0)
        clock += draw(st.sampled_from([0.001, 0.001, 0.01, 0.3, 2.5, -1.0]))
        fresh, _ = message(b"", len(made) + 1, clock)
        row = list(row)
        row[:3] = *fresh[:2], row[2]
        made.append((row, octets))
    return made


def _taken(parts: list[Datagrams]) -> list[tuple[list[int], bytes]]:
    """Rows without their offsets, and their octets."""
    made = []
    for octets, rows in parts:
        for row in rows[:, :D_COLUMNS].tolist():
            made.append((row, octets[row[D_OFFSET] : row[D_OFFSET] + row[D_LENGTH]].tobytes()))
            row[D_OFFSET] = 0
    return made


def _assembled(raw: list[Raw], reader: str, size: int) -> tuple[list[tuple[list[int], bytes]], list[IssueNote]]:
    issues = IssueLog()
    assembly = Assembly(issues, FlowTable(), reader)
    made = []
    for start in range(0, len(raw), size):
        for part in assembly.receive(datagrams(raw[start : start + size])):
            made += _taken([part])
    for part in assembly.close():
        made += _taken([part])
    return made, issues.notes


@settings(max_examples=150, deadline=None, derandomize=True)
@given(raw=_rows(), size=st.integers(1, 20))
def test_kernels_put_streams_together_like_the_plain_assembler(raw: list[Raw], size: int) -> None:
    plain, plain_notes = _assembled(raw, "scapy", len(raw) or 1)
    fast, fast_notes = _assembled(raw, "kernels", size)
    assert [octets for _, octets in fast] == [octets for _, octets in plain]
    assert fast == plain
    assert fast_notes == plain_notes


def test_a_reset_does_not_say_where_an_unseen_stream_goes_on() -> None:
    whole = request(body=SDP)
    raw = [
        segment(b"", 9_000, 1, 1.0, flags=TCP_RST, first=None),
        segment(whole[:250], 5_000, 2, 2.0, first=None),
        segment(whole[250:], 5_250, 3, 3.0, first=None),
    ]
    fast, _ = _assembled(raw, "kernels", 1)
    assert fast == _assembled(raw, "scapy", 3)[0]
    assert [octets for _, octets in fast] == [whole]


@settings(max_examples=100, deadline=None, derandomize=True)
@given(raw=rubbish(), size=st.integers(1, 9))
def test_rubbish_is_the_same_rubbish(raw: list[Raw], size: int) -> None:
    plain, plain_notes = _assembled(raw, "scapy", len(raw) or 1)
    fast, fast_notes = _assembled(raw, "kernels", size)
    assert fast == plain
    assert fast_notes == plain_notes


@st.composite
def _hep(draw: st.DrawFn) -> list[Raw]:
    """HEP packets, ordinary and odd, some of them damaged."""
    made = Rows()
    for number in range(1, draw(st.integers(1, 6)) + 1):
        more = draw(
            st.lists(
                st.sampled_from(
                    [chunk(18, b"\0\x64"), chunk(9, b"\0\1"), chunk(16, zlib.compress(request())), chunk(2, b"\x16"),
                     chunk(14, b"secret"), chunk(15, b""), chunk(900, b"later"), chunk(10, b"\xff" * 4)]
                ),
                max_size=3,
            )
        )  # fmt: skip
        payload = draw(st.sampled_from([request(body=SDP), response(), b"", b"text", b"\r\n" + response()]))
        src = draw(st.sampled_from(["198.51.100.1", "2001:db8::1"]))
        octets = bytearray(hep3(payload, *more, protocol=draw(st.sampled_from([6, 17, 132])), src=src))
        for _ in range(draw(st.sampled_from([0, 0, 0, 1, 4]))):
            octets[draw(st.integers(0, len(octets) - 1))] = draw(st.integers(0, 255))
        end = draw(st.sampled_from([len(octets), len(octets), 20, 5]))
        missing = draw(st.sampled_from([0, 0, 0, 9]))
        made.append(hep_datagram(bytes(octets[:end]), number, number / 100, missing))
    return made


@settings(max_examples=150, deadline=None, derandomize=True)
@given(raw=_hep())
def test_hep_is_read_like_by_the_plain_assembler(raw: list[Raw]) -> None:
    plain, plain_notes = _assembled(raw, "scapy", len(raw))
    fast, fast_notes = _assembled(raw, "kernels", 3)
    assert fast == plain
    assert fast_notes == plain_notes


@pytest.mark.parametrize("swapped", [False, True])
def test_ordinary_streams_never_leave_the_kernels(swapped: bool) -> None:
    """Not even when segments change places in the capture."""
    octets = (request(body=SDP) + response() + b"\r\n\r\n") * 50
    raw = [
        segment(octets[at : at + 700], 1_000 + at, number, number / 100)
        for number, at in enumerate(range(0, len(octets), 700), 1)
    ]
    if swapped:
        for place in range(2, len(raw) - 2, 7):
            raw[place], raw[place + 1] = raw[place + 1], raw[place]
    assembly = Assembly(IssueLog(), FlowTable())
    calls: list[Datagrams] = []
    assembly.assembler.receive = calls.append  # type: ignore[method-assign,assignment]
    made = [found for part in assembly.receive(datagrams(raw)) for found in _taken([part])]
    assert len(made) == 100
    assert not calls


def test_many_streams_with_a_part_of_a_message() -> None:
    """More than there are buffers at first, and more than there may be."""
    octets = request(body=SDP)
    for streams in (300, 5_000):
        beginnings = [segment(octets[:150], 1_000, n, n / 1e5, ports=(10_000 + n, 5060)) for n in range(streams)]
        ends = [segment(octets[150:], 1_150, n, 1 + n / 1e5, ports=(10_000 + n, 5060)) for n in range(streams)]
        made, _ = _assembled([*beginnings, *ends], "kernels", 100)
        assert [found for _, found in made] == [octets] * streams


def test_more_messages_than_a_batch_holds() -> None:
    """Tiny messages in great segments: batches of them are handed out one after the other."""
    octets = b"SIP/2.0 200 OK\r\nl: 0\r\n\r\n" * 2_400
    raw = [segment(octets, 1_000 + n * len(octets), n, n / 100) for n in range(12)]
    fast, fast_notes = _assembled(raw, "kernels", 100)
    plain, plain_notes = _assembled(raw, "scapy", 100)
    assert len(fast) == 12 * 2_400
    assert fast == plain
    assert fast_notes == plain_notes


@pytest.mark.parametrize("network", [0, 4095, 2**23 - 1, 2**23, 2**24 - 1])
def test_streams_of_every_network(network: int) -> None:
    """A VNI has 24 bits (RFC 7348 §5), and each of them tells customers apart."""
    octets = request(body=SDP) + response()
    raw = Rows()
    for number, (start, end) in enumerate([(0, 50), (90, 150), (50, 90), (150, 999)]):
        for other in (network, network ^ 1):
            row, part = segment(octets[start:end], 1_000 + start, number, number / 100)
            row[D_NETWORK] = other
            raw.append((row, part))
    fast, _ = _assembled(raw, "kernels", 3)
    plain, _ = _assembled(raw, "scapy", 3)
    assert fast == plain
    assert len(fast) == 4
    assert {row[D_NETWORK] for row, _ in fast} == {network, network ^ 1}
