"""The whole-message parser: slow, plain, and the definition of right for the kernels beside it.

`parse_message` takes the octets of one datagram and returns a `Message`, perhaps with defects, or raises
`ParseError`; any octets whatever lead to one of the two, in linear time.
"""

from __future__ import annotations

import re

from analyzer.batch import (
    X_BAD_CONTENT_LENGTH,
    X_BAD_CSEQ,
    X_CONTENT_LENGTH_LONG,
    X_CONTENT_LENGTH_SHORT,
    X_CSEQ_MISMATCH,
    X_LF_ONLY,
    X_LOW_STATUS,
    X_NO_CALL_ID,
    X_NO_CSEQ,
    X_NO_FROM,
    X_NO_TO,
    X_NO_VIA,
    X_NOT_UTF8,
)
from analyzer.sip.grammar import BLANKS, TOKEN, whole_number
from analyzer.sip.headers import HeaderSection, read_headers
from analyzer.sip.message import NO_CAUSE_HEADERS, CauseHeaders, Message, read_cseq
from analyzer.sip.via import via_count

#: `ParseError.code`: no SIP at all, and octets that were meant as a SIP start line.
NOT_SIP = "sip.not_sip"
BAD_START_LINE = "sip.bad_start_line"

# Request-Line = Method SP Request-URI SP SIP-Version; any octet that is no control character or blank
# may stand in the URI. Status-Line = SIP-Version SP Status-Code SP Reason-Phrase; stacks leave out the
# phrase and its space.
_REQUEST_LINE = re.compile(rb"(" + TOKEN + rb") ([^\x00-\x20]+) SIP/2\.0")
_STATUS_LINE = re.compile(rb"SIP/2\.0 ([0-9]{3})(?: (.*))?", re.DOTALL)
_HEADER_NAME = re.compile(TOKEN + rb"[ \t]*")

# What is called broken rather than not SIP: a version and a number, or a word, a scheme and a version
# at the end.
_MEANT_AS_STATUS_LINE = re.compile(rb"SIP/[0-9.]+[ \t]+[0-9]", re.IGNORECASE)
_MEANT_AS_REQUEST_LINE = re.compile(TOKEN + rb"[ \t]+(?![0-9])" + TOKEN + rb":", re.IGNORECASE)
_LAST_WORD_IS_VERSION = re.compile(rb"[ \t]SIP/[0-9.]+\Z", re.IGNORECASE)

#: The shortest start lines, ``SIP/2.0 200`` and ``A b SIP/2.0``.
_SHORTEST = 11


class ParseError(ValueError):
    """Octets that are no SIP message: NOT_SIP or BAD_START_LINE in ``code``, found at ``offset``."""

    def __init__(self, code: str, offset: int) -> None:
        super().__init__(f"{code} at octet {offset}")
        self.code = code
        self.offset = offset


