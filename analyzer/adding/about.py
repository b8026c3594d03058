"""What a store is told of captures beside their calls: which they are, when they listened, what they cannot show."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo

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
    """When a capture listened: one row a local day. ``messages``: its SIP messages by day; frames, octets and drops
    stand with the first day, ``open_calls`` with the last."""
    if row.start_ts is None or row.end_ts is None:
        return
    days = _days(row.start_ts, row.end_ts, zone)
    if len(days) > LONGEST:
        days = [day for day in days if day in messages or day in (days[0], days[-1])]
    for day in days:
        period = period_of(day, day, zone)
        is_first, is_last = day == days[0], day == days[-1]
        yield IntervalRow(
            source=source,
            kind=SourceKind.FILE,
            from_ts=max(period.from_ts, row.start_ts),
            to_ts=min(period.to_ts, row.end_ts),
            frames=row.frames if is_first else 0,
            octets=row.octets if is_first else 0,
            sip_messages=messages.get(day, 0),
            dropped=(row.dropped or 0) if is_first else 0,
            open_calls=open_calls if is_last else 0,
            evicted=0,
            unstored=0,
        )


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
