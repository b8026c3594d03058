"""The only builder of tables: columns of numpy → Arrow and pandas, typed by the row types of `schema`.

One builder, because each of these goes wrong silently elsewhere: a list of nanoseconds with a ``None`` in it
goes through float and loses its last digits; labels with different names concatenate to plain texts; an empty
table has no types unless they are given. Times, missing values and types survive a Parquet round trip
unchanged.
"""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from analyzer import schema
from analyzer.batch import MISSING, AnyColumn, Columns, Ints, Labels, Texts
from analyzer.schema import Kind
from analyzer.tables.texts import shown, used

if TYPE_CHECKING:
    import pandas
    import pyarrow

_INT16 = np.iinfo(np.int16)
_INT32 = np.iinfo(np.int32)
#: What pandas calls each kind in a Parquet file, so that it comes back as it went (pandas_type, numpy_type).
_PANDAS_TYPES: dict[Kind, tuple[str, str]] = {
    Kind.KEY: ("int64", "int64"),
    Kind.REF: ("int64", "Int64"),
    Kind.COUNT: ("int32", "int32"),
    Kind.CODE: ("int16", "Int16"),
    Kind.REAL: ("float64", "float64"),
    Kind.FLAG: ("bool", "bool"),
    Kind.TIME: ("datetimetz", "datetime64[ns]"),
    Kind.LABEL: ("categorical", "category"),
    Kind.TEXT: ("unicode", "str"),
}


def frame(columns: Columns) -> pandas.DataFrame:
    """A table as pandas holds it: the columns of its row type, in order, typed as `schema.Kind` says.

    Raises KeyError when a column of the row type is not there.
    """
    table: pandas.DataFrame = arrow(columns).to_pandas()
    return table


def arrow(columns: Columns) -> pyarrow.Table:
    """A table as Arrow holds it; `arrow_schema` has its types.

    Raises KeyError when a column of the row type is not there.
    """
    import pyarrow

    full = complete(columns)
    arrays = [_array(full[column.name], column.kind) for column in schema.columns(columns.row_type)]
    return pyarrow.Table.from_arrays(arrays, schema=arrow_schema(columns.row_type))


def arrow_schema(row_type: type[Any]) -> pyarrow.Schema:
    """The Arrow schema of a row type, with the pandas types beside it as pandas itself would note them."""
    import pyarrow

    columns = schema.columns(row_type)
    return pyarrow.schema(
        [pyarrow.field(column.name, _arrow_type(column.kind)) for column in columns],
        metadata={b"pandas": json.dumps(_pandas_notes(columns)).encode()},
    )


def label_names(row_type: type[Any]) -> list[str]:
    """The columns of a row type whose values repeat."""
    return [column.name for column in schema.columns(row_type) if column.kind is Kind.LABEL]


def ordered_names(row_type: type[Any]) -> list[str]:
    """The columns of a row type by whose bounds a reader can skip part of a file: numbers and times."""
    return [c.name for c in schema.columns(row_type) if c.kind is not Kind.LABEL and c.kind is not Kind.TEXT]


def empty(row_type: type[Any]) -> Columns:
    """A table without rows, every column typed."""
    made: dict[str, AnyColumn] = {}
    for column in schema.columns(row_type):
        if column.kind is Kind.LABEL:
            made[column.name] = Labels(np.empty(0, np.int32), [])
        elif column.kind is Kind.TEXT:
            made[column.name] = Texts(np.empty(0, np.uint8), np.empty(0, np.int64), np.empty(0, np.int32))
        elif column.kind is Kind.FLAG:
            made[column.name] = np.empty(0, np.bool_)
        else:
            made[column.name] = np.empty(0, np.float64 if column.kind is Kind.REAL else np.int64)
    return Columns(row_type, made, 0)


def complete(columns: Columns) -> Columns:
    """The columns themselves; `empty` for a table without rows and columns.

    Raises KeyError when a column of the row type is not there.
    """
    if len(columns) == 0 and not columns.columns:
        return empty(columns.row_type)
    absent = [c.name for c in schema.columns(columns.row_type) if c.name not in columns]
    if absent:
        raise KeyError(f"{columns.row_type.__name__} lacks {', '.join(absent)}")
    return columns


