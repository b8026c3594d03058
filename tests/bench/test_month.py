"""The made month: its calls are such as the analyzer gives, and what is planted is there."""

from __future__ import annotations

from datetime import date
from functools import cache
from itertools import pairwise

import numpy as np
import pytest

from analyzer.batch import MISSING, Columns
from analyzer.schema import columns
from analyzer.stats.counting import failures, one_of, unsuccessful
from analyzer.tables.build import arrow
from analyzer.tables.store_tables import STORED
from bench.month import FIRMWARE, TRUNK, Month, Shape, firmware_began, trunk_began
from bench.month_kinds import KINDS, Fields, Kind
from tests.flow import play
from tests.report.made_facts import registry

#: What a call of a ladder and one of the month must have in common.
SAME = (
    "status_code", "outcome", "outcome_detail", "outcome_rule", "fault", "family", "state", "release", "released_by",
    "cause", "cause_from", "cause_mapped", "cause_conflict", "failed_code", "charged_grade", "attempts", "challenges",
    "answers", "forks", "hops", "messages", "resends",
)  # fmt: skip
TIMES = ("progress_ts", "alert_ts", "media_ts", "answer_ts", "ack_ts", "bye_ts", "end_ts", "last_ts")
DELAYS = ("srd_ms", "pdd_ms", "ring_s", "early_media_s", "sdd_ms", "sdt_s")


@cache
def month() -> Month:
    """Two weeks with both incidents."""
    return Month(Shape(seed=3, calls=12_000, weeks=2), registry())


def ladder(kind: Kind) -> str:
    """A call of one kind as messages, such as its times want them."""
    lines = ["alice -> bob INVITE"]
    if kind.challenged:
        lines += ["alice <- bob 407", "alice -> bob ACK", "alice -> bob INVITE"]
    if kind.name != "no_reply":
        lines.append("alice <- bob 100")
    if kind.rings:
        lines.append("alice <- bob 180 +500ms")
    wait = f"+{max(int(kind.least * 1000), 10)}ms"
    reason = f" reason=Q.850;cause={kind.cause}" if kind.cause is not None else ""
    if kind.name.startswith("answered"):
        lines += [f"alice <- bob 200 {wait}", "alice -> bob ACK", "alice -> bob BYE +60s", "alice <- bob 200"]
    elif kind.status == 487:
        lines += [f"alice -> bob CANCEL {wait}", "alice <- bob 200 for=CANCEL", "alice <- bob 487", "alice -> bob ACK"]
    elif kind.name == "no_reply":
        lines[0] += " resends=6"
    elif kind.status is not None:
        lines += [f"alice <- bob {kind.status} {wait}{reason}", "alice -> bob ACK"]
    return "\n".join([*lines, "end +300s"])


@pytest.mark.parametrize("kind", KINDS, ids=[kind.name for kind in KINDS])
def test_every_kind_is_what_the_analyzer_makes_of_such_a_call(kind: Kind) -> None:
    (real,) = play(ladder(kind)).calls
    made = Fields(registry()).of(np.array([KINDS.index(kind)]), np.array([real["invite_ts"]]), np.random.default_rng(1))
    table = Columns(STORED["calls"].row_type, made, 1)
    assert {name: table.value(name, 0) for name in SAME} == {name: real[name] for name in SAME}
    for name in (*TIMES, *DELAYS):
        assert (table.value(name, 0) is None) == (real[name] is None), name
    fields = Fields(registry())
    assert bool(fields.flag("is_charged")[KINDS.index(kind)]) == (real["failed_by_ip"] is not None)
    assert bool(failures(table)[0]) == kind.is_failure


def test_tables_can_be_stored_and_lie_in_their_weeks() -> None:
    for part in month().slices:
        assert set(part.tables) == set(STORED)
        for name, table in part.tables.items():
            assert list(table) == [column.name for column in columns(table.row_type)]
            assert arrow(table).num_rows == len(table)
            if len(table):
                times = table.ints(STORED[name].time)
                assert part.period.from_ts <= times.min() <= times.max() < part.period.to_ts


def test_times_of_a_call_follow_each_other() -> None:
    calls = month().week.calls
    order = [calls.ints(name) for name in ("invite_ts", "progress_ts", "answer_ts", "bye_ts", "end_ts")]
    for earlier, after in pairwise(order):
        both = (earlier != MISSING) & (after != MISSING)
        assert (earlier[both] <= after[both]).all()
    keys = calls["call_key"].values()  # type: ignore[union-attr]
    assert len(set(keys)) == len(keys)


def test_sums_agree() -> None:
    calls = month().week.calls
    failed = failures(calls)
    assert (failed <= unsuccessful(calls)).all()
    charged = calls.labels("failed_by_ip").codes >= 0
    unauthorized = one_of(calls.labels("outcome"), {"unauthorized"})
    assert (charged | unauthorized)[failed].all()
    assert 0.05 < failed.mean() < 0.3
    nothing = calls.ints("status_code") == MISSING
    assert (one_of(calls.labels("outcome"), {"timed_out"}) | ~nothing).all()


def test_both_incidents_are_planted_and_can_be_left_out() -> None:
    week, quiet = month().week, Month(Shape(seed=3, calls=12_000, weeks=2, planted=()), registry()).week
    for part, is_planted in ((week, True), (quiet, False)):
        calls = part.calls
        refused = one_of(calls.labels("failed_by_ip"), {TRUNK}) & (calls.ints("status_code") == 503)
        hidden = one_of(calls.labels("callee_agent"), {FIRMWARE})
        assert (refused.sum() > 200) == is_planted
        assert (hidden.sum() > 100) == is_planted
        assert (calls.ints("retry_after_s") != MISSING).any() == is_planted
    assert (
        week.calls.ints("invite_ts")[one_of(week.calls.labels("callee_agent"), {FIRMWARE})]
    ).min() >= firmware_began(week.period)
    assert trunk_began(week.period) - week.period.from_ts == (24 + 14) * 3600 * 10**9 + 300 * 10**9


def test_the_same_seed_makes_the_same_month() -> None:
    again, other = Month(month().shape, registry()).week.calls, Month(Shape(seed=4, calls=12_000, weeks=2)).week.calls
    calls = month().week.calls
    assert again.ints("invite_ts").tolist() == calls.ints("invite_ts").tolist()
    assert again["call_key"].values() == calls["call_key"].values()  # type: ignore[union-attr]
    assert other.ints("invite_ts").tolist() != calls.ints("invite_ts").tolist()


def test_a_week_in_which_clocks_go_back_has_169_hours_of_calls() -> None:
    part = Month(Shape(seed=1, calls=6_000, weeks=1, last=date(2026, 10, 25), planted=())).week
    assert part.period.hours == 169
    hours = (part.calls.ints("invite_ts") - part.period.from_ts) // (3600 * 10**9)
    assert hours.max() == 168
