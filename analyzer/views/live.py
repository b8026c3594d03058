"""What a live run looks like at a moment: header, tables and what happened, most pressing first.

Everything is kept free of a toolkit; `ui.cli.live_screen` draws it. What matters first is what is failing now.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import TYPE_CHECKING, NamedTuple

from analyzer.stats.snapshot import LiveSnapshot, SourceState
from analyzer.views.live_tables import (
    Memory,
    causes_now,
    codes_now,
    endpoints_now,
    figures_now,
    newest_failures,
    outcomes_now,
)
from analyzer.views.table import Cell, Table, Tone
from analyzer.views.times import DAY, SECOND, local_time, span
from analyzer.views.words import Words

if TYPE_CHECKING:
    from analyzer.config import Config
    from analyzer.registry import Registry

#: Without a frame, or without SIP among them, a hint is due.
PATIENCE_NS = 30 * SECOND
#: Sources that have a line of their own, troubled ones first; notices that are shown, and for how long.
SOURCES, NOTICES, NOTICE_NS = 4, 3, 600 * SECOND
#: Rows that a table may have on the largest screen.
TOP = 40

Line = Sequence[Cell]


class Section(NamedTuple):
    """A table on the screen: with so few lines at ``least`` (its heading is one) it is still of use."""

    name: str
    table: Table
    least: int


class HeaderLine(NamedTuple):
    """A line above the tables; where there is no room for all, those of the highest ``rank`` are left out first."""

    rank: int
    cells: Line


@dataclass(frozen=True)
class LiveView:
    """``title`` and ``header`` stand above everything. ``sections``: the most pressing first. ``hints``: what to do
    about an empty screen."""

    title: Line
    header: Sequence[HeaderLine]
    sections: Sequence[Section]
    hints: Sequence[str]


def live_view(
    snapshot: LiveSnapshot,
    registry: Registry,
    config: Config,
    words: Words,
    by: str = "minute",
    top: int = TOP,
    memory: Memory | None = None,
) -> LiveView:
    """The whole screen; ``by``: the span that rows are ranked by, ``minute``, ``hour`` or ``start``.

    ``top``: rows of a table at most. ``memory``: of whoever draws every second.
    """
    memory = memory or Memory(config)
    zone = config.zone
    nothing = not snapshot.tally.since_start.calls and not sum(snapshot.tally.since_start.by_registration.values())
    sections = [
        Section("figures", figures_now(snapshot.tally, words), 4),
        Section("codes", codes_now(snapshot, registry, words, by, top), 3),
        Section("newest", newest_failures(snapshot.newest_failures, registry, memory, words, top), 3),
        Section("endpoints", endpoints_now(snapshot.tally, memory.alias, words, by, top), 3),
        Section("causes", causes_now(snapshot.tally, registry, words, by, top), 3),
        Section("outcomes", outcomes_now(snapshot.tally, words, by), 3),
    ]
    return LiveView(
        _title(snapshot, zone, words),
        [
            *_alerts(snapshot, words),
            *_sources(snapshot, words),
            HeaderLine(0, _rates(snapshot, words)),
            HeaderLine(0, _open(snapshot, words)),
            *_kept(snapshot, words),
            *_notices(snapshot, zone),
        ],
        [] if nothing else [section for section in sections if section.table.rows],
        hints(snapshot, words),
    )


def _title(snapshot: LiveSnapshot, zone: tzinfo, words: Words) -> Line:
    now, since = local_time(snapshot.now_ts, zone, 0), local_time(snapshot.start_ts, zone, 0)
    if now[:DAY] == since[:DAY]:
        since = since[DAY + 1 :]
    length = span(max(snapshot.now_ts - snapshot.start_ts, 0))
    return (
        Cell("sipcause live", Tone.STRONG),
        Cell(words("since {time} ({span})", time=since, span=length)),
        Cell(now, Tone.STRONG),
    )


def _alerts(snapshot: LiveSnapshot, words: Words) -> list[HeaderLine]:
    return [HeaderLine(0, (Cell(f"! {words('ALERT')} {text}", Tone.BAD),)) for text in snapshot.alerts[:NOTICES]]


def _sources(snapshot: LiveSnapshot, words: Words) -> list[HeaderLine]:
    ordered = sorted(snapshot.sources, key=lambda source: (source.trouble is None, not source.dropped))
    lines = [
        HeaderLine(0 if number == 0 or source.trouble or source.dropped else 3, _source(source, words))
        for number, source in enumerate(ordered[:SOURCES])
    ]
    if len(ordered) > SOURCES:
        more = words("… and {count} more sources", count=words.number(len(ordered) - SOURCES))
        lines.append(HeaderLine(2, (Cell(more),)))
    return lines


def _source(source: SourceState, words: Words) -> Line:
    frames = words("{count} frames", count=words.number(source.frames))
    messages = words("{count} SIP messages", count=words.number(source.sip_messages))
    return (
        Cell(source.name, Tone.STRONG),
        *((Cell(f"! {source.trouble}", Tone.BAD),) if source.trouble else ()),
        *((_dropped(source.dropped, words),) if source.dropped else ()),
        Cell(f"{frames}, {messages}"),
    )


def _dropped(count: int, words: Words) -> Cell:
    return Cell(words("! {count} frames dropped", count=words.number(count)), Tone.BAD)


def _rates(snapshot: LiveSnapshot, words: Words) -> Line:
    rates = snapshot.rates
    queue = words("! {count} frames read too late and dropped", count=words.number(snapshot.queue_dropped))
    return (
        Cell(words("{rate} messages/s", rate=_rate(rates.messages, words))),
        Cell(words("{rate} frames/s", rate=_rate(rates.frames, words))),
        Cell(words("{rate} calls/s", rate=_rate(rates.calls, words))),
        *((Cell(queue, Tone.BAD),) if snapshot.queue_dropped else ()),
        Cell(words("memory {size}", size=words.octets(snapshot.memory_octets)), Tone.FAINT),
    )


def _rate(value: float, words: Words) -> str:
    return words.number(round(value)) if value >= 10 else words.decimal(value)


def _open(snapshot: LiveSnapshot, words: Words) -> Line:
    evicted = words("! {count} ended early for want of room", count=words.number(snapshot.evicted))
    return (
        Cell(words("calls setting up {count}", count=words.number(snapshot.setting_up)), Tone.STRONG),
        Cell(words("in call {count}", count=words.number(snapshot.in_call)), Tone.STRONG),
        Cell(words("decided {count}", count=words.number(snapshot.tally.since_start.calls)), Tone.STRONG),
        *((Cell(evicted, Tone.WARN),) if snapshot.evicted else ()),
        Cell(words("still heard of {count}", count=words.number(snapshot.lingering)), Tone.FAINT),
    )


def _kept(snapshot: LiveSnapshot, words: Words) -> list[HeaderLine]:
    """Store and frames file, where there are any; their trouble first."""
    parts: list[Cell] = []
    for name, said, trouble in (
        (words("store"), snapshot.store, snapshot.store_trouble),
        (words("frames file"), snapshot.frames_file, snapshot.frames_trouble),
    ):
        if trouble:
            parts.append(Cell(f"! {name}: {trouble}", Tone.BAD))
        if said:
            parts.append(Cell(f"{name}: {said}", Tone.FAINT))
    has_trouble = snapshot.store_trouble or snapshot.frames_trouble
    return [HeaderLine(0 if has_trouble else 2, parts)] if parts else []


def _notices(snapshot: LiveSnapshot, zone: tzinfo) -> list[HeaderLine]:
    fresh = [(ts, text) for ts, text in snapshot.notices if ts > snapshot.now_ts - NOTICE_NS]
    return [
        HeaderLine(1, (Cell(f"! {local_time(ts, zone, 0)[DAY + 1 :]} {text}", Tone.WARN),))
        for ts, text in fresh[:NOTICES]
    ]


def hints(snapshot: LiveSnapshot, words: Words) -> list[str]:
    """What is missing, and after a while what may be the matter; nothing once calls were decided."""
    if snapshot.tally.since_start.calls:
        return []
    names = ", ".join(source.name for source in snapshot.sources) or "–"
    late = snapshot.now_ts - snapshot.start_ts > PATIENCE_NS
    if not snapshot.frames:
        said = [words("Nothing heard yet on {sources}.", sources=names)]
        if late:
            said.append(
                words(
                    "Is it the mirror port, is the link up, does the filter let SIP through? "
                    "`sipcause interfaces` shows where frames arrive."
                )
            )
        return said
    if not snapshot.sip_messages:
        said = [words("Frames arrive on {sources}, no SIP among them yet.", sources=names)]
        if late:
            said.append(
                words(
                    "SIP over TLS needs --keylog; calls may run past this port; "
                    "with a narrow filter or --ports, try without it."
                )
            )
        return said
    if not (snapshot.setting_up or snapshot.in_call):
        return [words("SIP is heard; no call yet.")]
    return [words("SIP is heard; no call is decided yet.")]
