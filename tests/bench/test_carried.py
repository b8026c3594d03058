"""SIP over TCP, between HTTP and in VXLAN: made without a flaw, and sipcause finds exactly what was made."""

from __future__ import annotations

import json
import struct
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest

from bench import captures
from bench.captures import Recipe
from bench.check import counted
from bench.frames import MIRRORED, PCAP_HEADER
from bench.ladders import dense, in_bursts, promised, schedule
from bench.segments import CONNECTIONS, MSS, connection_of
from tests.reading import analyse, document

CALLS = dense(160, {503: 10, 486: 10, 404: 10, 480: 10})
TINY = {
    "sip-tcp": Recipe("200 calls", lambda: CALLS, 100, captures.streams, burst=5),
    "http-heavy": Recipe(
        "4 calls between 12 downloads",
        lambda: dense(3, {486: 1}),
        1.5,
        partial(captures.among_downloads, connections=12, per_second=6),
        paths=1,
    ),
    "vxlan": Recipe("2 calls with media, mirrored", lambda: dense(1, {486: 1}, (50.1, 50.6)), 3, captures.mirrored),
    "rtp-heavy": Recipe("the same as it was", lambda: dense(1, {486: 1}, (50.1, 50.6)), 3, captures.with_media),
}


class Segment(NamedTuple):
    """A TCP segment; ``ends`` are addresses and ports."""

    ts_us: int
    ends: bytes
    seq: int
    flags: int
    payload: bytes


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("carried")
    with pytest.MonkeyPatch.context() as patch:
        for name, recipe in TINY.items():
            patch.setitem(captures.RECIPES, name, recipe)
        return {name: captures.make(name, folder) for name in TINY}


def _frames(path: Path) -> Iterator[tuple[int, bytes]]:
    octets = path.read_bytes()
    assert octets.startswith(PCAP_HEADER)
    at = len(PCAP_HEADER)
    while at < len(octets):
        seconds, micros, captured, length = struct.unpack_from("<IIII", octets, at)
        assert captured == length
        yield seconds * 1_000_000 + micros, octets[at + 16 : at + 16 + captured]
        at += 16 + captured


def _sum(octets: bytes) -> int:
    total = int(sum(struct.unpack(f">{len(octets) // 2}H", octets)))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def _segments(path: Path) -> list[Segment]:
    """Every segment; headers and checksums are right."""
    found = []
    for ts_us, frame in _frames(path):
        assert frame[12:15] == b"\x08\x00\x45"
        assert frame[23] == 6
        assert struct.unpack(">H", frame[16:18])[0] == len(frame) - 14
        assert _sum(frame[14:34]) == 0xFFFF
        tcp = frame[34:]
        pseudo = frame[26:34] + struct.pack(">HH", 6, len(tcp))
        assert _sum(pseudo + tcp + b"\0" * (len(tcp) & 1)) == 0xFFFF
        seq = struct.unpack(">I", tcp[4:8])[0]
        found.append(Segment(ts_us, frame[26:34] + tcp[:4], seq, tcp[13], tcp[20:]))
    assert [one.ts_us for one in found] == sorted(one.ts_us for one in found)
    return found


def _streams(segments: list[Segment]) -> dict[bytes, bytes]:
    """The octets of every stream, by sequence number from its SYN on; nothing is missing."""
    parts: dict[bytes, dict[int, bytes]] = defaultdict(dict)
    firsts: dict[bytes, int] = {}
    for one in segments:
        if one.flags & 2:
            assert one.ends not in firsts
            firsts[one.ends] = one.seq + 1
        else:
            offset = (one.seq - firsts[one.ends]) % (1 << 32)
            if one.payload:
                assert parts[one.ends].setdefault(offset, one.payload) == one.payload
    streams = {}
    for ends in firsts:
        octets = b""
        for offset, payload in sorted(parts[ends].items()):
            assert offset == len(octets)
            octets += payload
        streams[ends] = octets
    return streams


def _messages(octets: bytes) -> Iterator[bytes]:
    while octets := octets.lstrip(b"\r\n"):
        head, _, rest = octets.partition(b"\r\n\r\n")
        length = int(head.rpartition(b"Content-Length: ")[2])
        yield head
        octets = rest[length:]


