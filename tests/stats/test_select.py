"""Choosing calls."""

from __future__ import annotations

from typing import Any

import pytest

from analyzer.stats.select import Choice, chosen, digits, user_of
from analyzer.vocab import Outcome
from tests.stats.made import SECOND, START, calls

ROWS: list[dict[str, Any]] = [
    {"status_code": 200},
    {"outcome": "busy", "status_code": 486, "cause": 17},
    {
        "outcome": "failed",
        "status_code": 503,
        "cause": 34,
        "failed_by_ip": "198.51.100.7",
        "relayed_by": "192.0.2.8 192.0.2.7",
    },
    {"outcome": "timed_out", "callee_ip": "203.0.113.5", "to_uri": "tel:+49-30-123;phone-context=x"},
    {"outcome": "redirected", "status_code": 302, "from_uri": "sip:0031612345678@192.0.2.1"},
]


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (Choice(), [0, 1, 2, 3, 4]),
        (Choice(is_unsuccessful=True), [1, 2, 3]),
        (Choice(outcomes=(Outcome.BUSY, Outcome.FAILED)), [1, 2]),
        (Choice(statuses=((500, 599),)), [2]),
        (Choice(statuses=((486, 486), None)), [1, 3]),
        (Choice(causes=(34,)), [2]),
        (Choice(causes=(None,)), [0, 3, 4]),
        (Choice(endpoints=("203.0.113.5",)), [3]),
        (Choice(endpoints=("198.51.100.7",)), [2]),
        (Choice(endpoints=("192.0.2.7",)), [2]),
        (Choice(endpoints=("192.0.2.70",)), []),
        (Choice(numbers=("4930",)), [3]),
        (Choice(numbers=("+31612",)), [4]),
        (Choice(numbers=("00 31 612",)), [4]),
        (Choice(since=START + 2 * SECOND, until=START + 4 * SECOND), [1, 2]),
        (Choice(is_unsuccessful=True, causes=(17,), endpoints=("192.0.2.9",)), [1]),
    ],
)
@pytest.mark.parametrize("texts", [True, False])
def test_what_is_asked_for_must_all_fit(choice: Choice, expected: list[int], texts: bool) -> None:
    assert chosen(calls(*ROWS, texts=texts), choice).tolist() == expected


@pytest.mark.parametrize(
    ("uri", "user"),
    [
        ("sip:alice@example.com", "alice"),
        ("SIPS:+31201234567;isub=1@[2001:db8::1]:5061;transport=tcp", "+31201234567"),
        ("sip:bob:secret@example.com", "bob"),
        ("tel:+31-20-1234567;ext=5", "+31-20-1234567"),
        ("sip:pbx.example.com", "sip:pbx.example.com"),
        ("urn:service:sos", "urn:service:sos"),
        ("", ""),
        (None, ""),
    ],
)
def test_user_part_of_a_uri(uri: str | None, user: str) -> None:
    assert user_of(uri) == user


def test_plus_and_double_zero_are_alike() -> None:
    assert digits("+31 (20) 123-45.67") == digits("0031201234567") == "31201234567"
