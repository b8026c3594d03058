"""Failed calls of several periods by what they have in common: the cells among which is sought what explains a change.

A cell is a choice of up to `MOST` dimensions with a value of each: ``endpoint`` (who is charged, else who was
called), ``status_code``, ``cause`` (one that was read, not derived), ``agent`` (program of who gave the final),
``caller_agent``, ``prefix`` (dial code of the dialled number) and ``hours`` (four of the day). Its own traffic is all
counted calls with the same endpoint, agents, prefix and hours.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import combinations
from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analyzer.batch import MISSING, AnyColumn, Ints, Labels, Texts, concat_labels
from analyzer.stats.counting import Mask
from analyzer.stats.facts import Facts
from analyzer.stats.local_hours import slot_count, slots
from analyzer.stats.redials import pairs, redialled
from analyzer.vocab import CAUSE_GROUPS

#: Dimensions, those that are told first among equals first. What one more costs (`cost`): a cell is preferred to one
#: with a dimension less only where it parts what changed from what did not so much better (`compare.Compared.gain`).
COSTS: Mapping[str, float] = {
    "endpoint": 0.98, "status_code": 0.97, "cause": 0.9, "agent": 0.95, "caller_agent": 0.85, "prefix": 0.8,
    "hours": 0.75,
}  # fmt: skip
#: Of a code and a cause together: people know failures by their code, so a cause alone costs more than both.
_CODE_AND_CAUSE = 0.96
#: Dimensions that calls have whatever became of them.
OF_TRAFFIC = ("endpoint", "agent", "caller_agent", "prefix", "hours")
MOST = 3
NO_CODE = "none"
HOURS = 4
_DAY = 24
#: Cells that are looked up in place.
_IN_PLACE = 1 << 22
_READ = [source for source, group in CAUSE_GROUPS.items() if group in ("read", "vendor")]

Codes = NDArray[np.int32]


class Combination(NamedTuple):
    """Cells of some dimensions: ``values`` of each (cells × dimensions), and the cell of each failed call or -1."""

    dimensions: tuple[str, ...]
    values: Ints
    member: Ints


class Traffic(NamedTuple):
    """Own traffic of cells: ``keys`` ascending (`Table.joint`), calls by period and block, failed ones by period."""

    keys: Ints
    calls: Ints  # (cells, periods, blocks)
    failed: Ints  # (cells, periods)


def cost(dimensions: Collection[str]) -> float:
    """What a cell's dimensions cost: the part of its gain that counts."""
    found = prod(COSTS[name] for name in dimensions)
    if "status_code" in dimensions and "cause" in dimensions:
        found *= _CODE_AND_CAUSE / (COSTS["status_code"] * COSTS["cause"])
    return found