def _start_lines(streams: dict[bytes, bytes]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for octets in streams.values():
        for head in _messages(octets):
            method = head.partition(b"CSeq: ")[2].split()[1].decode()
            words = head.split()
            counts[f"{words[1].decode()} {method}" if words[0] == b"SIP/2.0" else words[0].decode()] += 1
    return counts


def test_streams_hold_every_message_in_order(made: dict[str, Path]) -> None:
    segments = _segments(made["sip-tcp"])
    streams = _streams(segments)
    assert _start_lines(streams) == promised(CALLS)
    assert len(streams) == len({frozenset((ends[:4] + ends[8:10], ends[4:8] + ends[10:])) for ends in streams}) * 2
    for octets in streams.values():
        assert b"UDP" not in octets
        assert b"rport=5060" not in octets


def test_segments_are_of_every_kind(made: dict[str, Path]) -> None:
    segments = [one for one in _segments(made["sip-tcp"]) if one.payload]
    assert max(len(one.payload) for one in segments) == MSS
    texts = [one.payload for one in segments]
    starts = [text.count(b"SIP/2.0\r\nVia") + text.count(b"SIP/2.0 ") for text in texts]
    assert any(count > 1 for count in starts)  # several messages in a segment
    assert sum(count == 0 for count in starts) > len(starts) // 20  # a message over several segments
    assert b"\r\n\r\n" in texts  # keep-alives
    assert b"\r\n" in texts  # and their answers
    assert any(text.startswith(b"\r\n\r\n") and len(text) > 4 for text in texts)
    seen: set[tuple[bytes, int]] = set()
    last: dict[bytes, int] = {}
    resent = before_their_turn = 0
    for one in segments:
        place = one.ends, one.seq
        resent += place in seen
        before_their_turn += place not in seen and last.get(one.ends, 0) > one.seq
        seen.add(place)
        last[one.ends] = max(last.get(one.ends, 0), one.seq)
    assert 0 < resent < len(segments) // 100
    assert 0 < before_their_turn < len(segments) // 100


def test_the_full_size_is_the_one_that_is_published() -> None:
    recipe = captures.RECIPES["sip-tcp"]
    ladders = recipe.ladders()
    assert promised(ladders).total() == 1_000_000
    assert all(ladder.count % recipe.burst == 0 for ladder in ladders)
    calls = sum(ladder.count for ladder in ladders)
    plan = in_bursts(schedule(dense(calls // recipe.burst, {}), 100, 1))
    assert len(set(plan.call.tolist())) == calls
    assert {connection_of(call, CONNECTIONS) for call in set(plan.call.tolist())} == set(range(CONNECTIONS))
    assert promised(captures.RECIPES["http-heavy"].ladders()).total() == 310


def test_downloads_surround_one_connection_of_sip(made: dict[str, Path]) -> None:
    segments = _segments(made["http-heavy"])
    streams = _streams(segments)
    sip = {ends: octets for ends, octets in streams.items() if ends[8:10] != b"\0P" and ends[10:] != b"\0P"}
    assert len(sip) == 2
    assert _start_lines(sip) == promised(TINY["http-heavy"].ladders())
    web = [octets for ends, octets in streams.items() if ends not in sip]
    assert len(web) == 12 * 2
    assert sum(octets.count(b"GET /") for octets in web) == sum(octets.count(b"HTTP/1.1 200 OK\r\n") for octets in web)
    bare = sum(one.flags == 0x10 and not one.payload for one in segments)
    assert 0.4 < bare / sum(len(one.payload) == MSS for one in segments) < 0.6


def test_a_mirror_changes_nothing_but_the_headers_around(made: dict[str, Path]) -> None:
    inside = []
    for ts_us, frame in _frames(made["vxlan"]):
        assert _sum(frame[14:34]) == 0xFFFF
        assert struct.unpack(">H", frame[16:18])[0] == len(frame) - 14
        port, length, _ = struct.unpack(">HHH", frame[36:42])
        assert (port, length) == (4789, len(frame) - 34)
        assert frame[42:50] == struct.pack(">II", 0x0800_0000, 5001 << 8)
        inside.append((ts_us, frame[MIRRORED:]))
    assert inside == list(_frames(made["rtp-heavy"]))


@pytest.mark.parametrize("name", ["sip-tcp", "http-heavy", "vxlan"])
def test_sipcause_finds_what_was_made(made: dict[str, Path], name: str) -> None:
    content = json.loads(made[name].with_suffix(".json").read_text())
    result = analyse(made[name])
    found = document(result)
    calls = {f"calls {outcome}": count for outcome, count in content["outcomes"].items()}
    assert +counted(found) == Counter({**content["messages"], **calls})
    assert found["captures"][0]["frames"] == content["frames"]
    assert found["issues"] == []
