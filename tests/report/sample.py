"""A full weekly report made by hand, with everything that a page must show, hostile texts among it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from analyzer.periods import parsed_week
from analyzer.report.lines import (
    BoundLine,
    Breach,
    CallRef,
    CauseLine,
    Change,
    ChangeLine,
    CodeLine,
    ConflictLine,
    Count,
    DayLine,
    DelayLine,
    DestinationLine,
    DurationBin,
    Durations,
    EmergencyLine,
    EndpointLine,
    FalseAnswerLine,
    FamilyLine,
    HeadlineLine,
    HeatCell,
    MidcallLine,
    NoteLine,
    OutageLine,
    OutcomeLine,
    QualityLine,
    RegistrationLine,
    Registrations,
    ReleaseLine,
    ScannerLine,
    SeenLine,
    SourceLine,
    SpikeLine,
    TrunkLine,
)
from analyzer.report.model import About, WeeklyReport
from analyzer.stats.kpi import Ratio
from analyzer.vocab import CauseFrom, Family, Fault, MidcallKind, Outcome, Release, Side

ZONE = ZoneInfo("Europe/Amsterdam")
WEEK = parsed_week("2026-W46", ZONE)
#: What strangers write into headers, user parts and device names.
HOSTILE = (
    "<script>window.pwned=1</script>",
    "\"><img src=x onerror='window.pwned=1'>",
    "</style></script><b>bold</b>]]>&amp;&lt;",
    "name\u202egnp.exe\u2066\x00\x1b[31m",
    "{{ 7*7 }}{% raw %}${7*7}`'",
    "javascript:window.pwned=1//",
)
_CALLS = 60


def at(weekday: int, hour: int, minute: int = 0, second: int = 0) -> int:
    """A moment of the week, ns."""
    day = WEEK.days[weekday]
    return int(datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=ZONE).timestamp()) * 10**9


def key(number: int) -> str:
    """The key of a call of the sample."""
    return f"{number:032x}"


def count(calls: int, first: int = 0, choice: str = "") -> Count:
    """A number with up to five of the sample's calls."""
    return Count(calls, tuple(key((first + n) % _CALLS) for n in range(min(calls, 5))), choice)


