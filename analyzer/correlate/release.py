"""How answered calls ended: a column of its own, never an outcome (docs/counting.md).

The rules are asked in the order in which they stand here, also for the trace of one call (`Releases.asked`).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from analyzer.batch import F_PREEMPTION, F_RELEASE_CAUSE, F_SESSION_TIMER, MISSING, Ints
from analyzer.correlate.judging import Asked, Rule, first_of
from analyzer.correlate.layout import (
    G_ACK_TS,
    G_ANSWER_TS,
    G_BYE_BY_CALLEE,
    G_BYE_CLOCK,
    G_BYE_FLAGS,
    G_BYE_Q850,
    G_BYE_SIP,
    G_BYE_STATUS,
    G_BYE_TS,
    G_DIALOG_LOST,
    G_SESSION_DUE,
    NO_REPLY,
    OUT_CLOCK,
    OUT_CLOSING,
    SECOND,
    T_LAST_FINAL_TS,
)
from analyzer.correlate.outcome import EndedCalls, Verdict
from analyzer.correlate.rules import OUTCOME, RELEASE, Rules
from analyzer.vocab import Outcome, Release

#: 64*T1 less T2: when a final without ACK was sent for the last time, RFC 3261 §13.3.1.4, §17.2.1.
LAST_RESEND = 28 * SECOND


class Releases(NamedTuple):
    """Position in vocab.Release of each call, -1 for calls that were not answered, and the rules that were asked."""

    release: Ints
    asked: Asked


def find_releases(calls: EndedCalls, verdict: Verdict, rules: Rules) -> Releases:
    """How each answered call ended."""
    _, groups, final = calls
    answered = verdict.outcome == OUTCOME[Outcome.ANSWERED]
    bye = groups[:, G_BYE_TS] != MISSING
    q850, sip, flags = groups[:, G_BYE_Q850], groups[:, G_BYE_SIP], groups[:, G_BYE_FLAGS]
    resent = final[:, T_LAST_FINAL_TS] > groups[:, G_ANSWER_TS]
    no_ack = (
        bye & (groups[:, G_ACK_TS] == MISSING) & resent & (groups[:, G_BYE_BY_CALLEE] == 1)
        & (groups[:, G_BYE_TS] - groups[:, G_ANSWER_TS] >= LAST_RESEND)
    )  # fmt: skip
    by_reason = first_of(
        [q850 != MISSING, flags & (F_RELEASE_CAUSE | F_PREEMPTION) != 0, sip != MISSING],
        [
            rules.release_of_cause[np.clip(q850, 0, 255)],
            RELEASE[Release.ABNORMAL],
            rules.release_of_sip[np.clip(sip, 0, 999)],
        ],
        default=RELEASE[Release.NORMAL],
    )
    normal = by_reason == RELEASE[Release.NORMAL]
    unanswered = (groups[:, G_BYE_STATUS] == 0) & (groups[:, OUT_CLOCK] - groups[:, G_BYE_CLOCK] > NO_REPLY)
    session_over = (groups[:, G_SESSION_DUE] != MISSING) & (groups[:, OUT_CLOCK] > groups[:, G_SESSION_DUE])
    gone = (groups[:, G_DIALOG_LOST] == 1) | session_over | (groups[:, OUT_CLOSING] == 0)
    asked = Asked(
        [
            Rule("no_ack", no_ack, RELEASE[Release.NO_ACK]),
            Rule("session_timer", bye & (flags & F_SESSION_TIMER != 0), RELEASE[Release.SESSION_TIMER]),
            Rule("bye_reason", bye & ~normal, by_reason),
            Rule("bye_unanswered", bye & unanswered, RELEASE[Release.BYE_UNANSWERED]),
            Rule("normal", bye, RELEASE[Release.NORMAL]),
            Rule("gone", ~bye & gone, RELEASE[Release.NO_BYE_SEEN]),
        ],
        "still_up",
        RELEASE[Release.STILL_UP],
    )
    if not rules.counts("release"):
        asked = Asked([], "normal", RELEASE[Release.NORMAL])
        return Releases(np.where(answered, RELEASE[Release.NORMAL], -1), asked)
    return Releases(np.where(answered, asked.decided(), -1), asked)
