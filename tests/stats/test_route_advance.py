"""Calls that went on by another way, and calls that were sent where a Retry-After still ran."""

from __future__ import annotations

from typing import Any

from analyzer.batch import Columns
from analyzer.findings import BlockRow, BranchRow
from analyzer.stats.route_advance import blocked_calls, blocks, overflows
from tests.stats.made import START, calls, empty, table

TRUNK = "203.0.113.1"
S = 10**9


def branch(call_no: int, **more: Any) -> dict[str, Any]:
    return {"call_no": call_no, "server_ip": TRUNK, "status_code": 503, "fate": "step", "advanced": True, **more}


def test_a_trunk_overflows_once_a_call() -> None:
    seen = table(BranchRow, [branch(1), branch(1, fate="outranked"), branch(2), branch(3, advanced=False)])
    assert overflows(seen) == {(TRUNK, None): 2}
    assert overflows(empty(BranchRow)) == {}


def asked(*windows: tuple[int, int]) -> Columns:
    rows = [{"ip": TRUNK, "call_no": 9, "from_ts": START + a * S, "until_ts": START + b * S} for a, b in windows]
    return table(BlockRow, rows)


def test_calls_inside_a_window() -> None:
    sent = calls(
        *({"callee_ip": TRUNK, "invite_ts": START + at * S} for at in (0, 1, 10, 11)), {"callee_ip": "203.0.113.2"}
    )
    windows = asked((0, 10))
    assert blocks(windows, sent).ints("calls").tolist() == [2]
    assert {where: found.tolist() for where, found in blocked_calls(windows, sent).items()} == {(TRUNK, None): [2, 3]}


def test_windows_that_overlap_count_a_call_once() -> None:
    sent = calls(*({"callee_ip": TRUNK, "invite_ts": START + at * S} for at in (5, 12, 30)))
    windows = asked((0, 10), (4, 15), (6, 8))
    assert blocks(windows, sent).ints("calls").tolist() == [1, 2, 0]
    assert {where: sorted(found.tolist()) for where, found in blocked_calls(windows, sent).items()} == {
        (TRUNK, None): [1, 2]
    }


def test_nothing() -> None:
    assert blocked_calls(empty(BlockRow), calls()) == {}
    assert len(blocks(asked(), calls())) == 0
