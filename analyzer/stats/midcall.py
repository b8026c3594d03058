"""What went wrong inside dialogs, counted: a population of its own, never the outcome of a call (docs/counting.md)."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from analyzer.batch import Columns
from analyzer.vocab import MidcallKind

#: What a 481 or a glare that settled itself is: no failure.
HARMLESS = frozenset({MidcallKind.BYE_RACE, MidcallKind.LATE_CANCEL, MidcallKind.CHALLENGE, MidcallKind.RETRY})


class MidcallCount(NamedTuple):
    """Requests of one method that ended alike. ``resolved`` of them were followed by one that succeeded, or were
    harmless from the start."""

    method: str
    status_code: int | None
    kind: MidcallKind
    transactions: int
    resolved: int
    calls: int


def midcall_counts(midcall: Columns) -> list[MidcallCount]:
    """By kind, method and code: most transactions first."""
    seen: Counter[tuple[str, str, int | None]] = Counter()
    resolved: Counter[tuple[str, str, int | None]] = Counter()
    calls: dict[tuple[str, str, int | None], set[int]] = {}
    for row in midcall.rows():
        key = row["kind"], row["method"], row["status_code"]
        seen[key] += 1
        resolved[key] += row["resolved"]
        if row["call_no"] is not None:
            calls.setdefault(key, set()).add(row["call_no"])
    counted = [
        MidcallCount(method, code, MidcallKind(kind), count, resolved[key], len(calls.get(key, ())))
        for key, count in seen.items()
        for kind, method, code in [key]
    ]
    return sorted(counted, key=lambda row: (-row.transactions, row.kind, row.method, row.status_code or 0))
