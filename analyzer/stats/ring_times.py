"""How long it rang before the caller gave up, beside how long it rang until the network did.

A long ring is like no answer, a short one like a caller who changed his mind: the histogram is shown, and no cause is
guessed from it (docs/counting.md, rule 1.3).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from analyzer.batch import Columns
from analyzer.stats.counting import is_outcome
from analyzer.vocab import Outcome

#: Where each bucket begins, s; the last one has no end.
STARTS_S = (0, 5, 10, 15, 20, 25, 30, 45, 60, 90)


class RingTime(NamedTuple):
    """Calls that rang for a time: from ``from_s`` on, less than ``to_s`` (None: no end)."""

    from_s: int
    to_s: int | None
    cancelled: int
    no_answer: int


def ring_times(calls: Columns) -> list[RingTime]:
    """Cancelled and unanswered calls by ring time, in order of time; empty where no ring time is known.

    A negative ring time, which a clock that steps can give, counts in the first bucket.
    """
    if not len(calls) or "ring_s" not in calls:
        return []
    seconds = np.asarray(calls["ring_s"], dtype=np.float64)
    known = ~np.isnan(seconds)
    counts = []
    for outcome in (Outcome.CANCELLED, Outcome.NO_ANSWER):
        rang = seconds[known & is_outcome(calls, {outcome})]
        bucket = np.maximum(np.searchsorted(STARTS_S, rang, side="right") - 1, 0)
        counts.append(np.bincount(bucket, minlength=len(STARTS_S)).tolist())
    if not any(map(sum, counts)):
        return []
    ends = (*STARTS_S[1:], None)
    return [RingTime(*row) for row in zip(STARTS_S, ends, *counts, strict=True)]
