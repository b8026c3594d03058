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
from collections.abc import Iterable, Mapping
from contextlib import suppress
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any, Self

from rich.console import Console, ConsoleOptions
from rich.live import Live
from rich.segment import Segment
from rich.style import Style

from analyzer.batch import Columns
from analyzer.stats.snapshot import LiveSnapshot
from analyzer.ui.cli.live_layout import Line, laid_out
from analyzer.ui.cli.live_lines import noted, summary_lines
from analyzer.ui.cli.outlet import Outlet
from analyzer.ui.cli.printing import STYLES
from analyzer.views.live import live_view
from analyzer.views.live_tables import SPANS
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
_KEYS = {b"m": "minute", b"h": "hour", b"s": "start"}


class _Terminal(io.TextIOBase):
    """What rich writes to: whole pictures go to the outlet."""

    def __init__(self, outlet: Outlet) -> None:
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


class Picture:
    """Lines for rich, as wide and high as the console is when it draws them."""

    def __init__(self, lines: Iterable[Line]) -> None:
        self._lines = list(lines)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterable[Segment]:
        for number, line in enumerate(self._lines):
            if number:
                yield Segment.line()
            for text, tone in line:
                yield Segment(text, _STYLES[tone])


class LiveScreen:
    """A full screen for a run; see `analyzer.live.screen.Screen`."""

    def __init__(self, registry: Registry, config: Config, words: Words) -> None:
        self._registry = registry
        self._config = config
        self._words = words
        self._outlet = Outlet(sys.stdout.fileno(), _PICTURE_ROOM)
        self._console = Console(file=_Terminal(self._outlet), highlight=False)
        self._live: Live | None = None
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

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

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
        if self._live is None or self._snapshot is None:
            return
        view = live_view(self._snapshot, self._registry, self._config, self._words, self._by)
        width, height = self._console.size
        is_unicode = self._console.encoding.startswith("utf")
        self._live.update(Picture(laid_out(view, self._footer(), width, height, is_unicode)), refresh=True)

    def _footer(self) -> list[Cell]:
        keys = self._words("q quit   m h s: ranked by minute, hour, start")
        now = self._words("now: {span}", span=self._words(self._by))
        return [Cell(keys if self._saved is not None else "", Tone.FAINT), Cell(now, Tone.FAINT)]

    # -- the terminal ---------------------------------------------------------------------------------------------

    def _is_ours(self) -> bool:
        """Whether the shell has us in the foreground; whoever draws from the background spoils what stands there."""
        try:
            return os.tcgetpgrp(sys.stdout.fileno()) == os.getpgrp()
        except OSError:  # no job control here: nobody else draws
            return True

    def _enter(self) -> None:
        if self._live is not None:
            return
        self._take_keys()
        self._live = Live(
            console=self._console, screen=True, auto_refresh=False, redirect_stdout=False, redirect_stderr=False
        )
        self._live.start()

    def _leave(self) -> None:
        """Back to how the terminal was; does nothing when it is so already."""
        live, self._live = self._live, None
        if live is not None:
            live.stop()
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
