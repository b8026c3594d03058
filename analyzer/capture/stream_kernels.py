"""SIP over TCP in volume: streams in order, cut into messages, without leaving compiled code.

What is ordinary is done here: segments in order, or one of a stream before its turn, whole or in parts, with a
Content-Length; HEP 3 on the way. The rest (a gap, no Content-Length, octets that are no message …) is handed to the
plain-Python assembler together with the stream, which comes back when nothing of it is left over there
(`analyzer.capture.assembly`). The rules are those of docs/transports.md; a property test holds the two equal.

A stream's part of a message is kept in a slot of ``buffers``, the row of the segment that came last in ``kept``.
"""

from __future__ import annotations

from analyzer.batch import (
    D_DST_HI,
    D_DST_LO,
    D_DST_PORT,
    D_FILE_OFFSET,
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
    OF_TCP,
    TICK,
    flow_place,
    flow_tail,
)
from analyzer.capture.framing_kernels import copy, emit, frame, has_room
from analyzer.capture.hep_kernels import HEP_MESSAGE, HEP_ODD, hep_message
from analyzer.capture.stream_layout_kernels import (
    A_CLOCK,
    A_PLACE,
    A_ROW,
    A_TICK,
    BEHIND_OCTETS,
    DONE,
    ELSEWHERE,
    FULL,
    LATE,
    ODD,
    OTHER,
    S_AHEAD,
    S_AT,
    S_CLOCK,
    S_FREE,
    S_PLACE,
    S_ROWS,
    S_SECOND,
    S_TOP,
    S_USED,
    S_WAITS,
    SECOND,
    SHORTEST,
    STEP_BODY,
    STREAM_AHEAD,
    STREAM_FIRST,
    STREAM_KEPT,
    STREAM_NEXT,
    STREAM_SLOT,
    STREAM_STEP,
    STREAM_USED,
    UNKNOWN,
)
from analyzer.jit import inlined, kernel
from analyzer.sip.start_kernels import SIP_MESSAGE, start_line

#: What `_segment` says of a segment beyond the next expected octet.
_EARLY = 7
_HALF = 1 << 31
_WORD = 1 << 32


