"""Rows, messages and failing disks for the tests of the store."""

from __future__ import annotations

from collections.abc import Sequence
from errno import ENOSPC
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from analyzer import batch as b
from analyzer.batch import Columns, Datagrams, Ints, MessageBatch, OpenNumbers
from analyzer.findings import MidcallRow
from analyzer.schema import CallRow
from analyzer.tables.store import Rolling, StoreWriter
from analyzer.tables.store_files import Disk
from tests.tables.made import made_columns, texts_of

ZONE = ZoneInfo("Europe/Amsterdam")
SECOND = 1_000_000_000
START = 1_773_122_400 * SECOND  # 2026-03-10 07:00 in Amsterdam
NEVER = Rolling(every_s=1e9)
ALWAYS = Rolling(every_s=0.0, again_s=0.0)


def writer(folder: Path, **options: Any) -> StoreWriter:
    """A writer that writes in the thread of its caller, and does not wait for the disk."""
    options.setdefault("disk", BadDisk())
    options.setdefault("in_background", False)
    options.setdefault("rolling", NEVER)
    return StoreWriter(folder, ZONE, **options)


def call_rows(numbers: Sequence[int], start: int = START, outcome: str = "answered", messages: int = 7) -> Columns:
    """Calls with these numbers; the call of a number is the same in every run."""
    made = made_columns(CallRow, len(numbers), seed=1).columns
    made["call_no"] = np.array(numbers, dtype=np.int64)
    made["network"] = np.full(len(numbers), b.MISSING, dtype=np.int64)
    made["invite_ts"] = np.array([start + number * SECOND for number in numbers], dtype=np.int64)
    made["call_id"] = texts_of([f"call-{number}@example.com".encode() for number in numbers])
    made["from_tag"] = texts_of([f"tag-{number}".encode() for number in numbers])
    made["outcome"] = b.labels_of([outcome] * len(numbers))
    made["messages"] = np.full(len(numbers), messages, dtype=np.int64)
    return Columns(CallRow, made, len(numbers))


def told_rows(numbers: Sequence[int]) -> Columns:
    """Rows of a narrow table with these numbers, quickly written and read."""
    made = made_columns(MidcallRow, len(numbers), seed=1).columns
    made["call_no"] = np.array(numbers, dtype=np.int64)
    made["request_ts"] = np.array([START + number * SECOND for number in numbers], dtype=np.int64)
    return Columns(MidcallRow, made, len(numbers))


def message_batch(numbers: Sequence[int], text: str = "INVITE {}", ts: int = START) -> tuple[MessageBatch, Ints]:
    """One message a number, which belongs to the call of that number."""
    octets = [text.format(number).encode() for number in numbers]
    rows = np.zeros((len(numbers), b.M_COLUMNS), dtype=np.int64)
    rows[:, b.D_LENGTH] = [len(one) for one in octets]
    rows[:, b.D_OFFSET] = np.cumsum([0, *(len(one) for one in octets)])[: len(octets)]
    rows[:, b.D_TS] = ts + np.arange(len(numbers))
    links = np.full((len(numbers), 4), b.MISSING, dtype=np.int64)
    links[:, 2] = numbers
    window = np.frombuffer(b"".join(octets) + bytes(64), dtype=np.uint8)
    return MessageBatch(window, rows, np.zeros((len(numbers), b.S_COLUMNS, 2), dtype=np.int32)), links


def opened(*calls: int) -> OpenNumbers:
    nothing = np.empty(0, dtype=np.int64)
    return OpenNumbers(np.array(sorted(calls), dtype=np.int64), nothing, nothing)


def texts(datagrams: Sequence[Datagrams]) -> list[str]:
    """What recovered messages say, in order."""
    return [
        part.octets[row[b.D_OFFSET] : row[b.D_OFFSET] + row[b.D_LENGTH]].tobytes().decode()
        for part in datagrams
        for row in part.rows
    ]


class Crash(BaseException):
    """The power goes: nothing that comes after happens."""


class BadDisk(Disk):
    """Counts its steps; stops at one of them, or is full behind so many octets."""

    def __init__(self, crash_at: int = -1, room: int | None = None) -> None:
        self.steps = 0
        self.crash_at = crash_at
        self.room = room

    def _step(self) -> None:
        self.steps += 1
        if self.steps == self.crash_at:
            raise Crash

    def write(self, number: int, content: bytes | memoryview) -> None:
        """Half of it is written before a crash, as much as there is room for on a full disk."""
        content = memoryview(content).cast("B")
        if self.steps + 1 == self.crash_at:
            super().write(number, content[: len(content) // 2])
        self._step()
        if self.room is not None and len(content) > self.room:
            super().write(number, content[: self.room])
            self.room = 0
            raise OSError(ENOSPC, "No space left on device")
        super().write(number, content)
        if self.room is not None:
            self.room -= len(content)

    def sync(self, number: int) -> None:
        self._step()  # what a power cut takes is not tried here; fsync would only be slow

    def rename(self, old: Path, new: Path) -> None:
        self._step()
        super().rename(old, new)
        self._step()

    def remove(self, path: Path) -> None:
        self._step()
        super().remove(path)
