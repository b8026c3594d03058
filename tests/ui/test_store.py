"""``sipcause store``: what it shows of a store, and how it says that something is damaged."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from analyzer.batch import labels_of
from analyzer.tables.store_tables import STORED
from analyzer.ui.cli.main import main
from tests.tables.made import made_columns
from tests.tables.storing import SECOND, START, call_rows, message_batch, opened, writer

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("COLUMNS", "200")

    def call(*arguments: object) -> tuple[int, str, str]:
        exit_code = 0
        try:
            main([str(argument) for argument in arguments])
        except SystemExit as leaving:
            exit_code = int(leaving.code or 0)
        out, err = capsys.readouterr()
        return exit_code, out, err

    return call


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A store that two runs wrote, the second of which was killed."""
    for name, begin in (("first", 0), ("second", 60)):
        one = writer(tmp_path / "store", run=name)
        one.add("calls", call_rows([begin + 1, begin + 2], outcome="answered"))
        one.add("calls", call_rows([begin + 3], outcome="busy"))
        intervals = made_columns(STORED["intervals"].given, 1, seed=2)
        intervals.columns["source"] = labels_of(["eth0\x1b[31m"])
        for column, value in (("from_ts", begin), ("to_ts", begin + 10)):
            intervals.columns[column] = np.array([START + value * SECOND])
        for column, value in (("frames", 70), ("sip_messages", 60), ("dropped", 5), ("unstored", 0)):
            intervals.columns[column] = np.array([value])
        one.add("intervals", intervals)
        one.keep(*message_batch([begin + 9]))
        if name == "first":
            one.close(opened(), START)
        else:
            one.commit(opened(69), START)
            os.close(one._lock._number)
            one._lock._number = -1
    return tmp_path / "store"


def test_info_shows_days_runs_and_gaps(run: Run, folder: Path) -> None:
    exit_code, out, err = run("store", "info", folder)
    assert (exit_code, err) == (0, "")
    lines = [line.split() for line in out.splitlines()]
    assert lines[0][1:4] == ["schema", "2,", "Europe/Amsterdam,"]
    assert ["2026-03-10", "6", "4", "2", "0"] in lines
    assert next(line for line in lines if line[:1] == ["second"])[-5:] == ["60", "5", "0", "1", "1"]
    assert "eth0\\x1b[31m  2026-03-10 07:00:10  2026-03-10 07:01:00  50.0 s" in out
    assert "\x1b" not in out


def test_info_speaks_dutch(run: Run, folder: Path) -> None:
    _, out, _ = run("store", "info", folder, "--lang", "nl")
    assert "Gesprekken per dag" in out
    assert "Gaten: er werd niet geluisterd" in out


def test_info_as_json(run: Run, folder: Path) -> None:
    _, out, _ = run("store", "info", folder, "--json")
    said = json.loads(out)
    assert said["calls"] == {"2026-03-10": {"answered": 4, "busy": 2}}
    assert said["rows"]["calls"] == 6
    assert [(one["run"], one["is_alive"], one["journals"], one["open_messages"]) for one in said["runs"]] == [
        ("first", False, 0, 0), ("second", False, 1, 1),
    ]  # fmt: skip
    assert [(one["source"], one["to_ts"] - one["from_ts"]) for one in said["gaps"]] == [("eth0\\x1b[31m", 50 * SECOND)]


def test_verify_says_that_all_is_well(run: Run, folder: Path) -> None:
    exit_code, out, _ = run("store", "verify", folder)
    assert (exit_code, out) == (0, "Read: 2 parts with 4 rows, 1 logs with 1 messages\n")


def test_verify_tells_torn_from_damaged(run: Run, folder: Path) -> None:
    (log,) = folder.glob("journal/*.log")
    whole = log.read_bytes()
    log.write_bytes(whole + whole[24:200])
    exit_code, out, _ = run("store", "verify", folder)
    assert exit_code == 0
    assert "torn" in out
    log.write_bytes(whole[:100] + b"\xff" + whole[101:])
    exit_code, out, _ = run("store", "verify", folder)
    assert exit_code == 1
    assert "damaged" in out


