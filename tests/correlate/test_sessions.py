"""Which calls are legs of one session, which are not, and who originated a failure over all legs."""

from __future__ import annotations

from typing import Any

import pytest

from analyzer.correlate.branches import Translation
from analyzer.correlate.sessions import Sessions
from analyzer.registry import load_registry
from analyzer.stats.endpoints import endpoints
from tests.stats.made import SECOND, START, MadeConfig, calls

REGISTRY = load_registry()
ALICE, PBX, PBX_OUT, TRUNK, TRUNK_2 = "192.0.2.1", "192.0.2.5", "192.0.2.6", "198.51.100.7", "198.51.100.8"
MS = 1_000_000


def leg(caller: str, callee: str, at_ms: int = 0, **given: Any) -> dict[str, Any]:
    """A call of +31201234567 to 0307654321, up from 5 s to 60 s."""
    number = given.pop("number", "0307654321")
    usual = {
        "caller_ip": caller,
        "callee_ip": callee,
        "invite_ts": START + at_ms * MS,
        "progress_ts": START + SECOND,
        "answer_ts": START + 5 * SECOND - at_ms * MS,
        "end_ts": START + 60 * SECOND,
        "bye_ts": START + 60 * SECOND,
        "status_code": 200,
        "from_tag": f"tag-{caller}-{at_ms}",
        "from_uri": "sip:+31201234567@example.com",
        "to_uri": f"sip:{number}@example.com",
        "request_uri": f"sip:{number}@{callee}",
    }
    return {**usual, **given}


def refused(caller: str, callee: str, at_ms: int, until_ms: int, code: int, **given: Any) -> dict[str, Any]:
    """The same call, refused."""
    outcome = {404: "invalid_number", 486: "busy", 487: "cancelled"}.get(code, "failed")
    return leg(
        caller, callee, at_ms, answer_ts=None, bye_ts=None, end_ts=START + until_ms * MS, status_code=code,
        **{"outcome": outcome, "failed_by_ip": callee, "charged_grade": "at_or_behind", **given},
    )  # fmt: skip


def silent(caller: str, callee: str, at_ms: int, **given: Any) -> dict[str, Any]:
    """The same call, which nobody answered."""
    return leg(
        caller, callee, at_ms, answer_ts=None, bye_ts=None, progress_ts=None, status_code=None, outcome="timed_out",
        end_ts=START + (at_ms + 32_000) * MS, failed_by_ip=callee, charged_grade="at_or_behind", **given,
    )  # fmt: skip


def sessions(*legs: dict[str, Any], config: Any = None, is_linked: bool = True) -> Sessions:
    return Sessions(calls(*legs), REGISTRY, config or MadeConfig(), is_linked)


def links(*legs: dict[str, Any], config: Any = None) -> list[tuple[int, int, str]]:
    """(leg behind, leg in front, how) of every link."""
    found = sessions(*legs, config=config).links().rows()
    return [(row["call_no"], row["upstream_call_no"], row["linked_by"]) for row in found]


def table(*legs: dict[str, Any], config: Any = None) -> list[dict[str, Any]]:
    return list(sessions(*legs, config=config).columns().rows())


# -- links that something says outright

UUID_A, UUID_B = "ab30317f1a784dc48ff824d0d3715d86", "47755a9de7794ba387653f2099600ef2"
NIL = "0" * 32
#: Nothing else joins the legs: other addresses, other numbers.
FAR = {"number": "0501112222", "from_uri": "sip:reception@example.com"}


@pytest.mark.parametrize(
    ("front", "behind"),
    [
        (f"{UUID_A};remote={NIL}", f"{UUID_A};remote={NIL}"),
        (f"{UUID_A};remote={NIL}", f"{UUID_A};remote={UUID_B}"),
        (f"{UUID_A};remote={UUID_B}", f"{UUID_B};remote={UUID_A}"),
        (f"{UUID_A}", f"{UUID_A.upper()};remote={NIL}"),
    ],
)
def test_the_same_session_id(front: str, behind: str) -> None:
    legs = leg(ALICE, PBX, session_id=front), leg(PBX_OUT, TRUNK, 20, session_id=behind, **FAR)
    assert links(*legs) == [(2, 1, "session_id")]


