"""One frame: from its link header down through every tunnel to where SIP stands.

Nothing is guessed: a kernel that does not understand what it sees says so by a kind of its own (`found_kernels`).
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
    D_SRC_HI,
    D_SRC_LO,
    D_SRC_PORT,
    D_TRANSPORT,
    D_WIRE_LENGTH,
    MISSING,
    R_FIRST,
    R_INFO,
    R_KIND,
    R_SEQ,
    RAW_SCTP,
    RAW_SEGMENT,
    TCP_FIN,
    TCP_RST,
    TCP_SYN,
    Ints,
    Octets,
)
from analyzer.capture.found_kernels import (
    FOUND_AT,
    FOUND_END,
    FOUND_FIRST,
    FOUND_INFO,
    FOUND_INSIDE,
    FOUND_IP,
    FOUND_IS_IPV4,
    FOUND_LAYERS,
    FOUND_PLACE,
    FOUND_PORTS,
    FOUND_RAW,
    FOUND_SEQ,
    FOUND_START,
    FOUND_VLAN,
    FOUND_VNI,
    FOUND_WIRE_END,
    INSIDE_PROTOCOL,
    K_CUT,
    K_DAMAGED,
    K_INSIDE,
    K_LINK_TYPE,
    K_NESTED,
    K_NOT_IP,
    RAW_SIGN,
)
from analyzer.capture.icmp_kernels import icmp
from analyzer.capture.ip_kernels import ipv4, ipv6
from analyzer.capture.layer_kernels import L_ETHERNET, L_IPV4, L_SLL, L_TCP, L_UDP, L_VLAN, L_VXLAN
from analyzer.capture.link_kernels import (
    ETHER_CUT,
    ETHER_DAMAGED,
    ETHER_IPV4,
    ETHER_IPV6,
    ETHER_UNKNOWN,
    LINK_ETHERNET,
    LINK_SLL,
    is_tag,
    link_header,
    network_header,
)
from analyzer.capture.segment_kernels import TCP, network_of, tcp
from analyzer.capture.transport_kernels import ICMP, ICMPV6, SCTP, UDP, fragment, sctp, udp
from analyzer.capture.tunnel_kernels import PORT_SCTP, PORT_VXLAN, PORT_VXLAN_LINUX, ip_tunnel
from analyzer.capture.wire_kernels import be16, be32, be64
from analyzer.jit import inlined, kernel

#: Packets in packets in one frame; more of them are an attack on readers.
NESTED = 8
_MAPPED = 0xFFFF << 32
# Positions in vocab.Transport.
_UDP, _TCP, _SCTP = 0, 1, 5

# What `common` returns: 0, or 1 to 4 for the link header, and four times the sum of what holds of these.
_ACKNOWLEDGEMENT, _IN_VXLAN, _TAGGED_IN_VXLAN = 1, 2, 4
_LINKS = ((L_ETHERNET,), (L_ETHERNET, L_VLAN), (L_SLL,), (L_SLL, L_VLAN))
_TUNNELS: tuple[tuple[int, ...], ...] = (
    (),
    (L_IPV4, L_UDP, L_VXLAN, L_ETHERNET),
    (L_IPV4, L_UDP, L_VXLAN, L_ETHERNET, L_VLAN),
)
#: The headers of a frame, by what `common` returns.
COMMON_LAYERS: tuple[tuple[int, ...], ...] = (
    (),
    *(
        (*link, *tunnel, L_IPV4, transport)
        for tunnel in _TUNNELS
        for transport in (L_UDP, L_TCP)
        for link in _LINKS
    ),
)  # fmt: skip


@inlined
def common(octets: Octets, start: int, end: int, link_type: int) -> int:
    """Whether a frame is what most of a capture is: media or a bare acknowledgement. 0 = no, else which COMMON_LAYERS.

    `frame_kind` would call them K_UDP and K_TCP; this tells it without a call, and neither needs nor changes anything.

    Ethernet or SLL, perhaps VXLAN and Ethernet in them; IPv4 without options or fragments; lengths without a lie in
    them. Media is UDP with a payload whose first octet has its top bit set, as RTP's has (RFC 3550 §5.1) and no SIP
    start line's.
    """
    if link_type == LINK_ETHERNET:
        at = start + 14
        which = 1
    elif link_type == LINK_SLL:
        at = start + 16
        which = 3
    else:
        return 0
    while at + 28 < end:
        ether_type = be16(octets, at - 2)
        if ether_type == ETHER_IPV4:
            if octets[at] != 0x45 or be16(octets, at + 6) & 0x3FFF:
                return 0
            if octets[at + 9] == UDP:
                if be16(octets, at + 2) < 28 or be16(octets, at + 24) < 8:
                    return 0
                if octets[at + 28] >= 0x80:
                    return which
                if octets[at + 28] & 0x08:
                    inside = _common_in_vxlan(octets, at, end)
                    return which + (inside << 2) if inside else 0
                return 0
            is_it = octets[at + 9] == TCP and _is_acknowledgement(octets, at, end)
            return which + (_ACKNOWLEDGEMENT << 2) if is_it else 0
        if not is_tag(ether_type):
            return 0
        which += which & 1  # 2 and 4: in a VLAN
        at += 4
    return 0


@inlined
def is_media(which: int) -> bool:
    """Whether it is media that `common` told, and not an acknowledgement."""
    return which - 1 & 4 == 0


@inlined
def _is_acknowledgement(octets: Octets, at: int, end: int) -> bool:
    """TCP behind a plain IPv4 header: no octets, and no flag that opens or ends a connection."""
    return (
        at + 40 <= end
        and octets[at + 32] >= 0x50
        and be16(octets, at + 2) == 20 + (np.int64(octets[at + 32]) >> 4 << 2)
        and octets[at + 33] & (TCP_SYN | TCP_FIN | TCP_RST) == 0
    )


@inlined
def _common_in_vxlan(octets: Octets, at: int, end: int) -> int:
    """The same inside of VXLAN, which stands in the datagram of the IPv4 header at ``at``; 0 = no."""
    port = be16(octets, at + 22)
    if (port != PORT_VXLAN and port != PORT_VXLAN_LINUX) or be16(octets, at + 20) == PORT_SCTP:
        return 0
    end = min(end, at + be16(octets, at + 2), at + 20 + be16(octets, at + 24))
    at += 28 + 8 + 14
    inside = _IN_VXLAN
    while at + 28 < end:
        ether_type = be16(octets, at - 2)
        if ether_type == ETHER_IPV4:
            if octets[at] != 0x45 or be16(octets, at + 6) & 0x3FFF:
                return 0
            if octets[at + 9] == UDP:
                is_it = octets[at + 28] >= 0x80 and be16(octets, at + 2) >= 28 and be16(octets, at + 24) >= 8
                return inside if is_it else 0
            is_it = octets[at + 9] == TCP and _is_acknowledgement(octets, at, end)
            return inside + _ACKNOWLEDGEMENT if is_it else 0
        if not is_tag(ether_type):
            return 0
        inside = _TAGGED_IN_VXLAN
        at += 4
    return 0


@kernel
def frame_kind(
    octets: Octets, start: int, end: int, wire_end: int, link_type: int, found: Ints, flows: Ints, scalars: Ints
) -> int:  # fmt: skip
    """What the frame ``octets[start:end]`` is (K_*); for K_SIP, K_BROKEN and K_RAW ``found`` says where.

    ``wire_end`` is where it would end had the snaplen not cut it; ``flows`` and ``scalars`` are those of
    `flow_kernels`.
    """
    found[FOUND_AT] = start
    found[FOUND_END] = end
    found[FOUND_WIRE_END] = wire_end
    found[FOUND_LAYERS] = 0
    found[FOUND_VLAN] = found[FOUND_VNI] = MISSING
    found[FOUND_SEQ] = found[FOUND_INFO] = 0
    found[FOUND_FIRST] = MISSING
    inside = link_header(octets, link_type, found)
    for _ in range(NESTED):
        if inside < INSIDE_PROTOCOL:
            ether_type = network_header(octets, inside, found)
            if ether_type == ETHER_IPV4:
                protocol = ipv4(octets, found)
            elif ether_type == ETHER_IPV6:
                protocol = ipv6(octets, found)
            elif ether_type == ETHER_UNKNOWN:
                return K_LINK_TYPE
            elif ether_type == ETHER_DAMAGED:
                return K_DAMAGED
            else:
                return K_CUT if ether_type == ETHER_CUT else K_NOT_IP
            if protocol < 0:
                return -protocol
        else:
            protocol = inside - INSIDE_PROTOCOL
        if found[FOUND_PLACE] >= 0:
            return fragment(octets, protocol, found, flows, scalars)
        if protocol == UDP:
            kind = udp(octets, found)
        elif protocol == TCP:
            return tcp(octets, found, flows, scalars)
        elif protocol == SCTP:
            return sctp(octets, found, flows, scalars)
        elif protocol == ICMP or protocol == ICMPV6:
            return icmp(octets, protocol, found)
        else:
            kind = ip_tunnel(octets, protocol, found)
        if kind != K_INSIDE:
            return kind
        inside = found[FOUND_INSIDE]
    return K_NESTED


@kernel
def append_row(octets: Octets, found: Ints, row: Ints, arena: Octets, arena_used: int) -> int:
    """Copy what was found into the arena and fill its row, apart from what the container knows; returns its length."""
    start = found[FOUND_START]
    length = found[FOUND_END] - start
    # Unsigned indices make this loop a block move.
    source, target = np.uint64(start), np.uint64(arena_used)
    for i in range(np.uint64(length)):
        arena[target + i] = octets[source + i]
    at = found[FOUND_IP]
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
    ports, raw = found[FOUND_PORTS], found[FOUND_RAW]
    row[D_LENGTH] = length
    row[D_WIRE_LENGTH] = found[FOUND_WIRE_END] - start
    row[D_SRC_PORT] = be16(octets, ports) if ports >= 0 else 0
    row[D_DST_PORT] = be16(octets, ports + 2) if ports >= 0 else 0
    row[D_TRANSPORT] = _TCP if raw == RAW_SEGMENT or raw == RAW_SIGN else _SCTP if raw == RAW_SCTP else _UDP
    row[D_NETWORK] = network_of(found)
    row[D_LAYERS] = found[FOUND_LAYERS]
    row[D_COPY] = 0
    row[R_KIND] = raw
    row[R_SEQ] = found[FOUND_SEQ]
    row[R_INFO] = found[FOUND_INFO]
    row[R_FIRST] = found[FOUND_FIRST]
    return int(length)
