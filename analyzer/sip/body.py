"""What a body holds: SDP, ISUP, or several parts (RFC 3261 §7.4, RFC 5621, RFC 2046 §5.1)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from analyzer.sip.grammar import BLANKS, masked, parameter, parameters
from analyzer.sip.headers import read_headers

SDP = b"application/sdp"
ISUP = b"application/isup"
MULTIPART = b"multipart/"

#: Parts within parts are read to this depth; deeper ones are not sent by anybody who means well.
DEEPEST = 3


class Part(NamedTuple):
    """A body or one part of it, with its media type in lower case."""

    media_type: bytes
    content: bytes


def media_type(content_type: bytes) -> bytes:
    """Content-Type without its parameters, as sent."""
    mask = masked(content_type).mask.partition(b";")[0]
    return content_type[: len(mask)].strip(BLANKS)


def parts(content_type: bytes | None, body: bytes, depth: int = 0) -> Iterator[Part]:
    """The body, or the parts of a multipart body, those of parts included; nothing without a Content-Type."""
    if content_type is None:
        return
    kind = media_type(content_type).lower()
    if not kind.startswith(MULTIPART):
        yield Part(kind, body)
        return
    boundary = parameter(parameters(masked(content_type)), b"boundary")
    if boundary is None or depth == DEEPEST:
        return
    for piece in body.split(b"--" + boundary)[1:]:
        if piece.startswith(b"--"):
            return
        line_feed = piece.find(b"\n")
        if line_feed >= 0:
            section = read_headers(piece, line_feed + 1, is_cut=False)
            yield from parts(section.headers.first("content-type"), piece[section.end :], depth + 1)
