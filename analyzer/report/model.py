"""The weekly report as a value: every number in it is decided by `weekly`, everything else shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from analyzer.periods import Period
from analyzer.report.lines import (
    Breach,
    CallRef,
    CauseLine,
    Change,
    CodeLine,
    ConflictLine,
    EndpointLine,
    FamilyLine,
    HeadlineLine,
    NoteLine,
    OutcomeLine,
    SeenLine,
)
from analyzer.report.lines_of_traffic import (
    BoundLine,
    DayLine,
    DelayLine,
    DestinationLine,
    Durations,
    EmergencyLine,
    HeatCell,
    MidcallLine,
    OutageLine,
    QualityLine,
    Registrations,
    ReleaseLine,
    ScannerLine,
    SourceLine,
    TrunkLine,
)


@dataclass(frozen=True)
class About:
    """What the report is about and what it was made from."""

    period: Period
    #: The periods that it is compared with, the latest first; empty without.
    compared: tuple[Period, ...]
    #: How much of each compared period there is, in hours that somebody listened to; None where that is not known.
    compared_hours: tuple[float | None, ...]
    #: Folder of the store, None for captures; command lines in the report name it.
    store: str | None
    sources: tuple[SourceLine, ...]
    #: Mapping profile that derived causes.
    profile: str
    version: str
    #: Calls in the period, scanners' among them, and those of scanners, which are in no other figure.
    calls: int
    scanner_calls: int
    #: Calls that had not ended when they were written.
    open_calls: int
    grade: str | None
    #: Captures as they were given, for the commands that the report names; empty for a store.
    captures: tuple[str, ...] = ()


@dataclass(frozen=True)
class WeeklyReport:
    """One week (or another period): the numbers, and the calls that prove them.

    Scanners' calls are in ``scanners`` and ``about`` alone. Every ``Count.shown`` is a key of ``calls``.
    """

    about: About
    headline: tuple[HeadlineLine, ...]
    change: Change
    outcomes: tuple[OutcomeLine, ...]
    families: tuple[FamilyLine, ...]
    codes: tuple[CodeLine, ...]
    causes: tuple[CauseLine, ...]
    conflicts: tuple[ConflictLine, ...]
    #: With failures originated or relayed.
    endpoints: tuple[EndpointLine, ...]
    trunks: tuple[TrunkLine, ...]
    destinations: tuple[DestinationLine, ...]
    emergency: tuple[EmergencyLine, ...]
    #: 7 x 24 cells, Monday 00:00 first.
    heat: tuple[HeatCell, ...]
    delays: tuple[DelayLine, ...]
    registrations: Registrations
    midcall: tuple[MidcallLine, ...]
    releases: tuple[ReleaseLine, ...]
    scanners: tuple[ScannerLine, ...]
    quality: tuple[QualityLine, ...]
    bounds: tuple[BoundLine, ...]
    first_seen: tuple[SeenLine, ...]
    solved: tuple[SeenLine, ...]
    outages: tuple[OutageLine, ...]
    durations: Durations
    notes: tuple[NoteLine, ...]
    #: Thresholds of ``[report.thresholds]`` and limits of trunks that were crossed: exit code 3.
    crossed: tuple[Breach, ...]
    #: The calls that are shown, by key.
    calls: Mapping[str, CallRef]
    #: Each day of the period, in order.
    days: tuple[DayLine, ...] = ()
