"""Registrations by outcome."""

from __future__ import annotations

from analyzer.batch import Columns
from analyzer.stats.counting import code_keys, label_counts, number_counts, ranked
from analyzer.vocab import RegistrationOutcome


def by_outcome(registrations: Columns) -> dict[RegistrationOutcome, int]:
    """Registrations by outcome, highest count first."""
    if not len(registrations):
        return {}
    counts = label_counts(registrations.labels("outcome"))
    return ranked({RegistrationOutcome(name): count for name, count in counts.items() if name is not None})


def by_status_code(registrations: Columns) -> dict[str, int]:
    """Registrations by the status code that decided, ``none`` where there was none."""
    return code_keys(number_counts(registrations.ints("status_code"))) if len(registrations) else {}
