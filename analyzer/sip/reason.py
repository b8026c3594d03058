"""Reason: why a request was sent or a response is what it is (RFC 3326, RFC 6432, RFC 8606).

    Reason        = "Reason" HCOLON reason-value *(COMMA reason-value)
    reason-value  = protocol *(SEMI reason-params)
    reason-params = protocol-cause / reason-text / reason-extension   ; cause=, text=, location=

Of several Q.850 values the first specific one counts, else the first (docs/counting.md): 16, 31 and 127
say no more than that the call is over. 128-255 carry DSS1's extension bit and are masked to seven bits,
as gateways do; 0 and everything above 255 state nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from analyzer.batch import (
    F_PREEMPTION,
    F_REASON_MASKED,
    F_REASON_SEVERAL,
    F_RELEASE_CAUSE,
    F_SESSION_TIMER,
    F_STIR,
)
from analyzer.sip.grammar import BLANKS, masked, parameter, parameters, whole_number

#: Q.850 causes that say nothing specific: normal clearing, normal unspecified, interworking unspecified.
GENERIC_CAUSES = frozenset({16, 31, 127})

#: RFC 8606 §4: location tokens by number; the code points are those of Q.850's location field.
LOCATIONS = (
    b"u", b"lpn", b"ln", b"tn", b"rln", b"rpn", b"loc-6", b"intl", b"loc-8", b"loc-9", b"bi", b"loc-11",
    b"loc-12", b"loc-13", b"loc-14", b"loc-15",
)  # fmt: skip
_LOCATION_NUMBERS = {token: number for number, token in enumerate(LOCATIONS)}

#: "Session timer expired", "session-timeout", "Session Expires": how stacks name RFC 4028 in a Reason text.
_SESSION_TIMER = re.compile(rb"session[ -](?:time|expir)", re.IGNORECASE)


class ReasonValue(NamedTuple):
    """One reason-value: protocol as sent, cause and text or None, RFC 8606 location or -1."""

    protocol: bytes
    cause: int | None
    text: bytes | None
    location: int


class ReasonSummary(NamedTuple):
    """What all Reason values of a message say together.

    ``q850`` is the chosen Q.850 cause (1-127) with its ``location`` (-1), ``sip`` the cause of the
    first SIP value that has one; ``flags`` are bits of M_FLAGS.
    """

    q850: int | None
    location: int
    sip: int | None
    flags: int


def read_reason(field: bytes) -> Iterator[ReasonValue]:
    """The values of one Reason header field; values without a protocol are left out."""
    for value in masked(field).split(b","):
        protocol = value.mask.partition(b";")[0]
        given = parameters(value)
        protocol = value.text[: len(protocol)].strip(BLANKS)
        if protocol:
            location = _LOCATION_NUMBERS.get((parameter(given, b"location") or b"").lower(), -1)
            cause = whole_number(parameter(given, b"cause"))
            yield ReasonValue(protocol, cause, parameter(given, b"text"), location)


def q850_cause(number: int | None) -> int | None:
    """A stated cause as Q.850 value 1-127: the extension bit masked, None for 0 and what is no cause."""
    if number is None or number > 255:
        return None
    return number & 0x7F or None


def summarise_reason(fields: Iterable[bytes]) -> ReasonSummary:
    """The Reason header fields of a message, in order, as one statement."""
    causes: list[tuple[int, int]] = []
    sip = None
    flags = 0
    for field in fields:
        if _SESSION_TIMER.search(field):
            flags |= F_SESSION_TIMER
        for value in read_reason(field):
            protocol = value.protocol.upper()
            if protocol == b"Q.850":
                cause = q850_cause(value.cause)
                if value.cause is not None and 128 <= value.cause <= 255:
                    flags |= F_REASON_MASKED
                if cause is not None:
                    causes.append((cause, value.location))
            elif protocol == b"SIP":
                if sip is None:
                    sip = value.cause
            elif protocol == b"STIR":
                flags |= F_STIR
            elif protocol == b"PREEMPTION":
                flags |= F_PREEMPTION
            elif protocol == b"RELEASE_CAUSE" and value.cause is not None and 2 <= value.cause <= 6:
                flags |= F_RELEASE_CAUSE
    if len(causes) > 1:
        flags |= F_REASON_SEVERAL
    chosen = next((c for c in causes if c[0] not in GENERIC_CAUSES), causes[0] if causes else (None, -1))
    return ReasonSummary(chosen[0], chosen[1], sip, flags)
