"""IP packets and UDP datagrams as Scapy read them, held to the same rules as in `frame_kernels`."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from analyzer.batch import Octets
from analyzer.capture.address import address_halves
from analyzer.capture.frame_kernels import EXTENSION_HEADERS
from analyzer.capture.transport_kernels import (
    DATAGRAM_OCTETS,
    K_BROKEN,
    K_CUT,
    K_DAMAGED,
    K_FRAGMENT,
    K_FRAGMENT_SIP,
    K_ICMP,
    K_OTHER_IP,
    K_SCTP,
    K_SIP,
    K_TCP,
    K_TCP_SIP,
    K_UDP,
    K_UDP_TUNNEL,
    udp_kind,
)
from analyzer.sip.parse import BAD_START_LINE, ParseError, parse_message
from analyzer.sip.start_kernels import BROKEN_START_LINE, NOT_SIP, SIP_MESSAGE, start_line

#: A content test: payload and octets sent → NOT_SIP, SIP_MESSAGE or BROKEN_START_LINE.
Begins: TypeAlias = Callable[[bytes, int], int]
_AUTHENTICATION = 51
_PLAIN_EXTENSIONS = frozenset({0, 43, 60, 135, 139, 140})


class Datagram(NamedTuple):
    """A UDP datagram that begins with SIP. Addresses as in `analyzer.capture.address`."""

    payload: bytes
    wire_length: int
    src: tuple[int, int]
    dst: tuple[int, int]
    src_port: int
    dst_port: int
    network: int
    ip_id: int


class Packet(NamedTuple):
    """What an IP header says: protocol number, captured payload, octets of it that were sent."""

    protocol: int
    payload: bytes
    sent: int
    src: tuple[int, int]
    dst: tuple[int, int]
    ip_id: int
    place: int = 0
    is_fragment: bool = False


def ipv4_packet(packet: Any, missing: int) -> Packet | int:
    """An IPv4 layer's packet (RFC 791 §3.1), or the kind of frame it makes; ``missing`` octets were cut."""
    octets: bytes = packet.original
    if len(octets) < 20:
        return K_CUT
    header = packet.ihl * 4
    if packet.version != 4 or header < 20:
        return K_DAMAGED
    total = packet.len or len(octets) + missing
    if total < header:
        return K_DAMAGED
    if header > len(octets):
        return K_CUT
    payload, sent, protocol = octets[header:total], total - header, packet.proto
    is_fragment = bool(packet.frag or packet.flags.MF)
    if protocol == _AUTHENTICATION and not is_fragment:
        if len(octets) - header < 8:
            return K_CUT
        protocol, length = octets[header], (octets[header + 1] + 2) * 4
        payload, sent = payload[length:], sent - length
    src, dst = address_halves(packet.src), address_halves(packet.dst)
    return Packet(protocol, payload, sent, src, dst, packet.id, packet.frag, is_fragment)


def ipv6_packet(packet: Any, missing: int) -> Packet | int:
    """The same for IPv6, behind its extension headers (RFC 8200 §4)."""
    octets: bytes = packet.original
    if len(octets) < 40:
        return K_CUT
    if packet.version != 6:
        return K_DAMAGED
    sent = packet.plen or len(octets) - 40 + missing
    payload, protocol = octets[40 : 40 + sent], packet.nh
    src, dst = address_halves(packet.src), address_halves(packet.dst)
    place, is_fragment = 0, False
    for _ in range(EXTENSION_HEADERS):
        if protocol not in _PLAIN_EXTENSIONS and protocol not in (44, _AUTHENTICATION):
            return Packet(protocol, payload, sent, src, dst, 0, place, is_fragment)
        if len(payload) < 8:
            return K_CUT if sent >= 8 else K_DAMAGED
        length = (payload[1] + 1) * 8
        if protocol == 44:
            length = 8
            word = struct.unpack(">H", payload[2:4])[0]
            place, is_fragment = word >> 3, word & 0xFFF9 != 0
        elif protocol == _AUTHENTICATION:
            length = (payload[1] + 2) * 4
        protocol, payload, sent = payload[0], payload[length:], sent - length
        if is_fragment and place:
            return K_FRAGMENT
    return K_DAMAGED


def other_kind(ip: Packet, begins: Begins) -> int:
    """The kind of a packet that carries no UDP."""
    if ip.protocol == 6:
        length = (ip.payload[12] >> 4) * 4 if len(ip.payload) >= 20 else 0
        if 20 <= length < len(ip.payload) and begins(ip.payload[length:], len(ip.payload)) == SIP_MESSAGE:
            return K_TCP_SIP
        return K_TCP
    if ip.protocol in (1, 58):
        return K_ICMP
    return K_SCTP if ip.protocol == 132 else K_OTHER_IP


def udp_datagram(
    ip: Packet, network: int, begins: Begins
) -> tuple[int, Datagram | None, tuple[int, int, bytes] | None]:
    """Kind, datagram if it is SIP, and (ports, payload) if it is a tunnel."""
    if ip.place:
        return K_FRAGMENT, None, None
    if len(ip.payload) < 8:
        return (K_CUT if ip.sent >= 8 else K_DAMAGED), None, None
    src_port, dst_port, length = struct.unpack(">HHH", ip.payload[:6])
    sent = (min(length, ip.sent) if length else ip.sent) - 8
    if sent < 0:
        return K_DAMAGED, None, None
    payload = ip.payload[8 : 8 + sent]
    if len(payload) > DATAGRAM_OCTETS:
        return K_DAMAGED, None, None
    verdict = begins(payload, sent)
    if ip.is_fragment:
        return (K_FRAGMENT_SIP if verdict == SIP_MESSAGE else K_FRAGMENT), None, None
    if verdict == BROKEN_START_LINE:
        return K_BROKEN, None, None
    if verdict == SIP_MESSAGE:
        datagram = Datagram(payload, sent, ip.src, ip.dst, src_port, dst_port, network, ip.ip_id)
        return K_SIP, datagram, None
    if len(payload) < 4 or payload[0] >= 0x80:
        return K_UDP, None, None
    kind = udp_kind(_octets(payload), 0, len(payload), src_port, dst_port)
    return kind, None, (src_port, dst_port, payload) if kind == K_UDP_TUNNEL else None


def begins_by_kernel(payload: bytes, sent: int) -> int:
    """The content test as the kernels make it; ``sent`` octets were sent of which ``payload`` was captured."""
    if not payload:
        return NOT_SIP
    return start_line(_octets(payload), 0, len(payload), sent > len(payload))


def _octets(payload: bytes) -> Octets:
    """Octets for a kernel. They are writable as a window's are: for others it would be compiled a second time."""
    return np.frombuffer(bytearray(payload), dtype=np.uint8)


def begins_by_parser(payload: bytes, sent: int) -> int:
    """The content test as the whole-message parser makes it."""
    try:
        parse_message(payload, sent)
    except ParseError as error:
        return BROKEN_START_LINE if error.code == BAD_START_LINE else NOT_SIP
    return SIP_MESSAGE
