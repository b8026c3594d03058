"""Tables that the step kernel looks things up in: open addressing over the rows of its pools.

An index entry is ``tag << 32 | slot + 1``, 0 = empty; the 31-bit tag saves most looks at a row. An index is at
least twice as long as its pool, so probing is short whatever the octets are (the hashes are keyed).
"""

from __future__ import annotations

import numpy as np

from analyzer.batch import Ints, Octets
from analyzer.correlate.layout import MAX_WORDS, S_ENDPOINTS, S_WORD_OCTETS, S_WORDS
from analyzer.hash_kernels import Key, Words, hash_span, join
from analyzer.jit import inlined, kernel

TAG = 0x7FFFFFFF
SLOT = 0xFFFFFFFF


@inlined
def find(index: Ints, rows: Ints, column: int, key_0: Key, key_1: Key) -> int:
    """Position in ``index`` of the row whose two key columns from ``column`` on are equal; -1 if there is none."""
    mask = len(index) - 1
    at = int(key_0) & mask
    tag = key_1 & TAG
    while True:
        entry = index[at]
        if entry == 0:
            return -1
        if entry >> 32 == tag:
            slot = (entry & SLOT) - 1
            if rows[slot, column] == key_0 and rows[slot, column + 1] == key_1:
                return at
        at = (at + 1) & mask


@inlined
def find_slot(index: Ints, rows: Ints, column: int, key_0: Key, key_1: Key) -> int:
    """The row itself, or -1."""
    at = find(index, rows, column, key_0, key_1)
    if at < 0:
        return -1
    slot: int = (index[at] & SLOT) - 1
    return slot


@inlined
def put(index: Ints, key_0: Key, key_1: Key, slot: int) -> None:
    """Enter a row that is not in the index yet."""
    mask = len(index) - 1
    at = key_0 & mask
    while index[at] != 0:
        at = (at + 1) & mask
    index[at] = ((key_1 & TAG) << 32) | (slot + 1)


@kernel
def drop(index: Ints, rows: Ints, column: int, slot: int) -> None:
    """Take a row out, if it is in; the entries behind it move up so that no probe ends too early."""
    mask = len(index) - 1
    at = find(index, rows, column, rows[slot, column], rows[slot, column + 1])
    if at < 0 or (index[at] & SLOT) - 1 != slot:
        return
    hole = at
    at = (at + 1) & mask
    while index[at] != 0:
        home = rows[(index[at] & SLOT) - 1, column] & mask
        # The entry may move into the hole unless its home lies behind the hole.
        if ((at - home) & mask) >= ((at - hole) & mask):
            index[hole] = index[at]
            hole = at
        at = (at + 1) & mask
    index[hole] = 0


@kernel
def refill(index: Ints, rows: Ints, column: int, used: int, kind_column: int) -> None:
    """Enter every row in use (non-zero ``kind_column``) again, after the index has grown."""
    index[:] = 0
    for slot in range(used):
        if rows[slot, kind_column] != 0 and (rows[slot, column] != 0 or rows[slot, column + 1] != 0):
            put(index, rows[slot, column], rows[slot, column + 1], slot)


@kernel
def reenter(index: Ints, old: Ints, rows: Ints, column: int) -> None:
    """Enter what an older index holds: rows that another one of the same key has replaced stay out."""
    for entry in old:
        if entry != 0:
            slot = (entry & SLOT) - 1
            put(index, rows[slot, column], rows[slot, column + 1], slot)


@kernel
def refill_endpoints(index: Ints, endpoints: Ints, used: int, seeds: Words) -> None:
    """Enter every endpoint again, after the index has grown."""
    index[:] = 0
    mask = len(index) - 1
    for slot in range(used):
        at = endpoint_hash(endpoints[slot, 0], endpoints[slot, 1], endpoints[slot, 2], seeds) & mask
        while index[at] != 0:
            at = (at + 1) & mask
        index[at] = slot + 1


@inlined
def endpoint_hash(network: int, high: int, low: int, seeds: Words) -> np.int64:
    """Where an endpoint is looked for first."""
    return np.int64(join(join(np.uint64(high) ^ seeds[0], np.uint64(low)), np.uint64(network)) >> np.uint64(1))


@inlined
def endpoint_number(
    network: int, high: int, low: int, scalars: Ints, endpoints: Ints, index: Ints, seeds: Words
) -> int:
    """The number of an endpoint (network, address), a new one if it was not seen before."""
    mask = len(index) - 1
    at = endpoint_hash(network, high, low, seeds) & mask
    slot: int
    while index[at] != 0:
        slot = index[at] - 1
        if endpoints[slot, 2] == low and endpoints[slot, 1] == high and endpoints[slot, 0] == network:
            return slot
        at = (at + 1) & mask
    slot = scalars[S_ENDPOINTS]
    scalars[S_ENDPOINTS] = slot + 1
    endpoints[slot, 0] = network
    endpoints[slot, 1] = high
    endpoints[slot, 2] = low
    index[at] = slot + 1
    return slot


@inlined
def copy_octets(source: Octets, start: int, length: int, target: Octets, at: int) -> int:
    """Copy some octets; returns where the next ones go."""
    # Unsigned indexes spare the compiled loop a look for negative ones at every octet.
    here, there = np.uint64(start), np.uint64(at)
    for k in range(np.uint64(length)):
        target[there + k] = source[here + k]
    return at + length


@kernel
def word_number(
    octets: Octets,
    start: int,
    length: int,
    scalars: Ints,
    words: Ints,
    word_index: Ints,
    word_octets: Octets,
    seeds: Words,
) -> int:
    """The number of a text that repeats (an agent, a reason phrase); -1 when missing, -2 when there are too many."""
    if length < 0:
        return -1
    slot: int
    one, two = hash_span(octets, start, length, seeds)
    key_0, key_1 = np.int64(one), np.int64(two)
    slot = find_slot(word_index, words, 0, key_0, key_1)
    if slot >= 0:
        return slot
    slot = scalars[S_WORDS]
    if slot >= MAX_WORDS:
        return -2
    at = scalars[S_WORD_OCTETS]
    copy_octets(octets, start, length, word_octets, at)
    words[slot, 0] = key_0
    words[slot, 1] = key_1
    words[slot, 2] = at
    words[slot, 3] = length
    put(word_index, key_0, key_1, slot)
    scalars[S_WORDS] = slot + 1
    scalars[S_WORD_OCTETS] = at + length
    return slot
