"""SIP over TCP in volume: streams in order, cut into messages, without leaving compiled code.

What is ordinary is done here: segments in order, whole or in parts, with a Content-Length; HEP 3 on the way.
The rest (a gap, a segment out of order, no Content-Length, octets that are no message …) is handed to the plain-Python
assembler together with the stream, which comes back when nothing of it is left over there
(`analyzer.capture.assembly`). The rules are those of docs/transports.md; a property test holds the two equal.

A stream's part of a message is kept in a slot of ``buffers``, the row of the segment that came last in ``kept``.
"""

from __future__ import annotations

import numpy as np

from analyzer.batch import (
    D_COLUMNS,
    D_COPY,
    D_DST_HI,
    D_DST_LO,
    D_DST_PORT,
    D_FILE_OFFSET,
    D_IP_ID,
    D_LENGTH,
    D_NETWORK,
    D_OFFSET,
    D_SRC_HI,
    D_SRC_LO,
    D_SRC_PORT,
    D_TS,
    D_WIRE_LENGTH,
    FLOW_SIP,
    MISSING,
    R_COLUMNS,
    R_FIRST,
    R_INFO,
    R_KIND,
    R_SEQ,
    RAW_HEP,
    RAW_MESSAGE,
    RAW_SEGMENT,
    TCP_FIN,
    TCP_RST,
    Ints,
    Octets,
)
from analyzer.capture.flow_kernels import (
    FLOW_DST_HI,
    FLOW_DST_LO,
    FLOW_SRC_HI,
    FLOW_SRC_LO,
    FLOW_STATE,
    FLOW_TAIL,
    KEY,
    TICK,
    flow_place,
)
from analyzer.capture.hep_kernels import HEP_MESSAGE, HEP_ODD, hep_message
from analyzer.jit import inlined, kernel
from analyzer.sip.scan_kernels import LF_WORD, find, is_blank
from analyzer.sip.start_kernels import SIP_MESSAGE, start_line

# A stream: the columns of a flow's place up to FLOW_STATE, then these.
STREAM_NEXT = 6  # sequence number of the next octet
STREAM_USED = 7  # tick of its last use
STREAM_FIRST = 8  # sequence number of its first octet; MISSING
STREAM_SLOT = 9  # its buffer; -1
STREAM_KEPT = 10  # octets in it: the beginning of a message
STREAM_STEP = 11  # which part of it is being read: STEP_*
STREAM_LINE = 12  # where the current line begins
STREAM_SCANNED = 13  # up to where it has been looked for the line's end
STREAM_LENGTH = 14  # Content-Length; -1
STREAM_WIRE = 15  # with STEP_BODY: octets of the whole message
STREAM_COLUMNS = 16

# STREAM state, in the place of FLOW_STATE.
HERE = 1
ELSEWHERE = 2  # in the plain-Python assembler

STEP_START = 0  # two lines decide whether a message begins
STEP_HEADERS = 1
STEP_BODY = 2
_ODD = 64  # in STREAM_STEP: the line before was a Content-Length, so that this one must not be folded

#: Octets of one message: `framing.MESSAGE_OCTETS`.
MESSAGE_OCTETS = 65_535
#: Octets of a buffer: a message that is not complete, and one more segment.
BUFFER_OCTETS = 2 * MESSAGE_OCTETS + 2
#: No message is shorter: a status line and an empty line.
SHORTEST = 15
#: `streams.BEHIND_OCTETS`: octets further behind belong to another connection.
BEHIND_OCTETS = 1 << 20

# Scalars, behind those of the flow table.
S_AT = 16  # the row that the kernel stopped at
S_ROWS = 17  # rows and octets of what is handed out
S_OCTETS = 18
S_FREE = 19  # head of the list of free buffers; -1
S_USED = 20  # buffers ever used
S_SECOND = 21  # second of the capture's clock
S_CLOCK = 22  # highest time seen
S_WAITS = 23  # 1 = something over there waits for the clock
S_PLACE = 24  # the stream that STREAM_* is asked of
STREAM_SCALARS = 25

# Why the kernel stopped at a row.
DONE = 0
FULL = 1  # no room for what comes out of it
OTHER = 2  # it is for the plain-Python assembler
UNKNOWN = 3  # of a stream that has no place here
ODD = 4  # of stream S_PLACE, which must go to the plain-Python assembler first
SECOND = 5  # the clock enters another second

