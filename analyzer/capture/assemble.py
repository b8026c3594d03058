"""Rows of the walk in, rows of whole messages out: the second stage of docs/transports.md.

Everything depends on the rows and their order alone, not on how they were cut into batches. The clock is the highest
time stamp that was seen; what has waited too long is looked at when it enters another second.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from analyzer.batch import (
    D_CAPTURE_NO,
    D_DST_HI,
    D_DST_LO,
    D_DST_PORT,
    D_FILE_OFFSET,
    D_FRAME_NO,
    D_IP_ID,
    D_LAYERS,
    D_LENGTH,
    D_NETWORK,
    D_OFFSET,
    D_SRC_HI,
    D_SRC_LO,
    D_SRC_PORT,
    D_TS,
    D_WIRE_LENGTH,
    MISSING,
    R_FIRST,
    R_INFO,
    R_KIND,
    R_SEQ,
    RAW_FRAGMENT,
    RAW_HEP,
    RAW_MESSAGE,
    RAW_SCTP,
    RAW_SEGMENT,
    Datagrams,
)
from analyzer.capture.carriers import Connection
from analyzer.capture.connections import Connections
from analyzer.capture.flows import TLS_PORTS, FlowKey, Flows
from analyzer.capture.fragments import FragmentKey, Fragments
from analyzer.capture.hep import hep_packet
from analyzer.capture.layer_kernels import L_FRAGMENT, L_HEP, L_SCTP, L_TCP, L_UDP
from analyzer.capture.rows import Rows, message_row, place_in_file, with_layers
from analyzer.capture.scapy_packets import Begins
from analyzer.capture.sctp import Associations
from analyzer.capture.streams import Row
from analyzer.issues import IssueLog, IssueNote
from analyzer.sip.start_kernels import BROKEN_START_LINE, SIP_MESSAGE
from analyzer.vocab import Transport

if TYPE_CHECKING:
    from analyzer.capture.tls_keylog import KeyLog

_SECOND = 1_000_000_000
_TCP, _UDP, _SCTP, _IDP = 6, 17, 132, 22
_SCTP_PORT = 9899  # SCTP in UDP, RFC 6951
#: Fragments within fragments.
_NESTED = 8

#: What walks down a packet that came out of fragments: protocol, source, destination, payload, row → rows of the walk.
Inner: TypeAlias = Callable[[int, tuple[int, int], tuple[int, int], bytes, Row], Datagrams]


class Assembler:
    """Puts together what comes in parts; ``begins`` is the content test, ``keys`` the secrets for TLS.

    ``inner`` walks down a reassembled packet that is neither SIP in UDP nor a stream; without it such packets are
    left out. ``connect`` makes TLS connections, from ``keys`` unless another way is given.
    """

    def __init__(
        self,
        issues: IssueLog,
        keys: KeyLog | None,
        begins: Begins,
        inner: Inner | None = None,
        connect: Callable[[], Connection] | None = None,
    ) -> None:
        self._issues = issues
        self._keys = keys
        self._begins = begins
        self._inner = inner
        self._clock = MISSING
        self._number = 0
        self._depth = 0
        self._rows = Rows()
        self._flows = Flows(begins)
        self._connections = Connections(issues, begins, self._rows, connect or self._connect, self._hep)
        self._fragments = Fragments(issues, begins)
        self._associations = Associations(issues, begins)

    @property
    def opaque(self) -> dict[int, tuple[int, int]]:
        """Connections of TLS on SIP's ports that could not be read, and their octets, by capture number."""
        return self._connections.opaque

    @property
    def connections(self) -> Connections:
        """The TCP flows."""
        return self._connections

    @property
    def waits(self) -> bool:
        """Whether anything waits for the clock."""
        return self._connections.waits or self._fragments.waits or self._associations.waits

    def advance(self, clock: int, number: int = 0) -> Datagrams:
        """Let the capture's clock pass; ``number`` is that of the last segment that somebody else has taken."""
        self._advance(clock)
        self._number = max(self._number, number)
        return self._rows.taken()

    def receive(self, raw: Datagrams) -> Datagrams:
        """The messages that these rows complete, in the order of the rows that completed them."""
        self._take(raw)
        return self._rows.taken()

    def close(self) -> Datagrams:
        """The messages that nothing completes any more."""
        self._connections.close()
        self._fragments.close()
        self._associations.close()
        return self._rows.taken()

    def _take(self, raw: Datagrams) -> None:
        for row in raw.rows.tolist():
            start = row[D_OFFSET]
            self._row(row, raw.octets[start : start + row[D_LENGTH]].tobytes())

    def _row(self, row: Row, octets: bytes) -> None:
        self._advance(row[D_TS])
        kind = row[R_KIND]
        missing = max(row[D_WIRE_LENGTH] - len(octets), 0)
        if kind == RAW_MESSAGE:
            self._rows.add(row, octets)
        elif kind == RAW_SEGMENT:
            first = None if row[R_FIRST] == MISSING else row[R_FIRST]
            flow_kind, flags = row[R_INFO] >> 8 & 255, row[R_INFO] & 255
            self._segment(flow_key(row), flow_kind, row[R_SEQ], first, flags, row, octets, missing)
        elif kind == RAW_FRAGMENT:
            self._fragment(row, octets, missing)
        elif kind == RAW_SCTP:
            self._sctp(row, octets, missing, 0)
        elif kind == RAW_HEP:
            self._hep(row, octets, place_in_file(row, 0), missing)

    def _advance(self, ts: int) -> None:
        if ts <= self._clock:
            return
        enters_second = ts // _SECOND != self._clock // _SECOND
        self._clock = ts
        if enters_second:
            self._connections.due(ts)
            self._fragments.due(ts)
            self._associations.due(ts)

    def _segment(
        self, key: FlowKey, kind: int, seq: int, first: int | None, flags: int, row: Row, octets: bytes, missing: int
    ) -> None:
        self._number += 1
        self._connections.receive(
            key, kind, seq, first, flags, row, octets, missing, self._clock, self._number
        )  # fmt: skip

    def _connect(self) -> Connection:
        from analyzer.capture.tls import TlsConnection
        from analyzer.capture.tls_keylog import KeyLog

        if self._keys is None:
            self._keys = KeyLog()
        return TlsConnection(self._keys)

    # -- fragments ----------------------------------------------------------------------------------------------

    def _fragment(self, row: Row, octets: bytes, missing: int) -> None:
        src, dst = addresses(row)
        protocol, identification = row[R_INFO] >> 32, row[R_INFO] & 0xFFFFFFFF
        key = FragmentKey(row[D_NETWORK], src, dst, protocol, identification)
        start, has_more = row[R_SEQ] >> 1, bool(row[R_SEQ] & 1)
        whole = self._fragments.receive(key, start, has_more, octets, missing, row, self._clock)
        if whole is None or self._depth >= _NESTED:
            return
        payload, sent = whole
        row = list(row)
        row[D_LAYERS] = with_layers(row[D_LAYERS], (L_FRAGMENT,))
        row[D_FILE_OFFSET] = MISSING
        self._depth += 1
        self._packet(protocol, payload, sent, row)
        self._depth -= 1

    def _packet(self, protocol: int, payload: bytes, sent: int, row: Row) -> None:
        """What a packet out of fragments carries; ``sent`` octets of payload were sent."""
        if protocol == _TCP and self._inner is None:
            self._tcp(payload, sent, row)
        elif protocol == _SCTP:
            row[D_LENGTH] = len(payload)
            self._sctp(row, payload, sent - len(payload), 0)
        elif protocol != _UDP or not self._udp(payload, sent, row):
            self._walk_on(protocol, payload, row)

    def _udp(self, payload: bytes, sent: int, row: Row) -> bool:
        """RFC 768, by the rules of `transport_kernels`. False when it is none that is read here."""
        if len(payload) < 8:
            return True
        row = list(row)
        row[D_SRC_PORT], row[D_DST_PORT] = (int.from_bytes(payload[n : n + 2], "big") for n in (0, 2))
        length = int.from_bytes(payload[4:6], "big")
        wire_length = (min(length, sent) if length else sent) - 8
        if wire_length < 0:
            return True
        content = payload[8 : 8 + wire_length]
        verdict = self._begins(content, wire_length)
        ports = row[D_SRC_PORT], row[D_DST_PORT]
        if verdict == SIP_MESSAGE:
            made = message_row(row, wire_length, Transport.UDP, (L_UDP,), None)
            self._rows.add(made, content)
        elif verdict == BROKEN_START_LINE:
            self._note(row, "sip.bad_start_line")
        elif content.startswith(b"HEP3"):
            row[D_LAYERS] = with_layers(row[D_LAYERS], (L_UDP,))
            self._hep(row, content, None, wire_length - len(content))
        elif _SCTP_PORT in ports:
            row[D_LAYERS] = with_layers(row[D_LAYERS], (L_UDP,))
            self._sctp(row, content, wire_length - len(content), 0)
        else:
            return False
        return True

    def _tcp(self, payload: bytes, sent: int, row: Row) -> None:
        """RFC 9293 §3.1."""
        header = (payload[12] >> 4) * 4 if len(payload) >= 20 else 0
        if header < 20 or header > len(payload):
            return
        row = list(row)
        row[D_SRC_PORT], row[D_DST_PORT] = (int.from_bytes(payload[n : n + 2], "big") for n in (0, 2))
        row[D_LAYERS] = with_layers(row[D_LAYERS], (L_TCP,))
        seq, flags = int.from_bytes(payload[4:8], "big"), payload[13]
        octets = payload[header:]
        key = flow_key(row)
        known = self._connections.known(key)
        segment = self._flows.receive(key, seq, flags, octets)
        if segment is not None:
            kind, first = segment.kind, segment.first
            if known is not None and first is None:
                kind, first = known
            self._segment(key, kind, segment.seq, first, flags, row, segment.payload, sent - len(payload))
        elif known is not None and (octets or flags & 5):
            self._segment(key, known[0], seq, known[1], flags, row, octets, sent - len(payload))

    def _walk_on(self, protocol: int, payload: bytes, row: Row) -> None:
        if self._inner is not None:
            self._take(self._inner(protocol, *addresses(row), payload, row))

    # -- SCTP and HEP -------------------------------------------------------------------------------------------

    def _sctp(self, row: Row, octets: bytes, missing: int, offset: int) -> None:
        place = (row[D_NETWORK], *addresses(row))
        for message in self._associations.receive(place, octets, missing, row, self._clock):
            at = place_in_file(row, message.start)
            made = message_row(row, message.wire_length, Transport.SCTP, (L_SCTP,), at)
            made[D_SRC_PORT], made[D_DST_PORT] = message.src_port, message.dst_port
            self._rows.add(made, message.octets)

    def _hep(self, row: Row, octets: bytes, file_offset: int | None, missing: int = 0) -> None:
        packet = hep_packet(octets, row[D_TS])
        if packet is None:
            self._note(row, "hep.bad_packet")
            return
        wire_length = len(packet.payload) + missing
        if self._begins(packet.payload, wire_length) != SIP_MESSAGE:
            return
        transport = {_TCP: Transport.TCP, _SCTP: Transport.SCTP, _IDP: Transport.TLS}.get(
            packet.protocol, Transport.UDP
        )
        if transport == Transport.TCP and TLS_PORTS & {packet.src_port, packet.dst_port}:
            transport = Transport.TLS
        at = None if packet.start is None or file_offset is None else file_offset + packet.start
        made = message_row(row, wire_length, transport, (L_HEP,), at)
        made[D_SRC_HI], made[D_SRC_LO] = packet.src
        made[D_DST_HI], made[D_DST_LO] = packet.dst
        made[D_SRC_PORT], made[D_DST_PORT] = packet.src_port, packet.dst_port
        made[D_NETWORK] = packet.network
        made[D_IP_ID] = 0
        if packet.ts != MISSING:
            made[D_TS] = packet.ts
        self._rows.add(made, packet.payload)

    def _note(self, row: Row, code: str) -> None:
        self._issues.add(IssueNote(code, row[D_CAPTURE_NO], row[D_TS], row[D_FRAME_NO]))


def addresses(row: Row) -> tuple[tuple[int, int], tuple[int, int]]:
    """Source and destination of a row, as halves."""
    return (row[D_SRC_HI], row[D_SRC_LO]), (row[D_DST_HI], row[D_DST_LO])


def flow_key(row: Row) -> FlowKey:
    """The flow that a row of a segment belongs to."""
    return FlowKey(row[D_NETWORK], *addresses(row), row[D_SRC_PORT], row[D_DST_PORT])
