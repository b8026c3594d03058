"""The messages of one Call-ID once more through the kernels, one by one, to see what each of them changes.

The correlator sees what it saw in the whole analysis: the same messages at the same clock, and it looks for what has
ended at the same moments (`kept.CallMessages.ticks`). So a call that is replayed comes to the very same row, and what
its state rows show from one message to the next is what the analysis did, no retelling of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from analyzer.batch import MISSING, Ints
from analyzer.correlate.correlator import Correlator, Ended
from analyzer.correlate.kept import CallMessages, Kept
from analyzer.correlate.layout import (
    G_ARMED,
    G_DUE,
    G_KIND,
    G_NO,
    GROUP_CALL,
    GROUP_FREE,
    SECOND,
    T_CALL_NO,
    T_CALL_SLOT,
    T_NO,
)
from analyzer.correlate.rules import Rules


class State(NamedTuple):
    """The correlator's rows at one moment."""

    groups: Ints
    transactions: Ints

    def transaction(self, number: int) -> Ints | None:
        """The row of a transaction that is alive."""
        slot = self.slot(number)
        return None if slot < 0 else self.transactions[slot]

    def slot(self, number: int) -> int:
        """Where a transaction that is alive stands; -1."""
        if number == MISSING:
            return -1
        slots = np.flatnonzero(self.transactions[:, T_NO] == number)
        return int(slots[0]) if len(slots) else -1

    def call(self, number: int) -> Ints | None:
        """The row of a call that is alive."""
        rows = np.flatnonzero((self.groups[:, G_KIND] == GROUP_CALL) & (self.groups[:, G_NO] == number))
        return self.groups[rows[0]] if len(rows) else None

    def call_of(self, transaction: Ints) -> Ints | None:
        """The call that a transaction belongs to, if it is alive."""
        slot, number = int(transaction[T_CALL_SLOT]), int(transaction[T_CALL_NO])
        if number <= 0 or not 0 <= slot < len(self.groups):
            return None
        row = self.groups[slot]
        return row if row[G_KIND] == GROUP_CALL and row[G_NO] == number else None


class Step(NamedTuple):
    """What one message changed; ``at`` is its position among those kept, -1 = only time went by."""

    at: int
    clock: int
    before: State
    after: State
    links: Ints
    notes: Sequence[Sequence[int]]
    ended: Sequence[Ended]


class Replay:
    """One Call-ID, message by message. ``correlator`` holds the words and endpoints of the rows that come out."""

    def __init__(self, messages: CallMessages, rules: Rules, end: int | None) -> None:
        """``end``: the clock at which the captures end; None where the last message is the end."""
        self._kept = messages.messages
        self._ticks = messages.ticks
        self._end = end
        # A message gives back what has ended at once.
        self.correlator = Correlator(drain_at=1, without=rules.without)
        self._special = np.zeros(1000, dtype=np.uint8)
        self._counts = np.zeros((1000, 16, 3), dtype=np.int64)

    def steps(self) -> Iterator[Step]:
        """Every message, and every moment between them at which something ended; at last the end of the captures."""
        tick = 0
        for at, kept in enumerate(self._kept):
            last = int(np.searchsorted(self._ticks, kept.clock, side="right"))
            yield from self._wait(tick, last)
            tick = last
            # Other messages may have moved the clock beyond this one's time.
            passed = self.correlator.advance(kept.clock)
            before = self._state()
            links, ended, notes = self.correlator.receive(kept.batch, self._counts, self._special)
            yield Step(at, kept.clock, before, self._state(), links[0].copy(), notes.tolist(), [*passed, *ended])
        yield from self._wait(tick, len(self._ticks))
        before, ended = self._state(), []
        if self._end is not None and self._kept:
            ended = self.correlator.advance(self._end)
        clock = self.correlator.clock
        ended += self.correlator.close()
        yield Step(-1, clock, before, self._state(), np.full(4, MISSING), [], ended)

    def _wait(self, first: int, last: int) -> Iterator[Step]:
        """Let time pass over some ticks."""
        for clock in self._ticks[first:last].tolist():
            if clock // SECOND < self._next_second():
                continue
            before = self._state()
            ended = self.correlator.advance(clock)
            if ended:
                yield Step(-1, clock, before, self._state(), np.full(4, MISSING), [], ended)

    def _next_second(self) -> int:
        """The second before which nothing can end."""
        alive = self.correlator.group_rows
        alive = alive[alive[:, G_KIND] != GROUP_FREE]
        if not len(alive):
            return 1 << 62
        return int(min(alive[:, G_ARMED].min(), alive[:, G_DUE].min() // SECOND))

    def _state(self) -> State:
        return State(self.correlator.group_rows.copy(), self.correlator.transaction_rows.copy())


def number_in_replay(messages: Sequence[Kept], steps: Sequence[Step], call_no: int) -> int | None:
    """The number that a call of the whole analysis has in its replay; None when it is not there."""
    for step in steps:
        if step.at >= 0 and messages[step.at].links[2] == call_no and step.links[2] != MISSING:
            return int(step.links[2])
    return None
