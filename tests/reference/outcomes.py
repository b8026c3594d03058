"""What became of a call: outcome, fault, cause, release and who is charged."""

from __future__ import annotations

import re
from dataclasses import dataclass

from analyzer.vocab import CauseFrom, Fault, Grade, Outcome, Release, ReleasedBy
from tests.reference import facts
from tests.reference.calls import CHALLENGES, Call, rank
from tests.reference.messages import Message
from tests.reference.transactions import END, SECOND, Transaction, Verdict, verdict

TIMER_SIP = frozenset({408, 480, 487})
TIMER_Q850 = frozenset({19, 102})
WAITED = 10 * SECOND
NO_ACK_SPAN = 28 * SECOND  # 64·T1 less T2: the last resend of a 2xx without ACK comes within T2 of the end


@dataclass
class Judged:
    """The columns of a call that follow from definitions alone."""

    outcome: Outcome
    fault: Fault
    detail: str | None = None
    status_code: int | None = None
    release: Release | None = None
    release_cause: int | None = None
    released_by: ReleasedBy | None = None
    cause: int | None = None
    cause_from: CauseFrom | None = None
    cause_mapped: int | None = None
    cause_conflict: bool = False
    failed_by_ip: str | None = None
    failed_code: int | None = None
    charged_grade: Grade | None = None
    relayed_by: tuple[str, ...] = ()


@dataclass
class Facts:
    """What a call showed, gathered once at the end of the capture."""

    call: Call
    clock: int
    standing: Verdict
    decider: Transaction
    ringing: bool
    cancel: Message | None  # first CANCEL to the INVITE that decided
    confirmed_tag: str | None
    bye: Transaction | None


def cancellable_until(standing: Verdict) -> int:
    """Until when on the clock a CANCEL is one: the timer; 2 s after a refusal, should they have changed places."""
    if standing.final is None:
        return standing.deadline
    return standing.final.clock + 2 * SECOND if (standing.final.status or 0) >= 300 else 1 << 63


def gather(call: Call, clock: int) -> Facts:
    attempt = call.attempts[-1]
    standing, decider = attempt.standing(END, clock)
    ringing = any(
        180 <= (response.status or 0) <= 183 and before_the_end(response, standing)
        for transaction in attempt.transactions
        for response in transaction.responses
    )
    cancels = [cancel.request for cancel in decider.cancels if cancel.request.clock <= cancellable_until(standing)]
    cancel = min(cancels, key=lambda message: message.no) if cancels else None
    answered = standing.final is not None and 200 <= (standing.final.status or 0) < 300
    tag = standing.final.to_tag if answered and standing.final is not None else None
    byes = [transaction for transaction in call.in_dialog if transaction.request.method == "BYE"]
    if tag is not None:
        byes = [bye for bye in byes if tag in (bye.request.from_tag, bye.request.to_tag)]
    return Facts(call, clock, standing, decider, ringing, cancel, tag, byes[0] if byes else None)


def before_the_end(response: Message, standing: Verdict) -> bool:
    """Seen before the final that decided, or before the timer that did."""
    if standing.final is not None:
        return response.no < standing.final.no
    return response.clock <= standing.deadline


def judge(call: Call, clock: int) -> Judged:
    """Outcome and everything that hangs on it, when the capture is over and the clock shows `clock`."""
    told = gather(call, clock)
    judged = outcome(told)
    final = told.standing.final
    judged.status_code = final.status if final is not None else None
    if judged.outcome is Outcome.ANSWERED:
        release(told, judged)
    elif told.cancel is not None and cancelled(told, judged.outcome):
        judged.released_by = ReleasedBy.CALLER
    cause(told, judged)
    charge(told, judged)
    return judged


def cancelled(told: Facts, result: Outcome) -> bool:
    """Whether the CANCEL is what ended the call: its INVITE ended in 487 or in nothing."""
    ended = (Outcome.ELSEWHERE, Outcome.NO_ANSWER, Outcome.CANCELLED, Outcome.ABANDONED)
    final = told.standing.final
    return told.cancel is not None and result in ended and (final is None or final.status == 487)


