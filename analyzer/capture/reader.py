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
    R_COLUMNS,
    R_FIRST,
    R_INFO,
    R_KIND,
    R_SEQ,
    RAW_MESSAGE,
    RAW_SCTP,
    RAW_SEGMENT,
    Datagrams,
    Ints,
    Octets,
)
from analyzer.capture import walk_kernels as walk
from analyzer.capture.flow_table import FlowTable
from analyzer.capture.found_kernels import (
    DATAGRAM_OCTETS,
    FOUND_LAYERS,
    K_BROKEN,
    K_CUT,
    K_DAMAGED,
    K_ICMP,
    K_LINK_TYPE,
    K_NESTED,
    K_NOT_IP,
    K_OPAQUE,
    K_OTHER_IP,
    K_UDP,
    K_UDP_TUNNEL,
    RAW_SIGN,
)
from analyzer.capture.found_kernels import (
    UNREAD as FIRST_UNREAD,
)
from analyzer.capture.frame_kernels import COMMON_LAYERS
from analyzer.capture.layer_kernels import BITS, P_FRAMES, P_LAYERS, P_UNREAD, count_layers
from analyzer.capture.scapy_packets import Found
from analyzer.capture.source import Source, open_source
from analyzer.capture.windows import WINDOW, Windows
from analyzer.issues import IssueLog, IssueNote

#: Octets and rows of a batch.
ARENA = 1 << 21
ROWS = 4096
#: Batches in turn, so that one stays valid until two more have been asked for.
BATCHES = 4
#: A batch is handed out at the latest after so many windows, so that progress shows.
WINDOWS_PER_BATCH = 64

#: Why frames were not read, the keys of `Reader.unread`; ``link_type_N`` stands for each link type N that is not
#: known.
UNREAD: dict[str, str] = {
    "icmp": "ICMP, but for errors about what may be SIP",
    "tls": "TLS on a SIP port, for which there are no keys",
    "udp_tunnel": "a tunnel of which the inside is not understood",
    "other_ip": "other protocols over IP",
    "not_ip": "neither IPv4 nor IPv6: ARP, LLDP, ...",
    "cut": "too short for their headers",
    "damaged": "headers that contradict themselves or the frame",
    "nested": "more packets in packets than are followed",
    "link_type_N": "link type N without SIP, or not known",
}
_KIND_NAMES = {
    K_ICMP: "icmp",
    K_OPAQUE: "tls",
    K_UDP_TUNNEL: "udp_tunnel",
    K_OTHER_IP: "other_ip",
    K_NOT_IP: "not_ip",
    K_CUT: "cut",
    K_DAMAGED: "damaged",
    K_NESTED: "nested",
}
# Positions in vocab.Transport, by kind of raw row; UDP for the others.
_TRANSPORTS = {RAW_SEGMENT: 1, RAW_SIGN: 1, RAW_SCTP: 5}


class _Batch(NamedTuple):
    arena: Octets
    rows: Ints


