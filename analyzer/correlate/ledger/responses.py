"""What a response that is seen for the first time changed."""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.batch import BYE, CANCEL, F_HAS_SDP, INVITE, M_FLAGS, MISSING, Ints
from analyzer.correlate.call_kernels import may_continue
from analyzer.correlate.layout import (
    CHALLENGE_WINDOW,
    G_ANSWER_TS,
    G_ANSWERS,
    G_ATTEMPTS,
    G_BYE_NO,
    G_BYE_TS,
    G_CHALLENGES,
    G_DIALOG_LOST,
    G_FINAL_CLOCK,
    G_FINAL_TS,
    G_FORKS,
    G_HOP,
    G_REFUSED,
    G_SESSION_DUE,
    G_STATUS,
    REPEAT_WINDOW,
    RINGING,
    T_ATTEMPT,
    T_FINAL_NO,
    T_FINAL_TS,
    T_FLAGS,
    T_HOP,
    T_METHOD,
    T_NO,
    T_PROGRESS_Q850,
    T_STATUS,
    TF_CANCELLED,
    TF_CROSSED,
    TF_LATE,
    TF_REQUEST,
    TF_RESPONSE,
    TF_RINGING,
)
from analyzer.correlate.ledger.scene import Said, Scene, has_new, seconds

#: Both sides asked at once, RFC 3261 §14.1.
REQUEST_PENDING = 491


def of_response(scene: Scene) -> Iterator[Said]:
    """What a response changed."""
    row = scene.transaction
    if row is None:
        yield Said("belongs to nothing that was seen")
        return
    if row[T_FLAGS] & TF_REQUEST == 0:
        yield Said("its request was not seen so far: an orphan unless it comes", {}, "order")
    elif row[T_METHOD] == CANCEL:
        yield _to_cancel(scene)
    elif scene.call is None:
        yield Said("answers a request that belongs to no call")
    elif row[T_METHOD] == INVITE and scene.is_attempt:
        yield from _provisional(scene, row, scene.call) if scene.status < 200 else _final(scene, row, scene.call)
    else:
        yield from _in_dialog(scene, row, scene.call)
    yield from _dialogs(scene)


def _to_cancel(scene: Scene) -> Said:
    if scene.status >= 300:
        return Said("refuses the CANCEL: harmless, the INVITE's own final decides", {}, "bye_race")
    return Said("answers the CANCEL, not the INVITE", {}, "cseq_method")