@pytest.mark.parametrize(
    ("front", "behind"),
    [
        (f"{UUID_A};remote={UUID_B}", f"{UUID_A};remote={'1' * 32}"),
        (f"{UUID_A};remote={NIL}", f"{UUID_B};remote={NIL}"),
        (f"{NIL};remote={NIL}", f"{NIL};remote={NIL}"),
        ("no-uuid", "no-uuid"),
    ],
)
def test_another_session_id(front: str, behind: str) -> None:
    legs = leg(ALICE, PBX, session_id=front), leg(PBX_OUT, TRUNK, 20, session_id=behind, **FAR)
    assert links(*legs) == []


@pytest.mark.parametrize(
    ("front", "behind"),
    [
        ({"call_id": "abc@192.0.2.1"}, {"linked_id": "abc@192.0.2.1"}),
        ({"call_id": "abc"}, {"call_id": "abc_b2b-1"}),
        ({"call_id": "abc"}, {"call_id": "abc_pbx-1_b2b-1"}),
        ({"call_id": "abc"}, {"call_id": "abc-b2b_12"}),
        ({"linked_id": "icid-1"}, {"linked_id": "icid-1"}),
        ({"call_id": "abc", "from_tag": "t", "network": 10}, {"call_id": "abc", "from_tag": "t", "network": 20}),
    ],
)
def test_an_id_that_names_the_other_leg(front: dict[str, Any], behind: dict[str, Any]) -> None:
    assert links(leg(ALICE, PBX, **front), leg(PBX_OUT, TRUNK, 20, **FAR, **behind)) == [(2, 1, "header")]


@pytest.mark.parametrize(
    ("front", "behind"),
    [
        ({"call_id": "abc"}, {"linked_id": "abd"}),
        ({"call_id": "abc"}, {"call_id": "abc_b2b-"}),
        ({"call_id": "abc", "from_tag": "t"}, {"call_id": "abc", "from_tag": "t"}),  # the Call-ID used again
        ({"call_id": "abc", "from_tag": "t", "network": 10}, {"call_id": "abc", "from_tag": "u", "network": 20}),
    ],
)
def test_an_id_that_names_no_leg(front: dict[str, Any], behind: dict[str, Any]) -> None:
    assert links(leg(ALICE, PBX, **front), leg(PBX_OUT, TRUNK, 20, **FAR, **behind)) == []


def test_an_id_that_every_call_carries_joins_none_that_was_over() -> None:
    legs = [leg(ALICE, PBX, linked_id="always"), leg(ALICE, PBX, 90_000, linked_id="always", answer_ts=None)]
    assert links(*legs) == []


# -- links that are weighed


def test_numbers_addresses_and_times_fit() -> None:
    behind = leg(PBX, TRUNK, 20, number="+31307654321", from_uri="sip:0201234567@pbx.example.com")
    found = list(sessions(leg(ALICE, PBX), behind).links().rows())
    assert [(row["call_no"], row["upstream_call_no"], row["linked_by"], row["score"]) for row in found] == [
        (2, 1, "score", 100)
    ]
    assert found[0]["evidence"].startswith("who was called makes the call, same called number, same calling number")


@pytest.mark.parametrize(
    "behind",
    [
        leg(PBX, TRUNK, 20, number="0301111111"),  # the address alone, and who calls
        leg(PBX, TRUNK, 20, number="0301111111", from_uri="sip:anonymous@anonymous.invalid"),
        leg(PBX_OUT, TRUNK, 20),  # the numbers alone
        leg(PBX, TRUNK, 20, number="30654321"),  # six digits are not the end of the other number
        leg(PBX, TRUNK, 6_000),  # the leg in front was answered already
        leg(TRUNK, PBX, 20),
        leg(PBX, TRUNK, 20, answer_ts=START + SECOND, end_ts=START + 90 * SECOND, bye_ts=None,
            from_uri="sip:+31999999999@x"),
    ],
)  # fmt: skip
def test_near_misses(behind: dict[str, Any]) -> None:
    assert links(leg(ALICE, PBX, answer_ts=START + 5 * SECOND), behind) == []