def outcome(told: Facts) -> Judged:
    final, call = told.standing.final, told.call
    if final is not None and final.status is not None and final.status < 300:
        return Judged(Outcome.ANSWERED, Fault.NONE, "cancel_race" if told.cancel is not None else None)
    if told.standing.pending or call.may_go_on(told.clock):
        return Judged(Outcome.OPEN, Fault.NONE)
    if told.cancel is not None and (final is None or final.status == 487):
        return outcome_of_cancel(told, told.cancel)
    if final is None:
        provisional = {
            response.status or 0
            for transaction in call.attempts[-1].deciding
            for response in transaction.responses
            if (response.status or 0) < 200 and before_the_end(response, told.standing)
        }
        detail = "no_reply" if not provisional else "only_100" if provisional == {100} else "only_18x"
        return Judged(Outcome.TIMED_OUT, Fault.NETWORK, detail)
    assert final.status is not None
    if final.status < 400:
        return Judged(Outcome.REDIRECTED, Fault.NONE)
    if final.q850 is not None and final.q850 not in facts.GENERIC:
        user = (final.q850_location or "").lower() in ("u", "user")
        read = facts.outcome_of_cause(final.q850, told.ringing, user)
        if read is not None:
            return Judged(*read)
    if final.reason_stir or (final.status == 603 and final.phrase.lower() == "network blocked"):
        return Judged(Outcome.BLOCKED, Fault.SECURITY)
    if final.status in CHALLENGES:
        failed = call.refused_again(END, told.clock)
        return Judged(Outcome.UNAUTHORIZED, Fault.CALLER, "auth_failed" if failed else "auth_abandoned")
    result = Judged(*facts.outcome_of_status(final.status, told.ringing))
    if final.status == 402:
        result.detail = "payment"
    return result


def outcome_of_cancel(told: Facts, cancel: Message) -> Judged:
    if cancel.reason_sip == 200 or cancel.q850 == 26:
        return Judged(Outcome.ELSEWHERE, Fault.NONE)
    if cancel.reason_sip in TIMER_SIP or cancel.q850 in TIMER_Q850:
        return Judged(Outcome.NO_ANSWER, Fault.USER)
    if told.ringing:
        return Judged(Outcome.CANCELLED, Fault.USER)
    if cancel.ts - told.call.first.ts > WAITED:
        return Judged(Outcome.ABANDONED, Fault.NETWORK, "waited")
    return Judged(Outcome.ABANDONED, Fault.USER)


# ----------------------------------------------------------------------------------------------------
# How an answered call ended.


def release(told: Facts, judged: Judged) -> None:
    bye, final = told.bye, told.standing.final
    assert final is not None
    if bye is None:
        judged.release = Release.NO_BYE_SEEN if ended_without_bye(told) else Release.STILL_UP
        return
    request = bye.request
    judged.released_by = ReleasedBy.CALLER if request.from_tag in told.call.from_tags else ReleasedBy.CALLEE
    judged.release_cause = request.q850
    successes = [r for r in told.decider.responses if 200 <= (r.status or 0) < 300 and r.to_tag == final.to_tag]
    acknowledged = bool(acknowledgements(told))
    resent_to_the_end = len(successes) > 1 and request.ts - final.ts >= NO_ACK_SPAN
    if not acknowledged and resent_to_the_end and judged.released_by is ReleasedBy.CALLEE:
        judged.release = Release.NO_ACK
        return
    if request.reason_session_timer:
        judged.release = Release.SESSION_TIMER
        return
    stated = release_of_reason(request)
    if stated is Release.NORMAL and verdict(bye, END, told.clock).timed_out:
        stated = Release.BYE_UNANSWERED
    judged.release = stated


