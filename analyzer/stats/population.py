"""What figures of merit are computed on: calls, sessions or registrations as columns, with the masks all need.

A figure is given as vectors, one value a row (`Share`, `Times`); summing them up, over all rows or part by part, is
done in one place for all figures (`analyzer.stats.kpis`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cached_property
from typing import NamedTuple

import numpy as np

from analyzer.batch import MISSING, AnyColumn, Columns, Ints
from analyzer.registry.counting_entries import KpiEntry
from analyzer.schema import CallRow, SessionRow
from analyzer.stats.counting import Mask, one_of
from analyzer.stats.delays import Reals
from analyzer.vocab import CAUSE_GROUPS, FAILURES, Outcome, RegistrationOutcome, Release, Side

_READ = [source for source, group in CAUSE_GROUPS.items() if group == "read"]
_SECOND = 1e9
_MILLISECOND = 1e6


class Share(NamedTuple):
    """A ratio before it is summed up: what each row adds to the numerator and to the denominator."""

    numerator: Mask
    denominator: Mask | Ints


class Times(NamedTuple):
    """Delays before they are put together: one a row, NaN where there is none."""

    values: Reals


Measured = Share | Times


class Population:
    """The rows of calls, sessions or registrations; ``kind`` is which, ``entries`` what data/kpis.toml says."""

    def __init__(self, table: Columns, kind: str, entries: Mapping[str, KpiEntry]) -> None:
        self.table = table
        self.kind = kind
        self.entries = entries

    def __len__(self) -> int:
        return len(self.table)

    # -- columns; a table without rows has none

    def numbers(self, name: str) -> Ints:
        """A column of numbers or times, MISSING where there is none."""
        return self.table.ints(name) if len(self) else np.empty(0, dtype=np.int64)

    def reals(self, name: str) -> Reals:
        """A column of numbers with decimals, NaN where there is none."""
        return np.asarray(self.table[name], dtype=np.float64) if len(self) else np.empty(0)

    def is_one_of(self, name: str, words: Collection[str]) -> Mask:
        """Where a column of labels holds one of some words."""
        return one_of(self.table.labels(name), words) if len(self) else np.zeros(0, dtype=np.bool_)

    def between(self, start: str, end: str, unit: float = _SECOND) -> Reals:
        """From one time to another, in units of so many ns; NaN where one of them is missing."""
        first, last = self.numbers(start), self.numbers(end)
        known = (first != MISSING) & (last != MISSING)
        return np.where(known, (last - np.where(known, first, last)) / unit, np.nan)

    # -- what most figures ask

    @cached_property
    def status(self) -> Ints:
        """Final status codes; 0 where there is none."""
        codes = self.numbers("status_code")
        return np.where(codes == MISSING, 0, codes)

    def has_status(self, codes: Collection[int]) -> Mask:
        """Where the final code is one of some."""
        return np.isin(self.status, list(codes))

    def has_read_cause(self, causes: Collection[int]) -> Mask:
        """Where one of some causes was read, not derived."""
        return np.isin(self.numbers("cause"), list(causes)) & self.is_one_of("cause_from", _READ)

    def is_outcome(self, *outcomes: Outcome | RegistrationOutcome) -> Mask:
        """Where the outcome is one of some."""
        return self.is_one_of("outcome", outcomes)

    def is_release(self, releases: Collection[Release]) -> Mask:
        """Answered calls that ended in one of some ways."""
        return self.answered & self.is_one_of("release", releases)

    @cached_property
    def answered(self) -> Mask:
        """Answered calls."""
        return self.is_outcome(Outcome.ANSWERED)

    @cached_property
    def counted(self) -> Mask:
        """The denominator of most ratios: without elsewhere, redirected and open."""
        if self.kind == "registrations":
            return ~self.is_outcome(RegistrationOutcome.OPEN)
        return ~self.is_outcome(Outcome.ELSEWHERE, Outcome.REDIRECTED, Outcome.OPEN)

    @cached_property
    def requested(self) -> Mask:
        """Session requests of ISA and SCR: redirected ones are not subtracted (RFC 6076 §4.8, §4.9)."""
        return ~self.is_outcome(Outcome.ELSEWHERE, Outcome.OPEN)

    @cached_property
    def not_redirected(self) -> Mask:
        """By the letter: everything but what ended in 3xx."""
        others: Mask = (self.status < 300) | (self.status >= 400)
        return others

    @cached_property
    def failed(self) -> Mask:
        """Calls that are somebody's failure."""
        return self.is_outcome(*FAILURES)

    @cached_property
    def refused_by_us(self) -> Mask:
        """Failures that our own side originated, by the ``own`` networks of the configuration."""
        return self.failed & self.is_one_of("failed_side", {Side.OWN})

    @cached_property
    def has_bye(self) -> Mask:
        """Answered calls with a BYE."""
        seen: Mask = self.numbers("bye_ts") != MISSING
        return self.answered & seen

    @cached_property
    def is_single(self) -> Mask:
        """Calls of one INVITE."""
        single: Mask = self.numbers("attempts") == 1
        return single

    @cached_property
    def bids(self) -> Ints:
        """Tries of a route: INVITEs but those that answer a challenge; of a session, its calls."""
        is_session = self.kind == "sessions"
        tries = self.numbers("calls") if is_session else self.numbers("attempts") - self.numbers("challenges")
        bids: Ints = np.maximum(tries, 1)
        return bids


def only(values: Reals, mask: Mask) -> Times:
    """The values of some rows."""
    return Times(np.where(mask, values, np.nan))


def since_invite(rows: Population, end: str) -> Reals:
    """From the first INVITE to some time, ms."""
    return rows.between("invite_ts", end, _MILLISECOND)


def with_first_leg(sessions: Columns, calls: Columns) -> Columns:
    """Sessions with the columns of their first call, where a session has none of that name itself.

    The first call is the upstream-most leg: its times are those that the caller of the session saw.
    """
    if not len(sessions) or not len(calls):
        return Columns(SessionRow, {}, 0)
    numbers = calls.ints("call_no")
    rows = np.searchsorted(numbers, sessions.ints("call_no"))
    known = (rows < len(calls)) & (numbers[np.minimum(rows, len(calls) - 1)] == sessions.ints("call_no"))
    kept = sessions.take(known)
    joined: dict[str, AnyColumn] = {**calls.take(rows[known]).columns, **kept.columns}
    return Columns(CallRow, joined, len(kept))


def without_scanners(table: Columns) -> Columns:
    """The rows whose caller does not scan; the table itself where none does, or where that is not known."""
    flags = table.columns.get("is_scanner")
    if not isinstance(flags, np.ndarray) or not flags.any():
        return table
    return table.take(~flags.astype(np.bool_))
