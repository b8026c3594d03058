"""SIP in one direction of a WebSocket connection: RFC 6455 §5 (frames), RFC 7118 (one message holds one SIP message).

The opening handshake is read over. Frames may be masked or not, a message may come in several of them with control
frames between. After a gap or a frame that cannot be read, reading goes on at a segment that begins with a frame which
holds a start line.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from analyzer.capture.framing import MESSAGE_OCTETS, Framed
from analyzer.capture.scapy_packets import Begins
from analyzer.sip.start_kernels import SIP_MESSAGE

_CONTINUATION, _TEXT, _BINARY = 0, 1, 2
_CONTROL = (8, 9, 10)
_CONTROL_OCTETS = 125
_EMPTY_LINE = re.compile(rb"\n\r?\n")
_HANDSHAKE = (b"GET ", b"HTTP/")


class FrameHeader(NamedTuple):
    """RFC 6455 §5.2; ``size`` is the header's own length, ``mask`` is empty when the payload is not masked."""

    opcode: int
    is_final: bool
    reserved: int
    length: int
    mask: bytes
    size: int

    @property
    def is_bad(self) -> bool:
        """Whether the frame cannot be read: reserved bits or opcodes, a long or fragmented control frame."""
        if self.reserved or self.length >= 1 << 63:
            return True
        if self.opcode in _CONTROL:
            return not self.is_final or self.length > _CONTROL_OCTETS
        return self.opcode > _BINARY


def frame_header(octets: bytes | bytearray, at: int = 0) -> FrameHeader | None:
    """The frame header at ``at``; None while it is not whole."""
    if len(octets) - at < 2:
        return None
    first, second = octets[at], octets[at + 1]
    more = {126: 2, 127: 8}.get(second & 127, 0)
    size = 2 + more + (4 if second & 128 else 0)
    if len(octets) - at < size:
        return None
    length = int.from_bytes(octets[at + 2 : at + 2 + more], "big") if more else second & 127
    mask = bytes(octets[at + 2 + more : at + size])
    return FrameHeader(first & 15, bool(first & 128), first >> 4 & 7, length, mask, size)


