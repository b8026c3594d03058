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
from analyzer.stats.dialled import counted_up, octets, prefixes, users
from analyzer.vocab import Outcome, RegistrationOutcome

if TYPE_CHECKING:
    from analyzer.registry import Registry
    from analyzer.registry.vendor_entries import Scanner as Tool
    from analyzer.registry.vendor_entries import Signal

_ACCEPTED = (RegistrationOutcome.REGISTERED, RegistrationOutcome.UNREGISTERED, RegistrationOutcome.QUERIED)
_CERTAINTIES = ("certain", "likely", "possible")
#: Detail of a call whose challenge nobody followed (data/call_outcomes.toml).
_NOT_FOLLOWED = ("auth_abandoned",)


class Reason(NamedTuple):
    """A signal that counted, and what fills the blanks of its words."""

    signal: str
    number: int
    tool: str = ""


class Scanner(NamedTuple):
    """A scanning source: the row of its table, and its reasons apart so that they can be said in any language."""

    row: ScannerRow
    reasons: Sequence[Reason]


class Scanning(NamedTuple):
    """What `find` found: which calls are scanners', and the scanners, highest score first."""

    is_scanner: Mask
    scanners: Sequence[Scanner]


class _Requests(NamedTuple):
    """Calls, then registrations, row by row."""

    source: Ints
    sources: Ints  # joined key of each source: position of its network times the addresses, plus the address
    networks: Ints
    addresses: Sequence[str]
    reached: Ints  # who was called, where the call was answered; -1
    calls: int
    ts: Ints
    succeeded: Mask
    agents: Labels


def find(calls: Columns, registrations: Columns, registry: Registry) -> Scanning:
    """Score every source of calls and registrations."""
    none = np.zeros(len(calls), dtype=np.bool_)
    if not len(calls) and not len(registrations):
        return Scanning(none, [])
    asked = _requests(calls, registrations)
    signals = registry.signals
    agents = [registry.is_scanner(name) for name in asked.agents.names]
    certain_agent = _labelled(asked.agents, [s is not None and s.certainty == "certain" for s in agents])
    successful = np.zeros(len(asked.sources), dtype=np.bool_)
    successful[asked.source[asked.succeeded & ~certain_agent]] = True
    successful[asked.reached[asked.reached >= 0]] = True
    suspect = ~successful[asked.source] | certain_agent
    rows = np.flatnonzero(suspect)
    if not len(rows):
        return Scanning(none, [])
    traced = _traces(calls, registrations, asked.calls, rows, registry)
    marked = certain_agent.copy()
    for trace_rows in traced["certain"].values():
        marked[trace_rows] = True
    part = asked.source * 2 + marked
    verdict = signals["verdict"].points
    is_scanner, found = none, []
    order = rows[np.argsort(part[rows], kind="stable")]
    starts = np.flatnonzero(np.diff(part[order], prepend=-1))
    for start, end in zip(starts.tolist(), [*starts[1:].tolist(), len(order)], strict=True):
        own = order[start:end]
        is_marked = bool(marked[own[0]])
        if not is_marked and end - start < signals["no_success"].least:
            continue
        reasons = _fingerprints(own, asked.agents, agents, traced, signals)
        if not successful[asked.source[own[0]]] or is_marked:
            reasons += _behaviour(own, asked, calls, registrations, signals)
        score = sum(signals[reason.signal].points for reason in reasons)
        if score < verdict:
            continue
        is_scanner[own[own < asked.calls]] = True
        found.append(Scanner(_row(own, asked, calls, registrations, score, reasons, signals), reasons))
    found.sort(key=lambda scanner: (-scanner.row.score, -scanner.row.calls, scanner.row.ip, scanner.row.network or 0))
    return Scanning(is_scanner, found)


