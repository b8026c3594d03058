"""Looks at what is alive, for a run that has no end: what was decided already, and what must make room.

A call's row is held for a minute after its final, because of resends and late messages, and an answered call's until
it is over. `tell` copies out what is decided long before it ends; `end_early` ends groups that are not due.
"""

from __future__ import annotations

from analyzer.batch import MISSING, Ints, Octets
from analyzer.correlate.call_kernels import may_continue
from analyzer.correlate.end_kernels import end_group, hand_out_group, hand_out_transaction, room_for
from analyzer.correlate.layout import (
    DONE,
    DRAIN,
    G_ANSWER_TS,
    G_BYE_TS,
    G_DUE,
    G_FINAL_CLOCK,
    G_FIRST_TX,
    G_KIND,
    G_STATUS,
    G_TIMER,
    G_TOLD,
    GROUP_CALL,
    GROUP_FREE,
    GROUP_ORPHAN,
    GROUP_OTHER,
    GROUP_REGISTRATION,
    S_CLOCK,
    S_CLOSING,
    S_GROUP_USED,
    S_OFF,
    SECOND,
    T_KEY_0,
    T_NEXT,
)
from analyzer.jit import inlined, kernel

#: Calls by how far they are, `stages`.
STAGE_SETTING_UP, STAGE_IN_CALL, STAGE_LINGERING = 0, 1, 2
STAGE_COLUMNS = 3
#: A final that another one may outdo (a fork's answer, RFC 3261 §16.7) counts as decided after so long.
SETTLED = SECOND


@inlined
def is_decided(groups: Ints, group: int, clock: int, off: int) -> bool:
    """Whether nothing to come can be expected to change what became of a call or registration."""
    status: int = groups[group, G_STATUS]
    if status == 0:
        timed_out: bool = groups[group, G_TIMER] != MISSING and clock > groups[group, G_TIMER]
        return timed_out
    if 200 <= status < 300:
        return True
    return clock - groups[group, G_FINAL_CLOCK] >= SETTLED and not may_continue(groups, group, clock, off)


@kernel
def tell(
    scalars: Ints,
    groups: Ints,
    tx: Ints,
    arena: Octets,
    out_groups: Ints,
    out_tx: Ints,
    out_text: Octets,
    first: int,
) -> tuple[int, int]:
    """Copy out calls and registrations that are decided and were not told yet, from slot ``first`` on.

    Returns DONE or DRAIN (take out what is there and go on) and the slot to go on from. They stay where they are.
    """
    clock, off = scalars[S_CLOCK], scalars[S_OFF]
    for group in range(first, scalars[S_GROUP_USED]):
        kind = groups[group, G_KIND]
        if kind != GROUP_CALL and kind != GROUP_REGISTRATION:
            continue
        if groups[group, G_TOLD] != 0 or not is_decided(groups, group, clock, off):
            continue
        if not room_for(scalars, groups, tx, out_groups, out_tx, out_text, group):
            return DRAIN, group
        groups[group, G_TOLD] = 1
        closing = scalars[S_CLOSING]
        scalars[S_CLOSING] = 1
        out = hand_out_group(scalars, groups, arena, out_groups, out_text, group)
        scalars[S_CLOSING] = closing
        slot = groups[group, G_FIRST_TX]
        while slot >= 0:
            hand_out_transaction(scalars, tx, arena, out_tx, out_text, slot, out, clock)
            slot = tx[slot, T_NEXT]
    return DONE, 0


@kernel
def end_early(
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
    due: int,
    first: int,
) -> tuple[int, int]:
    """End the groups that would end by themselves at ``due`` or before, as at the end of a capture.

    Returns DONE or DRAIN (take out what is there and go on) and the slot to go on from.
    """
    closing = scalars[S_CLOSING]
    for group in range(first, scalars[S_GROUP_USED]):
        if groups[group, G_KIND] == GROUP_FREE or groups[group, G_DUE] > due:
            continue
        if not room_for(scalars, groups, tx, out_groups, out_tx, out_text, group):
            return DRAIN, group
        scalars[S_CLOSING] = 1
        end_group(
            scalars, groups, tx, seen, tx_index, call_index, alias_index, latest_index, wheel, arena, out_groups,
            out_tx, out_text, group,
        )  # fmt: skip
        scalars[S_CLOSING] = closing
    return DONE, 0


@kernel
def stages(scalars: Ints, groups: Ints, found: Ints) -> None:
    """Count the calls that are being set up, that were answered and are not over, and that linger (STAGE_*)."""
    found[:] = 0
    for group in range(scalars[S_GROUP_USED]):
        if groups[group, G_KIND] != GROUP_CALL:
            continue
        if groups[group, G_ANSWER_TS] != MISSING:
            stage = STAGE_IN_CALL if groups[group, G_BYE_TS] == MISSING else STAGE_LINGERING
        elif groups[group, G_STATUS] == 0 and scalars[S_CLOCK] <= groups[group, G_TIMER]:
            stage = STAGE_SETTING_UP
        else:
            stage = STAGE_LINGERING
        found[stage] += 1


@kernel
def others_alive(scalars: Ints, groups: Ints, tx: Ints, slots: Ints) -> int:
    """The slots of transactions of no call and no registration; returns how many. ``slots`` has room for all."""
    count = 0
    for group in range(scalars[S_GROUP_USED]):
        kind = groups[group, G_KIND]
        if kind == GROUP_OTHER or kind == GROUP_ORPHAN:
            slot = groups[group, G_FIRST_TX]
            while slot >= 0:
                if tx[slot, T_KEY_0] != 0:
                    slots[count] = slot
                    count += 1
                slot = tx[slot, T_NEXT]
    return count
