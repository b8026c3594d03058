"""The cause of ended calls: the best statement about why, and where it comes from (docs/counting.md).

The evidence is asked in a fixed order: what was read on the event that decided, then a vendor's word, then what
the event itself means, then what a mapping profile makes of the code. Conflicts are kept, not settled silently.
Each source is a named rule of `Causes.asked`, which the trace of one call reads as well.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from analyzer.batch import MISSING, Ints
from analyzer.correlate.judging import Asked, Flags, Rule, first_of
from analyzer.correlate.labels import Codes
from analyzer.correlate.layout import (
    G_BYE_Q850,
    G_BYE_SIP,
    G_BYE_TS,
    G_BYE_VENDOR_CAUSE,
    T_CANCEL_Q850,
    T_CANCEL_SIP,
    T_FINAL_ISUP,
    T_FINAL_Q850,
    T_FINAL_SIP,
    T_FINAL_TAG,
    T_FINAL_VENDOR_CAUSE,
    T_FINAL_WARNING,
    T_PROGRESS_Q850,
    T_PROGRESS_TAG,
)
from analyzer.correlate.outcome import EndedCalls, Verdict, is_specific
from analyzer.correlate.rules import NO_CAUSE, OUTCOME, RELEASE, Rules
from analyzer.vocab import CauseFrom, Outcome, Release, numbered

FROM = numbered(CauseFrom)
NORMAL_CLEARING = 16
NO_USER_RESPONDING = 18
TIMER_EXPIRY = 102


class Causes(NamedTuple):
    """Per call: Q.850 cause and its source (vocab.CauseFrom number, -1 = none), what the profile makes of the
    code, and whether a read cause contradicts the code. Missing causes are MISSING."""

    cause: Ints
    cause_from: Codes
    mapped: Ints
    conflict: Flags
    asked: Asked  # the sources in the order of trust, by the values of vocab.CauseFrom; choice = the cause


def find_causes(calls: EndedCalls, verdict: Verdict, release: Ints, rules: Rules, vendor_cause: Ints) -> Causes:
    """Judge the causes of ended calls; ``vendor_cause`` = what a code pack or phrase says, MISSING = nothing."""
    _, groups, final = calls
    status, outcome = verdict.status, verdict.outcome
    answered = outcome == OUTCOME[Outcome.ANSWERED]
    silent = verdict.is_open | (outcome == OUTCOME[Outcome.REDIRECTED])
    cancelled = verdict.is_cancelled
    decided = ~answered & ~silent & ~cancelled & (status > 0)
    bye = answered & (groups[:, G_BYE_TS] != MISSING)
    no_ack = answered & (release == RELEASE[Release.NO_ACK])

    reason = first_of(
        [cancelled, bye, decided],
        [final[:, T_CANCEL_Q850], groups[:, G_BYE_Q850], _unless(rules, "reasons", final[:, T_FINAL_Q850])],
        default=MISSING,
    )
    isup = np.where(decided, final[:, T_FINAL_ISUP], MISSING)
    same_dialog = (
        (final[:, T_FINAL_TAG] == 0) | (final[:, T_PROGRESS_TAG] == 0)
        | (final[:, T_FINAL_TAG] == final[:, T_PROGRESS_TAG])
    )  # fmt: skip
    progress = _unless(rules, "reasons", final[:, T_PROGRESS_Q850])
    from_18x = (decided | cancelled) & is_specific(progress) & ~is_specific(reason) & same_dialog
    if not rules.counts("conflicts"):  # the code's table is the cause
        isup = np.full_like(isup, MISSING)
        reason = np.where(decided, MISSING, reason)
        from_18x = np.zeros_like(from_18x)
    header = first_of(
        [decided, bye],
        [final[:, T_FINAL_VENDOR_CAUSE], groups[:, G_BYE_VENDOR_CAUSE]],
        default=MISSING,
    )
    pack = np.where(decided, vendor_cause, MISSING)
    sip = first_of(
        [cancelled & (outcome == OUTCOME[Outcome.NO_ANSWER]), bye, decided],
        [final[:, T_CANCEL_SIP], groups[:, G_BYE_SIP], _unless(rules, "reasons", final[:, T_FINAL_SIP])],
        default=MISSING,
    )
    by_sip = np.where((sip >= 300) & (sip < 700), rules.mapped[np.clip(sip, 0, 999)], NO_CAUSE)
    by_event = first_of(
        [no_ack, cancelled | bye, verdict.timed_out],
        [TIMER_EXPIRY, NORMAL_CLEARING, NO_USER_RESPONDING],
        default=NO_CAUSE,
    )
    row = rules.mapped[status]
    warning = final[:, T_FINAL_WARNING]
    asks = np.flatnonzero(decided & (warning > 0))
    if len(asks):
        row = row.copy()
        for at in asks.tolist():
            row[at] = rules.by_warning(int(status[at]), int(warning[at]))
    profile = np.where(decided & (status < 700), row, NO_CAUSE)
    fallback = np.where(decided & (status < 700), rules.fallback[status], NO_CAUSE)

    sources = [
        Rule(CauseFrom.ISUP, isup != MISSING, isup),
        Rule(CauseFrom.REASON, (reason != MISSING) & ~from_18x, reason),
        Rule(CauseFrom.REASON_18X, from_18x, progress),
        Rule(CauseFrom.VENDOR_HEADER, header != MISSING, header),
        Rule(CauseFrom.VENDOR_PACK, pack != MISSING, pack),
        Rule(CauseFrom.REASON_SIP, by_sip != NO_CAUSE, by_sip),
        Rule(CauseFrom.EVENT, by_event != NO_CAUSE, by_event),
        Rule(CauseFrom.PROFILE, profile != NO_CAUSE, profile),
        Rule(CauseFrom.PROFILE_FALLBACK, fallback != NO_CAUSE, fallback),
    ]
    if not rules.counts("conflicts"):  # the code's table is the cause
        sources = [*sources[-2:], *sources[:-2]]
    asked = Asked(sources, "none", MISSING)
    cause = asked.decided()
    cause_from = first_of(
        [source.fits for source in sources], [FROM[CauseFrom(source.name)] for source in sources], default=-1
    )
    mapped = np.where((status >= 300) & (row != NO_CAUSE), row, MISSING)
    read = np.where(decided & (status >= 400), verdict.read_cause, MISSING)
    conflict = (
        (read != MISSING) & rules.is_joined[status] & ~rules.joined[status, np.clip(read, 0, 255)]
        if rules.counts("conflicts")
        else np.zeros(len(status), dtype=np.bool_)
    )
    return Causes(cause, cause_from.astype(np.int32), mapped, conflict, asked)


def _unless(rules: Rules, rule: str, causes: Ints) -> Ints:
    """The causes, none of them where a rule of counting is switched off."""
    return causes if rules.counts(rule) else np.full(len(causes), MISSING)
