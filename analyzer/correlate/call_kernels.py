"""Which call or registration a request belongs to.

A call is one INVITE without To tag and what continues it (docs/counting.md): the INVITE with credentials after a
challenge, the INVITE to the target of a redirection, the repeated one that a 422 or a 503 with Retry-After asks for.
Inside one attempt the same INVITE may be seen at several hops, and a proxy may fork it.
"""

from __future__ import annotations

from analyzer.batch import D_NETWORK, MISSING, Ints, Octets, Spans
from analyzer.correlate.group_kernels import begin_attempt, enter, open_group
from analyzer.correlate.key_kernels import with_number
from analyzer.correlate.layout import (
    CHALLENGE_WINDOW,
    G_ALIAS_0,
    G_ALIAS_1,
    G_ANSWERS,
    G_ATTEMPTS,
    G_CSEQ,
    G_FINAL_CLOCK,
    G_FROM,
    G_HOP,
    G_KEY_0,
    G_LATEST_0,
    G_NETWORK,
    G_REFUSED,
    G_RETRY_AFTER,
    G_STATUS,
    G_TIMER,
    GROUP_CALL,
    GROUP_REGISTRATION,
    K_CALL_0,
    K_CALL_1,
    K_FROM,
    OFF_CHALLENGE,
    OFF_HOPS,
    OFF_REDIRECT,
    OFF_REUSE,
    OFF_ROUTE_ADVANCE,
    REPEAT_WINDOW,
    S_CLOCK,
    S_OFF,
)
from analyzer.correlate.table_kernels import find_slot
from analyzer.jit import inlined, kernel


@inlined
def may_continue(groups: Ints, group: int, clock: int, off: int) -> bool:
    """Whether a new request after the current attempt's final still belongs to the call (or registration)."""
    status: int = groups[group, G_STATUS]
    waited: int = clock - groups[group, G_FINAL_CLOCK]
    refused: bool = groups[group, G_REFUSED] != 0
    is_timed: bool = groups[group, G_RETRY_AFTER] != MISSING
    if status == 401 or status == 407:
        return not refused and waited <= CHALLENGE_WINDOW and off & OFF_CHALLENGE == 0
    if waited > REPEAT_WINDOW:
        return False
    if 300 <= status < 400:
        return off & OFF_REDIRECT == 0
    if off & OFF_ROUTE_ADVANCE:
        return False
    if status == 503:
        return is_timed
    return (
        status == 422 or status == 491 or status == 494 or status == 415 or status == 420
        or status == 421 or status == 423 or status == 428
    )  # fmt: skip


@inlined
def belongs(groups: Ints, group: int, cseq: int, hop: int, clock: int, off: int) -> int:
    """What a new INVITE (REGISTER) is to a call that is there: 0 = another call, 1 = the next attempt,
    2 = the same attempt (another hop or a fork), 3 = an earlier attempt seen at another hop."""
    current = groups[group, G_CSEQ]
    lowest = groups[group, G_HOP]
    status = groups[group, G_STATUS]
    waits = status == 0 and clock <= groups[group, G_TIMER]
    over = groups[group, G_TIMER] if status == 0 else groups[group, G_FINAL_CLOCK]
    lately = clock <= over + REPEAT_WINDOW
    if off & OFF_HOPS and hop != lowest:
        return 0
    if cseq < current and waits:
        return 3
    if hop > lowest and (waits or (cseq == current and lately)):
        return 2
    if cseq == current and lately and (waits or hop != lowest or hop > 0):
        return 2
    if waits or (status != 0 and may_continue(groups, group, clock, off)):
        return 1
    return 1 if off & OFF_REUSE else 0


