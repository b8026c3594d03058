"""Connections of a ladder: TCP, WebSocket and SCTP, octet by octet, with all that a capture sees of them.

Each takes messages of one side and gives what is sent for them as `Sent`: offsets in time to the message, IP payloads.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from hashlib import blake2b
from typing import NamedTuple

from tests.packets import ACK, FIN, PSH, RST, SYN, chunk, sctp, tcp

MS, US = 1_000_000, 1_000
_WORD = 1 << 32


class Sent(NamedTuple):
    """An IP payload ``delay`` ns after the message; ``is_data`` if it holds octets of it."""

    delay: int
    by_client: bool
    payload: bytes
    is_data: bool = False


class Ends(NamedTuple):
    """Who is connected with whom; the client opens the connection."""

    client: str
    client_port: int
    server: str
    server_port: int


class Tcp:
    """A TCP connection; ``mss`` is the largest segment's payload."""

    protocol = 6

    def __init__(self, ends: Ends, mss: int) -> None:
        self.ends = ends
        self.mss = mss
        self.is_open = False
        self.held = {True: b"", False: b""}
        number = int.from_bytes(blake2b(repr(ends).encode(), digest_size=8).digest(), "big")
        self.seq = {True: number >> 32, False: number % _WORD}

    def message(self, by_client: bool, octets: bytes) -> Iterator[Sent]:
        """The segments of a message, the handshake before the first one, and the acknowledgment."""
        if not self.is_open:
            yield from self.opened(by_client)
        yield from self.data(by_client, self.framed(by_client, octets))

    def opened(self, by_client: bool) -> Iterator[Sent]:
        """RFC 9293 §3.5, before the message."""
        self.is_open = True
        yield self.segment(-3 * MS, True, SYN, mss=self.mss)
        yield self.segment(-2 * MS, False, SYN | ACK, mss=self.mss)
        yield self.segment(-1 * MS, True, ACK)

    def hold(self, by_client: bool, octets: bytes) -> None:
        """Keep a message back, for the segment of the next one."""
        assert self.is_open, "the first message opens the connection"
        self.held[by_client] += self.framed(by_client, octets)

    def framed(self, by_client: bool, octets: bytes) -> bytes:
        """A message as it stands in the stream."""
        return octets

    def ping(self, by_client: bool) -> Iterator[Sent]:
        """The keep-alive of RFC 5626 §3.5.1."""
        yield from self.data(by_client, b"\r\n\r\n")

    def pong(self, by_client: bool) -> Iterator[Sent]:
        """Its answer."""
        yield from self.data(by_client, b"\r\n")

    def close(self, by_client: bool) -> Iterator[Sent]:
        """RFC 9293 §3.6."""
        for delay, who in ((0, by_client), (200 * US, not by_client)):
            yield self.segment(delay, who, FIN | ACK)
            yield self.segment(delay + 100 * US, not who, ACK)
        self.is_open = False

    def open(self, by_client: bool) -> Iterator[Sent]:
        """The handshake, and nothing behind it."""
        yield from self.opened(by_client)

    def syn(self, by_client: bool) -> Iterator[Sent]:
        """A SYN that nothing answers; the next one, or the handshake, repeats it."""
        seq = self.seq[by_client]
        yield self.segment(0, by_client, SYN, mss=self.mss)
        self.seq[by_client] = seq

    def reset(self, by_client: bool) -> Iterator[Sent]:
        """RFC 9293 §3.5.2: in answer to a SYN a refusal, else the end of the connection."""
        yield self.segment(0, by_client, RST | ACK)
        self.is_open = False

    def hello(self, by_client: bool) -> Iterator[Sent]:
        """A record of TLS with the beginning of a handshake, RFC 8446 §4."""
        yield from self.opened(by_client)
        yield from self.data(by_client, b"\x16\x03\x01\0\4\1\0\0\0")

    def alert(self, by_client: bool, description: int) -> Iterator[Sent]:
        """A fatal alert in the clear, RFC 8446 §6."""
        yield from self.data(by_client, bytes((0x15, 3, 3, 0, 2, 2, description)))

    def data(self, by_client: bool, octets: bytes, at: int = 0) -> Iterator[Sent]:
        """Octets in segments, and their acknowledgment."""
        octets, self.held[by_client] = self.held[by_client] + octets, b""
        starts = range(0, len(octets), self.mss)
        for number, start in enumerate(starts):
            part = octets[start : start + self.mss]
            flags = ACK | (PSH if start + self.mss >= len(octets) else 0)
            yield self.segment(at + number * 10 * US, by_client, flags, part)
        yield self.segment(at + (len(starts) + 10) * 10 * US, not by_client, ACK)

    def segment(self, delay: int, by_client: bool, flags: int, payload: bytes = b"", mss: int = 0) -> Sent:
        """The next segment of one side."""
        one, other = self.ends[:2], self.ends[2:]
        if not by_client:
            one, other = other, one
        seq, ack = self.seq[by_client], self.seq[not by_client] if flags & ACK else 0
        self.seq[by_client] = (seq + len(payload) + bool(flags & (SYN | FIN))) % _WORD
        return Sent(delay, by_client, tcp(*one, *other, seq, ack, flags, payload, mss), bool(payload))


