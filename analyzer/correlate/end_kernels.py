"""What has ended is copied out, and its places are free again.

`fire` ends the groups whose time has come on the capture's clock, and at the end of the capture the rest. It stops with
DRAIN when the rows taken out so far must be fetched first, and goes on where it stopped.
"""

from __future__ import annotations

from analyzer.batch import Ints, Octets
from analyzer.correlate.layout import (
    DONE,
    DRAIN,
    G_ALIAS_0,
    G_ARMED,
    G_DUE,
    G_FIRST_TX,
    G_FOLLOWING,
    G_KEY_0,
    G_KIND,
    G_LATEST_0,
    G_LATEST_1,
    G_LENGTHS,
    G_TAG_4,
    G_TEXT,
    G_TO_TAG_LENGTH,
    G_TO_TAG_TEXT,
    G_TX_COUNT,
    GROUP_CALL,
    GROUP_FREE,
    GROUP_ORPHAN,
    GROUP_REGISTRATION,
    GT_COLUMNS,
    MAX_SAME,
    OUT_CLOCK,
    OUT_CLOSING,
    OUT_FIRST_TX,
    OUT_TX_CLOCK,
    S_CLOCK,
    S_CLOSING,
    S_GROUP_FREE,
    S_GROUP_LIVE,
    S_GROUP_USED,
    S_KEEP_TX,
    S_ORPHANS,
    S_OUT_GROUPS,
    S_OUT_TEXT,
    S_OUT_TX,
    S_TOUCHED,
    S_TX_FREE,
    S_TX_LIVE,
    S_WHEEL,
    SECOND,
    T_CALL_ID_LENGTH,
    T_COLUMNS,
    T_GROUP,
    T_KEY_0,
    T_NEXT,
    T_NO,
    T_RESPONSE_RESENDS,
    T_RESPONSES,
    T_SAME,
    T_TEXT,
    TOLD_OF_OTHERS,
    WHEEL,
)
from analyzer.correlate.row_kernels import forget_seen
from analyzer.correlate.table_kernels import copy_octets, drop
from analyzer.correlate.touch_kernels import touch_bucket
from analyzer.correlate.wheel_kernels import link, unlink
from analyzer.jit import inlined, kernel


@inlined
def octets_of(row: Ints, first: int, count: int) -> int:
    """How many octets the texts of a row take."""
    total = 0
    for column in range(first, first + count):
        if row[column] > 0:
            total += row[column]
    return total


@kernel
def room_for(
    scalars: Ints, groups: Ints, tx: Ints, out_groups: Ints, out_tx: Ints, out_text: Octets, group: int
) -> bool:
    """Whether a group fits among the rows handed out; one of any size fits when they are empty."""
    need = 0
    kind = groups[group, G_KIND]
    if kind == GROUP_CALL or kind == GROUP_REGISTRATION:
        need = octets_of(groups[group], G_LENGTHS, GT_COLUMNS) + max(groups[group, G_TO_TAG_LENGTH], 0)
    if scalars[S_KEEP_TX] != 0:
        slot = groups[group, G_FIRST_TX]
        while slot >= 0:
            need += octets_of(tx[slot], T_CALL_ID_LENGTH, 2)
            slot = tx[slot, T_NEXT]
    if scalars[S_OUT_GROUPS] >= len(out_groups) or scalars[S_OUT_TX] + groups[group, G_TX_COUNT] > len(out_tx):
        return False
    fits: bool = scalars[S_OUT_TEXT] + need <= len(out_text)
    return fits


@inlined
def ended_at(scalars: Ints, groups: Ints, group: int) -> int:
    """When a group ended: when it was due, however long nobody looked (a live capture looks every second), or when the
    capture was over."""
    clock: int = min(scalars[S_CLOCK], groups[group, G_DUE])
    return clock


