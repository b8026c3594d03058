"""Which calls are legs of one session, and how that is known (docs/counting.md).

Each call has at most one parent, which began before it. What says so outright goes first: the same Session-ID
(RFC 7989), then a header field or Call-ID that names the other leg; `scoring` weighs what is left.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analyzer.batch import Ints
from analyzer.correlate.leg_keys import Legs
from analyzer.correlate.link_kernels import ASKS, L_NETWORK, OFFERS, nearest
from analyzer.correlate.scoring import Scored, score
from analyzer.hash_kernels import Words
from analyzer.registry import Registry
from analyzer.vocab import LinkedBy, numbered

_BY = numbered(LinkedBy)

#: How a link is known, where nothing had to be weighed: words of ``how``.
HOW = (
    "",
    "same Session-ID",
    "same Call-ID and From tag in another network",
    "its INVITE names the Call-ID in front",
    "its Call-ID is the one in front with an ending",
    "both INVITEs carry the same id",
)
_NONE, _SESSION_ID, _SAME_DIALOG, _NAMED, _ENDING, _SHARED = range(len(HOW))


class Links(NamedTuple):
    """For each call by rank (`Legs`): rank of its parent (-1 = none), how that is known, and what was weighed."""

    parents: Ints
    how: Ints  # position in HOW; 0 for none and for scored ones
    scored: Scored

    @property
    def linked_by(self) -> Ints:
        """Number in vocab.LinkedBy; -1 for calls without a parent."""
        known = np.where(self.how == _SESSION_ID, _BY[LinkedBy.SESSION_ID], _BY[LinkedBy.HEADER])
        by: Ints = np.where(self.how == _NONE, _BY[LinkedBy.SCORE], known)
        return np.where(self.parents < 0, -1, by)

    @property
    def scores(self) -> Ints:
        """Points of each link, 0-100: 100 where something says so outright, -1 without a link."""
        return np.where(self.parents < 0, -1, np.where(self.how == _NONE, self.scored.points, 100))

    def evidence(self, ranks: Ints) -> list[str]:
        """What fits, in words, for some calls that have a parent."""
        return [
            HOW[how] if how else words
            for how, words in zip(self.how[ranks].tolist(), self.scored.evidence(ranks), strict=True)
        ]


def no_links(legs: Legs) -> Links:
    """Every call by itself."""
    none = np.zeros(len(legs.order), dtype=np.int64)
    return Links(none - 1, none, Scored(none, none, ()))


def find_links(legs: Legs, registry: Registry) -> Links:
    """The parent of every call that has one."""
    count = len(legs.order)
    if count < 2:
        return no_links(legs)
    parents, how = np.full(count, -1, dtype=np.int64), np.zeros(count, dtype=np.int64)
    ranks = np.arange(count, dtype=np.int64)

    def walk(kind: int, offers: Words, asks: Words, asking: NDArray[np.bool_] | None = None) -> None:
        keys, entries = _entries([(ranks, offers, OFFERS), (ranks, asks, ASKS)], asking)
        before = parents.copy()
        is_session_id = kind == _SESSION_ID
        nearest(keys, entries, legs.numbers, legs.uuids, is_session_id, kind == _SAME_DIALOG, parents)
        how[parents != before] = kind

    if legs.uuids.any():
        local, remote = legs.uuids[:, :2], legs.uuids[:, 2:]
        both = np.concatenate([local, remote])
        twice = np.concatenate([ranks, ranks])
        keys, entries = _entries([(twice, both, OFFERS | ASKS)])
        nearest(keys, entries, legs.numbers, legs.uuids, True, False, parents)
        how[parents >= 0] = _SESSION_ID
    if (legs.numbers[:, L_NETWORK] != legs.numbers[0, L_NETWORK]).any():
        walk(_SAME_DIALOG, legs.dialogs, legs.dialogs)
    if legs.linked_ids.any():
        walk(_NAMED, legs.call_ids, legs.linked_ids, ~legs.is_ending)
        walk(_ENDING, legs.call_ids, legs.linked_ids, legs.is_ending)
        walk(_SHARED, legs.linked_ids, legs.linked_ids)
    return Links(parents, how, score(legs, parents, registry))


def _entries(
    parts: Sequence[tuple[Ints, Words, int]], asking: NDArray[np.bool_] | None = None
) -> tuple[Words, Ints]:
    """Keys and (rank, role) of calls that have a key, sorted by key, then by rank, offers before what asks.

    Keys that nobody shares are left out. ``asking``: who may ask.
    """
    ranks, keys, roles = [], [], []
    for rank, key, role in parts:
        there = (key != 0).any(axis=1)
        if asking is not None and role == ASKS:
            there &= asking
        ranks.append(rank[there])
        keys.append(key[there])
        roles.append(np.full(int(there.sum()), role, dtype=np.int64))
    rank, key, role_of = np.concatenate(ranks), np.concatenate(keys), np.concatenate(roles)
    order = np.lexsort((role_of, rank, key[:, 0]))
    key = key[order]
    shared = np.zeros(len(order) + 1, dtype=np.bool_)
    shared[1:-1] = key[1:, 0] == key[:-1, 0]
    kept = shared[1:] | shared[:-1]
    return key[kept], np.stack([rank[order], role_of[order]], axis=1)[kept]
