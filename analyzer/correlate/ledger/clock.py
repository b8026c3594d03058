"""What happened to a call by the clock alone: timers that ran out, windows that closed, the end of the capture."""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.batch import MISSING, Ints
from analyzer.correlate.layout import (
    CHALLENGE_WINDOW,
    FORGOTTEN,
    G_ANSWER_TS,
    G_ATTEMPTS,
    G_BYE_CLOCK,
    G_BYE_STATUS,
    G_BYE_TS,
    G_FINAL_CLOCK,
    G_HOP,
    G_REFUSED,
    G_STATUS,
    G_TIMER,
    NO_REPLY,
    REPEAT_WINDOW,
    RINGING,
    SECOND,
    T_ATTEMPT,
    T_CALL_NO,
    T_FLAGS,
    T_HOP,
    TF_RESPONSE,
)
from analyzer.correlate.ledger.responses import waits_for_another
from analyzer.correlate.ledger.scene import Said
from analyzer.correlate.replay import State


class Deadlines:
    """The deadlines of one call, each of which is told once when the clock has passed it."""

    def __init__(self, call_no: int, off: int) -> None:
        self._call_no = call_no
        self._off = off
        self._told: set[tuple[str, int]] = set()

    def passed(self, state: State, clock: int) -> Iterator[tuple[int, Said]]:
        """What ran out before a clock, with its moment; ``state`` is how the last message left the call."""
        call = state.call(self._call_no)
        if call is None:
            return
        for due, key, said in self._pending(state, call):
            if due < clock and key not in self._told:
                self._told.add(key)
                yield due, said

    def _pending(self, state: State, call: Ints) -> Iterator[tuple[int, tuple[str, int], Said]]:
        status, attempt = int(call[G_STATUS]), int(call[G_ATTEMPTS])
        if call[G_ANSWER_TS] != MISSING:
            if call[G_BYE_TS] != MISSING and call[G_BYE_STATUS] == 0:
                due = int(call[G_BYE_CLOCK]) + NO_REPLY
                text = "nobody answered the BYE within {seconds} s"
                yield due, ("bye", 0), Said(text, {"seconds": NO_REPLY // SECOND}, "timers")
        elif status == 0 and call[G_TIMER] != MISSING:
            rows = state.transactions
            own = rows[
                (rows[:, T_CALL_NO] == self._call_no)
                & (rows[:, T_ATTEMPT] == attempt)
                & (rows[:, T_HOP] == call[G_HOP])
            ]
            if bool((own[:, T_FLAGS] & TF_RESPONSE).any()):
                text = "no final response for {seconds} s after the last sign of life: timed out, without a code"
                said = Said(text, {"seconds": RINGING // SECOND}, "timers")
            else:
                text = "no response at all within {seconds} s: timed out, without a code"
                said = Said(text, {"seconds": NO_REPLY // SECOND}, "timers")
            yield int(call[G_TIMER]), ("timer", attempt), said
        elif status in (401, 407) and not call[G_REFUSED] and waits_for_another(call, self._off):
            due = int(call[G_FINAL_CLOCK]) + CHALLENGE_WINDOW
            text = "no INVITE with credentials within {seconds} s: the challenge was not met"
            yield due, ("window", attempt), Said(text, {"seconds": CHALLENGE_WINDOW // SECOND}, "challenge")
        elif status != 0 and waits_for_another(call, self._off):
            due = int(call[G_FINAL_CLOCK]) + REPEAT_WINDOW
            if status < 400:
                text = "nobody was seen to follow the redirection within {seconds} s"
                yield due, ("window", attempt), Said(text, {"seconds": REPEAT_WINDOW // SECOND}, "redirect")
            else:
                text = "no other try within {seconds} s: the {code} decides"
                values = {"seconds": REPEAT_WINDOW // SECOND, "code": status}
                yield due, ("window", attempt), Said(text, values, "route_advance")


def of_end(call: Ints, is_closing: bool, is_open: bool) -> Said | None:
    """What ended a call that nobody ended: its row as it was handed out; None where there is nothing to say."""
    is_up = call[G_ANSWER_TS] != MISSING and call[G_BYE_TS] == MISSING
    if is_up and not is_closing:
        text = "nothing heard for {hours} h: the call is given up, and no BYE was seen"
        return Said(text, {"hours": FORGOTTEN // SECOND // 3600}, "missing_ends")
    if is_open:
        return Said("the capture ends before its final or timer: the call is left out of every ratio", {}, "censoring")
    if is_up:
        return Said("the capture ends while the call is up", {}, "missing_ends")
    return None
