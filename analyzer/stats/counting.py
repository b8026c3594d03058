"""Counting by label, number or address over whole columns, without a Python loop over rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from analyzer.batch import MISSING, Columns, Ints, Labels
from analyzer.vocab import FAILURES, NOT_UNSUCCESSFUL, Outcome

_K = TypeVar("_K")

#: How a missing code is written as a key (docs/json.md).
NONE = "none"

_COUNTED_IN_PLACE = 1 << 18

Mask = NDArray[np.bool_]


def label_counts(labels: Labels, mask: Mask | None = None) -> dict[str | None, int]:
    """How often each label occurs, None for a missing one; in the order of the names, zeros left out."""
    codes = labels.codes if mask is None else labels.codes[mask]
    counted = np.bincount(codes.astype(np.int64) + 1, minlength=len(labels.names) + 1).tolist()
    found: dict[str | None, int] = {}
    if counted[0]:
        found[None] = counted[0]
    for name, count in zip(labels.names, counted[1:], strict=False):
        if count:
            found[name] = found.get(name, 0) + count
    return found


def number_counts(numbers: Ints, mask: Mask | None = None) -> dict[int | None, int]:
    """How often each number occurs, None for a missing one."""
    chosen = numbers if mask is None else numbers[mask]
    known = chosen[chosen != MISSING]
    found = cast("dict[int | None, int]", tally(known))
    if len(known) < len(chosen):
        found[None] = len(chosen) - len(known)
    return found


def tally(numbers: Ints) -> dict[int, int]:
    """How often each number occurs, ascending; none may be missing.

    Small numbers (codes, causes, positions) are counted in place, which costs a tenth of sorting them.
    """
    if not len(numbers):
        return {}
    if numbers.min() >= 0 and numbers.max() < _COUNTED_IN_PLACE:
        counts = np.bincount(numbers)
        values = np.flatnonzero(counts)
        counts = counts[values]
    else:
        values, counts = np.unique(numbers, return_counts=True)
    return dict(zip(values.tolist(), counts.tolist(), strict=True))


def pair_counts(first: Labels, second: Labels, mask: Mask) -> dict[str, dict[str, int]]:
    """How often each pair of labels occurs, missing ones left out; the inner counts highest first."""
    known = mask & (first.codes >= 0) & (second.codes >= 0)
    width = max(len(second.names), 1)
    joined = first.codes[known].astype(np.int64) * width + second.codes[known]
    found: dict[str, dict[str, int]] = {}
    for value, count in enumerate(np.bincount(joined, minlength=1).tolist()):
        if count:
            found.setdefault(first.names[value // width], {})[second.names[value % width]] = count
    return {name: ranked(counts) for name, counts in found.items()}


def one_of(labels: Labels, members: Iterable[str]) -> Mask:
    """Where a label is one of some texts."""
    wanted = frozenset(members)
    table = np.array([name in wanted for name in labels.names] + [False], dtype=np.bool_)
    chosen: Mask = table[labels.codes]  # code -1 (missing) reads the last entry
    return chosen


def is_outcome(calls: Columns, outcomes: Iterable[Outcome]) -> Mask:
    """Calls with one of some outcomes."""
    return one_of(calls.labels("outcome"), outcomes) if len(calls) else np.zeros(0, dtype=np.bool_)


def unsuccessful(calls: Columns) -> Mask:
    """Calls that are neither answered nor left out (open, elsewhere, redirected)."""
    return is_outcome(calls, set(Outcome) - NOT_UNSUCCESSFUL)


def failures(calls: Columns) -> Mask:
    """Unsuccessful calls that are somebody's failure, not merely a user's doing."""
    return is_outcome(calls, FAILURES)


def scanned(calls: Columns) -> Mask:
    """Calls that scanners made."""
    return np.asarray(calls["is_scanner"], dtype=np.bool_) if len(calls) else np.zeros(0, dtype=np.bool_)


def ranked(counts: Mapping[_K, int]) -> dict[_K, int]:
    """The same, highest count first, then by key; a missing key last among its equals."""
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0] is None, item[0])))


def code_keys(counts: Mapping[int | None, int]) -> dict[str, int]:
    """Counts by code under text keys, ``none`` for a missing code; highest count first, then by code."""
    return {NONE if code is None else str(code): count for code, count in ranked(counts).items()}
