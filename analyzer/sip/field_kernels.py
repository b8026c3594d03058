"""What the columns need of single header fields: URIs, tags, branch, CSeq, numbers.

Each function reads spans that `span_kernels` noted and fills columns of the message's row; one that may
abstain returns False for it. `message` beside this file defines the columns, `address` and `via` the
forms.
"""

from __future__ import annotations

import numpy as np

from analyzer.batch import (
    F_COOKIE,
    F_HAS_SDP,
    M_CSEQ,
    M_CSEQ_METHOD,
    M_DEFECTS,
    M_EXPIRES,
    M_FLAGS,
    METHOD_UNLISTED,
    METHODS,
    MISSING,
    S_BRANCH,
    S_CONTACT_URI,
    S_CONTENT_TYPE,
    S_SENT_BY,
    X_BAD_CSEQ,
    Ints,
    Octets,
    Spans,
)
from analyzer.jit import inlined, kernel
from analyzer.sip.scan_kernels import (
    ABSTAIN,
    COMMA,
    GREATER,
    GREATER_WORD,
    LESS,
    QUOTE,
    QUOTE_WORD,
    SEMICOLON,
    SEMICOLON_WORD,
    digits_end,
    find_either,
    find_parameter,
    is_blank,
    is_text,
    letters_of,
    number,
    quoted_end,
    skip_blanks,
    trim_end,
    word_at,
    word_of,
)
from analyzer.sip.start_kernels import IS_TOKEN

_TAG, _TAG_LETTERS = word_of(b"tag"), letters_of(b"tag")
_BRANCH, _BRANCH_LETTERS = word_of(b"branch"), letters_of(b"branch")
_EXPIRES, _EXPIRES_LETTERS = word_of(b"expires"), letters_of(b"expires")
_COOKIE, _COOKIE_LETTERS = word_of(b"z9hg4bk"), letters_of(b"z9hg4bk")
_SIP_SLASH = word_of(b"SIP/2.0/")
_SEVEN_OCTETS = word_of(b"\xff" * 7)


def _text(text: bytes) -> Octets:
    return np.frombuffer(text, dtype=np.uint8)


_SDP, _ISUP, _MULTIPART = _text(b"application/sdp"), _text(b"application/isup"), _text(b"multipart/")

_METHOD_LENGTHS = np.array([len(name) for name in METHODS])
_METHOD_WORDS = np.array([word_of(name.encode("ascii")) for name in METHODS], dtype=np.uint64)
_METHOD_NINTHS = np.array([ord(name[8:9] or "\0") for name in METHODS])
_METHOD_COUNT = len(METHODS)
_MASKS = np.array([word_of(b"\xff" * length) for length in range(9)], dtype=np.uint64)


@inlined
def set_span(spans: Spans, row: int, column: int, start: int, stop: int) -> None:
    """A text column: an empty text counts as missing."""
    is_there = stop > start
    spans[row, column, 0] = start if is_there else 0
    spans[row, column, 1] = stop - start if is_there else -1


@kernel
def method_number(octets: Octets, at: int, end: int) -> int:
    """The number of a method token; METHOD_UNLISTED when it is none of METHODS."""
    length = end - at
    if length < 10:
        word = word_at(octets, at) & _MASKS[min(length, 8)]
        for method in range(1, _METHOD_COUNT):
            is_it = word == _METHOD_WORDS[method] and length == _METHOD_LENGTHS[method]
            if is_it and (length < 9 or octets[at + 8] == _METHOD_NINTHS[method]):
                return method
    return METHOD_UNLISTED


@kernel
def read_address(
    octets: Octets, at: int, end: int, in_list: bool, spans: Spans, row: int, column: int
) -> int:
    """The URI of an address; returns where its parameters begin (a semicolon or ``end``), or ABSTAIN."""
    start = at
    while at < end:
        octet = octets[at]
        if octet == LESS or octet == SEMICOLON or (in_list and octet == COMMA):
            break
        if octet == QUOTE:
            at = quoted_end(octets, at + 1, end)
            if at < 0:
                return at
        else:
            at += 1
    stop = at
    if at < end and octets[at] == LESS:
        start = at + 1
        stop = find_either(octets, start, end, GREATER_WORD, QUOTE_WORD)
        if stop == end or octets[stop] != GREATER:
            return ABSTAIN
        at = stop + 1
        while at < end and octets[at] != SEMICOLON and not (in_list and octets[at] == COMMA):
            if octets[at] == QUOTE:
                return ABSTAIN
            at += 1
    start = skip_blanks(octets, start, stop)
    set_span(spans, row, column, start, trim_end(octets, start, stop))
    return at


