"""The reverse of `build`: an Arrow table as numpy columns, without looking at a row in Python.

Numbers, codes and labels are copied into the widths that statistics expect; texts are not copied at all: a `Texts`
points into Arrow's own buffer, which it keeps alive.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from analyzer import schema
from analyzer.batch import MISSING, AnyColumn, Columns, Ints, Labels, Texts
from analyzer.schema import Kind

if TYPE_CHECKING:
    import pyarrow


def columns_of_arrow(row_type: type[Any], table: pyarrow.Table) -> Columns:
    """An Arrow table of a row type as numpy columns: those that it has, in the order of the row type.

    Its columns must be typed as `build.arrow_schema` types them. Chunks are joined, dictionaries united.
    """
    whole = table.unify_dictionaries().combine_chunks()
    there = set(whole.column_names)
    made = {
        column.name: _column(_one(whole.column(column.name)), column.kind)
        for column in schema.columns(row_type)
        if column.name in there
    }
    return Columns(row_type, made, len(table))


def _one(column: pyarrow.ChunkedArray) -> pyarrow.Array:
    """The only chunk of a column; an empty array for a column without any."""
    import pyarrow

    return column.chunk(0) if column.num_chunks else pyarrow.array([], type=column.type)


def _column(array: pyarrow.Array, kind: Kind) -> AnyColumn:
    if kind is Kind.LABEL:
        return _labels(array)
    if kind is Kind.TEXT:
        return _texts(array)
    if kind is Kind.FLAG:
        filled = array.fill_null(False) if array.null_count else array
        return np.asarray(filled.to_numpy(zero_copy_only=False), dtype=np.bool_)
    if kind is Kind.REAL:  # missing ones become NaN
        return np.asarray(array.to_numpy(zero_copy_only=False), dtype=np.float64)
    return ints_of_arrow(array)


def ints_of_arrow(array: pyarrow.Array) -> Ints:
    """Whole numbers or times (ns) as int64, MISSING where there is none."""
    import pyarrow

    numbers = array.view(pyarrow.int64()) if pyarrow.types.is_timestamp(array.type) else array
    if not numbers.null_count:
        return np.array(numbers.to_numpy(), dtype=np.int64)
    filled: Ints = numbers.fill_null(0).to_numpy().astype(np.int64)
    filled[_absent(numbers)] = MISSING
    return filled


def _absent(array: pyarrow.Array) -> NDArray[np.bool_]:
    return np.asarray(array.is_null().to_numpy(zero_copy_only=False), dtype=np.bool_)


def _labels(array: pyarrow.Array) -> Labels:
    indices = array.indices
    codes = (indices.fill_null(-1) if indices.null_count else indices).to_numpy()
    return Labels(np.array(codes, dtype=np.int32), array.dictionary.to_pylist())


def _texts(array: pyarrow.Array) -> Texts:
    count = len(array)
    _, offset_buffer, data = array.buffers()
    if not count or offset_buffer is None:
        return Texts(np.empty(0, np.uint8), np.zeros(count, np.int64), np.full(count, -1, np.int32))
    offsets = np.frombuffer(offset_buffer, dtype=np.int64)[array.offset : array.offset + count + 1]
    octets = np.frombuffer(data, dtype=np.uint8) if data is not None else np.empty(0, dtype=np.uint8)
    lengths = np.diff(offsets).astype(np.int32)
    if array.null_count:
        lengths[_absent(array)] = -1
    return Texts(octets, offsets[:-1], lengths)
