"""Calls of real captures that were read by hand: docs/verified.toml holds the program to what a person made of each.

The captures are other people's traffic and no part of the repository; without them all but the reading of the page is
skipped.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from analyzer.batch import Columns, Ints, MessageBatch
from tests.conftest import SHARED
from tests.reading import Row, analyse, document, rows

CAPTURES = SHARED / "captures"
READ = tomllib.loads((Path(__file__).parents[1] / "docs" / "verified.toml").read_text(encoding="utf-8"))
CALLS = [(capture["path"], call) for capture in READ["capture"] for call in capture["call"]]
#: What a reading calls a column of the calls table; what it does not give must be missing.
COLUMNS = {
    "outcome": "outcome", "detail": "outcome_detail", "status_code": "status_code", "cause": "cause",
    "cause_from": "cause_from", "release": "release", "grade": "charged_grade", "attempts": "attempts",
    "challenges": "challenges", "hops": "hops",
}  # fmt: skip
NAMES = [f"{path}-{call['frame']}" for path, call in CALLS]
needs_captures = pytest.mark.skipif(not CAPTURES.is_dir(), reason="no captures beside the repository")


@cache
def _read(capture: str) -> tuple[Any, list[Row]]:
    """A capture's result and messages; every test looks at the same reading."""
    from analyzer.tables.messages import message_columns

    parts: list[Columns] = []

    def keep(batch: MessageBatch, links: Ints) -> None:
        parts.append(message_columns(batch, links, batch.methods))

    result = analyse(CAPTURES / capture, message_sink=keep)
    return result, [row for part in parts for row in part.rows()]


def _address(capture: str, words: str) -> str:
    """The address behind ``source of 12`` or ``destination of 12``."""
    side, of, frame = words.split()
    assert of == "of"
    column = {"source": "src_ip", "destination": "dst_ip"}[side]
    (address,) = {str(row[column]) for row in _read(capture)[1] if row["frame_no"] == int(frame)}
    return address


def _words(messages: list[Row]) -> Iterator[str]:
    for message in messages:
        if message["is_request"]:
            yield message["method"]
        else:
            method = message["cseq_method"]
            yield str(message["status_code"]) + ("" if method == "INVITE" else f"({method})")


def _ladder(capture: str, call_no: int) -> str:
    """What a call's messages are, in order; the same word several times in a row is counted."""
    mine = [row for row in _read(capture)[1] if row["call_no"] == call_no and not row["is_copy"]]
    runs = [(word, len(list(run))) for word, run in groupby(_words(mine))]
    return " ".join(word if count == 1 else f"{word}×{count}" for word, count in runs)


def _call(capture: str, frame: int) -> Row:
    (call,) = [row for row in rows(_read(capture)[0], "calls") if row["frame_no"] == frame]
    return call


def test_enough_was_read() -> None:
    assert len(CALLS) >= 40
    assert len(READ["capture"]) >= 12
    assert sum(call["outcome"] != "answered" for _, call in CALLS) >= 20


@needs_captures
@pytest.mark.parametrize(("capture", "read"), CALLS, ids=NAMES)
def test_a_call_is_what_was_read(capture: str, read: dict[str, Any]) -> None:
    call = _call(capture, read["frame"])
    assert {name: call[column] for name, column in COLUMNS.items()} == {name: read.get(name) for name in COLUMNS}
    assert call["failed_by_ip"] == (_address(capture, read["charged"]) if "charged" in read else None)
    assert call["call_id"].startswith(read["call_id"])


@needs_captures
@pytest.mark.parametrize(("capture", "read"), CALLS, ids=NAMES)
def test_a_call_has_the_messages_that_were_read(capture: str, read: dict[str, Any]) -> None:
    assert _ladder(capture, _call(capture, read["frame"])["call_no"]) == read["ladder"]


@needs_captures
@pytest.mark.parametrize(
    "figure", READ["figure"], ids=[f"{row['capture']}-{row['table']}-{row['column']}" for row in READ["figure"]]
)
def test_a_figure_is_what_was_counted(figure: dict[str, Any]) -> None:
    found: Any = document(_read(figure["capture"])[0])[figure["table"]]
    if "where" in figure:
        wanted = {
            name: _address(figure["capture"], value) if name == "ip" else value
            for name, value in figure["where"].items()
        }
        (found,) = [row for row in found if wanted.items() <= row.items()]
    for key in figure["column"].split("."):
        found = found[key]
    assert found == figure["value"]
