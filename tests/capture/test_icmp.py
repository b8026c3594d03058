"""ICMP errors and what they quote: the kernel and the plain reading agree on any octets."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from analyzer.capture.found_kernels import FOUND_AT, FOUND_COLUMNS, FOUND_END, FOUND_WIRE_END, K_ICMP, K_RAW
from analyzer.capture.icmp import ICMP, ICMPV6, read_icmp
from analyzer.capture.icmp_kernels import icmp
from analyzer.capture.scapy_packets import Packet, begins_by_parser, octets_of, transport
from tests.packets import ERRORS, UDP, udp
from tests.packets import Packet as Sent
from tests.packets import icmp as error_about

INVITE = b"INVITE sip:bob@192.0.2.2 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1\r\nCall-ID: a@b\r\n\r\n"
ABOUT = Sent(1, "192.0.2.1", "192.0.2.2", UDP, udp("192.0.2.1", 5060, "192.0.2.2", 5070, INVITE))
ABOUT6 = Sent(1, "2001:db8::1", "2001:db8::2", UDP, udp("2001:db8::1", 5060, "2001:db8::2", 5070, INVITE))


@pytest.mark.parametrize("about", [ABOUT, ABOUT6])
@pytest.mark.parametrize("name", ERRORS)
def test_an_error_tells_who_could_not_be_reached(about: Sent, name: str) -> None:
    packet = error_about(2, about.dst, name, about)
    seen = read_icmp(packet.payload, packet.protocol)
    assert seen is not None
    assert seen.payload == INVITE
    assert (seen.src_port, seen.dst_port) == (5060, 5070)
    assert seen.name == {
        "net": "net_unreachable", "host": "host_unreachable", "port": "port_unreachable",
        "prohibited": "admin_prohibited", "too_big": "packet_too_big", "ttl": "time_exceeded",
    }[name]  # fmt: skip


def by_kernel(octets: bytes, protocol: int) -> int:
    """What the kernel makes of an ICMP packet."""
    found = np.zeros(FOUND_COLUMNS, dtype=np.int64)
    found[FOUND_AT], found[FOUND_END], found[FOUND_WIRE_END] = 0, len(octets), len(octets)
    return int(icmp(octets_of(octets or b"\0"), protocol, found))


def by_parser(octets: bytes, protocol: int) -> int:
    """What the reader that defines right makes of it."""
    packet = Packet(protocol, octets, len(octets), (0, 1), (0, 2), 0)
    kind, _, _, _ = transport(packet, 0, 0, begins_by_parser, lambda segment: (0, 0, 0, 0))
    return kind


QUOTES = st.one_of(
    st.binary(max_size=80),
    st.builds(
        lambda about, cut, put, octet: (about[:put] + bytes([octet]) + about[put + 1 :])[:cut],
        st.sampled_from([error_about(2, one.dst, "port", one).payload for one in (ABOUT, ABOUT6)]),
        st.integers(0, 200), st.integers(0, 150), st.integers(0, 255),
    ),
)  # fmt: skip


@given(QUOTES, st.sampled_from([ICMP, ICMPV6]))
@example(error_about(2, ABOUT.dst, "port", ABOUT).payload, ICMP)
@example(error_about(2, ABOUT.dst, "port", ABOUT, quote=8).payload, ICMP)
def test_readers_agree_on_any_octets(octets: bytes, protocol: int) -> None:
    kind = by_kernel(octets, protocol)
    assert kind == by_parser(octets, protocol)
    assert kind in (K_RAW, K_ICMP)
    if kind == K_RAW:
        assert read_icmp(octets, protocol) is not None
