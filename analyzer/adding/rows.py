"""The rows of captures as a store wants them: what earlier captures left open goes on, what is open at the end is kept.

Only where earlier captures left something open (else `shared_rows` does it): the messages go through a correlator of
their own, beside that of the analysis which is printed, which knows nothing of other captures. What is left of earlier
ones is read into it first; of that only those calls and registrations are this run's of which it saw a message. The
others stay where they wait.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from analyzer.adding.shared_rows import open_calls
from analyzer.adding.tallies import Tallies
from analyzer.batch import (
    D_CAPTURE_NO,
    D_COLUMNS,
    M_CSEQ_METHOD,
    M_MESSAGE_NO,
    M_METHOD,
    METHOD_UNLISTED,
    MISSING,
    Columns,
    Datagrams,
    Ints,
    MessageBatch,
    MethodNames,
    OpenNumbers,
)
from analyzer.capture.wire import WireEvent
from analyzer.correlate.correlator import Ended
from analyzer.correlate.gaps import Gaps
from analyzer.correlate.rules import Rules
from analyzer.correlate.unending import UnendingCorrelator
from analyzer.correlate.wire import match, with_events
from analyzer.gathered import Gathered
from analyzer.stages import Stages
from analyzer.stats.route_advance import blocks
from analyzer.stats.scanners import named
from analyzer.tables.store_add import AddingLog
from analyzer.tables.store_open import CALL, REGISTRATION, TRANSACTION, Kept, joined, kept
from analyzer.tables.store_recover import SPARE, merged

#: Groups that end before their rows are written.
MANY = 50_000


class LeftOver(NamedTuple):
    """One call or registration that an earlier run left open: which run (its place), and its number there."""

    run: int
    number: int


class AddedRows(Stages):
    """From messages to the rows of a store. Batches come as another one has read them."""

    def __init__(
        self,
        rules: Rules,
        methods: MethodNames,
        log: AddingLog,
        events: Callable[[], Sequence[WireEvent]],
    ) -> None:
        """``methods`` of whoever reads; ``events``: what was seen of ICMP errors and the like."""
        self._unending = UnendingCorrelator(without=rules.without)
        super().__init__(rules, 1, self._unending, methods=methods)
        self._log = log
        self._events = events
        self._gaps = Gaps()
        self._tallies: Tallies | None = None
        self._waiting = 0
        # Numbers up to these are those of what was left over.
        self._last_call = self._last_registration = 0
        self._calls: dict[int, set[LeftOver]] = {}
        self._registrations: dict[int, set[LeftOver]] = {}
        #: Of these, those that went on.
        self.calls_on: set[int] = set()
        self._registrations_on: set[int] = set()
        #: Calls without an end when the captures were over.
        self.open_calls = 0

    # -- what was left over ----------------------------------------------------------------------------------------

    def go_on(self, begin: int, capture_no: Callable[[str, int], int]) -> None:
        """Read what earlier captures left open; these ones begin at ``begin``, ns. ``capture_no``: what a number of a
        run is here."""
        adopted = self._log.adopted
        counts = np.zeros_like(self.traffic.counts)
        streams = []
        for place, one in enumerate(adopted):
            streams.append(joined(_marked(part, place, one.run, capture_no) for part in one.messages()))
        for part in joined(merged(streams)) if streams else ():
            batch = self._read_again(part)
            links, ended, _ = self.correlator.receive(batch, counts, self.traffic.special)
            _note(self._calls, links[:, 2], part.rows[:, TRANSACTION], part.rows[:, CALL])
            _note(self._registrations, links[:, 3], part.rows[:, TRANSACTION], part.rows[:, REGISTRATION])
            self._log.keep(kept(batch, links))
            self.keep(ended)
        self._last_call = max(self._calls, default=0)
        self._last_registration = max(self._registrations, default=0)
        if adopted:
            ends = [one.last.ts for one in adopted]
            self.keep(self.correlator.advance(max(*ends, self.correlator.clock)))
            self._flush()
            self.others.columns()
            self.others.midcall()
            self.others.forget()
            for end in ends:  # nobody listened from there to here
                self._gaps.add(end, begin)
        self._tallies = Tallies(self, self._log)

    def _read_again(self, part: Kept) -> MessageBatch:
        octets = np.concatenate([part.octets, np.zeros(SPARE, dtype=np.uint8)])
        # The reading thread is giving numbers to methods just now: rare ones of earlier captures get none.
        reading, self.methods = self.methods, MethodNames()
        batch = self.read(Datagrams(octets, np.ascontiguousarray(part.rows[:, :D_COLUMNS])))
        self.methods = reading
        for column in (M_METHOD, M_CSEQ_METHOD):
            np.minimum(batch.numbers[:, column], METHOD_UNLISTED, out=batch.numbers[:, column])
        self._number(batch)
        return batch

    @property
    def taken(self) -> list[tuple[str, OpenNumbers]]:
        """What of earlier runs went on here, by run."""
        calls = [left for number in self.calls_on for left in self._calls.get(number, ())]
        registrations = [left for number in self._registrations_on for left in self._registrations.get(number, ())]
        return [
            (one.run, OpenNumbers(_numbers(calls, place), _numbers(registrations, place), _numbers([], place)))
            for place, one in enumerate(self._log.adopted)
        ]

    # -- messages --------------------------------------------------------------------------------------------------

    def enter(self, hour: int) -> None:
        """What comes next is of this hour since the epoch."""
        if self._tallies is not None:
            self._tallies.enter(hour)

    def follow(self, batch: MessageBatch, links: Ints) -> None:
        """Take a batch that the analysis has taken; ``links`` are the analysis' own."""
        self._number(batch)
        links, ended, _ = self.correlator.receive(batch, self.traffic.counts, self.traffic.special)
        self.traffic.receive(batch, links)
        for column, last, on in (
            (2, self._last_call, self.calls_on),
            (3, self._last_registration, self._registrations_on),
        ):
            if last:
                numbers = links[:, column]
                on.update(np.unique(numbers[(numbers != MISSING) & (numbers <= last)]).tolist())
        self._log.keep(kept(batch, links))
        self.keep(ended)
        if self._waiting >= MANY:
            self._flush()
        if self._log.holds_much:
            self._log.forget(self._open())

    def ended(self, ended: Sequence[Ended]) -> None:
        """This has ended in the analysis: here it may go on."""

    def at_end(self) -> None:
        """Everything was read; `close` looks what is open."""

    def _number(self, batch: MessageBatch) -> None:
        batch.numbers[:, M_MESSAGE_NO] = np.arange(self.messages + 1, self.messages + len(batch) + 1)
        self.messages += len(batch)

    def keep(self, ended: Sequence[Ended]) -> None:
        """Put what has ended into the tables; what waited when nobody listened is open."""
        for part in ended:
            self._gaps.mark(part)
            self._waiting += len(part.groups)
        super().keep(ended)
        if self._tallies is not None:
            self._tallies.ended(ended)

    # -- rows ------------------------------------------------------------------------------------------------------

    def close(self, end_ts: int, analysis: Gathered) -> OpenNumbers:
        """The captures are over at ``end_ts``, ns; returns what is open, whose rows are written as such."""
        if self.messages:
            self.keep(self.correlator.advance(max(end_ts, self.correlator.clock)))
        still_open = self._open()
        self.keep(self.correlator.close())
        self._flush(still_open)
        if self._tallies is not None:
            self._tallies.close()
        self._add("midcall", self.others.midcall(), "call_no", self._last_call, self.calls_on, {})
        return still_open

    @property
    def clock(self) -> int:
        """The clock of the captures, ns."""
        return self.correlator.clock

    def _open(self) -> OpenNumbers:
        """What is open and this run's. Transactions of neither are told as they stand at the end."""
        calls, registrations, _ = self._unending.open_numbers()
        return OpenNumbers(
            calls[_ours(calls, self._last_call, self.calls_on)],
            registrations[_ours(registrations, self._last_registration, self._registrations_on)],
            np.empty(0, dtype=np.int64),
        )

    def _flush(self, still_open: OpenNumbers | None = None) -> None:
        """Write what has ended; at the end those are counted that are open."""
        self._waiting = 0
        branches = self.calls.branches
        calls, asked, gone = self.calls.columns(), branches.blocks(), branches.columns()
        branches.forget()
        events = list(self._events())
        if len(calls):
            marked = {**calls.columns, "is_scanner": named(calls, self.rules.registry)}
            calls = Columns(calls.row_type, marked, len(calls))
            calls = with_events(calls, events, match(events, calls)) if events else calls
            calls = calls.take(_ours(calls.ints("call_no"), self._last_call, self.calls_on))
        if still_open is not None:
            self.open_calls = open_calls(calls, still_open)
        asked = blocks(asked, calls)
        keys: dict[int, str] = {}
        for table, rows in (("calls", calls), ("branches", gone), ("blocks", asked)):
            self._add(table, rows, "call_no", self._last_call, self.calls_on, keys)
        registrations = self.registrations.columns()
        self._add(
            "registrations", registrations, "registration_no", self._last_registration, self._registrations_on, keys
        )

    def _add(self, table: str, rows: Columns, number: str, last: int, on: set[int], keys: dict[int, str]) -> None:
        if len(rows):
            chosen = _ours(rows.ints(number), last, on)
            self._log.add(table, rows if chosen.all() else rows.take(chosen), keys)


