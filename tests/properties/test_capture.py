"""Promises about reading captures.

1. Whatever the frames are, the kernels' rows are those of the slow reader, in which Scapy dissects every frame and the
   whole-message parser decides what is SIP.
2. Any octets at all are read to the end without an exception: what cannot be read is counted or named.
3. A kernel does uncompiled what it does compiled.
"""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analyzer.batch import R_COLUMNS, R_KIND, RAW_HEP, RAW_SEGMENT, Ints
from analyzer.capture import walk_kernels as walk
from analyzer.capture.flow_kernels import SEED
from analyzer.capture.flow_table import FlowTable
from analyzer.capture.found_kernels import FOUND_COLUMNS, FOUND_LAYERS, K_TCP, K_UDP, KINDS
from analyzer.capture.frame_kernels import COMMON_LAYERS, common, frame_kind, is_media
from analyzer.capture.layer_kernels import P_COLUMNS, PATHS, codes, text
from analyzer.capture.pcap_kernels import walk_pcap
from analyzer.capture.pcapng_kernels import walk_pcapng
from analyzer.capture.walk_kernels import (
    I_COLUMNS,
    I_DIVISOR,
    I_LAST_TICKS,
    I_LINK_TYPE,
    I_MULTIPLIER,
    LAST_TS,
    W_COLUMNS,
)
from analyzer.errors import CaptureError
from tests.capture.made import (
    INVITE,
    RINGING,
    RTP,
    Read,
    ether,
    interface,
    ipv4,
    ipv6,
    packet,
    pcap,
    read,
    section,
    udp,
)

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT / ".." / "shared" / "captures"

PAYLOADS = st.sampled_from(
    [
        INVITE,
        RINGING,
        RTP,
        b"",
        b"\r\n\r\n" + INVITE,
        b"SIP/2.0 200",
        b"SIP/2.0 2000 OK\r\n\r\n",
        b"INVITE sip:a SIP/7.0\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"text SIP/2.0 text",
    ]
)
#: A true length mostly, a lie now and then.
LIES = st.one_of(st.none(), st.none(), st.none(), st.sampled_from([0, 1, 7, 8, 19, 20, 27, 28, 40, 500, 65_535]))


@st.composite
def _transport(draw: st.DrawFn) -> tuple[int, bytes]:
    payload = draw(PAYLOADS)
    kind = draw(st.sampled_from([17, 17, 17, 17, 6, 1, 58, 132, 50, 59]))
    if kind == 17:
        ports = st.sampled_from([5060, 53, 4789, 2152, 1701, 9])
        return 17, udp(payload, draw(ports), draw(ports), draw(LIES))
    if kind == 6:
        offset, flags = (
            draw(st.sampled_from([0x50, 0x80, 0x40])),
            draw(st.sampled_from([0, 0x10, 0x10, 0x11, 0x12, 0x04])),
        )
        options = bytes(12) if offset == 0x80 and draw(st.booleans()) else b""
        return 6, struct.pack(">HHIIBBHHH", 1, 2, 3, 4, offset, flags, 0, 0, 0) + options + payload
    return kind, payload


EXTENSIONS = st.lists(
    st.tuples(st.sampled_from([0, 60, 43, 44, 51, 135]), st.integers(0, 2), st.sampled_from([0, 0, 1, 8])), max_size=4
)


@st.composite
def _packets(draw: st.DrawFn) -> tuple[int, bytes]:
    """EtherType and IP packet."""
    protocol, payload = draw(_transport())
    if draw(st.booleans()):
        words = draw(st.integers(0, 3))
        place = draw(st.sampled_from([0, 0, 0, 0x4000, 0x2000, 0x00B9]))
        return 0x0800, ipv4(payload, protocol, place, b"\x01" * 4 * words, draw(LIES), draw(st.integers(0, 65_535)))
    for kind, units, place in draw(EXTENSIONS):
        size = 8 if kind == 44 else (units + 2) * 4 if kind == 51 else (units + 1) * 8
        body = struct.pack(">BBH", protocol, units, place) + bytes(max(size - 4, 4))
        payload = body[: max(size, 8)] + payload
        protocol = kind
    return 0x86DD, ipv6(payload, protocol, draw(LIES))


