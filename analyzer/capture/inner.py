"""A packet that was put together from fragments, walked down like any other: into tunnels, TCP, HEP."""

from __future__ import annotations

import struct

import numpy as np

from analyzer.batch import (
    D_CAPTURE_NO,
    D_FILE_OFFSET,
    D_FRAME_NO,
    D_INTERFACE_NO,
    D_IP_ID,
    D_LAYERS,
    D_NETWORK,
    D_OFFSET,
    D_TS,
    MISSING,
    R_COLUMNS,
    Datagrams,
)
from analyzer.capture.flow_table import FlowTable
from analyzer.capture.found_kernels import FOUND_COLUMNS, K_RAW
from analyzer.capture.frame_kernels import append_row, frame_kind
from analyzer.capture.layer_kernels import L_ETHERNET, L_IPV4, L_IPV6, L_VLAN, codes
from analyzer.capture.link_kernels import ETHER_IPV4, ETHER_IPV6, ETHER_VLAN, LINK_ETHERNET
from analyzer.capture.reader import fill_row
from analyzer.capture.rows import with_layers
from analyzer.capture.scapy_packets import Begins, octets_of
from analyzer.capture.streams import Row

_MAPPED = 0xFFFF << 32
_WORD = (1 << 64) - 1


class Inner:
    """Walks packets by kernel, or by Scapy where ``is_plain``; flows are judged by the timeline's table."""

    def __init__(self, flows: FlowTable, begins: Begins, is_plain: bool) -> None:
        self._flows = flows
        self._begins = begins
        self._is_plain = is_plain

    def rows(
        self, protocol: int, src: tuple[int, int], dst: tuple[int, int], payload: bytes, row: Row
    ) -> Datagrams:
        """The raw rows of a packet whose last fragment was ``row``: one or none."""
        frame = _frame(protocol, src, dst, payload, row)
        made = np.zeros((1, R_COLUMNS), dtype=np.int64)
        arena = np.zeros(len(frame), dtype=np.uint8)
        if not (self._by_scapy if self._is_plain else self._by_kernel)(frame, made, arena):
            return Datagrams(arena[:0], made[:0])
        # The identification is that of the innermost packet, as without fragments: it tells copies.
        for column in (D_FRAME_NO, D_TS, D_INTERFACE_NO, D_CAPTURE_NO):
            made[0, column] = row[column]
        made[0, D_OFFSET] = 0
        made[0, D_FILE_OFFSET] = MISSING
        if made[0, D_NETWORK] == MISSING:
            made[0, D_NETWORK] = row[D_NETWORK]
        # Ethernet, tag and IP header are those of the fragments, which stand in the row already.
        inside = codes(int(made[0, D_LAYERS]))
        while inside and inside[0] in (L_ETHERNET, L_VLAN):
            inside = inside[1:]
        if inside and inside[0] in (L_IPV4, L_IPV6):
            inside = inside[1:]
        made[0, D_LAYERS] = with_layers(row[D_LAYERS], inside)
        return Datagrams(arena, made)

    def _by_kernel(self, frame: bytes, made: np.ndarray, arena: np.ndarray) -> bool:
        found = np.zeros(FOUND_COLUMNS, dtype=np.int64)
        octets, end = octets_of(frame), len(frame)
        places, scalars = self._flows.places, self._flows.scalars
        if not 0 <= frame_kind(octets, 0, end, end, LINK_ETHERNET, found, places, scalars) <= K_RAW:
            return False
        append_row(octets, found, made[0], arena, 0)
        return True

    def _by_scapy(self, frame: bytes, made: np.ndarray, arena: np.ndarray) -> bool:
        from analyzer.capture.scapy_decode import decoded

        found = decoded(frame, len(frame), LINK_ETHERNET, self._begins, self._flows.judge).found
        if found is None:
            return False
        fill_row(made[0], found, arena, 0)
        return True


def _frame(protocol: int, src: tuple[int, int], dst: tuple[int, int], payload: bytes, row: Row) -> bytes:
    """Ethernet and IP headers around a payload, with the tag of its VLAN and the identification of its fragments."""
    network = row[D_NETWORK]
    if src[0] == 0 and src[1] >> 32 == 0xFFFF:
        total = 20 + len(payload)
        # A packet that is longer than its length field can say has none, as behind an offloading card.
        length = total if total < 65_536 else 0
        header = struct.pack(">BBHHHBBH", 0x45, 0, length, row[D_IP_ID] & 0xFFFF, 0, 64, protocol, 0)
        packet = header + struct.pack(">II", src[1] & 0xFFFFFFFF, dst[1] & 0xFFFFFFFF) + payload
        ether_type = ETHER_IPV4
    else:
        addresses = [half & _WORD for half in (*src, *dst)]
        packet = struct.pack(">IHBB4Q", 6 << 28, len(payload), protocol, 64, *addresses) + payload
        ether_type = ETHER_IPV6
    tag = struct.pack(">HH", ETHER_VLAN, network) if 0 < network < 4096 else b""
    return bytes(12) + tag + struct.pack(">H", ether_type) + packet