def call(number: int) -> CallRef:
    """One call of the sample; those below six have a hostile text wherever a stranger writes one."""
    strange = HOSTILE[number] if number < len(HOSTILE) else None
    is_firmware = number % 3 == 0
    return CallRef(
        key=key(number),
        call_id=strange or f"{number:08x}-7f3a@192.0.2.{number}",
        invite_ts=at(1 + number % 5, 14, number, number) + 123_456_789,
        a_number=strange or f"+3120555{number:04d}",
        b_number=strange or f"+4930777{number:04d}",
        carrier=strange or ("Carrier A" if number % 2 else None),
        caller_ip="192.0.2.10",
        callee_ip="198.51.100.7" if is_firmware else "192.0.2.7",
        outcome=Outcome.BUSY if is_firmware else Outcome.FAILED,
        outcome_rule="trunk_busy" if is_firmware else "service_unavailable",
        status_code=486 if is_firmware else 503,
        vendor=None,
        cause=34,
        cause_from=CauseFrom.REASON,
        cause_conflict=is_firmware,
        failed_by_ip="198.51.100.7" if is_firmware else "192.0.2.7",
        failed_code=486 if is_firmware else 503,
        caller_agent=strange or "Asterisk PBX 18.1",
        callee_agent=strange or ("Acme GW 4.2.1" if is_firmware else None),
        source=strange or "monday.pcapng",
        frame_no=None if number == 7 else 1000 + number,
    )


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
        headline=(
            HeadlineLine("calls", "calls", Ratio(10_000, 10_000), Ratio(9_500, 9_500), 1, None, count(10_000)),
            HeadlineLine("answered", "calls", Ratio(6_802, 10_000), Ratio(6_650, 9_500), 1, True, count(6_802, 10)),
            HeadlineLine(
                "failures",
                "calls",
                Ratio(861, 10_000),
                Ratio(281, 9_500),
                1,
                True,
                count(861, 0, "--outcome failed"),
                8.4,
                9.1,
            ),
            HeadlineLine(
                "unsuccessful",
                "calls",
                Ratio(3_150, 10_000),
                Ratio(2_800, 9_500),
                1,
                False,
                count(3_150, 5, "--failed"),
            ),
            HeadlineLine("ser", "%", Ratio(6_802, 9_952), Ratio(6_650, 9_450), 1, True, None, 67.9, 68.8),
            HeadlineLine("seer", "%", Ratio(8_400, 9_952), Ratio(8_410, 9_450), 1, True, None, 84.0, 84.8),
            HeadlineLine("ner", "%", Ratio(9_100, 9_952), Ratio(9_170, 9_450), 1, True, None, 91.0, 91.9),
            HeadlineLine("asr", "%", Ratio(6_802, 9_952), Ratio(6_650, 9_450), 1, False, None, 67.9, 68.8),
        ),
        change=_change(),
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
        codes=(
            CodeLine(503, None, Family.SERVER_ERROR, count(700, 1, "--status 503"), 150.0),
            CodeLine(500, None, Family.SERVER_ERROR, count(60, 2), 40.0),
            CodeLine(403, None, Family.CLIENT_ERROR, count(49, 9), 81.0),
            CodeLine(486, None, Family.CLIENT_ERROR, count(40, 3), 7.0),
            CodeLine(703, "gigaset", Family.VENDOR, count(1, 5), 0.0),
            CodeLine(799, None, Family.VENDOR, count(1, 5), 0.0),
            CodeLine(None, None, None, count(10, 6), 3.0),
        ),
        causes=(
            CauseLine(17, "11", "91", 1, count(1_060, 3), 200, 0, 0, 860, 0, 990.0, (17,)),
            CauseLine(34, "22", "A2", 2, count(740, 1, "--cause 34"), 738, 2, 0, 0, 740, 154.0),
            CauseLine(41, "29", "A9", 2, count(60, 2), 0, 0, 0, 60, 60, 40.0, (41, 42, 38)),
            CauseLine(16, "10", "90", 1, count(1_189, 20), 0, 0, 1_189, 0, 0, 1_269.0),
            CauseLine(99, None, None, 6, count(1, 5), 1, 0, 0, 0, 1, None),
            CauseLine(None, None, None, None, count(51, 6), 0, 0, 0, 0, 10, 3.0),
        ),
        conflicts=(
            ConflictLine(486, 34, CauseFrom.REASON, "198.51.100.7", None, "Acme gateway", count(40, 3), False, 17, 7.0),
            ConflictLine(500, 34, CauseFrom.REASON, "192.0.2.7", 12, None, count(6, 2), True, 41, 6.0),
        ),
        endpoints=(
            EndpointLine(
                "192.0.2.7",
                None,
                "Carrier A",
                Side.OTHER,
                count(412, 1, "--endpoint 192.0.2.7"),
                Ratio(412, 4_100),
                count(0),
                900,
                4_100,
                12,
                6,
                0,
                {"503": 398, "none": 10, "500": 4},
                14.0,
                False,
            ),
            EndpointLine(
                "198.51.100.7",
                12,
                HOSTILE[1],
                Side.OTHER,
                count(349, 3),
                Ratio(349, 3_000),
                count(9, 12),
                700,
                3_000,
                8,
                40,
                0,
                {"486": 40, "503": 309},
                120.0,
                False,
            ),
            EndpointLine(
                "192.0.2.99",
                None,
                None,
                Side.OWN,
                count(2, 8),
                Ratio(2, 9),
                count(0),
                3,
                9,
                0,
                0,
                0,
                {"404": 2},
                None,
                True,
            ),
            EndpointLine(
                "192.0.2.1",
                None,
                "SBC",
                Side.OWN,
                count(0),
                Ratio(0, 8_000),
                count(702, 4),
                8_000,
                8_000,
                861,
                0,
                0,
                {},
                190.0,
                False,
            ),
        ),
        trunks=(
            TrunkLine(
                "Carrier A",
                True,
                "to",
                count(4_100, 1),
                Ratio(2_700, 4_100),
                Ratio(3_600, 4_080),
                count(412, 1),
                183.4,
                8_253.0,
                1_830.0,
                4_210.0,
                61,
                at(1, 14, 20),
                60,
                9,
                at(1, 14, 21),
                8.0,
                at(1, 14),
                290,
                120,
                3,
                131,
                Ratio(2_900, 3_900),
                3_900.0,
                (Breach("Carrier A", "channels", 60, 61, at(1, 14, 20)), Breach("Carrier A", "asr_min", 70, 65.9)),
            ),
            TrunkLine(
                "203.0.113.4",
                False,
                "from",
                count(12, 4),
                Ratio(0, 12),
                Ratio(0, 0),
                count(2, 4),
                None,
                0.0,
                None,
                None,
                1,
                at(3, 9),
                None,
                1,
                at(3, 9),
                None,
                None,
                0,
                0,
                0,
                0,
                None,
                None,
            ),
        ),
        destinations=(
            DestinationLine(
                "+49",
                "DE",
                count(3_012, 1),
                count(401, 1),
                Ratio(1_900, 3_000),
                Ratio(2_500, 3_000),
                190.0,
                6_016.7,
                Ratio(20, 2_900),
                False,
            ),
            DestinationLine(
                "+31",
                HOSTILE[4],
                count(6_900, 2),
                count(455, 2),
                Ratio(4_890, 6_870),
                Ratio(6_500, 6_870),
                160.0,
                13_040.0,
                Ratio(250, 6_500),
                False,
            ),
            DestinationLine(
                "(none)", None, count(5, 5), count(5, 5), Ratio(0, 5), Ratio(0, 5), None, 0.0, Ratio(0, 0), True
            ),
        ),
        emergency=(
            EmergencyLine("112", count(14, 10), 12, Count(2, (key(40), key(41)))),
            EmergencyLine("911", count(1, 42), 1, Count(0)),
        ),
        heat=tuple(
            HeatCell(
                day, hour, 1, calls := (120 if 8 <= hour < 18 and day < 5 else 8), count(_heat(day, hour, calls), hour)
            )
            for day in range(7)
            for hour in range(24)
        ),
        days=tuple(_day(number) for number in range(7)),
        delays=(
            DelayLine("pdd", "ms", 7_000, 1_830.4, 1_620.0, 4_210.0, 8_000.0, 31_900.0, 1_590.0, 3_900.0),
            DelayLine("srd", "ms", 6_802, 80.0, 61.0, 210.0, 800.0, 4_000.0, None, None),
            DelayLine("acd", "s", 6_802, 183.42, 60.5, 700.0, 3_600.0, 9_100.0, 61.0, 690.0),
            DelayLine("rrd", "ms", 0, None, None, None, None, None, None, None),
        ),
        registrations=Registrations(
            20_000,
            {"registered": 19_700, "rejected": 290, "timed_out": 10},
            {"200": 19_700, "403": 290, "none": 10},
            Ratio(300, 20_000),
            Ratio(120, 19_000),
            19_000.0,
            (RegistrationLine("192.0.2.50", "192.0.2.1", "Desk 50", HOSTILE[2], 310, 300, {"403": 290, "none": 10}),),
        ),
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
        outages=(
            OutageLine(
                "only_failures", "192.0.2.7", "Carrier A", at(1, 14, 5), at(1, 15, 40), 131, 140.0, count(131, 1)
            ),
            OutageLine("capture_gap", "eth1", None, at(2, 3), at(2, 3, 20), 0, 12.5),
            OutageLine("peer_down", "198.51.100.9", HOSTILE[2], at(4, 8), at(4, 8, 2), 4, None),
        ),
        durations=Durations(
            (
                DurationBin(0, 1, count(40, 10)),
                DurationBin(1, 10, count(400, 11)),
                DurationBin(10, 60, count(2_900, 12)),
                DurationBin(60, 600, count(2_960, 13)),
                DurationBin(600, None, count(502, 14)),
            ),
            (SpikeLine(32.0, count(190, 15), 21.4, True), SpikeLine(900.0, count(4, 16), 5.0, False)),
            (FalseAnswerLine("203.0.113.9", None, count(60, 17), Ratio(60, 90)),),
            {"6": Ratio(210, 6_802)},
        ),
        notes=(
            NoteLine("holiday", date(2026, 11, 11), "Sint-Maarten"),
            NoteLine("note", date(2026, 11, 10), HOSTILE[0] + " new trunk", at(1, 12)),
        ),
        crossed=(
            Breach("Carrier A", "channels", 60, 61, at(1, 14, 20)),
            Breach("report", "failure_share_max", 5, 8.61),
        ),
        calls={key(number): call(number) for number in range(_CALLS)},
    )


