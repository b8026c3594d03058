"""Whether failures of many cells at once rose or fell by more than chance does, where failures come in bursts.

For each cell (``failures`` and ``calls`` by period and block, blocks of day × local hour) its failures of one period
are compared with those of others, each by the calls of its own traffic:

- the statistic is the deviance of two rates against one (McCullagh and Nelder, Generalized Linear Models, 1989, ch. 6),
  divided by the dispersion: how many times more the counts of blocks vary than Poisson's would. It is estimated from
  the period with the lower rate, by hours, by days and, where there are several weeks, by weeks, each against its
  like; the largest of them and of what is usual (`usual_dispersion`) counts;
- what `WORST` hours alone make is no news: the statistic is that of the rest;
- the false discovery rate is held by Benjamini and Hochberg's procedure (1995) over all cells tested.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from analyzer.batch import Ints
from analyzer.stats.delays import Reals

#: So many hours of a week are left out, the worst ones.
WORST = 2
#: False discoveries among all discoveries.
RATE = 0.01
#: Traffic that is less than this part of what it was (or will be) says nothing of a rate.
NEW = 0.1
_DAY = 24


class Compared(NamedTuple):
    """Of each cell: how far it is from what its traffic would bring at the rate of the time before."""

    #: Failures and calls of the week; of the time before, a mean week.
    now: Reals
    before: Reals
    #: What the week's traffic would bring at the old rate.
    expected: Reals
    #: Logarithm of the likelihood ratio: how well the cell parts what changed from what did not.
    gain: Reals
    dispersion: Reals
    p: Reals

    @property
    def excess(self) -> Reals:
        """Failures beyond what was expected; below 0 for falls."""
        return self.now - self.expected


def compared(failures: Ints, calls: Ints, usual: float = 1.0) -> Compared:
    """Compare period 0 with those after it: both arrays of shape (cells, periods, blocks), blocks in whole days.

    ``calls`` is each cell's own traffic and not 0 in sum on either side. ``usual``: see `usual_dispersion`.
    """
    weeks = failures.shape[1] - 1
    now, then = failures[:, 0].sum(axis=1).astype(float), failures[:, 1:].sum(axis=(1, 2)).astype(float)
    calls_now, calls_then = calls[:, 0].sum(axis=1).astype(float), calls[:, 1:].sum(axis=(1, 2)).astype(float)
    expected = then * calls_now / calls_then
    is_rise = now >= expected
    of_then, of_now = _dispersion(failures[:, 1:], calls[:, 1:]), _dispersion(failures[:, :1], calls[:, :1])
    dispersion = np.maximum(np.where(is_rise, of_then, of_now), max(usual, 1.0))
    low, high = then / calls_then, now / calls_now
    over = _worst(failures[:, 0] - low[:, None] * calls[:, 0], WORST)
    under = _worst((failures[:, 1:] - high[:, None, None] * calls[:, 1:]).reshape(len(now), -1), WORST * weeks)
    rest_now = np.where(is_rise, np.maximum(now - over, expected), now)
    rest_then = np.where(is_rise, then, np.maximum(then - under, now * calls_then / calls_now))
    gain = _deviance(now, then, calls_now, calls_then)
    deviance = 2 * _deviance(rest_now, rest_then, calls_now, calls_then) / dispersion
    return Compared(now, then / weeks, expected, gain, dispersion, two_sided(np.sqrt(np.maximum(deviance, 0.0))))


def usual_dispersion(failures: Ints, calls: Ints) -> float:
    """What is usual among cells of the time before (shape as in `compared`): the mean by failures, by hours."""
    then, traffic = failures[:, 1:], calls[:, 1:]
    total = then.sum(axis=(1, 2)).astype(float)
    found = _by_blocks(then, traffic)
    return max(1.0, float((found * total).sum() / total.sum())) if total.sum() else 1.0


def two_sided(z: Reals) -> Reals:
    """How often a standard normal deviate is at least so far from 0."""
    return np.array([math.erfc(one / math.sqrt(2)) for one in z.tolist()])


def false_discovery_rates(p: Reals) -> Reals:
    """The least false discovery rate at which each is a discovery (Benjamini and Hochberg 1995)."""
    order = np.argsort(p, kind="stable")
    scaled = p[order] * len(p) / np.arange(1, len(p) + 1)
    found = np.empty(len(p))
    found[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return found


def _dispersion(failures: Ints, calls: Ints) -> Reals:
    """How many times more blocks vary than Poisson's counts: the most of hours, days and weeks."""
    cells, weeks, size = failures.shape
    days = (cells, weeks, size // _DAY, _DAY)
    found = np.maximum(
        _by_blocks(failures, calls), _by_blocks(failures.reshape(days).sum(axis=3), calls.reshape(days).sum(axis=3))
    )
    if weeks > 1:
        found = np.maximum(found, _by_blocks(failures.sum(axis=2, keepdims=True), calls.sum(axis=2, keepdims=True)))
    return found


def _by_blocks(failures: Ints, calls: Ints) -> Reals:
    """Like blocks of several weeks against their mean; of one week all its blocks against that of the week."""
    along: Any = 1 if failures.shape[1] > 1 else 2
    traffic = calls.sum(axis=along, keepdims=True)
    rate = failures.sum(axis=along, keepdims=True) / np.maximum(traffic, 1)
    expected = rate * calls
    count = np.maximum((calls > 0).sum(axis=along, keepdims=True), 1)
    scale = np.where(count > 1, count / np.maximum(count - 1, 1), 0.0)
    squares = ((failures - expected) ** 2 * scale).sum(axis=(1, 2))
    total = (expected * (scale > 0)).sum(axis=(1, 2))
    return np.where(total > 0, squares / np.maximum(total, 1e-9), 1.0)


def _worst(excess: Reals, count: int) -> Reals:
    """The sum of the largest ones above 0."""
    count = min(count, excess.shape[1])
    found: Reals = np.maximum(np.partition(excess, excess.shape[1] - count, axis=1)[:, -count:], 0.0).sum(axis=1)
    return found


def _deviance(now: Reals, then: Reals, calls_now: Reals, calls_then: Reals) -> Reals:
    """Half the deviance: now·ln(now ÷ mean) + then·ln(then ÷ mean)."""
    both = (now + then) / (calls_now + calls_then)
    return _term(now, both * calls_now) + _term(then, both * calls_then)


def _term(count: Reals, mean: Reals) -> Reals:
    known = (count > 0) & (mean > 0)
    return np.where(known, count * np.log(np.where(known, count, 1.0) / np.where(known, mean, 1.0)), 0.0)
