"""The language of alert rules: one line says what is measured, its bound, the span and the least sample.

    SER < 0.9 over 15m, n >= 50                          a ratio of data/kpis.toml, in any case; also 90 %
    outcome busy > 30 % over 1h, n >= 100                of decided calls: outcome, cause, code, family
    count(code 503) > 100 over 5m                        calls instead of a share; no sample
    registrations failed > 5 % over 15m, n >= 20
    endpoint 192.0.2.7 failures > 20 % over 5m, n >= 30  failures charged to it, of the calls that it was sent
    any endpoint failures > 50 % over 5m, n >= 30
    drops > 0 over 1m                                    frames lost, by the kernel or a queue
    silence over 5m                                      no SIP message

The denominator of a share is that of most ratios (docs/counting.md): calls without elsewhere, redirected and open; of
codes and families all calls but open ones, since the others have codes too; of registrations those that are not open.
``drops`` are frames here; the ratio of that name is ``kpi drops``.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from analyzer.errors import suggestion
from analyzer.stats.tally import BUCKET_S, LONGEST_S, ratios
from analyzer.vocab import NOT_UNSUCCESSFUL, Family, Outcome, RegistrationOutcome
from analyzer.wiretext import printable_text

if TYPE_CHECKING:
    from analyzer.config import Config
    from analyzer.registry import Registry

#: A rule is not longer than this.
LONGEST_RULE = 500


class What(StrEnum):
    """Kinds of measure; ``subject`` of a condition says which of the kind."""

    KPI = "kpi"
    OUTCOME = "outcome"
    CAUSE = "cause"
    CODE = "code"
    FAMILY = "family"
    CALLS = "calls"
    UNSUCCESSFUL = "unsuccessful"
    REGISTRATIONS = "registrations"
    ENDPOINT = "endpoint"
    ANY_ENDPOINT = "any endpoint"
    DROPS = "drops"
    SILENCE = "silence"


#: Outcomes that stand in no denominator.
NOT_COUNTED = NOT_UNSUCCESSFUL - {Outcome.ANSWERED}
#: Measures that are numbers, never shares.
_NUMBERS = frozenset({What.CALLS, What.DROPS})
COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "<": lambda value, bound: bool(value < bound),
    "<=": lambda value, bound: bool(value <= bound),
    ">": lambda value, bound: bool(value > bound),
    ">=": lambda value, bound: bool(value >= bound),
}


@dataclass(frozen=True)
class Condition:
    """What a rule says.

    ``subject``: id of the ratio, outcome, family or address; a code or cause as a number, None for *none*.
    ``is_count``: a number instead of a share. ``bound``: exact; of a share between 0 and 1. ``sample``: the least
    denominator, 0 where none is needed.
    """

    text: str
    what: What
    subject: str | int | None
    is_count: bool
    comparison: str
    bound: Fraction
    span_s: int
    sample: int

    @property
    def title(self) -> str:
        """What is measured, in a few words."""
        subject = "none" if self.subject is None and self.what in (What.CODE, What.CAUSE) else self.subject
        if self.what is What.KPI:
            name = str(subject)
            shown = "kpi drops" if name == What.DROPS else name.upper() if len(name) < 5 else name
        elif self.what in (What.ENDPOINT, What.ANY_ENDPOINT):
            shown = f"{self.what}{'' if subject is None else f' {subject}'} failures"
        else:
            shown = f"{self.what}{'' if subject is None else f' {subject}'}"
        return f"count({shown})" if self.is_count and self.what not in _NUMBERS | {What.SILENCE} else shown

    @property
    def limit(self) -> str:
        """The bound as it is written: ``< 90 %``, ``> 100``."""
        bound = self.bound if self.is_count else 100 * self.bound
        number = str(bound.numerator) if bound.denominator == 1 else f"{float(bound):g}"
        return f"{self.comparison} {number}" if self.is_count else f"{self.comparison} {number} %"

    def __str__(self) -> str:
        if self.what is What.SILENCE:
            return f"silence over {span_text(self.span_s)}"
        sample = f", n >= {self.sample}" if self.sample else ""
        return f"{self.title} {self.limit} over {span_text(self.span_s)}{sample}"


class RuleFault(ValueError):
    """A rule that says nothing; the message has the place in the text and what is expected there."""


_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def seconds_of(text: str) -> int | None:
    """``90s``, ``15m``, ``2h``, ``1d`` in seconds; None for anything else."""
    found = re.fullmatch(r"([0-9]{1,6})([smhd])", text)
    return int(found[1]) * _UNITS[found[2]] if found else None


def span_text(seconds: int) -> str:
    """Seconds as a rule would have them."""
    unit = next(unit for unit in ("d", "h", "m", "s") if seconds % _UNITS[unit] == 0)
    return f"{seconds // _UNITS[unit]}{unit}"


def parse(text: str, registry: Registry, config: Config) -> Condition:
    """The condition that a text states; RuleFault for everything else."""
    return _Parser(text, ratios(registry, config), registry).condition()


_TOKEN = re.compile(r"\s*([<>]=?|[=(),%]|[^\s<>=(),%]+|$)")
_WORDS = ("failures", *What, "kpi", "count(...)")


class _Parser:
    """Reads a rule from left to right; every fault names the place where it stopped."""

    def __init__(self, text: str, kpis: Iterable[str], registry: Registry) -> None:
        if len(text) > LONGEST_RULE:
            raise RuleFault(f"is longer than {LONGEST_RULE} characters")
        self._text = text
        self._kpis = {name.lower(): name for name in kpis}
        self._registry = registry
        self._tokens = [(match[1], match.start(1)) for match in _TOKEN.finditer(text)]
        self._at = 0

    def condition(self) -> Condition:
        what, subject, is_count = self._measure()
        if what is What.SILENCE:
            comparison, bound = "<=", Fraction(0)
        else:
            comparison = self._token
            if comparison not in COMPARISONS:
                raise self._fault("a comparison: <, <=, > or >=")
            self._at += 1
            bound = self._bound(is_count)
        self._word("over", "a span, such as: over 15m")
        span_s = self._span()
        sample = 0
        if self._taken(","):
            sample = self._sample(is_count)
        elif not is_count and not self._token:
            raise self._fault(f"the least number of calls for a share, such as: over {span_text(span_s)}, n >= 50")
        if self._token:
            raise self._fault("the end of the rule" if sample or is_count else "a comma and the sample: , n >= 50")
        return Condition(self._text.strip(), what, subject, is_count, comparison, bound, span_s, sample)

    # -- what is measured

    def _measure(self) -> tuple[What, str | int | None, bool]:
        if self._taken("count"):
            self._word("(", "an opening parenthesis, as in: count(code 503)")
            what, subject = self._counted(is_count=True)
            if what in (What.DROPS, What.SILENCE):
                self._at -= 1
                raise self._fault("calls or registrations to count; drops and silence stand without count()")
            self._word(")", "a closing parenthesis")
            return what, subject, True
        what, subject = self._counted(is_count=False)
        if what is What.CALLS:
            return what, subject, True
        return what, subject, what in (What.DROPS, What.SILENCE)

    def _counted(self, is_count: bool) -> tuple[What, str | int | None]:
        word = self._token.lower()
        if word == "kpi":
            self._at += 1
            return What.KPI, self._kpis[self._one_of(self._kpis, "a ratio")]
        if word == "any":
            self._at += 1
            self._word("endpoint", "the word endpoint")
            self._word("failures", "the word failures")
            return What.ANY_ENDPOINT, None
        if word in ("calls", "unsuccessful", "drops", "silence"):
            self._at += 1
            return What(word), None
        if word == "outcome":
            self._at += 1
            counted = [name for name in Outcome if is_count or name not in NOT_COUNTED]
            return What.OUTCOME, self._one_of(counted, "an outcome" if is_count else "an outcome that shares count")
        if word == "family":
            self._at += 1
            return What.FAMILY, self._one_of(Family, "a family")
        if word == "registrations":
            self._at += 1
            decided = [name for name in RegistrationOutcome if name != RegistrationOutcome.OPEN]
            return What.REGISTRATIONS, self._one_of(decided, "an outcome of registrations")
        if word == "cause":
            self._at += 1
            return What.CAUSE, self._number(1, 127, "a Q.850 cause, 1 to 127, or none")
        if word == "code":
            self._at += 1
            return What.CODE, self._number(100, 999, "a status code, 100 to 999, or none")
        if word == "endpoint":
            self._at += 1
            address = self._address()
            self._word("failures", "the word failures")
            return What.ENDPOINT, address
        if word in self._kpis:
            self._at += 1
            return What.KPI, self._kpis[word]
        if word in self._registry.kpis:
            raise self._fault("a ratio: this is a delay")
        raise self._fault("what is measured" + _meant(self._token, [*self._kpis, *_WORDS]))

    def _number(self, least: int, most: int, expected: str) -> int | None:
        if self._taken("none"):
            return None
        if not re.fullmatch("[0-9]{1,3}", self._token) or not least <= int(self._token) <= most:
            raise self._fault(expected)
        self._at += 1
        return int(self._tokens[self._at - 1][0])

    def _address(self) -> str:
        try:
            address = ipaddress.ip_address(self._token)
        except ValueError:
            raise self._fault("an address, such as 192.0.2.7 or 2001:db8::7") from None
        self._at += 1
        mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
        return str(mapped or address)

    # -- bound, span, sample

    def _bound(self, is_count: bool) -> Fraction:
        expected = "a number" if is_count else "a share, such as 0.9 or 90 %"
        if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", self._token):
            raise self._fault(expected)
        bound, at = Fraction(self._token), self._at
        self._at += 1
        if self._taken("%"):
            bound /= 100
            if is_count:
                self._at -= 1
                raise self._fault("over: a count has no per cent")
        if is_count and bound.denominator != 1:
            self._at = at
            raise self._fault("a whole number")
        if not is_count and bound > 1:
            self._at = at
            raise self._fault(f"a share of at most 1 or 100 %: did you mean {self._token} %?")
        return bound

    def _span(self) -> int:
        seconds = seconds_of(self._token)
        if seconds is None or seconds % BUCKET_S or not BUCKET_S <= seconds <= LONGEST_S:
            raise self._fault(f"a span in steps of {BUCKET_S} s, from 10s to 1d: 30s, 15m, 2h")
        self._at += 1
        return seconds

    def _sample(self, is_count: bool) -> int:
        if is_count:
            self._at -= 1
            raise self._fault("the end of the rule: a count has no sample")
        self._word("n", "the sample, such as: n >= 50")
        self._word(">=", "the sample, such as: n >= 50")
        if not re.fullmatch("[0-9]{1,9}", self._token) or int(self._token) < 1:
            raise self._fault("a whole number from 1")
        self._at += 1
        return int(self._tokens[self._at - 1][0])

    # -- tokens

    @property
    def _token(self) -> str:
        """The token at hand; empty at the end."""
        return self._tokens[min(self._at, len(self._tokens) - 1)][0]

    def _taken(self, word: str) -> bool:
        found = self._token.lower() == word
        self._at += found
        return found

    def _word(self, word: str, expected: str) -> None:
        if not self._taken(word):
            raise self._fault(expected)

    def _one_of(self, known: Iterable[str], expected: str) -> str:
        known, word = [str(name) for name in known], self._token.lower()
        if word not in known:
            raise self._fault(expected + _meant(self._token, known))
        self._at += 1
        return word

    def _fault(self, expected: str) -> RuleFault:
        token, place = self._tokens[min(self._at, len(self._tokens) - 1)]
        found = f"at character {place + 1}, {printable_text(token[:40])!r}" if token else "at the end"
        return RuleFault(f"{printable_text(self._text.strip())!r}: {found}: expected {expected}")


def _meant(word: str, known: Iterable[str]) -> str:
    return suggestion(word.lower()[:40], known)


def spans_of(conditions: Sequence[Condition]) -> frozenset[int]:
    """The spans, in seconds, that `Tally` has to keep for some conditions."""
    return frozenset(c.span_s for c in conditions if c.what not in (What.DROPS, What.SILENCE))
