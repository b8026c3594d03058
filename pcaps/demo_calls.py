"""How the calls of the demo go: each function writes one call as a ladder and returns what must be found.

The truth is decided here, where the call is made up, and by nothing that reads captures.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple


class Truth(NamedTuple):
    """What one call is, by the definitions of docs/counting.md."""

    outcome: str
    status_code: int | None
    cause: int | None = None
    failed_by: str | None = None
    release: str | None = None


class Script:
    """The lines of one call along a path of participants: caller, perhaps a proxy, callee."""

    def __init__(self, path: list[str], rng: random.Random, users: tuple[str, str]) -> None:
        self.path = path
        self.rng = rng
        self.users = users
        self.lines: list[str] = []
        self.pairs = list(pairwise(path))

    def say(self, left: str, arrow: str, right: str, what: str, options: str = "", seconds: float = 0) -> None:
        """One message, after a moment on the wire and the seconds given."""
        delay = int(seconds * 10**6) + self.rng.randint(700, 24000)
        self.lines.append(f"{left} {arrow} {right} {what} +{delay}us {options}")

    def invite(self, *, challenge: bool = False, trying: bool = True, options: str = "") -> None:
        """INVITE along the path, with a challenge of the first hop where asked for, and a 100 from each hop."""
        first, second = self.pairs[0]
        users = f"from={self.users[0]} to={self.users[1]} {options}"
        if challenge:
            self.say(first, "->", second, "INVITE", users)
            self.refuse_here(first, second, 407)
        for left, right in self.pairs:
            late = trying and left == first and self.rng.random() < 0.02
            self.say(left, "->", right, "INVITE", f"{users} resends=1" if late else users)
            if trying:
                self.say(left, "<-", right, "100", seconds=0.6 if late else 0)

    def back(self, what: str, options: str = "", seconds: float = 0) -> None:
        """A response from the callee along the path to the caller."""
        for left, right in reversed(self.pairs):
            self.say(left, "<-", right, what, options, seconds)
            seconds = 0

    def ring(self, code: int = 180) -> None:
        """Ringing after a post-dial delay of one to five seconds."""
        self.back(str(code), seconds=1 + self.rng.expovariate(0.9))

    def refuse_here(self, left: str, right: str, code: int, options: str = "", seconds: float = 0) -> None:
        """A refusal on one hop, and its ACK."""
        self.say(left, "<-", right, str(code), options, seconds)
        self.say(left, "->", right, "ACK")

    def refuse(self, code: int, options: str = "", seconds: float = 0, relayed_as: int | None = None) -> None:
        """A refusal by the callee; on its way to the caller it may become another code."""
        for left, right in reversed(self.pairs):
            self.refuse_here(left, right, code, options, seconds)
            code, seconds = relayed_as or code, 0
            options = "" if relayed_as else options

    def answer(self) -> None:
        """200 after some rings, and the ACK."""
        self.back("200", seconds=self.rng.uniform(1.5, 18))
        for left, right in self.pairs:
            self.say(left, "->", right, "ACK")

    def bye(self, options: str = "", seconds: float | None = None, by_callee: bool | None = None) -> None:
        """The end of a conversation, by either side."""
        talk = min(5 + self.rng.expovariate(1 / 95), 900) if seconds is None else seconds
        if by_callee if by_callee is not None else self.rng.random() < 0.4:
            self.back("BYE", options, talk)
            for left, right in self.pairs:
                self.say(left, "->", right, "200")
            return
        for left, right in self.pairs:
            self.say(left, "->", right, "BYE", options, talk)
            talk = 0
        self.back("200")

    def cancel(self, options: str = "", seconds: float = 0) -> None:
        """CANCEL hop by hop, then 487 back."""
        for left, right in self.pairs:
            self.say(left, "->", right, "CANCEL", options, seconds)
            self.say(left, "<-", right, "200", "for=CANCEL")
            seconds = 0
        self.refuse(487, "for=INVITE")


Scenario = Callable[[Script, random.Random], Truth]


def _reason(cause: int) -> str:
    return f"reason=Q.850;cause={cause}"


def _challenged(script: Script, rng: random.Random) -> bool:
    return script.path[0].startswith("pbx") and rng.random() < 0.5


def answered(script: Script, rng: random.Random) -> Truth:
    script.invite(challenge=_challenged(script, rng))
    if rng.random() < 0.96:
        script.ring(183 if rng.random() < 0.2 else 180)
    script.answer()
    script.bye(_reason(16) if rng.random() < 0.35 else "")
    return Truth("answered", 200, release="normal")


def abnormal_release(script: Script, rng: random.Random) -> Truth:
    script.invite()
    script.ring()
    script.answer()
    script.bye(_reason(rng.choice((38, 41))), by_callee=True)
    return Truth("answered", 200, release="abnormal")


def no_ack(script: Script, rng: random.Random) -> Truth:
    """The classic drop: the 200 is repeated for 32 s, then the callee hangs up."""
    script.path, script.pairs = [script.path[0], script.path[-1]], [(script.path[0], script.path[-1])]
    left, right = script.pairs[0]
    script.invite()
    script.ring()
    script.say(left, "<-", right, "200", "resends=10", seconds=4)
    script.say(left, "<-", right, "BYE", seconds=32)
    script.say(left, "->", right, "200")
    return Truth("answered", 200, release="no_ack")


def busy(script: Script, rng: random.Random) -> Truth:
    script.invite(challenge=_challenged(script, rng))
    script.refuse(486, _reason(17) if rng.random() < 0.6 else "", rng.uniform(0.4, 3))
    return Truth("busy", 486, 17, script.path[-1])


def no_answer(script: Script, rng: random.Random) -> Truth:
    script.invite()
    script.ring()
    script.refuse(480, _reason(19), rng.uniform(28, 40))
    return Truth("no_answer", 480, 19, script.path[-1])


def no_answer_timer(script: Script, rng: random.Random) -> Truth:
    """The caller's own no-answer timer cancels, and says so."""
    script.invite()
    script.ring()
    script.cancel(_reason(19), 30)
    return Truth("no_answer", 487, 19)


