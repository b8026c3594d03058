"""What a request that is seen for the first time changes: its transaction, and the call or registration it joins."""

from __future__ import annotations

from analyzer.batch import (
    BYE,
    CANCEL,
    D_NETWORK,
    D_TS,
    F_HAS_CREDENTIALS,
    F_PREEMPTION,
    F_RELEASE_CAUSE,
    F_SESSION_TIMER,
    INVITE,
    M_CSEQ,
    M_EXPIRES,
    M_FLAGS,
    M_MESSAGE_NO,
    M_METHOD,
    M_REASON_Q850,
    M_REASON_SIP,
    M_VENDOR_CAUSE,
    M_VIA_COUNT,
    METHOD_UNLISTED,
    MISSING,
    REGISTER,
    S_CONTACT_URI,
    Ints,
    Octets,
    Spans,
)
from analyzer.correlate.call_kernels import find_call, place_invite, place_register
from analyzer.correlate.key_kernels import with_method
from analyzer.correlate.layout import (
    G_ACK_TS,
    G_ANSWER_CSEQ,
    G_ANSWER_TAG,
    G_ANSWER_TX,
    G_ANSWERS,
    G_ASKED,
    G_ATTEMPTS,
    G_BYE_BY_CALLEE,
    G_BYE_CLOCK,
    G_BYE_FINAL_TS,
    G_BYE_FLAGS,
    G_BYE_NO,
    G_BYE_Q850,
    G_BYE_SIP,
    G_BYE_STATUS,
    G_BYE_TS,
    G_BYE_TX,
    G_BYE_VENDOR_CAUSE,
    G_CSEQ,
    G_EXPIRES,
    G_FIRST_TX,
    G_HOP,
    G_HOPS,
    G_INNER_CSEQ,
    G_INNER_NO,
    G_INNER_TX,
    G_KIND,
    G_LAST_TS,
    G_MESSAGES,
    G_NO,
    G_ONLY_ASKS,
    G_RESENDS,
    G_TIMER,
    G_TX_COUNT,
    GROUP_CALL,
    GROUP_OTHER,
    K_FROM,
    K_TO,
    K_TX_0,
    K_TX_1,
    LINGER,
    MAX_CALL_TX,
    NO_REPLY,
    NOTE_TOO_MANY_ATTEMPTS,
    OFF_IN_DIALOG,
    S_CLOCK,
    S_OFF,
    SECOND,
    T_ACK_NO,
    T_ATTEMPT,
    T_CALL_NO,
    T_CALL_SLOT,
    T_CANCEL_Q850,
    T_CANCEL_SIP,
    T_CANCEL_TS,
    T_CLIENT,
    T_CSEQ,
    T_FINAL_CLOCK,
    T_FINAL_TAG,
    T_FINAL_TS,
    T_FLAGS,
    T_HOP,
    T_KEY_0,
    T_LAST_REQUEST_TS,
    T_NETWORK,
    T_NEXT,
    T_NO,
    T_REGISTRATION_NO,
    T_REQUEST_CLOCK,
    T_REQUEST_NO,
    T_REQUEST_TS,
    T_RESPONSE_RESENDS,
    T_RESPONSES,
    T_SERVER,
    T_STATUS,
    TF_CANCELLED,
    TF_CREDENTIALS,
    TF_CROSSED,
    TF_IN_DIALOG,
    TF_LATE,
    TF_REQUEST,
)
from analyzer.correlate.note_kernels import note
from analyzer.correlate.response_kernels import note_final, note_to_tag
from analyzer.correlate.row_kernels import add_to_group, new_group
from analyzer.correlate.table_kernels import find_slot
from analyzer.correlate.wheel_kernels import arm, timer_of
from analyzer.jit import inlined, kernel

# Positions in vocab.TransactionState (tests compare them).
CALLING, TRYING = 0, 1
HIGHEST_HOP = 62  # of the bits of G_HOPS
REORDERED = 2 * SECOND  # by how much a mirror may show what came first later


