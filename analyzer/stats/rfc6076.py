"""The metrics of RFC 6076, each as a function of a population and its entry in data/kpis.toml.

What they count is said there in words; where the RFC's text is open, the stricter reading is a figure beside ours.
"""

from __future__ import annotations

import numpy as np

from analyzer.registry.counting_entries import KpiEntry
from analyzer.stats.counting import Mask
from analyzer.stats.population import Population, Share, Times, only
from analyzer.vocab import RegistrationOutcome, Release

# ---- registrations


def rrd(registrations: Population, kpi: KpiEntry) -> Times:
    """Registration Request Delay, ms, §4.1."""
    return only(registrations.reals("rrd_ms"), registrations.is_outcome(RegistrationOutcome.REGISTERED))


def rrd_direct(registrations: Population, kpi: KpiEntry) -> Times:
    """The same of registrations that were not challenged."""
    return only(rrd(registrations, kpi).values, registrations.numbers("challenges") == 0)


def ineffective(registrations: Population, kpi: KpiEntry) -> Mask:
    """Registrations that failed by §4.2: refused, but not by a challenge, or not answered."""
    refused = (registrations.status >= 400) & ~registrations.has_status(kpi.statuses)
    return registrations.counted & (refused | registrations.is_outcome(RegistrationOutcome.TIMED_OUT))


def ira(registrations: Population, kpi: KpiEntry) -> Share:
    """Ineffective Registration Attempts, §4.2."""
    return Share(ineffective(registrations, kpi), registrations.counted)


def ira_wire(registrations: Population, kpi: KpiEntry) -> Share:
    """The same over every REGISTER."""
    requests = np.maximum(registrations.numbers("attempts"), 1)
    return Share(ineffective(registrations, kpi), np.where(registrations.counted, requests, 0))


# ---- sessions


def ser(calls: Population, kpi: KpiEntry) -> Share:
    """Session Establishment Ratio over calls, §4.6."""
    return Share(calls.answered, calls.counted)


def by_codes(calls: Population, kpi: KpiEntry) -> Share:
    """Finals of some codes over all that is not redirected, by the letter of §4.6 and §4.7."""
    return Share(calls.has_status(kpi.statuses), calls.not_redirected)


def ser_wire(calls: Population, kpi: KpiEntry) -> Share:
    """Session Establishment Ratio over INVITE transactions: the challenged ones stand in the denominator."""
    invites = np.maximum(calls.numbers("attempts"), 1) - ~calls.not_redirected
    return Share(calls.has_status(kpi.statuses), invites)


def seer(calls: Population, kpi: KpiEntry) -> Share:
    """Session Establishment Effectiveness Ratio, §4.7; also with more codes."""
    return Share(calls.counted & (calls.answered | calls.has_status(kpi.statuses)), calls.counted)


def other_2xx(calls: Population, kpi: KpiEntry) -> Share:
    """Answers that are not 200."""
    another = (calls.status >= 200) & (calls.status < 300) & ~calls.has_status(kpi.statuses)
    return Share(calls.answered & another, calls.answered)


def isa(calls: Population, kpi: KpiEntry) -> Share:
    """Ineffective Session Attempts, §4.8."""
    return Share(calls.requested & calls.has_status(kpi.statuses), calls.requested)


def scr(calls: Population, kpi: KpiEntry) -> Share:
    """Session Completion Ratio, §4.9: what was still up when the capture ended is left out."""
    ended = calls.requested & ~calls.is_release({Release.STILL_UP})
    return Share(calls.is_release(kpi.releases), ended)


def srd(calls: Population, kpi: KpiEntry) -> Times:
    """Session Request Delay of answered calls, ms, §4.3."""
    return only(calls.reals("srd_ms"), calls.answered)


def srd_direct(calls: Population, kpi: KpiEntry) -> Times:
    """The same of calls of one INVITE."""
    return only(calls.reals("srd_ms"), calls.answered & calls.is_single)


def srd_failed(calls: Population, kpi: KpiEntry) -> Times:
    """Session Request Delay of calls that were refused, ms, §4.3."""
    refused = calls.counted & ~calls.answered & (calls.status >= 400) & ~calls.has_status(kpi.statuses)
    return only(calls.reals("srd_ms"), refused)


def sdd(calls: Population, kpi: KpiEntry) -> Times:
    """Session Disconnect Delay, ms, §4.4."""
    return only(calls.reals("sdd_ms"), calls.answered)


def sdd_timeouts(calls: Population, kpi: KpiEntry) -> Share:
    """BYEs without an answer, which §4.4 wants left out of the delay."""
    return Share(calls.has_bye & calls.is_release(kpi.releases), calls.has_bye)


def sdt(calls: Population, kpi: KpiEntry) -> Times:
    """Session Duration Time of sessions that were completed, s, §4.5."""
    return only(calls.reals("sdt_s"), calls.answered & ~calls.is_release(kpi.releases))


def sdt_failed(calls: Population, kpi: KpiEntry) -> Times:
    """Session Duration Time up to the end of an unanswered BYE's timer, s, §4.5."""
    return only(calls.reals("sdt_s"), calls.is_release(kpi.releases))
