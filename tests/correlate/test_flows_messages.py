"""Resends, orphans, order and lost messages: what a call is made of. docs/counting.md, "Messages"."""

from __future__ import annotations

import pytest

from tests.flow import Played, check_call, check_calls, play

CALL = """
alice -> bob INVITE
alice <- bob 100
alice <- bob 180 +1s
alice <- bob 200 +2s
alice -> bob ACK
alice -> bob BYE +9s
alice <- bob 200
"""


def counts(played: Played) -> dict[str, tuple[int, int, int]]:
    """(messages, unique, resends) by code and method, and by method."""
    found = {
        f"{row.status_code} {row.method}": (row.messages, row.unique, row.resends) for row in played.result.responses
    }
    found.update({row.method: (row.messages, row.unique, row.resends) for row in played.result.requests})
    return found


def test_responses_are_counted_by_the_method_they_answer() -> None:
    assert counts(play(CALL)) == {
        "100 INVITE": (1, 1, 0), "180 INVITE": (1, 1, 0), "200 INVITE": (1, 1, 0), "200 BYE": (1, 1, 0),
        "INVITE": (1, 1, 0), "ACK": (1, 1, 0), "BYE": (1, 1, 0),
    }  # fmt: skip


@pytest.mark.parametrize("at", range(1, 8))
def test_a_resend_of_any_message_changes_only_the_resends(at: int) -> None:
    lines = CALL.strip().splitlines()
    words = lines[at - 1].split()[:4]
    again = [*lines[:at], f"{' '.join(words)} resend +5ms", *lines[at:]]
    moved = {"messages", "resends"}
    plain, with_resend = play(CALL).calls[0], play("\n".join(again)).calls[0]
    assert with_resend["messages"] == plain["messages"] + 1
    assert with_resend["resends"] == plain["resends"] + 1
    times = {name for name in plain if name.endswith(("_ts", "_ms", "_s"))}
    keep = set(plain) - moved - times
    assert {name: with_resend[name] for name in keep} == {name: plain[name] for name in keep}


def test_a_provisional_again_with_another_rseq_is_no_resend() -> None:
    text = "alice -> bob INVITE\nalice <- bob 183 rseq=1\nalice <- bob 183 rseq=2\nalice <- bob 183 resend"
    assert counts(play(text))["183 INVITE"] == (3, 2, 1)


def test_another_to_tag_is_no_resend() -> None:
    text = "alice -> bob INVITE\nalice <- bob 180 tag=one\nalice <- bob 180 tag=two\nalice <- bob 180 resend"
    assert counts(play(text))["180 INVITE"] == (3, 2, 1)


def test_the_same_request_on_the_next_hop_is_no_resend() -> None:
    text = "alice -> proxy INVITE\nproxy -> bob INVITE\nproxy <- bob 486\nproxy -> bob ACK\nalice <- proxy 486"
    assert counts(play(text)) == {"INVITE": (2, 2, 0), "486 INVITE": (2, 2, 0), "ACK": (1, 1, 0)}


def test_messages_are_unique_resends_and_copies() -> None:
    played = play(CALL + "alice <- bob 200 resend\nalice <- bob 200 copy\n")
    for row in (*played.result.responses, *played.result.requests):
        assert row.messages == row.unique + row.resends + row.copies


def test_a_response_without_its_request_is_an_orphan_and_no_call() -> None:
    played = play("alice -> bob INVITE lost\nalice <- bob 486\nend +60s")
    assert played.calls == []
    assert played.result.orphans == 1
    assert counts(played) == {"486 INVITE": (1, 1, 0)}


def test_an_orphan_decides_nothing() -> None:
    text = "call a\nalice -> bob INVITE\ncall b\nalice -> bob INVITE lost\nalice <- bob 486 call=b\nend +60s"
    check_calls(text, {"outcome": "timed_out"})


@pytest.mark.parametrize("lost", [2, 3, 5])
def test_an_answered_call_stays_answered_whatever_else_was_lost(lost: int) -> None:
    lines = CALL.strip().splitlines()
    lines[lost - 1] += " lost"
    check_call("\n".join(lines), outcome="answered", messages=6)


def test_a_lost_200_leaves_a_call_that_was_never_answered_here() -> None:
    lines = CALL.strip().splitlines()
    lines[3] += " lost"
    check_call("\n".join([*lines, "end +300s"]), outcome="timed_out", status_code=None)


def test_a_response_seen_before_its_request() -> None:
    """Mirror ports deliver the two directions out of step."""
    text = "alice -> bob INVITE skew=15ms\nalice <- bob 486\nalice -> bob ACK +200ms"
    check_call(text, outcome="busy", status_code=486)
    assert play(text).result.orphans == 0


