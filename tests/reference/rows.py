"""The tables that must come out: calls, transactions, registrations, responses, requests, endpoints."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from analyzer.vocab import FAILURES, EndedBy, Outcome, RegistrationOutcome, Release, TransactionKind
from tests.reference.calls import CHALLENGES, Call, calls_of
from tests.reference.copies import mark_copies
from tests.reference.messages import Message
from tests.reference.outcomes import Facts, Judged, acknowledgements, cancelled, gather, judge
from tests.reference.registrations import Registration, registrations_of
from tests.reference.transactions import END, NO_RESPONSE, Transaction, number_messages, transactions_of, verdict

Row = dict[str, Any]


@dataclass
class Reference:
    """What a capture must yield; counts are (messages, unique, resends, copies)."""

    calls: list[Row]
    transactions: list[Row]
    registrations: list[Row]
    responses: dict[Hashable, tuple[int, int, int, int]]
    requests: dict[Hashable, tuple[int, int, int, int]]
    endpoints: dict[tuple[str, int | None], Row]
    orphans: int


def reference(messages: Sequence[Message], end: int = 0) -> Reference:
    """Every table, from all messages of a capture in capture order; `end`: what the clock showed when it ended."""
    mark_copies(messages)
    number_messages(messages)
    clock = max(end, messages[-1].clock if messages else 0)
    exchange = transactions_of([message for message in messages if not message.is_copy])
    rows = [call_row(call_no, call, clock) for call_no, call in enumerate(calls_of(exchange), 1)]
    return Reference(
        calls=rows,
        transactions=[transaction_row(transaction, clock) for transaction in exchange.transactions],
        registrations=[registration_row(one, clock) for one in registrations_of(exchange)],
        responses=tally(((m.status, m.cseq_method), m) for m in messages if not m.is_request),
        requests=tally((m.method, m) for m in messages if m.is_request),
        endpoints=endpoints(rows),
        orphans=sum(not orphan.is_resend for orphan in exchange.orphans),
    )


def tally(pairs: Iterable[tuple[Hashable, Message]]) -> dict[Hashable, tuple[int, int, int, int]]:
    counts: dict[Hashable, list[int]] = {}
    for what, message in pairs:
        count = counts.setdefault(what, [0, 0, 0])
        count[0] += 1
        count[1] += message.is_resend
        count[2] += message.is_copy
    return {what: (count[0], count[0] - count[1] - count[2], count[1], count[2]) for what, count in counts.items()}


def between(start: int | None, end: int | None, unit: int) -> float | None:
    return None if start is None or end is None else (end - start) / unit


def call_row(call_no: int, call: Call, clock: int) -> Row:
    told, judged = gather(call, clock), judge(call, clock)
    lowest = min(transaction.hop for transaction in call.invites)
    upstream = [transaction for transaction in call.invites if transaction.hop == lowest]
    progress = [r for t in upstream for r in t.responses if 100 < (r.status or 0) < 200]
    first_progress = min((r.no for r in progress), default=None)
    progress_ts = next((r.ts for r in progress if r.no == first_progress), None)
    final, first = told.standing.final, call.first
    answer_ts = final.ts if final is not None and judged.outcome is Outcome.ANSWERED else None
    bye = told.bye
    messages = [m for t in [*call.invites, *call.in_dialog] for m in t.messages]
    messages += [m for t in call.invites for cancel in t.cancels for m in cancel.messages]
    statuses = [attempt.standing(END, clock)[0].final for attempt in call.attempts]
    acks = acknowledgements(told) if answer_ts is not None else []
    first_ack = min(acks, key=lambda ack: ack.no) if acks else None
    return {
        "call_no": call_no,
        "frame_no": first.frame_no,
        "call_id": first.call_id,
        "from_tag": first.from_tag,
        "to_tag": told.confirmed_tag,
        "from_uri": first.from_uri,
        "to_uri": first.to_uri,
        "request_uri": first.request_uri,
        "network": call.network,
        "caller_ip": upstream[0].request.src[0],
        "callee_ip": upstream[0].request.dst[0],
        "invite_ts": first.ts,
        "progress_ts": progress_ts,
        "answer_ts": answer_ts,
        "ack_ts": first_ack.ts if first_ack is not None else None,
        "bye_ts": bye.request.ts if bye is not None else None,
        "end_ts": end_ts(told, judged),
        "status_code": judged.status_code,
        "outcome": judged.outcome,
        "outcome_detail": judged.detail,
        "fault": judged.fault,
        "release": judged.release,
        "release_cause": judged.release_cause,
        "released_by": judged.released_by,
        "cause": judged.cause,
        "cause_from": judged.cause_from,
        "cause_mapped": judged.cause_mapped,
        "cause_conflict": judged.cause_conflict,
        "failed_code": judged.failed_code,
        "failed_by_ip": judged.failed_by_ip,
        "charged_grade": judged.charged_grade,
        "relayed_by": judged.relayed_by,
        "attempts": len(call.attempts),
        "challenges": sum(status is not None and status.status in CHALLENGES for status in statuses),
        "forks": len({r.to_tag for t in call.invites for r in t.responses if r.to_tag is not None}),
        "hops": len({transaction.hop for transaction in call.invites}),
        "messages": len(messages),
        "resends": sum(message.is_resend for message in messages),
        "srd_ms": request_delay(first, progress_ts, final),
        "sdd_ms": disconnect_delay(bye),
        "sdt_s": duration(told, judged, answer_ts, clock),
    }


def end_ts(told: Facts, judged: Judged) -> int | None:
    """When the call was over: BYE, failure, CANCEL or timer."""
    if judged.outcome is Outcome.OPEN:
        return None
    if judged.outcome is Outcome.ANSWERED:
        return told.bye.request.ts if told.bye is not None else None
    if cancelled(told, judged.outcome) and told.cancel is not None:
        return told.cancel.ts
    if told.standing.final is not None:
        return told.standing.final.ts
    return told.standing.timer_ts


def request_delay(first: Message, progress_ts: int | None, final: Message | None) -> float | None:
    """RFC 6076 §4.3: to the first 101-199, else to the 2xx or the failure; not to a challenge or redirect."""
    if progress_ts is not None:
        return between(first.ts, progress_ts, 1_000_000)
    if final is None or 300 <= (final.status or 0) < 400 or final.status in (401, 402, 407):
        return None
    return between(first.ts, final.ts, 1_000_000)


def disconnect_delay(bye: Transaction | None) -> float | None:
    """RFC 6076 §4.4: BYE to its 2xx."""
    if bye is None:
        return None
    successes = [response.ts for response in bye.responses if 200 <= (response.status or 0) < 300]
    return between(bye.request.ts, successes[0], 1_000_000) if successes else None


def duration(told: Facts, judged: Judged, answer_ts: int | None, clock: int) -> float | None:
    """RFC 6076 §4.5: 2xx to BYE, or to the end of Timer F where the BYE stays unanswered."""
    if told.bye is None or answer_ts is None:
        return None
    end = told.bye.request.ts
    if judged.release is Release.BYE_UNANSWERED:
        end += NO_RESPONSE
    return between(answer_ts, end, 1_000_000_000)


def transaction_row(transaction: Transaction, clock: int) -> Row:
    request, standing = transaction.request, verdict(transaction, END, clock)
    progress = [response.ts for response in transaction.responses if 100 < (response.status or 0) < 200]
    late = [response for response in transaction.responses if (response.status or 0) >= 200]
    final = standing.final or (late[0] if late else None)
    unanswered = EndedBy.TIMEOUT if standing.timed_out else EndedBy.CAPTURE_END
    return {
        "kind": TransactionKind.INVITE if transaction.is_invite else TransactionKind.NON_INVITE,
        "method": request.method,
        "call_id": request.call_id,
        "cseq": request.cseq,
        "via_branch": request.branch,
        "hop": transaction.hop,
        "network": request.network,
        "client_ip": request.src[0],
        "client_port": request.src[1],
        "server_ip": request.dst[0],
        "server_port": request.dst[1],
        "request_no": request.no,
        "final_no": final.no if final else None,
        "request_ts": request.ts,
        "first_response_ts": transaction.responses[0].ts if transaction.responses else None,
        "progress_ts": progress[0] if progress else None,
        "final_ts": final.ts if final else None,
        "status_code": final.status if final else None,
        "response_time_ms": between(request.ts, final.ts if final else None, 1_000_000),
        "request_resends": sum(message.is_resend for message in transaction.requests),
        "response_resends": sum(message.is_resend for message in transaction.responses),
        "ended_by": EndedBy.FINAL if standing.final else unanswered,
    }


def registration_row(registration: Registration, clock: int) -> Row:
    attempt, first = registration.attempts[-1], registration.first
    standing, decider = attempt.standing(END, clock)
    final, request = standing.final, decider.request
    statuses = [one.standing(END, clock)[0].final for one in registration.attempts]
    lowest = min(transaction.hop for transaction in registration.invites)
    upstream = next(transaction for transaction in registration.invites if transaction.hop == lowest)
    outcome = registration_outcome(registration, clock)
    granted = final.expires if final is not None and (final.status or 0) < 300 else None
    good = (RegistrationOutcome.REGISTERED, RegistrationOutcome.UNREGISTERED, RegistrationOutcome.QUERIED)
    return {
        "call_id": first.call_id,
        "aor": first.to_uri,
        "contact_uri": first.contact_uri,
        "network": registration.network,
        "client_ip": upstream.request.src[0],
        "registrar_ip": upstream.request.dst[0],
        "request_ts": first.ts,
        "final_ts": final.ts if final is not None else None,
        "status_code": final.status if final is not None else None,
        "outcome": outcome,
        "expires_s": granted if granted is not None else request.expires,
        "attempts": len(registration.attempts),
        "challenges": sum(status is not None and status.status in CHALLENGES for status in statuses),
        "rrd_ms": between(first.ts, final.ts, 1_000_000) if final is not None and outcome in good else None,
    }


def registration_outcome(registration: Registration, clock: int) -> RegistrationOutcome:
    standing, decider = registration.attempts[-1].standing(END, clock)
    if standing.pending or registration.may_go_on(clock):
        return RegistrationOutcome.OPEN
    if standing.final is None:
        return RegistrationOutcome.TIMED_OUT
    status, request = standing.final.status or 0, decider.request
    if 200 <= status < 300:
        if request.contact_uri is None:
            return RegistrationOutcome.QUERIED
        asked_to_leave = request.expires == 0
        return RegistrationOutcome.UNREGISTERED if asked_to_leave else RegistrationOutcome.REGISTERED
    failed = 500 <= status < 600 or status >= 700
    return RegistrationOutcome.FAILED if failed else RegistrationOutcome.REJECTED


def endpoints(calls: Sequence[Row]) -> dict[tuple[str, int | None], Row]:
    """Each address of a network as caller and as responder; a failure is charged to one endpoint only."""
    found: dict[tuple[str, int | None], Row] = {}

    def of(ip: str, network: int | None) -> Row:
        empty = {
            "calls_as_caller": 0,
            "calls_as_callee": 0,
            "failures_as_caller": 0,
            "failures_as_responder": 0,
            "failures_relayed": 0,
            "by_status_code": {},
        }
        return found.setdefault((ip, network), empty)

    for row in calls:
        failure = row["outcome"] in FAILURES
        of(row["caller_ip"], row["network"])["calls_as_caller"] += 1
        of(row["callee_ip"], row["network"])["calls_as_callee"] += 1
        of(row["caller_ip"], row["network"])["failures_as_caller"] += failure
        if failure and row["failed_by_ip"] is not None:
            charged = of(row["failed_by_ip"], row["network"])
            charged["failures_as_responder"] += 1
            code = "none" if row["failed_code"] is None else str(row["failed_code"])
            charged["by_status_code"][code] = charged["by_status_code"].get(code, 0) + 1
        if failure:
            for ip in row["relayed_by"]:
                of(ip, row["network"])["failures_relayed"] += 1
    return found
