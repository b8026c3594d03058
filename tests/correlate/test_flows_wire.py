"""Events on the wire that explain silence: ICMP, resets, SYNs without an answer, TLS alerts; by both readers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import analyzer
from tests.flow import Played, play
from tests.frames import write_pcap
from tests.packets import UDP, Packet, icmp, udp

READERS = ("kernels", "scapy")

NOBODY_LISTENS = """
    alice = 192.0.2.10
    bob = 198.51.100.20
    alice -> bob   INVITE
    alice <- bob   icmp error=port         +1ms
    alice -> bob   INVITE resend           +500ms
    alice <- bob   icmp error=port         +1ms
    end +40s
"""


def wire(played: Played) -> list[dict[str, Any]]:
    """The events of a played ladder, by what tests ask of them."""
    return [
        {"kind": row.kind.value, "name": row.protocol, "sender": row.sender_ip, "call": row.call_no, "text": row.text}
        for row in played.result.wire_evidence
    ]


@pytest.mark.parametrize("reader", READERS)
def test_a_port_unreachable_says_why_a_call_timed_out(reader: str) -> None:
    played = play(NOBODY_LISTENS, reader=reader)
    (call,) = played.calls
    assert call["outcome"] == "timed_out"
    assert call["outcome_detail"] == "no_reply"
    assert call["wire_event"] == "port_unreachable"
    assert call["failed_by_ip"] == "198.51.100.20"
    assert call["charged_grade"] == "seen"
    assert wire(played) == [
        {
            "kind": "icmp",
            "name": "port_unreachable",
            "sender": "198.51.100.20",
            "call": 1,
            "text": "192.0.2.10:5060 to 198.51.100.20:5060, about INVITE, 2 times",
        }
    ]
    assert played.result.issue_counts["icmp.unreachable"] == 2
    issue = next(row for row in played.result.issue_rows if row.code == "icmp.unreachable")
    assert issue.call_no == 1
    assert issue.frame_no == 2


@pytest.mark.parametrize("reader", READERS)
def test_what_is_quoted_is_no_message(reader: str) -> None:
    played = play(NOBODY_LISTENS, reader=reader)
    assert [row.messages for row in played.result.requests] == [2]
    assert played.result.captures[0].unread == {}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(
    ("error", "name"),
    [
        ("net", "net_unreachable"),
        ("host", "host_unreachable"),
        ("prohibited", "admin_prohibited"),
        ("ttl", "time_exceeded"),
        ("too_big", "packet_too_big"),
    ],
)
@pytest.mark.parametrize("bob", ["198.51.100.20", "[2001:db8::20]"])
def test_a_router_does_not_make_the_charge_surer(reader: str, error: str, name: str, bob: str) -> None:
    alice, router = ("192.0.2.10", "192.0.2.1") if "." in bob else ("[2001:db8::10]", "[2001:db8::1]")
    played = play(
        f"""
        alice = {alice}
        bob = {bob}
        router = {router}
        alice -> bob      INVITE
        alice <- router   icmp error={error} of=bob   +1ms
        end +40s
        """,
        reader=reader,
    )
    (call,) = played.calls
    assert call["wire_event"] == name
    assert call["charged_grade"] == "at_or_behind"
    assert [event["sender"] for event in wire(played)] == [router.strip("[]")]


@pytest.mark.parametrize("reader", READERS)
def test_eight_octets_of_quote_name_ports_and_no_more(reader: str) -> None:
    played = play(NOBODY_LISTENS.replace("error=port", "error=port quote=8"), reader=reader)
    assert played.calls[0]["wire_event"] == "port_unreachable"
    assert wire(played)[0]["text"] == "192.0.2.10:5060 to 198.51.100.20:5060, 2 times"


def test_a_short_quote_of_another_call_explains_nothing() -> None:
    played = play(
        """
        alice = 192.0.2.10
        bob = 198.51.100.20
        carol = 203.0.113.30
        alice -> bob     INVITE
        call b
        alice -> carol   INVITE
        alice <- carol   icmp error=port quote=8   +1ms
        end +40s
        """
    )
    assert [call["wire_event"] for call in played.calls] == [None, "port_unreachable"]


def test_equal_addresses_in_another_vlan_are_others() -> None:
    played = play(
        """
        alice = 192.0.2.10 vlan=10
        bob = 198.51.100.20 vlan=10
        alice -> bob     INVITE
        call b
        alice -> bob     INVITE vlan=20
        alice <- bob     icmp error=port quote=8   +1ms
        end +40s
        """
    )
    assert [(call["network"], call["wire_event"]) for call in played.calls] == [(10, None), (20, "port_unreachable")]


@pytest.mark.parametrize("reader", READERS)
def test_the_port_of_media_is_not_sips(reader: str, tmp_path: Path) -> None:
    """A phone that has hung up answers the last RTP packets so; that is nobody's failure."""
    ends = "192.0.2.10", 20000, "198.51.100.20", 30000
    rtp = Packet(10, ends[0], ends[2], UDP, udp(*ends, b"\x80" + bytes(39)))
    keepalive = rtp._replace(payload=udp(*ends, b"\r\n\r\n"))
    path = tmp_path / "media.pcap"
    write_pcap([icmp(20, ends[2], "port", rtp), icmp(30, ends[2], "port", keepalive)], path)
    result = analyzer.analyze(str(path), reader=reader)
    assert result.wire_evidence == []
    assert result.captures[0].unread == {"icmp": 1}


