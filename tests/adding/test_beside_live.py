"""Captures are added to a store that live runs write to: neither disturbs the other."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from analyzer.tables.store_add import WAITS_S
from analyzer.tables.store_files import logs_in
from analyzer.tables.store_info import store_info
from analyzer.tables.store_read import open_store
from analyzer.tables.store_recover import LATELY
from analyzer.tables.store_verify import verify
from tests.adding.made import add, cut, rows, told, ts
from tests.adding.test_adding import MIDNIGHT, NIGHT
from tests.tables.storing import START, call_rows, message_batch, opened, texts, writer


@pytest.fixture
def night(tmp_path: Path) -> list[str]:
    return cut(tmp_path, NIGHT, MIDNIGHT)


def test_a_living_run_is_left_alone(tmp_path: Path, night: list[str]) -> None:
    store = tmp_path / "store"
    live = writer(store)
    live.add("calls", call_rows([1, 2]))
    live.keep(*message_batch([9]))
    live.commit(opened(9), START)
    add(store, night[0])
    live.add("calls", call_rows([3]))
    live.commit(opened(9), START)
    add(store, night[1])
    live.close(opened(9), START)
    add(tmp_path / "alone", *night)
    assert len(rows(store, "calls", "call_key")) == 3 + len(told(tmp_path / "alone")["calls"])
    assert told(store)["traffic"] == told(tmp_path / "alone")["traffic"]
    assert verify(open_store(store)).is_sound
    (open_of_live,) = [run.open_messages for run in store_info(open_store(store)).runs if run.run == live.run]
    assert open_of_live == 1


def test_what_a_dead_live_run_left_open_waits_for_the_next_live_run(tmp_path: Path, night: list[str]) -> None:
    first = writer(tmp_path / "store")
    first.keep(*message_batch([9], ts=ts("2026-03-09T20:00:00")))
    first.close(opened(9), ts("2026-03-09T20:00:01"))
    add(tmp_path / "store", *night)
    second = writer(tmp_path / "store")
    assert texts(list(second.recover().datagrams)) == ["INVITE 9"]
    second.close(opened())


@pytest.mark.parametrize(("after", "goes_on"), [(LATELY - 10**9, True), (LATELY + 10**9, False), (-(10**9), False)])
def test_a_live_run_goes_on_with_captures_that_ended_shortly_before(
    tmp_path: Path, night: list[str], monkeypatch: pytest.MonkeyPatch, after: int, goes_on: bool
) -> None:
    add(tmp_path / "store", night[0])
    monkeypatch.setattr(time, "time_ns", lambda: ts("2026-03-09T23:59:50") + 50_000_000 + after)
    live = writer(tmp_path / "store")
    found = list(live.recover().datagrams)
    assert any(text.startswith("INVITE") for text in texts(found)) == goes_on
    live.commit(opened(), START)
    live.close(opened())
    monkeypatch.undo()
    # What it left is still there for the capture that comes next.
    assert add(tmp_path / "store", night[1]).went_on == (0 if goes_on else 2)


def test_what_waits_too_long_is_forgotten(tmp_path: Path, night: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    store = tmp_path / "store"
    first = add(store, night[0])
    assert [name.run for name in logs_in(store, "open")] == [first.run]
    later = time.time() + WAITS_S + 60
    monkeypatch.setattr("analyzer.tables.store_add.time.time", lambda: later)
    assert add(store, night[1]).went_on == 0
    assert first.run not in [name.run for name in logs_in(store, "open")]
    assert len(rows(store, "calls", "call_key")) == 3
