"""Packets to capture files, by `struct` alone: writing samples has nothing in common with reading them."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from tests.packets import UDP, Packet, udp
from tests.tunnels import frame as frame_of_packet

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

    def packet(self) -> Packet:
        """The IP packet that it stands in."""
        payload = udp(self.src, self.src_port, self.dst, self.dst_port, self.payload)
        return Packet(self.ts, self.src, self.dst, UDP, payload, self.ip_id, self.vlan, self.interface)


def frame(sent: Datagram | Packet) -> bytes:
    """The Ethernet frame, with right checksums."""
    return frame_of_packet(sent.packet() if isinstance(sent, Datagram) else sent)


def write_pcap(sent: Iterable[Datagram | Packet], path: str | Path) -> None:
    """A capture file: pcapng where the name ends so, else classic pcap with nanoseconds."""
    path = Path(path)
    write = _pcapng if path.suffix == ".pcapng" else _pcap
    path.write_bytes(write([(one.ts, one.interface, frame(one)) for one in sent]))


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
