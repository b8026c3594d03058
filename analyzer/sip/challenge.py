"""Challenges: WWW-Authenticate and Proxy-Authenticate (RFC 3261 §20.44, RFC 7616 §3.3)."""

from __future__ import annotations

from analyzer.sip.grammar import BLANKS, masked, unquoted


def is_stale(challenge: bytes) -> bool:
    """Whether a challenge says stale=true, quoted or not: right credentials, but a nonce that is too old."""
    for piece in masked(challenge).split(b","):
        equal = piece.mask.find(b"=")
        if equal >= 0:
            # The first auth-param of a challenge has the scheme before its name.
            name = piece.text[:equal].replace(b"\t", b" ").rstrip(b" ").rpartition(b" ")[2]
            value = unquoted(piece.text[equal + 1 :].strip(BLANKS))
            if name.lower() == b"stale" and value.lower() == b"true":
                return True
    return False
