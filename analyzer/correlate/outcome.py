"""What became of ended calls: the first rule that fits, from the top (docs/counting.md).

Everything is judged by column over a batch of ended calls. Codes and causes lead to outcomes by data
(``data/call_outcomes.toml``); the order in which events are weighed is written here.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from analyzer.batch import F_STIR, MISSING, Ints
from analyzer.correlate.judging import ByColumn, Flags, among, first_of
from analyzer.correlate.labels import Codes
from analyzer.correlate.layout import (
    CHALLENGE_WINDOW,
    G_FINAL_CLOCK,
    G_REFUSED,
    G_START_TS,
    OUT_CLOCK,
    REPEAT_WINDOW,
    SECOND,
    T_CANCEL_Q850,
    T_CANCEL_SIP,
    T_CANCEL_TS,
    T_FINAL_FLAGS,
    T_FINAL_ISUP,
    T_FINAL_LOCATION,
    T_FINAL_Q850,
    T_FLAGS,
    TF_CANCELLED,
)
from analyzer.correlate.rules import GENERIC, OUTCOME, Rules
from analyzer.correlate.summary_kernels import (
    C_DECIDING,
    C_FLAGS,
    C_GROUP,
    C_STATUS,
    C_TIMER,
    CF_PROGRESS,
    CF_RESPONSE,
    CF_RINGING,
)
from analyzer.vocab import Outcome

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
    answered = (status >= 200) & (status < 300)
    challenged = (status == 401) | (status == 407)
    refused = groups[:, G_REFUSED] == 1
    redirected = (status >= 300) & (status < 400)
    waits = (summary[:, C_TIMER] != MISSING) & (clock <= summary[:, C_TIMER])
    since_final = clock - groups[:, G_FINAL_CLOCK]
    in_window = (challenged & ~refused & (since_final <= CHALLENGE_WINDOW)) | (
        redirected & (since_final <= REPEAT_WINDOW)
    )
    is_open = ~answered & (waits | in_window)

    has_cancel = final[:, T_FLAGS] & TF_CANCELLED != 0
    # The final decides, never the CANCEL: only a 487, or no final at all, leaves the word to it.
    cancelled = has_cancel & ~is_open & ((status == 487) | (status == 0))
    cancel_q850, cancel_sip = final[:, T_CANCEL_Q850], final[:, T_CANCEL_SIP]
    elsewhere = cancelled & ((cancel_sip == 200) | (cancel_q850 == 26))
    by_timer = cancelled & (among(cancel_sip, (408, 480, 487)) | among(cancel_q850, (19, 102)))
    waited = final[:, T_CANCEL_TS] - groups[:, G_START_TS] > _GIVES_UP

    isup = final[:, T_FINAL_ISUP]
    read = np.where(isup != MISSING, isup, final[:, T_FINAL_Q850])
    read = np.where(status == 0, MISSING, read)
    if not rules.counts("conflicts"):
        read = np.full_like(read, MISSING)
    by_cause = np.where(is_specific(read), rules.of_cause[np.clip(read, 0, 127)], -1)
    stir = final[:, T_FINAL_FLAGS] & F_STIR != 0

    rule = first_of(
        [
            answered & has_cancel,
            answered,
            is_open,
            elsewhere,
            redirected,
            by_timer,
            cancelled & ringing,
            cancelled & waited,
            cancelled,
            by_cause >= 0,
            stir & (status > 0),
            vendor_rule >= 0,
            challenged & refused,
            challenged,
            status > 0,
            flags & CF_RESPONSE == 0,
            flags & CF_PROGRESS == 0,
        ],
        [
            rules.id("answered_after_cancel"),
            rules.id("answered"),
            rules.id("open"),
            rules.id("cancelled_elsewhere"),
            rules.id("redirected"),
            rules.id("cancelled_by_timer"),
            rules.id("cancelled"),
            rules.id("abandoned_waited"),
            rules.id("abandoned"),
            by_cause,
            rules.id("stir"),
            vendor_rule,
            rules.id("challenge_failed"),
            rules.id("challenge_abandoned"),
            rules.of_status[status],
            rules.id("no_reply"),
            rules.id("only_100"),
        ],
        default=rules.id("only_18x"),
    )
    outcome, fault, detail = rules.judged(rule, ringing, final[:, T_FINAL_LOCATION])
    timed_out = (status == 0) & ~is_open & ~cancelled
    return Verdict(outcome, fault, detail, rule, status, cancelled, is_open, timed_out, read)


def charged(verdict: Verdict) -> Flags:
    """Which calls charge somebody as responder: not the caller's own doing, and not what is left out."""
    nobody = [
        OUTCOME[o]
        for o in (
            Outcome.ANSWERED, Outcome.OPEN, Outcome.ELSEWHERE, Outcome.REDIRECTED, Outcome.CANCELLED,
            Outcome.ABANDONED, Outcome.UNAUTHORIZED,
        )
    ]  # fmt: skip
    return ~among(verdict.outcome, nobody) & ~verdict.is_cancelled
