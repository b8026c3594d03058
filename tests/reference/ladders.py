"""Random call ladders: first what real elements do, then what nobody should do, as messages with times.

A ladder is a list of `Sent`: who sends which octets to whom and when. `realistic` follows a caller, up to two
proxies and up to two phones through challenges, redirects, CANCELs and releases; `unruly` draws every transaction
for itself, so that responses contradict each other and come at the edges of timers and windows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple

MS = 1_000_000
SECOND = 1_000 * MS
START = 1_767_225_600 * SECOND  # 2026-01-01 00:00 UTC
CALLER, PROXIES, PHONES = "192.0.2.10", ("198.51.100.1", "198.51.100.2"), ("203.0.113.21", "203.0.113.22")
PATH = (CALLER, *PROXIES)


class Sent(NamedTuple):
    """One datagram of a ladder."""

    ts: int
    src: str
    dst: str
    payload: bytes


FINALS = (
    200, 200, 200, 301, 302, 400, 401, 402, 403, 404, 407, 407, 408, 415, 422, 480, 480, 481, 484, 486, 486, 487, 488,
    491, 500, 502, 503, 503, 504, 580, 600, 603, 604, 605, 606, 607, 608, 430, 433, 440, 469, 499, 555, 599, 699, 703,
    751, 810,
)  # fmt: skip
REASONS = (
    "", "", "", "", "", "Q.850;cause=16", "Q.850;cause=17", "Q.850;cause=34;text=\"no circuit\"", "Q.850;cause=18",
    "Q.850;cause=19", "Q.850;cause=21", "Q.850;cause=21;location=U", "Q.850;cause=127", "Q.850;cause=31;location=LN",
    "Q.850;cause=102", "Q.850;cause=27", "Q.850;cause=1", "Q.850;cause=41", "Q.850;cause=29", "SIP;cause=503",
    "SIP;cause=487", "STIR;cause=436", "Q.850;cause=88", "Q.850;cause=0", "Q.850;cause=144", "Q.850;cause=20",
)  # fmt: skip
CANCEL_REASONS = (
    "", "", "", "SIP;cause=200;text=\"Call completed elsewhere\"", "Q.850;cause=26", "SIP;cause=408", "Q.850;cause=19",
    "Q.850;cause=102", "Q.850;cause=16", "SIP;cause=487", "Q.850;cause=31", "SIP;cause=603",
)  # fmt: skip
BYE_REASONS = (
    "", "", "", "Q.850;cause=16", "Q.850;cause=17", "Q.850;cause=38", "Q.850;cause=21", "SIP;cause=200",
    "SIP;cause=503", "SIP;cause=486", "Preemption;cause=1", "RELEASE_CAUSE;cause=1", "RELEASE_CAUSE;cause=3",
    "Q.850;cause=31", "Q.850;cause=26", "Q.850;cause=3",
)  # fmt: skip
DELAYS = (0, 1, 20, 400, 900, 3_000, 4_990, 5_000, 5_010, 9_000, 12_000, 31_990, 32_000, 32_010, 60_000, 179_990,
          180_000, 180_010, 200_000)  # fmt: skip


@dataclass
class Request:
    """A request with all that its responses, CANCEL and ACK must repeat."""

    method: str
    call_id: str
    from_tag: str
    cseq: int
    branch: str
    hop: int
    src: str
    dst: str
    to_tag: str | None = None
    extra: list[str] = field(default_factory=list)

    def headers(self, cseq_method: str, to_tag: str | None, vias: int) -> list[str]:
        lower = [f"Via: SIP/2.0/UDP 192.0.2.{200 + n};branch=z9hG4bKbelow{n}" for n in range(vias - 1)]
        tag = f";tag={to_tag}" if to_tag else ""
        return [
            f"Via: SIP/2.0/UDP {self.src}:5060;branch={self.branch}",
            *lower,
            f"From: <sip:31201234@example.com>;tag={self.from_tag}",
            f"To: <sip:31205678@example.com>{tag}",
            f"Call-ID: {self.call_id}",
            f"CSeq: {self.cseq} {cseq_method}",
        ]

    def octets(self) -> bytes:
        lines = [f"{self.method} sip:31205678@example.com SIP/2.0"]
        lines += self.headers(self.method, self.to_tag, self.hop + 1)
        return text([*lines, "Max-Forwards: 70", *self.extra])

    def response(self, status: int, to_tag: str | None, *extra: str, phrase: str = "Said") -> bytes:
        lines = [f"SIP/2.0 {status} {phrase}", *self.headers(self.method, to_tag, self.hop + 1), *extra]
        return text(lines)

    def like(self, method: str, to_tag: str | None = None, extra: list[str] | None = None) -> Request:
        """CANCEL or the ACK to a non-2xx: the INVITE's branch and a single Via."""
        return Request(
            method, self.call_id, self.from_tag, self.cseq, self.branch, 0, self.src, self.dst, to_tag, extra or []
        )  # fmt: skip


