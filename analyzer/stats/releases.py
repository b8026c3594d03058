"""How answered calls ended: by cause, by who sent the BYE."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analyzer.batch import MISSING, Columns
from analyzer.schema import ReleaseRow
from analyzer.stats.counting import is_outcome, number_counts, one_of, pair_counts, ranked
from analyzer.vocab import Outcome, Release, ReleasedBy

if TYPE_CHECKING:
    from analyzer.registry import Registry


def releases(calls: Columns, registry: Registry) -> list[ReleaseRow]:
    """Answered calls that ended with a BYE, by the Q.850 cause in that BYE; highest count first."""
    if not len(calls):
        return []
    mask = is_outcome(calls, {Outcome.ANSWERED}) & (calls.ints("bye_ts") != MISSING)
    counts = ranked(number_counts(calls.ints("release_cause"), mask))
    return [
        ReleaseRow(value, None if value is None else registry.cause(value).name or None, count)
        for value, count in counts.items()
    ]


def released_by(calls: Columns) -> dict[Release, dict[ReleasedBy, int]]:
    """For each release of answered calls, who sent the BYE."""
    if not len(calls):
        return {}
    pairs = pair_counts(calls.labels("release"), calls.labels("released_by"), np.ones(len(calls), dtype=np.bool_))
    return {
        Release(release): {ReleasedBy(name): count for name, count in counts.items()}
        for release, counts in pairs.items()
    }


def release_causes(calls: Columns, release: Release) -> dict[int, int]:
    """The Q.850 causes that the BYEs of one release carried, highest count first."""
    causes = calls.ints("release_cause")
    counts = number_counts(causes, one_of(calls.labels("release"), {release}) & (causes != MISSING))
    return ranked({cause: count for cause, count in counts.items() if cause is not None})
