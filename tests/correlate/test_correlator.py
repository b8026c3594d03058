"""The correlator as a whole: batches, memory, floods."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from analyzer.correlate import correlator as module
from analyzer.correlate import layout
from analyzer.correlate.step_kernels import step
from tests.correlate.made import ALICE, BOB, Run, Sent, answered, in_order, invite, refused, request, response, sip

CHALLENGED = [
    *refused(0, "c", 407),
    invite(0.5, "c", "Proxy-Authorization: Digest x=y", cseq=2),
    response(1, "c", 180, "2 INVITE"),
    response(1.5, "c", 180, "2 INVITE"),
    response(2, "c", 200, "2 INVITE"),
    request(2.1, "c", "ACK", 2, branch="z9hG4bKackc"),
]
REGISTER = "REGISTER sip:example.com SIP/2.0"
REGISTERED = [
    Sent(0.2, 1, 2, sip(REGISTER, "r", "1 REGISTER", "Contact: <sip:a@192.0.2.1>", "Expires: 60")),
    Sent(0.3, 2, 1, sip("SIP/2.0 401 Unauthorized", "r", "1 REGISTER", to_tag="x")),
    Sent(0.4, 1, 2, sip(REGISTER, "r", "2 REGISTER", "Contact: <sip:a@192.0.2.1>", "Authorization: Digest x=y")),
    Sent(0.5, 2, 1, sip("SIP/2.0 200 OK", "r", "2 REGISTER", "Expires: 60", to_tag="x")),
]


def mixed() -> list[Sent]:
    """Calls of several kinds, resends, an orphan, a registration."""
    flows = [answered(number / 3, f"ok{number}") for number in range(20)]
    flows += [refused(number / 2, f"no{number}", 480 + number) for number in range(10)]
    resent = [refused(1, "again")[0]] * 3 + refused(1.2, "again")[1:] + refused(1.7, "again")[1:2]
    return in_order(*flows, resent, CHALLENGED, REGISTERED, [response(3, "orphan", 200)], [invite(4, "open")])


def outcome(run: Run) -> dict[str, Any]:
    """Everything that comes out, whatever order it ended in."""
    return {
        "calls": run.calls, "registrations": run.registrations, "transactions": run.transactions,
        "links": run.links, "notes": run.notes, "orphans": run.correlator.orphans, "counts": run.counts.tolist(),
    }  # fmt: skip


@pytest.fixture(scope="module")
def whole() -> dict[str, Any]:
    return outcome(Run().take(mixed()).close())


def test_the_flows_are_what_they_should_be(whole: dict[str, Any]) -> None:
    assert len(whole["calls"]) == 33
    assert len(whole["registrations"]) == 1
    assert whole["orphans"] == 1
    assert whole["registrations"][0]["outcome"] == "registered"
    assert {call["call_id"]: call["attempts"] for call in whole["calls"]}["c"] == 2


@pytest.mark.parametrize(("cut", "drain_at"), [(1, 4096), (7, 4096), (2048, 1), (3, 2)])
def test_how_the_messages_were_cut_into_batches_does_not_matter(whole: dict[str, Any], cut: int, drain_at: int) -> None:
    assert outcome(Run(drain_at=drain_at).take(mixed(), cut).close()) == whole


def test_plain_python_steps_as_the_kernel_does(whole: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "step", step.py_func)
    with np.errstate(over="ignore"):
        assert outcome(Run().take(mixed()).close()) == whole


def test_without_transactions_calls_are_the_same(whole: dict[str, Any]) -> None:
    run = Run(keep_transactions=False).take(mixed()).close()
    assert run.calls == whole["calls"]
    assert run.registrations == whole["registrations"]


def test_nothing_comes_out_twice() -> None:
    run = Run().take(mixed()).wait(3600).close()
    run.ended += run.correlator.close()
    numbers = [call["call_no"] for call in run.calls]
    assert numbers == list(range(1, 34))


# -- memory -----------------------------------------------------------------------------------------------------


def test_after_a_busy_minute_only_what_lingers_is_alive() -> None:
    """Answered calls would wait for four hours, a BYE brings their end nearer: rows alone would not show it."""
    busy = in_order(*(answered(number / 20, f"call{number}") for number in range(1200)))
    run = Run().take(busy)
    peak = run.correlator.open_groups
    assert 2000 < peak <= 2400
    quiet = in_order(*(answered(60 + number, f"late{number}") for number in range(90)))
    run.take(quiet)
    assert run.correlator.open_groups <= 2 * 67  # a call and its BYE, for 64 s and the second they are looked at
    assert run.wait(220).correlator.open_groups == 0


def test_places_are_used_again() -> None:
    run = Run()
    for minute in range(6):
        run.take(in_order(*(answered(90 * minute + number / 20, f"{minute}-{number}") for number in range(400))))
        run.wait(90 * minute + 89)
    assert run.correlator.open_groups == 0
    assert run.correlator.scalars[layout.S_GROUP_USED] <= 800
    assert run.correlator.scalars[layout.S_TX_USED] <= 800
    assert len(run.calls) == 2400


def test_every_pool_grows_when_it_is_full() -> None:
    """More of everything at once than there is room for at the start, and nothing is lost or mixed up."""
    count = 2500
    sent = []
    for number in range(count):
        octets = sip("INVITE sip:b@example.com SIP/2.0", f"call{number}", "1 INVITE", f"User-Agent: Phone {number}")
        sent.append(Sent(number / 1000, 10 + number, 9_000_000 + number, octets))
    codes = range(101, 200)
    for number in range(60):  # a transaction's row holds the first few, a list the others
        sent += [response(3 + code / 1000, f"call{number}", code) for code in codes]
    sent += [response(4 + number / 1000, f"call{number}", 486) for number in range(count)]
    run = Run().take(in_order(sent))
    correlator = run.correlator
    for pool, least in (
        (correlator._tx, count), (correlator._groups, count), (correlator._seen, 60 * 60),
        (correlator._endpoints, 2 * count), (correlator._words, count),
    ):  # fmt: skip
        assert len(pool) >= least
    calls = run.close().calls
    assert [call["call_id"] for call in calls] == [f"call{number}" for number in range(count)]
    assert [call["caller_agent"] for call in calls] == [f"Phone {number}" for number in range(count)]
    assert {call["status_code"] for call in calls} == {486}
    assert len({call["caller_ip"] for call in calls}) == len({call["callee_ip"] for call in calls}) == count


def test_texts_of_what_has_ended_make_room() -> None:
    """Many times the arena's octets go through it, a few at a time: it is compacted, not enlarged."""
    long = "x" * 400
    run = Run()
    for part in range(12):
        flows = (refused(100 * part + number / 100, f"{part}-{number}-{long}") for number in range(400))
        run.take(in_order(*flows)).wait(100 * part + 99)
    assert len(run.correlator._arena) == 1 << 20
    calls = run.close().calls
    assert [call["call_id"] for call in calls] == [f"{part}-{n}-{long}" for part in range(12) for n in range(400)]
    assert {call["from_uri"] for call in calls} == {"sip:a@example.com"}