def test_on_one_machine_addresses_say_nothing() -> None:
    assert links(*(leg("127.0.0.1", "127.0.0.1", at) for at in (0, 20, 40))) == []


def test_calls_within_one_address_are_not_joined_by_it() -> None:
    """Generators on loopback: the same numbers and SDP, one call after the other, each with an end of its own."""
    here, origin = "127.0.0.1", "user1 53655765 2353687637 IN IP4 127.0.0.1"
    seen = sessions(
        refused(here, here, 0, 90, 403, sdp_origin=origin), refused(here, here, 50, 140, 403, sdp_origin=origin)
    )
    assert len(seen.links()) == 0


def test_a_leg_within_the_element_that_was_called_is_joined() -> None:
    """Only where both legs stay inside one address it says nothing."""
    found = list(sessions(leg(ALICE, PBX), leg(PBX, PBX, 20)).links().rows())
    assert [(row["call_no"], row["upstream_call_no"]) for row in found] == [(2, 1)]


def test_addresses_with_one_alias_are_one_element() -> None:
    legs = leg(ALICE, PBX), leg(PBX_OUT, TRUNK, 20)
    assert links(*legs) == []
    assert links(*legs, config=MadeConfig(aliases={PBX: "pbx", PBX_OUT: "pbx"})) == [(2, 1, "score")]


def test_short_numbers_and_names_must_be_equal() -> None:
    hidden = {"from_uri": "sip:anonymous@anonymous.invalid"}
    assert links(leg(ALICE, PBX, number="100", **hidden), leg(PBX, TRUNK, 20, number="100", **hidden)) == [
        (2, 1, "score")
    ]
    assert links(leg(ALICE, PBX, number="100", **hidden), leg(PBX, TRUNK, 20, number="1100", **hidden)) == []


def test_a_number_that_the_element_translates() -> None:
    assert links(leg(ALICE, PBX, number="100"), leg(PBX, TRUNK, 20, number="1100")) == [(2, 1, "score")]


def test_the_sdp_tells_which_leg_belongs_to_which() -> None:
    dial_in = {"from_uri": "sip:anonymous@anonymous.invalid"}
    one, two = "- 3842001 1 IN IP4 192.0.2.1", "- 3842777 1 IN IP4 192.0.2.2"
    legs = [
        leg(ALICE, PBX, 0, sdp_origin=one, **dial_in),
        leg("192.0.2.2", PBX, 1, sdp_origin=two, **dial_in),
        leg(PBX, TRUNK, 20, sdp_origin=two, number="200", **dial_in),
        leg(PBX, TRUNK, 21, sdp_origin="pbx 3842001 1 IN IP4 192.0.2.5", **dial_in),
    ]
    assert links(*legs) == [(4, 1, "score"), (3, 2, "score")]


def test_two_calls_at_once_to_one_number_are_not_guessed() -> None:
    hidden = {"from_uri": "sip:anonymous@anonymous.invalid"}
    legs = [
        leg(ALICE, PBX, 0, **hidden), leg("192.0.2.2", PBX, 5, **hidden),
        leg(PBX, TRUNK, 20, **hidden), leg(PBX, TRUNK, 25, **hidden),
    ]  # fmt: skip
    assert links(*legs) == []


def test_one_call_cannot_have_two_equal_legs() -> None:
    assert links(leg(ALICE, PBX), leg(PBX, TRUNK, 20), leg(PBX, TRUNK, 25)) == []
    # Two phones that ring at once are a fork.
    phones = [leg(PBX, f"192.0.2.{n}", 20 + n, number=str(n), progress_ts=None) for n in (50, 51)]
    phones[1].update(answer_ts=None, bye_ts=None, outcome="elsewhere", end_ts=START + 5 * SECOND)
    assert links(leg(ALICE, PBX, number="50"), *phones)[0] == (2, 1, "score")


def test_callers_tell_calls_at_once_apart() -> None:
    other = {"from_uri": "sip:+31209999999@example.com"}
    legs = [leg(ALICE, PBX, 0), leg("192.0.2.2", PBX, 5, **other), leg(PBX, TRUNK, 20, **other), leg(PBX, TRUNK, 25)]
    assert links(*legs) == [(4, 1, "score"), (3, 2, "score")]


