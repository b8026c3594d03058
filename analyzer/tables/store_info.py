"""What a store holds, and how its runs went: calls by day and outcome, open messages, gaps and drops."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np

from analyzer.tables.journal import MESSAGES, Log
from analyzer.tables.store_files import JOURNAL, OPEN, LogName, logs_in
from analyzer.tables.store_locks import is_alive
from analyzer.tables.store_once import losers
from analyzer.tables.store_open import links_of, needed
from analyzer.tables.store_pieces import Piece
from analyzer.tables.store_read import Store
from analyzer.tables.store_recover import last_commit, uncovered
from analyzer.tables.store_summary import summarise
from analyzer.tables.store_tables import STORED

#: From so long on, ns, nothing told of a source is a gap.
GAP = 1_000_000_000


class RunInfo(NamedTuple):
    """One run that has logs or intervals in the store."""

    run: str
    is_alive: bool
    journals: int  # that are not in parts yet
    open_messages: int


class SpanInfo(NamedTuple):
    """What one source did in one run, over all its intervals."""

    run: str
    source: str
    from_ts: int
    to_ts: int
    intervals: int
    frames: int
    sip_messages: int
    dropped: int
    unstored: int


class GapInfo(NamedTuple):
    """A time of which nothing is told of a source that was listened to before and after."""

    source: str
    from_ts: int
    to_ts: int


class StoreInfo(NamedTuple):
    """What a store holds."""

    path: str
    schema: int
    zone: str
    created: str
    parts: int
    octets: int
    #: Rows by table, each once.
    rows: dict[str, int]
    #: Day → outcome → calls.
    calls: dict[str, dict[str, int]]
    runs: list[RunInfo]
    spans: list[SpanInfo]
    gaps: list[GapInfo]


def store_info(store: Store) -> StoreInfo:
    """What a store holds. Raises StoreError when a part cannot be read."""
    parts = list(store.every_part())
    logs = [path for kind in (JOURNAL, OPEN) for path in logs_in(store.folder, kind).values()]
    spans, gaps = _intervals(store)
    return StoreInfo(
        str(store.folder),
        store.schema,
        str(store.zone),
        store.created,
        len(parts),
        sum(_size(path) for path in (*(path for _, path in parts), *logs)),
        _rows(store),
        summarise(store, endpoints=False).days,
        _runs(store, {span.run for span in spans}),
        spans,
        gaps,
    )


def _rows(store: Store) -> dict[str, int]:
    """Rows by table, each once: what the feet of the parts say, without those that another run told as well."""

    def count(pieces: dict[str, list[Piece]]) -> dict[str, int]:
        found = {}
        for table, own in pieces.items():
            lost = losers(own, table)
            found[table] = sum(piece.row_count() for piece in own) - sum(map(len, lost.values()))
        return found

    return store.looking(dict.fromkeys(STORED), count)


def _intervals(store: Store) -> tuple[list[SpanInfo], list[GapInfo]]:
    names = ["run", "source", "from_ts", "to_ts", "frames", "sip_messages", "dropped", "unstored"]
    told = store.intervals(columns=names)
    numbers = {name: told.column(name).cast("int64").to_numpy() for name in names[2:]}
    places = {name: np.array(told.column(name).to_pylist(), dtype=object) for name in names[:2]}
    by_place: dict[tuple[str, str], list[int]] = {}
    latest: dict[str, int] = {}
    gaps = []
    for row in np.argsort(numbers["from_ts"], kind="stable").tolist():
        source = places["source"][row]
        by_place.setdefault((places["run"][row], source), []).append(row)
        begin, end = int(numbers["from_ts"][row]), int(numbers["to_ts"][row])
        before = latest.get(source, begin)
        if begin - before >= GAP:
            gaps.append(GapInfo(source, before, begin))
        latest[source] = max(before, end)
    spans = [
        SpanInfo(
            run,
            source,
            int(numbers["from_ts"][rows].min()),
            int(numbers["to_ts"][rows].max()),
            len(rows),
            *(int(numbers[name][rows].sum()) for name in ("frames", "sip_messages", "dropped", "unstored")),
        )
        for (run, source), rows in sorted(by_place.items())
    ]
    return spans, gaps


def _runs(store: Store, known: set[str]) -> list[RunInfo]:
    journals, held = logs_in(store.folder, JOURNAL), logs_in(store.folder, OPEN)
    by_run: dict[str, dict[LogName, Path]] = {run: {} for run in sorted(known)}
    for name, path in sorted({**held, **journals}.items()):
        by_run.setdefault(name.run, {})[name] = path
    waiting = Counter(name.run for name in journals)
    return [
        RunInfo(run, is_alive(store.folder, run), waiting[run], open_messages(logs))
        for run, logs in sorted(by_run.items())
    ]


def open_messages(logs: dict[LogName, Path]) -> int:
    """How many messages of what is open are in the logs of one run, oldest first."""
    commit = last_commit(list(logs.values()), checked=())
    total = 0
    try:
        for path in uncovered(logs) if commit is not None and any(map(len, commit.still_open)) else ():
            with Log(path, checked=()) as log:
                for frame in log.named(MESSAGES):
                    total += int(needed(links_of(log.payload(frame)), commit.still_open).sum()) if commit else 0
    except FileNotFoundError:  # removed just now
        pass
    return total


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
