"""When something began or ended: the moment that parts calls into a time of few failures and a time of many.

The clock is traffic, not time: calls are put in a row, and it is asked where the share of failures changes, so that a
night without calls is neither a beginning nor an end. The moment is the split of the greatest likelihood of two shares
instead of one (Hinkley and Hinkley 1970); it is told only where it is clear.
"""

from __future__ import annotations

import numpy as np

from analyzer.batch import Ints
from analyzer.stats.counting import Mask
from analyzer.stats.delays import Reals

#: Logarithm of the likelihood ratio from which a split counts, for failures as dispersed as Poisson's.
CLEAR = 12.0
#: The higher share is at least so many times the lower one.
TIMES = 3.0
#: At least so many failures on the side of many.
LEAST = 10


def began(times: Ints, failed: Mask, dispersion: float = 1.0) -> int | None:
    """Time of the first failure at the new rate; None where no moment is clear.

    ``times``: of calls, ns, in any order; ``failed``: which of them failed; ``dispersion``: variance of their counts
    by that of Poisson's.
    """
    order = np.argsort(times, kind="stable")
    where = np.flatnonzero(failed[order])
    size = len(order)
    for _ in range(2):
        split = _split(where, size, dispersion)
        if split is None:
            return None
        first, is_rise = split
        if is_rise:
            return int(times[order[where[first]]])
        # The end of it came first; where it began lies before.
        where, size = where[:first], int(where[first - 1]) + 1
    return None


def ended(times: Ints, failed: Mask, dispersion: float = 1.0) -> int | None:
    """Time of the last failure at the old rate; None where no moment is clear."""
    moment = began(-times, failed, dispersion)
    return None if moment is None else -moment


def _split(where: Ints, size: int, dispersion: float) -> tuple[int, bool] | None:
    """How many failures lie before the best split, and whether there are more behind it.

    ``where``: positions of failures in a row of ``size`` calls. A rise splits right before a failure, a fall right
    behind one.
    """
    count = len(where)
    if count < LEAST:
        return None
    before = np.arange(count)
    rise = _gain(before, where, count, size)
    fall = _gain(before + 1, where + 1, count, size)
    low, high = before / np.maximum(where, 1), (count - before) / (size - where)
    rise = np.where((high >= TIMES * low) & (count - before >= LEAST), rise, -np.inf)
    low, high = (count - before - 1) / np.maximum(size - where - 1, 1), (before + 1) / (where + 1)
    fall = np.where((high >= TIMES * low) & (before + 1 >= LEAST), fall, -np.inf)
    best, last = int(np.argmax(rise)), int(np.argmax(fall))
    if max(rise[best], fall[last]) < CLEAR * dispersion:
        return None
    return (best, True) if rise[best] >= fall[last] else (last + 1, False)


def _gain(failures: Ints, calls: Ints, count: int, size: int) -> Reals:
    """The logarithm of the likelihood ratio of two shares against one, Poisson's counts."""
    one = count * np.log(count / size)
    found: Reals = _term(failures, calls) + _term(count - failures, size - calls) - one
    return found


def _term(failures: Ints, calls: Ints) -> Reals:
    known = (failures > 0) & (calls > 0)
    share = np.where(known, failures, 1) / np.where(known, calls, 1)
    found: Reals = np.where(known, failures * np.log(share), 0.0)
    return found
