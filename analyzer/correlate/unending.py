"""A correlator for a run that has no end: it tells early, makes room, and forgets names that nothing uses any more."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

import numpy as np

from analyzer.batch import Ints
from analyzer.correlate.correlator import Correlator, Ended
from analyzer.correlate.layout import (
    DRAIN,
    G_DUE,
    G_KIND,
    G_NO,
    GROUP_CALL,
    GROUP_FREE,
    GROUP_REGISTRATION,
    S_ENDPOINTS,
    S_GROUP_LIVE,
    S_OUT_GROUPS,
    S_OUT_TX,
    S_WORD_OCTETS,
    S_WORDS,
    T_AGENT,
    T_CLIENT,
    T_FINAL_AGENT,
    T_FINAL_PHRASE,
    T_KEY_0,
    T_NO,
    T_RESPONDER,
    T_SERVER,
)
from analyzer.correlate.look_kernels import (
    STAGE_COLUMNS,
    STAGE_IN_CALL,
    STAGE_LINGERING,
    STAGE_SETTING_UP,
    end_early,
    others_alive,
    stages,
    tell,
)
from analyzer.correlate.table_kernels import refill, refill_endpoints

#: Endpoints, and agents and phrases, from which on those in use are looked for.
MANY_ENDPOINTS, MANY_WORDS = 100_000, 50_000
_ENDPOINT_COLUMNS = (T_CLIENT, T_SERVER, T_RESPONDER)
_WORD_COLUMNS = (T_AGENT, T_FINAL_AGENT, T_FINAL_PHRASE)


def open_groups(correlator: Correlator) -> tuple[Ints, Ints]:
    """The call_no and registration_no of what is alive, each ascending."""
    rows = correlator.group_rows
    kinds, numbers = rows[:, G_KIND], rows[:, G_NO]
    return np.sort(numbers[kinds == GROUP_CALL]), np.sort(numbers[kinds == GROUP_REGISTRATION])


class Stages(NamedTuple):
    """Calls that are alive: without a final, answered and not over, decided and only kept because of late messages."""

    setting_up: int
    in_call: int
    lingering: int


class UnendingCorrelator(Correlator):
    """The correlator of a live run. Tables made of its rows must be taken before `forget_names` is called."""

    def __init__(self, *, drain_at: int = 4096, without: Collection[str] = ()) -> None:
        super().__init__(drain_at=drain_at, without=without)
        self._many_endpoints, self._many_words = MANY_ENDPOINTS, MANY_WORDS

    def told(self) -> list[Ended]:
        """Calls and registrations that are decided by now and were not told before, as if they ended now.

        They stay, and end later: with the same outcome, unless something comes that nobody could expect.
        """
        return self._looked(
            lambda at: tell(
                self.scalars, self._groups, self._tx, self._arena, self._out_groups, self._out_tx, self._out_text, at
            )
        )

    def evict(self, most: int) -> tuple[int, list[Ended]]:
        """Have at most so many groups alive: those that would end first end now, a tenth more than need be.

        Returns how many were ended early, and what they were.
        """
        alive = int(self.scalars[S_GROUP_LIVE])
        if alive <= most:
            return 0, []
        rows = self.group_rows
        dues = rows[rows[:, G_KIND] != GROUP_FREE, G_DUE]
        excess = min(alive - most + most // 10, len(dues))
        due = int(np.partition(dues, excess - 1)[excess - 1])
        ended = self._looked(
            lambda at: end_early(
                self.scalars, self._groups, self._tx, self._seen, self._tx_index, self._call_index, self._alias_index,
                self._latest_index, self._wheel, self._arena, self._out_groups, self._out_tx, self._out_text, due, at,
            )
        )  # fmt: skip
        return alive - int(self.scalars[S_GROUP_LIVE]), ended

    def _looked(self, look: Callable[[int], tuple[int, int]]) -> list[Ended]:
        """Go over all groups with a kernel that stops when what it hands out must be taken.

        What ended before must have been taken (`advance` does): it is not to be mixed with what is handed out here.
        """
        assert not self.scalars[[S_OUT_GROUPS, S_OUT_TX]].any()
        ended: list[Ended] = []
        reason, at = DRAIN, 0
        while reason == DRAIN:
            reason, at = look(at)
            self._drain(ended)
        return ended

    def stages(self) -> Stages:
        """How far the calls are that are alive."""
        found = np.zeros(STAGE_COLUMNS, dtype=np.int64)
        stages(self.scalars, self._groups, found)
        counts = found.tolist()
        return Stages(counts[STAGE_SETTING_UP], counts[STAGE_IN_CALL], counts[STAGE_LINGERING])

    def open_numbers(self) -> tuple[Ints, Ints, Ints]:
        """The call_no, registration_no and (of neither) transaction_no of what is alive, each ascending."""
        slots = np.empty(len(self.transaction_rows), dtype=np.int64)
        slots = slots[: others_alive(self.scalars, self._groups, self._tx, slots)]
        of_none = self._tx[slots, T_NO]
        return (*open_groups(self), np.sort(of_none[of_none > 0]))

    # -- names --------------------------------------------------------------------------------------------------

    @property
    def has_many_names(self) -> bool:
        """Whether it is time to forget endpoints, agents and phrases that nothing alive uses."""
        scalars = self.scalars
        return bool(scalars[S_ENDPOINTS] > self._many_endpoints or scalars[S_WORDS] > self._many_words)

    def forget_names(self) -> None:
        """Forget them. The numbers change: whoever holds rows or numbers of before must have done with them."""
        rows = self.transaction_rows
        slots = np.flatnonzero((rows[:, T_KEY_0] != 0) | (rows[:, T_KEY_0 + 1] != 0))
        self._forget_endpoints(slots)
        self._forget_words(slots)
        self._many_endpoints = max(MANY_ENDPOINTS, 2 * int(self.scalars[S_ENDPOINTS]))
        self._many_words = max(MANY_WORDS, min(2 * int(self.scalars[S_WORDS]), MANY_WORDS + 40_000))

    def _forget_endpoints(self, slots: Ints) -> None:
        used = self._renumber(slots, _ENDPOINT_COLUMNS)
        self._endpoints[: len(used)] = self._endpoints[used]
        self.scalars[S_ENDPOINTS] = len(used)
        refill_endpoints(self._endpoint_index, self._endpoints, len(used), self._seeds)

    def _forget_words(self, slots: Ints) -> None:
        used = self._renumber(slots, _WORD_COLUMNS)
        words = self._words[used]
        parts = [self._word_octets[start : start + length] for start, length in words[:, 2:4].tolist()]
        octets = np.concatenate([*parts, np.empty(0, np.uint8)])
        words[:, 2] = np.cumsum(words[:, 3]) - words[:, 3]
        self._word_octets[: len(octets)] = octets
        self._words[: len(used)] = words
        self._words[len(used) :] = 0
        self.scalars[S_WORDS], self.scalars[S_WORD_OCTETS] = len(used), len(octets)
        refill(self._word_index, self._words, 0, len(used), 1)

    def _renumber(self, slots: Ints, columns: Sequence[int]) -> Ints:
        """Number what these columns of live transactions name from 0 on; returns the numbers of before."""
        where = np.ix_(slots, np.array(columns))
        held = self._tx[where]
        used: Ints = np.unique(held[held >= 0])
        fresh = np.where(held >= 0, np.searchsorted(used, held), held)
        self._tx[where] = fresh
        return used
