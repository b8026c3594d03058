"""Times and zones as people type them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

import click
import pytest

from analyzer.ui.cli.moments import moment, zone_named

SECOND = 1_000_000_000
AMSTERDAM = ZoneInfo("Europe/Amsterdam")
FIRST = int(datetime(2026, 11, 16, 23, 30, tzinfo=UTC).timestamp()) * SECOND  # 00:30 on the 17th in Amsterdam


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        ("2026-11-17T09:12", UTC, "2026-11-17T09:12:00+00:00"),
        ("2026-11-17 09:12:30", AMSTERDAM, "2026-11-17T08:12:30+00:00"),
        ("2026-07-17T09:12", AMSTERDAM, "2026-07-17T07:12:00+00:00"),
        ("2026-11-17T09:12:30Z", AMSTERDAM, "2026-11-17T09:12:30+00:00"),
        ("2026-11-17T09:12+05:30", AMSTERDAM, "2026-11-17T03:42:00+00:00"),
        ("2026-11-17", AMSTERDAM, "2026-11-16T23:00:00+00:00"),
        ("09:12", AMSTERDAM, "2026-11-17T08:12:00+00:00"),
        ("09:12:30.25", UTC, "2026-11-16T09:12:30.250000+00:00"),
    ],
)
def test_times_are_read_in_the_zone(text: str, zone: tzinfo, expected: str) -> None:
    expected_ts = (datetime.fromisoformat(expected) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    assert moment(text, zone, FIRST, "--from") == expected_ts * 1000


@pytest.mark.parametrize("text", ["", "soon", "25:00", "2026-13-01", "2026-11-17T09:12 Amsterdam"])
def test_what_is_no_time_is_wrong_usage(text: str) -> None:
    with pytest.raises(click.BadParameter, match="not a time"):
        moment(text, UTC, FIRST, "--from")


def test_zones_are_known_by_name() -> None:
    assert zone_named(None, AMSTERDAM) is AMSTERDAM
    assert zone_named("utc", AMSTERDAM) is UTC
    assert zone_named("Europe/Amsterdam", UTC) == AMSTERDAM


@pytest.mark.parametrize("name", ["Amsterdam", "../etc/passwd", "", "Europe"])
def test_an_unknown_zone_is_wrong_usage(name: str) -> None:
    with pytest.raises(click.BadParameter, match="no such time zone"):
        zone_named(name, UTC)
