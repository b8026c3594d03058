"""Codes that contradict the causes they come with (docs/counting.md).

A cause that was read wins; what a table makes of a code is a candidate, never a fact. Which direction of which table
is meant stands in each row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analyzer.batch import MISSING, Columns
from analyzer.schema import ConflictRow
from analyzer.stats.counting import Mask, tally
from analyzer.vocab import CAUSE_GROUPS, CauseFrom

if TYPE_CHECKING:
    from analyzer.config import Config
    from analyzer.registry import Registry

#: The direction of the tables in which a code contradicts a cause.
DIRECTION = "sip_to_q850"
_READ = (CauseFrom.ISUP, CauseFrom.REASON, CauseFrom.REASON_18X)


def conflicts(calls: Columns, registry: Registry, config: Config, profile: str) -> list[ConflictRow]:
    """Code, read cause and sender with their calls, most calls first.

    Codes that an element on the way had to change are no conflict: they stand behind the others, as ``expected``.
    """
    if not len(calls):
        return []
    status, cause = calls.ints("status_code"), calls.ints("cause")
    is_conflict: Mask = np.asarray(calls["cause_conflict"])
    mask = is_read(calls) & (is_conflict | is_expected(calls, registry))
    rows = np.flatnonzero(mask)
    sender, source, networks = calls.labels("failed_by_ip"), calls.labels("cause_from"), calls.ints("network")
    has_networks = len(np.unique(networks)) > 1
    counted: dict[tuple[int, int, str, str | None, int, bool], int] = {}
    for row in rows.tolist():
        key = (
            int(status[row]), int(cause[row]), str(source.value(row)), sender.value(row), int(networks[row]),
            not is_conflict[row],
        )  # fmt: skip
        counted[key] = counted.get(key, 0) + 1
    chosen = registry.profile(profile)
    table = f"{chosen.source} ({chosen.checked})"
    found = [
        ConflictRow(
            status_code=code,
            cause=read,
            cause_from=CauseFrom(where),
            ip=ip,
            network=network if has_networks and network != MISSING else None,
            name=None if ip is None else config.alias(ip),
            calls=count,
            expected=expected,
            mapped=chosen.cause(code),
            profile=chosen.name,
            direction=DIRECTION,
            table=table,
            candidates=" ".join(map(str, registry.cause_candidates(code, profile))),
        )
        for (code, read, where, ip, network, expected), count in counted.items()
    ]
    return sorted(
        found,
        key=lambda row: (row.expected, -row.calls, row.status_code, row.cause, row.ip or "", row.network or 0),
    )


def cause_candidates(calls: Columns, registry: Registry, profile: str) -> dict[int | None, list[int]]:
    """For each cause that was derived from codes: what the far PSTN side may have sent instead, ascending."""
    if not len(calls):
        return {}
    source = calls.labels("cause_from")
    derived = [CAUSE_GROUPS[CauseFrom(name)] == "derived" for name in source.names]
    mask = np.array([*derived, False], dtype=np.bool_)[source.codes] & (calls.ints("status_code") != MISSING)
    # Causes are at most 127 and codes at most 999: one number holds both.
    joined = calls.ints("cause")[mask] * 1024 + calls.ints("status_code")[mask]
    found: dict[int | None, set[int]] = {}
    for value in tally(joined):
        found.setdefault(value // 1024, set()).update(registry.cause_candidates(value % 1024, profile))
    return {cause: sorted(causes) for cause, causes in found.items()}


def is_read(calls: Columns) -> Mask:
    """Calls with a code and a cause that was read."""
    source = calls.labels("cause_from")
    read: Mask = np.array([*(name in _READ for name in source.names), False], dtype=np.bool_)[source.codes]
    read &= calls.ints("status_code") != MISSING
    return read


def is_expected(calls: Columns, registry: Registry) -> Mask:
    """Calls whose cause fits the code that was changed on the way, and not the one that arrived."""
    status, cause = calls.ints("status_code"), calls.ints("cause")
    found: Mask = np.zeros(len(calls), dtype=np.bool_)
    for code in np.unique(status[status != MISSING]).tolist():
        causes = registry.relayed_causes(code)
        if causes:
            found |= (status == code) & np.isin(cause, list(causes))
    return found