def _provisional(scene: Scene, row: Ints, call: Ints) -> Iterator[Said]:
    before = scene.transaction_before
    if row[T_STATUS] != 0:
        yield Said("comes after the final: changes nothing")
        return
    window: dict[str, int] = {"seconds": RINGING // 10**9}
    if has_new(before, row, T_FLAGS, TF_RINGING):
        has_media = scene.numbers[M_FLAGS] & F_HAS_SDP != 0
        if has_media:
            yield Said("early media: it counts as ringing, and may last {seconds} s from here", window, "early_media")
        else:
            yield Said("it rings, and may ring {seconds} s from here", window, "timers")
    elif scene.status == 100 and has_new(before, row, T_FLAGS, TF_RESPONSE):
        yield Said("somebody works on it: it may take {seconds} s from here", window, "timers")
    elif scene.status == 100:
        yield Said("somebody works on it")
    else:
        yield Said("progress: it may take {seconds} s from here", window, "timers")
    if before is not None and before[T_PROGRESS_Q850] != row[T_PROGRESS_Q850] and row[T_PROGRESS_Q850] != MISSING:
        text = "its Reason (cause {cause}) is kept for a final that says nothing specific"
        yield Said(text, {"cause": int(row[T_PROGRESS_Q850])}, "early_media")


def _final(scene: Scene, row: Ints, call: Ints) -> Iterator[Said]:
    before, call_before = scene.transaction_before, scene.call_before
    if row[T_FLAGS] & TF_LATE:
        yield Said("comes after the timer of its INVITE: decides nothing", {}, "timers")
        return
    if before is not None and before[T_STATUS] != 0 and before[T_FINAL_NO] == row[T_FINAL_NO]:
        values = {"code": int(row[T_STATUS]), "frame": scene.frame(int(row[T_FINAL_NO]))}
        yield Said("another final of the same INVITE: the {code} of frame {frame} stands", values, "forks")
        return
    fresh = call_before is None or any(call_before[c] != call[c] for c in (G_STATUS, G_FINAL_TS, G_FINAL_CLOCK))
    is_current = row[T_HOP] == call[G_HOP] and row[T_ATTEMPT] == call[G_ATTEMPTS]
    if not (fresh and is_current and row[T_STATUS] == call[G_STATUS] and row[T_FINAL_TS] == call[G_FINAL_TS]):
        yield _not_deciding(scene, row, call)
        return
    yield _deciding(scene, row, call)
    if call_before is not None and call_before[G_STATUS] not in (0, call[G_STATUS]):
        values = {"code": int(call_before[G_STATUS])}
        yield Said("it outranks the {code} of another branch", values, "forks")
    if call[G_SESSION_DUE] != MISSING and (call_before is None or call_before[G_SESSION_DUE] != call[G_SESSION_DUE]):
        values = {"seconds": int(call[G_SESSION_DUE] - scene.step.clock) // 10**9}
        yield Said("session timer: without a refresh it is over in {seconds} s", values)


def _deciding(scene: Scene, row: Ints, call: Ints) -> Said:
    status, attempt = scene.status, int(call[G_ATTEMPTS])
    values: dict[str, str | int | float] = {"attempt": attempt, "code": status}
    has_cancel = row[T_FLAGS] & TF_CANCELLED != 0
    if status < 300:
        if has_cancel:
            return Said("answered, although a CANCEL was under way: the final decides", values, "cancel_race")
        return Said("answered", values)
    if status in (401, 407):
        values["challenge"] = int(call[G_CHALLENGES])
        values["seconds"] = CHALLENGE_WINDOW // 10**9
        if call[G_REFUSED]:
            return Said("challenge {challenge}, in spite of credentials: decides at once", values, "challenge")
        text = "challenge {challenge}, to attempt {attempt}: a step if credentials follow within {seconds} s"
        return Said(text, values, "challenge")
    if waits_for_another(call, scene.off):
        values["seconds"] = REPEAT_WINDOW // 10**9
        if status < 400:
            text = "redirects attempt {attempt}: a step if an INVITE follows it within {seconds} s"
            return Said(text, values, "redirect")
        text = "refuses attempt {attempt}: a step if another try follows within {seconds} s"
        return Said(text, values, "route_advance")
    if has_cancel and status == 487:
        return Said("ends the INVITE that was cancelled: the CANCEL has the word", values, "cancel")
    if has_cancel:
        text = "refuses attempt {attempt} although a CANCEL was under way: the final decides"
        return Said(text, values, "cancel_race")
    return Said("refuses attempt {attempt}: decides", values)


def waits_for_another(call: Ints, off: int) -> bool:
    """Whether the call's final may be a step: the kernels' own rule, asked at the moment of the final."""
    rule = getattr(may_continue, "py_func", may_continue)
    return bool(rule(call[None, :], 0, int(call[G_FINAL_CLOCK]), off))


def _not_deciding(scene: Scene, row: Ints, call: Ints) -> Said:
    attempt, hop = int(row[T_ATTEMPT]), int(row[T_HOP])
    if attempt != call[G_ATTEMPTS]:
        return Said("to attempt {attempt}, which is over: changes nothing", {"attempt": attempt})
    if hop > call[G_HOP] and scene.status < 300:
        return Said("answered at hop {hop}: the caller's side decides the call", {"hop": hop}, "hops")
    if hop > call[G_HOP]:
        text = "at hop {hop}: does not decide the call, but tells where its end began"
        return Said(text, {"hop": hop}, "hops")
    if hop < call[G_HOP]:
        return Said("at hop {hop}: decides nothing", {"hop": hop}, "hops")
    code = int(call[G_STATUS])
    values = {"code": code, "frame": scene.deciding_frame(attempt, hop, code)}
    return Said("outranked by the {code} of frame {frame}", values, "forks")


def _in_dialog(scene: Scene, row: Ints, call: Ints) -> Iterator[Said]:
    before, method = scene.call_before, scene.method
    if scene.status < 200:
        yield Said("answers the {method} inside the dialog", {"method": method}, "in_dialog")
    elif row[T_METHOD] == BYE:
        yield _to_bye(scene, row, call)
    elif scene.status == REQUEST_PENDING:
        yield Said("glare: both sides asked at once; the call stays as it is", {}, "in_dialog")
    elif scene.status >= 300:
        yield Said("refuses the {method}: the call stays as it is", {"method": method}, "in_dialog")
    else:
        yield Said("accepts the {method}", {"method": method}, "in_dialog")
    crossed = row[T_FLAGS] & TF_CROSSED != 0
    if before is not None and before[G_DIALOG_LOST] == 0 and call[G_DIALOG_LOST] == 1 and not crossed:
        yield Said("with this code the dialog is over, RFC 5057", {}, "in_dialog")
    if before is not None and call[G_SESSION_DUE] not in (MISSING, before[G_SESSION_DUE]):
        yield Said("the session timer runs anew", {}, "in_dialog")


def _to_bye(scene: Scene, row: Ints, call: Ints) -> Said:
    if row[T_FLAGS] & TF_CROSSED and scene.status == 481:
        return Said("both sides hung up at once: harmless", {}, "bye_race")
    if scene.status in (401, 407):
        return Said("challenges the BYE", {}, "challenge")
    if call[G_BYE_TS] == MISSING:
        return Said("answers a BYE that ended nothing")
    values = {"seconds": seconds(scene.ts - int(call[G_BYE_TS]))}
    if row[T_FLAGS] & TF_CROSSED and call[G_BYE_NO] != row[T_NO]:
        return Said("answers the BYE that crossed the other one", {}, "bye_race")
    if call[G_BYE_NO] == row[T_NO]:
        return Said("answers the BYE after {seconds} s", values)
    return Said("answers the BYE at another hop, or another BYE, after {seconds} s", values, "hops")


def _dialogs(scene: Scene) -> Iterator[Said]:
    call, before = scene.call, scene.call_before
    if call is None or before is None or not scene.is_attempt:
        return
    if call[G_ANSWERS] > max(int(before[G_ANSWERS]), 1) and before[G_ANSWER_TS] != MISSING:
        text = "another dialog answered as well: {count} answers, one call"
        yield Said(text, {"count": int(call[G_ANSWERS])}, "forks")
    elif call[G_FORKS] > max(int(before[G_FORKS]), 1):
        yield Said("another To tag: the call has {count} so far", {"count": int(call[G_FORKS])}, "forks")
