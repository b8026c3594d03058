"""The timeline of outages of a report: what was not there, from when to when (docs/report-parts/trunks.md)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from analyzer.report.lines_of_traffic import OutageLine
from analyzer.report.proof import Proof
from analyzer.stats.facts import Facts
from analyzer.stats.outages import ALL, KINDS, Outage, outages

__all__ = ["ALL", "KINDS", "outage_lines"]


def outage_lines(week: Facts, before: Sequence[Facts], proof: Proof) -> tuple[OutageLine, ...]:
    """Everything that was not there, in order of time; ``subject`` `ALL` is the whole site."""
    found = [line for kind in KINDS for line in outages(week, before, kind)]
    found.sort(key=lambda outage: (outage.from_ts, KINDS.index(outage.kind), outage.subject))
    return tuple(_lines(found, week, proof))


def _lines(found: Sequence[Outage], week: Facts, proof: Proof) -> Iterator[OutageLine]:
    for outage in found:
        yield OutageLine(
            kind=outage.kind,
            subject=outage.subject,
            name=None if outage.subject == ALL else week.config.alias(outage.subject),
            from_ts=outage.from_ts,
            to_ts=outage.to_ts,
            count=outage.count,
            expected=outage.expected,
            failures=None if outage.failed is None else proof.count(outage.failed),
            within_s=outage.within_s,
        )
