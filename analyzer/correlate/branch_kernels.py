"""What each INVITE transaction was for its call, and what elements on the way made of the codes that they received."""

from __future__ import annotations

from analyzer.batch import Ints
from analyzer.correlate.layout import (
    G_ATTEMPTS,
    G_HOP,
    G_TX_COUNT,
    OUT_FIRST_TX,
    T_ATTEMPT,
    T_CLIENT,
    T_FINAL_TS,
    T_FLAGS,
    T_HOP,
    T_REQUEST_TS,
    T_RESPONDER,
    T_SERVER,
    T_STATUS,
    TF_CANCELLED,
)
from analyzer.correlate.response_kernels import rank
from analyzer.correlate.summary_kernels import C_DECIDING, C_GROUP, has_final
from analyzer.jit import inlined, kernel

# Rows of `branch_fates` (B_*).
B_TX = 0  # transaction handed out
B_FATE = 1  # position in vocab.BranchFate (tests compare them)
B_ADVANCED = 2  # 1 = refused with 5xx, then the same client asked another server
B_COLUMNS = 3
DECIDED, RELAYED, OUTRANKED, CANCELLED, STEP, UNANSWERED = range(6)

# Rows of `translations` (X_*).
X_ELEMENT = 0  # endpoint that received one code and sent another
X_RECEIVED = 1  # 0 = none came
X_SENT = 2
X_TX = 3  # transaction handed out that carried the code it sent
X_COLUMNS = 4

REQUEST_TERMINATED = 487


@inlined
def best_there(tx: Ints, first: int, end: int, t: int) -> bool:
    """Whether no other transaction of that attempt and hop has a better final, or as good a one and came first."""
    for u in range(first, end):
        other = tx[u, T_ATTEMPT] == tx[t, T_ATTEMPT] and tx[u, T_HOP] == tx[t, T_HOP] and u != t
        if other and has_final(tx[u]) and not 300 <= tx[u, T_STATUS] < 400:
            ours, theirs = rank(tx[t, T_STATUS]), rank(tx[u, T_STATUS])
            if theirs < ours or (theirs == ours and u < t):
                return False
    return True


@inlined
def went_on(tx: Ints, first: int, end: int, t: int) -> bool:
    """Whether a 5xx made the client try another server."""
    if not 500 <= tx[t, T_STATUS] < 600:
        return False
    for u in range(first, end):
        later = tx[u, T_REQUEST_TS] >= tx[t, T_FINAL_TS] and u != t
        if later and tx[u, T_CLIENT] == tx[t, T_CLIENT] and tx[u, T_SERVER] != tx[t, T_SERVER]:
            return True
    return False


@inlined
def fate_of(tx: Ints, first: int, end: int, t: int, decided: int, attempt: int, hop: int) -> int:
    """What one transaction was for its call."""
    if t == decided:
        return DECIDED
    final = has_final(tx[t])
    cancelled = tx[t, T_FLAGS] & TF_CANCELLED != 0
    if cancelled and (not final or tx[t, T_STATUS] == REQUEST_TERMINATED):
        return CANCELLED
    if not final:
        return UNANSWERED
    followed = 300 <= tx[t, T_STATUS] < 400 and not 300 <= tx[decided, T_STATUS] < 400
    if tx[t, T_ATTEMPT] != attempt or followed:
        return STEP
    if tx[t, T_HOP] == hop or not best_there(tx, first, end, t):
        return OUTRANKED
    return RELAYED


@kernel
def branch_fates(groups: Ints, tx: Ints, summary: Ints, out: Ints) -> int:
    """Fill ``out`` (n × B_COLUMNS, room for all of ``tx``) for calls of several transactions; returns how many."""
    count = 0
    for c in range(len(summary)):
        g = summary[c, C_GROUP]
        first = groups[g, OUT_FIRST_TX]
        end = first + groups[g, G_TX_COUNT]
        if end - first < 2:
            continue
        for t in range(first, end):
            out[count, B_TX] = t
            out[count, B_FATE] = fate_of(
                tx, first, end, t, summary[c, C_DECIDING], groups[g, G_ATTEMPTS], groups[g, G_HOP]
            )
            out[count, B_ADVANCED] = 1 if has_final(tx[t]) and went_on(tx, first, end, t) else 0
            count += 1
    return count


@kernel
def translations(groups: Ints, tx: Ints, summary: Ints, out: Ints) -> int:
    """Fill ``out`` (n × X_COLUMNS, room for all of ``tx``): who sent another code than it received; returns how many.

    An element is the server of one transaction and the client of those one hop further. Of several codes that it
    received it may send any (RFC 3261 §16.7): only one that it did not receive is its own.
    """
    count = 0
    for c in range(len(summary)):
        g = summary[c, C_GROUP]
        first = groups[g, OUT_FIRST_TX]
        end = first + groups[g, G_TX_COUNT]
        for t in range(first, end):
            if end - first < 2 or not has_final(tx[t]) or tx[t, T_STATUS] < 300:
                continue
            element = tx[t, T_RESPONDER]
            asked = False
            passed_on = False
            received = 0
            for u in range(first, end):
                behind = tx[u, T_CLIENT] == element and tx[u, T_HOP] == tx[t, T_HOP] + 1
                if not behind or tx[u, T_ATTEMPT] != tx[t, T_ATTEMPT]:
                    continue
                asked = True
                if has_final(tx[u]):
                    status = tx[u, T_STATUS]
                    passed_on = passed_on or status == tx[t, T_STATUS]
                    if received == 0 or rank(status) < rank(received):
                        received = status
            if asked and not passed_on:
                out[count, X_ELEMENT] = element
                out[count, X_RECEIVED] = received
                out[count, X_SENT] = tx[t, T_STATUS]
                out[count, X_TX] = t
                count += 1
    return count