def test_verify_names_a_part_that_cannot_be_read(run: Run, folder: Path) -> None:
    (part,) = folder.glob("calls/*/*.parquet")
    part.write_bytes(part.read_bytes()[:-100])
    exit_code, out, _ = run("store", "verify", folder, "--json")
    assert exit_code == 1
    assert [(fault["path"], fault["what"]) for fault in json.loads(out)["faults"]] == [(str(part), "unreadable")]
    exit_code, out, err = run("store", "info", folder)
    assert (exit_code, out) == (1, "")
    assert "sipcause store verify says what else is damaged" in err


def test_what_is_no_store_is_one_line(run: Run, tmp_path: Path) -> None:
    for command in ("info", "verify"):
        exit_code, out, err = run("store", command, tmp_path / "none")
        assert (exit_code, out) == (1, "")
        assert err == f"sipcause: {tmp_path}/none: is no store: there is no store.json in it\n"


def test_summary_shows_outcomes_codes_causes_days_and_endpoints(run: Run, folder: Path) -> None:
    exit_code, out, err = run("store", "summary", folder)
    assert (exit_code, err) == (0, "")
    assert out.startswith("6 calls, 2 unsuccessful\n")
    lines = [line.split() for line in out.splitlines()]
    assert ["4", "66.7%", "answered"] in lines
    assert ["2026-03-10", "6", "4", "2", "0"] in lines
    _, out, _ = run("store", "summary", folder, "--lang", "nl", "--to", "2026-03-09")
    assert out.startswith("0 gesprekken, 0 niet geslaagd\n")
    exit_code, _, err = run("store", "summary", folder, "--from", "2026-03-11", "--to", "2026-03-10")
    assert exit_code == 2
    assert "--from 2026-03-11 lies after --to 2026-03-10" in err


def test_summary_as_json(run: Run, folder: Path) -> None:
    _, out, _ = run("store", "summary", folder, "--json", "--from", "2026-03-10")
    said = json.loads(out)
    assert (said["calls"], said["unsuccessful"]) == (6, 2)
    assert said["outcomes"] == {"answered": 4, "busy": 2}
    assert said["days"] == {"2026-03-10": {"answered": 4, "busy": 2}}
    assert sum(said["codes"].values()) == sum(said["causes"].values()) == 2


def test_compact_says_what_it_did(run: Run, folder: Path) -> None:
    one = writer(folder, run="third")
    list(one.recover().datagrams)
    one.add("calls", call_rows([4, 5], outcome="busy"))
    one.close()
    exit_code, out, _ = run("store", "compact", folder)
    assert exit_code == 0
    assert "parts became 2:" in out
    assert json.loads(run("store", "compact", folder, "--json")[1])["parts"] == 0
    assert json.loads(run("store", "info", folder, "--json")[1])["rows"]["calls"] == 8
    assert run("store", "verify", folder)[0] == 0


def test_prune_says_what_goes(run: Run, folder: Path) -> None:
    exit_code, out, _ = run("store", "prune", folder, "--keep", "1d", "--dry-run")
    assert exit_code == 0
    assert "1 days would go, from 2026-03-10 to 2026-03-10: 2 parts" in out
    assert json.loads(run("store", "info", folder, "--json")[1])["rows"]["calls"] == 6
    assert "1 days went" in run("store", "prune", folder, "--keep", "1d")[1]
    # What the second run left stands in its journal until it is rolled.
    assert json.loads(run("store", "info", folder, "--json")[1])["rows"]["calls"] == 3
    assert run("store", "prune", folder, "--keep", "1d")[1].startswith("Nothing is older than ")
    assert run("store", "prune", folder)[0] == 2
