"""One capture as datagrams: windows of the file through the kernels, the rare rest through Python.

Two readers share the containers. ``kernels`` is what everybody uses; ``scapy`` shows every frame to Scapy and every
payload to the whole-message parser: slow and obvious, it defines what is right (docs/architecture.md).

Each datagram that begins with SIP is copied from the window into a batch, and batches are handed out: of a capture
full of media little is left to copy, and the window stays in the processor's cache.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType
from typing import NamedTuple

import numpy as np

from analyzer.batch import (
    D_CAPTURE_NO,
    D_COLUMNS,
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
    MISSING,
    Datagrams,
    Ints,
    Octets,
)
from analyzer.capture import walk_kernels as walk
from analyzer.capture.source import Source, open_source
from analyzer.capture.transport_kernels import (
    DATAGRAM_OCTETS,
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
    K_TCP,
    K_TCP_SIP,
    K_UDP,
    K_UDP_TUNNEL,
)
from analyzer.capture.windows import WINDOW, Windows
from analyzer.issues import IssueLog, IssueNote

#: Octets and rows of a batch.
ARENA = 1 << 20
ROWS = 2048
#: Batches in turn, so that one stays valid until two more have been asked for.
BATCHES = 4
#: A batch is handed out at the latest after so many windows, so that progress shows.
WINDOWS_PER_BATCH = 64

#: Why frames were not read, the keys of `Reader.unread`; ``link_type_N`` stands for each link type N that is not
#: known.
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


class _Batch(NamedTuple):
    arena: Octets
    rows: Ints


class Reader:
    """The SIP datagrams of one capture, batch by batch, and what is to be said about the capture.

    Iterating yields `Datagrams` in captured order; their octets and rows stay valid until two more have been asked
    for. All counts are complete once the iteration is over.
    """

    def __init__(
        self, source: Source, capture_no: int, issues: IssueLog, reader: str = "kernels", window: int = WINDOW
    ) -> None:
        assert reader in ("kernels", "scapy")
        self.capture_no = capture_no
        self.source = source.path
        self.format = source.format
        self.reader = reader
        self._source = source
        self._issues = issues
        self._windows = Windows(source, capture_no, issues, window)
        self._windows.state[walk.W_ALL_DECLINED] = reader == "scapy"
        # Smaller windows come with smaller batches: many captures are being read at once.
        self._arena_octets = max(min(window, ARENA), 2 * DATAGRAM_OCTETS)
        self._batch_rows = ROWS if window >= WINDOW else ROWS // 8
        self._batches: list[_Batch] = []
        self._batch_no = -1
        self._links: dict[int, int] = {}
        self._cut_datagrams = 0

    # -- what is to be said about the capture -------------------------------------------------------------------

    @property
    def frames(self) -> int:
        """Frames read so far."""
        return int(self._windows.state[walk.W_FRAMES])

    @property
    def octets(self) -> int:
        """Octets of these frames, as captured."""
        return int(self._windows.state[walk.W_OCTETS])

    @property
    def start_ts(self) -> int | None:
        """Time of the earliest frame, ns; None without frames."""
        return int(self._windows.state[walk.W_START_TS]) if self.frames else None

    @property
    def end_ts(self) -> int | None:
        """Time of the latest frame, ns; None without frames."""
        return int(self._windows.state[walk.W_END_TS]) if self.frames else None

    @property
    def truncated(self) -> bool:
        """Whether the capture is cut short or damaged."""
        return self._windows.truncated

    @property
    def unread(self) -> dict[str, int]:
        """Frames that were not read, by `UNREAD`; reasons without frames are left out."""
        counts = {name: int(self._windows.kinds[kind]) for kind, name in _KIND_NAMES.items()}
        links = self._windows.container.unknown_link_frames()
        for link_type in sorted(links.keys() | self._links.keys()):
            counts[f"link_type_{link_type}"] = links.get(link_type, 0) + self._links.get(link_type, 0)
        return {name: count for name, count in counts.items() if count}

    @property
    def dropped(self) -> int | None:
        """Frames that the capturing program says it lost; None when it says nothing."""
        return self._windows.container.dropped

    @property
    def names(self) -> dict[str, str]:
        """Names of addresses, from name-resolution blocks."""
        return self._windows.container.names

    @property
    def secrets(self) -> list[tuple[int, bytes]]:
        """Decryption secrets: kind (0x544c534b = TLS key log) and octets."""
        return self._windows.container.secrets

    @property
    def progress(self) -> tuple[int, int | None]:
        """Octets of the file read so far, and its size; None for a pipe."""
        return self._source.consumed, self._source.total

    def close(self) -> None:
        """Let go of the file and of all buffers; what was handed out stays valid."""
        self._windows.release()
        self._batches.clear()

    def __enter__(self) -> Reader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # -- the loop -----------------------------------------------------------------------------------------------

    def __iter__(self) -> Iterator[Datagrams]:
        windows = self._windows
        batch = self._next_batch()
        walked = 0
        while True:
            why = windows.walk(batch.rows, batch.arena)
            if why == walk.FRAME or why == walk.BROKEN:
                if not self._has_room(batch):
                    yield self._handed_out(batch)
                    batch = self._next_batch()
                self._frame(batch, why)
                continue
            walked += why == walk.MORE
            if why == walk.FULL or walked == WINDOWS_PER_BATCH:
                yield self._handed_out(batch)
                batch = self._next_batch()
                walked = 0
            if why != walk.FULL and not windows.go_on(why):
                break
        last = self._handed_out(batch)
        self._say_what_is_missing()
        if len(last.rows):
            yield last

    def _next_batch(self) -> _Batch:
        self._batch_no = (self._batch_no + 1) % BATCHES
        if self._batch_no == len(self._batches):
            arena = np.empty(self._arena_octets, dtype=np.uint8)
            self._batches.append(_Batch(arena, np.empty((self._batch_rows, D_COLUMNS), dtype=np.int64)))
        self._windows.state[walk.W_ROWS] = self._windows.state[walk.W_ARENA] = 0
        return self._batches[self._batch_no]

    def _handed_out(self, batch: _Batch) -> Datagrams:
        rows = batch.rows[: self._windows.state[walk.W_ROWS]]
        self._cut_datagrams += int(np.count_nonzero(rows[:, D_WIRE_LENGTH] > rows[:, D_LENGTH]))
        return Datagrams(batch.arena, rows)

    def _has_room(self, batch: _Batch) -> bool:
        room = len(batch.arena) - int(self._windows.state[walk.W_ARENA])
        return int(self._windows.state[walk.W_ROWS]) < len(batch.rows) and room >= DATAGRAM_OCTETS

    def _say_what_is_missing(self) -> None:
        """One issue a capture for each way in which its SIP is not all there."""
        kinds = self._windows.kinds
        for count, code, what in (
            (int(kinds[K_TCP_SIP]), "capture.unread_tcp", "TCP segments begin with SIP and were not read"),
            (int(kinds[K_FRAGMENT_SIP]), "capture.unread_fragment", "IP fragments begin with SIP and were not read"),
            (self._cut_datagrams, "capture.frame_cut", "SIP messages were recorded shorter than they were sent"),
            (self.dropped or 0, "capture.dropped", "frames were lost by the capturing program"),
        ):
            if count:
                self._issues.add(IssueNote(code, self.capture_no, detail=f"{count} {what}"), count)
        if self._windows.state[walk.W_UNTIMED]:
            what = "simple packet blocks take the time of the frame before them"
            self._issues.add(IssueNote("capture.no_timestamps", self.capture_no, detail=what))

    # -- frames that Python decides on --------------------------------------------------------------------------

    def _frame(self, batch: _Batch, why: int) -> None:
        """A frame that the walk has counted but not judged."""
        state = self._windows.state
        if why == walk.BROKEN:
            self._broken()
            return
        from analyzer.capture.scapy_decode import decoded
        from analyzer.capture.scapy_packets import begins_by_kernel, begins_by_parser

        number = int(state[walk.W_FRAME_INTERFACE])
        link_type = self._windows.container.link_type(number)
        frame = self._windows.frame().tobytes()
        begins = begins_by_parser if self.reader == "scapy" else begins_by_kernel
        kind, datagram = decoded(frame, int(state[walk.W_FRAME_WIRE]), link_type, begins)
        if kind == K_LINK_TYPE:
            self._links[link_type] = self._links.get(link_type, 0) + 1
        elif kind == K_BROKEN:
            self._broken()
        else:
            self._windows.kinds[kind] += 1
        if datagram is None:
            return
        used, row = int(state[walk.W_ARENA]), batch.rows[state[walk.W_ROWS]]
        length = len(datagram.payload)
        batch.arena[used : used + length] = np.frombuffer(datagram.payload, dtype=np.uint8)
        start = int(state[walk.W_FILE_OFFSET] + state[walk.W_FRAME_START])
        within = frame.find(datagram.payload)
        row[D_FRAME_NO] = state[walk.W_FRAMES]
        row[D_TS] = state[walk.W_FRAME_TS]
        row[D_OFFSET] = used
        row[D_LENGTH] = length
        row[D_WIRE_LENGTH] = datagram.wire_length
        row[D_FILE_OFFSET] = start + within if within >= 0 else MISSING
        row[D_SRC_HI], row[D_SRC_LO] = datagram.src
        row[D_DST_HI], row[D_DST_LO] = datagram.dst
        row[D_SRC_PORT] = datagram.src_port
        row[D_DST_PORT] = datagram.dst_port
        row[D_TRANSPORT] = 0  # vocab.Transport.UDP
        row[D_NETWORK] = datagram.network
        row[D_IP_ID] = datagram.ip_id
        row[D_INTERFACE_NO] = number
        row[D_CAPTURE_NO] = self.capture_no
        row[D_LAYERS] = row[D_COPY] = 0
        state[walk.W_ROWS] += 1
        state[walk.W_ARENA] = used + length

    def _broken(self) -> None:
        """A datagram that is understood, but whose start line was meant as SIP and is none."""
        state = self._windows.state
        self._windows.kinds[K_UDP] += 1
        self._issues.add(
            IssueNote(
                "sip.bad_start_line",
                self.capture_no,
                int(state[walk.W_FRAME_TS]),
                int(state[walk.W_FRAMES]),
            )
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
