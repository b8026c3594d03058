"""Messages of what is open: held until the next writing, written to the log, dropped when all they belong to has ended.

A message is needed as long as its call, its registration or its transaction is open: a restart reads the needed ones
again (`store_recover`). Logs with messages are looked through again when they have become twice as old; where less
than half is needed the rest is written anew, and small neighbours are joined, so that a message is copied only as
often as the log that it stands in doubles.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow
from numpy.typing import NDArray

from analyzer.batch import (
    D_COLUMNS,
    D_COPY,
    D_FILE_OFFSET,
    D_LENGTH,
    D_OFFSET,
    MISSING,
    Ints,
    MessageBatch,
    Octets,
    OpenNumbers,
)
from analyzer.tables.journal import COMMIT, COVERS, MESSAGES, Commit, Log, LogWriter, pack, pack_commit, unpack
from analyzer.tables.store_files import NEW, OPEN, Disk, LogName, log_path
from analyzer.tables.texts import end_to_end

#: Behind the columns of a datagram: what it belongs to.
TRANSACTION, CALL, REGISTRATION = range(D_COLUMNS, D_COLUMNS + 3)
KEPT_COLUMNS = D_COLUMNS + 3
_NAMES = [f"d{column}" for column in range(D_COLUMNS)] + ["transaction_no", "call_no", "registration_no"]
#: Octets of messages in one frame, about.
FRAME = 4 << 20


class Kept(NamedTuple):
    """Messages: ``rows`` (D_*, then TRANSACTION, CALL, REGISTRATION) and their ``octets`` end to end."""

    rows: Ints
    octets: Octets

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def size(self) -> int:
        """Octets of memory."""
        return self.rows.nbytes + len(self.octets)

    def take(self, chosen: NDArray[np.bool_]) -> Kept:
        """Some of the messages."""
        return self if chosen.all() else packed(self.rows[chosen], self.octets)


def kept(batch: MessageBatch, links: Ints) -> Kept:
    """The messages of a batch that belong to anything, copies left out; their octets are copied."""
    numbers = batch.numbers
    chosen = (numbers[:, D_COPY] == 0) & (links[:, 1:4] != MISSING).any(axis=1)
    rows = np.concatenate([numbers[chosen, :D_COLUMNS], links[chosen, 1:4]], axis=1)
    return packed(rows, batch.octets)


def packed(rows: Ints, octets: Octets) -> Kept:
    """The messages with their octets end to end."""
    gathered = end_to_end(octets, rows[:, D_OFFSET].copy(), rows[:, D_LENGTH].astype(np.int32))
    rows = rows.copy()
    rows[:, D_OFFSET] = gathered.offsets[:-1]
    rows[:, D_FILE_OFFSET] = MISSING  # they stand in no capture any more
    return Kept(rows, gathered.octets)


def needed(rows: Ints, still_open: OpenNumbers) -> NDArray[np.bool_]:
    """Which messages belong to something that is open. ``rows`` end in TRANSACTION, CALL, REGISTRATION."""
    chosen = _among(rows[:, -2], still_open.calls)
    chosen |= _among(rows[:, -1], still_open.registrations)
    chosen |= _among(rows[:, -3], still_open.transactions)
    return chosen


def _among(values: Ints, ascending: Ints) -> NDArray[np.bool_]:
    if not len(ascending):
        return np.zeros(len(values), dtype=np.bool_)
    places = np.minimum(np.searchsorted(ascending, values), len(ascending) - 1)
    found: NDArray[np.bool_] = ascending[places] == values
    return found


def joined(parts: Iterable[Kept]) -> Iterator[Kept]:
    """Messages one after the other, in pieces of about `FRAME` octets."""
    waiting: list[Kept] = []
    size = 0
    for part in parts:
        waiting.append(part)
        size += part.size
        if size >= FRAME:
            yield joined_whole(waiting)
            waiting, size = [], 0
    if waiting:
        yield joined_whole(waiting)


def joined_whole(parts: Sequence[Kept]) -> Kept:
    """Messages one after the other in one piece."""
    if len(parts) == 1:
        return parts[0]
    rows = np.concatenate([part.rows for part in parts])
    ends = np.cumsum([len(part.octets) for part in parts])
    bases = np.concatenate([[0], ends[:-1]])
    rows[:, D_OFFSET] += np.repeat(bases, [len(part) for part in parts])
    return Kept(rows, np.concatenate([part.octets for part in parts]))


def pack_messages(messages: Kept) -> bytes:
    """Messages as one payload."""
    octets = np.ascontiguousarray(messages.octets)
    offsets = np.append(messages.rows[:, D_OFFSET], len(octets))
    buffers = [None, pyarrow.py_buffer(np.ascontiguousarray(offsets)), pyarrow.py_buffer(octets)]
    texts = pyarrow.Array.from_buffers(pyarrow.large_binary(), len(messages), buffers)
    numbers = [pyarrow.array(np.ascontiguousarray(messages.rows[:, column])) for column in range(KEPT_COLUMNS)]
    return pack(pyarrow.table([*numbers, texts], names=[*_NAMES, "octets"]))


def unpack_messages(payload: bytes) -> Kept:
    """The reverse of `pack_messages`."""
    table = unpack(payload).combine_chunks()
    rows = np.empty((len(table), KEPT_COLUMNS), dtype=np.int64)
    for column in range(KEPT_COLUMNS):
        rows[:, column] = table.column(column).to_numpy()
    octets: Any = np.empty(0, dtype=np.uint8)
    if len(table):
        _, offsets, data = table.column("octets").chunk(0).buffers()
        if data is not None:
            octets = np.frombuffer(data, dtype=np.uint8)[: int(np.frombuffer(offsets, dtype=np.int64)[len(table)])]
    return Kept(rows, octets)


def links_of(payload: bytes) -> Ints:
    """What the messages of a payload belong to (n × 3), without their octets."""
    table = unpack(payload, range(D_COLUMNS, KEPT_COLUMNS))
    return np.stack([column.to_numpy() for column in table.columns], axis=1).reshape(-1, 3)


class Segment:
    """A log with messages of what was open, and when it is looked through again."""

    def __init__(self, name: LogName, path: Path, size: int, now: int) -> None:
        self.name = name
        self.path = path
        self.size = size
        self.wait = 1
        self.due = now + 1

    def look_later(self, now: int) -> None:
        """Wait twice as long as the last time."""
        self.wait *= 2
        self.due = now + self.wait


class Segments:
    """The logs with messages of one run, oldest first."""

    def __init__(self, folder: Path, disk: Disk) -> None:
        self._folder = folder
        self._disk = disk
        self._round = 0
        self.segments: list[Segment] = []

    def add(self, name: LogName, path: Path) -> None:
        """One more, the youngest."""
        self.segments.append(Segment(name, path, path.stat().st_size, self._round))

    def collect(self, commit: Commit) -> None:
        """Drop messages that are needed no more. Raises OSError; what is not done then is done the next time."""
        self._round += 1
        for segment in [one for one in self.segments if one.due <= self._round]:
            total, alive = self._count(segment, commit.still_open)
            # The youngest one tells what is open, whether it has messages or not.
            if not alive and segment is not self.segments[-1]:
                self._disk.remove(segment.path)
                self.segments.remove(segment)
            elif 2 * alive < total:
                self.rewrite([segment], commit)
            segment.look_later(self._round)
        while (place := self._small()) is not None:
            self.rewrite(self.segments[place : place + 2], commit)

    def _small(self) -> int | None:
        """The first of two neighbours of which the older is less than twice as large; fresh ones are left alone."""
        settled = [one.wait > 1 for one in self.segments]
        for place in range(len(self.segments) - 2, -1, -1):
            older, younger = self.segments[place : place + 2]
            if settled[place] and settled[place + 1] and older.size < 2 * younger.size:
                return place
        return None

    def _count(self, segment: Segment, still_open: OpenNumbers) -> tuple[int, int]:
        total = alive = 0
        with Log(segment.path, checked=()) as log:
            for frame in log.named(MESSAGES):
                total += frame.rows
                alive += int(needed(links_of(log.payload(frame)), still_open).sum())
        return total, alive

    def rewrite(self, segments: list[Segment], commit: Commit) -> None:
        """What is needed of some neighbours in one log, which stands in the place of the youngest."""
        last = segments[-1]
        first = min(covered(segment.path, segment.name)[0] for segment in segments)
        new = last.path.with_name(last.path.name + NEW)
        self._disk.remove(new)
        writer = LogWriter(new, self._disk)
        try:
            writer.frame(COVERS, first, b"")
            parts = (messages_in(segment.path, commit.still_open) for segment in segments)
            write_messages(writer, chain.from_iterable(parts))
            writer.frame(COMMIT, 1, pack_commit(commit))
            writer.sync()
        except BaseException:
            writer.close()
            self._disk.remove(new)
            raise
        writer.close()
        self._disk.rename(new, last.path)
        last.size = writer.octets
        last.wait = max(segment.wait for segment in segments)
        last.due = max(segment.due for segment in segments)
        for segment in segments[:-1]:
            self._disk.remove(segment.path)
            self.segments.remove(segment)

    def remove(self) -> None:
        """Nothing is open: all of them go."""
        while self.segments:
            self._disk.remove(self.segments[0].path)
            del self.segments[0]


def write_messages(writer: LogWriter, parts: Iterable[Kept]) -> None:
    """Append messages to a log. Raises OSError."""
    for part in joined(parts):
        if len(part):
            writer.frame(MESSAGES, len(part), pack_messages(part))


def messages_in(path: Path, still_open: OpenNumbers, checked: Collection[str] | None = ()) -> Iterator[Kept]:
    """The messages of a log that belong to something that is open; ``checked`` as `Log` has it."""
    with Log(path, checked) as log:
        for frame in log.named(MESSAGES):
            part = unpack_messages(log.payload(frame))
            chosen = needed(part.rows, still_open)
            if chosen.any():
                yield part.take(chosen)


def covered(path: Path, name: LogName) -> tuple[int, int]:
    """From which to which sequence a log holds the messages: more than its own where logs were joined."""
    with Log(path, checked=()) as log:
        first = [frame.rows for frame in log.frames[:1] if frame.name == COVERS]
    return (first[0] if first else name.sequence), name.sequence


def open_path(folder: Path, name: LogName) -> Path:
    """Where the messages of a log stand once its rows are rolled."""
    return log_path(folder, OPEN, name)
