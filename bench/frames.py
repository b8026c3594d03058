"""From schedules to capture files: Ethernet, IPv4, UDP in a classic pcap, RTP between the SIP if wanted.

Each frame may stand in another one as a switch mirrors it through VXLAN to a collector.

SIP is written message by message (some microseconds each), RTP in matrices of equal rows, so that ten
gigabytes take minutes at most. Memory holds one window of time and the schedule's columns, never the file.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from bench.ladders import Schedule, Times, noise
from bench.texts import CALLERS, GATEWAYS, PROXY, caller_of, fields, gateway_of, ports_of

Octets = npt.NDArray[np.uint8]

#: Classic pcap, little-endian, microseconds, snaplen 262144, Ethernet.
PCAP_HEADER = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, 1)
RTP_PACKETS = 2500
RTP_EVERY_US = 20_000
RTP_PAYLOAD = 160
RTP_WINDOW_US = 20_000_000
#: Who mirrors, to whom, and as which virtual network.
SWITCH, COLLECTOR, VNI = "192.0.2.1", "192.0.2.2", 5001
MIRRORED = 14 + 20 + 8 + 8


def octets_of(text: str) -> bytes:
    """An IPv4 address."""
    return bytes(int(part) for part in text.split("."))


def link(source: str, destination: str) -> bytes:
    """Ethernet header; a station's address is its IPv4 address behind 02:00."""
    return b"\x02\x00" + octets_of(destination) + b"\x02\x00" + octets_of(source) + b"\x08\x00"


def _sum_of_addresses(source: str, destination: str) -> int:
    """What is constant in the checksum of our IPv4 headers: version, DF, TTL 64, UDP and both addresses."""
    words: tuple[int, ...] = struct.unpack(">4H", octets_of(source) + octets_of(destination))
    return 0x4500 + 0x4000 + 0x4011 + sum(words)


def mirrored(length: int, flow: int) -> bytes:
    """The headers around a frame of ``length`` octets: Ethernet, IPv4, UDP, VXLAN (RFC 7348 §5).

    The source port is a hash of what is inside, so that flows spread over paths. One datagram cannot be cut up (DF)
    and needs no identification (RFC 6864 §4.1).
    """
    total = length + MIRRORED - 14
    checksum = _sum_of_addresses(SWITCH, COLLECTOR) + total
    checksum = (checksum & 0xFFFF) + (checksum >> 16)
    return b"".join(
        (
            link(SWITCH, COLLECTOR),
            struct.pack(">HHHHHH", 0x4500, total, 0, 0x4000, 0x4011, checksum % 0xFFFF ^ 0xFFFF),
            octets_of(SWITCH) + octets_of(COLLECTOR),
            struct.pack(">HHHH", 0xC000 + flow * 7_919 % 0x4000, 4789, total - 20, 0),
            struct.pack(">II", 0x0800_0000, VNI << 8),
        )
    )


