"""One frame: from its link header down to the datagram, and whether that begins with a SIP start line.

Nothing is guessed. What these kernels do not read has a kind of its own; frames of the *declined* kinds are shown
to Scapy when ``SIP/2.0`` stands in them (`analyzer.capture.scapy_decode`), the others are counted unread.
"""

from __future__ import annotations

import numpy as np

from analyzer.batch import (
    D_COPY,
    D_DST_HI,
    D_DST_LO,
    D_DST_PORT,
    D_IP_ID,
    D_LAYERS,
    D_LENGTH,
    D_NETWORK,
    D_OFFSET,
    D_SRC_HI,
    D_SRC_LO,
    D_SRC_PORT,
    D_TRANSPORT,
    D_WIRE_LENGTH,
    Ints,
    Octets,
)
from analyzer.capture.link_kernels import (
    ETHER_CUT,
    ETHER_IPV4,
    ETHER_IPV6,
    ETHER_UNKNOWN,
    LINK_ETHERNET,
    LINK_SLL,
    is_tag,
    network_header,
)
from analyzer.capture.transport_kernels import (
    FOUND_END,
    FOUND_IS_IPV4,
    FOUND_NETWORK_HEADER,
    FOUND_START,
    FOUND_UDP,
    FOUND_VLAN,
    FOUND_WIRE,
    K_CUT,
    K_DAMAGED,
    K_FRAGMENT,
    K_LINK_TYPE,
    K_NOT_IP,
    UDP,
    transport_kind,
)
from analyzer.capture.wire_kernels import be16, be32, be64
from analyzer.jit import inlined, kernel

_HOP_BY_HOP, _ROUTING, _FRAGMENT, _AUTHENTICATION, _DESTINATION = 0, 43, 44, 51, 60
_MOBILITY, _HIP, _SHIM6 = 135, 139, 140
#: More extension headers than this are an attack on readers, not traffic.
EXTENSION_HEADERS = 16
_MAPPED = 0xFFFF << 32


@inlined
def is_media(octets: Octets, start: int, end: int, link_type: int) -> bool:
    """Whether a frame is what most of a capture is: K_UDP, told without a call (`frame_kind` would say the same).

    Ethernet or SLL, tagged or not; IPv4 without options or fragments; UDP; lengths without a lie in them; and a payload
    whose first octet has its top bit set, as RTP's has (RFC 3550 §5.1) and no SIP start line's.
    """
    if link_type == LINK_ETHERNET:
        at = start + 14
    elif link_type == LINK_SLL:
        at = start + 16
    else:
        return False
    while at + 28 < end:
        ether_type = be16(octets, at - 2)
        if ether_type == ETHER_IPV4:
            return (
                octets[at + 28] >= 0x80
                and octets[at] == 0x45
                and octets[at + 9] == UDP
                and be16(octets, at + 6) & 0x3FFF == 0
                and be16(octets, at + 2) >= 28
                and be16(octets, at + 24) >= 8
            )
        if not is_tag(ether_type):
            return False
        at += 4
    return False


@kernel
def frame_kind(octets: Octets, start: int, end: int, wire_end: int, link_type: int, found: Ints) -> int:
    """What the frame ``octets[start:end]`` is (K_*); for K_SIP and K_BROKEN ``found`` says where.

    ``wire_end`` is where it would end had the snaplen not cut it.
    """
    ether_type, at, vlan = network_header(octets, start, end, link_type)
    if ether_type == ETHER_IPV4:
        return _ipv4(octets, at, end, wire_end, vlan, found)
    if ether_type == ETHER_IPV6:
        return _ipv6(octets, at, end, wire_end, vlan, found)
    if ether_type == ETHER_UNKNOWN:
        return K_LINK_TYPE
    return K_CUT if ether_type == ETHER_CUT else K_NOT_IP


@kernel
def _ipv4(octets: Octets, at: int, end: int, wire_end: int, vlan: int, found: Ints) -> int:
    """RFC 791 §3.1."""
    if end - at < 20:
        return K_CUT
    header_length = (octets[at] & 15) << 2
    if octets[at] >> 4 != 4 or header_length < 20:
        return K_DAMAGED
    total = be16(octets, at + 2)
    # Offloading cards let the host send 0 and cut the segments themselves.
    ip_end = at + total if total else wire_end
    if ip_end - at < header_length:
        return K_DAMAGED
    protocol = int(np.int64(octets[at + 9]))
    place = be16(octets, at + 6) & 0x3FFF
    payload = at + header_length
    if payload > end:
        return K_CUT
    if protocol == _AUTHENTICATION and place == 0:
        if end - payload < 8:
            return K_CUT
        protocol = int(np.int64(octets[payload]))
        payload += int((np.int64(octets[payload + 1]) + 2) << 2)
    found[FOUND_NETWORK_HEADER] = at
    found[FOUND_IS_IPV4] = 1
    found[FOUND_VLAN] = vlan
    return transport_kind(octets, payload, min(end, ip_end), ip_end, protocol, place & 0x1FFF, place != 0, found)


