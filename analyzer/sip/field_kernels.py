"""What the columns need of single header fields: URIs, tags, branch, CSeq, numbers.

The spans that `span_kernels` noted become columns of the message's row. `message` beside this file defines the
columns, `address` and `via` the forms. Columns that are read alike stand in tables, because numba compiles a function
anew for every constant that it is called with.
"""

from __future__ import annotations

import numpy as np

from analyzer.batch import (
    F_COOKIE,
    F_HAS_SDP,
    M_CONTENT_LENGTH,
    M_CSEQ,
    M_CSEQ_METHOD,
    M_DEFECTS,
    M_EXPIRES,
    M_FLAGS,
    M_MAX_FORWARDS,
    M_METHOD,
    M_RETRY_AFTER,
    M_RSEQ,
    M_SESSION_EXPIRES,
    M_WARNING,
    METHOD_UNLISTED,
    METHODS,
    MISSING,
    S_AGENT,
    S_BRANCH,
    S_CALL_ID,
    S_CONTACT_URI,
    S_CONTENT_TYPE,
    S_FROM_TAG,
    S_FROM_URI,
    S_METHOD,
    S_REASON,
    S_SENT_BY,
    S_SESSION_ID,
    S_TO_TAG,
    S_TO_URI,
    S_WARNING,
    X_BAD_CSEQ,
    X_CSEQ_MISMATCH,
    Ints,
    Octets,
    Spans,
)
from analyzer.jit import inlined, kernel
from analyzer.sip.scan_kernels import (
    ABSTAIN,
    BLANK_CLASS,
    COMMA_CLASS,
    GREATER,
    GREATER_WORD,
    LESS,
    LESS_CLASS,
    NO_TOKEN_CLASS,
    P_BRANCH,
    P_EXPIRES,
    P_TAG,
    QUOTE,
    QUOTE_CLASS,
    QUOTE_WORD,
    SEMICOLON,
    SEMICOLON_CLASS,
    SEMICOLON_WORD,
    digits_end,
    find_delimiter,
    find_either,
    find_parameter,
    is_text,
    leading_number,
    letters_of,
    number,
    octet_at,
    quoted_end,
    scan,
    skip_blanks,
    trim_end,
    word_at,
    word_of,
)
from analyzer.sip.span_kernels import (
    H_CALL_ID,
    H_CONTACT,
    H_CONTENT_LENGTH,
    H_CONTENT_TYPE,
    H_CSEQ,
    H_EXPIRES,
    H_FROM,
    H_MAX_FORWARDS,
    H_REASON,
    H_RETRY_AFTER,
    H_RSEQ,
    H_SERVER,
    H_SESSION_EXPIRES,
    H_SESSION_ID,
    H_TO,
    H_USER_AGENT,
    H_VIA,
    H_WARNING,
)

#: Columns that are a field's value as it stands: field, column; of two fields for a column the latter wins.
_TEXTS = np.array(
    [
        (H_CALL_ID, S_CALL_ID), (H_REASON, S_REASON), (H_SESSION_ID, S_SESSION_ID), (H_WARNING, S_WARNING),
        (H_SERVER, S_AGENT), (H_USER_AGENT, S_AGENT),
    ]
)
#: Columns that are a field's value as a number, and those that are the number it begins with.
_NUMBERS = np.array(
    [
        (H_MAX_FORWARDS, M_MAX_FORWARDS), (H_CONTENT_LENGTH, M_CONTENT_LENGTH), (H_EXPIRES, M_EXPIRES),
        (H_RSEQ, M_RSEQ),
    ]
)  # fmt: skip
_LEADING_NUMBERS = np.array(
    [(H_WARNING, M_WARNING), (H_RETRY_AFTER, M_RETRY_AFTER), (H_SESSION_EXPIRES, M_SESSION_EXPIRES)]
)
#: Fields that are addresses: field, column of the URI, parameter, column of its text (-1: it is M_EXPIRES).
_ADDRESSES = np.array(
    [
        (H_FROM, S_FROM_URI, P_TAG, S_FROM_TAG),
        (H_TO, S_TO_URI, P_TAG, S_TO_TAG),
        (H_CONTACT, S_CONTACT_URI, P_EXPIRES, -1),
    ]
)
#: For each of them what ends its display name or its addr-spec.
_ADDRESS = LESS_CLASS | SEMICOLON_CLASS | QUOTE_CLASS
_ADDRESS_STOPS = np.array([_ADDRESS, _ADDRESS, _ADDRESS | COMMA_CLASS])

