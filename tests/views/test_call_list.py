"""The list of calls, for people and for programs."""

from __future__ import annotations

from datetime import UTC
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from analyzer.registry import load_registry
from analyzer.views.call_list import FIELDS, call_table, records
from analyzer.views.words import words
from tests.stats.made import SECOND, START, MadeConfig, calls

REGISTRY = load_registry()
CONFIG: Any = MadeConfig(aliases={"198.51.100.7": "Carrier A"})
TRUNK = {
    "outcome": "failed", "status_code": 503, "cause": 34, "cause_from": "reason", "fault": "network",
    "callee_ip": "198.51.100.7", "failed_by_ip": "198.51.100.7", "charged_grade": "at_or_behind",
}  # fmt: skip
BROKEN = {"release": "abnormal", "release_cause": 38, "status_code": 200}


def cells(
    *rows: dict[str, Any], zone: Any = UTC, top: int = 0, lang: str = "en"
) -> tuple[list[dict[str, str]], list[str]]:
    """The lines of the table by column title, and its notes."""
    table = calls(*rows)
    made = call_table(table, np.arange(len(table)), REGISTRY, CONFIG, zone, words(lang), top)
    titles = [column.title for column in made.columns]
    return [dict(zip(titles, (cell.text for cell in row), strict=True)) for row in made.rows], list(made.notes)


def test_a_line_says_who_called_whom_and_how_it_ended() -> None:
    (line,), notes = cells(TRUNK)
    assert line == {
        "time": "07:00:01", "caller": "192.0.2.1", "callee": "Carrier A", "from": "+31201234567", "to": "0101234567",
        "code": "503", "cause": "34", "text": "No circuit/channel available", "outcome": "failed", "detail": "",
        "charged": "Carrier A", "Call-ID": "call-1@192.0.2.1", "frame": "10",
    }  # fmt: skip
    assert notes == ["On 2026-11-17; times are in UTC (+00:00)"]


def test_a_call_that_broke_says_so_though_it_was_answered() -> None:
    (line,), _ = cells(BROKEN)
    assert (line["outcome"], line["detail"], line["charged"]) == ("answered", "abnormal 38", "–")


def test_calls_of_several_days_show_their_dates() -> None:
    lines, notes = cells({}, {"invite_ts": START + 86_400 * SECOND}, zone=ZoneInfo("Europe/Amsterdam"))
    assert [line["time"] for line in lines] == ["2026-11-17 08:00:01", "2026-11-18 08:00:00"]
    assert notes == ["Times are in Europe/Amsterdam (+01:00)"]


def test_a_long_list_says_how_many_more_there_are() -> None:
    lines, notes = cells({}, {}, {}, top=2)
    assert len(lines) == 2
    assert notes[0] == "… and 1 more calls (--limit 0 shows all)"


def test_records_hold_every_field_and_null_for_what_is_missing() -> None:
    table = calls(TRUNK, {"outcome": "timed_out", "from_uri": None, "call_id": "a\x1bb"})
    first, second = records(table, np.arange(2), REGISTRY)
    assert tuple(first) == tuple(second) == FIELDS
    assert first["time"] == "2026-11-17T07:00:01.000000000Z"
    assert (first["cause"], first["cause_text"]) == (34, "No circuit/channel available")
    assert (second["status_code"], second["cause_text"], second["from_number"]) == (None, None, None)
    assert second["call_id"] == "a\\x1bb"
