"""Keys of messages: hashes of the octets that tell transactions, calls and resends apart (`analyzer.hash_kernels`)."""

from __future__ import annotations

import numpy as np

from analyzer.batch import (
    ACK,
    D_DST_HI,
    D_DST_LO,
    D_DST_PORT,
    D_SRC_HI,
    D_SRC_LO,
    D_SRC_PORT,
    F_COOKIE,
    M_CSEQ,
    M_FLAGS,
    M_METHOD,
    M_RSEQ,
    M_STATUS,
    S_BRANCH,
    S_CALL_ID,
    S_FROM_TAG,
    S_SENT_BY,
    S_TO_TAG,
    Ints,
    Octets,
    Spans,
)
from analyzer.correlate.layout import K_CALL_0, K_CALL_1, K_FROM, K_SAME, K_TO, K_TX_0, K_TX_1
from analyzer.hash_kernels import Key, Words, hash_span, join
from analyzer.jit import inlined, kernel


@inlined
def without_default_port(octets: Octets, start: int, length: int) -> int:
    """The length of a sent-by without ``:5060``, which says what no port says (RFC 3261 §18.2.2)."""
    if length <= 5:
        return length
    end = start + length
    colon, five, zero, six = octets[end - 5], octets[end - 4], octets[end - 3], octets[end - 2]
    is_default = colon == 0x3A and five == 0x35 and zero == 0x30 and six == 0x36 and octets[end - 1] == 0x30
    return length - 5 if is_default else length


@kernel
def message_keys(octets: Octets, numbers: Ints, spans: Spans, seeds: Words, keys: Ints) -> None:
    """Fill ``keys`` (n × K_COLUMNS) for n messages.

    A message without Call-ID (a cut or broken one) is told by its addresses and its branch instead, the same in
    both directions. Without the RFC 3261 cookie the From tag joins the transaction's key (RFC 3261 §17.2.3).
    """
    for i in range(len(numbers)):
        branch_0, branch_1 = np.uint64(0), np.uint64(0)
        if spans[i, S_BRANCH, 1] >= 0:
            branch_0, branch_1 = hash_span(octets, spans[i, S_BRANCH, 0], spans[i, S_BRANCH, 1], seeds)
        if spans[i, S_CALL_ID, 1] >= 0:
            call_0, call_1 = hash_span(octets, spans[i, S_CALL_ID, 0], spans[i, S_CALL_ID, 1], seeds)
        else:
            source = join(
                join(np.uint64(numbers[i, D_SRC_HI]), np.uint64(numbers[i, D_SRC_LO]) ^ seeds[0]),
                np.uint64(numbers[i, D_SRC_PORT]),
            )
            target = join(
                join(np.uint64(numbers[i, D_DST_HI]), np.uint64(numbers[i, D_DST_LO]) ^ seeds[0]),
                np.uint64(numbers[i, D_DST_PORT]),
            )
            call_0 = join(source + target, branch_0)
            call_1 = join(source ^ target, branch_1)
        from_0 = np.uint64(0)
        if spans[i, S_FROM_TAG, 1] >= 0:
            from_0, _ = hash_span(octets, spans[i, S_FROM_TAG, 0], spans[i, S_FROM_TAG, 1], seeds)
            from_0 |= np.uint64(1)  # never 0: 0 means that there is no tag
        to_0 = np.uint64(0)
        if spans[i, S_TO_TAG, 1] >= 0:
            to_0, _ = hash_span(octets, spans[i, S_TO_TAG, 0], spans[i, S_TO_TAG, 1], seeds)
            to_0 |= np.uint64(1)
        sent_by = np.uint64(0)
        if spans[i, S_SENT_BY, 1] >= 0:
            start, length = spans[i, S_SENT_BY, 0], spans[i, S_SENT_BY, 1]
            sent_by, _ = hash_span(octets, start, without_default_port(octets, start, length), seeds)
        cseq = np.uint64(numbers[i, M_CSEQ])
        tx_0 = join(join(call_0 ^ branch_0, cseq), sent_by)
        tx_1 = join(join(call_1 + branch_1, cseq), sent_by)
        if numbers[i, M_FLAGS] & F_COOKIE == 0:
            tx_0 = join(tx_0, from_0)
            tx_1 = join(tx_1, from_0)
        kind = np.uint64(numbers[i, M_STATUS] * 4096 + numbers[i, M_METHOD])
        same = join(
            join(np.uint64(numbers[i, D_SRC_HI]) ^ seeds[1], np.uint64(numbers[i, D_SRC_LO])),
            join(np.uint64(numbers[i, D_DST_HI]), np.uint64(numbers[i, D_DST_LO])),
        )
        same = join(same, np.uint64(numbers[i, D_SRC_PORT] * 65536 + numbers[i, D_DST_PORT]))
        same = join(join(same, branch_0), join(kind, to_0))
        if numbers[i, M_RSEQ] > 0:  # a reliable provisional is told from the next one by its RSeq, RFC 3262 §3
            same = join(same, np.uint64(numbers[i, M_RSEQ]))
        keys[i, K_CALL_0] = np.int64(call_0)
        keys[i, K_CALL_1] = np.int64(call_1)
        keys[i, K_FROM] = np.int64(from_0)
        keys[i, K_TO] = np.int64(to_0)
        keys[i, K_TX_0] = np.int64(tx_0)
        keys[i, K_TX_1] = np.int64(tx_1)
        keys[i, K_SAME] = np.int64(same)


@inlined
def with_method(key: Key, method: int) -> Key:
    """The key of a transaction: the ACK to a non-2xx shares its INVITE's (RFC 3261 §17.1.3)."""
    number = np.uint64(1) if method == ACK else np.uint64(method)
    return np.int64(join(np.uint64(key), number))


@inlined
def with_number(key: Key, number: int) -> Key:
    """A key joined with one more number (network, From tag)."""
    return np.int64(join(np.uint64(key), np.uint64(number)))
