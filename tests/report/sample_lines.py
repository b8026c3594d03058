"""Lines of the sample report, kind by kind."""

from __future__ import annotations

from analyzer.report.lines import Breach, CauseLine, CodeLine, ConflictLine, EndpointLine
from analyzer.report.lines_of_traffic import DestinationLine, OutageLine, RegistrationLine, Registrations, TrunkLine
from analyzer.stats.kpi import Ratio
from analyzer.vocab import CauseFrom, Family, Side
from tests.report.sample_calls import HOSTILE, at, count


def codes() -> tuple[CodeLine, ...]:
    return (
        CodeLine(503, None, Family.SERVER_ERROR, count(700, 1, "--status 503"), 150.0),
        CodeLine(500, None, Family.SERVER_ERROR, count(60, 2), 40.0),
        CodeLine(403, None, Family.CLIENT_ERROR, count(49, 9), 81.0),
        CodeLine(486, None, Family.CLIENT_ERROR, count(40, 3), 7.0),
        CodeLine(703, "gigaset", Family.VENDOR, count(1, 5), 0.0),
        CodeLine(799, None, Family.VENDOR, count(1, 5), 0.0),
        CodeLine(None, None, None, count(10, 6), 3.0),
    )


def causes() -> tuple[CauseLine, ...]:
    return (
        CauseLine(17, "11", "91", 1, count(1_060, 3), 200, 0, 0, 860, 0, 990.0, (17,)),
        CauseLine(34, "22", "A2", 2, count(740, 1, "--cause 34"), 738, 2, 0, 0, 740, 154.0),
        CauseLine(41, "29", "A9", 2, count(60, 2), 0, 0, 0, 60, 60, 40.0, (41, 42, 38)),
        CauseLine(16, "10", "90", 1, count(1_189, 20), 0, 0, 1_189, 0, 0, 1_269.0),
        CauseLine(99, None, None, 6, count(1, 5), 1, 0, 0, 0, 1, None),
        CauseLine(None, None, None, None, count(51, 6), 0, 0, 0, 0, 10, 3.0),
    )


def conflicts() -> tuple[ConflictLine, ...]:
    return (
        ConflictLine(486, 34, CauseFrom.REASON, "198.51.100.7", None, "Acme gateway", count(40, 3), False, 17, 7.0),
        ConflictLine(500, 34, CauseFrom.REASON, "192.0.2.7", 12, None, count(6, 2), True, 41, 6.0),
    )


def endpoints() -> tuple[EndpointLine, ...]:
    return (
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
    )


def trunks() -> tuple[TrunkLine, ...]:
    return (
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
    )


def destinations() -> tuple[DestinationLine, ...]:
    return (
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
    )


def registrations() -> Registrations:
    return Registrations(
        20_000,
        {"registered": 19_700, "rejected": 290, "timed_out": 10},
        {"200": 19_700, "403": 290, "none": 10},
        Ratio(300, 20_000),
        Ratio(120, 19_000),
        19_000.0,
        (RegistrationLine("192.0.2.50", "192.0.2.1", "Desk 50", HOSTILE[2], 310, 300, {"403": 290, "none": 10}),),
    )


def outages() -> tuple[OutageLine, ...]:
    return (
        OutageLine("only_failures", "192.0.2.7", "Carrier A", at(1, 14, 5), at(1, 15, 40), 131, 140.0, count(131, 1)),
        OutageLine("capture_gap", "eth1", None, at(2, 3), at(2, 3, 20), 0, 12.5),
        OutageLine("peer_down", "198.51.100.9", HOSTILE[2], at(4, 8), at(4, 8, 2), 4, None),
    )
