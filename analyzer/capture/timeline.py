"""Several captures as one timeline.

A capture alone is handed through as it is, in captured order. Of several, those whose time spans do not overlap
follow one another by their first time stamp (a ring buffer's files in any order of names); where spans overlap,
frames are merged by time. Within a capture the order never changes: a frame that is stamped earlier than the one
before it counts as being of the same time.

A capture is opened when the time of its first frame has come and closed at its end, so that of a thousand rotated
files one or two are open at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np

from analyzer.batch import D_LENGTH, D_OFFSET, D_TS, R_COLUMNS, Datagrams, Ints, Octets
from analyzer.capture.flow_table import FlowTable
from analyzer.capture.frames import chosen_frames
from analyzer.capture.reader import Reader, open_reader
from analyzer.capture.source import STDIN, open_source
from analyzer.capture.windows import LONG_FRAME, WINDOW
from analyzer.issues import IssueLog, IssueNote

#: Captures open at once: far below what operating systems allow a process (256 on macOS).
OPEN_CAPTURES = 128
#: With more captures open than this, new ones get small windows, so that memory stays bounded.
_LARGE_WINDOWS = 4
_ALWAYS = -(2**63)


class Timeline:
    """The raw rows of some captures in order of time; iterate once.

    ``paths`` are files (`source.expand` makes them of directories) or ``-``; ``readers`` the captures opened so far
    by capture number, from 1 in the order of ``paths``. CaptureError at once when one of them cannot be read or is
    no capture.
    """

    def __init__(self, paths: Sequence[str], issues: IssueLog, reader: str = "kernels") -> None:
        self._paths = list(paths)
        self._issues = issues
        self._kind = reader
        self.flows = FlowTable()
        self._opened: dict[int, Reader] = {}
        self._sizes: list[int | None] = []
        self._late: set[int] = set()
        if len(self._paths) == 1:
            self._waiting = [(_ALWAYS, 1)]
            self._open(1, WINDOW)
        else:
            starts = [(self._first_ts(path), number) for number, path in enumerate(self._paths, 1)]
            self._waiting = sorted(starts, reverse=True)

    @property
    def readers(self) -> list[Reader]:
        """The captures opened so far, by capture number; all of them once the iteration is over."""
        # Asked while another thread opens captures: the keys are taken in one step.
        return [self._opened[number] for number in sorted(self._opened)]

    @property
    def progress(self) -> tuple[int, int | None]:
        """Octets of all files read so far and their size; None when one is a pipe."""
        if len(self._paths) == 1:
            return self._opened[1].progress
        # Asked while another thread opens captures: the list is made in one step.
        consumed = sum(reader.progress[0] for reader in list(self._opened.values()))
        sizes = [size for size in self._sizes if size is not None]
        return consumed, sum(sizes) if len(sizes) == len(self._paths) else None

    def close(self) -> None:
        """Let go of every file."""
        for reader in self._opened.values():
            reader.close()

    def __iter__(self) -> Iterator[Datagrams]:
        active: list[_Stream] = []
        while active or self._waiting:
            self._open_due(active)
            if len(active) == 1 and (not self._waiting or active[0].last_key < self._waiting[-1][0]):
                yield active[0].taken_whole()
            elif active:
                merged = _merged(active)
                if len(merged.rows):
                    yield merged
            for stream in [stream for stream in active if not stream.refill()]:
                stream.reader.close()
                active.remove(stream)

    def _open_due(self, active: list[_Stream]) -> None:
        """Open every capture whose first frame is not later than what can be handed out next."""
        while self._waiting:
            horizon = min((stream.last_key for stream in active), default=None)
            first_ts, number = self._waiting[-1]
            if horizon is not None and first_ts > horizon:
                return
            if len(active) >= OPEN_CAPTURES:
                self._late.add(number)
                return
            self._waiting.pop()
            if number in self._late:
                what = f"{OPEN_CAPTURES} captures of the same time were open before it; its frames come late"
                self._issues.add(IssueNote("capture.not_merged", number, first_ts, detail=what))
            window = WINDOW if len(active) < _LARGE_WINDOWS else 2 * LONG_FRAME
            stream = _Stream(self._open(number, window), first_ts)
            if stream.refill():
                active.append(stream)
            else:
                stream.reader.close()

    def _open(self, number: int, window: int) -> Reader:
        if number not in self._opened:
            path = self._paths[number - 1]
            self._opened[number] = open_reader(path, number, self._issues, self._kind, window, self.flows)
        return self._opened[number]

    def _first_ts(self, path: str) -> int:
        """Time of a capture's first frame. Standard input cannot be looked at twice, so it is opened at once."""
        if path == STDIN:
            self._sizes.append(None)
            return _ALWAYS
        with open_source(path) as source:
            self._sizes.append(source.total)
            return next((frame.ts for frame in chosen_frames(source)), _ALWAYS)


