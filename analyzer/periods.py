"""Spans of local time that reports are about: ISO weeks and days of a zone, with the hours that clock changes leave.

A call belongs to the period in which its first INVITE lies (docs/counting.md, ``buckets``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

_SECOND = 1_000_000_000
_WEEK = re.compile(r"(?P<year>[0-9]{4})-?W(?P<week>[0-9]{1,2})")
#: Days that a period can have: ns since the epoch stay within 64 bits, and no sum leaves the calendar.
_FIRST_DAY, _LAST_DAY = date(1970, 1, 5), date(2199, 12, 31)


@dataclass(frozen=True)
class Period:
    """Whole days of a zone. ``label``: ``2026-W46`` of an ISO week, else ``2026-11-09_2026-11-12``.

    ``from_ts`` and ``to_ts``: ns since the epoch, ``to_ts`` the first that is not in it. ``days`` are its dates.
    """

    label: str
    from_ts: int
    to_ts: int
    days: tuple[date, ...]
    zone: tzinfo

    @property
    def hours(self) -> int:
        """How many hours it has: of a week 168, 167 or 169 when clocks change in it."""
        return (self.to_ts - self.from_ts) // (3600 * _SECOND)

    @property
    def day_names(self) -> tuple[str, ...]:
        """The days as a store names them: ``2026-11-09``."""
        return tuple(day.isoformat() for day in self.days)

    def __contains__(self, ts: object) -> bool:
        return isinstance(ts, int) and self.from_ts <= ts < self.to_ts

    def earlier(self, count: int) -> tuple[Period, ...]:
        """The ``count`` periods of as many days right before it, the latest first."""
        return self._before(count, timedelta(days=len(self.days)))

    def weeks_earlier(self, count: int) -> tuple[Period, ...]:
        """The same weekdays of ``count`` earlier weeks, the latest first; of more than a week as many weeks at once."""
        return self._before(count, timedelta(weeks=-(-len(self.days) // 7)))

    def _before(self, count: int, step: timedelta) -> tuple[Period, ...]:
        return tuple(
            period_of(self.days[0] - step * n, self.days[-1] - step * n, self.zone) for n in range(1, count + 1)
        )


def week_of(day: date, zone: tzinfo) -> Period:
    """The ISO week that a day lies in."""
    monday = day - timedelta(days=day.weekday())
    return period_of(monday, monday + timedelta(days=6), zone)


def last_whole_week(now_ts: int, zone: tzinfo) -> Period:
    """The last ISO week that is over at a time (ns)."""
    today = datetime.fromtimestamp(now_ts // _SECOND, UTC).astimezone(zone).date()
    return week_of(today - timedelta(days=7), zone)


def parsed_week(text: str, zone: tzinfo) -> Period:
    """The week that a text such as ``2026-W46`` names. Raises ValueError for another text or a week there is not."""
    found = _WEEK.fullmatch(text.strip().upper())
    if found is None:
        raise ValueError(f"{text!r} is no ISO week; write one as 2026-W46")
    year, week = int(found["year"]), int(found["week"])
    if not _FIRST_DAY.year <= year <= _LAST_DAY.year:
        raise ValueError(f"{text!r} lies not between {_FIRST_DAY.year} and {_LAST_DAY.year}")
    try:
        monday = date.fromisocalendar(year, week, 1)
    except ValueError:
        raise ValueError(f"there is no week {week} in {year}") from None
    return week_of(monday, zone)


def period_of(first: date, last: date, zone: tzinfo) -> Period:
    """The days from the first to the last, both in it; ValueError when the last is the earlier one.

    Days before 1970-01-05 and after 2199 are refused as well.
    """
    if last < first:
        raise ValueError(f"{last} lies before {first}")
    if first < _FIRST_DAY or last > _LAST_DAY:
        raise ValueError(f"{first if first < _FIRST_DAY else last} is no day between {_FIRST_DAY} and {_LAST_DAY}")
    days = tuple(first + timedelta(days=n) for n in range((last - first).days + 1))
    is_week = len(days) == 7 and first.weekday() == 0
    year, week, _ = first.isocalendar()
    label = f"{year}-W{week:02d}" if is_week else f"{first}_{last}"
    return Period(label, midnight(first, zone), midnight(last + timedelta(days=1), zone), days, zone)


def midnight(day: date, zone: tzinfo) -> int:
    """When a day begins, ns since the epoch; where the clock skips midnight, the first moment of the day."""
    begin = datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)
    return int(begin.timestamp()) * _SECOND
