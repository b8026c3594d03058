"""A bound on messages a second that one sender cannot use up for the others."""

from __future__ import annotations

_SECOND = 1_000_000_000


class Share:
    """What one sender may still send at once, and when that was counted."""

    __slots__ = ("filled_ns", "tokens")

    def __init__(self) -> None:
        self.filled_ns = -(1 << 62)  # a sender that comes anew begins with all of its share
        self.tokens = 0.0


class FairRate:
    """A token bucket over all, of ``rate`` messages a second and one second's messages at once.

    Beside it each of ``senders`` has a bucket of its own with an equal part of the rate. Who stays within it is let in
    while there is anything left at all; who is beyond it only from the upper half of the common bucket. So a single
    sender may have the whole rate when nobody else wants it, and the lower half is left for those who ask for little.
    """

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self.senders = 1
        self._most = max(rate, 2.0)
        self._tokens = self._most
        self._filled_ns = -(1 << 62)

    def admits(self, share: Share, ts: int) -> bool:
        """Whether a message of this sender, which arrived at ``ts``, is within the bound; takes it off if so."""
        self._tokens, self._filled_ns = _filled(self._tokens, self._filled_ns, ts, self.rate, self._most)
        part = self.rate / max(self.senders, 1)
        share.tokens, share.filled_ns = _filled(share.tokens, share.filled_ns, ts, part, max(part / 2, 1.0))
        if self._tokens < 1:
            return False
        if share.tokens >= 1:
            share.tokens -= 1
        elif self._tokens <= self._most / 2:
            return False
        self._tokens -= 1
        return True


def _filled(tokens: float, filled_ns: int, ts: int, rate: float, most: float) -> tuple[float, int]:
    """A bucket at ``ts``. Arrivals out of order by less than a second add nothing; further back, the clock was set."""
    elapsed = ts - filled_ns
    if elapsed > 0:
        return min(most, tokens + rate * elapsed / _SECOND), ts
    return min(most, tokens), ts if elapsed < -_SECOND else filled_ns