def cancelled(script: Script, rng: random.Random) -> Truth:
    script.invite(challenge=_challenged(script, rng))
    script.ring()
    script.cancel(seconds=rng.uniform(3, 35))
    return Truth("cancelled", 487, 16)


def abandoned(script: Script, rng: random.Random) -> Truth:
    script.invite()
    script.cancel(seconds=rng.uniform(1, 7) if rng.random() < 0.7 else rng.uniform(11, 20))
    return Truth("abandoned", 487, 16)


def invalid_number(script: Script, rng: random.Random) -> Truth:
    code, cause = rng.choice(((404, 1), (404, 1), (484, 28)))
    script.invite()
    script.refuse(code, _reason(cause) if rng.random() < 0.7 else "", rng.uniform(0.3, 2))
    return Truth("invalid_number", code, cause, script.path[-1])


def unavailable(script: Script, rng: random.Random) -> Truth:
    script.invite()
    with_reason = rng.random() < 0.5
    script.refuse(480, _reason(20) if with_reason else "", rng.uniform(1, 6))
    return Truth("unavailable", 480, 20 if with_reason else 18, script.path[-1])


def declined(script: Script, rng: random.Random) -> Truth:
    script.invite()
    script.ring()
    script.refuse(603, seconds=rng.uniform(2, 9))
    return Truth("declined", 603, 21, script.path[-1])


def forbidden(script: Script, rng: random.Random) -> Truth:
    script.invite()
    script.refuse(403, _reason(21), rng.uniform(0.1, 0.5))
    return Truth("rejected", 403, 21, script.path[-1])


def failed(script: Script, rng: random.Random) -> Truth:
    code, cause = rng.choice(((503, 34), (503, 41), (503, 42), (502, 38), (500, 41)))
    script.invite()
    script.refuse(code, _reason(cause), rng.uniform(0.2, 2))
    return Truth("failed", code, cause, script.path[-1])


