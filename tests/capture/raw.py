"""Rows of the walk by hand, and what the assembler makes of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from analyzer.batch import (
    D_CAPTURE_NO,
    D_COPY,
    D_DST_HI,
    D_DST_LO,
    D_DST_PORT,
    D_FILE_OFFSET,
    D_FRAME_NO,
    D_INTERFACE_NO,
    D_IP_ID,
    D_LAYERS,
    D_LENGTH,
    D_NETWORK,
    D_OFFSET,
    D_SRC_HI,
    D_SRC_LO,
    D_SRC_PORT,
    D_TRANSPORT,
    D_TS,
    D_WIRE_LENGTH,
    FLOW_SIP,
    MISSING,
    R_COLUMNS,
    R_FIRST,
    R_INFO,
    R_KIND,
    R_SEQ,
    RAW_FRAGMENT,
    RAW_HEP,
    RAW_MESSAGE,
    RAW_SCTP,
    RAW_SEGMENT,
    TCP_ACK,
    Datagrams,
)
from analyzer.capture.address import address_halves
from analyzer.capture.assemble import Assembler
from analyzer.capture.carriers import Connection
from analyzer.capture.layer_kernels import L_IPV4, L_TCP, L_UDP
from analyzer.capture.scapy_packets import begins_by_parser
from analyzer.issues import IssueLog

ALICE, BOB = "192.0.2.1", "192.0.2.2"
SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND
FIRST = 1_000

#: A row and its octets.
Raw = tuple[list[int], bytes]


def _row(kind: int, octets: bytes, frame_no: int, ts: float, missing: int, src: str, dst: str) -> list[int]:
    row = [0] * R_COLUMNS
    row[R_KIND] = kind
    row[D_FRAME_NO] = frame_no
    row[D_TS] = START + round(ts * SECOND)
    row[D_LENGTH] = len(octets)
    row[D_WIRE_LENGTH] = len(octets) + missing
    row[D_FILE_OFFSET] = frame_no * 10_000
    row[D_SRC_HI], row[D_SRC_LO] = address_halves(src)
    row[D_DST_HI], row[D_DST_LO] = address_halves(dst)
    row[D_NETWORK] = MISSING
    row[D_IP_ID] = 77
    row[D_INTERFACE_NO] = 0
    row[D_CAPTURE_NO] = 1
    row[D_LAYERS] = L_IPV4
    row[D_COPY] = 0
    row[R_FIRST] = MISSING
    return row


def segment(
    octets: bytes,
    seq: int = FIRST,
    frame_no: int = 1,
    ts: float = 0.0,
    *,
    kind: int = FLOW_SIP,
    first: int | None = FIRST,
    flags: int = TCP_ACK,
    missing: int = 0,
    ports: tuple[int, int] = (40_000, 5060),
    back: bool = False,
) -> Raw:
    """A TCP segment from ALICE to BOB, or back."""
    src, dst = (BOB, ALICE) if back else (ALICE, BOB)
    row = _row(RAW_SEGMENT, octets, frame_no, ts, missing, src, dst)
    row[D_SRC_PORT], row[D_DST_PORT] = reversed(ports) if back else ports
    row[D_TRANSPORT] = 1
    row[D_LAYERS] = L_IPV4 << 5 | L_TCP
    row[R_SEQ] = seq % (1 << 32)
    row[R_INFO] = flags | kind << 8
    row[R_FIRST] = MISSING if first is None else first
    return row, octets


def stream(octets: bytes, cuts: Iterable[int] = (), first: int = FIRST, ts: float = 0.0) -> list[Raw]:
    """Octets as segments that end at these places, 1 ms apart."""
    places = [0, *sorted(cut for cut in set(cuts) if 0 < cut < len(octets)), len(octets)]
    return [
        segment(octets[start:end], first + start, number, ts + number / 1000, first=first)
        for number, (start, end) in enumerate(pairwise(places), 1)
    ]


def fragment(
    octets: bytes,
    start: int,
    has_more: bool,
    frame_no: int = 1,
    ts: float = 0.0,
    *,
    identification: int = 7,
    protocol: int = 17,
    missing: int = 0,
) -> Raw:
    """An IP fragment from ALICE to BOB."""
    row = _row(RAW_FRAGMENT, octets, frame_no, ts, missing, ALICE, BOB)
    row[R_SEQ] = start << 1 | has_more
    row[R_INFO] = protocol << 32 | identification
    row[D_IP_ID] = identification
    return row, octets


def fragments(packet: bytes, cuts: Iterable[int], **more: int) -> list[Raw]:
    """An IP payload in fragments that end at these multiples of eight octets."""
    places = [0, *sorted(8 * cut for cut in set(cuts) if 0 < 8 * cut < len(packet)), len(packet)]
    return [
        fragment(packet[start:end], start, end < len(packet), number, number / 1000, **more)
        for number, (start, end) in enumerate(pairwise(places), 1)
    ]


def sctp_packet(octets: bytes, frame_no: int = 1, ts: float = 0.0, missing: int = 0) -> Raw:
    """An SCTP packet from its common header on."""
    return _row(RAW_SCTP, octets, frame_no, ts, missing, ALICE, BOB), octets


def hep_datagram(octets: bytes, frame_no: int = 1, ts: float = 0.0, missing: int = 0) -> Raw:
    """What a capture agent sent."""
    row = _row(RAW_HEP, octets, frame_no, ts, missing, ALICE, BOB)
    row[D_SRC_PORT], row[D_DST_PORT] = 33_000, 9060
    row[D_LAYERS] = L_IPV4 << 5 | L_UDP
    return row, octets


def message(octets: bytes, frame_no: int = 1, ts: float = 0.0) -> Raw:
    """A datagram that begins with SIP."""
    row = _row(RAW_MESSAGE, octets, frame_no, ts, 0, ALICE, BOB)
    row[D_SRC_PORT] = row[D_DST_PORT] = 5060
    row[D_LAYERS] = L_IPV4 << 5 | L_UDP
    return row, octets


class Assembled(NamedTuple):
    """The messages, their rows (offsets left out), the issues, the assembler."""

    messages: list[bytes]
    rows: list[list[int]]
    issues: IssueLog
    assembler: Assembler

    def column(self, which: int) -> list[int]:
        return [row[which] for row in self.rows]


class NoTls:
    """A TLS connection that opens nothing."""

    def __init__(self) -> None:
        self.bad_records = 0
        self.opaque_octets = 0
        self.is_opaque = True
        self.why = "no_secret"

    def receive(self, direction: int, octets: bytes) -> list[bytes]:
        self.opaque_octets += len(octets)
        return []

    def gap(self, direction: int) -> None:
        pass


def datagrams(raw: Sequence[Raw]) -> Datagrams:
    """Rows and octets as the walk hands them over."""
    arena = bytearray(b"\xee")  # so that no row begins at 0
    rows = []
    for row, octets in raw:
        row = list(row)
        row[D_OFFSET] = len(arena)
        arena += octets
        rows.append(row)
    return Datagrams(np.frombuffer(arena, dtype=np.uint8), np.array(rows, dtype=np.int64).reshape(-1, R_COLUMNS))


def assembled(
    raw: Sequence[Raw], batch: int = 1_000, connect: type[Connection] = NoTls, closes: bool = True
) -> Assembled:
    """What the assembler makes of rows that come ``batch`` at a time."""
    issues = IssueLog()
    assembler = Assembler(issues, None, begins_by_parser, connect=connect)
    messages, rows = [], []

    def parts() -> Iterator[Datagrams]:
        for start in range(0, len(raw), batch):
            yield assembler.receive(datagrams(raw[start : start + batch]))
        if closes:
            yield assembler.close()

    for part in parts():
        for row in part.rows.tolist():
            messages.append(part.octets[row[D_OFFSET] : row[D_OFFSET] + row[D_LENGTH]].tobytes())
            row[D_OFFSET] = 0
            rows.append(row)
    return Assembled(messages, rows, issues, assembler)
