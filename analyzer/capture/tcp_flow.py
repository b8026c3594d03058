"""One direction of a TCP connection while it is being read: its stream, what it carries, what reads it."""

from __future__ import annotations

from analyzer.batch import FLOW_UNDECIDED
from analyzer.capture.carriers import Carrier
from analyzer.capture.flows import Beginning, FlowKey
from analyzer.capture.hep import HepStream
from analyzer.capture.opaque import Pair
from analyzer.capture.scapy_packets import Begins
from analyzer.capture.streams import Gap, Piece, Row, Stream


class TcpFlow:
    """One direction. ``number`` is that of its last row; ``last`` the latest piece and the position before it."""

    def __init__(self, key: FlowKey, first: int | None, row: Row, begins: Begins) -> None:
        self.key = key
        self.stream = Stream(first)
        self.row = row
        self.number = 0
        self.kind = FLOW_UNDECIDED
        self.carrier: Carrier | None = None
        self.hep: HepStream | None = None
        self.pair: Pair | None = None
        self.last: tuple[Piece, int] | None = None
        self.head: list[Piece] = []  # as long as it is undecided
        self.beginning = Beginning(begins, key.is_tls_port)
        self.gaps: list[Gap] = []
        self.searched = -1  # segments behind a gap that were searched; -1: none, what came first is there
        self.waiting_octets = 0

    @property
    def pending(self) -> int:
        """Octets of a part of a message."""
        reader = self.carrier or self.hep
        return len(self.beginning.octets) + (reader.pending if reader else 0)
