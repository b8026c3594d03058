"""Calls by dial code, and those to emergency numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from analyzer.batch import Columns, Labels
from analyzer.stats import e411
from analyzer.stats.counting import Mask
from analyzer.stats.delays import Reals
from analyzer.stats.dial_codes import NumberPlan
from analyzer.stats.durations import connected
from analyzer.stats.facts import Facts
from analyzer.stats.kpi import Ratio
from analyzer.stats.parts import NONE, OTHER, bounded, named

_MINUTE_S = 60.0


@dataclass(frozen=True)
class DestinationFigures:
    """The figures of one dial code; masks over ``facts.calls``."""

    mask: Mask
    failed: Mask
    asr: Ratio
    ner: Ratio
    acd_s: float | None
    minutes: float


class Destinations:
    """Calls by dial code: ``parts`` has the code of each."""

    def __init__(self, facts: Facts, plan: NumberPlan, parts: Labels) -> None:
        self._facts = facts
        self._plan = plan
        self._parts = parts
        self.codes = tuple(parts.names)

    @property
    def names(self) -> tuple[str | None, ...]:
        """Of each code our name, else its country."""
        return tuple(None if code in (NONE, OTHER) else self._plan.name(code) for code in self.codes)

    @property
    def is_other(self) -> tuple[bool, ...]:
        """Whether it stands for the codes beyond the first ones."""
        return tuple(code == OTHER for code in self.codes)

    @cached_property
    def failure_shares(self) -> Mapping[str, Ratio]:
        """Failures of the calls that are counted, by code."""
        rows = self._facts.population
        failed, counted = self._counts(rows.failed), self._counts(rows.counted)
        return {code: Ratio(failed[n], counted[n]) for n, code in enumerate(self.codes)}

    @cached_property
    def figures(self) -> tuple[DestinationFigures, ...]:
        """Of each code, in their order."""
        rows, parts = self._facts.population, self._parts
        asr, ner = e411.asr(rows, rows.entries["asr"]), e411.ner(rows, rows.entries["ner"])
        counted, answered, effective = (self._counts(mask) for mask in (rows.counted, asr.numerator, ner.numerator))
        acd = e411.acd(rows, rows.entries["acd"]).values
        ended, seconds = self._counts(~np.isnan(acd)), self._sums(acd)
        minutes = self._sums(connected(rows))
        found = []
        for n in range(len(self.codes)):
            mask: Mask = parts.codes == n
            found.append(
                DestinationFigures(
                    mask=mask,
                    failed=mask & rows.failed,
                    asr=Ratio(answered[n], counted[n]),
                    ner=Ratio(effective[n], counted[n]),
                    acd_s=seconds[n] / ended[n] if ended[n] else None,
                    minutes=minutes[n] / _MINUTE_S,
                )
            )
        return tuple(found)

    def _counts(self, mask: Mask) -> list[int]:
        counted: list[int] = np.bincount(self._parts.codes[mask], minlength=len(self.codes)).tolist()
        return counted

    def _sums(self, values: Reals) -> list[float]:
        weights = np.where(np.isnan(values), 0.0, values)
        summed: list[float] = np.bincount(self._parts.codes, weights=weights, minlength=len(self.codes)).tolist()
        return summed


def destinations(facts: Facts, top: int) -> Destinations:
    """The calls by dial code, the most first; codes beyond the first ``top`` (0 = all) are one."""
    plan = NumberPlan(facts.config, facts.registry)
    parts = named(facts.dial_codes)
    counts = np.bincount(parts.codes, minlength=len(parts.names)) if len(parts.names) else np.empty(0, np.int64)
    order = np.lexsort((np.array(parts.names, dtype=object).astype(str), -counts)) if len(counts) else counts
    return Destinations(facts, plan, bounded(parts, order.astype(np.int64), top) if len(counts) else parts)


def emergencies(facts: Facts) -> list[tuple[str, Mask]]:
    """Emergency numbers that were dialled, the most first, and their calls."""
    calls: Columns = facts.calls
    if not len(calls):
        return []
    numbers = NumberPlan(facts.config, facts.registry).emergencies(facts.population)
    found: list[tuple[str, Mask]] = [(name, numbers.codes == code) for code, name in enumerate(numbers.names)]
    return sorted((pair for pair in found if pair[1].any()), key=lambda pair: (-int(pair[1].sum()), pair[0]))
