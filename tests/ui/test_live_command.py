"""``sipcause live``: what its options become, and what is wrong usage."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from analyzer.live.options import FramesOptions, HepOptions, LiveOptions
from analyzer.registry import load_registry
from analyzer.ui.cli.json_lines import JsonLines
from analyzer.ui.cli.live import screen_for
from analyzer.ui.cli.live_lines import LinePrinter
from analyzer.ui.cli.main import main
from tests.stats.made_live import CONFIG

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run the command in an empty folder; returns exit code, standard output and standard error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))

    def call(*arguments: str) -> tuple[int, str, str]:
        exit_code = 0
        try:
            main(["live", *arguments])
        except SystemExit as leaving:
            exit_code = int(leaving.code or 0)
        return exit_code, *capfd.readouterr()

    return call


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> list[tuple[LiveOptions, Any]]:
    """What runs were asked for."""
    found: list[tuple[LiveOptions, Any]] = []
    monkeypatch.setattr("analyzer.live.run.run", lambda options, screen: found.append((options, screen)))
    return found


def test_every_option_reaches_the_run(run: Run, given: list[tuple[LiveOptions, Any]], tmp_path: Path) -> None:
    for name in ("key", "rules.toml"):
        (tmp_path / name).write_text("x")
    exit_code, out, _ = run(
        "-i", "eth0", "-i", "eth1", "-i", "eth0", "--ports", "5060-5062", "--no-promiscuous", "--buffer", "8M",
        "--hep", "0.0.0.0:9060", "--hep", "[::1]:9061", "--hep-from", "192.0.2.0/24", "--hep-rate", "5000",
        "--hep-key-file", "key", "--duration", "1h30m", "--count", "7", "-w", "kept", "--rotate-size", "5M",
        "--rotate-time", "10m", "--keep-files", "3", "--store", "calls", "--store-every", "30s", "--user", "nobody",
        "--metrics", "127.0.0.1:9108", "--metrics-top", "5", "--alerts", "rules.toml", "--max-open", "1000",
        "--keylog", "keys", "--causes", "rfc3398", "--json", "-q", "--keep-copies",
    )  # fmt: skip
    assert (exit_code, out) == (0, "")
    options, screen = given[0]
    assert isinstance(screen, JsonLines)
    assert {name: value for name, value in vars(options).items() if name not in ("config", "registry")} == {
        "interfaces": ("eth0", "eth1"),
        "filter": None,
        "ports": (5060, 5061, 5062),
        "is_promiscuous": False,
        "buffer_octets": 8_000_000,
        "hep": HepOptions((("0.0.0.0", 9060), ("::1", 9061)), ("192.0.2.0/24",), 5000, Path("key")),
        "duration_s": 5400.0,
        "count": 7,
        "frames": FramesOptions(Path("kept"), 5_000_000, 600.0, 3),
        "store": Path("calls"),
        "store_every_s": 30.0,
        "user": "nobody",
        "metrics": "127.0.0.1:9108",
        "metrics_top": 5,
        "alerts": Path("rules.toml"),
        "max_open": 1000,
        "causes": "rfc3398",
        "keylog": "keys",
        "keep_copies": True,
    }


def test_without_options_the_defaults_are_those_of_the_run(run: Run, given: list[tuple[LiveOptions, Any]]) -> None:
    assert run("-i", "any")[0] == 0
    options, screen = given[0]
    assert isinstance(screen, LinePrinter)
    expected = LiveOptions(config=options.config, registry=options.registry, interfaces=("any",))
    assert options == expected


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "sipcause interfaces"),
        (("--hep-rate", "5"), "--hep ADDR:PORT"),
        (("-i", "eth0", "--hep-from", "192.0.2.1"), "--hep ADDR:PORT"),
        (("-i", "eth0", "-f", "udp", "--ports", "5060"), "--ports"),
        (("-i", "eth0", "--buffer", "much"), "64M"),
        (("-i", "eth0", "--buffer", "1k"), "65536"),
        (("-i", "eth0", "--duration", "soon"), "1h30m"),
        (("-i", "eth0", "--count", "0"), "--count"),
        (("-i", "eth0", "--ports", "sip"), "5060"),
        (("--hep", "90600"), "0.0.0.0:9060"),
        (("--hep", "0.0.0.0:9060", "--hep-from", "x"), "192.0.2.0/24"),
        (("-i", "eth0", "--alerts", "missing.toml"), "missing.toml"),
        (("-i", "eth0", "--lang", "fr"), "nl"),
        (("capture.pcap",), "unexpected"),
    ],
)
def test_wrong_usage_is_exit_code_2_and_says_what_is_right(run: Run, arguments: tuple[str, ...], said: str) -> None:
    exit_code, out, err = run(*arguments)
    assert (exit_code, out) == (2, "")
    assert said in err
    assert "Traceback" not in err


def test_a_mistyped_profile_is_said_before_anything_is_opened(run: Run, given: list[tuple[LiveOptions, Any]]) -> None:
    exit_code, out, err = run("-i", "eth0", "--causes", "dss2")
    assert (exit_code, out) == (1, "")
    assert "rfc3398" in err
    assert not given


def test_help_has_its_sections(run: Run) -> None:
    exit_code, out, _ = run("--help")
    assert exit_code == 0
    titles = [line for line in out.splitlines() if line.endswith(":") and not line.startswith(" ")]
    assert titles == ["Listen to:", "Stop by itself:", "Keep:", "Tell:", "Run as:", "Read and count:"]


def test_the_screen_is_closed_when_the_run_fails(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[bool] = []

    def fails(options: LiveOptions, screen: Any) -> None:
        screen.close = lambda: closed.append(True)
        raise RuntimeError("boom")

    monkeypatch.setattr("analyzer.live.run.run", fails)
    with pytest.raises(RuntimeError):
        run("-i", "eth0", "-q")
    assert closed == [True]


def test_without_a_terminal_there_are_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    registry = load_registry()
    assert isinstance(screen_for(False, CONFIG, registry, "en", False), LinePrinter)
    assert isinstance(screen_for(True, CONFIG, registry, "en", False), JsonLines)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "dumb")
    assert isinstance(screen_for(False, CONFIG, registry, "en", False), LinePrinter)
