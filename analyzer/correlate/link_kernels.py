"""Walks over calls that share a key, in the order of their first INVITEs: who may stand in front of whom.

Calls are numbered by that order (their *rank*). An entry says that the call of a rank offers itself as a leg in front
under a key, or asks for one, or both. Entries are sorted by key, then by rank. Each look back is bounded, so that the
time is linear however many calls share a key.
"""

from __future__ import annotations

import numpy as np

from analyzer.batch import Ints
from analyzer.hash_kernels import GOLDEN, MIX_1, Words, scramble
from analyzer.jit import inlined, kernel

OFFERS, ASKS = 1, 2
#: Entries that are looked at from one that asks, and candidates of them that are kept.
LOOK_BACK = 256
MOST_CANDIDATES = 8
#: Of the keys of `candidates` so many are called numbers.
KEYS_OF_CALLED = 2

# Columns of the calls that the walks look at.
L_START = 0  # first INVITE
L_SET_UP_END = 1  # answer, or end, or a limit
L_END = 2  # when nothing more can belong to it
L_CALLER = 3  # number of the element that made it; equal for the addresses of one
L_CALLEE = 4
L_NETWORK = 5
L_ANSWERED = 6
L_CALLED_VALUE = 7
L_CALLED_DIGITS = 8
L_COLUMNS = 9


@inlined
def _shares_uuid(uuids: Words, a: int, b: int) -> bool:
    """Whether the UUIDs that two Session-IDs name are the same, or those of one are among those of the other."""
    common, more_a, more_b = 0, 0, 0
    for i in range(0, 4, 2):
        if uuids[a, i] | uuids[a, i + 1] != 0:
            found = False
            for j in range(0, 4, 2):
                found = found or (uuids[a, i] == uuids[b, j] and uuids[a, i + 1] == uuids[b, j + 1])
            if found:
                common += 1
            else:
                more_a += 1
    for j in range(0, 4, 2):
        if uuids[b, j] | uuids[b, j + 1] != 0:
            found = False
            for i in range(0, 4, 2):
                found = found or (uuids[a, i] == uuids[b, j] and uuids[a, i + 1] == uuids[b, j + 1])
            if not found:
                more_b += 1
    return common > 0 and (more_a == 0 or more_b == 0)


@kernel
def nearest(
    keys: Words, entries: Ints, legs: Ints, uuids: Words, is_session_id: bool, other_network: bool, parents: Ints
) -> None:
    """For each call that asks and has no parent: the last one before it that offers, shares the key and is not over.

    One whose callee is this one's caller goes before all others. ``entries``: rank and OFFERS | ASKS.
    """
    for place in range(len(entries)):
        rank = entries[place, 0]
        if entries[place, 1] & ASKS == 0 or parents[rank] >= 0:
            continue
        chosen = -1
        for back in range(1, LOOK_BACK + 1):
            other_place = place - back
            if other_place < 0 or keys[other_place, 0] != keys[place, 0]:
                break
            other = entries[other_place, 0]
            if (
                other >= rank
                or entries[other_place, 1] & OFFERS == 0
                or keys[other_place, 1] != keys[place, 1]
                or legs[other, L_END] < legs[rank, L_START]
                or (other_network and legs[other, L_NETWORK] == legs[rank, L_NETWORK])
                or (is_session_id and not _shares_uuid(uuids, other, rank))
            ):
                continue
            if chosen < 0:
                chosen = other
            if legs[other, L_CALLEE] == legs[rank, L_CALLER] and legs[rank, L_CALLER] >= 0:
                chosen = other
                break
        if chosen >= 0:
            parents[rank] = chosen


@inlined
def _slot(key: int, element: int, kind: int, mask: int) -> int:
    """Where the chain of a key begins."""
    mixed = scramble(np.uint64(key) ^ (np.uint64(element) * GOLDEN) ^ (np.uint64(kind) * MIX_1))
    return int(np.int64(mixed & np.uint64(mask)))


@kernel
def candidates(keys: Ints, legs: Ints, parents: Ints, heads: Ints, chains: Ints, pairs: Ints) -> int:
    """(asks, offers) of calls whose set-up the one falls into and that share a key; returns how many there are.

    ``keys``: for each call some keys, -1 = none; the first KEYS_OF_CALLED may equal each other, each further one its
    own kind alone. Two calls that an element makes to itself, as on loopback, share it whether or not they are one
    intention, and are no pair. ``heads`` (a power of two of them, -1) and ``chains`` (as ``keys``) are the index of
    what was offered so far, the latest first.
    ``pairs`` is filled as far as it reaches, sorted by who asks: ask again with a longer one and a new index where more
    are returned than it holds.
    """
    count, width, mask = 0, keys.shape[1], len(heads) - 1
    for rank in range(len(keys)):
        first = count
        is_inside = legs[rank, L_CALLER] == legs[rank, L_CALLEE]
        for column in range(width if parents[rank] < 0 and legs[rank, L_CALLER] >= 0 else 0):
            key, kind = keys[rank, column], max(column, KEYS_OF_CALLED - 1)
            if key < 0:
                continue
            entry = heads[_slot(key, legs[rank, L_CALLER], kind, mask)]
            looked, kept = 0, 0
            while entry >= 0 and looked < LOOK_BACK and kept < MOST_CANDIDATES:
                other, offered = entry // width, entry % width
                if (
                    keys[other, offered] == key
                    and max(offered, KEYS_OF_CALLED - 1) == kind
                    and legs[other, L_CALLEE] == legs[rank, L_CALLER]
                    and legs[other, L_SET_UP_END] >= legs[rank, L_START]
                    and not (is_inside and legs[other, L_CALLER] == legs[other, L_CALLEE])
                ):
                    kept += 1
                    is_new = True
                    for place in range(first, min(count, len(pairs))):
                        is_new = is_new and pairs[place, 1] != other
                    if is_new:
                        if count < len(pairs):
                            pairs[count, 0] = rank
                            pairs[count, 1] = other
                        count += 1
                entry = chains[other, offered]
                looked += 1
        for column in range(width if legs[rank, L_CALLEE] >= 0 else 0):
            key = keys[rank, column]
            if key >= 0:
                slot = _slot(key, legs[rank, L_CALLEE], max(column, KEYS_OF_CALLED - 1), mask)
                chains[rank, column] = heads[slot]
                heads[slot] = rank * width + column
    return count


