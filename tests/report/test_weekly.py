"""The numbers of a weekly report: every total is the sum of its parts and what the calls say; times and empty weeks."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.batch import Columns
from analyzer.config_entries import ReportSettings, ReportThresholds
from analyzer.periods import Period, period_of, week_of
from analyzer.report.model import WeeklyReport
from analyzer.report.weekly import NEEDED, weekly
from analyzer.stats.facts import Facts
from analyzer.stats.kpi import Ratio
from analyzer.tables.slices import Slice
from analyzer.vocab import FAILURES, NOT_UNSUCCESSFUL
from tests.report.made_facts import AMSTERDAM, DEMO, DEMO_WEEK, WEEK, analyzed, call, config, facts, played
from tests.stats.made import SECOND

HOUR = 3600 * SECOND
#: What calls of a made week may be like: outcome, code, cause and where it comes from.
KINDS: list[dict[str, Any]] = [
    {"outcome": "answered"},
    {"outcome": "answered", "release": "no_ack"},
    {"outcome": "answered", "release": "abnormal", "release_cause": 41},
    {"outcome": "busy", "status_code": 486, "cause": 17, "cause_from": "profile"},
    {"outcome": "failed", "status_code": 503, "cause": 34, "cause_from": "reason"},
    {"outcome": "failed", "status_code": 500, "cause": 41, "cause_from": "profile"},
    {"outcome": "failed", "status_code": 703, "vendor": "gigaset"},
    {"outcome": "invalid_number", "status_code": 404, "cause": 1, "cause_from": "profile"},
    {"outcome": "rejected", "status_code": 486, "cause": 34, "cause_from": "reason", "cause_conflict": True},
    {"outcome": "timed_out", "cause": 102, "cause_from": "event"},
    {"outcome": "cancelled", "status_code": 487, "cause": 16, "cause_from": "event"},
    {"outcome": "open"},
    {"outcome": "elsewhere", "status_code": 487},
]
ENDS = ["192.0.2.1", "192.0.2.2", "198.51.100.7", "203.0.113.9"]


@st.composite
def some_calls(draw: st.DrawFn, period: Period = WEEK) -> list[dict[str, Any]]:
    """Calls of a period, in the order of their INVITEs."""
    count = draw(st.integers(0, 40))
    times = sorted(draw(st.lists(st.integers(period.from_ts, period.to_ts - 1), min_size=count, max_size=count)))
    rows = []
    for number, ts in enumerate(times):
        caller, callee = draw(st.permutations(ENDS))[:2]
        kind = draw(st.sampled_from(KINDS))
        row = call(**kind, invite_ts=ts, caller_ip=caller, callee_ip=callee, call_id=f"{ts}-{number}")
        if draw(st.booleans()) and row.get("failed_by_ip"):
            row["relayed_by"] = ENDS[0]
        rows.append(row)
    return rows


def total(lines: Any, name: str = "calls") -> int:
    """The sum of the counts of lines."""
    return sum(getattr(line, name).calls for line in lines)


def figure(report: WeeklyReport, name: str) -> Any:
    """A line of the headline."""
    return next(line for line in report.headline if line.id == name)


@given(some_calls(), st.lists(some_calls(WEEK.earlier(1)[0]), max_size=1))
@settings(max_examples=40)
def test_every_total_is_the_sum_of_its_parts(rows: list[dict[str, Any]], earlier: list[list[dict[str, Any]]]) -> None:
    before = [facts(calls, WEEK.earlier(1)[0]) for calls in earlier]
    report = weekly(facts(rows), before, store="calls")
    outcomes = Counter(row["outcome"] for row in rows)
    failed = sum(count for outcome, count in outcomes.items() if outcome in FAILURES)
    unsuccessful = sum(count for outcome, count in outcomes.items() if outcome not in NOT_UNSUCCESSFUL)
    assert {line.outcome: line.calls.calls for line in report.outcomes if line.calls.calls} == outcomes
    assert figure(report, "calls").now.numerator == total(report.outcomes) == report.about.calls == len(rows)
    assert figure(report, "failures").now.numerator == failed == report.change.failures
    assert total(report.families, "failures") == total(report.codes, "failures") == failed
    assert figure(report, "unsuccessful").now.numerator == total(report.causes) == unsuccessful
    assert sum(line.failures for line in report.causes) == failed
    for cause in report.causes:
        parts = cause.read + cause.vendor + cause.event + cause.derived
        assert parts == (0 if cause.cause is None else cause.calls.calls)
    assert figure(report, "answered").now.numerator == total(report.releases) == outcomes["answered"]
    assert sum(cell.calls for cell in report.heat) == len(rows)
    assert total(report.heat, "failures") == failed
    assert sum(day.calls for day in report.days) == len(rows)
    assert total(report.days, "failures") == failed
    assert all(sum(day.by_family.values()) == day.failures.calls for day in report.days)
    assert sum(day.asr.numerator for day in report.days) == outcomes["answered"]
    assert total(report.endpoints, "originated") <= failed
    assert all(sum(line.by_status_code.values()) == line.originated.calls for line in report.endpoints)
    assert all(line.share.numerator <= line.share.denominator for line in report.endpoints)
    assert total(report.destinations, "attempts") <= len(rows)
    assert {line.kpi: line.value for line in report.bounds}.get("asr") == figure(report, "asr").now.value
    if before:
        assert sum(line.before or 0 for line in report.outcomes) == len(earlier[0])
        assert sum(line.before or 0 for line in report.codes) == before[0].failed.sum()


def counts(value: Any) -> list[Any]:
    """Every `Count` anywhere in a report."""
    if type(value).__name__ == "Count":
        return [value]
    if isinstance(value, tuple):
        return [count for part in value for count in counts(part)]
    names = getattr(value, "__dataclass_fields__", {})
    return [count for name in names for count in counts(getattr(value, name))]


@given(some_calls())
@settings(max_examples=20)
def test_every_call_that_a_count_shows_is_there(rows: list[dict[str, Any]]) -> None:
    report = weekly(facts(rows), [], store=None)
    for count in counts(report):
        assert set(count.shown) <= set(report.calls)
        assert len(set(count.shown)) == len(count.shown) <= count.calls


@given(some_calls())
@settings(max_examples=20)
def test_two_halves_add_up_to_the_whole(rows: list[dict[str, Any]]) -> None:
    halves = [period_of(WEEK.days[0], WEEK.days[2], AMSTERDAM), period_of(WEEK.days[3], WEEK.days[6], AMSTERDAM)]
    whole = weekly(facts(rows), [], store=None)
    parts = [weekly(facts(rows, half), [], store=None) for half in halves]
    for name in ("outcomes", "codes", "causes", "releases"):
        summed: Counter[Any] = Counter()
        for part in parts:
            summed.update({key(line): count_of(line) for line in getattr(part, name)})
        assert summed == {key(line): count_of(line) for line in getattr(whole, name)}
    for kpi in ("ser", "ner", "asr"):
        assert figure(whole, kpi).now == tuple(map(sum, zip(*(figure(part, kpi).now for part in parts), strict=True)))


def key(line: Any) -> Any:
    """What tells a line from others of its table."""
    names = ("outcome", "status_code", "vendor", "cause", "release")
    return tuple(getattr(line, name, None) for name in names)


def count_of(line: Any) -> int:
    """The count of a line."""
    found = getattr(line, "failures", None) if hasattr(line, "vendor") and hasattr(line, "family") else line.calls
    return int(found.calls if found is not None else line.calls.calls)


@pytest.mark.parametrize(
    ("monday", "hours", "missing", "twice"),
    [(date(2026, 3, 23), 167, [(6, 2)], []), (date(2026, 10, 19), 169, [], [(6, 2)]), (date(2026, 11, 9), 168, [], [])],
)
def test_weeks_in_which_clocks_change(
    monday: date, hours: int, missing: list[tuple[int, int]], twice: list[tuple[int, int]]
) -> None:
    period = week_of(monday, AMSTERDAM)
    assert period.hours == hours
    rows = [
        call(outcome="failed", status_code=503, invite_ts=period.from_ts + number * HOUR + SECOND)
        for number in range(hours)
    ]
    report = weekly(facts(rows, period), [facts(rows, period.earlier(1)[0])], store=None)
    cells = {(cell.weekday, cell.hour): cell for cell in report.heat}
    assert sum(cell.hours for cell in report.heat) == hours
    assert [at for at, cell in cells.items() if cell.hours == 0] == missing
    assert [at for at, cell in cells.items() if cell.hours == 2] == twice
    assert all(cell.calls == cell.failures.calls == cell.hours for cell in report.heat)
    assert sum(day.hours for day in report.days) == hours
    assert [day.calls for day in report.days] == [day.hours for day in report.days]


def test_a_call_over_midnight_on_sunday_belongs_to_the_week_of_its_invite_alone() -> None:
    monday = WEEK.to_ts
    row = call(invite_ts=monday - 60 * SECOND, answer_ts=monday + 5 * SECOND, bye_ts=monday + 90 * SECOND)
    following = week_of(WEEK.days[6] + timedelta(days=1), AMSTERDAM)
    assert weekly(facts([row]), [], store=None).about.calls == 1
    report = weekly(facts([row], following), [facts([row])], store=None)
    assert report.about.calls == 0
    assert figure(report, "calls").before.numerator == 1
    assert [cell.calls for cell in weekly(facts([row]), [], store=None).heat][-1] == 1


def test_an_empty_week_has_no_figures_and_no_errors() -> None:
    report = weekly(facts(), [facts(period=WEEK.earlier(1)[0])], store=None)
    assert report.about.calls == 0
    assert figure(report, "asr").now.value is None
    assert figure(report, "asr").is_significant is None
    assert len(report.heat) == 168
    assert (report.endpoints, report.calls, report.crossed) == ((), {}, ())


def test_a_week_of_which_nothing_is_known_is_nothing_to_compare_with() -> None:
    earlier = WEEK.earlier(1)[0]
    rows = [{"invite_ts": WEEK.from_ts + number} for number in range(40)]
    unknown = weekly(facts(rows), [facts(period=earlier)], store=None)
    assert (unknown.about.compared, unknown.change.why_not) == ((), "no_comparison")
    assert figure(unknown, "calls").before is None
    # Somebody listened, and nobody called: that is something to compare with.
    heard = {"source": "eth0", "kind": "live", "from_ts": earlier.from_ts, "to_ts": earlier.to_ts, "frames": 9}
    silent = weekly(facts(rows), [facts(period=earlier, intervals=[heard])], store=None)
    assert silent.about.compared == (earlier,)
    assert figure(silent, "calls").before == Ratio(0, 0)


SCANNER = "\n".join(
    ["scanner = 203.0.113.66 agent=friendly-scanner", "pbx = 192.0.2.10", "at 2026-11-17T08:00:00+01:00"]
    + [
        f"call {number}\nscanner -> pbx INVITE to={number}\nscanner <- pbx 404\nscanner -> pbx ACK"
        for number in range(100, 112)
    ]
)


def test_a_week_of_scanners_alone_counts_no_calls_but_names_them() -> None:
    report = weekly(played(SCANNER), [], store=None)
    assert (report.about.calls, report.about.scanner_calls) == (12, 12)
    assert [(line.ip, line.calls) for line in report.scanners] == [("203.0.113.66", 12)]
    assert figure(report, "failures").now == (0, 0)
    assert (report.endpoints, report.codes, report.first_seen) == ((), (), ())


def test_a_period_of_another_zone_has_its_own_days_and_hours() -> None:
    from zoneinfo import ZoneInfo

    auckland = ZoneInfo("Pacific/Auckland")
    period = week_of(date(2026, 11, 17), auckland)
    ts = int(datetime(2026, 11, 17, 0, 30, tzinfo=auckland).timestamp()) * SECOND
    report = weekly(facts([call(invite_ts=ts)], period), [], store=None)
    assert [(cell.weekday, cell.hour) for cell in report.heat if cell.calls] == [(1, 0)]
    assert [day.calls for day in report.days] == [0, 1, 0, 0, 0, 0, 0]
    assert "2026-11-16T00:00+13:00" in figure(report, "calls").count.choice


def cut(table: Columns, names: tuple[str, ...]) -> Columns:
    """A table with some columns only."""
    return Columns(
        table.row_type, {name: column for name, column in table.columns.items() if name in names}, len(table)
    )


def test_a_report_reads_no_other_columns_than_it_says() -> None:
    whole = analyzed(DEMO, DEMO_WEEK)
    needed = {name: cut(table, NEEDED.get(name, ())) for name, table in whole.part.tables.items()}
    before = [facts(period=DEMO_WEEK.earlier(1)[0])]
    of_needed = weekly(Facts(Slice(whole.period, needed), whole.registry, whole.config, "dss1"), before, store=None)
    assert of_needed == weekly(whole, before, store=None)


def test_the_demo_says_what_was_planted_in_it() -> None:
    """pcaps/demo.toml: decided where the calls were made up, by nothing that reads captures."""
    import tomllib

    truth = tomllib.loads(DEMO.with_suffix(".toml").read_text("utf-8"))
    report = weekly(analyzed(DEMO, DEMO_WEEK), [], store=None)
    scanned = report.about.scanner_calls
    assert scanned == 40
    assert report.about.calls == truth["calls"]["total"]
    assert figure(report, "failures").now.numerator == truth["calls"]["failures"] - scanned
    outcomes = {line.outcome.value: line.calls.calls for line in report.outcomes}
    outcomes["unauthorized"] += scanned
    assert outcomes == truth["calls"]["by_outcome"]
    releases: Counter[str] = Counter()
    for line in report.releases:
        releases[str(line.release)] += line.calls.calls
    assert {name: count for name, count in releases.items() if name != "None"} == truth["calls"]["by_release"]
    originated = {line.ip: line.originated.calls for line in report.endpoints}
    assert {ip: originated.get(ip) for ip in truth["failures_as_responder"]} == truth["failures_as_responder"]
    counted = {str(line.cause): line.calls.calls for line in report.causes}
    assert counted["34"] == truth["causes"]["34"] > truth["incident"]["failed_with_read_cause_34"]


def test_thresholds_that_are_crossed_are_said() -> None:
    rows = [call(outcome="failed", status_code=503, invite_ts=WEEK.from_ts + n * SECOND) for n in range(50)]
    strict = config(report=ReportSettings(thresholds=ReportThresholds(asr_min=40.0, failures_max=49, drops_max=1.0)))
    report = weekly(facts(rows, settings=strict), [], store=None)
    assert [(line.limit, line.bound, line.value) for line in report.crossed] == [
        ("asr_min", 40.0, 0.0), ("failures_max", 49.0, 50.0),
    ]  # fmt: skip
