"""What an ended call came to, as far as its transactions alone tell: no code or cause is judged here.

The deciding transaction is the best one at the lowest hop of the last attempt. The originator of a failure is found
by going down the hops that were seen: the source of the final at the deepest of them, or the element that
never answered.
"""

from __future__ import annotations

from analyzer.batch import MISSING, Ints
from analyzer.correlate.layout import (
    G_ATTEMPTS,
    G_HOP,
    G_KIND,
    G_TX_COUNT,
    GROUP_CALL,
    NO_REPLY,
    OFF_FORKS,
    OUT_FIRST_TX,
    RINGING,
    T_ALERT_TS,
    T_ATTEMPT,
    T_CLIENT,
    T_FINAL_LOCATION,
    T_FINAL_TS,
    T_FLAGS,
    T_HOP,
    T_MEDIA_TS,
    T_PROGRESS_CLOCK,
    T_PROGRESS_TS,
    T_REQUEST_CLOCK,
    T_RESPONDER,
    T_SERVER,
    T_STATUS,
    TF_CANCELLED,
    TF_LATE,
    TF_PROGRESS,
    TF_RESPONSE,
    TF_RINGING,
)
from analyzer.correlate.response_kernels import outranks, rank
from analyzer.jit import inlined, kernel

# Summary rows (C_*), one per call.
C_GROUP = 0  # its row among the groups handed out
C_FIRST = 1  # the first INVITE at the lowest hop (transaction handed out)
C_DECIDING = 2  # the transaction that decides
C_STATUS = 3  # its final status code, 0 = none
C_TIMER = 4  # clock at which the last INVITE without a final of that hop times out; MISSING = none waits
C_FLAGS = 5  # CF_*
C_PROGRESS_TS = 6  # first 101-199 at the lowest hop
C_ORIGINATOR = 7  # endpoint that originated the final, or never answered; -1
C_SEEN = 8  # 1 = grade `seen`
C_RELAY_0 = 9  # endpoints that only passed it on, -1 = none
C_RELAYS = 4
C_ALERT_TS = 13  # first 180 or 18x with SDP, and first 18x with SDP, at the lowest hop; MISSING
C_MEDIA_TS = 14
C_ORIGIN_STATUS = 15  # final of the originator, 0 = it kept silent
C_COLUMNS = 16

CF_RINGING = 1  # any of 180-183 in the last attempt, before its final
CF_RESPONSE = 2  # any response was seen at the lowest hop of the last attempt
CF_PROGRESS = 4  # any of 101-199 there


@inlined
def has_final(row: Ints) -> bool:
    """Whether a transaction has a final that counts."""
    counts: bool = row[T_STATUS] > 0 and row[T_FLAGS] & TF_LATE == 0
    return counts


@inlined
def deciding(tx: Ints, first: int, end: int, attempt: int, hop: int, off: int) -> int:
    """The best final at a hop of an attempt; without one the first INVITE there, a cancelled one before others."""
    best = -1
    for t in range(first, end):
        if tx[t, T_ATTEMPT] != attempt or tx[t, T_HOP] != hop:
            continue
        if best < 0:
            best = t
        elif has_final(tx[t]):
            later = off & OFF_FORKS == 0 or tx[t, T_FINAL_TS] > tx[best, T_FINAL_TS]
            if not has_final(tx[best]) or (later and outranks(tx[t, T_STATUS], tx[best, T_STATUS], off)):
                best = t
        elif not has_final(tx[best]) and tx[t, T_FLAGS] & TF_CANCELLED and tx[best, T_FLAGS] & TF_CANCELLED == 0:
            best = t
    return best


@inlined
def remoteness(received: int, sent: int) -> int:
    """How little a code that a proxy received has to do with the one that it sent: the same; 503, for which it sends
    500; else the better one the less (RFC 3261 §16.7)."""
    if received == sent:
        return 0
    if received == 503 and sent == 500:
        return 1
    return 2 + rank(received)


