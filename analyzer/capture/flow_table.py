"""The flow table's arrays and the keys of TLS, which belong to a timeline: a stream goes on in the next file."""

from __future__ import annotations

import secrets

import numpy as np

from analyzer.batch import Ints
from analyzer.capture.flow_kernels import (
    EVICTED,
    FLOW_COLUMNS,
    FLOW_FIRST,
    FLOW_SCALARS,
    FLOW_STATE,
    FLOW_TAIL,
    HAS_KEYS,
    KEY,
    OF_TCP,
    OPAQUE_CONNECTIONS,
    OPAQUE_OCTETS,
    SEED,
    SETS,
    STATE_FRESH,
    WAYS,
    flow_place,
    flow_tail,
)
from analyzer.capture.found_kernels import FOUND_COLUMNS, FOUND_FIRST, FOUND_INFO, FOUND_START
from analyzer.capture.scapy_packets import Segment, octets_of
from analyzer.capture.segment_kernels import segment
from analyzer.capture.tls_keylog import KeyLog


class FlowTable:
    """What every TCP flow carries; ``places`` and ``scalars`` are the kernels' own (`flow_kernels`)."""

    def __init__(self) -> None:
        self.places: Ints = np.zeros((SETS * WAYS, FLOW_COLUMNS), dtype=np.int64)
        self.scalars: Ints = np.zeros(FLOW_SCALARS, dtype=np.int64)
        self.scalars[SEED] = secrets.randbits(62)
        self.keys = KeyLog()

    def take_keys(self, keys: KeyLog) -> None:
        """Use these secrets, and add to them what captures hold."""
        self.keys = keys
        self.scalars[HAS_KEYS] = len(keys) > 0

    def add_secrets(self, text: bytes) -> int:
        """Take in lines of a key log; returns how many secrets they gave. With any, TLS is of interest from now on."""
        added = self.keys.add(text)
        self.scalars[HAS_KEYS] = len(self.keys) > 0
        return added

    @property
    def opaque(self) -> tuple[int, int]:
        """Connections and octets of TLS on SIP ports that were passed over without keys, up to now."""
        return int(self.scalars[OPAQUE_CONNECTIONS]), int(self.scalars[OPAQUE_OCTETS])

    @property
    def evicted(self) -> int:
        """Flows that carry something of ours and lost their place to others."""
        return int(self.scalars[EVICTED])

    def tell(self, network: int, src: tuple[int, int], dst: tuple[int, int], ports: int, kind: int) -> None:
        """What a flow carries (FLOW_*), now that its first octets were put together; ports as source << 16 | target."""
        self._name(network, src, dst, ports)
        place = flow_place(self.places, self.scalars)
        if place >= 0:
            self.places[place, FLOW_STATE] = kind

    def went_on(self, network: int, src: tuple[int, int], dst: tuple[int, int], ports: int, first: int) -> bool:
        """Whether a flow with that first sequence number is known to have sent octets behind its SYN."""
        self._name(network, src, dst, ports)
        place = flow_place(self.places, self.scalars)
        if place < 0 or self.places[place, FLOW_FIRST] != first:
            return False
        return int(self.places[place, FLOW_STATE]) & 255 != STATE_FRESH

    def _name(self, network: int, src: tuple[int, int], dst: tuple[int, int], ports: int) -> None:
        self.scalars[KEY : KEY + FLOW_TAIL + 1] = *src, *dst, flow_tail(network, ports, OF_TCP)

    def judge(self, seen: Segment) -> tuple[int, int, int, int]:
        """What the kernels say of a segment that Scapy dug out (`scapy_packets.Judge`)."""
        ports = seen.src_port << 16 | seen.dst_port
        self._name(seen.network, seen.src, seen.dst, ports)
        found = np.zeros(FOUND_COLUMNS, dtype=np.int64)
        octets = octets_of(seen.payload or b"\0")
        length = len(seen.payload)
        kind = segment(
            octets, 0, length, seen.wire_length, seen.seq, seen.flags, ports, found, self.places, self.scalars
        )
        return kind, int(found[FOUND_START]), int(found[FOUND_INFO]) >> 8, int(found[FOUND_FIRST])
