"""Ended transactions as a table, where somebody asked for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from analyzer.batch import INVITE, MISSING, AnyColumn, Columns, Ints, Labels, Texts
from analyzer.correlate.correlator import Correlator, Ended
from analyzer.correlate.labels import EndpointNames, Part, Parts, difference, table, united
from analyzer.correlate.layout import (
    NO_REPLY,
    OUT_TX_CLOCK,
    RINGING,
    T_ACK_NO,
    T_ACK_TS,
    T_BRANCH_LENGTH,
    T_CALL_ID_LENGTH,
    T_CALL_NO,
    T_CAPTURE_NO,
    T_CLIENT,
    T_COLUMNS,
    T_CSEQ,
    T_FINAL_NO,
    T_FINAL_TS,
    T_FIRST_RESPONSE_TS,
    T_FLAGS,
    T_HOP,
    T_LAST_FINAL_TS,
    T_LAST_REQUEST_TS,
    T_METHOD,
    T_NETWORK,
    T_NO,
    T_PORTS,
    T_PROGRESS_CLOCK,
    T_PROGRESS_TS,
    T_REGISTRATION_NO,
    T_REQUEST_CLOCK,
    T_REQUEST_NO,
    T_REQUEST_RESENDS,
    T_REQUEST_TS,
    T_RESPONSE_RESENDS,
    T_SERVER,
    T_STATE,
    T_STATUS,
    T_TEXT,
    T_TRANSPORT,
    TF_LATE,
    TF_REQUEST,
    TF_RESPONSE,
)
from analyzer.schema import TransactionRow
from analyzer.vocab import EndedBy, TransactionKind, TransactionState, Transport, names, numbered

#: Rows that are handed out at a time: a row group of a Parquet file.
PIECE = 131_072
_ENDED = numbered(EndedBy)
_STATES = numbered(TransactionState)


def _or_missing(numbers: Ints) -> Ints:
    """Row numbers: 0 = none."""
    return np.where(numbers > 0, numbers, MISSING)


def _part(tx: Ints) -> Part:
    """What the table says of transactions."""
    request, final = tx[:, T_REQUEST_TS], tx[:, T_FINAL_TS]
    has_final = tx[:, T_STATUS] > 0
    in_time = has_final & (tx[:, T_FLAGS] & TF_LATE == 0)
    invite = tx[:, T_METHOD] == INVITE
    rings = invite & (tx[:, T_FLAGS] & TF_RESPONSE != 0)
    timer = np.where(
        rings,
        np.maximum(tx[:, T_REQUEST_CLOCK], tx[:, T_PROGRESS_CLOCK]) + RINGING,
        tx[:, T_REQUEST_CLOCK] + NO_REPLY,
    )
    over = tx[:, OUT_TX_CLOCK] > timer
    ended_by = np.full(len(tx), _ENDED[EndedBy.CAPTURE_END], dtype=np.int32)
    ended_by[over] = _ENDED[EndedBy.TIMEOUT]
    ended_by[in_time] = _ENDED[EndedBy.FINAL]
    timed_out = ended_by == _ENDED[EndedBy.TIMEOUT]
    call_id_length = np.maximum(tx[:, T_CALL_ID_LENGTH], 0)
    return {
        "transaction_no": tx[:, T_NO],
        "capture_no": tx[:, T_CAPTURE_NO].astype(np.int32),
        "call_no": _or_missing(tx[:, T_CALL_NO]),
        "registration_no": _or_missing(tx[:, T_REGISTRATION_NO]),
        "kind": np.where(invite, 0, 1).astype(np.int32),
        "method": tx[:, T_METHOD].astype(np.int32),
        "call_id_start": tx[:, T_TEXT],
        "call_id_length": tx[:, T_CALL_ID_LENGTH].astype(np.int32),
        "via_branch_start": tx[:, T_TEXT] + call_id_length,
        "via_branch_length": tx[:, T_BRANCH_LENGTH].astype(np.int32),
        "cseq": tx[:, T_CSEQ],
        "hop": np.where(tx[:, T_HOP] >= 0, tx[:, T_HOP], MISSING),
        "network": tx[:, T_NETWORK],
        "client_ip": tx[:, T_CLIENT].astype(np.int32),
        "client_port": (tx[:, T_PORTS] >> 16).astype(np.int32),
        "server_ip": tx[:, T_SERVER].astype(np.int32),
        "server_port": (tx[:, T_PORTS] & 0xFFFF).astype(np.int32),
        "transport": tx[:, T_TRANSPORT].astype(np.int32),
        "request_no": _or_missing(tx[:, T_REQUEST_NO]),
        "final_no": _or_missing(tx[:, T_FINAL_NO]),
        "ack_no": _or_missing(tx[:, T_ACK_NO]),
        "request_ts": request,
        "first_response_ts": tx[:, T_FIRST_RESPONSE_TS],
        "progress_ts": tx[:, T_PROGRESS_TS],
        "final_ts": final,
        "ack_ts": tx[:, T_ACK_TS],
        "status_code": _or_missing(tx[:, T_STATUS]),
        "response_time_ms": difference(final, request, has_final & (tx[:, T_FLAGS] & TF_REQUEST != 0), 1e6),
        "request_resends": tx[:, T_REQUEST_RESENDS].astype(np.int32),
        "response_resends": tx[:, T_RESPONSE_RESENDS].astype(np.int32),
        "request_span_ms": difference(tx[:, T_LAST_REQUEST_TS], request, tx[:, T_REQUEST_RESENDS] > 0, 1e6),
        "final_span_ms": difference(tx[:, T_LAST_FINAL_TS], final, tx[:, T_LAST_FINAL_TS] > final, 1e6),
        "state": np.where(timed_out, _STATES[TransactionState.TERMINATED], tx[:, T_STATE]).astype(np.int32),
        "ended_by": ended_by,
    }


class TransactionTable:
    """Collects ended transactions batch by batch, for a table in order of transaction_no.

    Without a sink `columns` gives the table. A sink gets it in pieces as it becomes whole, so that no more is held
    than what stands behind a transaction that is still open; `close` hands out the rest.
    """

    def __init__(
        self, correlator: Correlator, methods: Sequence[str], sink: Callable[[Columns], None] | None = None
    ) -> None:
        self._correlator = correlator
        self._methods = methods
        self._sink = sink
        self._parts = Parts()
        self._first = 1  # the number that comes next
        self._try_at = PIECE

    def add(self, ended: Ended) -> None:
        """Keep what has ended."""
        if len(ended.transactions):
            self._parts.add(_part(ended.transactions), ended.text)
            if self._sink is not None and len(self._parts) >= self._try_at:
                self._hand_out(self._sink)

    def close(self) -> None:
        """Hand out what is left."""
        if self._sink is not None:
            self._sink(self.columns())

    def _hand_out(self, sink: Callable[[Columns], None]) -> None:
        pieces = self._parts.unbroken("transaction_no", self._first) // PIECE
        for _ in range(pieces):
            self._first += PIECE
            sink(self._table(self._parts.take_below("transaction_no", self._first)))
        # Where an open transaction holds back many, looking is left until there are twice as many.
        held = len(self._parts)
        self._try_at = held + max(held, PIECE)

    def columns(self) -> Columns:
        """The table of the transactions that were added and not handed out, in order of transaction_no."""
        return self._table(self._parts)

    def _table(self, parts: Parts) -> Columns:
        data, octets = parts.whole(_part(np.empty((0, T_COLUMNS), np.int64)), "transaction_no")
        # Numbers that fit into 32 bits are kept so; a table holds them as every other number.
        narrow = [name for name, column in data.items() if column.dtype == np.int32]
        numbers = data | {name: data[name].astype(np.int64) for name in narrow}
        places = EndpointNames(self._correlator.endpoints)
        columns: dict[str, AnyColumn] = {
            "call_id": Texts(octets, data["call_id_start"], data["call_id_length"]),
            "via_branch": Texts(octets, data["via_branch_start"], data["via_branch_length"]),
            "kind": Labels(data["kind"], names(TransactionKind)),
            "method": united(data["method"], self._methods.__getitem__),
            "client_ip": places.labels(data["client_ip"]),
            "server_ip": places.labels(data["server_ip"]),
            "transport": Labels(data["transport"], names(Transport)),
            "state": Labels(data["state"], names(TransactionState)),
            "ended_by": Labels(data["ended_by"], names(EndedBy)),
        }
        return table(TransactionRow, columns, numbers)
