"""The one loop: source → copies marked → messages → correlator → whoever wants to know.

Reading and parsing run in a thread of their own, one batch ahead of correlating: the kernels hold no lock, so two
cores work at once. What comes out does not depend on it.
"""

from __future__ import annotations

import queue
import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from types import TracebackType
from typing import TypeAlias

import numpy as np

from analyzer.batch import (
    BYE,
    CANCEL,
    D_CAPTURE_NO,
    D_COPY,
    D_FRAME_NO,
    D_LAYERS,
    D_TS,
    DEFECTS,
    F_REASON_MASKED,
    F_REASON_SEVERAL,
    M_DEFECTS,
    M_FLAGS,
    M_MESSAGE_NO,
    M_METHOD,
    M_REASON_LOCATION,
    M_REASON_Q850,
    M_REASON_SIP,
    MISSING,
    S_REASON,
    Columns,
    Datagrams,
    Ints,
    MessageBatch,
    MethodNames,
)
from analyzer.capture.assembly import Assembly
from analyzer.capture.copies import Copies
from analyzer.capture.source import expand
from analyzer.capture.timeline import Timeline, timeline
from analyzer.capture.tls_keylog import read_keylog
from analyzer.correlate.calls import CallTable
from analyzer.correlate.correlator import Correlator, Ended
from analyzer.correlate.evidence import EvidenceCounts
from analyzer.correlate.layout import (
    NOTE_CLOCK_STEP,
    NOTE_LATE_RESPONSE,
    NOTE_TOO_MANY_ATTEMPTS,
    NOTE_TOO_MANY_RESPONSES,
    NOTE_TOO_MANY_WORDS,
    NOTE_UNEXPECTED_RESPONSE,
)
from analyzer.correlate.others import OtherTable
from analyzer.correlate.registrations import RegistrationTable
from analyzer.correlate.rules import Rules
from analyzer.correlate.traffic import Traffic
from analyzer.correlate.transactions import TransactionTable
from analyzer.issues import IssueLog, IssueNote
from analyzer.sip.read import read_messages, read_messages_whole

#: Gets every batch with its links (n × 4: resend_of, transaction_no, call_no, registration_no; MISSING = none). It must
#: be done with them when it returns: the octets are used again.
MessageSink: TypeAlias = Callable[[MessageBatch, Ints], None]
#: Gets pieces of a table, in the order of its rows.
TableSink: TypeAlias = Callable[[Columns], None]
#: Gets the share that is done (0 to 1, below 0 where the total is unknown) and the frames read so far.
Progress: TypeAlias = Callable[[float, int], None]

_NOTES = {
    NOTE_UNEXPECTED_RESPONSE: ("sip.unexpected_response", "{} in a state that does not expect it"),
    NOTE_LATE_RESPONSE: ("sip.late_response", "{} after the transaction's timer"),
    NOTE_TOO_MANY_RESPONSES: ("sip.too_many_responses", "{}: more different messages than are kept apart"),
    NOTE_TOO_MANY_ATTEMPTS: ("sip.too_many_attempts", "more than {} INVITEs in one call"),
    NOTE_CLOCK_STEP: ("capture.clock_step", "time goes back by {} s"),
    NOTE_TOO_MANY_WORDS: ("sip.too_many_agents", "more than {} different agents and phrases"),
}
#: Flags of messages that are worth a line as defects are.
_REMARKS = {F_REASON_SEVERAL: "sip.reason_several", F_REASON_MASKED: "sip.reason_masked"}


