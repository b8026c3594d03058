"""What gives a scanner away: marks of tools, and what a source does (``data/scanners.toml`` weighs it)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from analyzer.batch import MISSING, Columns, Ints, Labels
from analyzer.stats.counting import Mask, one_of
from analyzer.stats.dialled import counted_up, octets, prefixes, users
from analyzer.stats.sweeps import Asked
from analyzer.vocab import RegistrationOutcome

if TYPE_CHECKING:
    from analyzer.registry import Registry
    from analyzer.registry.vendor_entries import Scanner as Tool
    from analyzer.registry.vendor_entries import Signal

CERTAINTIES = ("certain", "likely", "possible")
#: Calls and registrations of a source whose texts are compared.
READ = 4096
#: Detail of a call whose challenge nobody followed (data/call_outcomes.toml).
_NOT_FOLLOWED = ("auth_abandoned",)


class Reason(NamedTuple):
    """A signal that counted, and what fills the blanks of its words."""

    signal: str
    number: int
    tool: str = ""


class Requests(NamedTuple):
    """Calls, then registrations, row by row."""

    source: Ints
    sources: Ints  # of each source: position of its network times the number of addresses, plus that of its address
    networks: Ints
    addresses: Sequence[str]
    reached: Ints  # who was called, where the call was answered; -1
    calls: int
    ts: Ints
    succeeded: Mask
    agents: Labels

    def endpoint(self, source: int) -> tuple[str, int]:
        """Address and network (MISSING for none) of a source."""
        position, address = divmod(int(self.sources[source]), len(self.addresses))
        return self.addresses[address], int(self.networks[position])


def traces(
    calls: Columns, registrations: Columns, offset: int, rows: Ints, registry: Registry
) -> Mapping[str, Mapping[str, Ints]]:
    """By certainty and meaning, the rows (calls, then registrations) that bear a trace."""
    found: dict[str, dict[str, Ints]] = {certainty: {} for certainty in CERTAINTIES}
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


def fingerprints(
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
    for certainty in CERTAINTIES:
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


def behaviour(
    own: Ints, asked: Requests, calls: Columns, registrations: Columns, signals: Mapping[str, Signal]
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
    # The first thousands say enough, and a flood of millions must not cost a text each.
    read = of_calls[:READ]
    targets, itself = targets_of(calls, registrations, read, of_registrations[:READ])
    weigh("many_targets", len(targets), count, len(targets))
    numbers = [target for target in targets if target.isdecimal()]
    upwards = counted_up(numbers)
    weigh("sequential", upwards / max(len(numbers) - 1, 1), len(numbers), upwards)
    tried = prefixes(numbers)
    weigh("prefixes", tried, count, tried)
    weigh("self_calls", itself / max(len(read), 1), len(read), itself)
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


def targets_of(
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


def sweep(asked: Asked, signals: Mapping[str, Signal]) -> list[Reason]:
    """Whether a source asks a range of addresses, most of which nobody is behind."""
    rule = signals["sweep"]
    if asked.servers < rule.least or asked.silent < rule.limit * asked.servers:
        return []
    return [Reason("sweep", asked.servers)]
