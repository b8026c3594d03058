"""Link headers: which network protocol a frame carries, and where its header starts.

Link types are those of https://www.tcpdump.org/linktypes.html, EtherTypes IEEE 802's.
"""

from __future__ import annotations

import numpy as np

from analyzer.batch import Ints, Octets
from analyzer.capture.found_kernels import FOUND_AT, FOUND_END, FOUND_LAYERS, FOUND_VLAN, FOUND_WIRE_END
from analyzer.capture.layer_kernels import L_ETHERNET, L_MPLS, L_NULL, L_PPP, L_PPPOE, L_SLL, L_VLAN, push
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
ETHER_BRIDGED = 0x6558  # an Ethernet frame in a tunnel
ETHER_VLAN = 0x8100
ETHER_SERVICE_VLAN = 0x88A8  # 802.1ad
ETHER_OLD_VLAN = 0x9100  # stacked tags before 802.1ad, still sent by switches
ETHER_MPLS = 0x8847
ETHER_MPLS_UPSTREAM = 0x8848
ETHER_PPPOE = 0x8864
ETHER_PPP = 0x880B
#: Instead of an EtherType: the frame ends within its header; it carries something else; the link type is not ours; it
#: contradicts itself.
ETHER_CUT = -1
ETHER_OTHER = -2
ETHER_UNKNOWN = -3
ETHER_DAMAGED = -4

_PPP_IPV4 = 0x0021
_PPP_IPV6 = 0x0057
_PPP_MPLS = 0x0281


@inlined
def is_tag(ether_type: int) -> bool:
    """Whether an EtherType announces a VLAN tag and another EtherType."""
    return ether_type == ETHER_VLAN or ether_type == ETHER_SERVICE_VLAN or ether_type == ETHER_OLD_VLAN


@kernel
def link_header(octets: Octets, link_type: int, found: Ints) -> int:
    """Pass the link header of the frame from FOUND_AT to FOUND_END; returns the EtherType behind it, or ETHER_*."""
    start, end = found[FOUND_AT], found[FOUND_END]
    if link_type == LINK_ETHERNET:
        return _ethernet(octets, found)
    if link_type == LINK_SLL or link_type == LINK_SLL2:
        found[FOUND_LAYERS] = push(found[FOUND_LAYERS], L_SLL)
        length, place = (16, 14) if link_type == LINK_SLL else (20, 0)
        if end - start < length:
            return ETHER_CUT
        found[FOUND_AT] = start + length
        return be16(octets, start + place)
    if link_type == LINK_IPV4:
        return ETHER_IPV4
    if link_type == LINK_IPV6:
        return ETHER_IPV6
    if link_type == LINK_RAW or link_type == LINK_RAW_OLD or link_type == LINK_RAW_BSD:
        return ip_version(octets, start, end)
    if link_type == LINK_NULL or link_type == LINK_LOOP:
        found[FOUND_LAYERS] = push(found[FOUND_LAYERS], L_NULL)
        if end - start < 4:
            return ETHER_CUT
        found[FOUND_AT] = start + 4
        family = be32(octets, start)
        if family > 0xFFFFFF:  # written by a machine that stores the least significant octet first
            family >>= 24
        # AF_INET everywhere; AF_INET6 of NetBSD and OpenBSD, FreeBSD, macOS, Linux.
        if family == 2:
            return ETHER_IPV4
        return ETHER_IPV6 if family == 24 or family == 28 or family == 30 or family == 10 else ETHER_OTHER
    if link_type == LINK_PPP_ETHER:
        return ETHER_PPPOE
    if link_type == LINK_PPP or link_type == LINK_PPP_HDLC or link_type == LINK_CISCO_HDLC:
        if end - start >= 4 and (octets[start] == 0x0F or octets[start] == 0x8F) and octets[start + 1] == 0:
            found[FOUND_LAYERS] = push(found[FOUND_LAYERS], L_PPP)
            found[FOUND_AT] = start + 4
            return be16(octets, start + 2)  # Cisco HDLC: unicast or broadcast, control 0
        return ETHER_PPP
    return ETHER_UNKNOWN


@inlined
def ip_version(octets: Octets, at: int, end: int) -> int:
    """The EtherType of an IP packet that nothing announces."""
    if end <= at:
        return ETHER_CUT
    version = octets[at] >> 4
    return ETHER_IPV4 if version == 4 else ETHER_IPV6 if version == 6 else ETHER_OTHER