class WebSocket(Tcp):
    """SIP over WebSocket, RFC 7118: a frame is a message, the client's are masked (RFC 6455 §5.3)."""

    def opened(self, by_client: bool) -> Iterator[Sent]:
        yield from (sent._replace(delay=sent.delay - 3 * MS) for sent in super().opened(by_client))
        request = (
            f"GET /ws HTTP/1.1\r\nHost: {self.ends.server}:{self.ends.server_port}\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            "Sec-WebSocket-Protocol: sip\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        answer = (
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: sip\r\n\r\n"
        )
        for sent in (*self.data(True, request.encode(), -3 * MS), *self.data(False, answer.encode(), -2 * MS)):
            yield sent._replace(is_data=False)

    def framed(self, by_client: bool, octets: bytes) -> bytes:
        return self._frame(by_client, 1, octets)

    def ping(self, by_client: bool) -> Iterator[Sent]:
        """RFC 6455 §5.5.2."""
        yield from self.data(by_client, self._frame(by_client, 9, b""))

    def pong(self, by_client: bool) -> Iterator[Sent]:
        yield from self.data(by_client, self._frame(by_client, 10, b""))

    def close(self, by_client: bool) -> Iterator[Sent]:
        """RFC 6455 §5.5.1, then as TCP does."""
        reason = struct.pack("!H", 1000)
        yield from self.data(by_client, self._frame(by_client, 8, reason), -2 * MS)
        yield from self.data(not by_client, self._frame(not by_client, 8, reason), -1 * MS)
        yield from super().close(by_client)

    def _frame(self, by_client: bool, opcode: int, payload: bytes) -> bytes:
        size = bytes((len(payload),)) if len(payload) < 126 else b"\x7e" + struct.pack("!H", len(payload))
        head = bytes((0x80 | opcode,))
        if not by_client:
            return head + size + payload
        mask = blake2b(payload, digest_size=4).digest()
        masked = bytes(octet ^ mask[place % 4] for place, octet in enumerate(payload))
        return head + bytes((size[0] | 0x80,)) + size[1:] + mask + masked


class Sctp:
    """An SCTP association, RFC 9260; ``mss`` is the largest DATA chunk's payload."""

    protocol = 132

    def __init__(self, ends: Ends, mss: int) -> None:
        self.ends = ends
        self.mss = mss
        self.is_open = False
        number = int.from_bytes(blake2b(repr(ends).encode(), digest_size=16).digest(), "big")
        self.tag = {True: number >> 96, False: number >> 64 & 0xFFFFFFFF}  # what its packets to that side carry
        self.tsn = {True: number >> 32 & 0xFFFFFFFF, False: number & 0xFFFFFFFF}
        self.stream_seq = {True: 0, False: 0}

    def message(self, by_client: bool, octets: bytes) -> Iterator[Sent]:
        """A user message in DATA chunks, one a packet, and the acknowledgment."""
        if not self.is_open:
            yield from self._opened()
        starts = range(0, len(octets), self.mss)
        for number, start in enumerate(starts):
            is_first, is_last = start == 0, start + self.mss >= len(octets)
            head = struct.pack("!IHHI", self.tsn[by_client], 0, self.stream_seq[by_client], 0)
            data = chunk(0, is_first << 1 | is_last, head + octets[start : start + self.mss])
            self.tsn[by_client] = (self.tsn[by_client] + 1) % _WORD
            yield self._packet(number * 10 * US, by_client, data, is_data=True)
        self.stream_seq[by_client] = (self.stream_seq[by_client] + 1) % 65536
        acknowledged = struct.pack("!IIHH", (self.tsn[by_client] - 1) % _WORD, 65535, 0, 0)
        yield self._packet((len(starts) + 10) * 10 * US, not by_client, chunk(3, 0, acknowledged))

    def hold(self, by_client: bool, octets: bytes) -> None:
        """None of the kind: a chunk is a message."""
        raise ValueError("together: of streams only")

    def ping(self, by_client: bool) -> Iterator[Sent]:
        """HEARTBEAT, RFC 9260 §8.3."""
        yield self._packet(0, by_client, chunk(4, 0, chunk(0, 1, b"here")))

    def pong(self, by_client: bool) -> Iterator[Sent]:
        """HEARTBEAT ACK."""
        yield self._packet(0, by_client, chunk(5, 0, chunk(0, 1, b"here")))

    def close(self, by_client: bool) -> Iterator[Sent]:
        """SHUTDOWN, SHUTDOWN ACK, SHUTDOWN COMPLETE, RFC 9260 §9.2."""
        last = struct.pack("!I", (self.tsn[not by_client] - 1) % _WORD)
        yield self._packet(0, by_client, chunk(7, 0, last))
        yield self._packet(100 * US, not by_client, chunk(8, 0, b""))
        yield self._packet(200 * US, by_client, chunk(14, 0, b""))
        self.is_open = False

    def _opened(self) -> Iterator[Sent]:
        """RFC 9260 §5.1, before the message."""
        self.is_open = True
        first, second = (
            struct.pack("!IIHHI", self.tag[by_client], 65535, 10, 10, self.tsn[by_client])
            for by_client in (True, False)
        )
        cookie = b"cookie!!"
        yield self._packet(-4 * MS, True, chunk(1, 0, first), tag=0)
        yield self._packet(-3 * MS, False, chunk(2, 0, second + struct.pack("!HH", 7, 4 + len(cookie)) + cookie))
        yield self._packet(-2 * MS, True, chunk(10, 0, cookie))
        yield self._packet(-1 * MS, False, chunk(11, 0, b""))

    def _packet(
        self, delay: int, by_client: bool, *chunks: bytes, tag: int | None = None, is_data: bool = False
    ) -> Sent:
        ports = self.ends.client_port, self.ends.server_port
        tag = self.tag[not by_client] if tag is None else tag
        return Sent(delay, by_client, sctp(*(ports if by_client else ports[::-1]), tag, *chunks), is_data)
