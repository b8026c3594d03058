"""The header fields of one message, in order: names as they were sent, values unfolded.

Told apart: a line that begins with a blank continues the field before it (RFC 3261 §7.3.1), whatever
else is no ``token *blank ":"`` is a bad line, which is skipped and said. The last line of a message
whose end the snaplen took is dropped unless its line end was captured: half a Call-ID is worse than
none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from analyzer.batch import X_BAD_HEADER_LINE, X_LF_ONLY
from analyzer.sip.grammar import BLANKS, COMPACT_NAMES, TOKEN

_FIELD = re.compile(rb"(" + TOKEN + rb")[ \t]*:(.*)", re.DOTALL)


class HeaderField(NamedTuple):
    """One header field: the name as sent, the unfolded and trimmed value, where its line starts."""

    name: str
    value: bytes
    offset: int

    @property
    def key(self) -> str:
        """The name in lower case, compact forms written out."""
        name = self.name.lower()
        return COMPACT_NAMES.get(name, name)


class Headers(Sequence[HeaderField]):
    """Header fields in the order in which they were sent; names are found in any case and in compact form."""

    def __init__(self, fields: Sequence[HeaderField]) -> None:
        self._fields = tuple(fields)
        self._values: dict[str, list[bytes]] = {}
        for field in self._fields:
            self._values.setdefault(field.key, []).append(field.value)

    def __len__(self) -> int:
        return len(self._fields)

    def __iter__(self) -> Iterator[HeaderField]:
        return iter(self._fields)

    def __getitem__(self, index: int) -> HeaderField:  # type: ignore[override]
        return self._fields[index]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Headers) and self._fields == other._fields

    def __hash__(self) -> int:
        return hash(self._fields)

    def __repr__(self) -> str:
        return f"Headers({list(self._fields)!r})"

    def all(self, name: str) -> list[bytes]:
        """The values of every field of that (full, lower-case) name, in order."""
        return self._values.get(name, [])

    def first(self, name: str) -> bytes | None:
        """The value of the first field of that name; None when there is none or it is empty."""
        values = self._values.get(name)
        return (values[0] or None) if values else None


class HeaderSection(NamedTuple):
    """What `read_headers` found: the fields, where the body starts and X_* bits.

    ``end`` is where the section ends: behind the empty line, or behind the last whole line;
    ``is_complete`` says that nothing of the section is missing.
    """

    headers: Headers
    end: int
    has_empty_line: bool
    is_complete: bool
    defects: int


def read_headers(octets: bytes, at: int, is_cut: bool) -> HeaderSection:
    """The header fields from ``at``, where a line starts, to the empty line or the end."""
    found: list[tuple[str, int, list[bytes]]] = []
    parts: list[bytes] | None = None  # of the field that a folded line would continue
    defects = 0
    has_empty_line = False
    while at < len(octets):
        line_feed = octets.find(b"\n", at)
        if line_feed < 0:
            if is_cut:
                break
            line_feed = len(octets)
            line = octets[at:]
        else:
            line = octets[at:line_feed]
            if not line.endswith(b"\r"):
                defects |= X_LF_ONLY
        if line.endswith(b"\r"):
            line = line[:-1]
        start, at = at, min(line_feed + 1, len(octets))
        if not line:
            has_empty_line = True
            break
        if line[:1] in (b" ", b"\t"):
            if parts is not None:
                parts.append(line.strip(BLANKS))
            continue
        field = _FIELD.fullmatch(line)
        if field is None:
            defects |= X_BAD_HEADER_LINE
            parts = None
            continue
        parts = [field.group(2).strip(BLANKS)]
        found.append((field.group(1).decode("ascii"), start, parts))
    fields = [HeaderField(name, b" ".join(filter(None, parts)), start) for name, start, parts in found]
    return HeaderSection(Headers(fields), at, has_empty_line, has_empty_line or not is_cut, defects)
