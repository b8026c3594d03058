"""Local hours of many times at once: the day and hour that a clock on the wall shows, clock changes and all."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo

import numpy as np

from analyzer.batch import Ints
from analyzer.periods import Period

#: Zones differ from UTC by whole quarters of an hour since 1972.
_QUARTER = 900 * 1_000_000_000
_QUARTERS = 4
HOURS = 24
#: So far apart quarters are found by sorting, nearer ones in place.
_COUNTED_IN_PLACE = 1 << 20


def local_hours(times: Ints, zone: tzinfo) -> Ints:
    """The hour of each time (ns since the epoch): ordinal of its local date × 24 + its local hour.

    Hours that clocks repeat have one number, those that they skip have no time.
    """
    if not len(times):
        return np.empty(0, dtype=np.int64)
    quarters = times // _QUARTER
    first = int(quarters.min())
    quarters = quarters - first
    if int(quarters.max()) < _COUNTED_IN_PLACE:
        table = np.zeros(int(quarters.max()) + 1, dtype=np.int64)
        present = np.flatnonzero(np.bincount(quarters))
        table[present] = [_hour((first + quarter) * _QUARTER, zone) for quarter in present.tolist()]
        return table[quarters]
    present, places = np.unique(quarters, return_inverse=True)
    hours = [_hour((first + quarter) * _QUARTER, zone) for quarter in present.tolist()]
    found: Ints = np.array(hours, dtype=np.int64)[places]
    return found


def slots(times: Ints, period: Period) -> Ints:
    """The local hour of each time as a place in its period: day × 24 + hour, from 0; in each of a week's 168.

    The same hour of the week has the same place in every week, whether clocks change in it or not.
    """
    found: Ints = local_hours(times, period.zone) - period.days[0].toordinal() * HOURS
    return found


def slot_count(period: Period) -> int:
    """How many places `slots` tells apart."""
    return len(period.days) * HOURS


def weekday_hours(times: Ints, zone: tzinfo) -> Ints:
    """The hour of the week of each time: weekday × 24 + hour, Monday 00:00 is 0."""
    hours = local_hours(times, zone)
    # The ordinal 1 is a Monday.
    found: Ints = (hours // HOURS - 1) % 7 * HOURS + hours % HOURS
    return found


def hours_there(period: Period) -> Ints:
    """How often each hour of the week (`weekday_hours`) is in a period: 0 where clocks skip it, 2 where they repeat it.

    A part of an hour counts as one.
    """
    begins = np.arange(period.from_ts, period.to_ts, _QUARTER, dtype=np.int64)
    quarters = np.bincount(weekday_hours(begins, period.zone), minlength=7 * HOURS)
    return -(-quarters // _QUARTERS)


def spans(period: Period) -> Iterator[tuple[int, int, int]]:
    """Every local hour of a period in order: hour of the week, begin and end (ns). A repeated one is twice as long."""
    begins = np.arange(period.from_ts, period.to_ts, _QUARTER, dtype=np.int64)
    hours = local_hours(begins, period.zone)
    for hour in np.unique(hours).tolist():
        own = begins[hours == hour]
        yield (hour // HOURS - 1) % 7 * HOURS + hour % HOURS, int(own[0]), int(own[-1]) + _QUARTER


def _hour(ts: int, zone: tzinfo) -> int:
    moment = datetime.fromtimestamp(ts // 1_000_000_000, UTC).astimezone(zone)
    return moment.toordinal() * HOURS + moment.hour
