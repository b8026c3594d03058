"""IP packets by `struct` alone, checksums right: what the frames of made captures hold."""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Iterator
from typing import NamedTuple

TCP, UDP, SCTP = 6, 17, 132
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
ICMP, ICMPV6 = 1, 58
#: ICMP errors by name: type and code, RFC 792 and RFC 4443.
ERRORS = {
    "net": ((3, 0), (1, 0)), "host": ((3, 1), (1, 3)), "port": ((3, 3), (1, 4)), "prohibited": ((3, 13), (1, 1)),
    "too_big": ((3, 4), (2, 0)), "ttl": ((11, 0), (3, 0)),
}  # fmt: skip
_FRAGMENT = 44
DONT_FRAGMENT, _MORE = 0x4000, 0x2000


class Packet(NamedTuple):
    """One IP packet at a time in ns since the epoch; ``place`` are the flags and offset of IPv4's header.

    ``inside`` names what it is wrapped in (`tests.tunnels`): kind and number.
    """

    ts: int
    src: str
    dst: str
    protocol: int
    payload: bytes
    ip_id: int = 0
    vlan: int | None = None
    interface: int = 0
    place: int = DONT_FRAGMENT
    inside: tuple[str, int] | None = None


def ip(packet: Packet) -> bytes:
    """RFC 791 or RFC 8200; an IPv6 packet that is a fragment gets the header for that."""
    source, target = ipaddress.ip_address(packet.src), ipaddress.ip_address(packet.dst)
    if source.version == 4:
        fields = (0x45, 0, 20 + len(packet.payload), packet.ip_id, packet.place, 64, packet.protocol, 0)
        header = struct.pack("!BBHHHBBH4s4s", *fields, source.packed, target.packed)
        return header[:10] + struct.pack("!H", checksum(header)) + header[12:] + packet.payload
    protocol, payload = packet.protocol, packet.payload
    if packet.place != DONT_FRAGMENT:
        offset, more = (packet.place & 0x1FFF) << 3, bool(packet.place & _MORE)
        payload = struct.pack("!BBHI", protocol, 0, offset | more, packet.ip_id) + payload
        protocol = _FRAGMENT
    fields6 = (0x60000000, len(payload), protocol, 64, source.packed, target.packed)
    return struct.pack("!IHBB16s16s", *fields6) + payload


def ethernet(packet: Packet) -> bytes:
    """The frame around a packet; the addresses end as those of IP do."""
    source, target = ipaddress.ip_address(packet.src), ipaddress.ip_address(packet.dst)
    kind = 0x0800 if source.version == 4 else 0x86DD
    tag = b"" if packet.vlan is None else struct.pack("!HH", 0x8100, packet.vlan)
    return _mac(source.packed[-1]) + _mac(target.packed[-1]) + tag + struct.pack("!H", kind) + ip(packet)


def fragments(packet: Packet, octets: int) -> Iterator[Packet]:
    """A packet in fragments with at most ``octets`` of payload each, a multiple of eight; a short one as it is."""
    assert octets % 8 == 0, "fragments begin at multiples of eight octets"
    if len(packet.payload) <= octets:
        yield packet
        return
    for start in range(0, len(packet.payload), octets):
        more = _MORE if start + octets < len(packet.payload) else 0
        yield packet._replace(payload=packet.payload[start : start + octets], place=more | start >> 3)


def udp(src: str, src_port: int, dst: str, dst_port: int, payload: bytes) -> bytes:
    """RFC 768."""
    length = 8 + len(payload)
    header = struct.pack("!HHHH", src_port, dst_port, length, 0)
    sum_ = checksum(_pseudo(src, dst, UDP, length) + header + payload) or 0xFFFF
    return header[:6] + struct.pack("!H", sum_) + payload


def tcp(
    src: str, src_port: int, dst: str, dst_port: int, seq: int, ack: int, flags: int, payload: bytes = b"", mss: int = 0
) -> bytes:
    """RFC 9293 §3.1, with the option for the segment size where one is given."""
    options = struct.pack("!BBH", 2, 4, mss) if mss else b""
    header = struct.pack("!HHIIBBHHH", src_port, dst_port, seq, ack, (20 + len(options)) << 2, flags, 65535, 0, 0)
    segment = header + options + payload
    sum_ = checksum(_pseudo(src, dst, TCP, len(segment)) + segment)
    return segment[:16] + struct.pack("!H", sum_) + segment[18:]


def icmp(ts: int, sender: str, error: str, about: Packet, quote: int | None = None) -> Packet:
    """An ICMP error about a packet, sent to its source; ``quote`` octets behind its IP header are quoted (all)."""
    is_v4 = "." in about.src
    kind, code = ERRORS[error][0 if is_v4 else 1]
    quoted = ip(about)
    header = 20 if is_v4 else 40
    quoted = quoted if quote is None else quoted[: header + quote]
    message = struct.pack("!BBHI", kind, code, 0, 0) + quoted
    pseudo = b"" if is_v4 else _pseudo(sender, about.src, ICMPV6, len(message))
    message = message[:2] + struct.pack("!H", checksum(pseudo + message)) + message[4:]
    return Packet(ts, sender, about.src, ICMP if is_v4 else ICMPV6, message, about.ip_id ^ 0x5555, about.vlan)


def sctp(src_port: int, dst_port: int, tag: int, *chunks: bytes) -> bytes:
    """RFC 9260 §3.1; chunks are filled up to multiples of four octets."""
    header = struct.pack("!HHI", src_port, dst_port, tag)
    body = b"".join(chunk + bytes(-len(chunk) % 4) for chunk in chunks)
    return header + struct.pack("<I", _crc32c(header + bytes(4) + body)) + body


def chunk(kind: int, flags: int, value: bytes) -> bytes:
    """RFC 9260 §3.2."""
    return struct.pack("!BBH", kind, flags, 4 + len(value)) + value


def checksum(octets: bytes) -> int:
    """RFC 1071."""
    if len(octets) % 2:
        octets += b"\0"
    total: int = sum(struct.unpack(f"!{len(octets) // 2}H", octets))
    total = (total & 0xFFFF) + (total >> 16)
    total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _crc32c(octets: bytes) -> int:
    """RFC 9260 appendix A, bit by bit."""
    crc = 0xFFFFFFFF
    for octet in octets:
        crc ^= octet
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return ~crc & 0xFFFFFFFF


def _pseudo(src: str, dst: str, protocol: int, length: int) -> bytes:
    ends = ipaddress.ip_address(src).packed + ipaddress.ip_address(dst).packed
    return ends + struct.pack("!II", length, protocol)


def _mac(last: int) -> bytes:
    return bytes((2, 0, 0, 0, 0, last))
