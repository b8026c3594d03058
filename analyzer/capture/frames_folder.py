"""The folder of rotated captures: their names and numbers, how many are kept, and what a kill left torn.

Only files of our own name pattern are ever looked at, cut or removed, and only one process writes to a folder.
"""

from __future__ import annotations

import mmap
import os
import re
import struct
from collections import deque
from datetime import UTC, datetime
from typing import Any

from analyzer.errors import OutputError
from analyzer.folders import make_folder

#: sipcause-20261126T183500Z-0001.pcapng: when it was begun, and a number that goes on over restarts.
NAME = re.compile(r"sipcause-\d{8}T\d{6}Z-(\d{4,})\.pcapng")
_FILE_MODE = 0o640
_SECOND = 1_000_000_000


class FramesFolder:
    """The captures in ``path``, of which ``max_files`` are kept (None: all).

    ``trouble`` says that an old one could not be removed. OutputError when the folder cannot be made or written, or
    another process writes captures to it.
    """

    def __init__(self, path: str, max_files: int | None = None) -> None:
        reason = make_folder(path)
        if reason is not None:
            raise OutputError(path, reason)
        self.path = path
        self.trouble: str | None = None
        self._max_files = max_files
        self._lock = _lock(path)
        try:
            with os.scandir(path) as entries:
                found = [entry.name for entry in entries if NAME.fullmatch(entry.name) and _is_file(entry)]
        except OSError as error:
            self.close()
            raise OutputError(path, f"cannot be read ({error.strerror})") from error
        #: Names, oldest first.
        self.files = deque(sorted(found, key=_number))
        self._next = _number(self.files[-1]) + 1 if self.files else 1
        if self.files and not mend(os.path.join(path, self.files[-1])):
            self.files.pop()

    def create(self, ts: int) -> tuple[int, str]:
        """Begin the next file, and remove the oldest ones that are too many: descriptor for appending, and name.

        OSError when it cannot be made.
        """
        self._remove_old()
        begun = datetime.fromtimestamp(ts // _SECOND, UTC)
        name = f"sipcause-{begun:%Y%m%dT%H%M%SZ}-{self._next:04}.pcapng"
        # O_EXCL also refuses a link that somebody has laid where we would write.
        how = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | getattr(os, "O_BINARY", 0)
        try:
            descriptor = os.open(os.path.join(self.path, name), how, _FILE_MODE)
        except FileExistsError:
            self._next += 1  # the next attempt takes another
            raise
        self.files.append(name)
        self._next += 1
        return descriptor, name

    def take_back(self, name: str) -> None:
        """Remove a file in which there is nothing yet."""
        if self.files and self.files[-1] == name:
            self.files.pop()
            self._next -= 1
        self._remove(name)

    def close(self) -> None:
        """Let others write here."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _remove_old(self) -> None:
        if self._max_files is None:
            return
        while len(self.files) >= max(self._max_files, 1):
            # One that cannot be removed is not tried again: it is the user's from now on.
            self._remove(self.files.popleft())

    def _remove(self, name: str) -> None:
        try:
            os.unlink(os.path.join(self.path, name))
            self.trouble = None
        except FileNotFoundError:
            pass
        except OSError as error:
            self.trouble = f"{name} cannot be removed ({error.strerror})"


def _number(name: str) -> int:
    match = NAME.fullmatch(name)
    return int(match.group(1)) if match else 0


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file(follow_symlinks=False)
    except OSError:
        return False


def _lock(path: str) -> int | None:
    """Hold the folder for this process; it is let go with the process, however that ends. None where locks are not
    to be had."""
    try:
        import fcntl

        descriptor = os.open(path, os.O_RDONLY)
    except (ImportError, OSError):
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise OutputError(path, "another sipcause writes its frames there; give each a folder of its own") from None
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def mend(path: str) -> bool:
    """Cut a file that a kill or a power cut left torn back to its last whole block; whether there is one left.

    A file without a whole first block is removed. What is damaged otherwise than at its end is left as it is, and so
    is what cannot be changed: readers stop there by themselves.
    """
    try:
        with open(path, "r+b") as file:
            size = os.fstat(file.fileno()).st_size
            whole = 0
            if size:
                with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as octets:
                    if octets[:4] != b"\n\r\r\n"[:size]:
                        return True
                    whole = whole_blocks(octets, size)
                    if not _is_torn(octets, whole, size):
                        return True
            if whole:
                file.truncate(whole)
                return True
        os.unlink(path)
    except OSError:
        return True
    return False


def whole_blocks(octets: Any, end: int) -> int:
    """Where the last whole block of ``octets[:end]`` ends, little endian."""
    position = 0
    while position + 12 <= end:
        (total,) = struct.unpack_from("<I", octets, position + 4)
        behind = position + total
        if total < 12 or total & 3 or behind > end or struct.unpack_from("<I", octets, behind - 4)[0] != total:
            break
        position = behind
    return position


def _is_torn(octets: Any, whole: int, size: int) -> bool:
    """Whether what stands behind the last whole block is the beginning of one more, or what a disk never got."""
    if size - whole < 8:
        return size > whole
    (total,) = struct.unpack_from("<I", octets, whole + 4)
    is_begun = total >= 12 and not total & 3 and whole + total > size
    return is_begun or not any(any(octets[at : min(at + 65536, size)]) for at in range(whole, size, 65536))
