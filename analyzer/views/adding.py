"""What came of adding captures to a store, in lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import tzinfo
from typing import Protocol

from analyzer.views.times import local_time
from analyzer.views.words import Words


class LeftOut(Protocol):
    """A capture that the store had."""

    @property
    def source(self) -> str:
        """What was given."""

    @property
    def known_as(self) -> str:
        """What the store calls it."""

    @property
    def added_ts(self) -> int | None:
        """Since when, ns; None: it was given twice."""


class Told(Protocol):
    """What is told (`analyzer.adding.captures.Added`)."""

    @property
    def captures(self) -> int:
        """Captures that were added."""

    @property
    def went_on(self) -> int:
        """Calls of earlier captures that went on."""

    @property
    def open_calls(self) -> int:
        """Calls that are open at their end."""

    @property
    def left_out(self) -> Sequence[LeftOut]:
        """Captures that were not added."""

    @property
    def notices(self) -> Sequence[str]:
        """What else a person should know."""


def added_lines(added: Told, store: str, words: Words, zone: tzinfo) -> Iterator[str]:
    """One line for each thing that is worth one."""
    yield from added.notices
    for one in added.left_out:
        if one.added_ts is None:
            yield words("{source} is left out: it holds what {other} holds", source=one.source, other=one.known_as)
        else:
            at = local_time(one.added_ts, zone, decimals=0)
            yield words(
                "{source} is left out: the store has it since {time}, as {other}",
                source=one.source,
                time=at,
                other=one.known_as,
            )
    if added.captures:
        yield words("added to {store}: {count} captures", store=store, count=words.number(added.captures))
    if added.went_on:
        yield words("{count} calls of earlier captures went on in these", count=words.number(added.went_on))
    if added.open_calls:
        count = words.number(added.open_calls)
        yield words("{count} calls are open at the end; they go on in what was captured next", count=count)
