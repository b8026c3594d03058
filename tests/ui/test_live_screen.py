"""The live screen: what stands where, at every size, and that the terminal is given back."""

from __future__ import annotations

import io
import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

from analyzer.stats.snapshot import LiveSnapshot
from analyzer.ui.cli.live_layout import Line, laid_out, shared
from analyzer.ui.cli.live_screen import Painter
from analyzer.views.live import Section, live_view
from analyzer.views.table import Cell, Column, Table
from analyzer.views.words import words
from tests.stats.made_live import CONFIG, REGISTRY, nothing, snapshot, troubled

ROOT = Path(__file__).parents[2]
SIZES = [(40, 10), (60, 15), (80, 24), (100, 30), (119, 40), (120, 40), (160, 50), (200, 60)]
FOOTER = [Cell("q quit")]


def drawn(made: LiveSnapshot, width: int, height: int, lang: str = "en", is_unicode: bool = True) -> list[Line]:
    view = live_view(made, REGISTRY, CONFIG, words(lang), top=height)
    return laid_out(view, FOOTER, width, height, is_unicode)


def texts(lines: list[Line]) -> list[str]:
    return ["".join(text for text, _ in line) for line in lines]


@pytest.mark.parametrize("lang", ["en", "nl"])
@pytest.mark.parametrize("made", [snapshot(), nothing(), troubled()], ids=["usual", "nothing", "troubled"])
@pytest.mark.parametrize("size", [*SIZES, (1, 1), (5, 2), (10, 3), (300, 5)])
def test_every_size_is_filled_and_never_more(size: tuple[int, int], made: LiveSnapshot, lang: str) -> None:
    width, height = size
    found = texts(drawn(made, width, height, lang))
    assert len(found) == height
    for line in found:
        assert cell_len(line) <= width, line
        assert line.isprintable() or not line


@pytest.mark.parametrize("size", SIZES)
def test_what_matters_is_there_at_every_size(size: tuple[int, int]) -> None:
    found = "\n".join(texts(drawn(troubled(), *size)))
    assert "ALERT" in found
    assert "! is down" in found
    if size[1] >= 24:
        for title in ("Failures by code", "Newest failures", "Failures by endpoint", "ASR"):
            assert title in found, title


def test_a_screen_of_80_by_24() -> None:
    found = [line.rstrip() for line in texts(drawn(snapshot(), 80, 24))]
    assert found[:5] == [
        "sipcause live  since 07:00:00 (2 h 0 min)                    2026-11-17 09:00:00",
        "eth0  40,000 frames, 1,200 SIP messages",
        "120 messages/s  4,012 frames/s  3.2 calls/s  memory 132.0 MB",
        "calls setting up 12  in call 340  decided 9  still heard of 3",
        "Last                                    minute            hour           start",
    ] or found[4].startswith("Last")
    assert found[-1] == "q quit"
    at = next(number for number, line in enumerate(found) if line.startswith("code"))
    assert found[at : at + 2] == [
        "code  Failures by code                                  minute     hour    start",
        " 503  Service Unavailable                                    1        2        3",
    ]


def test_wide_screens_have_two_columns_that_begin_together() -> None:
    found = texts(drawn(snapshot(), 160, 50))
    first = next(line for line in found if line.startswith("Last"))
    assert "Newest failures" in first


def test_a_cut_table_says_how_much_of_it_is_shown() -> None:
    table = Table("Codes", [Column("Codes", shrink=True)], [(Cell(str(n)),) for n in range(9)])
    view = live_view(snapshot(), REGISTRY, CONFIG, words())
    cut = type(view)(view.title, [], [Section("codes", table, 3)], [])
    assert "Codes (2/9)" in texts(laid_out(cut, FOOTER, 40, 5))[1]


def test_lines_are_shared_by_importance() -> None:
    def section(rows: int, least: int) -> Section:
        return Section("x", Table("t", [], [()] * rows), least)

    sections = [section(5, 3), section(9, 3), section(1, 3)]
    assert shared(sections, 0) == [0, 0, 0]
    assert shared(sections, 4) == [4, 0, 0]
    assert shared(sections, 8) == [3, 3, 2]
    assert shared(sections, 11) == [5, 4, 2]
    assert shared(sections, 100) == [6, 10, 2]


def test_a_terminal_without_unicode_gets_ascii() -> None:
    for line in texts(drawn(troubled(), 100, 30, is_unicode=False)):
        assert line.isascii()


# -- drawing ------------------------------------------------------------------------------------------------------


def painter(**environment: str) -> Painter:
    return Painter(Console(file=io.StringIO(), force_terminal=True, _environ={"TERM": "xterm-256color", **environment}))


def test_only_what_changed_is_written() -> None:
    made = painter()
    lines = drawn(snapshot(), 80, 24)
    first = made.paint(lines, 80, 24)
    assert first.startswith("\x1b[0m\x1b[2J\x1b[1;1H")
    assert made.paint(lines, 80, 24) == ""
    again = made.paint(drawn(snapshot(in_call=341), 80, 24), 80, 24)
    assert again.count("H") == 1
    assert "in call 341" in again
    assert "2J" not in again
    assert "\x1b[2J" in made.paint(drawn(snapshot(), 81, 24), 81, 24)
    made.forget()
    assert "\x1b[2J" in made.paint(drawn(snapshot(), 81, 24), 81, 24)


