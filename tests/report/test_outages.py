"""The timeline of outages: what was planted is told with its times, and nothing else is."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from analyzer.config import Config
from analyzer.periods import Period
from analyzer.report.lines_of_traffic import OutageLine
from analyzer.report.outages import outage_lines
from analyzer.report.proof import Proof
from analyzer.stats.facts import Facts
from tests.report.made_traffic import (
    AMSTERDAM,
    EARLIER,
    HOUR,
    MINUTE,
    SECOND,
    WEEK,
    call,
    configured,
    facts,
    heard,
    week,
)

START = WEEK.from_ts
DAY = 24 * HOUR
SITE = """
own = ["10.0.0.0/8"]
[aliases.trunks]
"A" = ["198.51.100.0/24"]
"B" = ["203.0.113.0/24"]
"""


@pytest.fixture
def site(tmp_path: Path) -> Config:
    return configured(tmp_path, SITE)


def told(made: Facts, *before: Facts, kind: str | None = None) -> list[OutageLine]:
    found = outage_lines(made, before, Proof(made))
    assert list(found) == sorted(found, key=lambda line: line.from_ts)
    assert all(line.from_ts <= line.to_ts for line in found)
    return [line for line in found if kind in (None, line.kind)]


def office(
    period: Period, seed: int, per_hour: int = 60, silent: Sequence[tuple[int, int]] = (), **more: Any
) -> list[Any]:
    """Calls from 8 to 18 on weekdays, few at other times, at random; none in the silent spans (from the start)."""
    chance = random.Random(seed)
    found = []
    for hour in range(period.hours):
        is_busy = 8 <= hour % 24 < 18 and hour // 24 < 5
        for _ in range(per_hour if is_busy else 1):
            at = hour * HOUR + chance.randrange(HOUR)
            if not any(begin < at < end for begin, end in silent):
                found.append(call(period.from_ts + at, **more))
    return sorted(found, key=lambda row: row["invite_ts"])


# -- capture gaps


def test_a_gap_of_capture_is_no_outage_of_traffic() -> None:
    """Nobody listened on Tuesday from 10 to 14: the calls that are missing then say nothing."""
    gap = (DAY + 10 * HOUR, DAY + 14 * HOUR)
    before = facts(office(EARLIER[0], 1), period=EARLIER[0], intervals=heard(EARLIER[0]))
    made = facts(office(WEEK, 2, silent=[gap]), intervals=heard(gaps=[(START + gap[0], START + gap[1])]))
    (line,) = told(made, before)
    assert (line.kind, line.subject) == ("capture_gap", "(all)")
    assert (line.from_ts, line.to_ts) == (START + gap[0], START + gap[1])
    assert (line.count, line.expected) == (0, 240.0)
    assert told(made)[0].expected is None


def test_two_listeners_and_a_pause_that_is_none() -> None:
    """eth0 is away from 1 to 5, eth1 from 4 to 5: an hour that nobody heard, and four in which one of them did."""
    pause = (START + 9 * HOUR, START + 9 * HOUR + 59 * SECOND)
    one = heard(source="eth0", gaps=[(START + HOUR, START + 5 * HOUR), pause])
    two = heard(source="eth1", gaps=[(START + 4 * HOUR, START + 5 * HOUR), pause])
    found = told(facts([call(START)], intervals=[*one, *two]))
    spans = [(line.subject, line.from_ts - START, line.to_ts - START) for line in found]
    assert spans == [("eth0", HOUR, 5 * HOUR), ("(all)", 4 * HOUR, 5 * HOUR)]


def test_captures_listened_as_well() -> None:
    """A capture of two hours in the middle of a live run's gap, and nothing before the run began."""
    gap = (START, START + 10 * HOUR)
    files = [{"source": "a.pcap", "kind": "file", "start_ts": START + 4 * HOUR, "end_ts": START + 6 * HOUR}]
    found = told(facts([call(START + 5 * HOUR)], intervals=heard(gaps=[gap]), captures=files))
    assert [(line.from_ts - START, line.to_ts - START) for line in found] == [(0, 4 * HOUR), (6 * HOUR, 10 * HOUR)]


def test_where_nobody_says_who_listened_nothing_is_said() -> None:
    assert told(facts(office(WEEK, 2, silent=[(DAY + 10 * HOUR, DAY + 14 * HOUR)]))) == []


# -- no traffic