@kernel
def hand_out_transaction(
    scalars: Ints, tx: Ints, arena: Octets, out_tx: Ints, out_text: Octets, slot: int, out_group: int, clock: int
) -> None:
    """Copy a transaction's row, and its texts where they are kept; ``clock``: when it ended."""
    out = scalars[S_OUT_TX]
    scalars[S_OUT_TX] = out + 1
    if out_group < 0 and scalars[S_KEEP_TX] == 0:
        for column in TOLD_OF_OTHERS:
            out_tx[out, column] = tx[slot, column]
    else:
        for column in range(T_GROUP, T_SAME):  # its keys and what it may repeat stay behind
            out_tx[out, column] = tx[slot, column]
        for column in range(T_SAME + 2 * MAX_SAME, T_COLUMNS):
            out_tx[out, column] = tx[slot, column]
    out_tx[out, T_GROUP] = out_group
    out_tx[out, OUT_TX_CLOCK] = clock
    if tx[slot, T_TEXT] >= 0:
        at = scalars[S_OUT_TEXT]
        out_tx[out, T_TEXT] = at
        length = octets_of(tx[slot], T_CALL_ID_LENGTH, 2)
        scalars[S_OUT_TEXT] = copy_octets(arena, tx[slot, T_TEXT], length, out_text, at)


@kernel
def hand_out_group(scalars: Ints, groups: Ints, arena: Octets, out_groups: Ints, out_text: Octets, group: int) -> int:
    """Copy a call's or registration's row and texts; returns its place among those handed out."""
    out: int = scalars[S_OUT_GROUPS]
    scalars[S_OUT_GROUPS] = out + 1
    for column in range(G_KEY_0):
        out_groups[out, column] = groups[group, column]
    for column in range(G_LATEST_1 + 1, G_TAG_4):
        out_groups[out, column] = groups[group, column]
    out_groups[out, OUT_CLOCK] = ended_at(scalars, groups, group)
    out_groups[out, OUT_CLOSING] = scalars[S_CLOSING]
    out_groups[out, OUT_FIRST_TX] = scalars[S_OUT_TX]
    at = scalars[S_OUT_TEXT]
    out_groups[out, G_TEXT] = at
    at = copy_octets(arena, groups[group, G_TEXT], octets_of(groups[group], G_LENGTHS, GT_COLUMNS), out_text, at)
    out_groups[out, G_TO_TAG_TEXT] = at
    length = groups[group, G_TO_TAG_LENGTH]
    if length > 0:
        at = copy_octets(arena, groups[group, G_TO_TAG_TEXT], length, out_text, at)
    scalars[S_OUT_TEXT] = at
    return out


@kernel
def end_group(
    scalars: Ints,
    groups: Ints,
    tx: Ints,
    seen: Ints,
    tx_index: Ints,
    call_index: Ints,
    alias_index: Ints,
    latest_index: Ints,
    wheel: Ints,
    arena: Octets,
    out_groups: Ints,
    out_tx: Ints,
    out_text: Octets,
    group: int,
) -> None:
    """Take a group out of everything; `room_for` said that it fits."""
    kind = groups[group, G_KIND]
    named = kind == GROUP_CALL or kind == GROUP_REGISTRATION
    out = -1
    clock = ended_at(scalars, groups, group)
    if named:
        out = hand_out_group(scalars, groups, arena, out_groups, out_text, group)
    slot = groups[group, G_FIRST_TX]
    while slot >= 0:
        after = tx[slot, T_NEXT]
        if kind == GROUP_ORPHAN:
            scalars[S_ORPHANS] += tx[slot, T_RESPONSES] - tx[slot, T_RESPONSE_RESENDS]
        # Transactions of no call are a population of their own (`others`); a stray ACK is none.
        if named or tx[slot, T_NO] > 0:
            hand_out_transaction(scalars, tx, arena, out_tx, out_text, slot, out, clock)
        forget_seen(scalars, tx, seen, slot)
        drop(tx_index, tx, T_KEY_0, slot)
        tx[slot, T_NEXT] = scalars[S_TX_FREE]
        tx[slot, T_KEY_0] = 0
        tx[slot, T_KEY_0 + 1] = 0
        scalars[S_TX_FREE] = slot
        scalars[S_TX_LIVE] -= 1
        slot = after
    free_group(scalars, groups, call_index, alias_index, latest_index, wheel, group)


