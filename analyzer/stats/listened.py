"""When somebody listened: spans of time out of what live runs and captures say of themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from analyzer.batch import MISSING, Columns, Ints
from analyzer.tables.slices import Slice

SECOND = 1_000_000_000
#: A pause that is shorter than this is none: programs start again, files are changed.
SHORTEST_GAP = 60 * SECOND


class Spans(NamedTuple):
    """Spans of time, ns, ascending and apart: [starts, ends)."""

    starts: Ints
    ends: Ints

    @classmethod
    def of(cls, starts: Ints, ends: Ints, join: int = 0) -> Spans:
        """The union of some spans; those that are less than ``join`` apart are one."""
        known = (starts != MISSING) & (ends != MISSING) & (ends > starts)
        if not known.any():
            nothing = np.empty(0, dtype=np.int64)
            return cls(nothing, nothing)
        order = np.argsort(starts[known], kind="stable")
        begun, latest = starts[known][order], np.maximum.accumulate(ends[known][order])
        is_new = np.ones(len(begun), dtype=np.bool_)
        is_new[1:] = begun[1:] - latest[:-1] >= max(join, 1)
        first = np.flatnonzero(is_new)
        return cls(begun[first], latest[np.append(first[1:] - 1, len(begun) - 1)])

    def within(self, first: int, last: int) -> Spans:
        """What lies in [first, last)."""
        starts, ends = np.maximum(self.starts, first), np.minimum(self.ends, last)
        kept = starts < ends
        return Spans(starts[kept], ends[kept])

    def length(self, since: Ints, until: Ints) -> Ints:
        """How much of each of some other spans lies in these, ns."""
        found: Ints = self._until(until) - self._until(since)
        return found

    def covers(self, since: Ints, until: Ints) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Which of some other spans lie wholly in these."""
        whole: np.ndarray[tuple[int], np.dtype[np.bool_]] = self.length(since, until) == until - since
        return whole

    def gaps(self, first: int, last: int, shortest: int = SHORTEST_GAP) -> Iterator[tuple[int, int]]:
        """The times in [first, last) that are in none of them, of some length at least."""
        inside = self.within(first, last)
        begins = [first, *inside.ends.tolist()]
        ends = [*inside.starts.tolist(), last]
        yield from ((begin, end) for begin, end in zip(begins, ends, strict=True) if end - begin >= shortest)

    def around(self, ts: int) -> tuple[int, int] | None:
        """The span that a time lies in, its end counted as well."""
        at = int(np.searchsorted(self.starts, ts, side="right")) - 1
        return (int(self.starts[at]), int(self.ends[at])) if at >= 0 and ts <= self.ends[at] else None

    def ends_at(self, times: Ints, otherwise: int) -> Ints:
        """Until when it goes on from each time; ``otherwise`` for a time that is in none of them."""
        if not len(self.starts):
            return np.full(len(times), otherwise, dtype=np.int64)
        at = np.searchsorted(self.starts, times, side="right") - 1
        held = np.maximum(at, 0)
        return np.where((at >= 0) & (times <= self.ends[held]), self.ends[held], otherwise)

    def _until(self, times: Ints) -> Ints:
        """How much of them lies before each time."""
        if not len(self.starts):
            return np.zeros(len(times), dtype=np.int64)
        before = np.concatenate([[0], np.cumsum(self.ends - self.starts)])
        at = np.searchsorted(self.starts, times, side="right") - 1
        held = np.maximum(at, 0)
        inside = np.clip(times - self.starts[held], 0, (self.ends - self.starts)[held])
        found: Ints = np.where(at < 0, 0, before[held] + inside)
        return found


def listened(part: Slice) -> Spans | None:
    """When anybody listened in a period: any live source, or any capture; None when nothing says so."""
    intervals, captures = part["intervals"], part["captures"]
    starts = [_times(intervals, "from_ts"), _times(captures, "start_ts")]
    ends = [_times(intervals, "to_ts"), _times(captures, "end_ts")]
    found = Spans.of(np.concatenate(starts), np.concatenate(ends), SHORTEST_GAP)
    found = found.within(part.period.from_ts, part.period.to_ts)
    return found if len(found.starts) else None


def by_source(part: Slice) -> dict[str, Spans]:
    """When each live source listened, by its name."""
    intervals = part["intervals"]
    if not len(intervals):
        return {}
    label = intervals.labels("source")
    found: dict[str, Spans] = {}
    for code in np.unique(label.codes[label.codes >= 0]).tolist():
        rows = np.flatnonzero(label.codes == code)
        spans = Spans.of(intervals.ints("from_ts")[rows], intervals.ints("to_ts")[rows], SHORTEST_GAP)
        found[label.names[code]] = spans.within(part.period.from_ts, part.period.to_ts)
    return found


def _times(table: Columns, name: str) -> Ints:
    return table.ints(name) if len(table) else np.empty(0, dtype=np.int64)
