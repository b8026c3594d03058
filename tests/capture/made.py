"""Frames and capture files, octet by octet, right and wrong: what the capture tests read."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from analyzer.batch import D_LENGTH, D_OFFSET, R_COLUMNS, R_KIND, RAW_MESSAGE, Ints
from analyzer.capture.reader import Reader, open_reader
from analyzer.issues import IssueLog

INVITE = (
    b"INVITE sip:bob@192.0.2.2 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKa\r\n"
    b"Call-ID: one@192.0.2.1\r\nCSeq: 1 INVITE\r\n\r\n"
)
RINGING = b"SIP/2.0 180 Ringing\r\nCall-ID: one@192.0.2.1\r\nCSeq: 1 INVITE\r\n\r\n"
RTP = b"\x80\x00\x12\x34" + bytes(168)

SRC4, DST4 = bytes([192, 0, 2, 1]), bytes([192, 0, 2, 2])
SRC6 = bytes.fromhex("20010db8000000000000000000000001")
DST6 = bytes.fromhex("20010db8ffffffff8000000000000002")


def udp(payload: bytes, sport: int = 5060, dport: int = 5060, length: int | None = None) -> bytes:
    return struct.pack(">HHHH", sport, dport, 8 + len(payload) if length is None else length, 0) + payload


def ipv4(
    payload: bytes,
    protocol: int = 17,
    place: int = 0,
    options: bytes = b"",
    total: int | None = None,
    ip_id: int = 7,
    first: int | None = None,
) -> bytes:
    header = 20 + len(options)
    fields = (
        0x40 | header // 4 if first is None else first,
        0,
        header + len(payload) if total is None else total,
        ip_id,
        place,
        64,
        protocol,
        0,
        SRC4,
        DST4,
    )
    return struct.pack(">BBHHHBBH4s4s", *fields) + options + payload


def ipv6(payload: bytes, protocol: int = 17, length: int | None = None) -> bytes:
    size = len(payload) if length is None else length
    return struct.pack(">IHBB16s16s", 6 << 28, size, protocol, 64, SRC6, DST6) + payload


def ether(payload: bytes, kind: int = 0x0800, tags: Sequence[tuple[int, int]] = ()) -> bytes:
    octets = b"\x02\x00\x00\x00\x00\x02\x02\x00\x00\x00\x00\x01"
    for tag, vlan in tags:
        octets += struct.pack(">HH", tag, vlan)
    return octets + struct.pack(">H", kind) + payload


def sip(payload: bytes = INVITE) -> bytes:
    """The ordinary frame."""
    return ether(ipv4(udp(payload)))


def pcap(
    frames: Sequence[bytes | tuple[int, bytes, int]],
    link_type: int = 1,
    order: str = "<",
    magic: int = 0xA1B2C3D4,
    extra: bytes = b"",
) -> bytes:
    """Classic pcap; a frame is octets, or (ts in the file's units as (s << 32 | fraction), octets, sent)."""
    parts = [struct.pack(f"{order}IHHiIII", magic, 2, 4, 0, 0, 262_144, link_type)]
    for number, item in enumerate(frames):
        ts, octets, sent = item if isinstance(item, tuple) else ((1000 + number) << 32, item, len(item))
        parts.append(struct.pack(f"{order}IIII", ts >> 32, ts & 0xFFFFFFFF, len(octets), sent) + extra + octets)
    return b"".join(parts)


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    body += bytes(-len(body) % 4)
    length = struct.pack(f"{order}I", 12 + len(body))
    return struct.pack(f"{order}I", kind) + length + body + length


def option(code: int, value: bytes, order: str = "<") -> bytes:
    return struct.pack(f"{order}HH", code, len(value)) + value + bytes(-len(value) % 4)


def section(order: str = "<") -> bytes:
    return block(0x0A0D0D0A, struct.pack(f"{order}IHHq", 0x1A2B3C4D, 1, 0, -1), order)


def interface(link_type: int = 1, options: bytes = b"", order: str = "<", snaplen: int = 0) -> bytes:
    end = bytes(4) if options else b""
    return block(1, struct.pack(f"{order}HHI", link_type, 0, snaplen) + options + end, order)


def packet(octets: bytes, ts: int = 0, number: int = 0, sent: int | None = None, order: str = "<") -> bytes:
    size = len(octets) if sent is None else sent
    head = struct.pack(f"{order}IIIII", number, ts >> 32, ts & 0xFFFFFFFF, len(octets), size)
    return block(6, head + octets, order)


class Read(NamedTuple):
    """What a reader made of a capture: the rows of messages (offsets left out), the payloads, the reader, the issues.

    ``raw`` and ``parts`` are the same of what is still to be put together.
    """

    rows: Ints
    payloads: list[bytes]
    raw: Ints
    parts: list[bytes]
    reader: Reader
    issues: IssueLog

    def column(self, which: int) -> list[int]:
        return [int(value) for value in self.rows[:, which]]


def read(path: Path | str, how: str = "kernels", window: int = 1 << 20) -> Read:
    import numpy as np

    issues = IssueLog()
    payloads: list[bytes] = []
    with open_reader(str(path), 1, issues, how, window) as reader:
        parts = []
        for octets, rows in reader:
            payloads += [octets[row[D_OFFSET] : row[D_OFFSET] + row[D_LENGTH]].tobytes() for row in rows]
            parts.append(rows.copy())
    rows = np.concatenate(parts) if parts else np.empty((0, R_COLUMNS), dtype=np.int64)
    rows[:, D_OFFSET] = 0
    is_message = rows[:, R_KIND] == RAW_MESSAGE
    of_messages = [payload for payload, is_it in zip(payloads, is_message, strict=True) if is_it]
    of_parts = [payload for payload, is_it in zip(payloads, is_message, strict=True) if not is_it]
    return Read(rows[is_message], of_messages, rows[~is_message], of_parts, reader, issues)


def read_octets_of(tmp_path: Path, octets: bytes, how: str = "kernels") -> Read:
    path = tmp_path / "made"
    path.write_bytes(octets)
    return read(path, how)
