"""How kernels are compiled: lazily, without the GIL, and cached on disk where this user may write.

numba's cache watches only the file that a function stands in, while our kernels share constants and call each
other across files. So the cache folder is named after a hash of every file that may hold kernel code: a changed
constant compiles anew instead of silently going on with the old one. A read-only installation falls back to the
user's cache folder, and to no cache at all where nothing is writable.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

_F = TypeVar("_F", bound=Callable[..., Any])
_PACKAGE = Path(__file__).parent


def kernel_files() -> list[Path]:
    """Every file whose text can change what a kernel does."""
    shared = ("batch.py", "jit.py", "correlate/layout.py")
    return sorted([*_PACKAGE.rglob("*_kernels.py"), *(_PACKAGE / name for name in shared)])


def cache_folder() -> Path | None:
    """Where compiled kernels are kept; None when no folder is writable."""
    digest = hashlib.blake2b(digest_size=8)
    for file in kernel_files():
        digest.update(file.read_bytes())
    digest.update(sys.version.encode())
    base = os.environ.get("SIPCAUSE_CACHE") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "sipcause"
    )
    for root in (base, os.path.join(tempfile.gettempdir(), f"sipcause-{os.getuid() if hasattr(os, 'getuid') else 0}")):
        folder = Path(root) / f"kernels-{digest.hexdigest()}"
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError:
            continue
        # A folder in a shared temporary place may have been laid by somebody else: their code would be ours.
        if os.access(folder, os.W_OK) and (not hasattr(os, "getuid") or folder.stat().st_uid == os.getuid()):
            return folder
    return None


def is_warm() -> bool:
    """Whether kernels were compiled on this machine before (for this version)."""
    return FOLDER is not None and any(FOLDER.rglob("*.nbi"))


FOLDER = cache_folder()
if FOLDER is not None:
    os.environ["NUMBA_CACHE_DIR"] = str(FOLDER)

import numba  # noqa: E402  the cache folder must be named before numba is imported

if FOLDER is not None:
    vars(numba.config)["CACHE_DIR"] = str(FOLDER)  # and again where somebody else has imported it before


#: No bounds checks, no lock, and no wrapper for callers in C: nobody calls a kernel from there.
_OPTIONS: dict[str, Any] = {
    "cache": FOLDER is not None, "nogil": True, "boundscheck": False, "error_model": "numpy", "no_cfunc_wrapper": True,
}  # fmt: skip
#: A kernel works on its callers' arrays. Counting references to them would cost two locked instructions for each array
#: of each call, a fifth of the correlator's time, and a third of the time to compile it.
_BORROWS: dict[str, Any] = {"_nrt": False}


def kernel(function: _F) -> _F:
    """Compile a function that allocates nothing: lazily, cached, without the GIL, no bounds checks."""
    return cast(_F, numba.njit(**_OPTIONS, **_BORROWS)(function))


def allocating(function: _F) -> _F:
    """As `kernel`, for a function that makes arrays of its own."""
    return cast(_F, numba.njit(**_OPTIONS)(function))


def inlined(function: _F) -> _F:
    """As `kernel`, for small functions that must melt into their caller."""
    return cast(_F, numba.njit(**_OPTIONS, **_BORROWS, forceinline=True)(function))
