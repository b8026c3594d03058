"""A period out of a store is what went in: the same columns, each row once, whatever the days of the store are."""

from __future__ import annotations

import tempfile
from datetime import UTC, date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.batch import AnyColumn, Columns, Labels, Texts, labels_of
from analyzer.config import Config
from analyzer.findings import IntervalRow, KeptCaptureRow
from analyzer.periods import period_of
from analyzer.registry import load_registry
from analyzer.schema import Kind
from analyzer.schema import columns as schema_columns
from analyzer.stats.facts import Facts
from analyzer.tables.build import arrow, empty, fitted
from analyzer.tables.from_arrow import columns_of_arrow
from analyzer.tables.slices import slice_of
from analyzer.tables.store_pieces import Piece
from analyzer.tables.store_read import open_store
from analyzer.tables.store_slice import read_slice
from analyzer.tables.store_tables import STORED
from tests.tables.made import made_columns
from tests.tables.storing import ALWAYS, NEVER, SECOND, START, ZONE, call_rows, opened, writer

HOUR = 3600 * SECOND
#: 2026-03-10 in the zone of the store.
DAY = period_of(date(2026, 3, 10), date(2026, 3, 10), ZONE)


def values(column: AnyColumn) -> list[Any]:
    """The cells of a column as they are shown."""
    if isinstance(column, Texts):
        return column.values()
    if isinstance(column, Labels):
        return [column.value(row) for row in range(len(column.codes))]
    return ["NaN" if cell != cell else cell for cell in column.tolist()]


def shown(rows: Columns, names: Any = None) -> dict[str, list[Any]]:
    return {name: values(rows[name]) for name in names or rows}


@pytest.mark.parametrize("row_type", [stored.row_type for stored in STORED.values()])
@given(st.integers(0, 12), st.integers(0, 2**32))
def test_arrow_comes_back_as_the_columns_that_went(row_type: type[Any], rows: int, seed: int) -> None:
    columns = made_columns(row_type, rows, seed)
    found = columns_of_arrow(row_type, arrow(columns))
    assert list(found) == [column.name for column in schema_columns(row_type)]
    again = arrow(found)
    assert again.equals(arrow(columns))
    for column in schema_columns(row_type):
        went, came = columns[column.name], found[column.name]
        if column.kind in (Kind.LABEL, Kind.TEXT):
            assert type(came) is (Labels if column.kind is Kind.LABEL else Texts)
            continue
        assert isinstance(went, np.ndarray)
        assert isinstance(came, np.ndarray)
        assert came.dtype == (np.bool_ if column.kind is Kind.FLAG else went.dtype)
        whole = went if column.kind in (Kind.FLAG, Kind.REAL) else fitted(went, column.kind)
        np.testing.assert_array_equal(came, whole)


def test_pieces_of_arrow_tables_keep_their_texts() -> None:
    """A part of a table has offsets that do not begin at its own first text, and labels of its own."""
    columns = made_columns(STORED["calls"].row_type, 40, seed=5)
    whole = arrow(columns)
    for part in (whole.slice(7, 20), whole.slice(39), whole.slice(3, 0)):
        assert arrow(columns_of_arrow(STORED["calls"].row_type, part)).to_pylist() == part.to_pylist()


def test_no_rows_have_all_columns() -> None:
    for stored in STORED.values():
        found = columns_of_arrow(stored.row_type, arrow(empty(stored.row_type)))
        assert shown(found) == shown(empty(stored.row_type))
        assert {name: type(found[name]) for name in found} == {
            name: type(column) for name, column in empty(stored.row_type).columns.items()
        }


def filled(folder: Path, rolling: Any = NEVER) -> dict[str, Columns]:
    """A store with rows of every table on three days; what was put into it."""
    one = writer(folder, run="a", rolling=rolling)
    put = {}
    for table, stored in STORED.items():
        rows = made_columns(stored.given, 60, seed=2)
        times = START - 30 * HOUR + np.arange(60) * HOUR
        rows.columns[stored.time] = times
        for name in ("to_ts", "end_ts"):
            if name in rows and name != stored.time:
                rows.columns[name] = times + HOUR
        if "kind" in rows:
            rows.columns["kind"] = labels_of(["file"] * 60)
        for name in ("call_no", "registration_no"):
            if name in rows:
                rows.columns[name] = np.arange(1, 61)
        for name in stored.sums:
            rows.columns[name] = np.arange(60)
        put[table] = rows
        one.add(table, rows)
    one.commit(opened(), START)
    one.close()
    return put


@pytest.mark.parametrize("rolling", [NEVER, ALWAYS], ids=["journal", "parts"])
def test_a_slice_of_a_store_is_the_slice_of_what_was_put_into_it(tmp_path: Path, rolling: Any) -> None:
    put = filled(tmp_path, rolling)
    store = open_store(tmp_path)
    for zone in (ZONE, UTC, ZoneInfo("Asia/Kathmandu"), ZoneInfo("America/Los_Angeles")):
        period = period_of(date(2026, 3, 10), date(2026, 3, 10), zone)
        found, wanted = read_slice(store, period), slice_of(put, period, run="a")
        assert found.tables.keys() == wanted.tables.keys() == STORED.keys()
        for table in STORED:
            assert 23 <= len(found[table]) <= 26, table
            assert arrow(found[table]).to_pylist() == arrow(wanted[table]).to_pylist(), table


