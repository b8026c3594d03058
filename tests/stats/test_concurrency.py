"""Peaks: the exact maxima, against counting at every moment."""

from __future__ import annotations

import random

import numpy as np
import pytest

from analyzer.batch import MISSING
from analyzer.stats.concurrency import SECOND, Peak, concurrent, per_second


def ints(values: list[int]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.array(values, dtype=np.int64)


def naive_concurrent(starts: list[int], ends: list[int]) -> Peak:
    spans = [(a, a + 1 if b in (MISSING,) or b <= a else b) for a, b in zip(starts, ends, strict=True)]
    counted = [(sum(a <= moment < b for a, b in spans), moment) for moment in sorted(starts)]
    most = max(number for number, _ in counted)
    return Peak(most, next(moment for number, moment in counted if number == most))


def naive_per_second(starts: list[int]) -> Peak:
    counted = [(sum(first <= start < first + SECOND for start in starts), first) for first in sorted(starts)]
    most = max(number for number, _ in counted)
    return Peak(most, next(first for number, first in counted if number == most))


@pytest.mark.parametrize("seed", range(40))
def test_peaks_are_those_of_counting_at_every_moment(seed: int) -> None:
    chance = random.Random(seed)
    count, span = chance.randrange(1, 60), chance.choice([20, 1000, 5 * SECOND])
    starts = [chance.randrange(span) for _ in range(count)]
    ends = [chance.choice([MISSING, start, start - 3, start + chance.randrange(1, span)]) for start in starts]
    assert concurrent(ints(starts), ints(ends)) == naive_concurrent(starts, ends)
    assert per_second(ints(starts)) == naive_per_second(starts)


def test_a_call_that_ends_as_another_begins_is_not_up_with_it() -> None:
    assert concurrent(ints([0, 10]), ints([10, 20])) == Peak(1, 0)
    assert concurrent(ints([0, 9]), ints([10, 20])) == Peak(2, 9)


def test_a_second_is_as_long_as_a_second() -> None:
    assert per_second(ints([0, SECOND])) == Peak(1, 0)
    assert per_second(ints([5, 0, SECOND - 1])) == Peak(3, 0)


def test_of_nothing_there_is_no_peak() -> None:
    assert concurrent(ints([]), ints([])) == per_second(ints([])) == Peak(0, None)
