"""What an IP packet carries: datagrams that begin with SIP, and what else SIP may stand in."""

from __future__ import annotations

import numpy as np

from analyzer.batch import (
    FLOW_OTHER,
    FLOW_SIP,
    FLOW_UNDECIDED,
    MISSING,
    RAW_FRAGMENT,
    RAW_HEP,
    RAW_MESSAGE,
    RAW_SCTP,
    Ints,
    Octets,
)
from analyzer.capture.flow_kernels import (
    FLOW_STATE,
    FLOW_USED,
    OF_FRAGMENTS,
    OF_SCTP,
    TICK,
    flow_place,
    take_place,
)
from analyzer.capture.found_kernels import (
    DATAGRAM_OCTETS,
    FOUND_AT,
    FOUND_END,
    FOUND_INFO,
    FOUND_INSIDE,
    FOUND_IP_ID,
    FOUND_LAYERS,
    FOUND_PLACE,
    FOUND_PORTS,
    FOUND_RAW,
    FOUND_SEQ,
    FOUND_START,
    FOUND_WIRE_END,
    INSIDE_PROTOCOL,
    K_BROKEN,
    K_CUT,
    K_DAMAGED,
    K_INSIDE,
    K_RAW,
    K_SCTP,
    K_SIP,
    K_UDP,
)
from analyzer.capture.layer_kernels import L_SCTP, L_UDP, push
from analyzer.capture.segment_kernels import flow_key
from analyzer.capture.tunnel_kernels import PORT_SCTP, udp_tunnel
from analyzer.capture.wire_kernels import be16, be32
from analyzer.jit import inlined, kernel
from analyzer.sip.start_kernels import NOT_SIP, SIP_MESSAGE, start_line

UDP, SCTP, ICMP, ICMPV6 = 17, 132, 1, 58


@kernel
def udp(octets: Octets, found: Ints) -> int:
    """RFC 768. The length field rules: what stands behind it is Ethernet's padding or a frame check sequence."""
    at, end, ip_end = found[FOUND_AT], found[FOUND_END], found[FOUND_WIRE_END]
    found[FOUND_LAYERS] = push(found[FOUND_LAYERS], L_UDP)
    if end - at < 8:
        return K_CUT if ip_end - at >= 8 else K_DAMAGED
    length = be16(octets, at + 4)
    wire_end = min(at + length, ip_end) if length else ip_end
    payload = at + 8
    if wire_end < payload:
        return K_DAMAGED
    payload_end = min(wire_end, end)
    if payload_end - payload > DATAGRAM_OCTETS:
        return K_DAMAGED
    found[FOUND_AT] = found[FOUND_START] = payload
    found[FOUND_END] = payload_end
    found[FOUND_WIRE_END] = wire_end
    found[FOUND_PORTS] = at
    begins = start_line(octets, payload, payload_end, wire_end > payload_end)
    if begins == NOT_SIP:
        if payload_end - payload < 4 or octets[payload] >= 0x80:
            return K_UDP
        return _other_datagram(octets, be16(octets, at), be16(octets, at + 2), found)
    found[FOUND_RAW] = RAW_MESSAGE
    return K_SIP if begins == SIP_MESSAGE else K_BROKEN


@kernel
def _other_datagram(octets: Octets, src_port: int, dst_port: int, found: Ints) -> int:
    """HEP, SCTP and tunnels in UDP."""
    start, end = found[FOUND_START], found[FOUND_END]
    if is_hep(octets, start, end):
        found[FOUND_RAW] = RAW_HEP
        return K_RAW
    if src_port == PORT_SCTP or dst_port == PORT_SCTP:  # RFC 6951
        found[FOUND_INSIDE] = INSIDE_PROTOCOL + SCTP
        return K_INSIDE
    return udp_tunnel(octets, src_port, dst_port, found)


@kernel
def is_hep(octets: Octets, start: int, end: int) -> bool:
    """HEP version 3 begins with its name, on any port; versions 1 and 2 are told by their header and the SIP behind."""
    if be32(octets, start) == 0x48455033:
        return True
    version, length, family = octets[start], int(np.int64(octets[start + 1])), octets[start + 2]
    # The numbers of IPv6 are those of Linux, BSD and macOS, as in hep.py.
    is_ipv6 = family == 10 or family == 24 or family == 28 or family == 30
    if (version != 1 and version != 2) or (family != 2 and not is_ipv6):
        return False
    header = (16 if family == 2 else 40) + (12 if version == 2 else 0)
    if (length != header and length != header - 12 * (version == 2)) or start + header >= end:
        return False
    return start_line(octets, start + header, end, True) == SIP_MESSAGE