def test_a_call_begun_later_goes_to_the_leg_that_has_none() -> None:
    legs = [leg(ALICE, PBX, 0), leg(PBX, TRUNK, 20), leg(ALICE, PBX, 400), leg(PBX, TRUNK, 420)]
    assert links(*legs) == [(2, 1, "score"), (4, 3, "score")]


def test_a_rule_that_is_switched_off() -> None:
    found = sessions(leg(ALICE, PBX), leg(PBX, TRUNK, 20), is_linked=False)
    assert found.session_no.tolist() == [1, 2]
    assert len(found.links()) == 0


def test_no_calls() -> None:
    found = sessions()
    assert (len(found), len(found.columns()), len(found.links())) == (0, 0, 0)


# -- who is charged


def charges(*legs: dict[str, Any]) -> dict[str, tuple[int, int, int]]:
    """Failures originated, relayed and overflows by endpoint; those with none of them left out."""
    made = calls(*legs)
    found = Sessions(made, REGISTRY, MadeConfig())
    rows = endpoints(made, MadeConfig(), found.overflows, None, found.charges)  # type: ignore[arg-type]
    counted = {row.ip: (row.failures_as_responder, row.failures_relayed, row.overflows) for row in rows}
    return {ip: numbers for ip, numbers in counted.items() if any(numbers)}


def test_a_failure_is_originated_behind_and_relayed_in_front() -> None:
    legs = [
        refused(ALICE, PBX, 0, 220, 500),
        refused(PBX, PBX_OUT, 20, 210, 404, cause=1, cause_from="reason"),
        refused(PBX_OUT, TRUNK, 40, 200, 404, cause=1, cause_from="reason", charged_grade="seen"),
    ]
    (row,) = table(*legs)
    assert (row["outcome"], row["status_code"], row["calls"]) == ("failed", 500, 3)
    assert (row["failed_by_ip"], row["failed_in_call"], row["charged_grade"]) == (TRUNK, 3, "seen")
    assert (row["relayed_by"], row["cause"], row["cause_from"]) == (f"{PBX} {PBX_OUT}", 1, "reason")
    assert charges(*legs) == {TRUNK: (1, 0, 0), PBX: (0, 1, 0), PBX_OUT: (0, 1, 0)}
    assert sessions(*legs).translations == {Translation(PBX, None, 404, 500): [1]}


def test_a_proxy_in_a_leg_behind_relayed_too() -> None:
    proxy = "198.51.100.1"
    behind = refused(PBX, proxy, 20, 210, 503, failed_by_ip=TRUNK, relayed_by=proxy)
    (row,) = table(refused(ALICE, PBX, 0, 220, 503), behind)
    assert (row["failed_by_ip"], row["relayed_by"]) == (TRUNK, f"{PBX} {proxy}")
    assert charges(refused(ALICE, PBX, 0, 220, 503), behind) == {TRUNK: (1, 0, 0), PBX: (0, 1, 0), proxy: (0, 1, 0)}


def test_a_route_that_is_advanced_is_one_session_answered() -> None:
    legs = [leg(ALICE, PBX), refused(PBX, TRUNK, 20, 100, 503), leg(PBX, TRUNK_2, 110)]
    (row,) = table(*legs)
    assert (row["outcome"], row["route_advances"], row["failed_by_ip"]) == ("answered", 1, None)
    assert charges(*legs) == {TRUNK: (0, 0, 1)}


def test_when_every_route_fails_the_last_one_decides() -> None:
    legs = [refused(ALICE, PBX, 0, 220, 503), refused(PBX, TRUNK, 20, 100, 503), refused(PBX, TRUNK_2, 110, 200, 500)]
    (row,) = table(*legs)
    assert (row["failed_by_ip"], row["failed_in_call"], row["route_advances"]) == (TRUNK_2, 3, 1)
    assert charges(*legs) == {TRUNK_2: (1, 0, 0), PBX: (0, 1, 0), TRUNK: (0, 0, 1)}
    assert sessions(*legs).translations == {Translation(PBX, None, 500, 503): [1]}


