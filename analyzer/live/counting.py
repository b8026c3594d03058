"""The counting side of a live run: messages correlated, and every second whatever has ended or was decided taken out.

Nothing is held that a run without an end would pile up: tables are emptied at every tick, names that nothing uses are
forgotten, and when too much is alive the oldest of it ends early and is counted as evicted.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from analyzer.batch import M_MESSAGE_NO, Columns, Datagrams, OpenNumbers
from analyzer.capture.wire import WireEvent
from analyzer.config import Config
from analyzer.correlate.calls import CallTable
from analyzer.correlate.correlator import Ended
from analyzer.correlate.gaps import Gaps
from analyzer.correlate.layout import G_TOLD
from analyzer.correlate.registrations import RegistrationTable
from analyzer.correlate.rules import Rules
from analyzer.correlate.unending import Stages as CallStages
from analyzer.correlate.unending import UnendingCorrelator
from analyzer.correlate.wire import match, with_events
from analyzer.issues import IssueNote
from analyzer.live.options import MAX_OPEN
from analyzer.stages import MessageSink, Stages
from analyzer.stats.counting import failures
from analyzer.stats.scanners import named
from analyzer.stats.tally import Tally

#: Failures that a screen may show.
NEWEST = 50


@dataclass(frozen=True)
class Ticked:
    """What a tick took out: tables of rows that ended, by name, and the calls that were decided.

    A call is decided once: when nothing to come is expected to change it, or as late as it ends.
    """

    ended: dict[str, Columns]
    decided: Columns


class Counting(Stages):
    """From messages to what has ended. `take` and `tick` belong to one thread."""

    def __init__(
        self,
        rules: Rules,
        config: Config,
        listeners: int,
        tally: Tally,
        *,
        most_open: int = MAX_OPEN,
        events: Callable[[], Sequence[WireEvent]] = tuple,
    ) -> None:
        """``listeners``: how many there are; ``events``: what was heard of ICMP errors and the like."""
        self._unending = UnendingCorrelator(without=rules.without)
        super().__init__(rules, listeners, self._unending)
        self.config = config
        self.tally = tally
        self.gaps = Gaps()
        #: Groups that ended early because there were too many.
        self.evicted = 0
        self.newest_failures: deque[dict[str, Any]] = deque(maxlen=NEWEST)
        self._decided = CallTable(rules, self.correlator)
        self._decided_registrations = RegistrationTable(self.correlator)
        self._most_open = most_open
        self._events = events
        self._replayed_counts = np.zeros_like(self.traffic.counts)

    def keep(self, ended: Sequence[Ended]) -> None:
        """Put what has ended into the tables; what waited when nothing could be heard is open."""
        for part in ended:
            self.gaps.mark(part)
            if len(part.groups):
                # What was not told before it ended is told now.
                self._tell(Ended(part.groups[part.groups[:, G_TOLD] == 0], part.transactions, part.text))
        super().keep(ended)

    def _tell(self, part: Ended) -> None:
        self._decided.add(part)
        self._decided_registrations.add(part)

    def tick(self, now: int, until: int | None) -> Ticked:
        """Let time pass up to ``until`` (None = not known), and take out what ended. ``now``: the time of day, ns."""
        clock = self.correlator.clock
        self.keep(self.correlator.advance(clock if until is None else max(until, clock)))
        gone, ended = self._unending.evict(self._most_open)
        if gone:
            self.evicted += gone
            self.issues.add(IssueNote("live.evicted", 1, now, detail=f"{gone} of {self._most_open}"), gone)
            self.keep(ended)
        for part in self._unending.told():
            self.gaps.mark(part)
            self._tell(part)
        self.gaps.forget(now)
        return self._taken(now)

    def close(self, now: int) -> Ticked:
        """End everything that is still open, and take it out."""
        self.keep(self.correlator.close())
        return self._taken(now)

    def replay(self, datagrams: Datagrams, sinks: Sequence[MessageSink]) -> None:
        """Take messages of a run before this one, which counted them; what ends meanwhile was handed out by it too, and
        whoever keeps it tells by its lasting key."""
        batch = self.read(datagrams)
        batch.numbers[:, M_MESSAGE_NO] = np.arange(self.messages + 1, self.messages + len(batch) + 1)
        self.messages += len(batch)
        links, ended, _ = self.correlator.receive(batch, self._replayed_counts, self.traffic.special)
        for sink in sinks:
            sink(batch, links)
        self.keep(ended)

    def resume(self, last: int, now: int) -> None:
        """Everything was replayed that was heard up to ``last``; from there to ``now``, ns, nobody listened.

        What ended or was decided by then was handed out and told by the run before.
        """
        self.keep(self.correlator.advance(max(last, self.correlator.clock)))
        self._unending.told()
        self._ended()
        self._decided_now()
        self.gaps.add(last, now)

    def open_numbers(self) -> OpenNumbers:
        """What is alive, by its numbers."""
        return OpenNumbers(*self._unending.open_numbers())

    def stages(self) -> CallStages:
        """How far the calls are that are alive."""
        return self._unending.stages()

    def _taken(self, now: int) -> Ticked:
        events = list(self._events())
        ended = self._ended()
        ended["calls"] = self._explained(ended["calls"], events)
        decided, registrations = self._decided_now()
        decided = self._explained(decided, events)
        self.tally.add(decided, registrations, now)
        self.tally.tick(now)
        failed = np.flatnonzero(failures(decided))[-NEWEST:]
        self.newest_failures.extendleft(decided.take(failed).rows())
        if self._unending.has_many_names:
            self._unending.forget_names()
            self.calls.forget_words()
            self._decided.forget_words()
        return Ticked(ended, decided)

    def _ended(self) -> dict[str, Columns]:
        """The tables of what has ended since they were taken before, which are empty then."""
        branches = self.calls.branches
        ended = {
            "calls": self.calls.columns(),
            "registrations": self.registrations.columns(),
            "others": self.others.columns(),
            "midcall": self.others.midcall(),
            "branches": branches.columns(),
            "blocks": branches.blocks(),
        }
        self.others.forget()
        branches.forget()
        return ended

    def _decided_now(self) -> tuple[Columns, Columns]:
        """Calls and registrations that were decided since."""
        calls, registrations = self._decided.columns(), self._decided_registrations.columns()
        branches = self._decided.branches
        branches.columns()
        branches.blocks()
        branches.forget()
        return calls, registrations

    def _explained(self, calls: Columns, events: list[WireEvent]) -> Columns:
        """Calls with what the wire said of their silence, and with the mark of scanners that name themselves."""
        if not len(calls):
            return calls
        marked = {**calls.columns, "is_scanner": named(calls, self.rules.registry)}
        calls = Columns(calls.row_type, marked, len(calls))
        return with_events(calls, events, match(events, calls)) if events else calls
