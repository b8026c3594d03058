"""INVITE transactions to attempts, attempts to calls; which other messages belong to a call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import product

from tests.reference.messages import Message
from tests.reference.transactions import END, SECOND, Exchange, Transaction, Verdict, verdict

CHALLENGES = frozenset({401, 407})
CHALLENGE_WINDOW = 5 * SECOND
CONTINUED = frozenset({415, 420, 421, 422, 423, 428, 491, 494})
CONTINUATION_WINDOW = 32 * SECOND
#: RFC 3261 §16.7: these come before other 4xx.
PREFERRED = (401, 407, 415, 420, 484)


def rank(status: int) -> tuple[int, int]:
    """Best first: 2xx, then 6xx, then the lowest class; within 4xx those a caller can mend."""
    if 200 <= status < 300:
        return 0, 0
    if 600 <= status < 700:
        return 1, 0
    return status // 100, 0 if status in PREFERRED else 1


def order_of_finals(pair: tuple[Verdict, Transaction]) -> tuple[tuple[int, int], int]:
    """Best code first, then the fork whose INVITE came first."""
    final = pair[0].final
    assert final is not None
    return rank(final.status or 0), pair[1].request.no


@dataclass
class Attempt:
    """INVITE transactions outside a dialog with one CSeq number: hops and forks of one request."""

    cseq: int | None
    transactions: list[Transaction] = field(default_factory=list)

    @property
    def lowest_hop(self) -> int:
        return min(transaction.hop for transaction in self.transactions)

    @property
    def deciding(self) -> list[Transaction]:
        return [transaction for transaction in self.transactions if transaction.hop == self.lowest_hop]

    def admits(self, transaction: Transaction) -> bool:
        """Whether an INVITE with the same CSeq number belongs here: another hop, or a fork behind a proxy.

        A second branch at hop 0 does so only while there is no final; anything only until 32 s after the end.
        """
        invite = transaction.request
        standing, _ = self.standing(invite.no, invite.clock)
        if standing.pending:
            return True
        if transaction.hop == 0 and any(t.hop == 0 for t in self.transactions):
            return False
        over = standing.final.clock if standing.final is not None else standing.deadline
        return invite.clock <= over + CONTINUATION_WINDOW

    def standing(self, until_no: int, clock: int) -> tuple[Verdict, Transaction]:
        """The verdict of the deciding transactions together, and which of them gave it."""
        seen = [t for t in self.transactions if t.request.no < until_no]
        lowest = min(t.hop for t in seen)
        verdicts = [(verdict(t, until_no, clock), t) for t in seen if t.hop == lowest]
        successes = [(v, t) for v, t in verdicts if v.final and rank(v.final.status or 0) == (0, 0)]
        if successes:
            return min(successes, key=order_of_finals)
        waiting = [(v, t) for v, t in verdicts if v.pending]
        if waiting:
            return max(waiting, key=lambda pair: pair[0].deadline)
        finals = [(v, t) for v, t in verdicts if v.final]
        if finals:
            return min(finals, key=order_of_finals)
        return max(verdicts, key=lambda pair: pair[0].deadline)


@dataclass
class Call:
    """One caller's intention."""

    network: int | None
    call_id: str | None
    from_tags: list[str | None]
    attempts: list[Attempt] = field(default_factory=list)
    in_dialog: list[Transaction] = field(default_factory=list)

    @property
    def invites(self) -> list[Transaction]:
        return [transaction for attempt in self.attempts for transaction in attempt.transactions]

    @property
    def first(self) -> Message:
        return self.attempts[0].transactions[0].request

    def refused_again(self, until_no: int, clock: int) -> bool:
        """The last attempt carried credentials and was challenged all the same, not for being stale."""
        standing, transaction = self.attempts[-1].standing(until_no, clock)
        if standing.final is None or standing.final.status not in CHALLENGES or standing.final.stale:
            return False
        if not transaction.request.has_credentials:
            return False
        for attempt in self.attempts[:-1]:
            earlier, _ = attempt.standing(until_no, clock)
            if earlier.final is not None and earlier.final.status in CHALLENGES:
                return True
        return False

    def window(self, until_no: int, clock: int) -> int | None:
        """Until when (on the clock) a further INVITE continues this call after its final; None: never."""
        final = self.attempts[-1].standing(until_no, clock)[0].final
        if final is None or final.status is None:
            return None
        if final.status in CHALLENGES:
            return None if self.refused_again(until_no, clock) else final.clock + CHALLENGE_WINDOW
        redirect = 300 <= final.status < 400
        busy_server = final.status == 503 and final.retry_after is not None
        if redirect or busy_server or final.status in CONTINUED:
            return final.clock + CONTINUATION_WINDOW
        return None

    def may_go_on(self, clock: int) -> bool:
        """At the end of the capture: the last final is a challenge or redirect still inside its window."""
        final = self.attempts[-1].standing(END, clock)[0].final
        window = self.window(END, clock)
        if final is None or window is None or clock > window:
            return False
        return final.status in CHALLENGES or 300 <= (final.status or 0) < 400

    def continues(self, invite: Message) -> bool:
        """Whether a new INVITE without To tag is a further attempt of this call."""
        standing, _ = self.attempts[-1].standing(invite.no, invite.clock)
        return standing.pending or self.window_holds(invite)

    def window_holds(self, request: Message) -> bool:
        """Whether a new request comes inside the window of a challenge, redirect or the like."""
        window = self.window(request.no, request.clock)
        return window is not None and request.clock <= window


