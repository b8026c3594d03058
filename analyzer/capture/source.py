"""Captures as streams of octets: files, packed files, directories and standard input.

What a file is, its first octets say, never its name: ``editcap`` writes pcapng into ``x.pcap``, and a rotated file
may be called ``trace.pcap.3``. Nothing is read whole: a source fills the caller's buffer piece by piece.
"""

from __future__ import annotations

import io
import os
import stat
import sys
from collections.abc import Iterator, Sequence

import numpy as np

from analyzer.batch import Octets
from analyzer.capture.unpack import Unpacked, packing
from analyzer.errors import CaptureError

STDIN = "-"
#: Octets looked at to tell what a file is.
_HEAD = 64

_PCAP_MAGICS = frozenset(
    bytes.fromhex(magic) for magic in ("a1b2c3d4", "d4c3b2a1", "a1b23c4d", "4d3cb2a1", "a1b2cd34", "34cdb2a1")
)
_PCAPNG_MAGIC = bytes.fromhex("0a0d0d0a")
_NOT_A_CAPTURE = "not a capture; give a pcap or pcapng file (gz, zst and xz are unpacked)"


def container(head: bytes) -> str | None:
    """``pcap``, ``pcapng`` or None, by the first octets of an unpacked file."""
    if head[:4] in _PCAP_MAGICS:
        return "pcap"
    # The byte-order magic behind the block's length tells a section header from a text with odd line ends.
    if head[:4] == _PCAPNG_MAGIC and head[8:12] in (b"\x1a\x2b\x3c\x4d", b"\x4d\x3c\x2b\x1a", b""):
        return "pcapng"
    return None


class Source:
    """An opened capture: its unpacked octets in order.

    ``format`` is ``pcap`` or ``pcapng``, with ``.gz``, ``.zst`` or ``.xz`` where packed; ``total`` the size of the
    file on disk (None for a pipe); ``consumed`` how many of those octets were read; ``damage`` what is wrong with a
    packed stream once its damaged spot was reached. ``is_endless`` says that more may come where there was nothing.
    """

    is_endless = False

    def __init__(self, path: str, file: io.FileIO, total: int | None) -> None:
        self.path = path
        self.total = total
        self._file = file
        head = _read_up_to(file, _HEAD)
        packed_as = packing(head)
        self._unpacked = Unpacked(file, packed_as, head) if packed_as else None
        self._file_consumed = len(head)
        if self._unpacked is not None:
            buffer = np.empty(_HEAD, dtype=np.uint8)
            head = buffer[: self._unpacked.read_into(buffer)].tobytes()
        self._head = head
        kind = container(head)
        if kind is None:
            raise CaptureError(path, _NOT_A_CAPTURE if head else "nothing in it; the capture was not written")
        self.format = kind if packed_as is None else f"{kind}.{packed_as}"
        self.container = kind

    @property
    def consumed(self) -> int:
        """Octets of the file read so far (packed ones, if it is packed): for a progress bar."""
        return self._unpacked.consumed if self._unpacked is not None else self._file_consumed

    @property
    def damage(self) -> str | None:
        """What is wrong with a packed stream; None while nothing is."""
        return self._unpacked.damage if self._unpacked is not None else None

    def read_into(self, buffer: Octets) -> int:
        """Fill the beginning of ``buffer`` with the next octets; returns how many, 0 at the end."""
        if self._head:
            taken = min(len(self._head), len(buffer))
            buffer[:taken] = np.frombuffer(self._head, dtype=np.uint8, count=taken)
            self._head = self._head[taken:]
            return taken + (0 if self._head else self._read(buffer[taken:]))
        return self._read(buffer)

    def _read(self, buffer: Octets) -> int:
        try:
            if self._unpacked is not None:
                return self._unpacked.read_into(buffer)
            count = self._file.readinto(buffer.data) or 0 if len(buffer) else 0
        except OSError as error:
            raise CaptureError(self.path, f"cannot be read ({error.strerror})") from error
        self._file_consumed += count
        return count

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def __enter__(self) -> Source:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _read_up_to(file: io.FileIO, size: int) -> bytes:
    """As many of ``size`` octets as there are; a pipe hands them over in pieces."""
    octets = b""
    while len(octets) < size:
        more = file.read(size - len(octets))
        if not more:
            break
        octets += more
    return octets


