"""What stands behind every reader: messages counted, correlated, judged and noted, for files and for a wire alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
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
    Datagrams,
    Ints,
    MessageBatch,
    MethodNames,
)
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
from analyzer.issues import IssueLog, IssueNote
from analyzer.sip.read import read_messages, read_messages_whole

#: Gets every batch with its links (n × 4: resend_of, transaction_no, call_no, registration_no; MISSING = none). It must
#: be done with them when it returns: the octets are used again.
MessageSink: TypeAlias = Callable[[MessageBatch, Ints], None]

#: Different headers around messages that are told apart, over all captures; strangers choose them.
MAX_LAYERS = 10_000

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


class Stages:
    """Everything from messages to rows, and what it holds."""

    def __init__(
        self,
        rules: Rules,
        captures: int,
        correlator: Correlator,
        reader: str = "kernels",
        has_timeline: bool = False,
        methods: MethodNames | None = None,
    ) -> None:
        """``captures``: how many captures or listeners there are; ``reader`` as for `open_reader`; ``methods`` of
        whoever reads the messages, where that is somebody else."""
        self.issues = IssueLog()
        self.methods = MethodNames() if methods is None else methods
        self.rules = rules
        self.reader = reader
        self.correlator = correlator
        self.calls = CallTable(rules, self.correlator)
        self.registrations = RegistrationTable(self.correlator)
        self.others = OtherTable(rules, self.correlator, self.methods.names)
        self.traffic = Traffic(rules, self.methods.names, has_timeline)
        self.sip_messages = np.zeros(captures + 1, dtype=np.int64)
        #: SIP messages by capture and headers (`layer_kernels`).
        self.layer_messages: Counter[tuple[int, int]] = Counter()
        self.duplicates = np.zeros(captures + 1, dtype=np.int64)
        #: Messages with evidence by its kind.
        self.evidence = EvidenceCounts()
        self.messages = 0
        self._reads_all_reasons = rules.counts("reasons")
        self._cause_headers = rules.registry.cause_headers

    def read(self, datagrams: Datagrams) -> MessageBatch:
        """The header fields of whole messages, as columns. May run in another thread than the rest."""
        read = read_messages if self.reader == "kernels" else read_messages_whole
        batch = read(datagrams, self.methods, self._cause_headers)
        return MessageBatch(batch.octets, batch.numbers, batch.spans, self.methods.names)

    def take(self, batch: MessageBatch, sinks: Sequence[MessageSink]) -> None:
        """Number, count and correlate a batch, show it to the sinks, and keep what has ended."""
        count = len(batch)
        batch.numbers[:, M_MESSAGE_NO] = np.arange(self.messages + 1, self.messages + count + 1)
        self.messages += count
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
        self.keep(ended)

    def _count_layers(self, places: Ints) -> None:
        """Messages by headers; most batches have one kind."""
        if len(places) and (places == places[0]).all():
            self.layer_messages[tuple(places[0].tolist())] += len(places)
            return
        for capture_no, layers in places.tolist():
            is_known = (capture_no, layers) in self.layer_messages
            known = layers if is_known or len(self.layer_messages) < MAX_LAYERS else 0
            self.layer_messages[capture_no, known] += 1

    def keep(self, ended: Sequence[Ended]) -> None:
        """Put what has ended into the tables."""
        for part in ended:
            self.calls.add(part)
            self.registrations.add(part)
            self.others.add(part)

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
