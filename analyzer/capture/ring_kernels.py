"""Frames out of the kernel's receive ring (TPACKET_V3), as records of a classic pcap.

A block of the ring has a header (``tpacket_block_desc``) and frames one behind the other, each behind a
``tpacket3_hdr``, as ``linux/if_packet.h`` lays them out in the machine's byte order. Linux takes the outermost VLAN tag
out of a frame and keeps it in that header; here it comes back to where it stood on the wire.
"""

from __future__ import annotations

import sys

from analyzer.batch import Ints, Octets
from analyzer.capture.framing_kernels import copy
from analyzer.capture.wire_kernels import file16, file32
from analyzer.jit import inlined, kernel

IS_BIG = sys.byteorder == "big"

# Of a block.
BLOCK_STATUS = 8  # whose it is: 0 = the kernel's, which fills it; bit 0 set = ours
BLOCK_FRAMES = 12
BLOCK_FIRST = 16  # where its first frame's header stands
BLOCK_OURS = 1

# Of a frame's header.
_NEXT, _SECONDS, _NANOSECONDS, _LENGTH, _WIRE_LENGTH, _STATUS, _FRAME, _TAG, _TAG_TYPE = 0, 4, 8, 12, 16, 20, 24, 32, 36
_HAS_TAG, _HAS_TAG_TYPE = 1 << 4, 1 << 6
_TAG_OCTETS, _ADDRESSES = 4, 12
_RECORD_OCTETS = 16  # listening.RECORD_OCTETS, which the records of the tests hold to
_VLAN = 0x8100

# Where reading stands in a block; both 0 = at its beginning, and again behind its last frame.
AT_FRAME = 0  # the next frame's header
AT_LEFT = 1  # frames that were not read
AT_COLUMNS = 2


@kernel
def read_block(block: Octets, at: Ints, buffer: Octets, filled: int) -> int:
    """Put the frames of a block into ``buffer`` behind its first ``filled`` octets; returns the octets used then.

    When the next record does not fit, ``at[AT_LEFT]`` says how many frames are left, and the next call goes on there.
    """
    if at[AT_LEFT] == 0:
        at[AT_FRAME] = file32(block, BLOCK_FIRST, IS_BIG)
        at[AT_LEFT] = file32(block, BLOCK_FRAMES, IS_BIG)
    frame, left = at[AT_FRAME], at[AT_LEFT]
    while left > 0:
        length = file32(block, frame + _LENGTH, IS_BIG)
        has_tag = file32(block, frame + _STATUS, IS_BIG) & _HAS_TAG != 0 and length >= _ADDRESSES
        tag_octets = _TAG_OCTETS if has_tag else 0
        if filled + _RECORD_OCTETS + length + tag_octets > len(buffer):
            break
        _put_little(buffer, filled, file32(block, frame + _SECONDS, IS_BIG))
        _put_little(buffer, filled + 4, file32(block, frame + _NANOSECONDS, IS_BIG))
        _put_little(buffer, filled + 8, length + tag_octets)
        _put_little(buffer, filled + 12, file32(block, frame + _WIRE_LENGTH, IS_BIG) + tag_octets)
        filled += _RECORD_OCTETS
        start = frame + file16(block, frame + _FRAME, IS_BIG)
        if has_tag:
            copy(block, start, _ADDRESSES, buffer, filled)
            _put_tag(block, frame, buffer, filled + _ADDRESSES)
            filled += _ADDRESSES + _TAG_OCTETS
            start += _ADDRESSES
            length -= _ADDRESSES
        copy(block, start, length, buffer, filled)
        filled += length
        frame += file32(block, frame + _NEXT, IS_BIG)
        left -= 1
    at[AT_FRAME] = frame if left else 0
    at[AT_LEFT] = left
    return filled


@inlined
def _put_tag(block: Octets, frame: int, buffer: Octets, at: int) -> None:
    """The tag's type and contents, in network order. Kernels before 3.14 do not say the type."""
    has_type = file32(block, frame + _STATUS, IS_BIG) & _HAS_TAG_TYPE != 0
    kind = file16(block, frame + _TAG_TYPE, IS_BIG) if has_type else _VLAN
    tag = file32(block, frame + _TAG, IS_BIG)
    buffer[at] = kind >> 8
    buffer[at + 1] = kind & 255
    buffer[at + 2] = tag >> 8 & 255
    buffer[at + 3] = tag & 255


@inlined
def _put_little(buffer: Octets, at: int, value: int) -> None:
    for n in range(4):
        buffer[at + n] = value >> 8 * n & 255