def parse_message(
    octets: bytes, wire_length: int | None = None, cause_headers: CauseHeaders = NO_CAUSE_HEADERS
) -> Message:
    """The SIP message that a datagram holds, RFC 3261 §7.

    ``octets`` are those captured; ``wire_length`` tells how many were sent, where the snaplen cut the
    datagram. Octets behind the declared end of the body are discarded (§18.3). Raises `ParseError` for
    what is no SIP.
    """
    sent = len(octets) if wire_length is None else max(wire_length, len(octets))
    message = octets.lstrip(b"\r\n")
    line_ends = len(octets) - len(message)
    is_cut = sent > len(octets)
    if len(octets) < _SHORTEST or len(message) < _SHORTEST:
        raise ParseError(NOT_SIP, line_ends)
    line_feed = message.find(b"\n")
    line_end = len(message) if line_feed < 0 else line_feed
    line = message[:line_end].removesuffix(b"\r")
    request, status = _REQUEST_LINE.fullmatch(line), _STATUS_LINE.fullmatch(line)
    at = min(line_end + 1, len(message))
    if (request is None and status is None) or not _is_headers(message, at, is_cut):
        raise ParseError(_error_code(line, request or status, is_cut and line_feed < 0), line_ends)

    section = read_headers(message, at, is_cut)
    defects = section.defects
    if line_feed >= 0 and not message.startswith(b"\r", line_feed - 1):
        defects |= X_LF_ONLY
    try:
        message[: section.end].decode()
    except UnicodeDecodeError:
        defects |= X_NOT_UTF8
    method = request.group(1).decode("ascii") if request else None
    phrase = None
    if status:
        defects |= X_LOW_STATUS if int(status.group(1)) < 100 else 0
        if line_feed >= 0 or not is_cut:  # half a phrase is none
            phrase = (status.group(2) or b"").strip(BLANKS) or None
    sent_body = sent - line_ends - section.end
    return Message(
        octets=message,
        line_ends=line_ends,
        is_cut=is_cut,
        method=method,
        request_uri=request.group(2) if request else None,
        status_code=int(status.group(1)) if status else None,
        reason_phrase=phrase,
        headers=section.headers,
        body_start=section.end,
        body=_body(message, section),
        defect_bits=defects | _field_defects(section, method) | _length_defects(section, sent_body),
        cause_headers=cause_headers,
    )


def _error_code(line: bytes, start_line: re.Match[bytes] | None, is_cut_line: bool) -> str:
    """What to call a first line that begins no message."""
    if start_line is not None:
        return BAD_START_LINE  # a start line with no header field behind it
    if line[:4].upper() == b"SIP/":
        return BAD_START_LINE if _MEANT_AS_STATUS_LINE.match(line) else NOT_SIP
    if is_cut_line or not _LAST_WORD_IS_VERSION.search(line.rstrip(BLANKS)):
        return NOT_SIP
    return BAD_START_LINE if _MEANT_AS_REQUEST_LINE.match(line) else NOT_SIP


def _is_headers(message: bytes, at: int, is_cut: bool) -> bool:
    """Behind a start line stand a header line, an empty line, or nothing more."""
    if at == len(message) or message.startswith((b"\n", b"\r\n"), at) or message[at:] == b"\r":
        return True
    name = _HEADER_NAME.match(message, at)
    if name is None:
        return False
    return is_cut if name.end() == len(message) else message.startswith(b":", name.end())


def _body(message: bytes, section: HeaderSection) -> bytes:
    """The body's octets that were captured, to its declared end."""
    declared = whole_number(section.headers.first("content-length"))
    return message[section.end :] if declared is None else message[section.end : section.end + declared]


def _field_defects(section: HeaderSection, method: str | None) -> int:
    """X_* bits about mandatory header fields (RFC 3261 §8.1.1); what a cut took away is no defect."""
    headers = section.headers
    defects = 0
    if section.is_complete:
        for name, bit in (
            ("call-id", X_NO_CALL_ID), ("cseq", X_NO_CSEQ), ("from", X_NO_FROM), ("to", X_NO_TO),
        ):  # fmt: skip
            defects |= bit if headers.first(name) is None else 0
        defects |= X_NO_VIA if via_count(headers.all("via")) == 0 else 0
    value = headers.first("cseq")
    cseq = read_cseq(value)
    if value is not None and cseq is None:
        defects |= X_BAD_CSEQ
    if method is not None and cseq is not None and cseq[1].decode("ascii") != method:
        defects |= X_CSEQ_MISMATCH
    return defects


def _length_defects(section: HeaderSection, sent_body: int) -> int:
    """X_* bits about Content-Length; without the whole section nothing is known of the body."""
    text = section.headers.first("content-length")
    declared = whole_number(text)
    if declared is None:
        return X_BAD_CONTENT_LENGTH if text is not None else 0
    if not section.is_complete:
        return 0
    if declared > sent_body:
        return X_CONTENT_LENGTH_LONG
    return X_CONTENT_LENGTH_SHORT if declared < sent_body else 0


