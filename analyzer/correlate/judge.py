"""Everything that is judged of ended calls, in the order in which one judgement needs the other."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from analyzer.batch import Ints
from analyzer.correlate.causes import Causes, find_causes
from analyzer.correlate.correlator import Ended
from analyzer.correlate.labels import Codes
from analyzer.correlate.layout import OFF, T_FINAL_AGENT, T_FINAL_PHRASE
from analyzer.correlate.makers import Makers
from analyzer.correlate.outcome import EndedCalls, Verdict, by_largest, decide
from analyzer.correlate.parties import Charge, find_parties
from analyzer.correlate.release import Releases, find_releases
from analyzer.correlate.rules import Rules
from analyzer.correlate.summary_kernels import C_COLUMNS, C_STATUS, summarise


class Judged(NamedTuple):
    """What ended calls came to, line by line."""

    verdict: Verdict
    releases: Releases
    causes: Causes
    charge: Charge
    vendor: Codes  # whose code pack explains a code from 700, number in `Makers.vendor_names`; -1
    vendor_rule: Ints  # rule that a code pack or phrase asks for; -1
    vendor_cause: Ints  # cause that it gives; MISSING


def summary_of(ended: Ended, rules: Rules) -> Ints:
    """What the transactions of each ended call came to (C_*), one line a call."""
    summary = np.empty((len(ended.groups), C_COLUMNS), dtype=np.int64)
    off = sum(OFF.get(rule, 0) for rule in rules.without)
    summary = summary[: summarise(ended.groups, ended.transactions, summary, off)]
    if not rules.counts("trace"):
        by_largest(summary, ended.groups, ended.transactions)
    return summary


def judge(calls: EndedCalls, rules: Rules, makers: Makers) -> Judged:
    """Judge ended calls."""
    status, final = calls.summary[:, C_STATUS], calls.deciding
    vendor_rule, vendor_cause, vendor = makers.ask(status, final[:, T_FINAL_AGENT], final[:, T_FINAL_PHRASE])
    verdict = decide(calls, rules, vendor_rule)
    releases = find_releases(calls, verdict, rules)
    causes = find_causes(calls, verdict, releases.release, rules, vendor_cause)
    charge = find_parties(calls, verdict, rules)
    return Judged(verdict, releases, causes, charge, vendor, vendor_rule, vendor_cause)
