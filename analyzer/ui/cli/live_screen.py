"""The live screen: the whole terminal, drawn anew at most twice a second.

The terminal is given back on every way out: at the end, after an exception, when the program exits, and while it is
stopped (Ctrl-Z), after which the next `LiveScreen.show` takes it again. Drawing goes through an `Outlet`, so that a
terminal that is stopped (Ctrl-S) or dead holds up nothing: pictures are left out then.
"""

from __future__ import annotations

import atexit
import io
import os
import select
import signal
import sys
import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import FrameType
from typing import TYPE_CHECKING, Any

from rich.color import ColorSystem
from rich.console import Console
from rich.style import Style

from analyzer.batch import Columns
from analyzer.stats.snapshot import LiveSnapshot
from analyzer.ui.cli.live_layout import Line, cells, laid_out
from analyzer.ui.cli.live_lines import noted, summary_lines
from analyzer.ui.cli.outlet import Closing, Outlet
from analyzer.ui.cli.printing import STYLES
from analyzer.views.live import live_view
from analyzer.views.live_tables import SPANS, Memory
from analyzer.views.table import Cell, Tone
from analyzer.views.words import Words

if TYPE_CHECKING:
    from analyzer.config import Config
    from analyzer.registry import Registry

#: Between two pictures, s.
EVERY_S = 0.5
#: How long a terminal that takes nothing is waited for at the end, s.
_PATIENCE_S = 2.0
_PICTURE_ROOM = 4_000_000
_STYLES: dict[Tone | None, Style] = {
    **{tone: Style.parse(style or "none") for tone, style in STYLES.items()},
    # A colour is no news to whoever sees none: what is bad is bold as well.
    Tone.BAD: Style.parse("bold red"),
    None: Style.parse("underline"),
}
_COLORS = {
    "standard": ColorSystem.STANDARD,
    "256": ColorSystem.EIGHT_BIT,
    "truecolor": ColorSystem.TRUECOLOR,
    "windows": ColorSystem.WINDOWS,
}
_KEYS = {b"m": "minute", b"h": "hour", b"s": "start"}


class _Terminal(io.StringIO):
    """What rich writes to: whole pictures go to the outlet."""

    def __init__(self, outlet: Outlet) -> None:
        super().__init__()
        self._outlet = outlet
        self._parts: list[str] = []

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """That of standard output."""
        return sys.stdout.encoding or "utf-8"

    def isatty(self) -> bool:
        """It stands for a terminal."""
        return True

    def writable(self) -> bool:
        """Yes."""
        return True

    def write(self, text: str) -> int:
        """Keep a part of a picture."""
        self._parts.append(text)
        return len(text)

    def flush(self) -> None:
        """Hand the picture over."""
        octets = "".join(self._parts).encode(self.encoding, "backslashreplace")
        self._parts.clear()
        if octets:
            self._outlet.put(octets)