def _ours(numbers: Ints, last: int, on: set[int]) -> Ints:
    """Which of some calls or registrations this run tells of: its own, and what of the earlier ones went on."""
    return np.asarray((numbers > last) | (numbers == MISSING) | np.isin(numbers, list(on)))


def _marked(part: Kept, place: int, run: str, capture_no: Callable[[str, int], int]) -> Kept:
    """Messages with the place of their run for a transaction, and their captures as they are numbered here."""
    rows = part.rows.copy()
    rows[:, TRANSACTION] = place
    different, places = np.unique(rows[:, D_CAPTURE_NO], return_inverse=True)
    rows[:, D_CAPTURE_NO] = np.array([capture_no(run, number) for number in different.tolist()], dtype=np.int64)[places]
    return Kept(rows, part.octets)


def _note(found: dict[int, set[LeftOver]], numbers: Ints, places: Ints, before: Ints) -> None:
    """Remember which numbers of earlier runs have become which here."""
    known = (numbers != MISSING) & (before != MISSING)
    if known.any():
        triples = np.unique(np.stack([numbers[known], places[known], before[known]], axis=1), axis=0)
        for number, place, earlier in triples.tolist():
            found.setdefault(number, set()).add(LeftOver(place, earlier))


def _numbers(left: Sequence[LeftOver], place: int) -> Ints:
    return np.array(sorted({one.number for one in left if one.run == place}), dtype=np.int64)
