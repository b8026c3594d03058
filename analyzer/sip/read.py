"""Datagrams → `MessageBatch`: by kernels, and whole, which is slow and right."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from analyzer.batch import (
    D_COLUMNS,
    D_LENGTH,
    D_OFFSET,
    D_SRC_HI,
    D_SRC_LO,
    D_TRANSPORT,
    D_WIRE_LENGTH,
    F_BEHIND_NAT,
    F_CUT,
    F_WHOLE,
    M_COLUMNS,
    M_CONTENT_LENGTH,
    M_CSEQ_METHOD,
    M_DEFECTS,
    M_FLAGS,
    M_METHOD,
    METHOD_UNLISTED,
    MISSING,
    S_COLUMNS,
    S_METHOD,
    X_BAD_CONTENT_LENGTH,
    X_NO_CONTENT_LENGTH,
    Datagrams,
    Ints,
    MessageBatch,
    MethodNames,
    Octets,
    Spans,
)
from analyzer.sip.columns import message_numbers, message_texts
from analyzer.sip.legs import CALL_ID, ICID_VALUE, SHARED_ID
from analyzer.sip.many_kernels import FILTER_OCTETS, STATES_CAUSE, STATES_ICID, STATES_ID
from analyzer.sip.message import NO_CAUSE_HEADERS, Q850_CAUSE, CauseHeaders, Message
from analyzer.sip.message_kernels import read_rows
from analyzer.sip.parse import parse_message
from analyzer.sip.span_kernels import READ_NAMES

# Positions in vocab.Transport.
_TCP, _TLS = 1, 2

_STATES = {Q850_CAUSE: STATES_CAUSE, CALL_ID: STATES_ID, SHARED_ID: STATES_ID, ICID_VALUE: STATES_ICID}


def read_messages_whole(
    datagrams: Datagrams, methods: MethodNames, cause_headers: CauseHeaders = NO_CAUSE_HEADERS
) -> MessageBatch:
    """Every datagram through `parse_message`, one row each, in order; all have F_WHOLE.

    Raises `ParseError` for a datagram that holds no SIP: the reader picks them by the same rule.
    """
    rows = datagrams.rows
    numbers = np.zeros((len(rows), M_COLUMNS), dtype=np.int64)
    spans = np.zeros((len(rows), S_COLUMNS, 2), dtype=np.int32)
    numbers[:, :D_COLUMNS] = rows[:, :D_COLUMNS]
    tail = _Tail(len(datagrams.octets))
    for row in range(len(rows)):
        _fill(row, datagrams.octets, numbers, spans, tail, methods, cause_headers)
    _note_missing_length(numbers)
    return MessageBatch(tail.behind(datagrams.octets), numbers, spans)


def _note_missing_length(numbers: Ints) -> None:
    """Over a stream a message needs a Content-Length (RFC 3261 §18.3); a datagram's end is enough by itself."""
    is_stream = (numbers[:, D_TRANSPORT] == _TCP) | (numbers[:, D_TRANSPORT] == _TLS)
    if is_stream.any():
        is_said = (numbers[:, M_DEFECTS] & X_BAD_CONTENT_LENGTH != 0) | (numbers[:, M_FLAGS] & F_CUT != 0)
        is_missing = is_stream & (numbers[:, M_CONTENT_LENGTH] == MISSING) & ~is_said
        numbers[is_missing, M_DEFECTS] |= X_NO_CONTENT_LENGTH


class _Tail:
    """Texts that do not stand in the window as such, kept behind its octets."""

    def __init__(self, start: int) -> None:
        self.start = start
        self.octets = bytearray()

    def add(self, text: bytes) -> int:
        """Keep a text; returns where it will stand."""
        at = self.start + len(self.octets)
        self.octets += text
        return at

    def behind(self, window: Octets) -> Octets:
        """The window with the texts behind it: itself where there are none."""
        if not self.octets:
            return window
        return np.concatenate((window, np.frombuffer(self.octets, dtype=np.uint8)))


