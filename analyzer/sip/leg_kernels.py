"""What ties an INVITE to other legs, and whether a request comes from where its Via says; `legs` says what is right."""

from __future__ import annotations

import numpy as np

from analyzer.batch import (
    D_SRC_HI,
    D_SRC_LO,
    F_BEHIND_NAT,
    F_HAS_SDP,
    INVITE,
    M_BODY_LEN,
    M_FLAGS,
    M_METHOD,
    S_LINKED_ID,
    S_ORIGIN,
    S_SENT_BY,
    Ints,
    Octets,
    Spans,
)
from analyzer.jit import inlined, kernel
from analyzer.sip.scan_kernels import (
    BACKSLASH,
    CR,
    EQUAL,
    LF_WORD,
    QUOTE,
    SEMICOLON,
    SEMICOLON_WORD,
    find,
    is_text,
    skip_blanks,
    trim_end,
)

_ICID_VALUE = np.frombuffer(b"icid-value", dtype=np.uint8)
_DOT, _COLON, _BRACKET, _CLOSING, _LETTER_O = 46, 58, 91, 93, 111
_MAPPED = 0xFFFF << 32


@kernel
def read_linked_id(octets: Octets, at: int, end: int, is_icid: bool, spans: Spans, row: int) -> None:
    """The id that one header field states, where no field before it stated one."""
    if spans[row, S_LINKED_ID, 1] >= 0:
        return
    if is_icid:
        name_end = at + _ICID_VALUE.size
        if name_end > end or not is_text(octets, at, name_end, _ICID_VALUE):
            return
        at = skip_blanks(octets, name_end, end)
        if at >= end or octets[at] != EQUAL:
            return
        at = skip_blanks(octets, at + 1, end)
        if at < end and octets[at] == QUOTE:
            at += 1
            stop = at
            while stop < end and octets[stop] != QUOTE and octets[stop] != BACKSLASH:
                stop += 1
            if stop >= end or octets[stop] != QUOTE:
                return
        else:
            stop = at
            while stop < end and octets[stop] != SEMICOLON and octets[stop] != QUOTE:
                stop += 1
        at = skip_blanks(octets, at, stop)
    else:
        stop = find(octets, at, end, SEMICOLON_WORD)
    stop = trim_end(octets, at, stop)
    if stop > at:
        spans[row, S_LINKED_ID, 0] = at
        spans[row, S_LINKED_ID, 1] = stop - at


@inlined
def read_origin(octets: Octets, body: int, numbers: Ints, spans: Spans, row: int) -> None:
    """The second line of an INVITE's SDP, if it is a whole o= line."""
    if numbers[row, M_METHOD] != INVITE or numbers[row, M_FLAGS] & F_HAS_SDP == 0:
        return
    end = body + numbers[row, M_BODY_LEN]
    at = find(octets, body, end, LF_WORD) + 1
    if at + 2 >= end or octets[at] != _LETTER_O or octets[at + 1] != EQUAL:
        return
    stop = find(octets, at, end, LF_WORD)
    if stop >= end:
        return
    if octets[stop - 1] == CR:
        stop -= 1
    at = skip_blanks(octets, at + 2, stop)
    stop = trim_end(octets, at, stop)
    if stop > at:
        spans[row, S_ORIGIN, 0] = at
        spans[row, S_ORIGIN, 1] = stop - at


@inlined
def read_nat(octets: Octets, numbers: Ints, spans: Spans, row: int) -> bool:
    """Set F_BEHIND_NAT of a request; False where its sent-by takes more than a plain address to read."""
    length = spans[row, S_SENT_BY, 1]
    if numbers[row, M_METHOD] == 0 or length < 2:
        return True
    at = spans[row, S_SENT_BY, 0]
    end = at + length
    if octets[at] != _BRACKET:
        address = _ipv4(octets, at, end)
        if address >= 0 and (numbers[row, D_SRC_HI] != 0 or numbers[row, D_SRC_LO] != _MAPPED | address):
            numbers[row, M_FLAGS] |= F_BEHIND_NAT
        return True
    is_plain, high, low = _ipv6(octets, at + 1, end)
    if is_plain and (numbers[row, D_SRC_HI] != high or numbers[row, D_SRC_LO] != low):
        numbers[row, M_FLAGS] |= F_BEHIND_NAT
    return bool(is_plain)


@kernel
def _ipv4(octets: Octets, at: int, end: int) -> int:
    """A dotted address, alone or before a colon; -1 for anything else."""
    address = 0
    for place in range(4):
        value, digits = 0, 0
        while at < end and 48 <= octets[at] <= 57 and digits < 4:
            value = value * 10 + int(octets[at]) - 48
            digits += 1
            at += 1
        if digits < 1 or digits > 3 or value > 255:
            return -1
        address = address * 256 + value
        if place < 3:
            if at >= end or octets[at] != _DOT:
                return -1
            at += 1
    return address if at == end or octets[at] == _COLON else -1


@kernel
def _ipv6(octets: Octets, at: int, end: int) -> tuple[bool, np.int64, np.int64]:
    """(True, high half, low half) of an address in brackets, from behind the opening one, RFC 4291 §2.2 form 1 or 2.

    Groups before the gap are put where they belong, those behind it are shifted in from the end.
    """
    high, low, high_behind, low_behind = np.int64(0), np.int64(0), np.int64(0), np.int64(0)
    count, has_gap = 0, False
    if at + 1 < end and octets[at] == _COLON and octets[at + 1] == _COLON:
        has_gap = True
        at += 2
    while at < end and octets[at] != _CLOSING:
        value, digits = 0, 0
        while at < end and digits < 5:
            octet = int(octets[at])
            if 48 <= octet <= 57:
                value = value * 16 + octet - 48
            elif 97 <= octet | 32 <= 102:
                value = value * 16 + (octet | 32) - 87
            else:
                break
            digits += 1
            at += 1
        if digits < 1 or digits > 4 or count == 8:
            return False, np.int64(0), np.int64(0)
        group = np.int64(value)
        if has_gap:
            high_behind = (high_behind << np.int64(16)) | ((low_behind >> np.int64(48)) & np.int64(0xFFFF))
            low_behind = (low_behind << np.int64(16)) | group
        elif count < 4:
            high |= group << np.int64(48 - 16 * count)
        else:
            low |= group << np.int64(112 - 16 * count)
        count += 1
        if at < end and octets[at] == _COLON:
            at += 1
            if at < end and octets[at] == _COLON:
                if has_gap:
                    return False, np.int64(0), np.int64(0)
                has_gap = True
                at += 1
            elif at >= end or octets[at] == _CLOSING:
                return False, np.int64(0), np.int64(0)
        elif at < end and octets[at] != _CLOSING:
            return False, np.int64(0), np.int64(0)
    if at >= end or (at + 1 < end and octets[at + 1] != _COLON) or has_gap == (count == 8):
        return False, np.int64(0), np.int64(0)
    return True, high | high_behind, low | low_behind
