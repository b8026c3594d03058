"""Tables on disk: what is read back is what the columns held, and a broken run leaves no half table."""

from __future__ import annotations

import csv
import io
import json
import resource
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer import schema
from analyzer.batch import Columns, concat
from analyzer.errors import OutputError
from analyzer.schema import TABLES, CallRow, CaptureRow, EndpointRow, IssueRow, Kind
from analyzer.tables import FORMATS, TableWriter, columns_of_rows, empty, frame, write_rows, write_tables
from analyzer.wiretext import neutral_cell
from tests.tables.made import HOSTILE, made_columns, texts_of

ROW_TYPES = list(TABLES.values())
MAPS = ("by_status_code", "unread", "layers")


def written(columns: Columns, kind: str) -> str:
    stream = io.BytesIO()
    write_rows(stream, columns, kind)
    return stream.getvalue().decode()


def rfc3339(ts: int) -> str:
    """An independent text of a time."""
    second, nanosecond = divmod(ts, 10**9)
    day = datetime.fromtimestamp(0, UTC) + (second // 60) * (datetime(1970, 1, 1, 0, 1) - datetime(1970, 1, 1))
    return f"{day:%Y-%m-%dT%H:%M}:{second % 60:02}.{nanosecond:09}Z"


def expected(columns: Columns, column: schema.Column, row: int, kind: str) -> Any:
    value = columns.value(column.name, row)
    if value is None:
        return "" if kind == "csv" else None
    if column.kind is Kind.TIME:
        return rfc3339(value)
    if kind == "json":
        return json.loads(value) if column.name in MAPS else value
    if column.kind is Kind.FLAG:
        return "true" if value else "false"
    if column.kind is Kind.REAL:
        return value
    return neutral_cell(value) if isinstance(value, str) else str(value)


@settings(max_examples=80, deadline=None)
@given(row_type=st.sampled_from(ROW_TYPES), rows=st.integers(0, 30), seed=st.integers(0, 2**32))
def test_csv_says_every_cell(row_type: type[Any], rows: int, seed: int) -> None:
    columns = made_columns(row_type, rows, seed)
    lines = list(csv.reader(io.StringIO(written(columns, "csv"), newline="")))
    listed = schema.columns(row_type)
    assert lines[0] == [column.name for column in listed]
    assert len(lines) == rows + 1
    for number, column in enumerate(listed):
        cells: list[Any] = [line[number] for line in lines[1:]]
        if column.kind is Kind.REAL:
            cells = [float(text) if text else "" for text in cells]
        assert cells == [expected(columns, column, row, "csv") for row in range(rows)]


@settings(max_examples=80, deadline=None)
@given(row_type=st.sampled_from(ROW_TYPES), rows=st.integers(0, 30), seed=st.integers(0, 2**32))
def test_json_says_every_cell(row_type: type[Any], rows: int, seed: int) -> None:
    columns = made_columns(row_type, rows, seed)
    text = written(columns, "json")
    listed = schema.columns(row_type)
    assert json.loads(text) == [
        {column.name: expected(columns, column, row, "json") for column in listed} for row in range(rows)
    ]
    assert len(text.splitlines()) == rows + 2  # the brackets stand on lines of their own


@pytest.mark.parametrize("row_type", ROW_TYPES)
def test_parquet_gives_back_the_same_frame(row_type: type[Any], tmp_path: Path) -> None:
    parts = [made_columns(row_type, 25, seed) for seed in (1, 2, 3)]
    with TableWriter(tmp_path, ["parquet"], "table", row_type) as writer:
        for part in parts:
            writer.write(part)
    wanted = frame(concat(row_type, parts))
    back = pd.read_parquet(tmp_path / "table.parquet")
    assert dict(back.dtypes) == {**dict(wanted.dtypes), **_categories(back)}
    for name in wanted:
        pd.testing.assert_series_equal(back[name], wanted[name], check_categorical=False)


def _categories(table: pd.DataFrame) -> dict[str, Any]:
    return {name: dtype for name, dtype in table.dtypes.items() if dtype == "category"}


def test_parquet_in_several_row_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pyarrow import parquet

    monkeypatch.setattr("analyzer.tables.export.ROW_GROUP", 10)
    columns = made_columns(CallRow, 35)
    with TableWriter(tmp_path, ["parquet"], "calls", CallRow) as writer:
        writer.write(columns.take(slice(0, 4)))
        writer.write(columns.take(slice(4, 35)))
    assert parquet.ParquetFile(tmp_path / "calls.parquet").num_row_groups > 1
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "calls.parquet"), frame(columns), check_categorical=False)