class Pipeline:
    """One analysis: its parts, and what they hold when `run` is over."""

    def __init__(
        self,
        paths: Sequence[str],
        rules: Rules,
        *,
        reader: str = "kernels",
        keep: Collection[str] = ("calls", "registrations"),
        has_timeline: bool = False,
        keylog: str | None = None,
        keep_copies: bool = False,
        transaction_sink: TableSink | None = None,
    ) -> None:
        self.issues = IssueLog()
        self.methods = MethodNames()
        self.reader = reader
        self.keylog = keylog
        self.rules = rules
        self.paths = expand(paths)
        #: The tables whose rows are held when `run` is over.
        self.kept = {"calls", "registrations", *keep}
        if transaction_sink is not None:
            self.kept.discard("transactions")
        has_transactions = "transactions" in keep or transaction_sink is not None
        self.correlator = Correlator(keep_transactions=has_transactions, without=rules.without)
        self.calls = CallTable(rules, self.correlator)
        self.registrations = RegistrationTable(self.correlator)
        self.others = OtherTable(rules, self.correlator, self.methods.names)
        self.transactions = (
            TransactionTable(self.correlator, self.methods.names, transaction_sink) if has_transactions else None
        )
        self.traffic = Traffic(rules, self.methods.names, has_timeline)
        self.sip_messages = np.zeros(len(self.paths) + 1, dtype=np.int64)
        #: SIP messages by capture and headers (`layer_kernels`).
        self.layer_messages: Counter[tuple[int, int]] = Counter()
        self.duplicates = np.zeros(len(self.paths) + 1, dtype=np.int64)
        #: Messages with evidence by its kind.
        self.evidence = EvidenceCounts()
        self._reads_all_reasons = rules.counts("reasons")
        self._cause_headers = rules.registry.cause_headers
        self._messages = 0
        self.copies = Copies(self.issues, keep_copies)
        self.timeline: Timeline = timeline(self.paths, self.issues, reader)
        if keylog is not None:
            self.timeline.flows.take_keys(read_keylog(keylog))
        self.assembly = Assembly(self.issues, self.timeline.flows, reader)

    def run(self, sinks: Sequence[MessageSink] = (), progress: Progress | None = None) -> None:
        """Read everything and correlate it. Raises CaptureError for what is no capture."""
        try:
            with _Ahead(self._batches) as batches:
                for batch in batches:
                    self._take(batch, sinks)
                    if progress is not None:
                        self._report(progress)
            if self.end_ts is not None and self._messages:
                self._keep(self.correlator.advance(self.end_ts))
            self._keep(self.correlator.close())
            if evicted := self.timeline.flows.evicted:
                detail = f"{evicted} flows of SIP lost their place among too many others"
                self.issues.add(IssueNote("tcp.bound", 1, detail=detail), evicted)
            if self.transactions is not None:
                self.transactions.close()
        finally:
            self.timeline.close()

    @property
    def end_ts(self) -> int | None:
        """The latest frame of all captures, ns."""
        return max((reader.end_ts for reader in self.timeline.readers if reader.end_ts is not None), default=None)

    def _report(self, progress: Progress) -> None:
        consumed, total = self.timeline.progress
        progress(consumed / total if total else -1.0, sum(reader.frames for reader in self.timeline.readers))

    def _batches(self) -> Callable[[], MessageBatch | None]:
        datagrams_to_come = self._datagrams()
        read = read_messages if self.reader == "kernels" else read_messages_whole

        def following() -> MessageBatch | None:
            for datagrams in datagrams_to_come:
                if len(datagrams.rows):
                    batch = read(datagrams, self.methods, self._cause_headers)
                    return MessageBatch(batch.octets, batch.numbers, batch.spans, self.methods.names)
            return None

        return following

    def _datagrams(self) -> Iterator[Datagrams]:
        """What stands in the captures as whole messages, copies marked."""
        for raw in self.timeline:
            for datagrams in self.assembly.receive(raw):
                self.assembly.wire.saw(datagrams.rows)
                yield from self.copies.receive(datagrams)
        for datagrams in self.assembly.close():
            self.assembly.wire.saw(datagrams.rows)
            yield from self.copies.receive(datagrams)
        yield from self.copies.close()

    def _take(self, batch: MessageBatch, sinks: Sequence[MessageSink]) -> None:
        count = len(batch)
        batch.numbers[:, M_MESSAGE_NO] = np.arange(self._messages + 1, self._messages + count + 1)
        self._messages += count
        capture_nos, is_copy = batch.numbers[:, D_CAPTURE_NO], batch.numbers[:, D_COPY] != 0
        self.sip_messages += np.bincount(capture_nos, minlength=len(self.sip_messages))
        self.duplicates += np.bincount(capture_nos[is_copy], minlength=len(self.duplicates))
        self._count_layers(batch.numbers[:, [D_CAPTURE_NO, D_LAYERS]])
        if not self._reads_all_reasons:
            _leave_reasons(batch)
        links, ended, notes = self.correlator.receive(batch, self.traffic.counts, self.traffic.special)
        self.traffic.receive(batch, links)
        self.evidence.receive(batch, links)
        self._note(batch, notes)
        for sink in sinks:
            sink(batch, links)
        self._keep(ended)

    def _count_layers(self, places: Ints) -> None:
        """Messages by headers; most batches have one kind."""
        if len(places) and (places == places[0]).all():
            self.layer_messages[tuple(places[0].tolist())] += len(places)
            return
        for place in places.tolist():
            self.layer_messages[tuple(place)] += 1

    def _keep(self, ended: Sequence[Ended]) -> None:
        for part in ended:
            self.calls.add(part)
            self.registrations.add(part)
            self.others.add(part)
            if self.transactions is not None:
                self.transactions.add(part)

    def _note(self, batch: MessageBatch, notes: Ints) -> None:
        for kind, message_no, frame_no, ts, capture_no, detail in notes.tolist():
            code, text = _NOTES[kind]
            self.issues.add(IssueNote(code, capture_no, ts, frame_no, message_no, detail=text.format(detail)))
        self._note_bits(batch, M_DEFECTS, DEFECTS)
        self._note_bits(batch, M_FLAGS, _REMARKS)

    def _note_bits(self, batch: MessageBatch, column: int, codes: Mapping[int, str]) -> None:
        """An issue for each message, copies apart, that has one of these bits set in a column."""
        bits = np.where(batch.numbers[:, D_COPY] == 0, batch.numbers[:, column] & sum(codes), 0)
        if not bits.any():
            return
        for bit, code in codes.items():
            rows = np.flatnonzero(bits & bit)
            room = max(IssueLog.ROWS_PER_CODE - self.issues.counts.get(code, 0), 0)
            for row in rows[:room].tolist():
                columns = (D_CAPTURE_NO, D_TS, D_FRAME_NO, M_MESSAGE_NO)
                capture_no, ts, frame_no, message_no = (int(batch.numbers[row, c]) for c in columns)
                self.issues.add(IssueNote(code, capture_no, ts, frame_no, message_no, MISSING))
            if len(rows) > room:
                self.issues.counts[code] = self.issues.counts.get(code, 0) + len(rows) - room


