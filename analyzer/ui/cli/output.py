"""What ``analyze -o DIR`` writes: tables and charts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from analyzer import api
from analyzer.batch import Columns, Ints, MessageBatch
from analyzer.pipeline import MessageSink
from analyzer.schema import TABLES, EvidenceRow
from analyzer.stats.listing import LISTED, listed
from analyzer.tables import TableWriter, columns_of_rows

#: Tables that the analysis keeps as columns; messages, transactions and evidence stream by, the rest are rows.
_KEPT = ("calls", "sessions", "links", "registrations", "others", "midcall", "branches", "blocks")
_STREAMED = ("messages", "transactions", "evidence")


def analyze_into(
    folder: str,
    captures: Sequence[str],
    options: Mapping[str, Any],
    formats: Sequence[str],
    tables: Sequence[str],
    has_charts: bool,
    progress: Callable[[float, int], None],
) -> tuple[api.Result, list[Path]]:
    """Analyse captures and write the tables and charts; returns the result and the files.

    Messages, transactions and evidence are written while the captures are read, so that their tables need no memory.
    Raises OutputError when the folder cannot be written.
    """
    written: list[Path] = []
    asked = {**options, "has_timeline": has_charts, "progress": progress}
    with ExitStack() as stack:
        writers = {
            name: stack.enter_context(TableWriter(folder, formats, name, TABLES[name]))
            for name in _STREAMED
            if name in tables
        }
        sinks = []
        if "messages" in writers:
            sinks.append(api.table_sink(writers["messages"]))
        if "evidence" in writers:
            sinks.append(api.evidence_sink(writers["evidence"], options["registry"]))
        if sinks:
            asked["message_sink"] = _into(sinks)
        if "transactions" in writers:
            asked["transaction_sink"] = writers["transactions"].write
        result = api.analyze(*captures, **asked)
        if "evidence" in writers and result.wire_evidence:
            writers["evidence"].write(columns_of_rows(EvidenceRow, result.wire_evidence))
        for writer in writers.values():
            written += writer.close()
    for name in tables:
        if name not in _STREAMED:
            with TableWriter(folder, formats, name, TABLES[name]) as writer:
                writer.write(table(result, name))
                written += writer.close()
    if has_charts:
        from analyzer.charts.save import save_charts

        written += save_charts(result, Path(folder))
    return result, written


def _into(sinks: Sequence[MessageSink]) -> MessageSink:
    """One sink that feeds several."""

    def take(batch: MessageBatch, links: Ints) -> None:
        for sink in sinks:
            sink(batch, links)

    return take


def table(result: api.Result, name: str) -> Columns:
    """A table of an analysis by its name in `schema.TABLES`, those that stream by excepted."""
    if name in _KEPT:
        return result.columns(name)
    return columns_of_rows(TABLES[name], listed(result, name) if name in LISTED else [])