def acknowledgements(told: Facts) -> list[Message]:
    """The ACKs to the 2xx that decided, on any hop."""
    final = told.standing.final
    tag = final.to_tag if final is not None else None
    return [ack for t in told.call.attempts[-1].transactions for ack in t.acks if ack.to_tag == tag]


def release_of_reason(bye: Message) -> Release:
    if bye.reason_release_cause or bye.reason_preemption:
        return Release.ABNORMAL
    if bye.q850 is not None:
        if bye.q850 in (16, 26, 31):
            return Release.NORMAL
        if bye.q850 in (3, 8, 9, 25, 27) or bye.q850 >= 32:
            return Release.ABNORMAL
        return Release.ODD
    if bye.reason_sip is None or bye.reason_sip == 200:
        return Release.NORMAL
    abnormal = bye.reason_sip >= 400 and bye.reason_sip not in (486, 487, 603)
    return Release.ABNORMAL if abnormal else Release.ODD


def ended_without_bye(told: Facts) -> bool:
    """No BYE, and yet over: the dialog was refused with 481 or 408, or its session timer ran out."""
    refreshed = told.standing.final
    for transaction in told.call.in_dialog:
        final = verdict(transaction, END, told.clock).final
        if final is None:
            continue
        if final.status in (408, 481):
            return True
        if transaction.request.method in ("INVITE", "UPDATE") and (final.status or 0) < 300:
            refreshed = final
    if refreshed is None or refreshed.session_expires is None:
        return False
    return told.clock > refreshed.clock + refreshed.session_expires * SECOND


# ----------------------------------------------------------------------------------------------------
# Why: the Q.850 cause and where it comes from.

NEVER_MAPPED = (Outcome.CANCELLED, Outcome.ABANDONED, Outcome.ELSEWHERE, Outcome.OPEN)


def gigaset(agent: str | None) -> bool:
    return any(re.search(pattern, agent or "", re.I) for pattern in facts.GIGASET_AGENTS)


def cause(told: Facts, judged: Judged) -> None:
    final, status = told.standing.final, judged.status_code
    if status is not None:
        judged.cause_mapped = facts.DSS1.get(status)
    if judged.outcome in (Outcome.OPEN, Outcome.REDIRECTED):
        return
    event: Message | None
    if judged.outcome is Outcome.ANSWERED:
        event = told.bye.request if told.bye is not None else None
    elif cancelled(told, judged.outcome):
        event = told.cancel
    else:
        event = final
    if final is not None and event is final and status is not None and final.q850 is not None:
        joined = facts.JOINED.get(status)
        # What an element on the way had to make another code of, contradicts nothing.
        behind = [facts.JOINED[received] for received, sent in facts.MADE_OF.items() if status in sent]
        fits = {*(joined or ()), *(cause for causes in behind for cause in causes)}
        judged.cause_conflict = status >= 400 and joined is not None and final.q850 not in fits
    found = first_cause(told, judged, event)
    if found is not None:
        judged.cause, judged.cause_from = found


def first_cause(told: Facts, judged: Judged, event: Message | None) -> tuple[int, CauseFrom] | None:
    status = judged.status_code
    answered = judged.outcome is Outcome.ANSWERED
    by_cancel = cancelled(told, judged.outcome)
    if event is not None and event.q850 is not None and event.q850 not in facts.GENERIC:
        return event.q850, CauseFrom.REASON
    early = None if answered else early_cause(told)
    if early is not None:
        return early, CauseFrom.REASON_18X
    if event is not None and event.q850 is not None:
        return event.q850, CauseFrom.REASON
    if event is not None and event.vendor_cause is not None and 1 <= event.vendor_cause <= 127:
        return event.vendor_cause, CauseFrom.VENDOR_HEADER
    if not answered and status is not None and status >= 700 and event is not None and gigaset(event.agent):
        packed = facts.GIGASET.get(status)
        if packed is not None:
            return packed, CauseFrom.VENDOR_PACK
    if event is not None and event.reason_sip is not None and judged.outcome not in NEVER_MAPPED:
        mapped = facts.DSS1.get(event.reason_sip)
        if mapped is not None:
            return mapped, CauseFrom.REASON_SIP
    if answered:
        if judged.release is Release.NO_ACK:
            return 102, CauseFrom.EVENT
        return (16, CauseFrom.EVENT) if event is not None else None
    if by_cancel:
        return 16, CauseFrom.EVENT
    if told.standing.final is None:
        return 18, CauseFrom.EVENT
    if status is None or not 400 <= status <= 699:
        return None
    if status in facts.DSS1:
        return facts.DSS1[status], CauseFrom.PROFILE
    return facts.RFC3398.get(status, 31), CauseFrom.PROFILE_FALLBACK


