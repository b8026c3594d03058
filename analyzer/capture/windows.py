"""A capture as windows: the part of the file that the kernels walk now, in one reused buffer.

The walk itself is `walk_kernels`; here is what it leaves to Python: filling the window, moving the leftover to
its front, blocks that are no packets, records of extraordinary length, and what to say when the file is cut or
damaged.
"""

from __future__ import annotations

import numpy as np

from analyzer.batch import MISSING, Ints, Octets
from analyzer.capture import pcapng_kernels
from analyzer.capture import walk_kernels as walk
from analyzer.capture.container import Counts, Pcap, Pcapng
from analyzer.capture.flow_table import FlowTable
from analyzer.capture.source import Source
from analyzer.issues import IssueLog, IssueNote

#: Octets of a window: it fits the second-level cache of a core.
WINDOW = 1 << 20
#: No capturing program stores more octets of a frame (libpcap's and Wireshark's bound); longer ones are looked at
#: twice.
LONG_FRAME = 262_144
#: No frame is longer than this; a length beyond it is damage.
LONGEST_FRAME = 64 << 20
#: Secrets of this kind are a TLS key log.
TLS_KEY_LOG = 0x544C534B
_LAST = 2**63 - 1
_READ_BLOCKS = frozenset(
    {
        pcapng_kernels.OBSOLETE_PACKET,
        pcapng_kernels.SIMPLE_PACKET,
        pcapng_kernels.ENHANCED_PACKET,
        pcapng_kernels.NAME_RESOLUTION,
        pcapng_kernels.INTERFACE_DESCRIPTION,
    }
)


