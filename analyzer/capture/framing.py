"""SIP messages out of the octets of one direction of a stream, RFC 3261 §18.3.

The rules are those of docs/transports.md. How the octets were cut into segments does not matter, but for two
repairs: without a Content-Length the body ends with the segment that completes the header section, and a segment
that begins with a start line ends a body that was declared too long.

Where a message begins is decided on two whole lines, the start line and the one behind it, never on what one segment
happens to hold of them. Each octet is looked at a bounded number of times, and no more than a message's largest size
and one segment are kept.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from analyzer.batch import X_BAD_CONTENT_LENGTH, X_NO_CONTENT_LENGTH
from analyzer.capture.scapy_packets import Begins
from analyzer.sip.grammar import TOKEN, whole_number
from analyzer.sip.headers import read_headers
from analyzer.sip.start_kernels import SIP_MESSAGE

#: More octets of one message are not kept: the rest of its body is skipped, and a longer header section is none.
MESSAGE_OCTETS = 65_535

_VERSION = b"SIP/2.0"
_FIELD = re.compile(TOKEN + rb"[ \t]*:")
_TOKEN = re.compile(TOKEN)
_LINE_ENDS = re.compile(rb"[\r\n]*")
_EMPTY_LINE = re.compile(rb"\n\r?\n")

# Where the reading stands.
_BETWEEN = 0  # a start line should come
_SKIPPING = 1  # something else came: until a start line at the beginning of a line
_HEADERS = 2
_BODY = 3


class Framed(NamedTuple):
    """One message. ``first`` and ``end`` count the octets received before its first and behind its last one.

    ``octets`` are fewer than ``wire_length`` when the message is cut; ``first`` is None when they do not stand
    in the stream as they are. ``defects`` are X_* bits that only the stream shows.
    """

    octets: bytes
    wire_length: int
    first: int | None
    end: int
    defects: int = 0


class Framing:
    """Cuts the octets of one direction into messages; ``begins`` is the content test.

    `receive` takes what one segment delivers, `gap` says that octets are missing behind it, `close` that nothing
    follows. Each returns the messages that it completes or ends. ``notes`` gathers what was odd, as issue code and
    number of octets; whoever reads it empties it.
    """

    def __init__(self, begins: Begins) -> None:
        self.position = 0  # octets received
        self.notes: list[tuple[str, int]] = []
        self._begins = begins
        self._state = _BETWEEN
        self._buffer = bytearray()
        self._base = 0  # position of the buffer's first octet
        self._segment = 0  # position of the current segment's first octet
        self._scanned = 0  # octets of the buffer in which what is being looked for does not begin
        self._skipped = 0
        self._is_quiet = False  # behind a gap: that octets are lost has been said
        self._is_line_start = False  # while skipping: the buffer begins behind a line end
        self._forget_message()

    def _forget_message(self) -> None:
        self._line_end = 0  # of the start line
        self._headers_end = 0
        self._wire_length = 0
        self._defects = 0
        self._is_too_long_doubted = False
        self._dropped = 0  # octets of the body beyond MESSAGE_OCTETS

    @property
    def pending(self) -> int:
        """Octets kept of a message that is not complete."""
        return 0 if self._state == _SKIPPING else len(self._buffer)

    @property
    def is_between(self) -> bool:
        """Whether nothing is left over: the next octet may begin a message as if it were the first one."""
        return self._state == _BETWEEN and not self._buffer and not self._is_quiet and not self._skipped

    def receive(self, octets: bytes) -> list[Framed]:
        """The messages that the octets of one more segment complete."""
        framed: list[Framed] = []
        if not octets:
            return framed
        if self._state == _BODY and self._is_too_long_doubted and begins_with_field(octets, 0, self._begins):
            framed.append(self._ended(len(self._buffer), self._dropped))
        self._segment = self.position
        self.position += len(octets)
        self._buffer += octets
        steps = (self._between, self._skipping, self._headers, self._body)
        while steps[self._state](framed):
            pass
        return framed

    def gap(self, octets_missing: int) -> list[Framed]:
        """The message that missing octets interrupt, cut; reading goes on at the next start line."""
        framed = self.close()
        self._is_quiet = octets_missing > 0
        return framed

    def close(self) -> list[Framed]:
        """The message that nothing completes any more: cut when its header section is whole, else it is lost."""
        framed: list[Framed] = []
        if self._state == _BODY:
            framed.append(self._ended(len(self._buffer), self._dropped))
        elif self._state == _SKIPPING:
            self._skip(len(self._buffer))
            self._say_skipped()
        self._buffer.clear()
        self._base = self.position
        self._begin(_BETWEEN)
        self._is_quiet = False
        return framed

    def _begin(self, state: int) -> None:
        self._state = state
        self._scanned = 0
        self._forget_message()

    def _remove(self, count: int) -> None:
        del self._buffer[:count]
        self._base += count
        self._scanned = max(self._scanned - count, 0)

    def _skip(self, count: int) -> None:
        self._skipped += count
        self._remove(count)

    def _say_skipped(self) -> None:
        if self._skipped and not self._is_quiet:
            self.notes.append(("tcp.resync", self._skipped))
        self._skipped = 0
        self._is_quiet = False

    # -- steps: each returns whether another one may follow -----------------------------------------------------

    def _between(self, framed: list[Framed]) -> bool:
        """A start line should come; CR and LF before it keep the connection alive (RFC 5626 §3.5.1)."""
        line_ends = _LINE_ENDS.match(self._buffer)
        assert line_ends is not None
        if line_ends.end():
            self._remove(line_ends.end())
        if not self._buffer:
            return False
        if _TOKEN.match(self._buffer, 0, 1):
            verdict = self._start_line(0)
            if verdict is None:
                return False
            if verdict:
                self._say_skipped()
                self._is_quiet = False
                self._begin(_HEADERS)
                self._line_end = self._scanned = self._buffer.index(b"\n")
                return True
        self._begin(_SKIPPING)
        self._is_line_start = False
        self._skip(1)  # so that nobody asks about this place again
        return True

    def _start_line(self, at: int) -> bool | None:
        """Whether a message begins at ``at`` of the buffer; None while its first two lines are not there."""
        line_feed = self._buffer.find(b"\n", max(at, self._scanned))
        second = self._buffer.find(b"\n", line_feed + 1) if line_feed >= 0 else -1
        if second < 0:
            if len(self._buffer) - at > MESSAGE_OCTETS:
                return False
            self._scanned = len(self._buffer) if line_feed < 0 else line_feed
            return None
        if second - at >= MESSAGE_OCTETS or self._buffer.find(_VERSION, at, line_feed) < 0:
            return False
        lines = bytes(self._buffer[at : second + 1])
        return self._begins(lines, len(lines)) == SIP_MESSAGE

    def _skipping(self, framed: list[Framed]) -> bool:
        """Go to the first start line behind a line end, or at the segment's first octet with a header field."""
        segment = self._segment - self._base
        if segment < 0 or not begins_with_field(self._buffer, segment, self._begins):
            segment = len(self._buffer) + 1
        line = 0
        is_line = self._is_line_start
        while True:
            verdict = self._start_line(line) if is_line else False
            if verdict:
                return self._found(line)
            line_feed = self._buffer.find(b"\n", max(line, self._scanned))
            if segment < (line_feed + 1 or len(self._buffer)):
                return self._found(segment)
            if verdict is None:
                break
            if line_feed < 0:
                line = len(self._buffer)
                is_line = False
                break
            line = line_feed + 1
            is_line = True
            self._scanned = line
        self._skip(line)
        self._is_line_start = is_line
        return False

    def _found(self, at: int) -> bool:
        self._skip(at)
        self._begin(_BETWEEN)
        return True

    def _headers(self, framed: list[Framed]) -> bool:
        """The header section, up to its empty line."""
        empty_line = _EMPTY_LINE.search(self._buffer, self._scanned)
        end = empty_line.end() if empty_line else len(self._buffer)
        if end > MESSAGE_OCTETS:
            self.notes.append(("tcp.bound", MESSAGE_OCTETS))
            self._remove(MESSAGE_OCTETS)
            self._begin(_SKIPPING)
            self._is_line_start = False
            self._is_quiet = True
            return True
        if empty_line is None:
            self._scanned = max(self._scanned, len(self._buffer) - 2)
            return False
        headers = read_headers(bytes(self._buffer[:end]), self._line_end + 1, False).headers
        self._headers_end = end
        self._state = _BODY
        text = headers.first("content-length")
        declared = whole_number(text)
        if declared is None:
            self._defects = X_NO_CONTENT_LENGTH if text is None else X_BAD_CONTENT_LENGTH
            self._wire_length = self._next_start_line(end)
        else:
            self._wire_length = end + declared
        content_type = (headers.first("content-type") or b"").lower()
        self._is_too_long_doubted = not content_type.startswith((b"message/", b"multipart/"))
        return True

    def _next_start_line(self, at: int) -> int:
        """Where in the buffer the next start line with a header field stands, at the beginning of a line."""
        while True:
            version = self._buffer.find(_VERSION, at)
            if version < 0:
                return len(self._buffer)
            line = max(self._buffer.rfind(b"\n", 0, version) + 1, self._headers_end)
            if begins_with_field(self._buffer, line, self._begins):
                return line
            at = self._buffer.find(b"\n", version)
            if at < 0:
                return len(self._buffer)

    def _body(self, framed: list[Framed]) -> bool:
        """The body, up to its declared end; what is too much of it is counted and let go."""
        take = min(len(self._buffer), self._wire_length - self._dropped)
        if take > MESSAGE_OCTETS:
            del self._buffer[MESSAGE_OCTETS:take]
            self._dropped += take - MESSAGE_OCTETS
            take = MESSAGE_OCTETS
        if take + self._dropped < self._wire_length:
            return False
        framed.append(self._ended(take, self._dropped))
        return True

    def _ended(self, take: int, dropped: int) -> Framed:
        """The message in the first ``take`` octets of the buffer."""
        end = self._base + take + dropped
        message = Framed(bytes(self._buffer[:take]), self._wire_length, self._base, end, self._defects)
        self._remove(take)
        self._base = end
        self._begin(_BETWEEN)
        return message


def begins_with_field(octets: bytes | bytearray, at: int, begins: Begins) -> bool:
    """Whether a start line and the name of a header field stand at ``at``, all of it in these octets."""
    line_feed = octets.find(b"\n", at)
    if line_feed < 0 or octets.find(_VERSION, at, line_feed) < 0 or octets[at] in b"\r\n":
        return False
    field = _FIELD.match(octets, line_feed + 1)
    if field is None or field.end() - at > MESSAGE_OCTETS:
        return False
    lines = bytes(octets[at : field.end()])
    return begins(lines, len(lines)) == SIP_MESSAGE
