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
from analyzer.capture.link_kernels import LINK_LOOP, LINK_NULL, LINK_RAW, LINK_RAW_BSD, LINK_RAW_OLD
from analyzer.capture.scapy_packets import (
    Begins,
    Datagram,
    begins_by_kernel,
    ipv4_packet,
    ipv6_packet,
    other_kind,
    udp_datagram,
)
from analyzer.capture.transport_kernels import (
    K_CUT,
    K_DAMAGED,
    K_FRAGMENT,
    K_LINK_TYPE,
    K_NOT_IP,
    K_OTHER_IP,
    K_UDP_TUNNEL,
)

#: Headers in one frame; more of them are an attack on readers.
LAYERS = 200


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
        ip = ipv4_packet(packet, missing) if isinstance(packet, layers.ip) else ipv6_packet(packet, missing)
        if isinstance(ip, int):
            return ip, None
        if ip.protocol != 17:
            if ip.is_fragment:
                return K_FRAGMENT, None
            kind = other_kind(ip, begins)
            if kind != K_OTHER_IP:
                return kind, None
            packet = _next(packet, layers)
            continue
        kind, datagram, tunnelled = udp_datagram(ip, network, begins)
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