class _Stream:
    """One open capture and the part of its current batch that has not been handed out.

    ``keys`` are the times of its rows, never going back.
    """

    def __init__(self, reader: Reader, first_ts: int) -> None:
        self.reader = reader
        self.keys: Ints = np.empty(0, dtype=np.int64)
        self.last_key = first_ts
        self._batches = iter(reader)
        self._octets: Octets = np.empty(0, dtype=np.uint8)
        self._rows: Ints = np.empty((0, R_COLUMNS), dtype=np.int64)

    def refill(self) -> bool:
        """Take the next batch when all rows are handed out (it may be empty); False at the capture's end."""
        if len(self._rows):
            return True
        batch = next(self._batches, None)
        if batch is None:
            return False
        self._octets, self._rows = batch
        self.keys = np.maximum(np.maximum.accumulate(self._rows[:, D_TS]), self.last_key)
        if len(self.keys):
            self.last_key = int(self.keys[-1])
        return True

    def taken_whole(self) -> Datagrams:
        """All rows there are, as they stand."""
        batch = Datagrams(self._octets, self._rows)
        self._rows, self.keys = self._rows[:0], self.keys[:0]
        return batch

    def taken(self, count: int) -> tuple[Octets, Ints, Ints]:
        """The first rows: their octets, the rows (offsets into these octets) and their keys."""
        rows, keys = self._rows[:count].copy(), self.keys[:count]
        if not count:
            return self._octets[:0], rows, keys
        # Batches are filled from front to back, so that the first rows' octets stand in one piece.
        start, last = int(rows[0, D_OFFSET]), rows[-1]
        octets = self._octets[start : int(last[D_OFFSET] + last[D_LENGTH])]
        rows[:, D_OFFSET] -= start
        self._rows, self.keys = self._rows[count:], self.keys[count:]
        return octets, rows, keys


def _merged(streams: list[_Stream]) -> Datagrams:
    """What can be handed out: every row that no row to come may precede."""
    last_key, last_number = min((stream.last_key, stream.reader.capture_no) for stream in streams)
    parts, keys = [], []
    for stream in sorted(streams, key=lambda stream: stream.reader.capture_no):
        # Ties go by capture number: rows of the same time may still come from a capture with a lower one.
        side: Literal["left", "right"] = "right" if stream.reader.capture_no <= last_number else "left"
        octets, rows, own_keys = stream.taken(int(np.searchsorted(stream.keys, last_key, side)))
        parts.append(Datagrams(octets, rows))
        keys.append(own_keys)
    return joined(parts, np.concatenate(keys))


def joined(parts: Sequence[Datagrams], keys: Ints) -> Datagrams:
    """Rows of several batches as one, in the order of their keys; those of the same key stay in the order given."""
    base = 0
    moved = []
    for octets, rows in parts:
        own = rows.copy()
        own[:, D_OFFSET] += base
        base += len(octets)
        moved.append(own)
    rows = np.concatenate(moved)[np.argsort(keys, kind="stable")]
    return Datagrams(np.concatenate([octets for octets, _ in parts]), rows)


def timeline(paths: Sequence[str], issues: IssueLog, reader: str = "kernels") -> Timeline:
    """The captures ``paths`` as one timeline (see `Timeline`)."""
    return Timeline(paths, issues, reader)
