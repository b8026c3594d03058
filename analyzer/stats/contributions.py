"""The few cells that explain why there are more, or fewer, failures: the best one, then the best of what is left.

Of the cells that differ by more than chance (`compare`) the one is taken that parts what changed from what did not
best; its calls are put aside, and the rest is asked again. So no call is told twice. What one pair of numbers does by
redialling is put aside before all, and told apart: failures are compared without redials.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from analyzer.batch import MISSING, Columns, Ints
from analyzer.stats.blocks import Blocks, Difference, blocks, difference
from analyzer.stats.candidates import Candidate, Rounds, tested, within
from analyzer.stats.cells import COSTS, OF_TRAFFIC, Table
from analyzer.stats.compare import Compared
from analyzer.stats.counting import Mask, code_keys, label_counts, number_counts, one_of, ranked
from analyzer.stats.facts import Facts
from analyzer.stats.local_hours import slot_count, slots
from analyzer.stats.onset import began, ended
from analyzer.vocab import CAUSE_GROUPS

#: What a change must be worth: calls, and per cent points of all counted calls.
LEAST_CALLS = 30
LEAST_POINTS = 0.3
#: Lines of a report.
LINES = 10
_AGENTS = 5
#: Part of a cell's calls that makes an endpoint its endpoint.
_NEARLY_ALL = 0.9
_READ = [source for source, group in CAUSE_GROUPS.items() if group == "read"]


@dataclass(frozen=True)
class Contribution:
    """What one cell adds to the change. ``now``: its failures, a mask of the week's calls; counts before are of a mean
    week; ``proof``: those of ``now`` since it began. See `report.lines.ChangeLine` for the rest.
    """

    where: dict[str, str]
    endpoint: str | None
    now: Mask
    proof: Mask
    failures: int
    before: float
    calls: int
    calls_before: float
    points: float
    q: float
    is_rise: bool
    is_redials: bool
    began_ts: int | None
    collapsed: int
    collapsed_before: float
    read_causes: dict[str, int]
    codes: dict[str, int]
    agents: dict[str, int]


@dataclass(frozen=True)
class Contributions:
    """The lines, the most failures first, and how many cells were tested for them."""

    lines: Sequence[Contribution]
    tested: int


def share_difference(week: Facts, before: Sequence[Facts]) -> Difference | None:
    """How much higher the share of failures is than before, points; None where one side has no calls."""
    return difference(_blocks(week), [_blocks(facts) for facts in before])


def _blocks(facts: Facts) -> Blocks:
    slot = slots(facts.population.numbers("invite_ts"), facts.period)
    return blocks(facts.failed, facts.counted, slot, slot_count(facts.period))


def contributions(week: Facts, before: Sequence[Facts]) -> Contributions:
    """What explains the change of failures from a mean week before to this week; both have counted calls."""
    table = Table([week, *before])
    size = int(table.calls[0, 0].sum())
    least = max(float(LEAST_CALLS), size * LEAST_POINTS / 100)
    free = np.ones(len(table.rows), dtype=np.bool_)
    lines = _diallers(table, free, least)
    table.restricted(least / 2)
    found = tested(table, least)
    rounds = Rounds(table, found, least)
    while len(lines) < LINES:
        best = rounds.best(free)
        if best is None:
            break
        number, result = best
        candidate = found.candidates[number]
        place = free & within(table, candidate.where)
        lines.append(_told(table, place, candidate, result, number, found.rate(float(result.p[number]))))
        free &= ~place
    lines.sort(key=lambda line: (-abs(line.failures - line.before), sorted(line.where.items())))
    return Contributions(lines, len(found.p))


def _diallers(table: Table, free: Mask, least: float) -> list[Contribution]:
    """Pairs of numbers that redial so much more, or less, that the sum of all failures shows it; takes their calls."""
    period, size = table.period[table.rows], int(table.pair.max(initial=-1)) + 1
    now = np.bincount(table.pair[table.again & (period == 0)], minlength=size)
    then = np.bincount(table.pair[table.again & (period > 0)], minlength=size) / table.weeks
    more = now - then
    lines = []
    for pair in np.argsort(-np.abs(more), kind="stable")[:LINES].tolist():
        if abs(more[pair]) < least:
            break
        place = table.pair == pair
        points = 100 * float(more[pair]) / int(table.calls[0, 0].sum())
        lines.append(_line(table, place, {}, table.calls[0], points, 1.0, None, True))
        free &= ~place
    return lines


def _told(table: Table, place: Mask, candidate: Candidate, result: Compared, number: int, q: float) -> Contribution:
    is_rise = bool(result.excess[number] > 0)
    clock = within(table, _traffic(candidate), np.arange(len(table))) if candidate.has_own_clock() else None
    moment = _moment(table, place, clock, is_rise, float(result.dispersion[number]))
    own = table.calls[0]
    if not candidate.is_whole:
        rows = np.flatnonzero(within(table, _traffic(candidate), np.arange(len(table))))
        own = table.by_block(np.zeros(len(rows), dtype=np.int64), 1, rows)[0]
    points = 100 * float(result.excess[number]) / int(table.calls[0, 0].sum())
    return _line(table, place, candidate.where, own, points, q, moment, False)


def _traffic(candidate: Candidate) -> dict[str, int]:
    return {name: code for name, code in candidate.where.items() if name in OF_TRAFFIC}


def _moment(table: Table, place: Mask, clock: Mask | None, is_rise: bool, dispersion: float) -> int | None:
    """When failures began, or ended, among calls of ``clock`` of the week and, where it adjoins, the week before."""
    adjoins = table.periods[1].period.to_ts == table.periods[0].period.from_ts
    is_own = table.period <= 1 if adjoins else table.period == (0 if is_rise else 1)
    if clock is not None:
        is_own = is_own & clock
    failed = np.zeros(len(table), dtype=np.bool_)
    failed[table.rows[place & ~table.again]] = True
    return (began if is_rise else ended)(table.times[is_own], failed[is_own], dispersion)


def _line(
    table: Table,
    place: Mask,
    where: Mapping[str, int],
    traffic: Ints,
    points: float,
    q: float,
    moment: int | None,
    is_redials: bool,
) -> Contribution:
    week, weeks = table.periods[0], table.weeks
    period, is_rise = table.period[table.rows], points > 0
    now, then = place & (period == 0), place & (period > 0)
    high = now if is_rise else then
    calls, calls_before = int(traffic[0].sum()), int(traffic[1:].sum())
    failures, before = int(now.sum()), int(then.sum())
    named, endpoint = _named(table, where, high)
    own = np.zeros(len(week.calls), dtype=np.bool_)
    own[table.own_rows[0][table.rows[now]]] = True
    since = own
    if is_rise and moment is not None:
        since = own & (week.population.numbers("invite_ts") >= moment)
    causes, codes, agents = _of_calls(table, high)
    return Contribution(
        where=named,
        endpoint=endpoint,
        now=own,
        proof=since,
        failures=failures,
        before=before / weeks,
        calls=calls,
        calls_before=calls_before / weeks,
        points=points,
        q=q,
        is_rise=is_rise,
        is_redials=is_redials,
        began_ts=moment,
        collapsed=int((now & ~table.again).sum()),
        collapsed_before=int((then & ~table.again).sum()) / weeks,
        read_causes=causes,
        codes=codes,
        agents=agents,
    )


def _named(table: Table, where: Mapping[str, int], high: Mask) -> tuple[dict[str, str], str | None]:
    """A cell in words: its own dimensions, and who, code, cause and agent where all of its calls share them.

    And the endpoint of nearly all of them.
    """
    named = {name: table.names[name][code] for name, code in where.items()}
    endpoint = None
    for name in ("endpoint", "status_code", "cause", "agent"):
        codes, counts = np.unique(table.codes[name][table.rows[high]], return_counts=True)
        if not len(codes) or codes[np.argmax(counts)] < 0:
            continue
        value = table.names[name][codes[np.argmax(counts)]]
        if len(codes) == 1 and (name != "agent" or endpoint is None):
            named[name] = value
        if name == "endpoint" and counts.max() >= _NEARLY_ALL * counts.sum():
            endpoint = value
    return {name: named[name] for name in COSTS if name in named}, endpoint


def _of_calls(table: Table, high: Mask) -> tuple[dict[str, int], dict[str, int], dict[str, int]]:
    """Causes that were read, codes and agents of failed calls, most first; of a mean week."""
    causes: dict[str, int] = {}
    codes: dict[str, int] = {}
    agents: dict[str, int] = {}
    rows = table.rows[high]
    for number, facts in enumerate(table.periods):
        own = table.own_rows[number][rows[table.period[rows] == number] - int((table.period < number).sum())]
        if not len(own):
            continue
        calls: Columns = facts.calls
        is_read = one_of(calls.labels("cause_from").take(own), _READ)
        _add(causes, code_keys(number_counts(np.where(is_read, calls.ints("cause")[own], MISSING), is_read)))
        _add(codes, code_keys(number_counts(calls.ints("status_code")[own])))
        _add(agents, {name: n for name, n in label_counts(calls.labels("callee_agent").take(own)).items() if name})
    weeks = 1 if (table.period[rows] == 0).any() else table.weeks
    found = [ranked({name: -(-count // weeks) for name, count in sums.items()}) for sums in (causes, codes, agents)]
    return found[0], found[1], dict(list(found[2].items())[:_AGENTS])


def _add(sums: dict[str, int], counts: Mapping[str, int]) -> None:
    for name, count in counts.items():
        sums[name] = sums.get(name, 0) + count