def test_an_outage_of_traffic_is_told_and_quiet_nights_are_not() -> None:
    silent = (DAY + 10 * HOUR + 7 * MINUTE, DAY + 11 * HOUR + 40 * MINUTE)
    before = facts(office(EARLIER[0], 1), period=EARLIER[0], intervals=heard(EARLIER[0]))
    made = facts(office(WEEK, 2, silent=[silent]), intervals=heard())
    (line,) = told(made, before)
    assert (line.kind, line.subject, line.count) == ("no_traffic", "(all)", 0)
    assert line.from_ts <= START + silent[0] < START + silent[1] <= line.to_ts
    assert line.to_ts - line.from_ts < silent[1] - silent[0] + 10 * MINUTE
    assert line.expected is not None
    assert 80 < line.expected < 110  # 93 minutes at one a minute, and the ends
    # Without a time to compare with, an hour and more may be an evening.
    assert told(made) == []


def test_a_short_silence_among_many_calls_needs_no_week_before() -> None:
    silent = (DAY + 10 * HOUR, DAY + 10 * HOUR + 30 * MINUTE)
    (line,) = told(facts(office(WEEK, 2, per_hour=120, silent=[silent]), intervals=heard()))
    assert (line.kind, line.count) == ("no_traffic", 0)
    assert abs(line.from_ts - START - silent[0]) < 5 * MINUTE


def test_a_few_calls_do_not_end_an_outage() -> None:
    silent = [(DAY + 9 * HOUR, DAY + 11 * HOUR), (DAY + 11 * HOUR + MINUTE, DAY + 14 * HOUR)]
    before = facts(office(EARLIER[0], 1), period=EARLIER[0], intervals=heard(EARLIER[0]))
    rows = [*office(WEEK, 2, silent=[(silent[0][0], silent[1][1])]), call(START + DAY + 11 * HOUR)]
    (line,) = told(facts(rows, intervals=heard()), before)
    assert line.count == 1
    assert line.from_ts <= START + silent[0][0] < START + silent[1][1] <= line.to_ts


def test_a_holiday_and_a_site_that_closed_are_no_outage() -> None:
    before = facts(office(EARLIER[0], 1), period=EARLIER[0], intervals=heard(EARLIER[0]))
    holiday = [row for row in office(WEEK, 2) if not 2 * DAY < row["invite_ts"] - START < 3 * DAY]
    holiday += [call(START + 2 * DAY + n * HOUR) for n in range(1, 24)]
    assert told(facts(holiday, intervals=heard()), before) == []


def test_all_of_a_week_in_which_nothing_came() -> None:
    before = facts(office(EARLIER[0], 1), period=EARLIER[0], intervals=heard(EARLIER[0]))
    (line,) = told(facts(intervals=heard()), before)
    assert (line.kind, line.from_ts, line.to_ts, line.count) == ("no_traffic", WEEK.from_ts, WEEK.to_ts, 0)


@pytest.mark.parametrize("seed", range(4))
def test_like_weeks_have_no_outages(seed: int) -> None:
    before = [
        facts(office(period, 10 * seed + n), period=period, intervals=heard(period))
        for n, period in enumerate(EARLIER)
    ]
    assert told(facts(office(WEEK, 99 + seed), intervals=heard()), *before) == []


def test_a_trunk_that_fell_silent_while_another_went_on(site: Config) -> None:
    silent = (DAY + 10 * HOUR, DAY + 13 * HOUR)

    def rows(period: Period, seed: int, spans: Sequence[tuple[int, int]]) -> list[Any]:
        return office(period, seed, silent=spans) + office(period, seed + 50, callee_ip="203.0.113.1")

    before = facts(rows(EARLIER[0], 1, []), period=EARLIER[0], intervals=heard(EARLIER[0]), config=site)
    (line,) = told(facts(rows(WEEK, 2, [silent]), intervals=heard(), config=site), before)
    assert (line.kind, line.subject) == ("no_traffic", "A")
    # When everything stops, it is told once.
    both = office(WEEK, 2, silent=[silent]) + office(WEEK, 52, silent=[silent], callee_ip="203.0.113.1")
    (line,) = told(facts(both, intervals=heard(), config=site), before)
    assert (line.kind, line.subject) == ("no_traffic", "(all)")


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 23), 167), (date(2026, 10, 19), 169)])
def test_weeks_in_which_clocks_change(day: date, hours: int) -> None:
    """Like hours are those of the clock on the wall: at 8 on Sunday there are as many calls as on other Sundays."""
    now = week(AMSTERDAM, day)
    assert now.hours == hours
    past = now.earlier(1)[0]

    def rows(period: Period, stop: bool) -> list[Any]:
        shift = period.hours - 168
        found = []
        for hour in range(period.hours):
            clock = hour if hour < 6 * 24 + 3 else hour - shift  # on Sunday at 3 clocks have changed
            if clock % 24 in (8, 9) and not (stop and clock == 6 * 24 + 8):
                found += [call(period.from_ts + hour * HOUR + n * MINUTE) for n in range(60)]
        return found

    before = facts(rows(past, stop=False), period=past, intervals=heard(past))
    assert told(facts(rows(now, stop=False), period=now, intervals=heard(now)), before) == []
    # Closed until 9 on that Sunday: an hour's calls are missing, as the clock says.
    silent = told(facts(rows(now, stop=True), period=now, intervals=heard(now)), before)
    assert [line.kind for line in silent] == ["no_traffic"]
    assert silent[0].to_ts == now.to_ts - 15 * HOUR


