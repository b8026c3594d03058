"""Sums by span: a span is the recount of its buckets, endpoints are bounded and totals exact, everything expires."""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.batch import Columns
from analyzer.config import Config
from analyzer.registry import load_registry
from analyzer.schema import RegistrationRow
from analyzer.stats.kpi import Ratio
from analyzer.stats.tally import (
    BUCKET_ENDPOINTS,
    CHARGED,
    HOUR_S,
    LONGEST_S,
    MADE,
    MINUTE_S,
    OTHER,
    SECOND,
    Counts,
    Span,
    Tally,
    bound_endpoints,
    counted,
    ratios,
)
from tests.stats import made

REGISTRY, CONFIG = load_registry(), Config()
KINDS: tuple[dict[str, Any], ...] = (
    {"outcome": "answered", "status_code": 200, "family": "success"},
    {"outcome": "busy", "status_code": 486, "family": "client_error", "cause": 17},
    {"outcome": "failed", "status_code": 503, "family": "server_error", "cause": 34, "failed_by_ip": "192.0.2.9"},
    {"outcome": "timed_out", "cause": 18, "failed_by_ip": "192.0.2.8"},
    {"outcome": "elsewhere", "status_code": 487, "family": "client_error"},
)


def registrations(*outcomes: str) -> Columns:
    return made.table(RegistrationRow, [{"outcome": outcome, "request_ts": made.START} for outcome in outcomes])


def endpoint_totals(counts: Counts) -> list[int]:
    return [sum(numbers[which] for numbers in counts.endpoints.values()) for which in range(4)]


def test_what_a_call_counts_for() -> None:
    counts = counted(made.calls(*KINDS), registrations("registered", "failed"), REGISTRY, CONFIG)
    assert (counts.calls, counts.unsuccessful, counts.failures) == (5, 3, 2)
    assert counts.by_outcome == {"answered": 1, "busy": 1, "failed": 1, "timed_out": 1, "elsewhere": 1}
    assert counts.by_code == {200: 1, 486: 1, 503: 1, None: 1, 487: 1}
    assert counts.failures_by_code == {503: 1, None: 1}
    assert counts.by_cause == {17: 1, 34: 1, 18: 1}
    assert counts.by_registration == {"registered": 1, "failed": 1}
    assert counts.endpoints == {
        ("192.0.2.1", None): [5, 0, 0, 0],
        ("192.0.2.9", None): [0, 5, 1, 1],
        ("192.0.2.8", None): [0, 0, 0, 1],
    }
    assert counts.ratio("ser") == Ratio(1, 4)
    assert counts.ratio("never heard of") == Ratio(0, 0)


def test_failures_of_calls_and_of_registrations_are_two_figures() -> None:
    counts = counted(made.calls(*KINDS), registrations("registered", "timed_out", "rejected"), REGISTRY, CONFIG)
    assert counts.ratio("failures") == Ratio(2, 4)
    assert counts.ratio("registration_failures").denominator == 3
    assert set(counts.kpis) == set(ratios(REGISTRY, CONFIG))


steps = st.lists(
    st.tuples(
        st.integers(0, 25),  # seconds since the step before
        st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, 4)), max_size=4),
        st.lists(st.sampled_from(["registered", "failed"]), max_size=2),
    ),
    max_size=8,
)


