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

#: For `mark_unplain`: what is not printable ASCII.
UNPRINTABLE = np.ones(257, dtype=np.uint8)
UNPRINTABLE[0x20:0x7F] = 0
UNPRINTABLE[256] = 0


class Gathered(NamedTuple):
    """Texts end to end: row i is ``octets[offsets[i] : offsets[i + 1]]``, ``present`` where there is one."""

    octets: Octets
    offsets: Ints
    present: NDArray[np.bool_]


def shown(column: Texts) -> Gathered:
    """The texts of a column as UTF-8 that is safe to show."""
    safe = _escaped(column)
    total = int(np.maximum(safe.lengths, 0).sum(dtype=np.int64))
    out = np.empty(total + SPARE, dtype=np.uint8)
    offsets = np.empty(len(safe.starts) + 1, dtype=np.int64)
    gather(safe.octets, safe.starts, safe.lengths, out, offsets)
    return Gathered(out[:total], offsets, safe.lengths >= 0)


def used(column: Labels) -> Labels:
    """The same labels with only the names that occur, each once and safe to show."""
    occurs = np.zeros(len(column.names) + 1, dtype=np.bool_)
    occurs[column.codes] = True  # code -1, missing, is the place behind the last name
    numbers: dict[str, int] = {}
    translate = np.full(len(occurs), -1, dtype=np.int32)
    for code in np.flatnonzero(occurs[:-1]).tolist():
        translate[code] = numbers.setdefault(printable_text(column.names[code]), len(numbers))
    return Labels(translate[column.codes], list(numbers))


def _escaped(column: Texts) -> Texts:
    """The column with every text that is not printable ASCII as `printable` shows it."""
    marks = np.empty(len(column.starts), dtype=np.uint8)
    if not mark_unplain(column.octets, column.starts, column.lengths, UNPRINTABLE, marks):
        return column
    rows = np.flatnonzero(marks)
    starts, lengths = column.starts.astype(np.int64), column.lengths.astype(np.int32)
    octets = column.octets
    spans = zip(starts[rows].tolist(), lengths[rows].tolist(), strict=True)
    texts = [printable(octets[start : start + length].tobytes()).encode() for start, length in spans]
    lengths[rows] = [len(text) for text in texts]
    starts[rows] = len(octets) + np.cumsum(lengths[rows], dtype=np.int64) - lengths[rows]
    return Texts(np.concatenate([octets, np.frombuffer(b"".join(texts), dtype=np.uint8)]), starts, lengths)