@kernel
def assemble(
    octets: Octets, rows: Ints, streams: Ints, scalars: Ints, buffers: Octets, kept: Ints, links: Ints,
    ahead: Ints, out_octets: Octets, out_rows: Ints,
) -> int:  # fmt: skip
    """Go on with the rows from S_AT on; messages into ``out_rows`` and ``out_octets``. Returns why it stopped."""
    for i in range(scalars[S_AT], len(rows)):
        row = rows[i]
        scalars[S_AT] = i
        if row[D_TS] > scalars[S_CLOCK]:
            is_awaited = scalars[S_WAITS] or scalars[S_AHEAD]
            if is_awaited and row[D_TS] // 1_000_000_000 != scalars[S_SECOND]:
                return SECOND
            scalars[S_CLOCK] = row[D_TS]
            scalars[S_SECOND] = row[D_TS] // 1_000_000_000
        if row[R_KIND] == RAW_MESSAGE:
            if not has_room(scalars, out_octets, out_rows, row[D_LENGTH], 1):
                return FULL
            emit(octets, row[D_OFFSET], row[D_LENGTH], row, row[D_FILE_OFFSET], scalars, out_octets, out_rows)
            continue
        if row[R_KIND] == RAW_HEP:
            if not has_room(scalars, out_octets, out_rows, row[D_LENGTH], 1):
                return FULL
            made = out_rows[scalars[S_ROWS]]
            what = hep_message(octets, row, made)
            if what == HEP_ODD:
                return OTHER
            if what == HEP_MESSAGE:
                emit(octets, made[D_OFFSET], made[D_LENGTH], made, made[D_FILE_OFFSET], scalars, out_octets, out_rows)
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
        if stream[STREAM_AHEAD]:
            why = _segment_before(octets, rows, i, stream, scalars, buffers, kept, links, ahead, out_octets, out_rows)
        else:
            why = _segment(octets, row, stream, scalars, buffers, kept, links, out_octets, out_rows)
            if why == _EARLY:
                why = _put_aside(i, place, stream, scalars, ahead)
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
    ports = row[D_SRC_PORT] << 16 | row[D_DST_PORT]
    scalars[KEY + FLOW_TAIL] = flow_tail(row[D_NETWORK], ports, OF_TCP)


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
    ahead = _ahead(row, stream)
    is_end = flags & TCP_FIN != 0
    if row[D_WIRE_LENGTH] != length or (is_end and (length > 0 or has_part)):
        return ODD
    if length == 0:
        return DONE
    if ahead > 0:
        return _EARLY
    if ahead:
        is_old = ahead + length <= 0 and ahead + length >= -BEHIND_OCTETS
        return DONE if is_old else ODD
    most = stream[STREAM_KEPT] + length
    if not has_room(scalars, out_octets, out_rows, most, most // SHORTEST + 1):
        return FULL
    start = row[D_OFFSET]
    if has_part:
        if stream[STREAM_STEP] == STEP_BODY and start_line(octets, start, start + length, True) == SIP_MESSAGE:
            return ODD  # its Content-Length may have been too great
        slot = stream[STREAM_SLOT]
        part = stream[STREAM_KEPT]
        copy(octets, start, length, buffers[slot], part)
        at = frame(buffers[slot], 0, part + length, part, row, stream, scalars, out_octets, out_rows)
        if at < 0:
            at = -1 - at
            if at == 0:  # what was kept is odd with what came now: as if this had not come
                return ODD
            stream[STREAM_NEXT] = (stream[STREAM_NEXT] + at - part) % _WORD
            _release(stream, scalars, links)
            return ODD
        rest, began = part + length - at, at - part
        if at:
            copy(buffers[slot], at, rest, buffers[slot], 0)
        if rest == 0:
            _release(stream, scalars, links)
    else:
        at = frame(octets, start, start + length, 0, row, stream, scalars, out_octets, out_rows)
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
            copy(octets, at, rest, buffers[slot], 0)
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
def _ahead(row: Ints, stream: Ints) -> int:
    """How far behind the next expected octet a segment begins; less than 0: before it."""
    return int((row[R_SEQ] - stream[STREAM_NEXT] + _HALF) % _WORD - _HALF)


@kernel
def _put_aside(number: int, place: int, stream: Ints, scalars: Ints, ahead: Ints) -> int:
    """Let the segment of a row wait for those before it."""
    slot = scalars[S_TOP]
    if slot == len(ahead):
        return ODD
    ahead[slot, A_PLACE] = place
    ahead[slot, A_ROW] = number
    ahead[slot, A_CLOCK] = scalars[S_CLOCK]
    ahead[slot, A_TICK] = scalars[TICK]
    stream[STREAM_AHEAD] = slot + 1
    scalars[S_TOP] += 1
    scalars[S_AHEAD] += 1
    return DONE


@kernel
def _segment_before(
    octets: Octets, rows: Ints, number: int, stream: Ints, scalars: Ints, buffers: Octets, kept: Ints, links: Ints,
    ahead: Ints, out_octets: Octets, out_rows: Ints,
) -> int:  # fmt: skip
    """A segment of a stream of which one waits, and then perhaps that one."""
    row = rows[number]
    slot = stream[STREAM_AHEAD] - 1
    waiting = rows[ahead[slot, A_ROW]]
    is_anew = row[R_FIRST] != MISSING and row[R_FIRST] != stream[STREAM_FIRST]
    if is_anew or row[R_INFO] & (TCP_FIN | TCP_RST):
        return ODD
    # Nothing may come between the two: room for both.
    most = stream[STREAM_KEPT] + row[D_LENGTH] + waiting[D_LENGTH]
    if not has_room(scalars, out_octets, out_rows, most, most // SHORTEST + 2):
        return FULL
    why = _segment(octets, row, stream, scalars, buffers, kept, links, out_octets, out_rows)
    if why != DONE:
        return ODD
    if _ahead(waiting, stream) > 0:
        return DONE
    why = _segment(octets, waiting, stream, scalars, buffers, kept, links, out_octets, out_rows)
    if why != DONE:
        ahead[slot, A_CLOCK] = scalars[S_CLOCK]
        ahead[slot, A_TICK] = scalars[TICK]
        scalars[S_AT] = number + 1
        return LATE
    stream[STREAM_AHEAD] = 0
    ahead[slot, A_PLACE] = -1
    scalars[S_AHEAD] -= 1
    if scalars[S_AHEAD] == 0:
        scalars[S_TOP] = 0
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