class Reader:
    """The raw rows of one capture, batch by batch, and what is to be said about the capture.

    Iterating yields `Datagrams` of R_COLUMNS in captured order; their octets and rows stay valid until two more have
    been asked for. All counts are complete once the iteration is over.
    """

    def __init__(
        self,
        source: Source,
        capture_no: int,
        issues: IssueLog,
        reader: str = "kernels",
        window: int = WINDOW,
        flows: FlowTable | None = None,
    ) -> None:
        assert reader in ("kernels", "scapy")
        self.capture_no = capture_no
        self.source = source.path
        self.format = source.format
        self.reader = reader
        self._source = source
        self._issues = issues
        self._flows = flows or FlowTable()
        self._windows = Windows(source, capture_no, issues, window, self._flows)
        self._windows.state[walk.W_ALL_DECLINED] = reader == "scapy"
        # Smaller windows come with smaller batches: many captures are being read at once.
        self._arena_octets = max(min(window, ARENA), 2 * DATAGRAM_OCTETS)
        self._batch_rows = ROWS if window >= WINDOW else ROWS // 8
        self._batches: list[_Batch] = []
        self._batch_no = -1
        self._links: dict[int, int] = {}
        self._cut_datagrams = 0
        self.opaque_connections = 0
        self.opaque_octets = 0

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
    def layers(self) -> list[tuple[int, int, int]]:
        """Headers (`layer_kernels`), frames with them, frames of these that were not understood; most frames first."""
        counts: dict[int, tuple[int, int]] = {}
        for row in self._windows.counts.paths[self._windows.counts.paths[:, P_FRAMES] > 0].tolist():
            counts[row[P_LAYERS]] = (row[P_FRAMES], row[P_UNREAD])
        for which, codes in enumerate(COMMON_LAYERS):
            layers = 0
            for code in codes:
                layers = layers << BITS | code
            frames, unread = counts.get(layers, (0, 0))
            common = int(self._windows.state[walk.W_COMMON + which])
            if common:
                counts[layers] = (frames + common, unread)
        return sorted(((layers, *count) for layers, count in counts.items()), key=lambda row: (-row[1], row[0]))

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
        yield from self._walked()
        self._say_what_is_missing()

    def _walked(self) -> Iterator[Datagrams]:
        """The raw rows of all windows that can be had."""
        windows = self._windows
        batch = self._next_batch()
        walked = 0
        while True:
            before = self._flows.opaque
            why = windows.walk(batch.rows, batch.arena)
            if why == walk.FRAME or why == walk.BROKEN:
                if not self._has_room(batch):
                    yield self._handed_out(batch)
                    batch = self._next_batch()
                self._frame(batch, why)
                self._count_opaque(before)
                continue
            self._count_opaque(before)
            walked += why == walk.MORE
            if why == walk.FULL or walked == WINDOWS_PER_BATCH:
                yield self._handed_out(batch)
                batch = self._next_batch()
                walked = 0
            if why != walk.FULL and not windows.go_on(why):
                break
        last = self._handed_out(batch)
        if len(last.rows):
            yield last

    def _next_batch(self) -> _Batch:
        self._batch_no = (self._batch_no + 1) % BATCHES
        if self._batch_no == len(self._batches):
            arena = np.empty(self._arena_octets, dtype=np.uint8)
            self._batches.append(_Batch(arena, np.empty((self._batch_rows, R_COLUMNS), dtype=np.int64)))
        self._windows.state[walk.W_ROWS] = self._windows.state[walk.W_ARENA] = 0
        return self._batches[self._batch_no]

    def _handed_out(self, batch: _Batch) -> Datagrams:
        rows = batch.rows[: self._windows.state[walk.W_ROWS]]
        is_cut = (rows[:, D_WIRE_LENGTH] > rows[:, D_LENGTH]) & (rows[:, R_KIND] == RAW_MESSAGE)
        self._cut_datagrams += int(np.count_nonzero(is_cut))
        return Datagrams(batch.arena, rows)

    def _count_opaque(self, before: tuple[int, int]) -> None:
        """The flow table counts for the timeline: what a walk added to it is this capture's."""
        self.opaque_connections += self._flows.opaque[0] - before[0]
        self.opaque_octets += self._flows.opaque[1] - before[1]

    def _has_room(self, batch: _Batch) -> bool:
        room = len(batch.arena) - int(self._windows.state[walk.W_ARENA])
        return int(self._windows.state[walk.W_ROWS]) < len(batch.rows) and room >= DATAGRAM_OCTETS

    def _say_what_is_missing(self) -> None:
        """One issue a capture for each way in which its SIP is not all there."""
        for count, code, what in (
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
        seen = decoded(frame, int(state[walk.W_FRAME_WIRE]), link_type, begins, self._flows.judge)
        count_layers(self._windows.counts.paths, seen.layers, 1, 1 if seen.kind >= FIRST_UNREAD else 0)
        if seen.kind == K_LINK_TYPE:
            self._links[link_type] = self._links.get(link_type, 0) + 1
        elif seen.kind == K_BROKEN:
            self._bad_start_line()
        else:
            self._windows.kinds[seen.kind] += 1
        if seen.found is None:
            return
        row = batch.rows[state[walk.W_ROWS]]
        start = int(state[walk.W_FILE_OFFSET] + state[walk.W_FRAME_START])
        within = frame.find(seen.found.payload)
        row[D_FRAME_NO] = state[walk.W_FRAMES]
        row[D_TS] = state[walk.W_FRAME_TS]
        row[D_FILE_OFFSET] = start + within if within >= 0 and seen.found.payload else MISSING
        row[D_INTERFACE_NO] = number
        row[D_CAPTURE_NO] = self.capture_no
        state[walk.W_ARENA] = fill_row(row, seen.found, batch.arena, int(state[walk.W_ARENA]))
        state[walk.W_ROWS] += 1

    def _broken(self) -> None:
        """A datagram that the kernels understood, but whose start line was meant as SIP and is none."""
        counts = self._windows.counts
        count_layers(counts.paths, int(counts.found[FOUND_LAYERS]), 1, 0)
        self._bad_start_line()

    def _bad_start_line(self) -> None:
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


def fill_row(row: Ints, found: Found, arena: Octets, used: int) -> int:
    """Put what was found into a row and the arena, apart from what the container knows; returns the octets used."""
    length = len(found.payload)
    arena[used : used + length] = np.frombuffer(found.payload, dtype=np.uint8)
    row[D_OFFSET] = used
    row[D_LENGTH] = length
    row[D_WIRE_LENGTH] = found.wire_length
    row[D_SRC_HI], row[D_SRC_LO] = found.src
    row[D_DST_HI], row[D_DST_LO] = found.dst
    row[D_SRC_PORT] = found.src_port
    row[D_DST_PORT] = found.dst_port
    row[D_TRANSPORT] = _TRANSPORTS.get(found.kind, 0)
    row[D_NETWORK] = found.network
    row[D_IP_ID] = found.ip_id
    row[D_LAYERS] = found.layers
    row[D_COPY] = 0
    row[R_KIND] = found.kind
    row[R_SEQ] = found.seq
    row[R_INFO] = found.info
    row[R_FIRST] = found.first
    return used + length


def open_reader(
    path: str,
    capture_no: int,
    issues: IssueLog,
    reader: str = "kernels",
    window: int = WINDOW,
    flows: FlowTable | None = None,
) -> Reader:
    """Open a capture (``-`` = standard input) for reading; CaptureError when it cannot be read or is none.

    ``reader`` is ``kernels`` or ``scapy``; ``flows`` is what captures of one timeline share. What is odd about the
    capture is added to ``issues`` while it is read.
    """
    source = open_source(path)
    try:
        return Reader(source, capture_no, issues, reader, window, flows)
    except BaseException:
        source.close()
        raise
