"""Rows that have ended, turned so that each of their columns stands in one piece."""

from __future__ import annotations

from analyzer.batch import Ints
from analyzer.jit import kernel

_BLOCK = 32  # rows at a time: they fit the first-level cache while their columns are written


@kernel
def turn(rows: Ints, which: Ints, out: Ints) -> None:
    """Fill ``out`` (columns × n) with the columns of the rows that ``which`` names."""
    for first in range(0, len(which), _BLOCK):
        last = min(first + _BLOCK, len(which))
        for column in range(rows.shape[1]):
            for place in range(first, last):
                out[column, place] = rows[which[place], column]
