"""User messages out of SCTP packets: RFC 9260 §3 and §6.9 (DATA), RFC 8260 §2.1 (I-DATA).

A user message is the chunks from B to E of one stream, by consecutive TSNs (I-DATA: by the numbers of the message and
of its fragments), in whatever order they come; a repeated TSN is dropped. Messages are handed out when they are
complete, not in the order of their streams: SIP does not depend on it. Checksums are not judged, as offloading cards
fill them in behind the capture.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import NamedTuple

from analyzer.batch import D_CAPTURE_NO, D_FRAME_NO, D_TS
from analyzer.capture.scapy_packets import Begins
from analyzer.capture.streams import Row
from analyzer.issues import IssueLog, IssueNote
from analyzer.sip.start_kernels import SIP_MESSAGE

ASSOCIATIONS = 4_096
RUNS = 4_096
OCTETS = 16 << 20
WAITING_NS = 30_000_000_000
MESSAGE_OCTETS = 65_535
#: TSNs of an association that are remembered, so that a repeated one is known.
SEEN_TSNS = 1_024

_DATA, _I_DATA = 0, 64
_HEADER = {_DATA: 16, _I_DATA: 20}
_END, _BEGIN, _UNORDERED = 1, 2, 4
_CHUNK_OCTETS = 128  # what a chunk costs beside its octets
_WORD = 1 << 32


class UserMessage(NamedTuple):
    """One message. ``start`` is where it stands in the packet that completed it; None when in several pieces."""

    octets: bytes
    wire_length: int
    start: int | None
    src_port: int
    dst_port: int


class _Chunk(NamedTuple):
    tsn: int
    stream: tuple[int, ...]  # what the chunks of one message have in common
    order: int  # consecutive in one message
    flags: int
    octets: bytes
    missing: int
    start: int


class _Run:
    """Consecutive chunks of one message that is not complete."""

    def __init__(self, chunk: _Chunk, clock: int, number: int, row: Row) -> None:
        self.first = self.last = chunk.order
        self.stream = chunk.stream
        self.has_begin = bool(chunk.flags & _BEGIN)
        self.has_end = bool(chunk.flags & _END)
        self.parts: deque[bytes] = deque([chunk.octets])
        self.length = len(chunk.octets)
        self.missing = chunk.missing
        self.clock = clock
        self.number = number
        self.row = row

    @property
    def cost(self) -> int:
        return self.length + _CHUNK_OCTETS * len(self.parts)

    def join(self, behind: _Run) -> None:
        """Take in the run whose first chunk follows this one's last."""
        if len(behind.parts) > len(self.parts):
            behind.parts.extendleft(reversed(self.parts))
            self.parts = behind.parts
        else:
            self.parts.extend(behind.parts)
        self.length += behind.length
        self.last, self.has_end, self.missing = behind.last, behind.has_end, behind.missing
        if behind.number < self.number:
            self.clock, self.number, self.row = behind.clock, behind.number, behind.row


class _Association:
    """One direction of an association: the TSNs seen, and the runs by stream and their first and last chunk."""

    def __init__(self) -> None:
        self.seen: OrderedDict[int, None] = OrderedDict()
        self.by_first: dict[tuple[tuple[int, ...], int], _Run] = {}
        self.by_last: dict[tuple[tuple[int, ...], int], _Run] = {}
        self.carries_sip = False


