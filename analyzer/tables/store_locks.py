"""Locks of runs: who holds one is alive, and who is not can be adopted."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from analyzer.tables.store_files import LOCKS

#: Never removed: a lock on a file that has another name guards nothing.
STORE_LOCK = "store.lock"


class Lock:
    """Held by one process at a time; gone with the process, however that ends."""

    def __init__(self, path: Path, number: int) -> None:
        self._path = path
        self._number = number

    @classmethod
    def take(cls, folder: Path, run: str, *, is_new: bool = False) -> Lock | None:
        """The lock of a run; None when somebody holds it. ``is_new``: also when the run has ever been there."""
        path = folder / LOCKS / f"{run}.lock"
        path.parent.mkdir(mode=0o750, exist_ok=True)
        try:
            number = os.open(path, os.O_RDWR | os.O_CREAT | (os.O_EXCL if is_new else 0), 0o640)
        except FileExistsError:
            return None
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Whoever held it before may have removed it between our two steps: then it guards nothing.
            if os.fstat(number).st_nlink:
                return cls(path, number)
        except BlockingIOError:
            pass
        except BaseException:
            os.close(number)
            raise
        os.close(number)
        return None

    def release(self) -> None:
        """Let go of it and remove it; twice does no harm."""
        if self._number >= 0:
            with suppress(OSError):
                self._path.unlink(missing_ok=True)
            os.close(self._number)
            self._number = -1


def is_alive(folder: Path, run: str) -> bool:
    """Whether a process holds the lock of a run; looks without taking it."""
    try:
        number = os.open(folder / LOCKS / f"{run}.lock", os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(number, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(number)
    return False


def living(folder: Path) -> list[str]:
    """The runs whose processes live, in order."""
    with suppress(FileNotFoundError):
        return [run for run in sorted(path.stem for path in (folder / LOCKS).glob("*.lock")) if is_alive(folder, run)]
    return []


@contextmanager
def whole_store(folder: Path) -> Iterator[None]:
    """Hold the lock of the whole store: of those who look what is there before they write, one at a time. It is waited
    for. Raises OSError. Listening and reading need none."""
    number = os.open(folder / STORE_LOCK, os.O_RDWR | os.O_CREAT, 0o640)
    try:
        fcntl.flock(number, fcntl.LOCK_EX)
        yield
    finally:
        os.close(number)