@kernel
def free_group(
    scalars: Ints, groups: Ints, call_index: Ints, alias_index: Ints, latest_index: Ints, wheel: Ints, group: int
) -> None:
    """Give a group's row back."""
    kind = groups[group, G_KIND]
    if kind == GROUP_CALL or kind == GROUP_REGISTRATION:
        drop(call_index, groups, G_KEY_0, group)
        if groups[group, G_ALIAS_0] != 0:
            drop(alias_index, groups, G_ALIAS_0, group)
        if groups[group, G_LATEST_0] != 0:
            drop(latest_index, groups, G_LATEST_0, group)
    unlink(groups, wheel, group)
    groups[group, G_KIND] = GROUP_FREE
    groups[group, G_FOLLOWING] = scalars[S_GROUP_FREE]
    scalars[S_GROUP_FREE] = group
    scalars[S_GROUP_LIVE] -= 1


@kernel
def fire(
    scalars: Ints,
    groups: Ints,
    tx: Ints,
    seen: Ints,
    tx_index: Ints,
    call_index: Ints,
    alias_index: Ints,
    latest_index: Ints,
    wheel: Ints,
    arena: Octets,
    out_groups: Ints,
    out_tx: Ints,
    out_text: Octets,
) -> int:
    """End every group whose due lies at or before the clock; DRAIN if the rows handed out are full.

    When the capture is over (S_CLOSING) every group ends.
    """
    clock = scalars[S_CLOCK]
    now = clock // SECOND
    second = scalars[S_WHEEL]
    is_closing = scalars[S_CLOSING] != 0
    if is_closing or now - second > WHEEL:  # after a long silence each bucket is looked at once
        second = now - WHEEL
    while second < now:
        second += 1
        group = wheel[second & (WHEEL - 1)]
        scalars[S_TOUCHED] = touch_bucket(groups, tx, tx_index, call_index, latest_index, group, clock)
        while group >= 0:
            after = groups[group, G_FOLLOWING]
            if is_closing or groups[group, G_DUE] <= clock:
                if not room_for(scalars, groups, tx, out_groups, out_tx, out_text, group):
                    scalars[S_WHEEL] = second - 1
                    return DRAIN
                end_group(
                    scalars, groups, tx, seen, tx_index, call_index, alias_index, latest_index, wheel, arena,
                    out_groups, out_tx, out_text, group,
                )  # fmt: skip
            elif groups[group, G_ARMED] <= now:
                unlink(groups, wheel, group)
                link(groups, wheel, group, groups[group, G_DUE] // SECOND + 1)
            group = after
    scalars[S_WHEEL] = now
    return DONE


@kernel
def compact(scalars: Ints, groups: Ints, tx: Ints, arena: Octets, fresh: Octets) -> int:
    """Copy the texts of what is alive into a fresh arena; returns the octets used there."""
    at = 0
    for group in range(scalars[S_GROUP_USED]):
        kind = groups[group, G_KIND]
        if kind == GROUP_CALL or kind == GROUP_REGISTRATION:
            length = octets_of(groups[group], G_LENGTHS, GT_COLUMNS)
            start = groups[group, G_TEXT]
            groups[group, G_TEXT] = at
            at = copy_octets(arena, start, length, fresh, at)
            length = groups[group, G_TO_TAG_LENGTH]
            if length > 0:
                start = groups[group, G_TO_TAG_TEXT]
                groups[group, G_TO_TAG_TEXT] = at
                at = copy_octets(arena, start, length, fresh, at)
        if kind != GROUP_FREE and scalars[S_KEEP_TX] != 0:
            slot = groups[group, G_FIRST_TX]
            while slot >= 0:
                if tx[slot, T_TEXT] >= 0:
                    length = octets_of(tx[slot], T_CALL_ID_LENGTH, 2)
                    start = tx[slot, T_TEXT]
                    tx[slot, T_TEXT] = at
                    at = copy_octets(arena, start, length, fresh, at)
                slot = tx[slot, T_NEXT]
    return at
