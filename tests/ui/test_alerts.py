"""`sipcause alerts`: rules as they are understood, tests that arrive or do not, faults in one line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from analyzer.ui.cli.main import main

Run = Callable[..., tuple[int, str, str]]
FILE = """
[[alert]]
name = "answer rate"
alert = "ser<0.9 over 900s, n >= 50"
for = "120s"
to = ["stderr", "webhook"]
webhook = "http://127.0.0.1:1/SECRET"

[[alert]]
name = "silence"
alert = "silence over 5m"
to = ["command"]
command = ["/bin/sh", "-c", "echo $SIPCAUSE_ALERT_STATE > PLACE"]
"""


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "alerts.toml").write_text(FILE.replace("PLACE", str(tmp_path / "told")))

    def call(*arguments: str) -> tuple[int, str, str]:
        exit_code = 0
        try:
            main(["alerts", *arguments])
        except SystemExit as leaving:
            exit_code = int(leaving.code or 0)
        out, err = capsys.readouterr()
        return exit_code, out, err

    return call


SHOWN = (
    "answer rate: SER < 90 % over 15m, n >= 50; for 2m, every 1h, to standard error, webhook http://127.0.0.1\n"
    "silence: silence over 5m; every 1h, to command /bin/sh\n"
)


def test_rules_as_they_are_understood(run: Run, tmp_path: Path) -> None:
    assert run("alerts.toml") == (0, SHOWN, "")
    assert not (tmp_path / "told").exists()


def test_a_test_that_does_not_arrive_everywhere(run: Run, tmp_path: Path) -> None:
    exit_code, out, err = run("alerts.toml", "--test")
    assert (exit_code, out) == (1, SHOWN)
    assert err.splitlines() == [
        "sipcause: alert answer rate: test: a test (rule: SER < 90 % over 15m, n >= 50)",
        "sipcause: alerts: webhook http://127.0.0.1: Connection refused",
        "sipcause: alerts.toml: not every way works",
    ]
    assert (tmp_path / "told").read_text() == "test\n"


def test_a_test_that_arrives(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "alerts.toml"
    path.write_text(path.read_text().replace('"stderr", "webhook"', '"stderr"'))
    exit_code, _, err = run("alerts.toml", "--test")
    assert (exit_code, len(err.splitlines())) == (0, 1)


def test_a_fault_is_one_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "alerts.toml").write_text('[[alert]]\nname = "x"\nalert = "SERR < 1"\n')
    assert run("alerts.toml") == (
        1,
        "",
        "sipcause: alerts.toml: alert 1.alert: 'SERR < 1': at character 1, 'SERR': expected what is measured; did you"
        " mean ser?\n",
    )
    assert run("missing.toml")[2] == "sipcause: missing.toml: -: No such file or directory\n"