def test_texts_of_what_is_alive_survive_compaction_and_growth() -> None:
    long = "y" * 900
    run = Run().take([invite(0, "first"), response(0.1, "first", 180)])
    sent = in_order(*(refused(1 + number / 200, f"{number}-{long}") for number in range(1500)))
    run.take([*sent, response(9, "first", 200, "1 INVITE", "answer"), request(9.1, "first", "BYE", 2, "answer")])
    assert len(run.correlator._arena) > 1 << 20
    calls = run.close().calls
    assert [call["call_id"] for call in calls] == ["first", *(f"{number}-{long}" for number in range(1500))]
    assert calls[0]["to_tag"] == "answer"


# -- floods -----------------------------------------------------------------------------------------------------


def test_a_flood_of_invites_in_one_call_is_cut_off() -> None:
    count = 300
    sent = [invite(number / 100, "flood", branch=f"z9hG4bK{number}") for number in range(count)]
    run = Run().take([*sent, response(10, "flood", 486, "1 INVITE", "t")]).close()
    assert run.noted(layout.NOTE_TOO_MANY_ATTEMPTS) == count - layout.MAX_CALL_TX
    assert len(run.calls) == 1
    kept = [row for part in run.ended for row in part.groups if row[layout.G_KIND] == layout.GROUP_CALL]
    assert [row[layout.G_TX_COUNT] for row in kept] == [layout.MAX_CALL_TX]
    assert len(run.transactions) == count + 1  # each INVITE's own, and the response's, which has none of the branches


