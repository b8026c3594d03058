"""Times in which every call to a trunk failed."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from analyzer.batch import Ints
from analyzer.stats.population import Population

SECOND = 1_000_000_000
#: So many calls in a row, and so long.
_FEWEST, _SHORTEST = 20, 300 * SECOND
#: The chance that so many fail one after another, in as many calls as there were.
_IMPROBABLE = 1e-6


class Dead(NamedTuple):
    """From the first to the last of calls that all failed: ``rows``, and how many of them usually fail."""

    from_ts: int
    to_ts: int
    rows: Ints
    expected: float


def only_failures(calls: Population, rows: Ints) -> list[Dead]:
    """The runs of failures among some calls that are too long to be chance, in order; ``rows`` are their numbers.

    Calls that say nothing (open, redirected, answered elsewhere) do not end a run. How often calls fail otherwise is
    taken from the calls outside the run; of a trunk without any, half are taken to fail.
    """
    order = np.argsort(calls.numbers("invite_ts"), kind="stable")
    order = order[calls.counted[order]]
    if not len(order):
        return []
    failed, starts = calls.failed[order], calls.numbers("invite_ts")[order]
    edges = np.flatnonzero(np.diff(np.concatenate([[False], failed, [False]]).astype(np.int8)))
    total, bad = len(order), int(failed.sum())
    found = []
    for first, end in edges.reshape(-1, 2).tolist():
        count = end - first
        if count < _FEWEST or starts[end - 1] - starts[first] < _SHORTEST:
            continue
        share = (bad - count + 1) / (total - count + 2)
        if count * math.log(share) + math.log(total) < math.log(_IMPROBABLE):
            found.append(Dead(int(starts[first]), int(starts[end - 1]), rows[order[first:end]], count * share))
    return found
