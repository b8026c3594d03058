"""Peers that stopped answering OPTIONS, out of tallies that keep the time of the last request alone."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

import numpy as np

from analyzer.batch import MISSING, Columns, Ints
from analyzer.stats.counting import Mask, one_of
from analyzer.stats.listened import Spans
from analyzer.stats.populations import options_state
from analyzer.vocab import EndedBy, OptionsState

SECOND = 1_000_000_000
#: Fewer requests without a good answer are lost packets.
_FEWEST = 3


class Down(NamedTuple):
    """A time in which a peer gave no good answer: from when it was last seen up to when it was last seen down.

    ``requests``: how many were not answered, or refused. ``within_s``: how far its ends may lie from the truth, as far
    as the tallies tell.
    """

    ip: str
    from_ts: int
    to_ts: int
    requests: int
    within_s: float | None


def peers_down(
    others: Columns, before: Iterable[Columns], scanners: Collection[str], known: Collection[str], spans: Spans | None
) -> list[Down]:
    """The times in which peers were down, by address and time.

    A peer is who has ever answered (in this period or in ``before``), or is in ``known``: whoever asks a range of
    addresses finds many that are not there. ``scanners``: whose requests do not count.
    """
    table = _pings(others, scanners)
    if table is None:
        return []
    server, ts, count, is_down = table
    label = others.labels("server_ip")
    alive = {label.names[code] for code in np.unique(server[~is_down]).tolist()} | set(known)
    for earlier in before:
        alive |= _alive(earlier, scanners)
    is_new = np.ones(len(server), dtype=np.bool_)
    is_new[1:] = (np.diff(server) != 0) | (is_down[1:] != is_down[:-1])
    first = np.flatnonzero(is_new)
    last = np.append(first[1:] - 1, len(server) - 1)
    sums = np.add.reduceat(count, first)
    found = []
    for run in np.flatnonzero(is_down[first] & (sums >= _FEWEST)).tolist():
        begin, end = int(first[run]), int(last[run])
        ip = label.names[int(server[begin])]
        if ip not in alive:
            continue
        up_before = int(ts[begin - 1]) if begin and server[begin - 1] == server[begin] else None
        up_after = int(ts[end + 1]) if end + 1 < len(ts) and server[end + 1] == server[end] else None
        found.append(_down(ip, (int(ts[begin]), int(ts[end])), int(sums[run]), up_before, up_after, spans))
    return sorted((down for down in found if down.to_ts > down.from_ts), key=lambda down: (down.ip, down.from_ts))


def _down(
    ip: str, seen: tuple[int, int], requests: int, up_before: int | None, up_after: int | None, spans: Spans | None
) -> Down:
    since, until = seen
    around = spans.around(since) if spans is not None else None
    # Nobody knows what it was before we began to listen, and when it was last up is the better beginning.
    listening = around[0] if around is not None else since
    begin = max(up_before, listening) if up_before is not None else listening
    begin = min(begin, since)
    off = [since - begin]
    if up_after is not None:
        off.append(up_after - until)
    return Down(ip, begin, until, requests, max(off) / SECOND)


def _pings(others: Columns, scanners: Collection[str]) -> tuple[Ints, Ints, Ints, Mask] | None:
    """OPTIONS outside dialogs by server and time: server's code, last time, how many, whether they say it is down."""
    if not len(others):
        return None
    status, last = others.ints("status_code"), others.ints("last_ts")
    asked = others.labels("server_ip").codes >= 0
    kept = one_of(others.labels("method"), {"OPTIONS"}) & ~np.asarray(others["in_dialog"], dtype=np.bool_) & asked
    kept &= ~one_of(others.labels("ended_by"), {EndedBy.CAPTURE_END}) & (last != MISSING)
    kept &= ~one_of(others.labels("client_ip"), scanners)
    rows = np.flatnonzero(kept)
    if not len(rows):
        return None
    codes = np.unique(status[rows]).tolist()
    down = [code for code in codes if options_state(None if code == MISSING else code) is not OptionsState.ALIVE]
    is_down = np.isin(status[rows], down)
    server = others.labels("server_ip").codes[rows].astype(np.int64)
    order = np.lexsort((is_down, last[rows], server))
    return server[order], last[rows][order], others.ints("transactions")[rows][order], is_down[order]


def _alive(others: Columns, scanners: Collection[str]) -> set[str]:
    table = _pings(others, scanners)
    if table is None:
        return set()
    server, _, _, is_down = table
    names = others.labels("server_ip").names
    return {names[code] for code in np.unique(server[~is_down]).tolist()}
