"""Places in the pools: new transaction and group rows, and the lists of messages seen.

Free places are chained through T_NEXT, G_FOLLOWING and the third column of the seen list. Nothing here can run
out: `step` returns FULL before a message that might not fit, and Python grows the pools.
"""

from __future__ import annotations

from analyzer.batch import (
    D_CAPTURE_NO,
    D_DST_PORT,
    D_NETWORK,
    D_SRC_PORT,
    D_TRANSPORT,
    M_CSEQ,
    M_VIA_COUNT,
    MISSING,
    S_BRANCH,
    S_CALL_ID,
    Ints,
    Octets,
    Spans,
)
from analyzer.correlate.layout import (
    G_FIRST_TX,
    G_FOLLOWING,
    G_KIND,
    G_LAST_TX,
    G_OTHER_COLUMNS,
    G_TAG_4,
    G_TX_COUNT,
    GROUP_CALL,
    GROUP_REGISTRATION,
    MAX_SAME,
    MAX_SEEN,
    MAX_WORDS,
    S_ARENA,
    S_CLOCK,
    S_ENDPOINTS,
    S_GROUP_FREE,
    S_GROUP_LIVE,
    S_GROUP_USED,
    S_KEEP_TX,
    S_SEEN_FREE,
    S_SEEN_USED,
    S_TX_FREE,
    S_TX_LIVE,
    S_TX_NO,
    S_TX_USED,
    S_WORD_OCTETS,
    S_WORDS,
    T_ACK_TS,
    T_AGENT,
    T_ALERT_TS,
    T_BRANCH_LENGTH,
    T_CALL_ID_LENGTH,
    T_CALL_SLOT,
    T_CANCEL_Q850,
    T_CANCEL_SIP,
    T_CANCEL_TS,
    T_CAPTURE_NO,
    T_COLUMNS,
    T_CSEQ,
    T_FINAL_AGENT,
    T_FINAL_CLOCK,
    T_FINAL_ISUP,
    T_FINAL_LOCATION,
    T_FINAL_PHRASE,
    T_FINAL_Q850,
    T_FINAL_SIP,
    T_FINAL_TS,
    T_FINAL_VENDOR_CAUSE,
    T_FIRST_RESPONSE_TS,
    T_GROUP,
    T_HOP,
    T_KEY_0,
    T_KEY_1,
    T_LAST_FINAL_TS,
    T_MEDIA_TS,
    T_METHOD,
    T_NETWORK,
    T_NEXT,
    T_NO,
    T_PROGRESS_CLOCK,
    T_PROGRESS_Q850,
    T_PROGRESS_TS,
    T_REQUEST_CLOCK,
    T_REQUEST_TS,
    T_RESPONDER,
    T_RETRY_AFTER,
    T_SAME,
    T_SEEN,
    T_SEEN_COUNT,
    T_TEXT,
    T_TRANSPORT,
)
from analyzer.correlate.table_kernels import copy_octets
from analyzer.hash_kernels import Key
from analyzer.jit import inlined, kernel


@inlined
def new_group(scalars: Ints, groups: Ints, kind: int) -> int:
    """A group row with nothing in it; the caller fills and arms it."""
    slot: int = scalars[S_GROUP_FREE]
    if slot >= 0:
        scalars[S_GROUP_FREE] = groups[slot, G_FOLLOWING]
    else:
        slot = scalars[S_GROUP_USED]
        scalars[S_GROUP_USED] = slot + 1
    numbered = kind == GROUP_CALL or kind == GROUP_REGISTRATION
    for column in range(G_TAG_4 if numbered else G_OTHER_COLUMNS):  # of To tags as many are looked at as there are
        groups[slot, column] = 0
    groups[slot, G_KIND] = kind
    groups[slot, G_FIRST_TX] = -1
    groups[slot, G_LAST_TX] = -1
    scalars[S_GROUP_LIVE] += 1
    return slot