def test_a_flood_of_responses_in_one_transaction_is_cut_off() -> None:
    different = [response(1 + number / 100, "flood", 180, "1 INVITE", f"tag{number}") for number in range(200)]
    run = Run().take([invite(0, "flood"), *different, *different[:5], response(9, "flood", 486)]).close()
    # The INVITE and the first of the responses are remembered; the others and the final are not.
    assert run.noted(layout.NOTE_TOO_MANY_RESPONSES) == 200 + 1 - (layout.MAX_SEEN - 1)
    assert [call["status_code"] for call in run.calls] == [486]
    assert run.calls[0]["resends"] == 5
    assert run.correlator.scalars[layout.S_SEEN_USED] <= layout.MAX_SEEN


def test_agents_beyond_the_limit_are_not_kept() -> None:
    """Begun 50 short of the limit, as if as many agents had been seen before."""
    start, room, count = "INVITE sip:b@example.com SIP/2.0", 50, 700
    run = Run(keep_transactions=False)
    run.correlator.scalars[layout.S_WORDS] = layout.MAX_WORDS - room
    run.correlator._words = np.zeros((1 << 17, 4), dtype=np.int64)
    run.take([Sent(n / 50, 1, 2, sip(start, f"{n}", "1 INVITE", f"User-Agent: Agent {n}")) for n in range(count)])
    assert run.correlator.word_count == layout.MAX_WORDS
    assert run.noted(layout.NOTE_TOO_MANY_WORDS) == count - room
    agents = [call["caller_agent"] for call in run.close().calls]
    assert agents == [f"Agent {n}" for n in range(room)] + [None] * (count - room)


def test_notes_of_a_batch_have_their_place() -> None:
    """A batch has at most 2,048 messages: even if each makes as many notes as it can, none is lost."""
    sent = [invite(0, "late"), *(response(40 + n, "late", 300 + n % 300, to_tag=f"{n}") for n in range(2047))]
    run = Run().take(sent)
    assert len(run.notes) == run.correlator.scalars[layout.S_NOTES]
    assert run.noted(layout.NOTE_LATE_RESPONSE) >= 1


def test_messages_that_came_before_their_invite_are_counted_for_its_call() -> None:
    run = Run().take([response(0.1, "c", 486), request(0.2, "c", "ACK", 1), invite(0.3, "c")]).close()
    assert [(call["messages"], call["status_code"]) for call in run.calls] == [(3, 486)]


def test_an_answer_that_came_before_its_invite_is_one() -> None:
    run = Run().take([response(0.1, "c", 200), invite(0.3, "c")]).close()
    assert [(call["outcome"], call["answers"], call["forks"]) for call in run.calls] == [("answered", 1, 1)]


def test_what_a_final_says_that_came_before_its_invite_is_kept() -> None:
    """The Retry-After of the 503, not that of the INVITE: the next INVITE continues the call."""
    late = [response(0.1, "c", 503, "1 INVITE", "t", "Retry-After: 5"), invite(0.3, "c")]
    run = Run().take([*late, invite(5, "c", cseq=2), response(6, "c", 200, "2 INVITE")]).close()
    assert [(call["outcome"], call["attempts"]) for call in run.calls] == [("answered", 2)]


def test_how_an_open_branch_ended_does_not_depend_on_when_somebody_looked() -> None:
    """A call is over 64 s after its refusal; what a branch behind the proxy came to is then told, not 200 s later."""
    behind = "Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKbelow"
    sent = [
        invite(0, "c"), invite(0.1, "c", behind, branch="z9hG4bKbehind"),
        Sent(0.2, BOB, ALICE, sip("SIP/2.0 180 Ringing", "c", "1 INVITE", branch="z9hG4bKbehind", to_tag="b")),
        response(1, "c", 503),
    ]  # fmt: skip
    later = [invite(400, "later")]
    looked, unlooked = Run().take(sent).wait(70).take(later).close(), Run().take(sent).take(later).close()
    assert looked.transactions == unlooked.transactions
    assert [row["ended_by"] for row in looked.transactions] == ["final", "capture_end", "capture_end"]
