"""The correlator's inner loop: one message after the other through the transition tables.

`step` walks a batch and returns early with FULL (a pool, table or arena might not hold the next message: Python
grows it) or DRAIN (ended groups must be fetched), together with the message to go on with. It knows
no policy: which outcome a code leads to, what a cause means and who is charged is decided from the rows that it ends.
"""

from __future__ import annotations

from analyzer.batch import (
    ACK,
    BYE,
    CANCEL,
    D_CAPTURE_NO,
    D_DST_HI,
    D_DST_LO,
    D_FRAME_NO,
    D_NETWORK,
    D_SRC_HI,
    D_SRC_LO,
    D_TS,
    F_HAS_CREDENTIALS,
    F_PREEMPTION,
    F_RELEASE_CAUSE,
    F_SESSION_TIMER,
    INVITE,
    M_CSEQ,
    M_CSEQ_METHOD,
    M_EXPIRES,
    M_FLAGS,
    M_ISUP_CAUSE,
    M_LENGTH,
    M_MESSAGE_NO,
    M_METHOD,
    M_REASON_LOCATION,
    M_REASON_Q850,
    M_REASON_SIP,
    M_RETRY_AFTER,
    M_SESSION_EXPIRES,
    M_STATUS,
    M_VENDOR_CAUSE,
    M_VIA_COUNT,
    M_WARNING,
    METHOD_UNLISTED,
    MISSING,
    REGISTER,
    S_AGENT,
    S_CONTACT_URI,
    S_REASON_PHRASE,
    Ints,
    Octets,
    Spans,
)
from analyzer.correlate.call_kernels import (
    HIGHEST_HOP,
    find_call,
    note_final,
    note_to_tag,
    place_invite,
    place_register,
    store_to_tag,
)
from analyzer.correlate.end_kernels import fire, free_group
from analyzer.correlate.key_kernels import with_method, with_number
from analyzer.correlate.layout import (
    CLOCK_STEP,
    DONE,
    DRAIN,
    FORGOTTEN,
    FULL,
    G_ACK_TS,
    G_ANSWER_CSEQ,
    G_ANSWER_TAG,
    G_ANSWER_TS,
    G_ANSWER_TX,
    G_ATTEMPTS,
    G_BYE_BY_CALLEE,
    G_BYE_CLOCK,
    G_BYE_FINAL_TS,
    G_BYE_FLAGS,
    G_BYE_Q850,
    G_BYE_SIP,
    G_BYE_STATUS,
    G_BYE_TS,
    G_BYE_VENDOR_CAUSE,
    G_DIALOG_LOST,
    G_DUE,
    G_EXPIRES,
    G_FIRST_TX,
    G_HOP,
    G_HOPS,
    G_INNER_CSEQ,
    G_INNER_NO,
    G_INNER_TX,
    G_KIND,
    G_MESSAGES,
    G_NO,
    G_RESENDS,
    G_SESSION_DUE,
    G_STATUS,
    G_TIMER,
    G_TX_COUNT,
    GROUP_CALL,
    GROUP_ORPHAN,
    GROUP_OTHER,
    GROUP_REGISTRATION,
    K_FROM,
    K_SAME,
    K_TO,
    K_TX_0,
    K_TX_1,
    LINGER,
    MAX_CALL_TX,
    MAX_WORDS,
    NO_REPLY,
    NOTE_CLOCK_STEP,
    NOTE_LATE_RESPONSE,
    NOTE_TOO_MANY_ATTEMPTS,
    NOTE_TOO_MANY_RESPONSES,
    NOTE_TOO_MANY_WORDS,
    NOTE_UNEXPECTED_RESPONSE,
    RINGING,
    S_ARENA,
    S_CLOCK,
    S_ENDPOINTS,
    S_GROUP_LIVE,
    S_NOTES,
    S_SEEN_FREE,
    S_SEEN_USED,
    S_STEPPED,
    S_TX_LIVE,
    S_WHEEL,
    S_WORD_OCTETS,
    S_WORDS,
    SECOND,
    T_ACK_NO,
    T_ACK_TS,
    T_AGENT,
    T_ATTEMPT,
    T_CALL_NO,
    T_CALL_SLOT,
    T_CANCEL_Q850,
    T_CANCEL_SIP,
    T_CANCEL_TS,
    T_CLIENT,
    T_CSEQ,
    T_FINAL_AGENT,
    T_FINAL_CLOCK,
    T_FINAL_FLAGS,
    T_FINAL_ISUP,
    T_FINAL_LOCATION,
    T_FINAL_NO,
    T_FINAL_PHRASE,
    T_FINAL_Q850,
    T_FINAL_SIP,
    T_FINAL_TAG,
    T_FINAL_TS,
    T_FINAL_VENDOR_CAUSE,
    T_FINAL_WARNING,
    T_FIRST_RESPONSE_TS,
    T_FLAGS,
    T_GROUP,
    T_HOP,
    T_KEY_0,
    T_LAST_FINAL_TS,
    T_METHOD,
    T_NEXT,
    T_NO,
    T_PORTS,
    T_PROGRESS_CLOCK,
    T_PROGRESS_Q850,
    T_PROGRESS_TAG,
    T_PROGRESS_TS,
    T_REGISTRATION_NO,
    T_REQUEST_CLOCK,
    T_REQUEST_NO,
    T_REQUEST_RESENDS,
    T_REQUEST_TS,
    T_RESPONDER,
    T_RESPONSE_RESENDS,
    T_RESPONSES,
    T_RETRY_AFTER,
    T_SERVER,
    T_STATE,
    T_STATUS,
    TF_CANCELLED,
    TF_CREDENTIALS,
    TF_LATE,
    TF_NO_CONTACT,
    TF_PROGRESS,
    TF_REQUEST,
    TF_RESPONSE,
    TF_RINGING,
    TF_TO_TAG,
)
from analyzer.correlate.row_kernels import add_to_group, first_of_same, new_group, new_transaction, port_pair
from analyzer.correlate.table_kernels import endpoint_number, find_slot, put, word_number
from analyzer.correlate.wheel_kernels import arm, set_due
from analyzer.jit import inlined, kernel

