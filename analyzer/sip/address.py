"""name-addr and addr-spec, the form of From, To and Contact (RFC 3261 §20.10, §25.1).

    name-addr = [ display-name ] LAQUOT addr-spec RAQUOT
    contact-param = (name-addr / addr-spec) *(SEMI contact-params)

The first ``<`` or ``;`` outside of quoted strings decides the form. Without angle brackets everything
from the first semicolon on belongs to the header field, not to the URI (§20.10). In a list (Contact) a
comma ends the value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from analyzer.sip.grammar import BLANKS, Parameter, Value, masked, parameter, parameters, unquoted

_FORM = re.compile(rb"[<;]")
_FORM_IN_LIST = re.compile(rb"[<;,]")


class Address(NamedTuple):
    """An address with the parameters of its header field.

    ``uri`` has neither angle brackets nor header parameters and None stands for an empty one; the
    display name is without quotes.
    """

    display_name: bytes | None
    uri: bytes | None
    parameters: tuple[Parameter, ...]

    def parameter(self, name: bytes) -> bytes | None:
        """The value of a header parameter (``tag``, ``expires``); None when absent or empty."""
        return parameter(self.parameters, name)


def read_address(text: bytes) -> Address:
    """The single address of From or To; commas have no meaning there."""
    return _address(masked(text), 0, _FORM)[0]


def read_first_address(text: bytes) -> Address:
    """The first address of a list such as Contact."""
    return next(read_addresses(text))


def read_addresses(text: bytes) -> Iterator[Address]:
    """Every address of a list such as Contact; at least one, which may be empty."""
    value = masked(text)
    start = 0
    while start <= len(text):
        address, end = _address(value, start, _FORM_IN_LIST)
        yield address
        start = end + 1


def _address(value: Value, start: int, form: re.Pattern[bytes]) -> tuple[Address, int]:
    """The address that begins at ``start``, and where it ends (at a comma, in a list)."""
    mark = form.search(value.mask, start)
    display_name = None
    if mark is not None and mark.group() == b"<":
        display_name = unquoted(value.text[start : mark.start()].strip(BLANKS)) or None
        close = value.text.find(b">", mark.end())
        behind = close if close >= 0 else len(value.text)
        uri = value.text[mark.end() : behind]
    else:
        behind = mark.start() if mark is not None else len(value.text)
        uri = value.text[start:behind]
    end = value.mask.find(b",", behind) if form is _FORM_IN_LIST else -1
    if end < 0:
        end = len(value.text)
    return Address(display_name, uri.strip(BLANKS) or None, parameters(value.part(behind, end))), end
