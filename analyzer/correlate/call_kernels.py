"""Which call or registration a request belongs to, and what an attempt has come to.

A call is one INVITE without To tag and what continues it (docs/counting.md): the INVITE with credentials after a
challenge, the INVITE to the target of a redirection, the repeated one that a 422 or a 503 with Retry-After asks for.
Inside one attempt the same INVITE may be seen at several hops, and a proxy may fork it.
"""

from __future__ import annotations

from analyzer.batch import (
    D_CAPTURE_NO,
    D_FRAME_NO,
    D_NETWORK,
    D_TS,
    F_STALE,
    M_EXPIRES,
    M_FLAGS,
    M_RETRY_AFTER,
    MISSING,
    S_CALL_ID,
    S_CONTACT_URI,
    S_FROM_TAG,
    S_FROM_URI,
    S_REQUEST_URI,
    S_TO_TAG,
    S_TO_URI,
    Ints,
    Octets,
    Spans,
)
from analyzer.correlate.key_kernels import with_number
from analyzer.correlate.layout import (
    CHALLENGE_WINDOW,
    G_ACK_TS,
    G_ALIAS_0,
    G_ALIAS_1,
    G_ANSWER_CLOCK,
    G_ANSWER_CSEQ,
    G_ANSWER_TAG,
    G_ANSWER_TS,
    G_ANSWER_TX,
    G_ASKED,
    G_ATTEMPTS,
    G_BYE_CLOCK,
    G_BYE_FINAL_TS,
    G_BYE_Q850,
    G_BYE_SIP,
    G_BYE_TS,
    G_BYE_VENDOR_CAUSE,
    G_CAPTURE_NO,
    G_CHALLENGES,
    G_CSEQ,
    G_EXPIRES,
    G_FINAL_CLOCK,
    G_FINAL_TS,
    G_FORKS,
    G_FRAME_NO,
    G_FROM,
    G_HOP,
    G_INNER_TX,
    G_KEY_0,
    G_KIND,
    G_LATEST_0,
    G_LENGTHS,
    G_NETWORK,
    G_NO,
    G_REFUSED,
    G_RETRY_AFTER,
    G_SESSION_DUE,
    G_START_TS,
    G_STATUS,
    G_TAG_0,
    G_TEXT,
    G_TIMER,
    G_TO_TAG_LENGTH,
    G_TO_TAG_TEXT,
    GROUP_CALL,
    GROUP_REGISTRATION,
    GT_CALL_ID,
    GT_FROM_TAG,
    GT_FROM_URI,
    GT_TO_URI,
    K_CALL_0,
    K_CALL_1,
    K_FROM,
    REPEAT_WINDOW,
    S_ARENA,
    S_CALL_NO,
    S_CLOCK,
    S_REGISTRATION_NO,
    T_ATTEMPT,
    T_CSEQ,
    T_FINAL_CLOCK,
    T_FINAL_TAG,
    T_FINAL_TS,
    T_FLAGS,
    T_HOP,
    T_STATUS,
    TF_CREDENTIALS,
    TF_LATE,
)
from analyzer.correlate.row_kernels import new_group
from analyzer.correlate.table_kernels import TAG, copy_octets, find, find_slot, put
from analyzer.jit import inlined, kernel

HIGHEST_HOP = 62


@inlined
def rank(status):  # type: ignore[no-untyped-def]
    """The better of two finals of a forked INVITE has the lower rank, RFC 3261 §16.7 step 6."""
    if status < 300:
        return 0
    if 600 <= status < 700:
        return 1
    if status < 400:
        return 2
    if status == 401 or status == 407 or status == 415 or status == 420 or status == 484:
        return 3
    if status < 500:
        return 4
    if status < 600:
        return 5
    return 6


@inlined
def may_continue(groups, group, clock):  # type: ignore[no-untyped-def]
    """Whether a new request after the current attempt's final still belongs to the call (or registration)."""
    status = groups[group, G_STATUS]
    waited = clock - groups[group, G_FINAL_CLOCK]
    if status == 401 or status == 407:
        return groups[group, G_REFUSED] == 0 and waited <= CHALLENGE_WINDOW
    if waited > REPEAT_WINDOW:
        return False
    if 300 <= status < 400:
        return True
    if status == 503:
        return groups[group, G_RETRY_AFTER] != MISSING
    return (
        status == 422 or status == 491 or status == 494 or status == 415 or status == 420
        or status == 421 or status == 423 or status == 428
    )  # fmt: skip