@kernel
def _ipv6(octets: Octets, at: int, end: int, wire_end: int, vlan: int, found: Ints) -> int:
    """RFC 8200 §3, §4."""
    if end - at < 40:
        return K_CUT
    if octets[at] >> 4 != 6:
        return K_DAMAGED
    length = be16(octets, at + 4)
    # 0 = a jumbogram (RFC 2675) or, far more often, an offloading card.
    ip_end = at + 40 + length if length else wire_end
    found[FOUND_NETWORK_HEADER] = at
    found[FOUND_IS_IPV4] = 0
    found[FOUND_VLAN] = vlan
    protocol = int(np.int64(octets[at + 6]))
    payload = at + 40
    end = min(end, ip_end)
    return _behind_extensions(octets, payload, end, ip_end, protocol, found)


@kernel
def _behind_extensions(octets: Octets, at: int, end: int, ip_end: int, protocol: int, found: Ints) -> int:
    fragment = np.int64(0)  # offset, two reserved bits, "more follow"
    for _ in range(EXTENSION_HEADERS):
        is_plain = (
            protocol == _HOP_BY_HOP
            or protocol == _ROUTING
            or protocol == _DESTINATION
            or protocol == _MOBILITY
            or protocol == _HIP
            or protocol == _SHIM6
        )
        if not is_plain and protocol != _FRAGMENT and protocol != _AUTHENTICATION:
            return transport_kind(octets, at, end, ip_end, protocol, int(fragment >> 3), fragment & 0xFFF9 != 0, found)
        if end - at < 8:
            return K_CUT if ip_end - at >= 8 else K_DAMAGED
        length = int((np.int64(octets[at + 1]) + 1) << 3)
        if protocol == _FRAGMENT:
            length = 8
            # Offset 0 and nothing to follow: an atomic fragment, which is the whole datagram (RFC 6946).
            fragment = np.int64(be16(octets, at + 2))
        elif protocol == _AUTHENTICATION:
            length = int((np.int64(octets[at + 1]) + 2) << 2)
        protocol = int(np.int64(octets[at]))
        at += length
        if fragment >> 3:
            return K_FRAGMENT
    return K_DAMAGED


@kernel
def append_row(octets: Octets, found: Ints, row: Ints, arena: Octets, arena_used: int) -> int:
    """Copy a datagram into the arena and fill its row, apart from what the container knows; returns its length."""
    start = found[FOUND_START]
    length = found[FOUND_END] - start
    # Unsigned indices make this loop a block move.
    source, target = np.uint64(start), np.uint64(arena_used)
    for i in range(np.uint64(length)):
        arena[target + i] = octets[source + i]
    at = found[FOUND_NETWORK_HEADER]
    if found[FOUND_IS_IPV4]:
        row[D_SRC_HI] = 0
        row[D_SRC_LO] = _MAPPED | be32(octets, at + 12)
        row[D_DST_HI] = 0
        row[D_DST_LO] = _MAPPED | be32(octets, at + 16)
        row[D_IP_ID] = be16(octets, at + 4)
    else:
        row[D_SRC_HI] = be64(octets, at + 8)
        row[D_SRC_LO] = be64(octets, at + 16)
        row[D_DST_HI] = be64(octets, at + 24)
        row[D_DST_LO] = be64(octets, at + 32)
        row[D_IP_ID] = 0
    udp = found[FOUND_UDP]
    row[D_OFFSET] = arena_used
    row[D_LENGTH] = length
    row[D_WIRE_LENGTH] = found[FOUND_WIRE]
    row[D_SRC_PORT] = be16(octets, udp)
    row[D_DST_PORT] = be16(octets, udp + 2)
    row[D_TRANSPORT] = 0  # vocab.Transport.UDP
    row[D_NETWORK] = found[FOUND_VLAN]
    row[D_LAYERS] = 0
    row[D_COPY] = 0
    return int(length)
