"""``sipcause explain``: a call by number, by Call-ID or by choice, as text at any width and as JSON."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from analyzer.registry import load_registry
from analyzer.ui.cli.explaining import show
from analyzer.ui.cli.main import main
from analyzer.ui.cli.printing import Screen
from analyzer.views.explain import explanation
from analyzer.views.words import words
from pcaps.make import HERE
from tests.explaining import explain_flow
from tests.stats.made import MadeConfig

FORKED = HERE / "forked" / "capture.pcapng"
TRUNK = HERE / "trunk_503_cause_34" / "capture.pcapng"
CONFIG: Any = MadeConfig()
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Runs a command line in an empty folder; gives exit code, standard output and standard error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "120")

    def call(*arguments: object) -> tuple[int, str, str]:
        exit_code = 0
        try:
            main(["explain", *(str(argument) for argument in arguments)])
        except SystemExit as leaving:
            exit_code = int(leaving.code or 0)
        out, err = capsys.readouterr()
        return exit_code, out, err

    return call


def test_a_call_by_its_number(run: Run) -> None:
    exit_code, out, err = run(FORKED, "2", "-q")
    assert (exit_code, err) == (0, "")
    assert out.startswith("Call 2: busy, 486 Busy Here, cause 17 User busy\n")
    assert "another branch of attempt 1 at hop 1: no call of its own  [forks 1.9]" in out
    assert "│" in out
    assert "\x1b" not in out


def test_a_call_by_its_call_id(run: Run) -> None:
    by_number = run(FORKED, "2", "-q")[1]
    call_id = next(line.split()[1] for line in by_number.splitlines() if line.strip().startswith("Call-ID"))
    assert run(FORKED, call_id, "-q")[1] == by_number


def test_a_choice_of_one_call_is_explained_and_of_several_listed(run: Run) -> None:
    one = run(TRUNK, FORKED, "-q", "--status", "486")
    assert one[0] == 0
    assert one[1].startswith("Call ")
    exit_code, out, err = run(TRUNK, FORKED, "--outcome", "failed")
    assert exit_code == 0
    assert "calls" in out.splitlines()[0]
    assert out.splitlines()[1].split()[:2] == ["call", "time"]
    assert "one of them, line by line: sipcause explain " in err
    assert run(FORKED, "-q", "--status", "777")[1].startswith("0 of 2 calls")


def test_as_json(run: Run) -> None:
    found = json.loads(run(TRUNK, "1", "-q", "--json")[1])
    assert found["schema"] == 1
    assert (found["call"]["status_code"], found["call"]["cause"], found["call"]["outcome"]) == (503, 34, "failed")
    assert found["call"]["invite_ts"].endswith("Z")
    assert [line["frame_no"] for line in found["ledger"]] == [message["frame_no"] for message in found["messages"]]
    assert [row["rule"] for row in found["outcome_rules"] if row["decided"]] == [found["call"]["outcome_rule"]]
    assert [row["cause"] for row in found["causes"] if row["chosen"]] == [34]
    assert found["charged"]["ip"] == found["call"]["failed_by_ip"]
    assert [(row["kind"], row["cause"]) for row in found["evidence"]] == [("reason", 34)]
    several = json.loads(run(FORKED, "-q", "--json", "--from", "2000-01-01")[1])
    assert [row["call_no"] for row in several] == [1, 2]


def test_a_call_by_its_lasting_key(run: Run) -> None:
    from analyzer import api
    from analyzer.tables.store_keys import call_keys

    keys = call_keys(api.analyze(str(FORKED)).columns("calls")).values()
    assert len(set(keys)) == 2
    for number, key in enumerate(keys, 1):
        assert json.loads(run(FORKED, key, "-q", "--json")[1])["call"]["call_no"] == number
    exit_code, _, err = run(FORKED, "0" * 32, "-q")
    assert exit_code == 2
    assert "no call has this number, Call-ID or key" in err


def test_what_cannot_be_explained_is_wrong_usage(run: Run) -> None:
    exit_code, out, err = run(FORKED, "9", "-q")
    assert (exit_code, out) == (2, "")
    assert "9: no call has this number, Call-ID or key; there are 2 calls" in err
    exit_code, _, err = run("-", "1", "-q")
    assert exit_code == 2
    assert "cannot be read twice" in err


def test_it_speaks_dutch(run: Run) -> None:
    out = run(FORKED, "1", "-q", "--lang", "nl")[1]
    assert out.startswith("Gesprek 1: ")
    assert "Regel voor regel" in out


MANY = "\n".join(
    ["alice = 192.0.2.10", *(f"p{n} = 198.51.100.{n}" for n in range(1, 8)), "alice -> p1 INVITE"]
    + [f"p{n} -> p{n + 1} INVITE" for n in range(1, 7)]
    + ['p6 <- p7 486 phrase="Busy Here and everywhere"', "p6 -> p7 ACK"]
)


def drawn(text: str, width: int, encoding: str = "utf-8") -> list[str]:
    seen = explanation(explain_flow(text), load_registry(), CONFIG, UTC, words())
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    show(Screen(stream, width), seen, UTC, words())
    stream.flush()
    return stream.buffer.getvalue().decode(encoding).splitlines()  # type: ignore[attr-defined]


@pytest.mark.parametrize("width", [60, 80, 100, 120, 160])
def test_no_line_is_wider_than_the_screen_and_many_parties_become_a_list(width: int) -> None:
    lines = drawn(MANY, width)
    assert max(cell_len(line) for line in lines) <= width
    assert any("│" in line for line in lines) == (width == 160)


def test_arrows_point_from_sender_to_receiver() -> None:
    two = "alice = 192.0.2.10\nbob = 192.0.2.11\nalice -> bob INVITE\n"
    lines = drawn(two + "alice <- bob 486\nalice <- bob 486 resend", 80)
    invite, busy, again = (line for line in lines if "│" in line)
    assert invite.index("INVITE") < invite.index(">│")
    assert busy.index("│<") < busy.index("486")
    assert "-" in again
    assert "─" not in again


def test_an_ascii_pipe_gets_ascii() -> None:
    lines = drawn("alice = 192.0.2.10\nbob = 192.0.2.11\nalice -> bob INVITE\nalice <- bob 486", 80, "ascii")
    assert any(line.count("|") == 2 and ">" in line for line in lines)
