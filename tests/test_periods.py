"""Periods: ISO weeks and days of a zone, with the hours that clock changes leave."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.periods import Period, last_whole_week, midnight, parsed_week, period_of, week_of

SECOND, HOUR = 1_000_000_000, 3600 * 1_000_000_000
AMSTERDAM, SANTIAGO, APIA = ZoneInfo("Europe/Amsterdam"), ZoneInfo("America/Santiago"), ZoneInfo("Pacific/Apia")
#: Clocks that change at midnight, by half an hour, by a day, or never.
ZONES = [
    AMSTERDAM, SANTIAGO, APIA, ZoneInfo("Australia/Lord_Howe"), ZoneInfo("America/Havana"), ZoneInfo("Asia/Kathmandu"),
    ZoneInfo("America/Nuuk"), UTC,
]  # fmt: skip


def ns(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp()) * SECOND


def test_a_week_is_seven_local_days_from_monday() -> None:
    week = parsed_week("2026-W46", AMSTERDAM)
    assert week.label == "2026-W46"
    assert week.day_names == tuple(f"2026-11-{day:02d}" for day in range(9, 16))
    assert (week.from_ts, week.to_ts) == (ns("2026-11-08T23:00Z"), ns("2026-11-15T23:00Z"))
    assert week.hours == 168


@pytest.mark.parametrize(("text", "hours"), [("2026-W13", 167), ("2026-W43", 169), ("2026-W44", 168)])
def test_weeks_in_which_clocks_change(text: str, hours: int) -> None:
    week = parsed_week(text, AMSTERDAM)
    assert week.hours == hours
    assert parsed_week(text, UTC).hours == 168


@pytest.mark.parametrize(
    ("day", "label"),
    [
        (date(2026, 12, 31), "2026-W53"),
        (date(2027, 1, 3), "2026-W53"),
        (date(2027, 1, 4), "2027-W01"),
        (date(2024, 12, 30), "2025-W01"),
    ],
)
def test_the_iso_year_is_not_the_calendars(day: date, label: str) -> None:
    week = week_of(day, AMSTERDAM)
    assert week.label == label
    assert parsed_week(label, AMSTERDAM) == week
    assert day in week.days


@pytest.mark.parametrize("text", ["2026-w46", " 2026W46 "])
def test_how_a_week_may_be_written(text: str) -> None:
    assert parsed_week(text, UTC).label == "2026-W46"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("2025-W53", "there is no week 53 in 2025"),
        ("2026-W00", "no week 0 in 2026"),
        ("2026-W54", "no week 54 in 2026"),
        ("0000-W01", "lies not between"),
        ("9999-W52", "lies not between 1970 and 2199"),
        ("1970-W01", "1969-12-29 is no day between 1970-01-05 and 2199-12-31"),
        ("46", "no ISO week; write one as 2026-W46"),
        ("２０２６-W46", "no ISO week"),
        ("", "no ISO week"),
    ],
)
def test_what_is_no_week_is_said(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        parsed_week(text, UTC)


@pytest.mark.parametrize(
    ("now", "label"),
    [
        ("2026-11-15T22:59:59Z", "2026-W45"),  # Sunday 23:59:59 in Amsterdam: the week is not over
        ("2026-11-15T23:00:00Z", "2026-W46"),
        ("2026-11-16T05:00:00Z", "2026-W46"),
        ("2027-01-03T22:59:59Z", "2026-W52"),
        ("2027-01-04T06:00:00Z", "2026-W53"),
    ],
)
def test_the_last_week_that_is_over(now: str, label: str) -> None:
    assert last_whole_week(ns(now), AMSTERDAM).label == label


def test_a_call_of_sunday_night_is_of_that_week() -> None:
    first, second = (parsed_week(text, AMSTERDAM) for text in ("2026-W46", "2026-W47"))
    late, early = ns("2026-11-15T22:59:59Z") + SECOND - 1, ns("2026-11-15T23:00:00Z")
    assert (late in first, late in second) == (True, False)
    assert (early in first, early in second) == (False, True)
    assert "late" not in first


def test_days_that_are_no_week_are_named_by_both_ends() -> None:
    assert period_of(date(2026, 11, 10), date(2026, 11, 12), UTC).label == "2026-11-10_2026-11-12"
    assert period_of(date(2026, 11, 10), date(2026, 11, 16), UTC).label == "2026-11-10_2026-11-16"
    assert period_of(date(2026, 11, 9), date(2026, 11, 15), UTC).label == "2026-W46"
    assert period_of(date(2026, 11, 9), date(2026, 11, 9), UTC).hours == 24


def test_the_wrong_way_round() -> None:
    with pytest.raises(ValueError, match="2026-11-09 lies before 2026-11-10"):
        period_of(date(2026, 11, 10), date(2026, 11, 9), UTC)


def test_a_midnight_that_the_clock_skips() -> None:
    # Chile's clocks go from 24:00 to 01:00: Sunday begins at 01:00, and has 23 hours.
    sunday = date(2026, 9, 6)
    begin = datetime.fromtimestamp(midnight(sunday, SANTIAGO) // SECOND, UTC).astimezone(SANTIAGO)
    assert (begin.date(), begin.hour, begin.minute) == (sunday, 1, 0)
    assert period_of(sunday, sunday, SANTIAGO).hours == 23
    assert week_of(sunday, SANTIAGO).hours == 167
    assert week_of(sunday, SANTIAGO).to_ts == week_of(sunday + timedelta(days=1), SANTIAGO).from_ts


def test_a_day_that_there_never_was() -> None:
    # Samoa went from the 29th to the 31st of December 2011.
    assert period_of(date(2011, 12, 30), date(2011, 12, 30), APIA).hours == 0
    assert week_of(date(2011, 12, 30), APIA).hours == 144


def test_the_periods_before_keep_their_local_days() -> None:
    week = parsed_week("2026-W14", AMSTERDAM)  # the one after clocks went forward
    before = week.earlier(4)
    assert [period.label for period in before] == ["2026-W13", "2026-W12", "2026-W11", "2026-W10"]
    assert [period.hours for period in before] == [167, 168, 168, 168]
    assert before[0].to_ts == week.from_ts
    days = period_of(date(2026, 3, 30), date(2026, 3, 31), AMSTERDAM)
    assert [period.label for period in days.earlier(1)] == ["2026-03-28_2026-03-29"]
    assert days.earlier(1)[0].hours == 47
    assert week.earlier(0) == ()


def test_the_same_weekdays_of_weeks_before() -> None:
    tuesday = period_of(date(2026, 11, 10), date(2026, 11, 10), AMSTERDAM)
    assert [one.days[0] for one in tuesday.weeks_earlier(3)] == [
        date(2026, 11, 3), date(2026, 10, 27), date(2026, 10, 20)
    ]  # fmt: skip
    assert {one.days[0].weekday() for one in tuesday.weeks_earlier(3)} == {1}
    week = parsed_week("2026-W46", AMSTERDAM)
    assert week.weeks_earlier(4) == week.earlier(4)
    ten_days = period_of(date(2026, 11, 2), date(2026, 11, 11), AMSTERDAM)
    assert ten_days.weeks_earlier(1)[0].label == "2026-10-19_2026-10-28"


def test_the_weeks_before_go_over_a_long_year() -> None:
    labels = [period.label for period in parsed_week("2027-W01", AMSTERDAM).earlier(2)]
    assert labels == ["2026-W53", "2026-W52"]


@given(st.dates(date(1971, 1, 1), date(2150, 1, 1)), st.sampled_from(ZONES))
def test_weeks_cover_time_once(day: date, zone: ZoneInfo) -> None:
    week = week_of(day, zone)
    before = week.earlier(4)
    assert isinstance(week, Period)
    assert week_of(week.days[-1], zone) == parsed_week(week.label, zone) == week
    assert len(week.days) == 7
    for later, earlier in zip((week, *before), before, strict=False):
        assert earlier.to_ts == later.from_ts
    for one in week.days:
        begin = midnight(one, zone)
        local = datetime.fromtimestamp(begin // SECOND, UTC).astimezone(zone)
        if midnight(one + timedelta(days=1), zone) > begin:  # not the day that Samoa left out
            assert local.date() == one
        just_before = datetime.fromtimestamp(begin // SECOND - 1, UTC).astimezone(zone)
        assert just_before.date() < one