def test_a_slice_has_the_columns_that_were_asked_for(tmp_path: Path) -> None:
    filled(tmp_path)
    asked = {"calls": ["outcome", "call_id"], "others": ["method"]}
    found = read_slice(open_store(tmp_path), DAY, asked)
    assert {"outcome", "call_id"} <= set(found.calls)
    assert "from_uri" not in found.calls
    assert len(found.calls) == 24
    assert len(found["registrations"]) == 0
    assert shown(found["registrations"]) == shown(empty(STORED["registrations"].row_type))
    with pytest.raises(KeyError, match="calls has no column nonsense"):
        read_slice(open_store(tmp_path), DAY, {"calls": ["nonsense"]})
    with pytest.raises(KeyError, match="a store has no table nonsense"):
        read_slice(open_store(tmp_path), DAY, {"nonsense": ["a"]})


def test_only_the_days_of_the_period_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(tmp_path)
    read: set[str] = set()
    before = Piece.read

    def watched(self: Piece, names: Any) -> Any:
        read.add(f"{self.path.parent.parent.name}/{self.day}" if self.path else "journal")
        return before(self, names)

    monkeypatch.setattr(Piece, "read", watched)
    read_slice(open_store(tmp_path), DAY, {"calls": ["outcome"], "branches": ["hop"]})
    assert read == {"calls/2026-03-10", "branches/2026-03-09", "branches/2026-03-10"}


def test_an_empty_store_gives_facts_of_nothing(tmp_path: Path) -> None:
    writer(tmp_path).close()
    for found in (read_slice(open_store(tmp_path), DAY), slice_of({}, DAY)):
        facts = Facts(found, load_registry(), Config(), "rfc3398")
        assert len(facts.calls) == 0
        assert len(facts.population) == 0
        assert not facts.failed.any()
        assert not facts.began.any()
        assert facts.scanning.scanners == []


def test_intervals_that_reach_into_the_period_belong_to_it(tmp_path: Path) -> None:
    rows = made_columns(IntervalRow, 5, seed=1)
    begin, end = DAY.from_ts, DAY.to_ts
    rows.columns["from_ts"] = np.array([begin - HOUR, begin - HOUR, begin, end - 1, end])
    rows.columns["to_ts"] = np.array([begin, begin + 1, begin, end + HOUR, end + HOUR])
    rows.columns["frames"] = np.arange(5)
    one = writer(tmp_path)
    one.add("intervals", rows)
    one.close()
    assert read_slice(open_store(tmp_path), DAY)["intervals"].ints("frames").tolist() == [1, 2, 3]
    assert slice_of({"intervals": rows}, DAY)["intervals"].ints("frames").tolist() == [1, 2, 3]


def test_open_calls_are_there_until_their_end_is(tmp_path: Path) -> None:
    one = writer(tmp_path, run="a")
    one.add("calls", call_rows([1, 2, 3], outcome="open"))
    one.close()
    two = writer(tmp_path, run="b")
    two.add("calls", call_rows([2], outcome="busy", messages=3))
    two.close()
    calls = read_slice(open_store(tmp_path), DAY).calls
    assert shown(calls, ["call_no", "outcome", "run"]) == {
        "call_no": [1, 2, 3], "outcome": ["open", "busy", "open"], "run": ["a", "b", "a"],
    }  # fmt: skip


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 6), st.sampled_from(["open", "busy"]), st.integers(1, 3))))
def test_of_calls_that_several_runs_told_the_best_one_stays(told: list[tuple[int, int, str, int]]) -> None:
    """By the rule as it is written: not open, then more messages, then the earlier run; each run tells a call once."""
    best: dict[int, tuple[bool, int, int]] = {}
    runs: dict[int, dict[int, tuple[str, int]]] = {}
    for run, call, outcome, messages in told:
        runs.setdefault(run, {}).setdefault(call, (outcome, messages))
    with tempfile.TemporaryDirectory() as folder:
        for run, calls in sorted(runs.items()):
            one = writer(Path(folder), run=str(run))
            for call, (outcome, messages) in calls.items():
                one.add("calls", call_rows([call], outcome=outcome, messages=messages))
                best[call] = max(best.get(call, (False, 0, -9)), (outcome != "open", messages, -run))
            one.close()
        if not runs:
            writer(Path(folder)).close()
        found = read_slice(open_store(Path(folder)), DAY).calls
    assert shown(found, ["call_no", "outcome", "messages", "run"]) == {
        "call_no": sorted(best),
        "outcome": ["busy" if best[call][0] else "open" for call in sorted(best)],
        "messages": [best[call][1] for call in sorted(best)],
        "run": [str(-best[call][2]) for call in sorted(best)],
    }


def test_the_live_source_of_a_call_is_there_however_long_ago_it_was_begun(tmp_path: Path) -> None:
    """Files that do not overlap the period are not, nor live sources of runs that told no call of it."""
    rows = made_columns(KeptCaptureRow, 3, seed=1)
    rows.columns["start_ts"] = rows.columns["end_ts"] = DAY.from_ts - 40 * 24 * HOUR + np.arange(3)
    rows.columns["kind"] = labels_of(["live", "file", "hep"])
    rows.columns["digest"] = labels_of(["x", "y", "z"])
    for run, start in (("a", START), ("b", START - 24 * HOUR)):
        one = writer(tmp_path, run=run)
        if run == "b":
            rows.columns["digest"] = labels_of(["u", "v", "w"])
        one.add("captures", rows)
        one.add("calls", call_rows([1], start=start))
        one.close()
    found = read_slice(open_store(tmp_path), DAY, {"calls": ["call_no"], "captures": ["source"]})["captures"]
    assert shown(found, ["run", "kind"]) == {"run": ["a", "a"], "kind": ["live", "hep"]}
    again = slice_of({"calls": call_rows([1]), "captures": rows}, DAY, run="a")["captures"]
    assert shown(again, ["run", "kind"]) == {"run": ["a", "a"], "kind": ["live", "hep"]}
