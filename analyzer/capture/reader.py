"""One capture as datagrams: windows of the file through the kernels, the rare rest through Python.

Two readers share the containers. ``kernels`` is what everybody uses; ``scapy`` shows every frame to Scapy and every payload to the
whole-message parser: slow and obvious, it defines what is right (docs/architecture.md).

Each datagram that begins with SIP is copied from the window into a batch, and batches are handed out: of a capture full of media
little is left to copy, and the window stays in the processor's cache.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType
from typing import NamedTuple

import numpy as np

from analyzer.batch import (
    D_CAPTURE_NO,
    D_COLUMNS,
    D_DST_HI,
    D_DST_LO,
    D_DST_PORT,
    D_FILE_OFFSET,
    D_FRAME_NO,
    D_INTERFACE_NO,
    D_IP_ID,
    D_LENGTH,
    D_NETWORK,
    D_OFFSET,
    D_SRC_HI,
    D_SRC_LO,
    D_SRC_PORT,
    D_TRANSPORT,
    D_TS,
    D_WIRE_LENGTH,
    MISSING,
    Datagrams,
    Ints,
    Octets,
)
from analyzer.capture import container_kernels as walk
from analyzer.capture.container import Pcap, Pcapng
from analyzer.capture.frame_kernels import (
    FOUND_COLUMNS,
    K_BROKEN,
    K_CUT,
    K_DAMAGED,
    K_FRAGMENT,
    K_FRAGMENT_SIP,
    K_HEP,
    K_ICMP,
    K_LINK_TYPE,
    K_NOT_IP,
    K_OTHER_IP,
    K_SCTP,
    K_SIP,
    K_TCP,
    K_TCP_SIP,
    K_UDP,
    K_UDP_TUNNEL,
    KINDS,
)
from analyzer.capture.source import Source, open_source
from analyzer.issues import IssueLog, IssueNote

#: Octets of a window: it fits the second-level cache of a core.
WINDOW = 1 << 20
#: Octets and rows of a batch.
ARENA = 1 << 20
ROWS = 2048
#: Batches in turn, so that one stays valid until two more have been asked for.
BATCHES = 4
#: No capturing program stores more octets of a frame (libpcap's and Wireshark's bound); longer ones are looked at twice.
LONG_FRAME = 262_144
#: No frame is longer than this; a length beyond it is damage.
LONGEST_FRAME = 64 << 20
#: Batches are handed out at the latest after so many windows, so that progress shows.
WINDOWS_PER_BATCH = 64

#: Why frames were not read, the keys of `Reader.unread`; ``link_type_N`` stands for each link type N that is not known.
UNREAD: dict[str, str] = {
    "tcp": "TCP segments: streams are not put together",
    "tcp_sip": "TCP segments that begin with a SIP start line",
    "sctp": "SCTP packets",
    "fragment": "IP fragments: datagrams are not put together",
    "fragment_sip": "first fragments that begin with a SIP start line",
    "icmp": "ICMP, with what it quotes",
    "hep": "HEP version 3: packets wrapped by a capture agent",
    "udp_tunnel": "VXLAN, GTP-U, Geneve, TZSP or L2TP with no SIP datagram inside",
    "other_ip": "other protocols over IP",
    "not_ip": "neither IPv4 nor IPv6: ARP, LLDP, ...",
    "cut": "too short for their headers",
    "damaged": "headers that contradict themselves or the frame",
    "link_type_N": "link type N without SIP, or not known",
}
_KIND_NAMES = {
    K_TCP: "tcp",
    K_TCP_SIP: "tcp_sip",
    K_SCTP: "sctp",
    K_FRAGMENT: "fragment",
    K_FRAGMENT_SIP: "fragment_sip",
    K_ICMP: "icmp",
    K_HEP: "hep",
    K_UDP_TUNNEL: "udp_tunnel",
    K_OTHER_IP: "other_ip",
    K_NOT_IP: "not_ip",
    K_CUT: "cut",
    K_DAMAGED: "damaged",
}
_LAST = 2**63 - 1


class _Batch(NamedTuple):
    arena: Octets
    rows: Ints


class Reader:
    """The SIP datagrams of one capture, batch by batch, and what is to be said about the capture.

    Iterating yields `Datagrams` in captured order; their octets and rows stay valid until two more have been asked for.
    All counts are complete once the iteration is over: ``frames``, ``octets`` (as captured), ``start_ts`` and ``end_ts`` (ns,
    earliest and latest frame), ``truncated`` (cut short or damaged), ``unread`` (frames by `UNREAD`), ``dropped``
    (frames that the capturing program says it lost), ``names`` (addresses to names, from name-resolution blocks),
    ``secrets`` (of decryption-secrets blocks: kind and octets).
    """

    def __init__(
        self, source: Source, capture_no: int, issues: IssueLog, reader: str = "kernels", window: int = WINDOW
    ) -> None:
        assert reader in ("kernels", "scapy")
        self.capture_no = capture_no
        self.source = source.path
        self.format = source.format
        self.reader = reader
        self.truncated = False
        self._source = source
        self._issues = issues
        self._window: Octets = np.empty(max(window, 2 * LONG_FRAME), dtype=np.uint8)
        self._filled = 0
        self._is_at_end = False
        self._batches: list[_Batch] = []
        self._batch_no = -1
        self._found: Ints = np.zeros(FOUND_COLUMNS, dtype=np.int64)
        self._kinds: Ints = np.zeros(KINDS, dtype=np.int64)
        self._links: dict[int, int] = {}
        self._state: Ints = np.zeros(walk.W_COLUMNS, dtype=np.int64)
        self._state[walk.W_START_TS] = _LAST
        self._state[walk.W_END_TS] = -_LAST
        self._state[walk.W_CAPTURE_NO] = capture_no
        self._state[walk.W_LIMIT] = LONG_FRAME
        self._state[walk.W_LONG_ALLOWED] = -1
        self._state[walk.W_ALL_DECLINED] = reader == "scapy"
        self._container = self._open_container()

    # -- what is to be said about the capture -------------------------------------------------------------------

    @property
    def frames(self) -> int:
        """Frames read so far."""
        return int(self._state[walk.W_FRAMES])

    @property
    def octets(self) -> int:
        """Octets of these frames, as captured."""
        return int(self._state[walk.W_OCTETS])

    @property
    def start_ts(self) -> int | None:
        """Time of the earliest frame, ns; None without frames."""
        return int(self._state[walk.W_START_TS]) if self.frames else None

    @property
    def end_ts(self) -> int | None:
        """Time of the latest frame, ns; None without frames."""
        return int(self._state[walk.W_END_TS]) if self.frames else None

    @property
    def unread(self) -> dict[str, int]:
        """Frames that were not read, by `UNREAD`; reasons without frames are left out."""
        counts = {name: int(self._kinds[kind]) for kind, name in _KIND_NAMES.items()}
        links = self._container.unknown_link_frames() if self._container is not None else {}
        for link_type in sorted(links.keys() | self._links.keys()):
            counts[f"link_type_{link_type}"] = links.get(link_type, 0) + self._links.get(link_type, 0)
        return {name: count for name, count in counts.items() if count}

    @property
    def dropped(self) -> int | None:
        """Frames that the capturing program says it lost; None when it says nothing."""
        return self._container.dropped if self._container is not None else None

    @property
    def names(self) -> dict[str, str]:
        """Names of addresses, from name-resolution blocks."""
        return self._container.names if self._container is not None else {}

    @property
    def secrets(self) -> list[tuple[int, bytes]]:
        """Decryption secrets: kind (0x544c534b = TLS key log) and octets."""
        return self._container.secrets if self._container is not None else []

    @property
    def progress(self) -> tuple[int, int | None]:
        """Octets of the file read so far, and its size; None for a pipe."""
        return self._source.consumed, self._source.total

    def close(self) -> None:
        """Let go of the file."""
        self._source.close()

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    # -- the loop -----------------------------------------------------------------------------------------------

    def __iter__(self) -> Iterator[Datagrams]:
        if self._container is None:
            return
        state, container = self._state, self._container
        batch = self._next_batch()
        windows = 0
        while True:
            why = container.walk(
                self._window, self._filled, state, self._kinds, self._found, batch.rows, batch.arena
            )
            if why == walk.FRAME or why == walk.BROKEN:
                if not self._has_room(batch):
                    yield self._handed_out(batch)
                    batch = self._next_batch()
                self._frame(batch, why)
                continue
            windows += why == walk.MORE
            if why == walk.FULL or windows == WINDOWS_PER_BATCH:
                yield self._handed_out(batch)
                batch = self._next_batch()
                windows = 0
            if why != walk.FULL and not self._go_on(why):
                break
        self._finish()
        if state[walk.W_ROWS]:
            yield self._handed_out(batch)

    def _next_batch(self) -> _Batch:
        self._batch_no = (self._batch_no + 1) % BATCHES
        if self._batch_no == len(self._batches):
            self._batches.append(
                _Batch(np.empty(ARENA, dtype=np.uint8), np.empty((ROWS, D_COLUMNS), dtype=np.int64))
            )
        self._state[walk.W_ROWS] = self._state[walk.W_ARENA] = 0
        return self._batches[self._batch_no]

    def _handed_out(self, batch: _Batch) -> Datagrams:
        return Datagrams(batch.arena, batch.rows[: self._state[walk.W_ROWS]])

    def _has_room(self, batch: _Batch) -> bool:
        room = len(batch.arena) - int(self._state[walk.W_ARENA])
        return int(self._state[walk.W_ROWS]) < len(batch.rows) and room > 65_535

    def _go_on(self, why: int) -> bool:
        """Do what the walk cannot do itself; False when the capture is over."""
        if why == walk.MORE:
            if self._fill():
                return True
            if self._state[walk.W_POSITION] < self._filled:
                self._cut("ends within a record")
            return False
        if why == walk.BLOCK:
            return self._block()
        if why == walk.LONG:
            return self._long_record()
        self._damaged("no record begins here")
        return False

    def _finish(self) -> None:
        """Say what the capture as a whole has to be said about."""
        if self._source.damage is not None:
            self._cut(self._source.damage)
        for kind, code, what in (
            (K_TCP_SIP, "capture.unread_tcp", "TCP segments begin with SIP and were not read"),
            (K_FRAGMENT_SIP, "capture.unread_fragment", "IP fragments begin with SIP and were not read"),
        ):
            count = int(self._kinds[kind])
            if count:
                self._issues.add(IssueNote(code, self.capture_no, detail=f"{count} {what}"), count)

    # -- windows ------------------------------------------------------------------------------------------------

    def _open_container(self) -> Pcap | Pcapng | None:
        """Read the file's header; None when not even that is whole."""
        if self._source.container == "pcapng":
            self._need(12)
            return Pcapng()
        if not self._need(Pcap.HEADER_LENGTH):
            return None
        self._state[walk.W_POSITION] = Pcap.HEADER_LENGTH
        return Pcap(self._window[: Pcap.HEADER_LENGTH].tobytes())

    def _fill(self) -> bool:
        """Move what is left to the window's front and read behind it; False when nothing came."""
        position = int(self._state[walk.W_POSITION])
        rest = self._filled - position
        if position:
            self._window[:rest] = self._window[position : self._filled]
            self._state[walk.W_FILE_OFFSET] += position
            self._state[walk.W_POSITION] = 0
        self._filled = rest
        count = self._source.read_into(self._window[rest:]) if not self._is_at_end else 0
        self._is_at_end = self._is_at_end or not count
        self._filled += count
        return count > 0

    def _need(self, length: int) -> bool:
        """Have ``length`` octets from the position on in the window, which grows if it must; False at the end."""
        while self._filled - int(self._state[walk.W_POSITION]) < length:
            if length > len(self._window):
                rest = self._window[self._state[walk.W_POSITION] : self._filled].copy()
                self._window = np.empty(length + LONG_FRAME, dtype=np.uint8)
                self._window[: len(rest)] = rest
                self._state[walk.W_FILE_OFFSET] += self._state[walk.W_POSITION]
                self._state[walk.W_POSITION] = 0
                self._filled = len(rest)
            if not self._fill():
                return False
        return True

    def _ahead(self, length: int, skipped: int = 0) -> bytes:
        """Octets from the position on."""
        start = int(self._state[walk.W_POSITION]) + skipped
        return self._window[start : min(start + length, self._filled)].tobytes()

    @property
    def _offset(self) -> int:
        return int(self._state[walk.W_FILE_OFFSET] + self._state[walk.W_POSITION])

    def _cut(self, what: str) -> None:
        self.truncated = True
        self._issues.add(
            IssueNote("capture.truncated", self.capture_no, frame_no=self.frames or MISSING, detail=f"{what}, at octet {self._offset}")
        )

    def _damaged(self, what: str) -> None:
        self.truncated = True
        self._issues.add(
            IssueNote("capture.damaged", self.capture_no, frame_no=self.frames or MISSING, detail=f"{what}, at octet {self._offset}")
        )

    # -- blocks and long records --------------------------------------------------------------------------------

    def _block(self) -> bool:
        """A block that is no packet."""
        assert isinstance(self._container, Pcapng)
        length = self._container.block_length(self._ahead(12))
        if not length or length > LONGEST_FRAME:
            self._damaged("a block with an impossible length")
            return False
        if not self._need(length):
            self._cut("ends within a block")
            return False
        if not self._container.read_block(self._ahead(length)):
            self._damaged("a damaged block")
            return False
        self._state[walk.W_POSITION] += length
        return True

    def _long_record(self) -> bool:
        """A record longer than any capturing program writes: true only if a record follows it."""
        length = int(self._state[walk.W_RECORD_LENGTH])
        if isinstance(self._container, Pcapng):
            kind = int.from_bytes(self._ahead(4), "big" if self._container.is_big else "little")
            if kind not in _READ_BLOCKS:
                return self._skip(length)
        if length > LONGEST_FRAME:
            self._damaged(f"a record of {length} octets")
            return False
        if not self._need(length):
            self._cut(f"ends within a record of {length} octets")
            return False
        if isinstance(self._container, Pcap) and self._need(length + 16):
            if not self._container.is_plausible(self._ahead(16, length)):
                self._damaged(f"a record of {length} octets with no record behind it")
                return False
        self._state[walk.W_LONG_ALLOWED] = self._offset
        return True

    def _skip(self, length: int) -> bool:
        """Leave out a long block of an unknown kind."""
        while length:
            position = int(self._state[walk.W_POSITION])
            step = min(length, self._filled - position)
            self._state[walk.W_POSITION] += step
            length -= step
            if length and not self._fill():
                self._cut("ends within a block")
                return False
        return True

    # -- frames that Python decides on --------------------------------------------------------------------------

    def _frame(self, batch: _Batch, why: int) -> None:
        """A frame that the walk has counted but not judged."""
        state = self._state
        frame_no, ts = int(state[walk.W_FRAMES]), int(state[walk.W_FRAME_TS])
        if why == walk.BROKEN:
            self._kinds[K_UDP] += 1
            self._issues.add(IssueNote("sip.bad_start_line", self.capture_no, ts, frame_no))
            return
        from analyzer.capture.scapy_decode import decoded

        assert self._container is not None
        start, end = int(state[walk.W_FRAME_START]), int(state[walk.W_FRAME_END])
        number = int(state[walk.W_FRAME_INTERFACE])
        link_type = self._container.link_type(number)
        frame = self._window[start:end].tobytes()
        kind, datagram = decoded(frame, int(state[walk.W_FRAME_WIRE]), link_type)
        if kind == K_LINK_TYPE:
            self._links[link_type] = self._links.get(link_type, 0) + 1
            return
        if kind == K_BROKEN:
            kind = K_UDP
            self._issues.add(IssueNote("sip.bad_start_line", self.capture_no, ts, frame_no))
        self._kinds[kind] += 1
        if kind != K_SIP:
            return
        assert datagram is not None
        used, row = int(state[walk.W_ARENA]), batch.rows[state[walk.W_ROWS]]
        length = len(datagram.payload)
        batch.arena[used : used + length] = np.frombuffer(datagram.payload, dtype=np.uint8)
        within = frame.find(datagram.payload)
        row[D_FRAME_NO] = frame_no
        row[D_TS] = ts
        row[D_OFFSET] = used
        row[D_LENGTH] = length
        row[D_WIRE_LENGTH] = datagram.wire_length
        row[D_FILE_OFFSET] = int(state[walk.W_FILE_OFFSET]) + start + within if within >= 0 else MISSING
        row[D_SRC_HI], row[D_SRC_LO] = datagram.src
        row[D_DST_HI], row[D_DST_LO] = datagram.dst
        row[D_SRC_PORT] = datagram.src_port
        row[D_DST_PORT] = datagram.dst_port
        row[D_TRANSPORT] = 0  # vocab.Transport.UDP
        row[D_NETWORK] = datagram.network
        row[D_IP_ID] = datagram.ip_id
        row[D_INTERFACE_NO] = number
        row[D_CAPTURE_NO] = self.capture_no
        state[walk.W_ROWS] += 1
        state[walk.W_ARENA] = used + length


_READ_BLOCKS = frozenset(
    {walk.OBSOLETE_PACKET, walk.SIMPLE_PACKET, walk.ENHANCED_PACKET, walk.NAME_RESOLUTION, walk.INTERFACE_DESCRIPTION}
)


def open_reader(path: str, capture_no: int, issues: IssueLog, reader: str = "kernels", window: int = WINDOW) -> Reader:
    """Open a capture (``-`` = standard input) for reading; CaptureError when it cannot be read or is none.

    ``reader`` is ``kernels`` or ``scapy``. What is odd about the capture is added to ``issues`` while it is read.
    """
    source = open_source(path)
    try:
        return Reader(source, capture_no, issues, reader, window)
    except BaseException:
        source.close()
        raise
