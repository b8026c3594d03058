"""Unsuccessful calls by ISDN cause, and what two mapping profiles would have told an ISDN caller."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from analyzer.batch import MISSING, Columns, Ints, Labels
from analyzer.schema import CauseRow
from analyzer.stats.counting import Mask, is_outcome, tally, unsuccessful
from analyzer.vocab import CAUSE_GROUPS, CauseFrom, Outcome

if TYPE_CHECKING:
    from analyzer.registry import Registry

#: The groups of `vocab.CAUSE_GROUPS`, in the order of trust.
GROUPS = ("read", "vendor", "event", "derived")
#: A caller who hung up is told nothing: no profile speaks of these (docs/counting.md).
UNMAPPED = frozenset({Outcome.CANCELLED, Outcome.ABANDONED, Outcome.ELSEWHERE, Outcome.OPEN})


def causes(calls: Columns, registry: Registry) -> list[CauseRow]:
    """Unsuccessful calls by cause, highest count first; calls without any cause are a row of their own.

    The calls of that row have no source either, so its group counts are zero; in every other row they add up.
    """
    mask = unsuccessful(calls)
    if not mask.any():
        return []
    groups = _groups(calls.labels("cause_from"))[mask]
    values = calls.ints("cause")[mask]
    width = len(GROUPS) + 1
    joined = np.where(values == MISSING, 0, values + 1) * width + groups
    # Column 0 counts calls whose cause has no source, line 0 those without a cause.
    lines: dict[int, list[int]] = {}
    for value, count in tally(joined).items():
        lines.setdefault(value // width, [0] * width)[value % width] = count
    found = [_row(number - 1 if number else None, line, registry) for number, line in lines.items()]
    return sorted(found, key=lambda row: (-row.calls, row.cause is None, row.cause or 0))


def _groups(cause_from: Labels) -> Ints:
    """The number of each call's cause group, from 1; 0 where the cause has no source."""
    numbers = [GROUPS.index(CAUSE_GROUPS[CauseFrom(name)]) + 1 for name in cause_from.names]
    return np.array([*numbers, 0], dtype=np.int64)[cause_from.codes]


def _row(value: int | None, line: list[int], registry: Registry) -> CauseRow:
    calls = sum(line)
    if value is None:
        return CauseRow(None, None, None, None, calls, *line[1:])
    cause = registry.cause(value)
    return CauseRow(value, cause.hex, cause.dss1_hex, cause.name or None, calls, *line[1:])


#: The final that a CANCEL brings about, RFC 3261 §9.2.
REQUEST_TERMINATED = 487


class Told(NamedTuple):
    """Unsuccessful calls with one cause and one status code, and what profiles make of that code."""

    cause: int | None
    status_code: int | None
    calls: int
    by_profile: dict[str, int | None]

    @property
    def is_disputed(self) -> bool:
        """Whether the profiles contradict each other."""
        return len(set(self.by_profile.values())) > 1


def told(calls: Columns, registry: Registry, profiles: tuple[str, ...]) -> list[Told]:
    """What each profile would tell an ISDN caller upstream, by cause and status code; highest count first.

    A profile speaks only of a final code that a caller was waiting for: not of calls that a CANCEL ended, nor of
    silence. A 487 whose CANCEL was not seen is spoken of.
    """
    if not len(calls):
        return []
    by_cancel = (calls.ints("status_code") == REQUEST_TERMINATED) & (calls.labels("released_by").codes >= 0)
    is_quiet = is_outcome(calls, UNMAPPED) | by_cancel
    return [
        *_told(calls, registry, profiles, unsuccessful(calls) & ~is_quiet),
        *_told(calls, registry, (), unsuccessful(calls) & is_quiet),
    ]


def _told(calls: Columns, registry: Registry, profiles: tuple[str, ...], mask: Mask) -> list[Told]:
    if not mask.any():
        return []
    causes, codes = calls.ints("cause")[mask], calls.ints("status_code")[mask]
    # Causes are at most 127 and codes at most 999: one number holds both.
    joined = np.where(causes == MISSING, 0, causes + 1) * 1024 + np.where(codes == MISSING, 0, codes + 1)
    found = []
    for value, count in tally(joined).items():
        cause, code = ((part - 1 if part else None) for part in divmod(value, 1024))
        says = {name: None if code is None else mapped(registry, name, code) for name in profiles}
        found.append(Told(cause, code, count, says))
    return sorted(found, key=lambda row: (-row.calls, row.cause or 0, row.status_code or 0))


def mapped(registry: Registry, profile: str, status_code: int) -> int | None:
    """The cause that a profile gives for a final code, RFC 3398's row or 31 where it has none; None below 400."""
    strict = registry.profile(profile).cause(status_code)
    return strict if strict is not None else registry.fallback_cause(status_code)
