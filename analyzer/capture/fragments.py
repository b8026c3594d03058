"""IP datagrams out of their fragments, RFC 791 §3.2 and RFC 8200 §4.5, in any order.

A fragment that overlaps another one with different octets condemns its datagram (RFC 5722); what repeats octets that
are there is dropped. The datagrams that were just completed are remembered, so that a second copy of the packets leaves
no half datagram behind as an issue.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import OrderedDict
from typing import NamedTuple

from analyzer.batch import D_CAPTURE_NO, D_FRAME_NO, D_TS
from analyzer.capture.scapy_packets import Begins
from analyzer.capture.streams import Row
from analyzer.issues import IssueLog, IssueNote
from analyzer.sip.start_kernels import SIP_MESSAGE

DATAGRAMS = 4_096
OCTETS = 16 << 20
DATAGRAM_OCTETS = 65_535
WAITING_NS = 30_000_000_000
#: What a fragment costs beside its octets.
_PIECE_OCTETS = 128
_UDP = 17


class FragmentKey(NamedTuple):
    """The fragments of one datagram have this in common; halves of addresses."""

    network: int
    src: tuple[int, int]
    dst: tuple[int, int]
    protocol: int
    identification: int


class _Datagram:
    """The fragments of one datagram by their places. ``total`` is known with the last one."""

    def __init__(self, clock: int, row: Row) -> None:
        self.clock = clock
        self.row = row
        self.places: list[int] = []
        self.pieces: list[bytes] = []
        self.total: int | None = None
        self.missing = 0  # octets at its end that were not captured
        self.held = 0  # octets of all pieces
        self.is_condemned = False

    def has_other(self, start: int, octets: bytes) -> bool:
        """Whether octets that are there differ from these."""
        at = max(bisect_left(self.places, start + 1) - 1, 0)
        while at < len(self.places) and self.places[at] < start + len(octets):
            place, piece = self.places[at], self.pieces[at]
            low, high = max(place, start), min(place + len(piece), start + len(octets))
            if low < high and piece[low - place : high - place] != octets[low - start : high - start]:
                return True
            at += 1
        return False

    def add(self, start: int, octets: bytes) -> int:
        """Put in what is not there yet; how much that costs."""
        cost = 0
        at = max(bisect_left(self.places, start + 1) - 1, 0)
        end = start + len(octets)
        position = start
        while position < end:
            while at < len(self.places) and self.places[at] + len(self.pieces[at]) <= position:
                at += 1
            if at < len(self.places) and self.places[at] <= position:
                position = self.places[at] + len(self.pieces[at])
                continue
            stop = min(end, self.places[at]) if at < len(self.places) else end
            piece = octets[position - start : stop - start]
            self.places.insert(at, position)
            self.pieces.insert(at, piece)
            self.held += len(piece)
            cost += len(piece) + _PIECE_OCTETS
            position = stop
        return cost

    @property
    def cost(self) -> int:
        return self.held + _PIECE_OCTETS * len(self.pieces)

    @property
    def end(self) -> int:
        return self.places[-1] + len(self.pieces[-1]) if self.places else 0


class Fragments:
    """Puts datagrams together within bounds; what is given up becomes an issue when SIP may have been in it."""

    def __init__(self, issues: IssueLog, begins: Begins) -> None:
        self._issues = issues
        self._begins = begins
        self._datagrams: OrderedDict[FragmentKey, _Datagram] = OrderedDict()
        self._octets = 0
        self._completed: OrderedDict[FragmentKey, bytes] = OrderedDict()
        self._completed_octets = 0

    def receive(
        self, key: FragmentKey, start: int, has_more: bool, octets: bytes, missing: int, row: Row, clock: int
    ) -> tuple[bytes, int] | None:
        """The payload of the datagram that this fragment completes, and how long it was sent; else None.

        ``missing`` octets at the fragment's end were not captured: those of the last one leave the payload cut, those
        of another one never come.
        """
        datagram = self._datagrams.get(key)
        if datagram is None:
            datagram = self._datagrams[key] = _Datagram(clock, row)
        if datagram.is_condemned:
            return None
        sent = start + len(octets) + missing
        if sent > DATAGRAM_OCTETS:
            self._condemn(datagram, row, "ip.bad_length", f"a fragment ends at octet {sent}")
            return None
        is_contradiction = datagram.total is not None and (
            sent > datagram.total if has_more else sent != datagram.total
        )
        if is_contradiction or datagram.has_other(start, octets) or (not has_more and datagram.end > sent):
            self._condemn(datagram, row, "ip.fragment_overlap", "")
            return None
        if not has_more:
            datagram.total, datagram.missing = sent, missing
            datagram.row = row
        self._octets += datagram.add(start, octets)
        if datagram.total is not None and datagram.held >= datagram.total - datagram.missing:
            payload = b"".join(datagram.pieces)
            self._drop(key)
            self._remember(key, payload)
            return payload, datagram.total
        while len(self._datagrams) > DATAGRAMS or self._octets > OCTETS:
            self._give_up(next(iter(self._datagrams)), "too many fragments wait")
        return None

    @property
    def waits(self) -> bool:
        """Whether anything waits for the clock."""
        return bool(self._datagrams)

    def due(self, clock: int) -> None:
        """Give up the datagrams whose first fragment came too long ago."""
        while self._datagrams:
            key, datagram = next(iter(self._datagrams.items()))
            if clock - datagram.clock < WAITING_NS:
                break
            self._give_up(key, "fragments are missing")

    def close(self) -> None:
        """Give up what is still waiting."""
        for key in list(self._datagrams):
            self._give_up(key, "fragments are missing")

    def _drop(self, key: FragmentKey) -> _Datagram:
        datagram = self._datagrams.pop(key)
        self._octets -= datagram.cost
        return datagram

    def _remember(self, key: FragmentKey, payload: bytes) -> None:
        self._completed_octets += len(payload) - len(self._completed.pop(key, b""))
        self._completed[key] = payload
        while len(self._completed) > DATAGRAMS or self._completed_octets > OCTETS:
            self._completed_octets -= len(self._completed.popitem(last=False)[1])

    def _condemn(self, datagram: _Datagram, row: Row, code: str, detail: str) -> None:
        """Refuse a datagram; its key is kept, so that the rest of it is refused too."""
        self._octets -= datagram.cost
        datagram.places, datagram.pieces, datagram.held = [], [], 0
        datagram.is_condemned = True
        self._note(row, code, detail)

    def _give_up(self, key: FragmentKey, why: str) -> None:
        datagram = self._drop(key)
        if not datagram.is_condemned and self._may_hold_sip(key, datagram):
            self._note(datagram.row, "ip.fragment", why)

    def _may_hold_sip(self, key: FragmentKey, datagram: _Datagram) -> bool:
        """Not when its beginning is something else, or when it repeats a datagram that was complete."""
        known = self._completed.get(key, b"")
        pairs = zip(datagram.places, datagram.pieces, strict=True)
        if known and all(known.startswith(piece, place) for place, piece in pairs):
            return False
        if not datagram.places or datagram.places[0] or key.protocol != _UDP:
            return True
        payload = datagram.pieces[0][8:]
        return self._begins(payload, len(payload) + 1) == SIP_MESSAGE

    def _note(self, row: Row, code: str, detail: str) -> None:
        self._issues.add(IssueNote(code, row[D_CAPTURE_NO], row[D_TS], row[D_FRAME_NO], detail=detail))
