"""How long it rang before the caller gave up: rule 1.3."""

from __future__ import annotations

from analyzer.schema import CallRow
from analyzer.stats.ring_times import STARTS_S, RingTime, ring_times
from tests.stats.made import calls, empty


def test_cancelled_and_unanswered_calls_by_ring_time() -> None:
    rang = [("cancelled", 4.9), ("cancelled", 5.0), ("cancelled", 31.0), ("no_answer", 61.0), ("no_answer", 200.0)]
    rows = [{"outcome": outcome, "ring_s": seconds} for outcome, seconds in rang]
    found = ring_times(calls(*rows, {"outcome": "answered", "ring_s": 5.0}, {"outcome": "abandoned"}))
    assert len(found) == len(STARTS_S)
    assert [row for row in found if row.cancelled or row.no_answer] == [
        RingTime(0, 5, 1, 0), RingTime(5, 10, 1, 0), RingTime(30, 45, 1, 0), RingTime(60, 90, 0, 1),
        RingTime(90, None, 0, 1),
    ]  # fmt: skip


def test_a_clock_that_stepped_back_counts_in_the_first_bucket() -> None:
    assert ring_times(calls({"outcome": "cancelled", "ring_s": -2.0}))[0] == RingTime(0, 5, 1, 0)


def test_without_ring_times_there_is_no_histogram() -> None:
    assert ring_times(empty(CallRow)) == []
    assert ring_times(calls({"outcome": "cancelled"}, {"outcome": "answered", "ring_s": 3.0})) == []
