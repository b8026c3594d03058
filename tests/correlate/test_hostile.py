"""What somebody may send on purpose: work and memory stay in proportion to the messages, numbers stay numbers.

Tests count rows and places, never the clock.
"""

from __future__ import annotations

import pytest

from analyzer.correlate import layout
from analyzer.correlate.others import OtherTable
from tests.correlate.made import Run, Sent, answered, invite, refused, request, response, rules, sip

INVITE = "INVITE sip:b@example.com SIP/2.0"
REGISTER = "REGISTER sip:example.com SIP/2.0"
MANY = 4_000


def places(run: Run) -> tuple[int, ...]:
    """Rows ever used: of groups, of transactions, of messages seen."""
    scalars = run.correlator.scalars
    return tuple(int(scalars[which]) for which in (layout.S_GROUP_USED, layout.S_TX_USED, layout.S_SEEN_USED))


def test_thousands_of_answers_to_one_invite_are_one_transaction() -> None:
    rings = [response(1 + n / MANY, "f", 180, "1 INVITE", f"r{n}") for n in range(MANY)]
    answers = [response(3 + n / MANY, "f", 200, "1 INVITE", f"a{n}") for n in range(MANY)]
    run = Run().take([invite(0, "f"), *rings, *answers])
    assert places(run) == (1, 1, layout.MAX_SEEN - layout.MAX_SAME)
    (call,) = run.close().calls
    assert (call["outcome"], call["messages"], call["to_tag"]) == ("answered", 1 + 2 * MANY, "a0")
    assert len(run.transactions) == 1


def test_thousands_of_branches_of_one_invite_keep_what_one_call_keeps() -> None:
    branches = [invite(n / MANY, "b", branch=f"z9hG4bK{n}") for n in range(MANY)]
    run = Run().take(branches).close()
    (call,) = run.calls
    assert call["attempts"] <= MANY
    rows = [row for part in run.ended for row in part.groups if row[layout.G_KIND] == layout.GROUP_CALL]
    assert [row[layout.G_TX_COUNT] for row in rows] == [layout.MAX_CALL_TX]
    # Each has a transaction, and the others a group of their own: no more.
    assert places(run)[:2] == (1 + MANY - layout.MAX_CALL_TX, MANY)


def test_a_challenge_without_end_is_cut_into_calls_of_bounded_size() -> None:
    sent: list[Sent] = []
    for n in range(MANY):
        sent.append(invite(n / 10, "c", "Proxy-Authorization: Digest x=y", cseq=n + 1))
        stale = 'Proxy-Authenticate: Digest realm="x", stale=true'
        sent.append(response(n / 10 + 0.02, "c", 407, f"{n + 1} INVITE", "t", stale))
        sent.append(request(n / 10 + 0.03, "c", "ACK", n + 1))
    run = Run().take(sent)
    assert places(run)[0] < 64 * 10 + 2 * MANY // layout.MAX_CALL_TX  # those of the last minute are alive
    run.close()
    rows = [row for part in run.ended for row in part.groups if row[layout.G_KIND] == layout.GROUP_CALL]
    assert max(row[layout.G_TX_COUNT] for row in rows) == layout.MAX_CALL_TX
    assert {call["outcome"] for call in run.calls} <= {"unauthorized", "open"}
    assert sum(call["messages"] for call in run.calls) == len(sent)


@pytest.mark.parametrize("has_own_tags", [True, False])
def test_a_call_id_of_ten_thousand_calls(has_own_tags: bool) -> None:
    """Each refused, then begun anew: every one is a call, and what has ended is forgotten."""
    sent: list[Sent] = []
    for n in range(10_000):
        begun = invite(n / 50, "shared", cseq=n + 1)
        own = begun.octets.replace(b";tag=fshared", b";tag=f%d" % n) if has_own_tags else begun.octets
        sent.append(begun._replace(octets=own))
        refusal = response(n / 50 + 0.01, "shared", 486, f"{n + 1} INVITE")
        own = refusal.octets.replace(b";tag=fshared", b";tag=f%d" % n) if has_own_tags else refusal.octets
        sent.append(refusal._replace(octets=own))
    run = Run(keep_transactions=False).take(sent)
    alive = 50 * 66  # 64 s and the second that they are looked at
    assert run.correlator.open_groups <= alive
    assert max(places(run)[:2]) <= alive
    calls = run.close().calls
    assert len(calls) == 10_000
    assert {(call["outcome"], call["attempts"], call["messages"]) for call in calls} == {("busy", 1, 2)}


