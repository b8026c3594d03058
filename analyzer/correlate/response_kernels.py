"""What a response changes: its transaction by the transition tables, and the call or registration that it is for."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from analyzer.batch import (
    BYE,
    D_TS,
    F_HAS_SDP,
    F_STALE,
    INVITE,
    M_EXPIRES,
    M_FLAGS,
    M_ISUP_CAUSE,
    M_MESSAGE_NO,
    M_REASON_LOCATION,
    M_REASON_Q850,
    M_REASON_SIP,
    M_RETRY_AFTER,
    M_SESSION_EXPIRES,
    M_STATUS,
    M_VENDOR_CAUSE,
    M_WARNING,
    MISSING,
    Ints,
    Octets,
    Spans,
)
from analyzer.correlate.group_kernels import store_to_tag
from analyzer.correlate.layout import (
    G_ANSWER_CLOCK,
    G_ANSWER_CSEQ,
    G_ANSWER_TAG,
    G_ANSWER_TS,
    G_ANSWER_TX,
    G_ATTEMPTS,
    G_BYE_FINAL_TS,
    G_BYE_NO,
    G_BYE_STATUS,
    G_CHALLENGES,
    G_DIALOG_LOST,
    G_EXPIRES,
    G_FINAL_CLOCK,
    G_FINAL_TS,
    G_FORKS,
    G_HOP,
    G_KIND,
    G_REFUSED,
    G_RETRY_AFTER,
    G_SESSION_DUE,
    G_STATUS,
    G_TAG_0,
    G_TAG_4,
    GROUP_CALL,
    GROUP_ORPHAN,
    GROUP_REGISTRATION,
    LINGER,
    MAX_FIRST_TAGS,
    MAX_TAGS,
    NO_REPLY,
    NOTE_LATE_RESPONSE,
    NOTE_UNEXPECTED_RESPONSE,
    OFF_EARLY_MEDIA,
    OFF_FORKS,
    S_CLOCK,
    S_OFF,
    SECOND,
    T_ALERT_TS,
    T_ATTEMPT,
    T_CLIENT,
    T_CSEQ,
    T_FINAL_CLOCK,
    T_FINAL_FLAGS,
    T_FINAL_ISUP,
    T_FINAL_LOCATION,
    T_FINAL_NO,
    T_FINAL_Q850,
    T_FINAL_SIP,
    T_FINAL_TAG,
    T_FINAL_TS,
    T_FINAL_VENDOR_CAUSE,
    T_FINAL_WARNING,
    T_FIRST_RESPONSE_TS,
    T_FLAGS,
    T_HOP,
    T_LAST_FINAL_TS,
    T_MEDIA_TS,
    T_METHOD,
    T_PROGRESS_CLOCK,
    T_PROGRESS_Q850,
    T_PROGRESS_TAG,
    T_PROGRESS_TS,
    T_RESPONDER,
    T_RETRY_AFTER,
    T_SERVER,
    T_STATE,
    T_STATUS,
    TF_CREDENTIALS,
    TF_LATE,
    TF_PROGRESS,
    TF_REQUEST,
    TF_RESPONSE,
    TF_RINGING,
)
from analyzer.correlate.note_kernels import note
from analyzer.correlate.row_kernels import add_to_group, new_group
from analyzer.correlate.wheel_kernels import arm, timer_of
from analyzer.hash_kernels import Key
from analyzer.jit import inlined, kernel

Transitions: TypeAlias = NDArray[np.int8]

# The events of correlate/states.py (tests compare them).
EVENT_PROVISIONAL, EVENT_SUCCESS, EVENT_FAILURE, EVENT_ACK = 0, 1, 2, 3
LONGEST_DELTA = (1 << 31) - 1  # s


@inlined
def rank(status: int) -> int:
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
def outranks(status: int, so_far: int, off: int) -> bool:
    """Whether a later final takes the place of the one that counted so far."""
    better: bool = rank(status) < rank(so_far) or off & OFF_FORKS != 0
    return better


@kernel
def place_orphan(scalars: Ints, tx: Ints, groups: Ints, wheel: Ints, slot: int, source: int, target: int) -> None:
    """Let the transaction of a response whose request was not seen stand by itself."""
    tx[slot, T_CLIENT] = target
    tx[slot, T_SERVER] = source
    group = new_group(scalars, groups, GROUP_ORPHAN)
    add_to_group(groups, tx, group, slot)
    arm(groups, wheel, group, scalars[S_CLOCK] + LINGER)


@kernel
def response_in_transaction(
    scalars: Ints,
    tx: Ints,
    numbers: Ints,
    transitions: Transitions,
    notes: Ints,
    i: int,
    slot: int,
    source: int,
    to_tag: Key,
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
    is_first_final = status >= 200 and tx[slot, T_STATUS] == 0
    expired = tx[slot, T_FLAGS] & TF_REQUEST != 0 and clock > timer_of(tx, slot)
    late = is_first_final and expired
    if after < 0:
        note(scalars, notes, NOTE_UNEXPECTED_RESPONSE, numbers, i, status)
    else:
        tx[slot, T_STATE] = after
    if status < 200:
        if status > 100 and tx[slot, T_STATUS] == 0 and tx[slot, T_PROGRESS_TS] == MISSING:
            tx[slot, T_PROGRESS_TS] = ts
        if tx[slot, T_STATUS] == 0 and not expired:  # what has timed out does not come back to life
            tx[slot, T_FLAGS] |= TF_RESPONSE
            if status > 100:
                tx[slot, T_FLAGS] |= TF_PROGRESS
                tx[slot, T_PROGRESS_CLOCK] = clock
            listens = scalars[S_OFF] & OFF_EARLY_MEDIA == 0
            if status == 180 or (180 <= status <= 183 and listens):
                tx[slot, T_FLAGS] |= TF_RINGING
                has_sdp = numbers[i, M_FLAGS] & F_HAS_SDP != 0 and listens
                if has_sdp and tx[slot, T_MEDIA_TS] == MISSING:
                    tx[slot, T_MEDIA_TS] = ts
                if (has_sdp or status == 180) and tx[slot, T_ALERT_TS] == MISSING:
                    tx[slot, T_ALERT_TS] = ts
                if numbers[i, M_REASON_Q850] != MISSING and listens:
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
def note_final(scalars: Ints, groups: Ints, tx: Ints, group: int, slot: int) -> bool:
    """Let a final response count for its call or registration; True if it is the one that decides so far."""
    if tx[slot, T_HOP] != groups[group, G_HOP] or tx[slot, T_ATTEMPT] != groups[group, G_ATTEMPTS]:
        return False
    if tx[slot, T_FLAGS] & TF_LATE:
        return False
    status = tx[slot, T_STATUS]
    challenge = status == 401 or status == 407
    if challenge:
        groups[group, G_CHALLENGES] += 1
    if groups[group, G_STATUS] != 0 and not outranks(status, groups[group, G_STATUS], scalars[S_OFF]):
        return False
    flags = tx[slot, T_FINAL_FLAGS]
    groups[group, G_STATUS] = status
    groups[group, G_FINAL_TS] = tx[slot, T_FINAL_TS]
    groups[group, G_RETRY_AFTER] = tx[slot, T_RETRY_AFTER]
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
def session_due(clock: int, expires: int) -> int:
    """When a session timer runs out, RFC 4028; what is longer than delta-seconds may be would overflow."""
    due: int = clock + min(expires, LONGEST_DELTA) * SECOND
    return due


@kernel
def final_in_group(
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
) -> None:
    """Let the final that counts now for its transaction count for its call or registration."""
    if tx[slot, T_ATTEMPT] > 0:
        status = numbers[i, M_STATUS]
        decides = note_final(scalars, groups, tx, group, slot)
        if groups[group, G_KIND] == GROUP_REGISTRATION:
            if decides and status < 300 and numbers[i, M_EXPIRES] != MISSING:
                groups[group, G_EXPIRES] = numbers[i, M_EXPIRES]
        elif status < 300 and decides:
            store_to_tag(scalars, groups, spans, octets, arena, i, group)
            if numbers[i, M_SESSION_EXPIRES] != MISSING:
                groups[group, G_SESSION_DUE] = session_due(scalars[S_CLOCK], numbers[i, M_SESSION_EXPIRES])


@inlined
def final_in_dialog(
    groups: Ints, numbers: Ints, i: int, call: int, method: int, transaction_no: int, clock: int
) -> None:
    """Let the final response to a request inside a dialog count for its call.

    Session Disconnect Delay ends with the 2xx to the very BYE that ended the call, not with that of another hop.
    """
    own_bye = transaction_no == groups[call, G_BYE_NO]
    status = numbers[i, M_STATUS]
    if status == 481 or status == 408:
        groups[call, G_DIALOG_LOST] = 1
    if method == BYE:
        so_far = groups[call, G_BYE_STATUS]
        if so_far == 0 or so_far == 401 or so_far == 407:
            groups[call, G_BYE_STATUS] = status
        if own_bye and status < 300:
            groups[call, G_BYE_FINAL_TS] = numbers[i, D_TS]
    elif status < 300 and numbers[i, M_SESSION_EXPIRES] != MISSING and groups[call, G_SESSION_DUE] != MISSING:
        groups[call, G_SESSION_DUE] = session_due(clock, numbers[i, M_SESSION_EXPIRES])


@inlined
def tag_column(number: int) -> int:
    """Where a call's To tag stands, from 0."""
    return G_TAG_0 + number if number < MAX_FIRST_TAGS else G_TAG_4 + number - MAX_FIRST_TAGS


@inlined
def note_to_tag(groups: Ints, group: int, tag: Key) -> None:
    """Count different To tags; beyond MAX_TAGS no list is kept, they count as one more each time they change."""
    if tag == 0:
        return
    known = min(groups[group, G_FORKS], MAX_TAGS)
    for k in range(known):
        if groups[group, tag_column(k)] == tag:
            return
    groups[group, tag_column(min(known, MAX_TAGS - 1))] = tag
    groups[group, G_FORKS] += 1
