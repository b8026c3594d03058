"""Calls by outcome, by status code and, the answered ones, by release (docs/counting.md)."""

from __future__ import annotations

from typing import NamedTuple

from analyzer.batch import Columns
from analyzer.stats.counting import (
    code_keys,
    failures,
    is_outcome,
    label_counts,
    number_counts,
    pair_counts,
    ranked,
    unsuccessful,
)
from analyzer.vocab import Fault, Outcome, Release


class CallTotals(NamedTuple):
    """The calls of an analysis in figures.

    ``total`` is the sum of ``by_outcome`` and of ``by_status_code``; ``unsuccessful`` is the total without answered,
    open, elsewhere and redirected; ``failures`` is the part of it that is somebody's failure; ``by_release`` holds
    the answered calls alone.
    """

    total: int
    unsuccessful: int
    failures: int
    by_outcome: dict[Outcome, int]
    by_status_code: dict[str, int]
    by_release: dict[Release, int]


def totals(calls: Columns) -> CallTotals:
    """All the figures at once."""
    return CallTotals(
        total=len(calls),
        unsuccessful=int(unsuccessful(calls).sum()),
        failures=int(failures(calls).sum()),
        by_outcome=by_outcome(calls),
        by_status_code=by_status_code(calls),
        by_release=by_release(calls),
    )


def by_outcome(calls: Columns) -> dict[Outcome, int]:
    """Calls by outcome, highest count first."""
    if not len(calls):
        return {}
    counts = label_counts(calls.labels("outcome"))
    return ranked({Outcome(name): count for name, count in counts.items() if name is not None})


def by_status_code(calls: Columns) -> dict[str, int]:
    """Calls by the final status code that decided, ``none`` where there was none."""
    return code_keys(number_counts(calls.ints("status_code"))) if len(calls) else {}


def by_release(calls: Columns) -> dict[Release, int]:
    """Answered calls by how they ended."""
    if not len(calls):
        return {}
    counts = label_counts(calls.labels("release"), is_outcome(calls, {Outcome.ANSWERED}))
    return ranked({Release(name): count for name, count in counts.items() if name is not None})


def faults(calls: Columns) -> dict[Outcome, dict[Fault, int]]:
    """For each unsuccessful outcome, whose doing the calls were."""
    if not len(calls):
        return {}
    pairs = pair_counts(calls.labels("outcome"), calls.labels("fault"), unsuccessful(calls))
    return {
        Outcome(outcome): {Fault(name): count for name, count in counts.items()} for outcome, counts in pairs.items()
    }
