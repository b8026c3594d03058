"""How answered calls ended: a column of its own, never an outcome (docs/counting.md)."""

from __future__ import annotations

import numpy as np

from analyzer.batch import F_PREEMPTION, F_RELEASE_CAUSE, F_SESSION_TIMER, MISSING, Ints
from analyzer.correlate.judging import first_of
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


def find_releases(calls: EndedCalls, verdict: Verdict, rules: Rules) -> Ints:
    """Position in vocab.Release of each call; -1 for calls that were not answered."""
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
    release = first_of(
        [no_ack, bye & (flags & F_SESSION_TIMER != 0), bye & ~normal, bye & unanswered, bye, gone],
        [
            RELEASE[Release.NO_ACK],
            RELEASE[Release.SESSION_TIMER],
            by_reason,
            RELEASE[Release.BYE_UNANSWERED],
            RELEASE[Release.NORMAL],
            RELEASE[Release.NO_BYE_SEEN],
        ],
        default=RELEASE[Release.STILL_UP],
    )
    return np.where(answered, release, -1)