@kernel
def store_texts(scalars: Ints, groups: Ints, spans: Spans, octets: Octets, arena: Octets, i: int, group: int) -> None:
    """Copy what tells a call to a person: its Call-ID, tag and URIs."""
    at = scalars[S_ARENA]
    groups[group, G_TEXT] = at
    registration = groups[group, G_KIND] == GROUP_REGISTRATION
    for column in range(5):
        if column == GT_CALL_ID:
            span = S_CALL_ID
        elif column == GT_FROM_TAG:
            span = S_FROM_TAG
        elif column == GT_FROM_URI:
            span = S_FROM_URI
        elif column == GT_TO_URI:
            span = S_TO_URI
        else:
            span = S_CONTACT_URI if registration else S_REQUEST_URI
        length = spans[i, span, 1]
        groups[group, G_LENGTHS + column] = length
        if length > 0:
            at = copy_octets(octets, spans[i, span, 0], length, arena, at)
    scalars[S_ARENA] = at


@kernel
def store_to_tag(scalars: Ints, groups: Ints, spans: Spans, octets: Octets, arena: Octets, i: int, group: int) -> None:
    """Copy the To tag of the response that answered."""
    length = spans[i, S_TO_TAG, 1]
    groups[group, G_TO_TAG_LENGTH] = length
    groups[group, G_TO_TAG_TEXT] = scalars[S_ARENA]
    if length > 0:
        scalars[S_ARENA] = copy_octets(octets, spans[i, S_TO_TAG, 0], length, arena, scalars[S_ARENA])


@inlined
def enter(index, groups, column, key_0, key_1, group):  # type: ignore[no-untyped-def]
    """Enter a group under a key; an older group of the same key stays alive but is not found any more."""
    at = find(index, groups, column, key_0, key_1)
    groups[group, column] = key_0
    groups[group, column + 1] = key_1
    if at >= 0:
        index[at] = ((key_1 & TAG) << 32) | (group + 1)
    else:
        put(index, key_0, key_1, group)


@kernel
def open_group(
    scalars: Ints, groups: Ints, numbers: Ints, spans: Spans, octets: Octets, arena: Octets, keys: Ints, i: int, kind: int
) -> int:
    """A new call or registration for the request in message ``i``, numbered, entered nowhere yet."""
    group = new_group(scalars, groups, kind)
    if kind == GROUP_CALL:
        scalars[S_CALL_NO] += 1
        groups[group, G_NO] = scalars[S_CALL_NO]
    else:
        scalars[S_REGISTRATION_NO] += 1
        groups[group, G_NO] = scalars[S_REGISTRATION_NO]
    groups[group, G_CAPTURE_NO] = numbers[i, D_CAPTURE_NO]
    groups[group, G_FRAME_NO] = numbers[i, D_FRAME_NO]
    groups[group, G_NETWORK] = numbers[i, D_NETWORK]
    groups[group, G_FROM] = keys[i, K_FROM]
    groups[group, G_START_TS] = numbers[i, D_TS]
    groups[group, G_EXPIRES] = numbers[i, M_EXPIRES]
    groups[group, G_ASKED] = numbers[i, M_EXPIRES]
    groups[group, G_TIMER] = MISSING
    groups[group, G_BYE_VENDOR_CAUSE] = MISSING
    groups[group, G_FINAL_TS] = MISSING
    groups[group, G_FINAL_CLOCK] = MISSING
    groups[group, G_RETRY_AFTER] = MISSING
    groups[group, G_ANSWER_TS] = MISSING
    groups[group, G_ANSWER_CLOCK] = MISSING
    groups[group, G_ANSWER_CSEQ] = MISSING
    groups[group, G_ANSWER_TX] = -1
    groups[group, G_ACK_TS] = MISSING
    groups[group, G_BYE_TS] = MISSING
    groups[group, G_BYE_CLOCK] = MISSING
    groups[group, G_BYE_FINAL_TS] = MISSING
    groups[group, G_BYE_Q850] = MISSING
    groups[group, G_BYE_SIP] = MISSING
    groups[group, G_INNER_TX] = -1
    groups[group, G_SESSION_DUE] = MISSING
    groups[group, G_TO_TAG_LENGTH] = -1
    store_texts(scalars, groups, spans, octets, arena, i, group)
    return group


@inlined
def begin_attempt(groups, group, cseq, hop):  # type: ignore[no-untyped-def]
    """The next attempt of a call: nothing has come of it yet."""
    groups[group, G_ATTEMPTS] += 1
    groups[group, G_CSEQ] = cseq
    groups[group, G_HOP] = hop
    groups[group, G_STATUS] = 0
    groups[group, G_FINAL_TS] = MISSING
    groups[group, G_FINAL_CLOCK] = MISSING
    groups[group, G_REFUSED] = 0
    groups[group, G_RETRY_AFTER] = MISSING
    groups[group, G_TIMER] = MISSING