def _day(number: int) -> DayLine:
    calls, failures = (1_800 if number < 5 else 500), (300 if number == 1 else 90 if number < 5 else 101)
    answered = Ratio(calls * 2 // 3, calls)
    network = Ratio(calls - failures, calls)
    families = {"server_error": failures - 10, "client_error": 8, "none": 2}
    return DayLine(
        WEEK.days[number],
        24,
        calls,
        answered.numerator,
        count(failures, number),
        families,
        answered,
        network,
        answered,
        1_700.0,
        40.0,
    )


def _heat(day: int, hour: int, calls: int) -> int:
    return 60 if (day, hour) == (1, 14) else calls // 20


def _change() -> Change:
    return Change(
        failures=861,
        failures_before=281.0,
        calls=10_000,
        calls_before=9_500.0,
        points=5.65,
        points_low=4.1,
        points_high=7.2,
        lines=(
            ChangeLine(
                {"status_code": "503", "endpoint": "192.0.2.7"},
                "192.0.2.7",
                None,
                count(412, 1, "--status 503"),
                14.0,
                4_100,
                3_900.0,
                71.0,
                3.9,
                0.00001,
                True,
                at(1, 14, 5),
                230,
                11.0,
                {"34": 398},
                {"503": 412},
                {},
            ),
            ChangeLine(
                {"cause": "34", "agent": HOSTILE[0]},
                "198.51.100.7",
                "Acme gateway",
                count(40, 3),
                7.0,
                300,
                280.0,
                5.7,
                0.33,
                0.004,
                True,
                at(2, 9),
                40,
                7.0,
                {"34": 40},
                {"486": 40},
                {HOSTILE[0]: 38, "Acme GW 4.2.1": 2},
            ),
            ChangeLine(
                {"status_code": "403", "prefix": "+88"},
                None,
                None,
                count(49, 9),
                81.0,
                200,
                260.0,
                -5.5,
                -0.4,
                0.008,
                False,
                at(0, 17),
                40,
                70.0,
            ),
        ),
        why_not=None,
        cells_tested=812,
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
