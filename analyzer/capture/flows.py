"""What a TCP flow carries, told by its first octets: the first point of section TCP in docs/transports.md.

`content` is the test of octets at a place where something begins; `Flows` applies it to every flow in the order of its
segments and says which segments are handed on. A kernel does the same for every frame of a capture; this is the plain
form of it, which decides for segments that come out of fragments and tunnels.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

from analyzer.batch import (
    FLOW_HEP,
    FLOW_OTHER,
    FLOW_SIP,
    FLOW_TLS,
    FLOW_UNDECIDED,
    FLOW_WEBSOCKET,
    TCP_FIN,
    TCP_RST,
    TCP_SYN,
)
from analyzer.capture.framing import begins_with_field
from analyzer.capture.scapy_packets import Begins
from analyzer.capture.websocket import frame_payload
from analyzer.sip.grammar import TOKEN
from analyzer.sip.start_kernels import SIP_MESSAGE

#: Segments of a flow without SYN that are searched for a start line.
SEARCHED_SEGMENTS = 8
#: Octets from the flow's first one on within which it must turn out what it carries.
UNDECIDED_OCTETS = 65_536
#: Octets in order that are kept and looked at to find it out.
HEAD_OCTETS = 16_384
_LOOKED_AT_AT_ONCE = 256
FLOWS = 65_536
#: Ports of SIP over TLS (RFC 3261 §19.1.2 and habit): there TLS is also taken up in its middle.
TLS_PORTS = frozenset({5061, 5081})

_HALF = 1 << 31
_WORD = 1 << 32

#: The beginning of a start line, as long as the line is not whole.
_URI_PART = rb"[^\x00-\x20]*"
_VERSION_PART = rb"(?:S(?:I(?:P(?:/(?:2(?:\.(?:0\r?)?)?)?)?)?)?)?"
_MAY_BE_START_LINE = re.compile(
    rb"(?:" + TOKEN + rb"(?: " + _URI_PART + rb"(?: " + _VERSION_PART + rb")?)?|SIP/2?\.?0? ?[0-9]{0,3}\r?)\Z"
)
_HANDSHAKE = re.compile(rb"\x16\x03[\x00-\x04][\x00-\x48].[\x01\x02]", re.DOTALL)
_RECORD = re.compile(rb"[\x14-\x17]\x03[\x01-\x04][\x00-\x48]", re.DOTALL)
_UPGRADE = re.compile(rb"GET [^\n]*HTTP/1\.1\r?\n|HTTP/1\.1 101[ \r\n]")
_SIP_PROTOCOL = re.compile(rb"\nsec-websocket-protocol[ \t]*:[^\n]*?[:, \t]sip[, \t\r\n]", re.IGNORECASE)
_EMPTY_LINE = re.compile(rb"\n\r?\n")
_HTTP = (b"GET ", b"HTTP/1.1 101")


def content(octets: bytes, begins: Begins, is_tls_port: bool = False) -> int:
    """What begins with these octets: FLOW_SIP, FLOW_TLS, FLOW_WEBSOCKET, FLOW_HEP, or FLOW_OTHER."""
    if begins(octets, len(octets) + 1) == SIP_MESSAGE:
        return FLOW_SIP
    if _HANDSHAKE.match(octets) or (is_tls_port and _RECORD.match(octets)):
        return FLOW_TLS
    if octets.startswith(b"HEP3") and len(octets) >= 6:
        return FLOW_HEP
    if _UPGRADE.match(octets):
        empty_line = _EMPTY_LINE.search(octets)
        end = empty_line.end() if empty_line else len(octets)
        return FLOW_WEBSOCKET if _SIP_PROTOCOL.search(octets, 0, end) else FLOW_OTHER
    payload = frame_payload(octets)
    if payload and begins(payload, len(payload) + 1) == SIP_MESSAGE:
        return FLOW_WEBSOCKET
    return FLOW_OTHER


def may_become(octets: bytes) -> bool:
    """Whether octets that are nothing of ours yet may become it when more follow them."""
    if len(octets) > HEAD_OCTETS:
        return False
    rest = octets.lstrip(b"\r\n")
    if not rest:
        return True
    if any(rest.startswith(word[: len(rest)]) for word in (*_HTTP, b"HEP3")):
        return _EMPTY_LINE.search(rest) is None
    if rest[0] == 0x16 and len(rest) < 6:
        return rest[:2] in (b"\x16", b"\x16\x03")
    return _MAY_BE_START_LINE.match(rest) is not None


class Beginning:
    """The first octets of something, in order, until they tell what it is."""

    def __init__(self, begins: Begins, is_tls_port: bool = False) -> None:
        self.octets = bytearray()
        self._begins = begins
        self._is_tls_port = is_tls_port

    def receive(self, octets: bytes) -> int:
        """What it is with these octets more: FLOW_UNDECIDED while more may tell."""
        self.octets += octets
        # A line that grows octet by octet is looked at when it ends, so that the time it takes stays linear.
        if _LOOKED_AT_AT_ONCE < len(self.octets) <= HEAD_OCTETS and b"\n" not in octets:
            return FLOW_UNDECIDED
        head = bytes(self.octets)
        kind = content(head, self._begins, self._is_tls_port)
        return FLOW_UNDECIDED if kind == FLOW_OTHER and may_become(head) else kind


def start_line_within(octets: bytes, begins: Begins) -> bool:
    """Whether a start line with a header field stands behind a line end in these octets."""
    line_feed = octets.find(b"\n")
    while 0 <= line_feed < len(octets) - 1:
        version = octets.find(b"SIP/2.0", line_feed + 1)
        if version < 0:
            return False
        line = octets.rfind(b"\n", 0, version) + 1
        if begins_with_field(octets, line, begins):
            return True
        line_feed = octets.find(b"\n", version)
    return False


class FlowKey(NamedTuple):
    """One direction: network, addresses as halves, ports."""

    network: int
    src: tuple[int, int]
    dst: tuple[int, int]
    src_port: int
    dst_port: int

    @property
    def opposite(self) -> FlowKey:
        """The other direction of the connection."""
        return FlowKey(self.network, self.dst, self.src, self.dst_port, self.src_port)

    @property
    def is_tls_port(self) -> bool:
        """Whether one of the ports is one of SIP over TLS."""
        return self.src_port in TLS_PORTS or self.dst_port in TLS_PORTS


class _Flow:
    """What is known of a flow. ``is_handed`` = some of its segments were handed on."""

    __slots__ = ("first", "is_handed", "kind", "segments")

    def __init__(self, first: int | None) -> None:
        self.first = first
        self.kind = FLOW_UNDECIDED
        self.segments = 0
        self.is_handed = False


class Segment(NamedTuple):
    """A segment that is handed on: what its flow carries (FLOW_*), where its octets stand, and where the flow began."""

    kind: int
    seq: int
    first: int | None
    payload: bytes


class Flows:
    """Decides for each segment of each flow; of FLOWS flows at a time, the least recently seen is forgotten.

    ``wants_tls`` says of a flow of TLS whether it is ours (with secrets at hand every one is).
    """

    def __init__(self, begins: Begins, wants_tls: Callable[[FlowKey], bool] = lambda key: True) -> None:
        self._begins = begins
        self._wants_tls = wants_tls
        self._flows: OrderedDict[FlowKey, _Flow] = OrderedDict()

    def receive(self, key: FlowKey, seq: int, flags: int, payload: bytes) -> Segment | None:
        """The segment as it is handed on; None when it is not."""
        flow = self._flows.get(key)
        if flags & TCP_SYN:
            seq = (seq + 1) % _WORD
            if flow is None or flow.first != seq:
                flow = self._flows[key] = _Flow(seq)
        elif flow is None:
            flow = self._flows[key] = _Flow(None)
        self._flows.move_to_end(key)
        if len(self._flows) > FLOWS:
            self._flows.popitem(last=False)
        if payload and not flags & TCP_RST:
            was_handed = flow.is_handed
            self._judge(key, flow, seq, payload)
            if flow.kind == FLOW_OTHER:
                flow.is_handed = False
                return Segment(FLOW_OTHER, seq, flow.first, b"") if was_handed else None
        elif not flags & (TCP_FIN | TCP_RST):
            return None
        if not flow.is_handed:
            return None
        return Segment(flow.kind, seq, flow.first, payload)

    def _judge(self, key: FlowKey, flow: _Flow, seq: int, payload: bytes) -> None:
        """Decide what the flow carries, if that is not known yet, and whether this segment is handed on."""
        if flow.kind != FLOW_UNDECIDED:
            return
        offset = 0
        if flow.first is not None:
            offset = (seq - flow.first + _HALF) % _WORD - _HALF
            if offset < 0:  # a probe of a kept connection sends the octet before the first one again
                payload, offset = payload[-offset:], 0
                if not payload:
                    return
        kind = content(payload, self._begins, key.is_tls_port)
        if kind == FLOW_TLS and not self._wants_tls(key):
            flow.kind = FLOW_OTHER
        elif kind != FLOW_OTHER:
            flow.kind = kind
            flow.is_handed = True
        elif flow.first is None:
            flow.segments += 1
            if flow.segments <= SEARCHED_SEGMENTS and start_line_within(payload, self._begins):
                flow.kind = FLOW_SIP
                flow.is_handed = True
        elif (offset == 0 and not may_become(payload)) or offset >= UNDECIDED_OCTETS:
            flow.kind = FLOW_OTHER
        else:
            flow.is_handed = True