@pytest.mark.parametrize("row_type", ROW_TYPES)
def test_empty_tables(row_type: type[Any], tmp_path: Path) -> None:
    for columns in (empty(row_type), Columns(row_type, {}, 0)):
        write_tables(tmp_path, {"none": columns}, FORMATS)
        names = [column.name for column in schema.columns(row_type)]
        assert (tmp_path / "none.csv").read_text() == ",".join(names) + "\n"
        assert json.loads((tmp_path / "none.json").read_text()) == []
        back = pd.read_parquet(tmp_path / "none.parquet")
        assert dict(back.dtypes.astype(str)) == {c.name: c.kind.value for c in schema.columns(row_type)}


def test_batches_are_written_end_to_end(tmp_path: Path) -> None:
    columns = made_columns(CallRow, 3000, 5)  # more than a block
    with TableWriter(tmp_path / "new" / "folder", FORMATS, "calls", CallRow) as writer:
        for first in range(0, 3000, 700):
            writer.write(columns.take(slice(first, first + 700)))
    folder = tmp_path / "new" / "folder"
    assert sorted(path.name for path in folder.iterdir()) == ["calls.csv", "calls.json", "calls.parquet"]
    assert (folder / "calls.csv").read_text() == written(columns, "csv")
    assert (folder / "calls.json").read_text() == written(columns, "json")


def test_csv_reads_back_into_pandas_to_the_nanosecond() -> None:
    columns = made_columns(CallRow, 4)
    columns.columns["invite_ts"] = np.array([1_700_000_000_123_456_789 + n for n in range(4)], dtype=np.int64)
    columns.columns["srd_ms"] = np.array([1210.123456, 1 / 3, np.nan, 1e-12], dtype=np.float64)
    back = pd.read_csv(io.StringIO(written(columns, "csv")))
    times = pd.to_datetime(back["invite_ts"]).dt.as_unit("ns")
    assert times.astype("int64").tolist() == [1_700_000_000_123_456_789 + n for n in range(4)]
    assert back["srd_ms"].tolist()[:2] == [1210.123456, 1 / 3]
    assert back["srd_ms"][3] == 1e-12


def test_no_cell_begins_a_formula_and_none_leaves_its_line() -> None:
    columns = made_columns(CallRow, len(HOSTILE))
    for name in ("call_id", "from_tag", "relayed_by"):
        columns.columns[name] = texts_of(list(HOSTILE))
    lines = written(columns, "csv").split("\n")
    assert len(lines) == len(HOSTILE) + 2
    for row in csv.DictReader(lines):
        for name in ("call_id", "from_tag", "relayed_by"):
            assert row[name][:1] not in ("=", "+", "-", "@", "\t", "\r")
            assert row[name].isprintable()


def test_infinities_are_missing() -> None:
    columns = made_columns(CallRow, 2)
    columns.columns["srd_ms"] = np.array([np.inf, -np.inf], dtype=np.float64)
    assert [row["srd_ms"] for row in json.loads(written(columns, "json"))] == [None, None]


def test_maps_are_objects_in_json_and_text_elsewhere(tmp_path: Path) -> None:
    row = EndpointRow("192.0.2.1", None, None, schema.Side.OWN, 1, 2, 3, 4, 5, 0, 0, 0, {"486": 3, "none": 1})
    columns = columns_of_rows(EndpointRow, [row])
    assert json.loads(written(columns, "json"))[0]["by_status_code"] == {"486": 3, "none": 1}
    assert '"{""486"":3,""none"":1}"' in written(columns, "csv")
    assert frame(columns)["by_status_code"][0] == '{"486":3,"none":1}'


