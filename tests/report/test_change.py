"""What explains the change: the two incidents of the made month and nothing else, over many months without any.

``RENEW_GOLDEN=1 pytest tests/report/test_change.py`` writes the golden file anew; look at what changed in it.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analyzer.batch import Columns, Labels
from analyzer.report.change import change
from analyzer.report.lines import Change, ChangeLine, HeadlineLine
from analyzer.report.proof import Proof
from analyzer.report.weekly import weekly
from analyzer.stats.counting import one_of
from analyzer.stats.facts import Facts
from analyzer.tables.slices import Slice
from bench.month import FIRMWARE, OLD_FIRMWARE, TRUNK, Month, Shape, firmware_began, trunk_began
from tests.report.made_facts import config, facts, registry

GOLDEN = Path(__file__).parent / "golden" / "made_month.json"
MINUTE = 60 * 10**9
SETTINGS = config()


@cache
def month(**shape: Any) -> Month:
    """A made month, once."""
    return Month(Shape(**shape), registry())


def of(made: Month, weeks: int) -> tuple[Change, Proof]:
    """The change of the last week against so many before."""
    week, *before = (Facts(part, registry(), SETTINGS, "dss1") for part in (made.week, *made.before[:weeks]))
    proof = Proof(week)
    return change(week, before, proof), proof


def said(line: ChangeLine) -> dict[str, Any]:
    """A line as the golden file has it: reals rounded, keys of calls left out."""
    row = {name: rounded(value) for name, value in asdict(line).items()}
    return {**row, "failures": line.failures.calls, "q": f"{line.q:.0e}"}


def head(line: HeadlineLine) -> dict[str, Any]:
    """A figure of the headline as the golden file has it."""
    before = None if line.before is None else list(line.before)
    return {"id": line.id, "now": list(line.now), "before": before, "is_significant": line.is_significant}


def rounded(value: Any) -> Any:
    """Three decimals: more differ between machines."""
    return round(value, 3) if isinstance(value, float) else value


def significant(found: Change) -> list[ChangeLine]:
    """The lines that claim to be more than chance."""
    return [line for line in found.lines if not line.is_redials]


def planted() -> Month:
    """Five weeks with both incidents."""
    return month(seed=46, calls=100_000, weeks=5)


@pytest.mark.parametrize("weeks", [1, 4])
def test_both_incidents_are_named_and_nothing_else(weeks: int) -> None:
    made = planted()
    found, proof = of(made, weeks)
    assert found.why_not is None
    trunk, firmware = found.lines
    assert trunk.where == {"endpoint": TRUNK, "status_code": "503"}
    assert trunk.endpoint == TRUNK
    assert firmware.where == {"status_code": "486", "cause": "34", "agent": FIRMWARE}
    assert firmware.agents == {FIRMWARE: firmware.failures.calls}
    assert set(firmware.read_causes) == {"34"}
    assert trunk.read_causes["34"] > 0.3 * trunk.failures.calls
    for line, moment in ((trunk, trunk_began), (firmware, firmware_began)):
        assert line.is_rise
        assert line.q < 1e-6
        assert line.began_ts is not None
        assert abs(line.began_ts - moment(made.periods[-1])) < 10 * MINUTE
        assert line.share is not None
        shown = [proof.calls[key] for key in line.failures.shown]
        assert len(shown) == 5
        assert all(line.began_ts <= call.invite_ts for call in shown)
    # Together they are more than the rise, since calls that are refused cannot fail otherwise.
    assert (trunk.share or 0) + (firmware.share or 0) == pytest.approx(100)
    assert found.points_low is not None
    assert found.points_low > 3


def test_the_golden_report() -> None:
    made = planted()
    seen: dict[str, Any] = {}
    for weeks, name in ((1, "previous"), (4, "4w")):
        week, *before = (Facts(part, registry(), SETTINGS, "dss1") for part in (made.week, *made.before[:weeks]))
        report = weekly(week, before, store=None)
        seen[name] = {
            "headline": [head(line) for line in report.headline],
            **{key: rounded(value) for key, value in asdict(report.change).items() if key != "lines"},
            "lines": [said(line) for line in report.change.lines],
        }
        assert {key for line in report.change.lines for key in line.failures.shown} <= set(report.calls)
    if os.environ.get("RENEW_GOLDEN"):
        GOLDEN.write_text(json.dumps(seen, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    assert seen == json.loads(GOLDEN.read_text(encoding="utf-8"))


def test_months_without_incidents_have_no_news() -> None:
    news = [
        (seed, line.where)
        for seed in range(20)
        for line in significant(of(Month(Shape(seed=seed, calls=8_000, weeks=2, planted=()), registry()), 1)[0])
    ]
    assert news == []


def test_months_without_incidents_have_no_news_against_four_weeks() -> None:
    news = [
        (seed, line.where)
        for seed in range(100, 106)
        for line in significant(of(Month(Shape(seed=seed, calls=20_000, weeks=5, planted=()), registry()), 4)[0])
    ]
    assert news == []


@pytest.mark.parametrize(
    "shape",
    [
        {"repeats": True},
        {"factors": {1: 0.5}},
        {"flows": {1: 2.0}},
        {"planted": ("update",)},
        {"bursts": 80},
    ],
    ids=["the same week twice", "half the traffic", "a trunk with twice the calls", "only a new name", "many bursts"],
)
def test_what_is_no_news(shape: dict[str, Any]) -> None:
    found = of(Month(Shape(**{"seed": 5, "calls": 30_000, "weeks": 2, "planted": (), **shape}), registry()), 1)[0]
    assert found.why_not == "no_change"
    assert found.lines == ()
    assert found.cells_tested > 20


def changed(part: Slice, chosen: Any, status: int, outcome: str, cause: int, source: str) -> Slice:
    """The calls of a mask (by what `chosen` makes of the calls) with another end."""
    calls = part.calls
    rows = chosen(calls)
    made = dict(calls.columns)
    for name, value in (("status_code", status), ("cause", cause)):
        made[name] = np.where(rows, value, calls.ints(name))
    for name, text in (("outcome", outcome), ("cause_from", source)):
        labels = calls.labels(name)
        names = [*labels.names, text]
        made[name] = Labels(np.where(rows, len(names) - 1, labels.codes).astype(np.int32), names)
    return Slice(part.period, {**part.tables, "calls": Columns(calls.row_type, made, len(calls))})


def test_a_cause_that_is_only_told_since_is_no_rise() -> None:
    week, before = month(seed=8, calls=40_000, weeks=2, planted=()).slices[::-1]
    told = changed(week, lambda calls: calls.ints("status_code") == 404, 404, "invalid_number", 1, "reason")
    now, then = (Facts(part, registry(), SETTINGS, "dss1") for part in (told, before))
    # More of the 404 have a read cause by far, and there are as many of them as there were.
    read = [one_of(one.calls.labels("cause_from"), {"reason"}) & one.failed for one in (now, then)]
    assert read[0].sum() > 1.3 * read[1].sum()
    assert change(now, [then], Proof(now)).lines == ()


def test_a_bad_agent_under_a_new_name_is_no_rise() -> None:
    def worse(calls: Columns) -> Any:
        return one_of(calls.labels("callee_agent"), {OLD_FIRMWARE, FIRMWARE}) & (np.arange(len(calls)) % 3 == 0)

    made = month(seed=9, calls=40_000, weeks=2, planted=("update",))
    now, then = (
        Facts(changed(part, worse, 500, "failed", 41, "profile"), registry(), SETTINGS, "dss1")
        for part in (made.week, made.before[0])
    )
    assert (one_of(now.calls.labels("callee_agent"), {FIRMWARE}) & now.failed).sum() > 100
    assert change(now, [then], Proof(now)).lines == ()


def test_redials_of_one_caller_are_shown_as_one_and_are_nobodys_incident() -> None:
    found = of(Month(Shape(seed=6, calls=30_000, weeks=2, planted=(), mad=400), registry()), 1)[0]
    (line,) = found.lines
    assert line.is_redials
    assert line.q == 1.0
    assert line.failures.calls >= 400
    assert line.collapsed <= 3
    assert line.endpoint == "198.51.100.9"
    assert found.why_not == "no_change"


def test_what_is_over_is_a_fall_with_its_end() -> None:
    made = Month(Shape(seed=7, calls=60_000, weeks=3, when=1), registry())
    found = of(made, 1)[0]
    trunk, firmware = found.lines
    assert (trunk.where["status_code"], firmware.where["cause"]) == ("503", "34")
    for line in found.lines:
        assert not line.is_rise
        assert line.points < 0
        assert line.failures.calls < line.before / 10
        assert line.began_ts is not None
        # Nights have few calls: the last failure of Sunday evening ends it.
        assert made.week.period.from_ts - 240 * MINUTE < line.began_ts < made.week.period.from_ts


def test_no_call_is_told_twice() -> None:
    made = planted()
    week, before = (Facts(part, registry(), SETTINGS, "dss1") for part in (made.week, made.before[0]))
    proof = Proof(week, shown=0)
    keys = [key for line in change(week, [before], proof).lines for key in line.failures.shown]
    assert len(keys) == len(set(keys)) > 1000


def test_nothing_to_compare_with_and_too_few_calls() -> None:
    rows = [{"outcome": "failed", "status_code": 503}] * 40
    week = facts(rows)
    alone = change(week, [], Proof(week))
    assert (alone.why_not, alone.failures, alone.calls, alone.points) == ("no_comparison", 40, 40, None)
    (earlier,) = week.period.earlier(1)
    none = change(week, [facts((), earlier)], Proof(week))
    assert (none.why_not, none.lines, none.calls_before) == ("few_calls", (), 0)
    empty = facts()
    assert change(empty, [facts((), earlier)], Proof(empty)).why_not == "few_calls"
