"""Lookups about makers and tools: whom an agent string points to, what a maker's codes and phrases mean.

User-Agent, Server and reason phrases are strangers' octets: what is searched in them is bounded, and so is
what is remembered of them. They are easily faked, so every answer is a hint.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache

from analyzer.registry import vendor_entries as v
from analyzer.registry.load import Sections

#: No more of an agent string or phrase than this is searched: patterns cost time and strangers choose it.
AGENT_LENGTH = 256


class Makers:
    """The part of `Registry` that knows vendors, code packs, phrases and scanners."""

    def __init__(self, sections: Sections) -> None:
        self.sections = sections
        self._vendor_of_agent = lru_cache(maxsize=4096)(self._find_vendor)
        self._scanner_of_agent = lru_cache(maxsize=4096)(self._find_scanner)

    def vendor_of_agent(self, agent: str) -> v.Vendor | None:
        """The maker and product that a User-Agent or Server points to: the longest match wins."""
        return self._vendor_of_agent(agent[:AGENT_LENGTH])

    @cached_property
    def _agents(self) -> list[tuple[re.Pattern[str], v.Agent]]:
        return [
            (v.compiled(a.pattern, a.ignore_case), a)
            for a in self.sections["agent"].values()
            if "User-Agent" in a.where or "Server" in a.where
        ]

    def _find_vendor(self, agent: str) -> v.Vendor | None:
        best: v.Agent | None = None
        length = 0
        for pattern, candidate in self._agents:
            match = pattern.search(agent)
            if match and match.end() - match.start() > length:
                best, length = candidate, match.end() - match.start()
        if best is None:
            return None
        maker = self.vendor(best.vendor)
        return v.Vendor(
            name=maker.name,
            title=maker.title,
            product=best.product,
            kind=best.kind,
            confidence=best.confidence,
            profile=maker.profile,
            origin=best.origin,
        )

    def vendor(self, name: str) -> v.VendorEntry:
        """The entry of a maker by name."""
        found: v.VendorEntry | None = self.sections["vendor"].get(name)
        return found if found is not None else v.VendorEntry(name=name, title=name)

    def is_scanner(self, agent: str) -> v.Scanner | None:
        """The attack or test tool that an agent string points to."""
        return self._scanner_of_agent(agent[:AGENT_LENGTH])

    @cached_property
    def _scanners(self) -> list[tuple[re.Pattern[str], v.Scanner]]:
        return [(v.compiled(s.pattern, s.ignore_case), s) for s in self.sections["scanner"].values()]

    def _find_scanner(self, agent: str) -> v.Scanner | None:
        return next((scanner for pattern, scanner in self._scanners if pattern.search(agent)), None)

    @cached_property
    def traces(self) -> Sequence[tuple[re.Pattern[bytes], v.Trace]]:
        """What gives an attack away besides the agent, with its pattern for the octets of the fields it names."""
        return [(re.compile(t.pattern.encode()), t) for t in self.sections["trace"].values() if t.pattern]

    @property
    def signals(self) -> Mapping[str, v.Signal]:
        """What counts towards an endpoint's being a scanner, by id."""
        return self.sections["signal"]

    @cached_property
    def _codes(self) -> Mapping[int, tuple[v.VendorCode, ...]]:
        found: dict[int, list[v.VendorCode]] = {}
        for entry in self.sections["code"].values():
            found.setdefault(entry.code, []).append(entry)
        # A code that travels on the wire explains a response better than one that is only shown or logged.
        return {code: tuple(sorted(list_, key=lambda c: (not c.on_wire, c.vendor))) for code, list_ in found.items()}

    def vendor_codes(self, code: int) -> tuple[v.VendorCode, ...]:
        """Every code pack that knows a code: guesses, where the sender is not known."""
        return self._codes.get(code, ())

    def pack_code(self, vendor: str, code: int) -> v.VendorCode | None:
        """What one maker's pack says about a code."""
        return self.sections["code"].get((vendor, code))

    @property
    def pack_codes(self) -> Mapping[tuple[str, int], v.VendorCode]:
        """Every code of every pack."""
        return self.sections["code"]

    def handset_codes(self, code: int) -> tuple[v.HandsetCode, ...]:
        """What handsets mean by a number on their display."""
        return tuple(entry for entry in self.sections["handset"].values() if entry.code == code)

    @cached_property
    def _phrases(self) -> list[tuple[re.Pattern[str], v.PhrasePattern]]:
        return [(v.compiled(p.pattern, p.ignore_case), p) for p in self.sections["phrase"].values()]

    def phrases(self, code: int, phrase: str) -> tuple[v.PhrasePattern, ...]:
        """The named patterns that a reason phrase fits."""
        phrase = phrase[:AGENT_LENGTH]
        return tuple(p for pattern, p in self._phrases if (not p.codes or code in p.codes) and pattern.search(phrase))

    def phrase_cause(self, code: int, phrase: str) -> tuple[int, str] | None:
        """The cause that a known phrase states, and the origin of that knowledge; None for other phrases."""
        for found in self.phrases(code, phrase):
            if found.cause is not None:
                return found.cause, found.origin
        return None

    def detail(self, table: str) -> v.Detail | None:
        """A maker's own table of numbers: ms_diagnostics, teams_subcode, telnyx."""
        return self.sections["detail"].get(table)
