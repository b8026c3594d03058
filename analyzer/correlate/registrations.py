"""Ended registrations as a table: one row for a REGISTER with its challenges, RFC 3261 §10."""

from __future__ import annotations

import numpy as np

from analyzer.batch import MISSING, AnyColumn, Columns, Ints, Labels, Texts
from analyzer.correlate.correlator import Correlator, Ended
from analyzer.correlate.labels import Codes, EndpointNames, Part, Parts, difference, table, text_places, united
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
    G_NETWORK,
    G_NO,
    G_ONLY_ASKS,
    G_REFUSED,
    G_START_TS,
    G_STATUS,
    G_TIMER,
    GROUP_REGISTRATION,
    GT_CALL_ID,
    GT_REQUEST_URI,
    GT_TO_URI,
    OUT_CLOCK,
    OUT_FIRST_TX,
    REPEAT_WINDOW,
    T_AGENT,
    T_CLIENT,
    T_COLUMNS,
    T_SERVER,
)
from analyzer.schema import RegistrationRow
from analyzer.vocab import RegistrationOutcome, names, numbered

_OUTCOME = numbered(RegistrationOutcome)
_TEXTS = {"call_id": GT_CALL_ID, "aor": GT_TO_URI, "contact_uri": GT_REQUEST_URI}


def _outcomes(groups: Ints) -> Codes:
    """Position in vocab.RegistrationOutcome of each registration."""
    status, clock = groups[:, G_STATUS], groups[:, OUT_CLOCK]
    since = clock - groups[:, G_FINAL_CLOCK]
    challenged = ((status == 401) | (status == 407)) & (groups[:, G_REFUSED] == 0)
    redirected = (status >= 300) & (status < 400)
    waits = (status == 0) & (clock <= groups[:, G_TIMER])
    in_window = (challenged & (since <= CHALLENGE_WINDOW)) | (redirected & (since <= REPEAT_WINDOW))
    success = (status >= 200) & (status < 300)
    failed = ((status >= 500) & (status < 600)) | (status >= 700)
    outcome = np.full(len(groups), _OUTCOME[RegistrationOutcome.REJECTED], dtype=np.int32)
    outcome[failed] = _OUTCOME[RegistrationOutcome.FAILED]
    outcome[success] = _OUTCOME[RegistrationOutcome.REGISTERED]
    outcome[success & (groups[:, G_ASKED] == 0)] = _OUTCOME[RegistrationOutcome.UNREGISTERED]
    outcome[success & (groups[:, G_ONLY_ASKS] == 1)] = _OUTCOME[RegistrationOutcome.QUERIED]
    outcome[status == 0] = _OUTCOME[RegistrationOutcome.TIMED_OUT]
    outcome[waits | in_window] = _OUTCOME[RegistrationOutcome.OPEN]
    return outcome


def _part(groups: Ints, first: Ints) -> Part:
    """What the table says of registrations; ``first`` = the first REGISTER of each."""
    status, final_ts = groups[:, G_STATUS], groups[:, G_FINAL_TS]
    part: Part = {
        "registration_no": groups[:, G_NO],
        "capture_no": groups[:, G_CAPTURE_NO],
        "network": groups[:, G_NETWORK],
        "client_ip": first[:, T_CLIENT].astype(np.int32),
        "registrar_ip": first[:, T_SERVER].astype(np.int32),
        "user_agent": first[:, T_AGENT].astype(np.int32),
        "request_ts": groups[:, G_START_TS],
        "final_ts": final_ts,
        "status_code": np.where(status > 0, status, MISSING),
        "outcome": _outcomes(groups),
        "expires_s": groups[:, G_EXPIRES],
        "attempts": groups[:, G_ATTEMPTS],
        "challenges": groups[:, G_CHALLENGES],
        "rrd_ms": difference(final_ts, groups[:, G_START_TS], (status >= 200) & (status < 300), 1e6),
    }
    starts, lengths = text_places(groups)
    for name, column in _TEXTS.items():
        part[f"{name}_start"] = starts[:, column]
        part[f"{name}_length"] = lengths[:, column]
    return part


class RegistrationTable:
    """Collects ended registrations batch by batch; `columns` gives the table, in order of registration_no."""

    def __init__(self, correlator: Correlator) -> None:
        self._correlator = correlator
        self._parts = Parts()

    def add(self, ended: Ended) -> None:
        """Keep the registrations among what has ended."""
        groups = ended.groups[ended.groups[:, G_KIND] == GROUP_REGISTRATION]
        if len(groups):
            self._parts.add(_part(groups, ended.transactions[groups[:, OUT_FIRST_TX]]), ended.text)

    def columns(self) -> Columns:
        """The table of all registrations that were added, in order of registration_no."""
        nothing = _part(np.empty((0, G_COLUMNS), np.int64), np.empty((0, T_COLUMNS), np.int64))
        data, octets = self._parts.whole(nothing, "registration_no")
        places = EndpointNames(self._correlator.endpoints)
        columns: dict[str, AnyColumn] = {
            **{name: Texts(octets, data[f"{name}_start"], data[f"{name}_length"]) for name in _TEXTS},
            "client_ip": places.labels(data["client_ip"]),
            "registrar_ip": places.labels(data["registrar_ip"]),
            "user_agent": united(data["user_agent"], self._correlator.word_text),
            "outcome": Labels(data["outcome"], names(RegistrationOutcome)),
        }
        return table(RegistrationRow, columns, data)
