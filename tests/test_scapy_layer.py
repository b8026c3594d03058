"""The SIP layer for Scapy: dissecting, building, what is left Raw."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether
from scapy.packet import Packet, Raw

from analyzer.scapy_layer import SIP

BUSY = (
    b"SIP/2.0 486 Busy Here\r\nVia: SIP/2.0/UDP h:5060;branch=z9hG4bK1\r\n"
    b"f : Alice <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=2\r\nCall-ID: x@y\r\nCSeq: 1\r\n INVITE\r\n"
    b"Reason: Q.850;cause=17\r\nServer: J\xf6rg\r\nl: 2\r\n\r\nab"
)


def dissected(octets: bytes, lower: type[Packet] = UDP, **ports: int) -> Packet:
    given = ports or {"sport": 5060, "dport": 40000}
    return IP(bytes(IP(src="192.0.2.1", dst="192.0.2.2") / lower(**given) / octets))


def test_a_response() -> None:
    packet = dissected(BUSY)
    sip = packet[SIP]
    assert (sip.status_code, sip.reason_phrase, sip.method) == (486, "Busy Here", None)
    assert (sip.call_id, sip.cseq, sip.cseq_method) == ("x@y", 1, "INVITE")
    assert (sip.from_uri, sip.from_tag, sip.to_uri, sip.to_tag) == ("sip:a@b", "1", "sip:c@d", "2")
    assert (sip.via_branch, sip.via_sent_by, sip.reason_cause) == ("z9hG4bK1", "h:5060", 17)
    assert (sip.contact_uri, sip.user_agent) == (None, "J\udcf6rg")
    assert (sip.header("FROM"), sip.header("L"), sip.header("nothing")) == ("Alice <sip:a@b>;tag=1", "2", None)
    assert sip.headers[4] == ("CSeq", "1 INVITE")
    assert sip.body == b"ab"
    assert bytes(sip) == BUSY, "folding and compact names survive"
    assert "SIP 486 Busy Here" in packet.summary()


@pytest.mark.parametrize("lower", [UDP, TCP])
@pytest.mark.parametrize("ports", [{"sport": 5060, "dport": 9}, {"sport": 9, "dport": 5061}])
def test_ports(lower: type[Packet], ports: dict[str, int]) -> None:
    assert SIP in dissected(BUSY, lower, **ports)
    assert SIP not in dissected(BUSY, lower, sport=9, dport=9)


@pytest.mark.parametrize("octets", [b"\r\n\r\n", b"\x16\x03\x01\x00\x05hello", b"GET / HTTP/1.1\r\n\r\n", BUSY[30:]])
def test_what_is_no_message_stays_raw(octets: bytes) -> None:
    packet = dissected(octets)
    assert SIP not in packet
    assert packet[Raw].load == octets


def test_several_messages_in_a_segment() -> None:
    request = b"OPTIONS sip:a@b SIP/2.0\r\nContent-Length: 0\r\n\r\n"
    packet = dissected(b"\r\n" + request + BUSY + b"rest", TCP)
    first, second = packet[SIP], packet[SIP].payload
    assert (first.method, first.request_uri) == ("OPTIONS", "sip:a@b")
    assert (second.status_code, second.payload) == (486, Raw(b"rest"))
    assert bytes(packet[TCP].payload) == b"\r\n" + request + BUSY + b"rest"
    assert "SIP OPTIONS sip:a@b" in first.mysummary()


def test_building() -> None:
    headers = [("Via", "SIP/2.0/UDP h;branch=z9hG4bK9"), ("Call-ID", "k")]
    packet = Ether() / IPv6() / UDP() / SIP(method="INVITE", request_uri="sip:b@x", headers=headers, body=b"v=0")
    assert (packet[UDP].sport, packet[UDP].dport) in ((5060, 5060), (5061, 5061))
    assert bytes(packet[SIP]) == (
        b"INVITE sip:b@x SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK9\r\nCall-ID: k\r\nContent-Length: 3\r\n\r\nv=0"
    )
    again = Ether(bytes(packet))[SIP]
    assert (again.method, again.call_id, again.body) == ("INVITE", "k", b"v=0")
    assert packet[SIP].call_id == "k", "a packet that was built answers as one that was dissected"
    assert bytes(SIP(status_code=99, reason_phrase="Low")) == b"SIP/2.0 099 Low\r\nContent-Length: 0\r\n\r\n"
    assert bytes(SIP()) == b"OPTIONS sip:localhost SIP/2.0\r\nContent-Length: 0\r\n\r\n"


def test_a_changed_message_is_built_anew() -> None:
    sip = dissected(BUSY)[SIP]
    sip.status_code = 600
    assert bytes(sip).startswith(b"SIP/2.0 600 Busy Here\r\nVia: ")
    other = dissected(BUSY)[SIP]
    other.headers.append(("X-New", "1"))
    assert bytes(other).endswith(b"Server: J\xf6rg\r\nl: 2\r\nX-New: 1\r\n\r\nab")
    copied = dissected(BUSY)[SIP].copy()
    assert bytes(copied) == BUSY


def test_only_this_module_needs_scapy() -> None:
    script = "import sys, analyzer.sip.read; assert not any(m.split('.')[0] == 'scapy' for m in sys.modules)"
    root = Path(__file__).resolve().parents[1]
    assert subprocess.run([sys.executable, "-c", script], cwd=root).returncode == 0
