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
#: Octets that a copy may overwrite behind its end.
SPARE = 8

_0, _1, _2, _3, _4, _5, _6, _7, _8 = (np.uint64(n) for n in range(9))
_16, _24, _32, _40, _48, _56 = (np.uint64(n) for n in range(16, 64, 8))
_OCTET = np.uint64(255)


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


@inlined
def copy(octets: Octets, start: int, length: int, out: Octets, at: int) -> int:
    """Copy some octets to ``out[at:]``; returns where they end. Up to `SPARE` octets behind are lost."""
    source, target = np.uint64(start), np.uint64(at)
    end = np.uint64(at + length)
    if start + length + SPARE <= len(octets):
        while target < end:
            store(out, target, load(octets, source))
            source += _8
            target += _8
    else:
        while target < end:
            out[target] = octets[source]
            source += _1
            target += _1
    return at + length


@kernel
def gather(octets: Octets, starts: Ints, lengths: Lengths, out: Octets, offsets: Ints) -> int:
    """Copy the text of each row end to end into ``out``; ``offsets`` (n + 1) says where each begins.

    A negative length (missing) is no octets. Returns the octets written.
    """
    at = 0
    for row in range(len(starts)):
        offsets[row] = at
        if lengths[row] > 0:
            at = copy(octets, starts[row], lengths[row], out, at)
    offsets[len(starts)] = at
    return at


@kernel
def mark_unplain(octets: Octets, starts: Ints, lengths: Lengths, classes: Octets, marks: Octets) -> int:
    """Mark (1) the rows whose text cannot be copied as it stands, and count them.

    ``classes`` holds for each octet: 1 = never plain, 2 = not plain at the beginning or the end, 4 = not
    plain as the first. The entry at 256 says the same of a text without octets.
    """
    count = 0
    for row in range(len(starts)):
        length = lengths[row]
        found = 0
        if length > 0:
            start = starts[row]
            found = (classes[octets[start]] >> 1) | (classes[octets[start + length - 1]] >> 1 & 1)
            for position in range(start, start + length):
                found |= classes[octets[position]] & 1
        elif length == 0:
            found = int(classes[256])
        marks[row] = 1 if found else 0
        if found:
            count += 1
    return count


@kernel
def place_texts(
    octets: Octets,
    starts: Ints,
    lengths: Lengths,
    marks: Octets,
    quote: int,
    out: Octets,
    at: int,
    shift: int,
    cells: Ints,
) -> int:
    """Copy the unmarked texts end to end to ``out[at:]`` and note where each stands.

    ``cells[row]`` becomes start << shift | length, and stays as it is for marked and missing rows. A
    ``quote`` other than 0 is set on both sides. Returns where the last one ends.
    """
    for row in range(len(starts)):
        if lengths[row] < 0 or marks[row]:
            continue
        start = at
        if quote:
            out[at] = quote
            at = copy(octets, starts[row], lengths[row], out, at + 1)
            out[at] = quote
            at += 1
        else:
            at = copy(octets, starts[row], lengths[row], out, at)
        cells[row] = start << shift | (at - start)
    return at