def test_no_color_keeps_marks_and_drops_colours() -> None:
    coloured = painter().paint(drawn(troubled(), 80, 24), 80, 24)
    plain = painter(NO_COLOR="1").paint(drawn(troubled(), 80, 24), 80, 24)
    assert "\x1b[1;31m" in coloured
    assert "31m" not in plain.replace("x9b31m", "")
    assert "\x1b[1m! ALERT" in plain


def test_nothing_that_strangers_wrote_steers_the_terminal() -> None:
    painted = painter().paint(drawn(troubled(), 200, 60), 200, 60)
    assert "\x1b]" not in painted
    assert not set(painted) & set("\x07\u202e\r\x9b\n")
    assert painted.count("\x1b[2J") == 1


# -- a real terminal ----------------------------------------------------------------------------------------------

SHOW = """
import sys, time
from analyzer.ui.cli.live_screen import LiveScreen
from analyzer.views.words import words
from tests.stats.made_live import CONFIG, REGISTRY, NOW, snapshot
made = snapshot()
with LiveScreen(REGISTRY, CONFIG, words()) as screen:
    print("ready", file=sys.stderr, flush=True)
    while not screen.wants_to_stop:
        screen.show(made)
        if sys.argv[1] == "crash":
            raise RuntimeError("boom")
        time.sleep(0.02)
    screen.notice(NOW, "eth0 is down")
"""


class Terminal:
    """A program on a terminal of its own."""

    def __init__(self, mode: str) -> None:
        self.master, slave = pty.openpty()
        self._slave = slave
        termios.tcsetwinsize(slave, (24, 80))
        self.before = termios.tcgetattr(slave)
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm", "PYTHONUNBUFFERED": "1"}
        for name in ("COLUMNS", "LINES", "NO_COLOR"):
            environment.pop(name, None)
        self.process = subprocess.Popen(
            [sys.executable, "-c", SHOW, mode], stdin=slave, stdout=slave, stderr=subprocess.PIPE, env=environment,
            cwd=ROOT, start_new_session=True,
        )  # fmt: skip
        self.seen = ""

    def wait_for(self, text: str, seconds: float = 60) -> bool:
        """Read until a text was written."""
        deadline = time.monotonic() + seconds
        while text not in self.seen and time.monotonic() < deadline:
            if select.select([self.master], [], [], 0.1)[0]:
                self.seen += os.read(self.master, 65536).decode()
        return text in self.seen

    @property
    def mode(self) -> object:
        """How the terminal is set up."""
        return termios.tcgetattr(self._slave)

    def close(self) -> None:
        """Let go of it."""
        self.process.kill()
        self.process.communicate()
        os.close(self.master)
        os.close(self._slave)


@pytest.fixture
def terminal(request: pytest.FixtureRequest) -> Iterator[Terminal]:
    made = Terminal(request.param)
    yield made
    made.close()


@pytest.mark.parametrize("terminal", ["run"], indirect=True)
def test_q_ends_the_run_and_gives_the_terminal_back(terminal: Terminal) -> None:
    assert terminal.wait_for("Newest failures")
    assert "\x1b[?1049h" in terminal.seen
    assert terminal.mode != terminal.before
    os.write(terminal.master, b"h")
    assert terminal.wait_for("[h hour]")
    os.write(terminal.master, b"q")
    assert terminal.wait_for("eth0 is down\r\n")
    assert terminal.process.wait(60) == 0
    assert terminal.seen.index("\x1b[?1049l") < terminal.seen.index("eth0 is down")
    assert "\x1b[?25h" in terminal.seen
    assert terminal.mode == terminal.before


@pytest.mark.parametrize("terminal", ["crash"], indirect=True)
def test_an_exception_gives_the_terminal_back(terminal: Terminal) -> None:
    assert terminal.wait_for("\x1b[?1049l")
    assert terminal.process.wait(60) == 1
    assert terminal.mode == terminal.before


@pytest.mark.parametrize("terminal", ["run"], indirect=True)
def test_while_it_is_stopped_the_terminal_is_the_shells(terminal: Terminal) -> None:
    assert terminal.wait_for("Newest failures")
    os.kill(terminal.process.pid, signal.SIGTSTP)
    assert terminal.wait_for("\x1b[?1049l")
    deadline = time.monotonic() + 60
    while terminal.mode != terminal.before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert terminal.mode == terminal.before
    terminal.seen = ""
    os.kill(terminal.process.pid, signal.SIGCONT)
    assert terminal.wait_for("\x1b[?1049h")
    assert terminal.wait_for("Newest failures")
    os.write(terminal.master, b"q")
    assert terminal.process.wait(60) == 0
    assert terminal.mode == terminal.before
