"""Every outcome of a call, as ladders: docs/counting.md, "Outcomes"."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import analyzer
from tests.flow import check_call, check_calls, sent
from tests.frames import Datagram, write_pcap

BOB = "198.51.100.20"
PEOPLE = """
alice = 192.0.2.10
bob = 198.51.100.20
"""
RINGING = """
alice -> bob INVITE
alice <- bob 100
alice <- bob 180 +1s
"""
CANCEL = """
alice -> bob CANCEL {}
alice <- bob 200
alice <- bob 487
alice -> bob ACK
"""


def one(text: str, **expected: Any) -> dict[str, Any]:
    return check_call(PEOPLE + text, **expected)


def refused(code: int, options: str = "", ringing: bool = False) -> str:
    return (RINGING if ringing else "alice -> bob INVITE\nalice <- bob 100\n") + (
        f"alice <- bob {code} +1s {options}\nalice -> bob ACK\nend +60s\n"
    )


def test_answered() -> None:
    one(
        RINGING + "alice <- bob 200 +3s\nalice -> bob ACK\nalice -> bob BYE +60s\nalice <- bob 200",
        outcome="answered", outcome_rule="answered", status_code=200, fault="none", family="success",
        failed_by_ip=None, charged_grade=None, relayed_by=None, state="completed", released_by="caller",
        attempts=1, challenges=0, forks=1, hops=1, messages=7, resends=0,
        srd_ms=1010, sdd_ms=10, sdt_s=60.01, caller_ip="192.0.2.10", callee_ip=BOB,
    )  # fmt: skip


def test_a_202_is_a_success_too() -> None:
    one("alice -> bob INVITE\nalice <- bob 202\nalice -> bob ACK", outcome="answered", status_code=202)


@pytest.mark.parametrize(
    ("code", "outcome", "fault"),
    [
        (400, "rejected", "caller"), (402, "unauthorized", "caller"), (403, "rejected", "caller"),
        (404, "invalid_number", "caller"), (405, "rejected", "caller"), (408, "timed_out", "network"),
        (410, "invalid_number", "caller"), (416, "invalid_number", "caller"), (430, "unavailable", "user"),
        (433, "blocked", "security"), (440, "failed", "network"), (480, "unavailable", "user"),
        (481, "rejected", "caller"), (482, "failed", "network"), (483, "failed", "network"),
        (484, "invalid_number", "caller"), (485, "invalid_number", "caller"), (486, "busy", "user"),
        (487, "rejected", "caller"), (488, "rejected", "caller"), (493, "blocked", "security"),
        (500, "failed", "server"), (502, "failed", "network"), (503, "failed", "server"),
        (504, "failed", "server"), (580, "failed", "server"), (600, "busy", "user"), (603, "declined", "user"),
        (604, "invalid_number", "caller"), (605, "declined", "user"), (606, "rejected", "caller"),
        (607, "declined", "user"), (608, "blocked", "security"), (499, "rejected", "caller"),
        (599, "failed", "server"), (699, "rejected", "caller"), (703, "failed", "server"), (999, "failed", "server"),
    ],
)  # fmt: skip
def test_the_code_decides_where_no_cause_was_read(code: int, outcome: str, fault: str) -> None:
    one(refused(code), outcome=outcome, fault=fault, status_code=code)


@pytest.mark.parametrize("code", [408, 480, 504])
def test_no_answer_is_ringing_and_then_a_code_for_nobody_there(code: int) -> None:
    one(refused(code, ringing=True), outcome="no_answer", fault="user", status_code=code)


@pytest.mark.parametrize("code", [180, 181, 182, 183])
def test_any_of_180_to_183_counts_as_ringing(code: int) -> None:
    text = f"alice -> bob INVITE\nalice <- bob {code} +1s\nalice <- bob 480 +1s\nalice -> bob ACK"
    one(text, outcome="no_answer")


def test_a_199_is_no_ringing() -> None:
    one("alice -> bob INVITE\nalice <- bob 199 +1s\nalice <- bob 480 +1s\nalice -> bob ACK", outcome="unavailable")


@pytest.mark.parametrize(
    ("cause", "ringing", "outcome", "fault"),
    [
        (1, False, "invalid_number", "caller"), (3, False, "failed", "network"), (5, False, "invalid_number", "caller"),
        (14, False, "invalid_number", "caller"), (17, False, "busy", "user"), (18, False, "unavailable", "user"),
        (18, True, "no_answer", "user"), (19, True, "no_answer", "user"), (20, False, "unavailable", "user"),
        (20, True, "unavailable", "user"), (21, False, "rejected", "network"), (22, False, "invalid_number", "caller"),
        (24, False, "declined", "user"), (27, False, "unavailable", "network"), (28, False, "invalid_number", "caller"),
        (34, True, "failed", "network"), (38, False, "failed", "network"), (41, False, "failed", "network"),
        (58, False, "failed", "network"), (63, False, "failed", "network"), (102, False, "timed_out", "network"),
        (111, False, "failed", "network"),
    ],
)  # fmt: skip
def test_a_specific_cause_that_was_read_outranks_the_code(cause: int, ringing: bool, outcome: str, fault: str) -> None:
    text = refused(500 if cause != 38 else 486, f"reason=Q.850;cause={cause}", ringing)
    one(text, outcome=outcome, fault=fault, cause=cause, cause_from="reason")


@pytest.mark.parametrize("cause", [0, 16, 31, 127])
def test_a_generic_cause_leaves_the_code_to_decide(cause: int) -> None:
    one(refused(486, f"reason=Q.850;cause={cause}"), outcome="busy", fault="user")


def test_cause_21_of_the_user_is_a_refusal_by_the_user() -> None:
    one(refused(480, "reason=Q.850;cause=21;location=U"), outcome="declined", fault="user")


def test_a_cause_the_code_contradicts_is_flagged() -> None:
    one(refused(486, "reason=Q.850;cause=34"), outcome="failed", status_code=486, cause_conflict=True)


def test_cancelled_after_ringing() -> None:
    one(
        RINGING + CANCEL.format("+20s"), outcome="cancelled", fault="user", status_code=487, cause=16,
        cause_from="event", failed_by_ip=None, released_by="caller", state="cancelled", cause_conflict=False,
    )  # fmt: skip


def test_a_port_that_is_the_default_makes_no_other_sent_by(tmp_path: Path) -> None:
    """A CANCEL whose Via leaves out the 5060 that its INVITE wrote is of that INVITE, RFC 3261 §18.1.1."""
    written, left_out = b"Via: SIP/2.0/UDP 192.0.2.10:5060;", b"Via: SIP/2.0/UDP 192.0.2.10;"
    with_port = []
    for datagram in sent(PEOPLE + RINGING + CANCEL.format("+20s")):
        assert isinstance(datagram, Datagram)
        is_cancel = datagram.payload.startswith(b"CANCEL ")
        payload = datagram.payload if is_cancel else datagram.payload.replace(left_out, written)
        with_port.append(datagram._replace(payload=payload))
    write_pcap(with_port, tmp_path / "flow.pcap")
    (row,) = analyzer.analyze(str(tmp_path / "flow.pcap")).columns("calls").rows()
    assert (row["outcome"], row["status_code"], row["cause"], row["failed_by_ip"]) == ("cancelled", 487, 16, None)


@pytest.mark.parametrize(("waited", "fault", "detail"), [("9.98s", "user", None), ("15s", "network", "waited")])
def test_abandoned_before_ringing(waited: str, fault: str, detail: str | None) -> None:
    text = "alice -> bob INVITE\nalice <- bob 100\n" + CANCEL.format(f"+{waited}")
    row = one(text, outcome="abandoned", fault=fault, status_code=487, cause=16, failed_by_ip=None)
    if detail:
        assert row["outcome_detail"] == detail


@pytest.mark.parametrize("reason", ["SIP;cause=200", "Q.850;cause=26"])
def test_elsewhere(reason: str) -> None:
    one(RINGING + CANCEL.format(f"+5s reason={reason}"), outcome="elsewhere", fault="none", failed_by_ip=None)


@pytest.mark.parametrize(
    "reason", ["SIP;cause=408", "SIP;cause=480", "SIP;cause=487", "Q.850;cause=19", "Q.850;cause=102"]
)
def test_a_cancel_whose_reason_is_a_timer_is_no_answer(reason: str) -> None:
    one(RINGING + CANCEL.format(f"+30s reason={reason}"), outcome="no_answer", fault="user", failed_by_ip=None)


def test_cancel_and_200_cross() -> None:
    text = (
        RINGING
        + """
    alice -> bob CANCEL +8s
    alice <- bob 200 for=INVITE
    alice <- bob 200 for=CANCEL
    alice -> bob ACK
    alice -> bob BYE
    alice <- bob 200
    """
    )
    one(text, outcome="answered", outcome_detail="cancel_race", status_code=200, release="normal")


def test_the_200_of_a_cancel_is_no_success() -> None:
    one(RINGING + CANCEL.format("+5s"), outcome="cancelled", answer_ts=None)


def test_a_final_that_came_before_the_cancel_could_arrive_decides() -> None:
    text = (
        RINGING
        + """
    alice -> bob CANCEL +8s
    alice <- bob 486 for=INVITE
    alice <- bob 481 for=CANCEL
    alice -> bob ACK
    """
    )
    one(text, outcome="busy", status_code=486)


def test_487_without_a_cancel_is_a_rejection() -> None:
    one(refused(487, ringing=True), outcome="rejected", status_code=487)


def test_redirected_when_nothing_follows() -> None:
    one(refused(302), outcome="redirected", status_code=302, fault="none", cause=None, failed_by_ip=None)


def test_a_read_cause_does_not_make_a_failure_of_a_redirection() -> None:
    one(refused(302, "reason=Q.850;cause=34"), outcome="redirected", cause=None)


def test_challenged_and_given_up() -> None:
    one(
        refused(407), outcome="unauthorized", outcome_detail="auth_abandoned", status_code=407,
        failed_by_ip=None, challenges=1, attempts=1, fault="caller",
    )  # fmt: skip


AGAIN = "alice -> bob INVITE\nalice <- bob {}\nalice -> bob ACK\n"


def test_refused_again_in_spite_of_credentials() -> None:
    one(
        AGAIN.format("401") * 2, outcome="unauthorized", outcome_detail="auth_failed", status_code=401, attempts=2,
        challenges=2, failed_by_ip=None,
    )  # fmt: skip


def test_credentials_that_were_only_stale_get_another_try() -> None:
    answered = "alice -> bob INVITE\nalice <- bob 200\nalice -> bob ACK\n"
    text = AGAIN.format("401") + AGAIN.format("401 stale") + answered
    one(text, outcome="answered", attempts=3, challenges=2)


def test_challenged_by_two_servers_without_credentials_in_between() -> None:
    """The second INVITE carries none, so its challenge is no refusal of them."""
    again = "alice -> bob INVITE credentials=no\nalice <- bob 401\nalice -> bob ACK\n"
    answered = "alice -> bob INVITE\nalice <- bob 200\nalice -> bob ACK\n"
    one(AGAIN.format("407") + again + answered, outcome="answered", attempts=3, challenges=2)


def test_after_a_refusal_that_decided_a_new_invite_is_a_new_call() -> None:
    rows = check_calls(
        AGAIN.format("401") * 3,
        {"outcome": "unauthorized", "outcome_detail": "auth_failed", "attempts": 2},
        {"outcome": "open", "attempts": 1},
    )
    assert rows[0]["call_id"] == rows[1]["call_id"]


def test_402_is_final() -> None:
    one(refused(402), outcome="unauthorized", outcome_detail="payment", challenges=0)


def test_blocked_by_the_network_in_words() -> None:
    one(refused(603, 'phrase="Network Blocked"'), outcome="blocked", fault="security")


def test_blocked_by_a_stir_reason() -> None:
    one(refused(403, "reason=STIR;cause=436"), outcome="blocked", fault="security")


def test_no_reply_at_all() -> None:
    one(
        "alice -> bob INVITE resends=6\nend +33s", outcome="timed_out", outcome_detail="no_reply", status_code=None,
        cause=18, cause_from="event", failed_by_ip=BOB, charged_grade="at_or_behind", messages=7, resends=6,
        family=None, fault="network",
    )  # fmt: skip


def test_open_when_the_capture_ends_first() -> None:
    one("alice -> bob INVITE resends=5\nend +31s", outcome="open", status_code=None, cause=None, failed_by_ip=None)


def test_a_capture_that_ends_while_it_rings() -> None:
    one(RINGING, outcome="open", status_code=None, state="ringing", end_ts=None)


@pytest.mark.parametrize("again", ["180", "183"])
def test_ringing_after_the_timer_does_not_bring_a_call_back(again: str) -> None:
    """A capture that ended before it would have said timed_out, and so does the whole one."""
    text = f"alice -> bob INVITE\nalice <- bob 183\nalice <- bob {again} +181s\nalice <- bob 200 +5s"
    one(text, outcome="timed_out", outcome_detail="only_18x", status_code=None, answer_ts=None)


def test_a_cancel_after_the_timer_changes_nothing() -> None:
    text = "alice -> bob INVITE\nalice -> bob CANCEL +33s reason=SIP;cause=408\nalice <- bob 200\nalice <- bob 487"
    one(text, outcome="timed_out", outcome_detail="no_reply", status_code=None, released_by=None)


def test_a_cancel_long_after_a_487_did_not_bring_it_about() -> None:
    text = "alice -> bob INVITE\nalice <- bob 180\nalice <- bob 487\nalice -> bob CANCEL +5s\nalice <- bob 481"
    one(text, outcome="rejected", status_code=487, released_by=None)
