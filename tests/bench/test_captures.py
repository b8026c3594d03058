"""The made captures hold what they promise: message counts, order of time, frames without a flaw."""

from __future__ import annotations

import json
import shutil
import struct
import subprocess
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from bench import captures
from bench.captures import Recipe, media_of
from bench.frames import PCAP_HEADER, RTP_PACKETS, write
from bench.ladders import dense, mixed, noise, promised, schedule


def _frames(path: Path) -> list[tuple[int, bytes]]:
    """(microseconds, frame) of a classic pcap, read by the format's own description."""
    octets = path.read_bytes()
    assert octets[:24] == PCAP_HEADER
    frames, at = [], 24
    while at < len(octets):
        seconds, micros, captured, length = struct.unpack_from("<IIII", octets, at)
        assert captured == length
        frames.append((seconds * 1_000_000 + micros, octets[at + 16 : at + 16 + captured]))
        at += 16 + captured
    assert at == len(octets)
    return frames


def _ones_complement(header: bytes) -> int:
    total = sum(struct.unpack(f">{len(header) // 2}H", header))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def _check_headers(frame: bytes) -> None:
    assert frame[12:14] == b"\x08\x00"
    assert _ones_complement(frame[14:34]) == 0xFFFF
    assert struct.unpack(">H", frame[16:18])[0] == len(frame) - 14
    assert struct.unpack(">H", frame[38:40])[0] == len(frame) - 34


def _headers(text: bytes) -> dict[bytes, list[bytes]]:
    head, _, _ = text.partition(b"\r\n\r\n")
    found: dict[bytes, list[bytes]] = {}
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b": ")
        found.setdefault(name, []).append(value)
    return found


