"""How long answered calls lasted: lengths at which timers and not people end them, and answers that are none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from analyzer.batch import MISSING, Labels
from analyzer.stats.binomial import binomial_at_least
from analyzer.stats.counting import Mask
from analyzer.stats.delays import Reals
from analyzer.stats.kpi import Ratio, wilson
from analyzer.stats.population import Population
from analyzer.vocab import ReleasedBy

#: Ends of the bins, s.
EDGES = (0.0, 6.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0)
#: Lengths at which timers end calls: Timer H and the resends of a 2xx (RFC 3261 §13.3.1.4), session timers and limits
#: that sites set, s.
TIMERS_S = (32.0, 900.0, 1800.0, 3600.0)
#: How near a length must be, and how far to both sides the lengths beside it are counted: a part of the length, and
#: at least so much, s.
_NEAR, _NEAR_S = 0.001, 1.0
_BESIDE, _BESIDE_S = 0.1, 10.0
#: A spike has at least so many calls, and half as many again as the lengths beside it let expect.
_FEWEST, _EXCESS = 10, 1.5
#: Chance of such a number without a timer.
_IMPROBABLE = 1e-4
#: Less than this share of its answers makes nobody a false answerer, %; nor do fewer calls than that.
_FALSE_SHARE, _FALSE_CALLS = 5.0, 5


class Spike(NamedTuple):
    """Calls that ended at a length, how many the lengths beside it let expect, and whether that is no chance."""

    at_s: float
    mask: Mask
    expected: float
    is_spike: bool


class FalseAnswers(NamedTuple):
    """One endpoint's answers that callers left at once."""

    ip: str
    mask: Mask
    share: Ratio


def lengths(calls: Population) -> Reals:
    """From answer to BYE of answered calls, s; NaN where no end is known. Clocks that step give negative ones."""
    return np.where(calls.has_bye, calls.between("answer_ts", "bye_ts"), np.nan)


def connected(calls: Population) -> Reals:
    """How long each answered call was connected, s: to its BYE, else to the last that was heard in it (at least so
    long); NaN of other calls. Never negative."""
    held, at_least = lengths(calls), calls.between("answer_ts", "last_ts")
    return np.where(calls.answered, np.maximum(np.where(np.isnan(held), at_least, held), 0.0), np.nan)


def bin_masks(held: Reals, edges: tuple[float, ...] = EDGES) -> list[tuple[float, float | None, Mask]]:
    """Lengths by bins; each with a known length is in one of them (a negative one in the first)."""
    known = ~np.isnan(held)
    number = np.clip(np.searchsorted(edges, np.where(known, held, 0.0), side="right") - 1, 0, len(edges) - 1)
    ends: list[float | None] = [*edges[1:], None]
    return [(edges[n], ends[n], known & (number == n)) for n in range(len(edges))]


def spike(held: Reals, at_s: float) -> Spike:
    """Whether more calls end at a length than beside it.

    What is expected is the mean of both sides' calls a second. Under chance the calls in the middle are a share of
    those in all three that their widths give: a binomial test, which knows how little few neighbours say.
    """
    near, beside = max(at_s * _NEAR, _NEAR_S), max(at_s * _BESIDE, _BESIDE_S)
    known = np.where(np.isnan(held), -np.inf, held)
    mask = np.abs(known - at_s) <= near
    below = int(((known >= at_s - beside) & (known < at_s - near)).sum())
    above = int(((known > at_s + near) & (known <= at_s + beside)).sum())
    count, side = int(mask.sum()), beside - near
    expected = (below + above) / (2 * side) * 2 * near
    chance = binomial_at_least(count, count + below + above, near / beside)
    is_spike = count >= _FEWEST and count >= _EXCESS * expected and chance < _IMPROBABLE
    return Spike(at_s, np.asarray(mask), expected, is_spike)


def short_calls(calls: Population, seconds: Sequence[float]) -> dict[str, Ratio]:
    """By length in s the calls that were shorter, of those of which a length is known (`kpis.short_calls`)."""
    held = lengths(calls)
    known = int((~np.isnan(held)).sum())
    return {
        f"{limit:g}": Ratio(int((np.where(np.isnan(held), np.inf, held) < limit).sum()), known) for limit in seconds
    }


def is_left_at_once(calls: Population, within_s: float) -> Mask:
    """Answered with nothing heard before, and hung up by the caller within seconds."""
    held = lengths(calls)
    quick = ~np.isnan(held) & (np.where(np.isnan(held), np.inf, held) < within_s)
    heard: Mask = (calls.numbers("alert_ts") != MISSING) | (calls.numbers("media_ts") != MISSING)
    return quick & ~heard & calls.is_one_of("released_by", {ReleasedBy.CALLER})


def false_answers(calls: Population, within_s: float, minimum: int) -> list[FalseAnswers]:
    """Endpoints with more such answers than others have, by the lower bound of their share, the worst first.

    An endpoint is told when the lower end of the interval of its share lies above the upper end of all others' share
    together, and above a floor: machines that answer at once (fax, announcements) are left at once now and then.
    """
    if not len(calls):
        return []
    answers = calls.has_bye
    false = is_left_at_once(calls, within_s)
    by: Labels = calls.table.labels("callee_ip")
    known = by.codes >= 0
    total = np.bincount(by.codes[answers & known], minlength=len(by.names))
    bad = np.bincount(by.codes[false & known], minlength=len(by.names))
    found = []
    for code in np.flatnonzero((bad >= _FALSE_CALLS) & (total >= minimum)).tolist():
        low, _ = wilson(bad[code], total[code])
        rest, of_rest = int(bad.sum() - bad[code]), int(total.sum() - total[code])
        usual = float(wilson(rest, of_rest)[1]) if of_rest >= minimum else 0.0
        if float(low) > max(usual, _FALSE_SHARE):
            share = Ratio(int(bad[code]), int(total[code]))
            found.append((float(low), FalseAnswers(by.names[code], false & (by.codes == code), share)))
    return [answer for _, answer in sorted(found, key=lambda pair: (-pair[0], pair[1].ip))]
