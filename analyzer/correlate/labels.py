"""Columns of tables out of numbers: labels, addresses, words, places of texts and times apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from analyzer.batch import AnyColumn, Columns, Ints, Labels, Octets
from analyzer.capture.address import address_texts
from analyzer.correlate.layout import G_LENGTHS, G_TEXT, GT_COLUMNS

#: A column of whatever numbers: int64, int32, float64 or bool.
Column: TypeAlias = NDArray[Any]
#: Some rows of a table, by column.
Part: TypeAlias = dict[str, Column]
Codes: TypeAlias = NDArray[np.int32]
Reals: TypeAlias = NDArray[np.float64]
Flags: TypeAlias = NDArray[np.bool_]


class Parts:
    """Parts of a table as they come, and the octets of their texts end to end."""

    def __init__(self) -> None:
        self._parts: list[Part] = []
        self._texts: list[Octets] = []
        self._octets = 0

    def add(self, part: Part, text: Octets) -> None:
        """Keep a part; its columns ``…_start`` say where texts stand in ``text``."""
        # A column that is a view would keep the whole rows that it was taken from.
        self._parts.append(
            {
                name: column + self._octets if name.endswith("_start") else np.ascontiguousarray(column)
                for name, column in part.items()
            }
        )
        self._texts.append(text)
        self._octets += len(text)

    def whole(self, nothing: Part, order_by: str) -> tuple[Part, Octets]:
        """The table in the order of one of its columns, and the octets of its texts; ``nothing`` = an empty part.

        The parts are given up column by column, so that the table is never there twice: ask once.
        """
        parts, texts = self._parts or [dict(nothing)], self._texts or [np.empty(0, np.uint8)]
        self._parts, self._texts = [], []
        order = np.argsort(np.concatenate([part[order_by] for part in parts]), kind="stable")
        columns = {name: np.concatenate([part.pop(name) for part in parts])[order] for name in nothing}
        return columns, np.concatenate(texts)


def table(row_type: Any, named: Mapping[str, AnyColumn], numbers: Part) -> Columns:
    """A table of a row type: its columns by name where they were named, else the numbers as they are."""
    columns = {name: named[name] if name in named else numbers[name] for name in row_type._fields}
    return Columns(row_type, columns, len(next(iter(numbers.values()))))


def difference(late: Ints, early: Ints, there: Flags, unit: float) -> Reals:
    """``late - early`` in a unit, NaN where ``there`` is False. Subtracted as integers, so no digit is lost."""
    span = np.where(there, late, 0) - np.where(there, early, 0)
    apart: Reals = np.where(there, span / unit, np.nan)
    return apart


def text_places(groups: Ints) -> tuple[Ints, Codes]:
    """Where the texts of calls and registrations start and how long they are (n × GT_COLUMNS each)."""
    lengths = groups[:, G_LENGTHS : G_LENGTHS + GT_COLUMNS]
    taken = np.maximum(lengths, 0)
    starts: Ints = np.cumsum(taken, axis=1) - taken + groups[:, G_TEXT : G_TEXT + 1]
    return starts, lengths.astype(np.int32)


def united(codes: Column, texts: Sequence[str]) -> Labels:
    """A label column whose names are each there once, and only those in use; below 0 = missing."""
    numbers: dict[str, int] = {}
    translate = np.full(len(texts) + 1, -1, dtype=np.int32)
    for code in np.unique(codes[codes >= 0]).tolist():
        translate[code] = numbers.setdefault(texts[code], len(numbers))
    return Labels(translate[np.maximum(codes, -1)], list(numbers))


class EndpointNames:
    """Endpoint numbers as label columns of addresses."""

    def __init__(self, endpoints: Ints) -> None:
        self._texts = address_texts(endpoints[:, 1], endpoints[:, 2])

    def labels(self, numbers: Column) -> Labels:
        """The addresses of endpoint numbers; -1 = missing."""
        return united(numbers, self._texts)

    def joined(self, numbers: Column) -> Labels:
        """The addresses of several endpoints a row (n × k), by spaces; missing where there is none."""
        some = np.flatnonzero((numbers >= 0).any(axis=1))
        codes = np.full(len(numbers), -1, dtype=np.int32)
        if not len(some):
            return Labels(codes, [])
        different, which = np.unique(numbers[some], axis=0, return_inverse=True)
        texts = [" ".join(self._texts[n] for n in row if n >= 0) for row in different.tolist()]
        codes[some] = which.reshape(-1)
        return united(codes, texts)