def test_frames_in_the_wrong_order_with_their_true_times() -> None:
    text = """
    alice -> bob INVITE
    alice <- bob 100
    alice <- bob 180 behind=1
    alice <- bob 200
    alice -> bob ACK
    alice -> bob BYE +5s behind=1
    alice <- bob 200
    """
    row = check_call(text, outcome="answered", release="normal", messages=7)
    assert row["sdt_s"] == pytest.approx(5.01)


def test_the_ack_to_a_refusal_and_the_cancel_are_on_the_hop_of_their_invite() -> None:
    text = """
    alice -> proxy INVITE
    proxy -> bob INVITE
    proxy <- bob 180
    alice <- proxy 180
    alice -> proxy CANCEL +5s
    alice <- proxy 200
    proxy -> bob CANCEL
    proxy <- bob 200
    proxy <- bob 487
    proxy -> bob ACK
    alice <- proxy 487
    alice -> proxy ACK
    """
    played = play(text)
    assert [(row["outcome"], row["hops"], row["messages"]) for row in played.calls] == [("cancelled", 2, 12)]
    hops = {(row["method"], row["client_ip"]): row["hop"] for row in played.transactions}
    alice, proxy = "192.0.2.10", "198.51.100.11"
    assert hops == {("INVITE", alice): 0, ("CANCEL", alice): 0, ("INVITE", proxy): 1, ("CANCEL", proxy): 1}


def test_transactions_of_a_call() -> None:
    rows = play("alice -> bob INVITE\nalice <- bob 401\nalice -> bob ACK\n" + CALL).transactions
    seen = [(row["method"], row["kind"], row["cseq"], row["status_code"], row["ended_by"]) for row in rows]
    assert seen == [
        ("INVITE", "invite", 1, 401, "final"),
        ("INVITE", "invite", 2, 200, "final"),
        ("BYE", "non_invite", 3, 200, "final"),
    ]
    assert [row["ack_no"] for row in rows] == [3, 8, None]
    assert {row["call_no"] for row in rows} == {1}


def test_the_same_branch_again_is_not_the_same_transaction_in_another_call() -> None:
    text = """
    alice -> bob INVITE branch=z9hG4bKsame
    alice <- bob 486
    alice -> bob ACK
    call b
    alice -> bob INVITE branch=z9hG4bKsame
    alice <- bob 404
    alice -> bob ACK
    """
    check_calls(text, {"status_code": 486}, {"status_code": 404})


def test_branches_without_the_cookie() -> None:
    """RFC 2543 clients: §17.2.3 of RFC 3261 says how their transactions are matched."""
    text = """
    alice -> bob INVITE branch=1
    alice <- bob 180
    alice -> bob CANCEL +1s
    alice <- bob 200
    alice <- bob 487
    alice -> bob ACK
    """
    check_call(text, outcome="cancelled", messages=6)


def test_ipv6() -> None:
    text = "alice = [2001:db8::10]\nbob = [2001:db8::20]:5070\n" + CALL
    check_call(text, outcome="answered", caller_ip="2001:db8::10", callee_ip="2001:db8::20")


def test_networks_are_told_apart() -> None:
    """The same addresses in two VLANs are two endpoints; the calls of each are its own."""
    text = """
    alice -> bob INVITE vlan=10
    alice <- bob 486 vlan=10
    alice -> bob ACK vlan=10
    call b
    alice -> bob INVITE vlan=20
    alice <- bob 404 vlan=20
    alice -> bob ACK vlan=20
    """
    check_calls(text, {"network": 10, "status_code": 486}, {"network": 20, "status_code": 404})


def issues(text: str) -> dict[str, int]:
    """How often each issue is met."""
    return dict(play(text).result.issue_counts)


def test_a_refusal_without_ack_is_an_issue_when_it_was_resent_to_timer_h() -> None:
    refused = "alice -> bob INVITE\nalice <- bob 486 resends={}\n"
    assert issues(refused.format(10) + "end +100s") == {"call.ack_missing": 1}
    assert not issues(refused.format(5) + "end +100s"), "given up before its time: cut off, or lost"
    assert not issues(refused.format(10) + "alice -> bob ACK +20s\nend +100s")


def test_what_is_odd_about_a_reason_is_an_issue() -> None:
    refused = 'alice -> bob INVITE\nalice <- bob 486 reason="{}"\n'
    assert issues(refused.format("Q.850;cause=16, Q.850;cause=17")) == {"sip.reason_several": 1}
    assert issues(refused.format("Q.850;cause=145")) == {"sip.reason_masked": 1}
    assert issues(refused.format("Q.850;cause=34")) == {"sip.cause_conflict": 1}
    assert not issues(refused.format("Q.850;cause=17"))
