"""What a request that is seen for the first time changed."""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.batch import ACK, BYE, CANCEL, INVITE, M_REASON_Q850, M_REASON_SIP, MISSING, Ints
from analyzer.correlate.layout import (
    G_ACK_TS,
    G_ALIAS_0,
    G_ANSWER_TS,
    G_ATTEMPTS,
    G_BYE_BY_CALLEE,
    G_BYE_NO,
    G_BYE_TS,
    G_FINAL_CLOCK,
    G_HOP,
    G_NO,
    G_STATUS,
    T_ACK_TS,
    T_ATTEMPT,
    T_CANCEL_TS,
    T_CSEQ,
    T_FINAL_NO,
    T_FLAGS,
    T_HOP,
    T_METHOD,
    T_NO,
    T_REQUEST_TS,
    T_RESPONSES,
    T_STATUS,
    TF_CANCELLED,
    TF_CREDENTIALS,
    TF_CROSSED,
    TF_IN_DIALOG,
)
from analyzer.correlate.ledger.scene import Said, Scene, became, has_new, seconds


def of_request(scene: Scene) -> Iterator[Said]:
    """What a request changed."""
    row = scene.transaction
    if row is None:
        yield Said("acknowledges nothing that was seen")
    elif scene.method_number == ACK:
        yield _ack(scene, row)
    elif scene.method_number == CANCEL:
        yield _cancel(scene)
    elif scene.method_number == INVITE and row[T_FLAGS] & TF_IN_DIALOG == 0:
        yield _invite(scene, row)
    elif scene.call is None:
        yield Said("belongs to no call that was seen")
    elif scene.method_number == BYE:
        yield _bye(scene, row, scene.call)
    else:
        text = "{method} inside the dialog: counted by itself, whatever comes of it"
        yield Said(text, {"method": scene.method}, "in_dialog")
    before = scene.transaction_before
    if row is not None and before is not None and scene.method_number != ACK and row[T_RESPONSES] > 0:
        yield Said("its responses were captured before it: {count}", {"count": int(row[T_RESPONSES])}, "order")


def _invite(scene: Scene, row: Ints) -> Said:
    call, before = scene.call, scene.call_before
    if call is None:
        return Said("more INVITEs than are kept of one call: this one stands by itself")
    if before is None:
        if call[G_NO] > 1:
            return Said("opens a call of its own, though the Call-ID was used before", {}, "reuse")
        return Said("opens the call: an INVITE without To tag")
    if call[G_ATTEMPTS] > before[G_ATTEMPTS]:
        return _next_attempt(scene, row, call, before)
    attempt, hop = int(row[T_ATTEMPT]), int(row[T_HOP])
    if attempt == 0:
        return Said("an earlier attempt at another hop: changes nothing", {}, "hops")
    values = {"attempt": attempt, "hop": hop}
    if hop < before[G_HOP]:
        text = "attempt {attempt} nearer to its caller, at hop {hop}: its final decides from now on"
        return Said(text, values, "hops")
    others = scene.invites()
    is_fork = bool(((others[:, T_ATTEMPT] == attempt) & (others[:, T_HOP] == hop)).any())
    if is_fork:
        return Said("another branch of attempt {attempt} at hop {hop}: no call of its own", values, "forks")
    return Said("attempt {attempt} once more at hop {hop}: no call of its own", values, "hops")


def _next_attempt(scene: Scene, row: Ints, call: Ints, before: Ints) -> Said:
    status = int(before[G_STATUS])
    attempt = int(call[G_ATTEMPTS])
    if status == 0:
        return Said("another INVITE while the one before it waits: attempt {attempt}", {"attempt": attempt})
    values = {
        "attempt": attempt,
        "code": status,
        "frame": scene.deciding_frame(int(before[G_ATTEMPTS]), int(before[G_HOP]), status),
        "seconds": seconds(scene.step.clock - int(before[G_FINAL_CLOCK])),
    }
    if status in (401, 407):
        if row[T_FLAGS] & TF_CREDENTIALS == 0:
            text = "follows the {code} of frame {frame} after {seconds} s, without credentials: attempt {attempt}"
        elif before[G_ALIAS_0] != call[G_ALIAS_0]:
            text = (
                "meets the {code} of frame {frame} after {seconds} s with credentials, and with another From tag: "
                "attempt {attempt} of the call"
            )
        else:
            text = "meets the {code} of frame {frame} after {seconds} s with credentials: attempt {attempt} of the call"
        return Said(text, values, "challenge")
    if 300 <= status < 400:
        text = "follows the {code} of frame {frame} after {seconds} s: attempt {attempt} of the call"
        return Said(text, values, "redirect")
    text = "tries again {seconds} s after the {code} of frame {frame}: attempt {attempt} of the call"
    return Said(text, values, "route_advance")


