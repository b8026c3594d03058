"""Legs that no header field ties together: addresses, numbers, SDP and time are weighed (data/linking.toml).

The leg behind is made by the element that the leg in front called, while that is being set up. Candidates are found by
a key, never by comparing all with all: the element and the end of a number, or the element and the SDP session id.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analyzer.batch import Ints
from analyzer.correlate.leg_keys import Legs
from analyzer.correlate.link_kernels import (
    L_ANSWERED,
    L_CALLEE,
    L_CALLER,
    L_END,
    L_SET_UP_END,
    L_START,
    W_COLUMNS,
    W_LAST,
    W_READY,
    candidates,
    choose,
)
from analyzer.registry import Registry
from analyzer.registry.counting_entries import LinkEvidence

_MS = 1_000_000
#: Nearness in time, nearest first, and what depends on the order of legs: these are weighed while legs are chosen.
_STEPS = ("at_once", "soon", "later")
_COMPANY = "another_leg"
_NEVER = 2**61

Flags = NDArray[np.bool_]


class Scored(NamedTuple):
    """For each call by rank its points, 0-100, and its evidence (bits, in the order of ``words``); 0 without a link."""

    points: Ints
    bits: Ints
    words: tuple[str, ...]

    def evidence(self, ranks: Ints) -> list[str]:
        """What fits and what does not, in words."""
        texts: dict[int, str] = {}
        found = []
        for bits in self.bits[ranks].tolist():
            if bits not in texts:
                texts[bits] = ", ".join(word for place, word in enumerate(self.words) if bits >> place & 1)
            found.append(texts[bits])
        return found


def score(legs: Legs, parents: Ints, registry: Registry) -> Scored:
    """Give calls without a parent one where the evidence suffices; ``parents`` is filled in."""
    evidence = registry.link_evidence
    count = len(parents)
    points, bits = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int64)
    words = tuple(entry.meaning for entry in evidence.values())
    pairs = _pairs(legs, parents, registry.link_limit("digits"))
    if not len(pairs):
        return Scored(points, bits, words)
    weighed, fits = _weigh(legs, pairs, evidence)
    steps = np.array([(evidence[name].within_ms * _MS, evidence[name].points) for name in _STEPS])
    least = np.array(
        [registry.link_limit("threshold"), registry.link_limit("margin"), evidence[_COMPANY].points], dtype=np.int64
    )
    work = np.zeros((count, W_COLUMNS), dtype=np.int64)
    work[:, W_LAST] = -1
    work[:, W_READY] = legs.numbers[:, L_START]
    chosen = np.full((count, 4), -1, dtype=np.int64)
    choose(pairs, weighed, legs.numbers, steps, least, work, parents, chosen)
    linked = np.flatnonzero(chosen[:, 0] >= 0)
    pair, step = chosen[linked, 0], chosen[linked, 2]
    place = {name: number for number, name in enumerate(evidence)}
    step_bits = np.array([*(1 << place[name] for name in _STEPS), 0], dtype=np.int64)
    points[linked] = np.clip(chosen[linked, 1], 0, 100)
    bits[linked] = fits[pair] | step_bits[step] | (chosen[linked, 3] << place[_COMPANY])
    return Scored(points, bits, words)


def _pairs(legs: Legs, parents: Ints, digits: int) -> Ints:
    """Pairs (asks, offers) of calls that share an element and a number's end or an SDP session id, by who asks."""
    numbers = legs.numbers
    middle = np.zeros(len(legs.elements) + 1, dtype=np.bool_)
    middle[numbers[:, L_CALLER]] = True
    if not middle[numbers[:, L_CALLEE][numbers[:, L_CALLEE] >= 0]].any():
        return np.empty((0, 2), dtype=np.int64)
    called, addressed = legs.called.keys(digits), legs.addressed.keys(digits)
    origin = (legs.origin_ids[:, 0] >> np.uint64(1)).astype(np.int64)
    keys = np.stack(
        [
            called,
            np.where(addressed == called, -1, addressed),
            legs.caller.keys(digits),
            np.where((legs.origin_ids == 0).all(axis=1), -1, origin),
        ],
        axis=1,
    )
    room = len(keys) + 64
    while True:
        heads = np.full(1 << int(2 * keys.size).bit_length(), -1, dtype=np.int64)
        pairs = np.empty((room, 2), dtype=np.int64)
        found = candidates(keys, numbers, parents, heads, np.full_like(keys, -1), pairs)
        if found <= room:
            return pairs[:found]
        room = found  # at most so many: beyond the room some were counted twice


def _weigh(legs: Legs, pairs: Ints, evidence: Mapping[str, LinkEvidence]) -> tuple[Ints, Ints]:
    """Points and bits of each pair, without what `choose` adds."""
    behind, front = pairs[:, 0], pairs[:, 1]
    facts = _facts(legs, behind, front, evidence)
    points, bits = np.zeros(len(pairs), dtype=np.int64), np.zeros(len(pairs), dtype=np.int64)
    for place, (name, entry) in enumerate(evidence.items()):
        if name in facts:
            points += np.where(facts[name], entry.points, 0)
            bits |= np.where(facts[name], np.int64(1) << place, 0)
    return points, bits


def _facts(legs: Legs, behind: Ints, front: Ints, evidence: Mapping[str, LinkEvidence]) -> dict[str, Flags]:
    """What holds of each pair, by the ids of data/linking.toml."""
    ours, theirs = legs.numbers[behind], legs.numbers[front]
    called, addressed, caller = legs.called, legs.addressed, legs.caller
    same_called = (
        called.same(called, behind, front)
        | called.same(addressed, behind, front)
        | addressed.same(called, behind, front)
        | addressed.same(addressed, behind, front)
    )
    same_caller = caller.same(caller, behind, front)
    same_origin = _equal(legs.origins, behind, front)
    answered, front_answered = ours[:, L_ANSWERED] == 1, theirs[:, L_ANSWERED] == 1
    # An answer's time is where the set-up ends, unless that had to be cut off.
    between = theirs[:, L_SET_UP_END] - ours[:, L_SET_UP_END]
    together = evidence["answered_together"].within_ms * _MS
    ended = (ours[:, L_END] < _NEVER) & (theirs[:, L_END] < _NEVER)
    apart = np.abs(np.where(ended, ours[:, L_END] - theirs[:, L_END], 0))
    over = (ours[:, L_SET_UP_END] < _NEVER) & (theirs[:, L_END] < _NEVER)
    return {
        "address": np.ones(len(behind), dtype=np.bool_),
        "called_number": same_called,
        "other_called_number": called.differ(called, behind, front) & ~same_called,
        "caller_number": same_caller,
        "other_caller_number": caller.differ(caller, behind, front),
        "sdp_origin": same_origin,
        "sdp_session": _equal(legs.origin_ids, behind, front) & ~same_origin,
        "ends_together": ended & (apart <= evidence["ends_together"].within_ms * _MS),
        "answered_together": answered & front_answered & (between >= 0) & (between <= together),
        "answered_apart": answered & ~front_answered & over & (between > together),
        "other_session_id": _other_session(legs, behind, front),
    }


def _equal(keys: NDArray[np.uint64], behind: Ints, front: Ints) -> Flags:
    ours, theirs = keys[behind], keys[front]
    same: Flags = (ours == theirs).all(axis=1) & (ours != 0).any(axis=1)
    return same


def _other_session(legs: Legs, behind: Ints, front: Ints) -> Flags:
    """Both have a Session-ID; had it been the same, they would be linked by it."""
    has = (legs.uuids != 0).any(axis=1)
    other: Flags = has[behind] & has[front]
    return other
