"""Hashes of octets that strangers chose: keyed with secrets of this process and 128 bits wide.

Two texts are never taken for one by a collision, neither by chance nor on purpose. Results do not depend on the seeds.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from analyzer.batch import Octets
from analyzer.jit import inlined

Word: TypeAlias = np.uint64
Words: TypeAlias = NDArray[np.uint64]
Key: TypeAlias = np.int64  # a Word as it is stored

# Odd constants with well-spread bits: the golden ratio and the multipliers of splitmix64 (Steele et al. 2014).
GOLDEN = np.uint64(0x9E3779B97F4A7C15)
MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
MIX_2 = np.uint64(0x94D049BB133111EB)
_8, _16, _24, _27, _29, _30, _31, _32, _33, _37, _40, _48, _56 = (
    np.uint64(n) for n in (8, 16, 24, 27, 29, 30, 31, 32, 33, 37, 40, 48, 56)
)
_1, _2, _3, _4, _5, _6, _7 = (np.uint64(n) for n in range(1, 8))


@inlined
def scramble(x: Word) -> Word:
    """splitmix64's finaliser: every bit of the argument changes about half of the result's."""
    x = (x ^ (x >> _30)) * MIX_1
    x = (x ^ (x >> _27)) * MIX_2
    return x ^ (x >> _31)


@inlined
def _word(octets: Octets, at: Word) -> Word:
    """Eight octets, the first one lowest; the compiler merges the loads."""
    return (
        np.uint64(octets[at])
        | (np.uint64(octets[at + _1]) << _8)
        | (np.uint64(octets[at + _2]) << _16)
        | (np.uint64(octets[at + _3]) << _24)
        | (np.uint64(octets[at + _4]) << _32)
        | (np.uint64(octets[at + _5]) << _40)
        | (np.uint64(octets[at + _6]) << _48)
        | (np.uint64(octets[at + _7]) << _56)
    )


@inlined
def hash_long(octets: Octets, start: int, length: int, seeds: Words) -> tuple[Word, Word]:
    """As `hash_span`, for hundreds of octets: every other word goes into lanes of its own, which do not wait for the
    others; each word is still in two lanes, so that 128 bits tell spans apart.
    """
    one, three = seeds[0] ^ (np.uint64(length) * GOLDEN), seeds[1] ^ MIX_1
    two, four = seeds[1] + np.uint64(length), seeds[0] + MIX_2
    secret = seeds[2]
    at = np.uint64(start)
    end = np.uint64(start + length)
    while at + _16 <= end:
        word, other = _word(octets, at), _word(octets, at + _8)
        one = (one ^ word) * MIX_1
        three = (three ^ other) * MIX_1
        one ^= one >> _29
        three ^= three >> _29
        two += word * secret
        four += other * secret
        two = ((two << _31) | (two >> _33)) * MIX_2
        four = ((four << _31) | (four >> _33)) * MIX_2
        at += _16
    rest_0, rest_1 = hash_span(octets, int(np.int64(at)), int(np.int64(end - at)), seeds)
    return join(join(one, three), rest_0), join(join(two, four), rest_1)


@inlined
def hash_span(octets: Octets, start: int, length: int, seeds: Words) -> tuple[Word, Word]:
    """Two lanes of 64 bits over ``octets[start : start + length]``; ``seeds`` are three secret uint64, the last odd.

    The lanes fold differently (xor-multiply, add-rotate with a secret multiplier), so that a difference that
    cancels in one does not cancel in the other.
    """
    one = seeds[0] ^ (np.uint64(length) * GOLDEN)
    two = seeds[1] + np.uint64(length)
    secret = seeds[2]
    at = np.uint64(start)
    end = np.uint64(start + length)
    while at + _8 <= end:
        word = _word(octets, at)
        one = (one ^ word) * MIX_1
        one ^= one >> _29
        two += word * secret
        two = ((two << _31) | (two >> _33)) * MIX_2
        at += _8
    if at < end:
        word = np.uint64(0)
        shift = np.uint64(0)
        while at < end:
            word |= np.uint64(octets[at]) << shift
            shift += _8
            at += _1
        one = (one ^ word) * MIX_1
        one ^= one >> _29
        two += word * secret
        two = ((two << _31) | (two >> _33)) * MIX_2
    return scramble(one), scramble(two ^ one)


@inlined
def join(a: Word, b: Word) -> Word:
    """One 64-bit key of two, order matters."""
    return scramble((a * GOLDEN) ^ ((b << _27) | (b >> _37)) ^ MIX_2)
