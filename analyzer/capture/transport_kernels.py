"""What an IP packet carries: the kinds by which frames are counted, and where a SIP datagram stands."""

from __future__ import annotations

from analyzer.batch import Ints, Octets
from analyzer.capture.wire_kernels import be16
from analyzer.jit import kernel
from analyzer.sip.start_kernels import NOT_SIP, SIP_MESSAGE, start_line

# Kinds of frame: positions in the array of counts.
K_SIP = 0
K_UDP = 1  # a whole datagram that is no SIP: media, DNS, ...
K_BROKEN = 2  # a datagram that begins with a broken SIP start line
K_TCP = 3
K_TCP_SIP = 4
K_SCTP = 5
K_FRAGMENT = 6
K_FRAGMENT_SIP = 7
K_ICMP = 8
K_CUT = 9
K_DAMAGED = 10
K_HEP = 11
K_UDP_TUNNEL = 12  # from here on declined
K_OTHER_IP = 13
K_NOT_IP = 14
K_LINK_TYPE = 15
KINDS = 16
DECLINED = K_UDP_TUNNEL

# Where a datagram was found: columns of the scratch array that `frame_kind` fills for K_SIP and K_BROKEN.
FOUND_START = 0  # payload
FOUND_END = 1
FOUND_WIRE = 2  # octets of payload that were sent
FOUND_NETWORK_HEADER = 3
FOUND_IS_IPV4 = 4
FOUND_UDP = 5
FOUND_VLAN = 6
FOUND_COLUMNS = 7

_TCP, UDP, _SCTP, _ICMP, _ICMPV6 = 6, 17, 132, 1, 58
#: The length field has 16 bits; only a datagram without one could pretend to be longer.
DATAGRAM_OCTETS = 65_535


@kernel
def transport_kind(
    octets: Octets, at: int, end: int, ip_end: int, protocol: int, place: int, is_fragment: bool, found: Ints
) -> int:
    """The kind by IP protocol number; ``place`` is the fragment's offset, ``ip_end`` where the packet should end."""
    if protocol == UDP:
        return _udp(octets, at, end, ip_end, place, is_fragment, found)
    if is_fragment:
        return K_FRAGMENT
    if protocol == _TCP:
        return _tcp_kind(octets, at, end)
    if protocol == _ICMP or protocol == _ICMPV6:
        return K_ICMP
    return K_SCTP if protocol == _SCTP else K_OTHER_IP


@kernel
def _udp(octets: Octets, at: int, end: int, ip_end: int, place: int, is_fragment: bool, found: Ints) -> int:
    """RFC 768. The length field rules: what stands behind it is Ethernet's padding or a frame check sequence."""
    if place:
        return K_FRAGMENT
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
    begins = start_line(octets, payload, payload_end, wire_end > payload_end)
    if is_fragment:
        return K_FRAGMENT_SIP if begins == SIP_MESSAGE else K_FRAGMENT
    if begins == NOT_SIP:
        if payload_end - payload < 4 or octets[payload] >= 0x80:
            return K_UDP
        return udp_kind(octets, payload, payload_end, be16(octets, at), be16(octets, at + 2))
    found[FOUND_START] = payload
    found[FOUND_END] = payload_end
    found[FOUND_WIRE] = wire_end - payload
    found[FOUND_UDP] = at
    return K_SIP if begins == SIP_MESSAGE else K_BROKEN


@kernel
def udp_kind(octets: Octets, start: int, end: int, src_port: int, dst_port: int) -> int:
    """Datagrams that are no SIP but may carry it: tunnels, told by port and header, and HEP."""
    first = octets[start]
    # HEP version 3 begins with its name, on any port.
    if first == 72 and octets[start + 1] == 69 and octets[start + 2] == 80 and octets[start + 3] == 51:
        return K_HEP
    is_tunnel = False
    if dst_port == 4789 or dst_port == 8472:  # VXLAN, RFC 7348 §5: the flag says that the VNI is valid
        is_tunnel = first & 0x08 != 0 and end - start > 8
    elif dst_port == 2152 or src_port == 2152:  # GTP-U, 3GPP TS 29.281 §5.1: version 1, a T-PDU
        is_tunnel = first >> 4 == 3 and octets[start + 1] == 255
    elif dst_port == 6081:  # Geneve, RFC 8926 §3.4: version 0, an EtherType
        is_tunnel = first >> 6 == 0 and be16(octets, start + 2) >= 0x0600
    elif dst_port == 37008:  # TZSP version 1
        is_tunnel = first == 1
    elif dst_port == 1701 or src_port == 1701:  # L2TP, RFC 2661 §3.1: a data message of version 2
        is_tunnel = octets[start + 1] & 15 == 2
    return K_UDP_TUNNEL if is_tunnel else K_UDP


@kernel
def _tcp_kind(octets: Octets, at: int, end: int) -> int:
    """TCP streams are not put together here; a segment that begins with a SIP start line is counted apart."""
    if end - at < 20:
        return K_TCP
    payload = at + (octets[at + 12] >> 4 << 2)
    if payload - at < 20 or payload >= end:
        return K_TCP
    # What follows in the next segment is missing, as with a cut datagram.
    is_cut = payload < end
    return K_TCP_SIP if start_line(octets, payload, end, is_cut) == SIP_MESSAGE else K_TCP


@kernel
def names_sip(octets: Octets, start: int, end: int) -> bool:
    """Whether ``SIP/2.0`` stands anywhere in ``octets[start:end]``."""
    at = start
    last = end - 7
    while at <= last:
        if (
            octets[at] == 83
            and octets[at + 1] == 73
            and octets[at + 2] == 80
            and octets[at + 3] == 47
            and octets[at + 4] == 50
            and octets[at + 5] == 46
            and octets[at + 6] == 48
        ):
            return True
        at += 1
    return False
