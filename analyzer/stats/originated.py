"""Whose failures they are: of each endpoint the calls whose failure it originated, passed on, and was sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np

from analyzer.batch import Ints, Labels, Texts, labels_of
from analyzer.correlate.blame import ORIGINATED, PASSED_ON
from analyzer.stats.counting import Mask
from analyzer.stats.facts import Facts
from analyzer.stats.grouping import counted, grouped

#: Address and network, None for none.
Endpoint: TypeAlias = "tuple[str, int | None]"


def originated(facts: Facts) -> dict[Endpoint, Ints]:
    """Rows of the failures that each endpoint originated: each failed session once, in the leg where it began."""
    return _by_endpoint(facts, facts.charges.role == ORIGINATED, facts.charges.charged)


def relayed(facts: Facts) -> dict[Endpoint, Ints]:
    """Rows of the failures that each endpoint only passed on: in its own leg, or between the legs' ends."""
    role = facts.charges.role
    found = _by_endpoint(facts, role == PASSED_ON, facts.labels("failed_by_ip"))
    rows = np.flatnonzero((role == PASSED_ON) | (role == ORIGINATED))
    if not len(rows):
        return found
    between = _labels(facts, rows)
    pieces: dict[Endpoint, list[Ints]] = {endpoint: [own] for endpoint, own in found.items()}
    here = np.arange(len(rows))
    for (text, network), own in grouped(here, between, facts.population.numbers("network")[rows]).items():
        for ip in dict.fromkeys((text or "").split()):
            pieces.setdefault((ip, network), []).append(rows[own])
    return {endpoint: np.unique(np.concatenate(parts)) for endpoint, parts in pieces.items()}


def sent(facts: Facts) -> Mapping[Endpoint, int]:
    """How many calls each endpoint was sent: as callee at the lowest hop, and those that it was charged with behind."""
    network = facts.population.numbers("network")
    rows = np.arange(len(facts.calls))
    callees = {_named(key): count for key, count in counted(rows, facts.labels("callee_ip"), network).items()}
    found = {endpoint: count for endpoint, count in callees.items() if endpoint is not None}
    for key, own in grouped(
        facts.began.nonzero()[0], facts.charges.charged, facts.labels("callee_ip"), network
    ).items():
        charged, callee, where = key
        if charged is not None and charged != callee:
            found[charged, where] = found.get((charged, where), 0) + len(own)
    return found


def _by_endpoint(facts: Facts, chosen: Mask, addresses: Labels) -> dict[Endpoint, Ints]:
    found: dict[Endpoint, Ints] = {}
    for key, rows in grouped(np.flatnonzero(chosen), addresses, facts.population.numbers("network")).items():
        endpoint = _named(key)
        if endpoint is not None:
            found[endpoint] = rows
    return found


def _named(key: tuple[str | None, int | None]) -> Endpoint | None:
    return None if key[0] is None else (key[0], key[1])


def _labels(facts: Facts, rows: Ints) -> Labels:
    """Who relayed some calls, as labels: of texts only those that failed are looked at."""
    column = facts.calls["relayed_by"]
    if isinstance(column, Labels):
        return column.take(rows)
    assert isinstance(column, Texts)
    chosen = column.take(rows)
    filled = np.flatnonzero(chosen.lengths > 0)
    values = labels_of(chosen.take(filled).value(row) for row in range(len(filled)))
    codes = np.full(len(rows), -1, dtype=np.int32)
    codes[filled] = values.codes
    return Labels(codes, values.names)
