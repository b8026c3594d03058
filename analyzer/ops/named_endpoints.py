"""Which endpoints the metrics page names, so that its counters never go backwards and strangers cannot fill it.

Every sum over all series is exact. A series begins at nothing when its endpoint is named: what was counted for it
before stays in *other*, which would go backwards otherwise. A name, once given, stays until the program ends.
"""

from __future__ import annotations

from collections.abc import Mapping

from analyzer.stats.tally import CHARGED, MADE, OTHER, SENT, Endpoint

#: So many times the endpoints of one page are named in the life of a program.
NAMED_EVER = 5


class NamedEndpoints:
    """Series of the endpoints with most failures, then with most calls.

    Each `update` names the ``top`` ones of the moment, as long as there are fewer than `NAMED_EVER` times as many
    names. Endpoints that only make calls, of whom a scanner can invent any number, get at most ``top`` of the names.
    """

    def __init__(self, top: int) -> None:
        self._top = top
        self._series: dict[Endpoint, list[int]] = {}
        self._callers: set[Endpoint] = set()
        self._before: Mapping[Endpoint, list[int]] = {}

    def update(self, endpoints: Mapping[Endpoint, list[int]]) -> dict[Endpoint, list[int]]:
        """The four numbers of each named endpoint and of `OTHER` (last), from those of all endpoints since the start.

        ``endpoints`` must not change any more. An endpoint may have left them for *other* and come back.
        """
        self._name(endpoints)
        for endpoint, series in self._series.items():
            now, before = endpoints.get(endpoint, [0] * 4), self._before.get(endpoint, [0] * 4)
            if any(a < b for a, b in zip(now, before, strict=True)):  # had left, and began anew
                before = [0] * 4
            series[:] = [total + a - b for total, a, b in zip(series, now, before, strict=True)]
        self._before = endpoints
        totals = [sum(column) for column in zip([0] * 4, *endpoints.values(), strict=True)]
        shown = {endpoint: list(series) for endpoint, series in self._series.items()}
        named = [sum(column) for column in zip([0] * 4, *shown.values(), strict=True)]
        return {**shown, OTHER: [a - b for a, b in zip(totals, named, strict=True)]}

    def _name(self, endpoints: Mapping[Endpoint, list[int]]) -> None:
        room = self._top * NAMED_EVER - len(self._series)
        if room <= 0:
            return
        ranked = sorted(
            (endpoint for endpoint in endpoints if endpoint != OTHER),
            key=lambda e: (-endpoints[e][CHARGED], -endpoints[e][SENT], -endpoints[e][MADE], e[0], e[1] or 0),
        )
        for endpoint in ranked[: self._top]:
            if endpoint in self._series or room <= 0:
                continue
            if not endpoints[endpoint][CHARGED] and not endpoints[endpoint][SENT]:
                if len(self._callers) >= self._top:
                    continue
                self._callers.add(endpoint)
            self._series[endpoint] = [0] * 4
            room -= 1
