"""The walk over a window of a capture: container, link, network, UDP and SIP test in one pass.

A window is a part of the unpacked file in a reused buffer. The walk stops and says why: it needs more octets, the
batch is full, or something stands there that Python decides on (a frame for Scapy, a block that is no packet,
damage). Everything that goes on from call to call stands in ``state`` (W_*), so that a walk takes up where it
stopped.

Classic pcap: https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-04.html; pcapng:
https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-02.html.
"""

from __future__ import annotations

import numpy as np

from analyzer.batch import (
    D_CAPTURE_NO,
    D_FILE_OFFSET,
    D_FRAME_NO,
    D_INTERFACE_NO,
    D_OFFSET,
    D_TS,
    Ints,
    Octets,
)
from analyzer.capture.frame_kernels import (
    DECLINED,
    FOUND_END,
    FOUND_START,
    K_BROKEN,
    K_LINK_TYPE,
    K_SIP,
    K_UDP,
    append_row,
    frame_kind,
    is_media,
    names_sip,
)
from analyzer.capture.wire_kernels import file16, file32
from analyzer.jit import inlined, kernel

# What the walk keeps between calls.
W_POSITION = 0  # next octet of the window to read
W_FILE_OFFSET = 1  # where the window's first octet stands in the unpacked file
W_FRAMES = 2
W_OCTETS = 3  # of frames, as captured
W_START_TS = 4
W_END_TS = 5
W_ROWS = 6  # rows and octets of the batch that is being filled
W_ARENA = 7
W_CAPTURE_NO = 8
W_LIMIT = 9  # longer records are shown to Python first
W_ALL_DECLINED = 10  # 1: every frame goes to Python
W_LAST_TS = 11  # of the frame before, for blocks without a time
# The frame that Python is shown.
W_FRAME_START = 12
W_FRAME_END = 13
W_FRAME_WIRE = 14  # octets that were sent
W_FRAME_TS = 15
W_FRAME_KIND = 16
W_FRAME_INTERFACE = 17
W_RECORD_LENGTH = 18  # with LONG
W_LONG_ALLOWED = 19  # where in the file a longer record stands that Python has looked at
W_WANTED = 20  # with W_ALL_DECLINED: only this frame number; 0 = each
W_UNTIMED = 21  # 1: some packets have no time
W_COLUMNS = 22

# Why the walk stopped.
MORE = 0  # the next record is not whole in the window
FULL = 1  # no room in the batch
FRAME = 2  # W_FRAME_*: a declined frame with SIP/2.0 in it, or any if W_ALL_DECLINED
BROKEN = 3  # W_FRAME_*: begins with a broken SIP start line
BLOCK = 4  # W_POSITION stands on a block that is no packet, whole in the window
LONG = 5  # W_POSITION stands on a record of W_RECORD_LENGTH octets, more than W_LIMIT
DAMAGED = 6  # W_POSITION stands on octets that are no record

# An interface: link type, and how its time stamps become nanoseconds.
I_LINK_TYPE = 0
I_MULTIPLIER = 1  # decimal resolution down to 1 ns
I_DIVISOR = 2  # finer than 1 ns
I_SHIFT = 3  # binary resolution: 2 to the minus I_SHIFT seconds; 0 = decimal
I_OFFSET = 4  # ns
I_SNAPLEN = 5
I_NUMBER = 6  # over all sections of the capture
I_UNKNOWN_LINK = 7  # frames whose link type the kernels do not know
I_LAST_TICKS = 8  # LAST_TS in ticks: a greater time stamp is clamped
I_COLUMNS = 9

#: The last time stamp there is: 2116. Later ones are damage; clamping keeps sums within int64.
LAST_TS = 2**62 - 1

SECTION_HEADER = 0x0A0D0D0A
INTERFACE_DESCRIPTION = 1
OBSOLETE_PACKET = 2
SIMPLE_PACKET = 3
NAME_RESOLUTION = 4
INTERFACE_STATISTICS = 5
ENHANCED_PACKET = 6
DECRYPTION_SECRETS = 10


