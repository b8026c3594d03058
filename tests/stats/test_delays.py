"""Delays: percentiles, the mean, and the histogram they are read from when there are many."""

from __future__ import annotations

import json

import numpy as np
import pytest

from analyzer.stats import delays
from analyzer.stats.delays import EXACT, Delays, merged

MANY = np.random.default_rng(7).lognormal(6, 1.5, 3 * EXACT)


def test_a_percentile_is_the_value_that_so_many_do_not_exceed() -> None:
    made = Delays.of(np.array([4.0, 1.0, 3.0, 2.0]))
    assert [made.percentile(p) for p in (0, 25, 50, 51, 75, 99, 100)] == [1, 1, 2, 3, 3, 4, 4]
    assert (made.mean, made.count, made.minimum, made.maximum) == (2.5, 4, 1.0, 4.0)


def test_what_is_missing_is_left_out() -> None:
    made = Delays.of(np.array([np.nan, 5.0, np.inf]))
    assert (made.count, made.mean) == (1, 5.0)
    assert Delays.of(np.full(3, np.nan)) == Delays() == Delays.of(np.empty(0))


def test_negative_delays_are_reported_as_they_are() -> None:
    made = Delays.of(np.array([-3.0, 1.0]))
    assert (made.mean, made.percentile(50), made.minimum) == (-1.0, -3.0, -3.0)


def test_many_values_are_counted_in_buckets_half_a_per_cent_wide() -> None:
    made = Delays.of(MANY)
    assert made.values is None
    assert sum(count for _, count in made.buckets) == made.count == len(MANY)
    assert made.mean == pytest.approx(MANY.mean(), rel=1e-6)
    assert (made.minimum, made.maximum) == (MANY.min(), MANY.max())
    ordered = np.sort(MANY)
    for percent in (1, 50, 95, 99, 99.9):
        exact = ordered[int(np.ceil(len(ordered) * percent / 100)) - 1]
        assert made.percentile(percent) == pytest.approx(exact, rel=0.005)
    assert made.percentile(100) == MANY.max()


def test_negative_zero_and_tiny_values_have_buckets_too() -> None:
    values = np.concatenate([-MANY, np.zeros(EXACT), MANY])
    made = Delays.of(values)
    assert made.percentile(50) == 0.0
    assert made.percentile(10) == pytest.approx(np.sort(values)[int(np.ceil(len(values) / 10)) - 1], rel=0.005)


@pytest.mark.parametrize("cuts", [[10], [EXACT], [1, 2, 3], [EXACT - 1, EXACT + 1], [100, 5000, 9000]])
def test_parts_make_the_whole(cuts: list[int]) -> None:
    assert merged(Delays.of(part) for part in np.split(MANY, cuts)) == Delays.of(MANY)


def test_few_of_each_part_become_many_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delays, "EXACT", 3)
    parts = [Delays.of(np.array([1.0, 2.0])), Delays.of(np.array([3.0, 4.0]))]
    assert all(part.values is not None for part in parts)
    together = merged(parts)
    assert together.values is None
    assert together == Delays.of(np.array([1.0, 2.0, 3.0, 4.0]))


def test_nothing_is_the_whole_of_nothing() -> None:
    assert merged([]) == Delays() == merged([Delays(), Delays()])
    one = Delays.of(np.array([1.5]))
    assert merged([Delays(), one]) == one


def test_the_largest_values_a_capture_can_give_do_not_overflow() -> None:
    longest = 2.0**63 / 1e6  # ms
    made = Delays.of(np.array([longest, longest, -longest]))
    assert made.mean == pytest.approx(longest / 3, rel=0.05)
    assert made.maximum == longest


@pytest.mark.parametrize("values", [MANY, MANY[:5], MANY[:0]], ids=["many", "few", "none"])
def test_what_is_stored_is_read_again(values: np.ndarray) -> None:
    made = Delays.of(values)
    assert Delays.read(json.loads(json.dumps(made.document()))) == made
