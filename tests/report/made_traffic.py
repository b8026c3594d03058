"""Made periods for the parts of a report about traffic: calls, branches, intervals and the rest as short dicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from analyzer.config import Config, read_config
from analyzer.findings import BlockRow, DoubtRow, IntervalRow, KeptCaptureRow, OtherRow
from analyzer.periods import Period, week_of
from analyzer.registry import Registry, load_registry
from analyzer.schema import MidcallRow, RegistrationRow
from analyzer.stats.facts import Facts
from analyzer.tables.slices import Slice
from analyzer.tables.store_tables import StoredBranchRow, StoredCallRow, StoredTrafficRow
from tests.stats.made import table

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
SECOND = 1_000_000_000
MINUTE, HOUR = 60 * SECOND, 3600 * SECOND
#: Monday 2026-11-09.
WEEK = week_of(date(2026, 11, 9), AMSTERDAM)
EARLIER = WEEK.earlier(4)
REGISTRY: Registry = load_registry()
_OTHER_TABLES: Mapping[str, type[Any]] = {
    "registrations": RegistrationRow, "others": OtherRow, "midcall": MidcallRow, "branches": StoredBranchRow,
    "blocks": BlockRow, "traffic": StoredTrafficRow, "intervals": IntervalRow, "captures": KeptCaptureRow,
    "doubts": DoubtRow,
}  # fmt: skip
Row = Mapping[str, Any]


def week(zone: tzinfo = AMSTERDAM, day: date = date(2026, 11, 9)) -> Period:
    """The week of a day."""
    return week_of(day, zone)


def configured(folder: Path, text: str) -> Config:
    """The settings of a file."""
    path = folder / "sipcause.toml"
    path.write_text(text)
    return read_config(path)


def call(ts: int, outcome: str = "answered", **more: Any) -> dict[str, Any]:
    """A call from an own phone to a trunk, answered after 3 s for two minutes, or over after 2 s."""
    usual: dict[str, Any] = {
        "invite_ts": ts, "outcome": outcome, "caller_ip": "10.0.0.1", "callee_ip": "198.51.100.1",
        "to_uri": "sip:0201234567@example.net", "from_uri": "sip:+31301234567@example.net", "attempts": 1,
    }  # fmt: skip
    if outcome == "answered":
        usual |= {
            "alert_ts": ts + SECOND, "answer_ts": ts + 3 * SECOND, "bye_ts": ts + 123 * SECOND,
            "end_ts": ts + 123 * SECOND, "status_code": 200, "pdd_ms": 1000.0, "released_by": "caller",
        }  # fmt: skip
    else:
        usual |= {"end_ts": ts + 2 * SECOND, "pdd_ms": None}
    return usual | more


def facts(
    calls: Sequence[Row] = (), *, period: Period = WEEK, config: Config | None = None, run: str = "run-1", **tables: Any
) -> Facts:
    """Facts of a period of some calls, numbered from 1, and of rows of other tables."""
    filled = [
        {
            "call_no": number, "capture_no": 1, "frame_no": number, "call_id": f"{run}-{number}@example.net",
            "call_key": f"{run}-{number}", "run": run, "fault": "none", "outcome_rule": "made", "cause_profile": "dss1",
            **row,
        }
        for number, row in enumerate(calls, 1)
    ]  # fmt: skip
    made = {name: table(kind, [*tables.pop(name, ())]) for name, kind in _OTHER_TABLES.items()}
    assert not tables, "no table has this name"
    made["calls"] = table(StoredCallRow, filled, texts=True)
    return Facts(Slice(period, made), REGISTRY, config or Config(), "dss1")


def heard(
    period: Period = WEEK, source: str = "eth0", step: int = HOUR, gaps: Sequence[tuple[int, int]] = ()
) -> list[Row]:
    """Intervals of a live source that listened all the time but for some gaps."""
    found: list[Row] = []
    at = period.from_ts
    for begin, end in [*sorted(gaps), (period.to_ts, period.to_ts)]:
        while at < begin:
            found.append({"source": source, "kind": "live", "from_ts": at, "to_ts": min(at + step, begin)})
            at = min(at + step, begin)
        at = end
    return found
