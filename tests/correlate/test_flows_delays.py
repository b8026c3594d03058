"""When a caller hears something, how long it rings, and what can still be said of a call whose BYE is missing."""

from __future__ import annotations

import pytest

from tests.flow import check_call, play


def test_the_first_sign_to_the_caller() -> None:
    row = check_call(
        "alice -> bob INVITE\nalice <- bob 183 sdp=no +300ms\nalice <- bob 180 +700ms\nalice <- bob 200 +5s\n",
        outcome="answered",
        media_ts=None,
    )
    assert row["pdd_ms"] == pytest.approx(1000)
    assert row["srd_ms"] == pytest.approx(300)
    assert row["ring_s"] == pytest.approx(5.7)
    assert row["early_media_s"] is None


def test_early_media_is_a_sign() -> None:
    row = check_call(
        "alice -> bob INVITE\nalice <- bob 183 sdp=yes +400ms\nalice <- bob 404 +8s\nalice -> bob ACK\n",
        outcome="invalid_number",
    )
    assert row["pdd_ms"] == pytest.approx(400)
    assert row["early_media_s"] == pytest.approx(8)


def test_without_ringing_the_answer_is_the_sign() -> None:
    row = check_call("alice -> bob INVITE\nalice <- bob 200 +2s\n", outcome="answered", ring_s=None)
    assert row["pdd_ms"] == pytest.approx(2000)


def test_ringing_ends_with_the_cancel() -> None:
    row = check_call(
        "alice -> bob INVITE\nalice <- bob 180 +1s\nalice -> bob CANCEL +20s\nalice <- bob 200\n"
        "alice <- bob 487 for=INVITE +1s\nalice -> bob ACK\n",
        outcome="cancelled",
    )
    assert row["ring_s"] == pytest.approx(20)


def test_the_last_sign_of_life_of_a_call_without_bye() -> None:
    row = check_call(
        "alice -> bob INVITE\nalice <- bob 200\nalice -> bob ACK\nalice -> bob UPDATE +600s\nalice <- bob 200\n",
        outcome="answered",
        release="still_up",
        sdt_s=None,
    )
    assert row["last_ts"] - row["answer_ts"] == pytest.approx(600_010_000_000, abs=20_000_000)


def test_two_answers() -> None:
    text = """
    alice -> proxy INVITE
    alice <- proxy 200 tag=one +1s
    alice -> proxy ACK
    alice <- proxy 200 tag=two for=INVITE +100ms
    """
    played = play(text)
    (row,) = played.calls
    assert (row["outcome"], row["answers"], row["forks"]) == ("answered", 2, 2)
    assert played.result.issue_counts["call.multi_answer"] == 1


def test_a_final_that_nobody_acknowledges() -> None:
    quiet = "alice -> bob INVITE\nalice <- bob 486\n"
    check_call(quiet, ack_missing=False)
    played = play("alice -> bob INVITE\nalice <- bob 486 resends=10\n")
    (row,) = played.calls
    assert row["ack_missing"]
    assert played.result.issue_counts["call.ack_missing"] == 1
    check_call("alice -> bob INVITE\nalice <- bob 486 resends=10\nalice -> bob ACK\n", ack_missing=False)


def test_retry_after_of_the_final_that_decided() -> None:
    check_call("alice -> bob INVITE\nalice <- bob 503 retry_after=120\nend +60s", outcome="failed", retry_after_s=120)
