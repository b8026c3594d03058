"""Messages by code, method and maker, as they grew: for tallies by hour."""

from __future__ import annotations

from typing import TypeAlias

from analyzer.correlate.traffic import Traffic
from analyzer.findings import TrafficRow

HOUR = 3600 * 1_000_000_000
#: Messages by code, method and maker: unique, resends, copies.
_Counts: TypeAlias = dict[tuple[int | None, str | None, str | None], tuple[int, int, int]]


class TrafficSteps:
    """What was counted since the last time."""

    def __init__(self, traffic: Traffic) -> None:
        self._traffic = traffic
        self._before: _Counts = {}

    def rows(self, ts: int) -> list[TrafficRow]:
        """One row a code, method and maker that came since, in the hour (UTC) of a time, ns."""
        counts = self._counts()
        found = []
        for key, numbers in counts.items():
            before = self._before.get(key, (0, 0, 0))
            if numbers != before:
                unique, resends, copies = (a - b for a, b in zip(numbers, before, strict=True))
                found.append(TrafficRow(ts - ts % HOUR, *key, unique, resends, copies))
        self._before = counts
        return found

    def _counts(self) -> _Counts:
        found: _Counts = {}
        for row in self._traffic.responses():
            found[row.status_code, row.method, row.vendor] = (row.unique, row.resends, row.copies)
        for request in self._traffic.requests():
            found[None, request.method or None, None] = (request.unique, request.resends, request.copies)
        return found
