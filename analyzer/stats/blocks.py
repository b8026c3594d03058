"""Whether two periods differ by more than chance, where failures come in bursts: by blocks of day × local hour.

Calls are not drawn one by one: an outage makes a hundred failures at a time, and whoever fails redials. So the unit
of chance is the block: all calls that begin in one local hour of one day (`local_hours.slots`). The same hour of
the week is one pair of blocks, so that what every Monday morning brings is no difference.

A share is a ratio of sums, and its variance that of the linearised ratio (Cochran, Sampling Techniques, ch. 6): with
``e`` the residual of a block, ``(failures - share × calls) ÷ all calls``, now minus before, the variance of the
difference is Σe² × B ÷ (B - 1) over B blocks with calls. Residuals of hours beside each other add to it (weights of
Bartlett, as Newey and West 1987), because outages do not end with the clock's hour. It is never less than what single
calls drawn by chance would give. The degrees of freedom are those of the blocks that matter, (Σe²)² ÷ Σe⁴ - 1:
one hour with 500 failures is one event and proves little; 500 failures in 100 hours prove much.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analyzer.batch import Ints
from analyzer.stats.counting import Mask
from analyzer.stats.delays import Reals

#: Hours beside each other that may be one event.
NEIGHBOURS = 3
#: 95 % of what chance does lies within the interval.
LEVEL = 0.05
#: Smaller differences are no news, however sure: per cent points, and calls.
LEAST_POINTS, LEAST_CALLS = 0.3, 30
_STEPS = 200
_HALVINGS = 40
_GRID = 257
_TINY = 1e-300


class Blocks(NamedTuple):
    """Failures and calls of one period by block, in the order of `local_hours.slots`.

    Leading axes, if any, are cells that are told apart: ``failures`` of shape (cells, blocks), ``calls`` the same or
    (blocks,) for shares of all calls.
    """

    failures: Ints
    calls: Ints


class Difference(NamedTuple):
    """How much a share (per cent points) or a count is higher now than before, with its 95 % interval.

    ``p``: how often chance alone does as much, two-sided. Arrays where cells were told apart.
    """

    value: Any
    low: Any
    high: Any
    p: Any


def blocks(failed: Mask, counted: Mask, slot: Ints, size: int) -> Blocks:
    """The blocks of one period: ``slot`` of each call, ``size`` of them there are; ``failed`` within ``counted``."""
    return Blocks(np.bincount(slot[failed & counted], minlength=size), np.bincount(slot[counted], minlength=size))


def difference(now: Blocks, before: Sequence[Blocks]) -> Difference | None:
    """Share now minus share before, in points; several periods before are added up. None where one has no calls.

    With cells told apart those without calls have NaN. The blocks of a period must be as many as those of the others.
    """
    if not before:
        return None
    then = Blocks(_sum([part.failures for part in before]), _sum([part.calls for part in before]))
    is_one = np.ndim(now.failures) == 1 and np.ndim(now.calls) == 1
    found = _shares(now, then)
    if not is_one:
        return found
    if math.isnan(float(found.value)):
        return None
    return Difference(*(float(part) for part in found))


def difference_of_counts(now: Ints, before: Sequence[Ints]) -> Difference | None:
    """Count now minus the mean count of the periods before, each by block. None without periods before."""
    if not before:
        return None
    residuals = now - _sum(before) / len(before)
    value = residuals.sum()
    is_used = (now > 0) | (_sum(before) > 0)
    used = int(is_used.sum())
    if used < 2:
        return Difference(float(value), -math.inf, math.inf, 1.0)
    # Poisson's variance is the least that counts can have.
    least = now.sum() + _sum(before).sum() / len(before) ** 2
    found = _judged(np.asarray(value), np.where(is_used, residuals - value / used, 0.0), used, least)
    return Difference(*(float(part) for part in found))


def is_significant(now: Blocks, before: Sequence[Blocks]) -> bool | None:
    """Whether a share differs by more than chance, and by enough to matter: `LEAST_POINTS` and `LEAST_CALLS`.

    None without periods before, or where one side has fewer calls than that.
    """
    calls, calls_before = int(now.calls.sum()), sum(int(part.calls.sum()) for part in before)
    found = difference(now, before)
    if found is None or min(calls, calls_before) < LEAST_CALLS:
        return None
    is_enough = abs(found.value) >= LEAST_POINTS and abs(found.value) / 100 * calls >= LEAST_CALLS
    return bool(is_enough and found.p < LEVEL)


def is_significant_count(now: Ints, before: Sequence[Ints]) -> bool | None:
    """The same of a count by block: `LEAST_CALLS` more or fewer than in the mean of the periods before."""
    found = difference_of_counts(now, before)
    if found is None or max(int(now.sum()), *(int(part.sum()) for part in before)) < LEAST_CALLS:
        return None
    return bool(abs(found.value) >= LEAST_CALLS and found.p < LEVEL)


def _sum(parts: Sequence[Ints]) -> Ints:
    total: Ints = np.sum(np.stack(list(parts)), axis=0)
    return total


def _shares(now: Blocks, then: Blocks) -> Difference:
    all_now, all_then = now.calls.sum(axis=-1), then.calls.sum(axis=-1)
    known = (all_now > 0) & (all_then > 0)
    whole_now, whole_then = np.maximum(all_now, 1), np.maximum(all_then, 1)
    share_now, share_then = now.failures.sum(axis=-1) / whole_now, then.failures.sum(axis=-1) / whole_then
    residuals = (now.failures - share_now[..., None] * now.calls) / whole_now[..., None]
    residuals = residuals - (then.failures - share_then[..., None] * then.calls) / whole_then[..., None]
    used = ((now.calls > 0) | (then.calls > 0)).sum(axis=-1)
    both = (now.failures.sum(axis=-1) + then.failures.sum(axis=-1)) / (whole_now + whole_then)
    least = both * (1 - both) * (1 / whole_now + 1 / whole_then)
    value, low, high, p = _judged(share_now - share_then, residuals, used, least)
    unknown = np.where(known, 0.0, np.nan)
    return Difference(100 * value + unknown, 100 * low + unknown, 100 * high + unknown, p + unknown)


def _judged(value: Reals, residuals: Reals, used: Any, least: Any) -> tuple[Reals, Reals, Reals, Reals]:
    """Value, ends of its interval and p."""
    squares = (residuals**2).sum(axis=-1)
    several = np.maximum(used, 2)
    scale = several / (several - 1)
    beside = np.zeros_like(squares)
    for lag in range(1, NEIGHBOURS + 1):
        weight = 1 - lag / (NEIGHBOURS + 1)
        beside = beside + 2 * weight * (residuals[..., :-lag] * residuals[..., lag:]).sum(axis=-1)
    variance = np.maximum(scale * (squares + np.maximum(beside, 0.0)), least)
    fourth = (residuals**4).sum(axis=-1)
    matter = np.where(fourth > 0, squares**2 / np.where(fourth > 0, fourth, 1.0), several)
    freedom = np.clip(matter - 1, 1, several - 1)
    error = np.sqrt(variance)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(error > 0, np.abs(value) / np.where(error > 0, error, 1.0), 0.0)
    spread = student_quantile(freedom) * error
    return value, value - spread, value + spread, student(t, freedom)


def student(t: Any, freedom: Any) -> NDArray[np.float64]:
    """How often Student's t is at least as far from 0, two-sided; degrees of freedom need not be whole."""
    t, freedom = np.broadcast_arrays(np.asarray(t, dtype=np.float64), np.asarray(freedom, dtype=np.float64))
    return _beta(freedom / 2, 0.5, freedom / (freedom + t * t))


