"""The lines of a weekly report: one dataclass for each kind of row, holding numbers and identifiers, never sentences.

``before`` is the same count in the time that the week is compared with: the week before it, or the mean of four; None
without one. Names, meanings of codes and causes and sentences are made by `sections` in the reader's language.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from analyzer.stats.kpi import Ratio
from analyzer.vocab import CauseFrom, Family, Fault, Outcome, Side


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
class Breach:
    """A limit of sipcause.toml that was broken: ``limit`` its key there, ``value`` what was met, when first."""

    subject: str
    limit: str
    bound: float
    value: float
    ts: int | None = None


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
