"""Options that choose calls, shared by the commands that do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import tzinfo
from typing import TYPE_CHECKING, Any, TypeVar

import click

from analyzer.vocab import Outcome

if TYPE_CHECKING:
    from analyzer.stats.select import Choice

_F = TypeVar("_F", bound=Callable[..., Any])


def choosing_options(command: _F) -> _F:
    """Which calls: all that is asked for must fit, an option that is repeated gives alternatives."""
    outcomes = click.Choice([outcome.value for outcome in Outcome])
    for option in reversed((
        click.option("--failed", is_flag=True, help="Unsuccessful calls only."),
        click.option("--scanners/--no-scanners", "scanners", default=None, help="Scanners' calls only; all but these."),
        click.option("--outcome", "outcomes", multiple=True, type=outcomes, help="May be repeated."),
        click.option(
            "--status", "statuses", multiple=True, metavar="CODE", help="486, 5xx, 500-599, none. May be repeated."
        ),
        click.option("--cause", "causes_chosen", multiple=True, metavar="CAUSE", help="34, none. May be repeated."),
        click.option(
            "--endpoint", "endpoints", multiple=True, metavar="IP", help="As caller, callee, charged or relaying."
        ),
        click.option(
            "--number", "numbers", multiple=True, metavar="DIGITS", help="Beginning of the caller's or called number."
        ),
        click.option("--from", "since", metavar="TIME", help="First INVITE at or after: 2026-11-22T09:12, or 09:12."),
        click.option("--to", "until", metavar="TIME", help="First INVITE before."),
    )):  # fmt: skip
        command = option(command)
    return command


class Asked:
    """What was asked for, as typed; wrong usage where it cannot be read."""

    def __init__(
        self,
        failed: bool,
        outcomes: Sequence[str],
        statuses: Sequence[str],
        causes: Sequence[str],
        endpoints: Sequence[str],
        numbers: Sequence[str],
        since: str | None,
        until: str | None,
        scanners: bool | None = None,
    ) -> None:
        self._failed = failed
        self._outcomes = tuple(Outcome(word) for word in outcomes)
        self._statuses = tuple(_status(text) for text in statuses)
        self._causes = tuple(_cause(text) for text in causes)
        self._endpoints = tuple(endpoints)
        self._numbers = tuple(numbers)
        self._since = since
        self._until = until
        self._scanners = scanners

    @property
    def is_anything(self) -> bool:
        """Whether any option was given."""
        lists = (self._outcomes, self._statuses, self._causes, self._endpoints, self._numbers)
        given = (self._since, self._until, self._scanners)
        return self._failed or any(lists) or any(one is not None for one in given)

    def choice(self, zone: tzinfo, first_ts: int | None) -> Choice:
        """The choice; times without a date are on the day of ``first_ts``, those without offset in ``zone``."""
        from analyzer.stats.select import Choice
        from analyzer.ui.cli.moments import moment

        return Choice(
            is_unsuccessful=self._failed,
            is_scanner=self._scanners,
            outcomes=self._outcomes,
            statuses=self._statuses,
            causes=self._causes,
            endpoints=self._endpoints,
            numbers=self._numbers,
            since=None if self._since is None else moment(self._since, zone, first_ts, "--from"),
            until=None if self._until is None else moment(self._until, zone, first_ts, "--to"),
        )


def _status(text: str) -> tuple[int, int] | None:
    """486, 5xx, 500-599 or none as first and last code."""
    lowered = text.strip().lower()
    if lowered == "none":
        return None
    first, _, last = lowered.partition("-")
    if len(lowered) == 3 and lowered[0].isdecimal() and lowered[1:] == "xx":
        return int(lowered[0]) * 100, int(lowered[0]) * 100 + 99
    if first.isdecimal() and (last.isdecimal() or not last):
        return int(first), int(last or first)
    raise click.BadParameter(f"{text}: write 486, 5xx, 500-599 or none", param_hint="--status")


def _cause(text: str) -> int | None:
    if text.strip().lower() == "none":
        return None
    if not text.strip().isdecimal():
        raise click.BadParameter(f"{text}: write a Q.850 cause such as 34, or none", param_hint="--cause")
    return int(text)