def unmasked(payload: bytes, mask: bytes, offset: int = 0) -> bytes:
    """The payload without its mask (RFC 6455 §5.3); it stands ``offset`` octets into its frame's payload."""
    if not mask or not payload:
        return payload
    turned = mask[offset % 4 :] + mask[: offset % 4]
    keys = (turned * (len(payload) // 4 + 1))[: len(payload)]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(keys, "big")).to_bytes(len(payload), "big")


def frame_payload(octets: bytes) -> bytes:
    """What a text or binary frame at the first octet holds, as far as it is there; empty when there is none."""
    if octets[:1] not in (b"\x81", b"\x82", b"\x01", b"\x02"):
        return b""
    header = frame_header(octets)
    if header is None or header.is_bad:
        return b""
    return unmasked(octets[header.size : header.size + min(header.length, MESSAGE_OCTETS)], header.mask)


class WebSocket:
    """Reads one direction; `receive`, `gap`, `close`, ``position`` and ``notes`` as in `framing.Framing`."""

    def __init__(self, begins: Begins) -> None:
        self.position = 0
        self.notes: list[tuple[str, int]] = []
        self._begins = begins
        self._buffer = bytearray()  # of a handshake or a frame header that is not whole
        self._is_beginning = True  # it may be a handshake
        self._is_handshake = False
        self._is_lost = False
        self._header: FrameHeader | None = None  # of the frame whose payload is being read
        self._read = 0  # octets of this payload
        self._message = bytearray()
        self._wire_length = 0
        self._first: int | None = None
        self._is_open = False  # a message has begun and its last frame has not come

    @property
    def pending(self) -> int:
        """Octets kept of what is not complete."""
        return len(self._buffer) + len(self._message)

    def receive(self, octets: bytes) -> list[Framed]:
        """The SIP messages that the octets of one more segment complete."""
        framed: list[Framed] = []
        start = self.position
        self.position += len(octets)
        if self._is_lost:
            payload = frame_payload(octets)
            if self._begins(payload, len(payload) + 1) != SIP_MESSAGE:
                return framed
            self._is_lost = False
        at = 0
        while at < len(octets):
            if self._header is not None:
                at = self._payload(octets, at, start, framed)
                continue
            self._buffer.append(octets[at])
            at += 1
            if self._is_beginning:
                self._is_handshake = any(word.startswith(self._buffer[: len(word)]) for word in _HANDSHAKE)
                self._is_beginning = self._is_handshake and len(self._buffer) < 5
            if self._is_handshake:
                self._shake_hands()
            elif not self._frame(start + at, framed):
                self._lose()
                self.notes.append(("websocket.bad_frame", 1))
                break
        return framed

    def _shake_hands(self) -> None:
        """Read over the request or its answer, up to the empty line; its last octet has just come."""
        if self._buffer.endswith((b"\n\r\n", b"\n\n")):
            self._buffer.clear()
            self._is_handshake = self._is_beginning = False
        elif len(self._buffer) > MESSAGE_OCTETS:
            self._buffer.clear()
            self._is_handshake = self._is_beginning = False
            self._lose()

    def _frame(self, position: int, framed: list[Framed]) -> bool:
        """Begin a frame when its header is whole; ``position`` is behind it. False when it cannot be read."""
        header = frame_header(self._buffer)
        if header is None:
            return True
        self._buffer.clear()
        is_data = header.opcode in (_TEXT, _BINARY)
        if header.is_bad or (is_data and self._is_open) or (header.opcode == _CONTINUATION and not self._is_open):
            return False
        if is_data:
            self._is_open = True
            self._message.clear()
            self._wire_length = 0
            self._first = position if header.is_final and not header.mask else None
        self._header = header
        self._read = 0
        if not header.length:
            self._ended(position, framed)
        return True

    def _payload(self, octets: bytes, at: int, start: int, framed: list[Framed]) -> int:
        """Read on in a frame's payload; where the octets behind it begin."""
        header = self._header
        assert header is not None
        end = min(at + header.length - self._read, len(octets))
        if header.opcode not in _CONTROL:
            room = MESSAGE_OCTETS - len(self._message)
            self._message += unmasked(octets[at : min(end, at + room)], header.mask, self._read)
            self._wire_length += end - at
        self._read += end - at
        if self._read == header.length:
            self._ended(start + end, framed)
        return end

    def _ended(self, position: int, framed: list[Framed]) -> None:
        """A frame is complete; of its message it may be the last."""
        header, self._header = self._header, None
        assert header is not None
        if header.opcode in _CONTROL or not header.is_final:
            return
        message = bytes(self._message)
        if self._begins(message, self._wire_length) == SIP_MESSAGE:
            framed.append(Framed(message, self._wire_length, self._first, position))
        self._message.clear()
        self._is_open = False

    def gap(self, octets_missing: int) -> list[Framed]:
        """The message that missing octets interrupt, cut; reading goes on at a frame with a start line."""
        framed = self.close()
        self._lose()
        return framed

    def close(self) -> list[Framed]:
        """The message that nothing completes any more: cut when its header section is whole, else it is lost."""
        framed: list[Framed] = []
        message = bytes(self._message)
        if self._is_open and _EMPTY_LINE.search(message):
            header = self._header
            is_data = header is not None and header.opcode not in _CONTROL
            missing = header.length - self._read if header is not None and is_data else 0
            # More frames may have followed the one that is not whole: at least one octet is missing.
            sent = self._wire_length + max(missing, 1)
            if self._begins(message, sent) == SIP_MESSAGE:
                framed.append(Framed(message, sent, self._first, self.position))
        self._message.clear()
        self._is_open = False
        self._header = None
        self._buffer.clear()
        return framed

    def _lose(self) -> None:
        self._is_lost = True
        self._is_beginning = self._is_handshake = self._is_open = False
        self._header = None
        self._buffer.clear()
        self._message.clear()
