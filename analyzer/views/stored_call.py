"""One call of a store as people read it: who, when, what became of it and why, and where it stands."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo
from typing import TYPE_CHECKING, Any

from analyzer.batch import Columns
from analyzer.stats.stored_calls import Place
from analyzer.views.outcomes import outcome_tone
from analyzer.views.table import Cell, Column, Table, Tone, plain
from analyzer.views.times import local_time, zone_at
from analyzer.views.words import Words
from analyzer.vocab import Outcome

if TYPE_CHECKING:
    from analyzer.config import Config
    from analyzer.registry import Registry

_TIMES = (
    "invite_ts", "progress_ts", "alert_ts", "media_ts", "answer_ts", "ack_ts", "bye_ts", "end_ts", "last_ts",
)  # fmt: skip
#: What the verdict shows itself, and what only the whole table tells.
_SHOWN = {
    "call_no",
    "session_no",
    "outcome",
    "outcome_rule",
    "outcome_detail",
    "cause",
    "cause_from",
    "capture_no",
    "frame_no",
}


def call_facts(call: dict[str, Any], registry: Registry, config: Config, zone: tzinfo, words: Words) -> Table:
    """Everything that its row says; what is missing is left out."""
    outcome = Outcome(call["outcome"])
    verdict = " · ".join(
        text for text in (words(outcome.value), call["outcome_detail"] or "", f"rule {call['outcome_rule']}") if text
    )
    lines = [(Cell("outcome"), Cell(verdict, outcome_tone(outcome)))]
    if call["cause"] is not None:
        name = registry.cause(call["cause"]).name
        lines.append((Cell("cause"), Cell(f"{call['cause']} {name} · {call['cause_from']}", outcome_tone(outcome))))
    for column, value in call.items():
        if value is None or value is False or column in _SHOWN:
            continue
        if column in _TIMES:
            text = local_time(value, zone, decimals=3)
        elif column.endswith("_ip"):
            alias = config.alias(value)
            text = f"{alias} ({value})" if alias else str(value)
        else:
            text = str(value)
        lines.append((Cell(column, Tone.FAINT), Cell(text)))
    notes = [words("Times are in {zone}", zone=zone_at(call["invite_ts"], zone))]
    return Table(words("Call {key}", key=call["call_key"]), [Column(""), Column("", shrink=True)], lines, notes)


def places_table(call: dict[str, Any], places: Sequence[Place], words: Words) -> Table:
    """Where it stands: capture and frame, and whether that is still there."""
    lines = []
    for place in places:
        is_first = place.capture_no == call["capture_no"]
        there = words("there") if place.is_there else words("not there") if place.kind == "file" else place.kind
        frame = str(call["frame_no"]) if is_first else ""
        lines.append((Cell(place.source), Cell(frame), Cell(there, Tone.PLAIN if place.is_there else Tone.FAINT)))
    columns = [
        Column(words("capture"), shrink=True, is_path=True),
        Column(words("frame"), align_right=True),
        Column(""),
    ]
    return Table(words("Where it stands"), columns, lines)


def branches_table(branches: Columns, config: Config, zone: tzinfo, words: Words) -> Table:
    """The ways that it took."""
    lines = []
    for row in branches.rows():
        ends = [config.alias(row[name] or "") or row[name] or "–" for name in ("client_ip", "server_ip")]
        code = "–" if row["status_code"] is None else str(row["status_code"])
        at = "–" if row["request_ts"] is None else local_time(row["request_ts"], zone, decimals=3)
        lines.append(plain(at, str(row["attempt"]), *ends, code, str(row["fate"] or "")))
    columns = [
        Column(words("time")),
        Column(words("attempt"), align_right=True),
        Column(words("from")),
        Column(words("to")),
        Column(words("code"), align_right=True),
        Column(words("fate")),
    ]
    return Table(words("Branches"), columns, lines)
