"""``sipcause kpis`` on the counting corpus."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from analyzer.schema import KpiRow
from analyzer.stats.parts import GROUPS
from analyzer.ui.cli.kpis import BY
from analyzer.ui.cli.main import main

PCAPS = Path(__file__).parents[2] / "pcaps"
CHALLENGED = PCAPS / "challenged_then_answered" / "capture.pcapng"
BUSY = PCAPS / "busy_with_reason" / "capture.pcapng"
REGISTRATIONS = PCAPS / "registrations" / "capture.pcapng"

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "120")

    def call(*arguments: object) -> tuple[int, str, str]:
        exit_code = 0
        try:
            main(["kpis", *(str(argument) for argument in arguments)])
        except SystemExit as leaving:
            exit_code = int(leaving.code or 0)
        out, err = capsys.readouterr()
        return exit_code, out, err

    return call


def test_figures_on_the_terminal(run: Run) -> None:
    exit_code, out, err = run("-q", CHALLENGED, BUSY)
    assert (exit_code, err) == (0, "")
    assert "Key figures\n" in out
    assert "95 %" in out
    for name in ("SER ", "SER wire ", "NER + 408 ", "PDD progress "):
        assert any(line.startswith(name) for line in out.splitlines()), name


def test_a_challenged_call_counts_once_and_on_the_wire_twice(run: Run) -> None:
    rows = {row["kpi"]: row for row in json.loads(run("-q", CHALLENGED, "--format", "json")[1]) if row["by"] == "all"
            and row["unit_counted"] == "calls"}  # fmt: skip
    assert (rows["ser"]["numerator"], rows["ser"]["denominator"]) == (1, 1)
    assert (rows["ser_wire"]["numerator"], rows["ser_wire"]["denominator"]) == (1, 2)
    assert (rows["abr"]["numerator"], rows["abr"]["denominator"]) == (1, 1)


def test_registrations_have_figures_of_their_own(run: Run) -> None:
    rows = json.loads(run("-q", REGISTRATIONS, "--format", "json")[1])
    ira = next(row for row in rows if row["kpi"] == "ira")
    assert ira["unit_counted"] == "registrations"
    assert ira["denominator"] > 0


@pytest.mark.parametrize("by", BY)
def test_every_break_down_is_shown_and_written(run: Run, by: str) -> None:
    exit_code, out, _ = run("-q", BUSY, CHALLENGED, "--by", by)
    assert exit_code == 0
    assert out.startswith("By ")
    rows = json.loads(run("-q", BUSY, CHALLENGED, "--by", by, "--format", "json")[1])
    assert {row["by"] for row in rows} <= set(GROUPS[by])
    assert all(row["part"] for row in rows)


def test_csv_has_the_columns_of_the_table_and_no_formula(run: Run) -> None:
    rows = list(csv.reader(io.StringIO(run("-q", BUSY, "--by", "prefix", "--format", "csv")[1])))
    assert tuple(rows[0]) == KpiRow._fields
    assert len(rows) > 1
    assert not any(cell[:1] in tuple("=+-@") for row in rows[1:] for cell in row if cell)


def test_fewer_parts_than_there_are(run: Run) -> None:
    demo = PCAPS / "demo.pcapng"
    rows = json.loads(run("-q", demo, "--by", "endpoint", "--limit", "2", "--format", "json")[1])
    callers = {row["part"] for row in rows if row["by"] == "caller" and row["unit_counted"] == "calls"}
    assert len(callers) == 3
    assert "(other)" in callers


def test_an_empty_capture_has_no_figures_to_show(run: Run, tmp_path: Path) -> None:
    import struct

    (tmp_path / "empty.pcap").write_bytes(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
    assert run("-q", "empty.pcap") == (0, "No calls.\n", "")
    assert run("-q", "empty.pcap", "--by", "hour", "--format", "json")[:2] == (0, "[]\n")
    undefined = json.loads(run("-q", "empty.pcap", "--format", "json")[1])
    assert {row["value"] for row in undefined} == {None}


@pytest.mark.parametrize("arguments", [("--by", "colour"), ("--by", ""), ("--prefix-digits", "0"), ("--limit", "-1")])
def test_wrong_usage_is_exit_code_2(run: Run, arguments: tuple[str, ...]) -> None:
    assert run("-q", BUSY, *arguments)[:2] == (2, "")


def test_the_groups_are_those_that_the_statistics_know() -> None:
    assert tuple(GROUPS) == BY
