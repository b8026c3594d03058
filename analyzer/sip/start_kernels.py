"""Is there a SIP message in these octets? The text content test that every datagram goes through.

A message begins, after leading line ends, with a status line ``SIP/2.0 ddd`` followed by a space or the
line's end, or with a request line ``METHOD SP URI SP SIP/2.0``; behind it comes a header line, an empty
line, or nothing more. So HTTP, RTSP, DNS or a text that merely contains ``SIP/2.0`` are never taken for
SIP. Octets that were meant as a SIP start line and are none (``SIP/7.0``, a status code of four digits,
two spaces) are told apart: they are worth an issue, not silence. `analyzer.sip.parse` says the same in
Python; a property test holds the two equal.

Plan: most datagrams of a capture are media, whose first octet has its top bit set (RFC 3550 §5.1), so
that one comparison, melted into the caller's loop, sends them away. The rest is never inlined. Each octet
is looked at a bounded number of times, and nothing beyond the first header name is read.
"""

from __future__ import annotations

import numpy as np

from analyzer.batch import Octets
from analyzer.jit import inlined, kernel

NOT_SIP = 0
SIP_MESSAGE = 1
BROKEN_START_LINE = 2  # meant as SIP, but no message: issue sip.bad_start_line

#: The shortest start lines, ``SIP/2.0 200`` and ``A b SIP/2.0``, have eleven octets.
SHORTEST = 11

_TAB, _LF, _CR, _SPACE, _DOT, _SLASH, _COLON = 9, 10, 13, 32, 46, 47, 58

