"""A full weekly report made by hand, with everything that a page must show, hostile texts among it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from analyzer.report.lines import Breach, Change, Count, FamilyLine, HeadlineLine, NoteLine, OutcomeLine, SeenLine
from analyzer.report.lines_of_traffic import (
    BoundLine,
    Durations,
    EmergencyLine,
    HeatCell,
    MidcallLine,
    QualityLine,
    Registrations,
    ReleaseLine,
    ScannerLine,
    SourceLine,
)
from analyzer.report.model import About, WeeklyReport
from analyzer.stats.kpi import Ratio
from analyzer.vocab import Family, Fault, MidcallKind, Outcome, Release
from tests.report import sample_lines as lines
from tests.report import sample_times as times
from tests.report.sample_calls import CALLS, HOSTILE, WEEK, at, call, count, key


def report() -> WeeklyReport:
    """The whole sample: a week that went wrong on a Tuesday."""
    return WeeklyReport(
        about=About(
            period=WEEK,
            compared=WEEK.earlier(1),
            compared_hours=(160.0,),
            store="/srv/sip cause/store",
            sources=(
                SourceLine("eth1", "live", 3, WEEK.from_ts, WEEK.to_ts, 2_345_678, 345_678, 12),
                SourceLine(HOSTILE[0] + ".pcap", "file", 1, at(0, 8), at(0, 9), 1000, 900, 0),
            ),
            profile="rfc3398",
            version="0.6.0",
            calls=10_432,
            scanner_calls=432,
            open_calls=3,
            grade="fair",
        ),
        headline=times.headline(),
        change=times.change(),
        outcomes=(
            OutcomeLine(Outcome.ANSWERED, Fault.NONE, count(6_802, 10), False, 6_650.0),
            OutcomeLine(Outcome.BUSY, Fault.USER, count(1_100, 3), False, 1_000.0),
            OutcomeLine(Outcome.CANCELLED, Fault.CALLER, count(1_189, 20), False, 1_269.0),
            OutcomeLine(Outcome.FAILED, Fault.NETWORK, count(812, 1), True, 200.0),
            OutcomeLine(Outcome.BLOCKED, Fault.SECURITY, count(49, 9), True, 81.0),
            OutcomeLine(Outcome.ELSEWHERE, None, count(45, 30), False, 50.0),
            OutcomeLine(Outcome.OPEN, None, count(3, 33), False, None),
        ),
        families=(
            FamilyLine(Family.SERVER_ERROR, count(760, 1), 190.0),
            FamilyLine(Family.CLIENT_ERROR, count(89, 3), 88.0),
            FamilyLine(Family.VENDOR, count(2, 5), 0.0),
            FamilyLine(None, count(10, 6), 3.0),
        ),
        codes=lines.codes(),
        causes=lines.causes(),
        conflicts=lines.conflicts(),
        endpoints=lines.endpoints(),
        trunks=lines.trunks(),
        destinations=lines.destinations(),
        emergency=(
            EmergencyLine("112", count(14, 10), 12, Count(2, (key(40), key(41)))),
            EmergencyLine("911", count(1, 42), 1, Count(0)),
        ),
        heat=tuple(
            HeatCell(
                day,
                hour,
                1,
                calls := (120 if 8 <= hour < 18 and day < 5 else 8),
                count(times.failures_at(day, hour, calls), hour),
            )
            for day in range(7)
            for hour in range(24)
        ),
        days=tuple(times.day(number) for number in range(7)),
        delays=times.delays(),
        registrations=lines.registrations(),
        midcall=(
            MidcallLine("INVITE", MidcallKind.GLARE, 491, 31, 30, 28.0),
            MidcallLine(HOSTILE[0], MidcallKind.NO_REPLY, None, 3, 0, None),
        ),
        releases=(
            ReleaseLine(Release.NORMAL, None, count(6_500, 10), False, 6_400.0),
            ReleaseLine(Release.ABNORMAL, 38, count(210, 15), True, 180.0),
            ReleaseLine(Release.NO_BYE_SEEN, None, count(92, 16), False, 70.0),
        ),
        scanners=(
            ScannerLine(
                "203.0.113.66",
                None,
                HOSTILE[3],
                140,
                432,
                88,
                12,
                300,
                0,
                at(2, 3),
                at(2, 4),
                "User-Agent of friendly-scanner",
            ),
        ),
        quality=(
            QualityLine("one_sided", 120, 10_000, "fair"),
            QualityLine("dropped", 12, 2_345_678, "good"),
        ),
        bounds=(
            BoundLine("ser", 68.3, 67.9, 68.8, 40, 12),
            BoundLine("ner", 91.4, 91.0, 91.9, 40, 12),
            BoundLine("ira", None, None, None, 0, 0),
        ),
        first_seen=(
            SeenLine("192.0.2.7", "Carrier A", 503, 34, count(398, 1), at(1, 14, 5), 0.0),
            SeenLine(HOSTILE[0], HOSTILE[1], 799, None, count(1, 5), at(3, 1), 0.0),
        ),
        solved=(SeenLine("192.0.2.88", None, 403, 21, count(0), at(0, 0) - 10**14, 31.0),),
        outages=lines.outages(),
        durations=times.durations(),
        notes=(
            NoteLine("holiday", date(2026, 11, 11), "Sint-Maarten"),
            NoteLine("note", date(2026, 11, 10), HOSTILE[0] + " new trunk", at(1, 12)),
        ),
        crossed=(
            Breach("Carrier A", "channels", 60, 61, at(1, 14, 20)),
            Breach("report", "failure_share_max", 5, 8.61),
        ),
        calls={key(number): call(number) for number in range(CALLS)},
    )


def empty() -> WeeklyReport:
    """A week in which nothing happened, with nothing to compare it with."""
    full = report()
    nothing = Registrations(0, {}, {}, Ratio(0, 0), None, None, ())
    return WeeklyReport(
        about=replace(
            full.about, compared=(), compared_hours=(), sources=(), calls=0, scanner_calls=0, open_calls=0, grade=None
        ),
        headline=tuple(HeadlineLine(line.id, line.unit, Ratio(0, 0), None, 1, None, None) for line in full.headline),
        change=Change(0, 0.0, 0, 0.0, None, None, None, (), "no_comparison"),
        outcomes=(),
        families=(),
        codes=(),
        causes=(),
        conflicts=(),
        endpoints=(),
        trunks=(),
        destinations=(),
        emergency=(),
        heat=tuple(HeatCell(day, hour, 1, 0, Count(0)) for day in range(7) for hour in range(24)),
        days=(),
        delays=(),
        registrations=nothing,
        midcall=(),
        releases=(),
        scanners=(),
        quality=(),
        bounds=(),
        first_seen=(),
        solved=(),
        outages=(),
        durations=Durations((), (), (), {}),
        notes=(),
        crossed=(),
        calls={},
    )