class Table:
    """The counted calls of a week (period 0) and of the periods before, end to end.

    Failed calls have a table within it: ``rows`` are their positions, ``again`` the redials among them. Periods have
    as many days each.
    """

    def __init__(self, periods: Sequence[Facts]) -> None:
        self.periods = list(periods)
        self.own_rows = [np.flatnonzero(facts.counted) for facts in self.periods]
        sizes = [len(rows) for rows in self.own_rows]
        self.period: Ints = np.repeat(np.arange(len(sizes), dtype=np.int64), sizes)
        self.blocks = slot_count(self.periods[0].period)
        self.times = self._joined([facts.population.numbers("invite_ts") for facts in self.periods])
        self.slot = np.concatenate(
            [
                slots(facts.population.numbers("invite_ts")[rows], facts.period)
                for facts, rows in zip(self.periods, self.own_rows, strict=True)
            ]
        )
        self.failed: Mask = self._joined([facts.failed for facts in self.periods])
        self.rows = np.flatnonzero(self.failed)
        self.names: dict[str, Sequence[str]] = {}
        self.codes: dict[str, Codes] = {}
        self._traffic: dict[tuple[str, ...], Traffic] = {}
        #: Failures and traffic of single cells, which `candidates` asks for more than once.
        self.wider: dict[tuple[tuple[str, int], ...], tuple[Ints, Ints]] = {}
        for name, labels in self._dimensions():
            self.names[name], self.codes[name] = labels.names, labels.codes

    def __len__(self) -> int:
        return len(self.period)

    @property
    def weeks(self) -> int:
        """Periods that the week is compared with."""
        return len(self.periods) - 1

    @cached_property
    def pair(self) -> Ints:
        """The two parties of each failed call, as a number."""
        callers, called = (
            [self._of_failed(facts, rows, name) for facts, rows in self._failed_rows] for name in ("from_uri", "to_uri")
        )
        found = pairs(callers, called)
        return np.concatenate(found) if found else np.empty(0, dtype=np.int64)

    @cached_property
    def again(self) -> Mask:
        """Redials among the failed calls."""
        period = self.period[self.rows]
        return redialled(self.pair * len(self.periods) + period, self.times[self.rows])

    @cached_property
    def kept(self) -> Ints:
        """Positions of the failed calls that are no redials."""
        found: Ints = self.rows[~self.again]
        return found

    @cached_property
    def calls(self) -> Ints:
        """Counted calls by period and block, as one cell."""
        return self.by_block(np.zeros(len(self), dtype=np.int64), 1)

    def by_block(self, cell: Ints, cells: int, rows: Ints | None = None) -> Ints:
        """How many calls by cell, period and block; ``rows``: of which calls, all where None. Cells below 0: none."""
        period, slot = (self.period, self.slot) if rows is None else (self.period[rows], self.slot[rows])
        known = cell >= 0
        place = (cell * len(self.periods) + period) * self.blocks + slot
        shape = (cells, len(self.periods), self.blocks)
        found: Ints = np.bincount(place[known], minlength=int(np.prod(shape))).reshape(shape)
        return found

    def restricted(self, least: float) -> None:
        """Forget values that have fewer failures than this in the week and in a mean week before."""
        kept = self.kept
        weights = np.where(self.period[kept] == 0, 0, 1)
        for name, codes in self.codes.items():
            size = len(self.names[name])
            own = codes[kept]
            counts = np.bincount((own + 1) * 2 + weights, minlength=2 * size + 2).reshape(-1, 2)[1:]
            stay = np.flatnonzero((counts[:, 0] >= least) | (counts[:, 1] >= least * max(self.weeks, 1)))
            table = np.full(size + 1, -1, dtype=np.int32)
            table[stay] = np.arange(len(stay), dtype=np.int32)
            self.codes[name] = table[codes]
            self.names[name] = [self.names[name][number] for number in stay.tolist()]

    def combinations(self, least: float) -> Iterator[Combination]:
        """Every choice of dimensions with its cells of failures without redials, as many as in `restricted`.

        A cell of the same failures as one with a dimension less is left out: it is the same cell.
        """
        kept = self.kept
        period = self.period[kept]
        counted: dict[tuple[str, ...], tuple[Ints, Ints]] = {}
        for many in range(1, MOST + 1):
            for chosen in combinations(COSTS, many):
                joint, known = self.joint(chosen, kept)
                keys, member = np.unique(np.where(known, joint, -1), return_inverse=True)
                counts = np.bincount(member * len(self.periods) + period, minlength=len(keys) * len(self.periods))
                counts = counts.reshape(len(keys), len(self.periods))
                totals = np.stack([counts[:, 0], counts[:, 1:].sum(axis=1)], axis=1)
                stays = (keys >= 0) & ((totals[:, 0] >= least) | (totals[:, 1] >= least * self.weeks))
                first = np.zeros(len(keys), dtype=np.int64)
                first[member[::-1]] = np.arange(len(member))[::-1]
                for parent in (chosen[:at] + chosen[at + 1 :] for at in range(many) if many > 1):
                    above, whole = counted[parent]
                    stays &= ~(totals == whole[above[first]]).all(axis=1)
                if many < MOST:
                    counted[chosen] = member, totals
                if stays.any():
                    number = np.full(len(keys), -1, dtype=np.int64)
                    number[stays] = np.arange(int(stays.sum()))
                    at_first = kept[first[stays]]
                    values = np.stack([self.codes[name][at_first] for name in chosen], axis=1).astype(np.int64)
                    yield Combination(chosen, values, number[member])

    def joint(self, dimensions: Sequence[str], rows: Ints | None = None) -> tuple[Ints, Mask]:
        """One number for the values of some dimensions, and where there is a value of each."""
        size = len(self) if rows is None else len(rows)
        joint, known = np.zeros(size, dtype=np.int64), np.ones(size, dtype=np.bool_)
        for name in dimensions:
            codes = self.codes[name] if rows is None else self.codes[name][rows]
            joint = joint * max(len(self.names[name]), 1) + codes
            known &= codes >= 0
        return joint, known

    def traffic(self, dimensions: tuple[str, ...]) -> Traffic:
        """The traffic of every choice of values of some dimensions that failed calls have."""
        if dimensions not in self._traffic:
            joint, known = self.joint(dimensions)
            own = joint[self.rows][known[self.rows]]
            keys = np.unique(own)
            size = int(np.prod([max(len(self.names[name]), 1) for name in dimensions]))
            if size <= _IN_PLACE:
                table = np.full(size, -1, dtype=np.int64)
                table[keys] = np.arange(len(keys))
                cell = np.where(known, table[np.where(known, joint, 0)], -1)
            else:
                place = np.minimum(np.searchsorted(keys, joint), max(len(keys) - 1, 0))
                cell = np.where(known & (keys[place] == joint), place, -1)
            of_failed = cell[self.rows]
            places = (of_failed * len(self.periods) + self.period[self.rows])[of_failed >= 0]
            failed = np.bincount(places, minlength=len(keys) * len(self.periods)).reshape(len(keys), len(self.periods))
            self._traffic[dimensions] = Traffic(keys, self.by_block(cell, len(keys)), failed)
        return self._traffic[dimensions]

    # -- what the dimensions are made of

    def _dimensions(self) -> Iterator[tuple[str, Labels]]:
        yield "endpoint", self._labels([_endpoint(facts) for facts in self.periods])
        status = self._joined([facts.population.numbers("status_code") for facts in self.periods])
        yield "status_code", _numbers(np.where(self.failed, status, 0), NO_CODE)
        cause = [
            np.where(facts.population.is_one_of("cause_from", _READ), facts.population.numbers("cause"), MISSING)
            for facts in self.periods
        ]
        yield "cause", _numbers(self._joined(cause), None)
        yield "agent", self._labels([_labels(facts, "callee_agent") for facts in self.periods])
        yield "caller_agent", self._labels([_labels(facts, "caller_agent") for facts in self.periods])
        yield "prefix", self._labels([facts.dial_codes for facts in self.periods])
        names = [f"{hour:02d}-{hour + HOURS:02d}" for hour in range(0, _DAY, HOURS)]
        yield "hours", Labels((self.slot % _DAY // HOURS).astype(np.int32), names)

    def _joined(self, columns: Sequence[NDArray[Any]]) -> NDArray[Any]:
        return np.concatenate([column[rows] for column, rows in zip(columns, self.own_rows, strict=True)])

    def _labels(self, columns: Sequence[Labels]) -> Labels:
        return concat_labels([column.take(rows) for column, rows in zip(columns, self.own_rows, strict=True)])

    @cached_property
    def _failed_rows(self) -> list[tuple[Facts, Ints]]:
        """For each period the rows of its failed calls in its own table."""
        return [
            (facts, own[self.failed[self.period == number]])
            for number, (facts, own) in enumerate(zip(self.periods, self.own_rows, strict=True))
        ]

    @staticmethod
    def _of_failed(facts: Facts, rows: Ints, name: str) -> AnyColumn:
        if not len(facts.calls):
            return Labels(np.empty(0, dtype=np.int32), [])
        column = facts.calls[name]
        assert isinstance(column, Labels | Texts)
        return column.take(rows)


def _endpoint(facts: Facts) -> Labels:
    """Who is charged with a call, else who was called."""
    charged, called = _labels(facts, "failed_by_ip"), _labels(facts, "callee_ip")
    both = concat_labels([charged, called])
    size = len(charged.codes)
    return Labels(np.where(both.codes[:size] >= 0, both.codes[:size], both.codes[size:]), both.names)


def _labels(facts: Facts, name: str) -> Labels:
    if not len(facts.calls):
        return Labels(np.empty(0, dtype=np.int32), [])
    return facts.calls.labels(name)


def _numbers(values: NDArray[Any], missing: str | None) -> Labels:
    """Numbers as labels; a missing one is called ``missing``, or nothing."""
    found, codes = np.unique(values, return_inverse=True)
    names = [missing or "" if value == MISSING else str(value) for value in found.tolist()]
    numbers = codes.astype(np.int32)
    if missing is None:
        numbers = np.where(values == MISSING, np.int32(-1), numbers)
    return Labels(numbers, names)
