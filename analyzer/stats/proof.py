"""Calls as a carrier's ticket names them: Call-ID, time, numbers, carrier, file and frame."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from analyzer.stats.counting import Mask
from analyzer.stats.facts import Facts
from analyzer.stats.select import user_of
from analyzer.vocab import CauseFrom, Outcome

_AS_THEY_ARE = (
    "caller_ip", "callee_ip", "outcome_rule", "status_code", "vendor", "cause", "cause_conflict", "failed_by_ip",
    "failed_code", "caller_agent", "callee_agent",
)  # fmt: skip


def first_of(mask: Mask, shown: int) -> tuple[int, list[int]]:
    """How many rows a mask has, and the first ``shown`` of them (0 = all)."""
    rows = np.flatnonzero(mask)
    return len(rows), (rows if not shown else rows[:shown]).tolist()


def refs(facts: Facts, rows: Sequence[int]) -> Iterator[dict[str, Any]]:
    """The fields of `report.lines.CallRef` of some rows of ``facts.calls``."""
    calls, config, sources = facts.calls, facts.config, _sources(facts)
    for row, key in zip(rows, facts.keys(list(rows)), strict=True):
        cell = {
            name: calls.value(name, row)
            for name in (
                "call_id", "invite_ts", "from_uri", "to_uri", "request_uri", "caller_ip", "callee_ip", "outcome",
                "outcome_rule", "status_code", "vendor", "cause", "cause_from", "cause_conflict", "failed_by_ip",
                "failed_code", "caller_agent", "callee_agent", "frame_no", "capture_no", "run",
            )
        }  # fmt: skip
        yield {
            "key": key,
            "call_id": cell["call_id"] or "",
            "invite_ts": cell["invite_ts"],
            "a_number": user_of(cell["from_uri"]) or cell["from_uri"],
            "b_number": user_of(cell["to_uri"]) or user_of(cell["request_uri"]) or cell["to_uri"],
            "carrier": config.trunk(cell["callee_ip"] or "") or config.trunk(cell["caller_ip"] or ""),
            **{
                name: cell[name]
                for name in ("caller_ip", "callee_ip", "outcome_rule", "status_code", "vendor", "cause")
            },
            **{name: cell[name] for name in ("cause_conflict", "failed_by_ip", "failed_code", "caller_agent")},
            "callee_agent": cell["callee_agent"],
            "outcome": Outcome(cell["outcome"]),
            "cause_from": None if cell["cause_from"] is None else CauseFrom(cell["cause_from"]),
            "source": sources.get((cell["run"] or "", cell["capture_no"])),
            "frame_no": cell["frame_no"],
        }


def _sources(facts: Facts) -> dict[tuple[str, int], str]:
    """The capture that each number of each run stands for."""
    captures = facts.part["captures"]
    return {(row["run"], row["capture_no"]): row["source"] for row in captures.rows()}
