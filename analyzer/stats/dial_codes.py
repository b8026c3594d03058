"""Dialled numbers as E.164 where that is certain, and the dial code that each belongs to.

Certain is what says itself that it is international (``+``, RFC 3966; an international prefix of the site) and what
begins with the site's national prefix. Everything else (extensions, short numbers, numbers without any prefix) keeps
the digits that were dialled: guessing would file an extension under a country.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote

from analyzer.batch import Labels
from analyzer.stats.distinct import Fold
from analyzer.stats.parts import NATIONAL_DIGITS, country_digits, first_known, of_text
from analyzer.stats.population import Population
from analyzer.stats.select import user_of

if TYPE_CHECKING:
    from analyzer.config import Config
    from analyzer.registry import Registry
    from analyzer.registry.counting_entries import NationalPlan, Numbering

#: E.164 §6.1: no number has more digits.
LONGEST = 15
#: Fewer digits behind a prefix are a service of the exchange's, not a subscriber's number.
_SHORTEST = 7
_SEPARATORS = str.maketrans("", "", "-.() ")
_DIGITS = re.compile(r"[0-9]+", re.ASCII)
_DIALLED = re.compile(r"[0-9*#]+", re.ASCII)
_CONTEXT = re.compile(r";\s*phone-context=\+([0-9().-]+)", re.IGNORECASE | re.ASCII)
_ALL_DIGITS = b"0123456789"
#: Every digit as 0, so that numbers which begin alike are looked at once.
_ALIKE = bytes.maketrans(b"123456789", b"0" * 9)
_URN = "urn:service:sos"
#: RFC 5031 §5.1: what may stand behind ``sos``.
_SERVICES = frozenset(
    {"ambulance", "animal-control", "fire", "gas", "marine", "mountain", "physician", "poison", "police"}
)


class Dialled(NamedTuple):
    """A number: E.164 with its ``+`` where that is certain, else the digits as they were dialled.

    ``is_whole``: False where only its beginning is known (the country of a ``phone-context``).
    """

    number: str
    is_e164: bool
    is_whole: bool = True


class NumberPlan:
    """How a site dials, and which codes there are: ``sipcause.toml`` ``[numbers]`` and data/numbering.toml."""

    def __init__(self, config: Config, registry: Registry) -> None:
        self._config = config
        self._numbers = config.numbers
        self._numbering: Numbering = registry.numbering
        self._national: Mapping[int, NationalPlan] = registry.national_plans
        # The longest first, so that 0011 is not taken for 00 and 11.
        self._international = sorted(config.numbers.international, key=len, reverse=True)
        self._outside = sorted(config.numbers.outside, key=len, reverse=True)
        self._emergency = frozenset(config.numbers.emergency)

    def dialled(self, uri: str) -> Dialled | None:
        """The number in a SIP or tel URI; None where its user is no number."""
        user = _plain(uri)
        if user.startswith("+"):
            return _e164(user[1:])
        if not _DIALLED.fullmatch(user):
            return None
        context = _CONTEXT.search(uri)
        if context:
            return self._in_context(user, _bare(context.group(1)))
        for digits in self._outside:
            if user.startswith(digits) and len(user) > len(digits):
                user = user[len(digits) :]
                break
        return self._from_prefix(user) or Dialled(user, is_e164=False)

    def dial_code(self, uri: str) -> str | None:
        """The code that the number of a URI is counted under; None where it is none.

        The longest prefix with a name of ours; in the site's own country the area, where data/numbering.toml tells
        areas; else the country code. Of a number that is not certain the first three digits.
        """
        found = self.dialled(uri)
        if found is None:
            return None
        known = self._config.number_prefix(found.number)
        if known:
            return known
        if not found.is_e164:
            return found.number[:NATIONAL_DIGITS]
        digits = found.number[1:]
        code = digits[: country_digits(digits, self._numbering)]
        plan = self._national.get(int(code)) if code == self._numbers.country else None
        return f"+{code}{plan.area(digits[len(code) :]) if plan and found.is_whole else ''}"

    def name(self, code: str) -> str | None:
        """Our name of a dial code, else the ISO 3166 code of its country where it is one country's."""
        ours = self._config.number_alias(code)
        if ours is not None or not code.startswith("+"):
            return ours
        country = code[1 : 1 + country_digits(code[1:], self._numbering)]
        countries = self._numbering.countries.get(country, "").split()
        return countries[0] if len(countries) == 1 else None

    def emergency(self, uri: str) -> str | None:
        """The emergency number that a URI dials, or ``urn:service:sos`` with its service; None for another.

        The whole number must be one, with or without digits for an outside line: 1123 is nobody's emergency.
        """
        lowered = uri[:64].lower()
        if lowered.startswith(_URN):
            _, _, service = lowered.partition(";")[0].removeprefix(_URN).partition(".")
            return f"{_URN}.{service}" if service in _SERVICES else _URN
        user = _plain(uri)
        if user in self._emergency:
            return user
        for digits in self._outside:
            if user.startswith(digits) and user[len(digits) :] in self._emergency:
                return user[len(digits) :]
        return None

    def dial_codes(self, calls: Population) -> Labels:
        """The dial code of each call: by To, which proxies leave as it was dialled, else by the Request-URI."""
        kept: dict[bytes, int] = {}
        front = max(map(len, (*self._international, self._numbers.national, "+")))
        front += max(map(len, self._outside), default=0)

        def beginning(uri: bytes) -> bytes:
            """What its dial code depends on: prefixes, the digits of the longest code, and how many there are."""
            at, colon = uri.find(b"@"), uri.find(b":")
            user = uri[colon + 1 : at]
            if at < 0 or at < colon or user.translate(None, _ALL_DIGITS) not in (b"", b"+"):
                return uri
            count = kept.get(user[:front])
            if count is None:
                count = kept[user[:front]] = self._deciding(user[:front].decode("ascii"))
            return uri[: colon + 1] + user[:count] + user[count:].translate(_ALIKE) + b"@"

        # Digits behind all that can decide are alike.
        fold = Fold(rb"^([A-Za-z]+:\+?[0-9]{1,%d})[0-9]*@.*$" % self._most_deciding, rb"\1", keeps_length=True)
        return first_known(
            of_text(calls, "to_uri", beginning, self.dial_code, fold),
            lambda: of_text(calls, "request_uri", beginning, self.dial_code, fold),
        )

    def emergencies(self, calls: Population) -> Labels:
        """The emergency number that each call dialled, as To or as Request-URI says."""
        longest = max(map(len, (*self._emergency, "")), default=0) + max(map(len, self._outside), default=0)

        def short(uri: bytes) -> bytes:
            """The URI, or nothing where so many digits are no emergency number."""
            at, colon = uri.find(b"@"), uri.find(b":")
            user = uri[colon + 1 : at]
            is_long = at >= 0 and at > colon and len(user) > longest and not user.translate(None, _ALL_DIGITS + b"+")
            return b"" if is_long else uri

        fold = Fold(rb"^[A-Za-z]+:\+?[0-9]{%d,}@.*$" % (longest + 1), b"")
        return first_known(
            of_text(calls, "to_uri", short, self.emergency, fold),
            lambda: of_text(calls, "request_uri", short, self.emergency, fold),
        )

    @cached_property
    def _most_deciding(self) -> int:
        """How many digits of any number decide about its dial code."""
        fronts = ("+", *self._international, self._numbers.national, "")
        return max(self._deciding(taken + front) for taken in ("", *self._outside) for front in fronts)

    def _deciding(self, front: str) -> int:
        """Of a number that begins like this, how many digits decide about its dial code."""
        ours = [len(text) for text in self._config.number_prefixes]
        country = len(self._numbers.country or "")
        plans = self._national.values()
        area = max((max(plan.digits, *map(len, plan.areas), 0) for plan in plans), default=0)
        longest = max([3, country + area, *ours])
        taken = next((len(digits) for digits in self._outside if front.startswith(digits)), 0)
        rest = front[taken:]
        if front.startswith("+"):
            return 1 + longest
        prefixes = [prefix for prefix in self._international if rest.startswith(prefix)]
        if prefixes:
            return taken + len(prefixes[0]) + longest
        national = len(self._numbers.national) if rest.startswith(self._numbers.national) else 0
        return taken + national + max([NATIONAL_DIGITS, area, *(length - 1 - country for length in ours)])

    def _in_context(self, user: str, context: str) -> Dialled | None:
        """A local number with a global phone-context (RFC 3966 §5.1.5): the two are not simply put together."""
        found = self._from_prefix(user) if context == self._numbers.country else None
        if found is not None:
            return found
        country = _e164(context)
        return country._replace(is_whole=False) if country else Dialled(user, is_e164=False)

    def _from_prefix(self, user: str) -> Dialled | None:
        numbers = self._numbers
        for prefix in self._international:
            if user.startswith(prefix):  # and then its national prefix is none
                return _e164(user[len(prefix) :]) if len(user) >= len(prefix) + _SHORTEST else None
        national = numbers.national
        if numbers.country and user.startswith(national) and len(user) >= len(national) + _SHORTEST:
            return _e164(numbers.country + user[len(national) :])
        return None


def _e164(digits: str) -> Dialled | None:
    is_number = bool(_DIGITS.fullmatch(digits)) and not digits.startswith("0") and len(digits) <= LONGEST
    return Dialled(f"+{digits}", is_e164=True) if is_number else None


def _plain(uri: str) -> str:
    user = user_of(uri)
    return _bare(unquote(user) if "%" in user else user)


def _bare(number: str) -> str:
    return number.translate(_SEPARATORS)