# Positions in vocab.TransactionState, and the events of correlate/states.py (tests compare them).
CALLING, TRYING, PROCEEDING, ACCEPTED, COMPLETED, CONFIRMED = 0, 1, 2, 3, 4, 5
STRAY_ACK = 4096
EVENT_PROVISIONAL, EVENT_SUCCESS, EVENT_FAILURE, EVENT_ACK = 0, 1, 2, 3


@inlined
def note(scalars, notes, code, numbers, i, detail):  # type: ignore[no-untyped-def]
    """Write an observation down; beyond the list's end it is only counted."""
    at = scalars[S_NOTES]
    scalars[S_NOTES] = at + 1
    if at < len(notes):
        notes[at, 0] = code
        notes[at, 1] = numbers[i, M_MESSAGE_NO]
        notes[at, 2] = numbers[i, D_FRAME_NO]
        notes[at, 3] = numbers[i, D_TS]
        notes[at, 4] = numbers[i, D_CAPTURE_NO]
        notes[at, 5] = detail


@inlined
def timer_of(tx, slot):  # type: ignore[no-untyped-def]
    """When a transaction without a final times out: Timer F, Timer B, or Timer C once any response was seen."""
    if tx[slot, T_METHOD] != INVITE or tx[slot, T_FLAGS] & TF_RESPONSE == 0:
        return tx[slot, T_REQUEST_CLOCK] + NO_REPLY
    return max(tx[slot, T_REQUEST_CLOCK], tx[slot, T_PROGRESS_CLOCK]) + RINGING


