"""Significance of many cells at once, where failures come in bursts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from analyzer.stats.compare import RATE, compared, false_discovery_rates, two_sided, usual_dispersion

HOURS = 168


def cells(chance: np.random.Generator, rate: Any, weeks: int = 2, burst: float = 0.0, count: int = 1) -> np.ndarray:
    """Failures by hour; variance 1 + ``burst`` × mean times that of Poisson's."""
    mean = np.broadcast_to(np.asarray(rate, dtype=float), (count, weeks, HOURS))
    if burst:
        mean = mean * chance.gamma(1 / burst, burst, mean.shape)
    return chance.poisson(mean)


def test_false_discovery_rates_by_hand() -> None:
    # Benjamini and Hochberg (1995), the fifteen p of their example: four are discoveries at 5 %.
    p = np.array(
        [
            0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528,
            0.7590, 1.0,
        ]
    )  # fmt: skip
    assert (false_discovery_rates(p) <= 0.05).sum() == 4
    assert false_discovery_rates(p[::-1])[::-1].tolist() == false_discovery_rates(p).tolist()
    assert false_discovery_rates(np.empty(0)).tolist() == []
    assert two_sided(np.array([0.0, 1.959964])).tolist() == pytest.approx([1.0, 0.05], abs=1e-6)


@pytest.mark.parametrize(("burst", "weeks"), [(0.0, 2), (1.0, 2), (3.0, 2), (0.0, 5), (3.0, 5)])
def test_chance_alone_is_seldom_a_discovery(burst: float, weeks: int) -> None:
    chance = np.random.default_rng(7)
    failures = cells(chance, 1.5, weeks, burst, 2000)
    p = compared(failures, np.full(failures.shape, 60)).p
    assert (p <= 0.01).mean() <= 0.015
    assert (false_discovery_rates(p) <= RATE).sum() <= 2


def test_a_rise_is_found_and_a_rise_of_traffic_is_none() -> None:
    chance = np.random.default_rng(8)
    steady = np.full((1, 2, HOURS), 60)
    rate = np.ones((1, 2, HOURS))
    rate[0, 0, 62:] = 4
    found = compared(cells(chance, rate), steady)
    assert found.p[0] < 1e-6
    assert found.excess[0] > 200
    traffic = steady.copy()
    traffic[0, 0] *= 2
    twice = np.ones((1, 2, HOURS))
    twice[0, 0] = 2
    assert compared(cells(chance, twice), traffic).p[0] > 0.01
    assert compared(cells(chance, rate)[:, ::-1], steady).excess[0] < -200


def test_what_two_hours_make_is_no_news() -> None:
    chance = np.random.default_rng(9)
    failures = cells(chance, 0.2)
    failures[0, 0, 50:52] += 200
    found = compared(failures, np.full(failures.shape, 60))
    assert found.excess[0] > 350
    assert found.p[0] > 0.01


def test_a_cell_of_few_failures_is_held_to_what_is_usual() -> None:
    chance = np.random.default_rng(10)
    many = cells(chance, 3.0, 2, 4.0, 40)
    usual = usual_dispersion(many, np.full(many.shape, 60))
    assert 8 < usual < 20
    few = np.zeros((1, 2, HOURS), dtype=np.int64)
    few[0, 0, ::17] = 4
    traffic = np.full(few.shape, 60)
    assert compared(few, traffic).p[0] < 1e-6
    assert compared(few, traffic, usual).p[0] > compared(few, traffic).p[0] * 1000
