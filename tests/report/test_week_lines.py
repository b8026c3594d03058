"""Single lines of a weekly report: who is worst, what is new and gone, what limits the figures, who scans."""

from __future__ import annotations

from typing import Any

import pytest

from analyzer.report.lines import SeenLine
from analyzer.report.model import WeeklyReport
from analyzer.report.weekly import weekly
from tests.report.made_facts import WEEK, call, facts, played
from tests.stats.made import SECOND

HOUR = 3600 * SECOND
EARLIER = WEEK.earlier(4)


def many(count: int, at: int = WEEK.from_ts, **row: Any) -> list[dict[str, Any]]:
    """So many equal calls, one a minute."""
    return [call(**{"invite_ts": at + number * 60 * SECOND, **row}) for number in range(count)]


def report_of(rows: list[dict[str, Any]], *earlier: list[dict[str, Any]], **tables: Any) -> WeeklyReport:
    """A week of some calls against weeks of others, the latest first."""
    before = [facts(calls, period) for calls, period in zip(earlier, EARLIER, strict=False)]
    return weekly(facts(rows, **tables), before, store=None)


def test_endpoints_are_ranked_by_what_is_sure_and_small_ones_come_last() -> None:
    failing = {"outcome": "failed", "status_code": 503}
    rows = [
        *many(2, callee_ip="198.51.100.1", **failing),
        *many(40, callee_ip="198.51.100.2", **failing),
        *many(360, callee_ip="198.51.100.2"),
        *many(30, callee_ip="198.51.100.3", **failing),
        *many(20, callee_ip="198.51.100.3"),
    ]
    lines = report_of(rows).endpoints
    assert [(line.ip, line.share, line.is_small) for line in lines] == [
        ("198.51.100.3", (30, 50), False), ("198.51.100.2", (40, 400), False), ("198.51.100.1", (2, 2), True),
    ]  # fmt: skip


def test_who_only_passes_failures_on_is_told_apart() -> None:
    rows = many(30, outcome="failed", status_code=503, callee_ip="192.0.2.5", failed_by_ip="198.51.100.9",
                relayed_by="192.0.2.5")  # fmt: skip
    lines = {line.ip: line for line in report_of(rows).endpoints}
    assert (lines["198.51.100.9"].originated.calls, lines["198.51.100.9"].relayed.calls) == (30, 0)
    assert (lines["192.0.2.5"].originated.calls, lines["192.0.2.5"].relayed.calls) == (0, 30)
    assert lines["198.51.100.9"].share == (30, 30)
    assert lines["192.0.2.5"].calls_as_callee == 30


def way(line: SeenLine) -> tuple[Any, ...]:
    return line.failed_by_ip, line.status_code, line.cause, line.calls.calls


BROKEN = {"outcome": "failed", "status_code": 503, "cause": 34, "cause_from": "reason"}


@pytest.mark.parametrize(("weeks", "least"), [(1, 10), (4, 5)])
def test_what_is_new_is_told_when_chance_hardly_makes_it(weeks: int, least: int) -> None:
    quiet = [many(50, period.from_ts) for period in EARLIER[:weeks]]
    assert not report_of([*many(50), *many(least - 1, **BROKEN)], *quiet).first_seen
    report = report_of([*many(50), *many(least, WEEK.from_ts + HOUR, **BROKEN)], *quiet)
    assert [way(line) for line in report.first_seen] == [("192.0.2.9", 503, 34, least)]
    assert report.first_seen[0].ts == WEEK.from_ts + HOUR
    assert set(report.first_seen[0].calls.shown) <= set(report.calls)


@pytest.mark.parametrize(("weeks", "least"), [(1, 10), (4, 31)])
def test_what_is_gone_is_told_with_its_last_calls(weeks: int, least: int) -> None:
    last = [*many(50, EARLIER[0].from_ts), *many(least, EARLIER[0].from_ts, call_no=7, **BROKEN)]
    quiet = [many(50, period.from_ts) for period in EARLIER[1:weeks]]
    report = report_of(many(50), last, *quiet)
    assert [way(line) for line in report.solved] == [("192.0.2.9", 503, 34, least)]
    line = report.solved[0]
    assert line.before == least / weeks
    assert line.ts == EARLIER[0].from_ts + (least - 1) * 60 * SECOND
    assert line.calls.shown
    assert set(line.calls.shown) <= set(report.calls)
    assert not report_of(many(50), last[:-1], *quiet).solved


def test_without_comparison_nothing_is_new_or_gone() -> None:
    report = report_of(many(50, **BROKEN))
    assert (report.first_seen, report.solved) == ((), ())
    assert all(line.before is None for line in report.headline)


def interval(begin: int, end: int, **row: Any) -> dict[str, Any]:
    """A live source that listened."""
    usual = {"source": "eth0", "kind": "live", "frames": 1000, "octets": 0, "sip_messages": 500, "dropped": 0}
    return {**usual, "from_ts": begin, "to_ts": end, "open_calls": 0, "evicted": 0, "unstored": 0, **row}


