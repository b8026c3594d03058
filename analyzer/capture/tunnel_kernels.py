"""Tunnels: what UDP datagrams and IP packets carry that is a packet again.

Each kernel stands at its tunnel's header (FOUND_AT) and returns K_INSIDE when it has moved on to what is inside
(FOUND_INSIDE: an EtherType or an IP protocol), or the kind of frame that a tunnel makes which is not read.
"""

from __future__ import annotations

import numpy as np

from analyzer.batch import Ints, Octets
from analyzer.capture.found_kernels import (
    FOUND_AT,
    FOUND_END,
    FOUND_INSIDE,
    FOUND_LAYERS,
    FOUND_VNI,
    FOUND_WIRE_END,
    INSIDE_PROTOCOL,
    K_CUT,
    K_DAMAGED,
    K_INSIDE,
    K_OTHER_IP,
    K_UDP,
    K_UDP_TUNNEL,
)
from analyzer.capture.layer_kernels import L_ERSPAN, L_ESP, L_GENEVE, L_GRE, L_GTP, L_L2TP, L_TZSP, L_VXLAN, push
from analyzer.capture.link_kernels import (
    ETHER_BRIDGED,
    ETHER_IPV4,
    ETHER_IPV6,
    ETHER_MPLS,
    ETHER_PPP,
    ip_version,
)
from analyzer.capture.wire_kernels import be16, be32
from analyzer.jit import inlined, kernel

PORT_VXLAN, PORT_VXLAN_LINUX, PORT_VXLAN_GPE = 4789, 8472, 4790
PORT_GTP_U = 2152
PORT_GENEVE = 6081
PORT_TZSP = 37008
PORT_L2TP = 1701
PORT_ESP = 4500
PORT_SCTP = 9899
PROTOCOL_IPV4, PROTOCOL_IPV6, PROTOCOL_GRE, PROTOCOL_ESP, PROTOCOL_ETHERIP, PROTOCOL_MPLS = 4, 41, 47, 50, 97, 137
_TCP, _UDP, _SCTP = 6, 17, 132
_ERSPAN_1_2, _ERSPAN_3 = 0x88BE, 0x22EB
#: Tags of TZSP and extension headers of GTP-U that are passed before a packet is given up.
_STEPS = 64


@kernel
def udp_tunnel(octets: Octets, src_port: int, dst_port: int, found: Ints) -> int:
    """A datagram that is not SIP: a tunnel by port and header, else K_UDP."""
    at, end = found[FOUND_AT], found[FOUND_END]
    if end - at < 8:
        return K_UDP
    if dst_port == PORT_VXLAN or dst_port == PORT_VXLAN_LINUX or dst_port == PORT_VXLAN_GPE:
        return _vxlan(octets, dst_port, found)
    if dst_port == PORT_GTP_U or src_port == PORT_GTP_U:
        return _gtp(octets, found)
    if dst_port == PORT_GENEVE:
        return _geneve(octets, found)
    if dst_port == PORT_TZSP:
        return _tzsp(octets, found)
    if dst_port == PORT_L2TP or src_port == PORT_L2TP:
        return _l2tp(octets, found)
    if (dst_port == PORT_ESP or src_port == PORT_ESP) and be32(octets, at):
        # Four zero octets stand before IKE, RFC 3948 §2.2.
        kind = esp(octets, found)
        return K_UDP if kind == K_OTHER_IP else kind
    return K_UDP


@kernel
def ip_tunnel(octets: Octets, protocol: int, found: Ints) -> int:
    """A packet that is neither TCP, UDP, SCTP nor ICMP."""
    if protocol == PROTOCOL_IPV4:
        found[FOUND_INSIDE] = ETHER_IPV4
        return K_INSIDE
    if protocol == PROTOCOL_IPV6:
        found[FOUND_INSIDE] = ETHER_IPV6
        return K_INSIDE
    if protocol == PROTOCOL_GRE:
        return _gre(octets, found)
    if protocol == PROTOCOL_ESP:
        return esp(octets, found)
    if protocol == PROTOCOL_MPLS:  # RFC 4023
        found[FOUND_INSIDE] = ETHER_MPLS
        return K_INSIDE
    if protocol == PROTOCOL_ETHERIP:  # RFC 3378
        if found[FOUND_END] - found[FOUND_AT] < 2:
            return K_CUT
        found[FOUND_AT] += 2
        found[FOUND_INSIDE] = ETHER_BRIDGED
        return K_INSIDE
    return K_OTHER_IP


