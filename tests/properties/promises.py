"""What the correlator promises of any flow, each as a function that says where it is broken; [] = kept.

Tests call them with few seeds, a long search with many (`python -m tests.properties.promises FIRST COUNT CALLS`).
"""

from __future__ import annotations

import sys
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from random import Random
from typing import Any

from analyzer.batch import MISSING
from analyzer.vocab import Outcome
from tests.correlate.made import START as MADE_START
from tests.properties.elements import MS, SECOND, START, Seen
from tests.properties.fed import Fed, Row, fed, sent
from tests.properties.flows import flow, spoilt

END = 1_000  # seconds after the start: behind every timer of a flow
NO_REPLY, RINGING, REPEAT_WINDOW, REORDERED = 32 * SECOND, 180 * SECOND, 32 * SECOND, 2 * SECOND
#: Codes after which a caller may try once more, though a capture that ends there calls the call refused
#: (tests/reference/README.md, 21); 503 needs a Retry-After.
RETRIED = {415, 420, 421, 422, 423, 428, 491, 494}
RESENDS = {"messages", "resends", "request_resends", "response_resends", "request_span_ms", "final_span_ms"}


def unlike(kind: str, wanted: Iterable[Row], got: Iterable[Row], allowed: Iterable[str] = ()) -> Iterator[str]:
    """Cells that differ, but for the columns that may."""
    one, other = list(wanted), list(got)
    if len(one) != len(other):
        yield f"{kind}: {len(one)} rows, then {len(other)}"
        return
    for before, after in zip(one, other, strict=True):
        for name in before.keys() - set(allowed):
            if before[name] != after[name]:
                where = before.get("call_id") or before.get("call_no") or before.get("method")
                yield f"{kind} {where}: {name} {before[name]!r}, then {after[name]!r}"


# -- batches ----------------------------------------------------------------------------------------------------


