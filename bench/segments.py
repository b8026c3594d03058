"""TCP as the made captures hold it: connections that count their octets, and bursts of SIP over them.

A burst is what several calls of one path say at the same moment. A sender writes it in one go, message by message, or
header section and body apart; what is written is cut at the maximum segment size. The other side acknowledges, a
keep-alive goes along now and then, and a few segments of a thousand are sent twice or change places. Nothing is lost.
"""

from __future__ import annotations

import heapq
import struct
from collections.abc import Iterator
from itertools import groupby

import numpy as np

from bench.frames import link, octets_of
from bench.ladders import BURST, PATHS, Schedule, noise
from bench.texts import CALLERS, GATEWAYS, caller_of, fields, gateway_of

#: Octets of a segment: Ethernet's 1500 without the headers of IPv4 and TCP.
MSS = 1460
#: Each is two streams, one a direction.
CONNECTIONS = 1_000
SYN, ACK, SYN_ACK, PUSH_ACK, FIN_ACK = 0x02, 0x10, 0x12, 0x18, 0x11
#: Between two segments of one sender.
WIRE_US = 12
_ROUND_TRIP_US = 40
_RESENT, _RESENT_US = 0.003, 200_000
_SWAPPED = 0.008  # of the segments that have another one behind them
_WORD = 1 << 32


class Connection:
    """Both directions of one TCP connection: side 0 opened it. Frames are records of a pcap without their times."""

    def __init__(self, ends: tuple[str, str], ports: tuple[int, int], number: int) -> None:
        self.next_seq = [number * 2_654_435_761 % _WORD, number * 2_246_822_519 % _WORD]
        self._ident = [number * 977 % 0xFFFF, number * 1_093 % 0xFFFF]
        self._fixed = []
        for here, there in ((0, 1), (1, 0)):
            addresses = octets_of(ends[here]) + octets_of(ends[there])
            self._fixed.append(
                (link(ends[here], ends[there]), addresses, struct.pack(">HH", ports[here], ports[there]))
            )

    def frame(self, side: int, flags: int, payload: bytes = b"", seq: int | None = None) -> bytes:
        """One segment; it is the side's next one unless ``seq`` says where it begins."""
        if seq is None:
            seq = self.next_seq[side]
            self.next_seq[side] = (seq + len(payload) + (flags & 3 != 0)) % _WORD
        ethernet, addresses, ports = self._fixed[side]
        self._ident[side] = self._ident[side] % 0xFFFF + 1
        length = 40 + len(payload)
        confirmed = self.next_seq[1 - side] if flags & ACK else 0
        network = struct.pack(">HHHHH", 0x4500, length, self._ident[side], 0x4000, 0x4006)
        transport = ports + struct.pack(">IIBBH", seq, confirmed, 0x50, flags, 0xFFFF)
        # The checksum covers addresses, protocol and length too (RFC 9293 §3.1).
        covered = addresses + transport + b"\0\0\0\0" + payload + b"\0" * (length & 1)
        return b"".join(
            (
                struct.pack("<II", length + 14, length + 14),
                ethernet,
                network,
                struct.pack(">H", 0xFFFF - _sum(network + b"\0\0" + addresses)),
                addresses,
                transport,
                struct.pack(">HH", 0xFFFF - (_sum(covered) + 6 + length - 20) % 0xFFFF, 0),
                payload,
            )
        )

    def opening(self) -> list[bytes]:
        """The handshake."""
        return [self.frame(0, SYN), self.frame(1, SYN_ACK), self.frame(0, ACK)]


def _sum(octets: bytes) -> int:
    """The ones' complement sum of 16-bit words: the number that the octets spell, modulo 65535."""
    return int.from_bytes(octets, "big") % 0xFFFF


