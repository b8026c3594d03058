"""The summary of a store says what statistics say of its calls when they are loaded."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from analyzer.batch import MISSING, Columns, labels_of
from analyzer.config import Config
from analyzer.errors import StoreError
from analyzer.periods import Period
from analyzer.registry import load_registry
from analyzer.stats.causes import causes
from analyzer.stats.counting import label_counts, number_counts, unsuccessful
from analyzer.stats.endpoints import endpoints
from analyzer.tables.store_compact import compact
from analyzer.tables.store_info import store_info
from analyzer.tables.store_read import open_store
from analyzer.tables.store_slice import read_slice
from analyzer.tables.store_summary import StoreSummary, summarise
from analyzer.vocab import CauseFrom, Outcome
from tests.tables.storing import ALWAYS, NEVER, SECOND, START, ZONE, BadDisk, call_rows, opened, writer

EVER = Period("ever", 0, 2**62, (), ZONE)


def odd_calls(numbers: range, seed: int) -> Columns:
    """Calls of all outcomes, with and without code, cause, network and who failed them, over three days."""
    chance = np.random.default_rng(seed)
    rows, count = call_rows(numbers), len(numbers)

    def some(values: list[int]) -> np.ndarray:
        return chance.choice(np.array([*values, MISSING]), count)

    rows.columns["invite_ts"] = START + np.array(numbers) * 7200 * SECOND // 10
    rows.columns["outcome"] = labels_of(chance.choice([outcome.value for outcome in Outcome], count).tolist())
    rows.columns["status_code"] = some([486, 503, 404])
    rows.columns["cause"] = some([17, 34])
    rows.columns["cause_from"] = labels_of([CauseFrom.REASON.value] * count)
    rows.columns["failed_code"] = some([486, 503])
    rows.columns["network"] = np.where(np.array(numbers) % 2, 7, MISSING)  # a part of the key
    for name in ("caller_ip", "callee_ip"):
        rows.columns[name] = labels_of(chance.choice(["192.0.2.1", "192.0.2.2", "192.0.2.3"], count).tolist())
    failed = chance.choice(["192.0.2.1", "192.0.2.2", "192.0.2.9", ""], count).tolist()
    rows.columns["failed_by_ip"] = labels_of(ip or None for ip in failed)
    rows.columns["relayed_by"] = labels_of([None] * count)
    return rows


def filled(folder: Path) -> None:
    """Three runs, two of which told some calls alike; one is in journals."""
    for run, numbers, rolling in (
        ("a", range(200), ALWAYS),
        ("b", range(150, 320), ALWAYS),
        ("c", range(310, 360), NEVER),
    ):
        one = writer(folder, run=run, rolling=rolling)
        one.add("calls", odd_calls(numbers, seed=len(run)))
        one.commit(opened(), START)
        if run != "c":
            one.close()


def by_statistics(calls: Columns) -> StoreSummary:
    bad = unsuccessful(calls)
    days: dict[str, dict[str, int]] = {}
    for ts, outcome in zip(calls.ints("invite_ts").tolist(), calls.labels("outcome").codes.tolist(), strict=True):
        day = datetime.fromtimestamp(ts / SECOND, ZONE).date().isoformat()
        name = calls.labels("outcome").names[outcome]
        days.setdefault(day, {})[name] = days.get(day, {}).get(name, 0) + 1
    found = endpoints(calls, Config())
    return StoreSummary(
        len(calls),
        int(bad.sum()),
        {name or "": count for name, count in label_counts(calls.labels("outcome")).items()},
        number_counts(calls.ints("status_code"), bad),
        {row.cause: row.calls for row in causes(calls, load_registry())},
        days,
        [
            (row.ip, row.network, row.calls_as_caller, row.calls_as_callee, row.failures_as_responder)  # type: ignore[misc]
            for row in found
            if row.failures_as_responder
        ],
    )


def test_a_summary_is_what_statistics_say(tmp_path: Path) -> None:
    filled(tmp_path)
    store = open_store(tmp_path)
    wanted = by_statistics(read_slice(store, EVER).calls)
    found = summarise(store)
    assert found == wanted
    assert found.calls == 360
    assert len(found.days) > 3
    assert len(found.endpoints) == 6
    assert store_info(store).calls == wanted.days
    assert store_info(store).rows["calls"] == 360
    compact(store, BadDisk())
    assert summarise(store) == wanted
    assert list(found.outcomes.values()) == sorted(found.outcomes.values(), reverse=True)


def test_a_summary_of_some_days(tmp_path: Path) -> None:
    filled(tmp_path)
    store = open_store(tmp_path)
    day = store.days()[1]
    rows = read_slice(store, EVER).calls
    only = by_statistics(rows).days
    assert summarise(store, day, day).days == {day: only[day]}
    assert summarise(store, first=day).days == {name: counts for name, counts in only.items() if name >= day}
    assert summarise(store, last=day).days == {name: counts for name, counts in only.items() if name <= day}
    assert summarise(store, "2001-01-01", "2001-01-02") == StoreSummary(0, 0, {}, {}, {}, {}, [])


def test_a_path_is_no_pattern_and_no_sql(tmp_path: Path) -> None:
    folder = tmp_path / "it's [a] *store?=outcome=1"
    filled(folder)
    filled(tmp_path / "it's a *store?=outcome=1")  # what a pattern would find
    assert summarise(open_store(folder)).calls == 360


def test_a_damaged_part_is_named(tmp_path: Path) -> None:
    filled(tmp_path)
    part = sorted(tmp_path.glob("calls/*/*.parquet"))[0]
    part.write_bytes(part.read_bytes()[:-100])
    with pytest.raises(StoreError, match="sipcause store verify says what"):
        summarise(open_store(tmp_path))


def test_nothing_is_left_in_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(tmp_path / "store")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    summarise(open_store(tmp_path / "store"))
    assert list((tmp_path / "here").iterdir()) == []
