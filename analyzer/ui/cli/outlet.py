"""Output that never holds up a capture: a thread writes, and what finds no room is left out and counted.

A pipe whose reader sleeps, a terminal stopped with Ctrl-S or a dead connection make a write block for as long as they
like. Here only a thread of its own blocks; whoever hands something over does not.
"""

from __future__ import annotations

import errno
import os
import select
import signal
import threading
import time
from collections import deque
from contextlib import suppress
from types import TracebackType
from typing import Self

#: Octets that may wait: some 40,000 calls as JSON lines.
ROOM = 64_000_000
#: How long `Outlet.close` waits for a reader, and how long a full disk is left alone, s.
PATIENCE_S, RETRY_S = 5.0, 1.0
_FULL = (errno.ENOSPC, errno.EDQUOT)
_PIECE = 1 << 16


class Closing:
    """Something with a `close`, as a context manager."""

    def close(self) -> None:
        """Write what waits; twice does no harm."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Outlet:
    """A file descriptor that is written to by a thread."""

    def __init__(self, fileno: int, room: int = ROOM) -> None:
        self._fileno = fileno
        self._room = room
        self._waiting: deque[bytes] = deque()
        self._octets = 0
        self._changed = threading.Condition()
        self._is_closing = False
        #: Whether nobody will ever read again: the pipe is closed, the terminal is gone.
        self.is_gone = False
        #: Why nothing can be written at the moment; None while all is well.
        self.trouble: str | None = None
        # Started when there is something to write: privileges are given up before, and a thread keeps those it has.
        self._thread = threading.Thread(target=self._run, name="output", daemon=True)
        self._has_begun = False

    @property
    def is_idle(self) -> bool:
        """Whether everything has been written."""
        return not self._octets

    def put(self, octets: bytes) -> bool:
        """Have octets written, all of them or, where there is no room (or nobody who reads), none: then False."""
        with self._changed:
            if self.is_gone or self._is_closing or self._octets + len(octets) > self._room:
                return False
            if octets:
                self._waiting.append(octets)
                self._octets += len(octets)
                if not self._has_begun:
                    self._has_begun = True
                    self._thread.start()
                self._changed.notify()
        return True

    def close(self, patience_s: float = PATIENCE_S) -> int:
        """Wait until everything is written, but not longer than so many seconds; returns the octets left unwritten."""
        with self._changed:
            self._is_closing = True
            self._changed.notify()
        if self._has_begun:
            self._thread.join(patience_s)
        return self._octets

    def _run(self) -> None:
        # Signals are the loop's: they must wake its thread, not this one.
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        while True:
            with self._changed:
                while not self._waiting:
                    if self._is_closing:
                        return
                    self._changed.wait()
                octets = self._waiting.popleft()
            if not self._written(octets):
                with self._changed:
                    self.is_gone = True
                    self._waiting.clear()
                    self._octets = 0
                return
            with self._changed:
                self._octets -= len(octets)

    def _written(self, octets: bytes) -> bool:
        """Write all of it, however long that takes; False when nobody reads any more."""
        rest = memoryview(octets)
        while rest:
            try:
                rest = rest[os.write(self._fileno, rest[:_PIECE]) :]
                self.trouble = None
            except BlockingIOError:  # a terminal that another program made non-blocking
                with suppress(OSError):
                    select.select([], [self._fileno], [], RETRY_S)
            except OSError as error:
                if error.errno not in _FULL or self._is_closing:
                    return False
                self.trouble = error.strerror
                time.sleep(RETRY_S)
        return True
