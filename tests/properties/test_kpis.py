"""Figures of merit: parts that are added up are the whole, whatever the calls and however they are split."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.batch import concat
from analyzer.registry import load_registry
from analyzer.schema import CallRow, RegistrationRow
from analyzer.stats import delays
from analyzer.stats.delays import Delays, merged
from analyzer.stats.kpi import Ratio, whole
from analyzer.stats.kpis import Request, kpis
from analyzer.stats.parts import DIMENSIONS
from analyzer.vocab import CauseFrom, Outcome, Release, Side
from tests.stats.made import SECOND, START, MadeConfig, calls, empty

REGISTRY = load_registry()
WEEK = 7 * 86_400 * SECOND

reals = st.none() | st.floats(-1e6, 1e9)
rows = st.fixed_dictionaries(
    {
        "outcome": st.sampled_from([outcome.value for outcome in Outcome]),
        "status_code": st.none()
        | st.sampled_from([200, 202, 302, 401, 404, 408, 480, 486, 487, 500, 503, 603, 607, 703]),
        "release": st.none() | st.sampled_from([release.value for release in Release]),
        "cause": st.none() | st.sampled_from([16, 17, 21, 27, 88]),
        "cause_from": st.none() | st.sampled_from([source.value for source in CauseFrom]),
        "failed_side": st.sampled_from([side.value for side in Side]),
        "invite_ts": st.integers(START, START + WEEK),
        "answer_ts": st.none() | st.integers(START, START + WEEK),
        "bye_ts": st.none() | st.integers(START, START + WEEK),
        "attempts": st.integers(0, 4),
        "challenges": st.integers(0, 3),
        "caller_ip": st.sampled_from(["192.0.2.1", "192.0.2.2", "2001:db8::1"]),
        "to_uri": st.sampled_from(["sip:+3120@a", "sip:0101@b", "tel:+49", "sip:bob@c", None]),
        "caller_agent": st.none() | st.text(max_size=3),
        "srd_ms": reals,
        "sdd_ms": reals,
        "sdt_s": reals,
        "pdd_ms": reals,
    }
)


def figures(made: Any, by: str = "all", top: int = 0) -> list[Any]:
    return kpis(made, empty(RegistrationRow), None, REGISTRY, MadeConfig(), Request((by,), top))


@settings(max_examples=40)
@given(by=st.sampled_from(list(DIMENSIONS)), made=st.lists(rows, min_size=1, max_size=20), top=st.integers(0, 3))
def test_parts_of_every_break_down_add_up_to_the_whole(by: str, made: list[dict[str, Any]], top: int) -> None:
    table = calls(*made)
    parts: dict[str, list[Any]] = {}
    for kpi in figures(table, by, top):
        parts.setdefault(kpi.id, []).append(kpi.figure)
    for kpi in figures(table):
        if kpi.unit_counted == "calls":
            assert whole(parts[kpi.id]) == kpi.figure, kpi.id


@settings(max_examples=30)
@given(made=st.lists(rows, max_size=20), cut=st.integers(0, 20))
def test_tables_that_are_split_and_put_together_give_the_same(made: list[dict[str, Any]], cut: int) -> None:
    first, second = calls(*made[:cut]), calls(*made[cut:])
    joined = concat(CallRow, [first, second])
    pairs = zip(figures(first), figures(second), figures(joined), strict=True)
    for one, other, both in pairs:
        assert whole([one.figure, other.figure]) == both.figure, both.id


@settings(max_examples=30)
@given(made=st.lists(rows, max_size=20))
def test_a_ratio_counts_no_more_than_its_denominator(made: list[dict[str, Any]]) -> None:
    for kpi in figures(calls(*made)):
        if isinstance(kpi.figure, Ratio):
            assert 0 <= kpi.figure.numerator <= max(kpi.figure.denominator, 0), kpi.id


@given(
    parts=st.lists(st.lists(st.floats(-1e12, 1e12), max_size=12), max_size=8),
    exact=st.sampled_from([0, 1, 5, 1000]),
)
def test_histograms_of_parts_are_the_histogram_of_the_whole(parts: list[list[float]], exact: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(delays, "EXACT", exact)
        arrays = [np.array(part, dtype=np.float64) for part in parts]
        joined = np.concatenate([*arrays, np.empty(0)])
        assert merged(Delays.of(part) for part in arrays) == Delays.of(joined)