# -- peers


def ping(ts: int, status: int | None = 200, **more: Any) -> dict[str, Any]:
    return {
        "method": "OPTIONS", "in_dialog": False, "client_ip": "10.0.0.9", "server_ip": "198.51.100.1",
        "status_code": status, "ended_by": "final" if status else "timeout", "transactions": 1, "last_ts": START + ts,
        **more,
    }  # fmt: skip


def test_a_peer_that_was_down(site: Config) -> None:
    """Asked every minute; from 10:00 to 10:29 it is silent, then refuses until 10:39."""
    codes = [200] * 600 + [None] * 30 + [503] * 10 + [404] * 600
    others = [ping(n * MINUTE, code) for n, code in enumerate(codes)]
    others.append(ping(605 * MINUTE, 200, method="INFO"))
    by = {"failed_by_ip": "198.51.100.1"}
    calls = [call(START + 610 * MINUTE, "timed_out", **by), call(START, "failed", **by)]
    (line,) = told(facts(calls, others=others, config=site), kind="peer_down")
    assert (line.subject, line.name, line.count, line.within_s) == ("198.51.100.1", "A", 40, 60.0)
    assert (line.from_ts, line.to_ts) == (START + 600 * MINUTE, START + 639 * MINUTE)
    assert line.failures is not None
    assert line.failures.shown == ("run-1-1",)


def test_how_exact_a_tally_is(site: Config) -> None:
    """An hour's OPTIONS in one row have the last time alone: it was up at 1:00, and down at 1:50."""
    down = ping(HOUR + 50 * MINUTE, None, transactions=45)
    others = [ping(HOUR, transactions=60), down, ping(2 * HOUR, transactions=10)]
    (line,) = told(facts(others=others, intervals=heard(), config=site), kind="peer_down")
    assert (line.from_ts, line.to_ts, line.count) == (START + HOUR, START + HOUR + 50 * MINUTE, 45)
    assert line.within_s == 3000.0


def test_what_is_no_peer_and_no_outage(site: Config) -> None:
    others = [ping(n * MINUTE, None, server_ip="192.0.2.77") for n in range(50)]  # never answered
    # Two are lost; and what the end of a capture cut says nothing.
    others += [ping(n * MINUTE, None if n in (7, 8) else 200, server_ip="192.0.2.78") for n in range(50)]
    others += [ping(n * MINUTE, 200, server_ip="192.0.2.79") for n in range(3)]
    others += [ping(n * MINUTE, None, server_ip="192.0.2.79", ended_by="capture_end") for n in range(3, 9)]
    made = facts(others=others, config=site)
    assert told(made) == []
    up = facts(others=[ping(0, server_ip="192.0.2.77")], config=site, period=EARLIER[0])
    assert [line.subject for line in told(made, up)] == ["192.0.2.77"]


# -- registrations


def registered(client: str, ts: int, outcome: str = "registered", expires_s: int | None = 600) -> dict[str, Any]:
    return {
        "client_ip": client, "registrar_ip": "10.0.0.2", "request_ts": START + ts, "final_ts": START + ts + SECOND,
        "outcome": outcome, "expires_s": expires_s,
    }  # fmt: skip


def phones(silent: tuple[int, int] | None, count: int, of: int, what: str | None = None, hours: int = 168) -> list[Any]:
    """Phones that register every five minutes for ten; some of them not in a span, or in vain (``what``)."""
    found = []
    for n in range(of):
        for at in range(n * SECOND, hours * HOUR, 5 * MINUTE):
            is_out = silent is not None and n < count and silent[0] <= at < silent[1]
            if not is_out:
                found.append(registered(f"10.1.0.{n}", at))
            elif what is not None:
                found.append(registered(f"10.1.0.{n}", at, what, None))
    return found


