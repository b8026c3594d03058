"""A live run in lines of text and as JSON lines."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from analyzer.batch import Columns, labels_of
from analyzer.config import Config
from analyzer.schema import CallRow, RegistrationRow, RequestRow, ResponseRow
from analyzer.stats.ended import EndedTotals
from analyzer.stats.live_documents import summary_document
from analyzer.stats.snapshot import LiveSnapshot
from analyzer.tables.store_keys import call_keys
from analyzer.ui.cli.json_lines import JsonLines
from analyzer.ui.cli.live_lines import LinePrinter, Minutes, minute_line, summary_lines
from analyzer.ui.cli.outlet import Outlet
from analyzer.views.words import words
from analyzer.vocab import Family
from pcaps.make import HERE
from tests.reading import analyse
from tests.stats.made import SECOND, empty, table
from tests.stats.made_live import CONFIG, HOSTILE, NOW, REGISTRY, failed, nothing, snapshot, troubled

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "docs" / "live.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


class Pipe:
    """A pipe that is read when its writer is closed."""

    def __init__(self) -> None:
        self.reader, self.writer = os.pipe()
        os.set_blocking(self.reader, False)

    def text(self) -> str:
        """What was written so far."""
        parts = []
        while True:
            try:
                part = os.read(self.reader, 1 << 20)
            except BlockingIOError:
                break
            if not part:
                break
            parts.append(part)
        return b"".join(parts).decode()

    def lines(self) -> list[Any]:
        """The same as JSON lines, each held against the schema."""
        found = [json.loads(line) for line in self.text().splitlines()]
        for line in found:
            VALIDATOR.validate(line)
        return found


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    made = Pipe()
    yield made
    os.close(made.reader)
    os.close(made.writer)


def at(made: LiveSnapshot, seconds: float) -> LiveSnapshot:
    """The same, later."""
    return LiveSnapshot(**{**vars(made), "now_ts": NOW + int(seconds * SECOND)})


def summary(made: LiveSnapshot, count: int = 3) -> dict[str, Any]:
    totals = EndedTotals(REGISTRY, CONFIG, "dss1")
    totals.add(failed(count), table(RegistrationRow, [{"registration_no": 1, "outcome": "registered"}]))
    return summary_document(made, totals, REGISTRY)


# -- minutes ------------------------------------------------------------------------------------------------------


def test_a_minute_is_over_once_a_minute() -> None:
    minutes = Minutes()
    over = [second for second in range(200) if minutes.is_over(second * SECOND)]
    assert over == [60, 120, 180]


def test_after_a_pause_there_is_one_line() -> None:
    minutes = Minutes()
    assert not minutes.is_over(0)
    assert minutes.is_over(10_000 * SECOND)
    assert not minutes.is_over(10_000 * SECOND)


# -- text ---------------------------------------------------------------------------------------------------------


def test_a_line_has_the_essentials_in_a_stable_order() -> None:
    assert minute_line(snapshot(), CONFIG.zone) == (
        "2026-11-17T09:00:00+00:00 calls=4 answered=2 unsuccessful=2 failures=1 asr=2/4:50.0% ner=3/4:75.0% "
        "ser=2/4:50.0% registrations=0 codes=503x1 causes=17x1,34x1 setting_up=12 in_call=340 messages_s=120.4 "
        "frames_s=4012.0 dropped=0 dropped_total=0 evicted=0 memory_mb=132.0"
    )


def test_a_quiet_line_has_no_bare_ratio_and_every_key() -> None:
    line = minute_line(nothing(), CONFIG.zone)
    assert " asr=0/0:- " in line
    assert " codes=- causes=- " in line
    usual = minute_line(snapshot(), CONFIG.zone)
    assert [part.split("=")[0] for part in line.split()[1:]] == [part.split("=")[0] for part in usual.split()[1:]]


def test_trouble_is_quoted_at_the_end_and_drops_are_those_of_the_minute() -> None:
    line = minute_line(troubled(), CONFIG.zone, dropped_before=1_000)
    assert " dropped=239 dropped_total=1239 " in line
    assert line.endswith('alerts="SER < 0.9 over 15m" trouble="eth0 is down; No space left on device"')


def test_lines_come_once_a_minute_notices_at_once(pipe: Pipe, capfd: pytest.CaptureFixture[str]) -> None:
    with LinePrinter(CONFIG, words(), out=pipe.writer) as printer:
        for second in range(130):
            printer.show(at(snapshot(), second))
        printer.notice(NOW, f"eth0 is down {HOSTILE}")
        assert not printer.wants_to_stop
        printer.calls(failed())
        printer.registrations(empty(RegistrationRow))
        printer.summary(summary(snapshot()))
    lines = pipe.text().splitlines()
    assert [line[:19] for line in lines[:2]] == ["2026-11-17T09:01:00", "2026-11-17T09:02:00"]
    assert lines[2:] == [
        "40,000 frames, 1,200 SIP messages, 3 calls: 0 answered, 3 unsuccessful, 3 of them failures (100.0%)."
    ]
    err = capfd.readouterr().err
    assert err.startswith("sipcause: 2026-11-17 09:00:00 eth0 is down \\x1b[2J")
    assert err.count("\n") == 1
    assert not set(err) & set("\x1b\x07\u202e\r\t\x9b")


def test_quiet_says_nothing_on_standard_error(pipe: Pipe, capfd: pytest.CaptureFixture[str]) -> None:
    with LinePrinter(CONFIG, words(), is_quiet=True, out=pipe.writer) as printer:
        printer.notice(NOW, "eth0 is down")
    assert capfd.readouterr().err == ""


def test_the_summary_says_what_was_lost() -> None:
    said = summary_lines(summary(troubled()), words("nl"), CONFIG.zone)
    assert said[0].startswith("320.000 frames")
    assert said[1:] == ["! 1.239 frames verloren", "! 7 voortijdig beëindigd wegens plaatsgebrek"]


# -- JSON ---------------------------------------------------------------------------------------------------------


def test_every_type_of_line_follows_the_schema(pipe: Pipe) -> None:
    counted = {"messages": 10, "unique": 7, "resends": 2, "copies": 1}
    made = troubled(
        responses=[ResponseRow(503, "INVITE", Family.SERVER_ERROR, None, None, **counted)],
        requests=[RequestRow("INVITE", **counted)],
        issues={"sip.orphan_response": 2},
        orphans=3,
    )
    result = analyse(HERE / "trunk_503_cause_34" / "capture.pcapng")
    registered = analyse(HERE / "registrations" / "capture.pcapng")
    with JsonLines(call_keys, Outlet(pipe.writer)) as lines:
        lines.show(made)
        lines.calls(result.columns("calls"))
        lines.calls(empty(CallRow))
        lines.registrations(registered.columns("registrations"))
        lines.show(at(made, 61))
        lines.notice(NOW, HOSTILE)
        lines.summary(summary(made))
    found = pipe.lines()
    kinds = [line["type"] for line in found]
    count = len(registered.columns("registrations"))
    calls = len(result.columns("calls"))
    assert kinds == ["status", *["call"] * calls, *["registration"] * count, "status", "notice", "summary"]
    call = found[1]
    assert (call["status_code"], call["cause"], call["source"]) == (503, 34, "eth0")
    assert len(call["call_key"]) == 32
    status = found[-3]
    assert status["minute"]["kpis"]["ser"] == {"numerator": 0, "denominator": 30}
    assert status["since_start"]["calls"] == 60
    assert found[-1]["calls"]["total"] == 3
    assert found[-1]["issues"] == [{"code": "sip.orphan_response", "severity": "chat", "count": 2}]


def test_a_quiet_run_follows_the_schema(pipe: Pipe) -> None:
    with JsonLines(outlet=Outlet(pipe.writer)) as lines:
        lines.show(nothing())
        lines.show(at(nothing(), 60))
        lines.summary(summary_document(nothing(), EndedTotals(REGISTRY, Config(), "dss1"), REGISTRY))
    found = pipe.lines()
    assert [line["type"] for line in found] == ["status", "status", "summary"]


def test_without_a_maker_of_keys_the_key_is_missing(pipe: Pipe) -> None:
    with JsonLines(outlet=Outlet(pipe.writer)) as lines:
        lines.calls(failed())
        lines.calls(Columns(CallRow, {**failed().columns, "call_key": labels_of(["own"])}))
    assert [json.loads(line)["call_key"] for line in pipe.text().splitlines()] == [None, "own"]


def test_strangers_texts_are_escaped(pipe: Pipe) -> None:
    with JsonLines(call_keys, Outlet(pipe.writer)) as lines:
        lines.calls(failed(from_uri=HOSTILE, caller_agent=HOSTILE))
    said = pipe.text()
    assert said.count("\n") == 1
    assert not set(said) & set("\x1b\x07\u202e\r\t\x9b")
    assert json.loads(said)["from_uri"].startswith("\\x1b[2J")


def test_a_reader_that_leaves_asks_for_an_end() -> None:
    reader, writer = os.pipe()
    lines = JsonLines(outlet=(outlet := Outlet(writer)))
    os.close(reader)
    lines.notice(NOW, "anybody?")
    outlet.close()
    assert lines.wants_to_stop
    lines.calls(failed())
    lines.close()
    os.close(writer)


def test_lines_for_which_there_is_no_room_are_counted(pipe: Pipe) -> None:
    outlet = Outlet(pipe.writer, room=4_000)
    lines = JsonLines(outlet=outlet)
    lines.calls(failed(100))
    assert lines.lines_dropped == 100
    lines.notice(NOW, "there is room for this")
    lines.close()
    assert [line["text"] for line in pipe.lines()] == ["there is room for this"]


def test_the_schema_refuses_what_is_no_line() -> None:
    for line in ({}, {"type": "call"}, {"type": "notice", "time": "now", "text": ""}, {"type": "other"}):
        assert not VALIDATOR.is_valid(line)
