"""The different texts of a column, so that what is asked of a text is asked once for all rows that have it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analyzer.batch import Ints, Texts


class Distinct(NamedTuple):
    """``values``: each text once, as on the wire; ``codes``: which of them each row has, -1 = missing."""

    codes: NDArray[np.int32]
    values: list[bytes]


class Fold(NamedTuple):
    """Which texts may be taken for one another: those of which RE2's ``pattern`` -> ``replacement`` leaves the same.

    ``keeps_length``: and that have their first @ at the same place.
    """

    pattern: bytes
    replacement: bytes
    keeps_length: bool = False


def folded(texts: Texts, fold: Fold) -> Distinct:
    """The kinds of texts of a column; the value of each is the first text of its kind, whole."""
    import pyarrow
    import pyarrow.compute as pc

    array, known = _array(texts)
    kinds = pc.replace_substring_regex(array, pattern=fold.pattern, replacement=fold.replacement).dictionary_encode()
    numbers = kinds.indices.to_numpy().astype(np.int64)
    if fold.keeps_length and len(numbers):
        places = pc.find_substring(array, b"@").to_numpy(zero_copy_only=False).astype(np.int64) + 1
        numbers = numbers * (int(places.max()) + 1) + places
    _, first, codes = np.unique(numbers, return_index=True, return_inverse=True)
    values = array.take(pyarrow.array(first)).to_pylist()
    return Distinct(np.where(known, codes, -1).astype(np.int32), values)


def distinct(texts: Texts) -> Distinct:
    """The different texts of a column, in the order in which they are met; linear in its octets."""
    array, known = _array(texts)
    encoded = array.dictionary_encode()
    codes = np.where(known, encoded.indices.to_numpy(), -1).astype(np.int32)
    return Distinct(codes, encoded.dictionary.to_pylist())


def _array(texts: Texts) -> tuple[Any, NDArray[np.bool_]]:
    """The column as an Arrow array without gaps, and which rows have a text; one that is missing is empty there."""
    import pyarrow  # a tenth of a second, which screens and the terminal do without

    known = texts.lengths >= 0
    lengths = np.where(known, texts.lengths, 0).astype(np.int64)
    ends = np.cumsum(lengths)
    offsets = np.concatenate([np.zeros(1, np.int64), ends])
    octets = _joined(texts, lengths, ends)
    array = pyarrow.LargeBinaryArray.from_buffers(
        pyarrow.large_binary(), len(lengths), [None, pyarrow.py_buffer(offsets), pyarrow.py_buffer(octets)]
    )
    return array, known


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
