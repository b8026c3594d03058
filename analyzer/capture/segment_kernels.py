"""TCP segments: which are of a flow that carries something of ours."""

from __future__ import annotations

import numpy as np

from analyzer.batch import (
    FLOW_OTHER,
    FLOW_TLS,
    FLOW_UNDECIDED,
    MISSING,
    RAW_SEGMENT,
    TCP_ACK,
    TCP_FIN,
    TCP_RST,
    TCP_SYN,
    Ints,
    Octets,
)
from analyzer.capture.flow_kernels import (
    FLOW_DST_HI,
    FLOW_DST_LO,
    FLOW_FIRST,
    FLOW_SRC_HI,
    FLOW_SRC_LO,
    FLOW_STATE,
    FLOW_TAIL,
    FLOW_USED,
    HAS_KEYS,
    KEY,
    OF_TCP,
    OPAQUE_CONNECTIONS,
    OPAQUE_OCTETS,
    PORT_SIPS,
    PORT_SIPS_OTHER,
    SEGMENT_BITS,
    SEGMENTS,
    STATE_FRESH,
    STATE_MIDDLE,
    STATE_SMALL,
    SYN_AGAIN,
    TICK,
    UNDECIDED,
    first_octets,
    flow_place,
    flow_tail,
    is_ours,
    is_sips_port,
    middle_octets,
    opposite_place,
    take_place,
)
from analyzer.capture.found_kernels import (
    DATAGRAM_OCTETS,
    FOUND_AT,
    FOUND_END,
    FOUND_FIRST,
    FOUND_INFO,
    FOUND_IP,
    FOUND_IS_IPV4,
    FOUND_LAYERS,
    FOUND_PORTS,
    FOUND_RAW,
    FOUND_SEQ,
    FOUND_START,
    FOUND_VLAN,
    FOUND_VNI,
    FOUND_WIRE_END,
    K_CUT,
    K_DAMAGED,
    K_OPAQUE,
    K_RAW,
    K_TCP,
    RAW_SIGN,
    SIGN_ALERT,
    SIGN_REFUSED,
    SIGN_RESET,
    SIGN_SYN_AGAIN,
    SIGN_SYN_ANSWERED,
)
from analyzer.capture.layer_kernels import L_TCP, push
from analyzer.capture.wire_kernels import be32, be64
from analyzer.jit import inlined, kernel

TCP = 6
_MAPPED = 0xFFFF << 32


@inlined
def network_of(found: Ints) -> int:
    """VNI, else VLAN, else MISSING."""
    return int(found[FOUND_VNI] if found[FOUND_VNI] != MISSING else found[FOUND_VLAN])


@inlined
def flow_key(octets: Octets, found: Ints, number: int, of: int, scalars: Ints) -> None:
    """Addresses and the rest of what tells flows apart, into KEY."""
    at = found[FOUND_IP]
    if found[FOUND_IS_IPV4]:
        scalars[KEY + FLOW_SRC_HI] = scalars[KEY + FLOW_DST_HI] = 0
        scalars[KEY + FLOW_SRC_LO] = _MAPPED | be32(octets, at + 12)
        scalars[KEY + FLOW_DST_LO] = _MAPPED | be32(octets, at + 16)
    else:
        scalars[KEY + FLOW_SRC_HI] = be64(octets, at + 8)
        scalars[KEY + FLOW_SRC_LO] = be64(octets, at + 16)
        scalars[KEY + FLOW_DST_HI] = be64(octets, at + 24)
        scalars[KEY + FLOW_DST_LO] = be64(octets, at + 32)
    scalars[KEY + FLOW_TAIL] = flow_tail(network_of(found), number, of)


