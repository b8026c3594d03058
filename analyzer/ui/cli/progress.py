"""A progress line on standard error, for what takes longer than a second; only where a person sees it."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any

#: What is over sooner needs no progress line.
_PATIENCE = 1.0
_EVERY = 0.1


class Progress:
    """Call it with the share that is done (0 to 1; below 0 where the total is unknown) and the frames so far."""

    def __init__(self, quiet: bool = False) -> None:
        self._is_shown = not quiet and sys.stderr.isatty()
        self._start = self._drawn = time.monotonic()
        self._bar: Any = None

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, share: float, frames: int) -> None:
        """Draw, at most ten times a second."""
        if not self._is_shown:
            return
        now = time.monotonic()
        if now - self._start < _PATIENCE or now - self._drawn < _EVERY:
            return
        self._drawn = now
        if self._bar is None:
            self._bar = _bar()
            self._task = self._bar.add_task("", total=1.0, rate="")
        rate = f"{frames / (now - self._start):,.0f} frames/s"
        self._bar.update(
            self._task, completed=share if share >= 0 else None, total=1.0 if share >= 0 else None, rate=rate
        )
        self._bar.refresh()


def _bar() -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    bar = Bar(
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        auto_refresh=False,
    )
    bar.start()
    return bar
