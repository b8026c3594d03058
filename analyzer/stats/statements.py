"""What a message says about why: Reasons, Warnings, makers' header fields, Retry-After, an ISUP release, in order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from analyzer.sip.body import ISUP, parts
from analyzer.sip.grammar import leading_number, whole_number
from analyzer.sip.isup import isup_release_cause
from analyzer.sip.message import Message
from analyzer.sip.reason import LOCATIONS, read_reason
from analyzer.vocab import EvidenceKind
from analyzer.wiretext import printable


class Statement(NamedTuple):
    """One statement: ``protocol`` is the Reason's protocol or the name of the header field."""

    kind: EvidenceKind
    protocol: str
    cause: int | None
    location: str | None
    text: str | None


def statements(message: Message) -> Iterator[Statement]:
    """Everything that a message states, header fields in their order, the body last."""
    for header in message.headers:
        name = header.name.lower()
        if name == "reason":
            for value in read_reason(header.value):
                location = LOCATIONS[value.location].decode().upper() if value.location >= 0 else None
                said = None if value.text is None else printable(value.text)
                yield Statement(EvidenceKind.REASON, printable(value.protocol), value.cause, location, said)
        elif name == "warning":
            said = printable(header.value)
            yield Statement(EvidenceKind.WARNING, "Warning", leading_number(header.value), None, said)
        elif name == "retry-after":
            said = printable(header.value)
            yield Statement(EvidenceKind.RETRY_AFTER, "Retry-After", None, None, said)
        elif name in message.cause_headers:
            said = printable(header.value)
            yield Statement(EvidenceKind.VENDOR_HEADER, header.name, whole_number(header.value), None, said)
    for part in parts(message.headers.first("content-type"), message.body):
        cause = isup_release_cause(part.content) if part.media_type == ISUP else None
        if cause is not None:
            yield Statement(EvidenceKind.ISUP, "ISUP REL", cause, None, None)
