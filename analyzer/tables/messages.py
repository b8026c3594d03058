"""The messages table: numbers and spans of a batch → columns of `schema.MessageRow`.

The columns own their octets, so the window that the batch was read from may be reused. What repeats
(addresses, methods, phrases, agents) becomes labels by a hash of the octets, the rest is copied end to end.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analyzer import batch as b
from analyzer.batch import MISSING, AnyColumn, Columns, Ints, Labels, MessageBatch, Texts
from analyzer.capture.address import address_text
from analyzer.schema import MessageRow
from analyzer.sip.reason import read_reason
from analyzer.tables.dictionary_kernels import number_pairs, number_texts
from analyzer.tables.texts import end_to_end
from analyzer.vocab import Transport, names
from analyzer.wiretext import printable

#: The columns of ``links``.
L_RESEND_OF, L_TRANSACTION_NO, L_CALL_NO, L_REGISTRATION_NO = range(4)

# The key of the hashes: no capture can be made to collide without knowing it.
_KEY = np.uint64(secrets.randbits(64))

_NUMBERS = {
    "message_no": b.M_MESSAGE_NO, "capture_no": b.D_CAPTURE_NO, "frame_no": b.D_FRAME_NO, "ts": b.D_TS,
    "network": b.D_NETWORK, "src_port": b.D_SRC_PORT, "dst_port": b.D_DST_PORT, "cseq": b.M_CSEQ,
    "via_count": b.M_VIA_COUNT, "body_len": b.M_BODY_LEN, "retry_after": b.M_RETRY_AFTER,
    "max_forwards": b.M_MAX_FORWARDS, "raw_len": b.M_LENGTH,
}  # fmt: skip
_TEXTS = {
    "request_uri": b.S_REQUEST_URI, "call_id": b.S_CALL_ID, "from_uri": b.S_FROM_URI,
    "from_tag": b.S_FROM_TAG, "to_uri": b.S_TO_URI, "to_tag": b.S_TO_TAG, "contact_uri": b.S_CONTACT_URI,
    "via_branch": b.S_BRANCH, "session_id": b.S_SESSION_ID,
}  # fmt: skip
_LABELS = {
    "reason_phrase": b.S_REASON_PHRASE, "via_sent_by": b.S_SENT_BY, "user_agent": b.S_AGENT,
    "content_type": b.S_CONTENT_TYPE,
}  # fmt: skip
_FLAGS = {"has_credentials": b.F_HAS_CREDENTIALS, "stale": b.F_STALE, "has_sdp": b.F_HAS_SDP}
_LINKS = {
    "resend_of": L_RESEND_OF, "transaction_no": L_TRANSACTION_NO, "call_no": L_CALL_NO,
    "registration_no": L_REGISTRATION_NO,
}  # fmt: skip


def message_columns(batch: MessageBatch, links: Ints, methods: Sequence[str]) -> Columns:
    """The rows of the messages table for one batch.

    ``links`` (int64, n × 4) holds resend_of, transaction_no, call_no and registration_no, MISSING where there
    is none; ``methods`` the method names by number (`MethodNames.names`).
    """
    numbers, length = batch.numbers, len(batch)
    made: dict[str, AnyColumn] = {name: numbers[:, column].copy() for name, column in _NUMBERS.items()}
    made |= {name: links[:, column].copy() for name, column in _LINKS.items()}
    made |= {name: (numbers[:, b.M_FLAGS] & flag) != 0 for name, flag in _FLAGS.items()}
    made |= {name: _texts(batch, span) for name, span in _TEXTS.items()}
    made |= {name: _labels(batch, span) for name, span in _LABELS.items()}
    is_request = numbers[:, b.M_METHOD] != 0
    made["is_request"] = is_request
    made["is_copy"] = numbers[:, b.D_COPY] != 0
    made["status_code"] = np.where(is_request, MISSING, numbers[:, b.M_STATUS])
    made["method"] = Labels(_codes(numbers[:, b.M_METHOD]), methods)
    made["cseq_method"] = Labels(_codes(numbers[:, b.M_CSEQ_METHOD]), methods)
    made["transport"] = Labels(numbers[:, b.D_TRANSPORT].astype(np.int32), names(Transport))
    made["src_ip"] = _addresses(numbers, b.D_SRC_HI, b.D_SRC_LO)
    made["dst_ip"] = _addresses(numbers, b.D_DST_HI, b.D_DST_LO)
    made["reason_protocol"], made["reason_cause"] = _reasons(batch)
    lead = numbers[:, b.M_START] - numbers[:, b.D_OFFSET]  # line ends before the start line
    offset = numbers[:, b.D_FILE_OFFSET]
    made["raw_offset"] = np.where(offset == MISSING, MISSING, offset + lead)
    return Columns(MessageRow, made, length)


def _codes(method_numbers: Ints) -> NDArray[np.int32]:
    """Method numbers as label codes: 0, no method, is missing."""
    return np.where(method_numbers == 0, -1, method_numbers).astype(np.int32)


def _span(batch: MessageBatch, which: int) -> tuple[Ints, NDArray[np.int32]]:
    return batch.spans[:, which, 0].astype(np.int64), np.ascontiguousarray(batch.spans[:, which, 1])


def _texts(batch: MessageBatch, which: int) -> Texts:
    starts, lengths = _span(batch, which)
    octets, offsets, _ = end_to_end(batch.octets, starts, lengths)
    return Texts(octets, offsets[:-1], lengths)


def _numbered(length: int, count: Callable[..., int], *columns: Any) -> tuple[NDArray[np.int32], list[int]]:
    """Codes of a column's rows and, for each code, the row where it stands first."""
    table = np.full(1 << (2 * length).bit_length(), -1, dtype=np.int32)
    codes = np.empty(length, dtype=np.int32)
    firsts = np.empty(length, dtype=np.int64)
    different = count(*columns, _KEY, table, codes, firsts)
    return codes, firsts[:different].tolist()


def _distinct(batch: MessageBatch, which: int) -> tuple[NDArray[np.int32], list[bytes]]:
    """Codes of a span's texts, and the octets of each different one."""
    starts, lengths = _span(batch, which)
    codes, firsts = _numbered(len(batch), number_texts, batch.octets, starts, lengths)
    return codes, [batch.octets[starts[row] : starts[row] + lengths[row]].tobytes() for row in firsts]


def _labels(batch: MessageBatch, which: int) -> Labels:
    codes, texts = _distinct(batch, which)
    return Labels(codes, [printable(text) for text in texts])


def _addresses(numbers: Ints, hi_column: int, lo_column: int) -> Labels:
    hi, lo = numbers[:, hi_column].copy(), numbers[:, lo_column].copy()
    codes, firsts = _numbered(len(numbers), number_pairs, hi, lo)
    return Labels(codes, [address_text(int(hi[row]), int(lo[row])) for row in firsts])


def _reasons(batch: MessageBatch) -> tuple[Labels, Ints]:
    """Protocol and cause of the first value of each message's first Reason header field."""
    codes, fields = _distinct(batch, b.S_REASON)
    first = [next(read_reason(field), None) for field in fields]
    protocols = [printable(value.protocol) if value else None for value in first]
    causes = [MISSING if value is None or value.cause is None else value.cause for value in first]
    cause_of = np.array([*causes, MISSING], dtype=np.int64)  # code -1, no Reason, takes the last
    known = {name: number for number, name in enumerate(dict.fromkeys(p for p in protocols if p is not None))}
    protocol_of = np.array([*(-1 if p is None else known[p] for p in protocols), -1], dtype=np.int32)
    return Labels(protocol_of[codes], list(known)), cause_of[codes]
