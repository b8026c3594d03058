"""Ended registrations as a table: one row for a REGISTER with its challenges, RFC 3261 §10."""

from __future__ import annotations

import numpy as np

from analyzer.batch import MISSING, AnyColumn, Columns, Ints, Labels, Octets, Texts
from analyzer.correlate.calls import EndpointNames, difference, united
from analyzer.correlate.correlator import Correlator, Ended
from analyzer.correlate.layout import (
    CHALLENGE_WINDOW,
    G_ASKED,
    G_ATTEMPTS,
    G_CAPTURE_NO,
    G_CHALLENGES,
    G_COLUMNS,
    G_EXPIRES,
    G_FINAL_CLOCK,
    G_FINAL_TS,
    G_KIND,
    G_LENGTHS,
    G_NETWORK,
    G_NO,
    G_REFUSED,
    G_START_TS,
    G_STATUS,
    G_TEXT,
    G_TIMER,
    GROUP_REGISTRATION,
    GT_CALL_ID,
    GT_COLUMNS,
    GT_REQUEST_URI,
    GT_TO_URI,
    OUT_CLOCK,
    OUT_FIRST_TX,
    REPEAT_WINDOW,
    T_AGENT,
    T_CLIENT,
    T_COLUMNS,
    T_FLAGS,
    T_SERVER,
    TF_NO_CONTACT,
)
from analyzer.schema import RegistrationRow
from analyzer.vocab import RegistrationOutcome, names, numbered

_OUTCOME = numbered(RegistrationOutcome)
_TEXTS = {"call_id": GT_CALL_ID, "aor": GT_TO_URI, "contact_uri": GT_REQUEST_URI}


def _outcomes(groups: Ints, first: Ints) -> Ints:
    """Position in vocab.RegistrationOutcome of each registration."""
    status, clock = groups[:, G_STATUS], groups[:, OUT_CLOCK]
    since = clock - groups[:, G_FINAL_CLOCK]
    challenged = ((status == 401) | (status == 407)) & (groups[:, G_REFUSED] == 0)
    redirected = (status >= 300) & (status < 400)
    waits = (status == 0) & (clock <= groups[:, G_TIMER])
    in_window = (challenged & (since <= CHALLENGE_WINDOW)) | (redirected & (since <= REPEAT_WINDOW))
    success = (status >= 200) & (status < 300)
    return np.select(
        [
            waits | in_window,
            status == 0,
            success & (first[:, T_FLAGS] & TF_NO_CONTACT != 0),
            success & (groups[:, G_ASKED] == 0),
            success,
            ((status >= 500) & (status < 600)) | (status >= 700),
        ],
        [
            np.int32(_OUTCOME[RegistrationOutcome.OPEN]),
            np.int32(_OUTCOME[RegistrationOutcome.TIMED_OUT]),
            np.int32(_OUTCOME[RegistrationOutcome.QUERIED]),
            np.int32(_OUTCOME[RegistrationOutcome.UNREGISTERED]),
            np.int32(_OUTCOME[RegistrationOutcome.REGISTERED]),
            np.int32(_OUTCOME[RegistrationOutcome.FAILED]),
        ],
        default=np.int32(_OUTCOME[RegistrationOutcome.REJECTED]),
    )


class RegistrationTable:
    """Collects ended registrations batch by batch; `columns` gives the table, in order of registration_no."""

    def __init__(self, correlator: Correlator) -> None:
        self._correlator = correlator
        self._parts: list[dict[str, Ints]] = []
        self._texts: list[Octets] = []
        self._text_octets = 0

    def add(self, ended: Ended) -> None:
        """Keep the registrations among what has ended."""
        groups = ended.groups[ended.groups[:, G_KIND] == GROUP_REGISTRATION]
        if not len(groups):
            return
        self._parts.append(self._part(groups, ended.transactions[groups[:, OUT_FIRST_TX]]))
        self._texts.append(ended.text)
        self._text_octets += len(ended.text)

    def _part(self, groups: Ints, first: Ints) -> dict[str, Ints]:
        status, final_ts = groups[:, G_STATUS], groups[:, G_FINAL_TS]
        outcome = _outcomes(groups, first)
        done = (status >= 200) & (status < 300)
        part: dict[str, Ints] = {
            "registration_no": groups[:, G_NO],
            "capture_no": groups[:, G_CAPTURE_NO],
            "network": groups[:, G_NETWORK],
            "client_ip": first[:, T_CLIENT].astype(np.int32),
            "registrar_ip": first[:, T_SERVER].astype(np.int32),
            "user_agent": first[:, T_AGENT].astype(np.int32),
            "request_ts": groups[:, G_START_TS],
            "final_ts": final_ts,
            "status_code": np.where(status > 0, status, MISSING),
            "outcome": outcome,
            "expires_s": groups[:, G_EXPIRES],
            "attempts": groups[:, G_ATTEMPTS],
            "challenges": groups[:, G_CHALLENGES],
            "rrd_ms": difference(final_ts, groups[:, G_START_TS], done, 1e6),
        }
        lengths = groups[:, G_LENGTHS : G_LENGTHS + GT_COLUMNS]
        ends = np.cumsum(np.maximum(lengths, 0), axis=1) + groups[:, G_TEXT : G_TEXT + 1] + self._text_octets
        for name, column in _TEXTS.items():
            part[f"{name}_start"] = ends[:, column] - np.maximum(lengths[:, column], 0)
            part[f"{name}_length"] = lengths[:, column].astype(np.int32)
        return part

    def columns(self) -> Columns:
        """The table of all registrations that were added, in order of registration_no."""
        nothing = self._part(np.empty((0, G_COLUMNS), np.int64), np.empty((0, T_COLUMNS), np.int64))
        parts = self._parts or [nothing]
        joined = {name: np.concatenate([part[name] for part in parts]) for name in nothing}
        order = np.argsort(joined["registration_no"], kind="stable")
        data = {name: column[order] for name, column in joined.items()}
        octets = np.concatenate(self._texts) if self._texts else np.empty(0, np.uint8)
        places = EndpointNames(self._correlator.endpoints)
        words = [self._correlator.word(number) or "" for number in range(self._correlator.word_count)]
        columns: dict[str, AnyColumn] = {
            **{name: Texts(octets, data[f"{name}_start"], data[f"{name}_length"]) for name in _TEXTS},
            "client_ip": places.labels(data["client_ip"]),
            "registrar_ip": places.labels(data["registrar_ip"]),
            "user_agent": united(np.maximum(data["user_agent"], -1), words),
            "outcome": Labels(data["outcome"], names(RegistrationOutcome)),
        }
        return Columns(
            RegistrationRow,
            {name: columns[name] if name in columns else data[name] for name in RegistrationRow._fields},
            len(order),
        )
