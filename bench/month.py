"""A made month: weeks of calls as the analyzer stores them, with a rhythm of days, bursts, redials and two incidents.

Everything comes from a seed. A million calls take some ten seconds, so that tests and the bench of weekly reports can
use it. The fields of a call are those that the rules of `analyzer` give a call with these events (`bench.month_kinds`;
tests/bench/test_month.py holds them to it).

The two incidents of the last week, each of which can be left out or be in another week:

- ``trunk``: from Tuesday 14:05 on the trunk `TRUNK` refuses a third of its calls with 503: three in five with
  Retry-After, half of them with cause 34 in a Reason header;
- ``firmware``: on Thursday at 08:00 telephones get the firmware `FIRMWARE`, which says 486 with cause 34 where all
  went well before. ``update`` is the same without the failures.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from analyzer.batch import Ints
from analyzer.periods import Period, midnight, week_of
from analyzer.registry import Registry, load_registry
from analyzer.stats.local_hours import slots
from analyzer.tables.build import empty
from analyzer.tables.slices import Slice
from analyzer.tables.store_tables import STORED
from bench.month_kinds import KINDS, kind_number
from bench.month_rows import (
    CALLERS,
    FIRMWARE,
    FLOWS,
    HOUR,
    NUMBERS,
    OLD_FIRMWARE,
    PHONES,
    REFUSED,
    SECOND,
    STRANGERS,
    TRUNK,
    UPDATED,
    Site,
    Tries,
    intervals,
    later,
    options,
)

Reals = NDArray[np.float64]

__all__ = ["FIRMWARE", "OLD_FIRMWARE", "TRUNK", "Month", "Shape", "firmware_began", "trunk_began"]

#: From the Monday on; local time.
_TRUNK_BEGAN, _FIRMWARE_BEGAN = timedelta(days=1, hours=14, minutes=5), timedelta(days=3, hours=8)
_REFUSED, _HIDDEN = 0.33, 0.4
_FLOW_SHARES = np.array([0.28, 0.2, 0.1, 0.3, 0.12])
#: Traffic by hour of the day and by day of the week.
_HOURS = np.array([0.4, 0.25, 0.2, 0.2, 0.3, 0.8, 2, 5, 9, 11, 11, 10, 8, 10, 11, 10, 9, 7, 5, 4, 3, 2, 1.2, 0.7])
_DAYS = np.array([1.05, 1.0, 1.0, 1.0, 0.95, 0.35, 0.28])
_IS_FAILURE = np.array([kind.is_failure for kind in KINDS])
#: Of failed calls so many are dialled again, and so many of these fail in the same way.
_AGAIN, _FAILS_AGAIN = 0.35, 0.75


@dataclass(frozen=True)
class Shape:
    """What is made. ``calls``: about so many, first tries and redials; ``last``: a day of the last week.

    ``planted``: what happens in the week ``when`` (from 0; -1: the last). ``factors``: traffic of single weeks, by
    number; ``flows``: of single ways (`FLOWS`) in the last week. ``holidays``: days with little traffic. ``mad``:
    redials of one caller in the last week, who dials one number every twenty seconds. ``repeats``: the last week is
    the one before it once more.
    """

    seed: int = 1
    calls: int = 40_000
    weeks: int = 4
    last: date = date(2026, 11, 9)
    zone: str = "Europe/Amsterdam"
    planted: tuple[str, ...] = ("trunk", "firmware")
    when: int = -1
    bursts: int = 12
    factors: Mapping[int, float] = field(default_factory=dict)
    flows: Mapping[int, float] = field(default_factory=dict)
    holidays: tuple[date, ...] = (date(2026, 10, 31),)
    mad: int = 0
    repeats: bool = False


class Month:
    """The weeks, the oldest first: ``slices`` as a report reads them."""

    def __init__(self, shape: Shape | None = None, registry: Registry | None = None) -> None:
        self.shape = shape or Shape()
        self.registry = registry or load_registry()
        last = week_of(self.shape.last, ZoneInfo(self.shape.zone))
        self.periods: tuple[Period, ...] = (*reversed(last.earlier(self.shape.weeks - 1)), last)
        self._chance = np.random.default_rng(self.shape.seed)
        self.site = Site(self.registry, self._chance)
        #: How often things go wrong on each way, in each month a little otherwise.
        usual = np.array([kind.share for kind in KINDS])
        self._base: Reals = usual * np.where(_IS_FAILURE, self._chance.gamma(2.0, 0.5, (len(FLOWS), len(KINDS))), 1.0)
        self._popular = self._chance.permutation(NUMBERS)
        self.slices: list[Slice] = []
        for number in range(self.shape.weeks):
            self.slices.append(self._week(number))

    @property
    def week(self) -> Slice:
        """The last week."""
        return self.slices[-1]

    @property
    def before(self) -> list[Slice]:
        """The weeks before it, the latest first."""
        return self.slices[-2::-1]

    def _week(self, number: int) -> Slice:
        period, is_last = self.periods[number], number == self.shape.weeks - 1
        if is_last and self.shape.repeats:
            return later(self.slices[-1], period)
        tries = self._tries(number)
        if is_last and self.shape.mad:
            tries = _joined([tries, self._mad_dialler(period)])
        if number == self.shape.when % self.shape.weeks:
            self._plant(tries, period)
        tries = tries.take(np.argsort(tries.ts, kind="stable"))
        tries = tries.take((tries.ts >= period.from_ts) & (tries.ts < period.to_ts))
        tables = {name: empty(stored.row_type) for name, stored in STORED.items()}
        tables["calls"] = calls = self.site.calls(tries, f"made-{number + 1}")
        tables["registrations"] = self.site.registrations(period, self.shape.calls // self.shape.weeks // 10 + 20)
        tables["others"] = options(period)
        tables["intervals"] = intervals(period, calls)
        return Slice(period, tables)

    def _tries(self, number: int) -> Tries:
        """First tries by hour, what becomes of each, and the redials of those that failed."""
        chance, period = self._chance, self.periods[number]
        begins = np.arange(period.from_ts, period.to_ts, HOUR)
        local = slots(begins, period)
        weight = _HOURS[local % 24] * _DAYS[local // 24 % 7]
        for holiday in self.shape.holidays:
            if holiday in period.days:
                weight[local // 24 == period.days.index(holiday)] *= 0.35
        flows = _FLOW_SHARES.copy()
        if number == self.shape.weeks - 1:
            for flow, factor in self.shape.flows.items():
                flows[flow] *= factor
        mean = self.shape.calls / self.shape.weeks * 0.95 * self.shape.factors.get(number, 1.0) * flows.sum()
        rate = mean * weight / (_HOURS.sum() * _DAYS.sum())
        # Days and hours are busier or quieter than they are on the whole.
        rate *= chance.lognormal(0, 0.04, 7)[local // 24] * chance.gamma(30, 1 / 30, len(begins))
        counts = chance.poisson(rate)
        hour = np.repeat(np.arange(len(begins)), counts)
        ts = begins[hour] + chance.integers(0, HOUR, len(hour))
        tries = self._parties(ts, chance.choice(len(FLOWS), len(hour), p=flows / flows.sum()))
        tries = tries._replace(kind=self._kinds(hour, tries.flow, local))
        return _joined([tries, *self._redials(tries)])

    def _parties(self, ts: Ints, flow: Ints) -> Tries:
        """Who calls whom: a few numbers are dialled much, most seldom."""
        chance, size = self._chance, len(ts)
        rank = np.minimum((chance.pareto(1.1, size) * 60).astype(np.int64), NUMBERS - 1)
        inward, internal = flow == FLOWS.index("in"), flow == FLOWS.index("internal")
        caller = np.where(inward, chance.integers(0, STRANGERS, size), chance.integers(0, CALLERS, size))
        caller = np.where(internal, chance.integers(0, PHONES, size), caller)
        called = np.where(inward | internal, chance.integers(0, PHONES, size), self._popular[rank])
        return Tries(ts, flow.astype(np.int64), caller, called, np.zeros(size, np.int64), np.zeros(size, np.int64))

    def _kinds(self, hour: Ints, flow: Ints, local: Ints) -> Ints:
        """What becomes of each call: shares of kinds wander by hour and day, and there are bursts."""
        chance, hours = self._chance, len(local)
        share = np.repeat(self._base[:, None, :], hours, axis=1)
        shape = (len(FLOWS), hours, len(KINDS))
        wander = np.where(_IS_FAILURE, chance.gamma(3.0, 1 / 3.0, shape), chance.gamma(40.0, 1 / 40.0, shape))
        days = chance.lognormal(0, 0.12, (len(FLOWS), 7, len(KINDS)))
        share *= wander * np.where(_IS_FAILURE, days[:, local // 24], 1.0)
        failing = np.flatnonzero(_IS_FAILURE & (self._base.sum(axis=0) > 0))
        for _ in range(self.shape.bursts):
            at, where = int(chance.integers(0, hours)), int(chance.integers(0, len(FLOWS)))
            share[where, at, int(chance.choice(failing))] += chance.uniform(0.05, 0.5)
        upper = np.cumsum(share, axis=2)
        upper /= upper[:, :, -1:]
        found = np.empty(len(hour), dtype=np.int64)
        drawn = chance.random(len(hour))
        for start in range(0, len(hour), 100_000):
            part = slice(start, start + 100_000)
            found[part] = (upper[flow[part], hour[part]] < drawn[part, None]).sum(axis=1)
        return np.minimum(found, len(KINDS) - 1)

    def _redials(self, tries: Tries) -> list[Tries]:
        """Who fails dials again within minutes, and mostly fails again."""
        chance, found = self._chance, []
        for _ in range(4):
            tries = tries.take(_IS_FAILURE[tries.kind] & (chance.random(len(tries.ts)) < _AGAIN))
            wait = (chance.uniform(15, 200, len(tries.ts)) * SECOND).astype(np.int64)
            kind = np.where(chance.random(len(wait)) < _FAILS_AGAIN, tries.kind, 0)
            tries = tries._replace(ts=tries.ts + wait, kind=kind)
            found.append(tries)
        return found

    def _mad_dialler(self, period: Period) -> Tries:
        count = self.shape.mad
        tries = self._parties(period.from_ts + 26 * HOUR + np.arange(count) * 20 * SECOND, np.ones(count, np.int64))
        kind = np.full(count, kind_number("server_503"))
        return tries._replace(caller=np.full(count, 7), called=np.full(count, 11), kind=kind)

    def _plant(self, tries: Tries, period: Period) -> None:
        """Change what becomes of calls after the two moments."""
        chance, planted = self._chance, self.shape.planted
        if "trunk" in planted:
            refused = (tries.flow == 0) & (tries.ts >= trunk_began(period)) & (chance.random(len(tries.ts)) < _REFUSED)
            with_cause = chance.random(len(tries.ts)) < 0.5
            tries.kind[refused] = np.where(with_cause, kind_number("no_circuit"), kind_number("server_503"))[refused]
            tries.planted[refused] = REFUSED
        if "firmware" in planted or "update" in planted:
            phones = tries.flow >= FLOWS.index("in")
            updated = phones & (tries.ts >= firmware_began(period))
            updated &= self.site.is_old(np.where(phones, tries.called, 0))
            tries.planted[updated] = UPDATED
            hidden = updated & (chance.random(len(tries.ts)) < _HIDDEN)
            if "firmware" in planted:
                tries.kind[hidden] = kind_number("busy_34")


def trunk_began(period: Period) -> int:
    """When the trunk begins to refuse calls, in the week of a period, ns."""
    return _moment(period, _TRUNK_BEGAN)


def firmware_began(period: Period) -> int:
    """When the firmware begins to hide its cause, in the week of a period, ns."""
    return _moment(period, _FIRMWARE_BEGAN)


def _moment(period: Period, since: timedelta) -> int:
    return midnight(period.days[since.days], period.zone) + since.seconds * SECOND


def _joined(parts: list[Tries]) -> Tries:
    return Tries(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
