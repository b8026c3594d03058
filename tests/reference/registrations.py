"""REGISTER transactions to registrations: one REGISTER with its challenges."""

from __future__ import annotations

from tests.reference.calls import Attempt, Call
from tests.reference.transactions import Exchange


class Registration(Call):
    """The same attempts as a call has; only the key (no From tag) and what comes out of it differ."""


def registrations_of(exchange: Exchange) -> list[Registration]:
    found: list[Registration] = []
    latest: dict[tuple[int | None, str | None], Registration] = {}
    by_cseq: dict[tuple[int | None, str | None, int | None], tuple[Registration, Attempt]] = {}
    for transaction in exchange.transactions:
        register = transaction.request
        if register.method != "REGISTER":
            continue
        key = (register.network, register.call_id)
        attempt_key = (*key, register.cseq)
        registration: Registration | None = None
        attempt: Attempt | None = None
        known = by_cseq.get(attempt_key)
        if known is not None and known[1].admits(transaction):
            registration, attempt = known
        if registration is None:
            earlier = latest.get(key)
            if earlier is not None and earlier.window_holds(register):
                registration = earlier
            else:
                registration = Registration(register.network, register.call_id, [register.from_tag])
                found.append(registration)
                latest[key] = registration
            attempt = Attempt(register.cseq)
            registration.attempts.append(attempt)
        assert attempt is not None
        attempt.transactions.append(transaction)
        by_cseq[attempt_key] = (registration, attempt)
    return found
