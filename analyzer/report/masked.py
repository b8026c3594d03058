"""A report without anybody's number: what is mailed unless somebody says ``--numbers full``.

A number keeps what tells where it belongs (``+31…67``: two digits behind + or 00, else its first two, and the last
two), a short one less; a user who is a word keeps its first letter. The same number is masked alike wherever it stands,
so that calls can still be told together, and two numbers may look alike. Emergency numbers stay.

Numbers also stand where nobody put them on purpose: in Call-IDs, User-Agents, names of capture files, notes. Every
text of the report is looked through for the numbers of the calls that it shows, whatever stands before their last six
digits.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

from analyzer.config_entries import Numbers
from analyzer.periods import Period
from analyzer.report.lines import CallRef, Count, NoteLine
from analyzer.report.lines_of_traffic import DestinationLine
from analyzer.report.model import WeeklyReport

_T = TypeVar("_T")
#: So many digits at the end of a number tell it, however it is dialled.
TAIL = 6
#: Users that are nobody's.
_NOBODY = frozenset({"anonymous", "restricted", "unavailable", "unknown", "private", "sos"})
_SEPARATORS = str.maketrans("", "", " ()./-")
_DIALLED = re.compile(r"(?P<sign>\+|00(?=\d{7})|%2[Bb])?(?P<digits>\d+)")
_RUN = re.compile(r"\+?\d{6,}")
_SHORT_RUN = re.compile(r"(?<!\d)\d{3,5}(?!\d)")
_PLUS = re.compile(r"\+\d{7,}")
_WORD = re.compile(r"[^\W\d_][\w.]+")
#: Users of URIs; a number after tel:.
_USER = re.compile(r"(?P<scheme>\b(?:sips?:|tel:)?)(?P<user>[^\s@:;<>\"'=,/]{1,200})(?::[^\s@]{0,200})?@(?=[\w\[])")
_TEL = re.compile(r"(?P<scheme>\btel:)(?P<user>[-+\d().%A-Fa-f]+)")
#: In notes: dates and addresses are no numbers to call, and almost everything else with seven digits is.
_IN_NOTE = re.compile(
    r"(?P<kept>\d{4}-\d\d?-\d\d?|\d\d?-\d\d?-\d{4}|\d\d?:\d\d(?::\d\d)?"
    r"|(?<![\d.])(?:0|[1-9]\d{0,2})(?:\.(?:0|[1-9]\d{0,2})){3}(?![\d.]))"
    r"|(?<![A-Za-z0-9])(?P<number>\+?\(?\d(?:[ ()./-]{0,3}\d){6,})"
)


def masked(report: WeeklyReport) -> WeeklyReport:
    """The report with numbers, users and what may hold them masked; keys, addresses and figures stay."""
    return _Masking(report).report


def masked_user(user: str, emergency: frozenset[str] = frozenset()) -> str:
    """A number or user as it may be shown: ``+31…67``, ``02…67``, ``…7`` of an extension, ``a…`` of alice."""
    if user in emergency or user.casefold() in _NOBODY or not user:
        return user
    dialled = _DIALLED.fullmatch(user.translate(_SEPARATORS))
    if dialled is None:
        return f"{user[0]}…" if user[0].isalpha() and len(user) > 1 else "…"
    number, sign = dialled["digits"], dialled["sign"] or ""
    if len(number) < 5:
        return f"…{number[-1]}" if len(number) > 2 else "…"
    return f"{sign}{number[:2]}…{number[-2:]}" if len(number) > 8 else f"…{number[-2:]}"


class _Masking:
    """One report's numbers, and what they become."""

    def __init__(self, report: WeeklyReport) -> None:
        self._emergency = frozenset(Numbers().emergency) | {line.number for line in report.emergency}
        users = {user for call in report.calls.values() for user in (call.a_number, call.b_number) if user}
        users = {self._plain(user) for user in users} - self._emergency
        dialled = {re.sub(r"\D", "", user) for user in users if _DIALLED.fullmatch(user.translate(_SEPARATORS))}
        # A user such as 0201234567-trunk2 has a number in it as well.
        dialled |= {run for user in users for run in re.findall(r"\d{6,}", user)}
        self._tails = frozenset(number[-TAIL:] for number in dialled if len(number) >= TAIL)
        self._short = frozenset(number for number in dialled if len(number) < TAIL)
        self._words = frozenset(user.casefold() for user in users if len(user) > 2 and not user.isdecimal())
        self.report: WeeklyReport = self._walked(report)

    def _walked(self, value: _T) -> _T:
        """A value with every text in it looked through."""
        found: Any = value
        if type(found) is str:  # not the words of `vocab`
            found = self._text(found)
        elif isinstance(value, Count):
            found = replace(value, choice=self._text(value.choice))
        elif isinstance(value, Period):
            pass
        elif is_dataclass(value) and not isinstance(value, type):
            special = self._special(value)
            rest = {field.name: self._walked(getattr(value, field.name)) for field in fields(value)}
            found = replace(value, **{**rest, **special})
        elif isinstance(value, tuple):
            walked = [self._walked(one) for one in value]
            found = type(value)(*walked) if hasattr(value, "_fields") else tuple(walked)
        elif isinstance(value, Mapping):
            found = {self._walked(key): self._walked(one) for key, one in value.items()}
            if "prefix" in found:
                found["prefix"] = self._prefix(found["prefix"])
        return found  # type: ignore[no-any-return]

    def _special(self, value: Any) -> dict[str, Any]:
        """The fields of a line that are more than texts which may hold a number."""
        if isinstance(value, WeeklyReport):
            return {"calls": {key: self._walked(call) for key, call in value.calls.items()}}
        if isinstance(value, CallRef):
            numbers = {name: self._number(getattr(value, name)) for name in ("a_number", "b_number")}
            return {"key": value.key, "call_id": self._call_id(value.call_id), **numbers}
        if isinstance(value, NoteLine):
            return {"text": self._note(value.text)}
        if isinstance(value, DestinationLine):
            return {"prefix": self._prefix(value.prefix)}
        return {}

    def _number(self, number: str | None) -> str | None:
        if number is None:
            return None
        if number.startswith(("sip:", "sips:")) and "@" not in number:  # no user: a host
            return self._text(number)
        return masked_user(self._plain(number), self._emergency)

    def _prefix(self, prefix: str) -> str:
        """Dial codes stay; a whole number that was given a name of ours is masked."""
        return masked_user(prefix, self._emergency) if len(re.sub(r"\D", "", prefix)) > 8 else prefix

    def _text(self, text: str) -> str:
        if not text:
            return text
        text = _USER.sub(lambda at: f"{at['scheme']}{self._one(at['user'])}@", text)
        text = _TEL.sub(lambda at: f"{at['scheme']}{self._one(at['user'])}", text)
        return _RUN.sub(self._run, text)

    def _call_id(self, call_id: str) -> str:
        """Its part before @ is made by phones and exchanges, of numbers and users as well as of chance."""
        local, at, host = call_id.partition("@")
        local = _PLUS.sub(self._mask, _RUN.sub(self._run, local))
        local = _SHORT_RUN.sub(lambda run: self._one(run[0]) if run[0] in self._short else run[0], local)
        local = _WORD.sub(self._word, local)
        return local + at + _RUN.sub(self._run, host)

    def _note(self, text: str) -> str:
        told = _IN_NOTE.sub(lambda at: at["kept"] or self._one(at["number"]), self._text(text))
        return _WORD.sub(self._word, told)

    def _word(self, word: re.Match[str]) -> str:
        return self._one(word[0]) if word[0].casefold() in self._words else word[0]

    def _run(self, run: re.Match[str]) -> str:
        """Digits in which a known number ends somewhere."""
        number = run[0].lstrip("+")
        is_known = any(number[at : at + TAIL] in self._tails for at in range(len(number) - TAIL + 1))
        return self._one(run[0]) if is_known else run[0]

    def _mask(self, found: re.Match[str]) -> str:
        return self._one(found[0])

    def _one(self, user: str) -> str:
        return masked_user(self._plain(user), self._emergency)

    @staticmethod
    def _plain(user: str) -> str:
        return user.replace("%2B", "+").replace("%2b", "+")
