"""The log of a store: whole frames of Arrow IPC, appended; a kill, a full disk or a power cut leaves a beginning of it.

A log begins with a mark and a token, which is drawn for each file. A frame is a header (token, name, rows, octets
and check sum of what follows) and a payload. What is written together, rows of several tables and messages, ends in a
frame named ``commit``: up to the last one a log counts, what stands behind it never happened. So one writing to one
file makes rows and open messages true at once. Strangers choose octets of payloads; the token keeps them from laying
a frame of their own where one was torn.
"""

from __future__ import annotations

import os
import secrets
import struct
import zlib
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import numpy as np
import pyarrow
from pyarrow import ipc

from analyzer.batch import Ints, OpenNumbers
from analyzer.tables.store_files import Appended, Disk

MARK = b"sipcause log 1\r\n"
TOKEN = 8
_HEADER = struct.Struct("<8s16sIQI")  # token, name, rows, octets of the payload, check sum of all that and the payload
_CHECKED = _HEADER.size - 4
COMMIT, MESSAGES, COVERS = "commit", "messages", "covers"
#: So many zeros end no frame (an Arrow stream ends in four).
_BLANK = 8
#: The largest payload that is believed.
LARGEST = 1 << 32


class Commit(NamedTuple):
    """The end of one writing: what was true then."""

    number: int
    ts: int  # the capture's clock, ns; MISSING before the first message
    still_open: OpenNumbers
    #: Runs whose open messages are held by this run now: theirs are done with.
    supersedes: tuple[str, ...] = ()
    #: Of runs over captures that left something open: what of it this run holds, or has told the end of.
    taken: tuple[tuple[str, OpenNumbers], ...] = ()
    #: A run over captures itself: what it left open goes on in what was captured next, whenever that is added.
    of_captures: bool = False


class Frame(NamedTuple):
    """Where a frame stands in its log."""

    name: str
    rows: int
    at: int  # of its payload
    octets: int
    check: int
    header: bytes


class LogWriter:
    """Appends frames. Raises OSError; then ``is_torn`` says whether one can go on with this file."""

    def __init__(self, path: Path, disk: Disk) -> None:
        self.path = path
        self._file: Appended = disk.append(path)
        self._token = secrets.token_bytes(TOKEN)
        try:
            self._file.write(MARK + self._token)
        except OSError:
            self._file.close()
            disk.remove(path)
            raise

    @property
    def octets(self) -> int:
        """How long the log is."""
        return self._file.octets

    @property
    def is_torn(self) -> bool:
        """Something stands at its end that could not be cut off: nothing may follow."""
        return self._file.is_torn

    def frame(self, name: str, rows: int, payload: bytes) -> None:
        """Append one frame, or nothing of it."""
        head = _HEADER.pack(self._token, name.encode(), rows, len(payload), 0)[:_CHECKED]
        check = zlib.crc32(payload, zlib.crc32(head))
        self._file.write(b"".join([head, check.to_bytes(4, "little"), payload]))

    def cut(self, octets: int) -> None:
        """Go back to where the log was so long."""
        self._file.cut(octets)

    def sync(self) -> None:
        """All frames are on the disk when this returns."""
        self._file.sync()

    def close(self) -> None:
        """No more frames come."""
        self._file.close()


