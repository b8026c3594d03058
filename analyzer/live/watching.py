"""What happens to a run itself, said when it begins and when it is over: links, drops, the frames file."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from analyzer.capture.live import LiveReader
from analyzer.capture.rotate import FramesFile
from analyzer.correlate.gaps import Gaps
from analyzer.vocab import SourceKind

_SECOND = 1_000_000_000


class Watch:
    """Looks once a second. ``notice`` gets a time, ns, and a line for a person."""

    def __init__(
        self,
        readers: Sequence[LiveReader],
        frames: FramesFile | None,
        gaps: Gaps,
        notice: Callable[[int, str], None],
    ) -> None:
        self._readers = readers
        self._frames = frames
        self._gaps = gaps
        self._notice = notice
        self._down_since: dict[int, int] = {}
        self._lossy: set[int] = set()
        self._frames_trouble: str | None = None

    def look(self, now: int) -> None:
        """Say what has changed."""
        for reader in self._readers:
            self._look_at(reader, now)
            if reader.dropped and reader.capture_no not in self._lossy:
                self._lossy.add(reader.capture_no)
                name = reader.listener.name
                self._notice(now, f"{name}: the first {reader.dropped:,} frames were dropped before they could be read")
        if self._frames is not None:
            trouble = self._frames.trouble
            if (trouble is None) != (self._frames_trouble is None):
                self._notice(now, trouble or f"frames are written again; {self._frames.lost:,} were lost")
            self._frames_trouble = trouble

    def _look_at(self, reader: LiveReader, now: int) -> None:
        """A listener that hears nothing, or does again; a time in which none of all interfaces did is a gap."""
        number, name, trouble = reader.capture_no, reader.listener.name, reader.listener.trouble
        since = self._down_since.get(number)
        if trouble is not None and since is None:
            self._down_since[number] = now
            self._notice(now, f"{name} {trouble}; waits for it")
        elif trouble is None and since is not None:
            were_all_down = len(self._down_since) == len(self._readers)
            if were_all_down and all(other.listener.kind == SourceKind.LIVE for other in self._readers):
                self._gaps.add(max(self._down_since.values()), now)
            del self._down_since[number]
            self._notice(now, f"{name} is back after {(now - since) / _SECOND:,.0f} s")
