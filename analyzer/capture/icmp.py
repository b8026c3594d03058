"""ICMP errors, and what they quote of the packet that they are about (RFC 792, RFC 4443).

An error says that SIP did not arrive where it was sent, often long before a timer of SIP says so. What it quotes is
evidence, never a message.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from analyzer.capture.address import halves

ICMP, ICMPV6 = 1, 58
_TCP, _UDP = 6, 17

# Type and code → what it means for whoever sent the packet. None = any other code of the type.
_V4: dict[tuple[int, int | None], str] = {
    (3, 0): "net_unreachable",
    (3, 1): "host_unreachable",
    (3, 2): "protocol_unreachable",
    (3, 3): "port_unreachable",
    (3, 4): "packet_too_big",
    (3, 9): "admin_prohibited",
    (3, 10): "admin_prohibited",
    (3, 13): "admin_prohibited",
    (3, None): "host_unreachable",
    (11, 0): "time_exceeded",
    (11, None): "reassembly_timeout",
}
_V6: dict[tuple[int, int | None], str] = {
    (1, 0): "net_unreachable",
    (1, 1): "admin_prohibited",
    (1, 3): "host_unreachable",
    (1, 4): "port_unreachable",
    (1, 5): "admin_prohibited",
    (1, 6): "admin_prohibited",
    (1, None): "host_unreachable",
    (2, None): "packet_too_big",
    (3, 0): "time_exceeded",
    (3, None): "reassembly_timeout",
}


class IcmpError(NamedTuple):
    """An error: what it says and its code; of the packet it quotes the ends, protocol and payload, where there.

    ``payload`` is what is quoted behind the UDP header, or from the TCP header on.
    """

    name: str
    code: int
    src: tuple[int, int]
    dst: tuple[int, int]
    src_port: int
    dst_port: int
    protocol: int
    payload: bytes


def read_icmp(octets: bytes, protocol: int) -> IcmpError | None:
    """The error that an ICMP packet (``protocol`` 1 or 58) is; None for other packets and quotes without ports."""
    if len(octets) < 36:
        return None
    kind, code = octets[0], octets[1]
    names = _V4 if protocol == ICMP else _V6
    name = names.get((kind, code), names.get((kind, None)))
    quote = _quoted(octets[8:])
    if name is None or quote is None:
        return None
    src, dst, carried, payload = quote
    src_port, dst_port = struct.unpack(">HH", payload[:4])
    return IcmpError(name, code, src, dst, src_port, dst_port, carried, payload[8:] if carried == _UDP else payload)


def _quoted(packet: bytes) -> tuple[tuple[int, int], tuple[int, int], int, bytes] | None:
    """Ends, protocol and payload of a quoted packet of UDP or TCP; a later fragment has no ports."""
    version = packet[0] >> 4
    if version == 4:
        header = (packet[0] & 15) * 4
        if header < 20 or (packet[6] << 8 | packet[7]) & 0x1FFF:
            return None
        protocol, src, dst = packet[9], packet[12:16], packet[16:20]
    elif version == 6:
        header, protocol, src, dst = 40, packet[6], packet[8:24], packet[24:40]
    else:
        return None
    payload = packet[header:]
    if protocol not in (_TCP, _UDP) or len(payload) < 8:
        return None
    return halves(src), halves(dst), protocol, payload


def may_begin_sip(octets: bytes) -> bool:
    """Whether quoted octets may be the beginning of SIP, though they hold no whole start line."""
    return len(octets) < 11 or (32 < octets[0] < 0x7F and b"\n" not in octets)
