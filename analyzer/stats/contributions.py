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
from analyzer.stats.cells import COSTS, OF_TRAFFIC, Combination, Table
from analyzer.stats.compare import NEW, RATE, Compared, compared, false_discovery_rates, usual_dispersion
from analyzer.stats.counting import Mask, code_keys, label_counts, number_counts, one_of, ranked
from analyzer.stats.delays import Reals
from analyzer.stats.facts import Facts
from analyzer.stats.local_hours import slot_count, slots
from analyzer.stats.onset import began, ended
from analyzer.vocab import CAUSE_GROUPS

#: What a change must be worth: calls, and per cent points of all counted calls.
LEAST_CALLS = 30
LEAST_POINTS = 0.3
#: Lines of a report, and cells that are looked at once more for each of them.
LINES = 10
_CANDIDATES = 300
#: A cell that is new (an agent after its update) must be a rise without what makes it new too, in this part at least.
_SHIFT = 0.5
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


@dataclass(frozen=True)
class _Cells:
    """Candidates: the traffic that each is compared by (``is_whole``: that of all calls), what of it is new."""

    where: list[dict[str, int]]
    traffic: Ints
    is_whole: Mask
    shifts: list[tuple[str, ...]]

    def __len__(self) -> int:
        return len(self.where)


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
    tested, cells = _tested(table, least)
    rates = false_discovery_rates(tested)
    cutoff = float(tested[rates <= RATE].max(initial=-1.0))
    members = [~table.again & _within(table, where) for where in cells.where]
    usual = _usual(table, least)
    while len(lines) < LINES and len(cells):
        result = _again(table, cells, members, free, usual)
        number = _best(table, cells, members, result, free, least, cutoff)
        if number is None:
            break
        place = free & _within(table, cells.where[number])
        q = float(rates[tested >= result.p[number]].min(initial=1.0))
        lines.append(_told(table, place, cells, number, result, q))
        free &= ~place
    lines.sort(key=lambda line: (-abs(line.failures - line.before), sorted(line.where.items())))
    return Contributions(lines, len(tested))


def _within(table: Table, where: Mapping[str, int]) -> Mask:
    """The failed calls of a cell."""
    found = np.ones(len(table.rows), dtype=np.bool_)
    for name, code in where.items():
        found &= table.codes[name][table.rows] == code
    return found


def _usual(table: Table, least: float) -> float:
    """The dispersion that is usual among failures of one endpoint with one code."""
    joint, known = table.joint(("endpoint", "status_code"), table.kept)
    _, member = np.unique(joint[known], return_inverse=True)
    rows = table.kept[known]
    if not len(rows):
        return 1.0
    failures = table.by_block(member, int(member.max()) + 1, rows)
    calls = np.broadcast_to(table.calls, failures.shape)
    return usual_dispersion(failures, calls)


def _tested(table: Table, least: float) -> tuple[Reals, _Cells]:
    """p of every cell that is tested, and the candidates among them."""
    usual = _usual(table, least)
    all_p: list[Reals] = []
    found: list[tuple[float, dict[str, int], Ints, bool, tuple[str, ...]]] = []
    for combination in table.combinations(least / 2):
        failures = table.by_block(combination.member, len(combination.values), table.kept)
        traffic, is_whole, shifts = _own_traffic(table, combination)
        result = compared(failures, traffic, usual)
        is_tested = np.maximum(result.now, result.expected) >= least
        all_p.append(result.p[is_tested])
        cost = float(np.prod([COSTS[name] for name in combination.dimensions]))
        eligible = is_tested & (np.abs(result.excess) >= least) & (result.p <= RATE)
        for cell in np.flatnonzero(eligible).tolist():
            where = dict(zip(combination.dimensions, combination.values[cell].tolist(), strict=True))
            found.append((float(result.gain[cell]) * cost, where, traffic[cell], bool(is_whole[cell]), shifts[cell]))
        found = sorted(found, key=lambda one: -one[0])[:_CANDIDATES]
    cells = _Cells(
        [where for _, where, *_ in found],
        np.array([traffic for _, _, traffic, *_ in found]).reshape(len(found), *table.calls.shape[1:]),
        np.array([is_whole for *_, is_whole, _ in found], dtype=np.bool_),
        [shift for *_, shift in found],
    )
    return np.concatenate(all_p) if all_p else np.empty(0), cells


def _own_traffic(table: Table, combination: Combination) -> tuple[Ints, Mask, list[tuple[str, ...]]]:
    """The traffic that each cell is compared by, whether it is that of all calls, and by which dimensions it is new.

    All calls where its own traffic is new or gone, so that there is no rate of its own to compare with, and where
    only its failures are seen (who is charged behind a proxy is called by nobody that we see).
    """
    count = len(combination.values)
    dimensions = tuple(name for name in combination.dimensions if name in OF_TRAFFIC)
    everything = np.broadcast_to(table.calls, (count, *table.calls.shape[1:]))
    nothing: list[tuple[str, ...]] = [()] * count
    if not dimensions:
        return everything, np.ones(count, dtype=np.bool_), nothing
    own, failed = _traffic_of(table, combination, dimensions)
    is_new = _is_new(own, table.weeks)
    total = own.sum(axis=(1, 2))
    only_failures = total - failed < NEW * total
    is_whole = is_new | only_failures
    shifts = nothing
    if is_new.any():
        each = {name: _is_new(_traffic_of(table, combination, (name,))[0], table.weeks) for name in dimensions}
        shifts = [
            (tuple(name for name in dimensions if each[name][cell]) or dimensions) if new else ()
            for cell, new in enumerate(is_new.tolist())
        ]
    return np.where(is_whole[:, None, None], everything, own), is_whole, shifts