def silent(script: Script, rng: random.Random) -> Truth:
    """Not one response: the caller's timer ends it, and no code is ever on the wire."""
    script.path, script.pairs = [script.path[0], script.path[-1]], [(script.path[0], script.path[-1])]
    left, right = script.pairs[0]
    script.say(left, "->", right, "INVITE", f"from={script.users[0]} to={script.users[1]} resends=6")
    return Truth("timed_out", None, 18, right)


def proxy_timeout(script: Script, rng: random.Random) -> Truth:
    """The callee keeps silent and the proxy reports 408: the silent one is charged."""
    (caller, proxy), (_, callee) = script.pairs
    users = f"from={script.users[0]} to={script.users[1]}"
    script.say(caller, "->", proxy, "INVITE", users)
    script.say(caller, "<-", proxy, "100")
    script.say(proxy, "->", callee, "INVITE", f"{users} resends=3")
    script.refuse_here(caller, proxy, 408, seconds=7)
    return Truth("timed_out", 408, 102, callee)


def redirected(script: Script, rng: random.Random) -> Truth:
    """A redirection whose continuation goes where the capture does not see it."""
    script.invite()
    script.refuse(302, seconds=0.2)
    return Truth("redirected", 302)


def gigaset(script: Script, rng: random.Random) -> Truth:
    code, cause = rng.choice(((703, 102), (810, 41)))
    script.invite()
    script.refuse(code, seconds=rng.uniform(0.5, 8))
    return Truth("failed", code, cause, script.path[-1])


def auth_failed(script: Script, rng: random.Random) -> Truth:
    left, right = script.pairs[0]
    users = f"from={script.users[0]} to={script.users[1]}"
    for _ in range(2):
        script.say(left, "->", right, "INVITE", users)
        script.refuse_here(left, right, 407)
    return Truth("unauthorized", 407, 21)


def auth_abandoned(script: Script, rng: random.Random) -> Truth:
    left, right = script.pairs[0]
    script.say(left, "->", right, "INVITE", f"from={script.users[0]} to={script.users[1]}")
    script.refuse_here(left, right, 401)
    return Truth("unauthorized", 401, 57)


def codec_refused(script: Script, rng: random.Random) -> Truth:
    script.invite()
    script.refuse(488, f'warning="304 {script.path[-1]} \\"Media type not available\\""', 0.1)
    return Truth("rejected", 488, 127, script.path[-1])


def blocked(script: Script, rng: random.Random) -> Truth:
    script.invite()
    script.refuse(433, seconds=0.2)
    return Truth("blocked", 433, 31, script.path[-1])


def cause_34(script: Script, rng: random.Random) -> Truth:
    """The incident: no circuit available."""
    script.invite()
    script.refuse(503, _reason(34), rng.uniform(0.1, 0.6))
    return Truth("failed", 503, 34, script.path[-1])


def plain_503(script: Script, rng: random.Random) -> Truth:
    """The incident where the trunk gives no reason; a proxy makes 500 of it (RFC 3261 §16.7)."""
    script.invite()
    script.refuse(503, seconds=rng.uniform(0.1, 0.6), relayed_as=500)
    proxied = len(script.path) > 2
    return Truth("failed", 500 if proxied else 503, 41 if proxied else 63, script.path[-1])


def rerouted(script: Script, rng: random.Random, other: str = "trunk1") -> Truth:
    """The incident where the proxy tries another trunk, and the call succeeds there."""
    (caller, proxy), (_, trunk) = script.pairs
    script.invite()
    script.refuse_here(proxy, trunk, 503, _reason(34), 0.2)
    script.say(proxy, "->", other, "INVITE")
    script.say(proxy, "<-", other, "100")
    script.path = [caller, proxy, other]
    script.pairs = [(caller, proxy), (proxy, other)]
    script.ring()
    script.answer()
    script.bye()
    return Truth("answered", 200, release="normal")
