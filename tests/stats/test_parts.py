"""Break-downs: which part a call belongs to, how parts are ranked, and that they are bounded."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from analyzer.batch import labels_of
from analyzer.registry import load_registry
from analyzer.schema import CallRow, RegistrationRow
from analyzer.stats.parts import (
    DIMENSIONS,
    GROUPS,
    NONE,
    OF_REGISTRATIONS,
    OTHER,
    Settings,
    bounded,
    busiest,
    domain,
    named,
    number_prefix,
    ranks,
)
from analyzer.stats.population import Population
from tests.stats.made import SECOND, MadeConfig, calls, empty, table

REGISTRY = load_registry()
Row = Mapping[str, Any]


def settings(**given: Any) -> Settings:
    config: Any = given.pop("config", MadeConfig())
    return Settings(given.pop("zone", UTC), config, REGISTRY.numbering, **given)


def parts(by: str, *rows: Row, texts: bool = True, **given: Any) -> list[str | None]:
    """The part of every call."""
    made = DIMENSIONS[by](Population(calls(*rows, texts=texts), "calls", REGISTRY.kpis), settings(**given))
    return [made.value(row) for row in range(len(rows))]


@pytest.mark.parametrize(
    ("uri", "host"),
    [
        ("sip:alice@Example.COM", "example.com"),
        ("sip:alice@example.com:5060;user=phone", "example.com"),
        ("sips:example.com", "example.com"),
        ("sip:+31201234567:secret@192.0.2.1:5080?Subject=a@b", "192.0.2.1"),
        ("sip:alice@[2001:DB8::1]:5060", "[2001:db8::1]"),
        ("SIP:alice@sip:5060", "sip"),
        ("tel:+31201234567", None),
        ("alice", None),
        ("sip:", None),
        ("sip:alice@", None),
        ("", None),
    ],
)
def test_domain_of_a_uri(uri: str, host: str | None) -> None:
    assert domain(uri) == host


@pytest.mark.parametrize(
    ("uri", "beginning"),
    [
        ("sip:+31201234567@192.0.2.1", "+31"),
        ("sip:0031201234567@192.0.2.1", "+31"),
        ("tel:+31-20-1234567", "+31"),
        ("tel:+(31) 20 1234567;phone-context=x", "+31"),
        ("sip:+31201234567;npdi;rn=+31@192.0.2.1;user=phone", "+31"),
        ("sip:+12125550100@x", "+1"),
        ("sip:+78121234567@x", "+7"),
        ("sip:+35312345678@x", "+353"),
        ("sip:+9991@x", "+999"),
        ("sip:0201234567@x", "020"),
        ("sip:112@x", "112"),
        ("sip:23@x", "23"),
        ("sip:*21*0612345678#@x", "*21"),
        ("sip:alice@x", None),
        ("sip:31abc@x", None),
        ("sip:192.0.2.1", None),
        ("sip:+@x", None),
        ("sip:１２３@x", None),  # digits, but none that can be dialled
    ],
)
def test_prefix_of_a_dialled_number(uri: str, beginning: str | None) -> None:
    assert number_prefix(uri, settings()) == beginning
    for texts in (True, False):
        assert parts("prefix", {"to_uri": uri, "request_uri": None}, texts=texts) == [beginning]


def test_numbers_that_begin_alike_are_one_part_however_they_are_written() -> None:
    rows = [
        {"to_uri": f"sip:{user}@192.0.2.1"} for user in ("+31201234567", "0031101234567", "+31-6-12345678", "+32212345")
    ]
    assert parts("prefix", *rows) == ["+31", "+31", "+31", "+32"]


def test_the_length_of_a_prefix_can_be_chosen() -> None:
    rows = [{"to_uri": f"sip:{user}@x"} for user in ("+31201234567", "0201234567", "12")]
    assert parts("prefix", *rows, prefix_digits=4) == ["+3120", "0201", "12"]
    assert parts("prefix", *rows, prefix_digits=15) == ["+31201234567", "0201234567", "12"]


def test_a_prefix_with_a_name_goes_before_the_country() -> None:
    config = MadeConfig(numbers={"+3120": "Amsterdam", "+31": "Netherlands", "08": "free"})
    rows = [{"to_uri": f"sip:{user}@x"} for user in ("0031201234567", "+31101234567", "0800123", "0900123")]
    assert parts("prefix", *rows, config=config) == ["+3120", "+31", "08", "090"]


def test_without_a_number_in_to_the_request_uri_says_what_was_dialled() -> None:
    rows = [{"to_uri": "sip:reception@x", "request_uri": "sip:+3120@y"}, {"to_uri": None, "request_uri": "sip:bob@y"}]
    assert parts("prefix", *rows) == ["+31", None]


def test_endpoints_carry_their_network_where_there_are_several() -> None:
    rows = [{"network": 10}, {"network": 20}, {"network": None}]
    assert parts("caller", *rows) == ["192.0.2.1 (10)", "192.0.2.1 (20)", "192.0.2.1"]
    assert parts("caller", {"network": 10}, {"network": 10}) == ["192.0.2.1", "192.0.2.1"]
    assert parts("pair", {"callee_ip": "192.0.2.8"}, {}) == ["192.0.2.1 > 192.0.2.8", "192.0.2.1 > 192.0.2.9"]


def test_domains_and_agents() -> None:
    row = {
        "request_uri": "sip:1@trunk.example", "to_uri": "sip:1@To.example", "from_uri": "tel:+31",
        "caller_agent": "Phone 1", "callee_agent": None,
    }  # fmt: skip
    found = {by: parts(by, row)[0] for by in ("request_domain", "to_domain", "from_domain", "agent", "server")}
    assert found == {
        "request_domain": "trunk.example", "to_domain": "to.example", "from_domain": None, "agent": "Phone 1",
        "server": None,
    }  # fmt: skip


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp()) * SECOND


def test_a_call_belongs_to_the_hour_of_its_first_invite() -> None:
    """It begins on Sunday at 23:59 and fails on Monday: rule 1.28."""
    call = {"invite_ts": at("2026-11-22T23:59:30+01:00"), "end_ts": at("2026-11-23T00:00:40+01:00")}
    zone = ZoneInfo("Europe/Amsterdam")
    assert parts("hour", call, zone=zone) == ["2026-11-22 23:00 +0100"]
    assert parts("hour", call, zone=zone, by_first_invite=False) == ["2026-11-23 00:00 +0100"]


def test_hours_are_those_of_the_zone_and_the_day_the_clocks_go_back_has_25() -> None:
    zone = ZoneInfo("Europe/Amsterdam")
    begins = at("2026-10-25T00:00:00+02:00")
    rows = [{"invite_ts": begins + n * 3600 * SECOND} for n in range(25)]
    found = parts("hour", *rows, zone=zone)
    assert len(set(found)) == 25
    assert found[2:4] == ["2026-10-25 02:00 +0200", "2026-10-25 02:00 +0100"]
    assert found[24] == "2026-10-25 23:00 +0100"
    assert parts("hour", {"invite_ts": at("2026-11-22T18:40:00Z")}, zone=ZoneInfo("Asia/Kolkata")) == [
        "2026-11-23 00:00 +0530"
    ]


def test_times_that_no_clock_should_show_have_their_hour_too() -> None:
    assert len(parts("hour", {"invite_ts": -(2**62)}, {"invite_ts": 2**63 - 1}, {"invite_ts": 0})) == 3


def test_one_of_two_does_not_rank_above_900_of_10000() -> None:
    """Rule 1.26, and what happens without it."""
    failures, counted = np.array([1, 900, 0, 0]), np.array([2, 10_000, 500, 0])
    assert ranks(failures, counted, minimum=30).tolist() == [1, 2, 0, 3]
    assert ranks(failures, counted, minimum=1).tolist()[:2] == [0, 1]  # 9.5 % is above 8.5 %: hence the minimum
    assert ranks(failures, counted, minimum=30, by_lower_bound=False).tolist()[:2] == [0, 1]


def test_the_lower_bound_ranks_not_the_share() -> None:
    failures, counted = np.array([20, 900]), np.array([40, 2000])
    assert ranks(failures, counted, minimum=30).tolist() == [1, 0]
    assert ranks(failures, counted, minimum=30, by_lower_bound=False).tolist() == [0, 1]


def test_parts_beyond_the_first_ones_are_one() -> None:
    made = named(labels_of(["a", "b", None, "c", "c"]))
    shown = bounded(made, np.array([2, 0, 1, 3]), 2)
    assert (shown.names, shown.codes.tolist()) == (["c", "a", OTHER], [1, 2, 2, 0, 0])
    everything = bounded(made, np.array([0, 1, 2, 3]), 0)
    assert (everything.names, everything.codes.tolist()) == (["a", "b", "c", NONE], [0, 1, 3, 2, 2])


def test_hours_keep_their_order_when_the_busiest_are_chosen() -> None:
    assert busiest(np.array([5, 1, 9, 7]), 3).tolist() == [0, 2, 3]
    assert busiest(np.array([5, 1]), 0).tolist() == [0, 1]


def test_names_from_the_wire_cannot_steer_a_terminal() -> None:
    assert named(labels_of(["\x1b[2Jx", "a"])).names == ["\\x1b[2Jx", "a"]


def test_every_group_is_made_of_dimensions() -> None:
    assert [name for names in GROUPS.values() for name in names] == list(DIMENSIONS)
    assert set(OF_REGISTRATIONS) < set(DIMENSIONS)


@pytest.mark.parametrize("by", DIMENSIONS)
def test_nothing_has_no_parts(by: str) -> None:
    assert not len(named(DIMENSIONS[by](Population(empty(CallRow), "calls", {}), settings())).names)


@pytest.mark.parametrize("by", OF_REGISTRATIONS)
def test_registrations_have_parts_of_their_own_columns(by: str) -> None:
    row = {
        "client_ip": "192.0.2.7", "registrar_ip": "192.0.2.5", "aor": "sip:1@Home.example", "user_agent": "Phone",
        "request_ts": 0, "final_ts": 7200 * SECOND,
    }  # fmt: skip
    made = Population(table(RegistrationRow, [row], texts=True), "registrations", {})
    assert DIMENSIONS[by](made, settings()).value(0) == {
        "caller": "192.0.2.7", "callee": "192.0.2.5", "pair": "192.0.2.7 > 192.0.2.5", "to_domain": "home.example",
        "agent": "Phone", "hour": "1970-01-01 00:00 +0000",
    }[by]  # fmt: skip