def student_quantile(freedom: Any) -> NDArray[np.float64]:
    """The t that chance exceeds as often as `LEVEL` says, two-sided; off by less than 0.0002."""
    inverse, quantiles = _quantiles()
    found: NDArray[np.float64] = np.interp(1 / np.asarray(freedom, dtype=np.float64), inverse, quantiles)
    return found


@cache
def _quantiles() -> tuple[Reals, Reals]:
    """Quantiles by the inverse of the degrees of freedom, in which they are smooth."""
    inverse = np.linspace(1e-6, 1.0, _GRID)
    low, high = np.zeros(_GRID), np.full(_GRID, 16.0)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        is_low = student(middle, 1 / inverse) > LEVEL
        low, high = np.where(is_low, middle, low), np.where(is_low, high, middle)
    return inverse, high


def _beta(a: Reals, b: float, x: Reals) -> Reals:
    """The regularised incomplete beta function (DLMF 8.17.22, by Lentz's continued fraction)."""
    front = np.exp(_log_beta(a, b) + a * np.log(np.maximum(x, _TINY)) + b * np.log(np.maximum(1 - x, _TINY)))
    is_near = x < (a + 1) / (a + b + 2)
    other = np.full_like(a, b)
    one, two, z = np.where(is_near, a, other), np.where(is_near, other, a), np.where(is_near, x, 1 - x)
    part = front * _fraction(one, two, z) / one
    found: Reals = np.clip(np.where(is_near, part, 1 - part), 0.0, 1.0)
    return found


def _fraction(a: Reals, b: Reals, x: Reals) -> Reals:
    c = np.ones_like(x)
    d = 1 / _safe(1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, _STEPS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        d, c = 1 / _safe(1 + even * d), _safe(1 + even / c)
        value = value * d * c
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        d, c = 1 / _safe(1 + odd * d), _safe(1 + odd / c)
        step = d * c
        value = value * step
        if np.all(np.abs(step - 1) < 1e-12):
            break
    return value


def _safe(values: Reals) -> Reals:
    return np.where(np.abs(values) < _TINY, _TINY, values)


def _log_beta(a: Reals, b: float) -> Reals:
    """Minus the logarithm of the beta function."""
    different, places = np.unique(a, return_inverse=True)
    logs = [math.lgamma(one + b) - math.lgamma(one) - math.lgamma(b) for one in different.tolist()]
    return np.array(logs)[places].reshape(np.shape(a))
