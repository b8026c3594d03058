"""The reading side of a live run: what listeners hear, as batches of messages, and moments at which nothing waits."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from analyzer.batch import D_CAPTURE_NO, D_FRAME_NO, D_TS, Datagrams, Ints, MessageBatch
from analyzer.capture.assembly import Assembly
from analyzer.capture.copies import Copies
from analyzer.capture.listening import Listener
from analyzer.capture.live import FramesSink, LiveTimeline
from analyzer.capture.tls_keylog import read_keylog
from analyzer.capture.wire import WireEvent
from analyzer.correlate.wire import ISSUES
from analyzer.issues import IssueLog, IssueNote

SECOND = 1_000_000_000
#: How long the pattern of copies is measured at the start if few messages come (`copy_kernels` has the other bounds).
MEASURED_NS = 5 * SECOND
#: A frame may lie in the kernel for so long before it can be read; idle time is let pass up to so long ago.
BEHIND_NS = SECOND // 4
#: What explains silence is kept for so long: longer than Timer C and a call's lingering, RFC 3261 §16.6.
EVENTS_NS = 600 * SECOND
#: A message may be stamped so far ahead of this machine's clock.
AHEAD_NS = 5 * SECOND


class Heard(NamedTuple):
    """A batch of messages, or (about once a second) a moment up to which all was handed over, ns; None = not known."""

    batch: MessageBatch | None
    until: int | None


class Hearing:
    """Listeners, and what makes whole messages of their frames. Runs in the reading thread but for `stop`."""

    def __init__(
        self,
        listeners: Sequence[Listener],
        issues: IssueLog,
        read: Callable[[Datagrams], MessageBatch],
        *,
        keylog: str | None = None,
        keep_copies: bool = False,
        frames: FramesSink | None = None,
        ticked: Callable[[], None] = lambda: None,
        measured_ns: int = MEASURED_NS,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        """``read``: `Stages.read`; ``measured_ns``: how long copies are looked for before anything is handed over, at
        most `MEASURED_NS`; ``ticked`` is called in the reading thread about once a second, and at the end;
        ``clock`` tells the time of day. CaptureError for a key log that is none."""
        self.timeline = LiveTimeline(listeners, issues, frames)
        if keylog is not None:
            self.timeline.flows.take_keys(read_keylog(keylog))
        self.copies = Copies(issues, keep_copies)
        self.assembly = Assembly(issues, self.timeline.flows)
        self._issues = issues
        self._read = read
        self._on_tick = ticked
        self._measured_ns = min(measured_ns, MEASURED_NS)
        self._clock = clock
        self._stop = threading.Event()

    def stop(self) -> None:
        """Let `heard` come to its end once everything that waits was read."""
        self._stop.set()

    @property
    def events(self) -> list[WireEvent]:
        """ICMP errors, resets and the like of the last minutes; may be asked from another thread."""
        return self.assembly.wire.events

    def heard(self, end_ts: int | None = None, most_frames: int | None = None) -> Iterator[Heard]:
        """Everything, until `stop`, the time ``end_ts`` or so many frames; a moment about once a second."""
        started = self._clock()
        next_tick = started + SECOND
        while True:
            asked = self._clock()
            is_last = self._stop.is_set() or (end_ts is not None and asked >= end_ts)
            if not is_last:
                until = next_tick if end_ts is None else min(next_tick, end_ts)
                self.timeline.wait((until - asked) / SECOND)
                asked = self._clock()
            for raw in self.timeline.waiting(most_frames):
                yield from self._messages(self.assembly.receive(raw))
            is_drained = self.timeline.is_drained
            if (is_last and is_drained) or (most_frames is not None and self.timeline.frames >= most_frames):
                break
            if asked >= next_tick:
                next_tick = max(next_tick + SECOND, asked)
                yield from self._ticked(asked, started, is_drained)
        self.timeline.note(at_once=True)
        yield from self._messages(self.assembly.close())
        self._note(self.events)
        yield from self._batches(self.copies.close())
        self._on_tick()
        last = max((reader.end_ts for reader in self.timeline.readers if reader.end_ts is not None), default=None)
        if last is not None:
            yield Heard(None, max(min(last, self._clock()), asked - BEHIND_NS))

    def _ticked(self, asked: int, started: int, is_drained: bool) -> Iterator[Heard]:
        self.timeline.tick()
        self._on_tick()
        self._note(self.assembly.wire.forget(asked - EVENTS_NS))
        if asked - started >= self._measured_ns:
            yield from self._batches(self.copies.measured())
        yield Heard(None, asked - BEHIND_NS if is_drained else None)

    def _note(self, events: Sequence[WireEvent]) -> None:
        """Write down what was heard of ICMP errors, resets and the like."""
        for event in events:
            detail = f"{event.name}: {event.dst} port {event.dst_port}, said by {event.sender}"
            note = IssueNote(ISSUES[event.kind], event.capture_no, event.ts, event.frame_no, detail=detail)
            self._issues.add(note, event.count)

    def _messages(self, whole: Iterator[Datagrams]) -> Iterator[Heard]:
        for datagrams in whole:
            self.assembly.wire.saw(datagrams.rows)
            yield from self._batches(self.copies.receive(datagrams))

    def _batches(self, ready: Sequence[Datagrams]) -> Iterator[Heard]:
        for datagrams in ready:
            if len(datagrams.rows):
                self._bound_clocks(datagrams.rows)
                yield Heard(self._read(datagrams), None)

    def _bound_clocks(self, rows: Ints) -> None:
        """The clock of a run is the highest time seen: one agent on the wire whose clock is ahead must not move it."""
        now = self._clock()
        is_ahead = rows[:, D_TS] > now + AHEAD_NS
        if is_ahead.any():
            count = int(is_ahead.sum())
            first = rows[int(is_ahead.argmax())]
            detail = f"{(int(first[D_TS]) - now) / SECOND:,.0f} s ahead; counted at the time of its arrival"
            note = IssueNote("hep.clock", int(first[D_CAPTURE_NO]), now, int(first[D_FRAME_NO]), detail=detail)
            self._issues.add(note, count)
            rows[is_ahead, D_TS] = now

    def close(self) -> None:
        """Let go of all listeners."""
        self.timeline.close()