class Log:
    """A log that is read, perhaps while another process appends to it. As a context manager it closes its file.

    ``frames`` are those up to the last commit, ``late`` the whole frames behind it, ``torn`` the octets behind the last
    whole frame. ``is_damaged``: there stands what no interrupted writing leaves. ``changed_ts``: when the log was last
    written to, ns. ``checked`` names the frames whose payload is read to be believed; all others are where they say
    they are.
    """

    def __init__(self, path: Path, checked: Collection[str] | None = None) -> None:
        """Raises OSError when the file cannot be read."""
        self.path = path
        self._file = open(path, "rb")  # noqa: SIM115  closed by __exit__
        try:
            about = os.fstat(self._file.fileno())
            self.octets, self.changed_ts = about.st_size, about.st_mtime_ns
            self.is_damaged = False
            whole = list(self._whole(checked))
        except BaseException:
            self._file.close()
            raise
        commits = [number for number, frame in enumerate(whole) if frame.name == COMMIT]
        last = commits[-1] + 1 if commits else 0
        self.frames, self.late = whole[:last], whole[last:]
        end = whole[-1].at + whole[-1].octets if whole else min(self.octets, len(MARK) + TOKEN)
        self.torn = self.octets - end

    def _whole(self, checked: Collection[str] | None) -> Iterator[Frame]:
        begin = self._file.read(len(MARK) + TOKEN)
        if not begin.startswith(MARK) or len(begin) < len(MARK) + TOKEN:
            self.is_damaged = begin[: len(MARK)] != MARK[: len(begin)] and not self._ends_blank()
            return
        token, at = begin[len(MARK) :], len(begin)
        while at + _HEADER.size <= self.octets:
            self._file.seek(at)
            header = self._file.read(_HEADER.size)
            frame = _frame(header, token, at + _HEADER.size)
            if frame is None or frame.at + frame.octets > self.octets:
                self.is_damaged = frame is None and not self._ends_blank()
                return
            if (checked is None or frame.name in checked or frame.name == COMMIT) and not self._is_right(frame):
                self.is_damaged = not self._ends_blank()
                return
            yield frame
            at = frame.at + frame.octets

    def _is_right(self, frame: Frame) -> bool:
        return zlib.crc32(self._read(frame), zlib.crc32(frame.header)) == frame.check

    def _ends_blank(self) -> bool:
        """Whether the file is longer than what was written of it before the power went: then its rest is zeros."""
        self._file.seek(max(self.octets - _BLANK, 0))
        return self._file.read(_BLANK).strip(b"\0") == b""

    def _read(self, frame: Frame) -> bytes:
        self._file.seek(frame.at)
        return self._file.read(frame.octets)

    def payload(self, frame: Frame) -> bytes:
        """The payload of a frame. Raises OSError when it has changed since it was listed."""
        content = self._read(frame)
        if zlib.crc32(content, zlib.crc32(frame.header)) != frame.check:
            raise OSError(f"{self.path.name}: a frame has changed")
        return content

    @property
    def last_commit(self) -> Commit | None:
        """The last commit; None when nothing in the log has happened."""
        return unpack_commit(self.payload(self.frames[-1])) if self.frames else None

    def named(self, name: str) -> list[Frame]:
        """The frames of a name that have happened."""
        return [frame for frame in self.frames if frame.name == name]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()


def _frame(header: bytes, token: bytes, at: int) -> Frame | None:
    said, name, rows, octets, check = _HEADER.unpack(header)
    if said != token or octets > LARGEST:
        return None
    return Frame(name.rstrip(b"\0").decode("ascii", "replace"), rows, at, octets, check, header[:_CHECKED])


def pack(table: Any) -> bytes:
    """An Arrow table or record batch as one payload."""
    sink = pyarrow.BufferOutputStream()
    options = ipc.IpcWriteOptions(compression="zstd", unify_dictionaries=True, use_threads=False)
    with ipc.new_stream(sink, table.schema, options=options) as stream:
        stream.write(table)
    return bytes(sink.getvalue())


def unpack(payload: bytes, columns: Sequence[int] | None = None) -> Any:
    """The table of a payload, or only some columns of it, by position. Raises OSError for what is no such payload."""
    options = ipc.IpcReadOptions(use_threads=False, included_fields=list(columns) if columns is not None else None)
    try:
        with ipc.open_stream(payload, options=options) as stream:
            return stream.read_all()
    except pyarrow.ArrowException as error:
        raise OSError(f"a frame cannot be understood ({error})") from error


def pack_commit(commit: Commit) -> bytes:
    """A commit as a payload."""
    opened = [pyarrow.array([column], type=pyarrow.large_list(pyarrow.int64())) for column in commit.still_open]
    names = pyarrow.list_(pyarrow.string())
    arrays = [
        pyarrow.array([commit.number]),
        pyarrow.array([commit.ts]),
        pyarrow.array([list(commit.supersedes)], type=names),
        *opened,
    ]
    fields = ["number", "ts", "supersedes", *OpenNumbers._fields]
    if commit.of_captures:
        lists = [column.tolist() for _, numbers in commit.taken for column in numbers]  # three a run
        arrays += [
            pyarrow.array([[run for run, _ in commit.taken]], type=names),
            pyarrow.array([lists], type=pyarrow.list_(pyarrow.large_list(pyarrow.int64()))),
        ]
        fields += ["taken_runs", "taken"]
    return pack(pyarrow.table(arrays, names=fields))


def unpack_commit(payload: bytes) -> Commit:
    """The reverse of `pack_commit`."""
    row = unpack(payload)
    numbers: list[Ints] = [
        np.asarray(row.column(name).chunk(0).flatten().to_numpy(), dtype=np.int64) for name in OpenNumbers._fields
    ]
    ts, number = row.column("ts")[0].as_py(), row.column("number")[0].as_py()
    supersedes = tuple(row.column("supersedes")[0].as_py())
    if "taken" not in row.column_names:
        return Commit(number, ts, OpenNumbers(*numbers), supersedes)
    lists = [np.array(part, dtype=np.int64) for part in row.column("taken")[0].as_py()]
    groups = (OpenNumbers(*lists[at : at + 3]) for at in range(0, len(lists), 3))
    taken = tuple(zip(row.column("taken_runs")[0].as_py(), groups, strict=True))
    return Commit(number, ts, OpenNumbers(*numbers), supersedes, taken, of_captures=True)