def _ack(scene: Scene, row: Ints) -> Said:
    call = scene.call
    if call is not None and became(scene.call_before, call, G_ACK_TS):
        return Said("confirms the answer, which would count without it too", {}, "missing_ends")
    values = {"code": int(row[T_STATUS]), "frame": scene.frame(int(row[T_FINAL_NO]))}
    if 200 <= row[T_STATUS] < 300 and scene.answer_frame not in (0, values["frame"]):
        text = "acknowledges the answer of frame {frame}, of another dialog"
        return Said(text, {"frame": scene.answer_frame}, "forks")
    if row[T_STATUS] == 0:
        return Said("acknowledges a response that was not seen", {}, "missing_ends")
    if became(scene.transaction_before, row, T_ACK_TS):
        return Said("acknowledges the {code} of frame {frame}", values)
    return Said("acknowledges the {code} of frame {frame} once more", values)


def _cancel(scene: Scene) -> Said:
    if scene.call is None:
        return Said("cancels no INVITE that was seen: its branch fits none")
    then = {int(row[T_NO]): row for row in scene.invites()}
    for row in scene.invites(after=True):
        if row[T_FLAGS] & TF_CANCELLED == 0 or then[int(row[T_NO])][T_FLAGS] & TF_CANCELLED:
            continue
        status = int(row[T_STATUS])
        values: dict[str, str | int | float] = {
            "frame": scene.request_frame(row),
            "seconds": seconds(int(row[T_CANCEL_TS] - row[T_REQUEST_TS])),
            "code": status,
            "reason": reason_of(scene),
        }
        if status == 0:
            text = (
                "cancels the INVITE of frame {frame} after {seconds} s{reason}: "
                "it decides if the final is 487 or none comes"
            )
            return Said(text, values, "cancel")
        if 200 <= status < 300:
            text = "comes when the INVITE of frame {frame} is answered ({code}): the answer stands"
            return Said(text, values, "cancel_race")
        return Said("comes when the INVITE of frame {frame} has its final ({code}): harmless", values, "bye_race")
    return Said("cancels an INVITE that was cancelled before")


def _bye(scene: Scene, row: Ints, call: Ints) -> Said:
    before = scene.call_before
    if became(before, call, G_BYE_TS):
        values: dict[str, str | int | float] = {"reason": reason_of(scene)}
        callee = call[G_BYE_BY_CALLEE] == 1
        if call[G_ANSWER_TS] == MISSING:
            return Said("hangs up before the call was answered{reason}", values, "release")
        values["seconds"] = seconds(int(call[G_BYE_TS] - call[G_ANSWER_TS]))
        if callee:
            return Said("the callee hangs up {seconds} s after the answer{reason}: it ends the call", values, "release")
        return Said("the caller hangs up {seconds} s after the answer{reason}: it ends the call", values, "release")
    if before is not None and before[G_BYE_NO] != call[G_BYE_NO]:
        return Said("the same BYE with credentials", {}, "challenge")
    if call[G_BYE_TS] == MISSING:
        return Said("ends another dialog than the one that was answered first: the call goes on", {}, "forks")
    if has_new(scene.transaction_before, row, T_FLAGS, TF_CROSSED):
        return Said("crosses the other side's BYE: harmless, whatever the answer", {}, "bye_race")
    rows = scene.step.before.transactions
    is_same = (rows[:, T_METHOD] == BYE) & (rows[:, T_CSEQ] == row[T_CSEQ]) & (rows[:, T_HOP] != row[T_HOP])
    if is_same.any():
        return Said("the same BYE at hop {hop}: it ended the call already", {"hop": int(row[T_HOP])}, "hops")
    return Said("another BYE: the call is ended already")


def reason_of(scene: Scene) -> str:
    """The causes that a request's Reason header fields give, with the blank before them; empty where there is none."""
    numbers = scene.numbers
    causes = []
    if numbers[M_REASON_Q850] != MISSING:
        causes.append(f"Q.850;cause={numbers[M_REASON_Q850]}")
    if numbers[M_REASON_SIP] != MISSING:
        causes.append(f"SIP;cause={numbers[M_REASON_SIP]}")
    return f" (Reason: {', '.join(causes)})" if causes else ""