@kernel
def read_tagged(
    octets: Octets, at: int, end: int, spans: Spans, row: int, uri_column: int, tag_column: int
) -> bool:
    """URI and tag of From or To."""
    at = read_address(octets, at, end, False, spans, row, uri_column)
    if at < 0:
        return False
    start, stop = find_parameter(octets, at, end, False, _TAG_LETTERS, _TAG, 3)
    set_span(spans, row, tag_column, start, stop)
    return start != ABSTAIN


@kernel
def read_contact(octets: Octets, at: int, end: int, numbers: Ints, spans: Spans, row: int) -> bool:
    """URI of the first Contact, and its expires parameter where Expires said nothing."""
    at = read_address(octets, at, end, True, spans, row, S_CONTACT_URI)
    if at < 0:
        return False
    if numbers[row, M_EXPIRES] == MISSING:
        start, stop = find_parameter(octets, at, end, True, _EXPIRES_LETTERS, _EXPIRES, 7)
        if start == ABSTAIN:
            return False
        set_number(octets, start, stop, numbers, row, M_EXPIRES)
    return True


@inlined
def set_number(octets: Octets, at: int, end: int, numbers: Ints, row: int, column: int) -> None:
    """A number column; what is no number leaves it as it is."""
    value = number(octets, at, end)
    if value >= 0:
        numbers[row, column] = value


@kernel
def read_top_via(octets: Octets, at: int, end: int, numbers: Ints, spans: Spans, row: int) -> bool:
    """Sent-by and branch of the first Via value, which must be ``SIP/2.0/transport sent-by;...``."""
    if end - at < 8 or word_at(octets, at) != _SIP_SLASH:
        return False
    at += 8
    while at < end and IS_TOKEN[octets[at]]:
        at += 1
    start = skip_blanks(octets, at, end)
    if start == at:
        return False
    at = start
    while at < end and octets[at] != SEMICOLON and octets[at] != COMMA:
        if octets[at] == QUOTE:
            return False
        at += 1
    stop = trim_end(octets, start, at)
    for place in range(start, stop):
        if is_blank(octets[place]):
            return False
    if stop == start:
        return False
    set_span(spans, row, S_SENT_BY, start, stop)
    start, stop = find_parameter(octets, at, end, True, _BRANCH_LETTERS, _BRANCH, 6)
    set_span(spans, row, S_BRANCH, start, stop)
    if stop - start >= 7 and (word_at(octets, start) | _COOKIE_LETTERS) & _SEVEN_OCTETS == _COOKIE:
        numbers[row, M_FLAGS] |= F_COOKIE
    return start != ABSTAIN


@kernel
def read_cseq(octets: Octets, at: int, end: int, numbers: Ints, row: int) -> tuple[int, int]:
    """CSeq number and method number; returns the span of the method, (0, 0) for what is not "number method"."""
    digits = digits_end(octets, at, end)
    start = skip_blanks(octets, digits, end)
    stop = start
    while stop < end and IS_TOKEN[octets[stop]]:
        stop += 1
    value = number(octets, at, digits)
    if value < 0 or start == digits or stop < end or stop == start:
        numbers[row, M_DEFECTS] |= X_BAD_CSEQ
        return 0, 0
    numbers[row, M_CSEQ] = value
    numbers[row, M_CSEQ_METHOD] = method_number(octets, start, stop)
    return start, stop


@kernel
def read_content_type(octets: Octets, at: int, end: int, numbers: Ints, spans: Spans, row: int) -> bool:
    """Content-Type without parameters; abstains where ISUP or several parts have to be looked into."""
    stop = find_either(octets, at, end, SEMICOLON_WORD, QUOTE_WORD)
    if stop < end and octets[stop] == QUOTE:
        return False
    stop = trim_end(octets, at, stop)
    if is_text(octets, at, stop, _SDP):
        numbers[row, M_FLAGS] |= F_HAS_SDP
    elif is_text(octets, at, stop, _ISUP) or (stop - at >= 10 and is_text(octets, at, at + 10, _MULTIPART)):
        return False
    set_span(spans, row, S_CONTENT_TYPE, at, stop)
    return True
