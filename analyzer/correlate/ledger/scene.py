"""One message of a replay with the rows that it belongs to, before and after it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

from analyzer.batch import D_TS, M_CSEQ_METHOD, M_METHOD, M_STATUS, M_VIA_COUNT, MISSING, S_TO_TAG, Ints
from analyzer.correlate.kept import Kept
from analyzer.correlate.layout import (
    G_NO,
    T_ATTEMPT,
    T_CALL_NO,
    T_FINAL_NO,
    T_HOP,
    T_NO,
    T_REQUEST_NO,
    T_STATUS,
)
from analyzer.correlate.replay import Step

Values: TypeAlias = Mapping[str, "str | int | float"]


_NOTHING: Values = MappingProxyType({})


class Said(NamedTuple):
    """What a message changed: a text with its values, and the rule of counting behind it (None = none is needed)."""

    text: str
    values: Values = _NOTHING
    rule: str | None = None


class Scene:
    """A message that is no copy, and the rows that it looked at. Frames are told by ``frames``, by message_no."""

    def __init__(
        self, kept: Kept, step: Step, frames: Mapping[int, int], answers: Mapping[tuple[str | None, int], int], off: int
    ) -> None:
        """``answers``: the frames of 2xx to INVITEs by `dialog_of` their messages."""
        self.kept = kept
        self.step = step
        self.off = off
        self._frames = frames
        #: The frame of the 2xx of the same dialog at the same hop; 0 where none was seen.
        self.answer_frame = answers.get(dialog_of(kept), 0)
        self.numbers = kept.batch.numbers[0]
        self.status = int(self.numbers[M_STATUS])
        self.method_number = int(self.numbers[M_METHOD] or self.numbers[M_CSEQ_METHOD])
        self.method = kept.batch.methods[self.method_number]
        self.ts = int(self.numbers[D_TS])

    @cached_property
    def _slot(self) -> int:
        return self.step.after.slot(int(self.step.links[1]))

    @cached_property
    def transaction(self) -> Ints | None:
        """Its transaction as the message left it; None for an ACK of nothing that was seen."""
        return None if self._slot < 0 else self.step.after.transactions[self._slot]

    @cached_property
    def transaction_before(self) -> Ints | None:
        """The same before it; None where the message began it."""
        if self.transaction is None or self._slot >= len(self.step.before.transactions):
            return None
        row = self.step.before.transactions[self._slot]
        return row if row[T_NO] == self.transaction[T_NO] else None

    @cached_property
    def call(self) -> Ints | None:
        """The call that it belongs to."""
        return None if self.transaction is None else self.step.after.call_of(self.transaction)

    @cached_property
    def call_before(self) -> Ints | None:
        """The same before it; None where the message opened it."""
        if self.call is None:
            return None
        return self.step.before.call(int(self.call[G_NO]))

    @property
    def is_attempt(self) -> bool:
        """Whether its transaction is one of the call's own: an INVITE without To tag."""
        return self.transaction is not None and bool(self.transaction[T_ATTEMPT] > 0)

    def invites(self, after: bool = False) -> Ints:
        """The rows of the call's INVITEs without To tag, before the message."""
        assert self.call is not None
        rows = (self.step.after if after else self.step.before).transactions
        found: Ints = rows[(rows[:, T_CALL_NO] == self.call[G_NO]) & (rows[:, T_ATTEMPT] > 0)]
        return found

    def frame(self, message_no: int) -> int:
        """The frame of a message; 0 where it is none of those kept."""
        return self._frames.get(message_no, 0)

    def deciding_frame(self, attempt: int, hop: int, status: int) -> int:
        """The frame of the final that counted so far for an attempt."""
        for row in self.invites():
            if row[T_ATTEMPT] == attempt and row[T_HOP] == hop and row[T_STATUS] == status:
                return self.frame(int(row[T_FINAL_NO]))
        return 0

    def request_frame(self, transaction: Ints) -> int:
        """The frame of a transaction's request."""
        return self.frame(int(transaction[T_REQUEST_NO]))


def dialog_of(kept: Kept) -> tuple[str | None, int]:
    """What an ACK has in common with the 2xx that it acknowledges: To tag and Via values."""
    return kept.batch.text(0, S_TO_TAG), int(kept.batch.numbers[0, M_VIA_COUNT])


def became(before: Ints | None, after: Ints, column: int) -> bool:
    """Whether a column that was missing (or 0 in a row that was not there) has a value now."""
    was = MISSING if before is None else before[column]
    return bool(was == MISSING and after[column] != MISSING)


def has_new(before: Ints | None, after: Ints, column: int, bit: int) -> bool:
    """Whether a flag was set."""
    was = 0 if before is None else int(before[column])
    return bool(int(after[column]) & ~was & bit)


def seconds(nanoseconds: int) -> float:
    """A span in s."""
    return round(nanoseconds / 1e9, 3)
