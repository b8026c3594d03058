"""Rows as JSON lines: one object a line, for programs that listen to a live run (docs/live.md).

The rows go through the kernels that write JSON tables, so that ten thousand calls a second cost next to nothing
(docs/performance.md); beside the columns of the row type there stand ``type`` and whatever is given.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, NamedTuple, get_type_hints

import numpy as np

from analyzer import schema
from analyzer.batch import Columns, Ints, Labels, Texts
from analyzer.coltypes import TEXT, Col
from analyzer.tables.notation import json_notation
from analyzer.tables.rows import RowWriter


class LineWriter:
    """Rows of one row type as JSON lines.

    ``kind`` is what ``type`` says; ``extra``: texts that stand in front of the row's own columns, by name.
    """

    def __init__(self, kind: str, row_type: type[Any], extra: tuple[str, ...] = ()) -> None:
        names = [column.name for column in schema.columns(row_type)]
        self._extra = tuple(name for name in extra if name not in names)
        known: Any = row_type  # hashable, whatever mypy holds of types
        self._row_type = _widened(known, self._extra)
        notation = json_notation(self._row_type)
        first = notation.prefixes[0].removeprefix(b",\n{")
        opening = b'\n{"type":"' + kind.encode() + b'",' + first
        self._rows = RowWriter(
            self._row_type, notation._replace(prefixes=(opening, *notation.prefixes[1:]), drop_first=0)
        )

    def lines(self, columns: Columns, extra: Mapping[str, Labels | Texts]) -> bytes:
        """The rows as lines, each with its line end; none for no rows. What ``extra`` does not hold is null."""
        if not len(columns):
            return b""
        given = {name: extra.get(name) or _missing(len(columns)) for name in self._extra}
        wide = Columns(self._row_type, {**given, **columns.columns}, len(columns))
        # Each row begins with a line end that belongs to the row before: the first one's goes to the end.
        return b"".join(bytes(block) for block in self._rows.blocks(wide))[1:] + b"\n"


@cache
def _widened(row_type: Any, extra: tuple[str, ...]) -> type[Any]:
    """A row type with texts in front of its columns."""
    if not extra:
        own: type[Any] = row_type
        return own
    text = Annotated[str | None, Col(TEXT, "")]
    fields = [*((name, text) for name in extra), *get_type_hints(row_type, include_extras=True).items()]
    wide: type[Any] = NamedTuple(f"{row_type.__name__}Line", fields)  # type: ignore[misc]
    return wide


def _missing(length: int) -> Labels:
    return Labels(np.full(length, -1, dtype=np.int32), [])


def named(numbers: Ints, names: Mapping[int, str]) -> Labels:
    """Numbers as the texts that they stand for; missing where there is none."""
    position = {number: place for place, number in enumerate(names)}
    found, inverse = np.unique(numbers, return_inverse=True)
    codes = np.array([position.get(number, -1) for number in found.tolist()], dtype=np.int32)
    return Labels(codes[inverse], list(names.values()))
