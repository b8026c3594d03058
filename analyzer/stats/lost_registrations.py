"""Clients whose registration ran out: what was granted ended, and no new one had been accepted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from analyzer.batch import MISSING, Columns, Ints
from analyzer.periods import Period
from analyzer.stats.counting import one_of
from analyzer.stats.listened import Spans
from analyzer.vocab import RegistrationOutcome

SECOND = 1_000_000_000
#: What a registrar grants that says nothing (RFC 3261 §10.2.1.1 leaves it to it; an hour is what it suggests), s.
_GRANTED_S = 3600
#: A year: what a stranger wrote must not overflow a time, s.
_LONGEST_S = 31_536_000
#: So late a refresh is late, not lost.
_GRACE = 60 * SECOND
#: Clients that lose their registration within so long are one event: they do not all run out at once.
_TOGETHER = 3600 * SECOND
#: One event has so many clients, and this share of the registrar's.
_MANY, _MANY_SHARE = 5, 0.2
#: A single client is told when it tried again, and failed, so often.
_FAILURES = 3
_REFUSED = (RegistrationOutcome.REJECTED, RegistrationOutcome.FAILED, RegistrationOutcome.TIMED_OUT)


class Lost(NamedTuple):
    """A client without a registration, or with ``clients`` > 1 a registrar that lost so many of them at once.

    ``registered``: how many clients the registrar has; ``failures``: registrations that failed meanwhile.
    """

    ip: str
    clients: int
    registered: int
    failures: int
    from_ts: int
    to_ts: int


class _Times(NamedTuple):
    """Rows by client and time."""

    client: Ints
    ts: Ints
    until: Ints
    is_accepted: np.ndarray[tuple[int], np.dtype[np.bool_]]


def lost_registrations(registrations: Columns, period: Period, spans: Spans | None) -> list[Lost]:
    """Registrations that were lost in a period: events of many clients first, then clients that tried and failed.

    A client is an address and its registrar. Where nobody listened for a while between its last acceptance and the
    loss, it may have registered unheard: nothing is said of it.
    """
    if not len(registrations):
        return []
    pairs, registrar_of, client_of = _clients(registrations)
    accepted = one_of(registrations.labels("outcome"), {RegistrationOutcome.REGISTERED})
    removed = one_of(registrations.labels("outcome"), {RegistrationOutcome.UNREGISTERED})
    final = registrations.ints("final_ts")
    ts = np.where(final == MISSING, registrations.ints("request_ts"), final)
    granted = registrations.ints("expires_s")
    granted = np.clip(np.where(granted == MISSING, _GRANTED_S, granted), 0, _LONGEST_S)
    until = np.where(accepted, ts + granted * SECOND, ts)
    told = np.flatnonzero((accepted | removed) & (pairs >= 0))
    if not len(told):
        return []
    order = told[np.lexsort((ts[told], pairs[told]))]
    losses = _losses(_Times(pairs[order], ts[order], until[order], accepted[order]), period, spans)
    refused = np.flatnonzero(one_of(registrations.labels("outcome"), _REFUSED) & (pairs >= 0))
    failures = _counted(pairs[refused], ts[refused], losses)
    registered = np.bincount(registrar_of[np.unique(pairs[told])], minlength=int(registrar_of.max()) + 1)
    names = registrations.labels("registrar_ip").names, registrations.labels("client_ip").names
    return list(_events(losses, failures, registrar_of, client_of, registered, names))


def _clients(registrations: Columns) -> tuple[Ints, Ints, Ints]:
    """A number for each client at its registrar (-1: unknown), and by number the codes of both."""
    client, registrar = registrations.labels("client_ip"), registrations.labels("registrar_ip")
    width = max(len(registrar.names), 1)
    joined = client.codes.astype(np.int64) * width + registrar.codes
    joined = np.where((client.codes >= 0) & (registrar.codes >= 0), joined, -1)
    found, numbers = np.unique(joined, return_inverse=True)
    shift = 1 if found[0] == -1 else 0
    return numbers.astype(np.int64) - shift, found[shift:] % width, found[shift:] // width


class _Losses(NamedTuple):
    client: Ints
    accepted_ts: Ints
    from_ts: Ints
    to_ts: Ints


def _losses(rows: _Times, period: Period, spans: Spans | None) -> _Losses:
    """From when what was granted ran out to the next acceptance, or to the end."""
    is_last = np.append(np.diff(rows.client) != 0, [True])
    following = np.append(rows.ts[1:], [MISSING])
    end = period.to_ts if spans is None else int(spans.ends[-1])
    to = np.where(is_last, end, following)
    lost = np.flatnonzero(rows.is_accepted & (to > rows.until + _GRACE) & (rows.until < period.to_ts))
    client, since, begin, to = rows.client[lost], rows.ts[lost], rows.until[lost], to[lost]
    if spans is not None:
        # Heard from its acceptance until it was lost; and no longer than we listened.
        heard = spans.covers(since, begin + _GRACE)
        client, since, begin, to = client[heard], since[heard], begin[heard], to[heard]
        to = np.minimum(to, spans.ends_at(begin, end))
    return _Losses(client, since, begin, to)


def _counted(client: Ints, ts: Ints, losses: _Losses) -> Ints:
    """Rows of each loss's client between its acceptance and the end of the loss."""
    lost, rows = len(losses.client), len(client)
    who = np.concatenate([client, losses.client, losses.client])
    when = np.concatenate([ts, losses.accepted_ts, losses.to_ts])
    is_row = np.arange(len(who)) < rows
    # Rows of the same time stand in front of what asks for them.
    order = np.lexsort((~is_row, when, who))
    seen = np.empty(len(who), dtype=np.int64)
    seen[order] = np.cumsum(is_row[order])
    found: Ints = seen[rows + lost :] - seen[rows : rows + lost]
    return found


def _events(
    losses: _Losses, failures: Ints, registrar_of: Ints, client_of: Ints, registered: Ints,
    names: tuple[Sequence[str], Sequence[str]],
) -> Iterator[Lost]:  # fmt: skip
    registrars, clients = names
    is_single = np.ones(len(losses.client), dtype=np.bool_)
    registrar = registrar_of[losses.client]
    for code in np.unique(registrar).tolist():
        rows = np.flatnonzero(registrar == code)
        rows = rows[np.argsort(losses.from_ts[rows], kind="stable")]
        begins = losses.from_ts[rows]
        ends = np.searchsorted(begins, begins + _TOGETHER, side="right")
        need = max(_MANY, int(np.ceil(registered[code] * _MANY_SHARE)))
        at = 0
        while at < len(rows):
            if ends[at] - at < need or len(np.unique(losses.client[rows[at : ends[at]]])) < need:
                at += 1
                continue
            event = rows[at : ends[at]]
            is_single[event] = False
            count = len(np.unique(losses.client[event]))
            yield Lost(
                str(registrars[code]), count, int(registered[code]), int(failures[event].sum()),
                int(losses.from_ts[event].min()), int(losses.to_ts[event].max()),
            )  # fmt: skip
            at = int(ends[at])
    for row in np.flatnonzero(is_single & (failures >= _FAILURES)).tolist():
        client = int(losses.client[row])
        yield Lost(
            str(clients[int(client_of[client])]), 1, int(registered[registrar[row]]), int(failures[row]),
            int(losses.from_ts[row]), int(losses.to_ts[row]),
        )  # fmt: skip
