"""Where this program may keep what it has worked out and can work out again: compiled kernels, parsed registries.

And whether a folder that the user named can be written.
"""

from __future__ import annotations

import os
import tempfile
from functools import cache
from pathlib import Path


@cache
def cache_folder(name: str) -> Path | None:
    """The user's cache folder of that name, made if need be; None when no folder is writable.

    It stands below ``SIPCAUSE_CACHE``, else ``XDG_CACHE_HOME``/sipcause, else ``~/.cache/sipcause``; where that cannot
    be written, below the system's folder for temporary files.
    """
    user = os.geteuid() if hasattr(os, "geteuid") else 0
    base = os.environ.get("SIPCAUSE_CACHE") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "sipcause"
    )
    for root in (base, os.path.join(tempfile.gettempdir(), f"sipcause-{user}")):
        folder = Path(root) / name
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            # A folder in a shared temporary place may have been laid by somebody else: their content would be ours.
            if os.access(folder, os.W_OK) and (not hasattr(os, "geteuid") or folder.stat().st_uid == user):
                return folder
        except OSError:
            continue
    return None


def make_folder(path: str) -> str | None:
    """Make a folder for results unless it is there; why nothing can be written there, in a few words, or None.

    A new one can be read by its owner and group alone: what is seen on a wire is nobody else's business.
    """
    try:
        os.makedirs(path, mode=0o750, exist_ok=True)
    except FileExistsError:
        return "is a file, not a folder; choose another name"
    except OSError as error:
        return f"cannot be made ({error.strerror})"
    as_effective = os.access in os.supports_effective_ids
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK, effective_ids=as_effective):
        return "cannot be written"
    return None


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that nobody ever reads half of it. What cannot be written is left: it can be worked out again."""
    try:
        number, part = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
        try:
            with os.fdopen(number, "wb") as file:
                file.write(content)
            os.replace(part, path)
        except OSError:
            os.unlink(part)
    except OSError:
        return
