"""Times and spans as people read them, in the zone that the configuration names."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo

SECOND = 1_000_000_000
#: Letters of the date in `local_time`.
DAY = 10


def local_time(ts: int | None, zone: tzinfo, decimals: int = 3) -> str:
    """A time in ns since the epoch as date and time in a zone; a dash when missing. Decimals are cut, not rounded."""
    if ts is None:
        return "–"
    seconds, nanoseconds = divmod(ts, SECOND)
    text = datetime.fromtimestamp(seconds, UTC).astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")
    return f"{text}.{nanoseconds:09d}"[: len(text) + 1 + decimals] if decimals else text


def zone_at(ts: int, zone: tzinfo) -> str:
    """The zone's name and its offset at a time, "Europe/Amsterdam (+01:00)"."""
    moment = datetime.fromtimestamp(ts // SECOND, UTC).astimezone(zone)
    name = getattr(zone, "key", None) or moment.tzname() or ""
    offset = moment.strftime("%z")
    return f"{name} ({offset[:3]}:{offset[3:5]})"


def span(nanoseconds: int) -> str:
    """How long something took, in the two largest units that fit."""
    seconds = nanoseconds / SECOND
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, seconds = divmod(int(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {seconds} s"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h"
