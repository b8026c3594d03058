"""Choosing calls: by outcome, code, cause, endpoint, number and time."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from analyzer.batch import MISSING, Columns, Ints, Labels, Texts
from analyzer.stats.counting import Mask, one_of, scanned, unsuccessful
from analyzer.tables.store_keys import KEY_OCTETS, call_keys
from analyzer.vocab import Outcome

#: What people put between the digits of a number (RFC 3966 §5.1.1).
_SEPARATORS = str.maketrans("", "", "-.() ")
_CALLABLE_SCHEMES = ("sip:", "sips:", "tel:")
_KEY = re.compile(f"[0-9a-f]{{{2 * KEY_OCTETS}}}")


@dataclass(frozen=True)
class Choice:
    """Which calls; several words of one kind are alternatives, different kinds must all fit.

    ``statuses`` holds codes as (first, last) and None for calls without one; ``numbers`` the beginnings of numbers;
    times are ns since the epoch, of the first INVITE, ``until`` excluded.
    ``is_scanner``: scanners' calls alone, or none of them.
    """

    is_unsuccessful: bool = False
    outcomes: tuple[Outcome, ...] = ()
    statuses: tuple[tuple[int, int] | None, ...] = ()
    causes: tuple[int | None, ...] = ()
    endpoints: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    since: int | None = None
    until: int | None = None
    is_scanner: bool | None = None


def chosen(calls: Columns, choice: Choice) -> Ints:
    """The positions of the calls that fit, in the order of their first INVITE."""
    mask = np.ones(len(calls), dtype=np.bool_)
    if not len(calls):
        return np.flatnonzero(mask)
    if choice.is_unsuccessful:
        mask &= unsuccessful(calls)
    if choice.is_scanner is not None:
        mask &= scanned(calls) == choice.is_scanner
    if choice.outcomes:
        mask &= one_of(calls.labels("outcome"), choice.outcomes)
    if choice.statuses:
        mask &= _has_status(calls.ints("status_code"), choice.statuses)
    if choice.causes:
        mask &= np.isin(calls.ints("cause"), [MISSING if cause is None else cause for cause in choice.causes])
    if choice.since is not None:
        mask &= calls.ints("invite_ts") >= choice.since
    if choice.until is not None:
        mask &= calls.ints("invite_ts") < choice.until
    if choice.endpoints:
        mask &= _has_endpoint(calls, choice.endpoints)
    if choice.numbers:
        mask &= _has_number(calls, choice.numbers, mask)
    return np.flatnonzero(mask)


def called(calls: Columns, which: str) -> Ints:
    """The positions of the calls that a person names: by their number, else by their Call-ID as it is shown, else by
    their lasting key."""
    if not len(calls):
        return np.empty(0, dtype=np.int64)
    if which.isdecimal() and len(which) < 16:
        rows = np.flatnonzero(calls.ints("call_no") == int(which))
        if len(rows):
            return rows
    texts = calls["call_id"]
    assert isinstance(texts, Labels | Texts)
    rows = np.array([row for row in range(len(calls)) if texts.value(row) == which], dtype=np.int64)
    if len(rows) or _KEY.fullmatch(which) is None:
        return rows
    keys = call_keys(calls)
    return np.array([row for row in range(len(calls)) if keys.value(row) == which], dtype=np.int64)


def _has_status(codes: Ints, statuses: tuple[tuple[int, int] | None, ...]) -> Mask:
    mask = np.zeros(len(codes), dtype=np.bool_)
    for bounds in statuses:
        mask |= codes == MISSING if bounds is None else (codes >= bounds[0]) & (codes <= bounds[1])
    return mask


def _has_endpoint(calls: Columns, endpoints: tuple[str, ...]) -> Mask:
    mask = np.zeros(len(calls), dtype=np.bool_)
    for name in ("caller_ip", "callee_ip", "failed_by_ip"):
        mask |= one_of(calls.labels(name), endpoints)
    wanted = frozenset(endpoints)
    relayed = calls["relayed_by"]
    if isinstance(relayed, Labels):
        return mask | one_of(relayed, {name for name in relayed.names if wanted & set(name.split())})
    assert isinstance(relayed, Texts)
    for row in np.flatnonzero(relayed.lengths > 0).tolist():
        mask[row] |= bool(wanted & set((relayed.value(row) or "").split()))
    return mask


def _has_number(calls: Columns, numbers: tuple[str, ...], among: Mask) -> Mask:
    beginnings = tuple(digits(number) for number in numbers)
    mask = np.zeros(len(calls), dtype=np.bool_)
    columns = [calls[name] for name in ("from_uri", "to_uri", "request_uri")]
    for row in np.flatnonzero(among).tolist():
        for column in columns:
            assert isinstance(column, Labels | Texts)
            if digits(user_of(column.value(row))).startswith(beginnings):
                mask[row] = True
                break
    return mask


def user_of(uri: str | None) -> str:
    """The user part of a SIP or tel URI, without parameters and password; the URI itself where it has none."""
    if uri is None:
        return ""
    lowered = uri[:5].lower()
    scheme = next((scheme for scheme in _CALLABLE_SCHEMES if lowered.startswith(scheme)), "")
    rest = uri[len(scheme) :]
    if scheme != "tel:" and "@" not in rest:
        return uri
    return rest.rpartition("@")[0].partition(";")[0].partition(":")[0] if "@" in rest else rest.partition(";")[0]


def digits(number: str) -> str:
    """A number to compare by: without separators, + and 00 in front alike left out."""
    plain = number.translate(_SEPARATORS)
    return plain[1:] if plain.startswith("+") else plain[2:] if plain.startswith("00") else plain
