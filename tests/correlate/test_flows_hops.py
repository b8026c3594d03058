"""Proxies, forks and B2BUAs: one failure, charged once. docs/counting.md, "Who is charged"."""

from __future__ import annotations

from tests.flow import check_call, check_calls, play

PEOPLE = """
alice = 192.0.2.10
proxy = 198.51.100.1
bob = 203.0.113.20
carol = 203.0.113.30
edge = 198.51.100.2
"""
ALICE, PROXY, EDGE, BOB, CAROL = "192.0.2.10", "198.51.100.1", "198.51.100.2", "203.0.113.20", "203.0.113.30"
IN = (
    PEOPLE
    + """
alice -> proxy INVITE
alice <- proxy 100
"""
)
OUT = (
    IN
    + """
proxy -> bob INVITE
proxy <- bob 100
"""
)


def test_the_lowest_hop_is_the_call() -> None:
    text = (
        OUT
        + """
    proxy <- bob 486
    proxy -> bob ACK
    alice <- proxy 486
    alice -> proxy ACK
    """
    )
    check_call(
        text, outcome="busy", status_code=486, hops=2, attempts=1, forks=1, messages=8, caller_ip=ALICE,
        callee_ip=PROXY, failed_by_ip=BOB, relayed_by=PROXY,
    )  # fmt: skip


def test_a_code_that_changes_on_the_way_stays_with_who_refused() -> None:
    text = (
        OUT
        + """
    proxy <- bob 503 reason=Q.850;cause=34
    proxy -> bob ACK
    alice <- proxy 500
    alice -> proxy ACK
    """
    )
    check_call(
        text, outcome="failed", status_code=500, failed_by_ip=BOB, relayed_by=PROXY, charged_grade="at_or_behind",
        cause=41, cause_from="profile", cause_conflict=False,
    )  # fmt: skip


def test_of_several_branches_the_one_whose_code_was_passed_on_is_charged() -> None:
    """The proxy makes 500 of the 503 (RFC 3261 §16.7), though another branch was busy."""
    text = (
        OUT
        + """
    proxy -> carol INVITE
    proxy <- bob 486
    proxy <- carol 503
    alice <- proxy 500
    """
    )
    check_call(text, outcome="failed", status_code=500, failed_by_ip=CAROL, failed_code=503, relayed_by=PROXY)


def test_a_refusal_of_the_proxy_itself() -> None:
    check_call(
        IN + "alice <- proxy 403\nalice -> proxy ACK", outcome="rejected", failed_by_ip=PROXY, relayed_by=None, hops=1,
    )  # fmt: skip


def test_a_408_is_charged_to_who_kept_silent() -> None:
    text = (
        IN
        + """
    proxy -> bob INVITE resends=3
    alice <- proxy 408 +6s
    alice -> proxy ACK
    """
    )
    check_call(
        text, outcome="timed_out", status_code=408, failed_by_ip=BOB, relayed_by=PROXY, charged_grade="at_or_behind",
        cause=102,
    )  # fmt: skip


def test_no_final_at_all_is_charged_to_the_deepest_silence() -> None:
    check_call(
        IN + "proxy -> bob INVITE resends=6\nend +200s", outcome="timed_out", status_code=None, failed_by_ip=BOB,
        charged_grade="at_or_behind",
    )  # fmt: skip


def test_the_location_of_a_reason_says_where() -> None:
    text = "alice -> bob INVITE\nalice <- bob 503 reason={}\nalice -> bob ACK"
    check_call(text.format("Q.850;cause=34;location=LN"), charged_grade="seen", failed_by_ip="198.51.100.11")
    check_call(text.format("Q.850;cause=34"), charged_grade="at_or_behind")


def test_three_hops() -> None:
    text = (
        PEOPLE
        + """
    alice -> proxy INVITE
    proxy -> edge INVITE
    edge -> bob INVITE
    edge <- bob 404
    edge -> bob ACK
    proxy <- edge 404
    proxy -> edge ACK
    alice <- proxy 404
    alice -> proxy ACK
    """
    )
    row = check_call(text, outcome="invalid_number", hops=3, failed_by_ip=BOB)
    assert set(row["relayed_by"].split()) == {PROXY, EDGE}


def test_a_capture_behind_the_proxy_only() -> None:
    """The lowest hop that was seen is hop 2: what its INVITE got is what the call got."""
    text = PEOPLE + "proxy -> bob INVITE vias=2\nproxy <- bob 486\nproxy -> bob ACK"
    check_call(text, outcome="busy", hops=1, caller_ip=PROXY, callee_ip=BOB, failed_by_ip=BOB)


def test_a_fork_that_answers_beats_one_that_refuses() -> None:
    text = (
        IN
        + """
    proxy -> bob INVITE
    proxy -> carol INVITE
    proxy <- carol 180
    alice <- proxy 180
    proxy <- bob 486 +1s
    proxy -> bob ACK
    proxy <- carol 200 +4s
    alice <- proxy 200
    alice -> proxy ACK
    proxy -> carol ACK
    """
    )
    check_call(text, outcome="answered", status_code=200, attempts=1, failed_by_ip=None)


