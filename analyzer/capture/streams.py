"""The octets of one TCP flow in order of their sequence numbers, RFC 9293 §3.4.

What was delivered before is dropped; what is beyond the next expected octet waits. Waiting segments are delivered in
order of their sequence numbers, of equal ones the one that came first; each gives what is beyond what was delivered.
A segment that one waiting segment covers is dropped. When a gap is final is said in docs/transports.md; it is handed
out as a `Gap` and never filled.
"""

from __future__ import annotations

from bisect import insort
from typing import NamedTuple, TypeAlias

from analyzer.batch import TCP_FIN, TCP_RST

WAITING_SEGMENTS = 64
WAITING_OCTETS = 262_144
WAITING_NS = 2_000_000_000
#: A segment further behind than any window reaches belongs to another connection, whose SYN was not captured.
BEHIND_OCTETS = 1 << 20

_HALF = 1 << 31
_WORD = 1 << 32

#: A row of the walk (R_*), as Python numbers.
Row: TypeAlias = list[int]


class Piece(NamedTuple):
    """Octets in order: what is new of a segment, ``start`` octets into it."""

    octets: bytes
    start: int
    row: Row


class Gap(NamedTuple):
    """``octets`` are missing, for good; ``row`` is the segment behind them, or the one that was cut."""

    octets: int
    row: Row


class End(NamedTuple):
    """No more octets of this connection: FIN, RST, or a new connection in its place."""

    row: Row


Event: TypeAlias = Piece | Gap | End


class _Segment(NamedTuple):
    """A segment that waits. ``number`` orders segments by arrival, so that no two are equal."""

    position: int
    number: int
    clock: int
    octets: bytes
    missing: int
    is_end: bool
    row: Row

    @property
    def end(self) -> int:
        return self.position + len(self.octets) + self.missing


class Stream:
    """One direction of one connection; ``first`` is its first sequence number, None when the SYN was not seen."""

    def __init__(self, first: int | None) -> None:
        self.first = first
        self.waiting_octets = 0
        self._next = first
        self._waiting: list[_Segment] = []
        self._events: list[Event] = []

    @property
    def oldest(self) -> tuple[int, int] | None:
        """Clock and number of the segment that has waited longest; None when none waits."""
        if not self._waiting:
            return None
        oldest = min(self._waiting, key=lambda segment: segment.number)
        return oldest.clock, oldest.number

    @property
    def next_seq(self) -> int | None:
        """The sequence number that is expected; None before the first segment."""
        return None if self._next is None else self._next % _WORD

    def resume(self, seq: int) -> None:
        """Go on at a sequence number up to which somebody else has read."""
        self._next = seq

    def receive(self, seq: int, octets: bytes, missing: int, flags: int, row: Row, clock: int, number: int) -> None:
        """Take a segment: ``missing`` octets at its end were not captured; ``number`` grows with each segment.

        What it brings about is in `taken`. An RST ends the stream where it stands: its sequence number may be anything,
        and its octets are no part of the stream (RFC 9293 §3.5.3).
        """
        if flags & TCP_RST:
            self.give_up()
            self._events.append(End(row))
            return
        position = self._position(seq)
        segment = _Segment(position, number, clock, octets, missing, bool(flags & TCP_FIN), row)
        if self._next is None:
            self._next = position
        elif self._next - segment.end > BEHIND_OCTETS and (octets or missing):
            self.give_up()
            self._events.append(End(row))
            self._next = position
        if position > self._next:
            self._wait(segment)
        else:
            self._deliver(segment)
        self._drain()
        while len(self._waiting) >= WAITING_SEGMENTS or self.waiting_octets >= WAITING_OCTETS:
            self._pass_gap()

    def due(self, clock: int) -> None:
        """Pass the gaps behind which a segment has waited long enough."""
        while (oldest := self.oldest) is not None and clock - oldest[0] >= WAITING_NS:
            self._pass_gap()

    def give_up(self) -> None:
        """Pass all gaps: nothing that waits can come in order any more."""
        while self._waiting:
            self._pass_gap()

    def taken(self) -> list[Event]:
        """What has happened since the last call, in order."""
        events, self._events = self._events, []
        return events

    def _position(self, seq: int) -> int:
        """A sequence number without its wrap: the one that is nearest to what is expected."""
        if self._next is None:
            return seq
        return self._next + (seq - self._next + _HALF) % _WORD - _HALF

    def _wait(self, segment: _Segment) -> None:
        for other in self._waiting:
            if other.position <= segment.position and segment.end <= other.end and other.is_end >= segment.is_end:
                return
        if segment.octets or segment.missing or segment.is_end:
            insort(self._waiting, segment, key=lambda one: (one.position, one.number))
            self.waiting_octets += len(segment.octets)

    def _drain(self) -> None:
        while self._waiting and self._next is not None and self._waiting[0].position <= self._next:
            segment = self._waiting.pop(0)
            self.waiting_octets -= len(segment.octets)
            self._deliver(segment)

    def _pass_gap(self) -> None:
        assert self._next is not None
        segment = self._waiting[0]
        self._events.append(Gap(segment.position - self._next, segment.row))
        self._next = segment.position
        self._drain()

    def _deliver(self, segment: _Segment) -> None:
        assert self._next is not None
        start = self._next - segment.position
        if start < len(segment.octets):
            self._events.append(Piece(segment.octets[start:], start, segment.row))
            self._next = segment.position + len(segment.octets)
        if self._next < segment.end:
            self._events.append(Gap(segment.end - self._next, segment.row))
            self._next = segment.end
        if segment.is_end:
            self._events.append(End(segment.row))