def open_source(path: str) -> Source:
    """Open a capture file, or standard input as ``-``; CaptureError when it cannot be read or is no capture."""
    file, total = _open(path)
    try:
        return Source("standard input" if path == STDIN else path, file, total)
    except OSError as error:
        file.close()
        raise CaptureError(path, f"cannot be read ({error.strerror})") from error
    except BaseException:
        file.close()
        raise


def _open(path: str) -> tuple[io.FileIO, int | None]:
    if path == STDIN:
        if sys.stdin is None or sys.stdin.closed:
            raise CaptureError("standard input", "is closed; pipe a capture into it or name a file")
        if os.isatty(0):
            raise CaptureError("standard input", "is a terminal; pipe a capture into it or name a file")
        return io.FileIO(0, closefd=False), None
    try:
        file = io.FileIO(path)
    except OSError as error:
        raise CaptureError(path, _reason(error)) from error
    except ValueError as error:
        raise CaptureError(path, "no such file") from error
    status = os.fstat(file.fileno())
    return file, status.st_size if stat.S_ISREG(status.st_mode) else None


def _reason(error: OSError) -> str:
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return "no such file; check the path"
    if isinstance(error, PermissionError):
        return "no permission to read it; run as a user who may, or change its mode"
    if isinstance(error, IsADirectoryError):
        return "is a directory"
    return f"cannot be opened ({error.strerror})"


def expand(paths: Sequence[str]) -> list[str]:
    """The captures that some paths name, each once, in the order given.

    Directories are searched with everything below them for captures, told by content, in order of their names;
    ``-`` stays as it is. CaptureError for a missing file, one that may not be read, and a directory without captures.
    """
    found: list[str] = []
    seen: set[tuple[int, int]] = set()
    for path in paths:
        if path == STDIN:
            if STDIN not in found:
                found.append(path)
            continue
        for file in _captures_in(path):
            status = os.stat(file)
            if (status.st_dev, status.st_ino) not in seen:
                seen.add((status.st_dev, status.st_ino))
                found.append(file)
    return found


def _captures_in(path: str) -> Iterator[str]:
    try:
        is_directory = stat.S_ISDIR(os.stat(path).st_mode)
        if not is_directory and not os.access(path, os.R_OK):
            raise PermissionError
    except OSError as error:
        raise CaptureError(path, _reason(error)) from error
    except ValueError as error:
        raise CaptureError(path, "no such file; check the path") from error
    if not is_directory:
        yield path
        return
    count = 0
    for file in _files_below(path):
        if _is_capture(file):
            count += 1
            yield file
    if not count:
        raise CaptureError(path, "a directory without captures; name one that holds pcap or pcapng files")


def _files_below(directory: str) -> Iterator[str]:
    def refuse(error: OSError) -> None:
        raise CaptureError(str(error.filename), _reason(error)) from error

    for folder, folders, names in os.walk(directory, onerror=refuse):
        folders.sort()
        for name in sorted(names):
            file = os.path.join(folder, name)
            # A pipe or device would wait for ever, a dangling link has nothing.
            if os.path.isfile(file):
                yield file


def _is_capture(path: str) -> bool:
    file, total = _open(path)
    with file:
        try:
            return bool(Source(path, file, total).format)
        except CaptureError:
            return False


def read_octets(path: str, offset: int, length: int) -> bytes:
    """``length`` octets from ``offset`` of an unpacked capture, to show a message later; fewer at its end.

    CaptureError when the file is gone or was standard input, which cannot be read again.
    """
    if path == STDIN:
        raise CaptureError("standard input", "cannot be read a second time; save the capture in a file")
    with open_source(path) as source:
        if "." not in source.format:
            with open(path, "rb") as file:
                file.seek(offset)
                return file.read(length)
        buffer = np.empty(1 << 18, dtype=np.uint8)
        position = 0
        while position < offset:
            count = source.read_into(buffer[: min(len(buffer), offset - position)])
            if not count:
                return b""
            position += count
        pieces: list[bytes] = []
        while length > 0:
            count = source.read_into(buffer[: min(len(buffer), length)])
            if not count:
                break
            pieces.append(buffer[:count].tobytes())
            length -= count
        return b"".join(pieces)