def _fill(
    row: int,
    octets: Octets,
    numbers: Ints,
    spans: Spans,
    tail: _Tail,
    methods: MethodNames,
    cause_headers: CauseHeaders,
) -> None:
    """One row by the whole-message parser."""
    start, length, wire_length = (int(numbers[row, column]) for column in (D_OFFSET, D_LENGTH, D_WIRE_LENGTH))
    message = parse_message(octets[start : start + length].tobytes(), wire_length, cause_headers)
    for column, number in message_numbers(message, start, methods).items():
        numbers[row, column] = number
    address, source = message.via_address, (numbers[row, D_SRC_HI], numbers[row, D_SRC_LO])
    if message.method is not None and address is not None and address != source:
        numbers[row, M_FLAGS] |= F_BEHIND_NAT
    for column, text in message_texts(message).items():
        spans[row, column] = _span(message, start + message.line_ends, text, tail)


def _span(message: Message, start: int, text: bytes | None, tail: _Tail) -> tuple[int, int]:
    """Where a text stands: in the message, wherever the same octets do, else in the tail."""
    if text is None:
        return 0, -1
    at = message.octets.find(text)
    return (start + at if at >= 0 else tail.add(text)), len(text)


def read_messages(
    datagrams: Datagrams, methods: MethodNames, cause_headers: CauseHeaders = NO_CAUSE_HEADERS
) -> MessageBatch:
    """The messages of a window's datagrams, one row each, in order.

    Equal to `read_messages_whole` in every column and text, F_WHOLE apart: it marks the rows that the
    kernels left to the whole-message parser. ``octets`` of the result is the window itself, unless such
    a row had texts that do not stand there as such. ``methods`` numbers the methods that the kernels do
    not list.
    """
    octets, rows = datagrams
    names = {name.encode(): _STATES[kind] for name, kind in cause_headers.items() if kind in _STATES}
    if any(name.decode() in READ_NAMES or not 0 < len(name) < 256 for name in names):
        return read_messages_whole(datagrams, methods, cause_headers)
    maker_names = _maker_names(names)
    numbers = np.empty((len(rows), M_COLUMNS), dtype=np.int64)
    spans = np.empty((len(rows), S_COLUMNS, 2), dtype=np.int32)
    tail = _Tail(len(octets))
    if read_rows(octets, rows, maker_names, numbers, spans):
        for row in _unfinished(numbers):
            if numbers[row, M_FLAGS] & F_WHOLE:
                _fill(row, octets, numbers, spans, tail, methods, cause_headers)
            else:
                _number_method(row, octets, numbers, spans, methods)
    _note_missing_length(numbers)
    return MessageBatch(tail.behind(octets), numbers, spans)


def _maker_names(names: Mapping[bytes, int]) -> Octets:
    """Names and what they state, as `many_kernels.read_maker_header` takes them."""
    if not names:
        return np.empty(0, dtype=np.uint8)
    bits = np.zeros(FILTER_OCTETS, dtype=np.uint8)
    for name in names:
        bit = (len(name) * 31 + (name[0] | 32)) & 255
        bits[bit >> 3] |= np.uint8(1 << (bit & 7))
    listed = b"".join(bytes([states, len(name)]) + name for name, states in names.items())
    return np.concatenate((bits, np.frombuffer(listed, dtype=np.uint8)))


def _unfinished(numbers: Ints) -> list[int]:
    """The rows that the kernels left to Python, in order."""
    is_left = (numbers[:, M_FLAGS] & F_WHOLE) != 0
    is_left |= (numbers[:, M_METHOD] == METHOD_UNLISTED) | (numbers[:, M_CSEQ_METHOD] == METHOD_UNLISTED)
    return [int(row) for row in np.flatnonzero(is_left)]


def _number_method(row: int, octets: Octets, numbers: Ints, spans: Spans, methods: MethodNames) -> None:
    """The number of a method that METHODS does not list: a request's own, or the one that CSeq names."""
    offset, length = spans[row, S_METHOD]
    number = methods.number(octets[offset : offset + length].tobytes().decode("ascii"))
    for column in (M_METHOD, M_CSEQ_METHOD):
        if numbers[row, column] == METHOD_UNLISTED:
            numbers[row, column] = number
