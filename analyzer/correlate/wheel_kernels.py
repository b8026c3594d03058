"""The timer wheel: which groups end when the capture's clock reaches a second.

WHEEL buckets of one second, each a doubly linked chain through the group rows. A due that moves away is
only noticed when its old second comes (lazy); one that comes nearer moves the group at once, or what has ended
would wait for its old second and memory would swell without a wrong row to show it.
"""

from __future__ import annotations

from analyzer.batch import INVITE, MISSING, Ints
from analyzer.correlate.layout import (
    FORGOTTEN,
    G_ANSWER_TS,
    G_ARMED,
    G_BYE_TS,
    G_DUE,
    G_FOLLOWING,
    G_KIND,
    G_PREVIOUS,
    G_STATUS,
    GROUP_CALL,
    GROUP_ORPHAN,
    LINGER,
    NO_REPLY,
    RINGING,
    SECOND,
    T_FLAGS,
    T_METHOD,
    T_PROGRESS_CLOCK,
    T_REQUEST_CLOCK,
    T_STATUS,
    TF_RESPONSE,
    WHEEL,
)
from analyzer.jit import inlined


@inlined
def unlink(groups: Ints, wheel: Ints, group: int) -> None:
    """Take a group out of its bucket."""
    before = groups[group, G_PREVIOUS]
    after = groups[group, G_FOLLOWING]
    if before >= 0:
        groups[before, G_FOLLOWING] = after
    else:
        wheel[groups[group, G_ARMED] & (WHEEL - 1)] = after
    if after >= 0:
        groups[after, G_PREVIOUS] = before


@inlined
def link(groups: Ints, wheel: Ints, group: int, second: int) -> None:
    """Put a group into the bucket of a second."""
    bucket = second & (WHEEL - 1)
    first = wheel[bucket]
    groups[group, G_ARMED] = second
    groups[group, G_PREVIOUS] = -1
    groups[group, G_FOLLOWING] = first
    if first >= 0:
        groups[first, G_PREVIOUS] = group
    wheel[bucket] = group


@inlined
def set_due(groups: Ints, wheel: Ints, group: int, due: int) -> None:
    """Let a group end at ``due`` (ns on the capture's clock)."""
    groups[group, G_DUE] = due
    second = due // SECOND + 1
    if second < groups[group, G_ARMED]:
        unlink(groups, wheel, group)
        link(groups, wheel, group, second)


@inlined
def arm(groups: Ints, wheel: Ints, group: int, due: int) -> None:
    """Put a new group on the wheel."""
    groups[group, G_DUE] = due
    link(groups, wheel, group, due // SECOND + 1)


@inlined
def timer_of(tx: Ints, slot: int) -> int:
    """When a transaction without a final times out: Timer F, Timer B, or Timer C once any response was seen."""
    request: int = tx[slot, T_REQUEST_CLOCK]
    progress: int = tx[slot, T_PROGRESS_CLOCK]
    if tx[slot, T_METHOD] != INVITE or tx[slot, T_FLAGS] & TF_RESPONSE == 0:
        return request + NO_REPLY
    return max(request, progress) + RINGING


@inlined
def group_due(groups: Ints, group: int, tx: Ints, slot: int, clock: int) -> int:
    """When a group ends if nothing more is heard; later is harmless, what it came to is judged by its timers."""
    kind = groups[group, G_KIND]
    if kind == GROUP_CALL:
        if groups[group, G_ANSWER_TS] != MISSING:
            return clock + (FORGOTTEN if groups[group, G_BYE_TS] == MISSING else LINGER)
        if groups[group, G_STATUS] != 0:
            return clock + LINGER
        return clock + LINGER + (RINGING if tx[slot, T_FLAGS] & TF_RESPONSE else NO_REPLY)
    if tx[slot, T_STATUS] != 0 or kind == GROUP_ORPHAN:
        return clock + LINGER
    return clock + LINGER + (RINGING if tx[slot, T_METHOD] == INVITE else NO_REPLY)


@inlined
def refresh_call(groups: Ints, wheel: Ints, call: int, clock: int) -> None:
    """Something was heard inside a call: an answered one is still there."""
    if groups[call, G_ANSWER_TS] != MISSING:
        set_due(groups, wheel, call, clock + (FORGOTTEN if groups[call, G_BYE_TS] == MISSING else LINGER))
    elif groups[call, G_STATUS] != 0:
        set_due(groups, wheel, call, clock + LINGER)