def test_silence_behind_is_charged_and_408_is_expected() -> None:
    legs = [refused(ALICE, PBX, 0, 8_000, 408, outcome="timed_out"), silent(PBX, TRUNK, 20)]
    (row,) = table(*legs)
    assert (row["failed_by_ip"], row["charged_grade"], row["relayed_by"]) == (TRUNK, "at_or_behind", PBX)
    (translation,) = sessions(*legs).translations
    assert translation == Translation(PBX, None, None, 408)
    assert REGISTRY.is_expected(translation.received, translation.sent)


def test_a_silent_trunk_before_one_that_refuses_did_not_decide() -> None:
    legs = [
        refused(ALICE, PBX, 0, 6_300, 503), silent(PBX, TRUNK, 20), refused(PBX, TRUNK_2, 6_020, 6_290, 503),
    ]  # fmt: skip
    (row,) = table(*legs)
    assert (row["failed_by_ip"], row["route_advances"]) == (TRUNK_2, 1)
    assert charges(*legs) == {TRUNK_2: (1, 0, 0), PBX: (0, 1, 0), TRUNK: (0, 0, 1)}


def test_who_makes_a_failure_of_a_busy_phone_is_charged_itself() -> None:
    legs = [refused(ALICE, PBX, 0, 220, 500), refused(PBX, TRUNK, 20, 210, 486)]
    (row,) = table(*legs)
    assert (row["failed_by_ip"], row["charged_grade"], row["relayed_by"]) == (PBX, "seen", None)
    assert charges(*legs) == {PBX: (1, 0, 0)}
    assert sessions(*legs).translations == {Translation(PBX, None, 486, 500): [1]}


def test_a_busy_phone_is_busy_in_front_too() -> None:
    (row,) = table(refused(ALICE, PBX, 0, 220, 486), refused(PBX, TRUNK, 20, 210, 486))
    assert (row["outcome"], row["failed_by_ip"], row["relayed_by"]) == ("busy", TRUNK, PBX)
    assert charges(refused(ALICE, PBX, 0, 220, 486), refused(PBX, TRUNK, 20, 210, 486)) == {}


def test_a_leg_that_the_element_cancelled_itself_decides_nothing() -> None:
    legs = [refused(ALICE, PBX, 0, 30_000, 503), refused(PBX, TRUNK, 20, 29_990, 487, failed_by_ip=None)]
    (row,) = table(*legs)
    assert row["failed_by_ip"] == PBX


def test_who_was_refused_in_front_of_the_element_is_not_its_leg() -> None:
    edge = "192.0.2.4"
    front = refused(ALICE, edge, 0, 220, 503, failed_by_ip=edge, linked_id="x")
    behind = refused(edge, TRUNK, 20, 900, 404, linked_id="x")
    (row,) = table(front, behind)
    assert row["failed_by_ip"] == edge  # the leg behind was refused after the one in front


def test_tries_whose_front_was_not_seen_are_one_session_too() -> None:
    shared = {"linked_id": "icid-7"}
    legs = [refused(PBX, TRUNK, 20, 100, 503, **shared), leg(PBX, TRUNK_2, 110, **shared)]
    (row,) = table(*legs)
    assert (row["outcome"], row["call_no"], row["route_advances"]) == ("answered", 1, 1)
    assert charges(*legs) == {TRUNK: (0, 0, 1)}


def test_sides_are_told_by_the_configuration() -> None:
    legs = [refused(ALICE, PBX, 0, 220, 500), refused(PBX, TRUNK, 20, 210, 404)]
    (row,) = table(*legs, config=MadeConfig(own=(PBX,)))
    assert row["failed_side"] == "other"
    (row,) = table(legs[0], config=MadeConfig(own=(PBX,)))
    assert row["failed_side"] == "own"


def test_networks_of_relayed_failures() -> None:
    made = calls(refused(ALICE, PBX, 0, 220, 500, network=10), refused(PBX, TRUNK, 20, 210, 404, network=20))
    found = Sessions(made, REGISTRY, MadeConfig())
    rows = endpoints(made, MadeConfig(), None, None, found.charges)  # type: ignore[arg-type]
    assert {(row.ip, row.network) for row in rows if row.failures_as_responder} == {(TRUNK, 20)}
    assert {(row.ip, row.network) for row in rows if row.failures_relayed} == {(PBX, 10)}
