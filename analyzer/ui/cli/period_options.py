"""Which time a report is about, and what it is compared with, as people type it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, tzinfo
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from analyzer.periods import Period

_F = TypeVar("_F", bound=Callable[..., Any])
COMPARE = ("previous", "4w", "none")


def period_options(command: _F) -> _F:
    """Week or days, and the comparison."""
    for option in reversed((
        click.option("--week", metavar="WEEK", help="ISO week, such as 2026-W46. [the last whole one]"),
        click.option("--from", "first", metavar="DAY", help="Days instead of a week, such as 2026-11-09: the first."),
        click.option("--to", "last", metavar="DAY", help="The last of these days, which is in it. [the first]"),
        click.option(
            "--compare", type=click.Choice(COMPARE), default="previous",
            help="With the time right before it, or the mean of the same days of four weeks. [previous]",
        ),
        click.option("--tz", "zone_name", metavar="ZONE", help="Time zone of days and hours. [the site's]"),
    )):  # fmt: skip
        command = option(command)
    return command


def asked_period(week: str | None, first: str | None, last: str | None, zone: tzinfo) -> Period | None:
    """The period that was asked for; None when none was. Wrong usage for what is no week or day."""
    from analyzer.periods import parsed_week, period_of

    if week is not None:
        if first is not None or last is not None:
            raise click.UsageError("a week or days: --week does not go with --from and --to")
        try:
            return parsed_week(week, zone)
        except ValueError as error:
            raise click.BadParameter(str(error), param_hint="--week") from None
    if first is None:
        if last is not None:
            raise click.UsageError("--to goes with --from")
        return None
    begin = _day(first, "--from")
    end = begin if last is None else _day(last, "--to")
    try:
        return period_of(begin, end, zone)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--from") from None


def compared(period: Period, compare: str) -> tuple[Period, ...]:
    """The periods that ``--compare`` means, the latest first."""
    try:
        if compare == "4w":
            return period.weeks_earlier(4)
        return period.earlier(1) if compare == "previous" else ()
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--compare") from None


def _day(text: str, option: str) -> date:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise click.BadParameter(f"{text}: not a day; write 2026-11-09", param_hint=option) from None
