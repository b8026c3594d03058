"""The lines of a weekly report: one dataclass for each kind of row, holding numbers and identifiers, never sentences.

``before`` is the same count in the time that the week is compared with: the week before it, or the mean of four; None
without one. Names, meanings of codes and causes and sentences are made by `sections` in the reader's language.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from analyzer.stats.kpi import Ratio
from analyzer.vocab import CauseFrom, Family, Fault, MidcallKind, Outcome, Release, Side


@dataclass(frozen=True)
class Count:
    """How many calls, and the way to each of them.

    ``shown``: ``call_key`` of the first few, which are in ``WeeklyReport.calls``; ``choice``: the options with which
    ``sipcause calls --store DIR`` lists all of them, empty where no choice gives exactly these.
    """

    calls: int
    shown: tuple[str, ...] = ()
    choice: str = ""


@dataclass(frozen=True)
class CallRef:
    """One call as proof: what a carrier's ticket asks for."""

    key: str
    call_id: str
    invite_ts: int
    a_number: str | None
    b_number: str | None
    carrier: str | None
    caller_ip: str
    callee_ip: str
    outcome: Outcome
    outcome_rule: str
    status_code: int | None
    vendor: str | None
    cause: int | None
    cause_from: CauseFrom | None
    cause_conflict: bool
    failed_by_ip: str | None
    failed_code: int | None
    caller_agent: str | None
    callee_agent: str | None
    #: Capture file or interface, and the frame of its first INVITE there.
    source: str | None
    frame_no: int | None


@dataclass(frozen=True)
class HeadlineLine:
    """One figure of the headline.

    Counts (``calls``, ``answered``, ``failures``, ``unsuccessful``) have ``unit`` ``calls`` and the count as numerator
    over all calls; ratios are those of data/kpis.toml (``ser``, ``seer``, ``ner``, ``asr``).
    """

    id: str
    unit: str
    now: Ratio
    before: Ratio | None
    #: Weeks that ``before`` adds up; counts are divided by it when shown.
    weeks: int
    #: Whether the difference is more than chance (blocks of day and hour), None without a comparison or too few calls.
    is_significant: bool | None
    count: Count | None = None
    #: Where the figure lies whatever became of calls that the captures leave in doubt, per cent.
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class OutcomeLine:
    """Calls by outcome; all lines add up to the calls."""

    outcome: Outcome
    fault: Fault | None
    calls: Count
    is_failure: bool
    before: float | None


@dataclass(frozen=True)
class FamilyLine:
    """Failures by family of their status code; None: no final at all. All lines add up to the failures."""

    family: Family | None
    failures: Count
    before: float | None


@dataclass(frozen=True)
class CodeLine:
    """Failures by status code and vendor pack. All lines add up to the failures."""

    status_code: int | None
    vendor: str | None
    family: Family | None
    failures: Count
    before: float | None


@dataclass(frozen=True)
class CauseLine:
    """Unsuccessful calls by ISDN cause; read + vendor + event + derived = calls where there is a cause."""

    cause: int | None
    hex: str | None
    dss1_hex: str | None
    #: Number of the class in Q.850 (0 and 1 normal, 2 resource unavailable, ...): bits 7-5 of the cause.
    cause_class: int | None
    calls: Count
    read: int
    vendor: int
    event: int
    derived: int
    failures: int
    before: float | None
    #: What the far side may have sent, where the cause was derived.
    candidates: tuple[int, ...] = ()


@dataclass(frozen=True)
class ConflictLine:
    """Calls whose code contradicts the cause that was read with it, by who sent them."""

    status_code: int
    cause: int
    cause_from: CauseFrom
    ip: str | None
    network: int | None
    name: str | None
    calls: Count
    expected: bool
    mapped: int | None
    before: float | None


@dataclass(frozen=True)
class EndpointLine:
    """An endpoint by the failures that it originated, each charged once; ranked by the lower bound of their share."""

    ip: str
    network: int | None
    name: str | None
    side: Side
    originated: Count
    #: Originated failures of the calls that it was sent.
    share: Ratio
    relayed: Count
    calls_as_caller: int
    calls_as_callee: int
    failures_as_caller: int
    conflicts: int
    overflows: int
    by_status_code: dict[str, int]
    before: float | None
    #: Too few calls for its share to say anything (`thresholds.minimum_calls`).
    is_small: bool


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
class Breach:
    """A limit of sipcause.toml that was broken: ``limit`` its key there, ``value`` what was met, when first."""

    subject: str
    limit: str
    bound: float
    value: float
    ts: int | None = None


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
class SeenLine:
    """A way of failing that was not there before, or is not there any more: who, with which code and cause."""

    failed_by_ip: str | None
    name: str | None
    status_code: int | None
    cause: int | None
    calls: Count
    #: First of the week for a new one, last before it for a solved one.
    ts: int
    before: float


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


@dataclass(frozen=True)
class NoteLine:
    """A note of the operator's, or a holiday: from a file. ``kind``: note or holiday."""

    kind: str
    day: date
    text: str
    ts: int | None = None


@dataclass(frozen=True)
class ChangeLine:
    """One cell that explains why there are more, or fewer, failures than before.

    ``where``: dimension to value: ``endpoint`` (address of who is charged, else who was called), ``status_code``
    (``none``: no final), ``cause`` (one that was read), ``agent`` (program of who gave the final), ``caller_agent``,
    ``prefix`` (of the dialled number), ``hours`` (``08-12``, local); those that it takes to tell it from the rest, and
    who, code, cause and agent where all of its calls share them. ``share``: of the whole rise (or fall) in failures,
    per cent, or of that of all lines where that is more; None where the whole went the other way. ``points``: of all
    calls, beyond what its traffic brings at the old rate, redials taken for one. ``q``: false discovery rate at which
    it is significant.
    """

    where: dict[str, str]
    endpoint: str | None
    name: str | None
    failures: Count
    before: float
    calls: int
    calls_before: float
    share: float | None
    points: float
    q: float
    is_rise: bool
    #: When it began (or, of a fall, ended), where a moment can be told; may lie in the time before.
    began_ts: int | None
    #: Failures with redials (same A and B within five minutes) taken for one.
    collapsed: int
    collapsed_before: float
    #: Q.850 causes in Reason headers of these calls, most first, and how many calls have them.
    read_causes: dict[str, int] = field(default_factory=dict)
    codes: dict[str, int] = field(default_factory=dict)
    #: Programs of who gave the final, the first five.
    agents: dict[str, int] = field(default_factory=dict)
    #: One A dials one B again and again: shown because it moves the sum, no significance is claimed (``q`` is 1).
    is_redials: bool = False


@dataclass(frozen=True)
class Change:
    """What explains the change of failures against the time before."""

    failures: int
    failures_before: float
    calls: int
    calls_before: float
    #: Of the difference of the failure share: per cent points, and its 95 % interval by blocks of day and hour.
    points: float | None
    points_low: float | None
    points_high: float | None
    lines: tuple[ChangeLine, ...]
    #: Why nothing can be said: ``no_comparison``, ``few_calls``, ``no_change``; None when the lines can be trusted.
    why_not: str | None
    cells_tested: int = 0