@kernel
def response_in_transaction(
    scalars: Ints, tx: Ints, numbers: Ints, transitions: Ints, notes: Ints, i: int, slot: int, source: int, to_tag: int
) -> bool:
    """Step a transaction over a response that is no resend; True if it is the final that counts now."""
    status = numbers[i, M_STATUS]
    ts = numbers[i, D_TS]
    clock = scalars[S_CLOCK]
    if tx[slot, T_FIRST_RESPONSE_TS] == MISSING:
        tx[slot, T_FIRST_RESPONSE_TS] = ts
    kind = 0 if tx[slot, T_METHOD] == INVITE else 1
    event = EVENT_PROVISIONAL if status < 200 else EVENT_SUCCESS if status < 300 else EVENT_FAILURE
    after = transitions[kind, tx[slot, T_STATE], event]
    late = (
        status >= 200 and tx[slot, T_STATUS] == 0
        and tx[slot, T_FLAGS] & TF_REQUEST != 0 and clock > timer_of(tx, slot)
    )  # fmt: skip
    if after < 0:
        note(scalars, notes, NOTE_UNEXPECTED_RESPONSE, numbers, i, status)
    else:
        tx[slot, T_STATE] = after
    if status < 200:
        if tx[slot, T_STATUS] == 0:
            tx[slot, T_FLAGS] |= TF_RESPONSE
            if status > 100:
                tx[slot, T_FLAGS] |= TF_PROGRESS
                if tx[slot, T_PROGRESS_TS] == MISSING:
                    tx[slot, T_PROGRESS_TS] = ts
                tx[slot, T_PROGRESS_CLOCK] = clock
            if 180 <= status <= 183:
                tx[slot, T_FLAGS] |= TF_RINGING
                if numbers[i, M_REASON_Q850] != MISSING:
                    tx[slot, T_PROGRESS_Q850] = numbers[i, M_REASON_Q850]
                    tx[slot, T_PROGRESS_TAG] = to_tag
        return False
    if not late:
        tx[slot, T_FLAGS] |= TF_RESPONSE
    if tx[slot, T_STATUS] != 0:
        # A fork that answers outranks one that refused, while the client transaction lives (Timer D).
        in_time = clock - tx[slot, T_FINAL_CLOCK] <= NO_REPLY and tx[slot, T_FLAGS] & TF_LATE == 0
        if kind != 0 or status >= 300 or tx[slot, T_STATUS] < 300 or not in_time:
            return False
    if late:
        tx[slot, T_FLAGS] |= TF_LATE
        note(scalars, notes, NOTE_LATE_RESPONSE, numbers, i, status)
    tx[slot, T_STATUS] = status
    tx[slot, T_FINAL_TAG] = to_tag
    tx[slot, T_FINAL_NO] = numbers[i, M_MESSAGE_NO]
    tx[slot, T_FINAL_TS] = ts
    tx[slot, T_LAST_FINAL_TS] = ts
    tx[slot, T_FINAL_CLOCK] = clock
    tx[slot, T_RESPONDER] = source
    tx[slot, T_FINAL_Q850] = numbers[i, M_REASON_Q850]
    tx[slot, T_FINAL_SIP] = numbers[i, M_REASON_SIP]
    tx[slot, T_FINAL_LOCATION] = numbers[i, M_REASON_LOCATION]
    tx[slot, T_FINAL_ISUP] = numbers[i, M_ISUP_CAUSE]
    tx[slot, T_FINAL_VENDOR_CAUSE] = numbers[i, M_VENDOR_CAUSE]
    tx[slot, T_FINAL_WARNING] = numbers[i, M_WARNING]
    tx[slot, T_FINAL_FLAGS] = numbers[i, M_FLAGS]
    tx[slot, T_RETRY_AFTER] = numbers[i, M_RETRY_AFTER]
    return True


