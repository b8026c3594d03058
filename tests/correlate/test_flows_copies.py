"""Copies change no call, and neither does a VLAN for each direction."""

from __future__ import annotations

from typing import Any

import analyzer
from pcaps.make import HERE
from tests.flow import Played, play

CALLS = """
    alice -> bob   INVITE   resends=2
    alice <- bob   180      +2s
    alice <- bob   486      +1s   reason=Q.850;cause=17
    alice -> bob   ACK
    alice <- bob   486      +500ms   resend
    alice -> bob   ACK      resend
    call b
    alice -> bob   INVITE   +10s
    alice <- bob   407
    alice -> bob   ACK
    alice -> bob   INVITE
    alice <- bob   200      +3s
    alice -> bob   ACK
    alice <- bob   BYE      +60s
    alice -> bob   200      for=BYE
    carol -> bob   REGISTER
    carol <- bob   200      expires=300
    carol -> bob   OPTIONS
    carol <- bob   799
    dave  <- bob   404      +40s   for=OPTIONS/9
"""
ORPHAN = """
    dave -> bob    OPTIONS  cseq=9 lost
"""
#: Places of frames and messages, which copies move.
PLACES = {"frame_no", "request_no", "final_no", "ack_no"}


def without_places(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in row.items() if name not in PLACES} for row in rows]


def counts(played: Played) -> dict[Any, tuple[int, int, int, int]]:
    rows = [*played.result.responses, *played.result.requests]
    return {row[:2] if len(row) > 5 else row[0]: row[-4:] for row in rows}


def test_copies_change_only_their_own_count_and_that_of_messages() -> None:
    once, thrice = play(ORPHAN + CALLS), play("mirror +3us\nmirror +9us\n" + ORPHAN + CALLS)
    for table in ("calls", "registrations", "transactions"):
        assert without_places(once.rows(table)) == without_places(thrice.rows(table))
    before, after = counts(once), counts(thrice)
    assert {what: (3 * all_, unique, resends, 2 * all_) for what, (all_, unique, resends, _) in before.items()} == after
    assert once.result.orphans == thrice.result.orphans == 1
    assert thrice.result.captures[0].duplicates == 2 * once.result.captures[0].sip_messages
    issues = dict(thrice.result.issue_counts)
    assert issues.pop("capture.copies") == thrice.result.captures[0].duplicates
    assert issues == once.result.issue_counts


def test_kept_copies_are_counted_as_resends() -> None:
    kept = play("mirror +3us\n" + ORPHAN + CALLS, keep_copies=True)
    assert kept.result.captures[0].duplicates == 0
    assert all(copies == 0 for *_, copies in counts(kept).values())
    assert sum(verdict.copies for verdict in kept.result.copies) == kept.result.captures[0].sip_messages // 2


def test_messages_say_which_are_copies() -> None:
    messages = analyzer.analyze(str(HERE / "copies_mirror_both_directions" / "capture.pcapng")).messages
    assert messages["is_copy"].tolist() == [False, True] * 6
    for link in ("transaction_no", "call_no"):
        assert messages[link].isna().tolist() == [False, True] * 6
    assert messages["resend_of"].dropna().tolist() == [1]


def test_defects_of_copies_are_not_counted_again() -> None:
    broken = "alice -> bob OPTIONS Content-Length=99\nalice <- bob 200"
    once, twice = (play(text).result.issue_counts for text in (broken, f"mirror +3us\n{broken}"))
    assert once["sip.content_length_too_long"] == twice["sip.content_length_too_long"] == 1


def test_transactions_and_calls_match_whatever_the_vlan() -> None:
    sides = "alice = 192.0.2.10 vlan=10\nbob = 198.51.100.20 vlan=20\ncarol = 192.0.2.30 vlan=10\ndave = 192.0.2.40\n"
    plain = play(sides.replace("vlan=10", "").replace("vlan=20", "") + ORPHAN + CALLS)
    tagged = play(sides + ORPHAN + CALLS)

    def untagged(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{name: value for name, value in row.items() if name != "network"} for row in rows]

    for table in ("calls", "registrations", "transactions"):
        assert untagged(plain.rows(table)) == untagged(tagged.rows(table))
    assert {row["network"] for row in tagged.calls} == {10}
    assert counts(plain) == counts(tagged)


def test_a_response_that_was_captured_before_its_request_has_the_requests_network() -> None:
    (row,) = play("""
        alice = 192.0.2.10 vlan=10
        bob = 198.51.100.20 vlan=20
        alice -> bob   INVITE   skew=15ms
        alice <- bob   503
        alice -> bob   ACK      +30ms
    """).calls
    assert (row["network"], row["callee_ip"], row["failed_by_ip"]) == (10, "198.51.100.20", "198.51.100.20")