@pytest.mark.parametrize("reader", READERS)
def test_an_icmp_error_about_a_branch_that_did_not_matter_explains_nothing(reader: str) -> None:
    played = play(
        """
        alice -> proxy   INVITE
        proxy -> bob     INVITE
        proxy <- bob     icmp error=port    +1ms
        proxy -> carol   INVITE
        proxy <- carol   200
        alice <- proxy   200
        alice -> proxy   ACK
        proxy -> carol   ACK
        """,
        reader=reader,
    )
    (call,) = played.calls
    assert call["outcome"] == "answered"
    assert call["wire_event"] is None
    assert [event["call"] for event in wire(played)] == [1]


def test_the_408_of_a_proxy_is_explained_by_what_it_met_behind_it() -> None:
    played = play(
        """
        proxy = 198.51.100.20
        bob = 203.0.113.30
        alice -> proxy   INVITE
        alice <- proxy   100
        proxy -> bob     INVITE
        proxy <- bob     icmp error=host    +3s
        alice <- proxy   408                +29s
        alice -> proxy   ACK
        end +40s
        """
    )
    (call,) = played.calls
    assert (call["status_code"], call["failed_by_ip"]) == (408, "203.0.113.30")
    assert call["wire_event"] == "host_unreachable"


def test_a_bye_that_met_nobody() -> None:
    played = play(
        """
        alice -> bob   INVITE
        alice <- bob   200
        alice -> bob   ACK
        alice -> bob   BYE                  +9s
        alice <- bob   icmp error=port      +1ms
        end +40s
        """
    )
    (call,) = played.calls
    assert (call["outcome"], call["release"], call["wire_event"]) == ("answered", "bye_unanswered", "port_unreachable")


@pytest.mark.parametrize("reader", READERS)
def test_a_refused_connection(reader: str) -> None:
    played = play(
        """
        alice = 192.0.2.10
        bob = 198.51.100.20
        alice -- bob   tcp
        alice -> bob   syn
        alice <- bob   reset   +1ms
        end +40s
        """,
        reader=reader,
    )
    assert [(e["kind"], e["name"], e["sender"]) for e in wire(played)] == [("reset", "refused", "198.51.100.20")]
    assert played.result.issue_counts == {"tcp.reset": 1}


@pytest.mark.parametrize("reader", READERS)
def test_a_reset_while_the_caller_waits(reader: str) -> None:
    played = play(
        """
        alice = 192.0.2.10
        bob = 198.51.100.20
        alice -- bob   tcp
        alice -> bob   INVITE
        alice <- bob   reset   +2s
        end +40s
        """,
        reader=reader,
    )
    (call,) = played.calls
    assert (call["outcome"], call["wire_event"], call["charged_grade"]) == ("timed_out", "reset", "seen")