@st.composite
def _link_frames(draw: st.DrawFn) -> tuple[int, bytes]:
    """Link type and frame, cut anywhere now and then."""
    kind, octets = draw(_packets())
    link_type = draw(st.sampled_from([1, 1, 1, 1, 113, 276, 0, 108, 101, 12, 9, 228, 229]))
    if link_type == 1:
        tags = draw(
            st.lists(
                st.tuples(st.sampled_from([0x8100, 0x88A8, 0x9100]), st.sampled_from([0, 1, 100, 0xFFFF])), max_size=4
            )
        )
        octets = ether(octets, kind, tags) + bytes(draw(st.sampled_from([0, 0, 4, 18])))
    elif link_type == 113:
        octets = struct.pack(">HHH8sH", 0, 1, 6, bytes(8), kind) + octets
    elif link_type == 276:
        octets = struct.pack(">HHIHBB8s", kind, 0, 1, 1, 0, 6, bytes(8)) + octets
    elif link_type in (0, 108):
        octets = struct.pack(">I" if link_type == 108 else "<I", 2 if kind == 0x0800 else 30) + octets
    elif link_type == 9:
        octets = struct.pack(">H", 0x21 if kind == 0x0800 else 0x57) + octets
    if draw(st.integers(0, 5)) == 0:
        octets = octets[: draw(st.integers(0, len(octets)))]
    return link_type, octets


@st.composite
def _captures(draw: st.DrawFn) -> bytes:
    frames = draw(st.lists(_link_frames(), min_size=1, max_size=12))
    link_types = sorted({link_type for link_type, _ in frames})
    parts = [section(), *(interface(link_type) for link_type in link_types)]
    for number, (link_type, octets) in enumerate(frames):
        sent = len(octets) + draw(st.sampled_from([0, 0, 0, 1, 300]))
        parts.append(packet(octets, number, link_types.index(link_type), sent))
    return b"".join(parts)


def _same(kernels: Read, scapy: Read) -> None:
    assert kernels.payloads == scapy.payloads
    assert kernels.rows.tolist() == scapy.rows.tolist()
    # Fragments and SCTP packets that are seen to be nothing of ours are left out by the kernels alone.
    surely = np.isin(kernels.raw[:, R_KIND], (RAW_SEGMENT, RAW_HEP))
    assert kernels.raw[surely].tolist() == scapy.raw[np.isin(scapy.raw[:, R_KIND], (RAW_SEGMENT, RAW_HEP))].tolist()
    others = {tuple(row) for row in scapy.raw.tolist()}
    assert all(tuple(row) in others for row in kernels.raw.tolist())
    for name in ("frames", "octets", "start_ts", "end_ts", "truncated", "format", "dropped", "names"):
        assert getattr(kernels.reader, name) == getattr(scapy.reader, name)
    assert kernels.issues.counts == scapy.issues.counts


