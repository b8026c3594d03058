"""Whatever carries it, a call is the same: transports, tunnels, fragments, segments that come late or twice."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.flow import Played, play

CALLS = """
pbx = 192.0.2.50
trunk = 198.51.100.71
{link}
pbx -> trunk   INVITE   {0}
pbx <- trunk   100      {1}
pbx <- trunk   503      +1s   reason=Q.850;cause=34 {2}
pbx -> trunk   ACK      {3}
call second
pbx -> trunk   INVITE   +1s {4}
pbx <- trunk   100      {5}
pbx <- trunk   180      +1s {6}
pbx <- trunk   200      +3s {7}
pbx -> trunk   ACK      {8}
pbx <- trunk   BYE      +9s   reason=Q.850;cause=41 {9}
pbx -> trunk   200      +1s {10}
"""
PLAIN = [""] * 11
TRANSPORTS = ["udp fragments=240", "tcp", "tcp mss=100", "websocket mss=333", "sctp mss=200"]
TUNNELS = ["", "inside=vxlan:7", "inside=erspan:7", "inside=gtp:7", "inside=hep3:7"]
SAID = (
    "outcome", "status_code", "fault", "cause", "cause_from", "failed_by_ip", "release", "release_cause", "released_by",
    "caller_ip", "callee_ip", "attempts", "hops", "messages", "resends",
)  # fmt: skip


def said(played: Played) -> list[dict[str, Any]]:
    """The calls without times and places."""
    return [{name: row[name] for name in SAID} for row in played.calls]


@pytest.fixture(scope="module")
def over_udp() -> list[dict[str, Any]]:
    calls = said(play(CALLS.format(*PLAIN, link="")))
    assert [(row["outcome"], row["cause"], row["release"]) for row in calls] == [
        ("failed", 34, None),
        ("answered", 41, "abnormal"),
    ]
    return calls


@pytest.mark.parametrize("reader", ["kernels", "scapy"])
@pytest.mark.parametrize("tunnel", TUNNELS)
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_calls_are_the_same(over_udp: list[dict[str, Any]], transport: str, tunnel: str, reader: str) -> None:
    played = play(CALLS.format(*PLAIN, link=f"pbx -- trunk {transport} {tunnel}"), reader=reader)
    assert said(played) == over_udp
    assert not played.result.issue_counts
    network = 7 if "vxlan" in tunnel else None
    assert {row["network"] for row in played.calls} == {network}


@settings(max_examples=25)
@given(
    st.lists(st.sampled_from(["", "late=1", "again=1", "late=2", "again=2"]), min_size=11, max_size=11),
    st.sampled_from(["tcp mss=90", "websocket mss=90", "sctp mss=90", "udp fragments=80"]),
)
def test_what_comes_late_or_twice_changes_no_call(words: list[str], link: str) -> None:
    played = play(CALLS.format(*words, link=f"pbx -- trunk {link}"))
    assert said(played) == said(play(CALLS.format(*PLAIN, link="")))
    assert not played.result.issue_counts
