"""Lines of the sample report that are about the whole week and its times."""

from __future__ import annotations

from analyzer.report.lines import Change, ChangeLine, HeadlineLine
from analyzer.report.lines_of_traffic import DayLine, DelayLine, DurationBin, Durations, FalseAnswerLine, SpikeLine
from analyzer.stats.kpi import Ratio
from tests.report.sample_calls import HOSTILE, WEEK, at, count


def headline() -> tuple[HeadlineLine, ...]:
    return (
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
    )


def change() -> Change:
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


def day(number: int) -> DayLine:
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


def failures_at(day: int, hour: int, calls: int) -> int:
    return 60 if (day, hour) == (1, 14) else calls // 20


def delays() -> tuple[DelayLine, ...]:
    return (
        DelayLine("pdd", "ms", 7_000, 1_830.4, 1_620.0, 4_210.0, 8_000.0, 31_900.0, 1_590.0, 3_900.0),
        DelayLine("srd", "ms", 6_802, 80.0, 61.0, 210.0, 800.0, 4_000.0, None, None),
        DelayLine("acd", "s", 6_802, 183.42, 60.5, 700.0, 3_600.0, 9_100.0, 61.0, 690.0),
        DelayLine("rrd", "ms", 0, None, None, None, None, None, None, None),
    )


def durations() -> Durations:
    return Durations(
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
    )
