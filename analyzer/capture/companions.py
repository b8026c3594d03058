"""What chosen frames need beside them: the rest of their TCP connections, SCTP associations and fragmented datagrams.

Wireshark puts a stream together only from all of it: handshake, segments, acknowledgments, both directions. What a
frame is part of is told by the kernels that read it; frames that they decline stand for themselves.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np

from analyzer.batch import MISSING, Ints
from analyzer.capture import walk_kernels as walk
from analyzer.capture.flow_table import FlowTable
from analyzer.capture.found_kernels import (
    FOUND_AT,
    FOUND_COLUMNS,
    FOUND_END,
    FOUND_INFO,
    FOUND_IP,
    FOUND_IS_IPV4,
    FOUND_LAYERS,
    FOUND_PLACE,
    FOUND_VLAN,
    FOUND_VNI,
)
from analyzer.capture.fragments import WAITING_NS
from analyzer.capture.frame_kernels import frame_kind
from analyzer.capture.frames import chosen_windows
from analyzer.capture.layer_kernels import BITS, L_FRAGMENT, L_SCTP, L_TCP, codes
from analyzer.capture.source import open_source
from analyzer.capture.windows import Windows

#: A ClientHello at the beginning of a TLS record, up to its random (RFC 8446 §4.1.2).
_CLIENT_HELLO = re.compile(rb"\x16\x03[\x00-\x03]..\x01...\x03[\x00-\x03](.{32})", re.DOTALL)
_LAYER = (1 << BITS) - 1

#: Network, both ends in order, and the kind: of a fragment with protocol and identification.
Key: TypeAlias = tuple[int, bytes, bytes, int]


class Companions(NamedTuple):
    """For each path, frame numbers in ascending order; and the randoms of the TLS clients in these frames."""

    frames: dict[str, Ints]
    client_randoms: set[bytes]


def part_of_more(layers: int) -> bool:
    """Whether a message with these headers (D_LAYERS) may need other frames than the one that completed it."""
    return any(code in (L_TCP, L_SCTP, L_FRAGMENT) for code in codes(layers))


def companions(
    paths: Sequence[str], chosen: Mapping[str, Collection[int]], parts: Mapping[str, Collection[int]]
) -> Companions:
    """The ``chosen`` frames, and all frames in ``paths`` of what those in ``parts`` are part of.

    Two passes over the captures; memory is eight octets a frame that is found. A fragment belongs to a datagram by
    its identification within 30 s. CaptureError when a capture is gone.
    """
    wanted: dict[Key, list[int]] = {}  # with the times at which it is wanted, of fragments
    for path, frame_nos in parts.items():
        with open_source(path) as source:
            reading = _Reading()
            for windows in chosen_windows(source, frame_nos):
                for key in reading.keys(windows):
                    times = wanted.setdefault(key, [])
                    if not _is_stream(key):
                        times.append(int(windows.state[walk.W_FRAME_TS]))
    for times in wanted.values():
        times.sort()
    frames: dict[str, Ints] = {}
    randoms: set[bytes] = set()
    for path in paths:
        found = array("q", chosen.get(path, ()))
        with open_source(path) as source:
            reading = _Reading()
            for windows in chosen_windows(source, has_media=False) if wanted else ():
                for key in reading.keys(windows):
                    if key in wanted and _is_of_time(key, wanted[key], windows):
                        found.append(int(windows.state[walk.W_FRAMES]))
                        randoms.update(_CLIENT_HELLO.findall(windows.frame().tobytes()))
                        break
        if found:
            frames[path] = np.unique(np.frombuffer(found, dtype=np.int64))
    return Companions(frames, randoms)


def _is_of_time(key: Key, times: Sequence[int], windows: Windows) -> bool:
    """Identifications come round again, connections are not told apart by time."""
    if _is_stream(key):
        return True
    ts = int(windows.state[walk.W_FRAME_TS])
    following = bisect_left(times, ts - WAITING_NS)
    return following < len(times) and times[following] <= ts + WAITING_NS


def _is_stream(key: Key) -> bool:
    return key[3] in (L_TCP, L_SCTP)


class _Reading:
    """Frames of one capture in order, and what they are part of."""

    def __init__(self) -> None:
        self._flows = FlowTable()
        self._found: Ints = np.zeros(FOUND_COLUMNS, dtype=np.int64)

    def keys(self, windows: Windows) -> list[Key]:
        """Of the frame that the walk stopped at; a first fragment may be part of a stream too."""
        # Lists, because single elements of arrays are slow, and of a capture full of TCP every frame comes here.
        state = windows.state.tolist()
        start, end, sent = state[walk.W_FRAME_START], state[walk.W_FRAME_END], state[walk.W_FRAME_WIRE]
        link_type = windows.container.link_type(state[walk.W_FRAME_INTERFACE])
        self._found[FOUND_PLACE] = -1
        frame_kind(
            windows.octets, start, end, start + sent, link_type, self._found, self._flows.places, self._flows.scalars
        )  # fmt: skip
        found = self._found.tolist()
        layer, place, info = found[FOUND_LAYERS] & _LAYER, found[FOUND_PLACE], found[FOUND_INFO]
        is_fragment = place >= 0 and info != 0
        if not is_fragment and layer not in (L_TCP, L_SCTP):
            return []
        first, size = (found[FOUND_IP] + 12, 4) if found[FOUND_IS_IPV4] else (found[FOUND_IP] + 8, 16)
        both = windows.octets[first : first + 2 * size].tobytes()
        src, dst = both[:size], both[size:]
        network = found[FOUND_VNI] if found[FOUND_VNI] != MISSING else found[FOUND_VLAN]
        keys: list[Key] = []
        if is_fragment:
            keys.append((network, src, dst, info << BITS))
            layer = {6: L_TCP, 132: L_SCTP}.get(info >> 32, 0)
        at = found[FOUND_AT]
        if layer in (L_TCP, L_SCTP) and place <= 1 and found[FOUND_END] - at >= 4:
            ports = windows.octets[at : at + 4].tobytes()
            one, other = src + ports[:2], dst + ports[2:]
            keys.append((network, one, other, layer) if one < other else (network, other, one, layer))
        return keys