@inlined
def _inside(found: Ints, layer: int, at: int, ether_type: int) -> int:
    found[FOUND_LAYERS] = push(found[FOUND_LAYERS], layer)
    found[FOUND_AT] = at
    found[FOUND_INSIDE] = ether_type
    return K_INSIDE


@inlined
def _vxlan(octets: Octets, dst_port: int, found: Ints) -> int:
    """RFC 7348 §5: the flag says that the VNI is valid. The GPE draft: the P bit, and what is inside."""
    at = found[FOUND_AT]
    if octets[at] & 0x08 == 0 or found[FOUND_END] - at <= 8:
        return K_UDP
    inside = ETHER_BRIDGED
    if dst_port == PORT_VXLAN_GPE and octets[at] & 0x04:
        following = octets[at + 3]
        if following == 1:
            inside = ETHER_IPV4
        elif following == 2:
            inside = ETHER_IPV6
        elif following != 3:
            return K_UDP_TUNNEL
    found[FOUND_VNI] = be32(octets, at + 4) >> 8
    return _inside(found, L_VXLAN, at + 8, inside)


@inlined
def _gtp(octets: Octets, found: Ints) -> int:
    """3GPP TS 29.281 §5: version 1, a T-PDU; the optional fields, then extension headers in units of four octets."""
    at, end = found[FOUND_AT], found[FOUND_END]
    flags = octets[at]
    if flags >> 4 != 3 or octets[at + 1] != 255:
        return K_UDP
    payload_end = at + 8 + be16(octets, at + 2)
    inside = at + 8
    if flags & 7:
        inside += 4
        following = octets[inside - 1] if inside <= end and flags & 4 else 0
        for _ in range(_STEPS):
            if following == 0:
                break
            if inside >= end or octets[inside] == 0:
                return K_CUT if inside >= end else K_DAMAGED
            inside += int(np.int64(octets[inside]) << 2)
            if inside > end:
                return K_CUT
            following = octets[inside - 1]
    if inside >= end:
        return K_UDP
    found[FOUND_WIRE_END] = min(found[FOUND_WIRE_END], payload_end)
    found[FOUND_END] = min(end, payload_end)
    ether_type = ip_version(octets, inside, end)
    if ether_type < 0:
        return K_UDP_TUNNEL
    return _inside(found, L_GTP, inside, ether_type)


@inlined
def _geneve(octets: Octets, found: Ints) -> int:
    """RFC 8926 §3.4: version 0, options in units of four octets, an EtherType."""
    at = found[FOUND_AT]
    ether_type = be16(octets, at + 2)
    if octets[at] >> 6 or ether_type < 0x0600:
        return K_UDP
    inside = at + 8 + int((np.int64(octets[at]) & 63) << 2)
    if inside >= found[FOUND_END]:
        return K_CUT
    found[FOUND_VNI] = be32(octets, at + 4) >> 8
    return _inside(found, L_GENEVE, inside, ether_type)


@inlined
def _tzsp(octets: Octets, found: Ints) -> int:
    """TZSP version 1: type 0 (received) or 1, what is inside (1 = Ethernet), tags up to the one that ends them."""
    at, end = found[FOUND_AT], found[FOUND_END]
    if octets[at] != 1 or octets[at + 1] > 1:
        return K_UDP
    if be16(octets, at + 2) != 1:
        return K_UDP_TUNNEL
    tag = at + 4
    for _ in range(_STEPS):
        if tag >= end:
            return K_CUT
        if octets[tag] == 1:
            return _inside(found, L_TZSP, tag + 1, ETHER_BRIDGED)
        if octets[tag] == 0:
            tag += 1
        elif tag + 1 >= end:
            return K_CUT
        else:
            tag += 2 + int(np.int64(octets[tag + 1]))
    return K_DAMAGED


@inlined
def _l2tp(octets: Octets, found: Ints) -> int:
    """RFC 2661 §3.1: a data message of version 2, with optional length, sequence numbers and offset; PPP inside."""
    at, end = found[FOUND_AT], found[FOUND_END]
    word = be16(octets, at)
    if word & 15 != 2 or word & 0x8000:
        return K_UDP
    inside = at + 6
    if word & 0x4000:
        inside += 2
        length = be16(octets, at + 2)
        found[FOUND_WIRE_END] = min(found[FOUND_WIRE_END], at + length)
        found[FOUND_END] = end = min(end, at + length)
    if word & 0x0800:
        inside += 4
    if word & 0x0200:
        if inside + 2 > end:
            return K_CUT
        inside += 2 + be16(octets, inside)
    if inside >= end:
        return K_CUT
    return _inside(found, L_L2TP, inside, ETHER_PPP)