@settings(
    max_examples=100, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(octets=_captures())
def test_kernels_equal_the_slow_reader(tmp_path: Path, octets: bytes) -> None:
    path = tmp_path / "x"
    path.write_bytes(octets)
    _same(read(path), read(path, "scapy"))


@st.composite
def _mirrored_frames(draw: st.DrawFn) -> tuple[int, bytes]:
    """A frame in VXLAN, or in what looks like it; cut anywhere now and then."""
    kind, packet = draw(_packets())
    inner = ether(packet, kind, draw(st.sampled_from([(), (), ((0x8100, 100),), ((0x88A8, 1), (0x8100, 2))])))
    header = struct.pack(
        ">II", draw(st.sampled_from([0x0800_0000, 0x0800_0000, 0x0C00_0003, 0, 0x4800_0000])), 5001 << 8
    )
    ports = draw(st.sampled_from([50_000, 50_000, 9899])), draw(st.sampled_from([4789, 4789, 8472, 4790, 9]))
    outer = ipv4(udp(header + inner, *ports, draw(LIES)), total=draw(LIES))
    frame = ether(outer, tags=draw(st.sampled_from([(), ((0x8100, 7),)])))
    return 1, frame[: draw(st.integers(0, len(frame)))] if draw(st.integers(0, 3)) == 0 else frame


@settings(max_examples=500, deadline=None, derandomize=True)
@given(frame=_link_frames() | _mirrored_frames())
def test_the_short_cut_says_what_the_long_way_says(frame: tuple[int, bytes]) -> None:
    link_type, octets = frame
    window = np.frombuffer(bytearray(octets), dtype=np.uint8)
    found = np.zeros(FOUND_COLUMNS, dtype=np.int64)
    flows = FlowTable()
    which = common(window, 0, len(window), link_type)
    if which:
        kind = frame_kind(window, 0, len(window), len(window), link_type, found, flows.places, flows.scalars)
        assert kind == (K_UDP if is_media(which) else K_TCP)
        assert codes(int(found[FOUND_LAYERS])) == COMMON_LAYERS[which]


ACK = struct.pack(">HHIIBBHHH", 5060, 40_000, 3, 4, 0x50, 0x10, 0, 0, 0)
ACK_WITH_OPTIONS = struct.pack(">HHIIBBHHH", 5060, 40_000, 3, 4, 0x80, 0x10, 0, 0, 0) + bytes(12)
SLL = struct.pack(">HHH8s", 0, 1, 6, bytes(8))
TAGS = [(0x88A8, 9), (0x8100, 5)]


def _vxlan(frame: bytes) -> bytes:
    return ipv4(udp(struct.pack(">II", 0x0800_0000, 5001 << 8) + frame, 50_000, 4789))


@pytest.mark.parametrize(
    ("headers", "link_type", "octets"),
    [
        ("eth ip udp", 1, ether(ipv4(udp(RTP)))),
        ("eth vlan ip udp", 1, ether(ipv4(udp(RTP)), tags=TAGS)),
        ("sll ip udp", 113, SLL + b"\x08\x00" + ipv4(udp(RTP))),
        ("eth ip tcp", 1, ether(ipv4(ACK, 6)) + bytes(6)),
        ("eth vlan ip tcp", 1, ether(ipv4(ACK_WITH_OPTIONS, 6), tags=TAGS)),
        ("sll ip tcp", 113, SLL + b"\x08\x00" + ipv4(ACK, 6)),
        ("eth ip udp vxlan eth ip udp", 1, ether(_vxlan(ether(ipv4(udp(RTP)))))),
        ("eth ip udp vxlan eth vlan ip udp", 1, ether(_vxlan(ether(ipv4(udp(RTP)), tags=TAGS)))),
        ("eth vlan ip udp vxlan eth ip tcp", 1, ether(_vxlan(ether(ipv4(ACK, 6))), tags=TAGS)),
        ("sll ip udp vxlan eth vlan ip tcp", 113, SLL + b"\x08\x00" + _vxlan(ether(ipv4(ACK, 6), tags=TAGS))),
    ],
)
def test_what_is_common_takes_the_short_cut(headers: str, link_type: int, octets: bytes) -> None:
    window = np.frombuffer(bytearray(octets), dtype=np.uint8)
    for kernel in (common, common.py_func):  # type: ignore[attr-defined]
        which = kernel(window, 0, len(window), link_type)
        packed = 0
        for code in COMMON_LAYERS[which]:
            packed = packed << 5 | code
        assert text(packed) == headers


@pytest.mark.parametrize("flags", [0x11, 0x12, 0x14])
def test_what_opens_or_ends_a_connection_goes_the_long_way(flags: int) -> None:
    window = np.frombuffer(bytearray(ether(ipv4(ACK[:13] + bytes([flags]) + ACK[14:], 6))), dtype=np.uint8)
    assert not common(window, 0, len(window), 1)


def _shared_captures() -> list[str]:
    if not (SHARED / "INDEX.tsv").exists():
        return []
    lines = (SHARED / "INDEX.tsv").read_text().splitlines()[1:]
    return [line.split("\t")[0] for line in lines]


@pytest.mark.skipif(not SHARED.exists(), reason="the shared captures are not on this machine")
def test_kernels_equal_the_slow_reader_on_real_captures() -> None:
    compared = 0
    for name in _shared_captures():
        # The slow reader does a few thousand frames a second.
        if (SHARED / name).stat().st_size > 100_000:
            continue
        try:
            kernels = read(SHARED / name)
        except CaptureError:
            assert "not_a_capture" in name
            continue
        _same(kernels, read(SHARED / name, "scapy"))
        compared += 1
    assert compared > 50


@pytest.mark.skipif(not SHARED.exists(), reason="the shared captures are not on this machine")
def test_messages_of_real_captures_are_those_that_tshark_sees() -> None:
    compared = 0
    columns = (SHARED / "INDEX.tsv").read_text().splitlines()[0].split("\t")
    for line in (SHARED / "INDEX.tsv").read_text().splitlines()[1:]:
        entry = dict(zip(columns, line.split("\t"), strict=True))
        if not entry["sip_transports"].startswith("udp") or "," in entry["sip_transports"]:
            continue
        truth = json.loads((SHARED / "truth" / f"{entry['path'].replace('/', '__')}.json").read_text())
        got = read(SHARED / entry["path"])
        assert got.reader.frames == int(entry["packets"]), entry["path"]
        if len(got.raw) or "fuzz" in entry["path"]:
            continue
        assert len(got.rows) == truth["wide"]["sip_messages"], entry["path"]
        compared += 1
    assert compared > 60


@settings(
    max_examples=100, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_any_octets_are_read_to_the_end(tmp_path: Path, data: st.DataObject) -> None:
    whole = data.draw(_captures()) if data.draw(st.booleans()) else pcap([INVITE * 3, ether(ipv4(udp(INVITE))), RTP])
    octets = bytearray(whole)
    for _ in range(data.draw(st.integers(0, 6))):
        octets[data.draw(st.integers(4, len(octets) - 1))] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        del octets[data.draw(st.integers(12, len(octets))) :]
    octets += data.draw(st.binary(max_size=40))
    path = tmp_path / "x"
    path.write_bytes(octets)
    try:
        got = read(path)
    except CaptureError:
        return
    assert len(got.rows) <= got.reader.frames
    assert sum(got.reader.unread.values()) + len(got.rows) + len(got.raw) <= got.reader.frames
    assert sum(frames for _, frames, _ in got.reader.layers) == got.reader.frames
    assert sum(unread for _, _, unread in got.reader.layers) == sum(got.reader.unread.values())
    assert got.reader.truncated == bool(got.issues.counts.keys() & {"capture.damaged", "capture.truncated"})


def _walked(function: object, octets: bytes, start: int, **more: object) -> tuple[list[object], Ints]:
    """What one call of a walk leaves behind."""
    interfaces = np.zeros((3, I_COLUMNS), dtype=np.int64)
    interfaces[:, I_LINK_TYPE] = [1, 101, 113]
    interfaces[:, I_MULTIPLIER] = 1000
    interfaces[:, I_DIVISOR] = 1
    interfaces[:, I_LAST_TICKS] = LAST_TS // 1000
    state = np.zeros(W_COLUMNS, dtype=np.int64)
    state[walk.W_POSITION] = start
    state[walk.W_LIMIT] = 262_144
    kinds = np.zeros(KINDS, dtype=np.int64)
    rows = np.zeros((50, R_COLUMNS), dtype=np.int64)
    paths = np.zeros((PATHS, P_COLUMNS), dtype=np.int64)
    flows = FlowTable()
    flows.scalars[SEED] = 5
    arena = np.zeros(1 << 17, dtype=np.uint8)
    window = np.frombuffer(bytearray(octets), dtype=np.uint8)
    found = np.zeros(FOUND_COLUMNS, dtype=np.int64)
    if "header_length" in more:
        arguments: tuple[object, ...] = (False, more["header_length"], interfaces[0])
    else:
        arguments = (False, interfaces, 3)
    tables = (state, kinds, paths, found, flows.places, flows.scalars, rows, arena)
    why = function(window, len(window), *arguments, *tables)  # type: ignore[operator]
    return [why, state.tolist(), kinds.tolist(), paths.tolist(), rows.tolist(), arena.tobytes()], rows


@settings(max_examples=25, deadline=None, derandomize=True)
@given(frames=st.lists(_link_frames(), min_size=1, max_size=5))
def test_kernels_do_the_same_uncompiled(frames: list[tuple[int, bytes]]) -> None:
    classic = pcap([octets for _, octets in frames])
    compiled, _ = _walked(walk_pcap, classic, 24, header_length=16)
    plain, _ = _walked(walk_pcap.py_func, classic, 24, header_length=16)  # type: ignore[attr-defined]
    assert plain == compiled
    blocks = b"".join(
        packet(octets, n << 40, {101: 1, 113: 2}.get(link_type, 0)) for n, (link_type, octets) in enumerate(frames)
    )
    compiled, _ = _walked(walk_pcapng, blocks, 0)
    plain, _ = _walked(walk_pcapng.py_func, blocks, 0)  # type: ignore[attr-defined]
    assert plain == compiled
