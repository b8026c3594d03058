"""`analyze --store`, `calls --store` and `explain --store`: what a person sees of calls in a store."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from analyzer.ui.cli.main import main
from tests.adding.made import cut

Run = Callable[..., tuple[int, str, str]]
LADDER = """
at 2026-03-10T08:00:00+01:00
call bad
alice -> bob INVITE from="a\x1b[31mlice"
alice <- bob 503 reason=Q.850;cause=34
alice -> bob ACK
call good
alice -> bob INVITE
alice <- bob 200
alice -> bob ACK
at 2026-03-11T08:00:00+01:00
call late
alice -> bob INVITE
alice <- bob 486
alice -> bob ACK
"""


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("TZ", "UTC")

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
def captures(tmp_path: Path) -> list[str]:
    return cut(tmp_path, LADDER, "2026-03-11T00:00:00")


@pytest.fixture
def store(tmp_path: Path, run: Run, captures: list[str]) -> Path:
    (tmp_path / "c.toml").write_text('timezone = "Europe/Amsterdam"\n')
    for capture in captures:
        code, _, _ = run("analyze", capture, "--store", tmp_path / "store", "--config", tmp_path / "c.toml")
        assert code == 0
    return tmp_path / "store"


def test_analyze_says_what_it_added_and_what_it_left_out(run: Run, tmp_path: Path, captures: list[str]) -> None:
    store = tmp_path / "store"
    plain = run("analyze", captures[0])[1]
    code, out, err = run("analyze", captures[0], "--store", store)
    assert (code, out) == (0, plain)
    assert f"sipcause: added to {store}: 1 captures\n" in err
    assert "sipcause: 1 calls are open at the end; they go on in what was captured next\n" in err
    code, out, err = run("analyze", captures[0], "--store", store, "--lang", "nl")
    assert code == 0
    assert f"{captures[0]} is overgeslagen" in err
    assert len(err.splitlines()) == 1


def test_calls_of_a_store(run: Run, store: Path) -> None:
    code, out, err = run("calls", "--store", store)
    assert (code, err) == (0, "")
    assert "3 of 3 calls" in out
    assert "\x1b" not in out
    _, out, _ = run("calls", "--store", store, "--failed", "--format", "json")
    found = [json.loads(line) for line in out.splitlines()] if out.startswith("{") else json.loads(out)
    assert [(call["status_code"], call["cause"]) for call in found] == [(503, 34), (486, 17)]
    assert all(len(call["call_key"]) == 32 for call in found)
    _, out, _ = run(
        "calls", "--store", store, "--from", "2026-03-10T00:00", "--to", "2026-03-11T00:00", "--no-scanners"
    )
    assert "2 of 3 calls" in out
    _, out, _ = run("calls", "--store", store, "--cause", "34", "--format", "csv")
    assert out.splitlines()[0].startswith("call_key,call_no,time,")
    assert len(out.splitlines()) == 2


def test_a_store_or_captures(run: Run, store: Path, captures: list[str]) -> None:
    for arguments in (("calls",), ("calls", "--store", store, captures[0]), ("explain", "--store", store)):
        assert run(*arguments)[0] == 2


def test_frames_are_cut_out_of_the_captures_that_are_there(
    run: Run, store: Path, captures: list[str], tmp_path: Path
) -> None:
    out_path = tmp_path / "cut.pcapng"
    code, _, err = run("calls", "--store", store, "--failed", "-w", out_path)
    assert (code, err) == (0, f"sipcause: 6 frames of 2 calls written to {out_path}\n")
    Path(captures[1]).unlink()
    code, _, err = run("calls", "--store", store, "--failed", "-w", tmp_path / "no.pcapng")
    assert code == 1
    assert f"holds no frames, and {captures[1]} is no capture that is there" in err
    assert run("calls", "--store", store, "--status", "503", "-w", tmp_path / "one.pcapng")[0] == 0


def test_a_call_is_explained_by_its_key(run: Run, store: Path, captures: list[str]) -> None:
    _, out, _ = run("calls", "--store", store, "--status", "503", "--format", "json")
    call = json.loads(out)[0]
    for which in (call["call_key"], call["call_key"][:10].upper(), call["call_id"]):
        code, out, err = run("explain", "--store", store, which)
        assert (code, err) == (0, "")
        assert f"Call {call['call_key']}" in out
        assert f"{captures[0]}" in out
        assert "34 No circuit/channel available · reason" in out
        assert "2026-03-10" in out
        assert "\x1b" not in out
    ledger = [line for line in out.splitlines() if "503" in line]
    assert len(ledger) > 2  # the row, and the messages
    code, out, _ = run("explain", "--store", store, call["call_key"], "--json")
    document = json.loads(out)
    assert document["call"]["call_key"] == call["call_key"]
    assert document["places"][0] == {"capture_no": 1, "source": captures[0], "kind": "file", "is_there": True}
    assert len(document["explained"]["messages"]) == 3
    Path(captures[0]).unlink()
    code, out, _ = run("explain", "--store", store, call["call_key"])
    assert code == 0
    assert "Its messages are not at hand" in out
    assert "not there" in out


def test_several_calls_are_listed_and_none_is_said(run: Run, store: Path) -> None:
    code, out, _ = run("explain", "--store", store, "--failed")
    assert code == 0
    assert "2 of 3 calls" in out
    code, out, err = run("explain", "--store", store, "0123456789")
    assert (code, out) == (2, "")
    assert "no call of the store has this key" in err
