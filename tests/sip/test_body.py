"""SDP, ISUP and multipart bodies; challenges."""

from __future__ import annotations

import pytest

from analyzer.sip.body import media_type, parts
from analyzer.sip.challenge import is_stale
from analyzer.sip.isup import isup_release_cause


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        (bytes((0x0C, 2, 0, 2, 0x80, 0x90)), 16),  # user, ITU-T, cause 16
        (bytes((0x0C, 2, 0, 2, 0x84, 0xA2)), 34),  # public network serving the remote user
        (bytes((0x0C, 2, 5, 2, 0x8A, 0x83, 1, 0, 0)), 3),  # an optional part behind it
        (bytes((0x0C, 2, 0, 3, 0x00, 0x80, 0x91)), 17),  # octet 1a
        (bytes((0x0C, 3, 0, 0, 2, 0x80, 0x95)), 21),  # pointer to a later place
        (bytes((0x0C, 2, 0, 2, 0xC0, 0x90)), None),  # national coding
        (bytes((0x0C, 2, 0, 2, 0x80, 0x80)), None),  # cause 0
        (bytes((0x10, 2, 0, 2, 0x80, 0x90)), None),  # RELEASE COMPLETE
        (bytes((0x0C, 2, 0, 2, 0x80)), None),  # cut
        (bytes((0x0C, 2, 0, 2, 0x00, 0x80)), None),  # octet 1a, then cut
        (bytes((0x0C, 2, 0, 0)), None),
        (bytes((0x0C, 255)), None),
        (b"\x0c", None),
        (b"", None),
    ],
)
def test_isup_release(body: bytes, cause: int | None) -> None:
    assert isup_release_cause(body) == cause


def test_parts_of_parts() -> None:
    body = (
        b"preamble\r\n--b 1\r\nContent-Type: multipart/alternative;boundary=in\r\n\r\n"
        b"--in\r\nc: Application/SDP;x=y\r\n\r\nv=0\r\n--in--\r\n"
        b"--b 1\r\n\r\nno type\r\n--b 1\r\nContent-Type: application/isup\r\n\r\n\x0c\r\n"
        b"--b 1--\r\n--b 1\r\nc: a/b\r\n\r\n"
    )
    assert list(parts(b'multipart/mixed; boundary="b 1"', body)) == [
        (b"application/sdp", b"v=0\r\n"),
        (b"application/isup", b"\x0c\r\n"),
    ]


def test_bodies_without_parts() -> None:
    assert list(parts(b"application/SDP", b"v=0")) == [(b"application/sdp", b"v=0")]
    assert list(parts(None, b"v=0")) == []
    assert list(parts(b"multipart/mixed", b"--x")) == []
    nested = b"--b\r\nc:multipart/mixed;boundary=b\r\n\r\n" * 1000
    assert list(parts(b"multipart/mixed;boundary=b", nested)) == []


def test_media_type() -> None:
    assert media_type(b"Text/Plain ; charset=x") == b"Text/Plain"
    assert media_type(b'"a;b";c') == b'"a;b"'


@pytest.mark.parametrize(
    ("challenge", "expected"),
    [
        (b'Digest realm="a", nonce="b", stale=TRUE, qop="auth"', True),
        (b'Digest stale="true", realm="x"', True),
        (b"Digest\tstale = true", True),
        (b'Digest realm="x", stale=false', False),
        (b'Digest realm="stale=true"', False),
        (b'Digest realm=", stale=true, "', False),
        (b"stale", False),
        (b"Digest xstale=true", False),
        (b"", False),
    ],
)
def test_stale(challenge: bytes, expected: bool) -> None:
    assert is_stale(challenge) is expected
