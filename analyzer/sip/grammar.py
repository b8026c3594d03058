"""The grammar that all header fields share: tokens, quoted strings, lists, parameters, numbers.

Rule names are RFC 3261 §25.1's. We read more than the RFC allows, because what is on the wire was sent
by somebody and has to be counted: a quoted string that never ends is ordinary text, a parameter value
may hold any octet but separators. Everything works on octets and costs linear time on any of them:
separators are sought in a copy of the value whose quoted strings are blotted out (`Value.mask`), which
is made once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

#: token = 1*(alphanum / "-" / "." / "!" / "%" / "*" / "_" / "+" / "`" / "'" / "~")
TOKEN = rb"[A-Za-z0-9\-.!%*_+`'~]+"

#: LWS without its line end, SP / HTAB. Other control characters are ordinary octets of a value.
BLANKS = b" \t"

#: Numbers beyond this one are no numbers: no header field means them, and they would not fit a column.
LARGEST_NUMBER = 10**18 - 1

#: Compact forms: RFC 3261 §7.3.3 (v f t i m l c e s k), RFC 4028 (x), RFC 3515 (r), RFC 3892 (b), RFC
#: 6665 (o u), RFC 3841 (a j d), RFC 8224 (y).
COMPACT_NAMES: dict[str, str] = {
    "a": "accept-contact",
    "b": "referred-by",
    "c": "content-type",
    "d": "request-disposition",
    "e": "content-encoding",
    "f": "from",
    "i": "call-id",
    "j": "reject-contact",
    "k": "supported",
    "l": "content-length",
    "m": "contact",
    "o": "event",
    "r": "refer-to",
    "s": "subject",
    "t": "to",
    "u": "allow-events",
    "v": "via",
    "x": "session-expires",
    "y": "identity",
}

#: qdtext and quoted-pair up to the closing quote, from behind the opening one.
_QUOTED_REST = re.compile(rb'[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_TOKEN = re.compile(TOKEN)
_QUOTED_PAIR = re.compile(rb"\\(.)", re.DOTALL)
_LEADING_DIGITS = re.compile(rb"([0-9]+)(?=[ \t;,(]|\Z)")


class Value(NamedTuple):
    """Some octets of a header value and the same octets with quoted strings blotted out."""

    text: bytes
    mask: bytes

    def part(self, start: int, end: int | None = None) -> Value:
        """A slice of both."""
        return Value(self.text[start:end], self.mask[start:end])

    def split(self, separator: bytes) -> Iterator[Value]:
        """The pieces between separators that stand outside of quoted strings."""
        start = 0
        for piece in self.mask.split(separator):
            yield self.part(start, start + len(piece))
            start += len(piece) + 1


class Parameter(NamedTuple):
    """generic-param = token [ EQUAL gen-value ]: name in lower case, value without quotes or None."""

    name: bytes
    value: bytes | None


def is_token(text: bytes) -> bool:
    """Whether a text is a token and nothing else."""
    return _TOKEN.fullmatch(text) is not None


def masked(text: bytes) -> Value:
    """A value with its quoted strings blotted out; a quote that is never closed is an ordinary octet."""
    quote = text.find(b'"')
    if quote < 0:
        return Value(text, text)
    mask = bytearray(text)
    while quote >= 0:
        closed = _QUOTED_REST.match(text, quote + 1)
        if closed is None:
            break
        mask[quote : closed.end()] = b"Q" * (closed.end() - quote)
        quote = text.find(b'"', closed.end())
    return Value(text, bytes(mask))


def unquoted(text: bytes) -> bytes:
    """The text of a quoted-string; anything else as it stands."""
    if len(text) > 1 and text[:1] == b'"':
        closed = _QUOTED_REST.match(text, 1)
        if closed is not None and closed.end() == len(text):
            return _QUOTED_PAIR.sub(rb"\1", text[1:-1])
    return text


def parameters(value: Value) -> tuple[Parameter, ...]:
    """``*( SEMI generic-param )``; what stands before the first semicolon is not one of them."""
    found = []
    for number, piece in enumerate(value.split(b";")):
        if number:
            equal = piece.mask.find(b"=")
            name = piece.text if equal < 0 else piece.text[:equal]
            content = None if equal < 0 else unquoted(piece.text[equal + 1 :].strip(BLANKS))
            found.append(Parameter(name.strip(BLANKS).lower(), content))
    return tuple(found)


def parameter(given: tuple[Parameter, ...], name: bytes) -> bytes | None:
    """The value of the first parameter of that name; None when it is absent, has no value or an empty one."""
    for candidate in given:
        if candidate.name == name:
            return candidate.value or None
    return None


def whole_number(text: bytes | None) -> int | None:
    """1*DIGIT and nothing else, up to LARGEST_NUMBER."""
    if text is None or not text.isdigit():
        return None
    digits = text.lstrip(b"0") or b"0"
    return int(digits) if len(digits) <= 18 else None


def leading_number(text: bytes | None) -> int | None:
    """1*DIGIT followed by nothing, a blank, a parameter, another value or a comment (Retry-After)."""
    digits = _LEADING_DIGITS.match(text) if text is not None else None
    return whole_number(digits.group(1)) if digits else None