def text(lines: list[str]) -> bytes:
    return "\r\n".join([*[line for line in lines if line], "Content-Length: 0", "", ""]).encode()


def reason(value: str) -> str:
    return f"Reason: {value}" if value else ""


def orderly(random: Random, name: str, start: int) -> list[Sent]:
    """As `realistic`, but the caller's own hop is always seen and every attempt has a CSeq number of its own."""
    return realistic(random, name, start, orderly=True)


def realistic(random: Random, name: str, start: int, orderly: bool = False) -> list[Sent]:
    """One caller's doings: attempts one after the other until something final, then perhaps a conversation."""
    sent: list[Sent] = []
    at, cseq, credentials = start, random.randint(1, 5), False
    from_tag = f"{name}a"
    for attempt in range(random.choice((1, 1, 2, 2, 3, 4))):
        hops, base = random.randint(1, 3), 0 if orderly or random.random() < 0.9 else 1
        forks = random.choice((1, 1, 1, 2)) if hops > 1 else 1
        chain: list[Request] = []
        for hop in range(base, hops):
            for fork in range(forks if hop == hops - 1 else 1):
                target = PHONES[fork] if hop == hops - 1 else PROXIES[hop]
                branch = f"z9hG4bK{name}-{attempt}-{hop}-{fork}"
                extra = ["Proxy-Authorization: Digest x"] if credentials else []
                chain.append(Request("INVITE", name, from_tag, cseq, branch, hop, PATH[hop], target, None, extra))
        if not chain:
            continue
        for position, invite in enumerate(chain):
            sent.append(Sent(at + position * MS, invite.src, invite.dst, invite.octets()))
        tag = f"{name}t{attempt}"
        answer_at = at + random.choice((20, 400, 3_000, 9_000, 25_000)) * MS
        provisional = random.choice(((), (100,), (100, 180), (183,), (100, 183, 180)))
        final: int | None = random.choice(FINALS) if random.random() < 0.9 else None
        said = reason(random.choice(REASONS))
        hold = random.random() < 0.15  # the first element swallows the final
        for invite in reversed(chain):
            late = (len(chain) - invite.hop) * MS
            for number, status in enumerate(provisional):
                if status > 100 or invite.hop < 2:
                    moment = at + (10 + 5 * number) * MS + late
                    sent.append(
                        Sent(moment, invite.dst, invite.src, invite.response(status, tag if status > 100 else None))
                    )
        cancelled = random.random() < 0.2
        if cancelled:
            because = reason(random.choice(CANCEL_REASONS))
            for invite in chain:
                cancel = invite.like("CANCEL", None, [because])
                moment = answer_at - 8 * MS + invite.hop * MS
                sent.append(Sent(moment, cancel.src, cancel.dst, cancel.octets()))
                sent.append(Sent(moment + 3 * MS, cancel.dst, cancel.src, cancel.response(200, "cancelled")))
            if random.random() < 0.8:
                final = 487
        extra = [said]
        if final in (401, 407) and random.random() < 0.3:
            extra.append('Proxy-Authenticate: Digest realm="x", stale=true')
        if final == 503 and random.random() < 0.5:
            extra.append("Retry-After: 10")
        if final is not None:
            for invite in reversed(chain):
                if hold and invite.hop == base and len(chain) > 1:
                    continue
                status = random.choice((final, final, final, 500)) if final >= 500 else final
                moment = answer_at + (10 - invite.hop) * MS
                sent.append(Sent(moment, invite.dst, invite.src, invite.response(status, tag, *extra)))
                if status >= 300 and random.random() < 0.9:
                    ack = invite.like("ACK", tag)
                    sent.append(Sent(moment + MS, ack.src, ack.dst, ack.octets()))
        if final is not None and 200 <= final < 300 and not hold:
            sent += conversation(random, chain[0], tag, answer_at + 20 * MS)
            break
        at = answer_at + random.choice((30, 900, 4_900, 5_100, 20_000, 40_000)) * MS
        cseq += 1 if orderly else random.choice((1, 1, 1, 1, 0))
        credentials = credentials or (final in (401, 407) and random.random() < 0.9)
        if final in (401, 407) and random.random() < 0.2:
            from_tag = f"{name}b"
    return sent


