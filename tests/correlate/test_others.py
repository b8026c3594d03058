"""What stands beside the calls: requests inside dialogs, OPTIONS, races of BYEs. docs/counting.md."""

from __future__ import annotations

from typing import Any

import pytest

from tests.flow import play

UP = "alice -> bob INVITE\nalice <- bob 200\nalice -> bob ACK\n"


def midcall(text: str, **options: Any) -> list[tuple[str, int | None, str, bool]]:
    rows = play(text, **options).result.columns("midcall").rows()
    return [(row["method"], row["status_code"], row["kind"], row["resolved"]) for row in rows]


def test_a_refused_reinvite_is_told_beside_its_call() -> None:
    played = play(
        UP + "alice -> bob INVITE +5s\nalice <- bob 488\nalice -> bob ACK\nalice -> bob BYE\nalice <- bob 200\n"
    )
    (row,) = played.result.columns("midcall").rows()
    (call,) = played.calls
    assert (row["kind"], row["call_no"], row["status_code"]) == ("failure", call["call_no"], 488)
    assert (row["client_ip"], row["server_ip"]) == (call["caller_ip"], call["callee_ip"])
    assert call["outcome"] == "answered"


@pytest.mark.parametrize("again", ["INVITE", "UPDATE"])
def test_a_glare_is_settled_by_a_later_change(again: str) -> None:
    text = UP + "alice -> bob INVITE +5s\nalice <- bob 491\nalice -> bob ACK\n"
    assert midcall(text) == [("INVITE", 491, "glare", False)]
    assert midcall(text + f"alice -> bob {again} +2s\nalice <- bob 200\n") == [("INVITE", 491, "glare", True)]


def test_an_earlier_success_settles_nothing() -> None:
    text = UP + "alice -> bob UPDATE +5s\nalice <- bob 200\nalice -> bob UPDATE +5s\nalice <- bob 491\n"
    assert midcall(text) == [("UPDATE", 491, "glare", False)]


BOTH_HANG_UP = """
alice -> bob BYE +9s
alice <- bob BYE +1ms
alice <- bob 481 for=BYE
alice -> bob 200 for=BYE
"""


def test_of_two_byes_that_cross_one_gets_481_and_nothing_is_wrong() -> None:
    assert midcall(UP + BOTH_HANG_UP) == [("BYE", 481, "bye_race", True)]
    assert midcall(UP + BOTH_HANG_UP, without=["bye_race"]) == [("BYE", 481, "dialog_lost", False)]


def test_a_lone_bye_with_481_met_a_dialog_that_was_lost() -> None:
    assert midcall(UP + "alice -> bob BYE +9s\nalice <- bob 481\n") == [("BYE", 481, "dialog_lost", False)]


def test_481_to_a_cancel_that_came_too_late() -> None:
    text = "alice -> bob INVITE\nalice <- bob 486\nalice -> bob CANCEL\nalice <- bob 481\nalice -> bob ACK for=INVITE\n"
    assert midcall(text) == [("CANCEL", 481, "late_cancel", True)]
    assert midcall(text, without=["bye_race"]) == [("CANCEL", 481, "dialog_lost", False)]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ("401", "challenge"),
        ("422", "retry"),
        ("500 retry_after=3", "retry"),
        ("500", "failure"),
        ("408", "dialog_lost"),
    ],
)
def test_kinds(answer: str, kind: str) -> None:
    assert midcall(UP + f"alice -> bob UPDATE +5s\nalice <- bob {answer}\n")[0][2] == kind


def test_silence_has_no_code_and_the_end_of_the_capture_is_no_silence() -> None:
    asks = UP + "alice -> bob INFO +5s\n"
    assert midcall(asks + "end +33s") == [("INFO", None, "no_reply", False)]
    assert midcall(asks + "end +31s") == []


def others(text: str) -> dict[tuple[Any, ...], int]:
    rows = play(text).result.columns("others").rows()
    return {
        (row["method"], row["in_dialog"], row["status_code"], row["ended_by"], row["server_ip"]): row["transactions"]
        for row in rows
    }


def test_tallies() -> None:
    text = """
    sbc = 192.0.2.1
    trunk = 203.0.113.1
    call ping1
    sbc -> trunk OPTIONS
    sbc <- trunk 404
    call ping2
    sbc -> trunk OPTIONS +30s
    sbc <- trunk 404
    call ping3
    sbc -> trunk OPTIONS +30s resends=3
    end +40s
    """
    assert others(text) == {
        ("OPTIONS", False, 404, "final", "203.0.113.1"): 2,
        ("OPTIONS", False, None, "timeout", "203.0.113.1"): 1,
    }


def test_requests_inside_dialogs_are_tallied_without_their_endpoints() -> None:
    text = UP + "alice -> bob INFO +1s\nalice <- bob 200\nalice <- bob INFO +1s\nalice -> bob 200\n"
    assert others(text) == {("INFO", True, 200, "final", None): 2}


def test_calls_registrations_and_stray_responses_are_no_others() -> None:
    text = UP + "call r\nalice -> bob REGISTER\nalice <- bob 200\ncall s\nalice -> bob OPTIONS lost\nalice <- bob 200\n"
    assert others(text) == {}
