"""More lines of a weekly report: traffic by carrier, destination, hour and day, delays, durations, outages, captures.

As in `lines`, which has what failed, why and whose failures they were.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from analyzer.report.lines import Breach, Count
from analyzer.stats.kpi import Ratio
from analyzer.vocab import MidcallKind, Release


@dataclass(frozen=True)
class TrunkLine:
    """Traffic with one carrier in one direction; ``direction``: ``to`` (we call) or ``from`` (it calls)."""

    name: str
    #: Addresses that stand for it when it has no name of ours.
    is_named: bool
    direction: str
    attempts: Count
    asr: Ratio
    ner: Ratio
    failures: Count
    acd_s: float | None
    minutes: float
    pdd_p50_ms: float | None
    pdd_p95_ms: float | None
    peak_calls: int
    peak_calls_ts: int | None
    channels: int | None
    peak_cps: int
    peak_cps_ts: int | None
    contracted_cps: float | None
    peak_hour_ts: int | None
    peak_hour_attempts: int
    #: At the peak hour: calls with cause 34, with 42, with code 503.
    peak_hour_34: int
    peak_hour_42: int
    peak_hour_503: int
    asr_before: Ratio | None
    attempts_before: float | None
    #: Which limits of ``sipcause.toml`` were broken: channels, calls_per_second, asr_min, ner_min, ...
    breaches: tuple[Breach, ...] = ()


@dataclass(frozen=True)
class DestinationLine:
    """Calls by dial code of the normalised dialled number; ``+31``, ``+3120``; ``(none)`` where it is no number."""

    prefix: str
    #: Name of ours, else ISO 3166 code of the country that the code belongs to, where it is one country's.
    name: str | None
    attempts: Count
    failures: Count
    asr: Ratio
    ner: Ratio
    acd_s: float | None
    minutes: float
    failure_share_before: Ratio | None
    is_small: bool


@dataclass(frozen=True)
class EmergencyLine:
    """Calls to one emergency number. ``failed`` has every call that was not answered, each of them shown."""

    number: str
    calls: Count
    answered: int
    failed: Count


@dataclass(frozen=True)
class HeatCell:
    """One local hour of the week: ``weekday`` 0 = Monday. ``hours``: 0 where clocks skip it, 2 where they repeat it."""

    weekday: int
    hour: int
    hours: int
    calls: int
    failures: Count


@dataclass(frozen=True)
class DayLine:
    """One local day of the period; all lines add up to the headline.

    ``by_family``: failures by family of their status code, ``none`` without a final; they add up to ``failures``.
    ``calls_before`` and ``failures_before``: the day at the same place of the time before (mean of its weeks); None
    without one. The ratios are those of data/kpis.toml on that day's calls.
    """

    day: date
    hours: int
    calls: int
    answered: int
    failures: Count
    by_family: dict[str, int]
    asr: Ratio
    ner: Ratio
    ser: Ratio
    calls_before: float | None
    failures_before: float | None


@dataclass(frozen=True)
class DelayLine:
    """A delay of data/kpis.toml (srd, srd_failed, pdd, sdd, rrd, acd, ...)."""

    kpi: str
    unit: str
    count: int
    mean: float | None
    p50: float | None
    p95: float | None
    p99: float | None
    maximum: float | None
    p50_before: float | None
    p95_before: float | None


@dataclass(frozen=True)
class RegistrationLine:
    """Registrations of one client and registrar that did not all succeed."""

    client_ip: str
    registrar_ip: str
    name: str | None
    user_agent: str | None
    total: int
    failed: int
    by_status_code: dict[str, int]


@dataclass(frozen=True)
class Registrations:
    """All registrations of the week."""

    total: int
    by_outcome: dict[str, int]
    by_status_code: dict[str, int]
    ira: Ratio
    ira_before: Ratio | None
    total_before: float | None
    lines: tuple[RegistrationLine, ...]


@dataclass(frozen=True)
class MidcallLine:
    """Requests inside dialogs that were refused or unanswered."""

    method: str
    kind: MidcallKind
    status_code: int | None
    requests: int
    resolved: int
    before: float | None


@dataclass(frozen=True)
class ReleaseLine:
    """How answered calls ended; all lines add up to the answered calls. ``is_drop``: counts as broken."""

    release: Release | None
    cause: int | None
    calls: Count
    is_drop: bool
    before: float | None


@dataclass(frozen=True)
class ScannerLine:
    """An endpoint that tries doors: its calls are in no figure above."""

    ip: str
    network: int | None
    agent: str | None
    score: int
    calls: int
    registrations: int
    others: int
    targets: int
    successes: int
    first_ts: int | None
    last_ts: int | None
    reasons: str


@dataclass(frozen=True)
class QualityLine:
    """One thing that limits what was captured can say: a check of data/vantage.toml."""

    check: str
    affected: int
    total: int
    grade: str


@dataclass(frozen=True)
class BoundLine:
    """Between which values a figure lies, per cent, however the doubtful calls turned out."""

    kpi: str
    value: float | None
    low: float | None
    high: float | None
    doubtful: int
    outside: int


@dataclass(frozen=True)
class SourceLine:
    """A capture or a listener: what it gave in the period."""

    source: str
    kind: str
    runs: int
    from_ts: int | None
    to_ts: int | None
    frames: int
    sip_messages: int
    dropped: int


@dataclass(frozen=True)
class OutageLine:
    """A time in which something was not there.

    ``kind``: ``capture_gap`` (nobody listened), ``no_traffic`` (somebody did, and nothing came where it usually does),
    ``peer_down`` (OPTIONS of a peer unanswered or refused), ``registration_lost``, ``only_failures`` (a trunk answered
    nothing).
    """

    kind: str
    subject: str
    name: str | None
    from_ts: int
    to_ts: int
    #: Calls or requests that stand behind it; what usually comes in as long a time.
    count: int
    expected: float | None
    #: Failures in that time.
    failures: Count | None = None
    #: How far its ends may lie from the truth, s, where that is known (tallies of OPTIONS have the last time alone).
    within_s: float | None = None


@dataclass(frozen=True)
class DurationBin:
    """Answered calls that lasted so long, s; ``to_s`` None = and longer."""

    from_s: float
    to_s: float | None
    calls: Count


@dataclass(frozen=True)
class SpikeLine:
    """A length at which more calls end than beside it: a timer, not a person. ``expected`` by the lengths beside it."""

    at_s: float
    calls: Count
    expected: float
    is_spike: bool


@dataclass(frozen=True)
class Durations:
    """How long answered calls lasted."""

    bins: tuple[DurationBin, ...]
    spikes: tuple[SpikeLine, ...]
    #: Answered at once or without anything heard, and hung up by the caller within seconds: who answers falsely.
    false_answers: tuple[FalseAnswerLine, ...]
    #: By seconds: answered calls shorter than that.
    short: dict[str, Ratio]


@dataclass(frozen=True)
class FalseAnswerLine:
    """Calls that somebody answered and that callers left at once, more than is usual."""

    ip: str
    name: str | None
    calls: Count
    share: Ratio