def early_cause(told: Facts) -> int | None:
    """The specific Q.850 value of the last 18x in the early dialog that the final belongs to."""
    final = told.standing.final
    last: Message | None = None
    for response in told.decider.responses:
        if final is not None and response.no > final.no:
            break
        if 180 <= (response.status or 0) <= 183 and (final is None or response.to_tag == final.to_tag):
            last = response
    if last is None or last.q850 is None or last.q850 in facts.GENERIC:
        return None
    return last.q850


# ----------------------------------------------------------------------------------------------------
# Who is charged.

NOBODY = (
    Outcome.ANSWERED,
    Outcome.OPEN,
    Outcome.ELSEWHERE,
    Outcome.REDIRECTED,
    Outcome.CANCELLED,
    Outcome.ABANDONED,
    Outcome.UNAUTHORIZED,
)


def charge(told: Facts, judged: Judged) -> None:
    if judged.outcome in NOBODY or cancelled(told, judged.outcome):
        return
    attempt, final = told.call.attempts[-1], told.standing.final
    standings = [(verdict(t, END, told.clock), t) for t in attempt.transactions]
    deeper = [(v, t) for v, t in standings if t.hop > told.decider.hop]
    silent = [t for v, t in standings if v.final is None and (t.hop > told.decider.hop or final is None)]
    failed = [(v.final, t) for v, t in deeper if v.final is not None and (v.final.status or 0) >= 300]
    status = judged.status_code
    if status in (408, 504, None) and silent:
        deepest_silent = max(silent, key=lambda t: (t.hop, -t.request.no))
        originator, hop = deepest_silent.request.dst[0], deepest_silent.hop + 1
        judged.charged_grade = Grade.AT_OR_BEHIND
    elif failed:
        deepest = max(t.hop for _, t in failed)
        candidates = [(f, t) for f, t in failed if t.hop == deepest]
        same = [(f, t) for f, t in candidates if f.status == status]
        made_of = [(f, t) for f, t in candidates if (f.status, status) == (503, 500)]  # RFC 3261 §16.7
        chosen = min(same or made_of or candidates, key=lambda pair: (rank(pair[0].status or 0), pair[1].request.no))
        originator, hop = chosen[0].src[0], chosen[1].hop
        judged.failed_code = chosen[0].status
        judged.charged_grade = grade(told, originator, hop)
    else:
        assert final is not None
        originator, hop = final.src[0], told.decider.hop
        judged.failed_code = final.status
        judged.charged_grade = grade(told, originator, hop)
    judged.failed_by_ip = originator
    above = [
        (t.hop, v.final.src[0])
        for v, t in standings
        if v.final is not None and (v.final.status or 0) >= 300 and t.hop < hop
    ]
    judged.relayed_by = tuple(sorted({ip for _, ip in above if ip != originator}))


def grade(told: Facts, originator: str, hop: int) -> Grade:
    """`seen` when a Reason names the place or the originator's own next element is seen to be silent."""
    final = told.standing.final
    if final is not None and final.q850_location is not None:
        return Grade.SEEN
    for transaction in told.call.attempts[-1].transactions:
        if transaction.hop > hop and transaction.request.src[0] == originator and not transaction.responses:
            return Grade.SEEN
    return Grade.AT_OR_BEHIND
