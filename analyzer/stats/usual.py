"""How many calls usually come at a time: by like hours of like weekdays of the time before, and by the hours beside."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from statistics import median
from typing import NamedTuple

import numpy as np

from analyzer.batch import Ints
from analyzer.periods import Period
from analyzer.stats.delays import Reals
from analyzer.stats.listened import Spans

SECOND = 1_000_000_000
HOUR = 3600 * SECOND
#: A window beside a silence says something when so much of it was listened to.
_ENOUGH = HOUR // 6
#: Silences up to this length are judged by the hours beside them alone, where nothing else is known.
_LONGEST_ALONE = HOUR


class Seen(NamedTuple):
    """What was seen of one period: when its calls began (ascending), and when somebody listened (None: not known)."""

    period: Period
    starts: Ints
    spans: Spans | None


class Usual:
    """What is usual in a period, by earlier ones: calls an hour for each of its elapsed hours, NaN where unknown."""

    def __init__(self, now: Seen, before: Sequence[Seen]) -> None:
        self._now = now
        earlier = [_by_local_hour(seen) for seen in before]
        rates = []
        for key in _local_hours(now.period):
            known = [counts[key] for counts in earlier if key in counts]
            rates.append(median(known) if known else np.nan)
        self.hourly: Reals = np.array(rates, dtype=np.float64)

    def like(self, since: Ints, until: Ints) -> Reals:
        """Calls that like hours of the time before let expect in some spans; NaN where it says nothing."""
        rates = np.where(np.isnan(self.hourly), 0.0, self.hourly)
        known = (~np.isnan(self.hourly)).astype(np.float64)
        share = self._summed(known, until) - self._summed(known, since)
        found: Reals = np.where(share > 0, self._summed(rates, until) - self._summed(rates, since), np.nan)
        return found

    def expected(self, since: Ints, until: Ints) -> Reals:
        """Calls that would have come in some silent spans, by the more cautious of two guesses.

        One is what like hours had; the other what the hour before and the hour after had, the higher one: a holiday
        has few calls all day, an outage stops in the middle of many. Without a time to compare with, short silences are
        judged by the lower one of both hours, and long ones not at all (0): evenings and Sundays are silent too.
        """
        hours = (until - since) / HOUR
        first, second = self._rate(since - HOUR, since), self._rate(until, until + HOUR)
        like = self.like(since, until)
        beside = np.fmax(first, second)
        by_both = np.where(np.isnan(beside), like, np.fmin(like, beside * hours))
        alone = np.where((until - since <= _LONGEST_ALONE) & ~np.isnan(first + second), np.fmin(first, second), 0.0)
        found: Reals = np.where(np.isnan(like), alone * hours, by_both)
        return found

    def _rate(self, since: Ints, until: Ints) -> Reals:
        """Calls an hour in some windows, NaN where too little of them was listened to."""
        starts, spans = self._now.starts, self._now.spans
        period = self._now.period
        since, until = np.maximum(since, period.from_ts), np.minimum(until, period.to_ts)
        until = np.maximum(until, since)
        heard = (until - since) if spans is None else spans.length(since, until)
        # The calls at both ends of a silence are its ends, and belong to what is beside it.
        counts = np.searchsorted(starts, until, side="right") - np.searchsorted(starts, since, side="left")
        return np.where(heard >= _ENOUGH, counts / np.maximum(heard, 1) * HOUR, np.nan)

    def _summed(self, rates: Reals, times: Ints) -> Reals:
        """The integral of hourly rates from the start of the period to some times."""
        sums = np.concatenate([[0.0], np.cumsum(rates)])
        place = np.clip((times - self._now.period.from_ts) / HOUR, 0.0, float(len(rates)))
        whole = np.minimum(place.astype(np.int64), max(len(rates) - 1, 0))
        part = np.append(rates, 0.0)[whole] * (place - whole)
        found: Reals = sums[whole] + part
        return found


def _local_hours(period: Period) -> list[tuple[int, int]]:
    """Weekday and hour on the clock of each elapsed hour."""
    seconds = range(period.from_ts // SECOND, period.to_ts // SECOND, 3600)
    moments = (datetime.fromtimestamp(second, UTC).astimezone(period.zone) for second in seconds)
    return [(moment.weekday(), moment.hour) for moment in moments]


def _by_local_hour(seen: Seen) -> dict[tuple[int, int], float]:
    """Calls by weekday and hour, of hours to which somebody listened from beginning to end."""
    period = seen.period
    keys = _local_hours(period)
    begins = period.from_ts + np.arange(len(keys), dtype=np.int64) * HOUR
    if seen.spans is not None:
        known = seen.spans.covers(begins, np.minimum(begins + HOUR, period.to_ts))
    else:  # not known who listened: as long as there were calls
        known = np.full(len(keys), bool(len(seen.starts)))
    numbers = (seen.starts - period.from_ts) // HOUR
    counts = np.bincount(numbers[(numbers >= 0) & (numbers < len(keys))], minlength=len(keys))
    found: dict[tuple[int, int], list[float]] = {}
    for key, count, is_known in zip(keys, counts.tolist(), known.tolist(), strict=True):
        if is_known:
            found.setdefault(key, []).append(float(count))
    return {key: sum(values) / len(values) for key, values in found.items()}
