"""Calls and registrations as rows: a new one, its next attempt, the keys that it is found by and its texts."""

from __future__ import annotations

from analyzer.batch import (
    D_CAPTURE_NO,
    D_FRAME_NO,
    D_NETWORK,
    D_TS,
    M_EXPIRES,
    M_FLAGS,
    MISSING,
    S_CALL_ID,
    S_CONTACT_URI,
    S_FROM_TAG,
    S_FROM_URI,
    S_LINKED_ID,
    S_ORIGIN,
    S_REQUEST_URI,
    S_SESSION_ID,
    S_TO_TAG,
    S_TO_URI,
    Ints,
    Octets,
    Spans,
)
from analyzer.correlate.layout import (
    G_ACK_TS,
    G_ANSWER_CLOCK,
    G_ANSWER_CSEQ,
    G_ANSWER_TS,
    G_ANSWER_TX,
    G_ASKED,
    G_ATTEMPTS,
    G_BYE_CLOCK,
    G_BYE_FINAL_TS,
    G_BYE_Q850,
    G_BYE_SIP,
    G_BYE_TS,
    G_BYE_TX,
    G_BYE_VENDOR_CAUSE,
    G_CAPTURE_NO,
    G_CSEQ,
    G_EXPIRES,
    G_FINAL_CLOCK,
    G_FINAL_TS,
    G_FLAGS,
    G_FRAME_NO,
    G_FROM,
    G_HOP,
    G_INNER_TX,
    G_KIND,
    G_LAST_TS,
    G_LENGTHS,
    G_NETWORK,
    G_NO,
    G_REFUSED,
    G_RETRY_AFTER,
    G_SESSION_DUE,
    G_START_TS,
    G_STATUS,
    G_TEXT,
    G_TIMER,
    G_TO_TAG_LENGTH,
    G_TO_TAG_TEXT,
    GROUP_CALL,
    GROUP_REGISTRATION,
    GT_CALL_ID,
    GT_COLUMNS,
    GT_FROM_TAG,
    GT_FROM_URI,
    GT_LINKED_ID,
    GT_REQUEST_URI,
    GT_SESSION_ID,
    GT_TO_URI,
    K_FROM,
    S_ARENA,
    S_CALL_NO,
    S_REGISTRATION_NO,
)
from analyzer.correlate.row_kernels import new_group
from analyzer.correlate.table_kernels import TAG, copy_octets, find, put
from analyzer.hash_kernels import Key
from analyzer.jit import inlined, kernel


@kernel
def store_texts(scalars: Ints, groups: Ints, spans: Spans, octets: Octets, arena: Octets, i: int, group: int) -> None:
    """Copy what tells a call to a person: its Call-ID, tag and URIs."""
    at = scalars[S_ARENA]
    groups[group, G_TEXT] = at
    registration = groups[group, G_KIND] == GROUP_REGISTRATION
    for column in range(GT_COLUMNS):
        if column == GT_CALL_ID:
            span = S_CALL_ID
        elif column == GT_FROM_TAG:
            span = S_FROM_TAG
        elif column == GT_FROM_URI:
            span = S_FROM_URI
        elif column == GT_TO_URI:
            span = S_TO_URI
        elif column == GT_REQUEST_URI:
            span = S_CONTACT_URI if registration else S_REQUEST_URI
        elif column == GT_SESSION_ID:
            span = S_SESSION_ID
        elif column == GT_LINKED_ID:
            span = S_LINKED_ID
        else:
            span = S_ORIGIN
        length = spans[i, span, 1]
        if registration and column >= GT_SESSION_ID:
            length = -1
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
def enter(index: Ints, groups: Ints, column: int, key_0: Key, key_1: Key, group: int) -> None:
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
    scalars: Ints,
    groups: Ints,
    numbers: Ints,
    spans: Spans,
    octets: Octets,
    arena: Octets,
    keys: Ints,
    i: int,
    kind: int,
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
    groups[group, G_BYE_TX] = -1
    groups[group, G_LAST_TS] = MISSING
    groups[group, G_FLAGS] = numbers[i, M_FLAGS]
    groups[group, G_SESSION_DUE] = MISSING
    groups[group, G_TO_TAG_LENGTH] = -1
    store_texts(scalars, groups, spans, octets, arena, i, group)
    return group


@inlined
def begin_attempt(groups: Ints, group: int, cseq: int, hop: int) -> None:
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