def calls_of(exchange: Exchange) -> list[Call]:
    calls: list[Call] = []
    by_key: dict[tuple[int | None, str | None, str | None], list[Call]] = {}
    by_cseq: dict[tuple[int | None, str | None, str | None, int | None], tuple[Call, Attempt]] = {}
    by_call_id: dict[tuple[int | None, str | None], list[Call]] = {}
    for transaction in exchange.transactions:
        invite = transaction.request
        if invite.method != "INVITE" or invite.to_tag is not None:
            continue
        key = (invite.network, invite.call_id, invite.from_tag)
        attempt_key = (*key, invite.cseq)
        call: Call | None = None
        attempt: Attempt | None = None
        known = by_cseq.get(attempt_key)
        if known is not None:
            earlier_call, earlier = known
            if earlier.admits(transaction):
                call, attempt = earlier_call, earlier
        if call is None:
            own = by_key.get(key)
            if own:
                call = own[-1] if own[-1].continues(invite) else None
            else:
                # A challenged caller may come back with another From tag.
                for other in reversed(by_call_id.get(key[:2], [])[-8:]):
                    final = other.attempts[-1].standing(invite.no, invite.clock)[0].final
                    if final is not None and final.status in CHALLENGES and other.continues(invite):
                        call = other
                        break
                if call is not None:
                    call.from_tags.append(invite.from_tag)
                    by_key[key] = [call]
            if call is None:
                call = Call(invite.network, invite.call_id, [invite.from_tag])
                calls.append(call)
                by_key.setdefault(key, []).append(call)
                by_call_id.setdefault(key[:2], []).append(call)
            attempt = Attempt(invite.cseq)
            call.attempts.append(attempt)
        assert attempt is not None
        attempt.transactions.append(transaction)
        by_cseq[attempt_key] = (call, attempt)
    join_dialogs(exchange.transactions, by_key)
    return calls


def join_dialogs(
    transactions: Sequence[Transaction], by_key: dict[tuple[int | None, str | None, str | None], list[Call]]
) -> None:
    """A request inside a dialog (To tag present) belongs to the call whose caller's tag it carries.

    It may come back over another network than its call's; a call of its own network goes first.
    """
    tags: dict[int, set[str | None]] = {}
    for calls in by_key.values():
        for call in calls:
            tags[id(call)] = {r.to_tag for t in call.invites for r in t.responses if r.to_tag is not None}
    for transaction in transactions:
        request = transaction.request
        if request.to_tag is None or request.method == "CANCEL":
            continue
        chosen: Call | None = None
        networks = dict.fromkeys([request.network, *(network for network, _, _ in by_key)])
        sides = ((request.from_tag, request.to_tag), (request.to_tag, request.from_tag))
        for network, (own, peer) in product(networks, sides):
            candidates = by_key.get((network, request.call_id, own), [])
            begun = [call for call in candidates if call.first.no < request.no]
            if begun and chosen is None:
                same_dialog = [call for call in begun if peer in tags[id(call)]]
                chosen = (same_dialog or begun)[-1]
        if chosen is not None:
            chosen.in_dialog.append(transaction)
