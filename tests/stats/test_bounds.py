"""Between which values a figure lies: pure arithmetic first, then made calls."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.batch import Columns
from analyzer.registry import load_registry
from analyzer.schema import RegistrationRow
from analyzer.stats.bounds import (
    Bound,
    bound,
    bound_rows,
    bounds,
    call_shares,
    duration_bound,
    registration_bound,
    registration_share,
)
from analyzer.stats.doubts import Doubts
from tests.stats.made import SECOND, START, MadeAnalysis, calls, capture, table

BUSY = {"outcome": "busy", "status_code": 486}
SILENT = {"outcome": "timed_out", "status_code": None}
ANSWERED = {"outcome": "answered", "status_code": 200, "release": "normal"}
OPEN = {"outcome": "open", "status_code": None}


def made(*rows: dict[str, Any]) -> Columns:
    return calls(*[{"messages": 7, "hops": 1, **row} for row in rows])


def silent(table_of_calls: Columns) -> np.ndarray[Any, np.dtype[np.bool_]]:
    return np.array([row["outcome"] == "timed_out" for row in table_of_calls.rows()], dtype=np.bool_)


def found(table_of_calls: Columns, **doubtful: int) -> dict[str, Bound]:
    shares = call_shares(table_of_calls, load_registry())
    return bounds(table_of_calls, shares, Doubts(silent(table_of_calls), **doubtful))


@pytest.mark.parametrize(
    ("numerator", "denominator", "gains", "losses", "outside", "low", "high"),
    [
        (61, 100, 0, 0, 0, 61.0, 61.0),  # nothing doubtful: the figure itself
        (61, 100, 31, 0, 0, 61.0, 92.0),  # counted as unanswered, perhaps answered
        (5, 100, 0, 3, 0, 2.0, 5.0),
        (50, 100, 0, 0, 25, 40.0, 60.0),  # not counted: in the denominator on both sides
        (50, 100, 10, 5, 100, 22.5, 80.0),
        (0, 0, 0, 0, 4, 0.0, 100.0),  # nothing is known
        (0, 0, 0, 0, 0, None, None),  # nothing was counted: undefined, not 0
    ],
)
def test_a_ratio_with_everything_doubtful_on_either_side(
    numerator: int, denominator: int, gains: int, losses: int, outside: int, low: float | None, high: float | None
) -> None:
    assert bound(numerator, denominator, gains, losses, outside) == Bound(low, high, gains + losses, outside)


@given(st.integers(0, 50), st.integers(0, 50), st.integers(0, 50), st.integers(0, 50))
def test_every_way_the_doubtful_calls_can_turn_out_lies_within(yes: int, no: int, doubtful: int, outside: int) -> None:
    """yes and no are certain; each doubtful call and each one outside may be either, or no call of the ratio at all."""
    whole = yes + no + doubtful
    found = bound(yes, whole, doubtful, 0, outside)
    if found.low is None or found.high is None:
        assert whole + outside == 0
        return
    for turned in {0, doubtful // 2, doubtful}:
        for added in {0, outside // 2, outside}:
            for of_them in {0, added // 2, added}:
                if whole + added:
                    assert found.low - 1e-9 <= 100 * (yes + turned + of_them) / (whole + added) <= found.high + 1e-9


def test_without_doubts_every_range_is_a_point() -> None:
    ranges = found(made(ANSWERED, BUSY, BUSY, {"outcome": "failed", "status_code": 503}))
    assert {kpi: (r.low, r.high) for kpi, r in ranges.items()} == {
        "ser": (25.0, 25.0), "seer": (75.0, 75.0), "asr": (25.0, 25.0), "ner": (75.0, 75.0), "isa": (25.0, 25.0),
        "scr": (25.0, 25.0), "failures": (25.0, 25.0), "drops": (0.0, 0.0),
    }  # fmt: skip


def test_silent_calls_may_have_been_answered_but_only_as_many_as_are_doubtful() -> None:
    rows = made(ANSWERED, SILENT, SILENT, BUSY)
    assert (found(rows, one_sided=1)["ser"].low, found(rows, one_sided=1)["ser"].high) == (25.0, 50.0)
    assert found(rows, one_sided=1, lost_messages=100)["ser"] == Bound(25.0, 75.0, 2, 0)
    assert found(rows, one_sided=2)["isa"] == Bound(0.0, 50.0, 2, 0)


def test_calls_outside_pull_on_both_ends() -> None:
    assert found(made(ANSWERED, BUSY, OPEN, OPEN), open=2)["ser"] == Bound(25.0, 75.0, 0, 2)


def test_a_missing_bye_leaves_ser_alone_and_scr_in_doubt() -> None:
    ranges = found(made({**ANSWERED, "release": "no_bye_seen"}, {**ANSWERED, "release": "still_up"}, ANSWERED, BUSY))
    assert (ranges["ser"].low, ranges["ser"].high) == (75.0, 75.0)
    assert ranges["scr"] == Bound(25.0, 75.0, 1, 1)


def test_registrations_without_an_answer_may_have_had_one() -> None:
    registered = table(
        RegistrationRow,
        [
            {"registration_no": 1, "outcome": "registered", "status_code": 200},
            {"registration_no": 2, "outcome": "timed_out"},
            {"registration_no": 3, "outcome": "rejected", "status_code": 401},
            {"registration_no": 4, "outcome": "rejected", "status_code": 403},
        ],
    )
    share = registration_share(registered, load_registry())
    nobody = np.zeros(0, dtype=np.bool_)
    assert registration_bound(share, Doubts(nobody)) == Bound(50.0, 50.0, 0, 0)
    doubtful = Doubts(nobody, silent_registrations=1, one_sided_registrations=1, open_registrations=4)
    assert registration_bound(share, doubtful) == Bound(12.5, 75.0, 1, 4)


def test_durations_of_calls_without_bye_lie_between_nothing_and_the_end_of_the_capture() -> None:
    rows = made(
        {**ANSWERED, "sdt_s": 60.0, "answer_ts": START},
        {**ANSWERED, "release": "no_bye_seen", "answer_ts": START + 100 * SECOND},
    )
    assert duration_bound(rows, START + 200 * SECOND) == Bound(30.0, 80.0, 0, 1)


def test_a_call_that_was_still_up_lasted_at_least_so_long() -> None:
    rows = made({**ANSWERED, "release": "still_up", "answer_ts": START})
    assert duration_bound(rows, START + 90 * SECOND) == Bound(90.0, 90.0, 0, 1)
    assert duration_bound(made(BUSY), START) == Bound(None, None, 0, 0)


def test_rows_hold_the_figure_and_its_range() -> None:
    analysis = MadeAnalysis({"calls": made(ANSWERED, BUSY, OPEN, OPEN)}, captures=[capture()])
    ser = next(row for row in bound_rows(analysis) if row.kpi == "ser")
    assert (ser.value, ser.low, ser.high, ser.outside) == (50.0, 25.0, 75.0, 2)
    for row in bound_rows(analysis):
        assert row.low is not None
        assert row.high is not None
        assert row.low <= (row.low if row.value is None else row.value) <= row.high


def test_scanners_are_in_no_range() -> None:
    scan = {**BUSY, "caller_agent": "friendly-scanner", "is_scanner": True, "caller_ip": "198.51.100.66"}
    analysis = MadeAnalysis({"calls": made(ANSWERED, BUSY, *[scan] * 8, {**OPEN, "is_scanner": True})})
    ser = next(row for row in bound_rows(analysis) if row.kpi == "ser")
    assert (ser.value, ser.low, ser.high, ser.outside) == (50.0, 50.0, 50.0, 0)


def test_nothing_at_all() -> None:
    assert bound_rows(MadeAnalysis({})) == []
