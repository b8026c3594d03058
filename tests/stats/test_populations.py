"""Populations by method, and the four states of OPTIONS: docs/counting.md."""

from __future__ import annotations

from typing import Any

import pytest

from analyzer.batch import Columns
from analyzer.findings import OtherRow
from analyzer.stats.populations import options, options_state, populations
from analyzer.vocab import OptionsState
from tests.stats.made import MadeConfig, empty, table

CONFIG: Any = MadeConfig(aliases={"203.0.113.1": "Trunk One"})


def others(*rows: dict[str, Any]) -> Columns:
    usual = {"in_dialog": False, "ended_by": "final", "transactions": 1, "server_ip": "203.0.113.1", "last_ts": 1}
    return table(OtherRow, [{**usual, **row} for row in rows])


def test_a_population_adds_up() -> None:
    (row,) = populations(
        others(
            {"method": "SUBSCRIBE", "status_code": 200, "transactions": 5},
            {"method": "SUBSCRIBE", "status_code": 401, "transactions": 4},
            {"method": "SUBSCRIBE", "status_code": 489, "transactions": 3},
            {"method": "SUBSCRIBE", "ended_by": "timeout", "transactions": 2},
            {"method": "SUBSCRIBE", "ended_by": "capture_end", "transactions": 1},
        )
    )
    assert (row.success, row.challenged, row.refused, row.no_reply, row.open) == (5, 4, 3, 2, 1)
    assert row.transactions == 15
    assert row.by_status_code == {"200": 5, "401": 4, "489": 3, "none": 2}


def test_inside_and_outside_dialogs_are_two_populations() -> None:
    rows = populations(
        others({"method": "NOTIFY", "status_code": 481}, {"method": "NOTIFY", "in_dialog": True, "status_code": 200})
    )
    assert [(row.in_dialog, row.refused) for row in rows] == [(False, 1), (True, 0)]


@pytest.mark.parametrize(
    ("code", "state", "naive"),
    [
        (200, OptionsState.ALIVE, OptionsState.ALIVE),
        (404, OptionsState.ALIVE, OptionsState.REFUSING),
        (405, OptionsState.ALIVE, OptionsState.REFUSING),
        (501, OptionsState.ALIVE, OptionsState.REFUSING),
        (401, OptionsState.ALIVE, OptionsState.REFUSING),
        (503, OptionsState.REFUSING, OptionsState.REFUSING),
        (505, OptionsState.REFUSING, OptionsState.REFUSING),
        (408, OptionsState.PROXY_ANSWERED, OptionsState.REFUSING),
        (480, OptionsState.PROXY_ANSWERED, OptionsState.REFUSING),
        (504, OptionsState.PROXY_ANSWERED, OptionsState.REFUSING),
        (None, OptionsState.SILENT, OptionsState.SILENT),
    ],
)
def test_what_an_answer_says(code: int | None, state: OptionsState, naive: OptionsState) -> None:
    assert options_state(code) is state
    assert options_state(code, populations_counted=False) is naive


def test_the_newest_answer_is_the_state() -> None:
    (row,) = options(
        others(
            {"method": "OPTIONS", "status_code": 200, "transactions": 90, "last_ts": 10},
            {"method": "OPTIONS", "ended_by": "timeout", "transactions": 3, "last_ts": 40},
            {"method": "OPTIONS", "ended_by": "capture_end", "last_ts": 50},
        ),
        CONFIG,
    )
    assert (row.state, row.name, row.asked, row.alive, row.silent) == (OptionsState.SILENT, "Trunk One", 93, 90, 3)


def test_options_inside_dialogs_ask_nobody() -> None:
    assert options(others({"method": "OPTIONS", "status_code": 200, "in_dialog": True}), CONFIG) == []


def test_nothing() -> None:
    assert populations(empty(OtherRow)) == []
    assert options(empty(OtherRow), CONFIG) == []