_SENT_BY_STOPS = SEMICOLON_CLASS | COMMA_CLASS | QUOTE_CLASS | BLANK_CLASS
_SIP_SLASH = word_of(b"SIP/2.0/")
_COOKIE, _COOKIE_LETTERS = word_of(b"z9hg4bk"), letters_of(b"z9hg4bk")

_SEVEN = word_of(b"\xff" * 7)
_SDP, _SDP_LETTERS = word_of(b"applicat"), letters_of(b"applicat")
_SDP_REST, _SDP_REST_LETTERS = word_of(b"ion/sdp"), letters_of(b"ion/sdp")
_ISUP, _MULTIPART = (np.frombuffer(text, dtype=np.uint8) for text in (b"application/isup", b"multipart/"))

_METHOD_LENGTHS = np.array([len(name) for name in METHODS])
_METHOD_WORDS = np.array([word_of(name.encode("ascii")) for name in METHODS])
_METHOD_NINTHS = np.array([ord(name[8:9] or "\0") for name in METHODS])
_METHOD_COUNT = len(METHODS)
_MASKS = np.array([word_of(b"\xff" * length) for length in range(9)])


@kernel
def method_number(octets: Octets, at: int, end: int) -> int:
    """The number of a method token; METHOD_UNLISTED when it is none of METHODS."""
    length = end - at
    if length < 10:
        word = word_at(octets, at) & _MASKS[length if length < 8 else 8]
        for method in range(1, _METHOD_COUNT):
            is_it = word == _METHOD_WORDS[method] and length == _METHOD_LENGTHS[method]
            if is_it and (length < 9 or octets[at + 8] == _METHOD_NINTHS[method]):
                return method
    return METHOD_UNLISTED


@inlined
def read_fields(octets: Octets, fields: Ints, numbers: Ints, spans: Spans, row: int) -> bool:
    """The columns of fields that count once, from their spans; False when one has to be judged whole."""
    for place in range(len(_TEXTS)):
        field = _TEXTS[place, 0]
        length = fields[2 * field + 1] - fields[2 * field]
        if length > 0:
            spans[row, _TEXTS[place, 1], 0] = fields[2 * field]
            spans[row, _TEXTS[place, 1], 1] = length
    for place in range(len(_NUMBERS)):
        field = _NUMBERS[place, 0]
        if fields[2 * field] >= 0:
            value = number(octets, fields[2 * field], fields[2 * field + 1])
            if value >= 0:
                numbers[row, _NUMBERS[place, 1]] = value
    for place in range(len(_LEADING_NUMBERS)):
        field = _LEADING_NUMBERS[place, 0]
        if fields[2 * field] >= 0:
            value = leading_number(octets, fields[2 * field], fields[2 * field + 1])
            if value >= 0:
                numbers[row, _LEADING_NUMBERS[place, 1]] = value
    if numbers[row, M_WARNING] < 100 or numbers[row, M_WARNING] > 999:
        numbers[row, M_WARNING] = 0
    return (
        _read_addresses(octets, fields, numbers, spans, row)
        and _read_top_via(octets, fields[2 * H_VIA], fields[2 * H_VIA + 1], numbers, spans, row)
        and _read_cseq(octets, fields[2 * H_CSEQ], fields[2 * H_CSEQ + 1], numbers, spans, row)
        and _read_content_type(
            octets, fields[2 * H_CONTENT_TYPE], fields[2 * H_CONTENT_TYPE + 1], numbers, spans, row
        )
    )


@inlined
def _read_addresses(octets: Octets, fields: Ints, numbers: Ints, spans: Spans, row: int) -> bool:
    """URIs of From, To and the first Contact, their tags, and expires of Contact where Expires said nothing."""
    for place in range(len(_ADDRESSES)):
        field = _ADDRESSES[place, 0]
        at, end = fields[2 * field], fields[2 * field + 1]
        if at < 0:
            continue
        # The display name, or an addr-spec without angle brackets.
        start = at
        while True:
            at = scan(octets, at, end, _ADDRESS_STOPS[place])
            if at >= end or octet_at(octets, at) != QUOTE:
                break
            at = quoted_end(octets, at + 1, end)
            if at < 0:
                return False
        stop = at
        if at < end and octet_at(octets, at) == LESS:
            start = at + 1
            stop = find_either(octets, start, end, GREATER_WORD, QUOTE_WORD)
            if stop == end or octet_at(octets, stop) != GREATER:
                return False
            at = stop + 1
            if at < end and octet_at(octets, at) != SEMICOLON:
                at = find_delimiter(octets, at, end)
                if at < end and octet_at(octets, at) != SEMICOLON and (field != H_CONTACT or octets[at] == QUOTE):
                    return False
        start = skip_blanks(octets, start, stop)
        stop = trim_end(octets, start, stop)
        if stop > start:
            spans[row, _ADDRESSES[place, 1], 0] = start
            spans[row, _ADDRESSES[place, 1], 1] = stop - start
        column = _ADDRESSES[place, 3]
        if column < 0 and numbers[row, M_EXPIRES] != MISSING:
            continue
        start, stop = find_parameter(octets, at, end, field == H_CONTACT, _ADDRESSES[place, 2])
        if start == ABSTAIN:
            return False
        if column >= 0:
            if stop > start:
                spans[row, column, 0] = start
                spans[row, column, 1] = stop - start
        else:
            value = number(octets, start, stop)
            if value >= 0:
                numbers[row, M_EXPIRES] = value
    return True


