"""The different texts of a column, so that what is asked of a text is asked once for all rows that have it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pyarrow
from numpy.typing import NDArray

from analyzer.batch import Ints, Texts


class Distinct(NamedTuple):
    """``values``: each text once, as on the wire; ``codes``: which of them each row has, -1 = missing."""

    codes: NDArray[np.int32]
    values: list[bytes]


def distinct(texts: Texts) -> Distinct:
    """The different texts of a column, in the order in which they are met; linear in its octets."""
    known = texts.lengths >= 0
    lengths = np.where(known, texts.lengths, 0).astype(np.int64)
    ends = np.cumsum(lengths)
    offsets = np.concatenate([np.zeros(1, np.int64), ends])
    octets = _joined(texts, lengths, ends)
    array = pyarrow.LargeBinaryArray.from_buffers(
        pyarrow.large_binary(), len(lengths), [None, pyarrow.py_buffer(offsets), pyarrow.py_buffer(octets)]
    )
    encoded = array.dictionary_encode()
    codes = np.where(known, encoded.indices.to_numpy(), -1).astype(np.int32)
    return Distinct(codes, encoded.dictionary.to_pylist())


def _joined(texts: Texts, lengths: Ints, ends: Ints) -> NDArray[np.uint8]:
    """The octets of all rows end to end; those of the column itself where they stand like that already."""
    if not len(lengths):
        return np.empty(0, np.uint8)
    begins = ends - lengths
    filled = lengths > 0
    shift = (texts.starts - begins)[filled]
    if not len(shift):
        return np.empty(0, np.uint8)
    if (shift == shift[0]).all():
        first = int(shift[0])
        return np.ascontiguousarray(texts.octets[first : first + int(ends[-1])])
    places = np.arange(int(ends[-1]), dtype=np.int64) + np.repeat(texts.starts - begins, lengths)
    joined: NDArray[np.uint8] = texts.octets[places]
    return joined
