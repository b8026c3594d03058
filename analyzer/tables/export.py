"""Tables on disk: CSV, Parquet and JSON, written batch by batch and only then given their names.

A table is written as ``NAME.csv.part`` and the like and renamed when it is whole, so that neither a crash nor
a full disk leaves half a table under a table's name (an open Parquet file is worth nothing until it is
closed).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Protocol, Self

from analyzer.batch import Columns, concat
from analyzer.errors import OutputError
from analyzer.tables.notation import csv_notation, json_notation
from analyzer.tables.rows import RowWriter

#: The formats of tables, by the ending of their files.
FORMATS = ("csv", "parquet", "json")
#: Rows of a Parquet row group: large enough for its dictionaries, small enough to hold.
ROW_GROUP = 131_072


class _Sink(Protocol):
    """One format of one table."""

    def write(self, columns: Columns) -> None: ...
    def finish(self) -> None: ...
    def abandon(self) -> None: ...


class _File:
    """A file that is being written."""

    def __init__(self, path: Path, kind: str, row_type: type[Any]) -> None:
        self.path = path
        self.stream: BinaryIO = open(_part(path), "wb")  # noqa: SIM115  closed by finish or abandon
        try:
            self.sink = _sink(self.stream, kind, row_type)
        except BaseException:
            self.stream.close()
            _part(path).unlink()
            raise

    def finish(self) -> None:
        self.sink.finish()
        self.stream.close()

    def abandon(self) -> None:
        self.sink.abandon()
        with suppress(OSError):  # a disk that was full still is; the part goes in any case
            self.stream.close()
        with suppress(OSError):
            _part(self.path).unlink()


class TableWriter:
    """One table in several formats at once, in batches: `write` as often as there are rows, then `close`.

    As a context manager it closes at the end, and after an exception leaves nothing behind. Raises
    OutputError when the folder cannot be made or written to, or is full.
    """

    def __init__(self, folder: Path | str, formats: Sequence[str], name: str, row_type: type[Any]) -> None:
        self._files: list[_File] = []
        self._path = Path(folder)
        unknown = [kind for kind in formats if kind not in FORMATS]
        if unknown:
            raise ValueError(f"no such format: {unknown[0]} (there are {', '.join(FORMATS)})")
        with self._guarded():
            self._path.mkdir(parents=True, exist_ok=True)
            for kind in dict.fromkeys(formats):
                self._path = Path(folder, f"{name}.{kind}")
                self._files.append(_File(self._path, kind, row_type))

    def write(self, columns: Columns) -> None:
        """Append rows. Their arrays must not change any more: a Parquet row group keeps them a while."""
        with self._guarded():
            for file in self._files:
                self._path = file.path
                file.sink.write(columns)

    def close(self) -> list[Path]:
        """Write what is left and give the files their names; returns them."""
        with self._guarded():
            for file in self._files:
                self._path = file.path
                file.finish()
            for file in self._files:
                self._path = file.path
                os.replace(_part(file.path), file.path)
        written = [file.path for file in self._files]
        self._files = []
        return written

    def abort(self) -> None:
        """Leave nothing behind of what is not closed."""
        for file in self._files:
            file.abandon()
        self._files = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if kind is None:
            self.close()
        else:
            self.abort()

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except BaseException as error:
            self.abort()
            if isinstance(error, OSError):
                raise OutputError(str(self._path), error.strerror or str(error)) from error
            raise


def write_tables(folder: Path | str, tables: Mapping[str, Columns], formats: Sequence[str]) -> list[Path]:
    """Write whole tables by name; returns the files. Raises OutputError as `TableWriter` does."""
    written = []
    for name, columns in tables.items():
        with TableWriter(folder, formats, name, columns.row_type) as writer:
            writer.write(columns)
            written += writer.close()
    return written


def write_rows(stream: BinaryIO, columns: Columns, kind: str) -> None:
    """A table as CSV or JSON onto an open stream (``kind``: csv or json)."""
    sink = _RowSink(stream, kind, columns.row_type)
    sink.write(columns)
    sink.finish()


class _RowSink:
    """CSV or JSON: every batch is written at once."""

    def __init__(self, stream: BinaryIO, kind: str, row_type: type[Any]) -> None:
        notation = csv_notation(row_type) if kind == "csv" else json_notation(row_type)
        self._stream = stream
        self._rows = RowWriter(row_type, notation)
        stream.write(self._rows.start())

    def write(self, columns: Columns) -> None:
        for block in self._rows.blocks(columns):
            self._stream.write(block)

    def finish(self) -> None:
        self._stream.write(self._rows.end())

    def abandon(self) -> None:
        """Nothing is held that would be written later."""


class _ParquetSink:
    """Parquet: batches are kept until they make a row group."""

    def __init__(self, stream: BinaryIO, row_type: type[Any]) -> None:
        from pyarrow import parquet

        from analyzer.tables.build import arrow_schema, label_names, ordered_names

        self._row_type = row_type
        self._pending: list[Columns] = []
        self._rows = 0
        self._writer = parquet.ParquetWriter(
            stream,
            arrow_schema(row_type),
            compression="zstd",
            compression_level=1,
            use_dictionary=label_names(row_type),
            write_statistics=ordered_names(row_type),
        )

    def write(self, columns: Columns) -> None:
        for first in range(0, len(columns), ROW_GROUP):
            part = columns if len(columns) <= ROW_GROUP else columns.take(slice(first, first + ROW_GROUP))
            if self._rows + len(part) > ROW_GROUP:
                self._flush()
            self._pending.append(part)
            self._rows += len(part)

    def finish(self) -> None:
        self._flush()
        self._writer.close()

    def abandon(self) -> None:
        with suppress(OSError):
            self._writer.close()
        self._writer.is_open = False  # else its end would try again

    def _flush(self) -> None:
        from analyzer.tables.build import arrow

        if self._pending:
            self._writer.write_table(arrow(concat(self._row_type, self._pending)))
        self._pending, self._rows = [], 0


def _sink(stream: BinaryIO, kind: str, row_type: type[Any]) -> _Sink:
    return _ParquetSink(stream, row_type) if kind == "parquet" else _RowSink(stream, kind, row_type)


def _part(path: Path) -> Path:
    return path.with_name(path.name + ".part")
