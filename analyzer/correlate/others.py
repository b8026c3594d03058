"""Transactions that make no call and no registration: populations of their own, and what went wrong inside dialogs.

Requests inside a dialog never change what became of its call (docs/counting.md); they are told here. What is tallied is
bounded by the pairs of endpoints, what is kept row by row by what was refused.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from analyzer.batch import ACK, BYE, CANCEL, INVITE, MISSING, UPDATE, AnyColumn, Columns, Ints, Labels
from analyzer.correlate.correlator import Correlator, Ended
from analyzer.correlate.judging import Flags, among, first_of
from analyzer.correlate.labels import EndpointNames, Part, Parts, table, united
from analyzer.correlate.layout import (
    NO_REPLY,
    OUT_TX_CLOCK,
    RINGING,
    T_CALL_NO,
    T_CAPTURE_NO,
    T_CLIENT,
    T_COLUMNS,
    T_FLAGS,
    T_GROUP,
    T_METHOD,
    T_NETWORK,
    T_NO,
    T_PROGRESS_CLOCK,
    T_REQUEST_CLOCK,
    T_REQUEST_NO,
    T_REQUEST_TS,
    T_RETRY_AFTER,
    T_SERVER,
    T_STATUS,
    TF_CREDENTIALS,
    TF_CROSSED,
    TF_IN_DIALOG,
    TF_LATE,
    TF_REQUEST,
    TF_RESPONSE,
)
from analyzer.correlate.rules import Rules
from analyzer.findings import MidcallRow, OtherRow
from analyzer.vocab import EndedBy, MidcallKind, names, numbered

_KIND = numbered(MidcallKind)
_ENDED = numbered(EndedBy)
_NO_TEXT = np.empty(0, dtype=np.uint8)
#: These ask for the request once more, changed or later: RFC 3261 §21.4.17, RFC 4028 §6, RFC 3329, RFC 3261 §21.5.4.
_ASKS_AGAIN = (422, 423, 494)
_GLARE, _NO_DIALOG, _TIMEOUT = 491, 481, 408
_KEY_COLUMNS = 6
#: Codes and ways to end fit below these in a joined number, and two endpoints into one.
_CODES, _ENDS, _ENDPOINT_BITS = 1024, 4, 31


class OtherTable:
    """Collects what ended outside calls and registrations."""

    def __init__(self, rules: Rules, correlator: Correlator, methods: Sequence[str]) -> None:
        self._rules = rules
        self._correlator = correlator
        self._methods = methods
        #: (method, in dialog, client, server, status, ended by) → [how many, time of the last].
        self._tallies: dict[tuple[int, ...], list[int]] = {}
        self._midcall = Parts()
        #: Requests inside dialogs that succeeded: (call_no, kind of request, time).
        self._successes: list[Ints] = []

    def add(self, ended: Ended) -> None:
        """Keep the transactions of no call and no registration among what has ended."""
        tx = others_of(ended)
        if not len(tx):
            return
        status, by = _ends(tx)
        in_dialog = tx[:, T_FLAGS] & TF_IN_DIALOG != 0
        self._tally(tx, status, by, in_dialog)
        of_call = in_dialog | ((tx[:, T_METHOD] == CANCEL) & (tx[:, T_CALL_NO] > 0))
        wrong = of_call & ((status >= 300) | (by == _ENDED[EndedBy.TIMEOUT]))
        if wrong.any():
            self._midcall.add(_midcall_part(tx[wrong], status[wrong], self._rules), _NO_TEXT)
        with_credentials = tx[:, T_FLAGS] & TF_CREDENTIALS != 0
        repairs = in_dialog & (status >= 200) & (status < 300) & (tx[:, T_CALL_NO] > 0)
        repairs &= (tx[:, T_METHOD] != BYE) | with_credentials
        if repairs.any():
            columns = [tx[repairs, T_CALL_NO], _kinds(tx[repairs, T_METHOD]), tx[repairs, T_REQUEST_TS]]
            self._successes.append(np.stack(columns, axis=1))

    def tally(self, tx: Ints) -> None:
        """Only tally some transactions that `others_of` gave."""
        self._tally(tx, *_ends(tx), tx[:, T_FLAGS] & TF_IN_DIALOG != 0)

    def _tally(self, tx: Ints, status: Ints, by: Ints, in_dialog: Flags) -> None:
        # Method, place, code and end in one number: sorting rows of numbers takes ten times as long.
        what = ((tx[:, T_METHOD] * 2 + in_dialog) * _CODES + status) * _ENDS + by
        pairs = np.where(in_dialog, -1, tx[:, T_CLIENT] << _ENDPOINT_BITS | tx[:, T_SERVER])
        order = np.lexsort((pairs, what)) if (pairs >= 0).any() else np.argsort(what, kind="stable")
        what, pairs, times = what[order], pairs[order], tx[order, T_REQUEST_TS]
        starts = np.flatnonzero((np.diff(what, prepend=what[0] - 1) != 0) | (np.diff(pairs, prepend=pairs[0]) != 0))
        counts = np.diff(starts, append=len(what))
        last = np.maximum.reduceat(times, starts)
        rows = zip(what[starts].tolist(), pairs[starts].tolist(), counts.tolist(), last.tolist(), strict=True)
        for joined, pair, count, ts in rows:
            rest, end = divmod(joined, _ENDS)
            rest, code = divmod(rest, _CODES)
            client, server = divmod(pair, 1 << _ENDPOINT_BITS) if pair >= 0 else (-1, -1)
            so_far = self._tallies.setdefault((rest >> 1, rest & 1, client, server, code, end), [0, MISSING])
            so_far[0] += count
            so_far[1] = max(so_far[1], ts)

    def columns(self) -> Columns:
        """The table ``others``: by method, inside before outside, then by how many."""
        order = sorted(self._tallies.items(), key=lambda item: (item[0][:2], -item[1][0], item[0]))
        keys = np.array([key for key, _ in order], dtype=np.int64).reshape(-1, _KEY_COLUMNS)
        values = np.array([value for _, value in order], dtype=np.int64).reshape(-1, 2)
        endpoints = self._correlator.endpoints
        places = EndpointNames(endpoints)
        known = np.maximum(keys[:, 3], 0)
        network = np.where(keys[:, 3] >= 0, endpoints[known, 0] if len(endpoints) else MISSING, MISSING)
        columns: dict[str, AnyColumn] = {
            "method": united(keys[:, 0], self._methods.__getitem__),
            "in_dialog": keys[:, 1] == 1,
            "network": network,
            "client_ip": places.labels(keys[:, 2]),
            "server_ip": places.labels(keys[:, 3]),
            "status_code": np.where(keys[:, 4] > 0, keys[:, 4], MISSING),
            "ended_by": Labels(keys[:, 5].astype(np.int32), names(EndedBy)),
            "transactions": values[:, 0],
            "last_ts": values[:, 1],
        }
        return Columns(OtherRow, columns, len(keys))

    def forget(self) -> None:
        """Let go of what `columns` told, in a run without an end; `midcall` gives up its rows by itself."""
        self._tallies.clear()
        self._successes.clear()

    def midcall(self) -> Columns:
        """The table ``midcall``, in order of transaction_no."""
        nothing = _midcall_part(np.empty((0, T_COLUMNS), np.int64), np.empty(0, np.int64), self._rules)
        data, _ = self._midcall.whole(nothing, "transaction_no")
        places = EndpointNames(self._correlator.endpoints)
        columns: dict[str, AnyColumn] = {
            "method": united(data["method"], self._methods.__getitem__),
            "client_ip": places.labels(data["client_ip"]),
            "server_ip": places.labels(data["server_ip"]),
            "kind": Labels(data["kind"], names(MidcallKind)),
            "resolved": self._resolved(data),
        }
        return table(MidcallRow, columns, data)

    def _resolved(self, data: Part) -> Flags:
        """Where a later request of the same kind in the same call succeeded; a BYE race settles itself."""
        latest: dict[tuple[int, int], int] = {}
        wanted = np.unique(data["call_no"][data["call_no"] != MISSING])
        if len(wanted) and self._successes:
            # Looked up at once: a part a batch would sort what is wanted as often as there are batches.
            self._successes = [np.concatenate(self._successes)]
            successes = self._successes[0]
            for call, kind, ts in successes[np.isin(successes[:, 0], wanted)].tolist():
                latest[call, kind] = max(latest.get((call, kind), MISSING), ts)
        rows = zip(data["call_no"].tolist(), _kinds(data["method"]).tolist(), data["request_ts"].tolist(), strict=True)
        later = [latest.get((call, kind), MISSING) > ts for call, kind, ts in rows]
        harmless = among(data["kind"], (_KIND[MidcallKind.BYE_RACE], _KIND[MidcallKind.LATE_CANCEL]))
        resolved: Flags = np.array(later, dtype=np.bool_) | harmless
        return resolved


def others_of(ended: Ended) -> Ints:
    """The transactions (T_*) of no call and no registration whose request was seen, among what has ended."""
    tx = ended.transactions
    seen = (tx[:, T_GROUP] < 0) & (tx[:, T_FLAGS] & TF_REQUEST != 0) & (tx[:, T_METHOD] != ACK)
    return np.asfortranarray(tx[np.flatnonzero(seen)])


def _kinds(methods: Ints) -> Ints:
    """Requests that repair each other: an UPDATE may do what a re-INVITE could not."""
    return np.where(methods == UPDATE, INVITE, methods)


def _ends(tx: Ints) -> tuple[Ints, Ints]:
    """Final status of each transaction (0 = none in time), and how it ended (vocab.EndedBy numbers)."""
    status = np.where(tx[:, T_FLAGS] & TF_LATE == 0, tx[:, T_STATUS], 0)
    rings = (tx[:, T_METHOD] == INVITE) & (tx[:, T_FLAGS] & TF_RESPONSE != 0)
    asked = tx[:, T_REQUEST_CLOCK]
    timer = np.where(rings, np.maximum(asked, tx[:, T_PROGRESS_CLOCK]) + RINGING, asked + NO_REPLY)
    by = first_of(
        [status > 0, tx[:, OUT_TX_CLOCK] > timer],
        [_ENDED[EndedBy.FINAL], _ENDED[EndedBy.TIMEOUT]],
        default=_ENDED[EndedBy.CAPTURE_END],
    )
    return status, by


def _midcall_part(tx: Ints, status: Ints, rules: Rules) -> Part:
    method, flags = tx[:, T_METHOD], tx[:, T_FLAGS]
    looks = np.full(len(tx), rules.counts("bye_race"))
    asks_again = among(status, _ASKS_AGAIN) | ((tx[:, T_RETRY_AFTER] != MISSING) & (status >= 500))
    kind = first_of(
        [
            status == 0,
            (status == _NO_DIALOG) & (method == CANCEL) & looks,
            (status == _NO_DIALOG) & (flags & TF_CROSSED != 0) & looks,
            among(status, (_NO_DIALOG, _TIMEOUT)),
            status == _GLARE,
            among(status, (401, 407)),
            asks_again,
        ],
        [
            _KIND[MidcallKind.NO_REPLY],
            _KIND[MidcallKind.LATE_CANCEL],
            _KIND[MidcallKind.BYE_RACE],
            _KIND[MidcallKind.DIALOG_LOST],
            _KIND[MidcallKind.GLARE],
            _KIND[MidcallKind.CHALLENGE],
            _KIND[MidcallKind.RETRY],
        ],
        default=_KIND[MidcallKind.FAILURE],
    )
    return {
        "transaction_no": tx[:, T_NO],
        "call_no": np.where(tx[:, T_CALL_NO] > 0, tx[:, T_CALL_NO], MISSING),
        "capture_no": tx[:, T_CAPTURE_NO],
        "message_no": np.where(tx[:, T_REQUEST_NO] > 0, tx[:, T_REQUEST_NO], MISSING),
        "method": method,
        "network": tx[:, T_NETWORK],
        "client_ip": tx[:, T_CLIENT].astype(np.int32),
        "server_ip": tx[:, T_SERVER].astype(np.int32),
        "request_ts": tx[:, T_REQUEST_TS],
        "status_code": np.where(status > 0, status, MISSING),
        "kind": kind.astype(np.int32),
    }