@inlined
def belongs(groups, group, cseq, hop, clock):  # type: ignore[no-untyped-def]
    """What a new INVITE (REGISTER) is to a call that is there: 0 = another call, 1 = the next attempt,
    2 = the same attempt (another hop or a fork), 3 = an earlier attempt seen at another hop."""
    current = groups[group, G_CSEQ]
    lowest = groups[group, G_HOP]
    status = groups[group, G_STATUS]
    waits = status == 0 and clock <= groups[group, G_TIMER]
    if cseq < current and waits:
        return 3
    if hop > lowest and (cseq == current or waits):
        return 2
    if cseq == current and (hop < lowest or waits or (hop > 0 and status != 0)):
        return 2
    if waits or (status != 0 and may_continue(groups, group, clock)):
        return 1
    return 0


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
        relation = belongs(groups, group, cseq, hop, clock)
        if relation == 1:
            begin_attempt(groups, group, cseq, hop)
        elif relation == 2 and hop < groups[group, G_HOP]:
            # The upstream side of what was seen only further down: it decides from now on.
            groups[group, G_HOP] = hop
            groups[group, G_STATUS] = 0
        if relation > 0:
            return group, groups[group, G_ATTEMPTS] if relation < 3 else 0
    else:
        # Credentials after a challenge may come with a new From tag.
        latest = find_slot(latest_index, groups, G_LATEST_0, call_0, call_1)
        if latest >= 0 and groups[latest, G_NETWORK] == numbers[i, D_NETWORK]:
            status = groups[latest, G_STATUS]
            if (status == 401 or status == 407) and may_continue(groups, latest, clock):
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
        if groups[group, G_STATUS] != 0 and may_continue(groups, group, scalars[S_CLOCK]):
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


@kernel
def note_final(groups: Ints, tx: Ints, numbers: Ints, i: int, group: int, slot: int) -> bool:
    """Let a final response count for its call or registration; True if it is the one that decides so far."""
    if tx[slot, T_FLAGS] & TF_LATE or tx[slot, T_HOP] != groups[group, G_HOP] or tx[slot, T_ATTEMPT] != groups[group, G_ATTEMPTS]:
        return False
    status = tx[slot, T_STATUS]
    challenge = status == 401 or status == 407
    if challenge:
        groups[group, G_CHALLENGES] += 1
    if groups[group, G_STATUS] != 0 and rank(groups[group, G_STATUS]) <= rank(status):
        return False
    flags = numbers[i, M_FLAGS]
    groups[group, G_STATUS] = status
    groups[group, G_FINAL_TS] = tx[slot, T_FINAL_TS]
    groups[group, G_RETRY_AFTER] = numbers[i, M_RETRY_AFTER]
    groups[group, G_FINAL_CLOCK] = tx[slot, T_FINAL_CLOCK]
    # The first challenge may meet credentials of an earlier call; the second one after them refuses.
    again = groups[group, G_CHALLENGES] > 1 and tx[slot, T_FLAGS] & TF_CREDENTIALS != 0 and flags & F_STALE == 0
    groups[group, G_REFUSED] = 1 if challenge and again else 0
    if status < 300 and groups[group, G_KIND] == GROUP_CALL:
        groups[group, G_ANSWER_TS] = tx[slot, T_FINAL_TS]
        groups[group, G_ANSWER_CLOCK] = tx[slot, T_FINAL_CLOCK]
        groups[group, G_ANSWER_CSEQ] = tx[slot, T_CSEQ]
        groups[group, G_ANSWER_TX] = slot
        groups[group, G_ANSWER_TAG] = tx[slot, T_FINAL_TAG]
    return True


@inlined
def note_to_tag(groups, group, tag):  # type: ignore[no-untyped-def]
    """Count different To tags; of more than four no list is kept, they count as one more each time they change."""
    if tag == 0:
        return
    known = min(groups[group, G_FORKS], 4)
    for k in range(known):
        if groups[group, G_TAG_0 + k] == tag:
            return
    if known < 4:
        groups[group, G_TAG_0 + known] = tag
        groups[group, G_FORKS] += 1
    elif groups[group, G_TAG_0 + 3] != tag:
        groups[group, G_TAG_0 + 3] = tag
        groups[group, G_FORKS] += 1
