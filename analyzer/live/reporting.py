"""What a live run shows at a moment, made of its parts once a second."""

from __future__ import annotations

import os
import time
from collections import deque
from typing import Any

from analyzer.live.counting import Counting
from analyzer.live.hearing import Hearing
from analyzer.stats.snapshot import LiveSnapshot, Rates, SourceState

#: Notices that are remembered for the screen.
NOTICES = 20
_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


def memory_octets() -> int:
    """Resident memory of this process; 0 where the system does not tell."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * _PAGE
    except (OSError, ValueError, IndexError):
        return 0


class Reporter:
    """Makes snapshots: of the counts so far, and of how they grew since the one before."""

    def __init__(self, counting: Counting, hearing: Hearing, start_ts: int) -> None:
        self._counting = counting
        self._hearing = hearing
        self.start_ts = start_ts
        self._before: tuple[float, tuple[int, int, int, int]] | None = None
        self._rates = Rates()
        self._notices: deque[tuple[int, str]] = deque(maxlen=NOTICES)

    def notice(self, ts: int, text: str) -> None:
        """Remember something that happened to the run itself."""
        self._notices.appendleft((ts, text))

    @property
    def sources(self) -> list[SourceState]:
        """Every listener so far."""
        messages = self._counting.sip_messages
        return [
            SourceState(
                capture_no=reader.capture_no,
                name=reader.listener.name,
                kind=reader.listener.kind,
                frames=reader.frames,
                octets=reader.octets,
                sip_messages=int(messages[reader.capture_no]),
                dropped=reader.dropped,
                trouble=reader.listener.trouble,
            )
            for reader in self._hearing.timeline.readers
        ]

    def snapshot(self, now_ts: int, **of_outputs: Any) -> LiveSnapshot:
        """The moment; ``of_outputs``: the fields of `LiveSnapshot` on store and frames file."""
        counting = self._counting
        sources = self.sources
        stages = counting.stages()
        self._measure(sources)
        return LiveSnapshot(
            now_ts=now_ts,
            start_ts=self.start_ts,
            sources=sources,
            rates=self._rates,
            setting_up=stages.setting_up,
            in_call=stages.in_call,
            lingering=stages.lingering,
            open_groups=counting.correlator.open_groups,
            evicted=counting.evicted,
            tally=counting.tally,
            newest_failures=list(counting.newest_failures),
            responses=counting.traffic.responses(),
            requests=counting.traffic.requests(),
            orphans=counting.correlator.orphans,
            memory_octets=memory_octets(),
            issues=dict(counting.issues.counts),
            notices=tuple(self._notices),
            **of_outputs,
        )

    def _measure(self, sources: list[SourceState]) -> None:
        """How much came a second since the last time."""
        now = time.monotonic()
        sums = (
            sum(source.frames for source in sources),
            sum(source.octets for source in sources),
            sum(source.sip_messages for source in sources),
            self._counting.tally.since_start.calls,
        )
        if self._before is not None and now > self._before[0]:
            seconds = now - self._before[0]
            self._rates = Rates(*((new - old) / seconds for new, old in zip(sums, self._before[1], strict=True)))
        self._before = now, sums
