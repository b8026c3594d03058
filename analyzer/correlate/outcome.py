"""What became of ended calls: the first rule that fits, from the top (docs/counting.md).

Everything is judged by column over a batch of ended calls. Codes and causes lead to outcomes by data
(``data/call_outcomes.toml``); the order in which events are weighed is written here, as a list of named rules that the
trace of one call reads as well (`Verdict.asked`). Each rule of counting that is asked for with `Rules.counts` can be
switched off: what is left then is the naive way to count that ``data/counting_rules.toml`` describes.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from analyzer.batch import F_STIR, MISSING, Ints
from analyzer.correlate.judging import Asked, ByColumn, Flags, Rule, among
from analyzer.correlate.labels import Codes
from analyzer.correlate.layout import (
    CHALLENGE_WINDOW,
    G_ACK_TS,
    G_BYE_BY_CALLEE,
    G_BYE_TS,
    G_FINAL_CLOCK,
    G_REFUSED,
    G_START_TS,
    G_TX_COUNT,
    OUT_CLOCK,
    OUT_FIRST_TX,
    REPEAT_WINDOW,
    SECOND,
    T_ACK_TS,
    T_CANCEL_Q850,
    T_CANCEL_SIP,
    T_CANCEL_TS,
    T_FINAL_FLAGS,
    T_FINAL_ISUP,
    T_FINAL_LOCATION,
    T_FINAL_Q850,
    T_FLAGS,
    T_PROGRESS_Q850,
    T_STATUS,
    TF_CANCELLED,
)
from analyzer.correlate.rules import GENERIC, OUTCOME, Rules
from analyzer.correlate.summary_kernels import (
    C_ALERT_TS,
    C_DECIDING,
    C_FLAGS,
    C_GROUP,
    C_MEDIA_TS,
    C_STATUS,
    C_TIMER,
    CF_PROGRESS,
    CF_RESPONSE,
    CF_RINGING,
)
from analyzer.vocab import NOT_UNSUCCESSFUL, Outcome

#: Detail of a call that ended after an announcement.
ANNOUNCEMENT = "announcement"
_NOT_UNSUCCESSFUL = [OUTCOME[outcome] for outcome in NOT_UNSUCCESSFUL]
#: What early media may have been ringing for.
_MAY_RING = [
    OUTCOME[outcome]
    for outcome in (Outcome.CANCELLED, Outcome.ABANDONED, Outcome.NO_ANSWER, Outcome.BUSY, Outcome.TIMED_OUT)
]
_GIVES_UP = 10 * SECOND  # who waits longer for any sign of life has met a network failure


class EndedCalls(NamedTuple):
    """A batch of ended calls: summary, group and deciding transaction rows, line by line."""

    summary: Ints
    groups: ByColumn
    deciding: ByColumn

    @classmethod
    def of(cls, summary: Ints, groups: Ints, transactions: Ints) -> EndedCalls:
        """The rows that belong together, from what `summarise` filled."""
        return cls(
            np.asfortranarray(summary),
            ByColumn(groups, summary[:, C_GROUP]),
            ByColumn(transactions, summary[:, C_DECIDING]),
        )


class Verdict(NamedTuple):
    """Numbers in vocab (outcome, fault), of the rule and of its detail, and the facts that others ask for again."""

    outcome: Ints
    fault: Ints
    detail: Codes
    rule: Ints
    status: Ints
    is_cancelled: Flags  # the CANCEL decided
    is_open: Flags
    timed_out: Flags  # no final response, and none will come
    read_cause: Ints  # ISUP's or the Reason's Q.850 value in the deciding final; MISSING
    ringing: Flags
    asked: Asked  # the rules by number, in order; choice -1 never decides


def is_specific(cause: Ints) -> Flags:
    """Whether a cause says why: it is there and not one of 0, 16, 31, 127."""
    says: Flags = (cause != MISSING) & ~among(cause, GENERIC)
    return says


def decide(calls: EndedCalls, rules: Rules, vendor_rule: Ints) -> Verdict:
    """Judge ended calls; ``vendor_rule`` = number of the rule that a code pack or phrase asks for, -1 = none."""
    summary, groups, final = calls
    status = summary[:, C_STATUS]
    flags = summary[:, C_FLAGS]
    clock = groups[:, OUT_CLOCK]
    ringing = flags & CF_RINGING != 0
    none = np.zeros(len(summary), dtype=np.bool_)
    has_cancel = (final[:, T_FLAGS] & TF_CANCELLED != 0) if rules.counts("cancel") else none
    answered = (status >= 200) & (status < 300)
    if not rules.counts("cancel_race"):
        answered &= ~has_cancel
    unconfirmed = none
    if not rules.counts("missing_ends"):
        unconfirmed = answered & (groups[:, G_ACK_TS] == MISSING)
        answered &= ~unconfirmed
    challenged = (status == 401) | (status == 407)
    refused = groups[:, G_REFUSED] == 1
    redirected = (status >= 300) & (status < 400)
    waits = (summary[:, C_TIMER] != MISSING) & (clock <= summary[:, C_TIMER])
    since_final = clock - groups[:, G_FINAL_CLOCK]
    in_window = (challenged & ~refused & (since_final <= CHALLENGE_WINDOW)) | (
        redirected & (since_final <= REPEAT_WINDOW)
    )
    is_open = ~answered & (waits | in_window) if rules.counts("censoring") else none
    is_open = is_open | unconfirmed

    # The final decides, never the CANCEL: only a 487, or no final at all, leaves the word to it.
    cancelled = has_cancel & ~is_open
    if rules.counts("cancel_race"):
        cancelled &= (status == 487) | (status == 0)
    cancel_q850, cancel_sip = final[:, T_CANCEL_Q850], final[:, T_CANCEL_SIP]
    elsewhere = cancelled & ((cancel_sip == 200) | (cancel_q850 == 26))
    by_timer = cancelled & (among(cancel_sip, (408, 480, 487)) | among(cancel_q850, (19, 102)))
    waited = final[:, T_CANCEL_TS] - groups[:, G_START_TS] > _GIVES_UP

    timed_out = (status == 0) & ~is_open & ~cancelled
    if not rules.counts("timers"):
        status = np.where(timed_out, 408, status)
        timed_out = none
    # There was a final, and the capture does not hold it, when the caller acknowledged it or the callee hangs up (a
    # caller may send a BYE before, RFC 3261 §15).
    hung_up = (groups[:, G_BYE_TS] != MISSING) & (groups[:, G_BYE_BY_CALLEE] == 1)
    confirmed = (final[:, T_ACK_TS] != MISSING) | (groups[:, G_ACK_TS] != MISSING) | hung_up
    read, stir = _read(final, status, rules)
    by_cause = np.where(is_specific(read), rules.of_cause[np.clip(read, 0, 127)], -1)
    if not rules.counts("conflicts"):
        by_cause = np.full(len(summary), -1)
    asked = Asked(
        [
            Rule("answered_after_cancel", answered & has_cancel, rules.id("answered_after_cancel")),
            Rule("answered", answered, rules.id("answered")),
            Rule("open", is_open, rules.id("open")),
            Rule("cancelled_elsewhere", elsewhere, rules.id("cancelled_elsewhere")),
            Rule("redirected", redirected & ~cancelled, rules.id("redirected")),
            Rule("cancelled_by_timer", by_timer, rules.id("cancelled_by_timer")),
            Rule("cancelled", cancelled & ringing, rules.id("cancelled")),
            Rule("abandoned_waited", cancelled & ~ringing & waited, rules.id("abandoned_waited")),
            Rule("abandoned", cancelled & ~ringing, rules.id("abandoned")),
            Rule("read_cause", by_cause >= 0, by_cause),
            Rule("stir", stir & (status > 0), rules.id("stir")),
            Rule("vendor", vendor_rule >= 0, vendor_rule),
            Rule("challenge_failed", challenged & refused, rules.id("challenge_failed")),
            Rule("challenge_abandoned", challenged, rules.id("challenge_abandoned")),
            Rule("status_code", status > 0, rules.of_status[status]),
            Rule("final_not_seen", (status == 0) & confirmed, rules.id("final_not_seen")),
            Rule("no_reply", (status == 0) & (flags & CF_RESPONSE == 0), rules.id("no_reply")),
            Rule("only_100", (status == 0) & (flags & CF_PROGRESS == 0), rules.id("only_100")),
        ],
        "only_18x",
        rules.id("only_18x"),
    )
    rule = asked.decided()
    outcome, fault, detail = rules.judged(rule, ringing, final[:, T_FINAL_LOCATION])
    detail = np.where((detail < 0) & _announced(calls, outcome), rules.detail(ANNOUNCEMENT), detail).astype(np.int32)
    return Verdict(outcome, fault, detail, rule, status, cancelled, is_open, timed_out, read, ringing, asked)


def _announced(calls: EndedCalls, outcome: Ints) -> Flags:
    """Where early media was the caller's first sign, and what came of the call says that it was an announcement: it was
    refused, or an 18x gave a specific cause."""
    summary, _, final = calls
    media = summary[:, C_MEDIA_TS]
    heard: Flags = (media != MISSING) & (summary[:, C_ALERT_TS] == media) & ~among(outcome, _NOT_UNSUCCESSFUL)
    return heard & (~among(outcome, _MAY_RING) | is_specific(final[:, T_PROGRESS_Q850]))


def _read(final: ByColumn, status: Ints, rules: Rules) -> tuple[Ints, Flags]:
    """The cause that was read in the deciding final, MISSING if none, and whether a Reason of it speaks of STIR."""
    isup, reason = final[:, T_FINAL_ISUP], final[:, T_FINAL_Q850]
    stir = final[:, T_FINAL_FLAGS] & F_STIR != 0
    if not rules.counts("reasons"):
        return np.where(status == 0, MISSING, isup), np.zeros(len(status), dtype=np.bool_)
    read = np.where(isup != MISSING, isup, reason)
    return np.where(status == 0, MISSING, read), stir


def by_largest(summary: Ints, groups: Ints, transactions: Ints) -> None:
    """Let the largest final code of each call decide: what counting without the rule `trace` does."""
    for line in summary:
        first = int(groups[line[C_GROUP], OUT_FIRST_TX])
        codes = transactions[first : first + int(groups[line[C_GROUP], G_TX_COUNT]), T_STATUS]
        line[C_DECIDING] = first + int(codes.argmax())
        line[C_STATUS] = codes.max()