class Associations:
    """Packets in, user messages that begin with SIP out; within bounds, what is given up is `sctp.incomplete`."""

    def __init__(self, issues: IssueLog, begins: Begins) -> None:
        self._issues = issues
        self._begins = begins
        self._associations: OrderedDict[tuple[object, ...], _Association] = OrderedDict()
        self._runs: OrderedDict[tuple[_Association, int], _Run] = OrderedDict()  # by association and number
        self._octets = 0
        self._number = 0

    def receive(
        self, place: tuple[object, ...], octets: bytes, missing: int, row: Row, clock: int
    ) -> list[UserMessage]:
        """The messages that a packet completes; ``place`` is its network and addresses."""
        if len(octets) < 12:
            return []
        key = (place, octets[:8])  # ports and verification tag
        association = self._associations.get(key)
        if association is None:
            association = self._associations[key] = _Association()
            if len(self._associations) > ASSOCIATIONS:
                self._end(self._associations.popitem(last=False)[1])
        self._associations.move_to_end(key)
        ports = int.from_bytes(octets[:2], "big"), int.from_bytes(octets[2:4], "big")
        messages = []
        for chunk in _chunks(octets, missing):
            if chunk.tsn in association.seen:
                continue
            association.seen[chunk.tsn] = None
            if len(association.seen) > SEEN_TSNS:
                association.seen.popitem(last=False)
            whole = self._whole(association, chunk, row, clock)
            if whole is not None and self._begins(whole[0], whole[1]) == SIP_MESSAGE:
                association.carries_sip = True
                messages.append(UserMessage(*whole, *ports))
        while len(self._runs) > RUNS or self._octets > OCTETS:
            self._give_up(*next(iter(self._runs)))
        return messages

    @property
    def waits(self) -> bool:
        """Whether anything waits for the clock."""
        return bool(self._runs)

    def due(self, clock: int) -> None:
        """Give up the messages whose first chunk came too long ago."""
        for key in [key for key, run in self._runs.items() if clock - run.clock >= WAITING_NS]:
            self._give_up(*key)

    def close(self) -> None:
        """Give up what is still waiting."""
        for key in list(self._runs):
            self._give_up(*key)

    def _whole(
        self, association: _Association, chunk: _Chunk, row: Row, clock: int
    ) -> tuple[bytes, int, int | None] | None:
        """The message that a chunk completes: octets, octets sent, where it stands in the packet."""
        if chunk.flags & _BEGIN and chunk.flags & _END:
            return chunk.octets, len(chunk.octets) + chunk.missing, chunk.start
        self._number += 1
        run = _Run(chunk, clock, self._number, row)
        before = association.by_last.get((run.stream, (chunk.order - 1) % _WORD))
        if before and not run.has_begin and not before.has_end and not before.missing:
            self._take_out(association, before)
            before.join(run)
            run = before
        behind = association.by_first.get((run.stream, (chunk.order + 1) % _WORD))
        if behind and not run.has_end and not behind.has_begin and not run.missing:
            self._take_out(association, behind)
            run.join(behind)
        if run.length > MESSAGE_OCTETS:
            self._note(run, "more than 65,535 octets")
            return None
        if run.has_begin and run.has_end:
            return b"".join(run.parts), run.length + run.missing, None
        association.by_first[run.stream, run.first] = association.by_last[run.stream, run.last] = run
        self._runs[association, run.number] = run
        self._octets += run.cost
        return None

    def _take_out(self, association: _Association, run: _Run) -> None:
        # A TSN that was forgotten and comes again may have put another run in this one's place.
        for runs, order in ((association.by_first, run.first), (association.by_last, run.last)):
            if runs.get((run.stream, order)) is run:
                del runs[run.stream, order]
        del self._runs[association, run.number]
        self._octets -= run.cost

    def _give_up(self, association: _Association, number: int) -> None:
        run = self._runs[association, number]
        self._take_out(association, run)
        beginning = run.parts[0]
        is_sip = association.carries_sip
        if run.has_begin:
            is_sip = self._begins(beginning, len(beginning) + 1) == SIP_MESSAGE
        if is_sip:
            self._note(run, "chunks are missing")

    def _end(self, association: _Association) -> None:
        for key in [key for key in self._runs if key[0] is association]:
            self._give_up(*key)

    def _note(self, run: _Run, detail: str) -> None:
        row = run.row
        self._issues.add(IssueNote("sctp.incomplete", row[D_CAPTURE_NO], row[D_TS], row[D_FRAME_NO], detail=detail))


def _chunks(octets: bytes, missing: int) -> list[_Chunk]:
    """The DATA and I-DATA chunks of a packet, to the first that is damaged; the last one may be cut."""
    chunks = []
    at = 12
    while at + 4 <= len(octets):
        kind, flags, length = octets[at], octets[at + 1], int.from_bytes(octets[at + 2 : at + 4], "big")
        if length < 4 or at + length > len(octets) + missing:
            break
        size = _HEADER.get(kind)
        if size is not None and length > size and at + size <= len(octets):
            tsn = int.from_bytes(octets[at + 4 : at + 8], "big")
            stream: tuple[int, ...] = kind, int.from_bytes(octets[at + 8 : at + 10], "big")
            order = tsn
            if kind == _I_DATA:
                stream = (*stream, flags & _UNORDERED, int.from_bytes(octets[at + 12 : at + 16], "big"))
                order = 0 if flags & _BEGIN else int.from_bytes(octets[at + 16 : at + 20], "big")
            data = octets[at + size : at + length]
            cut = length - size - len(data)
            chunks.append(_Chunk(tsn, stream, order, flags, data, cut, at + size))
        at += (length + 3) & ~3
    return chunks
