"""Times in which nothing could be heard: the program was not running, or an interface was down.

Of a call that waited for its final when such a time began, nobody knows what became of it: it is *open*, as at the end
of a capture (docs/counting.md), and not timed out.
"""

from __future__ import annotations

from collections import deque

from analyzer.batch import MISSING
from analyzer.correlate.correlator import Ended
from analyzer.correlate.layout import G_START_TS, G_STATUS, G_TIMER, OUT_CLOCK, OUT_CLOSING, RINGING, SECOND

#: A shorter time is no gap: Timer A sends a request again after half a second (RFC 3261 §17.1.1.2).
SHORTEST_NS = SECOND // 2
#: Gaps that are remembered, and for how long: a call waits for Timer C at most, from its last response on.
_MOST = 1000
_REMEMBERED_NS = 2 * RINGING


class Gaps:
    """Gaps so far, and what they make of calls that end."""

    def __init__(self) -> None:
        self._gaps: deque[tuple[int, int]] = deque(maxlen=_MOST)

    def __len__(self) -> int:
        """How many are remembered."""
        return len(self._gaps)

    def add(self, start: int, end: int) -> None:
        """Nothing could be heard from ``start`` to ``end``, ns."""
        if end - start >= SHORTEST_NS:
            self._gaps.append((start, end))

    def forget(self, now: int) -> None:
        """Let go of gaps that no living call can have met while it waited."""
        while self._gaps and self._gaps[0][1] < now - _REMEMBERED_NS:
            self._gaps.popleft()

    def mark(self, ended: Ended) -> None:
        """Let calls and registrations without a final, which waited when a gap began, end there, and be open."""
        groups = ended.groups
        if not self._gaps or not len(groups):
            return
        waits = (groups[:, G_STATUS] == 0) & (groups[:, G_TIMER] != MISSING)
        for start, end in self._gaps:
            # Its timer ran out in the gap or behind it; what ended before the gap did so in full view.
            met = waits & (groups[:, G_TIMER] >= start) & (groups[:, OUT_CLOCK] >= start)
            met &= groups[:, G_START_TS] < end
            groups[met, OUT_CLOCK] = start
            groups[met, OUT_CLOSING] = 1

