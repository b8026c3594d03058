"""What ``import analyzer`` offers: analyse captures, and hold what came of it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analyzer.batch import Ints, MessageBatch
from analyzer.config import Config
from analyzer.correlate.evidence import Evidence
from analyzer.correlate.rules import Rules
from analyzer.pipeline import MessageSink, Pipeline, Progress, TableSink
from analyzer.registry import Registry, load_registry
from analyzer.result import Result
from analyzer.schema import EvidenceRow

if TYPE_CHECKING:
    from analyzer.adding.captures import Added
    from analyzer.tables import TableWriter


def analyze(
    *paths: str,
    causes: str | None = None,
    reader: str = "kernels",
    config: Config | None = None,
    registry: Registry | None = None,
    keep: Collection[str] = ("calls", "registrations"),
    has_timeline: bool = False,
    keylog: str | None = None,
    keep_copies: bool = False,
    without: Collection[str] = (),
    message_sink: MessageSink | None = None,
    transaction_sink: TableSink | None = None,
    progress: Progress | None = None,
    store: str | Path | None = None,
) -> Result:
    """Analyse captures as one timeline.

    ``paths``: files, folders, or ``-`` for standard input. ``causes``: mapping profile for causes that are derived
    from status codes (default: the configuration's, else ``dss1``). ``reader``: ``kernels``, or ``scapy`` for the slow
    one that defines right. ``keep``: add ``transactions`` for that table. ``keylog``: a file with the secrets of TLS
    connections (SSLKEYLOGFILE). ``keep_copies``: count packets that were captured twice as often as they stand there.
    ``without``: rules of counting to switch off, by their ids in ``data/counting_rules.toml``: shows what each is for.
    ``message_sink`` gets every batch of messages, ``transaction_sink`` that table in pieces instead of its being kept,
    ``progress`` the share that is done and the frames read. ``store``: a folder; what is found is added to the store in
    it, each capture once by what is in it (`Result.added`; docs/store.md), and StoreError is raised where that cannot
    be. Raises CaptureError for a path that cannot be read or is no
    capture (or no key log), UnknownProfile for ``causes``.
    """
    settled = config or Config()
    codes = registry or load_registry(settled.registry)
    profile = causes or settled.causes
    rules = Rules(codes, profile, without)
    pipeline = Pipeline(
        [str(path) for path in paths],
        rules,
        reader=reader,
        keep=keep,
        has_timeline=has_timeline,
        keylog=keylog,
        keep_copies=keep_copies or not rules.counts("copies"),
        transaction_sink=transaction_sink,
    )
    same: dict[str, Any] = {
        "causes": profile, "reader": reader, "config": settled, "registry": codes, "keylog": keylog,
        "keep_copies": keep_copies, "without": without,
    }  # fmt: skip
    sinks = [message_sink] if message_sink else []
    result = Result(pipeline, rules, settled, profile, partial(analyze, *pipeline.paths, **same))
    if store is None:
        pipeline.run(sinks, progress)
        return result
    from analyzer.adding.captures import Adding

    def again(*some: str) -> Added:
        added = analyze(*some, **same, progress=progress, store=store).added
        assert added is not None
        return added

    with Adding(store, rules, settled, pipeline) as adding:
        pipeline.run([*sinks, adding], progress, adding)
        result.added = adding.finish(result, again)
    return result


def table_sink(writer: TableWriter) -> Callable[[MessageBatch, Ints], None]:
    """A message sink that writes the messages table as the captures are read."""
    from analyzer.tables.messages import message_columns

    def write(batch: MessageBatch, links: Ints) -> None:
        writer.write(message_columns(batch, links, batch.methods))

    return write


def evidence_sink(writer: TableWriter, registry: Registry) -> Callable[[MessageBatch, Ints], None]:
    """A message sink that writes what messages say about why as the captures are read (`Result.evidence`)."""
    from analyzer.tables import columns_of_rows

    evidence = Evidence(registry)

    def write(batch: MessageBatch, links: Ints) -> None:
        rows = list(evidence.rows(batch, links))
        if rows:
            writer.write(columns_of_rows(EvidenceRow, rows))

    return write


__all__ = ["Result", "analyze", "evidence_sink", "table_sink"]
