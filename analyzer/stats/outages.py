"""Outages of a period by kind, each from its own tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from analyzer.stats.counting import Mask, one_of
from analyzer.stats.dead_trunks import only_failures
from analyzer.stats.facts import Facts
from analyzer.stats.listened import by_source, listened
from analyzer.stats.lost_registrations import lost_registrations
from analyzer.stats.peers_down import peers_down
from analyzer.stats.population import Population
from analyzer.stats.silences import Silence, silences
from analyzer.stats.trunk_figures import chosen_subjects, mask_of
from analyzer.stats.trunk_traffic import DIRECTIONS, TO, seizures
from analyzer.stats.usual import Seen, Usual

#: The subject of what concerns everything.
ALL = "(all)"
#: Outages of each kind: those with the most calls or requests behind them.
MOST = 50


@dataclass(frozen=True)
class Outage:
    """As `report.lines.OutageLine`; ``failed`` are the failures in that time as a mask over ``facts.calls``."""

    kind: str
    subject: str
    from_ts: int
    to_ts: int
    count: int
    expected: float | None
    failed: Mask | None = None
    within_s: float | None = None

    @property
    def weight(self) -> float:
        """How much stands behind it."""
        return max(self.count, self.expected or 0.0)


def outages(week: Facts, before: Sequence[Facts], kind: str) -> Iterator[Outage]:
    """The outages of one of `KINDS`, the heaviest first and no more than `MOST`."""
    found = sorted(_FINDERS[kind](week, before), key=lambda outage: (-outage.weight, outage.from_ts, outage.subject))
    yield from found[:MOST]


def capture_gaps(week: Facts, before: Sequence[Facts]) -> Iterator[Outage]:
    """Nobody listened; or one live source did not, between times when it did."""
    spans = listened(week.part)
    if spans is None:
        return
    period, seen = week.period, _seen(week)
    usual = Usual(seen, [_seen(facts) for facts in before])

    def gap(subject: str, begin: int, end: int, expects: bool) -> Outage:
        low, high = np.searchsorted(seen.starts, [begin, end])
        like = float(usual.like(np.array([begin]), np.array([end]))[0]) if expects else float("nan")
        return Outage("capture_gap", subject, begin, end, int(high - low), None if np.isnan(like) else like)

    for begin, end in spans.gaps(period.from_ts, period.to_ts):
        yield gap(ALL, begin, end, expects=True)
    for source, own in by_source(week.part).items():
        if len(own.starts):
            for begin, end in own.gaps(int(own.starts[0]), int(own.ends[-1])):
                heard = spans.length(np.array([begin]), np.array([end]))[0]
                if heard > (end - begin) // 2:  # else it is the gap of everybody
                    yield gap(source, begin, end, expects=False)


def no_traffic(week: Facts, before: Sequence[Facts]) -> Iterator[Outage]:
    """Somebody listened, and no calls came; at all, or with one of our trunks."""
    everything = silences(_seen(week), [_seen(facts) for facts in before])
    yield from (_silent(ALL, silence) for silence in everything)
    trunks = sorted({name for direction in DIRECTIONS for name in _named(week, direction)})
    for name in trunks:
        now, past = _seen_of(week, name), [_seen_of(facts, name) for facts in before]
        for silence in silences(now, past):
            if not any(_overlap(silence, other) * 2 > silence.to_ts - silence.from_ts for other in everything):
                yield _silent(name, silence)


def down(week: Facts, before: Sequence[Facts]) -> Iterator[Outage]:
    """Peers whose OPTIONS were not answered, or refused."""
    others = week.part["others"]
    if not len(others):
        return
    scanners = {scanner.row.ip for scanner in week.scanning.scanners}
    known = {ip for ip in others.labels("server_ip").names if week.config.alias(ip) is not None}
    earlier = (facts.part["others"] for facts in before)
    starts = week.population.numbers("invite_ts")
    found_down = peers_down(others, earlier, scanners, known, listened(week.part))
    for found in sorted(found_down, key=lambda found: -found.requests)[:MOST]:
        failed = week.failed & (starts >= found.from_ts) & (starts <= found.to_ts)
        if len(week.calls):
            failed &= one_of(week.calls.labels("failed_by_ip"), {found.ip})
        yield Outage("peer_down", found.ip, found.from_ts, found.to_ts, found.requests, None, failed, found.within_s)


def lost(week: Facts, before: Sequence[Facts]) -> Iterator[Outage]:
    """Registrations that ran out: many of one registrar at once, or of a client that tried and failed."""
    for found in lost_registrations(week.part["registrations"], week.period, listened(week.part)):
        is_event = found.clients > 1
        yield Outage(
            "registration_lost", found.ip, found.from_ts, found.to_ts,
            found.clients if is_event else found.failures, float(found.registered) if is_event else None,
        )  # fmt: skip


def dead(week: Facts, before: Sequence[Facts]) -> Iterator[Outage]:
    """Trunks and peers of which nothing but failures came back."""
    found = seizures(week, TO)
    for subject in chosen_subjects(found, week.config.thresholds.minimum_calls):
        there = found.of(subject)
        rows = Population(there.calls, "calls", week.population.entries)
        for run in only_failures(rows, there.row):
            failed = mask_of(run.rows, len(week.calls))
            yield Outage(
                "only_failures", found.subjects[subject], run.from_ts, run.to_ts, len(run.rows), run.expected, failed
            )


_FINDERS: Mapping[str, Callable[[Facts, Sequence[Facts]], Iterator[Outage]]] = {
    "capture_gap": capture_gaps,
    "no_traffic": no_traffic,
    "peer_down": down,
    "registration_lost": lost,
    "only_failures": dead,
}
#: The kinds of outages, those first that explain the others.
KINDS = tuple(_FINDERS)


def _silent(subject: str, silence: Silence) -> Outage:
    return Outage("no_traffic", subject, silence.from_ts, silence.to_ts, silence.calls, silence.expected)


def _overlap(one: Silence, other: Silence) -> int:
    return max(min(one.to_ts, other.to_ts) - max(one.from_ts, other.from_ts), 0)


def _seen(facts: Facts) -> Seen:
    return Seen(facts.period, np.sort(facts.population.numbers("invite_ts")), listened(facts.part))


def _named(facts: Facts, direction: str) -> list[str]:
    found = seizures(facts, direction)
    return [name for name, is_named in zip(found.subjects, found.is_named, strict=True) if is_named]


def _seen_of(facts: Facts, name: str) -> Seen:
    """When calls to and from one of our trunks began."""
    starts = [np.empty(0, dtype=np.int64)]
    for direction in DIRECTIONS:
        found = seizures(facts, direction)
        for code, known in enumerate(found.subjects):
            if known == name and found.is_named[code]:
                starts.append(found.of(code).calls.ints("invite_ts"))
    return Seen(facts.period, np.sort(np.concatenate(starts)), listened(facts.part))