@kernel
def new_transaction(
    scalars: Ints,
    tx: Ints,
    numbers: Ints,
    spans: Spans,
    octets: Octets,
    arena: Octets,
    i: int,
    method: int,
    key_0: Key,
    key_1: Key,
) -> int:
    """A transaction row for message ``i``, numbered, of no group yet; texts go to the arena if they are kept."""
    slot: int = scalars[S_TX_FREE]
    if slot >= 0:
        scalars[S_TX_FREE] = tx[slot, T_NEXT]
    else:
        slot = scalars[S_TX_USED]
        scalars[S_TX_USED] = slot + 1
    for column in range(T_COLUMNS):
        tx[slot, column] = 0
    tx[slot, T_KEY_0] = key_0
    tx[slot, T_KEY_1] = key_1
    tx[slot, T_SEEN] = -1
    tx[slot, T_METHOD] = method
    tx[slot, T_NEXT] = -1
    scalars[S_TX_NO] += 1
    scalars[S_TX_LIVE] += 1
    tx[slot, T_NO] = scalars[S_TX_NO]
    tx[slot, T_CALL_SLOT] = -1
    tx[slot, T_CSEQ] = numbers[i, M_CSEQ]
    tx[slot, T_HOP] = numbers[i, M_VIA_COUNT] - 1
    tx[slot, T_TRANSPORT] = numbers[i, D_TRANSPORT]
    tx[slot, T_NETWORK] = numbers[i, D_NETWORK]
    tx[slot, T_CAPTURE_NO] = numbers[i, D_CAPTURE_NO]
    tx[slot, T_REQUEST_TS] = MISSING
    tx[slot, T_FIRST_RESPONSE_TS] = MISSING
    tx[slot, T_PROGRESS_TS] = MISSING
    tx[slot, T_FINAL_TS] = MISSING
    tx[slot, T_ACK_TS] = MISSING
    tx[slot, T_LAST_FINAL_TS] = MISSING
    tx[slot, T_CANCEL_TS] = MISSING
    tx[slot, T_CANCEL_Q850] = MISSING
    tx[slot, T_CANCEL_SIP] = MISSING
    tx[slot, T_REQUEST_CLOCK] = scalars[S_CLOCK]
    tx[slot, T_PROGRESS_CLOCK] = MISSING
    tx[slot, T_FINAL_CLOCK] = MISSING
    tx[slot, T_RESPONDER] = -1
    tx[slot, T_FINAL_Q850] = MISSING
    tx[slot, T_FINAL_SIP] = MISSING
    tx[slot, T_FINAL_LOCATION] = -1
    tx[slot, T_FINAL_ISUP] = MISSING
    tx[slot, T_FINAL_VENDOR_CAUSE] = MISSING
    tx[slot, T_PROGRESS_Q850] = MISSING
    tx[slot, T_ALERT_TS] = MISSING
    tx[slot, T_MEDIA_TS] = MISSING
    tx[slot, T_RETRY_AFTER] = MISSING
    tx[slot, T_AGENT] = -1
    tx[slot, T_FINAL_AGENT] = -1
    tx[slot, T_FINAL_PHRASE] = -1
    tx[slot, T_TEXT] = -1
    tx[slot, T_CALL_ID_LENGTH] = -1
    tx[slot, T_BRANCH_LENGTH] = -1
    if scalars[S_KEEP_TX] != 0:
        at = scalars[S_ARENA]
        tx[slot, T_TEXT] = at
        length = spans[i, S_CALL_ID, 1]
        tx[slot, T_CALL_ID_LENGTH] = length
        if length > 0:
            at = copy_octets(octets, spans[i, S_CALL_ID, 0], length, arena, at)
        length = spans[i, S_BRANCH, 1]
        tx[slot, T_BRANCH_LENGTH] = length
        if length > 0:
            at = copy_octets(octets, spans[i, S_BRANCH, 0], length, arena, at)
        scalars[S_ARENA] = at
    return slot