@kernel
def network_header(octets: Octets, ether_type: int, found: Ints) -> int:
    """Pass tags, labels and bridged Ethernet behind an EtherType; returns that of the network header, or ETHER_*.

    The VLAN is the first identifier of its Ethernet frame that is not 0 (0 only carries a priority, IEEE 802.1Q §9.6).
    """
    is_outer_tag = True
    while True:
        at, end = found[FOUND_AT], found[FOUND_END]
        if is_tag(ether_type):
            found[FOUND_LAYERS] = push(found[FOUND_LAYERS], L_VLAN)
            if end - at < 4:
                return ETHER_CUT
            if is_outer_tag and be16(octets, at) & 0xFFF:
                found[FOUND_VLAN] = be16(octets, at) & 0xFFF
                is_outer_tag = False
            ether_type = be16(octets, at + 2)
            found[FOUND_AT] = at + 4
        elif ether_type == ETHER_BRIDGED:
            ether_type = _ethernet(octets, found)
            is_outer_tag = True
        elif ether_type == ETHER_MPLS or ether_type == ETHER_MPLS_UPSTREAM:
            ether_type = _mpls(octets, found)
        elif ether_type == ETHER_PPPOE:
            ether_type = _pppoe(octets, found)
        elif ether_type == ETHER_PPP:
            ether_type = _ppp(octets, found)
        elif 0 <= ether_type <= 1500:
            return _snap(octets, ether_type, found)
        else:
            return ether_type


@inlined
def _ethernet(octets: Octets, found: Ints) -> int:
    """Two addresses and an EtherType."""
    at = found[FOUND_AT]
    found[FOUND_LAYERS] = push(found[FOUND_LAYERS], L_ETHERNET)
    if found[FOUND_END] - at < 14:
        return ETHER_CUT
    found[FOUND_AT] = at + 14
    return be16(octets, at + 12)


@inlined
def _snap(octets: Octets, length: int, found: Ints) -> int:
    """802.3 with LLC and SNAP, which holds an EtherType (RFC 1042)."""
    at = found[FOUND_AT]
    if found[FOUND_END] - at < 8 or be32(octets, at) != 0xAAAA0300 or be16(octets, at + 4) != 0:
        return ETHER_OTHER
    found[FOUND_WIRE_END] = min(found[FOUND_WIRE_END], at + length)
    found[FOUND_END] = min(found[FOUND_END], at + length)
    found[FOUND_AT] = at + 8
    ether_type = be16(octets, at + 6)
    return ether_type if ether_type == ETHER_IPV4 or ether_type == ETHER_IPV6 else ETHER_OTHER


@inlined
def _mpls(octets: Octets, found: Ints) -> int:
    """RFC 3032 §2.1: labels up to the bottom of the stack. Nothing says what they carry: its first octets must.

    IP by its version; else Ethernet, behind a control word that begins with four zero bits (RFC 4385 §3), or without.
    """
    at, end = found[FOUND_AT], found[FOUND_END]
    found[FOUND_LAYERS] = push(found[FOUND_LAYERS], L_MPLS)
    while end - at >= 4 and not octets[at + 2] & 1:
        at += 4
    at += 4
    if end - at < 1:
        return ETHER_CUT
    version = octets[at] >> 4
    if version == 4 and octets[at] & 15 >= 5:
        found[FOUND_AT] = at
        return ETHER_IPV4
    if version == 6:
        found[FOUND_AT] = at
        return ETHER_IPV6
    # An Ethernet address may begin with zero bits too: the EtherType behind it decides.
    is_bare = end - at >= 14 and _is_known(be16(octets, at + 12))
    found[FOUND_AT] = at if version or is_bare else at + 4
    return ETHER_BRIDGED


@inlined
def _is_known(ether_type: int) -> bool:
    return ether_type == ETHER_IPV4 or ether_type == ETHER_IPV6 or is_tag(ether_type)


@inlined
def _pppoe(octets: Octets, found: Ints) -> int:
    """RFC 2516 §4: version and type 1, code 0 (session), session, length."""
    at = found[FOUND_AT]
    found[FOUND_LAYERS] = push(found[FOUND_LAYERS], L_PPPOE)
    if found[FOUND_END] - at < 6:
        return ETHER_CUT
    if octets[at] != 0x11 or octets[at + 1] != 0:
        return ETHER_OTHER
    found[FOUND_AT] = at + 6
    found[FOUND_WIRE_END] = min(found[FOUND_WIRE_END], at + 6 + be16(octets, at + 4))
    found[FOUND_END] = min(found[FOUND_END], found[FOUND_WIRE_END])
    return ETHER_PPP


@inlined
def _ppp(octets: Octets, found: Ints) -> int:
    """A PPP protocol number behind an optional HDLC header; it may be compressed to its last octet (RFC 1661 §6.5)."""
    at, end = found[FOUND_AT], found[FOUND_END]
    found[FOUND_LAYERS] = push(found[FOUND_LAYERS], L_PPP)
    if end - at >= 2 and octets[at] == 0xFF and octets[at + 1] == 0x03:
        at += 2
    if end - at < 2:
        return ETHER_CUT
    if octets[at] & 1:
        protocol, at = int(np.int64(octets[at])), at + 1
    else:
        protocol, at = be16(octets, at), at + 2
    found[FOUND_AT] = at
    if protocol == _PPP_IPV4:
        return ETHER_IPV4
    if protocol == _PPP_MPLS:
        return ETHER_MPLS
    return ETHER_IPV6 if protocol == _PPP_IPV6 else ETHER_OTHER


