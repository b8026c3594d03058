"""Who originated the failure of a session, over all its legs, and who only passed it on (docs/counting.md).

From the leg that decided the session we go to the leg behind it that decided that one, as long as there is one: a leg
made by the element that is charged in front, refused or left without any response, and not followed by another try.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analyzer.batch import MISSING, Columns, Ints, Labels
from analyzer.correlate.link_kernels import L_CALLEE, L_CALLER
from analyzer.vocab import FAILURES, NOT_UNSUCCESSFUL, Outcome

if TYPE_CHECKING:
    from analyzer.correlate.leg_keys import Legs

Flags = NDArray[np.bool_]

#: `Charges.role`: the call is not the session's failure, is where it began, or only passed it on.
NOT_CHARGED, ORIGINATED, PASSED_ON = 0, 1, 2

_SECOND = 1_000_000_000
#: A final in front may have been captured this much before the one behind it that it passes on.
_SLACK = _SECOND // 10
#: T1 (RFC 3261 §17.1.1.2): who tries another way sooner did not wait for an answer, but forks.
_T1 = _SECOND // 2
#: A way down longer than this is no path of calls.
_DEEPEST = 64
_LEFT_OFF = frozenset({Outcome.CANCELLED, Outcome.ABANDONED})


class Charges(NamedTuple):
    """For each call its part in its session's failure, and who is charged in it; rows as in the calls table."""

    role: NDArray[np.int8]
    charged: Labels

    def take(self, rows: Ints | Flags) -> Charges:
        """The same for the rows of a mask or an index array."""
        return Charges(self.role[rows], self.charged.take(rows))


class Blame(NamedTuple):
    """By rank (`leg_keys.Legs`): the leg behind that decided each one, where failures began, what went another way."""

    decider: Ints  # -1 = none was seen
    origin: Ints  # the leg where the failure of this one began: itself where nothing behind it decided
    charged: Labels  # whom to charge where it began
    advanced: Flags  # refused, and then another leg was tried
    has_behind: Flags  # legs behind it were seen


def is_one_of(labels: Labels, members: frozenset[Outcome]) -> Flags:
    """Where a label is one of some outcomes."""
    table = np.array([name in members for name in labels.names] + [False], dtype=np.bool_)
    chosen: Flags = table[labels.codes]
    return chosen


def find_blame(calls: Columns, legs: Legs, front: Ints, root: Ints) -> Blame:
    """Follow failures from leg to leg; ``front`` and ``root`` by rank, as `link_kernels` fills them."""
    order = legs.order
    outcome = calls.labels("outcome").take(order)
    failed = is_one_of(outcome, FAILURES)
    unsuccessful = is_one_of(outcome, frozenset(Outcome) - NOT_UNSUCCESSFUL)
    left_off = is_one_of(outcome, _LEFT_OFF)
    start, end, status, progress = (
        calls.ints(name)[order] for name in ("invite_ts", "end_ts", "status_code", "progress_ts")
    )
    own = calls.labels("failed_by_ip").take(order)
    callee = calls.labels("callee_ip").take(order)
    silent = (status == MISSING) & (progress == MISSING) & ~is_one_of(outcome, frozenset({Outcome.ANSWERED}))
    charged = _joined(own, callee, silent)
    advanced = _advanced(front, root, start, end, unsuccessful, silent)

    behind = np.flatnonzero(front >= 0)
    has_behind = np.zeros(len(order), dtype=np.bool_)
    has_behind[front[behind]] = True
    over = end[front[behind]]
    refused = unsuccessful & ~left_off & (status != MISSING) & (end != MISSING)
    could = (over != MISSING) & np.where(
        silent[behind], (start[behind] <= over) & ~advanced[behind], refused[behind] & (end[behind] <= over + _SLACK)
    )
    behind, over = behind[could], over[could]
    decider = np.full(len(order), -1, dtype=np.int64)
    last_first = np.lexsort((behind, np.where(silent[behind], over, end[behind]), front[behind]))
    decider[front[behind[last_first]]] = behind[last_first]  # the last one written stays

    ranks = np.arange(len(order), dtype=np.int64)
    down = np.where(decider >= 0, decider, ranks)
    made_by_charged = _made_by_charged(legs, own, ranks, down)
    known = charged.codes[down] >= 0
    passes = (decider >= 0) & (own.codes >= 0) & known & made_by_charged
    passes &= np.where(failed, failed[down] | silent[down], unsuccessful & refused[down])
    origin = np.where(passes, down, ranks)
    for _ in range(_DEEPEST):
        further = origin[origin]
        if (further == origin).all():
            break
        origin = further
    return Blame(decider, origin, charged, advanced, has_behind)


def _joined(own: Labels, callee: Labels, silent: Flags) -> Labels:
    """Whom each call charges; where nobody answered and it charges nobody (it was given up), whom it was sent to."""
    codes = np.where((own.codes < 0) & silent & (callee.codes >= 0), callee.codes + len(own.names), own.codes)
    return Labels(codes.astype(np.int32), [*own.names, *callee.names])


def _made_by_charged(legs: Legs, own: Labels, ranks: Ints, down: Ints) -> Flags:
    """Whether the leg behind was made by the element that is charged in front.

    An element with one address on either side cannot be told by its address: then the link itself is the proof.
    """
    numbers = legs.numbers
    callee_side = numbers[ranks, L_CALLEE] == numbers[down, L_CALLER]
    element = np.array([*(legs.elements.get(name, -1) for name in own.names), -1], dtype=np.int64)
    same = element[own.codes] == numbers[down, L_CALLER]
    made: Flags = np.where(callee_side, same, True)
    return made


def _advanced(front: Ints, root: Ints, start: Ints, end: Ints, unsuccessful: Flags, silent: Flags) -> Flags:
    """Legs that were refused, or given up without any response, before another one of the same element was tried."""
    # Legs beside each other have one leg in front, or stand in front of their session.
    group = np.where(front >= 0, front, -1 - root)
    order = np.lexsort((start, group))
    last_of = np.append(np.flatnonzero(group[order][1:] != group[order][:-1]), len(order) - 1)
    width = np.diff(np.concatenate(([-1], last_of)))
    last_start = np.empty(len(order), dtype=np.int64)
    last_start[order] = np.repeat(start[order[last_of]], width) if len(order) else start[order]
    refused = unsuccessful & (end != MISSING) & (end <= last_start)
    given_up = silent & (start + _T1 <= last_start)
    advanced: Flags = refused | given_up
    return advanced