def test_forks_seen_behind_the_proxy_only_are_one_call() -> None:
    text = (
        PEOPLE
        + """
    proxy -> bob INVITE vias=1
    proxy -> carol INVITE vias=1 cseq=1
    proxy <- bob 486 +1s
    proxy -> bob ACK
    proxy <- carol 200 +1s
    proxy -> carol ACK
    """
    )
    check_call(text, outcome="answered", status_code=200, attempts=1, hops=1)


def test_of_refusals_a_6xx_decides_and_else_the_lowest_class() -> None:
    text = (
        PEOPLE
        + """
    proxy -> bob INVITE vias=1
    proxy -> carol INVITE vias=1 cseq=1
    proxy <- bob {}
    proxy -> bob ACK
    proxy <- carol {}
    proxy -> carol ACK
    """
    )
    check_call(text.format(486, 603), status_code=603, outcome="declined", failed_by_ip=CAROL)
    check_call(text.format(503, 404), status_code=404, outcome="invalid_number", failed_by_ip=CAROL)
    check_call(text.format(486, 480), status_code=486, outcome="busy", failed_by_ip=BOB)
    check_call(text.format(486, 484), status_code=484, outcome="invalid_number", failed_by_ip=CAROL)


def test_serial_forking_that_ends_well() -> None:
    text = (
        OUT
        + """
    proxy <- bob 503
    proxy -> bob ACK
    proxy -> carol INVITE
    proxy <- carol 200 +1s
    alice <- proxy 200
    alice -> proxy ACK
    proxy -> carol ACK
    alice -> proxy BYE +5s
    proxy -> carol BYE
    proxy <- carol 200
    alice <- proxy 200
    """
    )
    check_call(text, outcome="answered", attempts=1, failed_by_ip=None, release="normal", released_by="caller")


def test_a_challenge_by_the_proxy_before_it_relays() -> None:
    text = (
        PEOPLE
        + """
    alice -> proxy INVITE
    alice <- proxy 407
    alice -> proxy ACK
    alice -> proxy INVITE
    proxy -> bob INVITE
    proxy <- bob 404
    proxy -> bob ACK
    alice <- proxy 404
    alice -> proxy ACK
    """
    )
    check_call(text, outcome="invalid_number", attempts=2, challenges=1, hops=2, failed_by_ip=BOB, relayed_by=PROXY)


def test_a_b2bua_makes_two_calls() -> None:
    """Until calls are linked into sessions both legs count; the same failure stands under both."""
    text = (
        PEOPLE
        + """
    call a
    alice -> edge INVITE
    call b
    edge -> bob INVITE
    edge <- bob 486
    edge -> bob ACK
    alice <- edge 486 call=a
    alice -> edge ACK call=a
    """
    )
    check_calls(
        text,
        {"outcome": "busy", "caller_ip": ALICE, "callee_ip": EDGE, "failed_by_ip": EDGE},
        {"outcome": "busy", "caller_ip": EDGE, "callee_ip": BOB, "failed_by_ip": BOB},
    )


def test_the_invite_that_comes_back_through_the_proxy_is_a_deeper_hop() -> None:
    """A spiral: the same Call-ID and CSeq, one Via more each time."""
    text = (
        PEOPLE
        + """
    alice -> proxy INVITE
    proxy -> edge INVITE
    edge -> proxy INVITE vias=2 cseq=1
    """
    )
    rows = play(text + "end +1s").calls
    assert [(row["attempts"], row["hops"]) for row in rows] == [(1, 3)]


def test_hang_ups_charge_nobody() -> None:
    text = (
        OUT
        + """
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
    )
    check_call(text, outcome="cancelled", failed_by_ip=None, charged_grade=None, relayed_by=None)


def test_both_sides_of_a_bye_are_one_release() -> None:
    text = (
        OUT
        + """
    proxy <- bob 200 +1s
    alice <- proxy 200
    alice -> proxy ACK
    proxy -> bob ACK
    proxy <- bob BYE +9s reason=Q.850;cause=38
    alice <- proxy BYE Reason=Q.850;cause=38
    alice -> proxy 200
    proxy -> bob 200
    """
    )
    check_call(text, outcome="answered", release="abnormal", release_cause=38, released_by="callee", messages=12)


def test_a_branch_that_begins_after_the_timer_of_the_caller_is_no_new_call() -> None:
    """A proxy gives its branch up after the caller's side has timed out, and tries another one."""
    text = (
        OUT
        + """
    proxy <- bob 180
    alice <- proxy 180
    proxy <- bob 408 +190s
    proxy -> bob ACK
    proxy -> carol INVITE
    proxy <- carol 180
    alice <- proxy 180
    proxy <- carol 200 +2s
    alice <- proxy 200
    """
    )
    check_calls(text, {"outcome": "timed_out", "outcome_detail": "only_18x", "status_code": None, "hops": 2})
