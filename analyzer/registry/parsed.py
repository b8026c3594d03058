"""TOML files as JSON in the user's cache folder, because parsing ours costs a fifth of a short run.

A copy is named after the text that it was made from, so a changed file never finds an old one. Whatever is wrong with
a copy, the TOML is parsed.
"""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path
from typing import Any

import msgspec

from analyzer.folders import cache_folder, write_whole

#: Part of every name: raised when what stands in a copy changes.
_FORM = b"1"


def copy_of(path: Path, text: bytes) -> Path | None:
    """Where the copy of a file with this text is kept; None without a cache folder."""
    folder = cache_folder("registry")
    if folder is None:
        return None
    return folder / f"{path.stem}-{hashlib.blake2b(_FORM + text, digest_size=12).hexdigest()}.json"


def document(path: Path) -> dict[str, Any]:
    """What a TOML file of ours says. Raises what reading and parsing it raise."""
    text = path.read_bytes()
    copy = copy_of(path, text)
    if copy is not None:
        try:
            found = msgspec.json.decode(copy.read_bytes())
        except (OSError, msgspec.DecodeError):
            pass
        else:
            if isinstance(found, dict):
                return found
    parsed = tomllib.loads(text.decode("utf-8"))
    if copy is not None:
        encoded = msgspec.json.encode(parsed)
        # JSON knows no dates: what does not come back as it was is not kept.
        if msgspec.json.decode(encoded) == parsed:
            write_whole(copy, encoded)
    return parsed
