"""Keys of messages: hashes of the octets that tell transactions, calls and resends apart.

The octets are strangers': the hashes are keyed with a seed that nobody outside the process knows, and 128 bits
wide, so that two calls are never merged by a collision, neither by chance nor on purpose. Results do not
depend on the seed.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

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
from analyzer.jit import inlined, kernel

Word: TypeAlias = np.uint64
Words: TypeAlias = NDArray[np.uint64]
Key: TypeAlias = np.int64  # a Word as it is stored

# Odd constants with well-spread bits: the golden ratio and the multipliers of splitmix64 (Steele et al. 2014).
GOLDEN = np.uint64(0x9E3779B97F4A7C15)
MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
MIX_2 = np.uint64(0x94D049BB133111EB)
_8, _16, _24, _27, _29, _30, _31, _32, _33, _37, _40, _48, _56 = (
    np.uint64(n) for n in (8, 16, 24, 27, 29, 30, 31, 32, 33, 37, 40, 48, 56)
)
_1, _2, _3, _4, _5, _6, _7 = (np.uint64(n) for n in range(1, 8))


@inlined
def scramble(x: Word) -> Word:
    """splitmix64's finaliser: every bit of the argument changes about half of the result's."""
    x = (x ^ (x >> _30)) * MIX_1
    x = (x ^ (x >> _27)) * MIX_2
    return x ^ (x >> _31)


@inlined
def hash_span(octets: Octets, start: int, length: int, seeds: Words) -> tuple[Word, Word]:
    """Two lanes of 64 bits over ``octets[start : start + length]``; ``seeds`` are three secret uint64, the last odd.

    The lanes fold differently (xor-multiply, add-rotate with a secret multiplier), so that a difference that
    cancels in one does not cancel in the other.
    """
    one = seeds[0] ^ (np.uint64(length) * GOLDEN)
    two = seeds[1] + np.uint64(length)
    secret = seeds[2]
    at = np.uint64(start)
    end = np.uint64(start + length)
    while at + _8 <= end:
        word = (
            np.uint64(octets[at])
            | (np.uint64(octets[at + _1]) << _8)
            | (np.uint64(octets[at + _2]) << _16)
            | (np.uint64(octets[at + _3]) << _24)
            | (np.uint64(octets[at + _4]) << _32)
            | (np.uint64(octets[at + _5]) << _40)
            | (np.uint64(octets[at + _6]) << _48)
            | (np.uint64(octets[at + _7]) << _56)
        )
        one = (one ^ word) * MIX_1
        one ^= one >> _29
        two += word * secret
        two = ((two << _31) | (two >> _33)) * MIX_2
        at += _8
    if at < end:
        word = np.uint64(0)
        shift = np.uint64(0)
        while at < end:
            word |= np.uint64(octets[at]) << shift
            shift += _8
            at += _1
        one = (one ^ word) * MIX_1
        one ^= one >> _29
        two += word * secret
        two = ((two << _31) | (two >> _33)) * MIX_2
    return scramble(one), scramble(two ^ one)


@inlined
def join(a: Word, b: Word) -> Word:
    """One 64-bit key of two, order matters."""
    return scramble((a * GOLDEN) ^ ((b << _27) | (b >> _37)) ^ MIX_2)


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
            from_0 |= _1  # never 0: 0 means that there is no tag
        to_0 = np.uint64(0)
        if spans[i, S_TO_TAG, 1] >= 0:
            to_0, _ = hash_span(octets, spans[i, S_TO_TAG, 0], spans[i, S_TO_TAG, 1], seeds)
            to_0 |= _1
        sent_by = np.uint64(0)
        if spans[i, S_SENT_BY, 1] >= 0:
            sent_by, _ = hash_span(octets, spans[i, S_SENT_BY, 0], spans[i, S_SENT_BY, 1], seeds)
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
