"""Who is charged with a call that failed: its originator, how surely, and who only passed the failure on.

The hops were gone down already (`summary_kernels.originator`); here stands which calls charge anybody at all
(docs/counting.md, "Who is charged").
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from analyzer.batch import MISSING, Ints
from analyzer.correlate.judging import Flags, among
from analyzer.correlate.layout import T_RESPONDER, T_STATUS
from analyzer.correlate.outcome import EndedCalls, Verdict
from analyzer.correlate.rules import OUTCOME, Rules
from analyzer.correlate.summary_kernels import C_ORIGIN_STATUS, C_ORIGINATOR, C_RELAY_0, C_RELAYS, C_SEEN
from analyzer.vocab import NOT_UNSUCCESSFUL, Grade, Outcome, numbered

_GRADE = numbered(Grade)
#: Outcomes that charge nobody as responder: the caller's own doing, and what is left out.
NOBODY = NOT_UNSUCCESSFUL | {Outcome.CANCELLED, Outcome.ABANDONED, Outcome.UNAUTHORIZED}


class Charge(NamedTuple):
    """Per call: who originated its failure (endpoint number, -1 = nobody), with which code (MISSING = in silence), the
    grade (vocab.Grade number, -1) and who passed it on (n × C_RELAYS endpoint numbers, -1)."""

    originator: Ints
    code: Ints
    grade: Ints
    relays: Ints


def charged(verdict: Verdict) -> Flags:
    """Which calls charge somebody as responder."""
    return ~among(verdict.outcome, [OUTCOME[outcome] for outcome in NOBODY]) & ~verdict.is_cancelled


def find_parties(calls: EndedCalls, verdict: Verdict, rules: Rules) -> Charge:
    """Whom each call is charged to."""
    summary, _, final = calls
    relays = summary[:, C_RELAY_0 : C_RELAY_0 + C_RELAYS]
    if not rules.counts("parties"):
        is_refused = (final[:, T_STATUS] >= 300) & ~verdict.is_open
        originator = np.where(is_refused, final[:, T_RESPONDER], -1)
        code = np.where(is_refused, final[:, T_STATUS], MISSING)
        return Charge(originator, code, np.where(originator >= 0, _GRADE[Grade.SEEN], -1), np.full_like(relays, -1))
    is_charged = charged(verdict)
    originator = np.where(is_charged, summary[:, C_ORIGINATOR], -1)
    grade = np.where(summary[:, C_SEEN] == 1, _GRADE[Grade.SEEN], _GRADE[Grade.AT_OR_BEHIND])
    sent = summary[:, C_ORIGIN_STATUS]
    return Charge(
        originator,
        np.where((originator >= 0) & (sent > 0), sent, MISSING),
        np.where(originator >= 0, grade, -1),
        np.where(is_charged[:, None], relays, -1),
    )
