"""The correlator's inner loop: one message after the other through the transition tables.

`step` walks a batch and returns early with FULL (a pool, table or arena might not hold the next message: Python
grows it) or DRAIN (ended groups must be fetched), together with the message to go on with. It knows
no policy: which outcome a code leads to, what a cause means and who is charged is decided from the rows that it ends.
"""

from __future__ import annotations

from analyzer.batch import (
    ACK,
    CANCEL,
    D_COPY,
    D_DST_HI,
    D_DST_LO,
    D_NETWORK,
    D_SRC_HI,
    D_SRC_LO,
    D_TS,
    INVITE,
    M_CSEQ_METHOD,
    M_LENGTH,
    M_MESSAGE_NO,
    M_METHOD,
    M_STATUS,
    METHOD_UNLISTED,
    MISSING,
    S_AGENT,
    S_REASON_PHRASE,
    Ints,
    Octets,
    Spans,
)
from analyzer.correlate.end_kernels import fire, free_group
from analyzer.correlate.key_kernels import with_method, with_number
from analyzer.correlate.layout import (
    CLOCK_STEP,
    DONE,
    DRAIN,
    FULL,
    G_ACK_TS,
    G_ANSWER_TAG,
    G_ANSWER_TS,
    G_ANSWER_TX,
    G_ANSWERS,
    G_ATTEMPTS,
    G_DUE,
    G_HOP,
    G_KIND,
    G_MESSAGES,
    G_NO,
    G_RESENDS,
    G_STATUS,
    G_TIMER,
    GROUP_CALL,
    GROUP_REGISTRATION,
    K_SAME,
    K_TO,
    K_TX_0,
    K_TX_1,
    MAX_WORDS,
    NOTE_CLOCK_STEP,
    NOTE_TOO_MANY_RESPONSES,
    NOTE_TOO_MANY_WORDS,
    OFF_CSEQ_METHOD,
    OFF_ORDER,
    OFF_RESENDS,
    RESEND,
    S_CLOCK,
    S_OFF,
    S_STEPPED,
    S_TX_NO,
    S_WHEEL,
    SECOND,
    T_ACK_NO,
    T_ACK_TS,
    T_AGENT,
    T_ATTEMPT,
    T_CALL_NO,
    T_CALL_SLOT,
    T_FINAL_AGENT,
    T_FINAL_PHRASE,
    T_FLAGS,
    T_GROUP,
    T_HOP,
    T_KEY_0,
    T_LAST_FINAL_TS,
    T_LAST_REQUEST_TS,
    T_METHOD,
    T_NETWORK,
    T_NO,
    T_PORTS,
    T_PROGRESS_CLOCK,
    T_REGISTRATION_NO,
    T_REQUEST_RESENDS,
    T_RESPONSE_RESENDS,
    T_RESPONSES,
    T_STATE,
    T_STATUS,
    TF_LATE,
    TF_REQUEST,
    UNIQUE,
)
from analyzer.correlate.note_kernels import count_copy, note
from analyzer.correlate.request_kernels import (
    CALLING,
    TRYING,
    acknowledged,
    fill_request,
    place_request,
    request_of_branch,
)
from analyzer.correlate.response_kernels import (
    EVENT_ACK,
    Transitions,
    final_in_dialog,
    final_in_group,
    note_to_tag,
    place_orphan,
    response_in_transaction,
)
from analyzer.correlate.row_kernels import first_of_same, must_grow, new_transaction, port_pair
from analyzer.correlate.table_kernels import endpoint_number, find_slot, put, word_number
from analyzer.correlate.touch_kernels import AHEAD, touch
from analyzer.correlate.wheel_kernels import group_due, refresh_call, set_due, timer_of
from analyzer.hash_kernels import Words
from analyzer.jit import kernel

