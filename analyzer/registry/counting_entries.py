"""What a registry knows about counting itself, as frozen values: rules, figures, doubts and how legs are linked.

As in `entries`, every field is a key of the TOML entry.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from analyzer.registry.entries import Entry
from analyzer.vocab import Outcome, Release


class CountingRule(Entry, frozen=True):
    """``[counting.ID]``: one rule of counting, which tests can switch off.

    ``folders`` of ``pcaps/`` come out differently without it, ``also`` show more of the same; where no capture can show
    it, ``test`` names the test that does.
    """

    id: str
    number: str
    meaning: str
    naive: str
    folders: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    test: str = ""


class VantageCheck(Entry, frozen=True):
    """``[vantage.ID]``: one thing that limits what a capture can say.

    ``fair`` and ``poor`` are the shares (per cent) above which the check is no longer good and no longer fair, by the
    lower end of their interval; a check without ``poor`` never makes a capture poor. ``reason`` is why the limits
    lie there, ``follows`` what a reader of the figures must know.
    """

    id: str
    title: str
    unit: str
    reason: str
    follows: str
    fair: float | None = None
    poor: float | None = None


class KpiEntry(Entry, frozen=True):
    """``[kpi.ID]``: what a figure of merit is made of, in words, and the sets that its function uses.

    ``beside``: the figures of which this one is another reading; ``reading`` names it there.
    """

    id: str
    title: str
    short: str
    unit: Literal["%", "ms", "s"]
    counts: tuple[Literal["calls", "sessions", "registrations"], ...]
    numerator: str
    denominator: str
    source: str
    statuses: tuple[int, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    causes: tuple[int, ...] = ()
    releases: tuple[Release, ...] = ()
    good: Literal["high", "low", ""] = ""
    beside: tuple[str, ...] = ()
    reading: str = ""
    note: str = ""

    def with_seconds(self, seconds: float) -> KpiEntry:
        """The figure of one length of time: its ``{seconds}`` filled in, and part of its id (``short_calls_6s``)."""
        text = f"{seconds:g}"
        filled = {name: getattr(self, name).format(seconds=text) for name in ("title", "short", "numerator")}
        return msgspec.structs.replace(self, id=f"{self.id}_{text}s", **filled)


class Numbering(Entry, frozen=True):
    """``[numbering.NAME]``: country codes of one and two digits; every other one has three (E.164).

    ``countries``: by country code the ISO 3166-1 codes of those that share it, by spaces.
    """

    name: str
    one: tuple[int, ...]
    two: tuple[int, ...]
    source: str
    countries: dict[str, str] = msgspec.field(default_factory=dict)


class NationalPlan(Entry, frozen=True):
    """``[national.COUNTRY]``: how the numbers behind a country code are divided.

    ``areas``: beginnings that are an area or a service; of any other number it is the first ``digits``.
    """

    country: int
    areas: tuple[str, ...]
    digits: int
    source: str

    def area(self, number: str) -> str:
        """The area of a number without its country code: the longest beginning that fits."""
        found = max((area for area in self.areas if number.startswith(area)), key=len, default="")
        return found or number[: self.digits]


class TranslationEntry(Entry, frozen=True):
    """``[translation.RECEIVED]``: the codes that an element may make of one; RECEIVED is a code or ``none``."""

    received: str
    sent: tuple[int, ...]
    meaning: str
    source: str


class CallIdEnding(Entry, frozen=True):
    """``[call_id_ending.ID]``: how an element makes the Call-ID of the leg behind; ``#`` stands for digits."""

    id: str
    ending: str
    source: str


class NoNumber(Entry, frozen=True):
    """``[no_number.ID]``: user parts that are nobody's number."""

    id: str
    users: tuple[str, ...]


class LinkEvidence(Entry, frozen=True):
    """``[evidence.ID]``: what speaks for two calls' being legs of one session, or against it."""

    id: str
    points: int
    meaning: str
    within_ms: int = 0


class LinkLimit(Entry, frozen=True):
    """``[limit.ID]``: from where on calls are linked."""

    id: str
    value: int
    meaning: str
