"""How many calls at once, and how many in a second: exact maxima by sorting, not samples."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from analyzer.batch import MISSING, Ints

SECOND = 1_000_000_000


class Peak(NamedTuple):
    """The highest number, and when it was first reached (ns); of nothing 0 and None."""

    number: int
    ts: int | None


def concurrent(starts: Ints, ends: Ints) -> Peak:
    """The most calls that were up at one moment; each is up from its start to right before its end.

    A call without an end (`MISSING`), or with one before its start (clocks that step), is up for that moment alone.
    """
    if not len(starts):
        return Peak(0, None)
    begun = np.sort(starts)
    over = np.sort(np.where((ends == MISSING) | (ends <= starts), starts + 1, ends))
    # At the n-th start n calls have begun; the number can only be highest at a start.
    up = np.arange(1, len(begun) + 1) - np.searchsorted(over, begun, side="right")
    at = int(up.argmax())
    return Peak(int(up[at]), int(begun[at]))


def per_second(starts: Ints, length_ns: int = SECOND) -> Peak:
    """The most starts in any second, wherever it begins: [t, t + 1 s); the time is that of the first of them."""
    if not len(starts):
        return Peak(0, None)
    begun = np.sort(starts)
    counts = np.searchsorted(begun, begun + length_ns, side="left") - np.arange(len(begun))
    at = int(counts.argmax())
    return Peak(int(counts[at]), int(begun[at]))


def busiest_hour(hours: Ints) -> Peak:
    """The hour (a number) that occurs most, the first of several; ``ts`` is its number here."""
    if not len(hours):
        return Peak(0, None)
    found, counts = np.unique(hours, return_counts=True)
    at = int(counts.argmax())
    return Peak(int(counts[at]), int(found[at]))
