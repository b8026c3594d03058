"""Events on the wire that explain silence: ICMP errors, resets, SYNs without an answer, fatal alerts of TLS.

The walk hands them on among its rows, as signs (RAW_ICMP, RAW_SIGN); resets and alerts inside of streams that are read
are seen as their segments pass. What is about the same connection or quotes the same message is one event with a count.
Which of them concern SIP is known when everything has been read: a quote that begins with SIP does; else its ports
must be such from and to which SIP was seen.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np

from analyzer.batch import (
    D_CAPTURE_NO,
    D_DST_HI,
    D_DST_LO,
    D_DST_PORT,
    D_FRAME_NO,
    D_LENGTH,
    D_NETWORK,
    D_OFFSET,
    D_SRC_HI,
    D_SRC_LO,
    D_SRC_PORT,
    D_TRANSPORT,
    D_TS,
    FLOW_HEP,
    FLOW_SIP,
    FLOW_TLS,
    R_INFO,
    R_KIND,
    R_SEQ,
    RAW_SEGMENT,
    TCP_RST,
    Datagrams,
    Ints,
)
from analyzer.capture.address import address_text
from analyzer.capture.flow_table import FlowTable
from analyzer.capture.found_kernels import (
    RAW_ICMP,
    RAW_SIGN,
    SIGN_REFUSED,
    SIGN_RESET,
    SIGN_SYN_AGAIN,
    SIGN_SYN_ANSWERED,
)
from analyzer.capture.icmp import read_icmp
from analyzer.capture.tls_names import alert_name
from analyzer.sip.parse import ParseError, parse_message
from analyzer.vocab import EvidenceKind

#: Events kept, and connections that wait for an answer to their SYN; what comes beyond them is counted.
EVENTS = 10_000
CONNECTIONS = 4_096
#: What repeats an event within this time belongs to it (64·T1, RFC 3261 §17); what comes sooner is a copy.
REPEATS_NS = 32_000_000_000
COPY_NS = 10_000_000
#: A SYN is sent again after a second (RFC 6298 §2.1), by some stacks sooner; what comes before this is a copy.
SYN_NS = 150_000_000
SIP_PORTS = (5060, 5061)
_ALERT_OCTETS = 7

Address = tuple[int, int]
#: Of what an event is about: network, source and target with their ports.
Ends = tuple[int, Address, int, Address, int]


@dataclass
class WireEvent:
    """One event. ``src`` sent what the event is about, to ``dst``; ``sender`` is who says that it did not work.

    ``number`` is the ICMP code or alert description; ``quote`` the call of the SIP that an error quotes: Call-ID,
    From tag and method or status code, as far as they are quoted.
    """

    kind: EvidenceKind
    name: str
    number: int | None
    capture_no: int
    frame_no: int
    ts: int
    last_ts: int
    count: int
    network: int
    sender: str
    src: str
    src_port: int
    dst: str
    dst_port: int
    is_sip: bool
    is_stream: bool
    call_id: bytes | None = None
    from_tag: bytes | None = None
    method: str | None = None
    status_code: int | None = None


class WireEvents:
    """Collects events from the rows of the walk; `events` has those of SIP once everything was read."""

    def __init__(self, flows: FlowTable, ports: Collection[int] = SIP_PORTS) -> None:
        self._flows = flows
        self._listed: list[WireEvent] = []
        self._latest: dict[tuple[object, ...], WireEvent] = {}
        self._waiting: dict[Ends, WireEvent] = {}
        # Ports of SIP: of datagrams, of streams.
        self._spoken = np.zeros((2, 1 << 16), dtype=np.bool_)
        self._spoken[1, list(ports)] = True
        #: Events that found no room.
        self.left_out = 0

    def saw(self, rows: Ints) -> None:
        """Note from and to which ports SIP is sent; ``rows`` are those of whole messages."""
        is_stream = np.minimum(rows[:, D_TRANSPORT], 1)
        self._spoken[is_stream, rows[:, D_SRC_PORT] & 0xFFFF] = True
        self._spoken[is_stream, rows[:, D_DST_PORT] & 0xFFFF] = True

    def receive(self, raw: Datagrams) -> Datagrams:
        """Take the signs among these rows; returns the others."""
        kinds = raw.rows[:, R_KIND]
        if not kinds.any():
            return raw
        is_sign = kinds >= RAW_ICMP
        for row in np.flatnonzero(is_sign | _ends_stream(raw.rows)).tolist():
            line: list[int] = raw.rows[row].tolist()
            start = line[D_OFFSET]
            octets = raw.octets[start : start + line[D_LENGTH]].tobytes()
            if line[R_KIND] == RAW_ICMP:
                self._error(line, octets)
            elif line[R_KIND] == RAW_SIGN:
                self._sign(line, octets)
            elif line[R_INFO] & TCP_RST:
                self._reset(line, "reset", is_sip=line[R_INFO] >> 8 != FLOW_TLS)
            else:
                self._alert(line, octets)
        return Datagrams(raw.octets, raw.rows[~is_sign]) if is_sign.any() else raw

    def close(self) -> None:
        """Judge the connections of which only SYNs were seen."""
        while self._waiting:
            self._judge(next(iter(self._waiting)))

    def forget(self, before: int) -> list[WireEvent]:
        """Let go of what was last seen before a time, ns, in a run without an end; returns what of it concerns SIP.

        SYNs that wait for so long are judged, and go with what comes next.
        """
        for ends in [ends for ends, event in self._waiting.items() if event.last_ts < before]:
            self._judge(ends)
        if not self._listed or self._listed[0].last_ts >= before:
            return []
        gone = [event for event in self._listed if event.last_ts < before]
        self._listed = [event for event in self._listed if event.last_ts >= before]
        self._latest = {key: event for key, event in self._latest.items() if event.last_ts >= before}
        return [event for event in gone if self._is_sip(event)]

    @property
    def events(self) -> list[WireEvent]:
        """What concerns SIP, in the order of time."""
        found = [event for event in list(self._listed) if self._is_sip(event)]
        return sorted(found, key=lambda event: (event.ts, event.capture_no, event.frame_no))

    def _is_sip(self, event: WireEvent) -> bool:
        if event.is_sip:
            return True
        spoken = self._spoken[int(event.is_stream)]
        if event.is_stream:  # a client's port is of one connection, which may never have come to be
            return bool(spoken[event.dst_port] or spoken[event.src_port])
        return bool(spoken[event.dst_port] and spoken[event.src_port])

    # -- kinds of events ----------------------------------------------------------------------------------------

    def _error(self, row: list[int], octets: bytes) -> None:
        error = read_icmp(octets, row[R_INFO])
        if error is None:
            return
        network, sender, *_ = _ends(row)
        ends = (network, error.src, error.src_port, error.dst, error.dst_port)
        is_stream = error.protocol == 6
        event = _event(row, EvidenceKind.ICMP, error.name, error.code, ends, sender, is_sip=False, is_stream=is_stream)
        self._add(event if is_stream else _quoting(event, error.payload))

    def _sign(self, row: list[int], octets: bytes) -> None:
        sign = row[R_INFO] >> 8
        if sign == SIGN_SYN_AGAIN:
            self._syn(row)
        elif sign == SIGN_SYN_ANSWERED:
            self._waiting.pop(_opposite(_ends(row)), None)
        elif sign == SIGN_REFUSED:
            self._waiting.pop(_opposite(_ends(row)), None)
            self._reset(row, "refused", is_sip=False)
        elif sign == SIGN_RESET:
            self._reset(row, "reset", is_sip=False)
        else:
            self._alert(row, octets)

    def _reset(self, row: list[int], name: str, is_sip: bool) -> None:
        ends = _ends(row)
        self._add(_event(row, EvidenceKind.RESET, name, None, _opposite(ends), ends[1], is_sip, is_stream=True))

    def _alert(self, row: list[int], octets: bytes) -> None:
        if octets[:2] != b"\x15\x03" or octets[3:6] != b"\0\2\2" or len(octets) < _ALERT_OCTETS:
            return
        ends, number = _ends(row), octets[6]
        name = alert_name(number)
        self._add(
            _event(row, EvidenceKind.TLS_ALERT, name, number, _opposite(ends), ends[1], is_sip=False, is_stream=True)
        )

    def _syn(self, row: list[int]) -> None:
        """A SYN that was sent again: an event once it is known that nothing came back."""
        ends = _ends(row)
        event = self._waiting.get(ends)
        if event is not None and event.number == row[R_SEQ]:
            if row[D_TS] - event.last_ts >= SYN_NS:
                event.count += 1
            event.last_ts = max(event.last_ts, row[D_TS])
            return
        if event is not None:
            self._judge(ends)
        elif len(self._waiting) >= CONNECTIONS:
            self._judge(next(iter(self._waiting)))
        # Until it is judged its number is that of the sequence.
        made = _event(
            row, EvidenceKind.SYN_UNANSWERED, "syn_unanswered", row[R_SEQ], ends, ends[1], is_sip=False, is_stream=True
        )
        self._waiting[ends] = made

    def _judge(self, ends: Ends) -> None:
        event = self._waiting.pop(ends)
        network, src, src_port, dst, dst_port = ends
        # What its own side went on to send shows that there was an answer, by another way or in another VLAN.
        first = event.number
        if not self._flows.went_on(network, src, dst, src_port << 16 | dst_port, -1 if first is None else first):
            event.number = None
            self._add(event)

    def _add(self, event: WireEvent) -> None:
        key = (
            event.kind, event.name, event.network, event.sender, event.src, event.src_port, event.dst, event.dst_port,
            event.call_id, event.method, event.status_code,
        )  # fmt: skip
        known = self._latest.get(key)
        if known is not None and event.ts - known.last_ts <= REPEATS_NS:
            if abs(event.ts - known.last_ts) > COPY_NS:
                known.count += event.count
            known.last_ts = max(known.last_ts, event.last_ts)
            return
        if len(self._listed) >= EVENTS:
            self._make_room()
        if len(self._listed) >= EVENTS:
            self.left_out += event.count
            return
        self._latest[key] = event
        self._listed.append(event)

    def _make_room(self) -> None:
        """Let go of what does not look like SIP so far, where that is at least half of it."""
        kept = [event for event in self._listed if self._is_sip(event)]
        if len(kept) > EVENTS // 2:
            return
        self._listed = kept
        alive = {id(event) for event in kept}
        self._latest = {key: event for key, event in self._latest.items() if id(event) in alive}


def _ends_stream(rows: Ints) -> np.ndarray:
    """Segments of streams of ours that reset it, or that are an alert of TLS in the clear."""
    flow = rows[:, R_INFO] >> 8
    is_segment = (rows[:, R_KIND] == RAW_SEGMENT) & (flow >= FLOW_SIP) & (flow <= FLOW_HEP)
    is_reset = rows[:, R_INFO] & TCP_RST != 0
    is_alert = (flow == FLOW_TLS) & (rows[:, D_LENGTH] == _ALERT_OCTETS)
    found: np.ndarray = is_segment & (is_reset | is_alert)
    return found


def _ends(row: list[int]) -> Ends:
    src, dst = (row[D_SRC_HI], row[D_SRC_LO]), (row[D_DST_HI], row[D_DST_LO])
    return row[D_NETWORK], src, row[D_SRC_PORT], dst, row[D_DST_PORT]


def _opposite(ends: Ends) -> Ends:
    network, src, src_port, dst, dst_port = ends
    return network, dst, dst_port, src, src_port


def _event(
    row: list[int], kind: EvidenceKind, name: str, number: int | None, ends: Ends, sender: Address, is_sip: bool,
    is_stream: bool,
) -> WireEvent:  # fmt: skip
    network, src, src_port, dst, dst_port = ends
    return WireEvent(
        kind=kind,
        name=name,
        number=number,
        capture_no=row[D_CAPTURE_NO],
        frame_no=row[D_FRAME_NO],
        ts=row[D_TS],
        last_ts=row[D_TS],
        count=1,
        network=network,
        sender=address_text(*sender),
        src=address_text(*src),
        src_port=src_port,
        dst=address_text(*dst),
        dst_port=dst_port,
        is_sip=is_sip,
        is_stream=is_stream,
    )


def _quoting(event: WireEvent, payload: bytes) -> WireEvent:
    """The event with what the error quotes of a SIP message, which is cut wherever the router liked."""
    try:
        message = parse_message(payload, len(payload) + 1)
    except ParseError:
        return event
    return replace(
        event,
        is_sip=True,
        call_id=message.call_id,
        from_tag=message.from_tag,
        method=message.method or message.cseq_method,
        status_code=message.status_code,
    )
