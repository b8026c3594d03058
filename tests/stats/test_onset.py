"""The moment from which failures run at a new rate."""

from __future__ import annotations

import numpy as np
import pytest

from analyzer.stats.onset import began, ended

MINUTE = 60 * 10**9


def day(seed: int = 1, calls: int = 2000) -> tuple[np.random.Generator, np.ndarray]:
    """Calls of a day, most of them at noon."""
    chance = np.random.default_rng(seed)
    return chance, np.sort((chance.normal(720, 180, calls) * MINUTE).astype(np.int64))


@pytest.mark.parametrize("seed", range(8))
def test_a_rise_begins_with_the_first_failure_at_the_new_rate(seed: int) -> None:
    chance, times = day(seed)
    moment = 700 * MINUTE
    failed = chance.random(len(times)) < np.where(times >= moment, 0.4, 0.01)
    found = began(times, failed)
    assert found is not None
    assert abs(found - moment) < 5 * MINUTE
    assert failed[times == found].all()


def test_the_order_of_calls_does_not_matter() -> None:
    chance, times = day()
    failed = chance.random(len(times)) < np.where(times >= 700 * MINUTE, 0.4, 0.01)
    order = chance.permutation(len(times))
    assert began(times[order], failed[order]) == began(times, failed)


def test_an_outage_in_the_middle_has_its_beginning_and_its_end() -> None:
    chance, times = day(3, 4000)
    failed = chance.random(len(times)) < np.where((times >= 600 * MINUTE) & (times < 800 * MINUTE), 0.5, 0.005)
    start, end = began(times, failed), ended(times, failed)
    assert start is not None
    assert end is not None
    assert abs(start - 600 * MINUTE) < 5 * MINUTE
    assert abs(end - 800 * MINUTE) < 5 * MINUTE


@pytest.mark.parametrize("seed", range(8))
def test_a_steady_rate_has_no_beginning_whatever_the_hour(seed: int) -> None:
    chance, times = day(seed)
    assert began(times, chance.random(len(times)) < 0.2) is None


def test_what_was_there_from_the_start_and_ended_did_not_begin() -> None:
    chance, times = day(5)
    failed = chance.random(len(times)) < np.where(times < 700 * MINUTE, 0.4, 0.0)
    assert began(times, failed) is None
    assert abs((ended(times, failed) or 0) - 700 * MINUTE) < 5 * MINUTE


def test_few_failures_and_bursts_prove_no_moment() -> None:
    _, times = day()
    nothing = np.zeros(len(times), dtype=np.bool_)
    few = nothing.copy()
    few[1000:1009] = True
    assert began(times, nothing) is None
    assert began(times, few) is None
    some = nothing.copy()
    some[1000::40] = True
    assert began(times, some) is not None
    assert began(times, some, dispersion=10.0) is None
    assert began(np.empty(0, np.int64), np.empty(0, np.bool_)) is None
