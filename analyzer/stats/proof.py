"""Calls as a carrier's ticket names them: Call-ID, time, numbers, carrier, file and frame."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from analyzer.batch import MISSING, Ints
from analyzer.stats.facts import Facts
from analyzer.stats.select import user_of
from analyzer.vocab import CauseFrom, Outcome

_AS_THEY_ARE = (
    "caller_ip", "callee_ip", "outcome_rule", "status_code", "vendor", "cause", "cause_conflict", "failed_by_ip",
    "failed_code", "caller_agent", "callee_agent",
)  # fmt: skip


#: Calls that are looked at for the most useful ones, spread over all of them.
_LOOKED_AT = 2048
#: Codes are below it; one number holds cause and code.
_CODES = 1024


def useful(facts: Facts, rows: Ints, shown: int) -> list[int]:
    """The rows (of some, ascending) that prove most, in the order of time; ``shown``: how many, 0 = all of them.

    Calls whose cause was read go before others, and those with the code and cause that most of them have; these are
    spread over time, because five in one minute may be one event.
    """
    times = facts.population.numbers("invite_ts")
    if not shown or len(rows) <= shown:
        return list(_in_time(rows, times).tolist())
    read = rows[facts.is_read[rows]]
    best = _spread(read if len(read) >= shown else rows, _LOOKED_AT)
    cause = facts.population.numbers("cause")[best]
    kind = np.where(cause == MISSING, 0, cause + 1) * _CODES + facts.population.status[best]
    _, places, counts = np.unique(kind, return_inverse=True, return_counts=True)
    is_usual = places == int(counts.argmax())
    usual = best[is_usual]
    if len(usual) >= shown:
        return list(_spread(_in_time(usual, times), shown).tolist())
    others = _spread(_in_time(best[~is_usual], times), shown - len(usual))
    return list(_in_time(np.concatenate([usual, others]), times).tolist())


def _in_time(rows: Ints, times: Ints) -> Ints:
    """Rows by their first INVITE."""
    ordered: Ints = rows[np.lexsort((rows, times[rows]))]
    return ordered


def _spread(rows: Ints, count: int) -> Ints:
    """So many of some rows, as far apart as can be, the first and the last among them."""
    if len(rows) <= count:
        return rows
    chosen: Ints = rows[np.linspace(0, len(rows) - 1, count).round().astype(np.int64)]
    return chosen


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
