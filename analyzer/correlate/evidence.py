"""What messages say about why: every Reason, Warning, maker's header field, ISUP release and Retry-After, kept apart.

The columns of a batch say which messages carry something; those few are parsed whole. Copies give no evidence, and
what a resend repeats stands once.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping

import numpy as np

from analyzer.batch import (
    D_CAPTURE_NO,
    D_COPY,
    D_FRAME_NO,
    D_LENGTH,
    D_NETWORK,
    D_OFFSET,
    D_SRC_HI,
    D_SRC_LO,
    D_TS,
    D_WIRE_LENGTH,
    M_ISUP_CAUSE,
    M_MESSAGE_NO,
    M_RETRY_AFTER,
    M_VENDOR_CAUSE,
    MISSING,
    S_REASON,
    S_WARNING,
    Ints,
    MessageBatch,
)
from analyzer.capture.address import address_text
from analyzer.correlate.labels import known
from analyzer.findings import EvidenceRow
from analyzer.registry import Registry
from analyzer.sip.grammar import BLANKS, leading_number, masked, unquoted
from analyzer.sip.message import Message
from analyzer.sip.parse import ParseError, parse_message
from analyzer.sip.reason import LOCATIONS, read_reason
from analyzer.vocab import EvidenceKind, Position
from analyzer.wiretext import printable

#: The columns of ``links`` that are asked (`pipeline.MessageSink`).
L_RESEND_OF, L_CALL_NO = 0, 2
#: A number beyond this is no cause and no code.
_LARGEST = 2**31 - 1

# warning-value = warn-code SP warn-agent SP warn-text, RFC 3261 §20.43.
_WARNING = re.compile(rb"[ \t]*([0-9]{3})[ \t]+([^ \t]+)[ \t]*(.*)", re.DOTALL)


class Evidence:
    """Finds evidence in batches; the registry says which header fields explain a failure (headers.toml, vendors/)."""

    def __init__(self, registry: Registry) -> None:
        self._names = registry.explaining_headers
        self._cause_headers = registry.cause_headers
        names = b"|".join(re.escape(name.encode()) for name in self._names)
        self._field = re.compile(rb"\n(?:" + names + rb")[ \t]*:", re.IGNORECASE) if names else None

    def rows(self, batch: MessageBatch, links: Ints) -> Iterator[EvidenceRow]:
        """The evidence of a batch in the order of its messages; ``links`` as in `pipeline.MessageSink`."""
        numbers = batch.numbers
        says = np.logical_or.reduce(list(_carriers(batch).values()))
        says |= self._named(batch)
        for row in np.flatnonzero(says & _is_first(numbers, links)).tolist():
            start, length = (int(numbers[row, column]) for column in (D_OFFSET, D_LENGTH))
            octets = batch.octets[start : start + length].tobytes()
            try:
                message = parse_message(octets, int(numbers[row, D_WIRE_LENGTH]), self._cause_headers)
            except ParseError:  # somebody else's content test has let it through
                continue
            has_reason = int(batch.spans[row, S_REASON, 1]) >= 0
            yield from self._of_message(message, numbers[row], known(links[row, L_CALL_NO]), has_reason)

    def _named(self, batch: MessageBatch) -> np.ndarray:
        """Which messages hold the name of a header field that no column tells of."""
        found = np.zeros(len(batch), dtype=np.bool_)
        if self._field is None or not len(batch):
            return found
        order = np.argsort(batch.numbers[:, D_OFFSET], kind="stable")
        starts = batch.numbers[order, D_OFFSET]
        ends = starts + batch.numbers[order, D_LENGTH]
        base, end = int(starts[0]), int(ends.max())
        for match in self._field.finditer(batch.octets[base:end].tobytes()):
            at = int(np.searchsorted(starts, base + match.start(), side="right")) - 1
            if at >= 0 and base + match.end() <= ends[at]:
                found[order[at]] = True
        return found

    def _of_message(
        self, message: Message, numbers: Ints, call_no: int | None, has_reason: bool
    ) -> Iterator[EvidenceRow]:
        base = EvidenceRow(
            message_no=int(numbers[M_MESSAGE_NO]),
            capture_no=int(numbers[D_CAPTURE_NO]),
            frame_no=int(numbers[D_FRAME_NO]),
            ts=int(numbers[D_TS]),
            call_no=call_no,
            network=known(numbers[D_NETWORK]),
            sender_ip=address_text(int(numbers[D_SRC_HI]), int(numbers[D_SRC_LO])),
            position=_position(message),
            status_code=message.status_code,
            method=message.method or message.cseq_method,
            kind=EvidenceKind.REASON,
            protocol=None,
            cause=None,
            location=None,
            text=None,
        )
        for field in message.headers.all("reason") if has_reason else ():
            for value in read_reason(field):
                location = LOCATIONS[value.location].decode().upper() if value.location >= 0 else None
                yield base._replace(
                    protocol=printable(value.protocol),
                    cause=_number(value.cause),
                    location=location,
                    text=_text(value.text),
                )
        for field in message.headers.all("warning"):
            yield from _warnings(field, base._replace(kind=EvidenceKind.WARNING, protocol="Warning"))
        for header in message.headers:
            name = self._names.get(header.name.lower())
            if name is not None:
                cause = _number(leading_number(header.value))
                yield base._replace(
                    kind=EvidenceKind.VENDOR_HEADER, protocol=name, cause=cause, text=_text(header.value)
                )
        if message.isup_cause is not None:
            yield base._replace(kind=EvidenceKind.ISUP, protocol="ISUP", cause=message.isup_cause)
        for field in message.headers.all("retry-after"):
            yield base._replace(kind=EvidenceKind.RETRY_AFTER, protocol="Retry-After", text=_text(field))


class EvidenceCounts:
    """How many messages carry each kind of evidence, by their columns alone."""

    def __init__(self) -> None:
        self._counts: Counter[EvidenceKind] = Counter()

    def receive(self, batch: MessageBatch, links: Ints) -> None:
        """Count a batch."""
        is_first = _is_first(batch.numbers, links)
        for kind, mask in _carriers(batch).items():
            self._counts[kind] += int(np.count_nonzero(mask & is_first))

    @property
    def counts(self) -> Mapping[EvidenceKind, int]:
        """Messages by kind; kinds without any are left out."""
        return {kind: count for kind, count in self._counts.items() if count}


def _carriers(batch: MessageBatch) -> dict[EvidenceKind, np.ndarray]:
    """Which messages carry what, as far as columns tell."""
    numbers, spans = batch.numbers, batch.spans
    return {
        EvidenceKind.REASON: spans[:, S_REASON, 1] >= 0,
        EvidenceKind.WARNING: spans[:, S_WARNING, 1] >= 0,
        EvidenceKind.VENDOR_HEADER: numbers[:, M_VENDOR_CAUSE] != MISSING,
        EvidenceKind.ISUP: numbers[:, M_ISUP_CAUSE] != MISSING,
        EvidenceKind.RETRY_AFTER: numbers[:, M_RETRY_AFTER] != MISSING,
    }


def _is_first(numbers: Ints, links: Ints) -> np.ndarray:
    """Messages that are neither copies nor resends."""
    first: np.ndarray = (numbers[:, D_COPY] == 0) & (links[:, L_RESEND_OF] == MISSING)
    return first


def _position(message: Message) -> Position:
    if message.status_code is not None:
        return Position.PROVISIONAL if message.status_code < 200 else Position.FINAL
    return {"CANCEL": Position.CANCEL, "BYE": Position.BYE}.get(message.method or "", Position.REQUEST)


def _warnings(field: bytes, base: EvidenceRow) -> Iterator[EvidenceRow]:
    """The values of a Warning field, several of them separated by commas."""
    for value in masked(field).split(b","):
        parts = _WARNING.fullmatch(value.text)
        if parts is not None:
            yield base._replace(cause=int(parts[1]), text=_text(unquoted(parts[3].strip(BLANKS))))


def _text(octets: bytes | None) -> str | None:
    return printable(octets) if octets else None


def _number(value: int | None) -> int | None:
    return value if value is not None and value <= _LARGEST else None