class Windows:
    """The windows of one capture, and the state of the walk over them.

    ``state`` and ``counts`` are the kernels' own (W_*, K_*); ``truncated`` says that the capture is cut short or
    damaged, which also becomes an issue with the place.
    """

    def __init__(
        self, source: Source, capture_no: int, issues: IssueLog, size: int = WINDOW, flows: FlowTable | None = None
    ) -> None:
        self.source = source
        self.truncated = False
        self.octets: Octets = np.empty(max(size, 2 * LONG_FRAME), dtype=np.uint8)
        self.counts = Counts()
        self.kinds = self.counts.kinds
        self.flows = flows or FlowTable()
        self.state: Ints = np.zeros(walk.W_COLUMNS, dtype=np.int64)
        self.state[walk.W_START_TS] = _LAST
        self.state[walk.W_END_TS] = -_LAST
        self.state[walk.W_CAPTURE_NO] = capture_no
        self.state[walk.W_LIMIT] = LONG_FRAME
        self.state[walk.W_LONG_ALLOWED] = -1
        self._filled = 0
        self._is_at_end = False
        self._issues = issues
        self._capture_no = capture_no
        self.container = self._open_container()

    def walk(self, rows: Ints, arena: Octets) -> int:
        """Walk on, SIP datagrams into ``rows`` and ``arena``; returns why it stopped."""
        return self.container.walk(self.octets, self._filled, self.state, self.counts, self.flows, rows, arena)

    def frame(self) -> Octets:
        """The frame that the walk stopped at (FRAME); valid until `go_on`."""
        return self.octets[self.state[walk.W_FRAME_START] : self.state[walk.W_FRAME_END]]

    def go_on(self, why: int) -> bool:
        """Do what the walk cannot do itself; False when the capture is over."""
        if why == walk.MORE:
            if self._fill():
                return True
            if self._packing_damage() is not None:
                return self._cut("capture.bad_compression", str(self.source.damage))
            if self.state[walk.W_POSITION] < self._filled:
                return self._cut("capture.truncated", "ends within a record")
            return False
        if why == walk.BLOCK:
            return self._block()
        if why == walk.LONG:
            return self._long_record()
        assert why == walk.DAMAGED
        return self._cut("capture.damaged", "no record begins here")

    def release(self) -> None:
        """Let go of the file and of the window's memory."""
        self.source.close()
        self.octets = np.empty(0, dtype=np.uint8)

    def _packing_damage(self) -> str | None:
        # Reading changes it, which a type checker cannot see in an attribute.
        return self.source.damage

    # -- the window ---------------------------------------------------------------------------------------------

    def _open_container(self) -> Pcap | Pcapng:
        if self.source.container == "pcapng":
            return Pcapng()
        if not self._need(Pcap.HEADER_LENGTH):
            header = self._ahead(Pcap.HEADER_LENGTH).ljust(Pcap.HEADER_LENGTH, b"\0")
            self._cut("capture.truncated", "ends within its header")
            self.state[walk.W_POSITION] = self._filled
            return Pcap(header)
        self.state[walk.W_POSITION] = Pcap.HEADER_LENGTH
        return Pcap(self._ahead(Pcap.HEADER_LENGTH, -Pcap.HEADER_LENGTH))

    def _fill(self) -> bool:
        """Move what is left to the window's front and read behind it; False when nothing came."""
        position = int(self.state[walk.W_POSITION])
        rest = self._filled - position
        if position:
            self.octets[:rest] = self.octets[position : self._filled]
            self.state[walk.W_FILE_OFFSET] += position
            self.state[walk.W_POSITION] = 0
        self._filled = rest
        count = 0 if self._is_at_end else self.source.read_into(self.octets[rest:])
        self._is_at_end = self._is_at_end or not (count or self.source.is_endless)
        self._filled += count
        return count > 0

    def _need(self, length: int) -> bool:
        """Have ``length`` octets from the position on in the window, which grows if it must; False at the end."""
        while self._filled - int(self.state[walk.W_POSITION]) < length:
            if length > len(self.octets):
                grown = np.empty(length + LONG_FRAME, dtype=np.uint8)
                grown[: self._filled] = self.octets[: self._filled]
                self.octets = grown
            if not self._fill():
                return False
        return True

    def _ahead(self, length: int, skipped: int = 0) -> bytes:
        """Octets from the position on; fewer where the window ends."""
        start = int(self.state[walk.W_POSITION]) + skipped
        return self.octets[start : min(start + length, self._filled)].tobytes()

    # -- damage -------------------------------------------------------------------------------------------------

    def _cut(self, code: str, what: str) -> bool:
        """Note that nothing can be read from here on; False, for `go_on`."""
        self.truncated = True
        offset = int(self.state[walk.W_FILE_OFFSET] + self.state[walk.W_POSITION])
        frame_no = int(self.state[walk.W_FRAMES]) or MISSING
        self._issues.add(IssueNote(code, self._capture_no, frame_no=frame_no, detail=f"{what}, at octet {offset}"))
        return False

    # -- blocks and long records --------------------------------------------------------------------------------

    def _block(self) -> bool:
        """A block that is no packet."""
        assert isinstance(self.container, Pcapng)
        length = self.container.block_length(self._ahead(12))
        if not length or length > LONGEST_FRAME:
            return self._cut("capture.damaged", "a block of impossible length")
        if not self._need(length):
            return self._cut("capture.truncated", "ends within a block")
        known = len(self.container.secrets)
        if not self.container.read_block(self._ahead(length)):
            return self._cut("capture.damaged", "a block that contradicts itself")
        for kind, text in self.container.secrets[known:]:
            if kind == TLS_KEY_LOG and not self.flows.add_secrets(text):
                self._issues.add(IssueNote("capture.keylog", self._capture_no, detail="a block without a secret"))
        self.state[walk.W_POSITION] += length
        return True

    def _long_record(self) -> bool:
        """A record longer than any capturing program writes: true only if a record follows it."""
        length = int(self.state[walk.W_RECORD_LENGTH])
        if isinstance(self.container, Pcapng):
            kind = int.from_bytes(self._ahead(4), "big" if self.container.is_big else "little")
            if kind not in _READ_BLOCKS:
                return self._skip(length)
        if length > LONGEST_FRAME:
            return self._cut("capture.damaged", f"a record of {length} octets")
        if not self._need(length):
            return self._cut("capture.truncated", f"ends within a record of {length} octets")
        if (
            isinstance(self.container, Pcap)
            and self._need(length + 16)
            and not self.container.is_plausible(self._ahead(16, length))
        ):
            return self._cut("capture.damaged", f"a record of {length} octets with no record behind it")
        self.state[walk.W_LONG_ALLOWED] = self.state[walk.W_FILE_OFFSET] + self.state[walk.W_POSITION]
        return True

    def _skip(self, length: int) -> bool:
        """Leave out a long block of an unknown kind."""
        while length:
            step = min(length, self._filled - int(self.state[walk.W_POSITION]))
            self.state[walk.W_POSITION] += step
            length -= step
            if length and not self._fill():
                return self._cut("capture.truncated", "ends within a block")
        return True
