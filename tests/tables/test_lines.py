"""Rows as JSON lines."""

from __future__ import annotations

import json

import numpy as np

from analyzer.batch import labels_of
from analyzer.schema import CallRow, Kind, RegistrationRow, columns
from analyzer.tables.lines import LineWriter
from tests.stats.made import START, calls, empty, table

#: What the made calls say nothing of, and real ones always do.
COUNTS = {column.name for column in columns(CallRow) if column.kind is Kind.COUNT}


def test_a_call_is_a_line_with_every_column() -> None:
    made = calls(
        {"status_code": 503, "outcome": "failed", "cause": 34, "ring_s": 1.25},
        {"from_uri": 'sip:"\x1b[2J\u202e"@x', "call_id": None, "callee_agent": 'a"b\\c'},
        texts=True,
    )
    writer = LineWriter("call", CallRow, ("call_key", "source"))
    written = writer.lines(made, {"call_key": labels_of(["k1", "k2"])})
    assert written.endswith(b"}\n")
    lines = [json.loads(line) for line in written.decode().splitlines()]
    assert [line["call_key"] for line in lines] == ["k1", "k2"]
    for line, row in zip(lines, made.rows(), strict=True):
        assert list(line) == ["type", "call_key", "source", *(column.name for column in columns(CallRow))]
        assert line["type"] == "call"
        assert line["source"] is None
        for name, value in row.items():
            if not name.endswith("_ts") and name not in COUNTS:
                assert line[name] == value, name
    assert lines[0]["invite_ts"] == "2026-11-17T07:00:01.000000000Z"
    assert lines[0]["end_ts"] is None
    assert START == 1_794_898_800 * 10**9
    assert "\x1b" not in written.decode()
    assert "\u202e" not in written.decode()


def test_every_batch_is_whole_lines_and_none_for_nothing() -> None:
    writer = LineWriter("registration", RegistrationRow)
    rows = table(RegistrationRow, [{"registration_no": n, "outcome": "registered"} for n in range(5000)])
    assert writer.lines(empty(RegistrationRow), {}) == b""
    written = writer.lines(rows.take(np.arange(2)), {}) + writer.lines(rows.take(np.arange(2, 5000)), {})
    found = [json.loads(line) for line in written.decode().split("\n")[:-1]]
    assert [line["registration_no"] for line in found] == list(range(5000))
    assert {line["type"] for line in found} == {"registration"}


def test_a_column_that_the_row_type_has_is_not_written_twice() -> None:
    writer = LineWriter("registration", RegistrationRow, ("call_id",))
    written = writer.lines(table(RegistrationRow, [{"registration_no": 1, "call_id": "abc"}]), {})
    assert written.count(b'"call_id"') == 1
    assert json.loads(written)["call_id"] == "abc"
