"""Cells that may explain a change: each compared with the time before, and which of them differ by more than chance.

A cell is compared by the calls of its own traffic, so that a trunk with twice the calls and twice the failures is no
news. Where its traffic is new (an agent after its update, a trunk of today) there is no rate of its own: the rate that
was usual without what is new about it stands for it. Where its traffic is gone, the same the other way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from analyzer.batch import Ints
from analyzer.stats.cells import COSTS, OF_TRAFFIC, Combination, Table, cost
from analyzer.stats.compare import NEW, RATE, Compared, compared, false_discovery_rates, usual_dispersion
from analyzer.stats.counting import Mask
from analyzer.stats.delays import Reals

#: Cells that are looked at once more for each line of a report.
_MOST = 300
#: Failures that only have another agent, endpoint or cause than before: of the rise at least so much must remain
#: without that.
_SHIFT = 0.5

Where = Mapping[str, int]


@dataclass(frozen=True)
class Candidate:
    """A cell that differs by more than chance.

    ``now`` and ``then``: the cells that are compared, one of them wider where the traffic of the other is new or gone
    by the dimensions ``new``; ``traffic``: by period and block; ``is_whole``: that of all calls.
    """

    where: Where
    now: Where
    then: Where
    new: tuple[str, ...]
    is_whole: bool
    traffic: Ints

    @property
    def cost(self) -> float:
        """What its dimensions cost."""
        return cost(self.where)

    def has_own_clock(self) -> bool:
        """Whether its own traffic can tell when something began."""
        return not self.is_whole and not self.new


@dataclass(frozen=True)
class Tested:
    """p of every cell that was tested and its false discovery rate, and the candidates, the best first."""

    p: Reals
    rates: Reals
    candidates: Sequence[Candidate]
    usual: float

    @property
    def cutoff(self) -> float:
        """The highest p of a discovery; below 0 where there is none."""
        return float(self.p[self.rates <= RATE].max(initial=-1.0))

    def rate(self, p: float) -> float:
        """The false discovery rate at which p is a discovery."""
        return float(self.rates[self.p >= p].min(initial=1.0))


def within(table: Table, where: Where, rows: Ints | None = None) -> Mask:
    """Which failed calls, or calls of those rows, are of a cell."""
    rows = table.rows if rows is None else rows
    found = np.ones(len(rows), dtype=np.bool_)
    for name, code in where.items():
        found &= table.codes[name][rows] == code
    return found


def tested(table: Table, least: float) -> Tested:
    """Test every cell with ``least`` failures in the week, or as many that were to be expected."""
    usual = _usual(table)
    all_p: list[Reals] = []
    found: list[tuple[float, Candidate]] = []
    for combination in table.combinations(least / 2):
        failures, traffic, candidates = _compared_cells(table, combination)
        result = compared(failures, traffic, usual)
        is_tested = np.maximum(result.now, result.expected) >= least
        all_p.append(result.p[is_tested])
        eligible = is_tested & (np.abs(result.excess) >= least) & (result.p <= RATE)
        some = [(float(result.gain[cell]), candidates(cell)) for cell in np.flatnonzero(eligible).tolist()]
        found += [(gain * candidate.cost, candidate) for gain, candidate in some]
        found = sorted(found, key=lambda one: -one[0])[:_MOST]
    p = np.concatenate([*all_p, np.empty(0)])
    return Tested(p, false_discovery_rates(p), [candidate for _, candidate in found], usual)


class Rounds:
    """The candidates, asked again and again by the calls that are not told yet."""

    def __init__(self, table: Table, found: Tested, least: float) -> None:
        self._table, self._least, self._tested = table, least, found
        kept = ~table.again
        period = table.period[table.rows]
        self._members = [
            np.flatnonzero(kept & np.where(period == 0, within(table, candidate.now), within(table, candidate.then)))
            for candidate in found.candidates
        ]
        self._costs = np.array([candidate.cost for candidate in found.candidates])

    def best(self, free: Mask) -> tuple[int, Compared] | None:
        """The candidate that parts best what changed from what did not, among those that count as a change.

        ``free``: failed calls that are not told yet.
        """
        if not self._members:
            return None
        result = self._compared(free)
        eligible = (np.abs(result.excess) >= self._least) & (result.p <= self._tested.cutoff)
        score = np.where(eligible, result.gain * self._costs, 0.0)
        for number in np.argsort(-score, kind="stable").tolist():
            if score[number] <= 0:
                return None
            if not self._is_shift(number, free, float(result.excess[number])):
                return number, result
        return None

    def _compared(self, free: Mask) -> Compared:
        """What is told is no traffic of the others either: a call that was refused could not fail otherwise."""
        table, candidates = self._table, self._tested.candidates
        places = [member[free[member]] for member in self._members]
        cell = np.repeat(np.arange(len(places)), [len(place) for place in places])
        failures = table.by_block(cell, len(places), table.rows[np.concatenate(places)])
        traffic = np.stack([candidate.traffic for candidate in candidates])
        told = table.rows[~free]
        if len(told):
            is_now = table.period[told] == 0
            for number, candidate in enumerate(candidates):
                inside = np.where(
                    is_now,
                    within(table, _of_traffic(candidate.now, candidate), told),
                    within(table, _of_traffic(candidate.then, candidate), told),
                )
                traffic[number] -= table.by_block(np.zeros(int(inside.sum()), dtype=np.int64), 1, told[inside])[0]
        return compared(failures, np.maximum(traffic, failures), self._tested.usual)

    def _is_shift(self, number: int, free: Mask, excess: float) -> bool:
        """Whether failures only have another agent, endpoint or cause than before, and are as many as they were."""
        table, candidate = self._table, self._tested.candidates[number]
        kept = free & ~table.again
        if candidate.new:
            wider = {name: code for name, code in candidate.where.items() if name not in candidate.new}
            if not self._moves(kept & within(table, wider), excess):
                return True
        if "cause" in candidate.where:
            joint = table.joint(("endpoint", "status_code"), table.rows)[0]
            own = kept & within(table, candidate.where)
            return not self._moves(kept & np.isin(joint, np.unique(joint[own])), excess)
        return False

    def _moves(self, place: Mask, excess: float) -> bool:
        """Whether failed calls are as many more, or fewer, than all calls would bring at the old rate."""
        period = self._table.period[self._table.rows[place]]
        calls = self._table.calls[0].sum(axis=1)
        more = float((period == 0).sum() - (period > 0).sum() * calls[0] / calls[1:].sum())
        return bool(more * np.sign(excess) >= _SHIFT * abs(excess))


def _of_traffic(where: Where, candidate: Candidate) -> Where:
    return {} if candidate.is_whole else {name: code for name, code in where.items() if name in OF_TRAFFIC}


def _usual(table: Table) -> float:
    """The dispersion that is usual among failures of one endpoint with one code."""
    joint, known = table.joint(("endpoint", "status_code"), table.kept)
    cells, member = np.unique(joint[known], return_inverse=True)
    failures = table.by_block(member, len(cells), table.kept[known])
    return usual_dispersion(failures, np.broadcast_to(table.calls, failures.shape))


def _compared_cells(table: Table, combination: Combination) -> tuple[Ints, Ints, _Maker]:
    """Failures and traffic of each cell of a combination, by period and block, and a maker of candidates of them."""
    count = len(combination.values)
    failures = table.by_block(combination.member, count, table.kept)
    dimensions = tuple(name for name in combination.dimensions if name in OF_TRAFFIC)
    traffic = np.repeat(table.calls, count, axis=0)
    maker = _Maker(combination, traffic, np.ones(count, dtype=np.bool_), {})
    if not dimensions:
        return failures, traffic, maker
    own, failed = _traffic_of(table, combination, dimensions)
    total = own.sum(axis=(1, 2))
    is_new = _is_new(own, table.weeks)
    # Who is charged behind a proxy is called by nobody that we see: there is no traffic of its own to go by.
    maker.is_whole[:] = ~is_new & (total - failed < NEW * total)
    traffic[~maker.is_whole] = own[~maker.is_whole]
    each = {name: _is_new(_traffic_of(table, combination, (name,))[0], table.weeks) for name in dimensions}
    for cell in np.flatnonzero(is_new).tolist():
        new = tuple(name for name in dimensions if each[name][cell]) or dimensions
        side = slice(1, None) if own[cell, 0].sum() > own[cell, 1:].sum() / table.weeks else slice(0, 1)
        where = {name: code for name, code in maker.where(cell).items() if name not in new}
        failures[cell, side], traffic[cell, side] = (part[side] for part in _wider(table, where))
        maker.new[cell] = new, side == slice(1, None)
    return failures, traffic, maker


@dataclass(frozen=True)
class _Maker:
    """Makes candidates of the cells of a combination. ``new``: by which dimensions a cell is new (True) or gone."""

    combination: Combination
    traffic: Ints
    is_whole: Mask
    new: dict[int, tuple[tuple[str, ...], bool]]

    def where(self, cell: int) -> dict[str, int]:
        values = self.combination.values[cell].tolist()
        return dict(zip(self.combination.dimensions, values, strict=True))

    def __call__(self, cell: int) -> Candidate:
        where = self.where(cell)
        new, is_new = self.new.get(cell, ((), True))
        wider = {name: code for name, code in where.items() if name not in new}
        now, then = (where, wider) if is_new else (wider, where)
        return Candidate(where, now, then, new, bool(self.is_whole[cell]), self.traffic[cell])


def _wider(table: Table, where: Where) -> tuple[Ints, Ints]:
    """Failures and traffic of one cell by period and block."""
    key = tuple(sorted(where.items()))
    if key not in table.wider:
        rows = table.kept[within(table, where, table.kept)]
        failures = table.by_block(np.zeros(len(rows), dtype=np.int64), 1, rows)[0]
        traffic = table.calls[0]
        own = tuple(name for name in COSTS if name in where and name in OF_TRAFFIC)
        if own:
            found = table.traffic(own)
            traffic = found.calls[np.searchsorted(found.keys, _key(table, own, [where[name] for name in own]))]
        table.wider[key] = failures, traffic
    return table.wider[key]


def _traffic_of(table: Table, combination: Combination, dimensions: tuple[str, ...]) -> tuple[Ints, Ints]:
    """Calls by period and block, and how many failed, of what each cell has in some dimensions."""
    traffic = table.traffic(dimensions)
    values = [combination.values[:, combination.dimensions.index(name)] for name in dimensions]
    at = np.searchsorted(traffic.keys, _key(table, dimensions, values))
    return traffic.calls[at], traffic.failed[at].sum(axis=1)


def _key(table: Table, dimensions: Sequence[str], values: Sequence[Ints | int]) -> Ints:
    """The number that `Table.joint` gives these values."""
    key = np.zeros(1, dtype=np.int64)
    for name, value in zip(dimensions, values, strict=True):
        key = key * max(len(table.names[name]), 1) + value
    return key if np.ndim(values[0]) else key[0]


def _is_new(calls: Ints, weeks: int) -> Mask:
    """Traffic that nearly all belongs to the week, or to the time before."""
    now, then = calls[:, 0].sum(axis=1), calls[:, 1:].sum(axis=(1, 2)) / weeks
    found: Mask = (now < NEW * then) | (then < NEW * now)
    return found
