"""What judging by column needs: ended rows column by column, rules in the order in which they are asked.

A batch of ended calls is some thousand rows of half a kilobyte, of which the judges look at every third column, some
of them often. They are handed out with each column in one piece (`correlator`). `Asked` is what both the
judgement of a batch and the trace of one call are read from, so that they cannot differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, TypeAlias

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


class Rule(NamedTuple):
    """A rule that is asked: its name, the rows that it fits, and what it leads to there."""

    name: str
    fits: Flags
    choice: Choice


class Answer(NamedTuple):
    """What a rule answered for one row: whether it fits, whether it decided, and what it leads (or would lead) to."""

    name: str
    fits: bool
    decided: bool
    choice: int


class Asked(NamedTuple):
    """Rules in the order in which they are asked, and what holds where none of them fits."""

    rules: Sequence[Rule]
    otherwise: str
    default: Choice

    def decided(self) -> Ints:
        """For each row the choice of the first rule that fits."""
        return first_of([rule.fits for rule in self.rules], [rule.choice for rule in self.rules], self.default)

    def answers(self, row: int) -> list[Answer]:
        """What every rule answered for a row, in order; the first that fits decided, what is otherwise only if none."""
        found: list[Answer] = []
        is_decided = False
        for rule in self.rules:
            fits = bool(rule.fits[row])
            found.append(Answer(rule.name, fits, fits and not is_decided, _of_row(rule.choice, row)))
            is_decided = is_decided or fits
        found.append(Answer(self.otherwise, not is_decided, not is_decided, _of_row(self.default, row)))
        return found


def _of_row(choice: Choice, row: int) -> int:
    return int(choice[row]) if isinstance(choice, np.ndarray) else int(choice)


def among(values: Ints, few: Iterable[int]) -> Flags:
    """Whether each value is one of a few. As `numpy.isin`, which sorts."""
    found: Flags = np.zeros(len(values), dtype=np.bool_)
    for one in few:
        found |= values == one
    return found
