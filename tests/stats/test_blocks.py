"""Two periods by blocks: bursts widen, what every week has is no difference, and Student's t is that of the tables."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from analyzer.stats.blocks import (
    Blocks,
    Difference,
    blocks,
    difference,
    difference_of_counts,
    is_significant,
    is_significant_count,
    student,
    student_quantile,
)

HOURS = 168
CALLS = np.full(HOURS, 100)


def with_failures(*at: tuple[slice, int], calls: NDArray[np.int64] = CALLS) -> Blocks:
    failures = np.full(HOURS, 2)
    for where, count in at:
        failures[where] = count
    return Blocks(failures, calls)


def found(now: Blocks, *before: Blocks) -> Difference:
    made = difference(now, before)
    assert made is not None
    return made


@pytest.mark.parametrize(("t", "freedom"), [(12.706, 1), (4.303, 2), (2.228, 10), (1.974, 167), (1.960, 1e6)])
def test_student_is_that_of_the_tables(t: float, freedom: float) -> None:
    assert student(t, freedom) == pytest.approx(0.05, abs=5e-5)
    assert student_quantile(freedom) == pytest.approx(t, abs=1e-3)


def test_the_same_number_of_failures_in_one_burst_says_less_than_all_over_the_week() -> None:
    quiet = with_failures()
    burst = found(with_failures((slice(50, 53), 72)), quiet)
    spread = found(with_failures((slice(0, 70), 5)), quiet)
    assert burst.value == pytest.approx(spread.value) == pytest.approx(100 * 210 / 16800)
    assert burst.high - burst.low > 3 * (spread.high - spread.low)
    assert burst.p > 0.05 > spread.p


def test_hours_beside_each_other_are_one_event_more_than_those_far_apart() -> None:
    beside = found(with_failures((slice(40, 52), 22)), with_failures())
    apart = found(with_failures((slice(0, HOURS, 14), 22)), with_failures())
    assert beside.value == pytest.approx(apart.value)
    assert beside.p > apart.p


def test_what_every_week_has_is_no_difference() -> None:
    morning = with_failures((slice(8, 12), 60))
    same = found(morning, morning, morning)
    assert (same.value, same.p) == (pytest.approx(0), pytest.approx(1))
    # Its bursts do not widen the interval either, which is that of single calls.
    calm = found(with_failures(), with_failures())
    assert same.high - same.low < 2 * (calm.high - calm.low)


def test_chance_alone_is_seldom_told() -> None:
    chance = np.random.default_rng(6)
    told = 0
    for _ in range(300):
        now, before = (Blocks(chance.binomial(CALLS, 0.05), CALLS) for _ in range(2))
        told += found(now, before).p < 0.05
    assert told <= 20


def test_cells_are_judged_at_once_as_one_by_one() -> None:
    chance = np.random.default_rng(7)
    now, before = (chance.poisson(2, (5, HOURS)) for _ in range(2))
    at_once = found(Blocks(now, CALLS), Blocks(before, CALLS))
    one_by_one = [found(Blocks(a, CALLS), Blocks(b, CALLS)) for a, b in zip(now, before, strict=True)]
    for name in ("value", "low", "high", "p"):
        assert getattr(at_once, name) == pytest.approx([getattr(one, name) for one in one_by_one])


def test_small_differences_and_few_calls_are_no_news() -> None:
    many = np.full(HOURS, 10_000)
    low, high = Blocks(np.full(HOURS, 500), many), Blocks(np.full(HOURS, 520), many)
    assert found(high, low).p < 0.01
    assert is_significant(high, [low]) is False  # 0.2 points
    assert is_significant(with_failures((slice(0, 100), 10)), [with_failures()]) is True
    few = Blocks(np.zeros(HOURS, dtype=np.int64), np.eye(1, HOURS, dtype=np.int64)[0] * 20)
    assert is_significant(few, [with_failures()]) is None
    assert is_significant(few, []) is None


def test_counts_are_compared_with_the_mean_of_the_weeks_before() -> None:
    chance = np.random.default_rng(8)
    weeks = [chance.poisson(20, HOURS) for _ in range(4)]
    now = chance.poisson(26, HOURS)
    made = difference_of_counts(now, weeks)
    assert made is not None
    assert made.value == pytest.approx(now.sum() - sum(week.sum() for week in weeks) / 4)
    assert made.low > 0
    assert is_significant_count(now, weeks) is True
    assert is_significant_count(chance.poisson(20, HOURS), weeks) is False
    assert is_significant_count(now, []) is None


def test_blocks_count_failures_among_what_is_counted() -> None:
    failed = np.array([True, True, False, False])
    counted = np.array([True, False, True, True])
    made = blocks(failed, counted, np.array([0, 0, 1, 1]), 3)
    assert made.failures.tolist() == [1, 0, 0]
    assert made.calls.tolist() == [1, 2, 0]


def test_nothing_to_compare_with_is_no_difference() -> None:
    nothing = Blocks(np.zeros(HOURS, dtype=np.int64), np.zeros(HOURS, dtype=np.int64))
    assert difference(with_failures(), []) is None
    assert difference(nothing, [with_failures()]) is None
    assert difference(with_failures(), [nothing]) is None
