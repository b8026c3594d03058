"""What a request changed, in words."""

from __future__ import annotations

from pcaps.make import HERE
from tests.explaining import told

PEOPLE = "alice = 192.0.2.10\nproxy = 198.51.100.1\nbob = 203.0.113.20\n"
UP = "alice -> bob INVITE\nalice <- bob 200\nalice -> bob ACK\n"
NO_TAG = "opens the call: an INVITE without To tag"


def test_credentials_continue_a_call() -> None:
    text = "alice -> bob INVITE\nalice <- bob 407\nalice -> bob ACK\nalice -> bob INVITE +1s credentials"
    lines = told(PEOPLE + text)
    assert lines[0] == (1, NO_TAG, None)
    assert lines[1] == (2, "challenge 1, to attempt 1: a step if credentials follow within 5 s", "challenge")
    assert lines[2] == (3, "acknowledges the 407 of frame 2", None)
    assert lines[3] == (4, "meets the 407 of frame 2 after 1.01 s with credentials: attempt 2 of the call", "challenge")


def test_who_follows_a_redirection_and_who_tries_again() -> None:
    redirected = told(PEOPLE + "alice -> bob INVITE\nalice <- bob 302\nalice -> bob ACK\nalice -> proxy INVITE +2s")
    assert redirected[3] == (4, "follows the 302 of frame 2 after 2.01 s: attempt 2 of the call", "redirect")
    text = "alice -> bob INVITE\nalice <- bob 503 retry_after=2\nalice -> bob ACK\nalice -> bob INVITE +2s"
    again = told(PEOPLE + text)
    assert again[1] == (2, "refuses attempt 1: a step if another try follows within 32 s", "route_advance")
    assert again[3] == (4, "tries again 2.01 s after the 503 of frame 2: attempt 2 of the call", "route_advance")


def test_hops_and_branches_make_no_call() -> None:
    lines = told(PEOPLE + "alice -> proxy INVITE\nproxy -> bob INVITE\nproxy -> carol INVITE")
    assert lines[1] == (2, "attempt 1 once more at hop 1: no call of its own", "hops")
    assert lines[2] == (3, "another branch of attempt 1 at hop 1: no call of its own", "forks")


def test_the_call_id_used_again() -> None:
    text = PEOPLE + "alice -> bob INVITE\nalice <- bob 486\nalice -> bob ACK\nalice -> bob INVITE +1s"
    assert told(text, 1)[-1][:2] == (3, "acknowledges the 486 of frame 2")
    assert told(text, 2)[0] == (4, "opens a call of its own, though the Call-ID was used before", "reuse")


def test_a_cancel_before_and_after_the_final() -> None:
    rings = PEOPLE + "alice -> bob INVITE\nalice <- bob 180\n"
    (line,) = [
        line for line in told(rings + "alice -> bob CANCEL +3s reason=Q.850;cause=19\nalice <- bob 487") if line[0] == 3
    ]
    assert line == (
        3,
        "cancels the INVITE of frame 1 after 3.01 s (Reason: Q.850;cause=19): "
        "it decides if the final is 487 or none comes",
        "cancel",
    )
    (line,) = [line for line in told(rings + "alice <- bob 200\nalice -> bob CANCEL") if line[0] == 4]
    assert line[1:] == ("comes when the INVITE of frame 1 is answered (200): the answer stands", "cancel_race")
    (line,) = [line for line in told(rings + "alice <- bob 486\nalice -> bob CANCEL") if line[0] == 4]
    assert line[1:] == ("comes when the INVITE of frame 1 has its final (486): harmless", "bye_race")


def test_byes() -> None:
    lines = told(PEOPLE + UP + "alice <- bob BYE +9s reason=Q.850;cause=41\nalice -> bob BYE\nalice -> bob 200\n")
    assert lines[2] == (3, "confirms the answer, which would count without it too", "missing_ends")
    assert lines[3] == (
        4,
        "the callee hangs up 9.01 s after the answer (Reason: Q.850;cause=41): it ends the call",
        "release",
    )
    assert lines[4] == (5, "crosses the other side's BYE: harmless, whatever the answer", "bye_race")


def test_what_happens_inside_the_dialog() -> None:
    lines = told(PEOPLE + UP + "alice -> bob INVITE +9s\nalice <- bob 491\nalice -> bob ACK\n")
    assert lines[3] == (4, "INVITE inside the dialog: counted by itself, whatever comes of it", "in_dialog")
    assert lines[4] == (5, "glare: both sides asked at once; the call stays as it is", "in_dialog")


def test_a_request_that_was_captured_late() -> None:
    lines = told(PEOPLE + "alice -> bob INVITE skew=30ms\nalice <- bob 100\nalice <- bob 486 +1s\nalice -> bob ACK")
    assert lines[0] == (1, "its request was not seen so far: an orphan unless it comes", "order")
    assert lines[1] == (2, NO_TAG, None)
    assert lines[2] == (2, "its responses were captured before it: 1", "order")


def test_the_second_of_two_answers_is_ended_by_itself() -> None:
    text = (HERE / "two_answers" / "flow.txt").read_text(encoding="utf-8")
    lines = {frame: (said, rule) for frame, said, rule in told(text)}
    assert lines[15] == ("acknowledges the answer of frame 12, of another dialog", "forks")
    assert lines[17] == ("ends another dialog than the one that was answered first: the call goes on", "forks")
    assert lines[21][1] == "release"
