"""Elements of a SIP network, drawn first and played then: phones, proxies that fork, B2BUAs.

A *node* says beforehand how an element will treat an INVITE. `play` follows one INVITE through a tree of nodes and
gives every message that it causes, on every link, and what comes back to whoever sent it. Playing draws nothing, so
that a proxy may play a branch again once it knows when it cancels it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import count
from typing import NamedTuple

MS = 1_000_000
SECOND = 1_000 * MS
START = 1_767_225_600 * SECOND  # 2026-01-01 00:00 UTC
T1, T2 = 500 * MS, 4 * SECOND
TIMER_B = 64 * T1


class Seen(NamedTuple):
    """One datagram. ``link``: how many elements lie between the caller and the link that it was seen on."""

    ts: int
    src: str
    dst: str
    payload: bytes
    link: int
    call: int


@dataclass(frozen=True)
class Leg:
    """What all messages of one Call-ID repeat."""

    number: int
    call_id: str
    from_tag: str
    caller: str
    callee: str
    headers: tuple[str, ...] = ()


class Answer(NamedTuple):
    """A response as it reaches whoever asked."""

    ts: int
    status: int
    tag: str | None
    extra: tuple[str, ...] = ()


@dataclass(frozen=True)
class Ask:
    """A request on one link; ``branches``: the branch of each Via, the top one first."""

    leg: Leg
    method: str
    cseq: int
    src: str
    dst: str
    branches: tuple[str, ...]
    link: int = 0
    to_tag: str | None = None
    from_tag: str | None = None  # of a request that the callee sends
    extra: tuple[str, ...] = ()

    def sent(self, ts: int) -> Seen:
        start = f"{self.method} sip:{self.leg.callee}@example.com SIP/2.0"
        lines = [start, *self._headers(self.to_tag), "Max-Forwards: 70", *self.leg.headers, *self.extra]
        return Seen(ts, self.src, self.dst, text(lines), self.link, self.leg.number)

    def answered(self, answer: Answer) -> Seen:
        start = f"SIP/2.0 {answer.status} Said"
        lines = [start, *self._headers(answer.tag or self.to_tag), *answer.extra]
        return Seen(answer.ts, self.dst, self.src, text(lines), self.link, self.leg.number)

    def like(self, method: str, to_tag: str | None = None, extra: tuple[str, ...] = ()) -> Ask:
        """The CANCEL or the ACK of an INVITE: one Via, RFC 3261 §9.1 and §17.1.1.3."""
        return replace(self, method=method, branches=self.branches[:1], to_tag=to_tag, extra=extra)

    def _headers(self, to_tag: str | None) -> list[str]:
        own, peer = self.leg.caller, self.leg.callee
        if self.from_tag is not None:
            own, peer = peer, own
        tag = f";tag={to_tag}" if to_tag else ""
        return [
            *(f"Via: SIP/2.0/UDP {self.src if place == 0 else 'below.invalid'}:5060;branch=z9hG4bK{branch}"
              for place, branch in enumerate(self.branches)),
            f"From: <sip:{own}@example.com>;tag={self.from_tag or self.leg.from_tag}",
            f"To: <sip:{peer}@example.com>{tag}",
            f"Call-ID: {self.leg.call_id}",
            f"CSeq: {self.cseq} {self.method}",
        ]  # fmt: skip


def text(lines: list[str]) -> bytes:
    return "\r\n".join([*[line for line in lines if line], "Content-Length: 0", "", ""]).encode()


class Cancel(NamedTuple):
    """When the sender of an INVITE gives up on it, and the Reason that it gives."""

    ts: int
    extra: tuple[str, ...] = ()


@dataclass
class Node:
    """How one element treats an INVITE; children make it a proxy, an ``inner`` node a B2BUA."""

    ip: str
    tag: str
    says: tuple[tuple[int, int, tuple[str, ...]], ...] = ()  # (ns after the INVITE, status code, header fields)
    crosses: bool = False  # a CANCEL does not keep it from answering as it would have
    hears_cancel: bool = True
    acknowledged: bool = True  # whoever asked it sends the ACK to its final of 300 or more
    lost: int = 0  # how often the INVITE to it is lost behind the place of capture: resent by Timer A
    children: list[Node] = field(default_factory=list)
    is_serial: bool = False
    says_100: bool = True
    hasty: bool = False  # passes the first final on without waiting for its other branches
    gives_up: int | None = None  # when it says 408 in the place of branches that stay silent
    makes: dict[int, int] = field(default_factory=dict)  # codes that it changes on the way back
    swallows: bool = False  # passes no final of 300 or more on
    inner: Node | None = None
    inner_leg: Leg | None = None
    talk: int = 0  # how long the inner leg of a B2BUA lasts once answered


class World:
    """Branches, each once."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._numbers = count(1)

    def branch(self) -> str:
        return f"{self._name}b{next(self._numbers)}"


