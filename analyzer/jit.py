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
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

from analyzer.folders import cache_folder

_F = TypeVar("_F", bound=Callable[..., Any])
_PACKAGE = Path(__file__).parent
_IMPORT = re.compile(rb"^(?:from|import) analyzer\.([a-z0-9_.]+)(?: import ([a-z0-9_]+))?", re.MULTILINE)


@cache
def _imports_of(text: bytes) -> list[tuple[str, str]]:
    """(module below the package, name) of every import in a file."""
    return [(module.decode().replace(".", "/"), name.decode()) for module, name in _IMPORT.findall(text)]


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
    files = kernel_files()
    while waiting:
        file = waiting.pop()
        if file in found or file not in files:
            continue
        found.add(file)
        for module, name in _imports_of(files[file]):
            folder = _PACKAGE / module
            waiting += [folder.with_suffix(".py"), folder / f"{name}.py"]
    return found


def digest(files: set[Path]) -> str:
    """A name for the text of some kernel files, for this Python."""
    hashed = hashlib.blake2b(sys.version.encode(), digest_size=8)
    for file in sorted(files):
        hashed.update(kernel_files()[file])
    return hashed.hexdigest()


#: Where compiled kernels are kept; None when no folder is writable.
FOLDER = cache_folder("kernels")
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
from numba.core.caching import FunctionCache  # noqa: E402
from numba.core.runtime.nrt import rtsys  # noqa: E402


class _KernelCache(FunctionCache):
    """numba's cache, without the compiler.

    Before numba loads a compiled function it imports and registers all that it could compile, which takes longer than
    the rest of a short run. What is loaded is machine code that needs numba's runtime and nothing else; who compiles
    gets the rest from the compiler itself.
    """

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """The compiled function of a signature; None when it is not kept."""
        rtsys.initialize(target_context)
        # A program that has given up its rights may no longer read what it could (analyzer/ops/privileges.py).
        with suppress(OSError):
            return self._load_overload(sig, target_context)  # type: ignore[no-untyped-call]
        return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep a compiled function; one that cannot be kept (no rights, a full disk) is compiled once more."""
        with suppress(OSError):
            self._save_overload(sig, data)  # type: ignore[no-untyped-call]


@cache
def _name_cache(file: str) -> None:
    """Let numba keep the kernels of one file in a folder of their own; it looks when a function is decorated."""
    if FOLDER is not None:
        vars(numba.config)["CACHE_DIR"] = str(FOLDER / digest(depends_on(Path(file))))


#: No bounds checks, no lock, and no wrapper for callers in C: nobody calls a kernel from there.
_OPTIONS: dict[str, Any] = {
    "nogil": True, "boundscheck": False, "error_model": "numpy", "no_cfunc_wrapper": True,
}  # fmt: skip
#: A kernel works on its callers' arrays. Counting references to them would cost two locked instructions for each array
#: of each call, a fifth of the correlator's time, and a third of the time to compile it.
_BORROWS: dict[str, Any] = {"_nrt": False}


_decorated: list[tuple[Callable[..., Any], Any]] = []


def _compiled(function: Callable[..., Any], **options: Any) -> Any:
    dispatcher = numba.njit(**_OPTIONS, **options)(function)
    # Without compiling (NUMBA_DISABLE_JIT) it is the function itself.
    if dispatcher is not function:
        _decorated.append((function, dispatcher))
        _keep(function, dispatcher)
    return dispatcher


def _keep(function: Callable[..., Any], dispatcher: Any) -> None:
    """Let a kernel be loaded from `FOLDER` and kept there."""
    if FOLDER is not None:
        _name_cache(function.__code__.co_filename)
        with suppress(RuntimeError):  # numba's word for a folder that can no longer be written
            dispatcher._cache = _KernelCache(function)  # type: ignore[no-untyped-call]


def move_cache() -> None:
    """Look for the folder of kernels anew, for the user that this program has become meanwhile.

    Kernels that were loaded stay loaded; all others are looked for, and kept, in the new place.
    """
    global FOLDER
    cache_folder.cache_clear()
    FOLDER = cache_folder("kernels")
    if FOLDER is not None:
        os.environ["NUMBA_CACHE_DIR"] = str(FOLDER)
    _name_cache.cache_clear()
    for function, dispatcher in _decorated:
        _keep(function, dispatcher)


def kernel(function: _F) -> _F:
    """Compile a function that allocates nothing: lazily, cached, without the GIL, no bounds checks."""
    return cast(_F, _compiled(function, **_BORROWS))


def allocating(function: _F) -> _F:
    """As `kernel`, for a function that makes arrays of its own."""
    return cast(_F, _compiled(function))


def inlined(function: _F) -> _F:
    """As `kernel`, for small functions that must melt into their caller."""
    return cast(_F, _compiled(function, **_BORROWS, forceinline=True))
