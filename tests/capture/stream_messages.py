"""SIP messages for streams."""

from __future__ import annotations


def request(
    method: str = "INVITE", body: bytes = b"", length: str | None = "", kind: str = "application/sdp", number: int = 1
) -> bytes:
    """A request; ``length`` is the Content-Length header field's line, by default the right one, None for none."""
    lines = [
        f"{method} sip:bob@192.0.2.2 SIP/2.0",
        f"Via: SIP/2.0/TCP 192.0.2.1;branch=z9hG4bK{number}",
        f"Call-ID: {number}@192.0.2.1",
        f"CSeq: {number} {method}",
    ]
    if body:
        lines.append(f"Content-Type: {kind}")
    if length is not None:
        lines.append(length or f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def response(code: int = 200, body: bytes = b"", number: int = 1) -> bytes:
    """A response with the right length."""
    return (
        f"SIP/2.0 {code} Fine\r\nVia: SIP/2.0/TCP 192.0.2.1;branch=z9hG4bK{number}\r\n"
        f"Call-ID: {number}@192.0.2.1\r\nCSeq: {number} INVITE\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body


SDP = b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"
#: A body that looks like messages itself.
SIPFRAG = b"SIP/2.0 200 OK\r\nVia: SIP/2.0/TCP 192.0.2.9\r\nContent-Length: 0\r\n\r\n"