def test_many_that_lose_their_registration_at_once_are_one_line() -> None:
    lost = phones((10 * HOUR, 12 * HOUR), 8, 20, hours=24)
    made = facts(registrations=lost, intervals=heard(gaps=[(START + DAY, WEEK.to_ts)]))
    (line,) = told(made, kind="registration_lost")
    assert (line.subject, line.count, line.expected) == ("10.0.0.2", 8, 20.0)
    # The last was accepted at 9:55 for ten minutes.
    assert line.from_ts == START + 9 * HOUR + 55 * MINUTE + 10 * MINUTE + SECOND
    assert line.to_ts == START + 12 * HOUR + 8 * SECOND


def test_one_that_tries_and_fails_is_told_and_one_that_is_switched_off_is_not() -> None:
    intervals = heard(gaps=[(START + DAY, WEEK.to_ts)])
    off = facts(registrations=phones((10 * HOUR, 12 * HOUR), 1, 20, hours=24), intervals=intervals)
    assert told(off, kind="registration_lost") == []
    refused = facts(registrations=phones((10 * HOUR, 12 * HOUR), 1, 20, "failed", hours=24), intervals=intervals)
    (line,) = told(refused, kind="registration_lost")
    assert (line.subject, line.count, line.expected) == ("10.1.0.0", 24, None)
    assert line.to_ts == START + 12 * HOUR + SECOND


def test_who_unregisters_loses_nothing_and_nor_does_who_was_not_heard() -> None:
    listened = heard(gaps=[(START + DAY, WEEK.to_ts)])
    left = phones(None, 0, 20, hours=10) + [registered(f"10.1.0.{n}", 10 * HOUR, "unregistered", 0) for n in range(20)]
    assert told(facts(registrations=left, intervals=listened), kind="registration_lost") == []
    gap = (10 * HOUR, 12 * HOUR)
    deaf = heard(gaps=[(START + gap[0], START + gap[1]), (START + DAY, WEEK.to_ts)])
    assert told(facts(registrations=phones(gap, 20, 20, hours=24), intervals=deaf), kind="registration_lost") == []
    # The end of the period is not the end of a registration.
    assert told(facts(registrations=phones(None, 0, 20, hours=24), intervals=listened), kind="registration_lost") == []


def test_registrations_that_never_came_back() -> None:
    listened = heard(gaps=[(START + DAY, WEEK.to_ts)])
    lost = phones((10 * HOUR, 99 * HOUR), 20, 20, hours=24)
    (line,) = told(facts(registrations=lost, intervals=listened), kind="registration_lost")
    assert (line.count, line.to_ts) == (20, START + DAY)


# -- only failures


def test_a_trunk_of_which_every_call_failed(site: Config) -> None:
    """A fails from 10 to 11 on Monday, sixty calls; a fifth of its calls fails at any time. B is as always."""
    rows = []
    for minute in range(24 * 60):
        is_out = 600 <= minute < 660
        rows.append(call(START + minute * MINUTE, "failed" if is_out or minute % 5 == 0 else "answered"))
        rows.append(call(START + minute * MINUTE, "failed" if minute % 2 else "answered", callee_ip="203.0.113.1"))
        if minute % 10 == 0:  # says nothing, and ends nothing
            rows.append(call(START + minute * MINUTE, "redirected"))
    (line,) = told(facts(rows, config=site), kind="only_failures")
    assert (line.subject, line.from_ts, line.to_ts) == ("A", START + 600 * MINUTE, START + 660 * MINUTE)
    assert (line.count, line.failures is not None and line.failures.calls) == (61, 61)
    assert line.expected is not None
    assert 10 < line.expected < 15


def test_a_trunk_that_never_worked_and_one_with_few_calls(site: Config) -> None:
    never = [call(START + n * MINUTE, "timed_out") for n in range(60)]
    (line,) = told(facts(never, config=site), kind="only_failures")
    assert (line.count, line.from_ts, line.to_ts) == (60, START, START + 59 * MINUTE)
    assert told(facts(never[:19], config=site), kind="only_failures") == []
    burst = [call(START + n * SECOND, "timed_out") for n in range(60)]  # a minute
    assert told(facts(burst, config=site), kind="only_failures") == []


def test_a_trunk_that_mostly_fails_has_long_runs_by_chance(site: Config) -> None:
    chance = random.Random(4)
    rows = [call(START + n * MINUTE, "failed" if chance.random() < 0.9 else "answered") for n in range(5000)]
    assert told(facts(rows, config=site), kind="only_failures") == []


def test_of_nothing_there_is_nothing() -> None:
    empty = facts()
    assert told(empty) == told(empty, empty) == []
    other = facts(period=week(ZoneInfo("UTC"), date(2026, 11, 2)))
    assert told(empty, other) == []
