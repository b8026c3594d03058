"""Whose messages a ledger holds, and what copies and notes say."""

from __future__ import annotations

from tests.explaining import explain_flow, told

PEOPLE = "alice = 192.0.2.10\nbob = 203.0.113.20\n"


def test_copies_count_nowhere_else() -> None:
    text = PEOPLE + "mirror +14us interface=1\nalice -> bob INVITE\nalice <- bob 486\nalice -> bob ACK\n" * 1
    seen = explain_flow(text)
    copies = [message for message in seen.messages if message.copy_of is not None]
    assert len(copies) == len(seen.messages) // 2 == 3
    assert all(seen.messages[copy.copy_of or 0].method == copy.method for copy in copies)
    lines = told(text)
    assert (2, "frame 1 captured once more: counts as a message and nowhere else", "copies") in lines
    assert seen.call["messages"] == 3


def test_messages_of_other_calls_stay_out() -> None:
    text = PEOPLE + "alice -> bob INVITE\ncall second\nalice -> bob INVITE\nalice <- bob 486\nalice -> bob ACK\n"
    assert [line[0] for line in told(text, 1)] == [1, None]
    assert [line[0] for line in told(text, 2)] == [2, 3, 4]


def test_a_rule_that_is_switched_off_is_off_in_the_replay_too() -> None:
    text = PEOPLE + "alice -> bob INVITE\nalice <- bob 302\nalice -> bob ACK\nalice -> bob INVITE +2s\nalice <- bob 486"
    assert len(told(text, 1)) > len(told(text, 1, without=("redirect",)))
    assert told(text, 2, without=("redirect",))[0][2] == "reuse"


def test_a_step_of_the_clock_is_noted() -> None:
    text = PEOPLE + "alice -> bob INVITE\nalice <- bob 180 +90s\nalice <- bob 486 +1s\n"
    assert not [line for line in told(text) if "before the capture's clock" in line[1]]
