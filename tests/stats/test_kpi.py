"""Ratios, their interval, and putting parts together: rules 1.26 and 1.27."""

from __future__ import annotations

import numpy as np
import pytest

from analyzer.registry import load_registry
from analyzer.stats.delays import Delays
from analyzer.stats.kpi import Average, Kpi, Ratio, whole


@pytest.mark.parametrize(
    ("ratio", "low", "high"),
    [  # from the formula in Brown, Cai, DasGupta 2001, by hand and with R's binom::binom.wilson
        (Ratio(1, 2), 9.453, 90.547),
        (Ratio(900, 10_000), 8.454, 9.577),
        (Ratio(0, 3), 0.0, 56.150),
        (Ratio(3, 3), 43.850, 100.0),
        (Ratio(0, 1_000_000), 0.0, 0.000384),
        (Ratio(1, 10), 1.788, 40.415),
    ],
)
def test_the_interval_is_wilsons(ratio: Ratio, low: float, high: float) -> None:
    assert ratio.interval == (pytest.approx(low, abs=0.001), pytest.approx(high, abs=0.001))


def test_a_ratio_over_nothing_is_undefined_and_not_zero() -> None:
    assert Ratio(0, 0).value is None
    assert Ratio(0, 0).interval is None
    assert Ratio(0, 5).value == 0.0
    assert Delays().mean is None
    assert Delays().percentile(50) is None


def test_every_ratio_lies_in_its_interval() -> None:
    for denominator in range(1, 40):
        for numerator in range(denominator + 1):
            ratio = Ratio(numerator, denominator)
            assert ratio.interval is not None
            assert ratio.value is not None
            low, high = ratio.interval
            assert 0 <= low <= ratio.value <= high <= 100


def test_parts_are_added_and_not_averaged() -> None:
    """A quiet hour in which nothing worked, and a busy one in which nearly everything did."""
    hours = [Ratio(0, 2), Ratio(95, 98)]
    assert whole(hours) == Ratio(95, 100)
    assert whole(hours).value == 95.0
    naive = whole(hours, sums=False)
    assert isinstance(naive, Average)
    assert naive.value == pytest.approx(48.47, abs=0.01)  # what an average of averages makes of it
    assert naive.counted == 100


def test_delays_of_parts_are_put_together_by_value() -> None:
    hours = [Delays.of(np.array([10.0])), Delays.of(np.full(9, 100.0))]
    together = whole(hours)
    assert isinstance(together, Delays)
    assert (together.mean, together.percentile(50)) == (91.0, 100.0)
    assert whole(hours, sums=False) == Average(55.0, 10)


def test_without_parts_nothing_tells_what_it_is() -> None:
    with pytest.raises(ValueError, match="no parts"):
        whole([])


def test_a_row_holds_what_the_figure_has_and_nothing_else() -> None:
    entries = load_registry().kpis
    ratio = Kpi("ser", entries["ser"], "calls", "all", None, False, Ratio(1, 4)).row()
    assert (ratio.value, ratio.unit, ratio.numerator, ratio.denominator) == (25.0, "%", 1, 4)
    assert ratio.low is not None
    assert (ratio.p50, ratio.maximum) == (None, None)
    delay = Kpi("srd", entries["srd"], "calls", "hour", "x", False, Delays.of(np.array([3.0, 1.0, 2.0]))).row()
    assert (delay.value, delay.unit, delay.numerator, delay.denominator) == (2.0, "ms", None, 3)
    assert (delay.low, delay.p50, delay.p95, delay.p99, delay.maximum) == (None, 2.0, 3.0, 3.0, 3.0)
    assert (delay.by, delay.part) == ("hour", "x")


def test_without_intervals_there_are_none() -> None:
    row = Kpi("ser", load_registry().kpis["ser"], "calls", "all", None, False, Ratio(1, 4)).row(has_interval=False)
    assert (row.low, row.high, row.value) == (None, None, 25.0)
