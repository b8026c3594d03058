"""The walk over pcapng: https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-02.html."""

from __future__ import annotations

import numpy as np

from analyzer.batch import Ints, Octets
from analyzer.capture.found_kernels import K_TCP, K_UDP
from analyzer.capture.frame_kernels import common, is_media
from analyzer.capture.walk_kernels import (
    ALL,
    BLOCK,
    DAMAGED,
    FULL,
    I_DIVISOR,
    I_LAST_TICKS,
    I_LINK_TYPE,
    I_MULTIPLIER,
    I_OFFSET,
    I_SHIFT,
    I_SNAPLEN,
    LAST_TS,
    LONG,
    MORE,
    W_ALL_DECLINED,
    W_COMMON,
    W_END_TS,
    W_FILE_OFFSET,
    W_FRAMES,
    W_LAST_TS,
    W_LIMIT,
    W_LONG_ALLOWED,
    W_OCTETS,
    W_POSITION,
    W_RECORD_LENGTH,
    W_START_TS,
    W_UNTIMED,
    take_frame,
)
from analyzer.capture.wire_kernels import file16, file32
from analyzer.jit import inlined, kernel

SECTION_HEADER = 0x0A0D0D0A
INTERFACE_DESCRIPTION = 1
OBSOLETE_PACKET = 2
SIMPLE_PACKET = 3
NAME_RESOLUTION = 4
INTERFACE_STATISTICS = 5
ENHANCED_PACKET = 6
DECRYPTION_SECRETS = 10


@inlined
def _ticks_ns(high: int, low: int, interface: Ints) -> int:
    """A pcapng time stamp as nanoseconds since 1970, exact, clamped to LAST_TS."""
    ticks = np.uint64(high) << np.uint64(32) | np.uint64(low)
    shift = interface[I_SHIFT]
    if shift:
        bits = np.uint64(shift)
        seconds = ticks >> bits if shift < 64 else np.uint64(0)
        rest = ticks - (seconds << bits) if shift < 64 else ticks
        # Nine decimal digits, one by one: rest * 10**9 would not fit. Four bits stay free for the digit.
        if shift > 60:
            rest >>= bits - np.uint64(60)
            bits = np.uint64(60)
        digits = np.uint64(0)
        for _ in range(9):
            rest *= np.uint64(10)
            digits = digits * np.uint64(10) + (rest >> bits)
            rest -= rest >> bits << bits
        if seconds > np.uint64(LAST_TS // 1_000_000_000):
            return LAST_TS
        ns = np.int64(seconds * np.uint64(1_000_000_000) + digits)
    else:
        if interface[I_DIVISOR] > 1:  # a division costs more than all else here
            ticks //= np.uint64(interface[I_DIVISOR])
        if ticks > np.uint64(interface[I_LAST_TICKS]):
            return LAST_TS
        ns = np.int64(ticks * np.uint64(interface[I_MULTIPLIER]))
    return int(min(max(ns + interface[I_OFFSET], -LAST_TS), LAST_TS))


@kernel
def walk_pcapng(
    octets: Octets,
    filled: int,
    is_big: bool,
    interfaces: Ints,
    interface_count: int,
    state: Ints,
    kinds: Ints,
    paths: Ints,
    found: Ints,
    flows: Ints,
    flow_scalars: Ints,
    rows: Ints,
    arena: Octets,
) -> int:
    """Walk the blocks of a pcapng in ``octets[:filled]`` from W_POSITION on; returns why it stopped.

    Packet blocks are read, unknown blocks skipped, all others shown to Python.
    """
    position = state[W_POSITION]
    limit = state[W_LIMIT]
    may_be_common = state[W_ALL_DECLINED] != ALL
    only_media = state[W_ALL_DECLINED] != 0
    start_ts, end_ts, ts = state[W_START_TS], state[W_END_TS], state[W_LAST_TS]
    passed, passed_octets, media = 0, 0, 0
    why = MORE
    while position + 12 <= filled:
        block = file32(octets, position, is_big)
        if block == SECTION_HEADER:  # reads the same in both byte orders
            why = BLOCK
            break
        total = file32(octets, position + 4, is_big)
        if total < 12 or total & 3:
            why = DAMAGED
            break
        if total > limit and state[W_LONG_ALLOWED] != state[W_FILE_OFFSET] + position:
            state[W_RECORD_LENGTH] = total
            why = LONG
            break
        block_end = position + total
        if block_end > filled:
            break
        if file32(octets, block_end - 4, is_big) != total:
            why = DAMAGED
            break
        number = 0
        if block == ENHANCED_PACKET or block == OBSOLETE_PACKET:
            if total < 32:
                why = DAMAGED
                break
            if block == ENHANCED_PACKET:
                number = file32(octets, position + 8, is_big)
            else:
                number = file16(octets, position + 8, is_big)
            start = position + 28
            length = file32(octets, position + 20, is_big)
            wire_length = file32(octets, position + 24, is_big)
        elif block == SIMPLE_PACKET:
            if total < 16:
                why = DAMAGED
                break
            start = position + 12
            wire_length = file32(octets, position + 8, is_big)
            length = min(wire_length, total - 16)
        elif (
            block == INTERFACE_DESCRIPTION
            or block == NAME_RESOLUTION
            or block == INTERFACE_STATISTICS
            or block == DECRYPTION_SECRETS
        ):
            why = BLOCK
            break
        else:
            position = block_end
            continue
        if number >= interface_count or length > block_end - 4 - start:
            why = DAMAGED
            break
        interface = interfaces[number]
        if block == SIMPLE_PACKET:
            # It has no time of its own: that of the frame before it.
            state[W_UNTIMED] = 1
            if interface[I_SNAPLEN]:
                length = min(length, interface[I_SNAPLEN])
        else:
            ts = _ticks_ns(file32(octets, position + 12, is_big), file32(octets, position + 16, is_big), interface)
        which = common(octets, start, start + length, interface[I_LINK_TYPE]) if may_be_common else 0
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
            why = take_frame(
                octets, start, start + length, wire_length, ts, interface, state, kinds, paths, found, flows,
                flow_scalars, rows, arena,
            )  # fmt: skip
            if why == FULL:
                break
        start_ts = min(start_ts, ts)
        end_ts = max(end_ts, ts)
        position = block_end
        if why != MORE:
            break
    state[W_FRAMES] += passed
    state[W_OCTETS] += passed_octets
    kinds[K_UDP] += media
    kinds[K_TCP] += passed - media
    state[W_START_TS] = start_ts
    state[W_END_TS] = end_ts
    state[W_LAST_TS] = ts
    state[W_POSITION] = position
    return why