@inlined
def _read_top_via(octets: Octets, at: int, end: int, numbers: Ints, spans: Spans, row: int) -> bool:
    """Sent-by and branch of the first Via value, which must be ``SIP/2.0/transport sent-by;...``."""
    if at < 0:
        return True
    if end - at < 8 or word_at(octets, at) != _SIP_SLASH:
        return False
    at = scan(octets, at + 8, end, NO_TOKEN_CLASS)
    start = skip_blanks(octets, at, end)
    if start == at:
        return False
    stop = scan(octets, start, end, _SENT_BY_STOPS)
    at = skip_blanks(octets, stop, end)
    if stop == start or (at < end and octets[at] != SEMICOLON and octets[at] != 44):
        return False  # a quote, or blanks within
    spans[row, S_SENT_BY, 0] = start
    spans[row, S_SENT_BY, 1] = stop - start
    start, stop = find_parameter(octets, at, end, True, P_BRANCH)
    if stop > start:
        spans[row, S_BRANCH, 0] = start
        spans[row, S_BRANCH, 1] = stop - start
    if stop - start >= 7 and (word_at(octets, start) | _COOKIE_LETTERS) & _SEVEN == _COOKIE:
        numbers[row, M_FLAGS] |= F_COOKIE
    return bool(start != ABSTAIN)


@inlined
def _read_cseq(octets: Octets, at: int, end: int, numbers: Ints, spans: Spans, row: int) -> bool:
    """CSeq, beside the method of a request; abstains where a second unlisted method would need its own text."""
    if at < 0 or at == end:
        return True
    digits = digits_end(octets, at, end)
    start = skip_blanks(octets, digits, end)
    stop = scan(octets, start, end, NO_TOKEN_CLASS)
    value = number(octets, at, digits)
    if value < 0 or start == digits or stop < end or stop == start:
        numbers[row, M_DEFECTS] |= X_BAD_CSEQ
        return True
    method = method_number(octets, start, stop)
    numbers[row, M_CSEQ] = value
    numbers[row, M_CSEQ_METHOD] = method
    if numbers[row, M_METHOD] == 0:
        spans[row, S_METHOD, 0] = start
        spans[row, S_METHOD, 1] = stop - start
        return True
    is_same = method == numbers[row, M_METHOD]
    if is_same and method == METHOD_UNLISTED:
        own, length = spans[row, S_METHOD, 0], spans[row, S_METHOD, 1]
        is_same = length == stop - start
        for place in range(length if is_same else 0):
            is_same = is_same and octets[own + place] == octets[start + place]
    if is_same:
        return True
    numbers[row, M_DEFECTS] |= X_CSEQ_MISMATCH
    return bool(method != METHOD_UNLISTED)


@inlined
def _read_content_type(octets: Octets, at: int, end: int, numbers: Ints, spans: Spans, row: int) -> bool:
    """Content-Type without parameters; abstains where ISUP or several parts have to be looked into."""
    if at < 0:
        return True
    stop = find_either(octets, at, end, SEMICOLON_WORD, QUOTE_WORD)
    if stop < end and octets[stop] == QUOTE:
        return False
    stop = trim_end(octets, at, stop)
    is_sdp = (
        stop - at == 15
        and word_at(octets, at) | _SDP_LETTERS == _SDP
        and (word_at(octets, at + 8) | _SDP_REST_LETTERS) & _SEVEN == _SDP_REST
    )
    if is_sdp:
        numbers[row, M_FLAGS] |= F_HAS_SDP
    elif is_text(octets, at, stop, _ISUP) or (stop - at >= 10 and is_text(octets, at, at + 10, _MULTIPART)):
        return False
    if stop > at:
        spans[row, S_CONTENT_TYPE, 0] = at
        spans[row, S_CONTENT_TYPE, 1] = stop - at
    return True
