"""Calls that are one intention: the same A and B dialled again within five minutes of a failure.

Who does not get through tries again, at once and many times: a hundred failures of one caller are one event. So
failures are compared without their redials (docs/report-parts/change.md), and both counts are shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import numpy as np

from analyzer.batch import AnyColumn, Ints, Labels, Octets, Texts
from analyzer.stats.counting import Mask

#: From one failed call to the next of the same two parties, ns, that still is a redial.
WITHIN = 300 * 1_000_000_000


def same_texts(parts: Sequence[AnyColumn]) -> list[Ints]:
    """Equal numbers for equal texts, over several columns: one array of numbers for each. -1 where missing.

    Octets are compared, not hashes of them: whoever chooses the texts cannot make two of them one.
    """
    columns = [_as_texts(part) for part in parts]
    found = [np.full(len(column.lengths), -1, dtype=np.int64) for column in columns]
    first = 0
    for length in np.unique(np.concatenate([column.lengths for column in columns])).tolist() if columns else []:
        if length < 0:
            continue
        rows = [np.flatnonzero(column.lengths == length) for column in columns]
        if length == 0:
            codes, distinct = np.zeros(sum(map(len, rows)), dtype=np.int64), 1
        else:
            gathered = np.concatenate([_octets(column, row, length) for column, row in zip(columns, rows, strict=True)])
            names, codes = np.unique(gathered.view(f"V{length}").ravel(), return_inverse=True)
            distinct = len(names)
        at = 0
        for numbers, row in zip(found, rows, strict=True):
            numbers[row] = first + codes[at : at + len(row)]
            at += len(row)
        first += distinct
    return found


def pairs(callers: Sequence[AnyColumn], called: Sequence[AnyColumn]) -> list[Ints]:
    """Equal numbers, from 0, for calls of the same two parties: URIs of From and To, column by column."""
    ones, others = same_texts(callers), same_texts(called)
    both = np.stack([np.concatenate([*ones, _NONE]), np.concatenate([*others, _NONE])])
    width = int(both[1].max(initial=0)) + 2
    _, numbers = np.unique((both[0] + 1) * width + both[1] + 1, return_inverse=True)
    ends = np.cumsum([len(part) for part in ones])
    return np.split(numbers, ends[:-1]) if len(ends) else []


def redialled(pair: Ints, times: Ints, within: int = WITHIN) -> Mask:
    """Of failed calls those that follow another one of the same pair within so many ns."""
    again = np.zeros(len(pair), dtype=np.bool_)
    order = np.lexsort((times, pair))
    is_next = (np.diff(pair[order]) == 0) & (np.diff(times[order]) <= within)
    again[order[1:][is_next]] = True
    return again


_NONE: Ints = np.empty(0, dtype=np.int64)


def _as_texts(column: AnyColumn) -> Texts:
    if isinstance(column, Texts):
        return column
    assert isinstance(column, Labels)
    names = [name.encode("utf-8", "surrogateescape") for name in column.names]
    octets: Octets = np.frombuffer(b"".join(names) or b"\0", dtype=np.uint8)
    lengths = np.array([*map(len, names), -1], dtype=np.int32)
    starts = np.fromiter(chain(np.cumsum([0, *map(len, names)]), [0]), dtype=np.int64)[: len(names) + 1]
    return Texts(octets, starts[column.codes], lengths[column.codes])


def _octets(column: Texts, rows: Ints, length: int) -> Octets:
    return np.ascontiguousarray(column.octets[column.starts[rows, None] + np.arange(length)])
