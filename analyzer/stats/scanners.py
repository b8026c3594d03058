"""Endpoints that scan: found by what they do and by the marks of their tools, never deleted (docs/counting.md).

Each source (network and address) is scored by the signals of ``data/scanners.toml``. Behaviour counts only for a source
without any success: a busy SBC with many failures and some answers is never a scanner. Requests with the certain mark
of a tool are judged apart from the rest of their source, so that a proxy that relays them stays what it is.
Texts are read of suspects alone; everything else is counted by column.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from analyzer.batch import MISSING, Columns, Ints, Labels, concat_labels
from analyzer.schema import ScannerRow
from analyzer.stats.counting import Mask, one_of
from analyzer.stats.dialled import octets
from analyzer.stats.scanner_signals import READ, Reason, Requests, behaviour, fingerprints, sweep, targets_of, traces
from analyzer.stats.sweeps import Asked, asked_others
from analyzer.vocab import Outcome, RegistrationOutcome

if TYPE_CHECKING:
    from analyzer.registry import Registry
    from analyzer.registry.vendor_entries import Signal

_ACCEPTED = (RegistrationOutcome.REGISTERED, RegistrationOutcome.UNREGISTERED, RegistrationOutcome.QUERIED)


class Scanner(NamedTuple):
    """A scanning source: the row of its table, and its reasons apart so that they can be said in any language."""

    row: ScannerRow
    reasons: Sequence[Reason]


class Scanning(NamedTuple):
    """What `find` found: which calls and which registrations are scanners', and these, highest score first."""

    is_scanner: Mask
    scanners: Sequence[Scanner]
    of_registrations: Mask


def nobody(calls: Columns) -> Scanning:
    """That nobody scans; of registrations nothing is said."""
    return Scanning(np.zeros(len(calls), dtype=np.bool_), [], np.zeros(0, dtype=np.bool_))


def named(calls: Columns, registry: Registry) -> Mask:
    """Calls that carry the certain mark of a scanner's tool as their User-Agent: what one call alone can tell."""
    agents = calls.labels("caller_agent")
    signals = [registry.is_scanner(name) for name in agents.names]
    return _labelled(agents, [signal is not None and signal.certainty == "certain" for signal in signals])


def find(calls: Columns, registrations: Columns, registry: Registry, others: Columns | None = None) -> Scanning:
    """Score every source of calls, registrations and ``others`` (`schema.OtherRow`)."""
    beside = {} if others is None else asked_others(others)
    is_scanner = np.zeros(len(calls) + len(registrations), dtype=np.bool_)
    found: list[Scanner] = []
    heard: set[tuple[str, int]] = set()
    if len(calls) or len(registrations):
        heard = _score(calls, registrations, registry, beside, is_scanner, found)
    found += [
        scanner
        for key, asked in beside.items()
        if key not in heard and (scanner := _sweeping(key, asked, registry.signals)) is not None
    ]
    found.sort(key=lambda scanner: (-scanner.row.score, -scanner.row.calls, scanner.row.ip, scanner.row.network or 0))
    return Scanning(is_scanner[: len(calls)], found, is_scanner[len(calls) :])


def _score(
    calls: Columns,
    registrations: Columns,
    registry: Registry,
    beside: Mapping[tuple[str, int], Asked],
    is_scanner: Mask,
    found: list[Scanner],
) -> set[tuple[str, int]]:
    """Add the scanners among sources of calls and registrations and mark their rows (calls, then registrations).

    Returns the sources that have been judged: scanners, and those that had success.
    """
    asked = _requests(calls, registrations)
    signals = registry.signals
    agents = [registry.is_scanner(name) for name in asked.agents.names]
    certain_agent = _labelled(asked.agents, [s is not None and s.certainty == "certain" for s in agents])
    successful = np.zeros(len(asked.sources), dtype=np.bool_)
    successful[asked.source[asked.succeeded & ~certain_agent]] = True
    successful[asked.reached[asked.reached >= 0]] = True
    for source in np.flatnonzero(~successful).tolist() if beside else []:
        successful[source] = beside.get(asked.endpoint(source), Asked()).accepted > 0
    judged = {asked.endpoint(source) for source in np.flatnonzero(successful).tolist()} if beside else set()
    rows = np.flatnonzero(~successful[asked.source] | certain_agent)
    traced = traces(calls, registrations, asked.calls, rows[~certain_agent[rows]], registry)
    marked = certain_agent.copy()
    for trace_rows in traced["certain"].values():
        marked[trace_rows] = True
    part = asked.source * 2 + marked
    verdict = signals["verdict"].points
    order = rows[np.argsort(part[rows], kind="stable")]
    starts = np.flatnonzero(np.diff(part[order], prepend=-1))
    ends = np.append(starts[1:], len(order))[: len(starts)]
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        own = order[start:end]
        is_marked = bool(marked[own[0]])
        if not is_marked and end - start < signals["no_success"].least:
            continue
        reasons = fingerprints(own, asked.agents, agents, traced, signals)
        if not successful[asked.source[own[0]]] or is_marked:
            reasons += behaviour(own, asked, calls, registrations, signals)
        endpoint = asked.endpoint(int(asked.source[own[0]]))
        other = Asked() if is_marked else beside.get(endpoint, Asked())
        reasons += sweep(other, signals)
        if _points(reasons, signals) < verdict:
            continue
        is_scanner[own] = True
        judged.add(endpoint)
        found.append(Scanner(_row(own, asked, calls, registrations, other, reasons, signals), reasons))
    return judged


