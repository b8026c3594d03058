"""Small tables out of rows: aggregates, issues and captures, which nobody needs to build fast."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from analyzer import schema
from analyzer.batch import MISSING, AnyColumn, Columns, labels_of
from analyzer.schema import Kind
from analyzer.tables.build import empty
from analyzer.wiretext import printable_text


def columns_of_rows(row_type: type[Any], rows: Iterable[Any]) -> Columns:
    """The columns of some rows of a row type (named tuples, or anything with its fields).

    ``None`` is missing; a map (``by_status_code``, ``unread``) becomes compact JSON text in the order it has.
    """
    listed = list(rows)
    if not listed:
        return empty(row_type)
    made: dict[str, AnyColumn] = {}
    for column in schema.columns(row_type):
        values = [getattr(row, column.name) for row in listed]
        if column.kind is Kind.LABEL or column.kind is Kind.TEXT:
            made[column.name] = labels_of(_text(value) for value in values)
        elif column.kind is Kind.FLAG:
            made[column.name] = np.array([bool(value) for value in values], dtype=np.bool_)
        elif column.kind is Kind.REAL:
            reals = [float("nan") if value is None else float(value) for value in values]
            made[column.name] = np.array(reals, dtype=np.float64)
        else:
            numbers = [MISSING if value is None else int(value) for value in values]
            made[column.name] = np.array(numbers, dtype=np.int64)
    return Columns(row_type, made, len(listed))


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, Mapping):
        counts = {printable_text(str(key)): count for key, count in value.items()}
        return json.dumps(counts, separators=(",", ":"))
    return printable_text(str(value))