#: token = 1*(alphanum / "-" / "." / "!" / "%" / "*" / "_" / "+" / "`" / "'" / "~"), RFC 3261 §25.1
IS_TOKEN = np.zeros(256, dtype=np.bool_)
for _octet in b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-.!%*_+`'~":
    IS_TOKEN[_octet] = True


@inlined
def start_line(octets: Octets, start: int, end: int, is_cut: bool) -> int:
    """What the payload ``octets[start:end]`` begins with: NOT_SIP, SIP_MESSAGE or BROKEN_START_LINE.

    ``is_cut`` says that the snaplen took octets from its end. Leading line ends are skipped (RFC 3261
    §7.5); `leading_line_ends` counts them.
    """
    if end - start < SHORTEST or octets[start] >= 0x7F or octets[start] < _LF:
        return NOT_SIP
    return begins_message(octets, start, end, is_cut)


@inlined
def leading_line_ends(octets: Octets, start: int, end: int) -> int:
    """How many CR and LF octets stand before the start line."""
    at = start
    while at < end and (octets[at] == _CR or octets[at] == _LF):
        at += 1
    return at - start


@kernel
def begins_message(octets: Octets, start: int, end: int, is_cut: bool) -> int:
    """`start_line` without its first test."""
    at = start + leading_line_ends(octets, start, end)
    if end - at < SHORTEST:
        return NOT_SIP
    if _is_word_sip(octets, at) and octets[at + 3] == _SLASH:
        return _status_line(octets, at, end, is_cut)
    return _request_line(octets, at, end, is_cut)


@inlined
def _is_word_sip(octets: Octets, at: int) -> bool:
    """The letters SIP in any case."""
    return bool((octets[at] | 32) == 115 and (octets[at + 1] | 32) == 105 and (octets[at + 2] | 32) == 112)


@inlined
def _is_version(octets: Octets, at: int) -> bool:
    """``SIP/2.0`` as it must be sent."""
    return bool(
        octets[at] == 83
        and octets[at + 1] == 73
        and octets[at + 2] == 80
        and octets[at + 3] == _SLASH
        and octets[at + 4] == 50
        and octets[at + 5] == _DOT
        and octets[at + 6] == 48
    )


@inlined
def _is_digit(octet: int) -> bool:
    return 48 <= octet <= 57


@inlined
def _is_blank(octet: int) -> bool:
    return octet == _SPACE or octet == _TAB


@inlined
def _line_feed(octets: Octets, at: int, end: int) -> int:
    """Where the next LF stands; ``end`` when there is none."""
    while at < end and octets[at] != _LF:
        at += 1
    return at


@kernel
def _status_line(octets: Octets, at: int, end: int, is_cut: bool) -> int:
    """Octets that begin with ``SIP/`` in any case."""
    code = at + 8
    if (
        _is_version(octets, at)
        and octets[at + 7] == _SPACE
        and _is_digit(octets[code])
        and _is_digit(octets[code + 1])
        and _is_digit(octets[code + 2])
    ):
        after = code + 3
        if after == end or octets[after] == _SPACE or _is_line_end(octets, after, end):
            return _behind_start_line(octets, _line_feed(octets, after, end) + 1, end, is_cut)
    # SIP/<digits and dots>, blanks, a digit: somebody meant a status line.
    at += 4
    while at < end and (_is_digit(octets[at]) or octets[at] == _DOT):
        at += 1
    number_end = at
    while at < end and _is_blank(octets[at]):
        at += 1
    return BROKEN_START_LINE if number_end < at < end and _is_digit(octets[at]) else NOT_SIP


@inlined
def _is_line_end(octets: Octets, at: int, end: int) -> bool:
    """CR LF or LF at ``at``; a CR that is the last octet counts."""
    return octets[at] == _LF or (octets[at] == _CR and (at + 1 == end or octets[at + 1] == _LF))


@kernel
def _behind_start_line(octets: Octets, at: int, end: int, is_cut: bool) -> int:
    """A header line (token, blanks, colon), an empty line or nothing must stand behind a start line."""
    if at >= end or _is_line_end(octets, at, end):
        return SIP_MESSAGE
    name = at
    while at < end and IS_TOKEN[octets[at]]:
        at += 1
    name_end = at
    while at < end and _is_blank(octets[at]):
        at += 1
    if at == end:
        return SIP_MESSAGE if is_cut else BROKEN_START_LINE
    return SIP_MESSAGE if name_end > name and octets[at] == _COLON else BROKEN_START_LINE


@kernel
def _request_line(octets: Octets, at: int, end: int, is_cut: bool) -> int:
    """Octets that begin with anything else."""
    method = at
    while at < end and IS_TOKEN[octets[at]]:
        at += 1
    if at == method or at == end or not _is_blank(octets[at]):
        return NOT_SIP
    method_end = at
    line_feed = _line_feed(octets, at, end)
    line_end = line_feed
    if octets[line_end - 1] == _CR:
        line_end -= 1
    version = line_end - 7
    if (
        octets[method_end] == _SPACE
        and version - 1 > method_end + 1
        and octets[version - 1] == _SPACE
        and _is_version(octets, version)
    ):
        at = method_end + 1
        while octets[at] > _SPACE:
            at += 1
        if at == version - 1:
            return _behind_start_line(octets, line_feed + 1, end, is_cut)
    if line_feed == end and is_cut:
        return NOT_SIP
    return BROKEN_START_LINE if _is_meant_as_request(octets, method_end, line_end) else NOT_SIP


@kernel
def _is_meant_as_request(octets: Octets, method_end: int, line_end: int) -> bool:
    """A scheme behind the method, and ``SIP/<digits and dots>`` as the last word of the line."""
    while line_end > method_end and _is_blank(octets[line_end - 1]):
        line_end -= 1
    at = line_end
    while at > method_end and (_is_digit(octets[at - 1]) or octets[at - 1] == _DOT):
        at -= 1
    word = at - 4
    if at == line_end or word <= method_end or octets[at - 1] != _SLASH or not _is_word_sip(octets, word):
        return False
    if not _is_blank(octets[word - 1]):
        return False
    at = method_end
    while at < word and _is_blank(octets[at]):
        at += 1
    scheme = at
    while at < word and IS_TOKEN[octets[at]]:
        at += 1
    # A colon behind digits is the time of day in a log line.
    return at > scheme and octets[at] == _COLON and not _is_digit(octets[scheme])
