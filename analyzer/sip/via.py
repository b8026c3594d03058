"""Via: the hops that a request has passed (RFC 3261 §20.42).

    via-parm      = sent-protocol LWS sent-by *( SEMI via-params )
    sent-protocol = protocol-name SLASH protocol-version SLASH transport

Values may be comma-joined or stand in repeated header fields, which mean the same (§7.3.1). SLASH and
the colon of sent-by may have blanks around them, and stacks that fold their headers send such.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from analyzer.sip.grammar import BLANKS, Parameter, Value, masked, parameter, parameters

#: RFC 3261 §8.1.1.7: a branch that begins so is unique over space and time.
MAGIC_COOKIE = b"z9hg4bk"


class Via(NamedTuple):
    """One Via value: transport and ``host[:port]`` as sent (None where they cannot be read), parameters."""

    transport: bytes | None
    sent_by: bytes | None
    parameters: tuple[Parameter, ...]

    @property
    def branch(self) -> bytes | None:
        """The transaction's identifier on this hop; None when absent."""
        return parameter(self.parameters, b"branch")


def read_via(value: Value) -> Via:
    """One Via value, commas gone."""
    head_end = value.mask.find(b";")
    head = value.text if head_end < 0 else value.text[:head_end]
    given = parameters(value)
    protocol = head.split(b"/", 2)
    words = protocol[2].strip(BLANKS).replace(b"\t", b" ").split(b" ", 1) if len(protocol) == 3 else []
    if len(words) != 2:
        return Via(None, None, given)
    host_port = b":".join(part.strip(BLANKS) for part in words[1].split(b":"))
    return Via(words[0], host_port.split(b" ", 1)[0] or None, given)


def top_via(fields: Sequence[bytes]) -> Via | None:
    """The first value of the first Via header field; None when there is none or it is empty."""
    if not fields:
        return None
    first = next(masked(fields[0]).split(b","))
    return read_via(first) if first.text.strip(BLANKS) else None


def via_count(fields: Sequence[bytes]) -> int:
    """Via values in all Via header fields, comma-joined ones counted each, empty ones not."""
    return sum(1 for field in fields for piece in masked(field).split(b",") if piece.text.strip(BLANKS))
