"""Kernels that number what repeats: equal texts and equal addresses get equal numbers, by first appearance.

The texts are strangers' octets, so the hash is keyed, probing is bounded, and equality is decided by
comparing octets, never by a hash alone: two texts never share a number. After `PROBES` places a text is
numbered as if it were new, which costs a line in a list and no time; whoever builds a table unites equal
names anyway.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from analyzer.batch import Ints, Octets
from analyzer.jit import inlined, kernel
from analyzer.tables.gather_kernels import load

#: Places looked at before a text counts as new.
PROBES = 32

_1, _8, _29, _32 = np.uint64(1), np.uint64(8), np.uint64(29), np.uint64(32)
# Odd constants with well mixed bits: the fractions of the golden ratio and of the square root of 3.
_MIX = np.uint64(0x9E3779B97F4A7C15)
_STIR = np.uint64(0xBB67AE8584CAA73B)


@inlined
def stirred(state: np.uint64, word: np.uint64) -> np.uint64:
    """A hash with eight more octets in it."""
    state = (state ^ word) * _MIX
    return (state ^ state >> _32) * _STIR


@inlined
def text_hash(octets: Octets, start: int, length: int, key: np.uint64) -> np.uint64:
    """A keyed hash of some octets and their number."""
    state = stirred(key, np.uint64(length))
    position, end = np.uint64(start), np.uint64(start + length)
    while position + _8 <= end:
        state = stirred(state, load(octets, position))
        position += _8
    word = np.uint64(0)
    while position < end:
        word = word << _8 | np.uint64(octets[position])
        position += _1
    state = stirred(state, word)
    return state ^ state >> _29


@inlined
def same_octets(octets: Octets, one: int, other: int, length: int) -> bool:
    """Whether the octets at two places are equal."""
    left, right, end = np.uint64(one), np.uint64(other), np.uint64(one + length)
    while left + _8 <= end:
        if load(octets, left) != load(octets, right):
            return False
        left += _8
        right += _8
    while left < end:
        if octets[left] != octets[right]:
            return False
        left += _1
        right += _1
    return True


@kernel
def number_texts(
    octets: Octets,
    starts: Ints,
    lengths: NDArray[np.int32],
    key: np.uint64,
    table: NDArray[np.int32],
    codes: NDArray[np.int32],
    firsts: Ints,
) -> int:
    """Number the different texts of a column; returns how many there are.

    ``table`` is filled with -1 and has a power of two of places, at least twice as many as rows.
    ``codes[row]`` becomes the text's number, -1 where it is missing, and ``firsts[number]`` the row where it
    stands first.
    """
    count = 0
    mask = np.uint64(len(table) - 1)
    for row in range(len(starts)):
        length = lengths[row]
        codes[row] = -1
        if length < 0:
            continue
        start = starts[row]
        place = text_hash(octets, start, length, key) & mask
        for _ in range(PROBES):
            number = table[place]
            if number < 0:
                table[place] = count
                break
            first = firsts[number]
            if lengths[first] == length and same_octets(octets, start, starts[first], length):
                codes[row] = number
                break
            place = (place + _1) & mask
        if codes[row] < 0:
            codes[row] = count
            firsts[count] = row
            count += 1
    return count


@kernel
def number_pairs(
    hi: Ints,
    lo: Ints,
    key: np.uint64,
    table: NDArray[np.int32],
    codes: NDArray[np.int32],
    firsts: Ints,
) -> int:
    """Number the different pairs of two columns (addresses); arguments and result as of `number_texts`."""
    count = 0
    mask = np.uint64(len(table) - 1)
    for row in range(len(hi)):
        codes[row] = -1
        state = stirred(stirred(key, np.uint64(hi[row])), np.uint64(lo[row]))
        place = (state ^ state >> _29) & mask
        for _ in range(PROBES):
            number = table[place]
            if number < 0:
                table[place] = count
                break
            first = firsts[number]
            if hi[first] == hi[row] and lo[first] == lo[row]:
                codes[row] = number
                break
            place = (place + _1) & mask
        if codes[row] < 0:
            codes[row] = count
            firsts[count] = row
            count += 1
    return count
