"""Texts of calls as keys by which legs are compared: ids, Session-IDs, numbers of users, SDP session ids."""

from __future__ import annotations

import numpy as np

from analyzer.batch import Ints, Octets
from analyzer.hash_kernels import Words, hash_span
from analyzer.jit import inlined, kernel

_ZERO = np.uint64(0)
_AT, _SEMICOLON, _COLON, _SPACE, _PLUS = 64, 59, 58, 32, 43
_REMOTE = np.frombuffer(b"remote=", dtype=np.uint8)
#: Digits of a number that are kept, from its end: they fit an int64.
MOST_DIGITS = 18
#: `user_keys`: what a user part is, where it is not a number of so many digits.
NO_USER, NAME = 0, -1


@kernel
def text_keys(octets: Octets, starts: Ints, lengths: Ints, seeds: Words, keys: Words) -> None:
    """128 bits for each text; zeros for a missing or empty one."""
    for row in range(len(starts)):
        keys[row, 0] = keys[row, 1] = _ZERO
        if lengths[row] > 0:
            keys[row, 0], keys[row, 1] = hash_span(octets, starts[row], lengths[row], seeds)


@kernel
def base_lengths(octets: Octets, starts: Ints, lengths: Ints, endings: Octets, out: Ints) -> None:
    """Lengths of Call-IDs without endings that elements put to them; as they are where there is none.

    ``endings``: each after its length; an octet 35 (#) at its end stands for digits.
    """
    for row in range(len(starts)):
        start, length = starts[row], lengths[row]
        while length > 0:
            shorter = _without_ending(octets, start, length, endings)
            if shorter == length:
                break
            length = shorter
        out[row] = length


@kernel
def _without_ending(octets: Octets, start: int, length: int, endings: Octets) -> int:
    place = 0
    while place < endings.size:
        size = int(endings[place])
        ending = place + 1
        place += 1 + size
        end = length
        if endings[ending + size - 1] == 35:
            size -= 1
            while end > 0 and 48 <= octets[start + end - 1] <= 57:
                end -= 1
            if end == length:
                continue
        if end <= size:
            continue
        is_it = True
        for at in range(size):
            is_it = is_it and octets[start + end - size + at] == endings[ending + at]
        if is_it:
            return end - size
    return length


@kernel
def session_uuids(octets: Octets, starts: Ints, lengths: Ints, uuids: Words) -> None:
    """The UUIDs of Session-ID values as two words each, local then remote; zeros for the nil UUID (RFC 7989 §5).

    A value that is not 32 hexadecimal digits is no UUID.
    """
    for row in range(len(starts)):
        start, end = starts[row], starts[row] + lengths[row]
        for word in range(4):
            uuids[row, word] = _ZERO
        _read_uuid(octets, start, end, uuids, row, 0)
        at = start
        while at + _REMOTE.size < end:
            is_it = octets[at] == _SEMICOLON
            if is_it:
                while at + 1 < end and octets[at + 1] == _SPACE:
                    at += 1
            for place in range(_REMOTE.size):
                is_it = is_it and at + 1 + place < end and octets[at + 1 + place] | 32 == _REMOTE[place] | 32
            if is_it:
                _read_uuid(octets, at + 1 + _REMOTE.size, end, uuids, row, 2)
                break
            at += 1


@kernel
def _read_uuid(octets: Octets, at: int, end: int, uuids: Words, row: int, word: int) -> None:
    if at + 32 > end or (at + 32 < end and octets[at + 32] != _SEMICOLON and octets[at + 32] != _SPACE):
        return
    high, low = _ZERO, _ZERO
    for place in range(32):
        octet = int(octets[at + place])
        if 48 <= octet <= 57:
            digit = octet - 48
        elif 97 <= octet | 32 <= 102:
            digit = (octet | 32) - 87
        else:
            return
        high = (high << np.uint64(4)) | (low >> np.uint64(60))
        low = (low << np.uint64(4)) | np.uint64(digit)
    uuids[row, word] = high
    uuids[row, word + 1] = low


@inlined
def _is_separator(octet: int) -> bool:
    """What people put between digits, RFC 3966 §5.1.1."""
    return octet == 45 or octet == 46 or octet == 40 or octet == 41


@kernel
def user_keys(
    octets: Octets, starts: Ints, lengths: Ints, seeds: Words, fewest: int, values: Ints, digits: Ints
) -> None:
    """Who a URI means: its number without zeros in front and how many digits that has, or NAME and a hash of the user.

    Numbers of less than ``fewest`` digits are names. A URI without a user part has NO_USER.
    """
    for row in range(len(starts)):
        values[row], digits[row] = 0, NO_USER
        end = starts[row] + lengths[row]
        start = starts[row]
        while start < end and octets[start] != _COLON:
            start += 1
        start += 1
        is_tel = start - starts[row] == 4 and octets[starts[row]] | 32 == 116
        stop, at_sign = start, -1
        while stop < end:
            if octets[stop] == _AT:
                at_sign = stop
            stop += 1
        if at_sign < 0 and not is_tel:
            continue
        limit = at_sign if at_sign >= 0 else end
        stop = start
        while stop < limit and octets[stop] != _SEMICOLON and octets[stop] != _COLON:
            stop += 1
        if stop <= start:
            continue
        value, count, is_number = np.int64(0), 0, True
        for at in range(start, stop):
            octet = int(octets[at])
            if 48 <= octet <= 57:
                if count > 0 or octet > 48:
                    value = (value * 10 + (octet - 48)) % np.int64(10**MOST_DIGITS)
                    count += 1
            elif not (octet == _PLUS and at == start) and not _is_separator(octet):
                is_number = False
                break
        if is_number and count >= fewest:
            values[row], digits[row] = value, min(count, MOST_DIGITS)
        else:
            one, _ = hash_span(octets, start, stop - start, seeds)
            values[row], digits[row] = np.int64(one >> np.uint64(1)), NAME


@kernel
def origin_sessions(
    octets: Octets, starts: Ints, lengths: Ints, fewest: int, id_starts: Ints, id_lengths: Ints
) -> None:
    """Where sess-id stands in o= lines, the second word (RFC 8866 §5.2); length -1 if shorter than ``fewest``."""
    for row in range(len(starts)):
        end = starts[row] + lengths[row]
        at = starts[row]
        while at < end and octets[at] != _SPACE:
            at += 1
        at += 1
        stop = at
        while stop < end and octets[stop] != _SPACE:
            stop += 1
        id_starts[row] = at
        id_lengths[row] = stop - at if stop - at >= fewest else -1
