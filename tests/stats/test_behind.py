"""Every count of calls can be turned back into the calls that it counts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import analyzer
from analyzer.batch import Columns
from analyzer.schema import CallRow, CaptureRow, EndpointRow, IssueRow, KpiRow, RequestRow
from analyzer.stats.behind import COUNTS, calls_behind
from analyzer.stats.calls import totals
from analyzer.stats.kpis import Request, kpi_rows
from analyzer.stats.listing import LISTED, listed
from pcaps.make import HERE
from tests.flow import play

#: Rows that name one call: nothing is counted there.
ONE_CALL = {IssueRow, CallRow}
LADDER = """
caller = 192.0.2.1
proxy = 198.51.100.1
trunk = 203.0.113.1
other = 203.0.113.2

caller -> proxy INVITE
proxy -> trunk INVITE
proxy <- trunk 503 retry_after=30
proxy -> trunk ACK
proxy -> other INVITE
proxy <- other 404
proxy -> other ACK
caller <- proxy 500
caller -> proxy ACK

call second
proxy -> trunk INVITE +2s
proxy <- trunk 486 reason=Q.850;cause=34
proxy -> trunk ACK
"""


@pytest.fixture(scope="module")
def demo() -> Any:
    return analyzer.analyze(str(HERE / "demo.pcapng"))


@pytest.fixture(scope="module")
def made() -> Any:
    return play(LADDER).result


def counts_of(row: Any) -> Iterator[tuple[str, int]]:
    """The name and value of each count of calls in a row."""
    for name in COUNTS[type(row)]:
        if name == "by_status_code":
            yield from ((f"{name}.{code}", number) for code, number in row.by_status_code.items())
        else:
            yield name, getattr(row, name)


@pytest.mark.parametrize("result", ["demo", "made"])
def test_as_many_calls_as_the_number_says(result: str, request: pytest.FixtureRequest) -> None:
    analysis = request.getfixturevalue(result)
    asked = 0
    for table in LISTED:
        for row in listed(analysis, table):
            if type(row) not in COUNTS or type(row) in ONE_CALL or isinstance(row, CaptureRow | KpiRow):
                continue
            for name, number in counts_of(row):
                behind = analysis.calls_behind(row, name)
                assert len(behind) == number, (table, row, name)
                asked += number > 0
    assert asked > 5


#: Figures whose numbers are calls; those of the wire count INVITEs.
BY_CALL = ("asr", "ner", "ser", "seer", "isa", "failures", "drops", "pdd", "acd")


def test_the_calls_of_a_figure(demo: Any) -> None:
    asked = 0
    for row in kpi_rows(demo, Request(by=("all", "caller", "callee", "hour"))):
        if row.unit_counted != "calls" or row.kpi not in BY_CALL:
            continue
        assert len(demo.calls_behind(row, "denominator")) == row.denominator, row
        if row.numerator is not None:
            assert len(demo.calls_behind(row, "numerator")) == row.numerator, row
        asked += 1
    assert asked > 30
    with pytest.raises(TypeError, match="counts registrations"):
        demo.calls_behind(next(row for row in kpi_rows(demo) if row.kpi == "rrd"), "denominator")


def test_the_refused_the_blocked_and_the_translated(made: Any) -> None:
    endpoints = {row.ip: row for row in listed(made, "endpoints")}
    trunk = endpoints["203.0.113.1"]
    assert (trunk.overflows, trunk.blocked_calls) == (1, 1)
    assert made.calls_behind(trunk, "overflows").ints("call_no").tolist() == [1]
    assert made.calls_behind(trunk, "blocked_calls").ints("call_no").tolist() == [2]
    (changed,) = listed(made, "translations")
    assert made.calls_behind(changed).ints("call_no").tolist() == [1]


def test_a_row_that_names_a_call_leads_to_it(made: Any) -> None:
    columns = made.columns("branches")
    assert len(columns)
    for values in columns.rows():
        row = columns.row_type(**values)
        assert made.calls_behind(row).ints("call_no").tolist() == [row.call_no]


def test_by_what_calls_have_in_common(demo: Any) -> None:
    figures = totals(demo.columns("calls"))
    for outcome, number in figures.by_outcome.items():
        assert len(demo.calls_behind(outcome=outcome)) == number
    for code, number in figures.by_status_code.items():
        assert len(demo.calls_behind(status_code=code)) == number
    for release, number in figures.by_release.items():
        assert len(demo.calls_behind(release=release)) == number
    both = demo.calls_behind(status_code=503, endpoint="203.0.113.22")
    assert 0 < len(both) < len(demo.calls_behind(status_code=503)) or len(both) == figures.by_status_code["503"]
    assert set(both.ints("status_code").tolist()) == {503}
    assert len(demo.calls_behind(cause="none", outcome="answered")) == int(
        np.sum([row["cause"] is None for row in demo.calls_behind(outcome="answered").rows()])
    )


def test_a_capture_leads_to_its_calls(demo: Any) -> None:
    (capture,) = demo.captures
    assert len(demo.calls_behind(capture)) == len(demo.columns("calls"))


def test_rows_and_counts_that_there_are_not(made: Any) -> None:
    with pytest.raises(TypeError, match="RequestRow counts no calls"):
        made.calls_behind(RequestRow("INVITE", 1, 1, 0, 0))
    row = next(row for row in listed(made, "endpoints") if isinstance(row, EndpointRow))
    with pytest.raises(ValueError, match="has no count 'calls'; it has calls_as_caller"):
        made.calls_behind(row)


def test_without_calls_there_is_nothing_behind() -> None:
    nothing = play("alice -> bob OPTIONS\nalice <- bob 200").result
    (capture,) = nothing.captures
    found = calls_behind(nothing, capture)
    assert isinstance(found, Columns)
    assert len(found) == 0
    assert len(nothing.calls_behind(outcome="busy")) == 0
