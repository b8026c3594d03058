"""``-w DIR``: the frames that hold SIP, or may be a part of it, kept as rotated pcapng for later proof.

Frames are written as they were on the wire, digest credentials among them. Each file is complete by itself: a section
header, one interface for each listener, frames, and statistics of its own span. A file has its name from the
beginning and only ever grows by whole blocks, so that after a kill -9 it is there under the name that is counted and
removed in its turn, Wireshark opens it while it is written, and at the worst its last block is torn, which readers
pass over and the next start cuts off.

Nothing here raises for what a disk does: what cannot be written waits in a buffer, what finds no room there is counted
as lost, and `FramesFile.trouble` says why until writing works again.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence

import numpy as np

from analyzer.batch import Ints, Octets
from analyzer.capture.blocks import interface_description, interface_statistics, section_header
from analyzer.capture.frames_folder import FramesFolder, whole_blocks
from analyzer.capture.record_kernels import (
    C_ABSENT,
    C_COLUMNS,
    C_COPIED,
    C_END,
    C_FRAME_NO,
    C_INTERFACE,
    C_LIMIT,
    C_NEEDED,
    C_NEXT,
    C_USED,
    FULL,
    PACKET_BLOCK,
    copy_records,
)

#: Octets that wait at most for `FramesFile.flush`, or for room on a full disk; or those of the longest round.
BUFFER = 1 << 20
_SECOND = 1_000_000_000


class FramesFile:
    """Rotated pcapng files in ``folder``, named `frames_folder.NAME`.

    ``sources`` are name and link type of the listeners, the first being number 1. A file is ended when the next frame
    would make it longer than ``max_octets`` (a single frame may), ``max_seconds`` after it was begun, and by `rotate`;
    the next is begun with the next frame, so that a silent wire makes no empty files. ``max_files`` of them are kept
    (None: all). ``clock`` gives ns since 1970.

    ``written`` frames stand in files or wait to be written, ``lost`` ones could not be. OutputError when the folder
    cannot be used.
    """

    def __init__(
        self,
        folder: str,
        sources: Sequence[tuple[str, int]],
        max_octets: int = 100_000_000,
        max_seconds: float = 3600.0,
        max_files: int | None = None,
        clock: Callable[[], int] = time.time_ns,
        buffer: int = BUFFER,
    ) -> None:
        self._folder = FramesFolder(folder, max_files)
        self._max_octets = max_octets
        self._max_age = int(max_seconds * _SECOND)
        self._clock = clock
        self._head = section_header("sipcause") + b"".join(interface_description(link, name) for name, link in sources)
        self.written = 0
        self.lost = 0
        self._write_trouble: str | None = None
        self._settle_trouble: str | None = None
        self._settling: threading.Thread | None = None
        self._descriptor: int | None = None
        self._name: str | None = None
        self._begun = clock()
        self._size = 0  # octets of the file: whole blocks
        self._out: Octets = np.empty(buffer, dtype=np.uint8)
        self._used = 0
        self._state: Ints = np.zeros(C_COLUMNS, dtype=np.int64)
        self._counts: Ints = np.zeros((len(sources), 2), dtype=np.int64)  # received, dropped
        self._told = self._counts.copy()  # of these, what stands in the statistics of earlier files
        self._told_ts = self._begun
        self._tail = len(self._statistics())

    # -- what is to be said -------------------------------------------------------------------------------------

    @property
    def trouble(self) -> str | None:
        """Why frames cannot be written at the moment and how many that cost so far, or what else went wrong; None while
        all is well. May be asked from another thread."""
        trouble = self._write_trouble
        if trouble is not None:
            return f"{trouble}; {self.lost:,} frames lost" if self.lost else trouble
        return self._settle_trouble or self._folder.trouble

    @property
    def name(self) -> str | None:
        """Name of the file that is being written; None between two."""
        return self._name

    # -- the loop's calls ---------------------------------------------------------------------------------------

    def add(self, capture_no: int, octets: Octets, used: int, first_frame_no: int, frame_nos: Ints) -> None:
        """Keep some frames of a round of listener ``capture_no`` (from 1).

        ``octets[:used]`` are its records (`analyzer.capture.listening`), the first of them frame ``first_frame_no`` of
        the listener; ``frame_nos`` are the wanted ones, sorted, repeated ones counting once.
        """
        if not len(frame_nos):
            return
        frame_nos = np.ascontiguousarray(frame_nos)
        self._have_room_for(used + PACKET_BLOCK)
        state = self._state
        state[:] = 0
        state[C_END] = used
        state[C_FRAME_NO] = first_frame_no
        state[C_INTERFACE] = capture_no - 1
        state[C_USED] = self._used
        state[C_LIMIT] = self._limit()
        while copy_records(octets, frame_nos, state, self._out) == FULL:
            self._used = int(state[C_USED])
            room = self._make_room(int(state[C_NEEDED]))
            if not room:
                self.lost += len(np.unique(frame_nos[state[C_NEXT] :]))
                break
            state[C_USED] = self._used
            state[C_LIMIT] = room
        self._used = int(state[C_USED])
        self.written += int(state[C_COPIED])
        self.lost += int(state[C_ABSENT])

    def count(self, capture_no: int, received: int, dropped: int) -> None:
        """How many frames came to a listener since it was opened, and how many more were dropped."""
        self._counts[capture_no - 1] = received, dropped

    def flush(self) -> None:
        """Hand over what waits to the system; called once a second. A file that is old enough is ended."""
        self._write()
        if self._descriptor is not None:
            age = self._clock() - self._begun
            if age >= self._max_age:
                self._end()
            elif age < 0:  # the clock was set back
                self._begun = self._clock()

    def rotate(self) -> None:
        """End the file now; the next frame begins another."""
        self._write()
        self._end()

    def close(self) -> None:
        """Write what waits, end the file, let go of the folder; twice does no harm. What still cannot be written is
        lost."""
        self.rotate()
        waiting = _blocks(self._out, self._used)
        self.written -= waiting
        self.lost += waiting
        self._used = 0
        if self._settling is not None:
            self._settling.join()
        self._folder.close()

    # -- room ---------------------------------------------------------------------------------------------------

    def _have_room_for(self, longest: int) -> None:
        """Let the buffer be as long as the longest block of a round can be."""
        if len(self._out) < longest:
            grown = np.empty(longest, dtype=np.uint8)
            grown[: self._used] = self._out[: self._used]
            self._out = grown

    def _file_octets(self) -> int:
        """Octets of the file that is open, or is going to be."""
        return len(self._head) if self._descriptor is None else self._size

    def _limit(self) -> int:
        """How far the buffer may be filled."""
        return min(len(self._out), self._max_octets - self._tail - self._file_octets())

    def _make_room(self, needed: int) -> int:
        """Make room for a block, by writing or with a new file; how far the buffer may be filled then, 0 = not."""
        if self._write_trouble is not None:
            return 0  # `flush` tries again, once a second
        self._write()
        if self._used:
            return 0
        if self._limit() < needed and self._file_octets() > len(self._head):
            self._end()
        return max(self._limit(), needed)

    # -- the file -----------------------------------------------------------------------------------------------

    def _begin(self) -> bool:
        """Begin the next file; False when that cannot be."""
        now = self._clock()
        try:
            descriptor, name = self._folder.create(now)
        except OSError as error:
            self._write_trouble = f"{self._folder.path}: no file can be made ({error.strerror})"
            return False
        self._descriptor, self._name, self._begun, self._size = descriptor, name, now, 0
        if self._append(memoryview(self._head)) == len(self._head):
            return True
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
        self._name = None
        self._folder.take_back(name)
        return False

    def _write(self) -> None:
        """Write what waits, as far as it goes, in whole blocks."""
        self._notice_removal()
        if not self._used or (self._descriptor is None and not self._begin()):
            return
        done = self._append(self._out[: self._used].data)
        rest = self._used - done
        self._out[:rest] = self._out[done : self._used].copy()
        self._used = rest
        if not rest:
            self._write_trouble = None

    def _append(self, octets: memoryview) -> int:
        """Append blocks to the file; returns the octets of those that stand there whole."""
        assert self._descriptor is not None
        done = 0
        try:
            while done < len(octets):
                count = os.write(self._descriptor, octets[done:])
                if not count:
                    raise OSError(0, "nothing is taken")
                done += count
        except OSError as error:
            self._write_trouble = f"{self._folder.path}: cannot be written ({error.strerror})"
            whole = whole_blocks(octets, done)
            if whole != done:
                self._cut_back(self._size + whole)
            done = whole
        self._size += done
        return done

    def _cut_back(self, size: int) -> None:
        """Cut off a block that is not whole; a file that cannot be cut is left with it, and no more is added."""
        assert self._descriptor is not None
        try:
            os.ftruncate(self._descriptor, size)
        except OSError:
            os.close(self._descriptor)
            self._descriptor = self._name = None

    def _notice_removal(self) -> None:
        """Whoever removes the file that is being written has its frames: what comes goes to another."""
        if self._descriptor is not None and os.fstat(self._descriptor).st_nlink == 0:
            os.close(self._descriptor)
            self._descriptor = self._name = None

    def _end(self) -> None:
        """End the file with its statistics, if one is open."""
        if self._descriptor is None:
            return
        octets, size = self._statistics(), self._size
        if self._append(memoryview(octets)) == len(octets):
            self._told[:] = self._counts
            self._told_ts = self._clock()
        elif self._descriptor is not None and self._size > size:
            self._cut_back(size)  # all of them or none: the next file tells of what this one does not
        if self._descriptor is not None:
            self._settle(self._descriptor)
        self._descriptor = self._name = None

    def _statistics(self) -> bytes:
        """One block an interface: since the statistics of the file before, so that files can be added up."""
        now = self._clock()
        since = (self._counts - self._told).tolist()
        return b"".join(interface_statistics(no, self._told_ts, now, *pair) for no, pair in enumerate(since))

    def _settle(self, descriptor: int) -> None:
        """Have a file that is whole put on the disk, which may take seconds: frames come meanwhile.

        When the disk is so slow that it is still at the one before, the system does it in its own time.
        """
        if self._settling is not None and self._settling.is_alive():
            os.close(descriptor)
            return
        self._settling = threading.Thread(target=self._sync, args=(descriptor, self._name), name="frames")
        self._settling.start()

    def _sync(self, descriptor: int, name: str) -> None:
        try:
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            self._settle_trouble = None
        except OSError as error:
            self._settle_trouble = f"{name}: cannot be put on the disk ({error.strerror})"


def _blocks(octets: Octets, end: int) -> int:
    """How many blocks stand there."""
    count = position = 0
    while position < end:
        position += int.from_bytes(octets[position + 4 : position + 8].tobytes(), "little")
        count += 1
    return count