_HALF = 1 << 31
_WORD = 1 << 32
_NAME_LENGTH = 14
_LETTERS = np.frombuffer(b"content-length", dtype=np.uint8) | 32


@kernel
def assemble(
    octets: Octets, rows: Ints, streams: Ints, scalars: Ints, buffers: Octets, kept: Ints, links: Ints,
    out_octets: Octets, out_rows: Ints,
) -> int:  # fmt: skip
    """Go on with the rows from S_AT on; messages into ``out_rows`` and ``out_octets``. Returns why it stopped."""
    for i in range(scalars[S_AT], len(rows)):
        row = rows[i]
        scalars[S_AT] = i
        if row[D_TS] > scalars[S_CLOCK]:
            if scalars[S_WAITS] and row[D_TS] // 1_000_000_000 != scalars[S_SECOND]:
                return SECOND
            scalars[S_CLOCK] = row[D_TS]
            scalars[S_SECOND] = row[D_TS] // 1_000_000_000
        if row[R_KIND] == RAW_MESSAGE:
            if not _has_room(scalars, out_octets, out_rows, row[D_LENGTH], 1):
                return FULL
            _emit(octets, row[D_OFFSET], row[D_LENGTH], row, row[D_FILE_OFFSET], scalars, out_octets, out_rows)
            continue
        if row[R_KIND] == RAW_HEP:
            if not _has_room(scalars, out_octets, out_rows, row[D_LENGTH], 1):
                return FULL
            made = out_rows[scalars[S_ROWS]]
            what = hep_message(octets, row, made)
            if what == HEP_ODD:
                return OTHER
            if what == HEP_MESSAGE:
                _emit(octets, made[D_OFFSET], made[D_LENGTH], made, made[D_FILE_OFFSET], scalars, out_octets, out_rows)
            continue
        if row[R_KIND] != RAW_SEGMENT or row[R_INFO] >> 8 != FLOW_SIP:
            return OTHER
        _key(row, scalars)
        scalars[TICK] += 1
        place = flow_place(streams, scalars)
        if place < 0:
            return UNKNOWN
        stream = streams[place]
        if stream[FLOW_STATE] == ELSEWHERE:
            return OTHER
        stream[STREAM_USED] = scalars[TICK]
        scalars[S_PLACE] = place
        why = _segment(octets, row, stream, scalars, buffers, kept, links, out_octets, out_rows)
        if why != DONE:
            return why
    scalars[S_AT] = len(rows)
    return DONE


@inlined
def _key(row: Ints, scalars: Ints) -> None:
    scalars[KEY + FLOW_SRC_HI] = row[D_SRC_HI]
    scalars[KEY + FLOW_SRC_LO] = row[D_SRC_LO]
    scalars[KEY + FLOW_DST_HI] = row[D_DST_HI]
    scalars[KEY + FLOW_DST_LO] = row[D_DST_LO]
    network = row[D_NETWORK]
    ports = row[D_SRC_PORT] << 16 | row[D_DST_PORT]
    scalars[KEY + FLOW_TAIL] = (0 if network == MISSING else network + 1) << 40 ^ (ports << 8 | 6)


@inlined
def _has_room(scalars: Ints, out_octets: Octets, out_rows: Ints, octets: int, rows: int) -> bool:
    return bool(scalars[S_OCTETS] + octets <= len(out_octets) and scalars[S_ROWS] + rows <= len(out_rows))


@inlined
def _emit(
    octets: Octets, start: int, length: int, row: Ints, file_offset: int, scalars: Ints, out_octets: Octets,
    out_rows: Ints,
) -> None:  # fmt: skip
    """One message out of ``octets``, as of the segment or datagram of ``row``."""
    made = out_rows[scalars[S_ROWS]]
    for column in range(D_COLUMNS):
        made[column] = row[column]
    target = scalars[S_OCTETS]
    _copy(octets, start, length, out_octets, target)
    made[D_OFFSET] = target
    made[D_LENGTH] = length
    made[D_FILE_OFFSET] = file_offset
    scalars[S_ROWS] += 1
    scalars[S_OCTETS] = target + length


@kernel
def _copy(source: Octets, start: int, length: int, target: Octets, at: int) -> None:
    for n in range(length):
        target[at + n] = source[start + n]