@kernel
def response_in_group(
    scalars: Ints,
    groups: Ints,
    tx: Ints,
    numbers: Ints,
    spans: Spans,
    octets: Octets,
    arena: Octets,
    i: int,
    slot: int,
    group: int,
    is_final: bool,
) -> None:
    """Let a response that is no resend count for its call or registration."""
    status = numbers[i, M_STATUS]
    if is_final and tx[slot, T_ATTEMPT] > 0:
        decides = note_final(groups, tx, numbers, i, group, slot)
        if groups[group, G_KIND] == GROUP_REGISTRATION:
            if decides and status < 300 and numbers[i, M_EXPIRES] != MISSING:
                groups[group, G_EXPIRES] = numbers[i, M_EXPIRES]
        elif status < 300 and decides:
            store_to_tag(scalars, groups, spans, octets, arena, i, group)
            if numbers[i, M_SESSION_EXPIRES] != MISSING:
                groups[group, G_SESSION_DUE] = scalars[S_CLOCK] + numbers[i, M_SESSION_EXPIRES] * SECOND


@inlined
def group_due(groups, group, tx, slot, clock):  # type: ignore[no-untyped-def]
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
def refresh_call(groups, wheel, call, clock):  # type: ignore[no-untyped-def]
    """Something was heard inside a call: an answered one is still there."""
    if groups[call, G_ANSWER_TS] != MISSING:
        set_due(groups, wheel, call, clock + (FORGOTTEN if groups[call, G_BYE_TS] == MISSING else LINGER))
    elif groups[call, G_STATUS] != 0:
        set_due(groups, wheel, call, clock + LINGER)


