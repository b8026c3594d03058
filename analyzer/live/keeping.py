"""A live run and its store: what ended, what is open, what each listener did; and going on where a run before ended."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from analyzer.batch import D_CAPTURE_NO, MISSING, Datagrams, OpenNumbers
from analyzer.findings import IntervalRow, KeptCaptureRow, TrafficRow
from analyzer.live.counting import Counting, Ticked
from analyzer.live.reporting import Reporter
from analyzer.periods import period_of
from analyzer.stats.snapshot import SourceState
from analyzer.stats.traffic_steps import TrafficSteps
from analyzer.tables import columns_of_rows
from analyzer.tables.store_keys import source_row

if TYPE_CHECKING:
    from analyzer.tables.store import StoreWriter

#: How often the loop looks, s.
TICK_S = 1.0
SECOND = 1_000_000_000
#: Tables of a tick that are stored as they are.
_TABLES = ("calls", "registrations", "others", "midcall", "branches", "blocks")


class Keeping:
    """Feeds a store. Everything is of the counting thread."""

    def __init__(
        self,
        writer: StoreWriter,
        counting: Counting,
        reporter: Reporter,
        every_s: float,
        notice: Callable[[int, str], None],
    ) -> None:
        """``every_s``: how much a kill -9 may cost, at least `TICK_S`."""
        self._writer = writer
        self._counting = counting
        self._reporter = reporter
        # It is looked once a tick, and what came since the look before must not be older than that when it is written.
        self._every_s = max(every_s - TICK_S, 0.0)
        self._notice = notice
        self._due = time.monotonic() + self._every_s
        self._from_ts = reporter.start_ts
        self._traffic = TrafficSteps(counting.traffic)
        self._sources: dict[int, SourceState] = {}
        self._evicted = self._unstored = 0
        self._named_until = MISSING
        self._trouble: str | None = None
        self.committed_ts: int | None = None

    @property
    def text(self) -> str:
        """The store in a few words."""
        return str(self._writer.folder)

    @property
    def trouble(self) -> str | None:
        """Why not everything is in the store; None while all is well."""
        return self._writer.trouble

    def recover(self, now: int) -> None:
        """Go on with what dead runs left open. What happened meanwhile nobody heard: it is a gap."""
        for text in self._writer.notices:
            self._notice(now, text)
        recovered = self._writer.recover()
        # To its end even if there is nothing: the store is not written before.
        for datagrams in recovered.datagrams:
            self._counting.replay(_ours(datagrams, len(self._counting.sip_messages) - 1), [self._writer.keep])
        for text in recovered.notices:
            self._notice(now, text)
        if recovered.last_ts == MISSING:
            return
        self._counting.resume(recovered.last_ts, now)
        if recovered.messages:
            calls = self._counting.stages()
            self._notice(
                now,
                f"goes on with {calls.setting_up + calls.in_call} open calls, "
                f"{(now - recovered.last_ts) / 1e9:,.1f} s after the last thing that was stored",
            )

    def take(self, ticked: Ticked) -> None:
        """Rows that ended."""
        for name in _TABLES:
            if name in ticked.ended:
                self._writer.add(name, ticked.ended[name])

    def tick(self, now: int) -> None:
        """Write when it is time to, and say when that fails or goes on."""
        if time.monotonic() >= self._due and self._commit(now):
            self._due = time.monotonic() + self._every_s
        trouble = self._writer.trouble
        if (trouble is None) != (self._trouble is None):
            self._notice(now, trouble or "the store is written again")
        self._trouble = trouble

    def _commit(self, now: int) -> bool:
        if self._writer.is_busy:
            return False
        self._add_sources(now)
        self._add_interval(now)
        self._add_traffic(now)
        begun = self._writer.commit(self._counting.open_numbers(), self._clock(now))
        if begun:
            self.committed_ts = now
        return begun

    def close(self, now: int, still_open: OpenNumbers, ticked: Ticked) -> None:
        """Write what a run's end gives, and what a next run goes on with: that one will tally what is no call and no
        registration (calls and registrations are told apart by their keys, tallies cannot be)."""
        del ticked.ended["others"]
        self.take(ticked)
        self._add_sources(now)
        self._add_interval(now)
        self._add_traffic(now)
        self._writer.close(still_open, self._clock(now))
        if self._writer.trouble is not None:
            self._notice(now, self._writer.trouble)

    def _clock(self, now: int) -> int:
        return max(self._counting.correlator.clock, now)

    def _add_interval(self, now: int) -> None:
        calls = self._counting.stages()
        evicted, unstored = self._counting.evicted, self._writer.lost_rows
        rows = []
        for source in self._reporter.sources:
            before = self._sources.get(source.capture_no)
            frames, octets, messages, dropped = (
                (source.frames, source.octets, source.sip_messages, source.dropped)
                if before is None
                else (
                    source.frames - before.frames,
                    source.octets - before.octets,
                    source.sip_messages - before.sip_messages,
                    source.dropped - before.dropped,
                )
            )
            rows.append(
                IntervalRow(
                    source=source.name,
                    kind=source.kind,
                    from_ts=self._from_ts,
                    to_ts=now,
                    frames=frames,
                    octets=octets,
                    sip_messages=messages,
                    dropped=dropped,
                    open_calls=calls.setting_up + calls.in_call,
                    evicted=evicted - self._evicted,
                    unstored=unstored - self._unstored,
                )
            )
            self._sources[source.capture_no] = source
        self._from_ts, self._evicted, self._unstored = now, evicted, unstored
        if rows:
            self._writer.add("intervals", columns_of_rows(IntervalRow, rows))

    def _add_traffic(self, now: int) -> None:
        rows = self._traffic.rows(now)
        if rows:
            self._writer.add("traffic", columns_of_rows(TrafficRow, rows))

    def _add_sources(self, now: int) -> None:
        """What each ``capture_no`` stands for, once a local day."""
        if now < self._named_until:
            return
        day = datetime.fromtimestamp(now // SECOND, UTC).astimezone(self._writer.zone).date()
        end = period_of(day, day, self._writer.zone).to_ts
        rows = [
            source_row(self._writer.run, source.capture_no, source.name, source.kind, self._from_ts, end)
            for source in self._reporter.sources
        ]
        if rows:
            self._writer.add("captures", columns_of_rows(KeptCaptureRow, rows))
        self._named_until = end


def _ours(datagrams: Datagrams, listeners: int) -> Datagrams:
    """Messages of another run, whose listeners may have been others."""
    rows = datagrams.rows
    rows[:, D_CAPTURE_NO] = rows[:, D_CAPTURE_NO].clip(1, max(listeners, 1))
    return datagrams
