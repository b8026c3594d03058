"""What comes from listeners, read as captures are: each one a capture without an end, all of them one timeline.

A listener's records fill the windows of a `LiveReader`, which walks them by the same kernels as a file's. Between two
windows the frames that hold SIP can be kept (`FramesSink`).
"""

from __future__ import annotations

import select
import struct
from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias, cast

import numpy as np

from analyzer.batch import D_FRAME_NO, D_TS, Datagrams, Ints, Octets
from analyzer.capture import walk_kernels as walk
from analyzer.capture.flow_table import FlowTable
from analyzer.capture.listening import LEAST_BUFFER, RECORD_OCTETS, Listener, Noting
from analyzer.capture.reader import Reader, _Batch
from analyzer.capture.source import Source
from analyzer.capture.timeline import joined
from analyzer.issues import IssueLog

#: Gets the records of a window that was walked, the number of the first one's frame, and the frames among them that
#: hold SIP or may be a part of it, ascending; the first argument is the listener's number.
FramesSink: TypeAlias = Callable[[int, Octets, int, Ints], None]

#: Windows that are read of one listener before the others have their turn and the clock is looked at.
WINDOWS_A_ROUND = 16
_MAGIC_NS = 0xA1B23C4D


class LiveSource:
    """A listener in the clothes of an opened capture: a pcap header, then records for ever."""

    is_endless = True
    container = "pcap"
    format = "live"
    damage = None
    total = None

    def __init__(self, listener: Listener) -> None:
        self.listener = listener
        self.path = listener.name
        self.consumed = 0
        #: Windows that may still be read in this round, and frames that may be read at all.
        self.windows_left = 0
        self.frames_left: int | None = None
        self._header: bytes | None = struct.pack("<IHHiIII", _MAGIC_NS, 2, 4, 0, 0, LEAST_BUFFER, listener.link_type)
        self._last = 0
        #: Called with a window's records once they were walked.
        self.walked: Callable[[Octets], None] | None = None

    def read_into(self, buffer: Octets) -> int:
        """Fill ``buffer`` with records that wait; 0 when there are none, or enough for this round."""
        if self._header is not None:
            header, self._header = self._header, None
            buffer[: len(header)] = np.frombuffer(header, dtype=np.uint8)
            return len(header)
        if self._last and self.walked is not None:
            self.walked(buffer[: self._last])
        self._last = 0
        if self.windows_left <= 0:
            return 0
        self.windows_left -= 1
        count = self.listener.read_into(buffer)
        if self.frames_left is not None and count:
            count = self._bounded(buffer, count)
        self._last = count
        self.consumed += count
        return count

    def _bounded(self, buffer: Octets, count: int) -> int:
        """Not more frames than were asked for; what follows them is let go."""
        assert self.frames_left is not None
        at = 0
        while at < count and self.frames_left:
            at += RECORD_OCTETS + int.from_bytes(buffer[at + 8 : at + 12].tobytes(), "little")
            self.frames_left -= 1
        return at

    def close(self) -> None:
        """Let go of the listener."""
        self.listener.close()


class LiveReader(Reader):
    """The raw rows of what a listener hears."""

    def __init__(
        self, listener: Listener, capture_no: int, issues: IssueLog, flows: FlowTable, sink: FramesSink | None = None
    ) -> None:
        self.listener = listener
        self._live = LiveSource(listener)
        super().__init__(cast(Source, self._live), capture_no, issues, flows=flows)
        self._sink = sink
        self._first_frame = 1
        self._wanted: list[Ints] = []
        self._current: _Batch | None = None
        if sink is not None:
            self._live.walked = self._keep_frames

    @property
    def dropped(self) -> int:
        """Frames that were lost before they could be read."""
        return self.listener.dropped

    def limit(self, frames: int | None) -> None:
        """How many frames may still be read; None = any number."""
        self._live.frames_left = frames

    @property
    def is_drained(self) -> bool:
        """Whether the last `waiting` read everything that was there."""
        return self._live.windows_left > 0

    def waiting(self) -> Iterator[Datagrams]:
        """The raw rows of what waits now, or of the first `WINDOWS_A_ROUND` windows of it."""
        self._live.windows_left = WINDOWS_A_ROUND
        yield from self._walked()

    def _next_batch(self) -> _Batch:
        self._current = super()._next_batch()
        return self._current

    def _handed_out(self, batch: _Batch) -> Datagrams:
        datagrams = super()._handed_out(batch)
        if self._sink is not None and len(datagrams.rows):
            self._wanted.append(datagrams.rows[:, D_FRAME_NO].copy())
        return datagrams

    def _keep_frames(self, records: Octets) -> None:
        """A window was walked: hand on the frames of it in which something was found."""
        assert self._sink is not None
        assert self._current is not None
        waiting = self._current.rows[: self._windows.state[walk.W_ROWS], D_FRAME_NO]
        wanted = np.unique(np.concatenate([*self._wanted, waiting]))
        wanted = wanted[wanted >= self._first_frame]
        if len(wanted):
            self._sink(self.capture_no, records, self._first_frame, wanted)
        self._wanted.clear()
        self._first_frame = self.frames + 1


class LiveTimeline:
    """Several listeners as one: what waits at all of them, by time within what is read at once."""

    def __init__(self, listeners: Sequence[Listener], issues: IssueLog, sink: FramesSink | None = None) -> None:
        self.flows = FlowTable()
        self._issues = issues
        self.readers = [
            LiveReader(listener, number, issues, self.flows, sink) for number, listener in enumerate(listeners, 1)
        ]

    @property
    def frames(self) -> int:
        """Frames read so far, of all listeners."""
        return sum(reader.frames for reader in self.readers)

    def wait(self, seconds: float) -> None:
        """Wait until something is there, or so long. A signal ends the waiting as well."""
        poll = select.poll()
        for reader in self.readers:
            for number in reader.listener.filenos():
                poll.register(number, select.POLLIN)
        poll.poll(max(int(seconds * 1000), 0))

    def waiting(self, most_frames: int | None = None) -> Iterator[Datagrams]:
        """The raw rows of what waits now; of at most so many frames."""
        if len(self.readers) == 1 or most_frames is not None:
            for reader in self.readers:
                reader.limit(None if most_frames is None else max(most_frames - self.frames, 0))
                yield from reader.waiting()
            return
        streams = [reader.waiting() for reader in self.readers]
        while streams:
            parts = []
            for stream in list(streams):
                part = next(stream, None)
                if part is None:
                    streams.remove(stream)
                elif len(part.rows):
                    parts.append(part)
            if len(parts) == 1:
                yield parts[0]
            elif parts:
                yield joined(parts, np.concatenate([part.rows[:, D_TS] for part in parts]))

    @property
    def is_drained(self) -> bool:
        """Whether `waiting` left nothing behind that was there."""
        return all(reader.is_drained for reader in self.readers)

    def tick(self) -> None:
        """About once a second: let listeners look after their links."""
        for reader in self.readers:
            reader.listener.tick()
        self.note()

    def note(self, at_once: bool = False) -> None:
        """Write down what listeners have to say about who sends to them; at the end ``at_once``."""
        for reader in self.readers:
            if isinstance(reader.listener, Noting):
                for note, count in reader.listener.taken_notes(reader.capture_no, at_once):
                    self._issues.add(note, count)

    def close(self) -> None:
        """Let go of all listeners."""
        for reader in self.readers:
            reader.close()
