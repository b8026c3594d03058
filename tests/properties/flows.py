"""Random call flows of several hops: what real networks do, and what captures lose of it.

`flow` draws callers, proxies that fork, phones, B2BUAs, challenges, redirects, route advance, CANCELs, conversations
and BYEs; `lossy`, `cut` and `jumbled` spoil what came of it as captures do. Equal seeds give equal flows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

from tests.frames import Datagram
from tests.properties.elements import (
    MS,
    SECOND,
    START,
    T2,
    TIMER_B,
    Answer,
    Ask,
    Cancel,
    Leg,
    Node,
    Seen,
    World,
    play,
    resends,
)
from tests.reference.ladders import BYE_REASONS, CANCEL_REASONS, REASONS, Sent, reason, registration

CALLERS = ("192.0.2.10", "192.0.2.11")
PROXIES = ("198.51.100.1", "198.51.100.2", "198.51.100.3")
BRIDGE = "198.51.100.50"
PHONES = ("203.0.113.21", "203.0.113.22", "203.0.113.23", "203.0.113.24")
REFUSALS = (400, 403, 404, 408, 410, 480, 480, 481, 484, 486, 486, 487, 488, 500, 502, 503, 504, 580, 600, 603, 604,
            606, 607, 608, 699, 703)  # fmt: skip
RETRIED = (415, 422, 423, 428, 491, 494)
SDP = "Content-Type: application/sdp"
STALE = 'WWW-Authenticate: Digest realm="x", nonce="y", stale=true'
CREDENTIALS = ('Proxy-Authorization: Digest username="x"',)


@dataclass
class Path:
    """The elements that stay on the way of an answered call, the caller's first."""

    ips: tuple[str, ...]
    tag: str


