"""What was listened to in a period: sources with what came from them, and for how many hours anybody heard anything."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from analyzer.batch import MISSING, Columns, Ints, Labels, Texts, labels_of
from analyzer.stats.counting import one_of
from analyzer.stats.grouping import grouped
from analyzer.tables.slices import Slice
from analyzer.vocab import SourceKind

_HOUR = 3600 * 1_000_000_000


class Source(NamedTuple):
    """A capture or a listener: in how many runs, from when to when, and what came from it. Times within the period."""

    source: str
    kind: str
    runs: int
    from_ts: int | None
    to_ts: int | None
    frames: int
    sip_messages: int
    dropped: int


def sources(part: Slice) -> list[Source]:
    """Every source, the earliest first.

    A capture's row counts only where the store has no intervals of it: those say what each day of it gave.
    """
    found: list[Source] = []
    known: set[tuple[str, str]] = set()
    for table, start, end in (("intervals", "from_ts", "to_ts"), ("captures", "start_ts", "end_ts")):
        columns = part[table]
        if not len(columns):
            continue
        rows = np.arange(len(columns))
        of_kind = grouped(rows, _sources(columns), columns.labels("kind"))
        for (source, kind), own in of_kind.items():
            if (source, kind) in known or (table == "captures" and kind != SourceKind.FILE):
                continue
            known.add((source, kind))
            begins, ends = columns.ints(start)[own], columns.ints(end)[own]
            begins, ends = begins[begins != MISSING], ends[ends != MISSING]
            found.append(
                Source(
                    source=source or "",
                    kind=kind or "",
                    runs=len(grouped(own, columns.labels("run"))),
                    from_ts=max(int(begins.min()), part.period.from_ts) if len(begins) else None,
                    to_ts=min(int(ends.max()), part.period.to_ts) if len(ends) else None,
                    frames=int(columns.ints("frames")[own].sum()),
                    sip_messages=int(columns.ints("sip_messages")[own].sum()),
                    dropped=_sum(columns.ints("dropped")[own]),
                )
            )
    return sorted(found, key=lambda row: (row.from_ts is None, row.from_ts or 0, row.source, row.kind))


def _sources(columns: Columns) -> Labels:
    """The column of sources: ``captures`` has it as texts."""
    column = columns["source"]
    if isinstance(column, Labels):
        return column
    assert isinstance(column, Texts)
    return labels_of(column.values())


def hours_heard(part: Slice) -> float | None:
    """For how many hours of the period at least one source was listened to; None where nothing says so."""
    begins: list[Ints] = []
    ends: list[Ints] = []
    for table, start, end in (("intervals", "from_ts", "to_ts"), ("captures", "start_ts", "end_ts")):
        columns = part[table]
        if len(columns):
            known = (columns.ints(start) != MISSING) & (columns.ints(end) != MISSING)
            if table == "captures":
                known &= one_of(columns.labels("kind"), {SourceKind.FILE})
            begins.append(columns.ints(start)[known])
            ends.append(columns.ints(end)[known])
    first, last = _joined(begins), _joined(ends)
    if not len(first):
        return None
    first, last = (np.clip(times, part.period.from_ts, part.period.to_ts) for times in (first, last))
    order = np.argsort(first, kind="stable")
    first, last = first[order], last[order]
    # What was heard up to each begin: the latest end of all that began before.
    before = np.concatenate(([part.period.from_ts], np.maximum.accumulate(last)[:-1]))
    return float(np.maximum(last - np.maximum(first, before), 0).sum()) / _HOUR


def _joined(parts: list[Ints]) -> Ints:
    return np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)


def _sum(numbers: Ints) -> int:
    return int(numbers[numbers != MISSING].sum())