class SipWriter:
    """Turns rows of a schedule into frames with their record headers."""

    def __init__(self, schedule: Schedule, is_mirrored: bool = False) -> None:
        self._schedule = schedule
        self._is_mirrored = is_mirrored
        self._templates = [step.template() for step in schedule.steps]
        self._ends = [step.ends() for step in schedule.steps]
        self._fields: dict[int, dict[bytes, bytes | int]] = {}
        self._left = np.bincount(schedule.call).tolist()
        self._paths: dict[tuple[str, str], tuple[bytes, bytes, int]] = {}
        self._ident = 0

    def records(self, first: int, last: int) -> Iterator[bytes]:
        """Record header and frame of the messages `first` to `last` (exclusive); to be asked in order."""
        rows = self._schedule
        columns = [column[first:last].tolist() for column in (rows.ts_us, rows.call, rows.step)]
        for ts_us, call, step in zip(*columns, strict=True):
            yield self._record(ts_us, call, step)

    def _record(self, ts_us: int, call: int, step: int) -> bytes:
        filled = self._fields.get(call)
        if filled is None:
            filled = self._fields[call] = fields(call)
        self._left[call] -= 1
        if not self._left[call]:
            del self._fields[call]
        text = self._templates[step] % filled
        source, destination = self._ends[step]
        ethernet, addresses, constant = self._path(self._ip(source, call), self._ip(destination, call))
        length = len(text) + 28
        # The identification counts on and is never 0: a resend is not a copy of the same datagram.
        self._ident = self._ident % 0xFFFF + 1
        checksum = constant + length + self._ident
        checksum = (checksum & 0xFFFF) + (checksum >> 16)
        checksum = (checksum & 0xFFFF) + (checksum >> 16)
        outer = mirrored(length + 14, 2 * call + (source != "caller")) if self._is_mirrored else b""
        captured = len(outer) + length + 14
        header = struct.pack("<IIII", ts_us // 1_000_000, ts_us % 1_000_000, captured, captured)
        # UDP checksum 0 is "none was computed" (RFC 768).
        network = struct.pack(">HHHHHH", 0x4500, length, self._ident, 0x4000, 0x4011, checksum ^ 0xFFFF)
        transport = struct.pack(">HHHH", 5060, 5060, length - 20, 0)
        return b"".join((header, outer, ethernet, network, addresses, transport, text))

    def _ip(self, end: str, call: int) -> str:
        if end == "proxy":
            return PROXY
        return CALLERS[caller_of(call)][0] if end == "caller" else GATEWAYS[gateway_of(call)][0]

    def _path(self, source: str, destination: str) -> tuple[bytes, bytes, int]:
        path = self._paths.get((source, destination))
        if path is None:
            addresses = octets_of(source) + octets_of(destination)
            path = link(source, destination), addresses, _sum_of_addresses(source, destination)
            self._paths[source, destination] = path
        return path


class RtpStreams:
    """Both directions of every answered call: `RTP_PACKETS` each, 20 ms apart, 160 octets of payload."""

    def __init__(self, calls: Times, starts: Times, is_mirrored: bool = False) -> None:
        self._outer = MIRRORED if is_mirrored else 0
        order = np.argsort(starts, kind="stable")
        self._calls, starts = calls[order], starts[order]
        self.starts = np.repeat(starts, 2)
        self.starts[1::2] += 7_000
        count = len(self.starts)
        prefix = np.zeros((count, 70 + self._outer), dtype=np.uint8)
        for row, call in enumerate(self._calls.tolist()):
            ends = CALLERS[caller_of(call)][0], GATEWAYS[gateway_of(call)][0]
            ports = ports_of(call)
            prefix[2 * row] = self._prefix(ends[0], ends[1], ports[0], ports[1], 2 * call)
            prefix[2 * row + 1] = self._prefix(ends[1], ends[0], ports[1], ports[0], 2 * call + 1)
        self._prefixes = prefix
        self._payloads = (noise(9, 1024 * RTP_PAYLOAD) * 256).astype(np.uint8).reshape(1024, RTP_PAYLOAD)

    def _prefix(self, source: str, destination: str, port: int, to_port: int, ssrc: int) -> Octets:
        length = 20 + 8 + 12 + RTP_PAYLOAD
        captured = self._outer + length + 14
        constant = _sum_of_addresses(source, destination) + length
        octets = b"".join(
            (
                struct.pack("<IIII", 0, 0, captured, captured),
                mirrored(length + 14, ssrc) if self._outer else b"",
                link(source, destination),
                # The checksum's place holds the constant sum until the identification is known.
                struct.pack(">HHHHHH", 0x4500, length, 0, 0x4000, 0x4011, constant % 0xFFFF),
                octets_of(source) + octets_of(destination),
                struct.pack(">HHHH", port, to_port, length - 20, 0),
                struct.pack(">BBHII", 0x80, 8, 0, 0, 0x1000_0000 + ssrc),
            )
        )
        return np.frombuffer(octets, dtype=np.uint8)

    def window(self, begin: int, end: int) -> tuple[Times, Octets]:
        """The packets with begin <= time < end, sorted: their times and one row of record and frame each."""
        first = int(np.searchsorted(self.starts, begin - RTP_PACKETS * RTP_EVERY_US - 7_000))
        last = int(np.searchsorted(self.starts, end + 7_000))
        starts = self.starts[first:last]
        low = np.clip(-((starts - begin) // RTP_EVERY_US), 0, RTP_PACKETS)
        high = np.clip(-((starts - end) // RTP_EVERY_US), 0, RTP_PACKETS)
        counts = high - low
        stream = np.repeat(np.arange(first, last), counts)
        if not len(stream):
            return np.empty(0, dtype=np.int64), np.empty((0, 0), dtype=np.uint8)
        number = np.arange(len(stream)) - np.repeat(np.cumsum(counts) - counts - low, counts)
        ts_us = self.starts[stream] + number * RTP_EVERY_US
        order = np.lexsort((stream, ts_us))
        return ts_us[order], self._rows(ts_us[order], stream[order], number[order])

    def _rows(self, ts_us: Times, stream: Times, number: Times) -> Octets:
        begin = 70 + self._outer
        rows = np.empty((len(ts_us), begin + RTP_PAYLOAD), dtype=np.uint8)
        rows[:, :begin] = self._prefixes[stream]
        rows[:, begin:] = self._payloads[(stream * 31 + number * 7) % 1024]
        stamps = np.stack((ts_us // 1_000_000, ts_us % 1_000_000), axis=1).astype("<u4")
        rows[:, 0:8] = stamps.view(np.uint8)
        inner = rows[:, self._outer :]
        ident = (number + stream * 977) % 0xFFFF + 1
        checksum = inner[:, 40].astype(np.int64) * 256 + inner[:, 41] + ident
        checksum = 0xFFFF ^ ((checksum & 0xFFFF) + (checksum >> 16))
        for column, value in ((34, ident), (40, checksum), (60, number)):
            inner[:, column : column + 2] = value.astype(">u2").view(np.uint8).reshape(-1, 2)
        inner[:, 62:66] = (number * RTP_PAYLOAD).astype(">u4").view(np.uint8).reshape(-1, 4)
        return rows


def write(path: Path, schedule: Schedule, media: RtpStreams | None = None, is_mirrored: bool = False) -> int:
    """Write a capture and return its number of frames; it appears under its name only when it is whole."""
    with _whole(path) as file:
        writer = SipWriter(schedule, is_mirrored)
        frames = len(schedule)
        if media is None:
            for first in range(0, len(schedule), 4096):
                file.write(b"".join(writer.records(first, min(first + 4096, len(schedule)))))
        else:
            frames += _write_mingled(file, schedule, writer, media)
    return frames


def write_records(path: Path, records: Iterable[tuple[int, bytes]]) -> int:
    """As `write`, from records (behind their times) that are in order."""
    frames = 0
    with _whole(path) as file:
        for _, record in records:
            file.write(record)
            frames += 1
    return frames


@contextmanager
def _whole(path: Path) -> Iterator[BinaryIO]:
    """A capture to be written, which takes its name at the end."""
    unfinished = path.with_name(path.name + ".part")
    with unfinished.open("wb", buffering=1 << 20) as file:
        file.write(PCAP_HEADER)
        yield file
    unfinished.replace(path)


def _write_mingled(file: BinaryIO, schedule: Schedule, writer: SipWriter, media: RtpStreams) -> int:
    """SIP and RTP in one order of time, a window at a time; returns the number of RTP frames."""
    written = done = 0
    last = max(int(schedule.ts_us[-1]), int(media.starts.max()) + RTP_PACKETS * RTP_EVERY_US)
    for begin in range(int(schedule.ts_us[0]), last + 1, RTP_WINDOW_US):
        ts_us, rows = media.window(begin, begin + RTP_WINDOW_US)
        until = int(np.searchsorted(schedule.ts_us, begin + RTP_WINDOW_US))
        splits = np.searchsorted(ts_us, schedule.ts_us[done:until], side="right").tolist()
        at = 0
        for split, record in zip(splits, writer.records(done, until), strict=True):
            file.write(rows[at:split].data)
            file.write(record)
            at = split
        file.write(rows[at:].data)
        written += len(rows)
        done = until
    return written
