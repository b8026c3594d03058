"""Datagrams to capture files, by `struct` alone: writing samples has nothing in common with reading them."""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

PROGRAM = b"sipcause pcaps/make.py"


class Datagram(NamedTuple):
    """One UDP datagram at a time in ns since the epoch."""

    ts: int
    src: str
    src_port: int
    dst: str
    dst_port: int
    payload: bytes
    ip_id: int = 0
    vlan: int | None = None
    interface: int = 0


def frame(datagram: Datagram) -> bytes:
    """Ethernet, IPv4 or IPv6, and UDP with right checksums."""
    source = ipaddress.ip_address(datagram.src)
    target = ipaddress.ip_address(datagram.dst)
    length = 8 + len(datagram.payload)
    pseudo = source.packed + target.packed + struct.pack("!II", length, 17)
    header = struct.pack("!HHHH", datagram.src_port, datagram.dst_port, length, 0)
    checksum = _checksum(pseudo + header + datagram.payload) or 0xFFFF
    udp = header[:6] + struct.pack("!H", checksum) + datagram.payload
    if source.version == 4:
        fields = (0x45, 0, 20 + length, datagram.ip_id, 0x4000, 64, 17, 0, source.packed, target.packed)
        ip = struct.pack("!BBHHHBBH4s4s", *fields)
        ip = ip[:10] + struct.pack("!H", _checksum(ip)) + ip[12:]
        kind = 0x0800
    else:
        ip = struct.pack("!IHBB16s16s", 0x60000000, length, 17, 64, source.packed, target.packed)
        kind = 0x86DD
    tag = b"" if datagram.vlan is None else struct.pack("!HH", 0x8100, datagram.vlan)
    return _mac(source.packed[-1]) + _mac(target.packed[-1]) + tag + struct.pack("!H", kind) + ip + udp


def write_pcap(datagrams: Iterable[Datagram], path: str | Path) -> None:
    """A capture file: pcapng where the name ends so, else classic pcap with nanoseconds."""
    path = Path(path)
    write = _pcapng if path.suffix == ".pcapng" else _pcap
    path.write_bytes(write([(datagram.ts, datagram.interface, frame(datagram)) for datagram in datagrams]))


def _pcap(frames: list[tuple[int, int, bytes]]) -> bytes:
    parts = [struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262144, 1)]
    for ts, _, octets in frames:
        parts += (struct.pack("<IIII", ts // 10**9, ts % 10**9, len(octets), len(octets)), octets)
    return b"".join(parts)


def _pcapng(frames: list[tuple[int, int, bytes]]) -> bytes:
    """One section, its interfaces, µs: what every program reads."""
    section = struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1) + _option(4, PROGRAM) + _option(0, b"")
    interfaces = 1 + max((interface for _, interface, _ in frames), default=0)
    parts = [_block(0x0A0D0D0A, section), *[_block(1, struct.pack("<HHI", 1, 0, 262144))] * interfaces]
    for ts, interface, octets in frames:
        micros = ts // 1000
        head = struct.pack("<IIIII", interface, micros >> 32, micros & 0xFFFFFFFF, len(octets), len(octets))
        parts.append(_block(6, head + octets))
    return b"".join(parts)


def _block(kind: int, body: bytes) -> bytes:
    body += bytes(-len(body) % 4)
    size = struct.pack("<I", len(body) + 12)
    return struct.pack("<I", kind) + size + body + size


def _option(code: int, value: bytes) -> bytes:
    return struct.pack("<HH", code, len(value)) + value + bytes(-len(value) % 4)


def _mac(last: int) -> bytes:
    return bytes((2, 0, 0, 0, 0, last))


def _checksum(octets: bytes) -> int:
    """RFC 1071."""
    if len(octets) % 2:
        octets += b"\0"
    total: int = sum(struct.unpack(f"!{len(octets) // 2}H", octets))
    total = (total & 0xFFFF) + (total >> 16)
    total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
