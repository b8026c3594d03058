"""Where a call ends and the next begins, and the timers, to the nanosecond: docs/counting.md, "Calls"."""

from __future__ import annotations

import pytest

from tests.flow import check_call, check_calls, play

ANSWERED = "alice <- bob 200\nalice -> bob ACK\n"


def refusal(code: str) -> str:
    return f"alice -> bob INVITE\nalice <- bob {code}\nalice -> bob ACK +0ms\n"


@pytest.mark.parametrize("code", ["401", "407"])
def test_a_challenge_is_followed_within_five_seconds(code: str) -> None:
    check_call(refusal(code) + "alice -> bob INVITE +5s\n" + ANSWERED, outcome="answered", attempts=2, challenges=1)
    check_calls(
        refusal(code) + "alice -> bob INVITE +5000.001ms\n" + ANSWERED,
        {"outcome": "unauthorized", "outcome_detail": "auth_abandoned", "attempts": 1},
        {"outcome": "answered", "attempts": 1},
    )


@pytest.mark.parametrize(
    "code",
    ["300", "302", "380", "422", "491", "494", "415", "420", "421", "423", "428", "503 retry_after=5"],
)
def test_what_can_be_mended_is_followed_within_32_seconds(code: str) -> None:
    check_call(refusal(code) + "alice -> bob INVITE +32s\n" + ANSWERED, outcome="answered", attempts=2)
    rows = check_calls(
        refusal(code) + "alice -> bob INVITE +32000.001ms\n" + ANSWERED,
        {"attempts": 1, "status_code": int(code.split()[0])},
        {"outcome": "answered", "attempts": 1},
    )
    assert rows[0]["outcome"] not in ("answered", "open")


@pytest.mark.parametrize("code", ["400", "403", "404", "480", "486", "487", "500", "503", "600", "603"])
def test_after_any_other_final_a_new_invite_is_a_new_call(code: str) -> None:
    rows = play(refusal(code) + "alice -> bob INVITE\n" + ANSWERED).calls
    assert [row["attempts"] for row in rows] == [1, 1]
    assert [row["status_code"] for row in rows] == [int(code), 200]
    assert rows[0]["call_id"] == rows[1]["call_id"]


def test_a_call_that_was_answered_is_not_continued() -> None:
    text = "alice -> bob INVITE\n" + ANSWERED + "alice -> bob BYE\nalice <- bob 200\nalice -> bob INVITE\n" + ANSWERED
    check_calls(text, {"outcome": "answered", "attempts": 1}, {"outcome": "answered", "attempts": 1})


@pytest.mark.parametrize("code", ["401", "407", "302"])
def test_a_challenge_or_redirect_inside_its_window_is_open_when_the_capture_ends(code: str) -> None:
    check_call(refusal(code) + "end +4s", outcome="open", status_code=int(code), cause=None)


def test_the_last_attempt_decides() -> None:
    check_call(refusal("302") + refusal("486"), outcome="busy", status_code=486, attempts=2)


def test_the_from_tag_may_change_after_a_challenge() -> None:
    text = refusal("407") + "alice -> bob INVITE from_tag=another\n" + ANSWERED
    check_call(text, outcome="answered", attempts=2, challenges=1)


def test_another_from_tag_without_a_challenge_is_another_call() -> None:
    text = refusal("486") + "alice -> bob INVITE from_tag=another\n" + ANSWERED
    check_calls(text, {"outcome": "busy"}, {"outcome": "answered", "from_tag": "another"})


def test_two_calls_at_once_under_one_call_id_are_told_apart_by_the_from_tag() -> None:
    text = """
    alice -> bob INVITE from_tag=one
    alice <- bob 180
    alice -> bob INVITE from_tag=two
    alice <- bob 486 for=INVITE/2
    alice -> bob ACK for=INVITE/2
    """
    rows = play(text).calls
    assert [(row["from_tag"], row["outcome"]) for row in rows] == [("one", "open"), ("two", "busy")]


def test_other_call_ids_are_other_calls() -> None:
    text = refusal("407") + "call b\nalice -> bob INVITE\n" + ANSWERED + "end +10s"
    check_calls(text, {"outcome": "unauthorized", "attempts": 1}, {"outcome": "answered", "attempts": 1})


def test_an_invite_with_a_to_tag_begins_nothing() -> None:
    text = "alice -> bob INVITE\n" + ANSWERED + "alice -> bob INVITE +5s\nalice <- bob 488\nalice -> bob ACK\n"
    check_call(text, outcome="answered", attempts=1, status_code=200, release="still_up", messages=6)


def test_a_reinvite_without_its_beginning_is_no_call() -> None:
    text = "alice -> bob INVITE tag=ab12\nalice <- bob 488\nalice -> bob ACK"
    assert play(text).calls == []


def test_an_invite_again_before_any_final_is_a_further_attempt() -> None:
    text = "alice -> bob INVITE\nalice -> bob INVITE +3s\nalice <- bob 486\nalice -> bob ACK\n"
    check_call(text, attempts=2, outcome="busy")


# Timers, on the capture's clock.


def test_no_response_for_32_seconds() -> None:
    check_call("alice -> bob INVITE\nend +32s", outcome="open")
    check_call("alice -> bob INVITE\nend +32000.001ms", outcome="timed_out", outcome_detail="no_reply")


def test_a_response_at_32_seconds_is_in_time_and_later_is_too_late() -> None:
    check_call("alice -> bob INVITE\nalice <- bob 486 +32s\nalice -> bob ACK", outcome="busy", status_code=486)
    check_call(
        "alice -> bob INVITE\nalice <- bob 486 +32000.001ms\nalice -> bob ACK",
        outcome="timed_out", status_code=None, cause=18,
    )  # fmt: skip


def test_after_a_100_there_are_180_seconds_from_the_invite() -> None:
    text = "alice -> bob INVITE\nalice <- bob 100 +10s\n"
    check_call(text + "end +170s", outcome="open")
    check_call(text + "end +170.000001s", outcome="timed_out", outcome_detail="only_100", status_code=None)


@pytest.mark.parametrize("code", [180, 183, 199])
def test_each_provisional_gives_another_180_seconds(code: int) -> None:
    text = f"alice -> bob INVITE\nalice <- bob 180 +1s\nalice <- bob {code} +170s\n"
    check_call(text + "end +180s", outcome="open")
    check_call(text + "end +180.000001s", outcome="timed_out", outcome_detail="only_18x")
    check_call(text + "alice <- bob 200 +180s\nalice -> bob ACK", outcome="answered")


def test_resends_of_the_invite_do_not_begin_the_timer_anew() -> None:
    check_call("alice -> bob INVITE resends=6\nend +33s", outcome="timed_out", messages=7)


def test_the_clock_goes_on_with_messages_of_other_calls() -> None:
    text = "alice -> bob INVITE\ncall b\nalice -> carol INVITE +40s\nalice <- carol 486\nalice -> carol ACK\n"
    check_calls(text, {"outcome": "timed_out"}, {"outcome": "busy"})


def test_a_timed_out_call_ends_when_its_timer_did() -> None:
    row = check_call("alice -> bob INVITE\nend +100s", outcome="timed_out")
    assert row["end_ts"] - row["invite_ts"] == 32 * 10**9


def test_a_cancel_does_not_wait_for_its_487_for_ever() -> None:
    text = "alice -> bob INVITE\nalice <- bob 180\nalice -> bob CANCEL +5s\nend +200s"
    row = play(text).calls[0]
    assert row["outcome"] in ("cancelled", "timed_out")
    assert row["status_code"] is None
    assert row["failed_by_ip"] is None or row["outcome"] == "timed_out"
