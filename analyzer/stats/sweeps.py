"""Requests beside calls and registrations, by who sends them: whoever asks a whole range of addresses sweeps it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from analyzer.batch import MISSING, Columns
from analyzer.vocab import EndedBy

#: What a sweep asks with: an answer to it is what scanners are after, not a success.
_SWEEPING = "OPTIONS"


class Asked(NamedTuple):
    """What an endpoint asked outside dialogs: requests, different addresses asked, those of them that never answered.

    ``accepted``: requests other than OPTIONS that were answered with 2xx.
    """

    requests: int = 0
    servers: int = 0
    silent: int = 0
    accepted: int = 0
    last_ts: int | None = None


def asked_others(others: Columns) -> Mapping[tuple[str, int], Asked]:
    """By address and network (MISSING for none)."""
    if not len(others):
        return {}
    clients, servers, methods = (others.labels(name) for name in ("client_ip", "server_ip", "method"))
    status, counts, networks, last = (
        others.ints(name) for name in ("status_code", "transactions", "network", "last_ts")
    )
    in_dialog = np.asarray(others["in_dialog"], dtype=np.bool_)
    ended = others.labels("ended_by")
    found: dict[tuple[str, int], Asked] = {}
    answered: dict[tuple[str, int], dict[str, bool]] = {}
    for row in np.flatnonzero(~in_dialog & (clients.codes >= 0)).tolist():
        key = (clients.names[clients.codes[row]], int(networks[row]))
        so_far = found.get(key, Asked())
        code, count = int(status[row]), int(counts[row])
        accepted = count if 200 <= code < 300 and methods.value(row) != _SWEEPING else 0
        ts = int(last[row])
        found[key] = so_far._replace(
            requests=so_far.requests + count,
            accepted=so_far.accepted + accepted,
            last_ts=so_far.last_ts if ts == MISSING else max(ts, so_far.last_ts or ts),
        )
        server = servers.value(row)
        if server is not None and ended.value(row) != EndedBy.CAPTURE_END:
            known = answered.setdefault(key, {})
            known[server] = known.get(server, False) or code != MISSING
    for key, known in answered.items():
        found[key] = found[key]._replace(servers=len(known), silent=sum(not heard for heard in known.values()))
    return found
