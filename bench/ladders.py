"""Which ladders a made capture consists of, and when each of their messages goes out.

Everything is drawn from a counter through splitmix64, so the same capture comes out on every machine and with
every numpy. A schedule is three columns (time, call, step), sorted by time: calls interleave as on a wire.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bench.texts import Step

Times = npt.NDArray[np.int64]

#: Microseconds since 1970 at which every made capture begins: 2026-03-02 08:00:00 UTC.
BEGIN_US = 1_772_438_400_000_000
SECONDS = 1000.0
#: Calls whose numbers differ by a multiple of this have the same caller and gateway (`texts.caller_of`, `gateway_of`).
PATHS = 840
#: Calls of one path that begin together, where they do.
BURST = 5


def noise(seed: int, count: int) -> npt.NDArray[np.float64]:
    """`count` numbers in [0, 1): splitmix64 of seed and position (Steele, Lea and Flood 2014)."""
    with np.errstate(over="ignore"):
        state = np.arange(1, count + 1, dtype=np.uint64) + np.uint64(seed) * np.uint64(0xD1B54A32D192ED03)
        state *= np.uint64(0x9E3779B97F4A7C15)
        state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        state ^= state >> np.uint64(31)
    return (state >> np.uint64(11)).astype(np.float64) * 2.0**-53


def answered(talk_s: tuple[float, float]) -> list[Step]:
    """INVITE 100 180 200 ACK BYE 200 on one hop."""
    return [
        Step("caller", "INVITE", (0, 0)),
        Step("callee", 100, (1, 20), to="INVITE"),
        Step("callee", 180, (150, 900), to="INVITE"),
        Step("callee", 200, (1 * SECONDS, 12 * SECONDS), to="INVITE"),
        Step("caller", "ACK", (5, 40), transaction="ack"),
        Step("caller", "BYE", (talk_s[0] * SECONDS, talk_s[1] * SECONDS), transaction="bye", cseq=103),
        Step("callee", 200, (2, 30), to="BYE", transaction="bye", cseq=103),
    ]


def refused(status_code: int) -> list[Step]:
    """INVITE 100 18x final ACK on one hop; the final carries a Reason."""
    # A subscriber who is busy or away has been alerted; a number or a circuit that is missing is announced.
    provisional, wait = (180, (1, 20)) if status_code in (480, 486) else (183, (0.2, 6))
    return [
        Step("caller", "INVITE", (0, 0)),
        Step("callee", 100, (1, 20), to="INVITE"),
        Step("callee", provisional, (100, 900), to="INVITE"),
        Step("callee", status_code, (wait[0] * SECONDS, wait[1] * SECONDS), to="INVITE"),
        Step("caller", "ACK", (5, 40)),
    ]


def _setup(credentials: bool = False) -> list[Step]:
    """An INVITE through the proxy up to its 180."""
    delay, cseq = ((5, 30), 103) if credentials else ((0, 0), 102)
    return [
        Step("caller", "INVITE", delay, "in", cseq=cseq, credentials=credentials),
        Step("proxy", 100, (1, 4), "in", to="INVITE", cseq=cseq),
        Step("proxy", "INVITE", (1, 4), "out", cseq=cseq),
        Step("callee", 100, (5, 30), "out", to="INVITE", cseq=cseq),
        Step("callee", 180, (150, 900), "out", to="INVITE", cseq=cseq),
        Step("proxy", 180, (1, 3), "in", to="INVITE", cseq=cseq),
    ]


def _talk(resends: int = 0, by_callee: bool = False, cseq: int = 102) -> list[Step]:
    """From 200 to the end of a call through the proxy; the 200 is sent again `resends` times before its ACK
    comes (RFC 3261 §13.3.1.4)."""
    ok = [
        Step("callee", 200, (1 * SECONDS, 12 * SECONDS), "out", to="INVITE", cseq=cseq),
        Step("proxy", 200, (1, 3), "in", to="INVITE", cseq=cseq),
    ]
    again = [
        Step("callee", 200, (490 * 2**number, 495 * 2**number), "out", to="INVITE", cseq=cseq)
        for number in range(resends)
    ]
    again = [step for pair in zip(again, [ok[1]] * resends, strict=True) for step in pair]
    ack = [
        Step("caller", "ACK", (5, 40), "in", transaction="ack", cseq=cseq),
        Step("proxy", "ACK", (1, 3), "out", transaction="ack", cseq=cseq),
    ]
    first, last = ("out", "in") if by_callee else ("in", "out")
    ender, other = ("callee", "caller") if by_callee else ("caller", "callee")
    number = 1 if by_callee else cseq + 1

    def bye_step(sender: str, what: str | int, delay: tuple[float, float], hop: str, to: str = "") -> Step:
        return Step(sender, what, delay, hop, to, transaction="bye", cseq=number, by_callee=by_callee)

    bye = [
        bye_step(ender, "BYE", (5 * SECONDS, 115 * SECONDS), first),
        bye_step("proxy", "BYE", (1, 3), last),
        bye_step(other, 200, (2, 30), last, "BYE"),
        bye_step("proxy", 200, (1, 3), first, "BYE"),
    ]
    return ok + again + ack + bye


def _refusal(status_code: int) -> list[Step]:
    return [
        Step("callee", status_code, (1 * SECONDS, 20 * SECONDS), "out", to="INVITE"),
        Step("proxy", "ACK", (1, 3), "out"),
        Step("proxy", status_code, (1, 3), "in", to="INVITE"),
        Step("caller", "ACK", (5, 40), "in"),
    ]


def _challenged(method: str, status_code: int) -> list[Step]:
    steps = [
        Step("caller", method, (0, 0), "in", transaction="first", cseq=102),
        Step("proxy", status_code, (1, 4), "in", to=method, transaction="first", cseq=102),
    ]
    if method == "INVITE":
        steps.append(Step("caller", "ACK", (5, 40), "in", transaction="first", cseq=102))
    return steps


def _cancel() -> list[Step]:
    """A CANCEL goes hop by hop, and each hop answers it and the INVITE (RFC 3261 §9, §16.10)."""
    return [
        Step("caller", "CANCEL", (2 * SECONDS, 30 * SECONDS), "in"),
        Step("proxy", 200, (1, 3), "in", to="CANCEL"),
        Step("proxy", "CANCEL", (1, 3), "out"),
        Step("callee", 200, (2, 20), "out", to="CANCEL"),
        Step("callee", 487, (1, 3), "out", to="INVITE"),
        Step("proxy", "ACK", (1, 3), "out"),
        Step("proxy", 487, (1, 3), "in", to="INVITE"),
        Step("caller", "ACK", (5, 40), "in"),
    ]


def _no_reply() -> list[Step]:
    """INVITE and its six resends on timer A (RFC 3261 §17.1.1.2), nobody answers."""
    return [Step("caller", "INVITE", (0, 0))] + [
        Step("caller", "INVITE", (500 * 2**number, 500 * 2**number)) for number in range(6)
    ]


@dataclass(frozen=True)
class Ladder:
    """A ladder, how many times a capture holds it, and the outcome that docs/counting.md gives such a call.

    `outcome` is empty for what is no call. Captures end late enough for every call to come to its outcome.
    """

    name: str
    count: int
    outcome: str
    steps: list[Step]


def dense(answered_count: int, refusals: dict[int, int], talk_s: tuple[float, float] = (5, 115)) -> list[Ladder]:
    """Calls on one hop: some answered, the rest refused with the codes given."""
    outcomes = {404: "invalid_number", 480: "no_answer", 486: "busy", 503: "failed"}
    return [Ladder("answered", answered_count, "answered", answered(talk_s))] + [
        Ladder(f"refused {code}", count, outcomes[code], refused(code)) for code, count in refusals.items()
    ]


def mixed(count: int) -> list[Ladder]:
    """What a proxy sees in a day, in thousandths of `count` (a multiple of 1000)."""
    options = [
        Step("caller", "OPTIONS", (0, 0), "in"),
        Step("proxy", 200, (1, 4), "in", to="OPTIONS"),
    ]
    register = [
        *_challenged("REGISTER", 401),
        Step("caller", "REGISTER", (5, 40), "in", cseq=103, credentials=True),
        Step("proxy", 200, (1, 4), "in", to="REGISTER", cseq=103),
    ]
    lost = [Step("caller", "INVITE", (500, 500), "in"), Step("proxy", 100, (1, 4), "in", to="INVITE")]
    challenged = _challenged("INVITE", 407) + _setup(True) + _talk(cseq=103)
    shares: list[tuple[str, int, str, list[Step]]] = [
        ("answered", 240, "answered", _setup() + _talk()),
        ("answered, callee hangs up", 60, "answered", _setup() + _talk(by_callee=True)),
        ("challenged, answered", 200, "answered", challenged),
        ("INVITE resent, answered", 30, "answered", _setup()[:1] + lost + _setup()[2:] + _talk()),
        ("200 resent, answered", 30, "answered", _setup() + _talk(resends=2)),
        ("busy", 80, "busy", _setup() + _refusal(486)),
        ("no user", 40, "no_answer", _setup() + _refusal(480)),
        ("not found", 40, "invalid_number", _setup()[:4] + _refusal(404)),
        ("no circuit", 40, "failed", _setup()[:4] + _refusal(503)),
        ("cancelled", 90, "cancelled", _setup() + _cancel()),
        ("no reply", 10, "timed_out", _no_reply()),
        ("keepalive", 60, "", options),
        ("registration", 80, "", register),
    ]
    return [Ladder(name, count * share // 1000, outcome, steps) for name, share, outcome, steps in shares]


@dataclass(frozen=True)
class Schedule:
    """Every message of a capture in time order: `ts_us` since 1970, number of the `call`, row of `steps`."""

    ts_us: Times
    call: Times
    step: Times
    steps: list[Step]

    def __len__(self) -> int:
        return len(self.ts_us)


def schedule(ladders: list[Ladder], per_second: float, seed: int) -> Schedule:
    """Spread the ladders evenly in random order at `per_second` starts and let each take its own time."""
    total = sum(ladder.count for ladder in ladders)
    which = np.repeat(np.arange(len(ladders)), [ladder.count for ladder in ladders])
    which = which[np.argsort(noise(seed, total), kind="stable")]
    starts = ((np.arange(total) + noise(seed + 1, total)) / per_second * 1e6).astype(np.int64)
    steps: list[Step] = []
    columns: list[tuple[Times, Times, Times]] = []
    for number, ladder in enumerate(ladders):
        calls = np.flatnonzero(which == number).astype(np.int64)
        ts_us = starts[calls]
        for step in ladder.steps:
            low, high = step.delay
            drawn = low + (high - low) * noise(seed + 2 + len(steps), len(calls))
            ts_us = ts_us + (drawn * 1000).astype(np.int64)
            columns.append((ts_us, calls, np.full(len(calls), len(steps), dtype=np.int64)))
            steps.append(step)
    ts_us, call, step_no = (np.concatenate(parts) for parts in zip(*columns, strict=True))
    order = np.lexsort((step_no, ts_us))
    return Schedule(BEGIN_US + ts_us[order], call[order], step_no[order], steps)


def in_bursts(plan: Schedule, size: int = BURST, paths: int = PATHS) -> Schedule:
    """Let ``size`` calls of one path do at the same time what one call of ``plan`` does, on ``paths`` of the PATHS."""
    first = plan.call // paths * (PATHS * size) + plan.call % paths
    call = (first[:, np.newaxis] + np.arange(size) * PATHS).reshape(-1)
    return Schedule(np.repeat(plan.ts_us, size), call, np.repeat(plan.step, size), plan.steps)


def promised(ladders: list[Ladder]) -> Counter[str]:
    """How many messages of each start line (``INVITE``, ``486 INVITE``) the ladders hold."""
    counts: Counter[str] = Counter()
    for ladder in ladders:
        for step in ladder.steps:
            counts[f"{step.what} {step.to}".strip()] += ladder.count
    return counts


def outcomes(ladders: list[Ladder]) -> Counter[str]:
    """How many calls of each outcome the ladders hold."""
    counts: Counter[str] = Counter()
    for ladder in ladders:
        if ladder.outcome and ladder.count:
            counts[ladder.outcome] += ladder.count
    return counts
