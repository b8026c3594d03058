"""What carries SIP in a stream: SIP itself, WebSocket, TLS with either inside. One object a flow reads it.

Each has the form of `framing.Framing`: octets in by `receive`, `gap` and `close`, messages out; ``position``, ``notes``
and ``pending``. ``transport`` and ``layers`` say how the messages travelled.
"""

from __future__ import annotations

from typing import Protocol

from analyzer.batch import FLOW_OTHER, FLOW_UNDECIDED, FLOW_WEBSOCKET
from analyzer.capture.flows import Beginning
from analyzer.capture.framing import Framed, Framing
from analyzer.capture.layer_kernels import L_TLS, L_WEBSOCKET
from analyzer.capture.scapy_packets import Begins
from analyzer.capture.websocket import WebSocket
from analyzer.vocab import Transport


class Carrier(Protocol):
    """What a flow is read by."""

    @property
    def transport(self) -> Transport:
        """How its messages travelled."""

    @property
    def layers(self) -> tuple[int, ...]:
        """The headers inside of TCP (L_*)."""

    @property
    def position(self) -> int:
        """Octets received."""

    @property
    def pending(self) -> int:
        """Octets kept of a message that is not complete."""

    @property
    def notes(self) -> list[tuple[str, int]]:
        """What was odd: issue code and number of octets."""

    def receive(self, octets: bytes) -> list[Framed]:
        """The messages that one more segment completes."""

    def gap(self, octets_missing: int) -> list[Framed]:
        """The message that missing octets interrupt."""

    def close(self) -> list[Framed]:
        """The message that nothing completes any more."""


class Connection(Protocol):
    """A TLS connection, as `analyzer.capture.tls` reads it: both directions' octets in, plaintext out."""

    bad_records: int

    @property
    def opaque_octets(self) -> int:
        """Octets that could not be opened."""

    @property
    def is_opaque(self) -> bool:
        """Whether nothing could be opened."""

    @property
    def why(self) -> str:
        """Why."""

    def receive(self, direction: int, octets: bytes) -> list[bytes]:
        """The plaintext that one more segment opens."""

    def gap(self, direction: int) -> None:
        """Octets of a direction are missing."""


class SipCarrier(Framing):
    """SIP over TCP."""

    transport = Transport.TCP
    layers: tuple[int, ...] = ()


class WebSocketCarrier(WebSocket):
    """SIP over WebSocket."""

    transport = Transport.WS
    layers: tuple[int, ...] = (L_WEBSOCKET,)


class TlsCarrier:
    """One direction of a TLS connection: the plaintext goes on as WebSocket or as SIP, or is nothing of ours.

    ``direction`` is 0 or 1, as for the connection. What this direction's octets open of the other one is there for
    that one's next `receive`, which may be of no octets.
    """

    def __init__(self, connection: Connection, direction: int, begins: Begins) -> None:
        self.connection = connection
        self.direction = direction
        self.notes: list[tuple[str, int]] = []
        self._begins = begins
        self._inner: SipCarrier | WebSocketCarrier | None = None
        self._beginning = Beginning(begins)
        self._is_other = False

    @property
    def transport(self) -> Transport:
        """TLS, or WSS once it turned out so."""
        return Transport.WSS if isinstance(self._inner, WebSocketCarrier) else Transport.TLS

    @property
    def layers(self) -> tuple[int, ...]:
        """TLS and what stands in it."""
        return (L_TLS, *(self._inner.layers if self._inner else ()))

    @property
    def position(self) -> int:
        """Octets of plaintext received."""
        return self._inner.position if self._inner else 0

    @property
    def pending(self) -> int:
        """Octets kept of a message that is not complete."""
        return len(self._beginning.octets) + (self._inner.pending if self._inner else 0)

    def receive(self, octets: bytes) -> list[Framed]:
        """The messages that the octets of one more segment complete."""
        before = self.connection.bad_records
        framed: list[Framed] = []
        for plaintext in self.connection.receive(self.direction, octets):
            framed += self._read(plaintext)
        self._take_notes()
        if self.connection.bad_records > before:
            self.notes.append(("tls.bad_record", self.connection.bad_records - before))
        return [message._replace(first=None) for message in framed]

    def gap(self, octets_missing: int) -> list[Framed]:
        """Octets are missing; the connection goes on where it can."""
        self.connection.gap(self.direction)
        self._beginning.octets.clear()
        framed = self._inner.gap(octets_missing) if self._inner else []
        self._take_notes()
        return [message._replace(first=None) for message in framed]

    def close(self) -> list[Framed]:
        """The message that nothing completes any more."""
        framed = self._inner.close() if self._inner else []
        self._take_notes()
        return [message._replace(first=None) for message in framed]

    def _read(self, plaintext: bytes) -> list[Framed]:
        if self._inner is not None:
            return self._inner.receive(plaintext)
        if self._is_other:
            return []
        kind = self._beginning.receive(plaintext)
        if kind == FLOW_UNDECIDED:
            return []
        head = bytes(self._beginning.octets)
        self._beginning.octets.clear()
        if kind == FLOW_OTHER:
            self._is_other = True
            return []
        self._inner = WebSocketCarrier(self._begins) if kind == FLOW_WEBSOCKET else SipCarrier(self._begins)
        return self._inner.receive(head)

    def _take_notes(self) -> None:
        if self._inner:
            self.notes += self._inner.notes
            self._inner.notes.clear()
