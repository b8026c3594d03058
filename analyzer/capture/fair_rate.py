"""A bound on messages a second that one sender cannot use up for the others."""

from __future__ import annotations

_SECOND = 1_000_000_000
#: So long ago that every bucket has become full since.
NEVER = -(1 << 62)


class Share:
    """What one sender may still send at once, and when that was counted."""

    __slots__ = ("filled_ns", "tokens")

    def __init__(self) -> None:
        self.filled_ns = NEVER  # a sender that comes anew begins with all of its share
        self.tokens = 0.0


class FairRate:
    """A token bucket over all, of ``rate`` messages a second and one second's messages at once.

    The upper half of it is for anybody, so that a single sender may have the whole rate when nobody else wants it. The
    lower half is shared: each sender has a bucket of its own with an equal part of the rate, for half a second at once.
    All own buckets together never hold more than is left, so who asks for no more than its part gets it.
    """

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._most = self._tokens = max(rate, 2.0)
        self._filled_ns = NEVER
        self.share_by(1)

    def share_by(self, senders: int) -> None:
        """From now on so many senders share the rate."""
        self._part = self._rate / max(senders, 1)
        self._part_most = max(self._part / 2, 1.0)

    def admits(self, share: Share, ts: int) -> bool:
        """Whether a message of this sender, which arrived at ``ts``, is within the bound; takes it off if so.

        Arrivals out of order by less than a second fill no bucket; further back, the clock was set.
        """
        elapsed = ts - self._filled_ns
        if elapsed > 0:
            tokens = self._tokens + self._rate * elapsed / _SECOND
            self._tokens = tokens if tokens < self._most else self._most
            self._filled_ns = ts
        elif elapsed < -_SECOND:
            self._filled_ns = ts
        own = share.tokens
        elapsed = ts - share.filled_ns
        if elapsed > 0:
            own += self._part * elapsed / _SECOND
            share.filled_ns = ts
        elif elapsed < -_SECOND:
            share.filled_ns = ts
        if own > self._part_most:
            own = self._part_most
        share.tokens = own
        if self._tokens < 1:
            return False
        if self._tokens < self._most / 2 + 1:
            if own < 1:
                return False
            share.tokens = own - 1
        self._tokens -= 1
        return True
