"""The timer wheel: which groups end when the capture's clock reaches a second.

WHEEL buckets of one second, each a doubly linked chain through the group rows. A due that moves away is
only noticed when its old second comes (lazy); one that comes nearer moves the group at once, or what has ended
would wait for its old second and memory would swell without a wrong row to show it.
"""

from __future__ import annotations

from analyzer.correlate.layout import G_ARMED, G_DUE, G_FOLLOWING, G_PREVIOUS, SECOND, WHEEL
from analyzer.jit import inlined


@inlined
def unlink(groups, wheel, group):  # type: ignore[no-untyped-def]
    """Take a group out of its bucket."""
    before = groups[group, G_PREVIOUS]
    after = groups[group, G_FOLLOWING]
    if before >= 0:
        groups[before, G_FOLLOWING] = after
    else:
        wheel[groups[group, G_ARMED] & (WHEEL - 1)] = after
    if after >= 0:
        groups[after, G_PREVIOUS] = before


@inlined
def link(groups, wheel, group, second):  # type: ignore[no-untyped-def]
    """Put a group into the bucket of a second."""
    bucket = second & (WHEEL - 1)
    first = wheel[bucket]
    groups[group, G_ARMED] = second
    groups[group, G_PREVIOUS] = -1
    groups[group, G_FOLLOWING] = first
    if first >= 0:
        groups[first, G_PREVIOUS] = group
    wheel[bucket] = group


@inlined
def set_due(groups, wheel, group, due):  # type: ignore[no-untyped-def]
    """Let a group end at ``due`` (ns on the capture's clock)."""
    groups[group, G_DUE] = due
    second = due // SECOND + 1
    if second < groups[group, G_ARMED]:
        unlink(groups, wheel, group)
        link(groups, wheel, group, second)


@inlined
def arm(groups, wheel, group, due):  # type: ignore[no-untyped-def]
    """Put a new group on the wheel."""
    groups[group, G_DUE] = due
    link(groups, wheel, group, due // SECOND + 1)
