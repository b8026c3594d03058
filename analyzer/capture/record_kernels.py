"""Chosen records of a listener's buffer as Enhanced Packet Blocks of a pcapng.

https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-02.html, section 4.3; the records are those of
`analyzer.capture.listening`.
"""

from __future__ import annotations

import numpy as np

from analyzer.batch import Ints, Octets
from analyzer.capture.pcapng_kernels import ENHANCED_PACKET
from analyzer.capture.wire_kernels import le32
from analyzer.jit import inlined, kernel

#: Of a record before its frame: seconds, nanoseconds, octets that follow, octets on the wire.
RECORD_HEADER = 16
#: Of a block around a frame and its padding.
PACKET_BLOCK = 32

# Where `copy_records` stands, and what it may do.
C_POSITION = 0  # of the next record in the buffer
C_END = 1  # of the buffer
C_FRAME_NO = 2  # of the next record
C_NEXT = 3  # first of the wanted numbers that was not dealt with
C_USED = 4  # octets in the out buffer
C_LIMIT = 5  # octets that may stand there
C_INTERFACE = 6  # number of the interface in the pcapng
C_COPIED = 7  # frames copied
C_ABSENT = 8  # wanted frames that the buffer does not hold
C_NEEDED = 9  # FULL: octets of the block for which there was no room
C_COLUMNS = 10

# Why it stopped.
DONE = 0
FULL = 1


@inlined
def _put32(out: Octets, at: int, value: int) -> None:
    """Four octets, least significant first."""
    i = np.uint64(at)
    out[i] = value & 255
    out[i + np.uint64(1)] = value >> 8 & 255
    out[i + np.uint64(2)] = value >> 16 & 255
    out[i + np.uint64(3)] = value >> 24 & 255


@inlined
def _put_packet(
    octets: Octets, position: int, length: int, interface_no: int, out: Octets, at: int, total: int
) -> None:
    """One record as a block of ``total`` octets."""
    ts = le32(octets, position) * 1_000_000_000 + le32(octets, position + 4)
    _put32(out, at, ENHANCED_PACKET)
    _put32(out, at + 4, total)
    _put32(out, at + 8, interface_no)
    _put32(out, at + 12, ts >> 32)
    _put32(out, at + 16, ts & 0xFFFFFFFF)
    _put32(out, at + 20, length)
    _put32(out, at + 24, le32(octets, position + 12))
    source, target = np.uint64(position + RECORD_HEADER), np.uint64(at + 28)
    for i in range(np.uint64(length)):
        out[target + i] = octets[source + i]
    for i in range(at + 28 + length, at + total - 4):
        out[np.uint64(i)] = 0
    _put32(out, at + total - 4, total)


@kernel
def copy_records(octets: Octets, frame_nos: Ints, state: Ints, out: Octets) -> int:
    """Copy the records with these frame numbers (sorted; a number may stand there several times) to ``out``.

    Goes on where ``state`` (C_*) says, and returns why it stopped: DONE, or FULL when the next block would go beyond
    C_LIMIT.
    """
    position, end, frame_no = state[C_POSITION], state[C_END], state[C_FRAME_NO]
    following, wanted, used = state[C_NEXT], len(frame_nos), state[C_USED]
    why = DONE
    while following < wanted:
        number = frame_nos[following]
        is_there = position + RECORD_HEADER <= end
        length = 0
        if is_there:
            length = le32(octets, position + 8)
            is_there = position + RECORD_HEADER + length <= end
        if is_there and number > frame_no:
            position += RECORD_HEADER + length
            frame_no += 1
            continue
        if is_there and number == frame_no:
            total = PACKET_BLOCK + (length + 3 & ~3)
            if used + total > state[C_LIMIT]:
                state[C_NEEDED] = total
                why = FULL
                break
            _put_packet(octets, position, length, state[C_INTERFACE], out, used, total)
            used += total
            state[C_COPIED] += 1
        else:
            state[C_ABSENT] += 1
        following += 1
        while following < wanted and frame_nos[following] == number:
            following += 1
    state[C_POSITION], state[C_FRAME_NO], state[C_NEXT], state[C_USED] = position, frame_no, following, used
    return why
