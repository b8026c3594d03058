"""Looking at the rows of the next messages before they are needed, so that they have come from memory by then.

The state of a busy capture is larger than the processor's caches. `step` looks for a transaction, then for its group,
then for its call, and each look waits for the one before. Here the looks of many messages stand side by side, none
waits for another, and the processor fetches them all at once. Nothing depends on what is found.
"""

from __future__ import annotations

from analyzer.batch import D_NETWORK, M_CSEQ_METHOD, M_METHOD, M_STATUS, Ints
from analyzer.correlate.key_kernels import with_method, with_number
from analyzer.correlate.layout import (
    G_COLUMNS,
    G_DUE,
    G_FIRST_TX,
    G_FOLLOWING,
    G_KEY_0,
    G_KIND,
    G_LATEST_0,
    GROUP_CALL,
    K_CALL_0,
    K_FROM,
    K_TO,
    K_TX_0,
    T_CALL_SLOT,
    T_COLUMNS,
    T_GROUP,
    T_KEY_0,
    T_NEXT,
)
from analyzer.correlate.table_kernels import SLOT
from analyzer.jit import kernel

#: Messages that are looked ahead for at a time: what they need fits the first-level cache.
AHEAD = 32
_LINE = 8  # columns of a cache line


@kernel
def touch(
    start: int,
    end: int,
    numbers: Ints,
    keys: Ints,
    links: Ints,
    tx: Ints,
    tx_index: Ints,
    groups: Ints,
    call_index: Ints,
) -> None:
    """Look at the rows of messages ``start`` to ``end``; their ``links``, which come later, are used to take notes."""
    for i in range(start, end):
        is_request = numbers[i, M_STATUS] == 0 and numbers[i, M_METHOD] != 0
        method = numbers[i, M_METHOD] if is_request else numbers[i, M_CSEQ_METHOD]
        place = with_method(keys[i, K_TX_0], method) & (len(tx_index) - 1)
        links[i, 0] = (tx_index[place] & SLOT) - 1
        links[i, 1] = -1
        if is_request and keys[i, K_TO] != 0:
            here = with_number(keys[i, K_CALL_0], numbers[i, D_NETWORK])
            place = with_number(here, keys[i, K_FROM]) & (len(call_index) - 1)
            links[i, 1] = (call_index[place] & SLOT) - 1
    for i in range(start, end):
        slot = links[i, 0]
        links[i, 2] = -1
        links[i, 3] = 0
        if slot >= 0:
            links[i, 2] = tx[slot, T_GROUP]
            if links[i, 1] < 0:
                links[i, 1] = tx[slot, T_CALL_SLOT]
            for column in range(_LINE, T_COLUMNS, _LINE):
                links[i, 3] ^= tx[slot, column]
    for i in range(start, end):
        for which in range(1, 3):
            group = links[i, which]
            if group >= 0:
                for column in range(0, 4 * _LINE, _LINE):
                    links[i, 3] ^= groups[group, column]


@kernel
def touch_bucket(
    groups: Ints, tx: Ints, tx_index: Ints, call_index: Ints, latest_index: Ints, group: int, clock: int
) -> int:
    """Look at the rows of the groups of a bucket that end now: nothing was heard of most of them for a minute."""
    seen = 0
    while group >= 0:
        if groups[group, G_DUE] <= clock:
            is_call = groups[group, G_KIND] == GROUP_CALL
            slot = groups[group, G_FIRST_TX]
            if is_call:
                for column in range(_LINE, G_COLUMNS, _LINE):
                    seen ^= groups[group, column]
                seen ^= call_index[groups[group, G_KEY_0] & (len(call_index) - 1)]
                seen ^= latest_index[groups[group, G_LATEST_0] & (len(latest_index) - 1)]
            while slot >= 0:
                seen ^= tx_index[tx[slot, T_KEY_0] & (len(tx_index) - 1)]
                if is_call:
                    for column in range(_LINE, T_COLUMNS, _LINE):
                        seen ^= tx[slot, column]
                slot = tx[slot, T_NEXT]
        group = groups[group, G_FOLLOWING]
    return seen
