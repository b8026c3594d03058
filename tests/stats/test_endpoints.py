"""Endpoints as rows: who gets one, and what stands in it."""

from __future__ import annotations

from typing import Any

from analyzer.stats.listing import listed
from tests.flow import play

PROXY = """
alice = 192.0.2.10
proxy = 203.0.113.1
trunk = 198.51.100.20
other = 198.51.100.30
alice -> proxy INVITE
alice <- proxy 100
"""


def endpoints(text: str) -> dict[str, dict[str, Any]]:
    rows = listed(play(text).result, "endpoints")
    found = {row.ip: row._asdict() for row in rows}
    assert len(found) == len(rows), "one row an endpoint"
    return found


def test_a_trunk_that_a_proxy_gave_up_has_a_row_though_no_call_was_sent_to_it() -> None:
    seen = endpoints(
        PROXY
        + """
    proxy -> trunk INVITE
    proxy <- trunk 503
    proxy -> trunk ACK
    proxy -> other INVITE
    proxy <- other 200
    alice <- proxy 200
    alice -> proxy ACK
    proxy -> other ACK
    """
    )
    assert seen.keys() == {"192.0.2.10", "203.0.113.1", "198.51.100.20"}
    trunk = seen["198.51.100.20"]
    assert (trunk["overflows"], trunk["calls_as_callee"], trunk["failures_as_responder"]) == (1, 0, 0)


def test_a_trunk_that_is_charged_as_well_has_one_row() -> None:
    """Both trunks refuse: the first one's overflow and the failure that stays are in the rows of whom they are of."""
    seen = endpoints(
        PROXY
        + """
    proxy -> trunk INVITE
    proxy <- trunk 503
    proxy -> trunk ACK
    proxy -> other INVITE
    proxy <- other 503
    proxy -> other ACK
    alice <- proxy 500
    alice -> proxy ACK
    """
    )
    assert sum(row["failures_as_responder"] for row in seen.values()) == 1
    assert seen["198.51.100.20"]["overflows"] == 1
