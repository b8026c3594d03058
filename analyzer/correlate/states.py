"""The transition tables: a transaction's states as an observer between client and server sees them.

RFC 3261 Fig. 5 and 6 (client), 7 and 8 (server), with RFC 6026's ACCEPTED. A missing entry is not a crash but the
issue ``sip.unexpected_response``. The step kernel reads these tables as an array; docs draw them.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from analyzer.vocab import TransactionKind, TransactionState, numbered

CALLING, TRYING, PROCEEDING, ACCEPTED, COMPLETED, CONFIRMED, TERMINATED = TransactionState

# Events: a provisional, a success, any other final response, an ACK, the transaction's timer.
P, S, F, A, T = range(5)
EVENTS = ("1xx", "2xx", "3xx-9xx", "ACK", "timeout")

Transitions: TypeAlias = dict[TransactionState, dict[int, TransactionState]]

INVITE: Transitions = {
    CALLING: {P: PROCEEDING, S: ACCEPTED, F: COMPLETED, T: TERMINATED},
    PROCEEDING: {P: PROCEEDING, S: ACCEPTED, F: COMPLETED, T: TERMINATED},
    ACCEPTED: {S: ACCEPTED, A: ACCEPTED, T: TERMINATED},  # RFC 6026
    # A fork that answers after another one refused: 2xx are forwarded at once, RFC 3261 §16.7.
    COMPLETED: {S: ACCEPTED, F: COMPLETED, A: CONFIRMED, T: TERMINATED},
    CONFIRMED: {S: ACCEPTED, F: CONFIRMED, A: CONFIRMED, T: TERMINATED},
}
NON_INVITE: Transitions = {
    TRYING: {P: PROCEEDING, S: COMPLETED, F: COMPLETED, T: TERMINATED},
    PROCEEDING: {P: PROCEEDING, S: COMPLETED, F: COMPLETED, T: TERMINATED},
    COMPLETED: {S: COMPLETED, F: COMPLETED, T: TERMINATED},
}
UNEXPECTED = -1


def transition_array() -> NDArray[np.int8]:
    """The tables as ``[kind, state, event] -> state``, UNEXPECTED where there is no entry."""
    number = numbered(TransactionState)
    array = np.full((len(TransactionKind), len(TransactionState), len(EVENTS)), UNEXPECTED, dtype=np.int8)
    for kind, table in enumerate((INVITE, NON_INVITE)):
        for state, row in table.items():
            for event, after in row.items():
                array[kind, number[state], event] = number[after]
    return array
