"""A B2BUA seen on both sides, from packets to sessions. docs/counting.md, "Sessions"."""

from __future__ import annotations

from typing import Any

from tests.flow import play

PEOPLE = """
alice = 192.0.2.10
pbx = 198.51.100.1
trunk = 203.0.113.20
other = 203.0.113.30
"""


def sessions(text: str, **options: Any) -> list[dict[str, Any]]:
    return list(play(PEOPLE + text, **options).result.columns("sessions").rows())


NOT_FOUND = """
call a
alice -> pbx INVITE from=31201234567 to=31307654321
alice <- pbx 100
call b
pbx -> trunk INVITE from=0201234567 to=0307654321
pbx <- trunk 404
pbx -> trunk ACK
call a
alice <- pbx 500
alice -> pbx ACK
"""


def test_a_failure_behind_a_pbx() -> None:
    result = play(PEOPLE + NOT_FOUND).result
    (row,) = result.columns("sessions").rows()
    assert (row["calls"], row["linked_by"], row["outcome"], row["status_code"]) == (2, "score", "failed", 500)
    assert (row["failed_by_ip"], row["failed_in_call"], row["relayed_by"]) == ("203.0.113.20", 2, "198.51.100.1")
    assert result.columns("calls").ints("session_no").tolist() == [1, 1]
    changed = {(which.received, which.sent): behind for which, behind in result.translations.items()}
    assert changed == {(404, 500): [1]}


def test_without_the_rule_each_leg_is_counted() -> None:
    assert len(sessions(NOT_FOUND)) == 1
    assert len(sessions(NOT_FOUND, without=["hops"])) == 2


def test_a_route_advance() -> None:
    (row,) = sessions(
        """
        call a
        alice -> pbx INVITE from=31201234567 to=31307654321
        alice <- pbx 100
        call b
        pbx -> trunk INVITE from=31201234567 to=31307654321
        pbx <- trunk 503
        pbx -> trunk ACK
        call c
        pbx -> other INVITE from=31201234567 to=31307654321
        pbx <- other 200 +2s
        pbx -> other ACK
        call a
        alice <- pbx 200
        alice -> pbx ACK
        alice -> pbx BYE +20s
        alice <- pbx 200
        call c
        pbx -> other BYE
        pbx <- other 200
        """
    )
    assert (row["calls"], row["outcome"], row["route_advances"]) == (3, "answered", 1)


def test_a_session_id_that_the_pbx_hands_on() -> None:
    uuid = "ab30317f1a784dc48ff824d0d3715d86;remote=00000000000000000000000000000000"
    (row,) = sessions(
        f"""
        call a
        alice -> pbx INVITE Session-ID={uuid}
        alice <- pbx 100
        call b
        pbx -> trunk INVITE from=1 to=2 Session-ID={uuid}
        pbx <- trunk 503
        pbx -> trunk ACK
        call a
        alice <- pbx 503
        alice -> pbx ACK
        """
    )
    assert (row["linked_by"], row["failed_by_ip"]) == ("session_id", "203.0.113.20")


def test_an_id_that_both_legs_carry() -> None:
    (row,) = sessions(
        """
        call a
        alice -> pbx INVITE Cisco-Guid=0323255855-4127789543-2194997273-1451141520
        alice <- pbx 100
        call b
        pbx -> trunk INVITE from=1 to=2 Cisco-Guid=0323255855-4127789543-2194997273-1451141520
        pbx <- trunk 486
        pbx -> trunk ACK
        call a
        alice <- pbx 486
        alice -> pbx ACK
        """
    )
    assert (row["linked_by"], row["outcome"], row["failed_by_ip"]) == ("header", "busy", "203.0.113.20")


def test_two_calls_at_once_that_nothing_tells_apart() -> None:
    rows = sessions(
        """
        call a
        alice -> pbx INVITE from=anonymous to=31307654321
        call b
        alice -> pbx INVITE from=anonymous to=31307654321
        call c
        pbx -> trunk INVITE from=anonymous to=31307654321
        call d
        pbx -> trunk INVITE from=anonymous to=31307654321
        """
    )
    assert [row["calls"] for row in rows] == [1, 1, 1, 1]