@settings(max_examples=20, deadline=None)
@given(steps)
def test_a_span_is_the_recount_of_its_buckets(given_steps: Any) -> None:
    tally, now_s = Tally(REGISTRY, CONFIG, spans=[30]), made.START // SECOND
    seen: list[tuple[int, Counts]] = []
    for wait_s, chosen, registered in given_steps:
        now_s += wait_s
        calls = made.calls(*({**kind, "caller_ip": f"198.51.100.{who}"} for kind, who in chosen))
        others = registrations(*registered)
        seen.append((now_s // 10, counted(calls, others, REGISTRY, CONFIG) if chosen or registered else Counts()))
        tally.add(calls, others, now_s * SECOND)
        tally.tick(now_s * SECOND)
        for span_s in (30, MINUTE_S, HOUR_S):
            recount = Counts()
            for bucket, counts in seen:
                if now_s // 10 - span_s // 10 < bucket:
                    recount.add(counts)
            assert tally.span(span_s) == recount
        assert sum(tally.since_start.by_outcome.values()) == sum(counts.calls for _, counts in seen)


def crowd(numbers: Iterable[int]) -> Counts:
    """A call of each of some callers, of which every third is charged with a failure."""
    counts = Counts()
    for number in numbers:
        counts.calls += 1
        counts.endpoints[f"10.0.{number // 250}.{number % 250}", None] = [1, 0, 0, int(number % 3 == 0)]
    return counts


def test_endpoints_are_bounded_and_their_totals_exact() -> None:
    span, chance = Span(MINUTE_S), random.Random(7)
    expected: list[tuple[int, Counts]] = []
    for step in range(200):
        counts = crowd(chance.sample(range(2000), 50))
        expected.append((step // 4, counts))
        span.add(step * 5 // 2 * SECOND, counts)
        kept = [some for bucket, some in expected if bucket > step // 4 - 6]
        assert endpoint_totals(span.counts) == [sum(column) for column in zip(*map(endpoint_totals, kept), strict=True)]
        assert len(span.counts.endpoints) <= 6 * BUCKET_ENDPOINTS + 1
        assert min(min(numbers) for numbers in span.counts.endpoints.values()) >= 0
    assert span.counts.endpoints[OTHER][MADE] > 0


def test_a_crowd_cannot_take_the_name_of_a_watched_address() -> None:
    span = Span(MINUTE_S, frozenset({"192.0.2.7"}))
    for step in range(40):
        counts = crowd(range(3 * step, 3 * step + 100))
        counts.endpoints["192.0.2.7", 5] = [0, 1, 0, 0]
        span.add(step * SECOND, counts)
    assert span.counts.endpoints["192.0.2.7", 5] == [0, 40, 0, 0]
    assert len(span.counts.endpoints) <= 4 * (BUCKET_ENDPOINTS + 1)


def test_what_is_kept_are_those_with_most_failures() -> None:
    endpoints = {(f"192.0.2.{n}", None): [1, 0, 0, n % 4] for n in range(20)} | {OTHER: [7, 7, 7, 7]}
    bound_endpoints(endpoints, 5)
    assert {numbers[CHARGED] for endpoint, numbers in endpoints.items() if endpoint != OTHER} == {3}
    assert endpoints[OTHER] == [22, 7, 7, 7 + 15]
    assert len(endpoints) == 6


@pytest.mark.parametrize("span_s", [10, 30, MINUTE_S, HOUR_S, 5400, LONGEST_S])
def test_everything_expires_to_nothing(span_s: int) -> None:
    span = Span(span_s)
    for step in range(60):
        span.add(step * span_s * SECOND // 20, crowd(range(step, step + 80)))
    assert span.counts.calls > 0
    span.expire(59 * span_s * SECOND // 20 + span_s * SECOND)
    assert span.counts == Counts()


def test_a_long_span_has_few_buckets() -> None:
    span = Span(LONGEST_S)
    for step in range(2 * LONGEST_S // 10):
        span.add(step * 10 * SECOND, Counts(calls=1))
    assert len(span._buckets) <= 361
    assert LONGEST_S / 10 - 24 <= span.counts.calls <= LONGEST_S / 10


def test_a_clock_that_was_set_back_loses_nothing_and_nothing_stays() -> None:
    span = Span(MINUTE_S)
    for now_s in (1000, 400, 405, 1001, 1030):
        span.add(now_s * SECOND, Counts(calls=1))
    assert span.counts.calls == 5
    span.expire(1060 * SECOND)
    assert span.counts.calls == 1
    span.expire(1090 * SECOND)
    assert span.counts == Counts()


@pytest.mark.parametrize("span_s", [0, 9, LONGEST_S + 1])
def test_spans_that_cannot_be_kept(span_s: int) -> None:
    with pytest.raises(ValueError, match="a span is 10 to 86400 s"):
        Tally(REGISTRY, CONFIG, spans=[span_s])
    with pytest.raises(KeyError):
        Tally(REGISTRY, CONFIG).span(30)