def _requests(calls: Columns, registrations: Columns) -> _Requests:
    """Sources of both tables under one numbering, without sorting where there is one network."""
    parts = [(calls, "caller_ip", "caller_agent", "invite_ts")] if len(calls) else []
    parts += [(registrations, "client_ip", "user_agent", "request_ts")] if len(registrations) else []
    addresses = [table.labels(ip) for table, ip, _, _ in parts]
    networks = [table.ints("network") for table, *_ in parts]
    if len(calls):
        addresses.append(calls.labels("callee_ip"))
        networks.append(calls.ints("network"))
    joined, network = concat_labels(addresses), np.concatenate(networks)
    keys, known = joined.codes.astype(np.int64), network[:1]
    if (network != network[0]).any():
        known, position = np.unique(network, return_inverse=True)
        keys += position * (len(joined.names) + 1)
    sources, numbers = np.unique(keys, return_inverse=True)
    count = len(calls) + len(registrations)
    answered = one_of(calls.labels("outcome"), (Outcome.ANSWERED,)) if len(calls) else np.zeros(0, np.bool_)
    accepted = one_of(registrations.labels("outcome"), _ACCEPTED) if len(registrations) else np.zeros(0, np.bool_)
    return _Requests(
        source=numbers[:count],
        sources=sources,
        networks=known,
        addresses=joined.names,
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


def _traces(
    calls: Columns, registrations: Columns, offset: int, rows: Ints, registry: Registry
) -> Mapping[str, Mapping[str, Ints]]:
    """By certainty and meaning, the rows (calls, then registrations) that bear a trace."""
    found: dict[str, dict[str, Ints]] = {certainty: {} for certainty in _CERTAINTIES}
    read: dict[tuple[bool, str], list[bytes]] = {}
    of_calls, of_registrations = rows[rows < offset], rows[rows >= offset] - offset
    for pattern, trace in registry.traces:
        hits: list[int] = []
        for field in trace.fields:
            for is_call, table, own in ((True, calls, of_calls), (False, registrations, of_registrations)):
                if not len(own) or field not in table:
                    continue
                if (is_call, field) not in read:
                    read[is_call, field] = octets(table[field], own)
                texts = read[is_call, field]
                shift = 0 if is_call else offset
                hits += [row + shift for row, text in zip(own.tolist(), texts, strict=True) if pattern.search(text)]
        if hits:
            found[trace.certainty][trace.meaning] = np.unique(np.array(hits, dtype=np.int64))
    return found


def _fingerprints(
    own: Ints,
    labels: Labels,
    agents: Sequence[Tool | None],
    traced: Mapping[str, Mapping[str, Ints]],
    signals: Mapping[str, Signal],
) -> list[Reason]:
    """The marks of tools in a part of a source: the commonest of each certainty."""
    reasons = []
    codes, counts = np.unique(labels.codes[own], return_counts=True)
    named = [(code, count) for code, count in zip(codes.tolist(), counts.tolist(), strict=True) if code >= 0]
    for certainty in _CERTAINTIES:
        signal = signals[f"agent_{certainty}"]
        tools: dict[str, int] = {}
        for code, count in named:
            entry = agents[code]
            if entry is not None and entry.certainty == certainty:
                tools[entry.tool] = tools.get(entry.tool, 0) + count
        reasons += _commonest(f"agent_{certainty}", tools, signal.limit * len(own))
        traces = {meaning: _among(own, hits) for meaning, hits in traced[certainty].items()}
        reasons += _commonest(f"trace_{certainty}", traces, signals[f"trace_{certainty}"].limit * len(own))
    return reasons


def _among(own: Ints, hits: Ints) -> int:
    """How many of some rows are among others, which are sorted and not empty."""
    return int((hits[np.searchsorted(hits, own).clip(max=len(hits) - 1)] == own).sum())


def _commonest(signal: str, counts: Mapping[str, int], least: float) -> list[Reason]:
    tool, count = max(counts.items(), key=lambda item: (item[1], item[0]), default=("", 0))
    return [Reason(signal, count, tool)] if count and count >= least else []


def _behaviour(
    own: Ints, asked: _Requests, calls: Columns, registrations: Columns, signals: Mapping[str, Signal]
) -> list[Reason]:
    """What a part of a source does that scanners do."""
    of_calls, of_registrations = own[own < asked.calls], own[own >= asked.calls] - asked.calls
    count = len(own)
    found: list[Reason] = []

    def weigh(signal: str, value: float, among: int, said: int) -> None:
        rule = signals[signal]
        if among >= rule.least and value >= rule.limit:
            found.append(Reason(signal, said))

    if not asked.succeeded[own].any():
        weigh("no_success", 1, count, 0)
    targets, itself = _targets(calls, registrations, of_calls, of_registrations)
    weigh("many_targets", len(targets), count, len(targets))
    numbers = [target for target in targets if target.isdecimal()]
    upwards = counted_up(numbers)
    weigh("sequential", upwards / max(len(numbers) - 1, 1), len(numbers), upwards)
    tried = prefixes(numbers)
    weigh("prefixes", tried, count, tried)
    weigh("self_calls", itself / max(len(of_calls), 1), len(of_calls), itself)
    challenged = unfollowed = 0
    if len(of_calls):
        status, ack = calls.ints("status_code")[of_calls], calls.ints("ack_ts")[of_calls]
        refused = status >= 300
        silent = int((refused & (ack == MISSING)).sum())
        weigh("no_ack", silent / max(int(refused.sum()), 1), int(refused.sum()), silent)
        challenged += int((calls.ints("challenges")[of_calls] > 0).sum())
        unfollowed += int(one_of(calls.labels("outcome_detail").take(of_calls), _NOT_FOLLOWED).sum())
    if len(of_registrations):
        rounds, tries = (registrations.ints(name)[of_registrations] for name in ("challenges", "attempts"))
        challenged += int((rounds > 0).sum())
        unfollowed += int(((rounds > 0) & (tries <= rounds) & (tries == 1)).sum())
        guesses, rate = _guesses(registrations, of_registrations)
        weigh("guessing", rate, guesses, guesses)
    weigh("no_credentials", unfollowed / max(challenged, 1), challenged, unfollowed)
    seconds = max(int(asked.ts[own].max() - asked.ts[own].min()), 1) / 1e9
    rate = (count - 1) / seconds
    weigh("rate", rate, count, round(min(rate, 1e9)))
    return found


def _targets(
    calls: Columns, registrations: Columns, of_calls: Ints, of_registrations: Ints
) -> tuple[Sequence[str], int]:
    """The different users asked for, and how many calls ask for the user that they say they come from."""
    called = octets(calls["to_uri"], of_calls) if len(of_calls) else []
    callers = octets(calls["from_uri"], of_calls) if len(of_calls) else []
    names = users(called + callers + (octets(registrations["aor"], of_registrations) if len(of_registrations) else []))
    itself = sum(1 for a, b in zip(called, callers, strict=True) if names[a] and names[a] == names[b])
    wanted = {names[text] for text in called}
    if len(of_registrations):
        wanted |= {names[text] for text in octets(registrations["aor"], of_registrations)}
    return sorted(wanted - {""}), itself


def _guesses(registrations: Columns, rows: Ints) -> tuple[int, float]:
    """Of the user whose registration was refused most often: how often, and how many a second."""
    refused = rows[one_of(registrations.labels("outcome").take(rows), (RegistrationOutcome.REJECTED,))]
    if not len(refused):
        return 0, 0.0
    texts = octets(registrations["aor"], refused)
    numbers: dict[bytes, int] = {}
    codes = np.array([numbers.setdefault(text, len(numbers)) for text in texts])
    tries = np.bincount(codes, weights=registrations.ints("attempts")[refused])
    most = int(tries.argmax())
    ts = registrations.ints("request_ts")[refused[codes == most]]
    return int(tries[most]), float(tries[most] - 1) / max(int(ts.max() - ts.min()) / 1e9, 1e-9)


def _row(
    own: Ints,
    asked: _Requests,
    calls: Columns,
    registrations: Columns,
    score: int,
    reasons: Sequence[Reason],
    signals: Mapping[str, Signal],
) -> ScannerRow:
    position, address = divmod(int(asked.sources[asked.source[own[0]]]), len(asked.addresses) + 1)
    network = int(asked.networks[position])
    of_calls, of_registrations = own[own < asked.calls], own[own >= asked.calls] - asked.calls
    codes, counts = np.unique(asked.agents.codes[own], return_counts=True)
    agent = int(codes[np.where(codes >= 0, counts, 0).argmax()])
    return ScannerRow(
        ip=asked.addresses[address],
        network=None if network == MISSING else network,
        score=score,
        agent=asked.agents.names[agent] if agent >= 0 else None,
        calls=len(of_calls),
        registrations=len(of_registrations),
        others=0,
        targets=len(_targets(calls, registrations, of_calls, of_registrations)[0]),
        successes=int(asked.succeeded[own].sum()),
        first_ts=int(asked.ts[own].min()),
        last_ts=int(asked.ts[own].max()),
        reasons="; ".join(
            signals[reason.signal].says.format(count=reason.number, tool=reason.tool) for reason in reasons
        ),
    )
