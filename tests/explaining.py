"""Every call of a capture explained in one second reading, for tests that look at many."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import analyzer
from analyzer.batch import Ints, MessageBatch
from analyzer.correlate.kept import CallMessages
from analyzer.correlate.rules import Rules
from analyzer.stats.explained import LATER, Explained, call_id_octets, explained
from tests.flow import sent
from tests.frames import write_pcap


def explained_calls(path: Path, most: int = 1_000, **options: Any) -> Iterator[Explained]:
    """The first calls of a capture, each explained as `Result.explain` does."""
    result = analyzer.analyze(str(path), keep=("calls",), **options)
    calls = result.columns("calls")
    rows = list(range(min(len(calls), most)))
    collectors = {call_id: CallMessages(call_id) for call_id in (call_id_octets(calls, row) for row in rows)}

    def sink(batch: MessageBatch, links: Ints) -> None:
        for collector in collectors.values():
            collector(batch, links)

    analyzer.analyze(str(path), keep=(), message_sink=sink, **options)
    rules = Rules(result.registry, result.causes_profile, options.get("without", ()))
    end = max((row.end_ts for row in result.captures if row.end_ts is not None), default=None)
    for row in rows:
        yield explained(calls, row, collectors[call_id_octets(calls, row)], rules, end)


def differences(calls: Sequence[Explained]) -> list[str]:
    """Where a replayed call differs from the call as the whole analysis counted it."""
    return [
        f"call {seen.call['call_no']}: {name} is {seen.replayed[name]!r}, was {value!r}"
        for seen in calls
        for name, value in seen.call.items()
        if name not in LATER
        and not (name == "charged_grade" and seen.call["wire_event"] is not None)
        and seen.replayed[name] != value
    ]


def explain_flow(text: str, call: int = 1, **options: Any) -> Explained:
    """A ladder of tests/flow.py, and one of its calls explained."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "flow.pcap"
        write_pcap(sent(text), path)
        result: Explained = analyzer.analyze(str(path), **options).explain(call)
        return result


def told(text: str, call: int = 1, **options: Any) -> list[tuple[int | None, str, str | None]]:
    """The ledger of a call: frame (None: by the clock), text, rule."""
    seen = explain_flow(text, call, **options)
    return [
        (None if e.at is None else seen.messages[e.at].frame_no, e.text.format(**e.values), e.rule)
        for e in seen.effects
    ]
