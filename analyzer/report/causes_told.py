"""Codes and causes in the words of SIP, of ISDN and of makers, in the reader's language.

What is not known is told by its class or family, never left out; strangers' numbers are shown as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyzer.registry.languages import language
from analyzer.report.document import Cell, Terms
from analyzer.views.words import Words
from analyzer.wiretext import printable_text

if TYPE_CHECKING:
    from analyzer.registry import Registry

#: Where a code or cause has no row in the chosen profile, RFC 3398 speaks.
_NEUTRAL = "rfc3398"
#: Makers named for one code that any of them may have sent.
_MAKERS = 2


class Causes:
    """Tells codes and causes; ``profile`` is the one that derived causes in this report."""

    def __init__(self, registry: Registry, words: Words, profile: str) -> None:
        self.registry = registry
        self.words = words
        self.profile = profile
        self._speech = language(words.language)

    def code(self, status: int | None, vendor: str | None = None) -> Cell:
        """A status code, with its maker where a pack explains it; None: no final response came."""
        words = self.words
        if status is None:
            return Cell(words("no response"), None, terms=_same(words("no response")))
        text = self.code_text(status)
        if vendor:
            text += f" ({self._maker(vendor)})"
        terms = Terms(text, self._code_as_cause(status, text), self._code_as_maker(status, vendor, text))
        return Cell(text, float(status), terms=terms)

    def cause(self, value: int | None) -> Cell:
        """A Q.850 cause: ``34 No circuit/channel available``."""
        words = self.words
        if value is None:
            return Cell(words("no cause known"), None, terms=_same(words("no cause known")))
        text = self.cause_text(value)
        return Cell(
            text, float(value), terms=Terms(self._cause_as_code(value, text), text, self._cause_as_maker(value))
        )

    def code_text(self, status: int) -> str:
        """``503 Service Unavailable``; ``799 (unlisted)``."""
        entry = self.registry.status(status)
        return f"{status} {entry.phrase}" if entry.phrase else f"{status} {self.words('(unlisted)')}"

    def cause_text(self, value: int) -> str:
        """``34 No circuit/channel available``."""
        entry = self.registry.cause(value)
        return f"{value} {entry.name}" if entry.known else f"{value} {self.words('(unlisted)')}"

    def code_meaning(self, status: int | None, vendor: str | None = None) -> str:
        """What a code means, in the reader's language; a maker's own code as its maker explains it."""
        if status is None:
            return self.words("nothing came back in time")
        pack = self.registry.pack_code(vendor, status) if vendor else None
        if pack is not None:
            return pack.meaning
        entry = self.registry.status(status)
        told = self._speech.status.get(status) if entry.known else self._speech.family.get(entry.family.value)
        return told or entry.meaning

    def cause_meaning(self, value: int | None) -> str:
        """What a cause means, in the reader's language."""
        if value is None:
            return ""
        return self._speech.cause.get(value) or self.registry.cause(value).meaning

    def cause_class(self, value: int | None) -> str:
        """The class of a cause: ``resource unavailable``."""
        found = None if value is None else self.registry.cause_class(value)
        return self.words(found.title) if found else ""

    def _code_as_cause(self, status: int, text: str) -> str:
        chosen = self.registry.profiles.get(self.profile)
        value = chosen.cause(status) if chosen else None
        if value is None:
            value = self.registry.fallback_cause(status)
        return text if value is None else f"{self.cause_text(value)} ({status})"

    def _cause_as_code(self, value: int, text: str) -> str:
        chosen = self.registry.profiles.get(self.profile)
        codes = chosen.reverse(value) if chosen else ()
        codes = codes or self.registry.profile(_NEUTRAL).reverse(value)
        return f"{self.code_text(codes[0])} ({value})" if codes else text

    def _code_as_maker(self, status: int, vendor: str | None, text: str) -> str:
        """The maker's own words; of an unknown maker those of packs whose code travels on the wire, as a guess."""
        pack = self.registry.pack_code(vendor, status) if vendor else None
        if pack is not None:
            return f"{status} {pack.phrase} ({self._maker(pack.vendor)})"
        guesses = [found for found in self.registry.vendor_codes(status) if found.on_wire][:_MAKERS]
        if not guesses:
            return text
        return f"{text} ({', '.join(f'{self._maker(found.vendor)}: {found.phrase}' for found in guesses)}?)"

    def _cause_as_maker(self, value: int) -> str:
        """What Asterisk and FreeSWITCH call it, once where they agree."""
        entry = self.registry.cause(value)
        named = dict.fromkeys(filter(None, (entry.asterisk, entry.freeswitch)))
        return f"{value} {' / '.join(named)}" if named else self.cause_text(value)

    def _maker(self, vendor: str) -> str:
        return printable_text(self.registry.vendor(vendor).title)


def _same(text: str) -> Terms:
    return Terms(text, text, text)
