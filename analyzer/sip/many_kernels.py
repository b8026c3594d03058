"""Header fields of which every occurrence matters: Via, Reason, challenges, makers' causes.

Each function reads one field value, ``octets[at:end]`` without blanks around it, into the message's
row, and returns whether it could; False means that the whole-message parser has to judge. `via`,
`reason` and `challenge` beside this file say what is right.
"""

from __future__ import annotations

import numpy as np

from analyzer.batch import (
    F_PREEMPTION,
    F_REASON_MASKED,
    F_REASON_SEVERAL,
    F_RELEASE_CAUSE,
    F_SESSION_TIMER,
    F_STALE,
    F_STIR,
    INVITE,
    M_FLAGS,
    M_METHOD,
    M_REASON_LOCATION,
    M_REASON_Q850,
    M_REASON_SIP,
    M_VENDOR_CAUSE,
    M_VIA_COUNT,
    MISSING,
    Ints,
    Octets,
    Spans,
)
from analyzer.jit import inlined, kernel
from analyzer.sip.leg_kernels import read_linked_id
from analyzer.sip.scan_kernels import (
    BACKSLASH,
    COMMA,
    EQUAL,
    QUOTE,
    SEMICOLON,
    is_blank,
    is_text,
    number,
    quoted_end,
    skip_blanks,
    trim_end,
)


def _text(text: str) -> Octets:
    return np.frombuffer(text.encode("ascii"), dtype=np.uint8)


_Q850, _SIP, _STIR = _text("q.850"), _text("sip"), _text("stir")
_PREEMPTION, _RELEASE_CAUSE = _text("preemption"), _text("release_cause")
_CAUSE, _LOCATION = _text("cause"), _text("location")
_STALE, _TRUE = _text("stale"), _text("true")
_SESSION, _TIME, _EXPIR = _text("session"), _text("time"), _text("expir")
_U, _LPN, _LN, _TN, _RLN, _RPN = _text("u"), _text("lpn"), _text("ln"), _text("tn"), _text("rln"), _text("rpn")
_INTL, _BI, _LOC = _text("intl"), _text("bi"), _text("loc-")


@kernel
def read_vias(octets: Octets, at: int, end: int, numbers: Ints, row: int) -> bool:
    """Count the values of a Via field that has commas; the first one must not be empty."""
    is_empty = True
    while at < end:
        octet = octets[at]
        if octet == QUOTE:
            at = quoted_end(octets, at + 1, end)
            if at < 0:
                return False
            is_empty = False
            continue
        if octet == COMMA:
            if is_empty:
                return False
            numbers[row, M_VIA_COUNT] += 1
            is_empty = True
        elif not is_blank(octet):
            is_empty = False
        at += 1
    numbers[row, M_VIA_COUNT] += 0 if is_empty else 1
    return True


@kernel
def read_reason(octets: Octets, at: int, end: int, numbers: Ints, row: int) -> bool:
    """RFC 3326 values of one Reason field, added to what earlier fields of the message said."""
    if _names_session_timer(octets, at, end):
        numbers[row, M_FLAGS] |= F_SESSION_TIMER
    while at < end:
        protocol = skip_blanks(octets, at, end)
        at = protocol
        while at < end and octets[at] != SEMICOLON and octets[at] != COMMA:
            if octets[at] == QUOTE:
                return False
            at += 1
        protocol_end = trim_end(octets, protocol, at)
        if protocol_end == protocol:
            return False
        cause, location = -1, -1
        has_cause, has_location = False, False
        while at < end and octets[at] == SEMICOLON:
            name = skip_blanks(octets, at + 1, end)
            equal = name
            while equal < end and octets[equal] != EQUAL:
                octet = octets[equal]
                if octet == SEMICOLON or octet == COMMA:
                    break
                if octet == QUOTE:
                    return False
                equal += 1
            name_end = trim_end(octets, name, equal)
            value = equal
            if equal < end and octets[equal] == EQUAL:
                value = skip_blanks(octets, equal + 1, end)
            at = value
            while at < end and octets[at] != SEMICOLON and octets[at] != COMMA:
                if octets[at] == QUOTE:
                    at = quoted_end(octets, at + 1, end)
                    if at < 0:
                        return False
                else:
                    at += 1
            value_end = trim_end(octets, value, at)
            is_quoted = value < value_end and octets[value] == QUOTE
            if not has_cause and is_text(octets, name, name_end, _CAUSE):
                if is_quoted:
                    return False
                has_cause = True
                cause = number(octets, value, value_end)
            elif not has_location and is_text(octets, name, name_end, _LOCATION):
                if is_quoted:
                    return False
                has_location = True
                location = _location(octets, value, value_end)
        _take_reason(octets, protocol, protocol_end, cause, location, numbers, row)
        at += 1  # the comma
    return True


