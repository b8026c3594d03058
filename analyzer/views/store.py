"""What a store holds, as tables: calls by day and outcome, the runs that wrote it, gaps and what is damaged."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import tzinfo
from typing import TYPE_CHECKING, Any

from analyzer.views.table import Cell, Column, Table, Tone, plain
from analyzer.views.times import local_time, span
from analyzer.views.words import Words
from analyzer.vocab import NOT_UNSUCCESSFUL, Outcome
from analyzer.wiretext import printable_text

if TYPE_CHECKING:
    from analyzer.registry import Registry
    from analyzer.tables.store_info import GapInfo, RunInfo, SpanInfo
    from analyzer.tables.store_summary import StoreSummary
    from analyzer.tables.store_verify import Fault


def days_table(calls: Mapping[str, Mapping[str, int]], words: Words, top: int) -> Table:
    """Calls by day: all, answered, unsuccessful, open; the newest days."""
    columns = [Column(words("day"))]
    columns += [Column(words(title), align_right=True) for title in ("calls", "answered", "unsuccessful", "open")]
    rows = []
    for day, counts in sorted(calls.items(), reverse=True)[:top]:
        total = sum(counts.values())
        unsuccessful = sum(count for outcome, count in counts.items() if Outcome(outcome) not in NOT_UNSUCCESSFUL)
        numbers = (total, counts.get(Outcome.ANSWERED, 0), unsuccessful, counts.get(Outcome.OPEN, 0))
        rows.append(plain(day, *(words.number(number) for number in numbers)))
    notes = [words("… and {count} earlier days", count=words.number(len(calls) - top))] if len(calls) > top else []
    return Table(words("Calls by day"), columns, rows, notes)


def summary_tables(found: StoreSummary, registry: Registry, words: Words, top: int) -> list[Table]:
    """Calls of a store by outcome, unsuccessful ones by code and cause, endpoints by the failures they originated."""
    count = Column(words("calls"), align_right=True)
    percent = Column("%", align_right=True)

    def rows(counts: Mapping[Any, int], name: Callable[[Any], tuple[str, str]]) -> list[Sequence[Cell]]:
        whole = sum(counts.values())
        return [
            plain(words.number(number), words.share(number, whole), *name(key))
            for key, number in list(counts.items())[:top]
        ]

    def of_code(code: int | None) -> tuple[str, str]:
        return ("–", words("no final response")) if code is None else (str(code), registry.status(code).phrase or "")

    def of_cause(cause: int | None) -> tuple[str, str]:
        return ("–", "") if cause is None else (str(cause), registry.cause(cause).name or "")

    text = Column(words("text"), shrink=True)
    code, cause = (Column(words(name), align_right=True) for name in ("code", "cause"))
    tables = [
        Table(words("Outcomes"), [count, percent, Column(words("outcome"))],
              [row[:3] for row in rows(found.outcomes, lambda name: (words(name), ""))]),
        Table(words("Unsuccessful calls by code"), [count, percent, code, text], rows(found.codes, of_code)),
        Table(words("Unsuccessful calls by cause"), [count, percent, cause, text], rows(found.causes, of_cause)),
    ]  # fmt: skip
    columns = [Column(words("endpoint")), Column(words("VLAN"), align_right=True, rank=2)]
    columns += [Column(words(name), align_right=True) for name in ("failures", "calls to it", "calls from it")]
    endpoints = [
        plain(one.ip, "" if one.network is None else str(one.network),
              *(words.number(number) for number in (one.failures, one.calls_as_callee, one.calls_as_caller)))
        for one in found.endpoints[:top]
    ]  # fmt: skip
    return [*tables, Table(words("Endpoints by failures originated"), columns, endpoints)]


def runs_table(runs: Sequence[RunInfo], spans: Sequence[SpanInfo], words: Words, zone: tzinfo, top: int) -> Table:
    """The runs that wrote to the store, the newest first, with each of their sources."""
    columns = [
        Column(words("run"), shrink=True),
        Column(words("writes")),
        Column(words("source"), shrink=True),
        Column(words("from"), rank=1),
        Column(words("span"), align_right=True),
        Column(words("frames"), align_right=True, rank=2),
        Column("SIP", align_right=True),
        Column(words("dropped"), align_right=True),
        Column(words("not stored"), align_right=True, rank=3),
        Column(words("journals"), align_right=True, rank=4),
        Column(words("open messages"), align_right=True),
    ]
    rows = []
    for run in sorted(runs, key=lambda one: one.run, reverse=True)[:top]:
        name = Cell(printable_text(run.run))
        writes = Cell(words("yes") if run.is_alive else words("no"), Tone.GOOD if run.is_alive else Tone.FAINT)
        ends = plain(words.number(run.journals), words.number(run.open_messages))
        of_run = [one for one in spans if one.run == run.run]
        rows += [(name, writes, *_span_cells(one, words, zone), *ends) for one in of_run]
        if not of_run:
            rows.append((name, writes, *plain("–", "–", "–", "–", "–", "–", "–"), *ends))
    notes = [words("… and {count} earlier runs", count=words.number(len(runs) - top))] if len(runs) > top else []
    return Table(words("Runs"), columns, rows, notes)


def _span_cells(one: SpanInfo, words: Words, zone: tzinfo) -> tuple[Cell, ...]:
    lost = [Cell(words.number(count), Tone.WARN if count else Tone.PLAIN) for count in (one.dropped, one.unstored)]
    return (
        *plain(printable_text(one.source), local_time(one.from_ts, zone, decimals=0), span(one.to_ts - one.from_ts)),
        *plain(words.number(one.frames), words.number(one.sip_messages)),
        *lost,
    )


def gaps_table(gaps: Sequence[GapInfo], words: Words, zone: tzinfo, top: int) -> Table:
    """When nobody listened to a source that was listened to before and after, the newest first."""
    columns = [Column(words("source"), shrink=True), Column(words("from")), Column(words("until"))]
    columns.append(Column(words("span"), align_right=True))
    rows = [
        plain(
            printable_text(gap.source),
            local_time(gap.from_ts, zone, decimals=0),
            local_time(gap.to_ts, zone, decimals=0),
            span(gap.to_ts - gap.from_ts),
        )
        for gap in sorted(gaps, key=lambda one: one.from_ts, reverse=True)[:top]
    ]
    notes = [words("… and {count} earlier gaps", count=words.number(len(gaps) - top))] if len(gaps) > top else []
    return Table(words("Gaps: nothing was listened to"), columns, rows, notes)


def faults_table(faults: Sequence[Fault], words: Words) -> Table:
    """The files that are not as they should be."""
    columns = [
        Column(words("file"), shrink=True, is_path=True),
        Column(words("what")),
        Column(words("meaning"), rank=1),
    ]
    tones = {"damaged": Tone.BAD, "unreadable": Tone.BAD}
    rows = [
        (
            Cell(printable_text(fault.path)),
            Cell(words(fault.what), tones.get(fault.what, Tone.WARN)),
            Cell(printable_text(fault.detail), Tone.FAINT),
        )
        for fault in faults
    ]
    return Table(words("Files that are not as they should be"), columns, rows)
