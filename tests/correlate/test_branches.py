"""Branches, codes that change on the way, Retry-After. docs/counting.md, "Branches"."""

from __future__ import annotations

from typing import Any

from analyzer.correlate import branch_kernels
from analyzer.correlate.branches import Translation
from analyzer.vocab import BranchFate, names
from tests.flow import play

PROXY, PHONE, OTHER = "198.51.100.1", "203.0.113.20", "203.0.113.30"
PEOPLE = f"alice = 192.0.2.10\nproxy = {PROXY}\nphone = {PHONE}\nother = {OTHER}\n"
FORK = (
    PEOPLE
    + """
alice -> proxy INVITE
alice <- proxy 100
proxy -> phone INVITE
proxy -> other INVITE
"""
)


def branches(text: str, **options: Any) -> list[tuple[str, int | None, str, bool]]:
    rows = play(text, **options).result.columns("branches").rows()
    return [(row["server_ip"], row["status_code"], row["fate"], row["advanced"]) for row in rows]


def test_fates_are_numbered_as_the_vocabulary() -> None:
    assert [getattr(branch_kernels, name.upper()) for name in names(BranchFate)] == list(range(6))


def test_a_call_on_one_hop_has_no_branches() -> None:
    assert branches("alice -> bob INVITE\nalice <- bob 486\n") == []


def test_the_busy_phone_is_outranked_by_the_one_that_answers() -> None:
    text = (
        FORK
        + "proxy <- phone 486\nproxy -> phone ACK\nproxy <- other 200 +2s\nalice <- proxy 200\nalice -> proxy ACK\n"
    )
    assert branches(text) == [
        (PROXY, 200, "decided", False),
        (PHONE, 486, "outranked", False),
        (OTHER, 200, "relayed", False),
    ]


def test_the_branch_that_was_cancelled_failed_nobody() -> None:
    text = (
        FORK
        + """
    proxy <- other 200 +2s
    alice <- proxy 200
    proxy -> phone CANCEL
    proxy <- phone 200
    proxy <- phone 487 for=INVITE
    proxy -> phone ACK
    """
    )
    assert [fate for _, _, fate, _ in branches(text)] == ["decided", "cancelled", "relayed"]


def test_a_route_that_is_advanced() -> None:
    text = (
        PEOPLE
        + """
    alice -> proxy INVITE
    proxy -> phone INVITE
    proxy <- phone 503 +1s
    proxy -> phone ACK
    proxy -> other INVITE
    proxy <- other 200 +2s
    alice <- proxy 200
    """
    )
    assert branches(text) == [
        (PROXY, 200, "decided", False),
        (PHONE, 503, "outranked", True),
        (OTHER, 200, "relayed", False),
    ]


def test_the_same_server_again_is_no_other_route() -> None:
    text = """
    alice -> bob INVITE
    alice <- bob 503 retry_after=2
    alice -> bob ACK
    alice -> bob INVITE +2s
    alice <- bob 200
    """
    assert [(fate, advanced) for _, _, fate, advanced in branches(text)] == [("step", False), ("decided", False)]


def changed(text: str) -> dict[Translation, int]:
    found: dict[Translation, list[int]] = play(text).result.translations
    return {which: len(calls) for which, calls in found.items()}


IN_AND_OUT = PEOPLE + "alice -> proxy INVITE\nproxy -> phone INVITE\n"


def test_an_element_that_makes_one_code_of_another() -> None:
    text = IN_AND_OUT + "proxy <- phone 404\nproxy -> phone ACK\nalice <- proxy 500\nalice -> proxy ACK\n"
    assert changed(text) == {Translation(PROXY, None, 404, 500): 1}


def test_silence_that_becomes_a_408() -> None:
    assert changed(IN_AND_OUT + "alice <- proxy 408 +6s\n") == {Translation(PROXY, None, None, 408): 1}


def test_of_several_codes_any_may_be_passed_on() -> None:
    text = FORK + "proxy <- phone 486\nproxy <- other 404\nalice <- proxy 404\n"
    assert changed(text) == {}


def test_retry_after_of_every_503() -> None:
    text = (
        PEOPLE
        + """
    alice -> phone INVITE
    alice <- phone 503 retry_after=10
    call second
    alice -> phone INVITE +4s
    alice <- phone 503 retry_after=99999999999
    call third
    alice -> phone INVITE +40s
    alice <- phone 200
    call fourth
    alice -> other INVITE
    alice <- other 200
    """
    )
    rows = list(play(text).result.columns("blocks").rows())
    assert [(row["ip"], row["calls"]) for row in rows] == [(PHONE, 1), (PHONE, 1)]
    assert [row["until_ts"] - row["from_ts"] for row in rows] == [10 * 10**9, 86_400 * 10**9]
