"""The messages of one Call-ID with their octets, and the capture's clock beside them: what a replay needs.

A message sink. Calls of different Call-IDs know nothing of each other but the clock (every key of the correlator has
the Call-ID in it), so these messages and the clock are all that decided what became of a call.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from analyzer.batch import (
    D_COPY,
    D_LENGTH,
    D_OFFSET,
    D_TS,
    M_START,
    MISSING,
    S_CALL_ID,
    S_COLUMNS,
    Ints,
    MessageBatch,
    Octets,
)
from analyzer.correlate.layout import SECOND

#: What is kept of one Call-ID at most; who makes it more is no call that anybody reads line by line.
MAX_MESSAGES = 10_000
MAX_OCTETS = 1 << 26
#: Below so many candidates whole texts are compared.
_FEW = 16


class Kept(NamedTuple):
    """One message by itself: a batch of one, its links in the whole analysis, and the clock when it was seen."""

    batch: MessageBatch
    links: Ints
    clock: int


class CallMessages:
    """Keeps the messages of a Call-ID (None: those that have none), copies of them included.

    ``ticks`` are the capture's clock, ns, at the first message of each second from the first kept message on: the
    moments at which the correlator looked whether something has ended. ``left_out`` counts what was beyond the bounds.
    """

    def __init__(self, call_id: bytes | None) -> None:
        self._wanted = None if call_id is None else np.frombuffer(call_id, dtype=np.uint8)
        self.messages: list[Kept] = []
        self.left_out = 0
        self._octets = 0
        self._clock = MISSING
        self._ticks: list[Ints] = []

    def __call__(self, batch: MessageBatch, links: Ints) -> None:
        """Take what belongs to the Call-ID from a batch."""
        numbers = batch.numbers
        if not len(numbers):
            return
        # A copy does not move the clock.
        times = np.where(numbers[:, D_COPY] == 0, numbers[:, D_TS], MISSING)
        clocks = np.maximum.accumulate(np.maximum(times, self._clock))
        rows = self._rows(batch)
        if self.messages or len(rows):
            seconds = clocks // SECOND
            before = np.concatenate(([self._clock // SECOND], seconds[:-1]))
            self._ticks.append(clocks[seconds > before])
        self._clock = int(clocks[-1])
        for row in rows.tolist():
            if len(self.messages) >= MAX_MESSAGES or self._octets > MAX_OCTETS:
                self.left_out += 1
                continue
            alone = by_itself(batch, row)
            self._octets += len(alone.octets)
            self.messages.append(Kept(alone, links[row].copy(), int(clocks[row])))

    @property
    def ticks(self) -> Ints:
        """The clock at the first message of each second, ascending."""
        return np.concatenate(self._ticks) if self._ticks else np.empty(0, dtype=np.int64)

    def _rows(self, batch: MessageBatch) -> Ints:
        """The positions of messages with the Call-ID."""
        lengths = batch.spans[:, S_CALL_ID, 1]
        if self._wanted is None:
            return np.flatnonzero(lengths < 0)
        wanted = self._wanted
        rows = np.flatnonzero(lengths == len(wanted))
        starts = batch.spans[:, S_CALL_ID, 0].astype(np.int64)
        # Call-IDs differ at their beginning, and those of one maker at their end.
        for step in range(len(wanted)):
            if len(rows) <= _FEW:
                break
            at = step // 2 if step % 2 else len(wanted) - 1 - step // 2
            rows = rows[batch.octets[starts[rows] + at] == wanted[at]]
        same = [bool((batch.octets[starts[row] : starts[row] + len(wanted)] == wanted).all()) for row in rows.tolist()]
        return rows[np.array(same, dtype=np.bool_)]


def by_itself(batch: MessageBatch, row: int) -> MessageBatch:
    """A batch of one: the message's octets, and behind them those texts that do not stand in it as such."""
    numbers, spans = batch.numbers[row : row + 1].copy(), batch.spans[row : row + 1].copy()
    start, length = int(numbers[0, D_OFFSET]), int(numbers[0, D_LENGTH])
    parts: list[Octets] = [batch.octets[start : start + length].copy()]
    end = length
    for which in range(S_COLUMNS):
        at, size = (int(number) for number in spans[0, which])
        if size <= 0:
            continue
        if start <= at and at + size <= start + length:
            spans[0, which, 0] = at - start
        else:
            parts.append(batch.octets[at : at + size].copy())
            spans[0, which, 0] = end
            end += size
    numbers[0, D_OFFSET] = 0
    numbers[0, M_START] -= start
    return MessageBatch(np.concatenate(parts), numbers, spans, batch.methods)

