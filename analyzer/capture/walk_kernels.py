"""What the walks over a window share: their state, why they stop, and how one frame is taken.

A window is a part of the unpacked file in a reused buffer; the walks over it, one a container, go from the container's
records through link, network and UDP to the SIP test in one pass. They stop and say why: they need more octets, the
batch is full, or something stands there that Python decides on (a frame for Scapy, a block that is no packet, damage).
Everything that goes on from call to call stands in ``state`` (W_*), so that a walk takes up where it stopped.
"""

from __future__ import annotations

from analyzer.batch import (
    D_CAPTURE_NO,
    D_FILE_OFFSET,
    D_FRAME_NO,
    D_INTERFACE_NO,
    D_OFFSET,
    D_TS,
    MISSING,
    Ints,
    Octets,
)
from analyzer.capture.found_kernels import (
    DATAGRAM_OCTETS,
    DECLINED,
    FOUND_LAYERS,
    FOUND_START,
    K_BROKEN,
    K_LINK_TYPE,
    K_RAW,
    UNREAD,
)
from analyzer.capture.frame_kernels import append_row, frame_kind
from analyzer.capture.layer_kernels import count_layers
from analyzer.capture.wire_kernels import names_sip
from analyzer.jit import kernel

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
W_ALL_DECLINED = 10  # ALL: every frame goes to Python; ALL_BUT_MEDIA
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
W_COMMON = 22  # and 24 more: frames that took the short cut, by frame_kernels.COMMON_LAYERS
W_COLUMNS = 47

ALL, ALL_BUT_MEDIA = 1, 2

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


@kernel
def take_frame(
    octets: Octets,
    start: int,
    end: int,
    wire_length: int,
    ts: int,
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
    """Count a frame and take its datagram; MORE = go on with the next, else why the walk stops.

    After FULL nothing has been counted: the frame is read again.
    """
    if state[W_ALL_DECLINED]:
        kind = K_LINK_TYPE
    else:
        # Room is asked for first: what a flow's segment changes in the table must happen once.
        if state[W_ROWS] >= len(rows) or len(arena) - state[W_ARENA] < min(end - start, DATAGRAM_OCTETS):
            return FULL
        wire_end = start + max(wire_length, end - start)
        kind = frame_kind(octets, start, end, wire_end, interface[I_LINK_TYPE], found, flows, flow_scalars)
    if kind <= K_RAW:
        number = state[W_ROWS]
        used = state[W_ARENA]
        row = rows[number]
        length = append_row(octets, found, row, arena, used)
        row[D_FRAME_NO] = state[W_FRAMES] + 1
        row[D_TS] = ts
        row[D_OFFSET] = used
        row[D_FILE_OFFSET] = state[W_FILE_OFFSET] + found[FOUND_START] if length else MISSING
        row[D_INTERFACE_NO] = interface[I_NUMBER]
        row[D_CAPTURE_NO] = state[W_CAPTURE_NO]
        state[W_ROWS] = number + 1
        state[W_ARENA] = used + length
    state[W_FRAMES] += 1
    state[W_OCTETS] += end - start
    if kind < DECLINED and kind != K_BROKEN:
        kinds[kind] += 1
        count_layers(paths, found[FOUND_LAYERS], 1, 1 if kind >= UNREAD else 0)
        return MORE
    if state[W_WANTED] and state[W_WANTED] != state[W_FRAMES]:
        return MORE
    return _apart(octets, start, end, wire_length, ts, kind, interface, state, kinds, paths, found)


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
    paths: Ints,
    found: Ints,
) -> int:
    """A frame of a declined kind, or one with a broken start line."""
    if kind != K_BROKEN and not state[W_ALL_DECLINED] and not names_sip(octets, start, end):
        kinds[kind] += 1
        count_layers(paths, found[FOUND_LAYERS], 1, 1)
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
