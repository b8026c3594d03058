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
from analyzer.jit import inlined, kernel
from analyzer.sip.field_kernels import (
    method_number,
    read_fields,
    set_span,
)
from analyzer.sip.scan_kernels import (
    CR,
    LF_WORD,
    SPACE,
    find,
    is_utf8,
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

_STATUS_LINE = word_of(b"SIP/2.0 ")


@kernel
def read_rows(octets: Octets, rows: Ints, cause_names: Octets, numbers: Ints, spans: Spans) -> int:
    """Fill ``numbers`` and ``spans`` for every datagram of ``rows``; each must begin a SIP message.

    Returns how many rows need Python: those that got F_WHOLE, and those with a method that is not listed.
    """
    fields = np.zeros(FIELDS, dtype=np.int64)
    unfinished = 0
    for row in range(len(rows)):
        for column in range(D_COLUMNS):
            numbers[row, column] = rows[row, column]
        if not read_message(octets, fields, cause_names, numbers, spans, row):
            numbers[row, M_FLAGS] = F_WHOLE
            unfinished += 1
        elif numbers[row, M_METHOD] == METHOD_UNLISTED or numbers[row, M_CSEQ_METHOD] == METHOD_UNLISTED:
            unfinished += 1
    return unfinished


@kernel
def read_message(
    octets: Octets, fields: Ints, cause_names: Octets, numbers: Ints, spans: Spans, row: int
) -> bool:
    """One message into its row, whose datagram columns are there already; False when kernels abstain."""
    _clear(numbers, spans, row)
    end = numbers[row, D_OFFSET] + numbers[row, D_LENGTH]
    wire_end = numbers[row, D_OFFSET] + max(numbers[row, D_WIRE_LENGTH], numbers[row, D_LENGTH])
    is_cut = wire_end > end
    start = numbers[row, D_OFFSET]
    start += leading_line_ends(octets, start, end)
    numbers[row, M_START] = start
    numbers[row, M_LENGTH] = end - start
    if is_cut:
        numbers[row, M_FLAGS] |= F_CUT
    headers = _read_start_line(octets, start, end, is_cut, numbers, spans, row)
    result = header_spans(octets, headers, end, is_cut, fields, cause_names, numbers, row)
    if result == ABSTAINED:
        return False
    section_end = fields[SECTION_END]
    has_high_octet = fields[HAS_HIGH_OCTET] != 0 or _has_high_octet(octets, start, headers)
    if has_high_octet and not is_utf8(octets, start, section_end):
        numbers[row, M_DEFECTS] |= X_NOT_UTF8
    if not read_fields(octets, fields, numbers, spans, row):
        return False
    if result != SECTION_CUT:
        _note_missing(fields, numbers, row)
    _measure_body(octets, fields, section_end, end, wire_end, result != SECTION_CUT, numbers, row)
    return True


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


@kernel
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
            set_span(spans, row, S_REASON_PHRASE, phrase, trim_end(octets, phrase, line_end))
    else:
        space = start
        while space < line_end and octets[space] != SPACE:
            space += 1
        numbers[row, M_METHOD] = method_number(octets, start, space)
        set_span(spans, row, S_METHOD, start, space)
        set_span(spans, row, S_REQUEST_URI, space + 1, line_end - 8)
    return min(line_feed + 1, end)


@inlined
def _has_high_octet(octets: Octets, at: int, end: int) -> bool:
    """Whether the start line has an octet beyond ASCII."""
    while at < end:
        if octets[at] >= 0x80:
            return True
        at += 1
    return False


@inlined
def _is_missing(fields: Ints, field: int) -> bool:
    """Absent or empty."""
    return bool(fields[2 * field] < 0 or fields[2 * field + 1] <= fields[2 * field])


@inlined
def _note_missing(fields: Ints, numbers: Ints, row: int) -> None:
    """X_* bits about mandatory header fields."""
    defects = 0
    if _is_missing(fields, H_CALL_ID):
        defects |= X_NO_CALL_ID
    if _is_missing(fields, H_CSEQ):
        defects |= X_NO_CSEQ
    if _is_missing(fields, H_FROM):
        defects |= X_NO_FROM
    if _is_missing(fields, H_TO):
        defects |= X_NO_TO
    if numbers[row, M_VIA_COUNT] == 0:
        defects |= X_NO_VIA
    numbers[row, M_DEFECTS] |= defects


@inlined
def _measure_body(
    octets: Octets,
    fields: Ints,
    body: int,
    end: int,
    wire_end: int,
    is_complete: bool,
    numbers: Ints,
    row: int,
) -> None:
    """Octets of the body, and what is wrong with Content-Length."""
    length = end - body
    declared = numbers[row, M_CONTENT_LENGTH]
    if declared != MISSING:
        length = min(length, declared)
        if is_complete and declared > wire_end - body:
            numbers[row, M_DEFECTS] |= X_CONTENT_LENGTH_LONG
        elif is_complete and declared < wire_end - body:
            numbers[row, M_DEFECTS] |= X_CONTENT_LENGTH_SHORT
    elif not _is_missing(fields, H_CONTENT_LENGTH):
        numbers[row, M_DEFECTS] |= X_BAD_CONTENT_LENGTH
    numbers[row, M_BODY_LEN] = length
