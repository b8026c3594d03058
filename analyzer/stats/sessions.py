"""Sessions by outcome and by how they are known, and where their failures began (docs/counting.md)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from analyzer.batch import MISSING, Columns
from analyzer.stats.counting import failures, is_outcome, label_counts, ranked
from analyzer.vocab import LinkedBy, Outcome


class SessionTotals(NamedTuple):
    """The sessions of an analysis in figures.

    ``calls`` are all their legs; ``by_outcome`` adds up to ``total``; ``linked_by`` counts the sessions of several
    calls by how their weakest link is known. ``failures`` are failed sessions, ``failures_behind`` those that began in
    a leg behind the first, ``advanced`` the sessions answered after another route had been refused.
    """

    total: int
    calls: int
    failures: int
    failures_behind: int
    advanced: int
    by_outcome: dict[Outcome, int]
    linked_by: dict[LinkedBy, int]

    @property
    def linked(self) -> int:
        """Sessions of several calls."""
        return sum(self.linked_by.values())


def session_totals(sessions: Columns) -> SessionTotals:
    """All the figures at once."""
    if not len(sessions):
        return SessionTotals(0, 0, 0, 0, 0, {}, {})
    failed = failures(sessions)
    began = sessions.ints("failed_in_call")
    answered = is_outcome(sessions, {Outcome.ANSWERED})
    outcomes = label_counts(sessions.labels("outcome"))
    linked = label_counts(sessions.labels("linked_by"))
    return SessionTotals(
        total=len(sessions),
        calls=int(sessions.ints("calls").sum()),
        failures=int(failed.sum()),
        failures_behind=int((failed & (began != MISSING) & (began != sessions.ints("call_no"))).sum()),
        advanced=int(np.count_nonzero(answered & (sessions.ints("route_advances") > 0))),
        by_outcome=ranked({Outcome(name): count for name, count in outcomes.items() if name is not None}),
        linked_by=ranked({LinkedBy(name): count for name, count in linked.items() if name is not None}),
    )