def test_the_hours_that_somebody_listened_to_are_said_and_counts_are_not_scaled() -> None:
    period = EARLIER[0]
    heard = [
        interval(period.from_ts - HOUR, period.from_ts + 10 * HOUR),
        interval(period.from_ts + 5 * HOUR, period.from_ts + 12 * HOUR, source="eth1"),
        interval(period.from_ts + 20 * HOUR, period.from_ts + 24 * HOUR),
    ]
    before = facts(many(40, period.from_ts), period, intervals=heard)
    report = weekly(facts(many(60)), [before], store=None)
    assert report.about.compared_hours == (16.0,)
    assert next(line.before for line in report.headline if line.id == "calls") == (40, 40)
    assert report_of(many(60), many(40, period.from_ts)).about.compared_hours == (None,)


def test_sources_are_what_listened_in_the_period() -> None:
    heard = [
        interval(WEEK.from_ts - HOUR, WEEK.from_ts + HOUR, dropped=3),
        interval(WEEK.from_ts + HOUR, WEEK.from_ts + 2 * HOUR, run="second"),
    ]
    found = report_of([], intervals=heard).about.sources
    assert [(line.source, line.kind, line.runs, line.frames, line.dropped) for line in found] == [
        ("eth0", "live", 2, 2000, 3)
    ]
    assert (found[0].from_ts, found[0].to_ts) == (WEEK.from_ts, WEEK.from_ts + 2 * HOUR)


def test_doubts_of_several_runs_are_added_up_and_widen_the_bounds() -> None:
    rows = [*many(900), *many(100, WEEK.from_ts + HOUR, outcome="timed_out", cause=102, cause_from="event")]
    doubts = [
        {"ts": WEEK.from_ts, "check": check, "affected": affected, "total": total, "run": run}
        for run in ("one", "two")
        for check, affected, total in (("one_sided", 30, 500), ("doubts.one_sided", 30, 0), ("doubts.lost_calls", 5, 0))
    ]
    report = report_of(rows, doubts=doubts)
    quality = {line.check: line for line in report.quality}
    assert (quality["one_sided"].affected, quality["one_sided"].total) == (60, 1000)
    assert quality["one_sided"].grade != "good"
    assert report.about.grade == quality["one_sided"].grade
    asr = next(line for line in report.bounds if line.kpi == "asr")
    assert (asr.value, asr.doubtful, asr.outside) == (90.0, 60, 10)
    assert (asr.low, asr.high) == (pytest.approx(100 * 900 / 1010), pytest.approx(100 * 970 / 1010))
    head = next(line for line in report.headline if line.id == "asr")
    assert (head.low, head.high) == (asr.low, asr.high)


def test_frames_that_a_live_source_lost_limit_the_figures_once() -> None:
    lost = interval(WEEK.from_ts, WEEK.to_ts, frames=900, sip_messages=450, dropped=100)
    report = report_of(many(50), intervals=[lost])
    assert [(line.affected, line.total) for line in report.quality if line.check == "dropped"] == [(100, 1000)]
    noted = {"ts": WEEK.from_ts, "check": "dropped", "affected": 100, "total": 1000}
    report = report_of(many(50), intervals=[lost], doubts=[noted])
    assert [(line.affected, line.total) for line in report.quality if line.check == "dropped"] == [(100, 1000)]


GUESSING = "\n".join(
    ["scanner = 203.0.113.66 agent=friendly-scanner", "phone = 198.51.100.5", "pbx = 192.0.2.10",
     "at 2026-11-17T08:00:00+01:00"]
    + [f"call {n}\nscanner -> pbx REGISTER from={n} to={n}\nscanner <- pbx 403" for n in range(100, 108)]
    + ["call good\nphone -> pbx REGISTER\nphone <- pbx 200", "call bad\nphone -> pbx REGISTER\nphone <- pbx 403"]
)  # fmt: skip


def test_registrations_that_scanners_tried_are_in_no_figure() -> None:
    report = weekly(played(GUESSING), [], store=None)
    assert [(line.ip, line.registrations) for line in report.scanners] == [("203.0.113.66", 8)]
    found = report.registrations
    assert (found.total, found.by_outcome, found.ira) == (2, {"registered": 1, "rejected": 1}, (1, 2))
    assert [(line.client_ip, line.total, line.failed, line.by_status_code) for line in found.lines] == [
        ("198.51.100.5", 2, 1, {"403": 1})
    ]


def test_conflicts_name_the_sender_and_what_the_table_says() -> None:
    rows = many(40, outcome="rejected", status_code=486, cause=34, cause_from="reason", cause_conflict=True)
    line = report_of(rows, many(10, EARLIER[0].from_ts)).conflicts[0]
    assert (line.status_code, line.cause, line.ip, line.calls.calls) == (486, 34, "192.0.2.9", 40)
    assert (line.mapped, line.expected, line.before) == (17, False, 0.0)


def test_requests_inside_dialogs_are_counted_with_those_that_were_resolved() -> None:
    refused = {"method": "INVITE", "kind": "failure", "status_code": 488, "request_ts": WEEK.from_ts, "resolved": False}
    rows = [refused, {**refused, "resolved": True}, {**refused, "method": "UPDATE"}]
    found = [
        (line.method, line.status_code, line.requests, line.resolved) for line in report_of([], midcall=rows).midcall
    ]
    assert found == [("INVITE", 488, 2, 1), ("UPDATE", 488, 1, 0)]
