"""How answered calls end: docs/counting.md, "Release"."""

from __future__ import annotations

from typing import Any

import pytest

from tests.flow import check_call

UP = """
alice -> bob INVITE
alice <- bob 180 +1s
alice <- bob 200 +2s
alice -> bob ACK
"""


def ended(options: str = "", by: str = "->") -> str:
    answer = "alice <- bob 200" if by == "->" else "alice -> bob 200"
    return UP + f"alice {by} bob BYE +30s {options}\n{answer}\n"


def released(text: str, **expected: Any) -> dict[str, Any]:
    return check_call(text, outcome="answered", status_code=200, **expected)


@pytest.mark.parametrize(
    ("reason", "release", "cause"),
    [
        ("Q.850;cause=16", "normal", 16), ("Q.850;cause=26", "normal", 26), ("Q.850;cause=31", "normal", 31),
        ("SIP;cause=200", "normal", None), ("Q.850;cause=17", "odd", 17), ("Q.850;cause=18", "odd", 18),
        ("Q.850;cause=19", "odd", 19), ("Q.850;cause=20", "odd", 20), ("Q.850;cause=3", "abnormal", 3),
        ("Q.850;cause=8", "abnormal", 8), ("Q.850;cause=9", "abnormal", 9), ("Q.850;cause=25", "abnormal", 25),
        ("Q.850;cause=27", "abnormal", 27), ("Q.850;cause=32", "abnormal", 32), ("Q.850;cause=38", "abnormal", 38),
        ("Q.850;cause=41", "abnormal", 41), ("Q.850;cause=47", "abnormal", 47), ("Q.850;cause=102", "abnormal", 102),
        ("Q.850;cause=127", "abnormal", 127),
    ],
)  # fmt: skip
def test_the_cause_of_the_bye(reason: str, release: str, cause: int | None) -> None:
    released(ended(f"reason={reason}"), release=release, release_cause=cause)


@pytest.mark.parametrize(
    ("code", "release"),
    [(400, "abnormal"), (408, "abnormal"), (481, "abnormal"), (500, "abnormal"), (503, "abnormal")],
)
def test_a_sip_cause_of_400_and_more_is_abnormal(code: int, release: str) -> None:
    released(ended(f"reason=SIP;cause={code}"), release=release)


@pytest.mark.parametrize("code", [486, 487, 603])
def test_sip_causes_that_say_what_a_user_did_are_not(code: int) -> None:
    row = released(ended(f"reason=SIP;cause={code}"))
    assert row["release"] != "abnormal"


def test_a_bye_without_a_reason_is_normal() -> None:
    released(ended(), release="normal", release_cause=None, released_by="caller")
    released(ended(by="<-"), release="normal", released_by="callee")


@pytest.mark.parametrize("cause", [2, 3, 4, 5, 6])
def test_a_release_cause_of_3gpp(cause: int) -> None:
    released(ended(f"reason=RELEASE_CAUSE;cause={cause}"), release="abnormal")


def test_the_3gpp_cause_for_the_user_hung_up() -> None:
    released(ended("reason=RELEASE_CAUSE;cause=1"), release="normal")


def test_preemption() -> None:
    released(ended("reason=Preemption;cause=1"), release="abnormal")


def test_the_session_timer() -> None:
    released(ended('reason="SIP;cause=408;text=\\"Session timer expired\\""'), release="session_timer")


def test_the_drop_at_32_seconds() -> None:
    text = "alice -> bob INVITE\nalice <- bob 200 +1s resends=10\nalice <- bob BYE +32s\nalice -> bob 200\n"
    released(text, release="no_ack", released_by="callee", ack_ts=None)


def test_an_ack_that_was_not_captured_is_not_a_drop() -> None:
    text = "alice -> bob INVITE\nalice <- bob 200 +1s\nalice <- bob BYE +32s\nalice -> bob 200\n"
    released(text, release="normal")


def test_a_bye_that_nobody_answers() -> None:
    text = UP + "alice -> bob BYE +30s resends=10\nend +33s"
    released(text, release="bye_unanswered", sdd_ms=None)


def test_still_up_when_the_capture_ends() -> None:
    released(UP + "end +1m", release="still_up", released_by=None, bye_ts=None, sdt_s=None, state="in_call")


def test_a_reinvite_that_fails_does_not_end_the_call() -> None:
    text = UP + "alice -> bob INVITE +5s\nalice <- bob 491\nalice -> bob ACK\n"
    text += "alice -> bob INVITE +2s\nalice <- bob 200\nalice -> bob ACK\nalice -> bob BYE +9s\nalice <- bob 200\n"
    released(text, release="normal", attempts=1, forks=1, messages=12)


def test_update_prack_and_info_belong_to_the_call() -> None:
    text = """
    alice -> bob INVITE
    alice <- bob 183 rseq=1
    alice -> bob PRACK RAck="1 1 INVITE"
    alice <- bob 200
    alice <- bob 200 +2s
    alice -> bob ACK
    alice -> bob UPDATE +3s
    alice <- bob 200
    alice <- bob INFO +1s
    alice -> bob 200
    alice <- bob BYE +5s
    alice -> bob 200
    """
    released(text, release="normal", released_by="callee", messages=12, attempts=1)


def test_both_hang_up_at_once() -> None:
    text = UP + "alice -> bob BYE +30s\nalice <- bob BYE +0ms\nalice <- bob 481\nalice -> bob 200\n"
    released(text, release="normal", released_by="caller")