def test_byes_without_end_are_told_and_forgotten() -> None:
    byes: list[Sent] = []
    for n in range(MANY):
        byes.append(request(1 + n / 20, "e", "BYE", 10 + n))
        byes.append(response(1 + n / 20 + 0.01, "e", 481, f"{10 + n} BYE"))
    run = Run().take([*answered(0, "e")[:3], *byes])
    assert run.correlator.open_groups <= 20 * 66 + 1
    run.wait(MANY / 20 + 70)
    assert run.correlator.open_groups == 0
    (call,) = run.close().calls
    assert (call["outcome"], call["messages"]) == ("answered", 3 + 2 * MANY)
    table = OtherTable(rules(), run.correlator, run.methods.names)
    for part in run.ended:
        table.add(part)
    assert [row["transactions"] for row in table.columns().rows()] == [MANY]
    assert len(table.midcall()) == MANY


def test_a_thousand_vias_are_one_hop_far_away() -> None:
    vias = [f"Via: SIP/2.0/UDP 192.0.2.{n % 250};branch=z9hG4bK{n}" for n in range(1_000)]
    far = Sent(0, 1, 2, sip(INVITE, "v", "1 INVITE", *vias))
    near = Sent(0.5, 3, 1, sip(INVITE, "v", "1 INVITE", branch="z9hG4bKnear"))
    run = Run().take([far, near, response(1, "v", 486), response(1.1, "v", 404, to_tag="n")]).close()
    (call,) = run.calls
    assert (call["hops"], call["attempts"]) == (2, 1)
    assert sorted(row["hop"] for row in run.transactions if row["request_no"]) == [0, 1_000]


@pytest.mark.parametrize("number", [2**31, 2**32, 10**10, 2**40, 10**18 - 1, 2**62, 2**63, 2**64, 10**30])
def test_numbers_larger_than_a_protocol_allows(number: int) -> None:
    """Times in the far future overflow nothing: the call is judged like any other."""
    fields = (f"Retry-After: {number}", f"Session-Expires: {number}", f"Expires: {number}")
    sent = [
        invite(0, "r", f"Expires: {number}", f"Session-Expires: {number}"),
        response(0.1, "r", 503, "1 INVITE", "t", *fields),
        Sent(0.2, 1, 2, sip(INVITE, "s", f"{number} INVITE")),
        Sent(0.3, 2, 1, sip("SIP/2.0 200 OK", "s", f"{number} INVITE", *fields, to_tag="t")),
        Sent(0.4, 1, 2, sip("ACK sip:b@example.com SIP/2.0", "s", f"{number} ACK", branch="z9hG4bKa", to_tag="t")),
        Sent(0.5, 1, 2, sip(REGISTER, "g", "1 REGISTER", "Contact: <sip:a@192.0.2.1>", fields[2])),
        Sent(0.6, 2, 1, sip("SIP/2.0 200 OK", "g", "1 REGISTER", fields[2], to_tag="t")),
        invite(40, "later"),
    ]
    run = Run().take(sent).wait(60).close()
    told = {call["call_id"]: (call["outcome"], call["release"]) for call in run.calls}
    assert told["r"] == ("failed", None)
    assert told["s"] == ("answered", "still_up")
    assert [row["outcome"] for row in run.registrations] == ["registered"]


def test_what_is_refused_without_end_at_once_is_one_call_each() -> None:
    run = Run().take([one for n in range(500) for one in refused(n / 100, f"call{n}", 503)]).close()
    assert len(run.calls) == 500
