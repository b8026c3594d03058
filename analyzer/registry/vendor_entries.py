"""What the registry knows about makers, their products and their own codes (see `entries`)."""

from __future__ import annotations

import re
from typing import Literal

import msgspec

from analyzer.registry.entries import Entry, Texts
from analyzer.vocab import Fault, Outcome


class VendorEntry(Entry, frozen=True):
    """A maker; ``profile`` is the mapping profile that its gateways follow."""

    name: str
    title: str
    profile: str = ""


class Agent(Entry, frozen=True):
    """How a product is recognised; ``pattern`` is searched in the header fields ``where``."""

    id: str
    vendor: str
    pattern: str
    product: str = ""
    kind: str = ""
    where: Texts = ("User-Agent", "Server")
    ignore_case: bool = True
    seen: Texts = ()
    built: Texts = ()
    source: str = ""
    confidence: Literal["high", "medium", "low"] = "medium"


class Vendor(msgspec.Struct, frozen=True, kw_only=True):
    """A maker and product that an agent string points to: a hint, never proof."""

    name: str
    title: str
    product: str
    kind: str
    confidence: str
    profile: str
    origin: str


class VendorCode(Entry, frozen=True):
    """A status code as one maker's pack explains it; ``on_wire`` False: met on displays or in logs only."""

    vendor: str
    code: int
    phrase: str
    meaning: str
    layer: str = ""
    responsible: str = ""
    hint: str = ""
    on_wire: bool = True
    cause: int | None = None
    cause_confidence: str = ""
    outcome: Outcome | None = None
    fault: Fault | None = None
    detail: str | None = None
    notes: Texts = ()
    source: str = ""


class HandsetCode(Entry, frozen=True):
    """What a maker's handset shows; ``mirrors_status``: the number is the SIP status code."""

    vendor: str
    code: int
    display: str
    meaning: str
    layer: str = ""
    responsible: str = ""
    mirrors_status: bool = False
    source: str = ""


class PhrasePattern(Entry, frozen=True):
    """A reason phrase that tells more than its code; ``codes`` empty: of any code."""

    id: str
    pattern: str
    meaning: str
    vendor: str = ""
    codes: tuple[int, ...] = ()
    ignore_case: bool = False
    cause: int | None = None
    outcome: Outcome | None = None
    fault: Fault | None = None
    source: str = ""


class Scanner(Entry, frozen=True):
    """An attack or test tool that an agent string points to."""

    id: str
    tool: str
    pattern: str
    ignore_case: bool = True
    certainty: Literal["certain", "likely", "possible"] = "likely"
    source: str = ""


class Trace(Entry, frozen=True):
    """Something else that gives an attack away: ``pattern`` is looked for in ``fields`` of calls and registrations.

    Without a pattern it is knowledge for people only.
    """

    id: str
    trait: str
    meaning: str
    fields: Texts = ()
    pattern: str = ""
    certainty: Literal["certain", "likely", "possible"] = "likely"
    source: str = ""


class Signal(Entry, frozen=True):
    """Something about an endpoint's calls and registrations that counts ``points`` towards its being a scanner.

    ``limit`` is where it begins, ``least`` how many must be there to judge by; what either counts says ``meaning``. Its
    words stand in ``says``, with ``{count}`` or ``{tool}`` filled in.
    """

    id: str
    meaning: str
    points: int
    says: str
    limit: float = 0.0
    least: int = 1
    reason: str = ""


class Detail(Entry, frozen=True):
    """A maker's own table of numbers: ``values`` number to meaning, ``ranges`` "first-last" to meaning."""

    id: str
    title: str
    vendor: str = ""
    source: str = ""
    headers: Texts = ()
    notes: Texts = ()
    values: dict[str, str] = msgspec.field(default_factory=dict)
    ranges: dict[str, str] = msgspec.field(default_factory=dict)
    status: dict[str, int] = msgspec.field(default_factory=dict)
    sources: dict[str, str] = msgspec.field(default_factory=dict)

    def meaning(self, number: str | int) -> str | None:
        """What a number of this table means: its own line, else the range that holds it.

        None when neither.
        """
        text = str(number)
        if text in self.values:
            return self.values[text]
        if text.isdecimal():
            for span, meaning in self.ranges.items():
                first, _, last = span.partition("-")
                if int(first) <= int(text) <= int(last or first):
                    return meaning
        return None


def compiled(pattern: str, ignore_case: bool = False) -> re.Pattern[str]:
    """A pattern of an entry, compiled; `re.error` when it is none."""
    return re.compile(pattern, re.IGNORECASE if ignore_case else 0)
