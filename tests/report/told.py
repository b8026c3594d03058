"""The report made by hand, with its days, for tests of what is drawn and written."""

from __future__ import annotations

from dataclasses import replace

from analyzer.report.lines import Count
from analyzer.report.lines_of_traffic import DayLine
from analyzer.report.model import WeeklyReport
from analyzer.stats.kpi import Ratio
from tests.report import sample

FAILED = (40, 310, 210, 150, 90, 31, 30)


def told() -> WeeklyReport:
    """The sample, a line for each of its days."""
    return replace(sample.report(), days=tuple(_day(n, failed) for n, failed in enumerate(FAILED)))


def _day(number: int, failed: int) -> DayLine:
    calls, server = 1800 - 150 * number, failed * 9 // 10
    return DayLine(
        day=sample.WEEK.days[number],
        hours=24,
        calls=calls,
        answered=calls * 2 // 3,
        failures=Count(failed),
        by_family={"server_error": server, "client_error": failed - server - 1, "none": 1},
        asr=Ratio(calls * 2 // 3, calls),
        ner=Ratio(calls - failed, calls),
        ser=Ratio(calls * 2 // 3, calls - 9),
        calls_before=1500.0,
        failures_before=41.5 - number,
    )
