"""Columns → rows of text, in blocks that stay in the processor's second-level cache.

Whoever reads the text back gets every number exactly: reals are written with the decimals that they have up
to nine, else with as many as tell them apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analyzer import schema
from analyzer.batch import MISSING, AnyColumn, Columns, Ints, Labels, Octets, Texts
from analyzer.schema import Kind
from analyzer.tables.build import complete, fitted
from analyzer.tables.gather_kernels import LENGTH_BITS, SPARE, gather
from analyzer.tables.notation import Notation, map_cell
from analyzer.tables.row_kernels import (
    ELSEWHERE,
    FLAG,
    LENGTH_MASK,
    NUMBER,
    REAL,
    TEXT,
    TIME,
    WIDEST,
    write_rows,
)
from analyzer.tables.texts import unplain, used

#: Rows of a block.
BLOCK = 2048
#: Reals up to here, times 10^9, are whole numbers that a double holds exactly.
_LARGEST_SCALED = 2.0**53

_CELL_KINDS = {
    Kind.KEY: NUMBER, Kind.REF: NUMBER, Kind.COUNT: NUMBER, Kind.CODE: NUMBER, Kind.REAL: REAL,
    Kind.FLAG: FLAG, Kind.TIME: TIME, Kind.LABEL: TEXT, Kind.TEXT: TEXT,
}  # fmt: skip


class RowWriter:
    """The rows of a table as octets: `start`, then the `blocks` of each batch, then `end`."""

    def __init__(self, row_type: type[Any], notation: Notation) -> None:
        self._notation = notation
        self._drop = notation.drop_first
        self._kinds = np.array([_CELL_KINDS[c.kind] for c in schema.columns(row_type)], dtype=np.int64)
        self._prefixes = np.frombuffer(b"".join(notation.prefixes) + bytes(SPARE), dtype=np.uint8)
        self._prefix_ends = np.cumsum([0, *map(len, notation.prefixes)], dtype=np.int64)
        self._missing = np.uint64(int.from_bytes(notation.missing, "little"))
        self._row_room = len(self._prefixes) + WIDEST * len(self._kinds)
        self._out = np.empty(0, dtype=np.uint8)

    def start(self) -> bytes:
        """What stands before the first row."""
        return self._notation.start

    def end(self) -> bytes:
        """What stands behind the last row."""
        return self._notation.end

    def blocks(self, columns: Columns) -> Iterator[memoryview]:
        """The rows of a batch; each piece is good only until the next one is asked for."""
        batch = _Batch(complete(columns), self._notation)
        for first in range(0, len(columns), BLOCK):
            cells = batch.cells(first, min(first + BLOCK, len(columns)))
            room = batch.octets + cells.shape[1] * self._row_room + SPARE
            if len(self._out) < room:
                self._out = np.empty(room + room // 4, dtype=np.uint8)
            end = write_rows(
                self._kinds,
                cells,
                batch.texts,
                self._prefixes,
                self._prefix_ends,
                self._missing,
                np.uint64(len(self._notation.missing)),
                self._notation.row_end,
                self._notation.quote,
                self._out,
            )
            yield self._out[self._drop : end].data
            self._drop = 0


class _Batch:
    """The columns of one batch, made ready so that a block of their rows is a grid of cells for `write_rows`.

    What repeats (label names) is written down once, at the head of ``texts``; the texts of a block are
    gathered behind that, over those of the block before.
    """

    def __init__(self, columns: Columns, notation: Notation) -> None:
        self._notation = notation
        self._numbers: list[tuple[int, Ints]] = []
        self._labels: list[tuple[int, NDArray[np.int32], Ints]] = []
        self._columns: list[tuple[int, Texts, Callable[[str], str], bool]] = []
        names = bytearray()
        listed = schema.columns(columns.row_type)
        for number, column in enumerate(listed):
            self._add(number, columns[column.name], column, names)
        self._width = len(listed)
        self._head = len(names)
        self.texts: Octets = np.frombuffer(names + bytes(SPARE), dtype=np.uint8)
        self.octets = 0

    def cells(self, first: int, last: int) -> Ints:
        """Rows from first to last (not included) as cells.

        `texts` then holds what they point to and `octets` says how long that is in all.
        """
        cells = np.full((self._width, last - first), MISSING, dtype=np.int64)
        self.octets = 0
        for number, values in self._numbers:
            cells[number] = values[first:last]
        for number, codes, places in self._labels:
            cells[number] = places[codes[first:last]]
            self.octets += int((cells[number] & LENGTH_MASK).sum())
        self._gather(cells, first, last)
        return cells

    def _add(self, number: int, values: AnyColumn, column: schema.Column, names: bytearray) -> None:
        is_map = column.name in self._notation.maps
        cell = map_cell if is_map else self._notation.cell
        if isinstance(values, Labels):
            codes, texts = used(values)
            places = [_put(names, cell(text)) for text in texts]
            places.append(MISSING)  # which code -1 takes
            self._labels.append((number, codes, np.array(places, dtype=np.int64)))
        elif isinstance(values, Texts):
            self._columns.append((number, values, cell, is_map))
        elif column.kind is Kind.REAL:
            self._numbers.append((number, _scaled(values, names)))
        else:
            self._numbers.append((number, fitted(values, column.kind)))

    def _gather(self, cells: Ints, first: int, last: int) -> None:
        """Put the texts of a block behind the names, and their places into the cells."""
        odd = bytearray()
        parts = []
        room = 0
        for number, column, cell, is_map in self._columns:
            part = Texts(column.octets, column.starts[first:last], column.lengths[first:last])
            marks, count, octets = unplain(part, self._notation.copied)
            if is_map:
                marks, count = (part.lengths >= 0).astype(np.uint8), 1
            if count:
                for row in np.flatnonzero(marks).tolist():
                    cells[number, row] = _put(odd, cell(part.value(row) or ""), self._head)
            parts.append((number, part, marks))
            room += octets + 2 * (last - first)
        end = self._head + len(odd)
        if len(self.texts) < end + room + SPARE:
            grown = np.empty((end + room + SPARE) * 5 // 4, dtype=np.uint8)
            grown[: self._head] = self.texts[: self._head]
            self.texts = grown
        self.texts[self._head : end] = np.frombuffer(odd, dtype=np.uint8)
        for number, part, marks in parts:
            end = gather(*part, marks, self._notation.quote, self.texts, end, cells[number])
        self.octets += end - self._head


def _put(names: bytearray, text: str, head: int = 0) -> int:
    """Write a text down behind the others; returns its place."""
    octets = text.encode()
    place = (head + len(names)) << LENGTH_BITS | len(octets)
    names += octets
    return place


def _scaled(values: NDArray[np.float64], names: bytearray) -> Ints:
    """Reals times 10^9; those that would not come back exactly are written into ``names`` and point there.

    NaN and the infinities, which neither format can say, are missing.
    """
    with np.errstate(invalid="ignore", over="ignore"):
        scaled = np.rint(values * 1e9)
        exact = (np.abs(scaled) < _LARGEST_SCALED) & (scaled / 1e9 == values)
    numbers = np.where(exact, scaled, 0.0).astype(np.int64)
    numbers[~np.isfinite(values)] = MISSING
    for row in np.flatnonzero(~exact & np.isfinite(values)).tolist():
        numbers[row] = ELSEWHERE + _put(names, repr(float(values[row])))
    return numbers
