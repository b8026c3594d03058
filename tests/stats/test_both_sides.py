"""Endpoints in the middle of calls."""

from __future__ import annotations

from typing import Any

from analyzer.stats.both_sides import both_sides
from tests.stats.made import calls


def leg(caller: str, callee: str) -> dict[str, Any]:
    return {"caller_ip": caller, "callee_ip": callee}


def test_a_b2bua_is_sent_calls_and_makes_calls_to_others() -> None:
    assert both_sides(calls(leg("192.0.2.1", "192.0.2.5"), leg("192.0.2.5", "198.51.100.7"))) == [("192.0.2.5", 2)]


def test_two_parties_that_call_each_other_are_no_b2bua() -> None:
    assert both_sides(calls(leg("192.0.2.5", "198.51.100.7"), leg("198.51.100.7", "192.0.2.5"))) == []


def test_an_address_that_calls_itself_is_no_b2bua() -> None:
    assert both_sides(calls(leg("127.0.0.1", "127.0.0.1"))) == []


def test_the_busiest_stands_first() -> None:
    legs = [leg("192.0.2.1", "192.0.2.5"), leg("192.0.2.5", "192.0.2.6"), leg("192.0.2.6", "192.0.2.7")]
    assert both_sides(calls(*legs, legs[2])) == [("192.0.2.6", 3), ("192.0.2.5", 2)]
