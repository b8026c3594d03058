"""Frames that the kernels decline, dissected by Scapy down to their innermost datagram.

Scapy knows the tunnels and link types; what it dissects is walked here layer by layer: Ethernet in VXLAN in UDP in
IP ... until a datagram begins with SIP. It is also the whole of ``--reader scapy``, where every frame comes this
way; so IP and UDP are held to the same rules as in `frame_kernels`, on the fields that Scapy read. Scapy is
imported with the first frame, never before.
"""

from __future__ import annotations

import logging
import struct
import warnings
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from analyzer.batch import MISSING, Octets
from analyzer.capture.address import address_halves
from analyzer.capture.frame_kernels import (
    DATAGRAM_OCTETS,
    EXTENSION_HEADERS,
    K_BROKEN,
    K_CUT,
    K_DAMAGED,
    K_FRAGMENT,
    K_FRAGMENT_SIP,
    K_ICMP,
    K_LINK_TYPE,
    K_NOT_IP,
    K_OTHER_IP,
    K_SCTP,
    K_SIP,
    K_TCP,
    K_TCP_SIP,
    K_UDP,
    K_UDP_TUNNEL,
    udp_kind,
)
from analyzer.capture.link_kernels import LINK_LOOP, LINK_NULL, LINK_RAW, LINK_RAW_BSD, LINK_RAW_OLD
from analyzer.sip.parse import BAD_START_LINE, ParseError, parse_message
from analyzer.sip.start_kernels import BROKEN_START_LINE, NOT_SIP, SIP_MESSAGE, start_line

#: Headers in one frame; more of them are an attack on readers.
LAYERS = 200
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


class _Packet(NamedTuple):
    """What an IP header says: protocol number, captured payload, octets of it that were sent."""

    protocol: int
    payload: bytes
    sent: int
    src: tuple[int, int]
    dst: tuple[int, int]
    ip_id: int
    place: int = 0
    is_fragment: bool = False


class _Layers(NamedTuple):
    """Scapy's classes, imported late."""

    by_link_type: Any
    by_ether_type: dict[int, Any]
    by_port: dict[int, Any]
    ip: Any
    ipv6: Any
    raw: Any
    none: Any
    tags: tuple[Any, ...]
    with_ether_type: tuple[Any, ...]