def conversation(random: Random, invite: Request, tag: str, at: int) -> list[Sent]:
    """ACK, perhaps a re-INVITE, perhaps a BYE, perhaps answered."""
    sent: list[Sent] = []
    own = (invite.call_id, invite.from_tag)
    acknowledged = random.random() < 0.85
    if acknowledged:
        ack = Request("ACK", *own, invite.cseq, invite.branch + "ack", invite.hop, invite.src, invite.dst, tag)
        sent.append(Sent(at, ack.src, ack.dst, ack.octets()))
    else:
        answer = invite.response(200, tag)
        sent += [Sent(at + n * 4 * SECOND, invite.dst, invite.src, answer) for n in range(random.choice((0, 3, 8)))]
    if random.random() < 0.3:
        again = Request("INVITE", *own, invite.cseq + 1, invite.branch + "re", 0, invite.src, invite.dst, tag)
        status = random.choice((200, 488, 491, 481, 408))
        sent.append(Sent(at + SECOND, again.src, again.dst, again.octets()))
        sent.append(Sent(at + SECOND + 9 * MS, again.dst, again.src, again.response(status, tag)))
    length = random.choice((1, 20, 31, 32, 33, 100)) * SECOND
    side = random.choice(("caller", "caller", "callee", "callee", "nobody"))
    because = [reason(random.choice(BYE_REASONS))]
    if side == "caller":
        bye = Request("BYE", *own, invite.cseq + 2, invite.branch + "bye", 0, invite.src, invite.dst, tag, because)
    elif side == "callee":
        bye = Request(
            "BYE", invite.call_id, tag, 77, invite.branch + "bye", 0, invite.dst, invite.src, invite.from_tag, because
        )  # fmt: skip
    else:
        return sent
    sent.append(Sent(at + length, bye.src, bye.dst, bye.octets()))
    status = random.choice((200, 200, 200, 481, 500, 0))
    if status:
        sent.append(Sent(at + length + 7 * MS, bye.dst, bye.src, bye.response(status, bye.to_tag)))
    return sent