# What `choose` keeps of each leg in front.
W_LAST = 0  # rank of the last leg behind it; -1
W_READY = 1  # when that was refused, so that another may be tried; else its own first INVITE
W_SCORE = 2  # of the last leg behind it, without what its having company costs; MISSING where a header field says so
W_COLUMNS = 3
_SURE = 10**6


@inlined
def _nearness(legs: Ints, work: Ints, steps: Ints, front: int, rank: int) -> tuple[int, int]:
    """(points, step) for how soon a leg begins after the one in front, or after the last one behind it was refused."""
    since = work[front, W_READY]
    if since > legs[rank, L_START]:
        since = legs[front, L_START]
    for step in range(len(steps)):
        if legs[rank, L_START] - since <= steps[step, 0]:
            return steps[step, 1], step
    return 0, len(steps)


@inlined
def _note_leg(legs: Ints, work: Ints, front: int, rank: int, score: int) -> None:
    """A leg was found behind another one."""
    work[front, W_LAST] = rank
    work[front, W_SCORE] = score
    if legs[rank, L_ANSWERED] == 0:
        work[front, W_READY] = legs[rank, L_SET_UP_END]


@kernel
def choose(
    pairs: Ints, points: Ints, legs: Ints, steps: Ints, least: Ints, work: Ints, parents: Ints, chosen: Ints
) -> None:
    """Give each call that asks the candidate that clearly surpasses the others, in the order of the calls.

    ``pairs`` (asks, offers) are sorted by who asks; ``points`` are theirs without nearness in time. ``steps``: ns and
    points, nearest first. ``least``: points that a link takes, by which it must surpass, and what company costs. Two
    legs at once to the same number at the same callee cannot both be behind one call: the clearly better one is, or
    none.
    ``chosen`` gets of each call that was linked so the pair, the score, the step and whether it has company.
    """
    place = 0
    for rank in range(len(parents)):
        first = place
        while place < len(pairs) and pairs[place, 0] == rank:
            place += 1
        if parents[rank] >= 0:
            _note_leg(legs, work, parents[rank], rank, _SURE)
            continue
        best, second, best_pair, best_step, best_raw, best_company = -_SURE, -_SURE, -1, 0, 0, 0
        for pair in range(first, place):
            front = pairs[pair, 1]
            near, step = _nearness(legs, work, steps, front, rank)
            last = work[front, W_LAST]
            until = legs[last, L_END] if last >= 0 and legs[last, L_ANSWERED] == 1 else legs[last, L_SET_UP_END]
            company = 1 if last >= 0 and until > legs[rank, L_START] else 0
            raw = points[pair] + near
            score = raw + company * least[2]
            if score > best:
                second = best
                best, best_pair, best_step, best_raw, best_company = score, pair, step, raw, company
            elif score > second:
                second = score
        if best < least[0] or best - second < least[1]:
            continue
        front = pairs[best_pair, 1]
        twin = work[front, W_LAST]
        if (
            twin >= 0
            and legs[twin, L_SET_UP_END] > legs[rank, L_START]
            and legs[twin, L_CALLEE] == legs[rank, L_CALLEE]
            and legs[twin, L_CALLED_VALUE] == legs[rank, L_CALLED_VALUE]
            and legs[twin, L_CALLED_DIGITS] == legs[rank, L_CALLED_DIGITS]
        ):
            ahead = best_raw - work[front, W_SCORE]
            if ahead < least[1]:
                if -ahead < least[1] and parents[twin] == front:
                    parents[twin] = -1
                    chosen[twin, 0] = -1
                continue
            parents[twin] = -1
            chosen[twin, 0] = -1
        parents[rank] = front
        chosen[rank, 0], chosen[rank, 1] = best_pair, best
        chosen[rank, 2], chosen[rank, 3] = best_step, best_company
        _note_leg(legs, work, front, rank, best_raw)


@kernel
def roots(parents: Ints, root: Ints) -> None:
    """The first call of each one's session; parents stand before their children."""
    for rank in range(len(parents)):
        root[rank] = rank if parents[rank] < 0 else root[parents[rank]]


@kernel
def upstream(parents: Ints, legs: Ints, front: Ints) -> None:
    """The leg in front of each call, -1 = none seen: its parent, or its parent's where both are tries of one element.

    A call whose caller is its parent's caller, and not its parent's callee, stands beside it.
    """
    for rank in range(len(parents)):
        parent = parents[rank]
        beside = (
            parent >= 0
            and legs[rank, L_CALLER] == legs[parent, L_CALLER]
            and legs[rank, L_CALLER] != legs[parent, L_CALLEE]
        )
        front[rank] = front[parent] if beside else parent