@kernel
def _segment(
    octets: Octets, row: Ints, stream: Ints, scalars: Ints, buffers: Octets, kept: Ints, links: Ints,
    out_octets: Octets, out_rows: Ints,
) -> int:  # fmt: skip
    """One segment of a stream that is read here."""
    length, flags, has_part = row[D_LENGTH], row[R_INFO] & 255, stream[STREAM_KEPT] > 0
    if row[R_FIRST] != MISSING and row[R_FIRST] != stream[STREAM_FIRST]:
        if has_part:
            return ODD
        stream[STREAM_FIRST] = stream[STREAM_NEXT] = row[R_FIRST]
    if flags & TCP_RST:
        return ODD if has_part else DONE
    ahead = (row[R_SEQ] - stream[STREAM_NEXT] + _HALF) % _WORD - _HALF
    is_end = flags & TCP_FIN != 0
    if row[D_WIRE_LENGTH] != length or (is_end and (length > 0 or has_part)):
        return ODD
    if length == 0:
        return DONE
    if ahead:
        is_old = ahead + length <= 0 and ahead + length >= -BEHIND_OCTETS
        return DONE if is_old else ODD
    most = stream[STREAM_KEPT] + length
    if not _has_room(scalars, out_octets, out_rows, most, most // SHORTEST + 1):
        return FULL
    start = row[D_OFFSET]
    if has_part:
        if stream[STREAM_STEP] == STEP_BODY and start_line(octets, start, start + length, True) == SIP_MESSAGE:
            return ODD  # its Content-Length may have been too great
        slot = stream[STREAM_SLOT]
        part = stream[STREAM_KEPT]
        _copy(octets, start, length, buffers[slot], part)
        at = _frame(buffers[slot], 0, part + length, part, row, stream, scalars, out_octets, out_rows)
        if at < 0:
            at = -1 - at
            if at == 0:  # what was kept is odd with what came now: as if this had not come
                return ODD
            stream[STREAM_NEXT] = (stream[STREAM_NEXT] + at - part) % _WORD
            _release(stream, scalars, links)
            return ODD
        rest, began = part + length - at, at - part
        if at:
            _copy(buffers[slot], at, rest, buffers[slot], 0)
        if rest == 0:
            _release(stream, scalars, links)
    else:
        at = _frame(octets, start, start + length, 0, row, stream, scalars, out_octets, out_rows)
        if at < 0:
            stream[STREAM_NEXT] = (stream[STREAM_NEXT] + -1 - at - start) % _WORD
            return ODD
        rest, began = start + length - at, at - start
        if rest:
            slot = _take_buffer(scalars, links, len(buffers))
            if slot < 0:
                stream[STREAM_NEXT] = (stream[STREAM_NEXT] + at - start) % _WORD
                return ODD
            stream[STREAM_SLOT] = slot
            _copy(octets, at, rest, buffers[slot], 0)
    stream[STREAM_KEPT] = rest
    stream[STREAM_NEXT] = (stream[STREAM_NEXT] + length) % _WORD
    if rest:
        slot = stream[STREAM_SLOT]
        for column in range(R_COLUMNS):
            kept[slot, column] = row[column]
        is_in_one_piece = began >= 0 and row[D_FILE_OFFSET] != MISSING
        kept[slot, D_FILE_OFFSET] = row[D_FILE_OFFSET] + began if is_in_one_piece else MISSING
    return DONE


@inlined
def _take_buffer(scalars: Ints, links: Ints, count: int) -> int:
    """A free buffer; -1 when there is none."""
    slot = scalars[S_FREE]
    if slot >= 0:
        scalars[S_FREE] = links[slot]
    elif scalars[S_USED] < count:
        slot = scalars[S_USED]
        scalars[S_USED] += 1
    return int(slot)


@inlined
def _release(stream: Ints, scalars: Ints, links: Ints) -> None:
    """Give a stream's buffer back."""
    slot = stream[STREAM_SLOT]
    links[slot] = scalars[S_FREE]
    scalars[S_FREE] = slot
    stream[STREAM_SLOT] = -1
    stream[STREAM_KEPT] = 0


@kernel
def _frame(
    octets: Octets, start: int, end: int, part: int, row: Ints, stream: Ints, scalars: Ints, out_octets: Octets,
    out_rows: Ints,
) -> int:  # fmt: skip
    """Cut ``octets[start:end]`` into messages; the first ``part`` octets came with earlier segments.

    Returns where the message begins that is not complete (``end``: none), or -1 - where the plain-Python assembler is
    to take over. STREAM_STEP to STREAM_WIRE say how far that message was read, in octets from its beginning.
    """
    at = start
    step, line, scanned = stream[STREAM_STEP], stream[STREAM_LINE], stream[STREAM_SCANNED]
    declared, wire = stream[STREAM_LENGTH], stream[STREAM_WIRE]
    if part == 0:
        step, line, scanned, declared, wire = 0, 0, 0, -1, 0
    while True:
        if step == STEP_START:
            if scanned == 0:
                while at < end and (octets[at] == 10 or octets[at] == 13):  # keep-alives, RFC 5626 §3.5.1
                    at += 1
                if at == end:
                    break
            # `line` is where the second line begins, 0 as long as the first one is not whole.
            line_feed = find(octets, at + scanned, end, LF_WORD)
            scanned = line_feed - at
            if line_feed == end:
                break
            if line == 0:
                line = scanned = line_feed + 1 - at
                continue
            if start_line(octets, at, line_feed + 1, False) != SIP_MESSAGE:
                return -1 - at
            step, scanned, declared = STEP_HEADERS, line, -1
        if step & ~_ODD == STEP_HEADERS:
            end_of_headers = -1
            while end_of_headers < 0:
                line_feed = find(octets, at + scanned, end, LF_WORD)
                scanned = line_feed - at
                if line_feed == end:
                    break
                begin = at + line
                if line_feed == begin or (line_feed == begin + 1 and octets[begin] == 13):
                    end_of_headers = line_feed + 1
                    break
                if step & _ODD:
                    if is_blank(octets[begin]):  # a folded Content-Length
                        return -1 - at
                    step = STEP_HEADERS
                if declared < 0:
                    found = _content_length(octets, begin, line_feed)
                    if found == -2:
                        return -1 - at
                    if found >= 0:
                        declared = found
                        step = STEP_HEADERS | _ODD
                line = scanned = line_feed + 1 - at
            if end_of_headers < 0:
                if end - at > MESSAGE_OCTETS:
                    return -1 - at
                break
            if declared < 0 or end_of_headers - at + declared > MESSAGE_OCTETS:
                return -1 - at
            step = STEP_BODY
            wire = end_of_headers - at + declared
        if step == STEP_BODY:
            if end - at < wire:
                break
            file_offset = MISSING
            if at - start >= part and row[D_FILE_OFFSET] != MISSING:
                file_offset = row[D_FILE_OFFSET] + at - start - part
            _emit(octets, at, wire, row, file_offset, scalars, out_octets, out_rows)
            made = out_rows[scalars[S_ROWS] - 1]
            made[D_WIRE_LENGTH] = wire
            made[D_IP_ID] = 0
            made[D_COPY] = 0
            at += wire
            step, line, scanned, declared, wire = STEP_START, 0, 0, -1, 0
    if end - at > MESSAGE_OCTETS:
        return -1 - at
    stream[STREAM_STEP], stream[STREAM_LINE], stream[STREAM_SCANNED] = step, line, scanned
    stream[STREAM_LENGTH], stream[STREAM_WIRE] = declared, wire
    return at


@inlined
def _content_length(octets: Octets, at: int, end: int) -> int:
    """The number in a Content-Length field (``l``); -1 for another field, -2 for what the parser should judge."""
    first = octets[at] | 32
    if first == 108:  # l
        name_end = at + 1
    elif first == 99 and end - at > _NAME_LENGTH:
        for n in range(_NAME_LENGTH):
            if octets[at + n] | 32 != _LETTERS[n]:
                return -1
        name_end = at + _NAME_LENGTH
    else:
        return -1
    while name_end < end and is_blank(octets[name_end]):
        name_end += 1
    if name_end >= end or octets[name_end] != 58:
        return -1
    at = name_end + 1
    while at < end and is_blank(octets[at]):
        at += 1
    number, digits = 0, 0
    while at < end and 48 <= octets[at] <= 57:
        number = number * 10 + int(octets[at]) - 48
        digits += 1
        at += 1
    while at < end and (is_blank(octets[at]) or octets[at] == 13):
        at += 1
    return number if 0 < digits < 10 and at == end else -2