STRAY_ACK = 4096  # in place of a method number


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
    seeds: Words,
    transitions: Transitions,
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

    ``links`` (n × 4) gets resend_of, transaction_no, call_no, registration_no; ``counts`` (1000 × 16 × 3) the messages
    by status code (0 = requests), method and what they are (UNIQUE, RESEND, COPY), but for codes marked in ``special``
    and unlisted methods. A copy changes nothing but its count.
    """
    for i in range(start, len(numbers)):
        if i == start or i % AHEAD == 0:
            touch(i, min(i + AHEAD, len(numbers)), numbers, keys, links, tx, tx_index, groups, call_index)
        if numbers[i, D_COPY] != 0:
            count_copy(numbers, i, links, counts, special)
            continue
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
        if must_grow(scalars, tx, groups, seen, endpoints, words, word_octets, arena, numbers[i, M_LENGTH]):
            return FULL, i
        message_no = numbers[i, M_MESSAGE_NO]
        status = numbers[i, M_STATUS]
        is_request = status == 0 and numbers[i, M_METHOD] != 0
        method = numbers[i, M_METHOD] if is_request else numbers[i, M_CSEQ_METHOD]
        is_ack = is_request and method == ACK
        paired_by = INVITE if method == CANCEL and scalars[S_OFF] & OFF_CSEQ_METHOD else method
        # The ACK to a non-2xx has its INVITE's key.
        key_0, key_1 = with_method(keys[i, K_TX_0], paired_by), with_method(keys[i, K_TX_1], paired_by)
        slot = find_slot(tx_index, tx, T_KEY_0, key_0, key_1)
        if is_ack and slot < 0:
            slot = acknowledged(groups, tx, call_index, alias_index, latest_index, numbers, keys, i)
            if slot < 0:
                # An ACK of nothing that was seen stands by itself, under a key that no INVITE has.
                key_0, key_1 = with_number(keys[i, K_TX_0], STRAY_ACK), with_number(keys[i, K_TX_1], STRAY_ACK)
                slot = find_slot(tx_index, tx, T_KEY_0, key_0, key_1)
        elif slot < 0 and method == 0:
            slot = request_of_branch(tx, tx_index, keys, i)

        # A response may come back with another VLAN tag than its request had: its sender is the one that was asked.
        network = numbers[i, D_NETWORK] if is_request or slot < 0 else tx[slot, T_NETWORK]
        source = endpoint_number(
            network, numbers[i, D_SRC_HI], numbers[i, D_SRC_LO], scalars, endpoints, endpoint_index, seeds
        )
        target = endpoint_number(
            network, numbers[i, D_DST_HI], numbers[i, D_DST_LO], scalars, endpoints, endpoint_index, seeds
        )
        agent_column = -1  # whose agent is kept: the sender's of a request or a final of a call or registration
        is_first_request = is_request
        if slot < 0:
            slot = new_transaction(scalars, tx, numbers, spans, octets, arena, i, method, key_0, key_1)
            put(tx_index, key_0, key_1, slot)
            tx[slot, T_PORTS] = port_pair(numbers, i, is_request)
            tx[slot, T_STATE] = CALLING if method == INVITE else TRYING
            if is_ack:  # it belongs to a transaction that was not seen, and is none itself
                scalars[S_TX_NO] -= 1
                tx[slot, T_NO] = 0
            if not is_request:
                place_orphan(scalars, tx, groups, wheel, slot, source, target)
        elif is_request and tx[slot, T_FLAGS] & TF_REQUEST == 0 and not is_ack and scalars[S_OFF] & OFF_ORDER == 0:
            # Its responses came first (an out-of-order capture): it is no orphan after all.
            free_group(scalars, groups, call_index, alias_index, latest_index, wheel, tx[slot, T_GROUP])
        else:
            is_first_request = False
        if is_first_request:
            fill_request(tx, numbers, i, slot, source, target, clock)
            has_name = place_request(
                scalars, tx, groups, tx_index, call_index, alias_index, latest_index, wheel, numbers, spans, octets,
                arena, keys, notes, i, slot,
            )  # fmt: skip
            if has_name:
                agent_column = T_AGENT

        # Is it a resend?
        first = first_of_same(scalars, tx, seen, slot, keys[i, K_SAME], message_no)
        resent = first > 0 and scalars[S_OFF] & OFF_RESENDS == 0
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

        if is_ack:
            if tx[slot, T_ACK_TS] == MISSING:
                tx[slot, T_ACK_TS] = ts
                tx[slot, T_ACK_NO] = message_no
                answered = groups[group, G_KIND] == GROUP_CALL and tx[slot, T_STATUS] // 100 == 2
                if answered and groups[group, G_ANSWER_TX] == slot and groups[group, G_ACK_TS] == MISSING:
                    groups[group, G_ACK_TS] = ts  # some acknowledge a 2xx with the branch of its INVITE
            if tx[slot, T_METHOD] == INVITE:
                after = transitions[0, tx[slot, T_STATE], EVENT_ACK]
                if after >= 0:
                    tx[slot, T_STATE] = after
        elif is_request:
            if resent:
                tx[slot, T_REQUEST_RESENDS] += 1
                tx[slot, T_LAST_REQUEST_TS] = ts
        elif resent:
            tx[slot, T_RESPONSES] += 1
            tx[slot, T_RESPONSE_RESENDS] += 1
            if status == tx[slot, T_STATUS]:
                tx[slot, T_LAST_FINAL_TS] = ts
            elif 100 < status < 200 and tx[slot, T_STATUS] == 0 and clock <= timer_of(tx, slot):
                # A callee repeats its 18x every minute so that nobody gives up, RFC 3261 §13.3.1.1.
                tx[slot, T_PROGRESS_CLOCK] = clock
        else:
            tx[slot, T_RESPONSES] += 1
            is_final = response_in_transaction(scalars, tx, numbers, transitions, notes, i, slot, source, keys[i, K_TO])
            kind = groups[group, G_KIND]
            if kind == GROUP_CALL:
                note_to_tag(groups, group, keys[i, K_TO])
                other = groups[group, G_ANSWERS] == 0 or keys[i, K_TO] != groups[group, G_ANSWER_TAG]
                if 200 <= status < 300 and other and tx[slot, T_HOP] == groups[group, G_HOP]:
                    groups[group, G_ANSWERS] += 1
            if is_final and (kind == GROUP_CALL or kind == GROUP_REGISTRATION):
                final_in_group(scalars, groups, tx, numbers, spans, octets, arena, i, slot, group)
                agent_column = T_FINAL_AGENT
                if status >= 300:
                    tx[slot, T_FINAL_PHRASE] = word_number(
                        octets, spans[i, S_REASON_PHRASE, 0], spans[i, S_REASON_PHRASE, 1], scalars, words,
                        word_index, word_octets, seeds,
                    )  # fmt: skip
            elif is_final and call >= 0 and tx[slot, T_FLAGS] & TF_LATE == 0:
                final_in_dialog(groups, numbers, i, call, method, tx[slot, T_NO], clock)

        if agent_column >= 0:
            word = word_number(
                octets, spans[i, S_AGENT, 0], spans[i, S_AGENT, 1], scalars, words, word_index, word_octets, seeds
            )
            tx[slot, agent_column] = word
            if word == -2:
                note(scalars, notes, NOTE_TOO_MANY_WORDS, numbers, i, MAX_WORDS)

        kind = groups[group, G_KIND]
        if kind == GROUP_CALL and not is_request and status < 200:
            is_current = tx[slot, T_ATTEMPT] == groups[group, G_ATTEMPTS]
            if is_current and tx[slot, T_HOP] == groups[group, G_HOP]:
                groups[group, G_TIMER] = max(groups[group, G_TIMER], timer_of(tx, slot))
        due = group_due(groups, group, tx, slot, clock)
        if kind == GROUP_CALL and groups[group, G_STATUS] == 0 and groups[group, G_ANSWER_TS] == MISSING:
            # An open call must not end sooner because a hop that rings less far was heard last.
            due = max(due, groups[group, G_DUE])
        set_due(groups, wheel, group, due)
        if call >= 0 and call != group:
            refresh_call(groups, wheel, call, clock)

        links[i, 0] = first if resent else MISSING
        links[i, 1] = tx[slot, T_NO] if tx[slot, T_NO] > 0 else MISSING
        links[i, 2] = tx[slot, T_CALL_NO] if tx[slot, T_CALL_NO] > 0 else MISSING
        links[i, 3] = tx[slot, T_REGISTRATION_NO] if tx[slot, T_REGISTRATION_NO] > 0 else MISSING
        if method < METHOD_UNLISTED and special[status] == 0 and (is_request or status > 0):
            counts[status, method, RESEND if resent else UNIQUE] += 1
    return DONE, len(numbers)