@kernel
def place_invite(
    scalars: Ints,
    groups: Ints,
    call_index: Ints,
    alias_index: Ints,
    latest_index: Ints,
    numbers: Ints,
    spans: Spans,
    octets: Octets,
    arena: Octets,
    keys: Ints,
    i: int,
    cseq: int,
    hop: int,
) -> tuple[int, int]:
    """The call of an INVITE without To tag, a new one if it continues none: (group, attempt; 0 = none of its own)."""
    clock = scalars[S_CLOCK]
    call_0, call_1, tag = keys[i, K_CALL_0], keys[i, K_CALL_1], keys[i, K_FROM]
    key_0 = with_number(with_number(call_0, numbers[i, D_NETWORK]), tag)
    key_1 = with_number(with_number(call_1, numbers[i, D_NETWORK]), tag)
    group = find_slot(call_index, groups, G_KEY_0, key_0, key_1)
    if group < 0:
        group = find_slot(alias_index, groups, G_ALIAS_0, key_0, key_1)
    if group >= 0:
        relation = belongs(groups, group, cseq, hop, clock, scalars[S_OFF])
        if relation == 1:
            begin_attempt(groups, group, cseq, hop)
        elif relation == 2 and hop < groups[group, G_HOP]:
            # The upstream side of what was seen only further down: it decides from now on.
            groups[group, G_HOP] = hop
            groups[group, G_STATUS] = 0
            groups[group, G_ANSWERS] = 0
        if relation > 0:
            return group, groups[group, G_ATTEMPTS] if relation < 3 else 0
    else:
        # Credentials after a challenge may come with a new From tag.
        latest = find_slot(latest_index, groups, G_LATEST_0, call_0, call_1)
        if latest >= 0 and groups[latest, G_NETWORK] == numbers[i, D_NETWORK]:
            status = groups[latest, G_STATUS]
            if (status == 401 or status == 407) and may_continue(groups, latest, clock, scalars[S_OFF]):
                if groups[latest, G_ALIAS_0] == 0 and groups[latest, G_ALIAS_1] == 0:
                    enter(alias_index, groups, G_ALIAS_0, key_0, key_1, latest)
                begin_attempt(groups, latest, cseq, hop)
                return latest, groups[latest, G_ATTEMPTS]
    group = open_group(scalars, groups, numbers, spans, octets, arena, keys, i, GROUP_CALL)
    enter(call_index, groups, G_KEY_0, key_0, key_1, group)
    enter(latest_index, groups, G_LATEST_0, call_0, call_1, group)
    begin_attempt(groups, group, cseq, hop)
    return group, 1


@kernel
def place_register(
    scalars: Ints,
    groups: Ints,
    call_index: Ints,
    numbers: Ints,
    spans: Spans,
    octets: Octets,
    arena: Octets,
    keys: Ints,
    i: int,
    cseq: int,
    hop: int,
) -> tuple[int, int]:
    """The registration of a REGISTER, a new one unless it answers a challenge or a 423: (group, attempt).

    Its key leaves the From tag out: many devices choose a new one for the REGISTER with credentials.
    """
    key_0 = with_number(with_number(keys[i, K_CALL_0], numbers[i, D_NETWORK]), GROUP_REGISTRATION)
    key_1 = with_number(with_number(keys[i, K_CALL_1], numbers[i, D_NETWORK]), GROUP_REGISTRATION)
    group = find_slot(call_index, groups, G_KEY_0, key_0, key_1)
    if group >= 0:
        same = cseq == groups[group, G_CSEQ] and hop != groups[group, G_HOP]
        if same:
            if hop < groups[group, G_HOP]:
                groups[group, G_HOP] = hop
                groups[group, G_STATUS] = 0
            return group, groups[group, G_ATTEMPTS]
        if groups[group, G_STATUS] != 0 and may_continue(groups, group, scalars[S_CLOCK], scalars[S_OFF]):
            begin_attempt(groups, group, cseq, hop)
            return group, groups[group, G_ATTEMPTS]
    group = open_group(scalars, groups, numbers, spans, octets, arena, keys, i, GROUP_REGISTRATION)
    enter(call_index, groups, G_KEY_0, key_0, key_1, group)
    begin_attempt(groups, group, cseq, hop)
    return group, 1


@kernel
def find_call(
    groups: Ints, call_index: Ints, alias_index: Ints, latest_index: Ints, keys: Ints, i: int, network: int, to: int
) -> tuple[int, bool]:
    """The call that a request inside a dialog belongs to, -1 if none, and whether the callee sent it.

    First by (network, Call-ID, tag), then, because a dialog may come back over another VLAN, by Call-ID alone.
    """
    call_0, call_1, tag = keys[i, K_CALL_0], keys[i, K_CALL_1], keys[i, K_FROM]
    here_0, here_1 = with_number(call_0, network), with_number(call_1, network)
    for side in range(2):
        which = tag if side == 0 else to
        if which != 0:
            key_0, key_1 = with_number(here_0, which), with_number(here_1, which)
            group = find_slot(call_index, groups, G_KEY_0, key_0, key_1)
            if group < 0:
                group = find_slot(alias_index, groups, G_ALIAS_0, key_0, key_1)
            if group >= 0:
                return group, side == 1
    group = find_slot(latest_index, groups, G_LATEST_0, call_0, call_1)
    if group >= 0:
        if groups[group, G_FROM] == tag:
            return group, False
        if groups[group, G_FROM] == to:
            return group, True
    return -1, False
