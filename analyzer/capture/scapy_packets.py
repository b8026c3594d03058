"""IP packets and what they carry as Scapy read them, held to the same rules as in the kernels."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from analyzer.batch import (
    MISSING,
    RAW_FRAGMENT,
    RAW_HEP,
    RAW_MESSAGE,
    RAW_SCTP,
    RAW_SEGMENT,
    TCP_FIN,
    TCP_RST,
    TCP_SYN,
    Octets,
)
from analyzer.capture.address import address_halves
from analyzer.capture.found_kernels import (
    DATAGRAM_OCTETS,
    FOUND_AT,
    FOUND_COLUMNS,
    FOUND_END,
    FOUND_INSIDE,
    FOUND_WIRE_END,
    INSIDE_PROTOCOL,
    K_BROKEN,
    K_CUT,
    K_DAMAGED,
    K_ICMP,
    K_INSIDE,
    K_OTHER_IP,
    K_RAW,
    K_SCTP,
    K_SIP,
    K_TCP,
    K_UDP,
    RAW_ICMP,
    RAW_SIGN,
    SIGN_SYN_AGAIN,
)
from analyzer.capture.icmp import may_begin_sip, read_icmp
from analyzer.capture.icmp_kernels import ERROR_OCTETS
from analyzer.capture.ip_kernels import EXTENSION_HEADERS
from analyzer.capture.layer_kernels import L_ICMP, L_SCTP, L_TCP, L_UDP, push
from analyzer.capture.segment_kernels import TCP
from analyzer.capture.transport_kernels import ICMP, ICMPV6, SCTP, UDP, data_chunks, is_hep
from analyzer.capture.tunnel_kernels import PORT_SCTP, PROTOCOL_ESP, esp, udp_tunnel
from analyzer.sip.parse import BAD_START_LINE, ParseError, parse_message
from analyzer.sip.start_kernels import BROKEN_START_LINE, NOT_SIP, SIP_MESSAGE, start_line

#: A content test: payload and octets sent → NOT_SIP, SIP_MESSAGE or BROKEN_START_LINE.
Begins: TypeAlias = Callable[[bytes, int], int]
_AUTHENTICATION = 51
_PLAIN_EXTENSIONS = frozenset({0, 43, 60, 135, 139, 140})


class Found(NamedTuple):
    """A datagram that begins with SIP, or a part of something in which it may stand: a raw row of `batch`.

    ``kind`` is RAW_*; addresses are as in `analyzer.capture.address`.
    """

    kind: int
    payload: bytes
    wire_length: int
    src: tuple[int, int]
    dst: tuple[int, int]
    src_port: int
    dst_port: int
    network: int
    ip_id: int
    layers: int
    seq: int = 0
    info: int = 0
    first: int = MISSING


class Segment(NamedTuple):
    """A TCP segment as whoever judges flows wants it."""

    network: int
    src: tuple[int, int]
    dst: tuple[int, int]
    src_port: int
    dst_port: int
    seq: int
    flags: int
    payload: bytes
    wire_length: int


#: Judges a segment: its kind (K_RAW, K_TCP, K_OPAQUE), octets to leave out in front, FLOW_*, number of the first octet.
Judge: TypeAlias = Callable[[Segment], tuple[int, int, int, int]]


class Packet(NamedTuple):
    """What an IP header says: protocol number, captured payload, octets of it that were sent."""

    protocol: int
    payload: bytes
    sent: int
    src: tuple[int, int]
    dst: tuple[int, int]
    ip_id: int
    place: int = -1  # of a fragment, as batch.R_SEQ
    fragment_id: int = 0


class Inside(NamedTuple):
    """A tunnel in UDP: ports and payload for Scapy; or an IP protocol in ESP or UDP (``packet``)."""

    src_port: int
    dst_port: int
    payload: bytes
    packet: Packet | None = None


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
    place = packet.frag << 4 | int(packet.flags.MF) if is_fragment else -1
    return Packet(protocol, payload, sent, src, dst, packet.id, place, packet.id)


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
    for _ in range(EXTENSION_HEADERS):
        if protocol not in _PLAIN_EXTENSIONS and protocol not in (44, _AUTHENTICATION):
            return Packet(protocol, payload, sent, src, dst, 0)
        if len(payload) < 8:
            return K_CUT if sent >= 8 else K_DAMAGED
        length = (payload[1] + 1) * 8
        if protocol == 44:
            length = 8
            word, number = struct.unpack(">HI", payload[2:8])
            if word & 0xFFF9:
                place = (word & 0xFFF8) << 1 | word & 1
                return Packet(payload[0], payload[8:], sent - 8, src, dst, 0, place, number)
        elif protocol == _AUTHENTICATION:
            length = (payload[1] + 2) * 4
        protocol, payload, sent = payload[0], payload[length:], sent - length
    return K_DAMAGED


def transport(
    ip: Packet, network: int, layers: int, begins: Begins, judge: Judge
) -> tuple[int, Found | None, Inside | None, int]:
    """Kind of a packet, what was found in it, what it carries if it is a tunnel, and the headers down to there."""
    if ip.place >= 0:
        if len(ip.payload) > DATAGRAM_OCTETS:
            return K_DAMAGED, None, None, layers
        info = ip.protocol << 32 | ip.fragment_id
        found = Found(
            RAW_FRAGMENT, ip.payload, ip.sent, ip.src, ip.dst, 0, 0, network, ip.ip_id, layers, ip.place, info
        )
        return K_RAW, found, None, layers
    if ip.protocol == UDP:
        return _udp(ip, network, push(layers, L_UDP), begins)
    if ip.protocol == TCP:
        layers = push(layers, L_TCP)
        return *_tcp(ip, network, layers, judge), None, layers
    if ip.protocol == SCTP:
        layers = push(layers, L_SCTP)
        return *_sctp(ip, network, layers), None, layers
    if ip.protocol in (ICMP, ICMPV6):
        layers = push(layers, L_ICMP)
        return *_icmp(ip, network, layers, begins), None, layers
    if ip.protocol == PROTOCOL_ESP:
        inside = _esp(ip, ip.payload, ip.sent)
        return (K_OTHER_IP, None, None, layers) if inside is None else (K_INSIDE, None, inside, layers)
    return K_OTHER_IP, None, None, layers


def _udp(
    ip: Packet, network: int, layers: int, begins: Begins
) -> tuple[int, Found | None, Inside | None, int]:
    if len(ip.payload) < 8:
        return (K_CUT if ip.sent >= 8 else K_DAMAGED), None, None, layers
    src_port, dst_port, length = struct.unpack(">HHH", ip.payload[:6])
    sent = (min(length, ip.sent) if length else ip.sent) - 8
    if sent < 0:
        return K_DAMAGED, None, None, layers
    payload = ip.payload[8 : 8 + sent]
    if len(payload) > DATAGRAM_OCTETS:
        return K_DAMAGED, None, None, layers
    found = Found(RAW_MESSAGE, payload, sent, ip.src, ip.dst, src_port, dst_port, network, ip.ip_id, layers)
    verdict = begins(payload, sent)
    if verdict == BROKEN_START_LINE:
        return K_BROKEN, None, None, layers
    if verdict == SIP_MESSAGE:
        return K_SIP, found, None, layers
    if len(payload) < 4 or payload[0] >= 0x80:
        return K_UDP, None, None, layers
    octets = octets_of(payload)
    if is_hep(octets, 0, len(payload)):
        return K_RAW, found._replace(kind=RAW_HEP), None, layers
    if PORT_SCTP in (src_port, dst_port):
        return K_INSIDE, None, Inside(0, 0, b"", ip._replace(protocol=SCTP, payload=payload, sent=sent)), layers
    cursor = np.zeros(FOUND_COLUMNS, dtype=np.int64)
    cursor[FOUND_END], cursor[FOUND_WIRE_END] = len(payload), sent
    kind = udp_tunnel(octets, src_port, dst_port, cursor)
    if kind == K_INSIDE and cursor[FOUND_INSIDE] >= INSIDE_PROTOCOL:
        return kind, None, _esp(ip, payload, sent), layers
    return kind, None, Inside(src_port, dst_port, payload), layers


def _esp(ip: Packet, payload: bytes, sent: int) -> Inside | None:
    """What ESP with NULL encryption carries; Scapy would want to know the keys."""
    cursor = np.zeros(FOUND_COLUMNS, dtype=np.int64)
    cursor[FOUND_END], cursor[FOUND_WIRE_END] = len(payload), sent
    if esp(octets_of(payload), cursor) != K_INSIDE:
        return None
    inner = payload[cursor[FOUND_AT] : cursor[FOUND_END]]
    protocol = int(cursor[FOUND_INSIDE]) - INSIDE_PROTOCOL
    return Inside(0, 0, b"", ip._replace(protocol=protocol, payload=inner, sent=len(inner)))


def _tcp(ip: Packet, network: int, layers: int, judge: Judge) -> tuple[int, Found | None]:
    """RFC 9293 §3.1."""
    octets = ip.payload
    if len(octets) < 20:
        return (K_CUT if ip.sent >= 20 else K_DAMAGED), None
    src_port, dst_port, seq, _, offset, flags = struct.unpack(">HHIIBB", octets[:14])
    header = (offset >> 4) * 4
    if header < 20 or header > ip.sent:
        return K_DAMAGED, None
    sent = ip.sent - header
    if not sent and not flags & (TCP_SYN | TCP_FIN | TCP_RST):
        return K_TCP, None
    if header > len(octets):
        return K_CUT, None
    if sent > DATAGRAM_OCTETS:
        return K_DAMAGED, None
    payload = octets[header:]
    kind, skip, flow, first = judge(
        Segment(network, ip.src, ip.dst, src_port, dst_port, seq, flags, payload, sent)
    )
    if kind != K_RAW:
        return kind, None
    seq = seq + skip + (1 if flags & TCP_SYN else 0) & 0xFFFFFFFF
    raw = RAW_SIGN if flow >= SIGN_SYN_AGAIN else RAW_SEGMENT
    found = Found(
        raw, payload[skip:], sent - skip, ip.src, ip.dst, src_port, dst_port, network, ip.ip_id, layers, seq,
        flags | flow << 8, first,
    )  # fmt: skip
    return kind, found


def _icmp(ip: Packet, network: int, layers: int, begins: Begins) -> tuple[int, Found | None]:
    """RFC 792, RFC 4443: an error about what may have been SIP."""
    error = read_icmp(ip.payload, ip.protocol)
    if error is None:
        return K_ICMP, None
    if error.protocol == UDP and error.payload:
        begun = begins(error.payload, len(error.payload) + 1) == SIP_MESSAGE
        if error.payload[0] >= 0x7F or not (begun or may_begin_sip(error.payload)):
            return K_ICMP, None
    payload = ip.payload[:ERROR_OCTETS]
    return K_RAW, Found(
        RAW_ICMP, payload, ip.sent, ip.src, ip.dst, 0, 0, network, ip.ip_id, layers, info=ip.protocol
    )


def _sctp(ip: Packet, network: int, layers: int) -> tuple[int, Found | None]:
    """RFC 9260 §3; whether its user messages are SIP is left to whoever puts them together."""
    if len(ip.payload) < 12:
        return (K_CUT if ip.sent >= 12 else K_DAMAGED), None
    if len(ip.payload) > DATAGRAM_OCTETS:
        return K_DAMAGED, None
    has_data, _, _ = data_chunks(octets_of(ip.payload), 12, len(ip.payload))
    if not has_data:
        return K_SCTP, None
    src_port, dst_port = struct.unpack(">HH", ip.payload[:4])
    return K_RAW, Found(
        RAW_SCTP, ip.payload, ip.sent, ip.src, ip.dst, src_port, dst_port, network, ip.ip_id, layers
    )


def begins_by_kernel(payload: bytes, sent: int) -> int:
    """The content test as the kernels make it; ``sent`` octets were sent of which ``payload`` was captured."""
    if not payload:
        return NOT_SIP
    return start_line(octets_of(payload), 0, len(payload), sent > len(payload))


def octets_of(payload: bytes) -> Octets:
    """Octets for a kernel. They are writable as a window's are: for others it would be compiled a second time."""
    return np.frombuffer(bytearray(payload), dtype=np.uint8)


def begins_by_parser(payload: bytes, sent: int) -> int:
    """The content test as the whole-message parser makes it."""
    try:
        parse_message(payload, sent)
    except ParseError as error:
        return BROKEN_START_LINE if error.code == BAD_START_LINE else NOT_SIP
    return SIP_MESSAGE