@inlined
def fill_request(tx: Ints, numbers: Ints, i: int, slot: int, source: int, target: int, clock: int) -> None:
    """Write into a transaction's row what its request tells."""
    tx[slot, T_FLAGS] |= TF_REQUEST
    if numbers[i, M_FLAGS] & F_HAS_CREDENTIALS:
        tx[slot, T_FLAGS] |= TF_CREDENTIALS
    tx[slot, T_NETWORK] = numbers[i, D_NETWORK]
    tx[slot, T_CLIENT] = source
    tx[slot, T_SERVER] = target
    tx[slot, T_REQUEST_NO] = numbers[i, M_MESSAGE_NO]
    tx[slot, T_REQUEST_TS] = numbers[i, D_TS]
    tx[slot, T_LAST_REQUEST_TS] = numbers[i, D_TS]
    tx[slot, T_REQUEST_CLOCK] = clock


@kernel
def join_dialog(
    groups: Ints,
    tx: Ints,
    call_index: Ints,
    alias_index: Ints,
    latest_index: Ints,
    numbers: Ints,
    keys: Ints,
    i: int,
    slot: int,
    clock: int,
) -> None:
    """Let a request with a To tag join the call that it is a part of; a BYE ends it, a re-INVITE waits for its ACK."""
    to_tag = keys[i, K_TO]
    network = numbers[i, D_NETWORK]
    call, by_callee = find_call(groups, call_index, alias_index, latest_index, keys, i, network, to_tag)
    if call < 0:
        return
    tx[slot, T_CALL_NO] = groups[call, G_NO]
    tx[slot, T_CALL_SLOT] = call
    groups[call, G_LAST_TS] = max(groups[call, G_LAST_TS], numbers[i, D_TS])
    method = numbers[i, M_METHOD]
    # Of forks that both answered only the dialog that decided ends the call.
    answered = groups[call, G_ANSWER_TAG]
    theirs = keys[i, K_FROM] if by_callee else to_tag
    if method == BYE and (groups[call, G_BYE_STATUS] == 401 or groups[call, G_BYE_STATUS] == 407):
        groups[call, G_BYE_NO] = tx[slot, T_NO]  # the same BYE with credentials
        groups[call, G_BYE_TX] = slot
    elif method == BYE and groups[call, G_BYE_TS] == MISSING and (answered == 0 or theirs == answered):
        groups[call, G_BYE_NO] = tx[slot, T_NO]
        groups[call, G_BYE_TX] = slot
        groups[call, G_BYE_TS] = numbers[i, D_TS]
        groups[call, G_BYE_CLOCK] = clock
        groups[call, G_BYE_BY_CALLEE] = 1 if by_callee else 0
        groups[call, G_BYE_Q850] = numbers[i, M_REASON_Q850]
        groups[call, G_BYE_SIP] = numbers[i, M_REASON_SIP]
        groups[call, G_BYE_VENDOR_CAUSE] = numbers[i, M_VENDOR_CAUSE]
        groups[call, G_BYE_FLAGS] = numbers[i, M_FLAGS] & (F_RELEASE_CAUSE | F_PREEMPTION | F_SESSION_TIMER)
    elif method == BYE:
        crosses = groups[call, G_BYE_TS] != MISSING and (groups[call, G_BYE_BY_CALLEE] != 0) != by_callee
        if crosses and clock - groups[call, G_BYE_CLOCK] <= NO_REPLY:
            # Both sides hang up: one of the two BYEs meets a dialog that is gone, and gets 481.
            tx[slot, T_FLAGS] |= TF_CROSSED
            first = groups[call, G_BYE_TX]
            if first >= 0 and tx[first, T_NO] == groups[call, G_BYE_NO]:
                tx[first, T_FLAGS] |= TF_CROSSED
    elif groups[call, G_BYE_TS] != MISSING and clock - groups[call, G_BYE_CLOCK] <= NO_REPLY:
        tx[slot, T_FLAGS] |= TF_CROSSED  # it was under way when the other side hung up
    if method == BYE:
        inner = groups[call, G_INNER_TX]
        if inner >= 0 and tx[inner, T_NO] == groups[call, G_INNER_NO] and tx[inner, T_STATUS] == 0:
            tx[inner, T_FLAGS] |= TF_CROSSED
    elif method == INVITE:
        groups[call, G_INNER_TX] = slot
        groups[call, G_INNER_NO] = tx[slot, T_NO]
        groups[call, G_INNER_CSEQ] = numbers[i, M_CSEQ]