@inlined
def _gre(octets: Octets, found: Ints) -> int:
    """RFC 2784, RFC 2890 (key, sequence number), RFC 2637 (version 1: PPP), ERSPAN I to III by their EtherTypes."""
    at, end = found[FOUND_AT], found[FOUND_END]
    if end - at < 4:
        return K_CUT
    flags, ether_type = be16(octets, at), be16(octets, at + 2)
    inside = at + 4
    if flags & 7 == 1 and ether_type == ETHER_PPP:
        inside += 4  # length of the payload and call identifier
        if flags & 0x1000:
            inside += 4
        if flags & 0x0080:
            inside += 4
        return _inside(found, L_GRE, inside, ETHER_PPP) if inside < end else K_OTHER_IP
    if flags & 7 or flags & 0x4000:  # a later version; source routes, which nobody sends
        return K_OTHER_IP
    if flags & 0x8000:
        inside += 4
    if flags & 0x2000:
        inside += 4
    if flags & 0x1000:
        inside += 4
    if ether_type == _ERSPAN_1_2:
        found[FOUND_LAYERS] = push(found[FOUND_LAYERS], L_GRE)
        # Type I has no header of its own and no sequence number; type II has both.
        return _inside(found, L_ERSPAN, inside + 8 if flags & 0x1000 else inside, ETHER_BRIDGED)
    if ether_type == _ERSPAN_3:
        if end - inside < 12:
            return K_CUT
        has_subheader = octets[inside + 11] & 1
        found[FOUND_LAYERS] = push(found[FOUND_LAYERS], L_GRE)
        return _inside(found, L_ERSPAN, inside + 20 if has_subheader else inside + 12, ETHER_BRIDGED)
    if inside >= end:
        return K_CUT
    return _inside(found, L_GRE, inside, ether_type)


@kernel
def esp(octets: Octets, found: Ints) -> int:
    """ESP with NULL encryption (RFC 2410), as IMS uses it: told by its trailer, since nothing announces it.

    The trailer (RFC 4303 §2.4: padding 1, 2, 3, …, its length, the next header) stands before an integrity check value
    of 12, 16 or other octets. What is inside must agree with its own length.
    """
    at, end = found[FOUND_AT], found[FOUND_END]
    if found[FOUND_WIRE_END] > end or end - at < 18:
        return K_OTHER_IP
    for check in (12, 16, 0, 8, 24, 32):
        trailer = end - check - 2
        if trailer < at + 8:
            continue
        pad, following = int(np.int64(octets[trailer])), octets[trailer + 1]
        inside_end = trailer - pad
        if inside_end < at + 16:
            continue
        is_padding = True
        for n in range(pad):
            if octets[inside_end + n] != n + 1 & 255:
                is_padding = False
                break
        if is_padding and _fits(octets, at + 8, inside_end, following):
            found[FOUND_LAYERS] = push(found[FOUND_LAYERS], L_ESP)
            found[FOUND_AT] = at + 8
            found[FOUND_END] = found[FOUND_WIRE_END] = inside_end
            found[FOUND_INSIDE] = INSIDE_PROTOCOL + following
            return K_INSIDE
    return K_OTHER_IP


@inlined
def _fits(octets: Octets, at: int, end: int, protocol: int) -> bool:
    """Whether octets may be a packet of this protocol and nothing more."""
    if protocol == _UDP:
        return be16(octets, at + 4) == end - at
    if protocol == _TCP:
        header = octets[at + 12] >> 4 << 2 if end - at >= 20 else 0
        return 20 <= header <= end - at and octets[at + 12] & 15 == 0
    if protocol == PROTOCOL_IPV4:
        return end - at >= 20 and octets[at] >> 4 == 4 and be16(octets, at + 2) == end - at
    if protocol == PROTOCOL_IPV6:
        return end - at >= 40 and octets[at] >> 4 == 6 and be16(octets, at + 4) + 40 == end - at
    return protocol == _SCTP and end - at >= 16 and (end - at) & 3 == 0
