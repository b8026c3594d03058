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
from functools import cache
from typing import Any, NamedTuple

from analyzer.batch import MISSING
from analyzer.capture.found_kernels import (
    K_CUT,
    K_DAMAGED,
    K_INSIDE,
    K_LINK_TYPE,
    K_NESTED,
    K_NOT_IP,
    K_OTHER_IP,
    K_UDP_TUNNEL,
)
from analyzer.capture.frame_kernels import NESTED
from analyzer.capture.layer_kernels import (
    L_ERSPAN,
    L_ESP,
    L_ETHERNET,
    L_GENEVE,
    L_GRE,
    L_GTP,
    L_IPV4,
    L_IPV6,
    L_L2TP,
    L_MPLS,
    L_NULL,
    L_OTHER,
    L_PPP,
    L_PPPOE,
    L_SLL,
    L_TZSP,
    L_VLAN,
    L_VXLAN,
    push,
)
from analyzer.capture.link_kernels import LINK_LOOP, LINK_NULL, LINK_RAW, LINK_RAW_BSD, LINK_RAW_OLD
from analyzer.capture.scapy_packets import Begins, Found, Judge, ipv4_packet, ipv6_packet, transport
from analyzer.capture.transport_kernels import SCTP
from analyzer.capture.tunnel_kernels import PROTOCOL_ESP

#: Headers in one frame; more of them are an attack on readers.
LAYERS = 200


#: Codes of Scapy's layers by class name; 0 = part of another header. What is not here is L_OTHER.
_CODES = {
    "Ether": L_ETHERNET, "Dot3": L_ETHERNET, "CookedLinux": L_SLL, "CookedLinuxV2": L_SLL,
    "Dot1Q": L_VLAN, "Dot1AD": L_VLAN, "MPLS": L_MPLS, "EoMCW": 0, "PPPoE": L_PPPOE, "PPP": L_PPP, "HDLC": 0,
    "CHDLC": L_PPP, "IP": L_IPV4, "IPv6": L_IPV6, "GRE": L_GRE, "GRE_PPTP": L_GRE, "ERSPAN": L_ERSPAN,
    "ERSPAN_I": L_ERSPAN, "ERSPAN_II": L_ERSPAN,
    "ERSPAN_III": L_ERSPAN, "ERSPAN_PlatformSpecific": 0, "VXLAN": L_VXLAN, "GENEVE": L_GENEVE, "GTP_U_Header": L_GTP,
    "GTPHeader": L_GTP, "GTPPDUSessionContainer": 0, "L2TP": L_L2TP, "TZSP": L_TZSP, "LLC": 0, "SNAP": 0, "Raw": 0,
    "Padding": 0,
}  # fmt: skip


class Decoded(NamedTuple):
    """What a frame is (K_* of `found_kernels`), what was found in it, and its headers."""

    kind: int
    found: Found | None
    layers: int


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


def decoded(frame: bytes, wire_length: int, link_type: int, begins: Begins, judge: Judge) -> Decoded:
    """What a frame is, and what was found in it.

    ``wire_length`` is the frame's length before the snaplen cut it; ``begins`` is the content test, ``judge`` knows
    what TCP flows carry. A frame that Scapy fails on is damaged: whatever it raises ends here.
    """
    walk = _Walk(wire_length - len(frame), begins, judge)
    try:
        kind, found = walk.down(frame, link_type)
    except struct.error:  # the octets ran out within a header
        kind, found = K_CUT, None
    except Exception:  # Scapy's dissectors raise anything on hostile octets
        kind, found = K_DAMAGED, None
    return Decoded(kind, found, walk.layers)


class _Walk:
    """One frame, header by header; ``layers`` are those passed so far."""

    def __init__(self, missing: int, begins: Begins, judge: Judge) -> None:
        self.layers = 0
        self._missing = missing
        self._begins = begins
        self._judge = judge
        self._vlan = self._vni = MISSING

    def down(self, frame: bytes, link_type: int) -> tuple[int, Found | None]:
        """Kind of the frame and what was found in it."""
        layers = _layers()
        if link_type in (LINK_NULL, LINK_LOOP):
            self.layers = L_NULL
        octets, cls = _link(frame, link_type, layers)
        if cls is None:
            return K_LINK_TYPE, None
        kind, depth = K_NOT_IP, 0
        packet = cls(octets)
        is_outer_tag = True
        for _ in range(LAYERS):
            if isinstance(packet, layers.none):
                return kind, None
            code = _CODES.get(type(packet).__name__, L_OTHER)
            if code:
                self.layers = push(self.layers, code)
            if code in (L_ETHERNET, L_SLL):
                is_outer_tag = True
            if code == L_VLAN and is_outer_tag and packet.vlan:
                self._vlan, is_outer_tag = int(packet.vlan), False
            vni = packet.fields.get("vni")
            if vni is not None:
                self._vni = int(vni)
            if not isinstance(packet, layers.ip | layers.ipv6):
                packet = _next(packet, layers)
                continue
            missing = self._missing
            ip = ipv4_packet(packet, missing) if isinstance(packet, layers.ip) else ipv6_packet(packet, missing)
            while True:
                if isinstance(ip, int):
                    return ip, None
                depth += 1
                if depth > NESTED:
                    return K_NESTED, None
                network = self._vni if self._vni != MISSING else self._vlan
                kind, found, inside, self.layers = transport(ip, network, self.layers, self._begins, self._judge)
                if inside is None or inside.packet is None:
                    break
                if inside.packet.protocol != SCTP or ip.protocol == PROTOCOL_ESP:
                    self.layers = push(self.layers, L_ESP)
                ip = inside.packet
            if kind == K_OTHER_IP:
                packet = _next(packet, layers)
            elif kind not in (K_INSIDE, K_UDP_TUNNEL) or inside is None:
                return kind, found
            else:
                port = inside.dst_port if inside.dst_port in layers.by_port else inside.src_port
                packet = layers.by_port[port](inside.payload)
                kind, is_outer_tag = K_NOT_IP, True
        return K_NESTED, None


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
