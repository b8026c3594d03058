"""Text columns made ready to show: strangers' octets escaped, equal names united.

Nearly every text on the wire is printable ASCII and is copied by a kernel; only the others are looked at in
Python, by the one rule for all output (`wiretext.printable`).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analyzer.batch import Ints, Labels, Octets, Texts
from analyzer.tables.gather_kernels import SPARE, gather, mark_unplain
from analyzer.wiretext import printable, printable_text


class Plain(NamedTuple):
    """Which texts are copied as they stand: the arguments of `mark_unplain` of these names."""

    one: int
    other: int
    edges: Octets


def plain(one: bytes, other: bytes, first: bytes = b"", last: bytes = b"", empty: bool = True) -> Plain:
    """Printable ASCII without two octets, not beginning or ending with some, and perhaps not empty."""
    edges = np.zeros(257, dtype=np.uint8)
    edges[list(first)] |= 1
    edges[list(last)] |= 2
    edges[256] = not empty
    return Plain(one[0], other[0], edges)


#: Any printable ASCII (what is forbidden twice here is no printable octet).
PRINTABLE = plain(b"\x7f", b"\x7f")


class Gathered(NamedTuple):
    """Texts end to end: row i is ``octets[offsets[i] : offsets[i + 1]]``, ``present`` where there is one."""

    octets: Octets
    offsets: Ints
    present: NDArray[np.bool_]


def shown(column: Texts) -> Gathered:
    """The texts of a column as UTF-8 that is safe to show."""
    marks, count, _ = unplain(column, PRINTABLE)
    compact = end_to_end(*column)
    if not count:
        return compact
    # Out of their window first: a part of a table must not cost as much as the octets of the whole one.
    octets, offsets, _ = compact
    starts, lengths = offsets[:-1].copy(), column.lengths.astype(np.int32)
    rows = np.flatnonzero(marks)
    spans = zip(starts[rows].tolist(), lengths[rows].tolist(), strict=True)
    texts = [printable(octets[start : start + length].tobytes()).encode() for start, length in spans]
    lengths[rows] = [len(text) for text in texts]
    starts[rows] = len(octets) + np.cumsum(lengths[rows], dtype=np.int64) - lengths[rows]
    return end_to_end(np.concatenate([octets, np.frombuffer(b"".join(texts), dtype=np.uint8)]), starts, lengths)


def end_to_end(octets: Octets, starts: Ints, lengths: NDArray[np.int32]) -> Gathered:
    """The texts copied end to end as they are."""
    offsets = np.zeros(len(starts) + 1, dtype=np.int64)
    np.cumsum(np.maximum(lengths, 0), out=offsets[1:])
    total = int(offsets[-1])
    out = np.empty(total + SPARE, dtype=np.uint8)
    marks = np.zeros(len(starts), dtype=np.uint8)
    gather(octets, starts, lengths, marks, 0, out, 0, np.empty_like(starts))
    return Gathered(out[:total], offsets, lengths >= 0)


def unplain(column: Texts, copied: Plain) -> tuple[Octets, int, int]:
    """Which rows hold a text that cannot be copied as it stands (1), how many do, and the octets of all texts."""
    marks = np.empty(len(column.starts), dtype=np.uint8)
    count, octets = mark_unplain(*column, *copied, marks)
    assert count >= 0, "a text stands outside its octets"
    return marks, count, octets


def used(column: Labels) -> Labels:
    """The same labels with only the names that occur, each once and safe to show."""
    occurs = np.zeros(len(column.names) + 1, dtype=np.bool_)
    occurs[column.codes] = True  # code -1, missing, is the place behind the last name
    numbers: dict[str, int] = {}
    translate = np.full(len(occurs), -1, dtype=np.int32)
    for code in np.flatnonzero(occurs[:-1]).tolist():
        translate[code] = numbers.setdefault(printable_text(column.names[code]), len(numbers))
    if len(numbers) == len(column.names) and np.array_equal(translate[:-1], np.arange(len(numbers))):
        return Labels(column.codes, list(numbers))
    return Labels(translate[column.codes], list(numbers))
