"""Kernels that gather texts: octets that stand here and there, end to end in one array.

Texts are copied eight octets at a time, because most are 10 to 60 octets long and a copy octet by octet is
the dearest part of writing a table. Whoever hands over ``out`` leaves `SPARE` octets behind what it must
hold.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from analyzer.batch import Ints, Octets
from analyzer.jit import inlined, kernel

Lengths: TypeAlias = NDArray[np.int32]
#: The place of a text is its start * 2^31 + its length.
LENGTH_BITS = 31
#: Octets that a copy may overwrite behind its end.
SPARE = 8

_0, _1, _2, _3, _4, _5, _6, _7, _8 = (np.uint64(n) for n in range(9))
_16, _24, _32, _40, _48, _56 = (np.uint64(n) for n in range(16, 64, 8))
_LENGTH_BITS = np.uint64(LENGTH_BITS)
_OCTET = np.uint64(255)
_ONES = np.uint64(0x0101010101010101)
_HIGHS = np.uint64(0x8080808080808080)
_BLANKS = np.uint64(0x2020202020202020)
_DELETES = np.uint64(0x7F7F7F7F7F7F7F7F)


@inlined
def load(octets: Octets, start: np.uint64) -> np.uint64:
    """Eight octets as one number, the first one lowest. One load when compiled."""
    return (
        np.uint64(octets[start])
        | np.uint64(octets[start + _1]) << _8
        | np.uint64(octets[start + _2]) << _16
        | np.uint64(octets[start + _3]) << _24
        | np.uint64(octets[start + _4]) << _32
        | np.uint64(octets[start + _5]) << _40
        | np.uint64(octets[start + _6]) << _48
        | np.uint64(octets[start + _7]) << _56
    )


@inlined
def store(out: Octets, at: np.uint64, word: np.uint64) -> None:
    """The reverse of `load`."""
    out[at] = word & _OCTET
    out[at + _1] = word >> _8 & _OCTET
    out[at + _2] = word >> _16 & _OCTET
    out[at + _3] = word >> _24 & _OCTET
    out[at + _4] = word >> _32 & _OCTET
    out[at + _5] = word >> _40 & _OCTET
    out[at + _6] = word >> _48 & _OCTET
    out[at + _7] = word >> _56 & _OCTET


@kernel
def gather(
    octets: Octets, starts: Ints, lengths: Lengths, marks: Octets, quote: int, out: Octets, at: int, places: Ints
) -> int:
    """Copy the texts of the unmarked rows end to end to ``out[at:]`` and note where each stands there.

    ``places[row]`` becomes start * 2^31 + length; for marked and missing rows (length -1) it stays as it is. A
    ``quote`` (an octet; 0 = none) is set on both sides of a text and belongs to its length. ``out`` needs `SPARE`
    octets to spare. Returns where the last text ends.
    """
    target = np.uint64(at)
    for row in range(len(starts)):
        length = lengths[row]
        if length >= 0 and not marks[row]:
            begin = target
            if quote:
                out[target] = quote
                target += _1
            source, end = np.uint64(starts[row]), target + np.uint64(length)
            if starts[row] + length + SPARE <= len(octets):
                while target < end:
                    store(out, target, load(octets, source))
                    source += _8
                    target += _8
                target = end
            else:
                while target < end:
                    out[target] = octets[source]
                    source += _1
                    target += _1
            if quote:
                out[target] = quote
                target += _1
            places[row] = np.int64(begin << _LENGTH_BITS | target - begin)
    return int(target)


@inlined
def has_unplain(word: np.uint64, one: np.uint64, other: np.uint64) -> bool:
    """Whether any of eight octets is not printable ASCII, or is one of two octets given eight times each."""
    control = (word - _BLANKS) & ~word
    delete, one, other = word ^ _DELETES, word ^ one, word ^ other
    found = word | control | (delete - _ONES & ~delete) | (one - _ONES & ~one) | (other - _ONES & ~other)
    return bool(found & _HIGHS != _0)


@kernel
def mark_unplain(
    octets: Octets, starts: Ints, lengths: Lengths, one: int, other: int, edges: Octets, marks: Octets
) -> tuple[int, int]:
    """Mark (1) the rows whose text cannot be copied as it stands; returns how many, and the octets of all texts.

    Plain is printable ASCII without the octets ``one`` and ``other``. ``edges`` says more of each octet: 1 = not
    plain as the first, 2 = as the last; its entry 256 is 1 where a text without octets is not plain. Returns
    -1, -1 when a text does not stand within ``octets``.
    """
    ones, others = np.uint64(one) * _ONES, np.uint64(other) * _ONES
    count, total = 0, 0
    for row in range(len(starts)):
        start, length = starts[row], lengths[row]
        marks[row] = 0
        if length <= 0:
            if length == 0 and edges[256]:
                marks[row] = 1
                count += 1
            continue
        if start < 0 or start + length > len(octets):
            return -1, -1
        total += length
        odd = edges[octets[start]] & 1 != 0 or edges[octets[start + length - 1]] & 2 != 0
        position, end = np.uint64(start), np.uint64(start + length)
        while position + _8 <= end and not odd:
            odd = has_unplain(load(octets, position), ones, others)
            position += _8
        word = _BLANKS
        while position < end:
            word = word << _8 | np.uint64(octets[position])
            position += _1
        if odd or has_unplain(word, ones, others):
            marks[row] = 1
            count += 1
    return count, total
