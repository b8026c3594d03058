"""Texts from the wire, made safe to show. Every octet of a capture was chosen by a stranger.

Control characters, bidirectional marks and octets that are not UTF-8 become ``\\xNN`` (``\\u202e`` beyond one octet),
so that a From header can neither move the cursor of a terminal nor turn a line of a report around. Cells that a
spreadsheet would take for a formula are neutralised when CSV is written (`neutral_cell`).
"""

from __future__ import annotations

import re

# C0, DEL, C1, line and paragraph separators, zero-width and bidirectional controls (Unicode UAX #9), BOM, and
# lone surrogates, which no encoder would take.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


def _escape(match: re.Match[str]) -> str:
    code = ord(match.group())
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def printable(octets: bytes) -> str:
    """The text of some octets, with what cannot be shown safely escaped."""
    text = octets.decode("utf-8", "backslashreplace")
    return text if text.isascii() and text.isprintable() else _UNSAFE.sub(_escape, text)


def printable_text(text: str) -> str:
    """The same for a text that is decoded already (a file name, say)."""
    return text if text.isascii() and text.isprintable() else _UNSAFE.sub(_escape, text)


def neutral_cell(text: str) -> str:
    """A CSV cell that no spreadsheet takes for a formula: such a cell gets a leading apostrophe (OWASP)."""
    return "'" + text if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