def batches(seed: int, most: int = 4) -> list[str]:
    """How messages were cut into batches, how much is drained at once, whether time passes between: all the same."""
    random, seen = Random(seed), spoilt(seed, most)
    messages = sent(seen)
    whole = fed(seen, END).tables
    found = []
    for number in range(3):
        run = Fed(drain_at=random.choice((1, 2, 3, 7)))
        at = 0
        clock = MISSING
        while at < len(messages):
            step = random.choice((1, 1, 2, 5, 40))
            run.take(messages[at : at + step], random.choice((1, 3, 100)))
            clock = max(clock, *(one.ts for one in seen[at : at + step]))
            at += step
            if number and at < len(seen):
                # A live capture is told the time while nothing comes: up to what comes next.
                until = random.choice((clock, seen[at].ts, (clock + seen[at].ts) // 2))
                run.ended += run.correlator.advance(until - START + MADE_START)
        if seen:
            run.wait(END)
        tables = run.close().tables if isinstance(run, Fed) else {}
        found += [f"{name} differs" for name in whole if whole[name] != tables[name]]
    return found


# -- transactions and numbers -----------------------------------------------------------------------------------


def numbers(seed: int, most: int = 4) -> list[str]:
    """Nothing ends twice or gets a number twice, every message belongs to at most one transaction, all are counted."""
    seen = spoilt(seed, most)
    run = fed(seen, END, drain_at=2)
    run.ended += run.correlator.close()
    tables = run.tables
    transactions = {row["transaction_no"]: row for row in tables["transactions"]}
    found = []
    for name, column in (
        ("calls", "call_no"), ("registrations", "registration_no"), ("transactions", "transaction_no"),
    ):  # fmt: skip
        seen_twice = [number for number, times in Counter(row[column] for row in tables[name]).items() if times > 1]
        found += [f"{name}: {number} twice" for number in seen_twice if number is not None]
    calls = {row["call_no"]: row for row in tables["calls"]}
    if sorted(calls) != list(range(1, len(calls) + 1)):
        found.append("calls are not numbered from 1 on")
    messages: Counter[int] = Counter()
    resends: Counter[int] = Counter()
    for one, (resend_of, transaction_no, call_no, _) in zip(seen, tables["links"], strict=True):
        if transaction_no == MISSING:  # the ACK of what was not seen
            if not one.payload.startswith(b"ACK "):
                found.append(f"a message of no transaction: {one.payload[:40]!r}")
            messages[call_no] += 1
            resends[call_no] += resend_of != MISSING
            continue
        row = transactions.get(transaction_no)
        if row is None or f"Call-ID: {row['call_id']}\r\n".encode() not in one.payload:
            found.append(f"a message of another call's transaction {transaction_no}")
        elif row["call_no"] is not None:
            messages[row["call_no"]] += 1
            resends[row["call_no"]] += resend_of != MISSING
    for call_no, row in calls.items():
        if (row["messages"], row["resends"]) != (messages[call_no], resends[call_no]):
            counted = messages[call_no], resends[call_no]
            found.append(f"call {call_no}: {row['messages']}, {row['resends']} messages, resends; linked {counted}")
    decided = Counter(row["call_no"] for row in tables["branches"] if row["fate"] == "decided")
    branched = {row["call_no"] for row in tables["branches"]}
    found += [f"call {no}: {decided[no]} branches decided" for no in branched if decided[no] != 1]
    told = sum(row["transactions"] for row in tables["others"])
    outside = [
        row for row in transactions.values() if row["request_no"] and not is_of_group(seen[row["request_no"] - 1])
    ]
    if told != len(outside):
        found.append(f"others counts {told} transactions of {len(outside)}")
    if run.correlator.open_groups:
        found.append(f"{run.correlator.open_groups} groups are still open")
    return found


def is_of_group(request: Seen) -> bool:
    """Whether a request makes or continues a call or a registration."""
    method = request.payload.split(b" ")[0]
    return method in (b"ACK", b"REGISTER") or (method == b"INVITE" and b";tag=" not in to_field(request))


# -- resends ----------------------------------------------------------------------------------------------------


def resending(seed: int, most: int = 4) -> list[str]:
    """A message that is seen once more changes what is counted as resent, and nothing else."""
    random, seen = Random(seed), flow(seed, most)
    if not seen:
        return []
    place = random.randrange(len(seen))
    again = seen[place]
    lag = random.choice((0, MS // 3, 500 * MS, 1_500 * MS))
    later = sorted([*seen, again._replace(ts=again.ts + lag)], key=lambda one: one.ts)
    before, after = fed(seen, END).tables, fed(later, END).tables
    found: list[str] = []
    for name in ("calls", "registrations", "transactions", "branches", "midcall"):
        moved = {"frame_no", "request_no", "final_no", "ack_no", "message_no"}
        lines = unlike(name, before[name], after[name], RESENDS | moved)
        found += [f"{line} ({again.payload[:30]!r} of {again.call} again after {lag // MS} ms)" for line in lines]
    if before["orphans"] != after["orphans"] or before["others"] != after["others"]:
        found.append("orphans or others")
    return [line for line in found if not meant(line, before["calls"], after["calls"])]


def meant(line: str, before: list[Row], after: list[Row]) -> bool:
    """What a resend is known to tell: that nobody acknowledged, that a callee still rings (RFC 3261 §13.3.1.1), and by
    an ACK that the caller is still there."""
    resent_final = any(": " + name in line for name in ("ack_missing", "release", "cause", "cause_from", "fault"))
    no_ack = any("no_ack" in (row["release"],) or row["ack_missing"] for row in (*before, *after))
    rings = "SIP/2.0 1" in line and any(": " + name in line for name in ("end_ts", "ring_s", "early_media_s"))
    sign_of_life = "ACK " in line and ": last_ts" in line
    return (resent_final and no_ack) or rings or sign_of_life


# -- closing early ----------------------------------------------------------------------------------------------


def closing(seed: int, most: int = 4) -> list[str]:
    """A capture that ends early leaves an outcome as it is or open, and fails no call without a final."""
    random, seen = Random(seed), flow(seed, most)
    place = random.randint(1, len(seen))
    kept, rest = seen[:place], seen[place:]
    late = {(row["call_id"], row["invite_ts"]): row for row in fed(seen, END).tables["calls"]}
    found = []
    begun: dict[str, list[int]] = {}
    rows = fed(kept).tables["calls"]
    for row in reversed(rows):
        begun.setdefault(row["call_id"], []).append(row["invite_ts"] - MADE_START + START)
    for row in rows:
        outcome = row["outcome"]
        final = late[row["call_id"], row["invite_ts"]]
        # Of a Call-ID that is used again only what is this call's.
        first = begun[row["call_id"]].pop()
        until = begun[row["call_id"]][-1] if begun[row["call_id"]] else kept[-1].ts + 1
        own = [one for one in kept if first <= one.ts < until]
        if outcome not in ("open", final["outcome"]) and not goes_on(row, own, rest):
            found.append(f"{row['call_id']}: {outcome} {row['status_code']}, later {final['outcome']}")
        if row["status_code"] is None and outcome != Outcome.OPEN and kept[-1].ts <= timer(row["call_id"], own):
            found.append(f"{row['call_id']}: {outcome} before its timer")
    return found


def timer(call_id: str, seen: list[Seen]) -> int:
    """When the last INVITE on the caller's own link times out, by what is sure: Timer B, or Timer C from the last 18x
    that came in Timer B."""
    asked = [one for one in seen if is_invite(one, call_id)]
    last = [one for one in asked if one.link == min(other.link for other in asked)][-1]
    first = next(one.ts for one in asked if top_via(one) == top_via(last))
    rang = [
        one.ts
        for one in seen
        if one.payload.startswith(b"SIP/2.0 18") and top_via(one) == top_via(last) and one.ts - first <= NO_REPLY
    ]
    return rang[-1] + RINGING if rang else first + NO_REPLY


def is_invite(one: Seen, call_id: str) -> bool:
    return one.payload.startswith(b"INVITE ") and f"Call-ID: {call_id}\r\n".encode() in one.payload


def goes_on(row: Row, kept: list[Seen], rest: list[Seen]) -> bool:
    """The places where an early end differs: a 2xx behind another final of one INVITE (README 11), a branch of
    the same attempt that begins after its final (13), and a repeated INVITE that a capture may end before (21); and a
    CANCEL that changed places with its 487 (23)."""
    call_id = f"Call-ID: {row['call_id']}\r\n".encode()
    own = [one for one in kept if call_id in one.payload]
    further = [one for one in rest if call_id in one.payload]
    asked = [one for one in own if one.payload.startswith(b"INVITE ") and b";tag=" not in to_field(one)]
    last, lowest = max(cseq(one) for one in asked), min(one.link for one in asked)
    finals = [one for one in own if is_final(one) and cseq(one) == last and one.link == lowest]
    for one in further:
        if one.payload.startswith(b"SIP/2.0 2") and b"CSeq: %d INVITE" % last in one.payload:
            refused = [f for f in finals if top_via(f) == top_via(one) and not f.payload.startswith(b"SIP/2.0 2")]
            if refused and one.ts - refused[0].ts <= REPEAT_WINDOW:
                return True
        if one.payload.startswith(b"CANCEL ") and row["status_code"] == 487 and one.ts - finals[0].ts <= REORDERED:
            return True
        if one.payload.startswith(b"INVITE ") and b";tag=" not in to_field(one):
            if cseq(one) == last and finals and one.ts - finals[0].ts <= REPEAT_WINDOW:
                return True
            code = row["status_code"]
            is_asked_back = code in RETRIED or (code == 503 and row["retry_after_s"] is not None)
            if is_asked_back and finals and one.ts - finals[-1].ts <= REPEAT_WINDOW:
                return True
    return False


def field_of(one: Seen, name: bytes) -> bytes:
    return one.payload.partition(b"\r\n" + name + b": ")[2].partition(b"\r\n")[0]


def to_field(one: Seen) -> bytes:
    return field_of(one, b"To")


def top_via(one: Seen) -> bytes:
    return field_of(one, b"Via")


def cseq(one: Seen) -> int:
    return int(field_of(one, b"CSeq").split()[0])


def is_final(one: Seen) -> bool:
    is_response = one.payload.startswith(b"SIP/2.0 ") and not one.payload.startswith(b"SIP/2.0 1")
    return is_response and field_of(one, b"CSeq").endswith(b" INVITE")


# -- hops, labels, order ----------------------------------------------------------------------------------------


def hops(seed: int, most: int = 4) -> list[str]:
    """What proxies do further on never changes what became of a call for its caller."""
    seen = flow(seed, most)
    lowest = [one for one in seen if one.link == 0]
    columns = ("call_id", "invite_ts", "outcome", "status_code", "release", "caller_ip", "callee_ip", "attempts",
               "answer_ts")  # fmt: skip
    aside = {call_id for call_id in call_ids(seen) if branches_late(call_id, seen)}
    whole, alone = (
        [{name: row[name] for name in columns} for row in fed(part, END).tables["calls"] if row["call_id"] not in aside]
        for part in (seen, lowest)
    )
    return list(unlike("call", alone, whole))


def call_ids(seen: list[Seen]) -> set[str]:
    return {field_of(one, b"Call-ID").decode() for one in seen if one.payload.startswith(b"INVITE ")}


def branches_late(call_id: str, seen: list[Seen]) -> bool:
    """Whether a proxy begins a branch more than 32 s after the caller's side was over: another call (README 13)."""
    asked = [one for one in seen if is_invite(one, call_id)]
    for number in {cseq(one) for one in asked}:
        own = [one for one in seen if field_of(one, b"Call-ID") == call_id.encode() and cseq(one) == number]
        finals = [one.ts for one in own if is_final(one) and one.link == 0]
        over = min([*finals, timer(call_id, own)] if any(is_invite(one, call_id) for one in own) else [0])
        if any(is_invite(one, call_id) and one.link > 0 and one.ts > over + REPEAT_WINDOW for one in own):
            return True
    return False


def labels(seed: int, most: int = 4) -> list[str]:
    """Other addresses and other Call-IDs change nothing but these."""
    seen = spoilt(seed, most)
    swapped = [
        one._replace(
            src=other_address(one.src),
            dst=other_address(one.dst),
            payload=other_address(one.payload.decode()).replace("\nCall-ID: n", "\nCall-ID: longer-n").encode(),
        )
        for one in seen
    ]
    before, after = fed(seen, END).tables, fed(swapped, END).tables
    moved = {"call_id", "caller_ip", "callee_ip", "failed_by_ip", "relayed_by", "client_ip", "server_ip", "ip",
             "registrar_ip", "via_branch", "contact_uri"}  # fmt: skip
    found = [
        line
        for name in ("calls", "registrations", "transactions", "branches", "blocks", "midcall")
        for line in unlike(name, before[name], after[name], moved)
    ]
    for name in ("caller_ip", "callee_ip", "failed_by_ip"):
        for one, other in zip(before["calls"], after["calls"], strict=True):
            if (other_address(one[name]) if one[name] else None) != other[name]:
                found.append(f"{name}: {one[name]} became {other[name]}")
    return found


def other_address(ip: str) -> str:
    """Another address for each address, equal ones alike."""
    return ip.replace("198.51.100.", "10.1.2.").replace("203.0.113.", "172.16.0.").replace("192.0.2.", "10.9.9.")


def order(seed: int, most: int = 4) -> list[str]:
    """Where a mirror shows a response before its request, nothing that was made of them changes."""
    random, seen = Random(seed), flow(seed, most)
    mixed = responses_first(seen, random)
    columns = ("call_id", "outcome", "status_code", "attempts", "answer_ts", "messages", "resends", "hops", "answers")
    tables = [fed(part, END).tables for part in (seen, mixed)]
    one, other = (
        sorted(({name: row[name] for name in columns} for row in table["calls"]), key=str) for table in tables
    )
    found = list(unlike("call", one, other))
    if tables[0]["orphans"] != tables[1]["orphans"]:
        found.append(f"orphans: {tables[0]['orphans']}, then {tables[1]['orphans']}")
    return found


def responses_first(seen: list[Seen], random: Random) -> list[Seen]:
    """Some requests behind their first response, where that comes within 2 s and nothing of its sender in between.

    A follow-up moves by less: windows go by the clock (README 8), and it shall not leave its own.
    """
    mixed = list(seen)
    begun: set[int] = set()
    for request in seen:
        if request.payload.startswith((b"SIP/2.0", b"ACK ")):
            continue
        start = mixed.index(request)
        span = 90 * MS if request.call in begun else 2 * SECOND
        begun.add(request.call)
        for place in range(start + 1, min(start + 12, len(mixed))):
            one = mixed[place]
            if one.ts - request.ts > span or (one.src == request.src and one.call == request.call):
                break
            if is_response_to(one, request) and random.random() < 0.4:
                mixed.insert(place, mixed.pop(start))
                break
    return mixed


def is_response_to(one: Seen, request: Seen) -> bool:
    same = top_via(one) == top_via(request) and field_of(one, b"CSeq") == field_of(request, b"CSeq")
    return same and one.payload.startswith(b"SIP/2.0") and one.src == request.dst


PROMISES: dict[str, Callable[..., list[str]]] = {
    promise.__name__: promise for promise in (batches, numbers, resending, closing, hops, labels, order)
}


def search(first: int, count: int, most: int, names: Iterable[str] = ()) -> None:
    """Look for seeds that break a promise in flows of up to ``most`` calls, and print them."""
    broken: Counter[str] = Counter()
    for seed in range(first, first + count):
        for name in names or PROMISES:
            try:
                found: Any = PROMISES[name](seed, most)
            except Exception:
                found = [traceback.format_exc(limit=-3)]
            if found:
                broken[name] += 1
                if broken[name] <= 12:
                    print(name, seed, *found[:3], sep="\n    ", flush=True)
    print(f"{count} seeds from {first}: {dict(broken) or 'all kept'}", flush=True)


if __name__ == "__main__":
    search(*(int(word) for word in sys.argv[1:4]), sys.argv[4:])

__all__ = ["END", "PROMISES", "search"]
