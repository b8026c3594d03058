"""What stands in a capture beside its packets: the file header of classic pcap, the sections and blocks of pcapng.

The kernels walk the packets (`analyzer.capture.walk_kernels`); everything that comes once in a while is read
here.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np

from analyzer.batch import Ints, Octets
from analyzer.capture.address import address_halves, address_text
from analyzer.capture.flow_table import FlowTable
from analyzer.capture.found_kernels import FOUND_COLUMNS, KINDS
from analyzer.capture.layer_kernels import P_COLUMNS, PATHS
from analyzer.capture.pcap_kernels import walk_pcap
from analyzer.capture.pcapng_kernels import (
    DECRYPTION_SECRETS,
    INTERFACE_DESCRIPTION,
    INTERFACE_STATISTICS,
    NAME_RESOLUTION,
    walk_pcapng,
)
from analyzer.capture.walk_kernels import (
    I_COLUMNS,
    I_DIVISOR,
    I_LAST_TICKS,
    I_LINK_TYPE,
    I_MULTIPLIER,
    I_NUMBER,
    I_OFFSET,
    I_SHIFT,
    I_SNAPLEN,
    I_UNKNOWN_LINK,
    LAST_TS,
)
from analyzer.wiretext import printable

#: Bounds on what a hostile file may make us remember.
INTERFACES = 65_536
NAMES = 100_000
SECRETS_OCTETS = 16 << 20

_SECOND = 1_000_000_000


class Counts:
    """What the walks count: frames by kind (`found_kernels`) and by headers (`layer_kernels`); and their scratch."""

    def __init__(self) -> None:
        self.kinds: Ints = np.zeros(KINDS, dtype=np.int64)
        self.paths: Ints = np.zeros((PATHS, P_COLUMNS), dtype=np.int64)
        self.found: Ints = np.zeros(FOUND_COLUMNS, dtype=np.int64)


class Pcap:
    """Classic pcap: one header, then records; one interface."""

    HEADER_LENGTH = 24
    dropped: int | None = None

    def __init__(self, header: bytes) -> None:
        self.names: dict[str, str] = {}
        self.secrets: list[tuple[int, bytes]] = []
        magic = struct.unpack_from(">I", header)[0]
        self.is_big = magic >> 24 == 0xA1
        if not self.is_big:
            magic = struct.unpack_from("<I", header)[0]
        # The magic number of Alexey Kuznetzov's patch: eight more octets in each record header.
        self.record_header = 24 if magic == 0xA1B2CD34 else 16
        self.interfaces: Ints = np.zeros((1, I_COLUMNS), dtype=np.int64)
        self.interfaces[0, I_MULTIPLIER] = 1 if magic == 0xA1B23C4D else 1000
        self.interfaces[0, I_DIVISOR] = 1
        # The upper half of the link type's word tells about frame check sequences, which UDP's length leaves out.
        link_type = struct.unpack_from(">I" if self.is_big else "<I", header, 20)[0] & 0xFFFF
        self.interfaces[0, I_LINK_TYPE] = link_type
        self.unknown_links: dict[int, int] = {}

    def walk(
        self, octets: Octets, filled: int, state: Ints, counts: Counts, flows: FlowTable, rows: Ints, arena: Octets
    ) -> int:
        """Walk the window; returns why it stopped (`walk_kernels`)."""
        return walk_pcap(
            octets,
            filled,
            self.is_big,
            self.record_header,
            self.interfaces[0],
            state,
            counts.kinds,
            counts.paths,
            counts.found,
            flows.places,
            flows.scalars,
            rows,
            arena,
        )

    def link_type(self, number: int) -> int:
        """The link type of an interface by its number over all sections."""
        return int(self.interfaces[0, I_LINK_TYPE])

    def is_plausible(self, octets: bytes) -> bool:
        """Whether a record header may stand here: to decide whether an extraordinary length before it was true."""
        order = ">" if self.is_big else "<"
        fraction, captured, sent = struct.unpack_from(f"{order}III", octets, 4)
        whole = _SECOND // int(self.interfaces[0, I_MULTIPLIER])
        return bool(fraction < whole and captured <= 262_144 and captured <= max(sent, 65_535))

    def unknown_link_frames(self) -> dict[int, int]:
        """Frames of link types that the kernels do not know and that do not name SIP, by link type."""
        return _unknown_links(self.unknown_links, self.interfaces)


class Pcapng:
    """pcapng: sections, each with a byte order and interfaces of its own."""

    HEADER_LENGTH = 0

    def __init__(self) -> None:
        self.is_big = False
        self.interfaces: Ints = np.zeros((4, I_COLUMNS), dtype=np.int64)
        self.interface_count = 0
        self.names: dict[str, str] = {}
        self.secrets: list[tuple[int, bytes]] = []
        self.unknown_links: dict[int, int] = {}
        self._link_types: list[int] = []  # over all sections
        self._dropped: dict[int, int] = {}
        self._secrets_octets = 0

    def walk(
        self, octets: Octets, filled: int, state: Ints, counts: Counts, flows: FlowTable, rows: Ints, arena: Octets
    ) -> int:
        """Walk the window; returns why it stopped (`walk_kernels`)."""
        return walk_pcapng(
            octets,
            filled,
            self.is_big,
            self.interfaces,
            self.interface_count,
            state,
            counts.kinds,
            counts.paths,
            counts.found,
            flows.places,
            flows.scalars,
            rows,
            arena,
        )

    def link_type(self, number: int) -> int:
        """The link type of an interface by its number over all sections."""
        return self._link_types[number]

    @property
    def dropped(self) -> int | None:
        """Frames that the capturing program says it lost; None when it says nothing."""
        return sum(self._dropped.values()) if self._dropped else None

    def unknown_link_frames(self) -> dict[int, int]:
        """Frames of link types that the kernels do not know and that do not name SIP, by link type."""
        return _unknown_links(self.unknown_links, self.interfaces[: self.interface_count])

    def block_length(self, head: bytes) -> int:
        """The length that a block states, by its first twelve octets; 0 when it cannot be one."""
        order = self._order
        if head[:4] == b"\x0a\x0d\x0d\x0a":
            if head[8:12] not in (b"\x1a\x2b\x3c\x4d", b"\x4d\x3c\x2b\x1a"):
                return 0
            order = ">" if head[8] == 0x1A else "<"
        length: int = struct.unpack_from(f"{order}I", head, 4)[0]
        return 0 if length < 12 or length & 3 else length

    @property
    def _order(self) -> str:
        return ">" if self.is_big else "<"

    def read_block(self, block: bytes) -> bool:
        """Take in a block that is no packet; False when it is damaged."""
        if block[:4] == b"\x0a\x0d\x0d\x0a":
            return self._section(block)
        kind, length = struct.unpack_from(f"{self._order}II", block)
        if struct.unpack_from(f"{self._order}I", block, length - 4)[0] != length:
            return False
        body = block[8:-4]
        if kind == INTERFACE_DESCRIPTION:
            return self._interface(body)
        if kind == NAME_RESOLUTION:
            self._name_resolution(body)
        elif kind == INTERFACE_STATISTICS:
            self._statistics(body)
        elif kind == DECRYPTION_SECRETS:
            self._decryption_secrets(body)
        return True

    def _section(self, block: bytes) -> bool:
        if len(block) < 28:
            return False
        is_big = block[8] == 0x1A
        order = ">" if is_big else "<"
        if struct.unpack_from(f"{order}I", block, len(block) - 4)[0] != len(block):
            return False
        self._keep_unknown_links()
        self.is_big = is_big
        self.interface_count = 0
        return True

    def _keep_unknown_links(self) -> None:
        self.unknown_links = self.unknown_link_frames()
        self.interfaces[: self.interface_count, I_UNKNOWN_LINK] = 0

    def _interface(self, body: bytes) -> bool:
        if len(body) < 8:
            return False
        if len(self._link_types) >= INTERFACES:
            return False
        if self.interface_count == len(self.interfaces):
            self.interfaces = np.concatenate([self.interfaces, np.zeros_like(self.interfaces)])
        row = self.interfaces[self.interface_count]
        row[:] = 0
        row[I_LINK_TYPE], row[I_SNAPLEN] = struct.unpack_from(f"{self._order}HxxI", body)
        row[I_MULTIPLIER], row[I_DIVISOR] = 1000, 1
        for code, value in self._options(body, 8):
            if code == 9 and value:  # if_tsresol
                resolution = value[0] & 127
                if value[0] & 128:
                    # Beyond 2**-63 s a time stamp could not even tell two seconds apart.
                    row[I_SHIFT] = min(resolution, 63)
                    row[I_MULTIPLIER] = _SECOND  # for 2**-0: whole seconds
                else:
                    row[I_MULTIPLIER] = 10 ** max(9 - resolution, 0)
                    row[I_DIVISOR] = 10 ** min(max(resolution - 9, 0), 18)
            elif code == 14 and len(value) == 8:  # if_tsoffset, s
                seconds = struct.unpack(f"{self._order}q", value)[0]
                row[I_OFFSET] = min(max(seconds * _SECOND, -LAST_TS), LAST_TS)
        row[I_LAST_TICKS] = LAST_TS // row[I_MULTIPLIER]
        row[I_NUMBER] = len(self._link_types)
        self._link_types.append(int(row[I_LINK_TYPE]))
        self.interface_count += 1
        return True

    def _options(self, body: bytes, at: int) -> Iterator[tuple[int, bytes]]:
        while at + 4 <= len(body):
            code, length = struct.unpack_from(f"{self._order}HH", body, at)
            if code == 0:
                return
            yield code, body[at + 4 : at + 4 + length]
            at += 4 + (length + 3 & ~3)

    def _name_resolution(self, body: bytes) -> None:
        at = 0
        while at + 4 <= len(body) and len(self.names) < NAMES:
            kind, length = struct.unpack_from(f"{self._order}HH", body, at)
            record = body[at + 4 : at + 4 + length]
            octets = {1: 4, 2: 16}.get(kind, 0)
            if kind == 0:
                return
            if octets and len(record) > octets:
                name = record[octets:].split(b"\x00", 1)[0]
                hi, lo = address_halves(_packed_text(record[:octets]))
                self.names.setdefault(address_text(hi, lo), printable(name))
            at += 4 + (length + 3 & ~3)

    def _statistics(self, body: bytes) -> None:
        if len(body) < 12:
            return
        number = struct.unpack_from(f"{self._order}I", body)[0]
        if number >= self.interface_count:
            return
        counts = {
            code: struct.unpack(f"{self._order}Q", value)[0]
            for code, value in self._options(body, 12)
            if code in (5, 7) and len(value) == 8  # isb_ifdrop, isb_osdrop
        }
        if counts:
            self._dropped[int(self.interfaces[number, I_NUMBER])] = sum(counts.values())

    def _decryption_secrets(self, body: bytes) -> None:
        if len(body) < 8:
            return
        kind, length = struct.unpack_from(f"{self._order}II", body)
        if self._secrets_octets + length <= SECRETS_OCTETS:
            self._secrets_octets += length
            self.secrets.append((kind, body[8 : 8 + length]))


def _packed_text(octets: bytes) -> str:
    if len(octets) == 4:
        return ".".join(map(str, octets))
    return ":".join(octets[i : i + 2].hex() for i in range(0, 16, 2))


def _unknown_links(known: dict[int, int], interfaces: Ints) -> dict[int, int]:
    """Counts by link type, of earlier sections and this one."""
    counts = dict(known)
    for row in interfaces[interfaces[:, I_UNKNOWN_LINK] > 0].tolist():
        counts[row[I_LINK_TYPE]] = counts.get(row[I_LINK_TYPE], 0) + row[I_UNKNOWN_LINK]
    return counts
