"""The streams that kernels read, beside those that the plain-Python assembler has."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

import numpy as np

from analyzer.batch import (
    D_COLUMNS,
    D_OFFSET,
    D_TS,
    FLOW_SIP,
    MISSING,
    R_COLUMNS,
    R_FIRST,
    R_INFO,
    R_KIND,
    R_SEQ,
    RAW_HEP,
    RAW_MESSAGE,
    RAW_SEGMENT,
    TCP_RST,
    Datagrams,
    Ints,
    Octets,
)
from analyzer.capture.assemble import Assembler, flow_key
from analyzer.capture.flow_kernels import (
    FLOW_STATE,
    FLOW_TAIL,
    KEY,
    OF_TCP,
    SEED,
    SETS,
    TICK,
    WAYS,
    flow_of_tail,
    flow_place,
    flow_tail,
    take_place,
)
from analyzer.capture.flows import FlowKey
from analyzer.capture.stream_kernels import assemble
from analyzer.capture.stream_layout_kernels import (
    A_PLACE,
    A_TICK,
    AHEAD,
    AHEAD_COLUMNS,
    BUFFER_OCTETS,
    DONE,
    ELSEWHERE,
    FULL,
    HERE,
    LATE,
    ODD,
    OTHER,
    S_AHEAD,
    S_AT,
    S_CLOCK,
    S_FREE,
    S_OCTETS,
    S_PLACE,
    S_ROWS,
    S_SECOND,
    S_TOP,
    S_USED,
    S_WAITS,
    SECOND,
    STREAM_AHEAD,
    STREAM_COLUMNS,
    STREAM_FIRST,
    STREAM_KEPT,
    STREAM_NEXT,
    STREAM_SCALARS,
    STREAM_SLOT,
    STREAM_USED,
    UNKNOWN,
)

#: Octets and rows of what is handed out at a time: one segment and the part before it fit in any case.
ARENA = 1 << 21
ROWS = 16_384
#: Batches in turn, so that one stays valid until two more have been asked for.
BATCHES = 4
#: Streams of which a part of a message is kept at a time; further ones go to the plain-Python assembler.
BUFFERS = 4_096
#: Buffers to begin with; there are twice as many whenever half of them are in use.
_FIRST_BUFFERS = 128
_NS = 1_000_000_000


class KernelStreams:
    """The streams that kernels read, beside those that the assembler has; its arrays are those of `stream_kernels`."""

    def __init__(self, assembler: Assembler) -> None:
        self._assembler = assembler
        self._places: Ints = np.zeros((SETS * WAYS, STREAM_COLUMNS), dtype=np.int64)
        self._scalars: Ints = np.zeros(STREAM_SCALARS, dtype=np.int64)
        self._scalars[SEED] = secrets.randbits(62)
        self._scalars[S_FREE] = -1
        self._scalars[S_CLOCK] = MISSING
        self._buffers: Octets = np.empty((_FIRST_BUFFERS, BUFFER_OCTETS), dtype=np.uint8)
        self._kept: Ints = np.empty((_FIRST_BUFFERS, R_COLUMNS), dtype=np.int64)
        self._links: Ints = np.empty(_FIRST_BUFFERS, dtype=np.int64)
        self._ahead: Ints = np.empty((AHEAD, AHEAD_COLUMNS), dtype=np.int64)
        self._batches: list[Datagrams] = []
        self._batch_no = -1

    def receive(self, raw: Datagrams) -> Iterator[Datagrams]:
        """What `Assembly.receive` says, by kernel where that is possible."""
        octets, rows = raw
        scalars = self._scalars
        scalars[S_AT] = 0
        if 2 * scalars[S_USED] > len(self._buffers) < BUFFERS:
            self._buffers, self._kept, self._links = map(_doubled, (self._buffers, self._kept, self._links))
        out = self._next_batch()
        while True:
            why = assemble(
                octets, rows, self._places, scalars, self._buffers, self._kept, self._links, self._ahead,
                out.octets, out.rows,
            )  # fmt: skip
            if why == FULL:
                yield self._handed_out(out)
                out = self._next_batch()
                continue
            # Segments before their turn wait only while the kernel goes on: beyond that the assembler has them.
            parts = self._given_up(octets, rows) if scalars[S_AHEAD] else []
            if why != DONE:
                parts.append(self._apart(why, octets, rows))
                scalars[S_WAITS] = self._assembler.waits
            for made in parts:
                if len(made.rows) and not self._added(out, made):
                    yield self._handed_out(out)
                    out = self._next_batch()
                    if not self._added(out, made):
                        yield made
            if why == DONE:
                break
        yield self._handed_out(out)

    def _apart(self, why: int, octets: Octets, rows: Ints) -> Datagrams:
        """Do what the kernel stopped for; returns the messages that this completes."""
        scalars = self._scalars
        at = int(scalars[S_AT])
        if why == UNKNOWN:
            self._place(rows[at])
        elif why == SECOND:
            ts = int(rows[at, D_TS])
            made = self._assembler.advance(ts)
            scalars[S_CLOCK], scalars[S_SECOND] = ts, ts // _NS
            return made
        elif why != LATE:
            assert why in (ODD, OTHER)
            if why == ODD and self._places[scalars[S_PLACE], FLOW_STATE] == HERE:
                self._give(int(scalars[S_PLACE]))
            end = _run_end(rows, at)
            made = self._by_assembler(octets, rows[at:end])
            scalars[S_AT] = end
            return made
        return Datagrams(octets[:0], rows[:0, :D_COLUMNS])

    def _given_up(self, octets: Octets, rows: Ints) -> list[Datagrams]:
        """Hand segments that came before their turn to the assembler, with their streams, as of when they came."""
        ahead = self._ahead[: self._scalars[S_TOP]]
        ahead = ahead[ahead[:, A_PLACE] >= 0]
        parts = []
        for place, at, clock, tick in ahead[np.argsort(ahead[:, A_TICK])].tolist():
            self._give(place)
            self._assembler.advance(clock, tick - 1)
            parts.append(self._assembler.receive(Datagrams(octets, rows[at : at + 1])))
        self._scalars[[S_AHEAD, S_TOP]] = 0
        self._scalars[S_WAITS] = self._assembler.waits
        return parts

    def _added(self, out: Datagrams, made: Datagrams) -> bool:
        """Put messages behind those that wait to be handed out; False when there is no room for them."""
        row, used = int(self._scalars[S_ROWS]), int(self._scalars[S_OCTETS])
        rows, octets = len(made.rows), len(made.octets)
        if row + rows > len(out.rows) or used + octets > len(out.octets):
            return False
        out.octets[used : used + octets] = made.octets
        out.rows[row : row + rows] = made.rows
        out.rows[row : row + rows, D_OFFSET] += used
        self._scalars[S_ROWS] += rows
        self._scalars[S_OCTETS] += octets
        return True

    def close(self) -> None:
        """Hand every part of a message to the assembler, in the order of their last segments."""
        parts = np.flatnonzero((self._places[:, FLOW_STATE] == HERE) & (self._places[:, STREAM_KEPT] > 0))
        for place in parts[np.argsort(self._places[parts, STREAM_USED], kind="stable")].tolist():
            self._give(place)

    def surrender(self, row: Ints) -> None:
        """Let the assembler have the stream of a row."""
        self._name(row)
        place = flow_place(self._places, self._scalars)
        if place >= 0 and self._places[place, FLOW_STATE] == HERE:
            self._give(place)

    def _next_batch(self) -> Datagrams:
        self._batch_no = (self._batch_no + 1) % BATCHES
        if self._batch_no == len(self._batches):
            rows = np.empty((ROWS, D_COLUMNS), dtype=np.int64)
            self._batches.append(Datagrams(np.empty(ARENA, dtype=np.uint8), rows))
        self._scalars[[S_ROWS, S_OCTETS]] = 0
        return self._batches[self._batch_no]

    def _handed_out(self, out: Datagrams) -> Datagrams:
        return Datagrams(out.octets, out.rows[: self._scalars[S_ROWS]])

    def _by_assembler(self, octets: Octets, rows: Ints) -> Datagrams:
        """Rows through the assembler; a stream comes back as soon as nothing of it is left there."""
        self._assembler.advance(int(self._scalars[S_CLOCK]), int(self._scalars[TICK]))
        is_segment = rows[:, R_KIND] == RAW_SEGMENT
        is_sip = rows[:, R_INFO] >> 8 == FLOW_SIP
        for row in rows[is_segment & ~is_sip]:
            self.surrender(row)  # a flow that was SIP's, and begins anew as something else
        made = self._assembler.receive(Datagrams(octets, rows))
        clock = max(int(self._scalars[S_CLOCK]), int(rows[:, D_TS].max()))
        self._scalars[S_CLOCK], self._scalars[S_SECOND] = clock, clock // _NS
        for row in rows[is_segment & is_sip]:
            self._name(row)
            place = flow_place(self._places, self._scalars)
            back = self._assembler.connections.release(flow_key(row.tolist()))
            if place >= 0 and back is not None:
                first, next_seq = back
                self._take(place, MISSING if first is None else first, next_seq)
        return made

    def _name(self, row: Ints) -> None:
        key = flow_key(row.tolist())
        tail = flow_tail(key.network, key.src_port << 16 | key.dst_port, OF_TCP)
        self._scalars[KEY : KEY + FLOW_TAIL + 1] = *key.src, *key.dst, tail

    def _place(self, row: Ints) -> None:
        """Give the stream of a row a place here, or note that the assembler has it."""
        self._name(row)
        place = flow_place(self._places, self._scalars)
        victim = self._places[-1 - place]
        if victim[FLOW_STATE] == HERE and victim[STREAM_KEPT]:
            key = self._scalars[KEY : KEY + FLOW_TAIL + 1].copy()
            self._give(-1 - place)
            self._scalars[KEY : KEY + FLOW_TAIL + 1] = key
        known = self._assembler.connections.known(flow_key(row.tolist()))
        place = take_place(self._places, self._scalars, place, ELSEWHERE, MISSING)
        first = int(row[R_FIRST])
        # A reset may have any sequence number: it does not tell where a stream goes on that began unseen.
        is_reset = bool(row[R_INFO] & TCP_RST)
        if known is None and not (is_reset and first == MISSING):
            self._take(place, first, int(row[R_SEQ]) if first == MISSING else first)

    def _take(self, place: int, first: int, next_seq: int) -> None:
        stream = self._places[place]
        stream[FLOW_STATE] = HERE
        stream[STREAM_FIRST] = first
        stream[STREAM_NEXT] = next_seq
        stream[STREAM_SLOT] = -1
        stream[STREAM_KEPT] = stream[STREAM_AHEAD] = 0

    def _give(self, place: int) -> None:
        """Hand a stream and its part of a message to the assembler."""
        stream, slot = self._places[place], int(self._places[place, STREAM_SLOT])
        src, dst, tail = tuple(stream[0:2].tolist()), tuple(stream[2:4].tolist()), int(stream[FLOW_TAIL])
        network, ports = flow_of_tail(tail)
        key = FlowKey(network, src, dst, ports >> 16, ports & 0xFFFF)
        octets = b""
        row = [0] * R_COLUMNS
        if stream[STREAM_KEPT]:
            octets = self._buffers[slot, : stream[STREAM_KEPT]].tobytes()
            row = self._kept[slot].tolist()
            self._links[slot], self._scalars[S_FREE] = self._scalars[S_FREE], slot
        first = None if stream[STREAM_FIRST] == MISSING else int(stream[STREAM_FIRST])
        clock, used = int(self._scalars[S_CLOCK]), int(stream[STREAM_USED])
        self._assembler.connections.adopt(key, first, int(stream[STREAM_NEXT]), row, octets, clock, used)
        stream[FLOW_STATE], stream[STREAM_SLOT] = ELSEWHERE, -1
        stream[STREAM_KEPT] = stream[STREAM_AHEAD] = 0


def _doubled(array: Any) -> Any:
    """An array with room for as many rows more, of which no memory is taken before they are used."""
    made = np.empty((2 * len(array), *array.shape[1:]), dtype=array.dtype)
    made[: len(array)] = array
    return made


def _run_end(rows: Ints, at: int) -> int:
    """How far the rows from ``at`` on are all for the assembler: further ones may be, but are asked about singly."""
    if _is_for_kernel(rows[at]):
        return at + 1
    end = at + 1
    while end < len(rows) and not _is_for_kernel(rows[end]):
        end += 1
    return end


def _is_for_kernel(row: Ints) -> bool:
    kind = row[R_KIND]
    return kind in (RAW_MESSAGE, RAW_HEP) or bool(kind == RAW_SEGMENT and row[R_INFO] >> 8 == FLOW_SIP)
