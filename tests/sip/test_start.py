"""What is SIP: the kernel's content test and the parser's, on the same octets."""

from __future__ import annotations

import numpy as np
import pytest

from analyzer.sip.parse import BAD_START_LINE, ParseError, parse_message
from analyzer.sip.start_kernels import (
    BROKEN_START_LINE,
    NOT_SIP,
    SIP_MESSAGE,
    begins_message,
    leading_line_ends,
    start_line,
)

HEADERS = b"\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\n\r\n"

MESSAGES = (
    b"SIP/2.0 200 OK" + HEADERS,
    b"SIP/2.0 200" + HEADERS,
    b"SIP/2.0 200 " + HEADERS,
    b"SIP/2.0 200 OK\nVia: x\n\n",
    b"SIP/2.0 099 Low" + HEADERS,
    b"SIP/2.0 999 High" + HEADERS,
    b"SIP/2.0 200 OK",
    b"SIP/2.0 200",
    b"SIP/2.0 200\r",
    b"SIP/2.0 200 OK\r\n\r\n",
    b"SIP/2.0 200 OK\r\n",
    b"SIP/2.0 200 OK\r\nVia \t: x",
    b"\r\n\r\nSIP/2.0 200 OK" + HEADERS,
    b"INVITE sip:bob@example.com SIP/2.0" + HEADERS,
    b"INVITE sip:bob@example.com SIP/2.0",
    b"!%*_+`'~.- x SIP/2.0" + HEADERS,
    b"A b SIP/2.0",
    b"OPTIONS * SIP/2.0\n\n",
    b"REGISTER sip:\xff\xfe SIP/2.0" + HEADERS,
)
BROKEN = (
    b"SIP/2.0 4294967301 better not break the receiver" + HEADERS,
    b"SIP/2.0 20 OK" + HEADERS,
    b"SIP/2.0 200OK" + HEADERS,
    b"SIP/2.0 200\t" + HEADERS,
    b"SIP/2.0  200 OK" + HEADERS,
    b"SIP/7.0 200 OK" + HEADERS,
    b"sip/2.0 200 OK" + HEADERS,
    b"SIP/2.0 200 OK\r\nno header",
    b"SIP/2.0 200 OK\r\n folded: x\r\n",
    b"SIP/2.0 200 OK\r\nVia",
    b"INVITE  sip:x SIP/2.0" + HEADERS,
    b"INVITE sip:x  SIP/2.0" + HEADERS,
    b"INVITE sip:x SIP/2.0  " + HEADERS,
    b"INVITE\tsip:x SIP/2.0" + HEADERS,
    b"INVITE sip:x; lr SIP/2.0" + HEADERS,
    b"INVITE sip:x SIP/7.0" + HEADERS,
    b"INVITE sip:x sip/2.0" + HEADERS,
    b"INVITE sip:x SIP/2",
    b"INVITE sip:a\x00b SIP/2.0" + HEADERS,
)
OTHERS = (
    b"",
    b"\r\n\r\n",
    b"\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n",
    b"SIP/2.0 20",
    b"SIP/2.0 is a protocol" + HEADERS,
    b"GET /index.html HTTP/1.1\r\nHost: a\r\n\r\n",
    b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n",
    b"NOTIFY * HTTP/1.1\r\nHost: a\r\n\r\n",
    b"this text has SIP/2.0 in it",
    b"Nov 22 10:00:00 host INVITE sip:x SIP/2.0\n",
    b"2026-11-22 10:00:00 INVITE sip:x SIP/2.0\n",
    b" INVITE sip:x SIP/2.0" + HEADERS,
    b"INVITE SIP/2.0" + HEADERS,
    b"INVITE sip:bob@example.com",
    b"\x80\x60\x00\x01" + b"\x00" * 20,
    b"\x00\x01\x00\x08\x21\x12\xa4\x42SIP/2.0 200 OK",
    b"\x12\x34\x01\x00\x00\x01SIP/2.0 200 OK\r\n",
    b"AB\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00",
)


def verdict(octets: bytes, is_cut: bool) -> int:
    """The kernel's answer, in the middle of other octets, compiled and not."""
    window = np.frombuffer(b"\r\nSIP" + octets + b"Via: x\r\n", dtype=np.uint8)
    answers = {
        start_line(window, 5, 5 + len(octets), is_cut),
        start_line.py_func(window, 5, 5 + len(octets), is_cut),  # type: ignore[attr-defined]
    }
    if len(octets) > 10:
        answers.add(begins_message(window, 5, 5 + len(octets), is_cut))
    assert len(answers) == 1
    return answers.pop()


def parsed(octets: bytes, is_cut: bool) -> int:
    """The parser's answer."""
    try:
        parse_message(octets, len(octets) + is_cut)
    except ParseError as error:
        return BROKEN_START_LINE if error.code == BAD_START_LINE else NOT_SIP
    return SIP_MESSAGE


@pytest.mark.parametrize(
    ("octets", "expected"),
    [(m, SIP_MESSAGE) for m in MESSAGES] + [(m, BROKEN_START_LINE) for m in BROKEN] + [(m, NOT_SIP) for m in OTHERS],
)
def test_whole_datagrams(octets: bytes, expected: int) -> None:
    assert verdict(octets, False) == expected
    assert parsed(octets, False) == expected


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (b"SIP/2.0 200 O", SIP_MESSAGE),
        (b"SIP/2.0 200", SIP_MESSAGE),
        (b"SIP/2.0 200 OK\r\nVi", SIP_MESSAGE),
        (b"SIP/2.0 200 OK\r\nVia ", SIP_MESSAGE),
        (b"SIP/2.0 20", NOT_SIP),
        (b"INVITE sip:x SIP/2.0", SIP_MESSAGE),
        (b"INVITE sip:x SIP/2.", NOT_SIP),
        (b"INVITE sip:bob@exam", NOT_SIP),
    ],
)
def test_datagrams_that_the_snaplen_cut(octets: bytes, expected: int) -> None:
    assert verdict(octets, True) == expected
    assert parsed(octets, True) == expected


@pytest.mark.parametrize("octets", MESSAGES)
def test_every_cut_agrees_with_the_parser(octets: bytes) -> None:
    for length in range(len(octets) + 1):
        for is_cut in (False, True):
            assert verdict(octets[:length], is_cut) == parsed(octets[:length], is_cut), octets[:length]


def test_line_ends_before_the_start_line_are_counted() -> None:
    window = np.frombuffer(b"\r\n\n\rSIP/2.0 200 OK", dtype=np.uint8)
    assert leading_line_ends(window, 0, len(window)) == 4
    assert leading_line_ends(window, 4, len(window)) == 0


def test_a_hostile_line_costs_linear_time() -> None:
    # 64 KiB that look like a request until the end; quadratic work would take minutes.
    for octets in (b"A" * 65000, b"A" + b" " * 65000, b"A sip:" + b"x" * 65000, b"SIP/" + b"2." * 32000 + b" "):
        assert verdict(octets, False) in (NOT_SIP, BROKEN_START_LINE)
        assert parsed(octets, False) == verdict(octets, False)
