"""The builder: types, missing values, and every cell as `Columns.value` says it."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer import schema
from analyzer.batch import MISSING, Columns, Labels, concat, labels_of
from analyzer.schema import TABLES, CallRow, IssueRow, Kind, MessageRow
from analyzer.tables import arrow, empty, frame
from analyzer.tables.build import arrow_schema
from tests.tables.made import HOSTILE, made_columns, texts_of

ROW_TYPES = list(TABLES.values())


def cell(value: Any) -> Any:
    """A cell of a DataFrame as `Columns.value` gives it."""
    if value is pd.NaT or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
        return None
    if isinstance(value, pd.Timestamp):
        return value.value
    return value.item() if isinstance(value, np.generic) else value


@pytest.mark.parametrize("row_type", ROW_TYPES)
def test_order_and_types_are_the_schema(row_type: type[Any]) -> None:
    wanted = {column.name: column.kind.value for column in schema.columns(row_type)}
    for columns in (made_columns(row_type, 20), empty(row_type), Columns(row_type, {}, 0)):
        table = frame(columns)
        assert dict(table.dtypes.astype(str)) == wanted
        assert list(table) == list(wanted)
        assert len(table) == len(columns)


@settings(max_examples=60, deadline=None)
@given(row_type=st.sampled_from(ROW_TYPES), rows=st.integers(0, 30), seed=st.integers(0, 2**32))
def test_every_cell_is_what_the_columns_hold(row_type: type[Any], rows: int, seed: int) -> None:
    columns = made_columns(row_type, rows, seed)
    table = frame(columns)
    for name in table:
        assert [cell(value) for value in table[name]] == [columns.value(name, row) for row in range(rows)]


@settings(max_examples=30, deadline=None)
@given(row_type=st.sampled_from(ROW_TYPES), rows=st.integers(0, 30), seed=st.integers(0, 2**32))
def test_arrow_is_valid_and_holds_the_same(row_type: type[Any], rows: int, seed: int) -> None:
    columns = made_columns(row_type, rows, seed)
    table = arrow(columns)
    table.validate(full=True)
    assert table.schema.equals(arrow_schema(row_type), check_metadata=True)
    for column in schema.columns(row_type):
        held = table[column.name]
        if column.kind is Kind.TIME:
            held = held.cast(pa.int64())
        assert held.to_pylist() == [columns.value(column.name, row) for row in range(rows)]


def test_nanoseconds_are_exact() -> None:
    columns = made_columns(CallRow, 3)
    columns.columns["answer_ts"] = np.array([1_700_000_000_123_456_789, MISSING, 1], dtype=np.int64)
    answers = frame(columns)["answer_ts"]
    assert answers[0].value == 1_700_000_000_123_456_789
    assert answers[1] is pd.NaT
    assert str(answers[2]) == "1970-01-01 00:00:00.000000001+00:00"


def test_numbers_that_do_not_fit() -> None:
    columns = made_columns(MessageRow, 3)
    columns.columns["max_forwards"] = np.array([99_999, 70, -40_000], dtype=np.int64)
    columns.columns["body_len"] = np.array([2**40, 0, -(2**40)], dtype=np.int64)
    table = frame(columns)
    assert [cell(value) for value in table["max_forwards"]] == [None, 70, None]
    assert table["body_len"].tolist() == [2**31 - 1, 0, -(2**31)]


def test_hostile_texts_are_escaped_in_texts_and_labels() -> None:
    hostile = [*HOSTILE, None]
    columns = made_columns(CallRow, len(hostile))
    columns.columns["call_id"] = texts_of(hostile)
    columns.columns["caller_agent"] = labels_of(None if h is None else h.decode("utf-8", "replace") for h in hostile)
    table = frame(columns)
    for name in ("call_id", "caller_agent"):
        shown = "".join(table[name].dropna())
        assert all(sign.isprintable() for sign in shown)
        assert "\\u202e" in shown
        assert "\\x00" in shown
    assert r"\xff\xfe" in table["call_id"].tolist()


def test_names_that_look_the_same_once_escaped_are_one() -> None:
    columns = made_columns(CallRow, 3)
    columns.columns["caller_agent"] = labels_of(["\x00", "\\x00", "unused"]).take(np.array([0, 1, 1]))
    agents = frame(columns)["caller_agent"]
    assert agents.tolist() == ["\\x00"] * 3
    assert agents.cat.categories.tolist() == ["\\x00"]


def test_batches_with_different_names_are_joined() -> None:
    first, second = made_columns(CallRow, 2, 1), made_columns(CallRow, 3, 2)
    first.columns["caller_ip"] = labels_of(["192.0.2.1", "192.0.2.2"])
    second.columns["caller_ip"] = labels_of(["192.0.2.2", "192.0.2.3", "192.0.2.1"])
    joined = frame(concat(CallRow, [first, second]))["caller_ip"]
    assert joined.dtype == "category"
    assert joined.tolist() == ["192.0.2.1", "192.0.2.2", "192.0.2.2", "192.0.2.3", "192.0.2.1"]


def test_text_column_may_be_labels() -> None:
    columns = made_columns(IssueRow, 4)
    columns.columns["detail"] = Labels(np.array([1, -1, 0, 1], dtype=np.int32), ["a", "b"])
    detail = frame(columns)["detail"]
    assert detail.dtype == "str"
    assert [cell(value) for value in detail] == ["b", None, "a", "b"]


def test_lacking_column_is_named() -> None:
    columns = made_columns(CallRow, 1)
    del columns.columns["cause"]
    with pytest.raises(KeyError, match="CallRow lacks cause"):
        frame(columns)


def test_frame_is_the_users_own() -> None:
    columns = made_columns(CallRow, 3)
    before = [columns.value("srd_ms", row) for row in range(3)]
    table = frame(columns)
    table.loc[0, "srd_ms"] = 5.0
    table.loc[1, "cause_conflict"] = True
    table.loc[0, "call_no"] = 77
    assert table.loc[0, "srd_ms"] == 5.0
    assert [columns.value("srd_ms", row) for row in range(3)] == before


def test_notes_for_pandas_are_those_of_pandas() -> None:
    table = frame(made_columns(CallRow, 5))
    own = json.loads(pa.Schema.from_pandas(table, preserve_index=False).metadata[b"pandas"])["columns"]
    ours = json.loads(arrow_schema(CallRow).metadata[b"pandas"])["columns"]
    for mine, theirs, column in zip(ours, own, schema.columns(CallRow), strict=True):
        if column.kind not in (Kind.LABEL, Kind.TEXT):  # these come back by their Arrow type
            assert mine == theirs