def test_maps_held_as_texts_are_objects_too() -> None:
    columns = made_columns(CaptureRow, 1)
    columns.columns["unread"] = texts_of([b'{"tcp": 3}'])
    columns.columns["layers"] = texts_of([b'{"eth ip udp": [9, 3, 1]}'])
    assert json.loads(written(columns, "json"))[0]["unread"] == {"tcp": 3}
    assert json.loads(written(columns, "json"))[0]["layers"] == {"eth ip udp": [9, 3, 1]}


def test_rows_become_columns() -> None:
    rows = [
        IssueRow(1, 1, 5, None, 7, None, "sip.no_via", schema.Severity.WARN, "malformed", "bad \x1b[31m"),
        IssueRow(2, 1, None, 3, None, None, "sip.no_to", schema.Severity.NOTE, "malformed", ""),
    ]
    columns = columns_of_rows(IssueRow, iter(rows))
    assert list(columns.rows()) == [
        {**rows[0]._asdict(), "detail": "bad \\x1b[31m"},
        rows[1]._asdict(),
    ]
    assert frame(columns_of_rows(IssueRow, [])).empty


def test_nothing_is_left_behind_after_an_exception(tmp_path: Path) -> None:
    (tmp_path / "calls.csv").write_text("the last run's")

    def broken() -> None:
        with TableWriter(tmp_path, FORMATS, "calls", CallRow) as writer:
            writer.write(made_columns(CallRow, 10))
            raise RuntimeError("on the way")

    with pytest.raises(RuntimeError):
        broken()
    assert [path.name for path in tmp_path.iterdir()] == ["calls.csv"]
    assert (tmp_path / "calls.csv").read_text() == "the last run's"


def test_wrong_columns_leave_nothing_behind(tmp_path: Path) -> None:
    columns = made_columns(CallRow, 2)
    del columns.columns["cause"]
    with pytest.raises(KeyError):
        write_tables(tmp_path, {"calls": columns}, FORMATS)
    assert list(tmp_path.iterdir()) == []


def test_unknown_format_is_our_mistake(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no such format: xlsx"):
        TableWriter(tmp_path, ["csv", "xlsx"], "calls", CallRow)
    assert list(tmp_path.iterdir()) == []


def test_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(OutputError, match=r"taken: (File exists|Not a directory)"):
        write_tables(tmp_path / "taken", {"calls": empty(CallRow)}, ["csv"])


def test_table_that_is_a_folder(tmp_path: Path) -> None:
    (tmp_path / "calls.csv").mkdir()
    with pytest.raises(OutputError, match=r"calls\.csv: Is a directory"):
        write_tables(tmp_path, {"calls": empty(CallRow)}, ["csv"])
    assert [path.name for path in tmp_path.iterdir()] == ["calls.csv"]


@pytest.fixture
def small_files() -> Iterator[None]:
    """No file may grow beyond 64 KiB: what a full disk looks like."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (65_536, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.usefixtures("small_files")
@pytest.mark.parametrize("kind", FORMATS)
def test_full_disk_is_one_line(kind: str, tmp_path: Path) -> None:
    columns = made_columns(CallRow, 3000)
    with pytest.raises(OutputError, match=rf"calls\.{kind}: File too large$"):
        write_tables(tmp_path, {"calls": columns}, [kind])
    assert list(tmp_path.iterdir()) == []


def test_csv_needs_neither_pandas_nor_pyarrow(tmp_path: Path) -> None:
    script = (
        "import sys; from analyzer.schema import CallRow; from analyzer.tables import empty, write_tables;"
        f"write_tables({str(tmp_path)!r}, {{'calls': empty(CallRow)}}, ['csv', 'json']);"
        "print([name for name in ('pandas', 'pyarrow', 'scapy', 'matplotlib') if name in sys.modules])"
    )
    root = Path(__file__).resolve().parents[2]
    run = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"
