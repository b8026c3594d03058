"""What each rule of counting is for: without it the same ladder gives another number (data/counting_rules.toml)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.flow import play

PEOPLE = "alice = 192.0.2.10\nproxy = 198.51.100.1\nbob = 203.0.113.20\n"
REFUSED = "alice -> bob INVITE\nalice <- bob 100\n{}alice <- bob {} +1s {}\nalice -> bob ACK\nend +60s"
RINGING = "alice -> bob INVITE\nalice <- bob 180 +1s\n"
CANCELLED = RINGING + "alice -> bob CANCEL +5s\nalice <- bob 200\nalice <- bob {}\nalice -> bob ACK\n"
ANSWERED = RINGING + "alice <- bob 200 +3s\n"
GIGASET = 'agent="C530A IP/42.231.00.000.000"'

#: rule → ladder, what is told of its call with the rule, what without it.
EFFECTS: dict[str, list[tuple[str, dict[str, Any], dict[str, Any]]]] = {
    "cancel": [
        (
            CANCELLED.format(487),
            {"outcome": "cancelled", "state": "cancelled", "failed_by_ip": None, "cause": 16},
            {"outcome": "rejected", "state": "rejected", "failed_by_ip": "203.0.113.20", "cause": 127},
        ),
        (
            RINGING + "alice -> bob CANCEL +5s reason=SIP;cause=200\nalice <- bob 200\nalice <- bob 487",
            {"outcome": "elsewhere"},
            {"outcome": "rejected"},
        ),
    ],
    "cancel_race": [
        (
            CANCELLED.format(200) + "alice -> bob BYE\nalice <- bob 200",
            {"outcome": "answered", "outcome_detail": "cancel_race", "state": "completed"},
            {"outcome": "cancelled", "outcome_detail": None, "state": "cancelled"},
        ),
        (CANCELLED.format(486), {"outcome": "busy"}, {"outcome": "cancelled"}),
    ],
    "timers": [
        (
            "alice -> bob INVITE\nend +60s",
            {"status_code": None, "outcome": "timed_out", "outcome_detail": "no_reply", "cause": 18},
            {"status_code": 408, "outcome": "timed_out", "outcome_detail": None, "cause": 102},
        ),
        (RINGING + "end +300s", {"outcome": "timed_out"}, {"outcome": "no_answer"}),
    ],
    "censoring": [
        (RINGING, {"outcome": "open"}, {"outcome": "timed_out"}),
        ("alice -> bob INVITE\nalice <- bob 407", {"outcome": "open"}, {"outcome": "unauthorized"}),
    ],
    "missing_ends": [
        (
            ANSWERED + "end +60s",
            {"outcome": "answered", "state": "in_call"},
            {"outcome": "open", "state": "ringing"},
        ),
    ],
    "early_media": [
        (
            REFUSED.format("alice <- bob 183 reason=Q.850;cause=1\n", 480, ""),
            {"cause": 1, "cause_from": "reason_18x"},
            {"cause": 18, "cause_from": "profile"},
        ),
    ],
    "release": [
        (
            ANSWERED + "alice -> bob ACK\nalice <- bob BYE +9s reason=Q.850;cause=41\nalice -> bob 200",
            {"release": "abnormal", "release_cause": 41},
            {"release": "normal", "release_cause": 41},
        ),
    ],
    "vendor_codes": [
        (
            REFUSED.format("", 703, GIGASET),
            {"vendor": "gigaset", "vendor_code": 703, "cause": 102, "cause_from": "vendor_pack"},
            {"vendor": None, "vendor_code": None, "cause": None, "cause_from": None},
        ),
    ],
    "parties": [
        (
            "alice -> proxy INVITE\nproxy -> bob INVITE\nproxy <- bob 503 +1s\nproxy -> bob ACK\n"
            "alice <- proxy 503\nalice -> proxy ACK\nend +60s",
            {"failed_by_ip": "203.0.113.20", "relayed_by": "198.51.100.1", "charged_grade": "at_or_behind"},
            {"failed_by_ip": "198.51.100.1", "relayed_by": None, "charged_grade": "seen"},
        ),
        (
            "alice -> bob INVITE\nalice <- bob 407\nalice -> bob ACK\nend +60s",
            {"outcome": "unauthorized", "failed_by_ip": None},
            {"outcome": "unauthorized", "failed_by_ip": "203.0.113.20"},
        ),
    ],
    "conflicts": [
        (
            REFUSED.format("", 486, "reason=Q.850;cause=34"),
            {"outcome": "failed", "cause": 34, "cause_from": "reason", "cause_conflict": True},
            {"outcome": "busy", "cause": 17, "cause_from": "profile", "cause_conflict": False},
        ),
    ],
    "reasons": [
        (
            REFUSED.format("", 503, "reason=Q.850;cause=34"),
            {"cause": 34, "cause_from": "reason"},
            {"cause": 63, "cause_from": "profile"},
        ),
        (REFUSED.format("", 403, "reason=STIR;cause=437"), {"outcome": "blocked"}, {"outcome": "rejected"}),
        (REFUSED.format("", 500, "reason=SIP;cause=486"), {"cause": 17}, {"cause": 41}),
    ],
    "trace": [
        (
            "alice -> proxy INVITE\nproxy -> bob INVITE\nproxy -> carol INVITE\nproxy <- bob 486 +1s\n"
            "proxy <- carol 200 +1s\nalice <- proxy 200\nalice -> proxy ACK",
            {"status_code": 200, "outcome": "answered"},
            {"status_code": 486, "outcome": "busy"},
        ),
    ],
}  # fmt: skip
CASES = [(rule, *case) for rule, cases in EFFECTS.items() for case in cases]


@pytest.mark.parametrize(("rule", "ladder", "counted", "naive"), CASES)
def test_a_rule_makes_a_difference(rule: str, ladder: str, counted: dict[str, Any], naive: dict[str, Any]) -> None:
    for without, expected in (((), counted), ((rule,), naive)):
        row = play(PEOPLE + ladder, without=without).calls[0]
        assert {name: row[name] for name in expected} == expected, without


def test_a_bye_reason_is_read_although_those_of_responses_are_not() -> None:
    text = ANSWERED + "alice -> bob ACK\nalice <- bob BYE +9s reason=Q.850;cause=41\nalice -> bob 200"
    row = play(PEOPLE + text, without=("reasons",)).calls[0]
    assert (row["cause"], row["cause_from"], row["release"]) == (41, "reason", "abnormal")


def test_without_the_makers_their_codes_are_nobodys_in_the_traffic_too() -> None:
    text = PEOPLE + REFUSED.format("", 703, GIGASET)
    for without, vendor in (((), "gigaset"), (("vendor_codes",), None)):
        rows = {row.status_code: row for row in play(text, without=without).result.responses}
        assert rows[703].vendor == vendor
