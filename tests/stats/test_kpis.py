"""All figures together: populations apart, scanners, break-downs, and the rules of presentation switched off."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from analyzer.schema import RegistrationRow, SessionRow
from analyzer.stats.kpi import Average, Kpi, Ratio
from analyzer.stats.kpis import ALL, EVERYTHING, Request, kpi_rows, kpis_of
from analyzer.stats.listing import listed
from tests.stats.made import SECOND, START, MadeAnalysis, calls, table
from tests.stats.test_rfc6076 import BUSY, OK, REGISTRY, TRUNK

Row = Mapping[str, Any]
HOUR = 3600 * SECOND


def figures(analysis: MadeAnalysis, request: Request = ALL) -> dict[tuple[str, str, str | None, bool], Kpi]:
    """Every figure by id, population, part and whether scanners are counted."""
    return {(k.id, k.unit_counted, k.part, k.scanners): k for k in kpis_of(analysis, request)}


def order(analysis: MadeAnalysis, by: str, top: int = 20) -> list[str | None]:
    """The parts in their order."""
    return list(dict.fromkeys(kpi.part for kpi in kpis_of(analysis, Request((by,), top))))


def test_scanners_are_left_out_and_given_with_the_others_beside() -> None:
    scans = [{"outcome": "rejected", "status_code": 404, "is_scanner": True}] * 6
    found = figures(MadeAnalysis({"calls": calls(OK, OK, BUSY, *scans)}))
    assert found["ser", "calls", None, False].figure == Ratio(2, 3)
    assert found["ser", "calls", None, True].figure == Ratio(2, 9)


def test_without_scanners_there_is_nothing_beside() -> None:
    assert not any(kpi.scanners for kpi in kpis_of(MadeAnalysis({"calls": calls(OK, BUSY)})))


def test_scanners_are_counted_when_that_is_asked_for_or_their_rule_is_off() -> None:
    tables = {"calls": calls(OK, {**BUSY, "is_scanner": True})}
    for analysis, request in (
        (MadeAnalysis(tables), Request(with_scanners=True)),
        (MadeAnalysis(tables, without=frozenset({"scanners"})), ALL),
    ):
        found = [kpi for kpi in kpis_of(analysis, request) if (kpi.id, kpi.unit_counted) == ("ser", "calls")]
        assert [(kpi.scanners, kpi.figure) for kpi in found] == [(True, Ratio(1, 2))]
    only = kpis_of(MadeAnalysis(tables), Request(with_scanners=False))
    assert {(kpi.scanners, kpi.figure) for kpi in only if kpi.id == "ser"} == {(False, Ratio(1, 1))}


def test_sessions_stand_apart() -> None:
    made = calls(OK, TRUNK)
    session = {"session_no": 1, "call_no": 1, "calls": 2, "outcome": "answered", "status_code": 200, "invite_ts": START}
    found = figures(MadeAnalysis({"calls": made, "sessions": table(SessionRow, [session])}))
    assert found["ser", "calls", None, False].figure == Ratio(1, 2)
    assert found["ser", "sessions", None, False].figure == Ratio(1, 1)


def test_a_part_has_the_figures_of_its_calls_and_the_parts_add_up() -> None:
    rows = [{**OK, "caller_ip": f"192.0.2.{n % 3}"} for n in range(9)] + [{**TRUNK, "caller_ip": "192.0.2.0"}]
    analysis = MadeAnalysis({"calls": calls(*rows)})
    found = figures(analysis, Request(("caller",)))
    assert found["ser", "calls", "192.0.2.0", False].figure == Ratio(3, 4)
    assert found["ser", "calls", "192.0.2.1", False].figure == Ratio(3, 3)
    assert found["srd", "calls", "192.0.2.1", False].counted == 3
    assert order(analysis, "caller")[0] == "192.0.2.0"


def test_beyond_the_first_parts_is_one_part() -> None:
    rows = [{**OK, "caller_ip": f"192.0.2.{n}"} for n in range(30)]
    analysis = MadeAnalysis({"calls": calls(*rows)})
    found = figures(analysis, Request(("caller",), 4))
    assert len(order(analysis, "caller", 4)) == 5
    assert found["ser", "calls", "(other)", False].figure == Ratio(26, 26)
    assert len(order(analysis, "caller", 0)) == 30


def bad_and_small() -> list[Row]:
    small = [{**OK, "caller_ip": "192.0.2.2"}, {**TRUNK, "caller_ip": "192.0.2.2"}]
    return [*small, *[{**TRUNK}] * 9, *[{**OK}] * 91]


def test_rule_intervals_ranks_by_the_lower_bound_and_off_by_the_share() -> None:
    """1 of 2 against 9 of 100."""
    tables = {"calls": calls(*bad_and_small())}
    assert order(MadeAnalysis(tables), "caller") == ["192.0.2.1", "192.0.2.2"]
    without = MadeAnalysis(tables, without=frozenset({"intervals"}))
    assert order(without, "caller") == ["192.0.2.2", "192.0.2.1"]
    assert {row.low for row in kpi_rows(without)} == {None}
    assert {row.low for row in kpi_rows(MadeAnalysis(tables)) if row.numerator is not None and row.denominator} != {
        None
    }


def quiet_and_busy() -> MadeAnalysis:
    quiet = [{**TRUNK, "invite_ts": START + n} for n in range(2)]
    busy = [{**OK, "invite_ts": START + HOUR + n} for n in range(95)]
    busy += [{**TRUNK, "invite_ts": START + HOUR + n} for n in range(3)]
    return MadeAnalysis({"calls": calls(*quiet, *busy)})


def test_rule_ratios_sums_and_off_averages_the_hours() -> None:
    analysis = quiet_and_busy()
    assert figures(analysis)["ser", "calls", None, False].value == 95.0
    analysis.without = frozenset({"ratios"})
    naive = figures(analysis)["ser", "calls", None, False]
    assert isinstance(naive.figure, Average)
    assert naive.value == pytest.approx(48.47, abs=0.01)
    assert (naive.row().numerator, naive.row().low, naive.row().denominator) == (None, None, 100)


def test_rule_buckets_takes_the_first_invite_and_off_the_end() -> None:
    late = {**TRUNK, "invite_ts": START - SECOND, "end_ts": START + SECOND}
    analysis = MadeAnalysis({"calls": calls(late)})
    assert order(analysis, "hour") == ["2026-11-17 06:00 +0000"]
    analysis.without = frozenset({"buckets"})
    assert order(analysis, "hour") == ["2026-11-17 07:00 +0000"]


def test_hours_stand_in_their_order() -> None:
    analysis = quiet_and_busy()
    assert order(analysis, "hour") == ["2026-11-17 07:00 +0000", "2026-11-17 08:00 +0000"]


def test_the_table_holds_every_break_down() -> None:
    registered = table(RegistrationRow, [{"registration_no": 1, "client_ip": "192.0.2.7", "registrar_ip": "192.0.2.5",
                                          "outcome": "registered", "request_ts": START, "rrd_ms": 5.0}])  # fmt: skip
    linked = {"session_id": "ab30317f1a784dc48ff824d0d3715d86;remote=00000000000000000000000000000000"}
    leg = {**OK, **linked, "caller_ip": "192.0.2.9", "callee_ip": "192.0.2.30", "invite_ts": START + 2 * SECOND}
    analysis = MadeAnalysis({"calls": calls({**OK, **linked}, leg, BUSY), "registrations": registered})
    rows = listed(analysis, "kpis")
    assert {row.by for row in rows} == set(EVERYTHING.by)
    assert {row.unit_counted for row in rows} == {"calls", "sessions", "registrations"}
    for row in rows:
        assert (row.part is None) == (row.by == "all")
        known = row.kpi if not row.kpi.startswith("short_calls") else "short_calls"
        assert row.unit == REGISTRY.kpis[known].unit


def test_an_empty_analysis_has_figures_without_values() -> None:
    rows = kpi_rows(MadeAnalysis({}))
    assert rows
    assert all(row.value is None and row.low is None and row.p50 is None and not row.denominator for row in rows)


def test_analyze_takes_the_rules_that_are_switched_off() -> None:
    from pathlib import Path

    import analyzer

    capture = str(Path(__file__).parents[2] / "pcaps" / "answered" / "capture.pcapng")
    result = analyzer.analyze(capture, without=["ratios"])
    assert (result.counts("ratios"), result.counts("buckets")) == (False, True)
    assert isinstance(kpis_of(result)[0].figure, Average)
    assert isinstance(kpis_of(analyzer.analyze(capture))[0].figure, Ratio)
