"""Meanings and hints in another language than English: ``data/lang/*.toml``."""

from __future__ import annotations

from functools import cache

import msgspec

from analyzer.registry.load import DATA
from analyzer.registry.parsed import document


class Language(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Texts by code, cause or family; what is missing is shown in English. ``ui`` belongs to screens and tables."""

    status: dict[int, str] = msgspec.field(default_factory=dict)
    family: dict[str, str] = msgspec.field(default_factory=dict)
    hint: dict[int, str] = msgspec.field(default_factory=dict)
    hint_correction: dict[int, str] = msgspec.field(default_factory=dict)
    cause: dict[int, str] = msgspec.field(default_factory=dict)
    ui: dict[str, str] = msgspec.field(default_factory=dict)


@cache
def language(name: str) -> Language:
    """The texts of a language by its two letters; English is what the entries themselves say, so it has none."""
    path = DATA / "lang" / f"{name}.toml"
    if name == "en" or not path.is_file():
        return Language()
    return msgspec.convert(document(path), Language, str_keys=True)
