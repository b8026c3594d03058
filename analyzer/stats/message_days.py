"""On which days, and between which times, the messages of captures lie: counted as they are read."""

from __future__ import annotations

from collections import Counter
from datetime import date, tzinfo

import numpy as np

from analyzer.batch import D_CAPTURE_NO, D_TS, Ints, MessageBatch
from analyzer.tables.store_tables import local_days


class MessageDays:
    """A message sink that counts messages by capture and local day."""

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        self._counts: Counter[tuple[int, date]] = Counter()

    def __call__(self, batch: MessageBatch, _links: Ints) -> None:
        """Count the messages of a batch."""
        captures, days = batch.numbers[:, D_CAPTURE_NO], local_days(batch.numbers[:, D_TS], self._zone)
        for capture_no in np.unique(captures).tolist():
            for day, count in zip(*np.unique(days[captures == capture_no], return_counts=True), strict=True):
                self._counts[capture_no, day.item()] += int(count)

    def of(self, capture_no: int) -> dict[date, int]:
        """The messages of a capture by day."""
        return {day: count for (number, day), count in self._counts.items() if number == capture_no}


def latest_day(times: Ints, zone: tzinfo) -> date | None:
    """The local day of the latest of some times (ns); None without any."""
    if not len(times):
        return None
    found: date = local_days(times.max(keepdims=True), zone)[0].item()
    return found