def _sweeping(key: tuple[str, int], asked: Asked, signals: Mapping[str, Signal]) -> Scanner | None:
    """An endpoint that makes no calls but asks whole ranges of addresses; None for others."""
    reasons = [] if asked.accepted else sweep(asked, signals)
    if not reasons:
        return None
    reasons.insert(0, Reason("no_success", 0))
    points = _points(reasons, signals)
    if points < signals["verdict"].points:
        return None
    ip, network = key
    row = ScannerRow(
        ip=ip,
        network=None if network == MISSING else network,
        score=points,
        agent=None,
        calls=0,
        registrations=0,
        others=asked.requests,
        targets=0,
        successes=0,
        first_ts=None,
        last_ts=asked.last_ts,
        reasons=_said(reasons, signals),
    )
    return Scanner(row, reasons)


def _points(reasons: Sequence[Reason], signals: Mapping[str, Signal]) -> int:
    return sum(signals[reason.signal].points for reason in reasons)


def _said(reasons: Sequence[Reason], signals: Mapping[str, Signal]) -> str:
    return "; ".join(signals[reason.signal].says.format(count=reason.number, tool=reason.tool) for reason in reasons)


def _requests(calls: Columns, registrations: Columns) -> Requests:
    """Sources of both tables under one numbering, without sorting where there is one network."""
    parts = [(calls, "caller_ip", "caller_agent", "invite_ts")] if len(calls) else []
    parts += [(registrations, "client_ip", "user_agent", "request_ts")] if len(registrations) else []
    addresses = [table.labels(ip) for table, ip, _, _ in parts]
    networks = [table.ints("network") for table, *_ in parts]
    if len(calls):
        addresses.append(calls.labels("callee_ip"))
        networks.append(calls.ints("network"))
    joined, network = concat_labels(addresses), np.concatenate(networks)
    names = [*joined.names, ""]  # the last one for rows without an address
    known, numbers = network[:1], np.where(joined.codes < 0, len(names) - 1, joined.codes).astype(np.int64)
    sources: Ints = np.arange(len(names))
    if (network != network[0]).any():
        known, position = np.unique(network, return_inverse=True)
        sources, numbers = np.unique(numbers + position * len(names), return_inverse=True)
    count = len(calls) + len(registrations)
    answered = one_of(calls.labels("outcome"), (Outcome.ANSWERED,)) if len(calls) else np.zeros(0, np.bool_)
    accepted = one_of(registrations.labels("outcome"), _ACCEPTED) if len(registrations) else np.zeros(0, np.bool_)
    return Requests(
        source=numbers[:count],
        sources=sources,
        networks=known,
        addresses=names,
        reached=np.where(answered, numbers[count:], -1),
        calls=len(calls),
        ts=np.concatenate([table.ints(ts) for table, _, _, ts in parts]),
        succeeded=np.concatenate([answered, accepted]),
        agents=concat_labels([table.labels(agent) for table, _, agent, _ in parts]),
    )


def _labelled(labels: Labels, is_wanted: Sequence[bool]) -> Mask:
    """Rows whose label is wanted; a missing one is not."""
    chosen: Mask = np.array([*is_wanted, False], dtype=np.bool_)[labels.codes]
    return chosen


def _target_count(calls: Columns, registrations: Columns, of_calls: Ints, of_registrations: Ints) -> int:
    """The different users asked for; of a flood its different URIs, which come to the same and cost less."""
    if len(of_calls) <= READ and len(of_registrations) <= READ:
        return len(targets_of(calls, registrations, of_calls, of_registrations)[0])
    uris = set(octets(calls["to_uri"], of_calls)) if len(of_calls) else set()
    uris |= set(octets(registrations["aor"], of_registrations)) if len(of_registrations) else set()
    return len(uris - {b""})


def _row(
    own: Ints,
    asked: Requests,
    calls: Columns,
    registrations: Columns,
    other: Asked,
    reasons: Sequence[Reason],
    signals: Mapping[str, Signal],
) -> ScannerRow:
    ip, network = asked.endpoint(int(asked.source[own[0]]))
    of_calls, of_registrations = own[own < asked.calls], own[own >= asked.calls] - asked.calls
    codes, counts = np.unique(asked.agents.codes[own], return_counts=True)
    agent = int(codes[np.where(codes >= 0, counts, 0).argmax()])
    return ScannerRow(
        ip=ip,
        network=None if network == MISSING else network,
        score=_points(reasons, signals),
        agent=asked.agents.names[agent] if agent >= 0 else None,
        calls=len(of_calls),
        registrations=len(of_registrations),
        others=other.requests,
        targets=_target_count(calls, registrations, of_calls, of_registrations),
        successes=int(asked.succeeded[own].sum()),
        first_ts=int(asked.ts[own].min()),
        last_ts=int(asked.ts[own].max()),
        reasons=_said(reasons, signals),
    )
