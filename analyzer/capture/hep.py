"""HEP, the Homer Encapsulation Protocol: a capture agent's copy of a message with what the agent knows about it.

Versions 1 and 2 have a binary header (``struct hep_hdr`` of HOMER's agents), version 3 has chunks of type and
length. The agent's numbers are taken as they are; which message is a copy of one seen plainly is decided later
(docs/counting.md).
"""

from __future__ import annotations

import struct
import zlib
from typing import NamedTuple

from analyzer.batch import MISSING
from analyzer.capture.address import MAPPED, halves

#: Octets that a compressed payload may become.
PAYLOAD_OCTETS = 65_535
#: Address families of HEP 1 and 2, by the numbers of Linux, BSD and macOS; HEP 3 uses Linux's.
_IPV4, _IPV6 = (2,), (10, 24, 28, 30)
_ADDRESS = {**dict.fromkeys(_IPV4, 4), **dict.fromkeys(_IPV6, 16)}
#: A clock that is further from the frame's than this is no clock.
_CLOCK_NS = 366 * 86_400 * 10**9

# Chunk types of vendor 0, HEP 3.
_PROTOCOL, _SRC4, _DST4, _SRC6, _DST6, _SRC_PORT, _DST_PORT = 2, 3, 4, 5, 6, 7, 8
_SECONDS, _MICROSECONDS, _PAYLOAD, _COMPRESSED, _VLAN = 9, 10, 15, 16, 18


class HepPacket(NamedTuple):
    """What an agent says: IP protocol number, addresses as halves, ports, ns since the epoch (MISSING), payload.

    ``start`` is where the payload stands in the packet; None when it does not stand there as it is.
    """

    protocol: int
    src: tuple[int, int]
    dst: tuple[int, int]
    src_port: int
    dst_port: int
    ts: int
    network: int
    payload: bytes
    start: int | None


def hep_packet(octets: bytes, ts: int) -> HepPacket | None:
    """The packet in these octets, captured at ``ts``; None when it contradicts itself."""
    if octets[:4] == b"HEP3":
        return _version_3(octets)
    return _version_1_or_2(octets, ts)


def _version_1_or_2(octets: bytes, ts: int) -> HepPacket | None:
    """Version, header length, family, protocol, ports, addresses; then, in version 2, time and agent."""
    if len(octets) < 16 or octets[0] not in (1, 2):
        return None
    version, length, family, protocol, src_port, dst_port = struct.unpack(">BBBBHH", octets[:8])
    size = _ADDRESS.get(family)
    if size is None or length < 8 + 2 * size or length > len(octets):
        return None
    src, dst = (octets[8 + n * size : 8 + (n + 1) * size] for n in (0, 1))
    start = length
    sent_ts = MISSING
    if version == 2:
        stamp = 8 + 2 * size
        # Some agents count the 12 octets of time and agent in the header's length, others do not.
        start = max(length, stamp + 12)
        if len(octets) < start:
            return None
        # The agent writes its own byte order.
        for order in "<>":
            seconds, micros = struct.unpack(f"{order}II", octets[stamp : stamp + 8])
            candidate = seconds * 10**9 + micros * 1000
            if micros < 10**6 and abs(candidate - ts) < _CLOCK_NS:
                sent_ts = candidate
                break
    return HepPacket(protocol, halves(src), halves(dst), src_port, dst_port, sent_ts, MISSING, octets[start:], start)


def _version_3(octets: bytes) -> HepPacket | None:
    """``HEP3``, total length, chunks: vendor, type, length with these six octets. Vendors' chunks are skipped."""
    if len(octets) < 6:
        return None
    length = int.from_bytes(octets[4:6], "big")
    end = min(length, len(octets))
    numbers = {_PROTOCOL: 17, _SRC_PORT: 0, _DST_PORT: 0, _SECONDS: MISSING, _MICROSECONDS: 0, _VLAN: MISSING}
    sizes = {_PROTOCOL: 1, _SRC_PORT: 2, _DST_PORT: 2, _SECONDS: 4, _MICROSECONDS: 4, _VLAN: 2}
    src = dst = (0, MAPPED)
    payload, start = b"", None
    at = 6
    while at < end:
        if end - at < 6:
            return None
        vendor, kind, size = struct.unpack(">HHH", octets[at : at + 6])
        value = octets[at + 6 : min(at + size, end)]
        if size < 6 or (at + size > end and kind != _PAYLOAD):
            return None
        if vendor:
            pass
        elif kind in sizes:
            if len(value) != sizes[kind]:
                return None
            numbers[kind] = int.from_bytes(value, "big")
        elif kind in (_SRC4, _DST4, _SRC6, _DST6):
            if len(value) != (4 if kind in (_SRC4, _DST4) else 16):
                return None
            if kind in (_SRC4, _SRC6):
                src = halves(value)
            else:
                dst = halves(value)
        elif kind == _PAYLOAD:
            payload, start = value, at + 6
        elif kind == _COMPRESSED:
            inflated = _inflated(value)
            if inflated is None:
                return None
            payload, start = inflated, None
        at += size
    if not payload and length > end:
        return None  # cut before it
    seconds = numbers[_SECONDS]
    ts = MISSING if seconds == MISSING else seconds * 10**9 + numbers[_MICROSECONDS] * 1000
    ports = numbers[_SRC_PORT], numbers[_DST_PORT]
    return HepPacket(numbers[_PROTOCOL], src, dst, *ports, ts, numbers[_VLAN], payload, start)


def _inflated(octets: bytes) -> bytes | None:
    """What a compressed payload was, up to its bound; zlib's or gzip's header."""
    try:
        return zlib.decompressobj(47).decompress(octets, PAYLOAD_OCTETS)
    except zlib.error:
        return None


class HepStream:
    """HEP 3 packets out of one direction of a TCP stream, by their length field.

    `receive` returns each packet with the octets received before it. Where no packet begins, octets are skipped up to
    the next ``HEP3``.
    """

    def __init__(self) -> None:
        self.position = 0
        self.notes: list[tuple[str, int]] = []
        self._buffer = bytearray()
        self._skipped = 0
        self._is_quiet = False  # behind a gap: that octets are lost has been said

    @property
    def pending(self) -> int:
        """Octets kept of a packet that is not complete."""
        return len(self._buffer)

    def receive(self, octets: bytes) -> list[tuple[int, bytes]]:
        """The packets that the octets of one more segment complete."""
        self._buffer += octets
        self.position += len(octets)
        packets = []
        while len(self._buffer) >= 6:
            length = int.from_bytes(self._buffer[4:6], "big")
            if not self._buffer.startswith(b"HEP3") or length < 6:
                self._skip()
                continue
            if self._skipped and not self._is_quiet:
                self.notes.append(("hep.bad_packet", self._skipped))
            self._skipped = 0
            self._is_quiet = False
            if len(self._buffer) < length:
                break
            packets.append((self.position - len(self._buffer), bytes(self._buffer[:length])))
            del self._buffer[:length]
        return packets

    def _skip(self) -> None:
        found = self._buffer.find(b"HEP3", 1)
        count = found if found >= 0 else len(self._buffer) - 3
        self._skipped += count
        del self._buffer[:count]

    def gap(self, octets_missing: int) -> None:
        """A packet that missing octets interrupt is lost."""
        self._buffer.clear()
        self._is_quiet = octets_missing > 0

    def close(self) -> None:
        """A packet that nothing completes any more is lost."""
        self._buffer.clear()
