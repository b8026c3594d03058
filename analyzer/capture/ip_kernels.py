"""IP headers, v4 and v6 with its extension headers: which protocol the packet carries, and whether it is a fragment."""

from __future__ import annotations

import numpy as np

from analyzer.batch import Ints, Octets
from analyzer.capture.found_kernels import (
    FOUND_AT,
    FOUND_END,
    FOUND_IP,
    FOUND_IP_ID,
    FOUND_IS_IPV4,
    FOUND_LAYERS,
    FOUND_PLACE,
    FOUND_WIRE_END,
    K_CUT,
    K_DAMAGED,
)
from analyzer.capture.layer_kernels import L_IPV4, L_IPV6, push
from analyzer.capture.wire_kernels import be16, be32
from analyzer.jit import inlined, kernel

_HOP_BY_HOP, _ROUTING, _FRAGMENT, _AUTHENTICATION, _DESTINATION = 0, 43, 44, 51, 60
_MOBILITY, _HIP, _SHIM6 = 135, 139, 140
#: More extension headers than this are an attack on readers, not traffic.
EXTENSION_HEADERS = 16

# Instead of a protocol number: the kind of frame (K_*) that a broken packet makes.
CUT = -K_CUT
DAMAGED = -K_DAMAGED


@kernel
def ipv4(octets: Octets, found: Ints) -> int:
    """Pass an IPv4 header (RFC 791 §3.1); returns the protocol number, or CUT or DAMAGED."""
    at, end = found[FOUND_AT], found[FOUND_END]
    found[FOUND_LAYERS] = push(found[FOUND_LAYERS], L_IPV4)
    if end - at < 20:
        return CUT
    header_length = (octets[at] & 15) << 2
    if octets[at] >> 4 != 4 or header_length < 20:
        return DAMAGED
    total = be16(octets, at + 2)
    # Offloading cards let the host send 0 and cut the segments themselves.
    ip_end = at + total if total else found[FOUND_WIRE_END]
    if ip_end - at < header_length:
        return DAMAGED
    protocol = int(np.int64(octets[at + 9]))
    word = be16(octets, at + 6)
    payload = at + header_length
    if payload > end:
        return CUT
    is_fragment = word & 0x3FFF != 0
    if protocol == _AUTHENTICATION and not is_fragment:
        if end - payload < 8:
            return CUT
        protocol = int(np.int64(octets[payload]))
        payload += int((np.int64(octets[payload + 1]) + 2) << 2)
    found[FOUND_IP] = at
    found[FOUND_IS_IPV4] = 1
    found[FOUND_PLACE] = (word & 0x1FFF) << 4 | word >> 13 & 1 if is_fragment else -1
    found[FOUND_IP_ID] = be16(octets, at + 4)
    found[FOUND_AT] = payload
    found[FOUND_END] = min(end, ip_end)
    found[FOUND_WIRE_END] = ip_end
    return protocol


@kernel
def ipv6(octets: Octets, found: Ints) -> int:
    """Pass an IPv6 header and its extensions (RFC 8200 §3, §4); returns the protocol number, or CUT or DAMAGED."""
    at, end = found[FOUND_AT], found[FOUND_END]
    found[FOUND_LAYERS] = push(found[FOUND_LAYERS], L_IPV6)
    if end - at < 40:
        return CUT
    if octets[at] >> 4 != 6:
        return DAMAGED
    length = be16(octets, at + 4)
    # 0 = a jumbogram (RFC 2675) or, far more often, an offloading card.
    ip_end = at + 40 + length if length else found[FOUND_WIRE_END]
    found[FOUND_IP] = at
    found[FOUND_IS_IPV4] = 0
    found[FOUND_PLACE] = -1
    found[FOUND_IP_ID] = 0
    found[FOUND_AT] = at + 40
    found[FOUND_END] = min(end, ip_end)
    found[FOUND_WIRE_END] = ip_end
    return _behind_extensions(octets, int(np.int64(octets[at + 6])), found)


@inlined
def _behind_extensions(octets: Octets, protocol: int, found: Ints) -> int:
    at, end = found[FOUND_AT], found[FOUND_END]
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
            found[FOUND_AT] = at
            return protocol
        if end - at < 8:
            return CUT if found[FOUND_WIRE_END] - at >= 8 else DAMAGED
        length = int((np.int64(octets[at + 1]) + 1) << 3)
        if protocol == _FRAGMENT:
            word = be16(octets, at + 2)
            protocol = int(np.int64(octets[at]))
            at += 8
            # Offset 0 and nothing to follow: an atomic fragment, which is the whole datagram (RFC 6946).
            if word & 0xFFF9:
                # What follows is part of what was cut up, further extension headers among it.
                found[FOUND_PLACE] = (word & 0xFFF8) << 1 | word & 1
                found[FOUND_IP_ID] = be32(octets, at - 4)
                found[FOUND_AT] = at
                return protocol
            continue
        if protocol == _AUTHENTICATION:
            length = int((np.int64(octets[at + 1]) + 2) << 2)
        protocol = int(np.int64(octets[at]))
        at += length
    return DAMAGED
