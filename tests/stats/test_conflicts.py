"""Codes that contradict their causes: counted, worded, and put with the table that says so."""

from __future__ import annotations

import pytest

from analyzer.registry import load_registry
from analyzer.stats.conflicts import cause_candidates, conflicts
from analyzer.stats.document import document
from analyzer.stats.listing import listed
from analyzer.views.conflicts import conflicts_table, sentence
from analyzer.views.words import words
from tests.flow import play
from tests.stats.made import MadeConfig, calls

REGISTRY = load_registry()
BUSY = """
    alice = 192.0.2.10
    gateway = 198.51.100.20
    alice -> gateway   INVITE
    alice <- gateway   486   reason=Q.850;cause=34
    alice -> gateway   ACK
"""


def test_a_read_cause_wins_and_the_contradiction_is_shown() -> None:
    """counting.md 1.25; the row names the table, its direction and its source."""
    result = play(BUSY).result
    (row,) = listed(result, "conflicts")
    assert (row.status_code, row.cause, row.cause_from, row.ip, row.calls) == (486, 34, "reason", "198.51.100.20", 1)
    assert (row.mapped, row.profile, row.direction, row.expected) == (17, "dss1", "sip_to_q850", False)
    assert row.table.endswith(")")
    assert REGISTRY.profile("dss1").source in row.table
    assert sentence(row, REGISTRY, words()) == (
        "486 Busy Here (17 User busy), but its Reason says 34 No circuit/channel available"
    )
    assert [(e.ip, e.conflicts) for e in listed(result, "endpoints") if e.conflicts] == [("198.51.100.20", 1)]


def test_without_the_rule_the_table_is_the_cause() -> None:
    """counting.md 1.25, switched off: the naive reading."""
    (with_rule,), (without,) = (play(BUSY, without=off).calls for off in ((), ("conflicts",)))
    assert (with_rule["outcome"], with_rule["cause"], with_rule["cause_from"]) == ("failed", 34, "reason")
    assert with_rule["cause_conflict"] is True
    assert (without["outcome"], without["cause"], without["cause_from"]) == ("busy", 17, "profile")
    assert without["cause_conflict"] is False
    assert listed(play(BUSY, without=("conflicts",)).result, "conflicts") == []


def test_a_code_that_had_to_be_changed_is_no_conflict() -> None:
    """RFC 3261 §16.7: a lone 503 goes on as 500, with the Reason that it came with."""
    result = play(BUSY.replace("486", "500")).result
    assert result.columns("calls").value("cause_conflict", 0) is False
    (row,) = listed(result, "conflicts")
    assert (row.status_code, row.cause, row.expected) == (500, 34, True)
    assert not [e for e in listed(result, "endpoints") if e.conflicts]
    assert not conflicts_table([row], REGISTRY, words(), 10).rows


@pytest.mark.parametrize(("code", "cause"), [(408, 18), (408, 102), (480, 18), (486, 17)])
def test_what_some_table_joins_is_no_conflict(code: int, cause: int) -> None:
    result = play(BUSY.replace("486", str(code)).replace("34", str(cause))).result
    assert listed(result, "conflicts") == []


def test_ranked_by_calls_with_senders_apart() -> None:
    one = {"outcome": "failed", "cause_conflict": True, "cause_from": "reason", "cause": 34, "status_code": 486}
    rows = conflicts(
        calls(
            {**one, "failed_by_ip": "192.0.2.9"},
            {**one, "failed_by_ip": "192.0.2.8"},
            {**one, "failed_by_ip": "192.0.2.8"},
            {**one, "cause_from": "isup", "cause": 3, "failed_by_ip": None},
            {"outcome": "busy", "cause_from": "reason", "cause": 17, "status_code": 486},
        ),
        REGISTRY,
        MadeConfig(aliases={"192.0.2.8": "trunk"}),
        "dss1",
    )
    assert [(row.calls, row.ip, row.name, row.cause) for row in rows] == [
        (2, "192.0.2.8", "trunk", 34),
        (1, None, None, 3),
        (1, "192.0.2.9", None, 34),
    ]
    table = conflicts_table(rows, REGISTRY, words(), 2)
    assert [cell.text for cell in table.rows[0]][:3] == [
        "2", "486 Busy Here (17 User busy), but its Reason says 34 No circuit/channel available", "trunk (192.0.2.8)",
    ]  # fmt: skip
    assert "… and 1 more with 1 calls" in table.notes


def test_candidates_are_the_reverse_tables_set() -> None:
    """RFC 3398 §7.2.4.1: 404 stands for 1, 2 and 3 (and 26), 503 for five causes: the directions are not inverse."""
    assert set(REGISTRY.cause_candidates(404)) >= {1, 2, 3}
    assert set(REGISTRY.cause_candidates(503)) >= {34, 38, 41, 42, 47, 58}
    assert 18 in REGISTRY.cause_candidates(408)
    assert 18 not in REGISTRY.cause_candidates(480)
    assert REGISTRY.cause_candidates(999) == ()


def test_only_derived_causes_have_candidates() -> None:
    table = calls(
        {"outcome": "invalid_number", "status_code": 404, "cause": 1, "cause_from": "profile"},
        {"outcome": "failed", "status_code": 503, "cause": 34, "cause_from": "reason"},
    )
    assert cause_candidates(table, REGISTRY, "rfc3398") == {1: list(REGISTRY.cause_candidates(404))}


def test_the_document_has_conflicts_and_evidence() -> None:
    made = document(play(BUSY).result)
    (row,) = made["conflicts"]
    assert row["candidates"] == list(REGISTRY.cause_candidates(486))
    assert made["evidence"] == {"reason": 1}
    assert made["causes"][0]["cause_candidates"] == []
    assert next(e["conflicts"] for e in made["endpoints"] if e["ip"] == "198.51.100.20") == 1