@cache
def _layers() -> _Layers:
    """Import Scapy without its words on standard error and its warnings about other libraries."""
    logging.getLogger("scapy").setLevel(logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import scapy.contrib.erspan
        import scapy.layers.dot11
        import scapy.layers.ppp  # noqa: F401  imported for what they teach the layers below
        from scapy.config import conf
        from scapy.contrib.geneve import GENEVE
        from scapy.contrib.gtp import GTP_U_Header
        from scapy.contrib.mpls import MPLS
        from scapy.contrib.tzsp import TZSP
        from scapy.layers.inet import IP
        from scapy.layers.inet6 import IPv6
        from scapy.layers.l2 import GRE, SNAP, CookedLinux, CookedLinuxV2, Dot1AD, Dot1Q, Ether
        from scapy.layers.l2tp import L2TP
        from scapy.layers.ppp import PPPoE
        from scapy.layers.vxlan import VXLAN
        from scapy.packet import NoPayload, Raw
    return _Layers(
        by_link_type=conf.l2types,
        by_ether_type={
            0x0800: IP,
            0x86DD: IPv6,
            0x8100: Dot1Q,
            0x88A8: Dot1AD,
            0x9100: Dot1AD,
            0x8847: MPLS,
            0x8864: PPPoE,
            0x6558: Ether,
        },
        by_port={
            4789: VXLAN,
            8472: VXLAN,
            2152: GTP_U_Header,
            6081: GENEVE,
            37008: TZSP,
            1701: L2TP,
        },
        ip=IP,
        ipv6=IPv6,
        raw=Raw,
        none=NoPayload,
        tags=(Dot1Q, Dot1AD),
        with_ether_type=(Ether, Dot1Q, Dot1AD, CookedLinux, CookedLinuxV2, GRE, SNAP, GENEVE),
    )


def decoded(
    frame: bytes, wire_length: int, link_type: int, begins: Begins | None = None
) -> tuple[int, Datagram | None]:
    """What a frame is (K_* of `frame_kernels`), and its datagram if that is SIP.

    ``wire_length`` is the frame's length before the snaplen cut it; ``begins`` the content test (`begins_by_kernel`
    when none is given). A frame that Scapy fails on is damaged: whatever it raises ends here.
    """
    try:
        return _walk(frame, wire_length - len(frame), link_type, begins or begins_by_kernel)
    except struct.error:  # the octets ran out within a header
        return K_CUT, None
    except Exception:  # Scapy's dissectors raise anything on hostile octets
        return K_DAMAGED, None


def _walk(frame: bytes, missing: int, link_type: int, begins: Begins) -> tuple[int, Datagram | None]:
    layers = _layers()
    octets, cls = _link(frame, link_type, layers)
    if cls is None:
        return K_LINK_TYPE, None
    kind = K_NOT_IP
    packet = cls(octets)
    network = MISSING
    has_vni = False
    for _ in range(LAYERS):
        if isinstance(packet, layers.none):
            return kind, None
        if isinstance(packet, layers.tags) and network == MISSING and packet.vlan:
            network = packet.vlan
        vni = packet.fields.get("vni")
        if vni is not None and not has_vni:
            network, has_vni = int(vni), True
        if not isinstance(packet, layers.ip | layers.ipv6):
            packet = _next(packet, layers)
            continue
        ip = _ipv4(packet, missing) if isinstance(packet, layers.ip) else _ipv6(packet, missing)
        if isinstance(ip, int):
            return ip, None
        if ip.protocol != 17:
            if ip.is_fragment:
                return K_FRAGMENT, None
            kind = _other_kind(ip, begins)
            if kind != K_OTHER_IP:
                return kind, None
            packet = _next(packet, layers)
            continue
        kind, datagram, tunnelled = _udp(ip, network, begins)
        if kind != K_UDP_TUNNEL:
            return kind, datagram
        assert tunnelled is not None
        src_port, dst_port, payload = tunnelled
        packet = layers.by_port[dst_port if dst_port in layers.by_port else src_port](payload)
    return K_DAMAGED, None


def _link(frame: bytes, link_type: int, layers: _Layers) -> tuple[bytes, Any]:
    """What Scapy dissects and as what; None for a link type that it does not know.

    Scapy takes the family of NULL for the byte order of this machine, and numbers raw IP as this machine does.
    """
    if link_type in (LINK_NULL, LINK_LOOP):
        family = int.from_bytes(frame[:4], "big")
        if family > 0xFFFFFF:
            family >>= 24
        cls = layers.ip if family == 2 else layers.ipv6 if family in (10, 24, 28, 30) else layers.raw
        return frame[4:], cls
    if link_type in (LINK_RAW, LINK_RAW_OLD, LINK_RAW_BSD):
        return frame, {4: layers.ip, 6: layers.ipv6}.get(frame[0] >> 4 if frame else 4, layers.raw)
    return frame, layers.by_link_type.num2layer.get(link_type)


def _next(packet: Any, layers: _Layers) -> Any:
    """The layer above; where Scapy lacks the binding of an EtherType, it is made here."""
    payload = packet.payload
    if isinstance(payload, layers.raw) and isinstance(packet, layers.with_ether_type):
        ether_type = next((packet.fields[n] for n in ("type", "proto", "code", "proto") if n in packet.fields), None)
        cls = layers.by_ether_type.get(ether_type) if isinstance(ether_type, int) else None
        if cls is not None:
            return cls(payload.load)
    return payload


def _ipv4(packet: Any, missing: int) -> _Packet | int:
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
    return _Packet(protocol, payload, sent, src, dst, packet.id, packet.frag, is_fragment)


def _ipv6(packet: Any, missing: int) -> _Packet | int:
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
            return _Packet(protocol, payload, sent, src, dst, 0, place, is_fragment)
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


def _other_kind(ip: _Packet, begins: Begins) -> int:
    if ip.protocol == 6:
        length = (ip.payload[12] >> 4) * 4 if len(ip.payload) >= 20 else 0
        if 20 <= length < len(ip.payload) and begins(ip.payload[length:], len(ip.payload)) == SIP_MESSAGE:
            return K_TCP_SIP
        return K_TCP
    if ip.protocol in (1, 58):
        return K_ICMP
    return K_SCTP if ip.protocol == 132 else K_OTHER_IP


def _udp(ip: _Packet, network: int, begins: Begins) -> tuple[int, Datagram | None, tuple[int, int, bytes] | None]:
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