def unruly(random: Random, name: str, start: int) -> list[Sent]:
    """Transactions that have a Call-ID in common and little else; times at the edges of timers and windows."""
    sent: list[Sent] = []
    at = start
    for number in range(random.randint(1, 5)):
        at += random.choice(DELAYS) * MS
        hop = random.choice((0, 0, 0, 1, 1, 2))
        branch = f"z9hG4bK{name}-{number}"
        tag = random.choice(("a", "a", "a", "b"))
        credentials = ["Authorization: Digest x"] if random.random() < 0.4 else []
        target = random.choice((*PROXIES, *PHONES))
        cseq = random.choice((1, 1, 2, 3))
        invite = Request("INVITE", name, name + tag, cseq, branch, hop, PATH[hop], target, None, credentials)
        sent.append(Sent(at, invite.src, invite.dst, invite.octets()))
        moment = at
        for _ in range(random.choice((0, 1, 1, 2, 3))):
            moment += random.choice(DELAYS) * MS
            status = random.choice((100, 180, 183, 199, *[random.choice(FINALS) for _ in range(4)]))
            extra = [reason(random.choice(REASONS))]
            if random.random() < 0.3:
                extra.append("Retry-After: 5")
            if random.random() < 0.2:
                extra.append("WWW-Authenticate: Digest stale=TRUE")
            peer = random.choice((None, f"{name}x", f"{name}x", f"{name}y"))
            sent.append(Sent(moment, invite.dst, invite.src, invite.response(status, peer, *extra)))
        if random.random() < 0.3:
            cancel = invite.like("CANCEL", None, [reason(random.choice(CANCEL_REASONS))])
            sent.append(Sent(at + random.choice(DELAYS) * MS, cancel.src, cancel.dst, cancel.octets()))
        if random.random() < 0.3:
            sent += conversation(random, invite, f"{name}x", at + random.choice(DELAYS) * MS)
    return sent


def registration(random: Random, name: str, start: int) -> list[Sent]:
    """REGISTERs of one phone."""
    sent: list[Sent] = []
    at, cseq, credentials = start, 1, False
    wish = random.choice(([], ["Contact: <sip:a@192.0.2.10>"], ["Contact: <sip:a@192.0.2.10>;expires=60"]))
    wish = wish + random.choice(([], [], ["Expires: 0"], ["Expires: 3600"]))
    for number in range(random.randint(1, 4)):
        extra = [*(["Authorization: Digest x"] if credentials else []), *wish]
        branch = f"z9hG4bK{name}-{number}"
        register = Request("REGISTER", name, name + "f", cseq, branch, 0, CALLER, PROXIES[0], None, extra)
        sent.append(Sent(at, register.src, register.dst, register.octets()))
        status = random.choice((0, 100, 200, 200, 401, 401, 401, 403, 407, 423, 500, 503))
        if status:
            answer = random.choice(("", "Expires: 120", "Contact: <sip:a@192.0.2.10>;expires=90"))
            sent.append(Sent(at + 9 * MS, register.dst, register.src, register.response(status, "r", answer)))
        at += random.choice((30, 900, 4_900, 5_100, 31_900, 33_000)) * MS
        cseq += 1
        credentials = credentials or status in (401, 407)
    return sent


def disturbed(random: Random, sent: list[Sent]) -> list[Sent]:
    """In time order, but with losses, resends and neighbours that change places."""
    kept = [one for one in sent if random.random() > 0.04]
    again = [one for one in kept if random.random() < 0.08]
    kept += [one._replace(ts=one.ts + random.choice((500, 1_500, 4_000)) * MS) for one in again]
    kept.sort(key=lambda one: one.ts)
    for place in range(len(kept) - 1):
        if random.random() < 0.03:
            kept[place], kept[place + 1] = kept[place + 1], kept[place]
    return kept


def ladder(random: Random, kind: str, disturb: bool) -> list[Sent]:
    """Several calls and registrations at once, in the order of the capture."""
    draw = {"realistic": realistic, "orderly": orderly, "unruly": unruly, "registration": registration}[kind]
    sent: list[Sent] = []
    for number in range(random.randint(1, 6)):
        sent += draw(random, f"{kind[0]}{number}", START + random.randint(0, 40_000) * MS)
    return disturbed(random, sent) if disturb else sorted(sent, key=lambda one: one.ts)
