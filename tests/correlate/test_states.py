"""The transition tables against the figures of the RFCs, and the numbers that the kernels know them by."""

from __future__ import annotations

import pytest

from analyzer.correlate import request_kernels, response_kernels
from analyzer.correlate.states import EVENTS, INVITE, NON_INVITE, UNEXPECTED, A, F, P, S, T, transition_array
from analyzer.vocab import TransactionKind, TransactionState, numbered

#: (kind, state, event, state after, where it is drawn). An observer sees what passes on the wire, so the client's
#: figures and the server's say the same, and "timeout" stands for whichever timer ends the state.
DRAWN = [
    ("invite", "calling", P, "proceeding", "RFC 3261 Fig. 5"),
    ("invite", "calling", S, "accepted", "RFC 6026 §7.2"),
    ("invite", "calling", F, "completed", "RFC 3261 Fig. 5"),
    ("invite", "calling", T, "terminated", "RFC 3261 Fig. 5, Timer B"),
    ("invite", "proceeding", P, "proceeding", "RFC 3261 Fig. 5"),
    ("invite", "proceeding", S, "accepted", "RFC 6026 §7.2"),
    ("invite", "proceeding", F, "completed", "RFC 3261 Fig. 5"),
    ("invite", "proceeding", T, "terminated", "RFC 3261 §16.8, Timer C"),
    ("invite", "accepted", S, "accepted", "RFC 6026 Fig. 5"),
    ("invite", "accepted", A, "accepted", "RFC 6026 Fig. 7"),
    ("invite", "accepted", T, "terminated", "RFC 6026 Fig. 5, Timer M"),
    ("invite", "completed", S, "accepted", "RFC 3261 §16.7 step 5: a 2xx of another fork is passed on"),
    ("invite", "completed", F, "completed", "RFC 3261 Fig. 5"),
    ("invite", "completed", A, "confirmed", "RFC 3261 Fig. 7"),
    ("invite", "completed", T, "terminated", "RFC 3261 Fig. 5, Timer D"),
    ("invite", "confirmed", S, "accepted", "RFC 3261 §16.7 step 5"),
    ("invite", "confirmed", F, "confirmed", "RFC 3261 Fig. 5: a resend of the final meets Timer D"),
    ("invite", "confirmed", A, "confirmed", "RFC 3261 §17.2.1: Timer I absorbs further ACKs"),
    ("invite", "confirmed", T, "terminated", "RFC 3261 Fig. 7, Timer I"),
    ("non_invite", "trying", P, "proceeding", "RFC 3261 Fig. 6"),
    ("non_invite", "trying", S, "completed", "RFC 3261 Fig. 6"),
    ("non_invite", "trying", F, "completed", "RFC 3261 Fig. 6"),
    ("non_invite", "trying", T, "terminated", "RFC 3261 Fig. 6, Timer F"),
    ("non_invite", "proceeding", P, "proceeding", "RFC 3261 Fig. 6"),
    ("non_invite", "proceeding", S, "completed", "RFC 3261 Fig. 6"),
    ("non_invite", "proceeding", F, "completed", "RFC 3261 Fig. 6"),
    ("non_invite", "proceeding", T, "terminated", "RFC 3261 Fig. 6, Timer F"),
    ("non_invite", "completed", S, "completed", "RFC 3261 Fig. 8"),
    ("non_invite", "completed", F, "completed", "RFC 3261 Fig. 8"),
    ("non_invite", "completed", T, "terminated", "RFC 3261 Fig. 6, Timer K"),
]
TABLES = {"invite": INVITE, "non_invite": NON_INVITE}
STATE = numbered(TransactionState)


@pytest.mark.parametrize(("kind", "state", "event", "after", "where"), DRAWN)
def test_what_the_figures_draw_is_in_the_tables(kind: str, state: str, event: int, after: str, where: str) -> None:
    assert TABLES[kind][TransactionState(state)][event] == after, where


def test_the_tables_hold_nothing_else() -> None:
    entries = {(kind, state, event) for kind, table in TABLES.items() for state in table for event in table[state]}
    assert entries == {(kind, TransactionState(state), event) for kind, state, event, _, _ in DRAWN}


def test_the_array_is_the_tables() -> None:
    array = transition_array()
    assert array.shape == (len(TransactionKind), len(TransactionState), len(EVENTS))
    for number, kind in enumerate(TransactionKind):
        for state in TransactionState:
            for event in range(len(EVENTS)):
                after = TABLES[kind].get(state, {}).get(event)
                assert array[number, STATE[state], event] == (UNEXPECTED if after is None else STATE[after])


def test_no_way_leads_out_of_the_end() -> None:
    assert (transition_array()[:, STATE[TransactionState.TERMINATED]] == UNEXPECTED).all()


def test_the_kernels_know_states_and_events_by_the_same_numbers() -> None:
    assert STATE[TransactionState.CALLING] == request_kernels.CALLING
    assert STATE[TransactionState.TRYING] == request_kernels.TRYING
    events = [getattr(response_kernels, f"EVENT_{name}") for name in ("PROVISIONAL", "SUCCESS", "FAILURE", "ACK")]
    assert events == [P, S, F, A]
