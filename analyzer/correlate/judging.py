"""What judging by column needs: ended rows column by column, and numpy's choices without their overhead.

A batch of ended calls is some thousand rows of half a kilobyte, of which the judges look at every third column, some
of them often. They are handed out with each column in one piece (`correlator`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from analyzer.batch import Ints

Flags: TypeAlias = NDArray[np.bool_]
#: A column or one number for all rows.
Choice: TypeAlias = "Ints | np.int64 | int"


class ByColumn:
    """Some rows of an array, looked at as ``rows[:, column]``; a column's rows are picked when it is asked for."""

    def __init__(self, rows: Ints, which: Ints) -> None:
        self._rows = rows
        self._which = np.ascontiguousarray(which)
        self._columns: dict[int, Ints] = {}

    def __len__(self) -> int:
        return len(self._which)

    def __getitem__(self, place: tuple[slice, Any]) -> Ints:
        """A column, or by a slice several; all rows of it (``place[0]`` is ``:``)."""
        column = place[1]
        if isinstance(column, slice):
            several: Ints = self._rows[self._which, column]
            return several
        if column not in self._columns:
            self._columns[column] = self._rows[:, column][self._which]
        return self._columns[column]


def first_of(conditions: Sequence[Flags], choices: Sequence[Choice], default: Choice) -> Ints:
    """For each row the choice of the first condition that holds. As `numpy.select`, which takes ten times as long."""
    out: Ints = np.empty(len(conditions[0]), dtype=np.int64)
    out[:] = default
    for condition, choice in zip(reversed(conditions), reversed(choices), strict=True):
        np.copyto(out, choice, where=condition)
    return out


def among(values: Ints, few: Iterable[int]) -> Flags:
    """Whether each value is one of a few. As `numpy.isin`, which sorts."""
    found: Flags = np.zeros(len(values), dtype=np.bool_)
    for one in few:
        found |= values == one
    return found