@kernel
def tcp(octets: Octets, found: Ints, flows: Ints, scalars: Ints) -> int:
    """RFC 9293 §3.1: is this segment of a flow that carries something of ours?"""
    at, end, ip_end = found[FOUND_AT], found[FOUND_END], found[FOUND_WIRE_END]
    found[FOUND_LAYERS] = push(found[FOUND_LAYERS], L_TCP)
    if end - at < 20:
        return K_CUT if ip_end - at >= 20 else K_DAMAGED
    header = int(np.int64(octets[at + 12]) >> 4 << 2)
    payload = at + header
    if header < 20 or payload > ip_end:
        return K_DAMAGED
    flags = int(np.int64(octets[at + 13]))
    is_ending = flags & (TCP_FIN | TCP_RST) != 0
    if payload >= ip_end and flags & TCP_SYN == 0 and not is_ending:
        return K_TCP  # an acknowledgement alone
    if payload > end:
        return K_CUT
    if ip_end - payload > DATAGRAM_OCTETS:
        return K_DAMAGED
    ports = be32(octets, at)
    flow_key(octets, found, ports, OF_TCP, scalars)
    found[FOUND_PORTS] = at
    sequence = be32(octets, at + 4)
    return segment(octets, payload, max(end, payload), ip_end, sequence, flags, ports, found, flows, scalars)


@kernel
def segment(
    octets: Octets, start: int, end: int, wire_end: int, sequence: int, flags: int, ports: int, found: Ints,
    flows: Ints, scalars: Ints,
) -> int:  # fmt: skip
    """A segment with octets, SYN, FIN or RST of the flow KEY; its octets stand in ``octets[start:end]``."""
    scalars[TICK] += 1
    place = flow_place(flows, scalars)
    if flags & TCP_SYN:
        sequence = sequence + 1 & 0xFFFFFFFF
        sign = 0
        if place < 0:
            place = take_place(flows, scalars, place, STATE_FRESH, sequence)
        elif flows[place, FLOW_FIRST] != sequence:
            flows[place, FLOW_STATE], flows[place, FLOW_FIRST] = STATE_FRESH, sequence
        elif flags & TCP_ACK == 0 and flows[place, FLOW_STATE] & 255 == STATE_FRESH:
            flows[place, FLOW_STATE] |= SYN_AGAIN
            sign = SIGN_SYN_AGAIN
        if flags & TCP_ACK:
            opposite = opposite_place(flows, scalars)
            if opposite >= 0 and flows[opposite, FLOW_STATE] & SYN_AGAIN:
                flows[opposite, FLOW_STATE] ^= SYN_AGAIN
                sign = SIGN_SYN_ANSWERED
        if start == wire_end:
            return _sign(sign, start, end, wire_end, sequence, flags, found) if sign else K_TCP
    elif flags & TCP_RST:
        sign = _reset(place, flows, scalars)
        if sign:
            return _sign(sign, start, end, wire_end, sequence, flags, found)
    if place < 0:
        if start == wire_end:
            return K_TCP
        place = take_place(flows, scalars, place, STATE_MIDDLE, MISSING)
    flows[place, FLOW_USED] = scalars[TICK]
    found[FOUND_START] = start
    found[FOUND_END] = end
    found[FOUND_WIRE_END] = wire_end
    # Segments that were handed over before it was known what the flow carries.
    handed = flows[place, FLOW_STATE] >> 8 & SEGMENT_BITS if flows[place, FLOW_STATE] & 255 != STATE_MIDDLE else 0
    is_alert = _is_alert(octets, start, end)
    verdict = _verdict(octets, start, end, sequence, ports, flows[place], found)
    if verdict == FLOW_TLS and not scalars[HAS_KEYS]:
        kind = _opaque(flows[place], scalars, ports, wire_end - start)
        if is_alert and kind == K_OPAQUE:
            return _sign(SIGN_ALERT, start, end, wire_end, sequence, flags, found)
        return kind
    if is_alert and verdict == FLOW_OTHER and not handed:
        opposite = opposite_place(flows, scalars)
        if is_sips_port(ports) or (opposite >= 0 and flows[opposite, FLOW_STATE] & 255 == FLOW_TLS):
            return _sign(SIGN_ALERT, start, end, wire_end, sequence, flags, found)
    if verdict == FLOW_OTHER and handed:
        found[FOUND_START] = found[FOUND_END] = found[FOUND_WIRE_END] = start
    elif verdict == FLOW_OTHER or (start == wire_end and flags & (TCP_FIN | TCP_RST) == 0):
        return K_TCP
    found[FOUND_RAW] = RAW_SEGMENT
    found[FOUND_SEQ] = sequence + (found[FOUND_START] - start) & 0xFFFFFFFF
    found[FOUND_INFO] = flags | verdict << 8
    found[FOUND_FIRST] = flows[place, FLOW_FIRST]
    return K_RAW