@kernel
def sctp(octets: Octets, found: Ints, flows: Ints, scalars: Ints) -> int:
    """RFC 9260 §3: a packet of an association in which a user message began with SIP, or may still turn out to."""
    at, end, ip_end = found[FOUND_AT], found[FOUND_END], found[FOUND_WIRE_END]
    found[FOUND_LAYERS] = push(found[FOUND_LAYERS], L_SCTP)
    if end - at < 12:
        return K_CUT if ip_end - at >= 12 else K_DAMAGED
    if end - at > DATAGRAM_OCTETS:
        return K_DAMAGED
    has_data, has_sip, has_other = data_chunks(octets, at + 12, end)
    if not has_data:
        return K_SCTP
    scalars[TICK] += 1
    flow_key(octets, found, be32(octets, at), OF_SCTP, scalars)
    place = flow_place(flows, scalars)
    if place < 0 and (has_sip or has_other):
        place = take_place(flows, scalars, place, FLOW_SIP if has_sip else FLOW_OTHER, MISSING)
    if place >= 0:  # else these are parts of a message whose beginning has not come yet
        flows[place, FLOW_USED] = scalars[TICK]
        if has_sip:
            flows[place, FLOW_STATE] = FLOW_SIP
        if flows[place, FLOW_STATE] == FLOW_OTHER:
            return K_SCTP
    found[FOUND_START] = found[FOUND_PORTS] = at
    found[FOUND_RAW] = RAW_SCTP
    return K_RAW


@kernel
def data_chunks(octets: Octets, chunk: int, end: int) -> tuple[bool, bool, bool]:
    """Whether there are DATA chunks, and whether user messages that are SIP, and others, begin in them."""
    has_data, has_sip, has_other = False, False, False
    while chunk + 16 <= end:
        kind, length = octets[chunk], be16(octets, chunk + 2)
        if length < 4:
            break
        if kind == 0 or kind == 64:  # DATA, I-DATA
            has_data = True
            payload = chunk + (16 if kind == 0 else 20)
            payload_end = min(chunk + length, end)
            if octets[chunk + 1] & 2 and payload < payload_end:
                is_sip = start_line(octets, payload, payload_end, True) == SIP_MESSAGE
                has_sip = has_sip or is_sip
                has_other = has_other or not is_sip
        chunk += length + 3 & ~3
    return has_data, has_sip, has_other


@kernel
def fragment(octets: Octets, protocol: int, found: Ints, flows: Ints, scalars: Ints) -> int:
    """A part of an IP packet, unless its first part was seen to be nothing of ours."""
    at, end, place_in = found[FOUND_AT], found[FOUND_END], found[FOUND_PLACE]
    if end - at > DATAGRAM_OCTETS:
        return K_DAMAGED
    if protocol == UDP:
        scalars[TICK] += 1
        flow_key(octets, found, found[FOUND_IP_ID], OF_FRAGMENTS, scalars)
        place = flow_place(flows, scalars)
        is_ours = place_in >> 1 != 0 or _may_be_ours(octets, at, end, found)
        if place < 0 and not is_ours:
            place = take_place(flows, scalars, place, FLOW_OTHER, MISSING)
        if place >= 0:
            flows[place, FLOW_USED] = scalars[TICK]
            # Identifications come round again: each first fragment decides anew.
            if place_in >> 1 == 0:
                flows[place, FLOW_STATE] = FLOW_UNDECIDED if is_ours else FLOW_OTHER
            if flows[place, FLOW_STATE] == FLOW_OTHER:
                return K_UDP
    found[FOUND_START] = at
    found[FOUND_PORTS] = -1
    found[FOUND_RAW] = RAW_FRAGMENT
    found[FOUND_SEQ] = place_in
    found[FOUND_INFO] = protocol << 32 | found[FOUND_IP_ID]
    return K_RAW


@inlined
def _may_be_ours(octets: Octets, at: int, end: int, found: Ints) -> bool:
    """Whether the first fragment of a datagram begins like SIP, HEP or a tunnel."""
    if end - at < 20:
        return True
    payload = at + 8
    if octets[payload] >= 0x80:
        return False
    if start_line(octets, payload, end, True) != NOT_SIP or is_hep(octets, payload, end):
        return True
    found[FOUND_START] = payload
    layers, inner_end, wire_end = found[FOUND_LAYERS], found[FOUND_END], found[FOUND_WIRE_END]
    found[FOUND_AT] = payload
    kind = _other_datagram(octets, be16(octets, at), be16(octets, at + 2), found)
    found[FOUND_AT], found[FOUND_END], found[FOUND_WIRE_END], found[FOUND_LAYERS] = at, inner_end, wire_end, layers
    return kind != K_UDP