def resends(ts: int, until: int, most: int, cap: int | None = None) -> list[int]:
    """When a message that was sent at ``ts`` is sent again: T1, doubled each time, RFC 3261 §17.1.1.2 and §17.1.2.2."""
    times, wait = [], T1
    at = ts
    while len(times) < most and at + wait < until:
        at += wait
        times.append(at)
        wait = 2 * wait if cap is None else min(2 * wait, cap)
    return times


def rank(status: int) -> tuple[int, int]:
    """Which of several refusals a proxy passes on, RFC 3261 §16.7 step 6."""
    return (0, status) if status >= 600 else (1, status)


def play(world: World, node: Node, ask: Ask, at: int, cancel: Cancel | None) -> tuple[list[Seen], list[Answer]]:
    """Everything that an INVITE causes: the messages, and the answers to whoever sent it."""
    arrives = at + sum(T1 << k for k in range(node.lost))
    if node.children:
        behind, answers = fork(world, node, ask, arrives, cancel)
    elif node.inner is not None:
        behind, answers = bridge(world, node, arrives, cancel)
    else:
        behind, answers = [], phone(node, arrives, cancel)
    seen = [ask.sent(at)]
    first = min((answer.ts for answer in answers), default=at + TIMER_B)
    seen += [ask.sent(ts) for ts in resends(at, min(first, at + TIMER_B), node.lost or (6 if not answers else 0))]
    seen += [ask.answered(answer) for answer in answers]
    refusal = next((answer for answer in answers if answer.status >= 300), None)
    if refusal is not None:
        if node.acknowledged:
            seen.append(ask.like("ACK", refusal.tag).sent(refusal.ts + MS))
        else:  # Timer G, until Timer H
            times = resends(refusal.ts, refusal.ts + TIMER_B, 20, T2)
            seen += [ask.answered(refusal._replace(ts=ts)) for ts in times]
    final = next((answer for answer in answers if answer.status >= 200), None)
    # Only a caller cancels what is over: a proxy has seen the final itself.
    if cancel is not None and (ask.link == 0 or final is None or final.ts >= cancel.ts):
        call_off = ask.like("CANCEL", None, cancel.extra)
        seen.append(call_off.sent(cancel.ts))
        # The transaction is gone where the final went out before: 481, RFC 3261 §9.2.
        status = 200 if final is None or final.ts >= cancel.ts or node.crosses else 481
        if node.hears_cancel:
            seen.append(call_off.answered(Answer(cancel.ts + MS, status, f"{node.tag}c")))
    return seen + behind, answers


def phone(node: Node, at: int, cancel: Cancel | None) -> list[Answer]:
    """An element that answers by itself."""
    said = [Answer(at + lag, status, node.tag if status > 100 else None, extra) for lag, status, extra in node.says]
    final = next((answer for answer in said if answer.status >= 200), None)
    is_late = final is not None and cancel is not None and final.ts < cancel.ts
    if cancel is None or is_late or node.crosses or not node.hears_cancel:
        return said
    said = [answer for answer in said if answer.ts < cancel.ts]
    return [*said, Answer(cancel.ts + 2 * MS, 487, node.tag)]


def fork(world: World, node: Node, ask: Ask, at: int, cancel: Cancel | None) -> tuple[list[Seen], list[Answer]]:
    """A proxy: one after the other or all at once, RFC 3261 §16.6 and §16.7."""
    onward = [
        replace(ask, src=node.ip, dst=child.ip, branches=(world.branch(), *ask.branches), link=ask.link + 1)
        for child in node.children
    ]
    told = None if cancel is None else Cancel(cancel.ts + MS, cancel.extra)
    seen: list[Seen] = []
    heard: list[list[Answer]] = []
    begins = at + 2 * MS
    for child, further in zip(node.children, onward, strict=True):
        if told is not None and begins >= told.ts:
            break
        messages, answers = play(world, child, further, begins, told)
        seen += messages
        heard.append(answers)
        if node.is_serial:
            final = next((answer for answer in answers if answer.status >= 200), None)
            if final is None or final.status < 300 or final.status >= 600:
                break
            begins = final.ts + 3 * MS
        else:
            begins += MS // 2
    if not node.is_serial and told is None:
        seen, heard = call_off_the_others(world, node, onward, at, seen, heard)
    return seen, passed_on(node, at, heard, cancel)


