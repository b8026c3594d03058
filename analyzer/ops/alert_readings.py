"""What a condition measures at a moment: numerator and denominator, and the endpoints that it holds for."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import NamedTuple

from analyzer.ops.alert_rules import COMPARISONS, NOT_COUNTED, Condition, What, span_text
from analyzer.stats.snapshot import LiveSnapshot
from analyzer.stats.tally import CHARGED, OTHER, SECOND, SENT, Counts, Endpoint
from analyzer.vocab import Outcome, RegistrationOutcome
from analyzer.wiretext import printable_text

#: Endpoints that one notice names, and the samples that a `Rise` keeps.
NAMED, SAMPLES = 5, 360


class Reading(NamedTuple):
    """How many of how many; ``denominator`` is None for a count. ``endpoint``: whom it is about, None for all."""

    numerator: int
    denominator: int | None = None
    endpoint: Endpoint | None = None

    @property
    def value(self) -> float | None:
        """The count, or the share between 0 and 1; None where nothing was counted."""
        if self.denominator is None:
            return float(self.numerator)
        return self.numerator / self.denominator if self.denominator else None

    def holds(self, condition: Condition) -> bool:
        """Whether the condition is met, exactly, by a sample that is large enough."""
        if self.denominator is None:
            return COMPARISONS[condition.comparison](self.numerator, condition.bound)
        if self.denominator < max(condition.sample, 1):
            return False
        return COMPARISONS[condition.comparison](Fraction(self.numerator, self.denominator), condition.bound)

    def __str__(self) -> str:
        if self.denominator is None:
            return f"{self.numerator:,}"
        counted = f"{self.numerator:,} of {self.denominator:,}"
        return f"{100 * self.numerator / self.denominator:.1f} % ({counted})" if self.denominator else counted


def reading(condition: Condition, counts: Counts) -> Reading:
    """What a condition measures in the sums of its span; not for `any endpoint`, drops and silence."""
    numerator, denominator = _parts(condition, counts)
    return Reading(numerator, None if condition.is_count else denominator)


def _parts(condition: Condition, counts: Counts) -> tuple[int, int]:
    subject = condition.subject
    decided = counts.calls - counts.by_outcome[Outcome.OPEN]
    counted = counts.calls - sum(counts.by_outcome[name] for name in NOT_COUNTED)
    match condition.what:
        case What.KPI:
            return counts.ratio(str(subject))
        case What.CALLS:
            return counts.calls, counts.calls
        case What.UNSUCCESSFUL:
            return counts.unsuccessful, counted
        case What.OUTCOME:
            return counts.by_outcome[str(subject)], counted
        case What.FAMILY:
            return counts.by_family[str(subject)], decided
        case What.CODE:
            return counts.by_code[_number(subject)], decided
        case What.CAUSE:
            return counts.by_cause[_number(subject)], counted
        case What.REGISTRATIONS:
            known = sum(counts.by_registration.values()) - counts.by_registration[RegistrationOutcome.OPEN]
            return counts.by_registration[str(subject)], known
        case What.ENDPOINT:
            mine = [numbers for (ip, _), numbers in counts.endpoints.items() if ip == subject]
            return _of_endpoint([sum(numbers[which] for numbers in mine) for which in range(4)])
        case _:
            raise AssertionError(condition.what)


def _number(subject: str | int | None) -> int | None:
    return None if subject is None else int(subject)


def _of_endpoint(numbers: list[int]) -> tuple[int, int]:
    """Failures charged to an endpoint, and calls that it was sent.

    One that is charged with more than it was sent stands behind a proxy that the capture saw: the calls that reached
    it are not known, nor is a share of them.
    """
    return numbers[CHARGED], numbers[SENT] if numbers[CHARGED] <= numbers[SENT] else 0


def holding_endpoints(condition: Condition, counts: Counts) -> list[Reading]:
    """The endpoints that an `any endpoint` condition holds for, those with most failures first."""
    found = list(_holding(condition, counts.endpoints))
    return sorted(found, key=lambda r: (-r.numerator, r.denominator or 0, r.endpoint or OTHER))


def _holding(condition: Condition, endpoints: Mapping[Endpoint, list[int]]) -> Iterator[Reading]:
    for endpoint, numbers in endpoints.items():
        if endpoint != OTHER:
            numerator, denominator = _of_endpoint(numbers)
            measured = Reading(numerator, None if condition.is_count else denominator, endpoint)
            if measured.holds(condition):
                yield measured


class Rise:
    """By how much a counter rose within a span; samples are a 360th of it apart, a second at least."""

    def __init__(self, span_s: int, start_ts: int) -> None:
        self._span_ns = span_s * SECOND
        self._step_ns = max(self._span_ns // SAMPLES, SECOND)
        self._risen, self._last = 0, 0
        self._samples: deque[tuple[int, int]] = deque([(start_ts, 0)])

    def add(self, now_ts: int, value: int) -> int:
        """Take the counter's value now; returns the rise since the beginning of the span.

        A counter that went back began anew.
        """
        self._risen += value - self._last if value >= self._last else value
        self._last = value
        if now_ts - self._samples[-1][0] >= self._step_ns:
            self._samples.append((now_ts, self._risen))
        while len(self._samples) > 1 and self._samples[1][0] <= now_ts - self._span_ns:
            self._samples.popleft()
        return self._risen - self._samples[0][1]

    def begin(self, now_ts: int) -> None:
        """The span begins now: the clock was set back."""
        self._samples = deque([(now_ts, self._risen)])

    def covers(self, now_ts: int) -> bool:
        """Whether the whole span was seen."""
        return now_ts - self._samples[0][0] >= self._span_ns


def frames_lost(snapshot: LiveSnapshot) -> int:
    """Frames lost so far, wherever."""
    return snapshot.dropped + snapshot.queue_dropped


def described(condition: Condition, readings: list[Reading], names: Mapping[str, str | None]) -> str:
    """What was measured, as a notice tells it; ``names``: aliases by address."""
    if condition.what is What.SILENCE:
        count = readings[0].numerator if readings else 0
        seen = "no SIP message" if not count else f"SIP messages {count:,}"
        return f"{seen} over {span_text(condition.span_s)}"
    if condition.what is not What.ANY_ENDPOINT:
        few = readings[0].denominator is not None and readings[0].denominator < condition.sample
        note = f", fewer than {condition.sample}" if few else ""
        return f"{condition.title} {readings[0]}{note} over {span_text(condition.span_s)}"
    shown = [f"{endpoint_text(reading.endpoint, names)} {reading}" for reading in readings[:NAMED] if reading.endpoint]
    more = f" and {len(readings) - NAMED} more" if len(readings) > NAMED else ""
    failing = ", ".join(shown) + more if shown else "none"
    return f"{condition.title}: {failing} over {span_text(condition.span_s)}"


def endpoint_text(endpoint: Endpoint, names: Mapping[str, str | None]) -> str:
    """An endpoint with its alias and network, safe to show."""
    ip, network = endpoint
    beside = [text for text in (names.get(ip), None if network is None else f"network {network}") if text]
    return printable_text(f"{ip} ({', '.join(beside)})" if beside else ip)
