"""Tallies of captures for a store: messages by hour, transactions beside calls by local day."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from analyzer.batch import D_TS, MISSING, Ints, MessageBatch
from analyzer.correlate.correlator import Ended
from analyzer.correlate.layout import T_REQUEST_TS
from analyzer.correlate.others import OtherTable, others_of
from analyzer.findings import TrafficRow
from analyzer.stages import Stages
from analyzer.stats.traffic_steps import HOUR, TrafficSteps
from analyzer.tables import columns_of_rows
from analyzer.tables.store_add import AddingLog
from analyzer.tables.store_tables import local_days


class Tallies:
    """What the messages of some stages come to by hour and day, written as each is over."""

    def __init__(self, stages: Stages, log: AddingLog) -> None:
        self._stages = stages
        self._log = log
        self._steps = TrafficSteps(stages.traffic)
        self._hour = MISSING
        self._days: dict[np.datetime64, OtherTable] = {}

    def enter(self, hour: int) -> None:
        """What comes next is of this hour since the epoch."""
        if self._hour not in (MISSING, hour):
            self._add_traffic()
            self._add_others(local_days(np.array([hour * HOUR]), self._log.zone)[0])
        self._hour = hour

    def ended(self, ended: Sequence[Ended]) -> None:
        """Tally those among what has ended that belong to no call, on the days of their requests."""
        for part in ended:
            tx = others_of(part)
            if not len(tx):
                continue
            days = local_days(tx[:, T_REQUEST_TS], self._log.zone)
            for day in np.unique(days):
                table = self._days.get(day)
                if table is None:
                    table = self._days[day] = OtherTable(
                        self._stages.rules, self._stages.correlator, self._stages.methods.names
                    )
                table.tally(tx if len(days) == 1 or (days == day).all() else np.asfortranarray(tx[days == day]))

    def close(self) -> None:
        """Write what is left."""
        if self._hour != MISSING:
            self._add_traffic()
        self._add_others(None)

    def _add_traffic(self) -> None:
        rows = self._steps.rows(self._hour * HOUR)
        self._log.add("traffic", columns_of_rows(TrafficRow, rows), {})

    def _add_others(self, today: np.datetime64 | None) -> None:
        """Write the days that are over: all but one, and the one before it, of which something may yet end."""
        for day in sorted(self._days):
            if today is None or not today - np.timedelta64(1, "D") <= day <= today:
                self._log.add("others", self._days.pop(day).columns(), {})


def by_hour(batch: MessageBatch, clock: int) -> Iterator[tuple[int, MessageBatch, int]]:
    """A batch in pieces of one hour each by the clock of the captures, which stood at ``clock`` (ns) before it: the
    hour since the epoch, the piece, the clock behind it."""
    times = batch.numbers[:, D_TS].copy()  # in one piece
    clocks: Ints = np.maximum(np.maximum.accumulate(times), clock)
    hours = clocks // HOUR
    start = 0
    for end in [*(np.flatnonzero(np.diff(hours)) + 1).tolist(), len(batch)]:
        if end - start == len(batch):
            yield int(hours[0]), batch, int(clocks[-1])
        else:
            numbers, spans = batch.numbers[start:end], batch.spans[start:end]
            yield int(hours[start]), MessageBatch(batch.octets, numbers, spans, batch.methods), int(clocks[end - 1])
        start = end
