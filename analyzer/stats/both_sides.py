"""Endpoints that stand in the middle: sent calls by some, and making calls to others.

A back-to-back user agent gives each leg a Call-ID of its own, so that one conversation is two calls here. Where none of
its legs could be linked, whoever reads the figures must know that it may have been counted on both sides.
"""

from __future__ import annotations

import numpy as np

from analyzer.batch import Columns


def both_sides(calls: Columns, links: Columns | None = None) -> list[tuple[str, int]]:
    """Addresses that are sent calls by one party and make calls to another, with the calls on either side.

    Two parties that only call each other, as a PBX and its trunk do, are not in the middle of anything. Most calls
    first. Those that made a leg which is linked to one in front of it (``links``) are left out.
    """
    if not len(calls):
        return []
    caller, callee = calls.labels("caller_ip"), calls.labels("callee_ip")
    known = (caller.codes >= 0) & (callee.codes >= 0)
    joined = caller.codes[known].astype(np.int64) * max(len(callee.names), 1) + callee.codes[known]
    values, counts = np.unique(joined, return_counts=True)
    callers_of: dict[str, set[str]] = {}
    callees_of: dict[str, set[str]] = {}
    calls_of: dict[str, int] = {}
    for value, count in zip(values.tolist(), counts.tolist(), strict=True):
        a, b = divmod(value, len(callee.names))
        maker, receiver = caller.names[a], callee.names[b]
        callers_of.setdefault(receiver, set()).add(maker)
        callees_of.setdefault(maker, set()).add(receiver)
        for address in {maker, receiver}:
            calls_of[address] = calls_of.get(address, 0) + count
    in_sessions = _linked(calls, links)
    found = []
    for address in (callers_of.keys() & callees_of.keys()) - in_sessions:
        makers, receivers = callers_of[address] - {address}, callees_of[address] - {address}
        if makers and receivers and len(makers | receivers) > 1:
            found.append((address, calls_of[address]))
    return sorted(found, key=lambda item: (-item[1], item[0]))


def _linked(calls: Columns, links: Columns | None) -> set[str]:
    """Callers of legs behind others, and callees of those in front."""
    if links is None or not len(links):
        return set()
    found: set[str] = set()
    for call, party in (("call_no", "caller_ip"), ("upstream_call_no", "callee_ip")):
        labels = calls.labels(party)
        codes = labels.codes[np.isin(calls.ints("call_no"), links.ints(call))]
        found |= {labels.names[code] for code in np.unique(codes[codes >= 0]).tolist()}
    return found
