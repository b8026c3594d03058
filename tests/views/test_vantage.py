"""The grade of a capture in words, before everything else."""

from __future__ import annotations

from typing import Any

import pytest

from analyzer.registry import load_registry
from analyzer.registry.languages import language
from analyzer.views.overview import overview
from analyzer.views.table import Table
from analyzer.views.vantage import vantage_shown
from analyzer.views.words import words
from tests.stats.made import START, MadeAnalysis, calls, capture

REGISTRY = load_registry()
DUTCH = language("nl").ui
BUSY = {"outcome": "busy", "status_code": 486, "ack_ts": START, "messages": 4, "hops": 1}
PROVEN = {"outcome": "timed_out", "ack_ts": START, "messages": 2, "hops": 1, "resends": 0}
OPEN = {"outcome": "open", "messages": 2, "hops": 1}


def made(*rows: dict[str, Any], **given: Any) -> MadeAnalysis:
    return MadeAnalysis({"calls": calls(*rows)}, **{"captures": [capture()], **given})


def line(analysis: MadeAnalysis, lang: str = "en") -> str:
    return overview(analysis, words(lang)).vantage


def shown(analysis: MadeAnalysis, title: str) -> Table:
    return next(table for table in overview(analysis, words()).tables if table.title == title)


def test_a_whole_capture() -> None:
    assert line(made(BUSY)) == "Capture: good – both sides seen, no gaps, nothing cut off."
    assert line(made(BUSY), "nl") == "Opname: goed – beide kanten gezien, geen gaten, niets afgebroken."


def test_copies_that_were_removed_are_no_limit() -> None:
    assert line(made(BUSY, captures=[capture(duplicates=20)])).startswith("Capture: good – both sides seen")


def test_small_things_are_named_in_a_good_capture() -> None:
    assert line(made(*[BUSY] * 99, OPEN)) == "Capture: good – calls cut off by the end of the capture: 1.0%."


def test_a_poor_capture_says_why_and_between_what_ser_lies() -> None:
    answered = {**BUSY, "outcome": "answered", "status_code": 200, "release": "normal"}
    poor = made(*[answered] * 61, *[BUSY] * 8, *[PROVEN] * 31)
    assert line(poor) == ("Capture: poor – calls seen from one side only: 31.0%. SER lies between 61.0% and 92.0%.")
    assert line(poor, "nl") == (
        "Opname: slecht – gesprekken die maar van één kant te zien zijn: 31,0%. SER ligt tussen 61,0% en 92,0%."
    )
    limits = shown(poor, "What this capture cannot say")
    assert [[cell.text for cell in row[:4]] for row in limits.rows] == [
        ["31", "31.0%", "poor", "calls seen from one side only"]
    ]
    ranges = {
        row[0].text: [cell.text for cell in row[1:]] for row in shown(poor, "How far the figures can be wrong").rows
    }
    assert ranges["SER"] == ["61.0%", "61.0%", "92.0%", "31", "0"]


def test_captures_are_counted_and_not_divided() -> None:
    assert line(made(BUSY, captures=[capture(truncated=True)])) == "Capture: fair – captures cut short or damaged: 1."


def test_the_tables_come_before_everything_else_and_only_where_they_say_something() -> None:
    poor = overview(made(BUSY, OPEN, OPEN), words())
    assert [table.title for table in poor.tables][:2] == [
        "What this capture cannot say", "How far the figures can be wrong",
    ]  # fmt: skip
    assert "What this capture cannot say" not in [table.title for table in overview(made(BUSY), words()).tables]


def test_a_capture_without_sip_has_no_grade() -> None:
    text, tables = vantage_shown(made(captures=[capture(sip_messages=0)]), words())
    assert text == ""
    assert not any(table.rows for table in tables)


def test_tls_alone_is_no_silence() -> None:
    text = line(made(captures=[capture(sip_messages=0, opaque=80_000, opaque_connections=2)]))
    assert text.startswith("Capture: poor – TLS that could not be read, in messages (estimated): 100.0%. SER lies")


@pytest.mark.parametrize("check", REGISTRY.vantage_checks.values(), ids=list(REGISTRY.vantage_checks))
def test_every_check_is_there_in_dutch(check: Any) -> None:
    assert check.title in DUTCH
    assert check.follows in DUTCH


@pytest.mark.parametrize("grade", ["good", "fair", "poor"])
def test_every_grade_is_there_in_dutch(grade: str) -> None:
    assert grade in DUTCH
