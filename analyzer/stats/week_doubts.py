"""What limits what a period's captures and listeners could see, added up over their runs (docs/counting.md).

A run notes what it counted in the table ``doubts``; a live run that did not is judged by the frames that it lost. What
the calls themselves show (their BYE is missing, they were cut off) is counted of the period's own calls.
"""

from __future__ import annotations

import math

import numpy as np

from analyzer.batch import MISSING, Columns, Ints
from analyzer.schema import VantageRow
from analyzer.stats.bounds import (
    Bound,
    bounds,
    call_shares,
    registration_bound,
    registration_share,
)
from analyzer.stats.counting import is_outcome, one_of
from analyzer.stats.doubts import PLAIN_CALL, Doubts, silent_calls
from analyzer.stats.facts import Facts
from analyzer.stats.grouping import grouped
from analyzer.stats.population import Share
from analyzer.stats.vantage import byes_missing, grade_of
from analyzer.tables.slices import Slice
from analyzer.vocab import Outcome, RegistrationOutcome, SourceKind

#: How the table ``doubts`` names what `Doubts` holds.
PREFIX = "doubts."


def checks(facts: Facts) -> list[VantageRow]:
    """Every check of data/vantage.toml that something was counted for, in its order."""
    part = facts.part
    sums = _sums(part)
    lost, frames, _ = _lost(part)
    if lost:
        affected, total = sums.get("dropped", (0, 0))
        sums["dropped"] = affected + lost, total + frames + lost
    sums["bye_missing"] = byes_missing(part.calls)
    sums["cut_at_end"] = int(is_outcome(part.calls, {Outcome.OPEN}).sum()), len(part.calls)
    found = []
    for check in facts.registry.vantage_checks.values():
        affected, total = sums.get(check.id, (0, 0))
        total = max(total, affected)
        if total:
            share = 100 * affected / total
            grade = grade_of(check, affected, total)
            found.append(VantageRow(check.id, affected, total, share, grade, check.follows if affected else ""))
    return found


def ranges(facts: Facts) -> dict[str, tuple[float | None, Bound]]:
    """Each ratio as counted, and between which values it lies however the doubtful calls turned out."""
    calls, doubt = facts.calls, _doubts(facts)
    shares = call_shares(calls, facts.registry)
    found = {kpi: (_value(shares[kpi]), bound) for kpi, bound in bounds(calls, shares, doubt).items()}
    ineffective = registration_share(facts.registrations, facts.registry)
    found["ira"] = _value(ineffective), registration_bound(ineffective, doubt)
    return {kpi: (value, bound) for kpi, (value, bound) in found.items() if bound.low is not None}


def _doubts(facts: Facts) -> Doubts:
    """The doubts of the period: what runs noted, with the masks and open calls of the period's own rows."""
    sums = {check: affected for check, (affected, _) in _sums(facts.part).items()}
    _, _, lost = _lost(facts.part)
    a_call = float(PLAIN_CALL)
    if len(facts.calls):
        a_call = max(float(facts.calls.ints("messages").mean()), 1.0)
    return Doubts(
        silent=silent_calls(facts.calls),
        one_sided=sums.get(PREFIX + "one_sided", 0),
        only_responses=sums.get(PREFIX + "only_responses", 0),
        lost_messages=sums.get(PREFIX + "lost_messages", 0) + lost,
        lost_calls=sums.get(PREFIX + "lost_calls", 0) + math.ceil(lost / a_call),
        open=int(is_outcome(facts.calls, {Outcome.OPEN}).sum()),
        silent_registrations=_registrations(facts.registrations, RegistrationOutcome.TIMED_OUT),
        one_sided_registrations=sums.get(PREFIX + "one_sided_registrations", 0),
        open_registrations=_registrations(facts.registrations, RegistrationOutcome.OPEN),
    )


def _sums(part: Slice) -> dict[str, tuple[int, int]]:
    """Affected and total of each check, over all runs."""
    table = part["doubts"]
    if not len(table):
        return {}
    affected, total = table.ints("affected"), table.ints("total")
    rows = grouped(np.arange(len(table)), table.labels("check"))
    return {check: (int(affected[own].sum()), int(total[own].sum())) for (check,), own in rows.items() if check}


def _lost(part: Slice) -> tuple[int, int, int]:
    """Frames that live runs without doubts lost, those that they heard, and the SIP messages among the lost ones.

    SIP is taken to be as frequent among the lost ones as among the others.
    """
    table, doubts = part["intervals"], part["doubts"]
    if not len(table):
        return 0, 0, 0
    noted = set(doubts.labels("run").names) if len(doubts) else set()
    live = one_of(table.labels("kind"), {SourceKind.LIVE, SourceKind.HEP}) & ~one_of(table.labels("run"), noted)
    dropped, frames, messages = (_whole(table, name)[live] for name in ("dropped", "frames", "sip_messages"))
    lost, heard = int(dropped.sum()), int(frames.sum())
    return lost, heard, math.ceil(lost * int(messages.sum()) / heard) if heard else lost


def _whole(table: Columns, name: str) -> Ints:
    numbers = table.ints(name)
    whole: Ints = np.where(numbers == MISSING, 0, numbers)
    return whole


def _registrations(registrations: Columns, outcome: RegistrationOutcome) -> int:
    return int(one_of(registrations.labels("outcome"), {outcome}).sum()) if len(registrations) else 0


def _value(share: Share) -> float | None:
    counted = np.asarray(share.denominator, dtype=np.bool_)
    whole = int(counted.sum())
    return 100 * int((share.numerator & counted).sum()) / whole if whole else None
