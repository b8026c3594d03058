"""Datagrams to rows: the kernel road through a window.

One call reads every datagram of a window: start line, header spans, fields, each row written once.
Where anything is rarer than the kernels care for, the row gets F_WHOLE and is left for the
whole-message parser.
"""

from __future__ import annotations

import numpy as np

from analyzer.batch import (
    D_COLUMNS,
    D_LENGTH,
    D_OFFSET,
    D_WIRE_LENGTH,
    F_CUT,
    F_WHOLE,
    M_BODY_LEN,
    M_COLUMNS,
    M_CONTENT_LENGTH,
    M_CSEQ,
    M_CSEQ_METHOD,
    M_DEFECTS,
    M_EXPIRES,
    M_FLAGS,
    M_ISUP_CAUSE,
    M_LENGTH,
    M_MAX_FORWARDS,
    M_METHOD,
    M_REASON_LOCATION,
    M_REASON_Q850,
    M_REASON_SIP,
    M_RETRY_AFTER,
    M_SESSION_EXPIRES,
    M_START,
    M_STATUS,
    M_VENDOR_CAUSE,
    M_VIA_COUNT,
    METHOD_UNLISTED,
    MISSING,
    S_COLUMNS,
    S_METHOD,
    S_REASON_PHRASE,
    S_REQUEST_URI,
    X_BAD_CONTENT_LENGTH,
    X_CONTENT_LENGTH_LONG,
    X_CONTENT_LENGTH_SHORT,
    X_LF_ONLY,
    X_LOW_STATUS,
    X_NO_CALL_ID,
    X_NO_CSEQ,
    X_NO_FROM,
    X_NO_TO,
    X_NO_VIA,
    X_NOT_UTF8,
    Ints,
    Octets,
    Spans,
)
from analyzer.jit import allocating, inlined
from analyzer.sip.field_kernels import (
    method_number,
    read_fields,
)
from analyzer.sip.leg_kernels import read_nat, read_origin
from analyzer.sip.scan_kernels import (
    CR,
    HIGH_BITS,
    LF_WORD,
    NO_TOKEN_CLASS,
    find,
    is_utf8,
    scan,
    skip_blanks,
    trim_end,
    word_at,
    word_of,
)
from analyzer.sip.span_kernels import (
    ABSTAINED,
    FIELDS,
    H_CALL_ID,
    H_CONTENT_LENGTH,
    H_CSEQ,
    H_FROM,
    H_TO,
    HAS_HIGH_OCTET,
    SECTION_CUT,
    SECTION_END,
    header_spans,
)
from analyzer.sip.start_kernels import leading_line_ends

_MANDATORY = np.array([(H_CALL_ID, X_NO_CALL_ID), (H_CSEQ, X_NO_CSEQ), (H_FROM, X_NO_FROM), (H_TO, X_NO_TO)])
_STATUS_LINE = word_of(b"SIP/2.0 ")


@allocating
def read_rows(octets: Octets, rows: Ints, maker_names: Octets, numbers: Ints, spans: Spans) -> int:
    """Fill ``numbers`` and ``spans`` for every datagram of ``rows``; each must begin a SIP message.

    Returns how many rows need Python: those that got F_WHOLE, and those with a method that is not listed.
    """
    fields = np.zeros(FIELDS, dtype=np.int64)
    unfinished = 0
    for row in range(len(rows)):
        for column in range(D_COLUMNS):
            numbers[row, column] = rows[row, column]
        _clear(numbers, spans, row)
        start = rows[row, D_OFFSET]
        end = start + rows[row, D_LENGTH]
        wire_end = start + rows[row, D_WIRE_LENGTH]
        is_cut = wire_end > end
        if not is_cut:
            wire_end = end
        start += leading_line_ends(octets, start, end)
        numbers[row, M_START] = start
        numbers[row, M_LENGTH] = end - start
        if is_cut:
            numbers[row, M_FLAGS] = F_CUT
        headers = _read_start_line(octets, start, end, is_cut, numbers, spans, row)
        result = header_spans(octets, headers, end, is_cut, fields, maker_names, numbers, spans, row)
        if (
            result == ABSTAINED
            or not read_fields(octets, fields, numbers, spans, row)
            or not read_nat(octets, numbers, spans, row)
        ):
            numbers[row, M_FLAGS] = F_WHOLE
            unfinished += 1
            continue
        section_end = fields[SECTION_END]
        has_high_octet = fields[HAS_HIGH_OCTET] != 0 or _has_high_octet(octets, start, headers)
        if has_high_octet and not is_utf8(octets, start, section_end):
            numbers[row, M_DEFECTS] |= X_NOT_UTF8
        is_complete = result != SECTION_CUT
        if is_complete:
            _note_missing(fields, numbers, row)
        _measure_body(fields, section_end, end, wire_end, is_complete, numbers, row)
        read_origin(octets, section_end, numbers, spans, row)
        if numbers[row, M_METHOD] == METHOD_UNLISTED or numbers[row, M_CSEQ_METHOD] == METHOD_UNLISTED:
            unfinished += 1
    return unfinished


