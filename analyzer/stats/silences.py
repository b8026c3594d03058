"""Times in which somebody listened and no calls came where many do: no traffic, told apart from gaps of capture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from analyzer.batch import Ints
from analyzer.stats.listened import Spans
from analyzer.stats.usual import Seen, Usual

SECOND = 1_000_000_000
#: A silence is at least so long.
SHORTEST = 300 * SECOND
#: So many calls must be missing: by chance (Poisson) none of 20 come once in 5 * 10^8 times, which leaves room for
#: a week's silences and for calls that come in bunches.
_MISSING_CALLS = 20.0
#: Silences with fewer calls between them than this share of what was expected are one.
_TRICKLE = 0.05


class Silence(NamedTuple):
    """From the last call to the next one, the calls that came all the same, and how many usually do."""

    from_ts: int
    to_ts: int
    calls: int
    expected: float


def silences(now: Seen, before: Sequence[Seen]) -> list[Silence]:
    """The silences of a period, in order. Without knowledge of who listened there are none."""
    spans = now.spans
    if spans is None or not len(spans.starts):
        return []
    since, until = _pauses(now.starts, spans)
    if not len(since):
        return []
    expected = Usual(now, before).expected(since, until)
    kept = np.flatnonzero(expected >= _MISSING_CALLS)
    found: list[Silence] = []
    for begin, end, calls in zip(since[kept].tolist(), until[kept].tolist(), expected[kept].tolist(), strict=True):
        silence = Silence(begin, end, 0, calls)
        if found:
            joined = _joined(found[-1], silence, now.starts, spans)
            if joined is not None:
                found[-1] = joined
                continue
        found.append(silence)
    return found


def _pauses(starts: Ints, spans: Spans) -> tuple[Ints, Ints]:
    """The times between calls, and between calls and the ends of listening, of some length at least."""
    points = np.sort(np.concatenate([starts, spans.starts, spans.ends]))
    since, until = points[:-1], points[1:]
    kept = until - since >= SHORTEST
    since, until = since[kept], until[kept]
    whole = spans.covers(since, until)
    return since[whole], until[whole]


def _joined(first: Silence, second: Silence, starts: Ints, spans: Spans) -> Silence | None:
    """Two silences as one, where next to nothing came between them and somebody listened all the time."""
    low = np.searchsorted(starts, first.from_ts, side="right")
    high = np.searchsorted(starts, second.to_ts, side="left")
    calls, expected = int(high - low), first.expected + second.expected
    ends = np.array([first.from_ts]), np.array([second.to_ts])
    if calls > expected * _TRICKLE or not spans.covers(*ends)[0]:
        return None
    return Silence(first.from_ts, second.to_ts, calls, expected)
