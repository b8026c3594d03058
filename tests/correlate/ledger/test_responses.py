"""What a response changed, in words."""

from __future__ import annotations

from tests.explaining import told

PEOPLE = "alice = 192.0.2.10\nproxy = 198.51.100.1\nbob = 203.0.113.20\ncarol = 203.0.113.21\n"
OUT = "alice -> bob INVITE\n"


def of_frame(text: str, frame: int) -> list[tuple[str, str | None]]:
    return [line[1:] for line in told(PEOPLE + text) if line[0] == frame]


def test_provisionals() -> None:
    text = OUT + "alice <- bob 100\nalice <- bob 180\nalice <- bob 183 reason=Q.850;cause=1\nalice <- bob 480"
    assert of_frame(text, 2) == [("somebody works on it: it may take 180 s from here", "timers")]
    assert of_frame(text, 3) == [("it rings, and may ring 180 s from here", "timers")]
    kept = "its Reason (cause 1) is kept for a final that says nothing specific"
    assert of_frame(text, 4)[1] == (kept, "early_media")


def test_a_second_challenge_decides() -> None:
    text = (
        OUT + "alice <- bob 407\nalice -> bob ACK\nalice -> bob INVITE credentials\nalice <- bob 407\n"
        "alice -> bob ACK\nend +60s"
    )
    assert of_frame(text, 5)[0] == ("challenge 2, in spite of credentials: decides at once", "challenge")


def test_a_2xx_that_crosses_a_cancel() -> None:
    text = OUT + "alice <- bob 180\nalice -> bob CANCEL +3s\nalice <- bob 200 for=INVITE\n"
    assert of_frame(text, 4)[0] == (
        "answered, although a CANCEL was under way: the final decides",
        "cancel_race",
    )


def test_the_200_to_a_cancel_and_the_487() -> None:
    text = OUT + "alice <- bob 180\nalice -> bob CANCEL +3s\nalice <- bob 200\nalice <- bob 487\nalice -> bob ACK"
    assert of_frame(text, 4) == [("answers the CANCEL, not the INVITE", "cseq_method")]
    assert of_frame(text, 5)[0] == ("ends the INVITE that was cancelled: the CANCEL has the word", "cancel")


def test_branches_below_the_callers_side() -> None:
    text = (
        "alice -> proxy INVITE\nproxy -> bob INVITE\nproxy -> carol INVITE\nproxy <- bob 486\nproxy <- carol 200\n"
        "alice <- proxy 200"
    )
    assert of_frame(text, 4)[0] == ("at hop 1: does not decide the call, but tells where its end began", "hops")
    assert of_frame(text, 5)[0] == ("answered at hop 1: the caller's side decides the call", "hops")
    assert of_frame(text, 6)[0] == ("answered", None)


def test_of_branches_at_the_callers_side_the_better_final_counts() -> None:
    """Seen behind the forking proxy alone: both branches stand at the lowest hop."""
    text = (
        "proxy -> bob INVITE vias=1\nproxy -> carol INVITE vias=1 cseq=1\nproxy <- bob 404\nproxy <- carol {}\nend +60s"
    )
    assert of_frame(text.format(603), 4)[1] == ("it outranks the 404 of another branch", "forks")
    assert of_frame(text.format(503), 4)[0] == ("outranked by the 404 of frame 3", "forks")


def test_a_final_after_its_timer() -> None:
    text = OUT + "alice <- bob 486 +40s"
    lines = told(PEOPLE + text)
    assert (None, "no response at all within 32 s: timed out, without a code", "timers") in lines
    assert lines[-1] == (2, "comes after the timer of its INVITE: decides nothing", "timers")


def test_resends() -> None:
    text = OUT + "alice -> bob INVITE +500ms resend\nalice <- bob 180\nalice <- bob 180 +60s resend\n"
    assert of_frame(text, 2) == [("sent again, as frame 1: counts once", "resends")]
    assert of_frame(text, 4) == [
        ("sent again, as frame 3: counts once", "resends"),
        ("it rings on: the timer begins anew", "timers"),
    ]


def test_answers_to_a_bye() -> None:
    text = OUT + "alice <- bob 200\nalice -> bob ACK\nalice -> bob BYE +9s\nalice <- bob 481 +1s"
    assert of_frame(text, 5) == [
        ("answers the BYE after 1.0 s", None),
        ("with this code the dialog is over, RFC 5057", "in_dialog"),
    ]


def test_byes_that_cross_are_answered_as_they_may() -> None:
    text = (
        OUT + "alice <- bob 200\nalice -> bob ACK\nalice -> bob BYE +9s\nalice <- bob BYE +5ms\nalice <- bob 481\n"
        "alice -> bob 200"
    )
    assert of_frame(text, 6) == [("both sides hung up at once: harmless", "bye_race")]
    assert of_frame(text, 7) == [("answers the BYE that crossed the other one", "bye_race")]