@kernel
def join_cancelled(tx: Ints, tx_index: Ints, numbers: Ints, keys: Ints, i: int, slot: int, clock: int) -> None:
    """Let a CANCEL join the INVITE that it cancels, which remembers the first one, unless it is over."""
    key_0, key_1 = with_method(keys[i, K_TX_0], INVITE), with_method(keys[i, K_TX_1], INVITE)
    invite = find_slot(tx_index, tx, T_KEY_0, key_0, key_1)
    if invite < 0:
        return
    tx[slot, T_HOP] = tx[invite, T_HOP]  # a CANCEL carries one Via only, RFC 3261 §9.1
    tx[slot, T_CALL_NO] = tx[invite, T_CALL_NO]
    tx[slot, T_CALL_SLOT] = tx[invite, T_CALL_SLOT]
    unanswered = tx[invite, T_STATUS] == 0 or tx[invite, T_FLAGS] & TF_LATE != 0
    if unanswered and clock > timer_of(tx, invite):
        return
    if tx[invite, T_STATUS] >= 300 and clock > tx[invite, T_FINAL_CLOCK] + REORDERED:
        return
    if tx[invite, T_FLAGS] & TF_CANCELLED == 0:
        tx[invite, T_FLAGS] |= TF_CANCELLED
        tx[invite, T_CANCEL_TS] = numbers[i, D_TS]
        tx[invite, T_CANCEL_Q850] = numbers[i, M_REASON_Q850]
        tx[invite, T_CANCEL_SIP] = numbers[i, M_REASON_SIP]


@kernel
def acknowledged(
    groups: Ints, tx: Ints, call_index: Ints, alias_index: Ints, latest_index: Ints, numbers: Ints, keys: Ints, i: int
) -> int:
    """The INVITE whose 2xx an ACK with a branch of its own acknowledges: by dialog and CSeq number; -1 if none."""
    group, _ = find_call(groups, call_index, alias_index, latest_index, keys, i, numbers[i, D_NETWORK], keys[i, K_TO])
    if group < 0:
        return -1
    cseq = numbers[i, M_CSEQ]
    slot: int = groups[group, G_ANSWER_TX]
    if slot >= 0 and groups[group, G_ANSWER_CSEQ] == cseq:
        if groups[group, G_ACK_TS] == MISSING:
            groups[group, G_ACK_TS] = numbers[i, D_TS]
        groups[group, G_LAST_TS] = max(groups[group, G_LAST_TS], numbers[i, D_TS])
        hop = numbers[i, M_VIA_COUNT] - 1
        if tx[slot, T_HOP] == hop:
            return slot
        other: int = groups[group, G_FIRST_TX]
        while other >= 0:  # the hop that it was seen at, where there are several; a call keeps MAX_CALL_TX
            if tx[other, T_STATUS] // 100 == 2 and tx[other, T_HOP] == hop and tx[other, T_CSEQ] == cseq:
                return other
            other = tx[other, T_NEXT]
        return slot
    if slot < 0 and groups[group, G_CSEQ] == cseq and groups[group, G_ACK_TS] == MISSING:
        # Its 2xx comes later (an out-of-order capture), or was never captured: a final there was.
        groups[group, G_ACK_TS] = numbers[i, D_TS]
    slot = groups[group, G_INNER_TX]
    if slot >= 0 and groups[group, G_INNER_CSEQ] == cseq and tx[slot, T_NO] == groups[group, G_INNER_NO]:
        return slot
    return -1


@kernel
def request_of_branch(tx: Ints, tx_index: Ints, keys: Ints, i: int) -> int:
    """The transaction of a response that was cut before its CSeq: its branch tells it, whatever the method."""
    for method in range(INVITE, METHOD_UNLISTED):
        key_0, key_1 = with_method(keys[i, K_TX_0], method), with_method(keys[i, K_TX_1], method)
        slot = find_slot(tx_index, tx, T_KEY_0, key_0, key_1)
        if slot >= 0:
            return slot
    return -1