class Painter:
    """Writes lines to a terminal: only those that changed since the last picture, each at its place.

    rich's own `Live` renders the whole screen anew, 16 ms for 160 x 50 where this takes one (docs/live.md); its
    console is what knows the terminal: size, colours, NO_COLOR, the alternate screen.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._size = (0, 0)
        self._lines: list[str] = []
        styles = {tone: style.without_color if console.no_color else style for tone, style in _STYLES.items()}
        system = _COLORS.get(console.color_system or "")
        self._codes = {tone: _codes(style, system) for tone, style in styles.items()}

    def forget(self) -> None:
        """The next picture is drawn whole: whatever stands there now is not ours."""
        self._lines = []

    def paint(self, lines: Sequence[Line], width: int, height: int) -> str:
        """The octets that turn the last picture into this one."""
        drawn = [self._drawn(line, width) for line in lines]
        parts = []
        if self._size != (width, height) or not self._lines:
            self._size, self._lines = (width, height), [""] * height
            parts.append("\x1b[0m\x1b[2J")
        for number, (new, old) in enumerate(zip(drawn, self._lines, strict=False), 1):
            if new != old:
                parts.append(f"\x1b[{number};1H{new}")
        self._lines = drawn
        return "".join(parts)

    def _drawn(self, line: Line, width: int) -> str:
        """A line as wide as the screen, so that it hides the one before; without blanks where it is empty."""
        parts = []
        used = 0
        for text, tone in line:
            used += cells(text)
            before, after = self._codes[tone]
            parts.append(f"{before}{text}{after}" if before and text else text)
        parts.append(" " * (width - used))
        return "".join(parts)


def _codes(style: Style, system: ColorSystem | None) -> tuple[str, str]:
    """What switches a style on and off again; nothing for one that a terminal does not show."""
    before, _, after = style.render("\0", color_system=system).partition("\0")
    return before, after


class LiveScreen(Closing):
    """A full screen for a run; see `analyzer.live.screen.Screen`."""

    def __init__(self, registry: Registry, config: Config, words: Words) -> None:
        self._registry = registry
        self._config = config
        self._words = words
        self._outlet = Outlet(sys.stdout.fileno(), _PICTURE_ROOM)
        self._console = Console(file=_Terminal(self._outlet), highlight=False)
        self._painter = Painter(self._console)
        self._is_entered = False
        self._memory = Memory(config)
        self._saved: list[Any] | None = None
        self._by = SPANS[0]
        self._drawn = 0.0
        self._is_stopping = self._is_closed = False
        self._snapshot: LiveSnapshot | None = None
        self._said: deque[str] = deque(maxlen=200)
        self._handlers = {
            number: signal.signal(number, handler)
            for number, handler in ((signal.SIGTSTP, self._stopped), (signal.SIGCONT, self._continued))
        }
        atexit.register(self._leave)

    @property
    def minds_stderr(self) -> bool:
        """It is the terminal."""
        return True

    @property
    def wants_to_stop(self) -> bool:
        """Whether ``q`` was typed or the terminal is gone."""
        self._read_keys()
        return self._is_stopping or self._outlet.is_gone

    def show(self, snapshot: LiveSnapshot) -> None:
        """Draw, unless that was done just now, the last picture still waits, or the terminal is another's."""
        self._snapshot = snapshot
        now = time.monotonic()
        if self._is_closed or now - self._drawn < EVERY_S or not self._outlet.is_idle or not self._is_ours():
            return
        self._drawn = now
        self._enter()
        self._draw()

    def calls(self, calls: Columns) -> None:
        """The screen shows what was decided, not what has ended."""

    def registrations(self, registrations: Columns) -> None:
        """Nothing to show."""

    def notice(self, ts: int, text: str) -> None:
        """Kept, to be said once more when the screen is gone; the picture has them from the snapshot."""
        self._said.append(noted(ts, text, self._config.zone))

    def summary(self, document: Mapping[str, Any]) -> None:
        """A few lines that stay when the screen is gone."""
        self._said.extend(summary_lines(document, self._words, self._config.zone))

    def close(self) -> None:
        """Give the terminal back, then say what stays."""
        if self._is_closed:
            return
        self._is_closed = True
        self._leave()
        atexit.unregister(self._leave)
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        encoding = sys.stdout.encoding or "utf-8"
        self._outlet.put("".join(f"{line}\n" for line in self._said).encode(encoding, "backslashreplace"))
        self._outlet.close(_PATIENCE_S)

    # -- the picture ----------------------------------------------------------------------------------------------

    def _draw(self) -> None:
        if not self._is_entered or self._snapshot is None:
            return
        width, height = self._console.size
        view = live_view(
            self._snapshot, self._registry, self._config, self._words, self._by, top=height, memory=self._memory
        )
        lines = laid_out(view, self._footer(), width, height, self._console.encoding.startswith("utf"))
        self._console.file.write(self._painter.paint(lines, width, height))
        self._console.file.flush()

    def _footer(self) -> list[Cell]:
        words = self._words
        if self._saved is None:  # nobody can type
            return [Cell(words("ranked by {span}", span=words(self._by)), Tone.FAINT)]
        spans = [f"{key.decode()} {words(span)}" for key, span in _KEYS.items()]
        chosen = list(_KEYS.values()).index(self._by)
        return [
            Cell(words("q quit"), Tone.FAINT),
            Cell(words("rank by"), Tone.FAINT),
            *(
                Cell(f"[{text}]", Tone.STRONG) if number == chosen else Cell(f" {text} ", Tone.FAINT)
                for number, text in enumerate(spans)
            ),
        ]

    # -- the terminal ---------------------------------------------------------------------------------------------

    def _is_ours(self) -> bool:
        """Whether the shell has us in the foreground; whoever draws from the background spoils what stands there."""
        try:
            return os.tcgetpgrp(sys.stdout.fileno()) == os.getpgrp()
        except OSError:  # no job control here: nobody else draws
            return True

    def _enter(self) -> None:
        if self._is_entered:
            return
        self._is_entered = True
        self._take_keys()
        self._painter.forget()
        self._console.set_alt_screen(True)
        self._console.show_cursor(False)

    def _leave(self) -> None:
        """Back to how the terminal was; does nothing when it is so already."""
        if self._is_entered:
            self._is_entered = False
            self._console.show_cursor(True)
            self._console.set_alt_screen(False)
            self._console.file.flush()
        self._give_keys()

    def _take_keys(self) -> None:
        """Keys as they are typed, without an echo; Ctrl-C and Ctrl-Z stay what they are."""
        import termios

        if self._saved is not None or not sys.stdin.isatty():
            return
        with suppress(termios.error, OSError, ValueError):
            mode = termios.tcgetattr(sys.stdin.fileno())
            quiet = list(mode)
            quiet[3] &= ~(termios.ICANON | termios.ECHO)
            termios.tcsetattr(sys.stdin.fileno(), termios.TCSANOW, quiet)
            self._saved = mode

    def _give_keys(self) -> None:
        import termios

        mode, self._saved = self._saved, None
        # In the background the terminal is the shell's, which has set it up for itself.
        if mode is not None and self._is_ours():
            with suppress(termios.error, OSError, ValueError):
                termios.tcsetattr(sys.stdin.fileno(), termios.TCSANOW, mode)

    def _read_keys(self) -> None:
        if self._saved is None or not self._is_ours():
            return
        fileno = sys.stdin.fileno()
        with suppress(OSError, ValueError):
            while select.select([fileno], [], [], 0)[0]:
                typed = os.read(fileno, 64)
                if not typed:  # the terminal hung up
                    self._is_stopping = True
                    return
                self._is_stopping |= b"q" in typed
                chosen = [key for key in _KEYS if key in typed]
                if chosen:
                    self._by = _KEYS[chosen[-1]]
                    self._draw()

    def _stopped(self, number: int, frame: FrameType | None) -> None:
        """Ctrl-Z: leave the terminal to the shell, then stop as if nobody had minded the signal."""
        self._leave()
        deadline = time.monotonic() + _PATIENCE_S
        while not self._outlet.is_idle and time.monotonic() < deadline:
            time.sleep(0.01)
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTSTP)
        # Here we stand still, until somebody lets us go on.
        signal.signal(signal.SIGTSTP, self._stopped)

    def _continued(self, number: int, frame: FrameType | None) -> None:
        """Whoever stopped us (kill -STOP) may have changed the terminal: take it anew with the next picture."""
        self._leave()
        self._drawn = 0.0
