"""The walk over classic pcap: https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-04.html."""

from __future__ import annotations

from analyzer.batch import Ints, Octets
from analyzer.capture.found_kernels import K_TCP, K_UDP
from analyzer.capture.frame_kernels import common, is_media
from analyzer.capture.walk_kernels import (
    ALL,
    FULL,
    I_LINK_TYPE,
    I_MULTIPLIER,
    LONG,
    MORE,
    W_ALL_DECLINED,
    W_COMMON,
    W_END_TS,
    W_FILE_OFFSET,
    W_FRAMES,
    W_LIMIT,
    W_LONG_ALLOWED,
    W_OCTETS,
    W_POSITION,
    W_RECORD_LENGTH,
    W_START_TS,
    take_frame,
)
from analyzer.capture.wire_kernels import file32
from analyzer.jit import kernel


@kernel
def walk_pcap(
    octets: Octets,
    filled: int,
    is_big: bool,
    header_length: int,
    interface: Ints,
    state: Ints,
    kinds: Ints,
    paths: Ints,
    found: Ints,
    flows: Ints,
    flow_scalars: Ints,
    rows: Ints,
    arena: Octets,
) -> int:
    """Walk the records of a classic pcap in ``octets[:filled]`` from W_POSITION on; returns why it stopped."""
    position = state[W_POSITION]
    multiplier = interface[I_MULTIPLIER]
    limit = state[W_LIMIT]
    link_type = interface[I_LINK_TYPE]
    may_be_common = state[W_ALL_DECLINED] != ALL
    only_media = state[W_ALL_DECLINED] != 0
    start_ts, end_ts = state[W_START_TS], state[W_END_TS]
    passed, passed_octets, media = 0, 0, 0
    why = MORE
    while position + header_length <= filled:
        length = file32(octets, position + 8, is_big)
        if length > limit and state[W_LONG_ALLOWED] != state[W_FILE_OFFSET] + position:
            state[W_RECORD_LENGTH] = header_length + length
            why = LONG
            break
        start = position + header_length
        end = start + length
        if end > filled:
            break
        ts = file32(octets, position, is_big) * 1_000_000_000 + file32(octets, position + 4, is_big) * multiplier
        which = common(octets, start, end, link_type) if may_be_common else 0
        if which and not (only_media and not is_media(which)):
            state[W_COMMON + which] += 1
            passed += 1
            passed_octets += length
            media += is_media(which)
        else:
            state[W_FRAMES] += passed
            kinds[K_UDP] += media
            kinds[K_TCP] += passed - media
            passed = media = 0
            wire_length = file32(octets, position + 12, is_big)
            why = take_frame(
                octets, start, end, wire_length, ts, interface, state, kinds, paths, found, flows,
                flow_scalars, rows, arena,
            )  # fmt: skip
            if why == FULL:
                break
        start_ts = min(start_ts, ts)
        end_ts = max(end_ts, ts)
        position = end
        if why != MORE:
            break
    state[W_FRAMES] += passed
    state[W_OCTETS] += passed_octets
    kinds[K_UDP] += media
    kinds[K_TCP] += passed - media
    state[W_START_TS] = start_ts
    state[W_END_TS] = end_ts
    state[W_POSITION] = position
    return why
