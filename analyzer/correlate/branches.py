"""Branches of calls, codes that changed on the way, and who asked to be left alone for a while."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from analyzer.batch import MISSING, Columns, Ints, Labels
from analyzer.correlate.branch_kernels import B_ADVANCED, B_COLUMNS, B_FATE, B_TX, X_COLUMNS, branch_fates, translations
from analyzer.correlate.correlator import Correlator, Ended
from analyzer.correlate.labels import EndpointNames, Part, Parts, table
from analyzer.correlate.layout import (
    SECOND,
    T_ATTEMPT,
    T_CALL_NO,
    T_CLIENT,
    T_COLUMNS,
    T_FINAL_TS,
    T_GROUP,
    T_HOP,
    T_NETWORK,
    T_NO,
    T_REQUEST_TS,
    T_RESPONDER,
    T_RETRY_AFTER,
    T_SERVER,
    T_STATUS,
)
from analyzer.findings import BlockRow, BranchRow
from analyzer.vocab import BranchFate, names

_NO_TEXT = np.empty(0, dtype=np.uint8)
_UNAVAILABLE = 503
#: Retry-After beyond a day is taken for a day: what a stranger wrote must not overflow a time.
_LONGEST = 86_400


class Translation(NamedTuple):
    """An element made one code of another one; ``received`` None: nothing had come from behind."""

    ip: str
    network: int | None
    received: int | None
    sent: int


class BranchTable:
    """Collects the INVITE transactions of calls that have several."""

    def __init__(self, correlator: Correlator) -> None:
        self._correlator = correlator
        self._branches = Parts()
        self._blocks = Parts()
        self._translations: dict[tuple[int, int, int], list[int]] = {}

    def add(self, ended: Ended, summary: Ints) -> None:
        """Keep what ended calls (rows of `summary_kernels`) did on the way."""
        tx = ended.transactions
        fates = np.empty((len(tx), B_COLUMNS), dtype=np.int64)
        fates = fates[: branch_fates(ended.groups, tx, summary, fates)]
        if len(fates):
            self._branches.add(_branch_part(tx[fates[:, B_TX]], fates), _NO_TEXT)
            changed = np.empty((len(tx), X_COLUMNS), dtype=np.int64)
            changed = changed[: translations(ended.groups, tx, summary, changed)]
            for element, received, sent, t in changed.tolist():
                self._translations.setdefault((element, received, sent), []).append(int(tx[t, T_CALL_NO]))
        asked = (tx[:, T_STATUS] == _UNAVAILABLE) & (tx[:, T_RETRY_AFTER] > 0) & (tx[:, T_GROUP] >= 0)
        if asked.any():
            self._blocks.add(_block_part(tx[asked]), _NO_TEXT)

    def columns(self) -> Columns:
        """The table ``branches``, in order of transaction_no."""
        nothing = np.empty((0, T_COLUMNS), np.int64)
        data, _ = self._branches.whole(_branch_part(nothing, np.empty((0, B_COLUMNS), np.int64)), "transaction_no")
        places = EndpointNames(self._correlator.endpoints)
        return table(
            BranchRow,
            {
                "client_ip": places.labels(data["client_ip"]),
                "server_ip": places.labels(data["server_ip"]),
                "fate": Labels(data["fate"], names(BranchFate)),
            },
            data,
        )

    def blocks(self) -> Columns:
        """The table ``blocks`` without its calls, which the calls table tells; in order of time."""
        data, _ = self._blocks.whole(_block_part(np.empty((0, T_COLUMNS), np.int64)), "from_ts")
        places = EndpointNames(self._correlator.endpoints)
        return table(BlockRow, {"ip": places.labels(data["ip"])}, data)

    def forget(self) -> None:
        """Let go of what `translations` told; the tables give up their rows by themselves."""
        self._translations.clear()

    def translations(self) -> dict[Translation, list[int]]:
        """The call_no of the calls in which each element made one code of another, each once."""
        places = EndpointNames(self._correlator.endpoints)
        return {
            Translation(*places.endpoint(element), received or None, sent): list(dict.fromkeys(calls))
            for (element, received, sent), calls in self._translations.items()
        }


def _branch_part(tx: Ints, fates: Ints) -> Part:
    status = tx[:, T_STATUS]
    return {
        "call_no": tx[:, T_CALL_NO],
        "transaction_no": tx[:, T_NO],
        "attempt": tx[:, T_ATTEMPT],
        "hop": np.where(tx[:, T_HOP] >= 0, tx[:, T_HOP], MISSING),
        "network": tx[:, T_NETWORK],
        "client_ip": tx[:, T_CLIENT].astype(np.int32),
        "server_ip": tx[:, T_SERVER].astype(np.int32),
        "request_ts": tx[:, T_REQUEST_TS],
        "final_ts": tx[:, T_FINAL_TS],
        "status_code": np.where(status > 0, status, MISSING),
        "fate": fates[:, B_FATE].astype(np.int32),
        "advanced": fates[:, B_ADVANCED] == 1,
    }


def _block_part(tx: Ints) -> Part:
    start = tx[:, T_FINAL_TS]
    return {
        "ip": tx[:, T_RESPONDER].astype(np.int32),
        "network": tx[:, T_NETWORK],
        "call_no": tx[:, T_CALL_NO],
        "from_ts": start,
        "until_ts": start + np.minimum(tx[:, T_RETRY_AFTER], _LONGEST) * SECOND,
        "calls": np.zeros(len(tx), dtype=np.int64),
    }
