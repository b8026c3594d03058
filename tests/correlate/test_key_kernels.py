"""Keys of messages: what is different gets different keys, whatever the seed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from analyzer import batch as b
from analyzer import hash_kernels
from analyzer.correlate import key_kernels
from analyzer.correlate.key_kernels import message_keys, with_method, with_number
from analyzer.correlate.layout import K_CALL_0, K_CALL_1, K_COLUMNS, K_FROM, K_SAME, K_TO, K_TX_0, K_TX_1
from analyzer.hash_kernels import hash_span
from tests.correlate.made import Sent, batch_of, in_order, invite, refused, request, response, sip

SEEDS = np.array([0x1234, 0x5678, 0x9ABD], dtype=np.uint64)
OTHER_SEEDS = np.array([0x4321, 0x8765, 0xDBA9], dtype=np.uint64)


def keys_of(*sent: Sent, seeds: Any = SEEDS, kernel: Any = message_keys) -> Any:
    batch = batch_of(sent, b.MethodNames())
    keys = np.empty((len(sent), K_COLUMNS), dtype=np.int64)
    kernel(batch.octets, batch.numbers, batch.spans, seeds, keys)
    return keys


def spans(texts: list[bytes], seeds: Any = SEEDS) -> list[tuple[int, int]]:
    octets = np.frombuffer(b"".join(texts) + bytes(16), dtype=np.uint8)
    at, found = 0, []
    for text in texts:
        found.append(hash_span(octets, at, len(text), seeds))
        at += len(text)
    return found


def test_either_lane_tells_thousands_of_texts_apart() -> None:
    texts = [b"%d@example.com" % number for number in range(20_000)]
    texts += [bytes(length) for length in range(40)] + [b"a" * length for length in range(1, 40)]
    texts += [b"a" + bytes(length) for length in range(1, 40)]  # what would be equal if padding were not told
    found = spans(texts)
    assert len({one for one, _ in found}) == len(texts)
    assert len({two for _, two in found}) == len(texts)


def test_one_bit_changes_about_half_of_each_lane() -> None:
    text = bytes(range(32))
    one, two = spans([text])[0]
    changed = []
    for bit in range(8 * len(text)):
        octets = bytearray(text)
        octets[bit // 8] ^= 1 << bit % 8
        other_one, other_two = spans([bytes(octets)])[0]
        changed.append(((one ^ other_one).bit_count(), (two ^ other_two).bit_count()))
    for lane in zip(*changed, strict=True):
        assert min(lane) > 10
        assert 30 < sum(lane) / len(lane) < 34


def test_where_a_text_stands_does_not_matter() -> None:
    text = b"z9hG4bK-a-branch-of-32-octets-it"
    for before in range(9):
        octets = np.frombuffer(b"x" * before + text + b"y" * 9, dtype=np.uint8)
        assert hash_span(octets, before, len(text), SEEDS) == spans([text])[0]


def test_the_seed_changes_every_key_but_not_which_are_equal() -> None:
    sent = in_order(refused(0, "a"), refused(0.5, "b"), refused(1, "a"))
    one, two = keys_of(*sent), keys_of(*sent, seeds=OTHER_SEEDS)
    assert not (one[one != 0] == two[one != 0]).any()
    for column in range(K_COLUMNS):
        assert (
            np.unique(one[:, column], return_inverse=True)[1].max()
            == np.unique(two[:, column], return_inverse=True)[1].max()
        )
        assert ((one[:, None, column] == one[:, column]) == (two[:, None, column] == two[:, column])).all()


@pytest.mark.parametrize(
    ("other", "columns"),
    [
        (invite(0, "b", branch="z9hG4bKa1INVITE"), {K_CALL_0, K_CALL_1, K_FROM, K_TX_0, K_TX_1}),
        (invite(0, "a", branch="z9hG4bKother"), {K_TX_0, K_TX_1, K_SAME}),
        (invite(0, "a", cseq=2, branch="z9hG4bKa1INVITE"), {K_TX_0, K_TX_1}),
        (invite(0, "a", source=3), {K_SAME}),
        (response(0, "a", 180), {K_TO, K_SAME}),
    ],
    ids=["call-id", "branch", "cseq", "sender", "response"],
)
def test_what_differs_in_a_message_differs_in_its_keys(other: Sent, columns: set[int]) -> None:
    one, two = keys_of(invite(0, "a"), other)
    assert set(np.flatnonzero(one != two).tolist()) == columns


def test_responses_differ_by_code_and_to_tag() -> None:
    sent = [response(0, "a", 180), response(1, "a", 183), response(2, "a", 180, "1 INVITE", "u"), response(3, "a", 180)]
    same = keys_of(*sent)[:, K_SAME].tolist()
    assert len(set(same)) == 3
    assert same[0] == same[3]


def test_reliable_provisionals_differ_by_rseq() -> None:
    sent = [response(0, "a", 183, "1 INVITE", "t", f"RSeq: {number}") for number in (1, 2, 1)]
    one, two, again = keys_of(*sent)[:, K_SAME].tolist()
    assert one == again != two


def test_without_the_cookie_the_from_tag_joins_the_transaction() -> None:
    def old(tag: str, branch: str) -> Sent:
        octets = sip("INVITE sip:b@example.com SIP/2.0", "a", branch=branch).replace(b";tag=fa", f";tag={tag}".encode())
        return Sent(0, 1, 2, octets)

    one, two, with_cookie, and_another = keys_of(
        old("x", "1"), old("y", "1"), old("x", "z9hG4bK1"), old("y", "z9hG4bK1")
    )
    assert one[K_TX_0] != two[K_TX_0]
    assert one[K_TX_1] != two[K_TX_1]
    assert with_cookie[K_TX_0] == and_another[K_TX_0]


def test_a_message_without_call_id_is_told_by_its_addresses_in_either_direction() -> None:
    def bare(start: str, source: int, target: int) -> Sent:
        octets = b"\r\n".join(line for line in sip(start, "a").split(b"\r\n") if not line.startswith(b"Call-ID"))
        return Sent(0, source, target, octets)

    asked, answer, elsewhere = keys_of(
        bare("INVITE sip:b@example.com SIP/2.0", 1, 2), bare("SIP/2.0 486 Busy", 2, 1),
        bare("INVITE sip:b@example.com SIP/2.0", 1, 3),
    )  # fmt: skip
    columns = [K_CALL_0, K_CALL_1, K_TX_0, K_TX_1]
    assert (asked[columns] == answer[columns]).all()
    assert (asked[columns] != elsewhere[columns]).all()


def test_no_tag_is_zero_and_a_tag_never() -> None:
    without, with_tag = keys_of(invite(0, "a"), request(0, "a", "BYE", 2))
    assert without[K_TO] == 0
    assert with_tag[K_TO] != 0
    assert with_tag[K_FROM] & 1


def test_ack_and_invite_share_their_transaction_and_others_do_not() -> None:
    key = np.int64(-77)
    assert with_method(key, b.ACK) == with_method(key, b.INVITE)
    others = {with_method(key, method) for method in range(b.METHOD_UNLISTED + 1) if method != b.ACK}
    assert len(others) == b.METHOD_UNLISTED
    assert with_number(key, -(2**63)) != with_number(key, 5)


def test_plain_python_makes_the_same_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = in_order(refused(0, "a"), refused(1, "a-longer-call-id@example.com"))
    compiled = keys_of(*sent)
    for name in ("hash_span", "join"):
        monkeypatch.setattr(key_kernels, name, getattr(hash_kernels, name).py_func)
    monkeypatch.setattr(hash_kernels, "scramble", hash_kernels.scramble.py_func)
    with np.errstate(over="ignore"):
        assert (keys_of(*sent, kernel=message_keys.py_func) == compiled).all()
