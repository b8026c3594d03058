"""The frame that a capture at this machine would have shown of a HEP packet: IPv4 or IPv6 and UDP around it.

A packet that came over TCP is shown as the datagram that it could have been.
"""

from __future__ import annotations

import struct

#: The longest payload of a UDP datagram over IPv4, and over IPv6 without jumbograms (RFC 768, RFC 2675).
IPV4_PAYLOAD, IPV6_PAYLOAD = 65_507, 65_527
#: The longest record: its header, IPv6, UDP, payload.
RECORD_OCTETS_MOST = 16 + 40 + 8 + IPV6_PAYLOAD

_UDP = 17
_HOPS = 64
_DONT_FRAGMENT = 0x4000  # with it an identification of 0 says nothing (RFC 6864)
_RECORD = struct.Struct("<IIII")
_IPV4 = struct.Struct(">BBHHHBBH4s4sHHHH")
_IPV6 = struct.Struct(">IHBB16s16sHHHH")


def hep_record(ts: int, src: bytes, dst: bytes, src_port: int, dst_port: int, payload: bytes) -> bytes | None:
    """The record of a classic pcap of nanoseconds, link type 101, with this payload between these packed addresses.

    IPv4 when both are four octets. None when the payload is longer than a datagram's can be.
    """
    udp_length = 8 + len(payload)
    if len(src) == len(dst) == 4:
        if len(payload) > IPV4_PAYLOAD:
            return None
        total = 20 + udp_length
        # Without UDP's checksum, which IPv4 leaves to the sender.
        fields = 0x45, 0, total, 0, _DONT_FRAGMENT, _HOPS, _UDP
        checksum = _checksum(_IPV4.pack(*fields, 0, src, dst, 0, 0, 0, 0)[:20])
        header = _IPV4.pack(*fields, checksum, src, dst, src_port, dst_port, udp_length, 0)
    else:
        if len(payload) > IPV6_PAYLOAD:
            return None
        total = 40 + udp_length
        src, dst = (_mapped(address) for address in (src, dst))
        pseudo = struct.pack(">16s16sIIHHHH", src, dst, udp_length, _UDP, src_port, dst_port, udp_length, 0)
        checksum = _checksum(pseudo + payload) or 0xFFFF
        header = _IPV6.pack(6 << 28, udp_length, _UDP, _HOPS, src, dst, src_port, dst_port, udp_length, checksum)
    return _RECORD.pack(*divmod(ts, 10**9), total, total) + header + payload


def _checksum(octets: bytes) -> int:
    """RFC 1071: in ones' complement arithmetic a sum of 16-bit words is the whole number modulo 65,535."""
    if len(octets) & 1:
        octets += b"\0"
    total = int.from_bytes(octets, "big") % 0xFFFF
    return 0xFFFF - total if total else 0


def _mapped(address: bytes) -> bytes:
    return address if len(address) == 16 else bytes(10) + b"\xff\xff" + address
