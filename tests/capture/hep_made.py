"""HEP packets, octet by octet: what the tests of HEP send."""

from __future__ import annotations

import ipaddress
import struct

from tests.capture.made import DST6, SRC6
from tests.capture.raw import START
from tests.capture.stream_messages import request

#: The agent's time, a while before the frame's.
SENT = START - 2_750_000_000
INVITE = request()


def chunk(kind: int, value: bytes, vendor: int = 0) -> bytes:
    return struct.pack(">HHH", vendor, kind, 6 + len(value)) + value


def hep3(
    payload: bytes = INVITE,
    *more: bytes,
    protocol: int = 17,
    src: str = "198.51.100.1",
    port: int = 5070,
    ts: int = SENT,
) -> bytes:
    source, target = ipaddress.ip_address(src), ipaddress.ip_address("198.51.100.2" if "." in src else "2001:db8::2")
    is_ipv4 = source.version == 4
    chunks = [
        chunk(1, b"\x02" if is_ipv4 else b"\x0a"),
        chunk(2, bytes([protocol])),
        chunk(3 if is_ipv4 else 5, source.packed),
        chunk(4 if is_ipv4 else 6, target.packed),
        chunk(7, struct.pack(">H", port)),
        chunk(8, struct.pack(">H", 5080)),
        chunk(9, struct.pack(">I", ts // 10**9)),
        chunk(10, struct.pack(">I", ts % 10**9 // 1000)),
        chunk(11, b"\x01"),
        chunk(12, struct.pack(">I", 2001)),
        chunk(2, b"vendors say what they like", vendor=0x1234),
        *more,
    ]
    body = b"".join(chunks) + (chunk(15, payload) if payload else b"")
    return b"HEP3" + struct.pack(">H", 6 + len(body)) + body


def hep1(
    payload: bytes = INVITE, version: int = 1, order: str = "<", counts: bool = True, family: int = 2, ts: int = SENT
) -> bytes:
    stamp = struct.pack(f"{order}IIHxx", ts // 10**9, ts % 10**9 // 1000, 9) if version == 2 else b""
    addresses = bytes([198, 51, 100, 1, 198, 51, 100, 2]) if family == 2 else SRC6 + DST6
    length = 8 + len(addresses) + (len(stamp) if counts else 0)
    head = struct.pack(">BBBBHH", version, length, family, 6, 5070, 5080) + addresses
    return head + stamp + payload
