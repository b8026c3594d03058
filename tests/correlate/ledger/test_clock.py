"""What happened by the clock alone: each deadline is told once, when it has passed."""

from __future__ import annotations

import pytest

from tests.explaining import told

PEOPLE = "alice = 192.0.2.10\nbob = 203.0.113.20\n"
OUT = "alice -> bob INVITE\n"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("end +60s", ("no response at all within 32 s: timed out, without a code", "timers")),
        (
            "alice <- bob 180\nend +300s",
            ("no final response for 180 s after the last sign of life: timed out, without a code", "timers"),
        ),
        (
            "alice <- bob 401\nalice -> bob ACK\nend +60s",
            ("no INVITE with credentials within 5 s: the challenge was not met", "challenge"),
        ),
        (
            "alice <- bob 302\nalice -> bob ACK\nend +60s",
            ("nobody was seen to follow the redirection within 32 s", "redirect"),
        ),
        (
            "alice <- bob 503 retry_after=9\nalice -> bob ACK\nend +60s",
            ("no other try within 32 s: the 503 decides", "route_advance"),
        ),
        (
            "alice <- bob 200\nalice -> bob ACK\nalice -> bob BYE\nend +60s",
            ("nobody answered the BYE within 32 s", "timers"),
        ),
    ],
)
def test_what_ran_out(text: str, line: tuple[str, str]) -> None:
    lines = told(PEOPLE + OUT + text)
    assert [found[1:] for found in lines if found[0] is None] == [line]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "alice <- bob 180",
            ("the capture ends before its final or timer: the call is left out of every ratio", "censoring"),
        ),
        ("alice <- bob 200\nalice -> bob ACK\nend +60s", ("the capture ends while the call is up", "missing_ends")),
    ],
)
def test_the_end_of_the_capture(text: str, line: tuple[str, str]) -> None:
    assert told(PEOPLE + OUT + text)[-1] == (None, *line)


def test_an_answered_call_of_which_nothing_more_is_heard() -> None:
    text = OUT + "alice <- bob 200\nalice -> bob ACK\ncall second\nalice -> bob INVITE +5h\nalice <- bob 486\n"
    lines = told(PEOPLE + text)
    assert lines[-1] == (None, "nothing heard for 4 h: the call is given up, and no BYE was seen", "missing_ends")


def test_a_window_that_was_used_is_not_told() -> None:
    text = OUT + "alice <- bob 407\nalice -> bob INVITE +1s credentials\nalice <- bob 486\nend +60s"
    assert not [line for line in told(PEOPLE + text) if line[0] is None]
