"""Messages to transactions: numbering, resends, who answers whom, timers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.reference.messages import Message

END = 2**62  # a message number behind the last
SECOND = 1_000_000_000
NO_RESPONSE = 32 * SECOND  # 64·T1
PROGRESS = 180 * SECOND  # Timer C
LATE_SUCCESS = 32 * SECOND  # Timer D: as long as a 2xx may still follow another final
SKEW = 2 * SECOND  # how much later than its response a request may have been captured


@dataclass
class Transaction:
    """A request with what answers it on one hop."""

    request: Message
    hop: int
    requests: list[Message] = field(default_factory=list)  # the request and its resends
    responses: list[Message] = field(default_factory=list)
    acks: list[Message] = field(default_factory=list)
    cancels: list[Transaction] = field(default_factory=list)  # of an INVITE: the CANCELs that match it

    @property
    def is_invite(self) -> bool:
        return self.request.method == "INVITE"

    @property
    def messages(self) -> list[Message]:
        return self.requests + self.responses + self.acks


@dataclass
class Verdict:
    """How a transaction stands: `final` if one came in time, else `timed_out` or waiting until `deadline`."""

    final: Message | None = None
    timed_out: bool = False
    deadline: int = 0
    timer_ts: int = 0  # `deadline` told in the time of the message that set it

    @property
    def pending(self) -> bool:
        return self.final is None and not self.timed_out


def number_messages(messages: Sequence[Message]) -> None:
    """Capture order, the clock (high-water mark of time) and which message repeats an earlier one."""
    seen = set()
    clock = 0
    for no, message in enumerate(messages, 1):
        message.no = no
        clock = message.clock = max(clock, message.clock, message.ts)
        reliable = message.rseq if message.status is not None and 100 < message.status < 200 else 0
        key = (
            message.src,
            message.dst,
            message.call_id,
            message.cseq,
            message.cseq_method,
            message.method if message.is_request else message.status,
            message.branch,
            message.to_tag,
            reliable,
        )
        if not message.is_copy:
            message.is_resend = key in seen
            seen.add(key)


def key(message: Message, method: str | None) -> tuple[object, ...]:
    """Branch and sent-by of the top Via and the method; Call-ID and CSeq number keep reused branches apart.

    Without the magic cookie a branch promises nothing: the From tag is compared too (RFC 3261 §17.2.3).
    """
    cookie = (message.branch or "").startswith("z9hG4bK")
    return (
        message.branch,
        message.sent_by,
        method,
        message.call_id,
        message.cseq,
        None if cookie else message.from_tag,
    )


@dataclass
class Exchange:
    """All transactions of a capture, ACKs that found no INVITE and responses that found no request."""

    transactions: list[Transaction]
    orphans: list[Message]
    stray_acks: list[Message]


def refused(transaction: Transaction) -> bool:
    """Its ACK, if any, has its own branch: no ACK with another branch can be meant for it."""
    finals = [response.status or 0 for response in transaction.responses if (response.status or 0) >= 200]
    return bool(finals) and not any(status < 300 for status in finals)


def transactions_of(messages: Sequence[Message]) -> Exchange:
    by_key: dict[tuple[object, ...], Transaction] = {}
    found: list[Transaction] = []
    for message in messages:
        if message.is_request and message.method != "ACK":
            own = key(message, message.method)
            transaction = by_key.get(own)
            if transaction is None:
                transaction = by_key[own] = Transaction(message, max(message.via_count - 1, 0))
                found.append(transaction)
            transaction.requests.append(message)

    orphans = []
    depth: dict[
        tuple[object, ...], tuple[int, int]
    ] = {}  # number and hop of a response, for a CANCEL whose INVITE was not seen
    for message in messages:
        if message.is_request:
            continue
        transaction = by_key.get(key(message, message.cseq_method))
        if transaction is None or transaction.request.clock > message.clock + SKEW:
            orphans.append(message)
            depth.setdefault(key(message, message.cseq_method), (message.no, max(message.via_count - 1, 0)))
        else:
            transaction.responses.append(message)

    # A CANCEL and the ACK to a non-2xx have the branch of their INVITE, and its hop.
    invites: dict[tuple[object, ...], list[Transaction]] = {}
    for transaction in found:
        request = transaction.request
        if request.method == "CANCEL":
            invite = by_key.get(key(request, "INVITE"))
            if invite is not None:
                invite.cancels.append(transaction)
                transaction.hop = invite.hop
            elif key(request, "INVITE") in depth:
                seen_no, hop = depth[key(request, "INVITE")]
                transaction.hop = hop if seen_no < request.no else transaction.hop
        elif request.method == "INVITE":
            invites.setdefault((request.call_id, request.cseq, request.from_tag), []).append(transaction)
    stray = []
    for message in messages:
        if message.method != "ACK":
            continue
        same_branch = by_key.get(key(message, "INVITE"))
        if same_branch is not None:
            same_branch.acks.append(message)
            continue
        # The ACK to a 2xx has a branch of its own and joins by Call-ID and CSeq number.
        candidates = [
            transaction
            for transaction in invites.get((message.call_id, message.cseq, message.from_tag), [])
            if transaction.request.no < message.no and not refused(transaction)
        ]
        if not candidates or key(message, "INVITE") in depth:
            stray.append(message)
            continue
        hop = max(message.via_count - 1, 0)
        lowest = min(transaction.hop for transaction in candidates)
        same_hop = [transaction for transaction in candidates if transaction.hop == hop]
        chosen = same_hop or [transaction for transaction in candidates if transaction.hop == lowest]
        chosen[-1].acks.append(message)
    return Exchange(found, orphans, stray)


@dataclass
class Timer:
    """When the responses stopped being in time: first message after it (`END`: none) and the instant it stood at."""

    over_no: int
    deadline: int
    ts: int


def timer(request: Message, responses: Sequence[Message], until_no: int) -> Timer:
    """64·T1 without a provisional; with one 180 s after the last 101-199, else after the INVITE."""
    is_invite = request.method == "INVITE"
    found = Timer(END, request.clock + NO_RESPONSE, request.ts + NO_RESPONSE)
    progress_seen = False
    for response in sorted(responses, key=lambda message: message.no):
        if response.no >= until_no:
            break
        if response.clock > found.deadline:
            found.over_no = response.no
            break
        if is_invite and 100 < (response.status or 0) < 200:
            progress_seen = True
            found = Timer(END, response.clock + PROGRESS, response.ts + PROGRESS)
        elif is_invite and response.status == 100 and not progress_seen:
            found = Timer(END, request.clock + PROGRESS, request.ts + PROGRESS)
    return found


def verdict(transaction: Transaction, until_no: int, clock: int) -> Verdict:
    """How it stands when the messages before `until_no` were captured and the clock shows `clock`."""
    limit = timer(transaction.request, transaction.responses, until_no)
    final: Message | None = None
    for response in transaction.responses:
        if response.no >= until_no:
            break
        assert response.status is not None
        if final is None:
            if response.no >= limit.over_no:
                break
            final = response if response.status >= 200 else None
        elif 200 <= response.status < 300 and final.status is not None and final.status >= 300:
            in_time = response.clock <= final.clock + LATE_SUCCESS
            final = response if in_time and transaction.is_invite else final
    if final is not None:
        return Verdict(final)
    return Verdict(None, limit.over_no < END or clock > limit.deadline, limit.deadline, limit.ts)
