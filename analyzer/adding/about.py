"""What a store is told of captures beside their calls: which they are, when they listened, what they cannot show."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from itertools import accumulate, pairwise

from analyzer.findings import DoubtRow, IntervalRow, KeptCaptureRow
from analyzer.periods import period_of
from analyzer.schema import CaptureRow
from analyzer.stats.analysis import Analysis
from analyzer.stats.doubts import doubts
from analyzer.stats.vantage import not_understood, vantage
from analyzer.vocab import SourceKind

_SECOND = 1_000_000_000
#: A capture over more days than this has a row only for those with messages: some clock was wrong.
LONGEST = 400


def capture_row(row: CaptureRow, digest: str, source: str) -> KeptCaptureRow:
    """A capture as the store keeps it; ``source``: its whole path."""
    return KeptCaptureRow(
        capture_no=row.capture_no,
        source=source,
        kind=SourceKind.FILE,
        digest=digest,
        start_ts=row.start_ts or 0,
        end_ts=row.end_ts or 0,
        added_ts=time.time_ns(),
        frames=row.frames,
        octets=row.octets,
        sip_messages=row.sip_messages,
        dropped=row.dropped,
        truncated=row.truncated,
        duplicates=row.duplicates,
        opaque=row.opaque,
        unread=not_understood(row),
    )


def intervals(
    row: CaptureRow, source: str, messages: Mapping[date, int], zone: tzinfo, open_calls: int
) -> Iterator[IntervalRow]:
    """When a capture listened: one row a local day. ``messages``: its SIP messages by day; ``open_calls`` stand with
    the last.

    Which frames came on which day is not counted: frames, octets and drops are shared out among the days as its
    messages lie, or by time where a day has none. Their sums are those of the capture.
    """
    if row.start_ts is None or row.end_ts is None:
        return
    days = _days(row.start_ts, row.end_ts, zone)
    if len(days) > LONGEST:
        days = [day for day in days if day in messages or day in (days[0], days[-1])]
    periods = [period_of(day, day, zone) for day in days]
    bounds = [(max(period.from_ts, row.start_ts), min(period.to_ts, row.end_ts)) for period in periods]
    weights = [messages.get(day, 0) for day in days]
    if not all(weights):
        weights = [max(end - start, 1) for start, end in bounds]
    shares = zip(*(shared(number, weights) for number in (row.frames, row.octets, row.dropped or 0)), strict=True)
    for day, (start, end), (frames, octets, dropped) in zip(days, bounds, shares, strict=True):
        yield IntervalRow(
            source=source,
            kind=SourceKind.FILE,
            from_ts=start,
            to_ts=end,
            frames=frames,
            octets=octets,
            sip_messages=messages.get(day, 0),
            dropped=dropped,
            open_calls=open_calls if day == days[-1] else 0,
            evicted=0,
            unstored=0,
        )


def shared(number: int, weights: Sequence[int]) -> list[int]:
    """A number in parts that are to each other as the weights are, each within one, and add up to it."""
    total = sum(weights)
    ends = [number * so_far // total for so_far in accumulate(weights, initial=0)]
    return [after - before for before, after in pairwise(ends)]


def _days(start: int, end: int, zone: tzinfo) -> list[date]:
    first, last = (datetime.fromtimestamp(ts // _SECOND, UTC).astimezone(zone).date() for ts in (start, end))
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def doubt_rows(analysis: Analysis) -> Sequence[DoubtRow]:
    """What limits what these captures could see: the checks of data/vantage.toml, and the counts of `stats.doubts`."""
    found = doubts(analysis)
    ts = min((row.start_ts for row in analysis.captures if row.start_ts is not None), default=0)
    calls, registrations = len(analysis.columns("calls")), len(analysis.columns("registrations"))
    messages = sum(row.sip_messages for row in analysis.captures)
    totals = {
        "silent": calls,
        "one_sided": calls,
        "only_responses": calls,
        "lost_messages": messages,
        "lost_calls": calls,
        "open": calls,
        "silent_registrations": registrations,
        "one_sided_registrations": registrations,
        "open_registrations": registrations,
    }
    counts = {**found._asdict(), "silent": int(found.silent.sum())}
    return [
        *(DoubtRow(ts, row.check, row.affected, row.total) for row in vantage(analysis, found)),
        *(DoubtRow(ts, f"doubts.{name}", counts[name], total) for name, total in totals.items()),
    ]