@kernel
def _frame(
    octets: Octets,
    start: int,
    end: int,
    wire_length: int,
    ts: int,
    interface: Ints,
    state: Ints,
    kinds: Ints,
    found: Ints,
    rows: Ints,
    arena: Octets,
) -> int:
    """Count a frame and take its datagram; MORE = go on with the next, else why the walk stops.

    After FULL nothing has been counted: the frame is read again.
    """
    if state[W_ALL_DECLINED]:
        kind = K_LINK_TYPE
    else:
        kind = frame_kind(octets, start, end, start + max(wire_length, end - start), interface[I_LINK_TYPE], found)
    if kind == K_SIP:
        number = state[W_ROWS]
        used = state[W_ARENA]
        if number >= len(rows) or used + found[FOUND_END] - found[FOUND_START] > len(arena):
            return FULL
        row = rows[number]
        length = append_row(octets, found, row, arena, used)
        row[D_FRAME_NO] = state[W_FRAMES] + 1
        row[D_TS] = ts
        row[D_OFFSET] = used
        row[D_FILE_OFFSET] = state[W_FILE_OFFSET] + found[FOUND_START]
        row[D_INTERFACE_NO] = interface[I_NUMBER]
        row[D_CAPTURE_NO] = state[W_CAPTURE_NO]
        state[W_ROWS] = number + 1
        state[W_ARENA] = used + length
    state[W_FRAMES] += 1
    state[W_OCTETS] += end - start
    if kind < DECLINED and kind != K_BROKEN:
        kinds[kind] += 1
        return MORE
    if state[W_WANTED] and state[W_WANTED] != state[W_FRAMES]:
        return MORE
    return _apart(octets, start, end, wire_length, ts, kind, interface, state, kinds)


@kernel
def _apart(
    octets: Octets,
    start: int,
    end: int,
    wire_length: int,
    ts: int,
    kind: int,
    interface: Ints,
    state: Ints,
    kinds: Ints,
) -> int:
    """A frame of a declined kind, or one with a broken start line."""
    if kind != K_BROKEN and not state[W_ALL_DECLINED] and not names_sip(octets, start, end):
        kinds[kind] += 1
        if kind == K_LINK_TYPE:
            interface[I_UNKNOWN_LINK] += 1
        return MORE
    state[W_FRAME_START] = start
    state[W_FRAME_END] = end
    state[W_FRAME_WIRE] = max(wire_length, end - start)
    state[W_FRAME_TS] = ts
    state[W_FRAME_KIND] = kind
    state[W_FRAME_INTERFACE] = interface[I_NUMBER]
    return BROKEN if kind == K_BROKEN else FRAME


@kernel
def walk_pcap(
    octets: Octets,
    filled: int,
    is_big: bool,
    header_length: int,
    interface: Ints,
    state: Ints,
    kinds: Ints,
    found: Ints,
    rows: Ints,
    arena: Octets,
) -> int:
    """Walk the records of a classic pcap in ``octets[:filled]`` from W_POSITION on; returns why it stopped."""
    position = state[W_POSITION]
    multiplier = interface[I_MULTIPLIER]
    limit = state[W_LIMIT]
    link_type = interface[I_LINK_TYPE]
    may_be_media = not state[W_ALL_DECLINED]
    start_ts, end_ts = state[W_START_TS], state[W_END_TS]
    media, media_octets = 0, 0
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
        if may_be_media and is_media(octets, start, end, link_type):
            media += 1
            media_octets += length
        else:
            state[W_FRAMES] += media
            kinds[K_UDP] += media
            media = 0
            wire_length = file32(octets, position + 12, is_big)
            why = _frame(octets, start, end, wire_length, ts, interface, state, kinds, found, rows, arena)
            if why == FULL:
                break
        start_ts = min(start_ts, ts)
        end_ts = max(end_ts, ts)
        position = end
        if why != MORE:
            break
    state[W_FRAMES] += media
    state[W_OCTETS] += media_octets
    kinds[K_UDP] += media
    state[W_START_TS] = start_ts
    state[W_END_TS] = end_ts
    state[W_POSITION] = position
    return why


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
    found: Ints,
    rows: Ints,
    arena: Octets,
) -> int:
    """Walk the blocks of a pcapng in ``octets[:filled]`` from W_POSITION on; returns why it stopped.

    Packet blocks are read, unknown blocks skipped, all others shown to Python.
    """
    position = state[W_POSITION]
    limit = state[W_LIMIT]
    may_be_media = not state[W_ALL_DECLINED]
    start_ts, end_ts, ts = state[W_START_TS], state[W_END_TS], state[W_LAST_TS]
    media, media_octets = 0, 0
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
        if may_be_media and is_media(octets, start, start + length, interface[I_LINK_TYPE]):
            media += 1
            media_octets += length
        else:
            state[W_FRAMES] += media
            kinds[K_UDP] += media
            media = 0
            why = _frame(octets, start, start + length, wire_length, ts, interface, state, kinds, found, rows, arena)
            if why == FULL:
                break
        start_ts = min(start_ts, ts)
        end_ts = max(end_ts, ts)
        position = block_end
        if why != MORE:
            break
    state[W_FRAMES] += media
    state[W_OCTETS] += media_octets
    kinds[K_UDP] += media
    state[W_START_TS] = start_ts
    state[W_END_TS] = end_ts
    state[W_LAST_TS] = ts
    state[W_POSITION] = position
    return why
