"""The correlator: messages in, transactions, calls and registrations out as they end.

It holds the state arrays, calls the kernels and grows what they say is full. No I/O, no wall clock: time is the
capture's own, the highest time seen so far. Nothing ends twice and nothing is lost; how the messages were cut into
batches does not matter.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection
from typing import NamedTuple

import numpy as np

from analyzer.batch import M_LENGTH, MISSING, Ints, MessageBatch, Octets
from analyzer.correlate.end_kernels import compact, fire
from analyzer.correlate.key_kernels import message_keys
from analyzer.correlate.layout import (
    DONE,
    DRAIN,
    FULL,
    G_ALIAS_0,
    G_COLUMNS,
    G_KEY_0,
    G_LATEST_0,
    K_COLUMNS,
    NOTE_COLUMNS,
    NOTE_LIMIT,
    OFF,
    S_ARENA,
    S_CLOCK,
    S_CLOSING,
    S_COLUMNS,
    S_ENDPOINTS,
    S_GROUP_FREE,
    S_GROUP_LIVE,
    S_GROUP_USED,
    S_KEEP_TX,
    S_NOTES,
    S_OFF,
    S_ORPHANS,
    S_OUT_GROUPS,
    S_OUT_TEXT,
    S_OUT_TX,
    S_SEEN_FREE,
    S_SEEN_USED,
    S_TX_FREE,
    S_TX_LIVE,
    S_TX_USED,
    S_WHEEL,
    S_WORD_OCTETS,
    S_WORDS,
    T_COLUMNS,
    T_KEY_0,
    T_NO,
    WHEEL,
)
from analyzer.correlate.states import transition_array
from analyzer.correlate.step_kernels import step
from analyzer.correlate.table_kernels import reenter, refill, refill_endpoints
from analyzer.wiretext import printable


class Ended(NamedTuple):
    """What has ended: rows of `layout` (G_*, T_*), each column in one piece, and the octets of their texts."""

    groups: Ints
    transactions: Ints
    text: Octets


class Correlator:
    """Transactions, calls and registrations out of messages.

    ``receive`` takes messages in capture order, ``advance`` lets capture time pass, ``close`` ends what is still open.
    Each returns what has ended, at least ``drain_at`` groups of it or nothing yet (`close` everything).
    """

    def __init__(self, *, keep_transactions: bool = False, drain_at: int = 4096, without: Collection[str] = ()) -> None:
        """``without``: rules of data/counting_rules.toml that are switched off; those that are not the kernels' are
        let pass."""
        self._drain_at = drain_at
        self._transitions = transition_array()
        self._seeds = np.frombuffer(secrets.token_bytes(24), dtype=np.uint64) | np.array([0, 0, 1], np.uint64)
        scalars = np.zeros(S_COLUMNS, dtype=np.int64)
        scalars[[S_TX_FREE, S_GROUP_FREE, S_SEEN_FREE, S_WHEEL]] = -1
        scalars[S_CLOCK] = MISSING
        scalars[S_KEEP_TX] = int(keep_transactions)
        scalars[S_OFF] = sum(OFF.get(rule, 0) for rule in without)
        self.scalars = scalars
        self._tx = np.zeros((1024, T_COLUMNS), dtype=np.int64)
        self._groups = np.zeros((1024, G_COLUMNS), dtype=np.int64)
        self._seen = np.zeros((4096, 3), dtype=np.int64)
        self._tx_index = np.zeros(4096, dtype=np.int64)
        self._call_index = np.zeros(4096, dtype=np.int64)
        self._alias_index = np.zeros(4096, dtype=np.int64)
        self._latest_index = np.zeros(4096, dtype=np.int64)
        self._wheel = np.full(WHEEL, -1, dtype=np.int64)
        self._endpoints = np.zeros((1024, 3), dtype=np.int64)
        self._endpoint_index = np.zeros(4096, dtype=np.int64)
        self._words = np.zeros((1024, 4), dtype=np.int64)
        self._word_index = np.zeros(4096, dtype=np.int64)
        self._word_octets = np.zeros(1 << 16, dtype=np.uint8)
        self._arena = np.zeros(1 << 20, dtype=np.uint8)
        # What is handed out is looked at by column. Columns a power of two apart would all want the same places of the
        # processor's cache.
        self._out_groups = np.zeros((2 * drain_at | 9, G_COLUMNS), dtype=np.int64, order="F")
        self._out_tx = np.zeros((8 * drain_at + 128 | 9, T_COLUMNS), dtype=np.int64, order="F")
        self._out_text = np.zeros(1 << 22, dtype=np.uint8)
        self._keys = np.empty((0, K_COLUMNS), dtype=np.int64)
        self._links = np.empty((0, 4), dtype=np.int64)
        self._notes = np.zeros((NOTE_LIMIT, NOTE_COLUMNS), dtype=np.int64)

    # -- what others ask ----------------------------------------------------------------------------------------

    @property
    def clock(self) -> int:
        """The capture's clock, ns; MISSING before the first message."""
        return int(self.scalars[S_CLOCK])

    @property
    def orphans(self) -> int:
        """Responses whose request was not seen, of the transactions that have ended."""
        return int(self.scalars[S_ORPHANS])

    @property
    def open_groups(self) -> int:
        """Calls, registrations and other transactions that are alive: what memory is spent on."""
        return int(self.scalars[S_GROUP_LIVE])

    @property
    def group_rows(self) -> Ints:
        """Every group by its slot (G_*), free ones among them; for a look, not to be written."""
        return self._groups[: self.scalars[S_GROUP_USED]]

    @property
    def transaction_rows(self) -> Ints:
        """Every transaction by its slot (T_*), free ones among them (T_KEY_0 and T_KEY_1 are 0)."""
        return self._tx[: self.scalars[S_TX_USED]]

    @property
    def endpoints(self) -> Ints:
        """Every endpoint by its number: (network, high half, low half of the address)."""
        return self._endpoints[: self.scalars[S_ENDPOINTS]]

    def word(self, number: int) -> str | None:
        """An agent or phrase by its number; None for a negative one."""
        if number < 0:
            return None
        _, _, start, length = self._words[number]
        return printable(self._word_octets[start : start + length].tobytes())

    def word_text(self, number: int) -> str:
        """The same for a number that there is."""
        return self.word(number) or ""

    @property
    def word_count(self) -> int:
        """How many different agents and phrases there are."""
        return int(self.scalars[S_WORDS])

    # -- what the pipeline does ---------------------------------------------------------------------------------

    def receive(
        self, batch: MessageBatch, counts: Ints, special: Octets
    ) -> tuple[Ints, list[Ended], Ints]:
        """Take a batch: its links (n × 4, see `step_kernels.step`), what has ended, and the notes made (N × 6).

        ``counts`` and ``special`` are as `step` wants them. The links are good until the next batch.
        """
        numbers, spans = batch.numbers, batch.spans
        if len(numbers) > len(self._keys):
            self._keys = np.empty((len(numbers), K_COLUMNS), dtype=np.int64)
            self._links = np.empty((len(numbers), 4), dtype=np.int64)
        keys, links = self._keys[: len(numbers)], self._links[: len(numbers)]
        message_keys(batch.octets, numbers, spans, self._seeds, keys)
        ended: list[Ended] = []
        self.scalars[S_NOTES] = 0
        at = 0
        while True:
            reason, at = step(
                at, batch.octets, numbers, spans, keys, links, counts, special, self._seeds, self._transitions,
                self.scalars, self._tx, self._groups, self._seen, self._tx_index, self._call_index, self._alias_index,
                self._latest_index, self._wheel, self._endpoints, self._endpoint_index, self._words, self._word_index,
                self._word_octets, self._arena, self._out_groups, self._out_tx, self._out_text, self._notes,
            )  # fmt: skip
            if reason == DONE:
                break
            if reason == DRAIN:
                self._drain(ended)
            else:
                assert reason == FULL
                self._grow(int(numbers[at, M_LENGTH]))
        if self.scalars[S_OUT_GROUPS] >= self._drain_at or self.scalars[S_OUT_TX] >= 4 * self._drain_at:
            self._drain(ended)
        return links, ended, self._notes[: min(int(self.scalars[S_NOTES]), NOTE_LIMIT)]

    def advance(self, ts: int) -> list[Ended]:
        """Let capture time pass (a live capture in which nothing happens)."""
        self.scalars[S_CLOCK] = max(self.clock, ts)
        return self._end() if self.scalars[S_WHEEL] >= 0 else []

    def close(self) -> list[Ended]:
        """End everything that is still open."""
        self.scalars[S_CLOSING] = 1
        return self._end()

    def _end(self) -> list[Ended]:
        ended: list[Ended] = []
        while True:
            reason = fire(
                self.scalars, self._groups, self._tx, self._seen, self._tx_index, self._call_index, self._alias_index,
                self._latest_index, self._wheel, self._arena, self._out_groups, self._out_tx, self._out_text,
            )  # fmt: skip
            if reason == DRAIN or self.scalars[S_OUT_GROUPS] or self.scalars[S_OUT_TX]:
                self._drain(ended)
            if reason == DONE:
                return ended

    def _drain(self, ended: list[Ended]) -> None:
        scalars = self.scalars
        groups, rows = int(scalars[S_OUT_GROUPS]), int(scalars[S_OUT_TX])
        if groups or rows:
            text = self._out_text[: scalars[S_OUT_TEXT]].copy()
            ended.append(Ended(self._out_groups[:groups].copy("F"), self._out_tx[:rows].copy("F"), text))
        elif len(self._out_text) < 1 << 27:
            # Nothing was handed out and yet there was no room: one group's texts need more than there is.
            self._out_text = np.zeros(2 * len(self._out_text), dtype=np.uint8)
        scalars[[S_OUT_GROUPS, S_OUT_TX, S_OUT_TEXT]] = 0

    # -- growth -------------------------------------------------------------------------------------------------

    def _grow(self, message_octets: int) -> None:
        """Make room for at least one more message in everything that is short."""
        scalars = self.scalars
        if scalars[S_TX_LIVE] + 1 >= len(self._tx):
            self._tx = _doubled(self._tx)
            self._tx_index = np.zeros(4 * len(self._tx), dtype=np.int64)
            # A transaction in use has a number.
            refill(self._tx_index, self._tx, T_KEY_0, int(scalars[S_TX_USED]), T_NO)
        if scalars[S_GROUP_LIVE] + 1 >= len(self._groups):
            self._groups = _doubled(self._groups)
            for name, column in (("_call_index", G_KEY_0), ("_alias_index", G_ALIAS_0), ("_latest_index", G_LATEST_0)):
                old = getattr(self, name)
                index = np.zeros(4 * len(self._groups), dtype=np.int64)
                reenter(index, old, self._groups, column)
                setattr(self, name, index)
        if scalars[S_SEEN_FREE] < 0 and scalars[S_SEEN_USED] >= len(self._seen):
            self._seen = _doubled(self._seen)
        if scalars[S_ENDPOINTS] + 2 > len(self._endpoints):
            self._endpoints = _doubled(self._endpoints)
            self._endpoint_index = np.zeros(4 * len(self._endpoints), dtype=np.int64)
            refill_endpoints(self._endpoint_index, self._endpoints, int(scalars[S_ENDPOINTS]), self._seeds)
        if scalars[S_WORDS] + 3 > len(self._words):
            self._words = _doubled(self._words)
            self._word_index = np.zeros(4 * len(self._words), dtype=np.int64)
            refill(self._word_index, self._words, 0, int(scalars[S_WORDS]), 1)
        if scalars[S_WORD_OCTETS] + 2 * message_octets > len(self._word_octets):
            self._word_octets = _longer(self._word_octets, int(scalars[S_WORD_OCTETS]) + 2 * message_octets)
        if scalars[S_ARENA] + 3 * message_octets + 64 > len(self._arena):
            self.make_room_for_texts(3 * message_octets + 64)

    def make_room_for_texts(self, wanted: int) -> None:
        """Compact the arena; a larger one only if half of it would still be in use."""
        fresh = np.empty(len(self._arena), dtype=np.uint8)
        used = compact(self.scalars, self._groups, self._tx, self._arena, fresh)
        if 2 * (used + wanted) > len(fresh):
            fresh = _longer(fresh, 2 * (used + wanted))
        self._arena = fresh
        self.scalars[S_ARENA] = used


def _doubled(rows: Ints) -> Ints:
    return np.concatenate([rows, np.zeros_like(rows)])


def _longer(octets: Octets, least: int) -> Octets:
    size = len(octets)
    while size < least:
        size *= 2
    longer = np.zeros(size, dtype=np.uint8)
    longer[: len(octets)] = octets
    return longer
