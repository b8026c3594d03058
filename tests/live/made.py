"""Listeners that hand over what a capture holds, in pieces, and runs of the live loop over them without a wire."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from analyzer.batch import Octets
from analyzer.capture.frames import chosen_frames
from analyzer.capture.source import open_source
from analyzer.config import Config
from analyzer.correlate.rules import Rules
from analyzer.live.counting import Counting, Ticked
from analyzer.live.hearing import Hearing
from analyzer.registry import load_registry
from analyzer.stats.tally import Tally
from analyzer.vocab import SourceKind


def records_of(path: str | Path) -> tuple[int, list[tuple[int, bytes]]]:
    """Link type and (time, record) of every frame of a capture of one link type."""
    with open_source(str(path)) as source:
        frames = list(chosen_frames(source))
    records = []
    for frame in frames:
        seconds, nanoseconds = divmod(frame.ts, 1_000_000_000)
        header = struct.pack("<IIII", seconds, nanoseconds, len(frame.octets), frame.wire_length)
        records.append((frame.ts, header + frame.octets))
    (link_type,) = {frame.link_type for frame in frames} or {1}
    return link_type, records


class RecordListener:
    """Hands over records, so many at a time. ``now`` is the time of the last one that was handed over."""

    kind = SourceKind.LIVE

    def __init__(
        self, link_type: int, records: Sequence[tuple[int, bytes]], sizes: Iterator[int], name: str = "made0"
    ) -> None:
        self.name = name
        self.link_type = link_type
        self.dropped = 0
        self.trouble: str | None = None
        self.now = records[0][0] if records else 0
        self._records = list(records)
        self._at = 0
        self._sizes = sizes
        # Always readable, so that nobody waits.
        self._pipe = os.pipe()
        os.write(self._pipe[1], b"x")

    @property
    def is_over(self) -> bool:
        """Whether everything was handed over."""
        return self._at == len(self._records)

    def filenos(self) -> list[int]:
        """Something readable."""
        return [self._pipe[0]]

    def read_into(self, buffer: Octets) -> int:
        """The next records; 0 now and then, as on a wire."""
        count = next(self._sizes)
        used = 0
        for ts, record in self._records[self._at : self._at + count]:
            if used + len(record) > len(buffer):
                break
            buffer[used : used + len(record)] = np.frombuffer(record, dtype=np.uint8)
            used += len(record)
            self._at += 1
            self.now = max(self.now, ts)
        return used

    def tick(self) -> None:
        """Nothing to look after."""

    def close(self) -> None:
        """Let go of the pipe."""
        if self._pipe:
            for end in self._pipe:
                os.close(end)
            self._pipe = ()  # type: ignore[assignment]


class Run:
    """A live run over listeners: the rows that ended, put together, and what was decided."""

    def __init__(
        self, listeners: Sequence[RecordListener], without: Sequence[str] = (), most_open: int = 1_000_000,
        keep_copies: bool = False, sinks: Sequence[Callable[..., None]] = (),
    ) -> None:  # fmt: skip
        registry, config = load_registry(), Config()
        self.rules = Rules(registry, "dss1", without)
        self.tally = Tally(registry, config)
        self.ticks: list[Ticked] = []

        def clock() -> int:
            if all(listener.is_over for listener in listeners):
                hearing.stop()
            return max(listener.now for listener in listeners)

        counting = self.counting = Counting(
            self.rules, config, len(listeners), self.tally, most_open=most_open, events=lambda: hearing.events
        )
        hearing = self.hearing = Hearing(
            listeners, counting.issues, counting.read, keep_copies=keep_copies, clock=clock
        )
        for batch, until in hearing.heard():
            if batch is not None:
                counting.take(batch, sinks)
            else:
                self.ticks.append(counting.tick(clock(), until))
        self.ticks.append(counting.close(clock()))
        hearing.close()

    def rows(self, table: str) -> list[dict[str, object]]:
        """All rows of a table, in the order of its first column."""
        rows = [row for tick in self.ticks for row in tick.ended[table].rows()]
        return sorted(rows, key=lambda row: next(iter(row.values())))  # type: ignore[arg-type,return-value]

    def decided(self) -> list[dict[str, object]]:
        """Every call as it was told when it was decided, by call_no."""
        rows = [row for tick in self.ticks for row in tick.decided.rows()]
        return sorted(rows, key=lambda row: row["call_no"])  # type: ignore[arg-type,return-value]