def stamped(ts_us: int, frame: bytes) -> bytes:
    """A frame of a `Connection` as the record of a pcap."""
    return struct.pack("<II", ts_us // 1_000_000, ts_us % 1_000_000) + frame


class SipStreams:
    """The messages of a schedule over TCP: what one path says at one moment is a burst (`ladders.in_bursts`)."""

    def __init__(self, plan: Schedule, connections: int = CONNECTIONS) -> None:
        self._plan = plan
        self._count = connections
        self._templates = [_over_tcp(step.template()) for step in plan.steps]
        self._sides = [0 if step.sender == "caller" else 1 for step in plan.steps]
        self._connections: dict[int, Connection] = {}
        self._fields: dict[int, dict[bytes, bytes | int]] = {}
        self._left = np.bincount(plan.call).tolist()
        self._draws = noise(12, 1 << 16).tolist()
        self._drawn = 0

    def records(self) -> Iterator[tuple[int, bytes]]:
        """Time and record of every frame, in order of time."""
        waiting: list[tuple[int, int, bytes]] = []
        plan, count = self._plan, 0
        rows = zip(
            plan.ts_us.tolist(), plan.step.tolist(), (plan.call % PATHS).tolist(), plan.call.tolist(), strict=True
        )
        for (ts_us, step, _), burst in groupby(rows, key=lambda row: row[:3]):
            while waiting and waiting[0][0] <= ts_us:
                at, _, frame = heapq.heappop(waiting)
                yield at, stamped(at, frame)
            for at, frame in self._burst(ts_us, step, [row[3] for row in burst]):
                heapq.heappush(waiting, (at, count, frame))
                count += 1
        for at, _, frame in sorted(waiting):
            yield at, stamped(at, frame)

    def _burst(self, ts_us: int, step: int, calls: list[int]) -> list[tuple[int, bytes]]:
        number = connection_of(calls[0], self._count)
        frames: list[bytes] = []
        connection = self._connections.get(number)
        if connection is None:
            ends = CALLERS[caller_of(calls[0])][0], GATEWAYS[gateway_of(calls[0])][0]
            connection = self._connections[number] = Connection(ends, (_port_of(number), 5060), number)
            frames += connection.opening()
        side = self._sides[step]
        texts = [self._text(call, step, number) for call in calls]
        segments = [written[at : at + MSS] for written in self._written(texts) for at in range(0, len(written), MSS)]
        sent, again = self._sent(connection, side, segments)
        timed = [(ts_us + n * WIRE_US, frame) for n, frame in enumerate(frames + sent)]
        confirmed_us = timed[-1][0] + _ROUND_TRIP_US
        # A keep-alive that stands alone is answered by one line end (RFC 5626 §3.5.1).
        pong = b"\r\n" if segments[-1] == b"\r\n\r\n" else b""
        timed.append((confirmed_us, connection.frame(1 - side, PUSH_ACK if pong else ACK, pong)))
        return timed + [(ts_us + _RESENT_US + n * WIRE_US, frame) for n, frame in enumerate(again)]

    def _sent(self, connection: Connection, side: int, segments: list[bytes]) -> tuple[list[bytes], list[bytes]]:
        """The segments in the order in which the capture has them, and those that are sent once more."""
        sent, again = [], []
        for segment in segments:
            seq = connection.next_seq[side]
            sent.append(connection.frame(side, PUSH_ACK, segment))
            if self._draw() < _RESENT:
                again.append(connection.frame(side, PUSH_ACK, segment, seq))
        for n in range(len(sent) - 1):
            if self._draw() < _SWAPPED:
                sent[n], sent[n + 1] = sent[n + 1], sent[n]
        return sent, again

    def _written(self, texts: list[bytes]) -> list[bytes]:
        """What the sender hands to its TCP at a time."""
        drawn = self._draw()
        if drawn < 0.5:
            parts = [b"".join(texts)]
        elif drawn < 0.9:
            parts = texts
        else:
            parts = [part for text in texts for part in _halves(text)]
        drawn = self._draw()
        if drawn < 0.05:
            return [b"\r\n\r\n" + parts[0], *parts[1:]]
        return [*parts, b"\r\n\r\n"] if drawn < 0.1 else parts

    def _text(self, call: int, step: int, connection: int) -> bytes:
        filled = self._fields.get(call)
        if filled is None:
            filled = self._fields[call] = {**fields(call), b"port": _port_of(connection)}
        self._left[call] -= 1
        if not self._left[call]:
            del self._fields[call]
        return self._templates[step] % filled

    def _draw(self) -> float:
        self._drawn = (self._drawn + 1) % len(self._draws)
        return float(self._draws[self._drawn])


def connection_of(call: int, connections: int) -> int:
    """Which of the connections a call takes: they are dealt out to the paths; the calls of a burst keep together."""
    path = caller_of(call) * len(GATEWAYS) + gateway_of(call)
    paths = len(CALLERS) * len(GATEWAYS)
    ways = max((connections - path + paths - 1) // paths, 1)
    return path + paths * (call // (PATHS * BURST) % ways)


def _port_of(connection: int) -> int:
    return 20_000 + connection * 7


def _halves(text: bytes) -> tuple[bytes, bytes]:
    """Header section and body; what has no body is cut in its middle."""
    end = text.index(b"\r\n\r\n") + 4
    middle = end if end < len(text) else len(text) // 2
    return text[:middle], text[middle:]


def _over_tcp(template: bytes) -> bytes:
    """RFC 3261 §18.1.1, §19.1.1; ``rport`` tells the port that the connection came from (RFC 3581 §4)."""
    for here, there in (
        (b"SIP/2.0/UDP", b"SIP/2.0/TCP"),
        (b":5060>", b":5060;transport=tcp>"),
        (b"rport=5060", b"rport=%(port)d"),
    ):
        template = template.replace(here, there)
    return template
