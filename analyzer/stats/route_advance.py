"""Route advance: who refused calls that then went another way, and who was called while it asked to be left alone."""

from __future__ import annotations

from collections import Counter
from typing import TypeAlias

import numpy as np

from analyzer.batch import MISSING, Columns, Ints
from analyzer.correlate.labels import known

#: Address and network.
Endpoint: TypeAlias = tuple[str, int | None]


def overflows(branches: Columns) -> Counter[Endpoint]:
    """How many calls each endpoint refused with 5xx whose sender then tried another one (docs/counting.md)."""
    counted: set[tuple[int, str, int]] = set()
    if len(branches):
        chosen = branches.take(branches["advanced"])
        servers = chosen.labels("server_ip")
        calls, networks = chosen.ints("call_no").tolist(), chosen.ints("network").tolist()
        rows = zip(calls, servers.codes.tolist(), networks, strict=True)
        counted = {(call, servers.names[code], network) for call, code, network in rows if code >= 0}
    return Counter((ip, known(network)) for _, ip, network in counted)


def blocks(asked: Columns, calls: Columns) -> Columns:
    """The table ``blocks`` with its calls: those sent after the endpoint's 503 and before its Retry-After was over."""
    sent = _CallTimes(calls)
    inside = [len(sent.between(ip, network, start, end)) for ip, network, start, end in _windows(asked)]
    columns = {**asked.columns, "calls": np.array(inside, dtype=np.int64)}
    return Columns(asked.row_type, columns, len(asked))


def blocked_calls(asked: Columns, calls: Columns) -> dict[Endpoint, Ints]:
    """For each endpoint the call_no of calls that it was sent while any Retry-After of it still ran, each once."""
    sent = _CallTimes(calls)
    found: dict[Endpoint, list[Ints]] = {}
    last: dict[Endpoint, int] = {}
    for ip, network, start, end in sorted(_windows(asked), key=lambda window: window[2]):
        endpoint = ip, known(network)
        start = max(start, last.get(endpoint, start))
        last[endpoint] = max(end, start)
        found.setdefault(endpoint, []).append(sent.between(ip, network, start, end))
    return {endpoint: np.concatenate(parts) for endpoint, parts in found.items()}


def calls_between(calls: Columns, ip: str, network: int | None, start: int, end: int) -> Ints:
    """call_no of the calls sent to an endpoint after ``start`` and up to ``end``, ns."""
    return _CallTimes(calls).between(ip, MISSING if network is None else network, start, end)


def _windows(asked: Columns) -> list[tuple[str, int, int, int]]:
    ips = asked.labels("ip") if len(asked) else None
    if ips is None:
        return []
    numbers = zip(*(asked.ints(name).tolist() for name in ("network", "from_ts", "until_ts")), strict=True)
    named = zip(ips.codes.tolist(), numbers, strict=True)
    return [(ips.names[code], network, start, end) for code, (network, start, end) in named]


class _CallTimes:
    """Calls by whom they were sent to, in order of time."""

    def __init__(self, calls: Columns) -> None:
        self._places: dict[tuple[str, int], tuple[Ints, Ints]] = {}
        if not len(calls):
            return
        callees, networks = calls.labels("callee_ip"), calls.ints("network")
        different, network_of = np.unique(networks, return_inverse=True)
        keys = callees.codes.astype(np.int64) * len(different) + network_of
        order = np.lexsort((calls.ints("invite_ts"), keys))
        starts = np.flatnonzero(np.diff(keys[order], prepend=keys[order[0]] - 1))
        for start, end in zip(starts.tolist(), [*starts[1:].tolist(), len(order)], strict=True):
            rows = order[start:end]
            callee, network = divmod(int(keys[rows[0]]), len(different))
            if callee >= 0:
                place = callees.names[callee], int(different[network])
                self._places[place] = calls.ints("invite_ts")[rows], calls.ints("call_no")[rows]

    def between(self, ip: str, network: int, start: int, end: int) -> Ints:
        """call_no of the calls sent to an endpoint after ``start`` and up to ``end``, ns."""
        times, numbers = self._places.get((ip, network), (np.empty(0, np.int64), np.empty(0, np.int64)))
        first, last = np.searchsorted(times, [start, end], side="right").tolist()
        return numbers[first:last]

