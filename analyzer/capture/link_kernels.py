"""Link headers: which network protocol a frame carries, and where its header starts.

Link types are those of https://www.tcpdump.org/linktypes.html, EtherTypes IEEE 802's.
"""

from __future__ import annotations

import numpy as np

from analyzer.batch import MISSING, Octets
from analyzer.capture.wire_kernels import be16, be32
from analyzer.jit import inlined, kernel

LINK_NULL = 0
LINK_ETHERNET = 1
LINK_PPP = 9
LINK_RAW_OLD = 12
LINK_RAW_BSD = 14
LINK_PPP_HDLC = 50
LINK_PPP_ETHER = 51
LINK_RAW = 101
LINK_CISCO_HDLC = 104
LINK_LOOP = 108
LINK_SLL = 113
LINK_IPV4 = 228
LINK_IPV6 = 229
LINK_SLL2 = 276
#: Link types that the kernels read.
LINK_TYPES = frozenset(
    {
        LINK_NULL, LINK_ETHERNET, LINK_PPP, LINK_RAW_OLD, LINK_RAW_BSD, LINK_PPP_HDLC, LINK_PPP_ETHER, LINK_RAW,
        LINK_CISCO_HDLC, LINK_LOOP, LINK_SLL, LINK_IPV4, LINK_IPV6, LINK_SLL2,
    }
)  # fmt: skip

ETHER_IPV4 = 0x0800
ETHER_IPV6 = 0x86DD
ETHER_VLAN = 0x8100
ETHER_SERVICE_VLAN = 0x88A8  # 802.1ad
ETHER_OLD_VLAN = 0x9100  # stacked tags before 802.1ad, still sent by switches
#: Instead of an EtherType: the frame ends within its header; it carries something else; the link type is not ours.
ETHER_CUT = -1
ETHER_OTHER = -2
ETHER_UNKNOWN = -3

_PPP_IPV4 = 0x0021
_PPP_IPV6 = 0x0057


@inlined
def is_tag(ether_type: int) -> bool:
    """Whether an EtherType announces a VLAN tag and another EtherType."""
    return ether_type == ETHER_VLAN or ether_type == ETHER_SERVICE_VLAN or ether_type == ETHER_OLD_VLAN


@kernel
def network_header(octets: Octets, start: int, end: int, link_type: int) -> tuple[int, int, int]:
    """EtherType, start of the network header, and outer VLAN of the frame ``octets[start:end]``.

    The EtherType may be one of ETHER_CUT, ETHER_OTHER, ETHER_UNKNOWN. The VLAN is the first identifier that is not
    0 (0 only carries a priority, IEEE 802.1Q §9.6), MISSING without one.
    """
    if link_type == LINK_ETHERNET:
        ether_type, at = (be16(octets, start + 12), start + 14) if end - start >= 14 else (ETHER_CUT, end)
    elif link_type == LINK_SLL:
        ether_type, at = (be16(octets, start + 14), start + 16) if end - start >= 16 else (ETHER_CUT, end)
    elif link_type == LINK_SLL2:
        ether_type, at = (be16(octets, start), start + 20) if end - start >= 20 else (ETHER_CUT, end)
    else:
        return _without_addresses(octets, start, end, link_type)
    vlan = MISSING
    while is_tag(ether_type):
        if end - at < 4:
            return ETHER_CUT, at, vlan
        if vlan == MISSING and be16(octets, at) & 0xFFF:
            vlan = be16(octets, at) & 0xFFF
        ether_type = be16(octets, at + 2)
        at += 4
    return ether_type, at, vlan


@kernel
def _without_addresses(octets: Octets, start: int, end: int, link_type: int) -> tuple[int, int, int]:
    """Link types whose header is a protocol number or nothing at all."""
    if link_type == LINK_IPV4:
        return ETHER_IPV4, start, MISSING
    if link_type == LINK_IPV6:
        return ETHER_IPV6, start, MISSING
    if link_type == LINK_RAW or link_type == LINK_RAW_OLD or link_type == LINK_RAW_BSD:
        if end == start:
            return ETHER_CUT, start, MISSING
        version = octets[start] >> 4
        return (ETHER_IPV4 if version == 4 else ETHER_IPV6 if version == 6 else ETHER_OTHER), start, MISSING
    if link_type == LINK_NULL or link_type == LINK_LOOP:
        if end - start < 4:
            return ETHER_CUT, start, MISSING
        family = be32(octets, start)
        if family > 0xFFFFFF:  # written by a machine that stores the least significant octet first
            family >>= 24
        # AF_INET everywhere; AF_INET6 of NetBSD and OpenBSD, FreeBSD, macOS, Linux.
        if family == 2:
            return ETHER_IPV4, start + 4, MISSING
        is_ipv6 = family == 24 or family == 28 or family == 30 or family == 10
        return (ETHER_IPV6 if is_ipv6 else ETHER_OTHER), start + 4, MISSING
    if link_type == LINK_PPP_ETHER:
        return _ppp(octets, start + 6, end)
    if link_type == LINK_PPP or link_type == LINK_PPP_HDLC or link_type == LINK_CISCO_HDLC:
        if end - start >= 4 and (octets[start] == 0x0F or octets[start] == 0x8F) and octets[start + 1] == 0:
            return be16(octets, start + 2), start + 4, MISSING  # Cisco HDLC: unicast or broadcast, control 0
        has_address = end - start >= 2 and octets[start] == 0xFF and octets[start + 1] == 0x03
        return _ppp(octets, start + 2 if has_address else start, end)
    return ETHER_UNKNOWN, start, MISSING


@inlined
def _ppp(octets: Octets, at: int, end: int) -> tuple[int, int, int]:
    """A PPP protocol number, which may be compressed to its last octet (RFC 1661 §6.5)."""
    if end - at < 2:
        return ETHER_CUT, at, MISSING
    if octets[at] & 1:
        protocol, at = int(np.int64(octets[at])), at + 1
    else:
        protocol, at = be16(octets, at), at + 2
    if protocol == _PPP_IPV4:
        return ETHER_IPV4, at, MISSING
    return (ETHER_IPV6 if protocol == _PPP_IPV6 else ETHER_OTHER), at, MISSING
