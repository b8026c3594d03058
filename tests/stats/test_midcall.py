"""Requests inside dialogs, counted by what they mean."""

from __future__ import annotations

from analyzer.findings import MidcallRow
from analyzer.stats.midcall import MidcallCount, midcall_counts
from analyzer.vocab import MidcallKind
from tests.stats.made import empty, table


def test_rows_that_ended_alike_are_one() -> None:
    glare = {"method": "INVITE", "status_code": 491, "kind": "glare"}
    rows = [
        {**glare, "call_no": 1, "resolved": True},
        {**glare, "call_no": 1},
        {**glare},
        {"method": "BYE", "kind": "no_reply"},
    ]
    assert midcall_counts(table(MidcallRow, rows)) == [
        MidcallCount("INVITE", 491, MidcallKind.GLARE, 3, 1, 1),
        MidcallCount("BYE", None, MidcallKind.NO_REPLY, 1, 0, 0),
    ]


def test_nothing() -> None:
    assert midcall_counts(empty(MidcallRow)) == []
