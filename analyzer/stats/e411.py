"""The ratios of the E.411 and E.425 family and the trade terms beside them, as functions like those of `rfc6076`.

The ITU texts were not read; data/kpis.toml says which reading each figure is.
"""

from __future__ import annotations

import numpy as np

from analyzer.registry.counting_entries import KpiEntry
from analyzer.stats.counting import Mask
from analyzer.stats.population import Population, Share, Times, only, since_invite
from analyzer.stats.rfc6076 import ineffective
from analyzer.vocab import Outcome


def asr(calls: Population, kpi: KpiEntry) -> Share:
    """Answer Seizure Ratio: every call is a seizure."""
    return Share(calls.answered, calls.counted)


def asr_seized(calls: Population, kpi: KpiEntry) -> Share:
    """The same without calls that our own side refused before they seized anything."""
    return Share(calls.answered, calls.counted & ~calls.refused_by_us)


def abr(calls: Population, kpi: KpiEntry) -> Share:
    """Answer Bid Ratio."""
    return Share(calls.answered, np.where(calls.counted, calls.bids, 0))


def effective(calls: Population, outcomes: KpiEntry) -> Mask:
    """Calls that the network did its part for, whatever the user did.

    The causes of the entry make an unreachable user the network's: an answered call may well carry one in its BYE.
    """
    unreachable = calls.is_outcome(Outcome.UNAVAILABLE) & calls.has_read_cause(outcomes.causes)
    return calls.is_outcome(*outcomes.outcomes) & ~unreachable


def ner(calls: Population, kpi: KpiEntry) -> Share:
    """Network Effectiveness Ratio."""
    return Share(effective(calls, kpi), calls.counted)


def ner_with_cause(calls: Population, kpi: KpiEntry) -> Share:
    """The same, with calls that have a read cause counted as effective."""
    base = calls.entries[kpi.beside[0]]
    return Share(effective(calls, base) | (calls.counted & calls.has_read_cause(kpi.causes)), calls.counted)


def ner_with_code(calls: Population, kpi: KpiEntry) -> Share:
    """The same, with calls of some outcome and code counted as effective."""
    base = calls.entries[kpi.beside[0]]
    more = calls.is_outcome(*kpi.outcomes) & calls.has_status(kpi.statuses)
    return Share(effective(calls, base) | more, calls.counted)


def acd(calls: Population, kpi: KpiEntry) -> Times:
    """Average Call Duration: connected time of calls with a BYE, s."""
    return only(calls.between("answer_ts", "bye_ts"), calls.has_bye)


def no_end(calls: Population, kpi: KpiEntry) -> Share:
    """Answered calls without a BYE."""
    return Share(calls.answered & ~calls.has_bye, calls.answered)


def short_calls(calls: Population, kpi: KpiEntry) -> Share:
    """Answered calls that were over in less than the seconds at the end of the entry's id."""
    seconds = float(kpi.id.rpartition("_")[2].removesuffix("s"))
    duration = calls.between("answer_ts", "bye_ts")
    return Share(calls.has_bye & (duration < seconds), calls.has_bye & ~np.isnan(duration))


def pdd(calls: Population, kpi: KpiEntry) -> Times:
    """Post Dial Delay to what the caller hears first, ms."""
    return only(calls.reals("pdd_ms"), calls.counted & ~calls.failed)


def pdd_progress(calls: Population, kpi: KpiEntry) -> Times:
    """Post Dial Delay to any sign of progress, ms."""
    progress, answer = since_invite(calls, "progress_ts"), since_invite(calls, "answer_ts")
    return only(np.where(np.isnan(progress), answer, progress), calls.counted & ~calls.failed)


def pdd_direct(calls: Population, kpi: KpiEntry) -> Times:
    """Post Dial Delay of calls of one INVITE, ms."""
    return only(pdd(calls, kpi).values, calls.is_single)


def failures(rows: Population, kpi: KpiEntry) -> Share:
    """Failures over what is counted; parts of a break-down are ranked by it."""
    failed = ineffective(rows, kpi) if rows.kind == "registrations" else rows.failed
    return Share(failed, rows.counted)


def drops(calls: Population, kpi: KpiEntry) -> Share:
    """Answered calls that broke."""
    return Share(calls.is_release(kpi.releases), calls.answered)