def _start_lines(texts: list[bytes]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for text in texts:
        first = text.split(b"\r\n", 1)[0].decode()
        method = _headers(text)[b"CSeq"][0].split()[1].decode()
        counts[f"{first.split()[1]} {method}" if first.startswith("SIP/2.0 ") else first.split()[0]] += 1
    return counts


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("made")
    ladders = {
        "dense": dense(60, {503: 10, 486: 10, 404: 10, 480: 10}),
        "mixed": mixed(1000),
    }
    for name, ladder in ladders.items():
        write(folder / f"{name}.pcap", schedule(ladder, 50, 7))
    return {name: folder / f"{name}.pcap" for name in ladders}


def test_the_full_size_is_the_one_that_is_published() -> None:
    counts = promised(captures.RECIPES["sip-dense"].ladders())
    assert sum(counts.values()) == 216_716
    assert counts["INVITE"] == 35_000
    assert (counts["200 INVITE"], counts["503 INVITE"]) == (20_858, 3_604)
    assert (counts["486 INVITE"], counts["404 INVITE"], counts["480 INVITE"]) == (3_575, 3_531, 3_432)
    assert promised(captures.RECIPES["sip-dense-10"].ladders()).total() == 2_167_160
    rtp = captures.RECIPES["rtp-heavy"].ladders()
    assert sum(ladder.count for ladder in rtp) == 1_500
    assert promised(rtp).total() == 9_300
    assert rtp[0].count * 2 * RTP_PACKETS == 4_500_000


def test_messages_by_start_line_are_as_promised(made: dict[str, Path]) -> None:
    for name, ladders in (("dense", dense(60, {503: 10, 486: 10, 404: 10, 480: 10})), ("mixed", mixed(1000))):
        assert _start_lines([frame[42:] for _, frame in _frames(made[name])]) == promised(ladders)


def test_frames_are_whole_and_in_order_of_time(made: dict[str, Path]) -> None:
    for path in made.values():
        frames = _frames(path)
        times = [ts_us for ts_us, _ in frames]
        assert times == sorted(times)
        for _, frame in frames:
            _check_headers(frame)
            head, _, body = frame[42:].partition(b"\r\n\r\n")
            assert _headers(frame[42:])[b"Content-Length"] == [b"%d" % len(body)]
            assert b"%" not in head


def test_dense_messages_are_500_to_900_octets_and_finals_carry_a_reason(made: dict[str, Path]) -> None:
    texts = [frame[42:] for _, frame in _frames(made["dense"])]
    assert min(map(len, texts)) >= 500
    assert max(map(len, texts)) <= 900
    refused = [text for text in texts if text[8:9] in b"45"]
    assert len(refused) == 40
    assert all(_headers(text)[b"Reason"][0].startswith(b"Q.850;cause=") for text in refused)


def test_calls_interleave_and_are_told_apart(made: dict[str, Path]) -> None:
    texts = [frame[42:] for _, frame in _frames(made["dense"])]
    calls = [_headers(text)[b"Call-ID"][0] for text in texts]
    assert len(set(calls)) == 100
    switches = sum(before != after for before, after in pairwise(calls))
    assert switches > len(calls) // 2
    invites = [_headers(text) for text in texts if text.startswith(b"INVITE")]
    for name in (b"Via", b"From"):
        assert len({fields[name][0] for fields in invites}) == 100
    assert len({fields[b"User-Agent"][0] for fields in invites}) >= 5


def test_responses_and_acks_fit_their_requests(made: dict[str, Path]) -> None:
    """RFC 3261 §17.1.3: a response matches by its top branch; §17.1.1.3: so does the ACK to a non-2xx."""
    branches: set[bytes] = set()
    finals: dict[bytes, bytes] = {}
    vias = 0
    for _, frame in _frames(made["mixed"]):
        text = frame[42:]
        fields = _headers(text)
        branch = fields[b"Via"][0].partition(b"branch=")[2].partition(b";")[0]
        method = fields[b"CSeq"][0].split()[1]
        vias = max(vias, len(fields[b"Via"]))
        if text.startswith(b"SIP/2.0 "):
            assert branch in branches
            if method == b"INVITE" and text[8:9] >= b"3":
                finals[branch] = fields[b"To"][0]
        else:
            branches.add(branch)
            if method == b"ACK" and branch in finals:
                assert fields[b"To"][0] == finals.pop(branch)
    assert vias == 2
    assert not finals


def test_a_resend_is_the_same_message_in_another_datagram(made: dict[str, Path]) -> None:
    seen: dict[bytes, set[bytes]] = {}
    for _, frame in _frames(made["mixed"]):
        seen.setdefault(frame[42:], set()).add(frame[18:20])
    resent = [identifications for identifications in seen.values() if len(identifications) > 1]
    # 10 calls without reply, 30 with a resent INVITE, 30 with two resent 200s on two hops.
    assert len(resent) == 10 + 30 + 30 * 2
    assert max(map(len, resent)) == 7


def test_rtp_fills_the_calls_in_order_of_time(tmp_path: Path) -> None:
    ladders = dense(3, {486: 1}, captures.MEDIA_TALK_S)
    plan = schedule(ladders, 0.1, 5)
    frames = write(tmp_path / "rtp.pcap", plan, media_of(plan))
    read = _frames(tmp_path / "rtp.pcap")
    assert len(read) == frames == 3 * 2 * RTP_PACKETS + promised(ladders).total()
    assert [ts_us for ts_us, _ in read] == sorted(ts_us for ts_us, _ in read)
    streams: dict[bytes, list[tuple[int, int]]] = {}
    texts = []
    for ts_us, frame in read:
        if frame[34:36] == struct.pack(">H", 5060):
            texts.append(frame[42:])
            continue
        assert len(frame) == 214
        assert frame[42] == 0x80
        number = struct.unpack(">H", frame[44:46])[0]
        streams.setdefault(frame[26:38] + frame[50:54], []).append((ts_us, number))
    for _, frame in read[:: len(read) // 200]:
        _check_headers(frame)
    assert _start_lines(texts) == promised(ladders)
    assert len(streams) == 6
    for packets in streams.values():
        assert [number for _, number in packets] == list(range(RTP_PACKETS))
        assert {after[0] - before[0] for before, after in pairwise(packets)} == {20_000}
    # Every port is the one its SDP named.
    named = {line.split()[1] for text in texts for line in text.split(b"\r\n") if line.startswith(b"m=audio")}
    ports = {b"%d" % struct.unpack(">H", key[8:10])[0] for key in streams}
    assert ports <= named


def test_the_same_numbers_everywhere() -> None:
    """splitmix64 with seed 0 begins with 0xE220A8397B1DCDAF (Vigna's reference implementation)."""
    assert noise(0, 1)[0] == (0xE220A8397B1DCDAF >> 11) * 2.0**-53
    drawn = noise(3, 10_000)
    assert 0 <= drawn.min() < 0.01
    assert 0.99 < drawn.max() < 1
    assert abs(float(np.mean(drawn)) - 0.5) < 0.02


def test_a_capture_is_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(captures.RECIPES, "tiny", Recipe("two calls", lambda: dense(1, {486: 1}), 1))
    path = captures.make("tiny", tmp_path)
    first = path.read_bytes()
    note = json.loads((tmp_path / "tiny.json").read_text())
    assert (note["frames"], note["octets"]) == (12, len(first))
    assert note["messages"]["486 INVITE"] == 1
    assert note["outcomes"] == {"answered": 1, "busy": 1}
    path.touch()
    stamp = path.stat().st_mtime_ns
    captures.make("tiny", tmp_path)
    assert path.stat().st_mtime_ns == stamp
    monkeypatch.setattr(captures, "generator_digest", lambda: "another")
    captures.make("tiny", tmp_path)
    assert path.stat().st_mtime_ns != stamp
    assert path.read_bytes() == first


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
def test_tshark_finds_nothing_wrong(made: dict[str, Path]) -> None:
    wrong = "!sip || _ws.malformed || ip.checksum.status == 0"
    for path in made.values():
        command = ["tshark", "-n", "-r", str(path), "-o", "ip.check_checksum:TRUE", "-Y", wrong]
        run = subprocess.run(command, capture_output=True, check=True, timeout=60)
        assert run.stdout == b""
