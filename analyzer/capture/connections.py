"""TCP flows: their segments put in order, read by what they carry, and kept within bounds (docs/transports.md, TCP)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from analyzer.batch import (
    D_CAPTURE_NO,
    D_FRAME_NO,
    D_IP_ID,
    D_TS,
    FLOW_HEP,
    FLOW_OTHER,
    FLOW_SIP,
    FLOW_TLS,
    FLOW_UNDECIDED,
    FLOW_WEBSOCKET,
)
from analyzer.capture.carriers import Connection, SipCarrier, TlsCarrier, WebSocketCarrier
from analyzer.capture.flows import SEARCHED_SEGMENTS, FlowKey, content, start_line_within
from analyzer.capture.framing import Framed
from analyzer.capture.hep import HepStream
from analyzer.capture.opaque import Pairs
from analyzer.capture.rows import Rows, message_row, place_in_file
from analyzer.capture.scapy_packets import Begins
from analyzer.capture.streams import End, Event, Gap, Piece, Row
from analyzer.capture.tcp_flow import TcpFlow
from analyzer.issues import IssueLog, IssueNote
from analyzer.vocab import Transport

#: Flows that are remembered, flows with a part of a message, flows and octets that wait behind a gap.
FLOWS = 16_384
PARTIAL_FLOWS = 4_096
WAITING_FLOWS = 4_096
WAITING_OCTETS = 64 << 20


class Connections:
    """Segments in, messages into ``rows``.

    ``connect`` makes a TLS connection, ``take_hep`` takes a HEP packet out of a stream: its row, its octets, where
    they stand in the file.
    """

    def __init__(
        self,
        issues: IssueLog,
        begins: Begins,
        rows: Rows,
        connect: Callable[[], Connection],
        take_hep: Callable[[Row, bytes, int | None], None],
    ) -> None:
        self._issues = issues
        self._begins = begins
        self._rows = rows
        self._pairs = Pairs(connect)
        self._take_hep = take_hep
        self._flows: OrderedDict[FlowKey, TcpFlow] = OrderedDict()
        self._partial: OrderedDict[FlowKey, TcpFlow] = OrderedDict()
        self._waiting: dict[FlowKey, TcpFlow] = {}
        self._waiting_octets = 0

    @property
    def opaque(self) -> dict[int, tuple[int, int]]:
        """Connections of TLS that could not be read, and their octets, by capture."""
        return self._pairs.opaque

    def receive(
        self, key: FlowKey, kind: int, seq: int, first: int | None, flags: int, row: Row, octets: bytes, missing: int,
        clock: int, number: int,
    ) -> None:  # fmt: skip
        """Take a segment of a flow that carries ``kind`` (FLOW_*)."""
        flow = self._flows.get(key)
        if flow is not None and first is not None and first != flow.stream.first:
            self._finish(flow)
            flow = None
        if kind == FLOW_OTHER:
            if flow is not None and flow.kind == FLOW_UNDECIDED:
                self._forget(flow)
            return
        if flow is None:
            flow = self._new(key, first, row)
        self._flows.move_to_end(key)
        flow.number = number
        if flow.kind == FLOW_UNDECIDED and kind != FLOW_UNDECIDED:
            self._decided(flow, kind)
        if flow.kind == FLOW_OTHER:
            return
        flow.stream.receive(seq, octets, missing, flags, row, clock, number)
        self._follow(flow)

    def _new(self, key: FlowKey, first: int | None, row: Row) -> TcpFlow:
        flow = self._flows[key] = TcpFlow(key, first, row, self._begins)
        if len(self._flows) > FLOWS:
            self._finish(next(iter(self._flows.values())))
        return flow

    def known(self, key: FlowKey) -> tuple[int, int | None] | None:
        """What a flow that is being read carries and its first sequence number; None when there is none such."""
        flow = self._flows.get(key)
        return None if flow is None else (flow.kind, flow.stream.first)

    @property
    def waits(self) -> bool:
        """Whether anything waits for the clock."""
        return bool(self._waiting)

    def adopt(
        self, key: FlowKey, first: int | None, next_seq: int, row: Row, octets: bytes, clock: int, number: int
    ) -> None:
        """Take over a flow of SIP that somebody else has read up to ``next_seq``, but for ``octets`` of a message."""
        flow = self._new(key, first, row)
        flow.number = number
        seq = (next_seq - len(octets)) % (1 << 32)
        flow.stream.resume(seq)
        self._decided(flow, FLOW_SIP)
        if octets:
            flow.stream.receive(seq, octets, 0, 0, row, clock, number)
        self._follow(flow)

    def release(self, key: FlowKey) -> tuple[int | None, int] | None:
        """Give a flow of SIP back if nothing of it is left over here: its first and its next sequence number."""
        flow = self._flows.get(key)
        if flow is None or not isinstance(flow.carrier, SipCarrier) or not flow.carrier.is_between:
            return None
        next_seq = flow.stream.next_seq
        if next_seq is None or flow.stream.oldest is not None:
            return None
        self._forget(flow)
        return flow.stream.first, next_seq

    def due(self, clock: int) -> None:
        """Pass every gap behind which something has waited long enough."""
        waiting = [(oldest[1], flow) for flow in self._waiting.values() if (oldest := flow.stream.oldest)]
        for _, flow in sorted(waiting, key=lambda pair: pair[0]):
            flow.stream.due(clock)
            self._follow(flow)

    def close(self) -> None:
        """End every flow, in the order of their last segments."""
        for flow in sorted(self._flows.values(), key=lambda flow: flow.number):
            self._finish(flow)

    # -- one flow -----------------------------------------------------------------------------------------------

    def _finish(self, flow: TcpFlow) -> None:
        """No more of it comes."""
        flow.stream.give_up()
        self._follow(flow, is_last=True)
        self._end(flow)
        self._forget(flow)

    def _forget(self, flow: TcpFlow) -> None:
        self._flows.pop(flow.key, None)
        self._partial.pop(flow.key, None)
        self._waiting.pop(flow.key, None)
        self._waiting_octets -= flow.waiting_octets
        if flow.pair is not None:
            self._pairs.leave(flow.pair)

    def _follow(self, flow: TcpFlow, is_last: bool = False) -> None:
        """Read what the stream has delivered, then hold the bounds."""
        for event in flow.stream.taken():
            self._event(flow, event)
        self._waiting_octets += flow.stream.waiting_octets - flow.waiting_octets
        flow.waiting_octets = flow.stream.waiting_octets
        if flow.stream.oldest is None:
            self._waiting.pop(flow.key, None)
        else:
            self._waiting.setdefault(flow.key, flow)
        if flow.pending:
            self._partial[flow.key] = flow
            self._partial.move_to_end(flow.key)
        else:
            self._partial.pop(flow.key, None)
        if is_last:
            return
        while self._waiting_octets > WAITING_OCTETS or len(self._waiting) > WAITING_FLOWS:
            oldest = next(iter(self._waiting.values()))
            self._note(oldest.row, "tcp.bound", f"{oldest.waiting_octets} octets waited behind a gap")
            oldest.stream.give_up()
            self._follow(oldest)
        if len(self._partial) > PARTIAL_FLOWS:
            oldest = next(iter(self._partial.values()))
            self._note(oldest.row, "tcp.bound", f"{oldest.pending} octets of a part of a message")
            self._interrupt(oldest, 0)
            self._partial.pop(oldest.key, None)

    def _event(self, flow: TcpFlow, event: Event) -> None:
        if flow.kind == FLOW_OTHER:
            return
        if isinstance(event, Piece):
            if flow.kind == FLOW_UNDECIDED:
                self._judge(flow, event)
            else:
                self._read(flow, event)
        elif isinstance(event, Gap):
            if flow.kind == FLOW_UNDECIDED:
                flow.head.clear()
                flow.beginning.octets.clear()
                flow.gaps.append(event)
                flow.searched = max(flow.searched, 0)
            else:
                self._note_gap(event)
                self._interrupt(flow, event.octets)
        elif isinstance(event, End):
            self._end(flow)

    def _judge(self, flow: TcpFlow, piece: Piece) -> None:
        """A piece of a flow that is undecided: the flow's first octets tell what it carries, or those behind a gap."""
        if flow.searched >= 0:
            flow.searched += 1
            kind = content(piece.octets, self._begins, flow.key.is_tls_port)
            if kind == FLOW_OTHER and start_line_within(piece.octets, self._begins):
                self._decided(flow, FLOW_SIP)
            elif kind != FLOW_OTHER:
                self._decided(flow, kind)
            elif flow.searched >= SEARCHED_SEGMENTS:
                flow.kind = FLOW_OTHER
            if flow.kind not in (FLOW_OTHER, FLOW_UNDECIDED):
                self._read(flow, piece)
            return
        flow.head.append(piece)
        kind = flow.beginning.receive(piece.octets)
        if kind == FLOW_OTHER:
            flow.kind = FLOW_OTHER
            flow.head.clear()
            flow.beginning.octets.clear()
        elif kind != FLOW_UNDECIDED:
            self._decided(flow, kind)

    def _decided(self, flow: TcpFlow, kind: int) -> None:
        """From now on it is known what the flow carries; what came so far is read."""
        flow.kind = kind
        if kind == FLOW_HEP:
            flow.hep = HepStream()
        elif kind == FLOW_TLS:
            flow.pair, direction = self._pairs.join(flow.key, flow.row[D_CAPTURE_NO])
            flow.carrier = TlsCarrier(flow.pair.connection, direction, self._begins)
        elif kind == FLOW_WEBSOCKET:
            flow.carrier = WebSocketCarrier(self._begins)
        else:
            flow.carrier = SipCarrier(self._begins)
        for gap in flow.gaps:
            self._note_gap(gap)
        head, flow.head, flow.gaps = flow.head, [], []
        flow.beginning.octets.clear()
        for piece in head:
            self._read(flow, piece)

    def _read(self, flow: TcpFlow, piece: Piece) -> None:
        if flow.hep is not None:
            before = flow.hep.position
            for position, packet in flow.hep.receive(piece.octets):
                offset = piece.start + position - before if position >= before else None
                self._take_hep(piece.row, packet, place_in_file(piece.row, offset))
            self._say(flow.hep.notes, piece.row)
            return
        carrier = flow.carrier
        assert carrier is not None
        flow.row = piece.row
        previous, flow.last = flow.last, (piece, carrier.position)
        for message in carrier.receive(piece.octets):
            is_of_previous = previous is not None and message.end <= flow.last[1]
            self._add(flow, message, previous if is_of_previous else flow.last)
        self._say(carrier.notes, piece.row)
        other = self._flows.get(flow.key.opposite) if flow.pair is not None else None
        if other is not None and other.pair is flow.pair and other.carrier is not None and other.last is not None:
            # What was sent here may open what the other side has sent before.
            for message in other.carrier.receive(b""):
                self._add(other, message, other.last)
            self._say(other.carrier.notes, other.row)

    def _interrupt(self, flow: TcpFlow, octets_missing: int) -> None:
        if flow.hep is not None:
            flow.hep.gap(octets_missing)
        elif flow.carrier is not None:
            for message in flow.carrier.gap(octets_missing):
                self._add(flow, message, flow.last)
            self._say(flow.carrier.notes, flow.row)
        flow.head.clear()
        flow.beginning.octets.clear()

    def _end(self, flow: TcpFlow) -> None:
        if flow.hep is not None:
            flow.hep.close()
        elif flow.carrier is not None:
            for message in flow.carrier.close():
                self._add(flow, message, flow.last)
            self._say(flow.carrier.notes, flow.row)

    def _add(self, flow: TcpFlow, message: Framed, last: tuple[Piece, int] | None) -> None:
        """Hand out a message, as of the segment that had its last octets."""
        assert last is not None
        assert flow.carrier is not None
        piece, before = last
        offset = None
        if message.first is not None and message.first >= before:
            offset = piece.start + message.first - before
        transport = flow.carrier.transport
        if transport in (Transport.WS, Transport.WSS):
            self._pairs.saw_websocket(piece.row[D_CAPTURE_NO])
        place = place_in_file(piece.row, offset)
        row = message_row(piece.row, message.wire_length, transport, flow.carrier.layers, place)
        row[D_IP_ID] = 0
        self._rows.add(row, message.octets)

    # -- issues -------------------------------------------------------------------------------------------------

    def _note_gap(self, gap: Gap) -> None:
        self._note(gap.row, "tcp.gap", f"{gap.octets} octets are missing")

    def _say(self, notes: list[tuple[str, int]], row: Row) -> None:
        for code, count in notes:
            if code == "tcp.resync":
                self._note(row, code, f"{count} octets were skipped")
            elif code == "tcp.bound":
                self._note(row, code, f"no header section ends within {count} octets")
            else:
                self._note(row, code, "")
        notes.clear()

    def _note(self, row: Row, code: str, detail: str) -> None:
        ts = row[D_TS]
        self._issues.add(IssueNote(code, row[D_CAPTURE_NO], ts, row[D_FRAME_NO], detail=detail))