@inlined
def port_pair(numbers: Ints, i: int, is_request: bool) -> int:
    """Client port << 16 | server port: of a response the sender is the server."""
    source: int = numbers[i, D_SRC_PORT]
    target: int = numbers[i, D_DST_PORT]
    return (source << 16) | target if is_request else (target << 16) | source


@inlined
def add_to_group(groups: Ints, tx: Ints, group: int, slot: int) -> None:
    """Put a transaction at the end of its group's list."""
    tx[slot, T_GROUP] = group
    last = groups[group, G_LAST_TX]
    if last >= 0:
        tx[last, T_NEXT] = slot
    else:
        groups[group, G_FIRST_TX] = slot
    groups[group, G_LAST_TX] = slot
    groups[group, G_TX_COUNT] += 1


@inlined
def first_of_same(scalars: Ints, tx: Ints, seen: Ints, slot: int, same: Key, message_no: int) -> int:
    """message_no of the message that this one repeats; 0 if it is new (then it is remembered); -1 if it is new
    but the transaction has shown too many different messages to remember more.

    The first few stand in the transaction's row; few transactions have more.
    """
    first: int
    count = tx[slot, T_SEEN_COUNT]
    for k in range(min(count, MAX_SAME)):
        if tx[slot, T_SAME + 2 * k] == same:
            first = tx[slot, T_SAME + 2 * k + 1]
            return first
    if count < MAX_SAME:
        tx[slot, T_SAME + 2 * count] = same
        tx[slot, T_SAME + 2 * count + 1] = message_no
        tx[slot, T_SEEN_COUNT] = count + 1
        return 0
    entry = tx[slot, T_SEEN]
    while entry >= 0:
        if seen[entry, 0] == same:
            first = seen[entry, 1]
            return first
        entry = seen[entry, 2]
    if count >= MAX_SEEN:
        return -1
    entry = scalars[S_SEEN_FREE]
    if entry >= 0:
        scalars[S_SEEN_FREE] = seen[entry, 2]
    else:
        entry = scalars[S_SEEN_USED]
        scalars[S_SEEN_USED] = entry + 1
    seen[entry, 0] = same
    seen[entry, 1] = message_no
    seen[entry, 2] = tx[slot, T_SEEN]
    tx[slot, T_SEEN] = entry
    tx[slot, T_SEEN_COUNT] = count + 1
    return 0


@kernel
def forget_seen(scalars: Ints, tx: Ints, seen: Ints, slot: int) -> None:
    """Give the list of messages seen of a transaction back."""
    if tx[slot, T_SEEN_COUNT] <= MAX_SAME:
        return
    entry = tx[slot, T_SEEN]
    while entry >= 0:
        after = seen[entry, 2]
        seen[entry, 2] = scalars[S_SEEN_FREE]
        scalars[S_SEEN_FREE] = entry
        entry = after
    tx[slot, T_SEEN] = -1


@inlined
def must_grow(
    scalars: Ints,
    tx: Ints,
    groups: Ints,
    seen: Ints,
    endpoints: Ints,
    words: Ints,
    word_octets: Octets,
    arena: Octets,
    length: int,
) -> bool:
    """Whether something might not hold what a message of ``length`` octets brings: a row of each kind, its texts."""
    is_short: bool = (
        scalars[S_TX_LIVE] + 1 >= len(tx)
        or scalars[S_GROUP_LIVE] + 1 >= len(groups)
        or (scalars[S_SEEN_FREE] < 0 and scalars[S_SEEN_USED] >= len(seen))
        or scalars[S_ENDPOINTS] + 2 > len(endpoints)
        or (scalars[S_WORDS] + 3 > len(words) and scalars[S_WORDS] < MAX_WORDS)
        or scalars[S_WORD_OCTETS] + 2 * length > len(word_octets)
        or scalars[S_ARENA] + 3 * length + 64 > len(arena)
    )
    return is_short