def _leave_reasons(batch: MessageBatch) -> None:
    """Read Reason in BYE and CANCEL alone, as counting without the rule ``reasons`` does."""
    elsewhere = ~np.isin(batch.numbers[:, M_METHOD], (BYE, CANCEL))
    for column, none in ((M_REASON_Q850, MISSING), (M_REASON_SIP, MISSING), (M_REASON_LOCATION, -1)):
        batch.numbers[elsewhere, column] = none
    batch.spans[elsewhere, S_REASON] = (0, -1)


class _Failure:
    """An exception on its way from the reading thread."""

    def __init__(self, error: BaseException) -> None:
        self.error = error


class _Ahead:
    """Batches made in a thread, one ahead of whoever takes them."""

    def __init__(self, batches: Callable[[], Callable[[], MessageBatch | None]]) -> None:
        # One batch is taken, one waits, one is being made: no window is used again while it is looked at.
        self._queue: queue.Queue[MessageBatch | _Failure | None] = queue.Queue(maxsize=1)
        self._stop = threading.Event()
        self._batches = batches
        self._thread = threading.Thread(target=self._make, name="sipcause-reader", daemon=True)
        self._thread.start()

    def _make(self) -> None:
        try:
            following = self._batches()
            while not self._stop.is_set():
                batch = following()
                self._put(batch)
                if batch is None:
                    return
        except BaseException as error:
            self._put(_Failure(error))

    def _put(self, item: MessageBatch | _Failure | None) -> None:
        while not self._stop.is_set():
            try:
                self._queue.put(item, timeout=0.2)
                return
            except queue.Full:
                continue

    def __enter__(self) -> Iterator[MessageBatch]:
        return self._taken()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _taken(self) -> Iterator[MessageBatch]:
        while True:
            item = self._queue.get()
            if isinstance(item, _Failure):
                raise item.error
            if item is None:
                return
            yield item