@pytest.mark.parametrize("reader", READERS)
def test_a_reset_by_who_has_spoken(reader: str) -> None:
    played = play(
        """
        alice = 192.0.2.10
        bob = 198.51.100.20
        alice -- bob   tcp
        alice -> bob   INVITE
        alice <- bob   100
        alice <- bob   reset   +2s
        end +200s
        """,
        reader=reader,
    )
    (call,) = played.calls
    assert (call["outcome_detail"], call["wire_event"]) == ("only_100", "reset")


SYNS = """
    alice = 192.0.2.10
    bob = 198.51.100.20
    alice -- bob   tcp
    alice -> bob   syn
    alice -> bob   syn     +1s
    alice -> bob   syn     +2s
"""


@pytest.mark.parametrize("reader", READERS)
def test_syns_without_an_answer(reader: str) -> None:
    played = play(SYNS + "end +40s", reader=reader)
    assert wire(played) == [
        {
            "kind": "syn_unanswered",
            "name": "syn_unanswered",
            "sender": "192.0.2.10",
            "call": None,
            "text": "192.0.2.10:49152 to 198.51.100.20:5060: SYN sent again 2 times over 2 s",
        }
    ]


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("rest", ["alice -> bob INVITE +1s", "alice <- bob reset +1s", "alice -> bob hello +1s"])
def test_syns_that_were_answered_late(reader: str, rest: str) -> None:
    played = play(SYNS + rest + "\nend +40s", reader=reader)
    assert "syn_unanswered" not in [event["kind"] for event in wire(played)]


def test_one_syn_captured_twice_was_not_sent_again() -> None:
    played = play("alice -- bob tcp\nmirror +14us\nalice -> bob syn\nend +40s")
    assert wire(played) == []


@pytest.mark.parametrize("reader", READERS)
def test_a_proxy_that_could_not_connect_says_503(reader: str) -> None:
    played = play(
        """
        alice = 192.0.2.10
        proxy = 198.51.100.20
        bob = 203.0.113.30
        proxy -- bob     tcp
        alice -> proxy   INVITE
        proxy -> bob     syn
        proxy <- bob     reset   +1ms
        alice <- proxy   503
        alice -> proxy   ACK
        """,
        reader=reader,
    )
    (call,) = played.calls
    assert (call["status_code"], call["wire_event"], call["charged_grade"]) == (503, "refused", "at_or_behind")
    assert wire(played)[0]["call"] == 1


@pytest.mark.parametrize("reader", READERS)
def test_a_health_check_is_no_failure(reader: str) -> None:
    """A load balancer opens a connection and resets it at once."""
    played = play("alice -- bob tcp\nalice -> bob open\nalice -> bob reset\nend +40s", reader=reader)
    assert wire(played) == []


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("by", ["<-", "->"])
def test_a_tls_alert(reader: str, by: str) -> None:
    played = play(
        f"""
        alice = 192.0.2.10
        bob = 198.51.100.20:5061
        alice -- bob   tcp
        alice -> bob   hello
        alice {by} bob   alert number=48
        end +40s
        """,
        reader=reader,
    )
    (event,) = wire(played)
    assert (event["kind"], event["name"]) == ("tls_alert", "unknown_ca")
    assert event["sender"] == ("198.51.100.20" if by == "<-" else "192.0.2.10")
    assert played.result.issue_counts["tls.alert"] == 1


def test_readers_agree_on_every_event() -> None:
    ladder = NOBODY_LISTENS + SYNS.replace("alice -- bob", "alice -- carol").replace("-> bob", "-> carol") + "end +40s"
    one, other = (play(ladder, reader=reader) for reader in READERS)
    assert one.result.wire_evidence == other.result.wire_evidence
    assert len(one.result.wire_evidence) == 2