@inlined
def _sign(
    sign: int, start: int, end: int, wire_end: int, sequence: int, flags: int, found: Ints
) -> int:  # fmt: skip
    """A segment that says something about its connection, and holds nothing to assemble."""
    found[FOUND_START] = start
    found[FOUND_END] = end
    found[FOUND_WIRE_END] = wire_end
    found[FOUND_RAW] = RAW_SIGN
    found[FOUND_SEQ] = sequence
    found[FOUND_INFO] = flags | sign << 8
    found[FOUND_FIRST] = MISSING
    return K_RAW


@kernel
def _reset(place: int, flows: Ints, scalars: Ints) -> int:
    """What an RST says that is not a segment of a flow of ours (SIGN_*); 0 = nothing of interest.

    One after the handshake alone, as load balancers send when they have seen that a port is open, says nothing.
    """
    if place >= 0 and is_ours(flows[place, FLOW_STATE] & 255):
        return 0
    opposite = opposite_place(flows, scalars)
    if opposite < 0:
        return 0
    state = flows[opposite, FLOW_STATE] & 255
    if is_ours(state):
        return SIGN_RESET
    if place >= 0 or state != STATE_FRESH:
        return 0
    flows[opposite, FLOW_STATE] = STATE_FRESH
    return SIGN_REFUSED


@inlined
def _is_alert(octets: Octets, at: int, end: int) -> bool:
    """Whether octets begin with a fatal alert in the clear (RFC 5246 §7.2): under encryption it is longer."""
    return bool(
        at + 7 <= end
        and octets[at] == 0x15
        and octets[at + 1] == 3
        and octets[at + 3] == 0
        and octets[at + 4] == 2
        and octets[at + 5] == 2
    )


@kernel
def _verdict(octets: Octets, at: int, end: int, sequence: int, ports: int, flow: Ints, found: Ints) -> int:
    """What the flow of a segment carries, as far as it is known now; FOUND_START moves to where its octets begin."""
    state = int(flow[FLOW_STATE] & 255)
    if state < STATE_FRESH:
        return state
    if at >= end:
        return FLOW_OTHER
    segments = flow[FLOW_STATE] >> 8 & SEGMENT_BITS
    verdict = FLOW_UNDECIDED
    if state == STATE_FRESH and sequence == flow[FLOW_FIRST]:
        verdict = first_octets(octets, at, end)
        if verdict == FLOW_UNDECIDED:
            flow[FLOW_STATE] = STATE_SMALL | 1 << 8
            return FLOW_UNDECIDED
    elif state == STATE_MIDDLE:
        verdict, start = middle_octets(octets, at, end, segments < SEGMENTS, is_sips_port(ports))
        found[FOUND_START] = start
        if verdict == FLOW_OTHER:  # not yet: a later segment may begin with a start line
            flow[FLOW_STATE] = STATE_MIDDLE | min(segments + 1, SEGMENTS) << 8
            return FLOW_OTHER
    elif segments < UNDECIDED:
        flow[FLOW_STATE] += 1 << 8
        return FLOW_UNDECIDED
    else:  # its first octets were lost
        flow[FLOW_STATE], flow[FLOW_FIRST] = STATE_MIDDLE, MISSING
        return FLOW_OTHER
    flow[FLOW_STATE] = verdict
    return verdict


@inlined
def _opaque(flow: Ints, scalars: Ints, ports: int, length: int) -> int:
    """TLS that cannot be opened: counted where SIP over TLS is to be expected."""
    if not is_sips_port(ports):
        flow[FLOW_STATE] = FLOW_OTHER
        return K_TCP
    dst = ports & 0xFFFF
    if flow[FLOW_STATE] >> 8 == 0:
        flow[FLOW_STATE] += 1 << 8
        if dst == PORT_SIPS or dst == PORT_SIPS_OTHER:
            scalars[OPAQUE_CONNECTIONS] += 1
    scalars[OPAQUE_OCTETS] += length
    return K_OPAQUE if length else K_TCP
