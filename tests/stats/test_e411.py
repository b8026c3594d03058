"""ASR, ABR, NER, ACD, PDD, short calls and drops."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from analyzer.config import Thresholds
from analyzer.schema import CallRow, RegistrationRow, SessionRow
from analyzer.stats.kpi import Figure, Ratio
from analyzer.stats.kpis import kpis
from analyzer.vocab import Outcome
from tests.stats.made import SECOND, START, MadeConfig, calls, empty, table
from tests.stats.test_rfc6076 import ALL, BUSY, CHALLENGED, OK, OPEN, REFUSED, REGISTRY, SILENT, TRUNK, delays, of

Row = Mapping[str, Any]


def test_asr_takes_every_call_for_a_seizure() -> None:
    assert of(*ALL)["asr"] == Ratio(2, 7)


def test_what_our_side_refused_seized_nothing() -> None:
    ours, theirs = {**TRUNK, "failed_side": "own"}, {**TRUNK, "failed_side": "other"}
    found = of(OK, ours, theirs, {**BUSY, "failed_side": "own"})
    assert found["asr"] == Ratio(1, 4)
    assert found["asr_seized"] == Ratio(1, 3)  # the busy phone was reached


def test_a_second_route_is_a_second_bid_and_a_challenge_is_none() -> None:
    advanced = {**OK, "attempts": 2, "challenges": 0}
    assert of(advanced, CHALLENGED, REFUSED, OPEN)["abr"] == Ratio(2, 4)
    assert of(advanced, CHALLENGED, REFUSED, OPEN)["asr"] == Ratio(2, 3)


def test_ner_counts_what_the_network_did_its_part_for() -> None:
    rows = [{"outcome": outcome.value} for outcome in Outcome]
    found = of(*rows)
    left_out = 3
    assert found["ner"] == Ratio(6, len(Outcome) - left_out)


def read(cause: int, outcome: str, **more: Any) -> Row:
    return {"outcome": outcome, "cause": cause, "cause_from": "reason", **more}


@pytest.mark.parametrize(
    ("row", "changed"),
    [
        (read(21, "rejected", status_code=403), "ner_21"),
        (read(27, "unavailable", status_code=480), "ner_27"),
        (read(88, "failed", status_code=488), "ner_88"),
        ({"outcome": "timed_out", "status_code": 408}, "ner_408"),
    ],
)
def test_each_debated_case_stands_beside_ner_and_changes_only_its_own_figure(row: Row, changed: str) -> None:
    found = of(OK, row)
    assert found["ner"] == Ratio(1, 2)
    for name in ("ner_21", "ner_27", "ner_88", "ner_408"):
        assert found[name] == Ratio(2 if name == changed else 1, 2), name


def test_a_derived_cause_changes_nothing() -> None:
    derived = {"outcome": "rejected", "status_code": 403, "cause": 21, "cause_from": "profile"}
    found = of(derived, {"outcome": "unavailable", "status_code": 480, "cause": 27, "cause_from": "profile"})
    assert found["ner_21"] == found["ner"] == Ratio(1, 2)


def test_an_answered_call_whose_bye_says_27_was_answered() -> None:
    assert of({**OK, "cause": 27, "cause_from": "reason"})["ner"] == Ratio(1, 1)


def test_silence_is_no_bare_408() -> None:
    assert of(SILENT)["ner_408"] == Ratio(0, 1)


def lasting(seconds: float | None, **more: Any) -> Row:
    bye = None if seconds is None else START + 3 * SECOND + int(seconds * SECOND)
    return {**OK, "bye_ts": bye, "sdt_s": seconds, **more}


def test_acd_is_the_connected_time_of_calls_whose_end_was_seen() -> None:
    unanswered_bye = lasting(10, release="bye_unanswered", sdt_s=42.0)
    found = of(lasting(60), lasting(20), unanswered_bye, lasting(None, release="no_bye_seen"), BUSY)
    assert delays(found["acd"]) == (3, 30.0)
    assert found["no_end"] == Ratio(1, 4)


def test_short_calls_by_the_seconds_of_the_configuration() -> None:
    made = calls(lasting(5.9), lasting(6), lasting(29), lasting(None), BUSY)
    found = {kpi.id: kpi.figure for kpi in kpis(made, empty(RegistrationRow), None, REGISTRY, MadeConfig())}
    assert found["short_calls_6s"] == Ratio(1, 3)
    assert found["short_calls_10s"] == Ratio(2, 3)
    assert found["short_calls_30s"] == Ratio(3, 3)
    config = MadeConfig(thresholds=Thresholds(short_call_s=(2.5, 20)))
    chosen = [kpi for kpi in kpis(made, empty(RegistrationRow), None, REGISTRY, config) if "short" in kpi.id]
    assert [(kpi.id, kpi.entry.short) for kpi in chosen] == [
        ("short_calls_2.5s", "< 2.5 s"),
        ("short_calls_20s", "< 20 s"),
    ]


def test_pdd_has_two_series_and_one_without_detours() -> None:
    progress = {"progress_ts": START + 2 * SECOND, "invite_ts": START}
    heard = {**OK, **progress, "pdd_ms": 2600.0}
    challenged = {**CHALLENGED, **progress, "pdd_ms": 3000.0}
    direct_answer = {**OK, "invite_ts": START, "pdd_ms": 3000.0}
    announced = {**TRUNK, **progress, "pdd_ms": 1.0}  # an announcement before a failure is no ringing
    found = of(heard, challenged, direct_answer, announced, {**OPEN, "pdd_ms": 7.0})
    assert delays(found["pdd"]) == (3, pytest.approx(8600 / 3))
    assert delays(found["pdd_progress"]) == (3, pytest.approx(7000 / 3))
    assert delays(found["pdd_direct"]) == (2, 2800.0)


def test_drops_are_counted_over_answered_calls() -> None:
    broken = [{**OK, "release": release} for release in ("abnormal", "no_ack", "session_timer")]
    assert of(OK, *broken, {**OK, "release": "bye_unanswered"}, BUSY)["drops"] == Ratio(3, 5)


def sessions_of(rows: list[Row], made: Any) -> dict[str, Figure]:
    found = kpis(made, empty(RegistrationRow), table(SessionRow, rows), REGISTRY, MadeConfig())
    return {kpi.id: kpi.figure for kpi in found if kpi.unit_counted == "sessions"}


def test_a_route_that_was_advanced_is_one_answered_session_and_two_calls() -> None:
    """Trunk 1 says 503, trunk 2 answers: the PBX made two calls of its caller's one."""
    made = calls({**OK, "srd_ms": 900.0}, TRUNK, {**OK, "srd_ms": 100.0})
    session = {"session_no": 1, "call_no": 1, "calls": 3, "outcome": "answered", "status_code": 200, "invite_ts": START}
    found = sessions_of([session], made)
    assert found["ser"] == found["ner"] == Ratio(1, 1)
    assert found["abr"] == Ratio(1, 3)
    assert delays(found["srd"]) == (1, 900.0)  # what the caller of the first leg saw
    whole = {k.id: k.figure for k in kpis(made, empty(RegistrationRow), None, REGISTRY, MadeConfig())}
    assert whole["ser"] == Ratio(2, 3)
    assert "ser_wire" not in found


def test_sessions_without_their_call_are_left_out() -> None:
    session = {"session_no": 1, "call_no": 9, "calls": 1, "outcome": "answered", "invite_ts": START}
    assert sessions_of([session], calls(OK, OK))["ser"] == Ratio(0, 0)
    assert sessions_of([session], empty(CallRow)) == {}