@kernel
def step(
    start: int,
    octets: Octets,
    numbers: Ints,
    spans: Spans,
    keys: Ints,
    links: Ints,
    counts: Ints,
    special: Octets,
    seeds: Ints,
    transitions: Ints,
    scalars: Ints,
    tx: Ints,
    groups: Ints,
    seen: Ints,
    tx_index: Ints,
    call_index: Ints,
    alias_index: Ints,
    latest_index: Ints,
    wheel: Ints,
    endpoints: Ints,
    endpoint_index: Ints,
    words: Ints,
    word_index: Ints,
    word_octets: Octets,
    arena: Octets,
    out_groups: Ints,
    out_tx: Ints,
    out_text: Octets,
    notes: Ints,
) -> tuple[int, int]:
    """Step messages ``start`` and after; returns (DONE | FULL | DRAIN, message to go on with).

    ``links`` (n × 4) gets resend_of, transaction_no, call_no, registration_no; ``counts`` (1000 × 16 × 2) the messages by
    status code (0 = requests), method and resend, but for codes marked in ``special`` and unlisted methods.
    """
    count = len(numbers)
    i = start
    while i < count:
        ts = numbers[i, D_TS]
        if ts > scalars[S_CLOCK]:
            scalars[S_CLOCK] = ts
            scalars[S_STEPPED] = 0
        elif scalars[S_CLOCK] - ts > CLOCK_STEP and scalars[S_STEPPED] == 0:
            scalars[S_STEPPED] = 1
            note(scalars, notes, NOTE_CLOCK_STEP, numbers, i, (scalars[S_CLOCK] - ts) // SECOND)
        clock = scalars[S_CLOCK]
        if scalars[S_WHEEL] < 0:
            scalars[S_WHEEL] = clock // SECOND
        elif clock >= (scalars[S_WHEEL] + 1) * SECOND:
            reason = fire(
                scalars, groups, tx, seen, tx_index, call_index, alias_index, latest_index, wheel, arena,
                out_groups, out_tx, out_text,
            )  # fmt: skip
            if reason == DRAIN:
                return DRAIN, i
        length = numbers[i, M_LENGTH]
        if (
            scalars[S_TX_LIVE] + 1 >= len(tx)
            or scalars[S_GROUP_LIVE] + 1 >= len(groups)
            or (scalars[S_SEEN_FREE] < 0 and scalars[S_SEEN_USED] >= len(seen))
            or scalars[S_ENDPOINTS] + 2 > len(endpoints)
            or (scalars[S_WORDS] + 3 > len(words) and scalars[S_WORDS] < MAX_WORDS)
            or scalars[S_WORD_OCTETS] + 2 * length > len(word_octets)
            or scalars[S_ARENA] + 3 * length + 64 > len(arena)
        ):
            return FULL, i

        message_no = numbers[i, M_MESSAGE_NO]
        network = numbers[i, D_NETWORK]
        status = numbers[i, M_STATUS]
        is_request = status == 0 and numbers[i, M_METHOD] != 0
        method = numbers[i, M_METHOD] if is_request else numbers[i, M_CSEQ_METHOD]
        flags = numbers[i, M_FLAGS]
        to_tag = keys[i, K_TO]
        source = endpoint_number(
            network, numbers[i, D_SRC_HI], numbers[i, D_SRC_LO], scalars, endpoints, endpoint_index, seeds
        )
        target = endpoint_number(
            network, numbers[i, D_DST_HI], numbers[i, D_DST_LO], scalars, endpoints, endpoint_index, seeds
        )
        same = keys[i, K_SAME]
        slot = -1
        is_new_request = False

        if is_request and method == ACK:
            key_0, key_1 = with_method(keys[i, K_TX_0], ACK), with_method(keys[i, K_TX_1], ACK)
            slot = find_slot(tx_index, tx, T_KEY_0, key_0, key_1)
            if slot < 0:
                # The ACK to a 2xx has a branch of its own: it joins the INVITE of its dialog by CSeq number.
                group, _ = find_call(groups, call_index, alias_index, latest_index, keys, i, network, to_tag)
                if group >= 0:
                    cseq = numbers[i, M_CSEQ]
                    inner = groups[group, G_INNER_TX]
                    if groups[group, G_ANSWER_TX] >= 0 and groups[group, G_ANSWER_CSEQ] == cseq:
                        slot = groups[group, G_ANSWER_TX]
                        hop = numbers[i, M_VIA_COUNT] - 1
                        other = groups[group, G_FIRST_TX]
                        if tx[slot, T_HOP] != hop:  # the hop that it was seen at, where there are several
                            for _ in range(MAX_CALL_TX):
                                if other < 0:
                                    break
                                answered = tx[other, T_STATUS] // 100 == 2
                                if answered and tx[other, T_HOP] == hop and tx[other, T_CSEQ] == cseq:
                                    slot = other
                                    break
                                other = tx[other, T_NEXT]
                        if groups[group, G_ACK_TS] == MISSING:
                            groups[group, G_ACK_TS] = ts
                    elif (
                        inner >= 0 and groups[group, G_INNER_CSEQ] == cseq
                        and tx[inner, T_NO] == groups[group, G_INNER_NO]
                    ):  # fmt: skip
                        slot = inner
            if slot < 0:
                # An ACK of nothing that was seen stands by itself, under a key that no INVITE has.
                key_0, key_1 = with_number(keys[i, K_TX_0], STRAY_ACK), with_number(keys[i, K_TX_1], STRAY_ACK)
                slot = find_slot(tx_index, tx, T_KEY_0, key_0, key_1)
        else:
            key_0 = with_method(keys[i, K_TX_0], method)
            key_1 = with_method(keys[i, K_TX_1], method)
            slot = find_slot(tx_index, tx, T_KEY_0, key_0, key_1)
            if slot < 0 and not is_request and method == 0:
                # A response that was cut before its CSeq: its branch tells the request, whatever its method.
                for candidate in range(INVITE, METHOD_UNLISTED):
                    slot = find_slot(
                        tx_index, tx, T_KEY_0, with_method(keys[i, K_TX_0], candidate),
                        with_method(keys[i, K_TX_1], candidate),
                    )  # fmt: skip
                    if slot >= 0:
                        break

        if slot < 0:
            slot = new_transaction(scalars, tx, numbers, spans, octets, arena, i, method, key_0, key_1)
            put(tx_index, key_0, key_1, slot)
            tx[slot, T_PORTS] = port_pair(numbers, i, is_request)
            tx[slot, T_STATE] = CALLING if method == INVITE else TRYING
            if is_request:
                is_new_request = True
            else:
                tx[slot, T_CLIENT] = target
                tx[slot, T_SERVER] = source
                group = new_group(scalars, groups, GROUP_ORPHAN)
                add_to_group(groups, tx, group, slot)
                arm(groups, wheel, group, clock + LINGER)
        elif is_request and tx[slot, T_FLAGS] & TF_REQUEST == 0 and method != ACK:
            # Its responses came first (an out-of-order capture): it is no orphan after all.
            free_group(scalars, groups, call_index, alias_index, latest_index, wheel, tx[slot, T_GROUP])
            is_new_request = True

        if is_new_request:
            tx[slot, T_FLAGS] |= TF_REQUEST
            tx[slot, T_CLIENT] = source
            tx[slot, T_SERVER] = target
            tx[slot, T_REQUEST_NO] = message_no
            tx[slot, T_REQUEST_TS] = ts
            tx[slot, T_REQUEST_CLOCK] = clock
            if flags & F_HAS_CREDENTIALS:
                tx[slot, T_FLAGS] |= TF_CREDENTIALS
            if to_tag != 0:
                tx[slot, T_FLAGS] |= TF_TO_TAG
            cseq = numbers[i, M_CSEQ]
            hop = numbers[i, M_VIA_COUNT] - 1
            group = -1
            if method == INVITE and to_tag == 0:
                group, attempt = place_invite(
                    scalars, groups, call_index, alias_index, latest_index, numbers, spans, octets, arena, keys, i,
                    cseq, hop,
                )  # fmt: skip
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
                if spans[i, S_CONTACT_URI, 1] < 0:
                    tx[slot, T_FLAGS] |= TF_NO_CONTACT
            else:
                call, by_callee = -1, False
                if to_tag != 0:
                    call, by_callee = find_call(
                        groups, call_index, alias_index, latest_index, keys, i, network, to_tag
                    )
                if call >= 0:
                    tx[slot, T_CALL_NO] = groups[call, G_NO]
                    tx[slot, T_CALL_SLOT] = call
                    # Of forks that both answered only the dialog that decided ends the call.
                    answered = groups[call, G_ANSWER_TAG]
                    theirs = keys[i, K_FROM] if by_callee else to_tag
                    if (
                        method == BYE and groups[call, G_BYE_TS] == MISSING
                        and (answered == 0 or theirs == answered)
                    ):  # fmt: skip
                        groups[call, G_BYE_TS] = ts
                        groups[call, G_BYE_CLOCK] = clock
                        groups[call, G_BYE_BY_CALLEE] = 1 if by_callee else 0
                        groups[call, G_BYE_Q850] = numbers[i, M_REASON_Q850]
                        groups[call, G_BYE_SIP] = numbers[i, M_REASON_SIP]
                        groups[call, G_BYE_VENDOR_CAUSE] = numbers[i, M_VENDOR_CAUSE]
                        groups[call, G_BYE_FLAGS] = flags & (F_RELEASE_CAUSE | F_PREEMPTION | F_SESSION_TIMER)
                    elif method == INVITE:
                        groups[call, G_INNER_TX] = slot
                        groups[call, G_INNER_NO] = tx[slot, T_NO]
                        groups[call, G_INNER_CSEQ] = cseq
                if method == CANCEL:
                    invite = find_slot(
                        tx_index, tx, T_KEY_0, with_method(keys[i, K_TX_0], INVITE), with_method(keys[i, K_TX_1], INVITE)
                    )
                    if invite >= 0:
                        tx[slot, T_HOP] = tx[invite, T_HOP]  # a CANCEL carries one Via only, RFC 3261 §9.1
                        tx[slot, T_CALL_NO] = tx[invite, T_CALL_NO]
                        tx[slot, T_CALL_SLOT] = tx[invite, T_CALL_SLOT]
                        if tx[invite, T_FLAGS] & TF_CANCELLED == 0:
                            tx[invite, T_FLAGS] |= TF_CANCELLED
                            tx[invite, T_CANCEL_TS] = ts
                            tx[invite, T_CANCEL_Q850] = numbers[i, M_REASON_Q850]
                            tx[invite, T_CANCEL_SIP] = numbers[i, M_REASON_SIP]
            if group >= 0 and groups[group, G_TX_COUNT] >= MAX_CALL_TX:
                # A flood of INVITEs in one call: the call keeps what it has, this one stands by itself.
                note(scalars, notes, NOTE_TOO_MANY_ATTEMPTS, numbers, i, MAX_CALL_TX)
                tx[slot, T_ATTEMPT] = 0
                group = -1
            if group < 0:
                group = new_group(scalars, groups, GROUP_OTHER)
                add_to_group(groups, tx, group, slot)
                arm(groups, wheel, group, clock + LINGER + NO_REPLY)
            else:
                word = word_number(
                    octets, spans[i, S_AGENT, 0], spans[i, S_AGENT, 1], scalars, words, word_index, word_octets, seeds
                )
                if word == -2:
                    note(scalars, notes, NOTE_TOO_MANY_WORDS, numbers, i, MAX_WORDS)
                tx[slot, T_AGENT] = word
                add_to_group(groups, tx, group, slot)
                if groups[group, G_TX_COUNT] == 1:
                    arm(groups, wheel, group, clock + LINGER + NO_REPLY)
            if tx[slot, T_ATTEMPT] > 0 and tx[slot, T_HOP] == groups[group, G_HOP]:
                groups[group, G_TIMER] = max(groups[group, G_TIMER], timer_of(tx, slot))
            if tx[slot, T_RESPONSES] > 0:
                # What its responses would have done, had they not come before it.
                call = tx[slot, T_CALL_SLOT]
                if call >= 0:
                    groups[call, G_MESSAGES] += tx[slot, T_RESPONSES]
                    groups[call, G_RESENDS] += tx[slot, T_RESPONSE_RESENDS]
                    if method == BYE and tx[slot, T_STATUS] != 0:
                        groups[call, G_BYE_STATUS] = tx[slot, T_STATUS]
                        groups[call, G_BYE_FINAL_TS] = tx[slot, T_FINAL_TS]
                if tx[slot, T_STATUS] != 0 and tx[slot, T_ATTEMPT] > 0:
                    note_final(groups, tx, numbers, i, group, slot)

        # Is it a resend?
        first = first_of_same(scalars, tx, seen, slot, same, message_no)
        resent = first > 0
        group = tx[slot, T_GROUP]
        if first < 0:
            note(scalars, notes, NOTE_TOO_MANY_RESPONSES, numbers, i, status)
        call = tx[slot, T_CALL_SLOT]
        if call >= 0 and not (groups[call, G_KIND] == GROUP_CALL and groups[call, G_NO] == tx[slot, T_CALL_NO]):
            call = -1
        if call >= 0:
            groups[call, G_MESSAGES] += 1
            if resent:
                groups[call, G_RESENDS] += 1

        if is_request:
            if method == ACK:
                if tx[slot, T_ACK_TS] == MISSING:
                    tx[slot, T_ACK_TS] = ts
                    tx[slot, T_ACK_NO] = message_no
                if tx[slot, T_METHOD] == INVITE:
                    after = transitions[0, tx[slot, T_STATE], EVENT_ACK]
                    if after >= 0:
                        tx[slot, T_STATE] = after
            elif resent:
                tx[slot, T_REQUEST_RESENDS] += 1
        else:
            tx[slot, T_RESPONSES] += 1
            if resent:
                tx[slot, T_RESPONSE_RESENDS] += 1
                if status == tx[slot, T_STATUS]:
                    tx[slot, T_LAST_FINAL_TS] = ts
                elif 100 < status < 200 and tx[slot, T_STATUS] == 0:
                    # A callee repeats its 18x every minute so that nobody gives up, RFC 3261 §13.3.1.1.
                    tx[slot, T_PROGRESS_CLOCK] = clock
            else:
                is_final = response_in_transaction(scalars, tx, numbers, transitions, notes, i, slot, source, to_tag)
                kind = groups[group, G_KIND]
                if is_final and (kind == GROUP_CALL or kind == GROUP_REGISTRATION):
                    word = word_number(
                        octets, spans[i, S_AGENT, 0], spans[i, S_AGENT, 1], scalars, words, word_index, word_octets, seeds
                    )
                    tx[slot, T_FINAL_AGENT] = word
                    if word == -2:
                        note(scalars, notes, NOTE_TOO_MANY_WORDS, numbers, i, MAX_WORDS)
                    if status >= 300:
                        tx[slot, T_FINAL_PHRASE] = word_number(
                            octets, spans[i, S_REASON_PHRASE, 0], spans[i, S_REASON_PHRASE, 1], scalars, words,
                            word_index, word_octets, seeds,
                        )  # fmt: skip
                if kind == GROUP_CALL:
                    note_to_tag(groups, group, to_tag)
                    if is_final:
                        response_in_group(
                            scalars, groups, tx, numbers, spans, octets, arena, i, slot, group, is_final
                        )
                elif kind == GROUP_REGISTRATION:
                    response_in_group(scalars, groups, tx, numbers, spans, octets, arena, i, slot, group, is_final)
                elif is_final and call >= 0 and tx[slot, T_FLAGS] & TF_LATE == 0:
                    if status == 481 or status == 408:
                        groups[call, G_DIALOG_LOST] = 1
                    if method == BYE:
                        so_far = groups[call, G_BYE_STATUS]
                        if so_far == 0 or so_far == 401 or so_far == 407:
                            groups[call, G_BYE_STATUS] = status
                            groups[call, G_BYE_FINAL_TS] = ts
                    elif (
                        status < 300 and numbers[i, M_SESSION_EXPIRES] != MISSING
                        and groups[call, G_SESSION_DUE] != MISSING
                    ):  # fmt: skip
                        groups[call, G_SESSION_DUE] = clock + numbers[i, M_SESSION_EXPIRES] * SECOND

        if not is_request and status < 200 and groups[group, G_KIND] == GROUP_CALL:
            if tx[slot, T_ATTEMPT] == groups[group, G_ATTEMPTS] and tx[slot, T_HOP] == groups[group, G_HOP]:
                groups[group, G_TIMER] = max(groups[group, G_TIMER], timer_of(tx, slot))
        due = group_due(groups, group, tx, slot, clock)
        kind = groups[group, G_KIND]
        if kind == GROUP_CALL and groups[group, G_STATUS] == 0 and groups[group, G_ANSWER_TS] == MISSING:
            # An open call must not end sooner because a hop that rings less far was heard last.
            due = max(due, groups[group, G_DUE])
        set_due(groups, wheel, group, due)
        if call >= 0 and call != group:
            refresh_call(groups, wheel, call, clock)

        links[i, 0] = first if resent else MISSING
        links[i, 1] = tx[slot, T_NO]
        links[i, 2] = tx[slot, T_CALL_NO] if tx[slot, T_CALL_NO] > 0 else MISSING
        links[i, 3] = tx[slot, T_REGISTRATION_NO] if tx[slot, T_REGISTRATION_NO] > 0 else MISSING
        if method < METHOD_UNLISTED and special[status] == 0 and (is_request or status > 0):
            counts[status, method, 1 if resent else 0] += 1
        i += 1
    return DONE, i
