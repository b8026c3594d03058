"""What a person sees of an analysis: every table, its figures and its remarks."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from analyzer.registry import family_of
from analyzer.registry.languages import language
from analyzer.schema import RegistrationRow, RequestRow, ResponseRow
from analyzer.views.outcomes import MEANINGS, RELEASE_MEANINGS, counted_as
from analyzer.views.overview import TOP, overview
from analyzer.views.table import Table
from analyzer.views.words import words
from analyzer.vocab import (
    CAUSE_GROUPS,
    FAILURES,
    NOT_UNSUCCESSFUL,
    Family,
    Fault,
    Outcome,
    RegistrationOutcome,
    Release,
    ReleasedBy,
    Severity,
    Side,
)
from tests.stats.made import START, MadeAnalysis, MadeConfig, calls, capture, table

PACKAGE = Path(__file__).parents[2] / "analyzer"


def seen(analysis: MadeAnalysis, title: str, lang: str = "en") -> Table:
    """The table of that title."""
    return next(made for made in overview(analysis, words(lang)).tables if made.title == title)


def texts(made: Table) -> list[list[str]]:
    """The texts of its cells."""
    return [[cell.text for cell in row] for row in made.rows]


def response(code: int, messages: int, vendor: str | None = None, guess: str | None = None) -> ResponseRow:
    return ResponseRow(code, "INVITE", family_of(code), vendor, guess, messages, messages - 1, 1, 0)


TRUNK = {
    "outcome": "failed", "status_code": 503, "cause": 34, "cause_from": "reason", "fault": "network",
    "failed_by_ip": "198.51.100.7", "relayed_by": "192.0.2.9",
}  # fmt: skip
BUSY = {"outcome": "busy", "status_code": 486, "cause": 17, "cause_from": "profile", "fault": "user"}


def test_headline_counts_calls_and_failures() -> None:
    made = MadeAnalysis({"calls": calls({}, {}, BUSY, TRUNK)}, orphans=2)
    assert overview(made, words()).headline == (
        "4 calls: 2 answered (50.0%), 2 unsuccessful (50.0%), 1 of them failures (25.0%). "
        "Responses without their request, which make no call: 2."
    )


def test_an_empty_analysis_shows_no_empty_tables() -> None:
    made = overview(MadeAnalysis({}, captures=[capture(sip_messages=0, frames=0)]), words())
    assert made.headline == "No calls."
    assert [shown.title for shown in made.tables] == ["What was read", "What was read, by headers"]
    assert made.remarks == ["No SIP was found in what could be read."]


def test_outcomes_say_how_they_count_and_whose_doing_they_were() -> None:
    server = {**TRUNK, "fault": "server"}
    made = seen(
        MadeAnalysis({"calls": calls({}, {}, {}, TRUNK, TRUNK, server, {"outcome": "open"})}), "Calls by outcome"
    )
    assert [row[:5] for row in texts(made)] == [
        ["3", "42.9%", "answered", "success", ""],
        ["3", "42.9%", "failed", "failure", "network 2, server 1"],
        ["1", "14.3%", "open", "left out", ""],
    ]
    assert made.notes == ["Calls left out of every ratio (open, elsewhere, redirected): 1"]


def test_causes_show_both_profiles_and_mark_where_they_differ() -> None:
    made = seen(MadeAnalysis({"calls": calls(TRUNK, TRUNK, BUSY)}), "Unsuccessful calls by ISDN cause")
    assert [column.title for column in made.columns][8:11] == ["dss1", "rfc3398", ""]
    assert [row[:11] for row in texts(made)] == [
        ["2", "34", "22", "A2", "No circuit/channel available", "read", "503", "2", "63", "41", "≠"],
        ["1", "17", "11", "91", "User busy", "derived", "486", "1", "17", "17", ""],
    ]
    assert "≠ calls for which the tables differ: 2" in made.notes


def test_a_chosen_profile_stands_beside_the_two() -> None:
    made = seen(MadeAnalysis({"calls": calls(BUSY)}, causes_profile="asterisk"), "Unsuccessful calls by ISDN cause")
    assert [column.title for column in made.columns][8:11] == ["dss1", "rfc3398", "asterisk"]


def test_one_cause_of_several_codes_has_a_line_for_each() -> None:
    made = seen(
        MadeAnalysis({"calls": calls(TRUNK, TRUNK, {**TRUNK, "status_code": 500})}), "Unsuccessful calls by ISDN cause"
    )
    assert [(row[1], row[6], row[7]) for row in texts(made)] == [("34", "503", "2"), ("", "500", "1")]


def test_endpoints_are_ranked_by_what_they_originated() -> None:
    config = MadeConfig(own=("192.0.2.9",), aliases={"198.51.100.7": "Carrier A"})
    unauthorized = {"outcome": "unauthorized", "status_code": 407, "cause": 21, "cause_from": "profile"}
    made = seen(
        MadeAnalysis({"calls": calls(TRUNK, TRUNK, unauthorized)}, config=config), "Endpoints by failures originated"
    )
    rows = texts(made)
    assert rows[0] == ["Carrier A (198.51.100.7)", "other", "2", "0", "0", "0", "0", "503 ×2"]
    assert ["192.0.2.9", "own", "0", "2", "3", "0", "0", ""] in rows
    assert made.notes[0] == "Failures charged to no responder, but to their callers: 1"


def test_networks_are_shown_only_where_there_are_several() -> None:
    one = seen(MadeAnalysis({"calls": calls(TRUNK)}), "Endpoints by failures originated")
    two = seen(MadeAnalysis({"calls": calls(TRUNK, {**TRUNK, "network": 7})}), "Endpoints by failures originated")
    assert "VLAN/VNI" not in [column.title for column in one.columns]
    assert "VLAN/VNI" in [column.title for column in two.columns]


def test_long_lists_end_with_what_was_left_out() -> None:
    rows = [{**TRUNK, "failed_by_ip": f"198.51.100.{n}"} for n in range(100)]
    responses = [response(300 + n, 100 - n) for n in range(60)]
    analysis = MadeAnalysis({"calls": calls(*rows)}, responses=responses)
    endpoints = seen(analysis, "Endpoints by failures originated")
    assert len(endpoints.rows) == TOP
    assert endpoints.notes[0] == "… and 87 more endpoints, 85 failures originated"
    answers = seen(analysis, "Responses by code and method")
    assert answers.notes[0] == "… and 30 more rows with 1,665 responses"
    assert [int(row[0].text) for row in answers.rows] == list(range(300, 330))


def test_vendor_codes_name_their_pack_or_a_guess() -> None:
    responses = [response(703, 3, vendor="siemens"), response(810, 2, guess="siemens acme")]
    made = seen(MadeAnalysis({}, responses=responses), "Responses by code and method")
    assert [row[4] for row in texts(made)] == ["siemens", "siemens, acme?"]
    assert made.notes == [
        "? a guess: these makers are known to use that code",
        "Codes from 700 on have no standard meaning: another maker may use them differently",
    ]


def test_releases_name_who_sent_the_bye_and_its_causes() -> None:
    broken = {"release": "abnormal", "release_cause": 38, "released_by": "callee", "bye_ts": START}
    made = seen(MadeAnalysis({"calls": calls(broken, broken, {"release": "still_up"})}), "Answered calls by release")
    assert [row[:5] for row in texts(made)] == [
        ["2", "66.7%", "abnormal", "callee", "38 ×2"],
        ["1", "33.3%", "still_up", "", ""],
    ]


def test_registrations_name_the_codes_that_refused() -> None:
    rows = [{"outcome": "registered", "status_code": 200}, {"outcome": "rejected", "status_code": 403}]
    made = seen(MadeAnalysis({"registrations": table(RegistrationRow, rows)}), "Registrations")
    assert texts(made) == [["1", "50.0%", "registered"], ["1", "50.0%", "rejected"]]
    assert made.notes == ["Refused with 403 ×1"]


def test_issues_show_the_gravest_first_with_what_to_look_at() -> None:
    made = seen(MadeAnalysis({}, issue_counts={"sip.orphan_response": 9, "capture.truncated": 1}), "Issues")
    rows = texts(made)
    assert [row[2] for row in rows] == ["capture.truncated", "sip.orphan_response"]
    assert all(row[3] and row[4] for row in rows)


def test_remarks_tell_what_the_figures_do_not_hold() -> None:
    other = {"from_uri": "sip:1@a", "to_uri": "sip:2@b"}
    legs = [
        {"caller_ip": "192.0.2.1", "callee_ip": "192.0.2.5"},
        {"caller_ip": "192.0.2.5", "callee_ip": "192.0.2.7", **other},
    ]
    refused = {**BUSY, "callee_agent": "Asterisk PBX 18.1"}
    analysis = MadeAnalysis(
        {"calls": calls(*legs, refused)},
        captures=[capture(truncated=True, opaque=9_000, opaque_connections=3)],
    )
    remarks = overview(analysis, words()).remarks
    assert [remark.split(":")[0] for remark in remarks] == [
        "morning.pcapng",
        "TLS on SIP ports that could not be read",
        "Seen on both sides of calls that could not be linked",
        "Asterisk PBX 18.1 has a cause table of its own",
    ]
    assert "9.0 kB, connections: 3" in remarks[1]
    assert "192.0.2.5" in remarks[2]
    assert "--causes asterisk" in remarks[3]


def test_unread_frames_are_said_by_reason() -> None:
    made = seen(MadeAnalysis({}, captures=[capture(unread={"tcp": 4, "not_ip": 9})]), "What was read")
    assert made.notes[0] == "Not read: 13 frames (not_ip 9, tcp 4)"
    assert made.notes[-1] == "Times are in UTC (+00:00)"


def test_several_captures_are_summed() -> None:
    made = seen(MadeAnalysis({}, captures=[capture(), capture(start_ts=None, end_ts=None), capture()]), "What was read")
    assert texts(made)[-1][:6] == ["3 captures", "", "300", "192.0 kB", "126", "0"]


def test_outcomes_count_as_the_vocabulary_says() -> None:
    assert {outcome for outcome in Outcome if counted_as(outcome) == "failure"} == FAILURES
    assert {o for o in Outcome if counted_as(o) in ("success", "left out")} == NOT_UNSUCCESSFUL


def _translated() -> list[str]:
    """Every text that views and command line hand to `Words`, and the words of the vocabulary they show."""
    found = [*MEANINGS.values(), *RELEASE_MEANINGS.values(), *CAUSE_GROUPS.values()]
    found += [counted_as(outcome) for outcome in Outcome]
    for kind in (Outcome, Release, RegistrationOutcome, ReleasedBy, Severity, Side, Family):
        found += [word.value for word in kind]
    found += [word.value for word in Fault if word is not Fault.NONE]
    for path in [*(PACKAGE / "views").glob("*.py"), *(PACKAGE / "ui").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "words" and node.args:
                first = node.args[0]
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    found.append(first.value)
    return sorted(set(found) - {"en", "nl"})


@pytest.mark.parametrize("english", _translated())
def test_every_text_is_there_in_dutch_with_the_same_blanks(english: str) -> None:
    dutch = language("nl").ui.get(english)
    assert dutch is not None
    assert sorted(part.partition("}")[0] for part in dutch.split("{")[1:]) == sorted(
        part.partition("}")[0] for part in english.split("{")[1:]
    )


def test_dutch_figures_have_dutch_marks() -> None:
    dutch = words("nl")
    assert (dutch.number(1234567), dutch.share(1, 3), dutch.octets(1500)) == ("1.234.567", "33,3%", "1,5 kB")
    assert (words().number(1234567), words().share(1, 3), words().share(0, 0)) == ("1,234,567", "33.3%", "–")


def test_requests_are_shown_most_first() -> None:
    requests = [RequestRow("BYE", 5, 5, 0, 0), RequestRow("INVITE", 9, 7, 2, 0)]
    made = seen(MadeAnalysis({}, requests=requests), "Requests by method")
    assert texts(made) == [["INVITE", "7", "2", "0", "9"], ["BYE", "5", "0", "0", "5"]]