class Draw:
    """Draws flows of one capture."""

    def __init__(self, random: Random, name: str) -> None:
        self.random = random
        self.name = name
        self.world = World(name)
        self._calls = self._tags = 0

    # -- elements -----------------------------------------------------------------------------------------------

    def phone(self, ip: str) -> Node:
        """Somebody who answers, refuses or says nothing."""
        random = self.random
        self._tags += 1
        node = Node(ip, f"{self.name}t{self._tags}")
        lag = random.choice((5, 20, 150)) * MS
        says: list[tuple[int, int, tuple[str, ...]]] = []
        for status in random.choice(((), (100,), (180,), (100, 180), (183,), (100, 183, 180), (180, 180))):
            media = (SDP,) if status == 183 and random.random() < 0.6 else ()
            because = (reason(random.choice(REASONS)),) if status > 100 and random.random() < 0.2 else ()
            says.append((lag, status, media + because))
            lag += random.choice((1, 30, 700)) * MS
        lag += random.choice((2, 400, 2_500, 9_000, 31_000, 70_000)) * MS
        final = random.choice((200, 200, 200, *[random.choice(REFUSALS) for _ in range(4)], 0))
        if final:
            extra = (reason(random.choice(REASONS)),) if final >= 300 else ()
            says.append((lag, final, extra))
        node.says = tuple(says)
        node.crosses, node.hears_cancel = random.random() < 0.15, random.random() < 0.9
        node.acknowledged = random.random() < 0.9
        node.lost = random.choice((0, 0, 0, 0, 0, 1, 2))
        return node

    def proxy(self, depth: int) -> Node:
        """A proxy with ``depth`` more links behind it."""
        random = self.random
        ip = PROXIES[3 - depth]
        node = self.phone(ip)
        node.says, node.crosses = (), False
        node.children = [self.element(depth - 1) for _ in range(random.choice((1, 1, 1, 2, 2, 3)))]
        if depth == 1:  # branches of one proxy go to different phones
            for child, phone in zip(node.children, random.sample(PHONES, len(node.children)), strict=True):
                child.ip = phone
        node.is_serial = random.random() < 0.4
        node.says_100 = random.random() < 0.85
        node.hasty = random.random() < 0.05
        node.gives_up = random.choice((None, 33 * SECOND, 190 * SECOND))
        node.makes = random.choice(({}, {}, {}, {503: 500, 486: 480, 404: 603, 408: 480}))
        node.swallows = random.random() < 0.05
        return node

    def element(self, depth: int) -> Node:
        random = self.random
        if depth > 0:
            return self.proxy(depth)
        if random.random() < 0.12:
            node = self.phone(BRIDGE)
            node.says = ()
            node.inner, node.inner_leg = self.phone(random.choice(PHONES)), self.leg()
            node.talk = random.choice((1, 20, 100)) * SECOND
            return node
        return self.phone(random.choice(PHONES))

    def leg(self) -> Leg:
        self._calls += 1
        own = f"{self.name}c{self._calls}"
        session = f"Session-ID: {self._calls:032x};remote={0:032x}"
        headers = (session,) if self.random.random() < 0.4 else ()
        return Leg(self._calls, f"{own}@example.com", f"{own}f", "31201234", "31205678", headers)

    # -- calls --------------------------------------------------------------------------------------------------

    def call(self, at: int) -> list[Seen]:
        """One caller's doings: attempts, each continuing the one before or not, then perhaps a conversation."""
        random, leg, seen = self.random, self.leg(), []
        caller, cseq, credentials = random.choice(CALLERS), random.randint(1, 5), False
        for _ in range(random.choice((1, 2, 3, 4))):
            node, again = self.attempt()
            extra = CREDENTIALS if credentials else ()
            ask = Ask(leg, "INVITE", cseq, caller, node.ip, (self.world.branch(),), extra=extra)
            messages, answers = play(self.world, node, ask, at, None)
            end = min((answer.ts for answer in answers if answer.status >= 200), default=at + 40 * SECOND)
            cancel = self.cancel(at, answers, end) if random.random() < 0.25 else None
            if cancel is not None:
                ask = replace(ask, branches=(self.world.branch(),))
                messages, answers = play(self.world, node, ask, at, cancel)
                end = min((answer.ts for answer in answers if answer.status >= 200), default=end)
            seen += messages
            successes = [answer for answer in answers if 200 <= answer.status < 300]
            for place, answer in enumerate(successes):
                seen += self.conversation(ask, node, answer, is_first=place == 0)
            if successes or (not again and random.random() < 0.7):
                break
            at = end + random.choice((5, 40, 900, 4_900, 5_100, 20_000, 33_000, 70_000)) * MS
            cseq += 1
            credentials = credentials or again in (401, 407)
            if again in (401, 407) and random.random() < 0.1:
                leg = replace(leg, from_tag=leg.from_tag + "n")
        return seen

    def attempt(self) -> tuple[Node, int]:
        """Where an INVITE goes; and the code that asks for another one, 0 if none does."""
        random = self.random
        again = random.choice((0, 0, 0, 401, 407, 407, 302, 503, random.choice(RETRIED)))
        if not again:
            return self.element(random.randint(0, 3)), 0
        node = self.phone(random.choice(PROXIES))
        extra: tuple[str, ...] = ()
        if again in (401, 407):
            extra = (random.choice((STALE, 'Proxy-Authenticate: Digest realm="x", nonce="y"')),)
        elif again == 503:
            extra = (random.choice(("", "Retry-After: 5", "Retry-After: 4294967296", "Retry-After: 0")),)
        node.says = ((20 * MS, again, extra),)
        return node, again

    def cancel(self, at: int, answers: Sequence[Answer], end: int) -> Cancel:
        """Before anything was heard, while it rings, or when the final is on its way or just there."""
        random = self.random
        first = min((answer.ts for answer in answers), default=at + MS)
        moments = (first + MS, (first + end) // 2, end - MS, end + 2 * MS, at + 11 * SECOND)
        extra = reason(random.choice(CANCEL_REASONS))
        return Cancel(max(random.choice(moments), at + MS), (extra,) if extra else ())

    # -- what happens inside a dialog ---------------------------------------------------------------------------

    def conversation(self, ask: Ask, node: Node, answer: Answer, is_first: bool) -> list[Seen]:
        """ACK, perhaps requests in between, perhaps BYEs; a second dialog is ended at once."""
        random = self.random
        path = Path((ask.src, *([node.ip] if not node.children else self.way(node, answer.tag))), answer.tag or "")
        seen: list[Seen] = []
        at = answer.ts + 2 * MS
        if random.random() < 0.9:
            seen += self.inside(path, ask, "ACK", ask.cseq, at, None)
            if random.random() < 0.1:  # the ACK came too late, or was lost further on
                again = resends(answer.ts, answer.ts + random.choice((1, 4)) * SECOND, 8, T2)
                seen += [ask.answered(answer._replace(ts=ts)) for ts in again]
                seen += [one for ts in again for one in self.inside(path, ask, "ACK", ask.cseq, ts + MS, None)[:1]]
        else:
            until = answer.ts + random.choice((2 * SECOND, TIMER_B))
            seen += [ask.answered(answer._replace(ts=ts)) for ts in resends(answer.ts, until, 20, T2)]
        if not is_first:
            return seen + self.inside(path, ask, "BYE", ask.cseq + 1, at + 4 * MS, 200)
        cseq = ask.cseq + 1
        for _ in range(random.choice((0, 0, 1, 2))):
            at += random.choice((1, 8, 60)) * SECOND
            method = random.choice(("INVITE", "UPDATE", "INFO"))
            status = random.choice((200, 200, 488, 491, 481, 408, 500, 401, 0))
            by_callee = random.random() < 0.4
            seen += self.inside(path, ask, method, cseq, at, status, by_callee=by_callee)
            if status == 491:  # both at once: glare, and one of them asks again (RFC 3261 §14.1)
                seen += self.inside(path, ask, method, cseq + 40, at + MS, 491, by_callee=not by_callee)
                cseq += 1
                seen += self.inside(path, ask, method, cseq, at + 3 * SECOND, 200, by_callee=by_callee)
                at += 3 * SECOND
            cseq += 1
        return seen + self.release(path, ask, cseq, at + random.choice((2, 20, 31, 33, 100)) * SECOND)

    def release(self, path: Path, ask: Ask, cseq: int, at: int) -> list[Seen]:
        """BYE of one side, of both at once, or of nobody."""
        random = self.random
        because = reason(random.choice(BYE_REASONS))
        extra = (because,) if because else ()
        side = random.choice(("caller", "callee", "both", "nobody"))
        if side == "nobody":
            return []
        status = random.choice((200, 200, 200, 481, 408, 500, 0))
        seen = self.inside(path, ask, "BYE", cseq, at, status, by_callee=side == "callee", extra=extra)
        if side == "both":
            return seen + self.inside(path, ask, "BYE", 90, at + MS // 2, random.choice((200, 481)), by_callee=True)
        return seen

    def inside(
        self, path: Path, ask: Ask, method: str, cseq: int, at: int, status: int | None, *,
        by_callee: bool = False, extra: tuple[str, ...] = (),
    ) -> list[Seen]:  # fmt: skip
        """A request on every link of a dialog's way, and its answer on the way back; status 0 = none, None = ACK."""
        links = list(zip(path.ips, path.ips[1:], strict=False))
        order = [(place, src, dst) for place, (src, dst) in enumerate(links)]
        if by_callee:
            order = [(place, dst, src) for place, src, dst in reversed(order)]
        seen: list[Seen] = []
        branches: tuple[str, ...] = ()
        asked: list[Ask] = []
        for number, (place, src, dst) in enumerate(order):
            branches = (self.world.branch(), *branches)
            tags = (ask.leg.from_tag, path.tag) if by_callee else (path.tag, None)
            asked.append(Ask(ask.leg, method, cseq, src, dst, branches, place, *tags, extra))
            seen.append(asked[-1].sent(at + number * MS))
        for number, one in enumerate(reversed(asked)):
            if status:
                answer = Answer(at + (len(order) + number) * MS, status, None)
                seen.append(one.answered(answer))
                if method == "INVITE":
                    to_2xx = replace(one.like("ACK", one.to_tag), branches=(self.world.branch(), *one.branches[1:]))
                    acknowledgement = to_2xx if status < 300 else one.like("ACK", one.to_tag)
                    seen.append(acknowledgement.sent(answer.ts + MS // 2))
            elif status == 0 and number == len(asked) - 1:
                seen += [one.sent(ts) for ts in resends(at, at + TIMER_B, 10, T2)]
        return seen

    def way(self, node: Node, tag: str | None) -> list[str]:
        """The proxies and the phone that lead to a tag."""
        for child in node.children:
            if child.tag == tag:
                return [node.ip, child.ip]
            if child.children:
                further = self.way(child, tag)
                if further:
                    return [node.ip, *further]
        return []

    # -- what is no call ----------------------------------------------------------------------------------------

    def alone(self, at: int) -> list[Seen]:
        """A request outside any dialog."""
        random, leg = self.random, self.leg()
        ask = Ask(leg, random.choice(("OPTIONS", "MESSAGE", "SUBSCRIBE")), 1, CALLERS[0], random.choice(PROXIES),
                  (self.world.branch(),))  # fmt: skip
        status = random.choice((200, 404, 408, 503, 0))
        if not status:
            return [ask.sent(ts) for ts in (at, *resends(at, at + TIMER_B, 10, T2))]
        return [ask.sent(at), ask.answered(Answer(at + 5 * MS, status, "x"))]

    def registration(self, at: int) -> list[Seen]:
        self._calls += 1
        sent = registration(self.random, f"{self.name}r{self._calls}", at)
        return [Seen(*one, 0, self._calls) for one in sent]


def flow(seed: int, most: int = 4, name: str = "n") -> list[Seen]:
    """Everything that a wire without losses shows, in order of time; ``name`` begins every Call-ID and branch."""
    random = Random(seed)
    draw = Draw(random, name)
    seen: list[Seen] = []
    for _ in range(random.randint(1, most)):
        at = START + random.randint(0, 60_000) * MS + random.randint(0, 999)
        what = random.choice((draw.call, draw.call, draw.call, draw.call, draw.alone, draw.registration))
        seen += what(at)
    return sorted(seen, key=lambda one: one.ts)


def lossy(seen: Sequence[Seen], random: Random, share: float = 0.05) -> list[Seen]:
    """Without what the capture missed."""
    return [one for one in seen if random.random() >= share]


def cut(seen: Sequence[Seen], random: Random) -> list[Seen]:
    """Without what came before it began and after it was over."""
    if not seen:
        return []
    first, last = sorted(random.randint(0, len(seen)) for _ in range(2))
    return list(seen[first:last])


def jumbled(seen: Sequence[Seen], random: Random, span: int) -> list[Seen]:
    """In an order that is wrong by up to ``span`` ns; times of capture stay."""
    return sorted(seen, key=lambda one: one.ts + random.randint(0, span))


def spoilt(seed: int, most: int = 4) -> list[Seen]:
    """A flow as a capture may hold it."""
    random = Random(seed + 1)
    seen = flow(seed, most)
    if random.random() < 0.4:
        seen = lossy(seen, random)
    if random.random() < 0.3:
        seen = cut(seen, random)
    if random.random() < 0.3:
        seen = jumbled(seen, random, random.choice((1, 3, 300)) * MS)
    return seen


def datagrams(seen: Sequence[Seen] | Sequence[Sent]) -> list[Datagram]:
    """As UDP datagrams, none of which can be taken for a copy."""
    return [
        Datagram(one.ts, one.src, 5060, one.dst, 5060, one.payload, number % 65_535 + 1)
        for number, one in enumerate(seen)
    ]
