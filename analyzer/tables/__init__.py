"""Columns → tables: pandas and Arrow in memory, CSV, Parquet and JSON on disk.

With ``stats/`` the only place that knows pandas and pyarrow. They are imported where they are used: whoever
wants no table pays for none. Everybody else annotates with `Table`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from analyzer.tables.build import arrow, empty, frame
from analyzer.tables.export import FORMATS, TableWriter, write_rows, write_tables
from analyzer.tables.messages import message_columns
from analyzer.tables.small import columns_of_rows

if TYPE_CHECKING:
    from pandas import DataFrame

    Table: TypeAlias = DataFrame
else:
    Table: TypeAlias = Any

__all__ = [
    "FORMATS",
    "Table",
    "TableWriter",
    "arrow",
    "columns_of_rows",
    "empty",
    "frame",
    "message_columns",
    "write_rows",
    "write_tables",
]
