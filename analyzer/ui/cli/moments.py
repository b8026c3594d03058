"""Times as people type them on a command line."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, tzinfo

import click

_SECOND = 1_000_000_000


def zone_named(name: str | None, default: tzinfo) -> tzinfo:
    """The time zone of a name such as Europe/Amsterdam; wrong usage when there is none."""
    if name is None:
        return default
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    if name.upper() in ("UTC", "Z"):
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise click.BadParameter(
            f"{name}: no such time zone; names look like Europe/Amsterdam", param_hint="--tz"
        ) from None


def moment(text: str, zone: tzinfo, first_ts: int | None, option: str) -> int:
    """Ns since the epoch of a date and time, or of a time alone: then on the day on which the capture starts.

    Accepted: 2026-11-22T09:12, 2026-11-22 09:12:30.5, 2026-11-22, 09:12, each with or without an offset; without
    one it is in ``zone``.
    """
    try:
        parsed = _parse(text.strip(), zone, first_ts)
    except ValueError:
        raise click.BadParameter(f"{text}: not a time; write 2026-11-22T09:12:30 or 09:12", param_hint=option) from None
    aware = parsed if parsed.tzinfo else parsed.replace(tzinfo=zone)
    whole = int(aware.replace(microsecond=0).timestamp())
    return whole * _SECOND + aware.microsecond * 1000


def _parse(text: str, zone: tzinfo, first_ts: int | None) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        clock = time.fromisoformat(text)
    day = date.today() if first_ts is None else datetime.fromtimestamp(first_ts // _SECOND, UTC).astimezone(zone).date()
    return datetime.combine(day, clock)
