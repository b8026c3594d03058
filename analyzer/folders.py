"""Where this program may keep what it has worked out and can work out again: compiled kernels, parsed registries."""

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
    user = os.getuid() if hasattr(os, "getuid") else 0
    base = os.environ.get("SIPCAUSE_CACHE") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "sipcause"
    )
    for root in (base, os.path.join(tempfile.gettempdir(), f"sipcause-{user}")):
        folder = Path(root) / name
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            # A folder in a shared temporary place may have been laid by somebody else: their content would be ours.
            if os.access(folder, os.W_OK) and (not hasattr(os, "getuid") or folder.stat().st_uid == user):
                return folder
        except OSError:
            continue
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
