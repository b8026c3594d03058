"""RFC 6076, figure by figure: what stands in the numerator, what in the denominator, and what the letter says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from analyzer.batch import Columns
from analyzer.registry import load_registry
from analyzer.schema import RegistrationRow
from analyzer.stats.delays import Delays
from analyzer.stats.kpi import Figure, Ratio
from analyzer.stats.kpis import KPIS, kpis
from tests.stats.made import SECOND, START, MadeConfig, calls, empty, table

REGISTRY = load_registry()
Row = Mapping[str, Any]

OK: Row = {
    "outcome": "answered", "status_code": 200, "release": "normal", "attempts": 1, "answer_ts": START + 3 * SECOND,
    "bye_ts": START + 63 * SECOND, "srd_ms": 120.0, "sdd_ms": 15.0, "sdt_s": 60.0,
}  # fmt: skip
CHALLENGED: Row = {**OK, "attempts": 2, "challenges": 1, "srd_ms": 200.0}
BUSY: Row = {"outcome": "busy", "status_code": 486, "attempts": 1, "srd_ms": 300.0}
CANCELLED: Row = {"outcome": "cancelled", "status_code": 487, "attempts": 1, "srd_ms": 100.0}
ELSEWHERE: Row = {"outcome": "elsewhere", "status_code": 487, "attempts": 1}
TRUNK: Row = {"outcome": "failed", "status_code": 503, "attempts": 1, "srd_ms": 40.0}
SILENT: Row = {"outcome": "timed_out", "attempts": 1}
REDIRECTED: Row = {"outcome": "redirected", "status_code": 302, "attempts": 1}
REFUSED: Row = {"outcome": "unauthorized", "status_code": 407, "attempts": 2, "challenges": 2}
OPEN: Row = {"outcome": "open", "attempts": 1}


def figures(made: Columns, registrations: Columns | None = None) -> dict[str, Figure]:
    """Every figure of all calls and registrations, by id."""
    found = kpis(made, registrations or empty(RegistrationRow), None, REGISTRY, MadeConfig())
    unit = "registrations" if registrations is not None else "calls"
    return {kpi.id: kpi.figure for kpi in found if kpi.unit_counted == unit}


def of(*rows: Row) -> dict[str, Figure]:
    return figures(calls(*rows))


def delays(figure: Figure) -> tuple[int, float | None]:
    assert isinstance(figure, Delays)
    return figure.count, figure.mean


ALL = (OK, CHALLENGED, BUSY, CANCELLED, ELSEWHERE, TRUNK, SILENT, REDIRECTED, REFUSED, OPEN)


def test_ser_leaves_out_what_is_neither_success_nor_failure() -> None:
    assert of(*ALL)["ser"] == Ratio(2, 7)


def test_ser_by_the_letter_subtracts_redirects_alone() -> None:
    assert of(*ALL)["ser_codes"] == Ratio(2, 9)


def test_ser_on_the_wire_counts_every_invite() -> None:
    """12 INVITEs, one of them answered with 302: the challenged ones stay in the denominator."""
    assert of(*ALL)["ser_wire"] == Ratio(2, 11)
    assert of(CHALLENGED)["ser_wire"] == Ratio(1, 2)
    assert of(CHALLENGED)["ser"] == Ratio(1, 1)


def test_seer_adds_what_shows_a_users_doing() -> None:
    users = [{"outcome": "busy", "status_code": code} for code in (480, 486, 600, 603)]
    assert of(OK, *users)["seer"] == Ratio(5, 5)
    assert of(*ALL)["seer"] == Ratio(3, 7)
    assert of(*ALL)["seer_codes"] == Ratio(3, 9)
    not_users = [{"outcome": "rejected", "status_code": code} for code in (401, 404, 407, 420, 484, 487)]
    assert of(*not_users)["seer"] == Ratio(0, 6)


def test_607_and_608_count_only_with_a_plus() -> None:
    unwanted = ({"outcome": "declined", "status_code": 607}, {"outcome": "blocked", "status_code": 608})
    found = of(OK, *unwanted)
    assert found["seer"] == Ratio(1, 3)
    assert found["seer_plus"] == Ratio(3, 3)


def test_487_is_a_failure_by_the_letter_and_its_share_is_printed() -> None:
    assert of(*ALL)["share_487"] == Ratio(2, 9)


def test_another_2xx_is_an_answer_and_no_200() -> None:
    found = of(OK, {**OK, "status_code": 202})
    assert found["ser"] == Ratio(2, 2)
    assert found["ser_codes"] == Ratio(1, 2)
    assert found["other_2xx"] == Ratio(1, 2)


def test_isa_counts_codes_and_keeps_redirects_in_the_denominator() -> None:
    overloaded = [{"outcome": "failed", "status_code": code} for code in (408, 500, 503, 504)]
    assert of(OK, *overloaded, REDIRECTED, OPEN, ELSEWHERE)["isa"] == Ratio(4, 6)
    assert of({"outcome": "failed", "status_code": 502}, SILENT)["isa"] == Ratio(0, 2)


def test_scr_counts_what_ran_to_its_end() -> None:
    good = [{**OK, "release": release} for release in ("normal", "odd", "abnormal")]
    lacking = [{**OK, "release": r} for r in ("no_ack", "bye_unanswered", "no_bye_seen", "session_timer")]
    assert of(*good, *lacking, BUSY, REDIRECTED)["scr"] == Ratio(3, 9)
    still_up = {**OK, "release": "still_up"}
    assert of(OK, still_up, OPEN, ELSEWHERE)["scr"] == Ratio(1, 1)


def test_srd_never_mixes_success_and_failure() -> None:
    found = of(*ALL)
    assert delays(found["srd"]) == (2, 160.0)
    assert delays(found["srd_failed"]) == (3, pytest.approx((300 + 100 + 40) / 3))
    assert delays(found["srd_direct"]) == (1, 120.0)


def test_srd_failed_leaves_out_challenges_payment_and_timeouts() -> None:
    rows = [{"outcome": "unauthorized", "status_code": code, "srd_ms": 1.0} for code in (401, 402, 407)]
    assert delays(of(*rows, {**SILENT, "srd_ms": 5.0})["srd_failed"]) == (0, None)


def test_sdd_leaves_timeouts_out_and_counts_them() -> None:
    unanswered = {**OK, "release": "bye_unanswered", "sdd_ms": None, "sdt_s": 92.0}
    found = of(OK, unanswered, {**OK, "bye_ts": None, "release": "no_bye_seen", "sdd_ms": None, "sdt_s": None})
    assert delays(found["sdd"]) == (1, 15.0)
    assert found["sdd_timeouts"] == Ratio(1, 2)
    assert delays(found["sdt"]) == (1, 60.0)
    assert delays(found["sdt_failed"]) == (1, 92.0)


def registered(*rows: Row) -> dict[str, Figure]:
    usual = {"client_ip": "192.0.2.7", "registrar_ip": "192.0.2.5", "attempts": 1, "challenges": 0}
    filled = [{"registration_no": number, **usual, **row} for number, row in enumerate(rows, 1)]
    return figures(calls(), table(RegistrationRow, filled))


def test_rrd_is_that_of_accepted_registrations() -> None:
    found = registered(
        {"outcome": "registered", "status_code": 200, "rrd_ms": 30.0, "attempts": 2, "challenges": 1},
        {"outcome": "registered", "status_code": 200, "rrd_ms": 10.0},
        {"outcome": "unregistered", "status_code": 200, "rrd_ms": 900.0},
        {"outcome": "rejected", "status_code": 403},
    )
    assert delays(found["rrd"]) == (2, 20.0)
    assert delays(found["rrd_direct"]) == (1, 10.0)


def test_ira_leaves_challenges_and_payment_out_of_the_numerator() -> None:
    found = registered(
        {"outcome": "registered", "status_code": 200, "attempts": 2, "challenges": 1},
        *({"outcome": "rejected", "status_code": code} for code in (401, 402, 407)),
        {"outcome": "rejected", "status_code": 403},
        {"outcome": "failed", "status_code": 500},
        {"outcome": "rejected", "status_code": 606},
        {"outcome": "timed_out"},
        {"outcome": "open"},
    )
    assert found["ira"] == Ratio(4, 8)
    assert found["ira_wire"] == Ratio(4, 9)
    assert found["failures"] == Ratio(4, 8)


def test_an_empty_table_gives_nothing_and_never_zero() -> None:
    found = kpis(calls(), empty(RegistrationRow), None, REGISTRY, MadeConfig())
    assert found
    assert {kpi.value for kpi in found} == {None}
    assert {kpi.counted for kpi in found} == {0}


def test_every_definition_has_its_function_and_every_function_its_definition() -> None:
    assert set(KPIS) == set(REGISTRY.kpis)


def test_the_sets_are_those_that_the_status_codes_name() -> None:
    def named(part: str) -> set[int]:
        return {code for code, entry in REGISTRY.statuses.items() if part in entry.kpi}

    entries = REGISTRY.kpis
    assert set(entries["seer"].statuses) == named("seer_user")
    assert set(entries["isa"].statuses) == named("isa")
    for name in ("ira", "ira_wire", "failures", "srd_failed"):
        assert set(entries[name].statuses) == named("challenge") | named("not_ira_srd"), name