def _traffic_of(table: Table, combination: Combination, dimensions: tuple[str, ...]) -> tuple[Ints, Ints]:
    """Calls by period and block, and how many failed, of what each cell has in some dimensions."""
    traffic = table.traffic(dimensions)
    key = np.zeros(len(combination.values), dtype=np.int64)
    for name in dimensions:
        place = combination.dimensions.index(name)
        key = key * max(len(table.names[name]), 1) + combination.values[:, place]
    at = np.searchsorted(traffic.keys, key)
    return traffic.calls[at], traffic.failed[at].sum(axis=1)


def _is_new(calls: Ints, weeks: int) -> Mask:
    """Traffic that nearly all belongs to the week, or to the time before."""
    now, then = calls[:, 0].sum(axis=1), calls[:, 1:].sum(axis=(1, 2)) / weeks
    found: Mask = (now < NEW * then) | (then < NEW * now)
    return found


def _again(table: Table, cells: _Cells, members: Sequence[Mask], free: Mask, usual: float) -> Compared:
    """The candidates compared by the calls that are not told yet."""
    places = [np.flatnonzero(member & free) for member in members]
    cell = np.repeat(np.arange(len(places)), [len(place) for place in places])
    failures = table.by_block(cell, len(places), table.rows[np.concatenate(places)])
    return compared(failures, cells.traffic, usual)


def _best(
    table: Table,
    cells: _Cells,
    members: Sequence[Mask],
    result: Compared,
    free: Mask,
    least: float,
    cutoff: float,
) -> int | None:
    """The candidate that parts best what changed from what did not, among those that count as a change."""
    costs = np.array([np.prod([COSTS[name] for name in where]) for where in cells.where])
    eligible = (np.abs(result.excess) >= least) & (result.p <= cutoff)
    score = np.where(eligible, result.gain * costs, 0.0)
    for number in np.argsort(-score, kind="stable").tolist():
        if score[number] <= 0:
            return None
        excess = float(result.excess[number])
        if not _is_shift(table, cells, members, number, free, excess):
            return int(number)
    return None


def _is_shift(table: Table, cells: _Cells, members: Sequence[Mask], number: int, free: Mask, excess: float) -> bool:
    """Whether failures only have another agent, endpoint or cause than before, and are as many as they were."""
    where, new = cells.where[number], cells.shifts[number]
    kept = free & ~table.again
    if new:
        wider = kept & _within(table, {name: code for name, code in where.items() if name not in new})
        if _excess(table, wider) * np.sign(excess) < _SHIFT * abs(excess):
            return True
    if "cause" in where:
        joint = table.joint(("endpoint", "status_code"), table.rows)[0]
        wider = kept & np.isin(joint, np.unique(joint[members[number] & free]))
        if _excess(table, wider) * np.sign(excess) < _SHIFT * abs(excess):
            return True
    return False


def _excess(table: Table, place: Mask) -> float:
    """Failures beyond what all calls would bring at the old rate."""
    period = table.period[table.rows[place]]
    calls = table.calls[0].sum(axis=1)
    return float((period == 0).sum() - (period > 0).sum() * calls[0] / calls[1:].sum())


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
        lines.append(_line(table, place, {}, table.calls[0], more[pair] > 0, 1.0, None, True))
        free &= ~place
    return lines


def _told(table: Table, place: Mask, cells: _Cells, number: int, result: Compared, q: float) -> Contribution:
    where, is_rise = cells.where[number], bool(result.excess[number] > 0)
    moment = _moment(table, place, cells, number, is_rise, float(result.dispersion[number]))
    return _line(table, place, where, cells.traffic[number], is_rise, q, moment, False)


def _moment(table: Table, place: Mask, cells: _Cells, number: int, is_rise: bool, dispersion: float) -> int | None:
    """When a cell's failures began, or ended, in its traffic of the week and, where it adjoins, the week before."""
    is_own = np.ones(len(table), dtype=np.bool_)
    if not cells.is_whole[number]:
        for name, code in cells.where[number].items():
            if name in OF_TRAFFIC:
                is_own &= table.codes[name] == code
    adjoins = table.periods[1].period.to_ts == table.periods[0].period.from_ts
    is_own &= table.period <= 1 if adjoins else table.period == (0 if is_rise else 1)
    failed = np.zeros(len(table), dtype=np.bool_)
    failed[table.rows[place & ~table.again]] = True
    return (began if is_rise else ended)(table.times[is_own], failed[is_own], dispersion)


def _line(
    table: Table,
    place: Mask,
    where: Mapping[str, int],
    traffic: Ints,
    is_rise: bool,
    q: float,
    moment: int | None,
    is_redials: bool,
) -> Contribution:
    week, weeks = table.periods[0], table.weeks
    period = table.period[table.rows]
    now, then = place & (period == 0), place & (period > 0)
    high = now if is_rise else then
    calls, calls_before = int(traffic[0].sum()), int(traffic[1:].sum())
    failures, before = int(now.sum()), int(then.sum())
    expected = before * calls / calls_before if calls_before else 0.0
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
        points=100 * (failures - expected) / int(table.calls[0, 0].sum()),
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
    return ranked(causes), ranked(codes), dict(list(ranked(agents).items())[:_AGENTS])


def _add(sums: dict[str, int], counts: Mapping[str, int]) -> None:
    for name, count in counts.items():
        sums[name] = sums.get(name, 0) + count