def call_off_the_others(
    world: World, node: Node, onward: list[Ask], at: int, seen: list[Seen], heard: list[list[Answer]]
) -> tuple[list[Seen], list[list[Answer]]]:
    """After the first 2xx or 6xx a proxy cancels its other branches, RFC 3261 §16.7 step 10."""
    ends = [a for answers in heard for a in answers if 200 <= a.status < 300 or a.status >= 600]
    if not ends:
        return seen, heard
    first = min(ends)
    extra = ('Reason: SIP;cause=200;text="Call completed elsewhere"',) if first.status < 300 else ()
    seen, again = [], []
    for place, (child, answers) in enumerate(zip(node.children, heard, strict=True)):
        final = next((answer for answer in answers if answer.status >= 200), None)
        is_over = final is not None and final.ts <= first.ts
        called_off = None if is_over else Cancel(first.ts + MS, extra)
        messages, answers = play(world, child, onward[place], at + 2 * MS + place * (MS // 2), called_off)
        seen += messages
        again.append(answers)
    return seen, again


def passed_on(node: Node, at: int, heard: list[list[Answer]], cancel: Cancel | None) -> list[Answer]:
    """What a proxy tells whoever asked it."""
    back = [Answer(at + MS, 100, None)] if node.says_100 else []
    everything = sorted(answer for answers in heard for answer in answers)
    back += [a._replace(ts=a.ts + MS) for a in everything if 100 < a.status < 200]
    successes = [a._replace(ts=a.ts + MS) for a in everything if 200 <= a.status < 300]
    refusals = [a for a in everything if a.status >= 300]
    silent = any(not any(a.status >= 200 for a in answers) for answers in heard) or not heard
    final: Answer | None = None
    if refusals and node.hasty:
        first = refusals[0]
        final = first._replace(ts=first.ts + MS)
    elif not successes and refusals and not silent:
        best = min(refusals, key=lambda answer: rank(answer.status))
        final = best._replace(ts=max(a.ts for a in refusals) + MS)
    elif not successes and silent and node.gives_up is not None and cancel is None:
        final = Answer(at + node.gives_up, 408, node.tag)
    if final is not None and not node.swallows:
        back.append(final._replace(status=node.makes.get(final.status, final.status)))
    over = final.ts if final is not None and not node.swallows else None
    # Nothing provisional follows a final; a 2xx may, RFC 3261 §16.7 step 5.
    kept = [answer for answer in back if answer.status >= 200 or over is None or answer.ts < over]
    late = min((answer.ts for answer in successes), default=None)
    kept = [a for a in kept if a.status >= 200 or late is None or a.ts < late]
    return sorted([*kept, *successes])


def bridge(world: World, node: Node, at: int, cancel: Cancel | None) -> tuple[list[Seen], list[Answer]]:
    """A B2BUA: a call of its own behind, and its answers in front."""
    assert node.inner is not None
    assert node.inner_leg is not None
    ask = Ask(node.inner_leg, "INVITE", 1, node.ip, node.inner.ip, (world.branch(),))
    told = None if cancel is None else Cancel(cancel.ts + MS)
    seen, answers = play(world, node.inner, ask, at + 2 * MS, told)
    success = next((answer for answer in answers if 200 <= answer.status < 300), None)
    if success is not None:
        ack = replace(ask, method="ACK", branches=(world.branch(),), to_tag=success.tag)
        bye = replace(ack, method="BYE", cseq=2, branches=(world.branch(),))
        over = success.ts + node.talk
        seen += [ack.sent(success.ts + 2 * MS), bye.sent(over), bye.answered(Answer(over + MS, 200, success.tag))]
    front = [answer._replace(ts=answer.ts + MS, tag=node.tag if answer.status > 100 else None) for answer in answers]
    return seen, front
