"""What was decided over the last minute, the last hour and since the start: sums that a live run keeps.

Numerators and denominators are kept, never ratios, so that any two spans add up (docs/counting.md). Memory is bounded:
a span is a row of buckets, a bucket names at most so many endpoints, and what finds no room is counted as *other*.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from analyzer.batch import MISSING, Columns, Labels
from analyzer.stats.counting import failures, label_counts, number_counts, unsuccessful
from analyzer.stats.kpi import Ratio
from analyzer.stats.kpis import expanded, kpis
from analyzer.vocab import Family, Outcome

if TYPE_CHECKING:
    from analyzer.config import Config
    from analyzer.registry import Registry
    from analyzer.registry.counting_entries import KpiEntry

SECOND = 1_000_000_000
#: The length of a span's buckets is this or, so that no span has more than `BUCKETS`, a multiple of it; what is decided
#: within one bucket leaves the span together.
BUCKET_S, BUCKETS = 10, 360
MINUTE_S, HOUR_S = 60, 3600
#: The longest span that may be asked for.
LONGEST_S = 24 * HOUR_S
#: Endpoints that a bucket names, and that are named since the start.
BUCKET_ENDPOINTS, ENDPOINTS = 64, 10_000
#: Of a span, which its buckets bound.
UNBOUNDED = 1 << 62

#: Address and network; `OTHER` stands for all that found no room.
Endpoint: TypeAlias = tuple[str, int | None]
OTHER: Endpoint = ("other", None)
#: Of an endpoint: calls that it made, calls that it was sent, answered ones among these, failures charged to it.
MADE, SENT, ANSWERED, CHARGED = range(4)


@dataclass
class Counts:
    """Calls decided in some span.

    ``by_cause`` holds unsuccessful calls alone, ``failures_by_code`` failures alone; a missing number is None.
    ``kpis``: numerator and denominator of each ratio of data/kpis.toml over calls and registrations, by `ratios`.
    ``endpoints``: four numbers each (`MADE` ...). The lists in these two are replaced when they grow, never changed, so
    that a shallow copy of the dicts stays as it is.
    """

    calls: int = 0
    unsuccessful: int = 0
    failures: int = 0
    by_outcome: Counter[str] = field(default_factory=Counter)
    by_family: Counter[str] = field(default_factory=Counter)
    by_code: Counter[int | None] = field(default_factory=Counter)
    failures_by_code: Counter[int | None] = field(default_factory=Counter)
    by_cause: Counter[int | None] = field(default_factory=Counter)
    by_registration: Counter[str] = field(default_factory=Counter)
    kpis: dict[str, list[int]] = field(default_factory=dict)
    endpoints: dict[Endpoint, list[int]] = field(default_factory=dict)

    def ratio(self, kpi: str) -> Ratio:
        """Numerator and denominator of a ratio of data/kpis.toml; 0 of 0 when nothing counted for it."""
        return Ratio(*self.kpis.get(kpi, (0, 0)))

    def add(self, other: Counts, sign: int = 1, room: int = ENDPOINTS, watched: frozenset[str] = frozenset()) -> None:
        """Add what was decided in another span, or with ``sign`` -1 take it out again.

        Not more than ``room`` endpoints stay named, those with a ``watched`` address always.
        """
        self.calls += sign * other.calls
        self.unsuccessful += sign * other.unsuccessful
        self.failures += sign * other.failures
        _add(self.by_outcome, other.by_outcome, sign)
        _add(self.by_family, other.by_family, sign)
        _add(self.by_code, other.by_code, sign)
        _add(self.failures_by_code, other.failures_by_code, sign)
        _add(self.by_cause, other.by_cause, sign)
        _add(self.by_registration, other.by_registration, sign)
        _add_lists(self.kpis, other.kpis, sign)
        _add_lists(self.endpoints, other.endpoints, sign)
        if len(self.endpoints) > room:
            bound_endpoints(self.endpoints, room // 2, watched)

    def top_failing(self, count: int) -> list[tuple[Endpoint, list[int]]]:
        """The endpoints with the most failures charged to them, then with the most calls; without failures none."""
        failing = [(endpoint, counts) for endpoint, counts in self.endpoints.items() if counts[CHARGED]]
        failing.sort(key=lambda item: (item[0] == OTHER, -item[1][CHARGED], -item[1][SENT], item[0][0]))
        return failing[:count]


def _add(counts: Counter[str] | Counter[int | None], other: Counter[str] | Counter[int | None], sign: int) -> None:
    for key, count in other.items():
        total = counts[key] + sign * count  # type: ignore[index]
        if total:
            counts[key] = total  # type: ignore[index]
        else:
            del counts[key]


def _add_lists(lists: dict[str, list[int]] | dict[Endpoint, list[int]], other: object, sign: int) -> None:
    assert isinstance(other, dict)
    for key, numbers in other.items():
        totals = [a + sign * b for a, b in zip(lists.get(key, [0] * len(numbers)), numbers, strict=True)]
        if any(totals):
            lists[key] = totals
        else:
            lists.pop(key, None)


def bound_endpoints(endpoints: dict[Endpoint, list[int]], room: int, watched: frozenset[str] = frozenset()) -> None:
    """Leave the endpoints with most failures, then most calls; the others become one. Totals stay exact.

    Those with a ``watched`` address stay in any case.
    """
    ranked = sorted(
        (endpoint for endpoint in endpoints if endpoint[0] not in watched or endpoint == OTHER),
        key=lambda e: (e == OTHER, -endpoints[e][CHARGED], -sum(endpoints[e]), e[0]),
    )
    other = [0, 0, 0, 0]
    for endpoint in ranked[room:]:
        other = [a + b for a, b in zip(other, endpoints.pop(endpoint), strict=True)]
    if any(other):
        endpoints[OTHER] = [a + b for a, b in zip(endpoints.get(OTHER, [0] * 4), other, strict=True)]


class Span:
    """The sums of the last so many seconds, kept up to date as buckets come and go."""

    def __init__(self, seconds: int, watched: frozenset[str] = frozenset()) -> None:
        self.seconds = seconds
        self.counts = Counts()
        self._watched = watched
        bucket_s = BUCKET_S * -(-seconds // (BUCKET_S * BUCKETS))
        self._bucket_ns, self._length = bucket_s * SECOND, seconds // bucket_s
        self._buckets: deque[tuple[int, Counts]] = deque()

    def add(self, now_ts: int, counts: Counts) -> None:
        """Take what was decided now, ns."""
        bucket = self._bucket(now_ts)
        if self._buckets and self._buckets[-1][0] == bucket:
            held = self._buckets[-1][1]
            before = dict(held.endpoints)
            held.add(counts, room=BUCKET_ENDPOINTS, watched=self._watched)
            # What the bucket no longer names, the span must not name either: it could never be taken out again.
            _add_lists(self.counts.endpoints, before, -1)
            _add_lists(self.counts.endpoints, held.endpoints, 1)
            self.counts.add(replace(counts, endpoints={}), room=UNBOUNDED)
        else:
            held = Counts()
            held.add(counts, room=BUCKET_ENDPOINTS, watched=self._watched)
            self._buckets.append((bucket, held))
            self.counts.add(held, room=UNBOUNDED)
        self.expire(now_ts)

    def expire(self, now_ts: int) -> None:
        """Let go of what is older than the span, ns."""
        oldest = self._bucket(now_ts) - self._length
        while self._buckets and self._buckets[0][0] <= oldest:
            self.counts.add(self._buckets.popleft()[1], -1, room=UNBOUNDED)

    def _bucket(self, now_ts: int) -> int:
        """The bucket of a time. A clock that was set back fills the newest one, so that they stay in order."""
        bucket = now_ts // self._bucket_ns
        return max(bucket, self._buckets[-1][0]) if self._buckets else bucket


class Tally:
    """What was decided, by span; each call once, when it was decided.

    ``since_start`` holds everything; `span` gives the last so many seconds, by the clock that `add` and `tick` are
    told: up to a bucket less. ``spans``: seconds of the spans to keep beside a minute and an hour (alerts bring
    theirs); ValueError for one shorter than a bucket or longer than `LONGEST_S`. ``watched``: addresses that keep
    their name however many others there are.
    """

    def __init__(
        self, registry: Registry, config: Config, spans: Collection[int] = (), watched: Collection[str] = ()
    ) -> None:
        self._registry = registry
        self._config = config
        self.since_start = Counts()
        if any(not BUCKET_S <= seconds <= LONGEST_S for seconds in spans):
            raise ValueError(f"a span is {BUCKET_S} to {LONGEST_S} s")
        self._watched = frozenset(watched)
        self._spans = {seconds: Span(seconds, self._watched) for seconds in sorted({MINUTE_S, HOUR_S, *spans})}

    def add(self, calls: Columns, registrations: Columns, now_ts: int) -> None:
        """Count calls (CallRow) and registrations (RegistrationRow) that were decided now, ns."""
        if not len(calls) and not len(registrations):
            return
        counts = counted(calls, registrations, self._registry, self._config)
        self.since_start.add(counts, watched=self._watched)
        for span in self._spans.values():
            span.add(now_ts, counts)

    def tick(self, now_ts: int) -> None:
        """Let time pass, ns."""
        for span in self._spans.values():
            span.expire(now_ts)

    def span(self, seconds: int) -> Counts:
        """The sums of the last so many seconds; KeyError for a span that was not asked for at the start."""
        return self._spans[seconds].counts


def counted(calls: Columns, registrations: Columns, registry: Registry, config: Config) -> Counts:
    """The sums of some calls and registrations."""
    counts = Counts()
    if len(calls):
        failed, lost = failures(calls), unsuccessful(calls)
        counts.calls, counts.failures, counts.unsuccessful = len(calls), int(failed.sum()), int(lost.sum())
        counts.by_outcome.update(_named(label_counts(calls.labels("outcome"))))
        counts.by_family.update(_named(label_counts(calls.labels("family"))))
        counts.by_code.update(number_counts(calls.ints("status_code")))
        counts.failures_by_code.update(number_counts(calls.ints("status_code"), failed))
        counts.by_cause.update(number_counts(calls.ints("cause"), lost))
        _count_endpoints(counts.endpoints, calls, failed)
    if len(registrations):
        counts.by_registration.update(_named(label_counts(registrations.labels("outcome"))))
    for kpi in kpis(calls, registrations, None, registry, config):
        if isinstance(kpi.figure, Ratio) and not kpi.scanners:
            counts.kpis[_ratio_id(kpi.id, kpi.unit_counted)] = list(kpi.figure)
    return counts


def ratios(registry: Registry, config: Config) -> dict[str, KpiEntry]:
    """The ratios of data/kpis.toml over calls and over registrations, by the id that `Counts.kpis` has them under.

    Failures are a figure of both: ``failures`` of calls, ``registration_failures``.
    """
    found = {}
    for name, entry in expanded(registry.kpis, config.thresholds.short_call_s).items():
        for counted in ("calls", "registrations"):
            if entry.unit == "%" and counted in entry.counts:
                found[_ratio_id(name, counted)] = entry
    return found


def _ratio_id(name: str, counted: str) -> str:
    return "registration_failures" if (name, counted) == ("failures", "registrations") else name


def _named(counts: dict[str | None, int]) -> dict[str, int]:
    return {name: count for name, count in counts.items() if name is not None}


def _count_endpoints(found: dict[Endpoint, list[int]], calls: Columns, failed: object) -> None:
    answered = np.array([name == Outcome.ANSWERED for name in calls.labels("outcome").names] + [False])
    is_answered = answered[calls.labels("outcome").codes]
    networks = calls.ints("network")
    everything = np.ones(len(calls), dtype=np.bool_)
    for name, which, mask in (
        ("caller_ip", MADE, everything),
        ("callee_ip", SENT, everything),
        ("callee_ip", ANSWERED, is_answered),
        ("failed_by_ip", CHARGED, np.asarray(failed, dtype=np.bool_)),
    ):
        labels: Labels = calls.labels(name)
        chosen = mask & (labels.codes >= 0)
        pairs, counts = np.unique(
            np.stack([labels.codes[chosen].astype(np.int64), networks[chosen]], axis=1), axis=0, return_counts=True
        )
        for (code, network), count in zip(pairs.tolist(), counts.tolist(), strict=True):
            endpoint = (labels.names[code], None if network == MISSING else network)
            found.setdefault(endpoint, [0, 0, 0, 0])[which] += count


#: Families in the order in which screens show them.
FAMILIES = tuple(family.value for family in Family)
