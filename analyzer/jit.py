"""How kernels are compiled: lazily, without the GIL, and cached on disk where this user may write.

numba's cache watches only the file that a function stands in, while our kernels share constants and call each
other across files. So what a file's kernels compile to is kept in a folder named after a hash of that file and of
all that it imports from: a changed constant compiles anew whatever may depend on it, and nothing else. A read-only
installation falls back to the user's cache folder, and to no cache at all where nothing is writable.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

_F = TypeVar("_F", bound=Callable[..., Any])
_PACKAGE = Path(__file__).parent
_IMPORT = re.compile(rb"^(?:from|import) analyzer\.([a-z0-9_.]+)(?: import ([a-z0-9_]+))?", re.MULTILINE)


@cache
def kernel_files() -> dict[Path, bytes]:
    """Every file whose text can change what a kernel does, and its text."""
    shared = ("batch.py", "jit.py", "correlate/layout.py")
    files = sorted([*_PACKAGE.rglob("*_kernels.py"), *(_PACKAGE / name for name in shared)])
    return {file: file.read_bytes() for file in files}


def depends_on(file: Path) -> set[Path]:
    """A kernel file and all kernel files that it imports from, directly or not."""
    found: set[Path] = set()
    waiting = [file, Path(__file__)]
    while waiting:
        file = waiting.pop()
        if file in found or file not in kernel_files():
            continue
        found.add(file)
        for module, name in _IMPORT.findall(kernel_files()[file]):
            folder = _PACKAGE.joinpath(*module.decode().split("."))
            waiting += [folder.with_suffix(".py"), folder / f"{name.decode()}.py"]
    return found


def digest(files: set[Path]) -> str:
    """A name for the text of some kernel files, for this Python."""
    hashed = hashlib.blake2b(sys.version.encode(), digest_size=8)
    for file in sorted(files):
        hashed.update(kernel_files()[file])
    return hashed.hexdigest()


def cache_folder() -> Path | None:
    """Where compiled kernels are kept; None when no folder is writable."""
    base = os.environ.get("SIPCAUSE_CACHE") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "sipcause"
    )
    for root in (base, os.path.join(tempfile.gettempdir(), f"sipcause-{os.getuid() if hasattr(os, 'getuid') else 0}")):
        folder = Path(root) / "kernels"
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError:
            continue
        # A folder in a shared temporary place may have been laid by somebody else: their code would be ours.
        if os.access(folder, os.W_OK) and (not hasattr(os, "getuid") or folder.stat().st_uid == os.getuid()):
            return folder
    return None


FOLDER = cache_folder()
_WARM = f"warm-{digest(set(kernel_files()))}"


def is_warm() -> bool:
    """Whether every kernel was compiled on this machine before (`mark_warm`), just as it stands now."""
    return FOLDER is not None and (FOLDER / _WARM).exists()


def mark_warm() -> None:
    """Note that every kernel has been compiled."""
    if FOLDER is not None:
        (FOLDER / _WARM).touch()


if FOLDER is not None:
    os.environ["NUMBA_CACHE_DIR"] = str(FOLDER)

import numba  # noqa: E402  the cache folder must be named before numba is imported


@cache
def _name_cache(file: str) -> None:
    """Let numba keep the kernels of one file in a folder of their own; it looks when a function is decorated."""
    if FOLDER is not None:
        vars(numba.config)["CACHE_DIR"] = str(FOLDER / digest(depends_on(Path(file))))


#: No bounds checks, no lock, and no wrapper for callers in C: nobody calls a kernel from there.
_OPTIONS: dict[str, Any] = {
    "cache": FOLDER is not None, "nogil": True, "boundscheck": False, "error_model": "numpy", "no_cfunc_wrapper": True,
}  # fmt: skip
#: A kernel works on its callers' arrays. Counting references to them would cost two locked instructions for each array
#: of each call, a fifth of the correlator's time, and a third of the time to compile it.
_BORROWS: dict[str, Any] = {"_nrt": False}


def kernel(function: _F) -> _F:
    """Compile a function that allocates nothing: lazily, cached, without the GIL, no bounds checks."""
    _name_cache(function.__code__.co_filename)
    return cast(_F, numba.njit(**_OPTIONS, **_BORROWS)(function))


def allocating(function: _F) -> _F:
    """As `kernel`, for a function that makes arrays of its own."""
    _name_cache(function.__code__.co_filename)
    return cast(_F, numba.njit(**_OPTIONS)(function))


def inlined(function: _F) -> _F:
    """As `kernel`, for small functions that must melt into their caller."""
    _name_cache(function.__code__.co_filename)
    return cast(_F, numba.njit(**_OPTIONS, **_BORROWS, forceinline=True)(function))