@kernel
def originator(tx: Ints, first: int, end: int, attempt: int, hop: int, decided: int, out: Ints) -> None:
    """Fill C_ORIGINATOR, C_SEEN and the relays of a call that was not answered."""
    status = tx[decided, T_STATUS] if has_final(tx[decided]) else 0
    origin = -1
    endpoint = -1
    if status == 0 or status == 408 or status == 504:
        # Nobody answered: the deepest INVITE that stayed without a final.
        for t in range(first, end):
            if tx[t, T_ATTEMPT] != attempt or has_final(tx[t]):
                continue
            if (tx[t, T_HOP] > hop or status == 0) and (origin < 0 or tx[t, T_HOP] > tx[origin, T_HOP]):
                origin = t
        if origin >= 0:
            endpoint = tx[origin, T_SERVER]
    unanswered = origin >= 0
    if origin < 0:
        origin = decided
        for t in range(first, end):
            row = tx[t]
            if row[T_ATTEMPT] != attempt or row[T_HOP] <= hop or not has_final(row) or row[T_STATUS] < 300:
                continue
            if row[T_HOP] > tx[origin, T_HOP]:
                origin = t
            elif row[T_HOP] == tx[origin, T_HOP] and origin != decided:
                so_far = remoteness(tx[origin, T_STATUS], status)
                origin = t if remoteness(row[T_STATUS], status) < so_far else origin
        endpoint = tx[origin, T_RESPONDER]
    seen = 0
    if not unanswered:
        if tx[origin, T_FINAL_LOCATION] >= 0:
            seen = 1
        for t in range(first, end):
            row = tx[t]
            sent_on = row[T_ATTEMPT] == attempt and row[T_CLIENT] == endpoint and row[T_HOP] > tx[origin, T_HOP]
            if sent_on and row[T_FLAGS] & TF_RESPONSE == 0:
                seen = 1
    out[C_ORIGINATOR] = endpoint
    out[C_ORIGIN_STATUS] = 0 if unanswered else tx[origin, T_STATUS]
    out[C_SEEN] = seen
    relays = 0
    for t in range(first, end):
        row = tx[t]
        if row[T_ATTEMPT] != attempt or not has_final(row) or row[T_STATUS] < 300 or row[T_HOP] >= tx[origin, T_HOP]:
            continue
        passed_on = row[T_RESPONDER]
        known = passed_on == endpoint
        for k in range(relays):
            if out[C_RELAY_0 + k] == passed_on:
                known = True
        if not known and relays < C_RELAYS:
            out[C_RELAY_0 + relays] = passed_on
            relays += 1


@inlined
def earlier(so_far: int, ts: int) -> int:
    """The earlier of two times, either of which may be missing."""
    if so_far == MISSING or (ts != MISSING and ts < so_far):
        return ts
    return so_far


@kernel
def summarise(groups: Ints, tx: Ints, out: Ints, off: int) -> int:
    """Fill ``out`` (n × C_COLUMNS) for the calls among the groups handed out; returns how many there are."""
    count = 0
    for g in range(len(groups)):
        if groups[g, G_KIND] != GROUP_CALL:
            continue
        row = out[count]
        first = groups[g, OUT_FIRST_TX]
        end = first + groups[g, G_TX_COUNT]
        attempt = groups[g, G_ATTEMPTS]
        hop = groups[g, G_HOP]
        decided = deciding(tx, first, end, attempt, hop, off)
        if decided < 0:  # its attempts outgrew what is kept of one call
            decided = first
        lowest = first
        for t in range(first, end):
            if tx[t, T_HOP] < tx[lowest, T_HOP]:
                lowest = t
        row[C_GROUP] = g
        row[C_FIRST] = lowest
        row[C_DECIDING] = decided
        row[C_STATUS] = tx[decided, T_STATUS] if has_final(tx[decided]) else 0
        flags = 0
        timer = MISSING
        progress = MISSING
        alert = MISSING
        media = MISSING
        for t in range(first, end):
            if tx[t, T_ATTEMPT] == attempt:
                if tx[t, T_FLAGS] & TF_RINGING:
                    flags |= CF_RINGING
                if tx[t, T_HOP] == hop:
                    if tx[t, T_FLAGS] & TF_RESPONSE:
                        flags |= CF_RESPONSE
                    if tx[t, T_FLAGS] & TF_PROGRESS:
                        flags |= CF_PROGRESS
                if tx[t, T_HOP] == hop and not has_final(tx[t]):
                    due = tx[t, T_REQUEST_CLOCK] + NO_REPLY
                    if tx[t, T_FLAGS] & TF_RESPONSE:
                        due = max(tx[t, T_REQUEST_CLOCK], tx[t, T_PROGRESS_CLOCK]) + RINGING
                    timer = max(timer, due)
            if tx[t, T_HOP] == tx[lowest, T_HOP]:
                progress = earlier(progress, tx[t, T_PROGRESS_TS])
                alert = earlier(alert, tx[t, T_ALERT_TS])
                media = earlier(media, tx[t, T_MEDIA_TS])
        row[C_FLAGS] = flags
        row[C_TIMER] = timer
        row[C_PROGRESS_TS] = progress
        for k in range(C_ORIGINATOR, C_RELAY_0 + C_RELAYS):
            row[k] = -1
        row[C_SEEN] = 0
        row[C_ORIGIN_STATUS] = 0
        row[C_ALERT_TS] = alert
        row[C_MEDIA_TS] = media
        if row[C_STATUS] < 200 or row[C_STATUS] >= 300:
            originator(tx, first, end, attempt, hop, decided, row)
        count += 1
    return count