@kernel
def _take_reason(
    octets: Octets, protocol: int, protocol_end: int, cause: int, location: int, numbers: Ints, row: int
) -> None:
    """One reason-value, added to the row."""
    if is_text(octets, protocol, protocol_end, _Q850):
        if 128 <= cause <= 255:
            numbers[row, M_FLAGS] |= F_REASON_MASKED
        if cause < 0 or cause > 255 or cause & 0x7F == 0:
            return
        cause &= 0x7F
        known = numbers[row, M_REASON_Q850]
        if known != MISSING:
            numbers[row, M_FLAGS] |= F_REASON_SEVERAL
        if known == MISSING or (_is_generic(known) and not _is_generic(cause)):
            numbers[row, M_REASON_Q850] = cause
            numbers[row, M_REASON_LOCATION] = location
    elif is_text(octets, protocol, protocol_end, _SIP):
        if numbers[row, M_REASON_SIP] == MISSING and cause >= 0:
            numbers[row, M_REASON_SIP] = cause
    elif is_text(octets, protocol, protocol_end, _STIR):
        numbers[row, M_FLAGS] |= F_STIR
    elif is_text(octets, protocol, protocol_end, _PREEMPTION):
        numbers[row, M_FLAGS] |= F_PREEMPTION
    elif is_text(octets, protocol, protocol_end, _RELEASE_CAUSE) and 2 <= cause <= 6:
        numbers[row, M_FLAGS] |= F_RELEASE_CAUSE


@inlined
def _is_generic(cause: int) -> bool:
    """`analyzer.sip.reason.GENERIC_CAUSES`."""
    return cause == 16 or cause == 31 or cause == 127


@kernel
def _location(octets: Octets, at: int, end: int) -> int:
    """RFC 8606 §4 location token as its number; -1 for anything else."""
    known = (_U, _LPN, _LN, _TN, _RLN, _RPN)
    for place in range(6):
        if is_text(octets, at, end, known[place]):
            return place
    if is_text(octets, at, end, _INTL):
        return 7
    if is_text(octets, at, end, _BI):
        return 10
    if end - at < 5 or end - at > 6 or not is_text(octets, at, at + 4, _LOC) or octets[at + 4] == 48:
        return -1
    spare = number(octets, at + 4, end)
    return spare if spare == 6 or spare == 8 or spare == 9 or 11 <= spare <= 15 else -1


@kernel
def _names_session_timer(octets: Octets, at: int, end: int) -> bool:
    """``session``, a blank or hyphen, then ``time`` or ``expir``, in any case, anywhere."""
    last = end - 12
    while at <= last:
        if (octets[at] | 32) == 115 and is_text(octets, at, at + 7, _SESSION):
            between = octets[at + 7]
            if (between == 32 or between == 45) and (
                is_text(octets, at + 8, at + 12, _TIME)
                or (at < last and is_text(octets, at + 8, at + 13, _EXPIR))
            ):
                return True
        at += 1
    return False


@kernel
def read_challenge(octets: Octets, at: int, end: int, numbers: Ints, row: int) -> bool:
    """Look for stale=true among the parameters of one WWW-Authenticate or Proxy-Authenticate field."""
    while at < end:
        start, equal = at, -1
        while at < end and octets[at] != COMMA:
            octet = octets[at]
            if octet == QUOTE:
                at = quoted_end(octets, at + 1, end)
                if at < 0:
                    return False
                continue
            if octet == EQUAL and equal < 0:
                equal = at
            at += 1
        if equal >= 0:
            name_end = trim_end(octets, start, equal)
            name = name_end
            while name > start and not is_blank(octets[name - 1]):
                name -= 1
            if is_text(octets, name, name_end, _STALE):
                value = skip_blanks(octets, equal + 1, at)
                value_end = trim_end(octets, value, at)
                if value_end - value > 1 and octets[value] == QUOTE and octets[value_end - 1] == QUOTE:
                    value += 1
                    value_end -= 1
                for place in range(value, value_end):
                    if octets[place] == BACKSLASH or octets[place] == QUOTE:
                        return False
                if is_text(octets, value, value_end, _TRUE):
                    numbers[row, M_FLAGS] |= F_STALE
        at += 1  # the comma
    return True


#: What the makers' fields that `read_maker_header` knows state: the octet before a name's length.
STATES_CAUSE, STATES_ID, STATES_ICID = 0, 1, 2
#: Octets before the names, a bit for each pair of a length and a first letter that one of them has.
FILTER_OCTETS = 32


@inlined
def name_bit(length: int, first: int) -> int:
    """Which bit of the filter stands for names of a length with a first octet, in either case."""
    return (length * 31 + (first | 32)) & 255


@inlined
def could_be_maker_header(octets: Octets, name: int, name_end: int, maker_names: Octets) -> bool:
    """Whether a field name may be one of ``maker_names``; most are not, and are told so at once."""
    bit = name_bit(name_end - name, int(octets[name]))
    return bool(int(maker_names[bit >> 3]) >> (bit & 7) & 1)


@kernel
def read_maker_header(
    octets: Octets,
    name: int,
    name_end: int,
    at: int,
    end: int,
    maker_names: Octets,
    numbers: Ints,
    spans: Spans,
    row: int,
) -> bool:
    """What a maker's field states, if it is one of ``maker_names`` and no field before it stated the same.

    ``maker_names``: FILTER_OCTETS, then the names in lower case, before each STATES_* and its length. Returns whether
    the field is one of them.
    """
    start = FILTER_OCTETS
    while start < maker_names.size:
        states, length = int(maker_names[start]), int(maker_names[start + 1])
        start += 2
        if length == name_end - name and is_text(octets, name, name_end, maker_names[start : start + length]):
            if states == STATES_CAUSE:
                cause = number(octets, at, end)
                if numbers[row, M_VENDOR_CAUSE] == MISSING and 0 <= cause <= 255 and cause & 0x7F:
                    numbers[row, M_VENDOR_CAUSE] = cause & 0x7F
            elif numbers[row, M_METHOD] == INVITE:
                read_linked_id(octets, at, end, states == STATES_ICID, spans, row)
            return True
        start += length
    return False
