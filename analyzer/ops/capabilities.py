"""Linux capabilities of this process: which it has, and giving all of them up for good.

https://man7.org/linux/man-pages/man7/capabilities.7.html. The C library has no other way to them than the system calls;
on other systems there are none.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

# linux/capability.h, linux/prctl.h
_VERSION_3 = 0x20080522
_PR_SET_NO_NEW_PRIVS = 38
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_CLEAR_ALL = 4
_IS_LINUX = sys.platform == "linux"


def permitted() -> int:
    """The capabilities that this thread has or could take, one bit each; 0 where there are none."""
    return _held(Path("/proc/thread-self/status")) if _IS_LINUX else 0


def threads_with_capabilities() -> int:
    """How many threads of this process still have capabilities: giving them up is each thread's own business."""
    return sum(_held(task / "status") != 0 for task in Path("/proc/self/task").iterdir()) if _IS_LINUX else 0


def give_up_capabilities() -> None:
    """Give up every capability of this thread, and the way to new ones: neither programs that it starts nor new threads
    have or gain any. OSError when the system refuses."""
    if not _IS_LINUX:
        return
    import ctypes

    library = ctypes.CDLL(None, use_errno=True)
    # Ambient ones go with the permitted set as well; kernels before 4.3 know neither.
    library.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    header = (ctypes.c_uint32 * 2)(_VERSION_3, 0)
    nothing = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable; twice 32 bits
    failed = library.capset(header, nothing) or library.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if failed:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _held(status: Path) -> int:
    try:
        lines = status.read_text().splitlines()
    except OSError:  # a thread that has ended meanwhile
        return 0
    return next((int(line.split()[1], 16) for line in lines if line.startswith("CapPrm:")), 0)
