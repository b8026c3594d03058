"""Hashes of strangers' octets: 128 bits, each of which hangs on every octet, the length and the seeds."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from analyzer.hash_kernels import Word, Words, hash_long, hash_span
from analyzer.jit import kernel

SEEDS: Words = np.array([3, 5, 7], dtype=np.uint64)


@kernel
def _long(octets: np.ndarray, start: int, length: int, seeds: Words) -> tuple[Word, Word]:
    return hash_long(octets, start, length, seeds)


@kernel
def _span(octets: np.ndarray, start: int, length: int, seeds: Words) -> tuple[Word, Word]:
    return hash_span(octets, start, length, seeds)


@pytest.mark.parametrize("hashed", [_long, _span])
@pytest.mark.parametrize("length", [0, 1, 7, 8, 15, 16, 17, 31, 32, 100, 777])
def test_every_octet_changes_both_lanes(hashed: Callable[..., tuple[int, int]], length: int) -> None:
    octets = np.frombuffer(bytearray(range(256)) * 4, dtype=np.uint8)
    one, two = hashed(octets, 3, length, SEEDS)
    assert (one, two) == hashed(octets, 3, length, SEEDS)
    seen = {(one, two)}
    for place in range(length):
        changed = octets.copy()
        changed[3 + place] ^= 1 << place % 8
        first, second = hashed(changed, 3, length, SEEDS)
        assert first != one
        assert second != two
        seen.add((first, second))
    assert len(seen) == length + 1
    outside = octets.copy()
    outside[2] ^= 1
    outside[3 + length] ^= 1
    assert hashed(outside, 3, length, SEEDS) == (one, two)
    assert hashed(octets, 3, length, SEEDS + np.array([2, 0, 0], np.uint64)) != (one, two)
    assert hashed(octets, 3, length + 1, SEEDS) != (one, two)
    plain = hashed.py_func  # type: ignore[attr-defined]
    with np.errstate(over="ignore"):
        assert tuple(map(int, plain(octets, 3, length, SEEDS))) == (int(one), int(two))


def test_words_that_change_places_are_told_apart() -> None:
    octets = bytearray(64)
    octets[0], octets[8], octets[16], octets[24] = 1, 2, 3, 4
    swaps = [octets]
    for a, b in ((0, 8), (0, 16), (8, 24), (0, 24)):
        other = bytearray(octets)
        other[a], other[b] = other[b], other[a]
        swaps.append(other)
    hashes = {_long(np.frombuffer(swap, dtype=np.uint8), 0, 64, SEEDS) for swap in swaps}
    assert len(hashes) == len(swaps)