@inlined
def _clear(numbers: Ints, spans: Spans, row: int) -> None:
    """Columns that most messages leave alone."""
    for column in range(D_COLUMNS, M_COLUMNS):
        numbers[row, column] = 0
    for column in (
        M_CSEQ, M_REASON_Q850, M_REASON_SIP, M_VENDOR_CAUSE, M_ISUP_CAUSE, M_RETRY_AFTER, M_EXPIRES,
        M_MAX_FORWARDS, M_CONTENT_LENGTH, M_SESSION_EXPIRES,
    ):  # fmt: skip
        numbers[row, column] = MISSING
    numbers[row, M_REASON_LOCATION] = -1
    for column in range(S_COLUMNS):
        spans[row, column, 0] = 0
        spans[row, column, 1] = -1


@inlined
def _read_start_line(
    octets: Octets, start: int, end: int, is_cut: bool, numbers: Ints, spans: Spans, row: int
) -> int:
    """Method and Request-URI, or status code and phrase; returns where the header fields begin."""
    line_feed = find(octets, start, end, LF_WORD)
    line_end = line_feed
    if line_end > start and octets[line_end - 1] == CR:
        line_end -= 1
    elif line_feed < end:
        numbers[row, M_DEFECTS] |= X_LF_ONLY
    if word_at(octets, start) == _STATUS_LINE:
        code = start + 8
        status = (
            100 * (int(octets[code]) - 48) + 10 * (int(octets[code + 1]) - 48) + int(octets[code + 2]) - 48
        )
        numbers[row, M_STATUS] = status
        if status < 100:
            numbers[row, M_DEFECTS] |= X_LOW_STATUS
        if line_feed < end or not is_cut:  # half a phrase is none
            phrase = skip_blanks(octets, code + 3, line_end)
            phrase_end = trim_end(octets, phrase, line_end)
            if phrase_end > phrase:
                spans[row, S_REASON_PHRASE, 0] = phrase
                spans[row, S_REASON_PHRASE, 1] = phrase_end - phrase
    else:
        space = scan(octets, start, line_end, NO_TOKEN_CLASS)
        numbers[row, M_METHOD] = method_number(octets, start, space)
        spans[row, S_METHOD, 0] = start
        spans[row, S_METHOD, 1] = space - start
        spans[row, S_REQUEST_URI, 0] = space + 1
        spans[row, S_REQUEST_URI, 1] = line_end - 8 - (space + 1)
    return line_feed + 1 if line_feed < end else end


@inlined
def _has_high_octet(octets: Octets, at: int, end: int) -> bool:
    """Whether an octet beyond ASCII stands there or, because words are read, shortly behind."""
    high = word_at(octets, at)
    while at < end:
        high |= word_at(octets, at)
        at += 8
    return bool(high & HIGH_BITS != 0)


@inlined
def _note_missing(fields: Ints, numbers: Ints, row: int) -> None:
    """X_* bits about mandatory header fields."""
    defects = X_NO_VIA if numbers[row, M_VIA_COUNT] == 0 else 0
    for place in range(len(_MANDATORY)):
        field = _MANDATORY[place, 0]
        if fields[2 * field + 1] <= fields[2 * field]:
            defects |= _MANDATORY[place, 1]
    numbers[row, M_DEFECTS] |= defects


@inlined
def _measure_body(
    fields: Ints, body: int, end: int, wire_end: int, is_complete: bool, numbers: Ints, row: int
) -> None:
    """Octets of the body, and what is wrong with Content-Length."""
    length = end - body
    declared = numbers[row, M_CONTENT_LENGTH]
    if declared != MISSING:
        if declared < length:
            length = declared
        if is_complete and declared > wire_end - body:
            numbers[row, M_DEFECTS] |= X_CONTENT_LENGTH_LONG
        elif is_complete and declared < wire_end - body:
            numbers[row, M_DEFECTS] |= X_CONTENT_LENGTH_SHORT
    elif fields[2 * H_CONTENT_LENGTH + 1] > fields[2 * H_CONTENT_LENGTH]:
        numbers[row, M_DEFECTS] |= X_BAD_CONTENT_LENGTH
    numbers[row, M_BODY_LEN] = length
