"""Columns of tables out of numbers: labels, addresses, words, places of texts and times apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from analyzer.batch import MISSING, AnyColumn, Columns, Ints, Labels, Octets
from analyzer.capture.address import address_texts
from analyzer.correlate.judging import ByColumn, Flags
from analyzer.correlate.layout import G_LENGTHS, G_TEXT, GT_COLUMNS
from analyzer.correlate.text_kernels import move_texts

#: A column of whatever numbers: int64, int32, float64 or bool.
Column: TypeAlias = NDArray[Any]
#: Some rows of a table, by column.
Part: TypeAlias = dict[str, Column]
Codes: TypeAlias = NDArray[np.int32]
Reals: TypeAlias = NDArray[np.float64]


class Parts:
    """Parts of a table as they come, each with the octets of its texts."""

    def __init__(self) -> None:
        self._parts: list[tuple[Part, Octets]] = []

    def __len__(self) -> int:
        """How many rows there are."""
        return sum(len(next(iter(part.values()))) for part, _ in self._parts)

    def add(self, part: Part, text: Octets) -> None:
        """Keep a part; its columns ``…_start`` and ``…_length`` say where texts stand in ``text``."""
        # A column that is a view would keep the whole rows that it was taken from.
        owned = {name: column.copy() if column.base is not None else column for name, column in part.items()}
        self._parts.append((owned, _own_texts(owned, text)))

    def unbroken(self, order_by: str, first: int) -> int:
        """How many rows follow each other in a numbering, from ``first`` on."""
        numbers = np.sort(np.concatenate([part[order_by] for part, _ in self._parts]))
        numbers = numbers[np.searchsorted(numbers, first) :]
        broken = np.flatnonzero(numbers != np.arange(first, first + len(numbers)))
        return int(broken[0]) if len(broken) else len(numbers)

    def take_below(self, order_by: str, limit: int) -> Parts:
        """Take out the rows whose number is below a limit."""
        taken, left = Parts(), []
        for part, text in self._parts:
            below = part[order_by] < limit
            if below.all():
                taken._parts.append((part, text))
            elif below.any():
                taken.add({name: column[below] for name, column in part.items()}, text)
                rest = Parts()
                rest.add({name: column[~below] for name, column in part.items()}, text)
                left += rest._parts
            else:
                left.append((part, text))
        self._parts = left
        return taken

    def whole(self, nothing: Part, order_by: str) -> tuple[Part, Octets]:
        """The table in the order of one of its columns, and the octets of its texts; ``nothing`` = an empty part.

        The parts are given up column by column, so that the table is never there twice: ask once.
        """
        parts = self._parts or [(dict(nothing), np.empty(0, np.uint8))]
        self._parts = []
        base = 0
        for part, text in parts:
            for name in nothing:
                if name.endswith("_start"):
                    part[name] += base
            base += len(text)
        octets = np.concatenate([text for _, text in parts])
        rows = [part for part, _ in parts]
        del parts
        order = np.argsort(np.concatenate([part[order_by] for part in rows]), kind="stable")
        return {name: np.concatenate([part.pop(name) for part in rows])[order] for name in nothing}, octets


def _own_texts(part: Part, text: Octets) -> Octets:
    """The octets of a part's texts: those given, or a copy where many others stand among them."""
    names = [name.removesuffix("_start") for name in part if name.endswith("_start")]
    wanted = sum(int(np.maximum(part[f"{name}_length"], 0).sum()) for name in names)
    if 4 * wanted > 3 * len(text):
        return text
    own = np.empty(wanted, dtype=np.uint8)
    at = 0
    for name in names:
        at = move_texts(text, part[f"{name}_start"], part[f"{name}_length"], own, at)
    return own


def table(row_type: Any, named: Mapping[str, AnyColumn], numbers: Part) -> Columns:
    """A table of a row type: its columns by name where they were named, else the numbers as they are."""
    columns = {name: named[name] if name in named else numbers[name] for name in row_type._fields}
    return Columns(row_type, columns, len(next(iter(numbers.values()))))


def difference(late: Ints, early: Ints, there: Flags, unit: float) -> Reals:
    """``late - early`` in a unit, NaN where ``there`` is False. Subtracted as integers, so no digit is lost."""
    span = np.where(there, late, 0) - np.where(there, early, 0)
    apart: Reals = np.where(there, span / unit, np.nan)
    return apart


def text_places(groups: Ints | ByColumn) -> tuple[Ints, Codes]:
    """Where the texts of calls and registrations start and how long they are (n × GT_COLUMNS each)."""
    lengths = groups[:, G_LENGTHS : G_LENGTHS + GT_COLUMNS]
    taken = np.maximum(lengths, 0)
    starts: Ints = np.cumsum(taken, axis=1) - taken + groups[:, G_TEXT][:, None]
    return starts, lengths.astype(np.int32)


def united(codes: Column, text: Callable[[int], str]) -> Labels:
    """A label column whose names are each there once, and only those in use; below 0 = missing.

    ``text`` gives the text of a code; it is asked once for each.
    """
    numbers: dict[str, int] = {}
    used = np.unique(codes[codes >= 0]).tolist()
    translate = np.full((used[-1] if used else 0) + 2, -1, dtype=np.int32)
    for code in used:
        translate[code] = numbers.setdefault(text(code), len(numbers))
    return Labels(translate[np.maximum(codes, -1)], list(numbers))


def known(number: int | np.int64) -> int | None:
    """A number of a column as Python holds it; None where it is missing."""
    return None if number == MISSING else int(number)


class EndpointNames:
    """Endpoint numbers as label columns of addresses."""

    def __init__(self, endpoints: Ints) -> None:
        self._endpoints = endpoints
        self._texts: dict[int, str] = {}

    def endpoint(self, number: int) -> tuple[str, int | None]:
        """Address and network of an endpoint."""
        self._name(np.array([number]))
        return self._texts[number], known(self._endpoints[number, 0])

    def labels(self, numbers: Column) -> Labels:
        """The addresses of endpoint numbers; -1 = missing."""
        self._name(numbers)
        return united(numbers, self._texts.__getitem__)

    def _name(self, numbers: Column) -> None:
        """Have the texts of some endpoints: there may be many others."""
        wanted = [number for number in np.unique(numbers).tolist() if number >= 0 and number not in self._texts]
        rows = self._endpoints[wanted]
        self._texts.update(zip(wanted, address_texts(rows[:, 1], rows[:, 2]), strict=True))

    def joined(self, numbers: Column) -> Labels:
        """The addresses of several endpoints a row (n × k), by spaces; missing where there is none."""
        some = np.flatnonzero((numbers >= 0).any(axis=1))
        codes = np.full(len(numbers), -1, dtype=np.int32)
        if not len(some):
            return Labels(codes, [])
        self._name(numbers[some])
        different, which = np.unique(numbers[some], axis=0, return_inverse=True)
        texts = [" ".join(self._texts[n] for n in row if n >= 0) for row in different.tolist()]
        codes[some] = which.reshape(-1)
        return united(codes, texts.__getitem__)
