"""How one call was judged: every rule that was asked, in order, with what it answered.

The answers are read off the very lists that decided (`judging.Asked`), for the row of one call.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from analyzer.batch import MISSING, Ints
from analyzer.capture.address import address_text
from analyzer.correlate.correlator import Correlator, Ended
from analyzer.correlate.judge import Judged, judge, summary_of
from analyzer.correlate.judging import Answer
from analyzer.correlate.layout import (
    G_ATTEMPTS,
    G_NO,
    G_TX_COUNT,
    OUT_FIRST_TX,
    T_ATTEMPT,
    T_FINAL_LOCATION,
    T_HOP,
    T_RESPONDER,
    T_SERVER,
    T_STATUS,
)
from analyzer.correlate.makers import Makers
from analyzer.correlate.outcome import EndedCalls, is_specific
from analyzer.correlate.rules import NO_CAUSE, Rules
from analyzer.correlate.summary_kernels import C_GROUP
from analyzer.vocab import CauseFrom, Fault, Grade, Outcome, Release, names


class Considered(NamedTuple):
    """A rule of data/call_outcomes.toml that was asked: whether it fits, whether it decided, what it leads to."""

    rule: str
    fits: bool
    decided: bool
    outcome: Outcome | None
    fault: Fault | None
    detail: str | None


class Ending(NamedTuple):
    """A rule about the release of an answered call."""

    rule: str
    fits: bool
    decided: bool
    release: Release


class Candidate(NamedTuple):
    """A source of the cause, in the order of trust: its value, and why it is not the cause (None = it is)."""

    source: CauseFrom
    cause: int | None
    chosen: bool
    why_not: str | None


class Party(NamedTuple):
    """Who is charged, how surely and why; ``ip`` None = nobody as responder."""

    ip: str | None
    grade: Grade | None
    why: str
    hop: int | None
    relayed_by: Sequence[str]


class Trace(NamedTuple):
    """How a call was judged."""

    outcomes: Sequence[Considered]
    releases: Sequence[Ending]
    causes: Sequence[Candidate]
    is_conflict: bool
    party: Party


def trace(ended: Ended, call_no: int, rules: Rules, correlator: Correlator) -> Trace:
    """The judgement of one call among what has ended. Raises KeyError where it is not there."""
    summary = summary_of(ended, rules)
    numbers = ended.groups[summary[:, C_GROUP], G_NO]
    rows = np.flatnonzero(numbers == call_no)
    if not len(rows):
        raise KeyError(call_no)
    calls = EndedCalls.of(summary[rows[:1]], ended.groups, ended.transactions)
    judged = judge(calls, rules, Makers(rules, correlator.word))
    answers = judged.verdict.asked.answers(0)
    return Trace(
        [_considered(answer, calls, judged, rules) for answer in answers],
        _endings(judged),
        [_candidate(answer, judged) for answer in judged.causes.asked.answers(0)[:-1]],
        bool(judged.causes.conflict[0]),
        _party(calls, judged, correlator, _last_attempt(ended, calls)),
    )


def _last_attempt(ended: Ended, calls: EndedCalls) -> Ints:
    """The INVITEs of the last attempt of the call."""
    first, count = int(calls.groups[:, OUT_FIRST_TX][0]), int(calls.groups[:, G_TX_COUNT][0])
    rows = ended.transactions[first : first + count]
    last: Ints = rows[rows[:, T_ATTEMPT] == calls.groups[:, G_ATTEMPTS][0]]
    return last


def _considered(answer: Answer, calls: EndedCalls, judged: Judged, rules: Rules) -> Considered:
    if answer.choice < 0:
        return Considered(answer.name, False, False, None, None, None)
    location = calls.deciding[:, T_FINAL_LOCATION]
    outcome, fault, detail = rules.judged(np.array([answer.choice]), judged.verdict.ringing, location)
    detail_no = int(detail[0])
    return Considered(
        rules.rule_names[answer.choice],
        answer.fits,
        answer.decided,
        Outcome(names(Outcome)[int(outcome[0])]),
        Fault(names(Fault)[int(fault[0])]),
        rules.detail_names[detail_no] if detail_no >= 0 else None,
    )


def _endings(judged: Judged) -> list[Ending]:
    if judged.releases.release[0] < 0:
        return []
    found = []
    for name, fits, decided, choice in judged.releases.asked.answers(0):
        found.append(Ending(name, fits, decided, Release(names(Release)[choice])))
    return found


def _candidate(answer: Answer, judged: Judged) -> Candidate:
    source = CauseFrom(answer.name)
    cause = None if answer.choice in (MISSING, NO_CAUSE) else answer.choice
    return Candidate(source, cause, answer.decided, None if answer.decided else _why_not(source, cause, answer, judged))


def _why_not(source: CauseFrom, cause: int | None, answer: Answer, judged: Judged) -> str:
    """Why a source did not give the cause."""
    if cause is None:
        if source in (CauseFrom.PROFILE, CauseFrom.PROFILE_FALLBACK):
            if judged.verdict.is_cancelled[0]:
                return "a CANCEL ended the call: its code is not asked"
            if judged.verdict.status[0] == 0:
                return "no final response"
            return "no row for this code"
        return "nothing said by what decided"
    if answer.fits:
        return "an earlier source says more surely"
    if source is CauseFrom.REASON:
        return "says nothing specific; the 18x does"
    if source is CauseFrom.REASON_18X:
        if not is_specific(np.array([cause]))[0]:
            return "says nothing specific"
        reason = next(a.choice for a in judged.causes.asked.answers(0) if a.name == CauseFrom.REASON)
        if is_specific(np.array([reason]))[0]:
            return "the deciding message says something specific itself"
        return "of another early dialog, or of a call that was answered"
    return "not of the event that decided"


def _party(calls: EndedCalls, judged: Judged, correlator: Correlator, invites: Ints) -> Party:
    number = int(judged.charge.originator[0])
    relays = [int(relay) for relay in judged.charge.relays[0] if relay >= 0]
    relayed = [_address(correlator, relay) for relay in relays]
    if number < 0:
        return Party(None, None, "{outcome} charges nobody as responder", None, relayed)
    grade = Grade(names(Grade)[int(judged.charge.grade[0])])
    final = calls.deciding
    deepest, status = _deepest(calls, invites, number)
    if status == 0:
        why = "it was sent the deepest INVITE (hop {hop}) that nobody answered"
    elif grade is Grade.SEEN and final[:, T_FINAL_LOCATION][0] >= 0:
        why = "it sent the final at the deepest hop seen (hop {hop}), and the Reason names the location"
    elif grade is Grade.SEEN:
        why = "it sent the final at the deepest hop seen (hop {hop}), and the silence behind it was seen"
    else:
        why = "it sent the final at the deepest hop seen (hop {hop}); what stands behind it was not seen"
    return Party(_address(correlator, number), grade, why, deepest, relayed)


def _deepest(calls: EndedCalls, rows: Ints, endpoint: int) -> tuple[int, int]:
    """The deepest hop at which an endpoint sent a final, or was sent an INVITE that it left without: hop and code."""
    sent = rows[(rows[:, T_RESPONDER] == endpoint) & (rows[:, T_STATUS] >= 300)]
    silent = rows[(rows[:, T_SERVER] == endpoint) & (rows[:, T_STATUS] == 0)]
    status = int(calls.deciding[:, T_STATUS][0])
    if len(silent) and (not len(sent) or status in (0, 408, 504)):
        return int(silent[:, T_HOP].max()), 0
    if not len(sent):
        return int(calls.deciding[:, T_HOP][0]), status
    deepest = sent[sent[:, T_HOP].argmax()]
    return int(deepest[T_HOP]), int(deepest[T_STATUS])


def _address(correlator: Correlator, number: int) -> str:
    _, high, low = correlator.endpoints[number].tolist()
    return address_text(high, low)
