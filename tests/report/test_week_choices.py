"""The options beside a number list exactly its calls; the calls beside it are the most useful ones."""

from __future__ import annotations

from typing import Any

import click
import numpy as np
from click.testing import CliRunner

from analyzer.report.lines import Count
from analyzer.report.model import WeeklyReport
from analyzer.report.weekly import weekly
from analyzer.stats.facts import Facts
from analyzer.stats.proof import useful
from analyzer.stats.select import Choice, chosen
from analyzer.ui.cli.choosing import Asked, choosing_options
from tests.report.made_facts import AMSTERDAM, DEMO, DEMO_WEEK, WEEK, analyzed, call, facts
from tests.stats.made import SECOND


def choice_of(options: str) -> Choice:
    """What ``sipcause calls`` makes of some options."""
    asked: list[Asked] = []

    @click.command()
    @choosing_options
    def calls(**given: Any) -> None:
        names = (
            "failed",
            "outcomes",
            "statuses",
            "causes_chosen",
            "endpoints",
            "numbers",
            "since",
            "until",
            "scanners",
        )
        asked.append(Asked(*(given[name] for name in names)))

    result = CliRunner().invoke(calls, options.split(), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return asked[0].choice(AMSTERDAM, None)


def listed(week: Facts, options: str) -> list[str]:
    """Keys of the calls that the options list: of all calls of the slice, scanners' marked as `Facts` found them."""
    calls = week.part.calls
    calls.columns["is_scanner"] = week.scanning.is_scanner
    rows = chosen(calls, choice_of(options))
    column: Any = calls["call_key"]
    return [column.value(row) for row in rows.tolist()]


def with_options(value: Any) -> list[Count]:
    """Every count of a report that has options."""
    if isinstance(value, Count):
        return [value] if value.choice else []
    if isinstance(value, tuple):
        return [count for part in value for count in with_options(part)]
    names = getattr(value, "__dataclass_fields__", {})
    return [count for name in names for count in with_options(getattr(value, name))]


def held_to(report: WeeklyReport, week: Facts) -> int:
    """Compare every count that has options with what these list; how many were compared."""
    seen: dict[str, list[str]] = {}
    for count in with_options(report):
        if count.choice not in seen:
            seen[count.choice] = listed(week, count.choice)
        assert len(seen[count.choice]) == count.calls, count.choice
        assert set(count.shown) <= set(seen[count.choice])
    return len(seen)


def test_the_options_of_the_demo_list_exactly_its_calls() -> None:
    week = analyzed(DEMO, DEMO_WEEK)
    assert held_to(weekly(week, [], store="calls"), week) > 200


def test_a_code_of_two_vendors_has_no_options() -> None:
    rows = [
        call(outcome="failed", status_code=703, vendor=vendor, invite_ts=WEEK.from_ts + n * SECOND)
        for n, vendor in enumerate(["gigaset", "gigaset", None])
    ]
    week = facts(rows)
    report = weekly(week, [], store="calls")
    assert [(line.vendor, line.failures.calls, line.failures.choice) for line in report.codes] == [
        ("gigaset", 2, ""), (None, 1, ""),
    ]  # fmt: skip
    assert held_to(report, week)


def test_proof_is_read_usual_and_spread_over_time() -> None:
    derived = {"outcome": "failed", "status_code": 503, "cause": 41, "cause_from": "profile"}
    read = {"outcome": "failed", "status_code": 503, "cause": 34, "cause_from": "reason"}
    rare = {"outcome": "failed", "status_code": 500, "cause": 38, "cause_from": "reason"}
    kinds = [derived] * 20 + [rare] + [read] * 40 + [derived] * 20
    week = facts([call(**kind, invite_ts=WEEK.from_ts + n * 60 * SECOND) for n, kind in enumerate(kinds)])
    assert useful(week, np.arange(len(kinds)), 5) == [21, 31, 41, 50, 60]
    assert useful(week, np.arange(20), 3) == [0, 10, 19]
    assert useful(week, np.arange(4), 0) == [0, 1, 2, 3]