def fitted(values: NDArray[Any], kind: Kind) -> Ints:
    """Whole numbers as a table of that kind can hold them.

    Strangers may write any number into a message: a code (int16) that does not fit is missing, a count
    (int32) stays at the largest that fits.
    """
    numbers = values.astype(np.int64, copy=False)
    if kind is Kind.CODE:
        odd = (numbers < _INT16.min) | (numbers > _INT16.max)
        return np.where(odd, MISSING, numbers) if odd.any() else numbers
    if kind is Kind.COUNT and len(numbers) and (numbers.min() < _INT32.min or numbers.max() > _INT32.max):
        return np.clip(numbers, _INT32.min, _INT32.max)
    return numbers


def _array(column: AnyColumn, kind: Kind) -> pyarrow.Array:
    import pyarrow

    if kind is Kind.LABEL or kind is Kind.TEXT:
        if isinstance(column, Texts):
            assert kind is Kind.TEXT, "labels come as Labels"
            return _text_array(column)
        assert isinstance(column, Labels), "texts come as Labels or Texts"
        array = _label_array(column)
        return array if kind is Kind.LABEL else array.dictionary_decode()
    assert isinstance(column, np.ndarray), "numbers come as numpy arrays"
    if kind is Kind.FLAG:
        bits = np.packbits(column.astype(np.bool_, copy=False), bitorder="little")
        return pyarrow.Array.from_buffers(pyarrow.bool_(), len(column), [None, pyarrow.py_buffer(bits)])
    if kind is Kind.REAL:
        reals = np.ascontiguousarray(column, dtype=np.float64)
        return _number_array(reals, ~np.isnan(reals), kind)
    numbers = fitted(column, kind)
    if kind is Kind.KEY or kind is Kind.COUNT:
        return _number_array(numbers, None, kind)
    return _number_array(numbers, numbers != MISSING, kind)


def _number_array(values: NDArray[Any], present: NDArray[np.bool_] | None, kind: Kind) -> pyarrow.Array:
    import pyarrow

    narrow = {Kind.COUNT: np.int32, Kind.CODE: np.int16}.get(kind)
    data = np.ascontiguousarray(values, dtype=narrow)
    buffers = [_validity(present), pyarrow.py_buffer(data)]
    return pyarrow.Array.from_buffers(_arrow_type(kind), len(data), buffers)


def _text_array(column: Texts) -> pyarrow.Array:
    import pyarrow

    octets, offsets, present = shown(column)
    buffers = [_validity(present), pyarrow.py_buffer(offsets), pyarrow.py_buffer(octets)]
    return pyarrow.Array.from_buffers(pyarrow.large_string(), len(present), buffers)


def _label_array(column: Labels) -> pyarrow.Array:
    import pyarrow

    codes, names = used(column)
    buffers = [_validity(codes >= 0), pyarrow.py_buffer(np.maximum(codes, 0))]
    dictionary = pyarrow.array(names, type=pyarrow.large_string())
    return pyarrow.DictionaryArray.from_buffers(_arrow_type(Kind.LABEL), len(codes), buffers, dictionary)


def _validity(present: NDArray[np.bool_] | None) -> pyarrow.Buffer | None:
    import pyarrow

    if present is None or present.all():
        return None
    return pyarrow.py_buffer(np.packbits(present, bitorder="little"))


@cache
def _arrow_type(kind: Kind) -> pyarrow.DataType:
    import pyarrow

    return {
        Kind.KEY: pyarrow.int64(),
        Kind.REF: pyarrow.int64(),
        Kind.COUNT: pyarrow.int32(),
        Kind.CODE: pyarrow.int16(),
        Kind.REAL: pyarrow.float64(),
        Kind.FLAG: pyarrow.bool_(),
        Kind.TIME: pyarrow.timestamp("ns", tz="UTC"),
        Kind.LABEL: pyarrow.dictionary(pyarrow.int32(), pyarrow.large_string()),
        Kind.TEXT: pyarrow.large_string(),
    }[kind]


def _pandas_notes(columns: tuple[schema.Column, ...]) -> dict[str, Any]:
    notes = []
    for column in columns:
        pandas_type, numpy_type = _PANDAS_TYPES[column.kind]
        metadata: dict[str, Any] | None = None
        if column.kind is Kind.TIME:
            metadata = {"timezone": "UTC"}
        notes.append(
            {
                "name": column.name,
                "field_name": column.name,
                "pandas_type": pandas_type,
                "numpy_type": numpy_type,
                "metadata": metadata,
            }
        )
    return {"index_columns": [], "column_indexes": [], "columns": notes, "creator": {"library": "sipcause"}}
