"""SIP messages cut out of a stream's octets, as far as they are ordinary (RFC 3261 §18.3, docs/transports.md)."""

from __future__ import annotations

import numpy as np

from analyzer.batch import (
    D_COLUMNS,
    D_COPY,
    D_FILE_OFFSET,
    D_IP_ID,
    D_LENGTH,
    D_OFFSET,
    D_WIRE_LENGTH,
    MISSING,
    Ints,
    Octets,
)
from analyzer.capture.stream_layout_kernels import (
    MESSAGE_OCTETS,
    S_OCTETS,
    S_ROWS,
    STEP_BODY,
    STEP_HEADERS,
    STEP_ODD,
    STEP_START,
    STREAM_LENGTH,
    STREAM_LINE,
    STREAM_SCANNED,
    STREAM_STEP,
    STREAM_WIRE,
)
from analyzer.jit import inlined, kernel
from analyzer.sip.scan_kernels import LF_WORD, find, is_blank
from analyzer.sip.start_kernels import SIP_MESSAGE, start_line

_NAME_LENGTH = 14
_LETTERS = np.frombuffer(b"content-length", dtype=np.uint8) | 32


@inlined
def has_room(scalars: Ints, out_octets: Octets, out_rows: Ints, octets: int, rows: int) -> bool:
    """Whether so many more rows and octets can be handed out."""
    return bool(scalars[S_OCTETS] + octets <= len(out_octets) and scalars[S_ROWS] + rows <= len(out_rows))


@inlined
def emit(
    octets: Octets, start: int, length: int, row: Ints, file_offset: int, scalars: Ints, out_octets: Octets,
    out_rows: Ints,
) -> None:  # fmt: skip
    """One message out of ``octets``, as of the segment or datagram of ``row``."""
    made = out_rows[scalars[S_ROWS]]
    for column in range(D_COLUMNS):
        made[column] = row[column]
    target = scalars[S_OCTETS]
    copy(octets, start, length, out_octets, target)
    made[D_OFFSET] = target
    made[D_LENGTH] = length
    made[D_FILE_OFFSET] = file_offset
    scalars[S_ROWS] += 1
    scalars[S_OCTETS] = target + length


@kernel
def copy(source: Octets, start: int, length: int, target: Octets, at: int) -> None:
    """Octets from one array to another, or to the front of the same one."""
    # Unsigned indices make this loop a block move.
    i, j = np.uint64(start), np.uint64(at)
    for n in range(np.uint64(length)):
        target[j + n] = source[i + n]


@kernel
def frame(
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
        if step & ~STEP_ODD == STEP_HEADERS:
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
                if step & STEP_ODD:
                    if is_blank(octets[begin]):  # a folded Content-Length
                        return -1 - at
                    step = STEP_HEADERS
                if declared < 0:
                    found = _content_length(octets, begin, line_feed)
                    if found == -2:
                        return -1 - at
                    if found >= 0:
                        declared = found
                        step = STEP_HEADERS | STEP_ODD
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
            emit(octets, at, wire, row, file_offset, scalars, out_octets, out_rows)
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