@kernel
def place_request(
    scalars: Ints,
    tx: Ints,
    groups: Ints,
    tx_index: Ints,
    call_index: Ints,
    alias_index: Ints,
    latest_index: Ints,
    wheel: Ints,
    numbers: Ints,
    spans: Spans,
    octets: Octets,
    arena: Octets,
    keys: Ints,
    notes: Ints,
    i: int,
    slot: int,
) -> bool:
    """Give a new request's transaction its group; True if that is a call or a registration."""
    clock = scalars[S_CLOCK]
    method = numbers[i, M_METHOD]
    cseq = numbers[i, M_CSEQ]
    hop = numbers[i, M_VIA_COUNT] - 1
    group = -1
    in_dialog = keys[i, K_TO] != 0
    if method == INVITE and (not in_dialog or scalars[S_OFF] & OFF_IN_DIALOG):
        group, attempt = place_invite(
            scalars, groups, call_index, alias_index, latest_index, numbers, spans, octets, arena, keys, i, cseq, hop
        )
        tx[slot, T_ATTEMPT] = attempt
        tx[slot, T_CALL_NO] = groups[group, G_NO]
        tx[slot, T_CALL_SLOT] = group
        groups[group, G_HOPS] |= 1 << min(max(hop, 0), HIGHEST_HOP)
    elif method == REGISTER:
        group, attempt = place_register(
            scalars, groups, call_index, numbers, spans, octets, arena, keys, i, cseq, hop
        )
        tx[slot, T_ATTEMPT] = attempt
        tx[slot, T_REGISTRATION_NO] = groups[group, G_NO]
        if attempt == groups[group, G_ATTEMPTS]:
            groups[group, G_ASKED] = numbers[i, M_EXPIRES]
            groups[group, G_EXPIRES] = numbers[i, M_EXPIRES]
            groups[group, G_ONLY_ASKS] = 1 if spans[i, S_CONTACT_URI, 1] < 0 else 0
    else:
        if in_dialog:
            tx[slot, T_FLAGS] |= TF_IN_DIALOG
            join_dialog(groups, tx, call_index, alias_index, latest_index, numbers, keys, i, slot, clock)
        if method == CANCEL:
            join_cancelled(tx, tx_index, numbers, keys, i, slot, clock)
    if group >= 0 and groups[group, G_TX_COUNT] >= MAX_CALL_TX:
        # A flood of INVITEs in one call: the call keeps what it has, this one stands by itself.
        note(scalars, notes, NOTE_TOO_MANY_ATTEMPTS, numbers, i, MAX_CALL_TX)
        tx[slot, T_ATTEMPT] = 0
        group = -1
    has_name = group >= 0
    if not has_name:
        group = new_group(scalars, groups, GROUP_OTHER)
    add_to_group(groups, tx, group, slot)
    if groups[group, G_TX_COUNT] == 1:
        arm(groups, wheel, group, clock + LINGER + NO_REPLY)
    if tx[slot, T_ATTEMPT] > 0 and tx[slot, T_HOP] == groups[group, G_HOP]:
        groups[group, G_TIMER] = max(groups[group, G_TIMER], timer_of(tx, slot))
    if tx[slot, T_RESPONSES] > 0:
        # What its responses would have done, had they not come before it.
        call = tx[slot, T_CALL_SLOT]
        if call >= 0:
            groups[call, G_MESSAGES] += tx[slot, T_RESPONSES] + (1 if tx[slot, T_ACK_NO] > 0 else 0)
            groups[call, G_RESENDS] += tx[slot, T_RESPONSE_RESENDS]
            if method == BYE and tx[slot, T_STATUS] != 0 and tx[slot, T_NO] == groups[call, G_BYE_NO]:
                groups[call, G_BYE_STATUS] = tx[slot, T_STATUS]
                groups[call, G_BYE_FINAL_TS] = tx[slot, T_FINAL_TS]
        if tx[slot, T_STATUS] != 0 and tx[slot, T_ATTEMPT] > 0:
            note_final(scalars, groups, tx, group, slot)
            if groups[group, G_KIND] == GROUP_CALL:
                note_to_tag(groups, group, tx[slot, T_FINAL_TAG])
                if tx[slot, T_STATUS] < 300 and tx[slot, T_HOP] == groups[group, G_HOP]:
                    groups[group, G_ANSWERS] += 1
    return has_name
