"""Rows by what they have in common, without a Python loop over rows: which rows, or how many, of each combination."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from analyzer.batch import MISSING, Ints, Labels
from analyzer.stats.counting import tally

#: What rows have in common, as Python holds it: None for what is missing.
Key: TypeAlias = "tuple[Any, ...]"
Column: TypeAlias = "Labels | NDArray[Any]"

#: Numbers so close together are told apart by their place, others by sorting.
_IN_PLACE = 1 << 18


def grouped(rows: Ints, *columns: Column) -> dict[Key, Ints]:
    """The rows of each combination of values, ascending; ``columns`` are whole ones, numbers, flags or labels."""
    if not len(rows):
        return {}
    joined, parts = _joined(rows, columns)
    order = np.argsort(joined, kind="stable")
    in_order = joined[order]
    starts = np.flatnonzero(np.diff(in_order, prepend=in_order[0] - 1))
    pieces = np.split(rows[order], starts[1:])
    return {_key(int(in_order[start]), parts): piece for start, piece in zip(starts.tolist(), pieces, strict=True)}


def counted(rows: Ints, *columns: Column) -> dict[Key, int]:
    """How many rows each combination of values has."""
    if not len(rows):
        return {}
    joined, parts = _joined(rows, columns)
    return {_key(value, parts): count for value, count in tally(joined).items()}


def united(labels: Labels) -> Labels:
    """The same with one code for equal names."""
    numbers: dict[str, int] = {}
    translate = np.array([*(numbers.setdefault(name, len(numbers)) for name in labels.names), -1], dtype=np.int32)
    return Labels(translate[labels.codes], list(numbers))


def _joined(rows: Ints, columns: tuple[Column, ...]) -> tuple[Ints, list[list[Any]]]:
    """One number for each row, and the values that each column's digits of it stand for."""
    joined: Ints = np.zeros(len(rows), dtype=np.int64)
    parts: list[list[Any]] = []
    for column in columns:
        codes, values = _coded(column, rows)
        joined = joined * len(values) + codes
        parts.append(values)
    return joined, parts


def _key(value: int, parts: list[list[Any]]) -> Key:
    found: list[Any] = []
    for values in reversed(parts):
        value, digit = divmod(value, len(values))
        found.append(values[digit])
    return tuple(reversed(found))


def _coded(column: Column, rows: Ints) -> tuple[Ints, list[Any]]:
    """A number from 0 for each row, and what the numbers stand for."""
    if isinstance(column, Labels):
        one = united(column)
        return one.codes[rows].astype(np.int64) + 1, [None, *one.names]
    chosen = column[rows]
    if chosen.dtype == np.bool_:
        return chosen.astype(np.int64), [False, True]
    is_missing = chosen == MISSING
    known = chosen[~is_missing]
    if not len(known):
        return np.zeros(len(rows), dtype=np.int64), [None]
    least, most = int(known.min()), int(known.max())
    if most - least < _IN_PLACE:
        places: Ints = np.where(is_missing, 0, chosen - np.where(is_missing, chosen, least - 1))
        counts = np.bincount(places, minlength=most - least + 2)
        translate: Ints = np.cumsum(counts > 0) - 1
        values = [None if place == 0 else place + least - 1 for place in np.flatnonzero(counts).tolist()]
        return translate[places], values
    values_found, codes = np.unique(chosen, return_inverse=True)
    return codes.astype(np.int64), [None if value == MISSING else value for value in values_found.tolist()]
