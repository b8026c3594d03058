"""Facts for tests: of made rows, of ladders (tests/flow.py), of the demo; several weeks of made calls."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from analyzer.batch import AnyColumn, Columns, labels_of
from analyzer.config import Config
from analyzer.config_entries import Settings
from analyzer.periods import Period, week_of
from analyzer.registry import Registry, load_registry
from analyzer.stats.facts import Facts
from analyzer.tables.slices import slice_of
from analyzer.tables.store_tables import STORED
from analyzer.vocab import NOT_UNSUCCESSFUL
from tests.flow import sent
from tests.frames import write_pcap
from tests.stats.made import calls as made_calls
from tests.stats.made import table

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
#: The week of `tests.stats.made.START`, and that of the demo.
WEEK = week_of(date(2026, 11, 17), AMSTERDAM)
DEMO_WEEK = week_of(date(2026, 3, 10), AMSTERDAM)
DEMO = Path(__file__).parents[2] / "pcaps" / "demo.pcapng"


@cache
def registry() -> Registry:
    """The registry, once."""
    return load_registry()


def config(**settings: Any) -> Config:
    """Settings as `sipcause.toml` would have them, in Amsterdam."""
    return Config(Settings(**{"timezone": "Europe/Amsterdam", **settings}))


def stored(name: str, rows: Iterable[Mapping[str, Any]] = ()) -> Columns:
    """A table of a store; a row says what matters, ``run`` is ``made`` where it says nothing."""
    row_type = STORED[name].row_type
    listed = [{"run": "made", **row} for row in rows]
    return table(row_type, listed) if listed else Columns(row_type, {}, 0)


def keyed(calls: Columns, run: str = "made") -> Columns:
    """Calls as a store has them: with a key, here their number, and their run."""
    count = len(calls)
    if not count:
        return Columns(STORED["calls"].row_type, {}, 0)
    keys = [f"key-{calls.value('call_no', row)}" for row in range(count)]
    more: dict[str, AnyColumn] = {"call_key": labels_of(keys), "run": labels_of([run] * count)}
    return Columns(STORED["calls"].row_type, {**calls.columns, **more}, count)


def call(**row: Any) -> dict[str, Any]:
    """A call as `tests.stats.made.calls` wants it, with what follows from its outcome and code filled in."""
    outcome, code = row.get("outcome", "answered"), row.get("status_code")
    family = {
        1: "provisional",
        2: "success",
        3: "redirection",
        4: "client_error",
        5: "server_error",
        6: "global_failure",
    }
    filled: dict[str, Any] = {"messages": 7, "hops": 1, "attempts": 1, "family": None}
    if code is not None:
        filled["family"] = family.get(code // 100, "vendor")
    if outcome == "answered":
        filled |= {"status_code": 200, "family": "success", "release": "normal"}
    elif outcome not in NOT_UNSUCCESSFUL:
        filled["failed_by_ip"] = row.get("callee_ip", "192.0.2.9")
    return filled | row


def facts(
    rows: Sequence[Mapping[str, Any]] | Columns = (), period: Period = WEEK, settings: Config | None = None,
    **tables: Iterable[Mapping[str, Any]],
) -> Facts:  # fmt: skip
    """The facts of a period: of calls (rows for `call`, or columns) that begin in it, and of rows of other tables."""
    columns = rows if isinstance(rows, Columns) else made_calls(*[call(**row) for row in rows])
    made = {name: stored(name, tables.get(name, ())) for name in STORED if name != "calls"}
    return Facts(slice_of({"calls": keyed(columns), **made}, period), registry(), settings or config(), "dss1")


def analyzed(path: Path, period: Period = WEEK, settings: Config | None = None, run: str = "made") -> Facts:
    """The facts of a capture: what a store would hold of it, and what its doubts are."""
    import analyzer

    names = ("calls", "registrations", "others", "midcall", "branches", "blocks")
    result = analyzer.analyze(str(path), keep=names)
    made = {name: result.columns(name) for name in names}
    captures = [
        {
            "capture_no": row.capture_no, "source": row.source, "kind": "file", "start_ts": row.start_ts,
            "end_ts": row.end_ts, "frames": row.frames, "octets": row.octets, "sip_messages": row.sip_messages,
            "dropped": row.dropped, "run": run,
        }
        for row in result.captures
    ]  # fmt: skip
    made["captures"] = stored("captures", captures)
    return Facts(slice_of(made, period, run), registry(), settings or config(), "dss1")


def played(ladder: str, period: Period = WEEK, settings: Config | None = None) -> Facts:
    """The facts of a ladder of tests/flow.py."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "flow.pcap"
        write_pcap(sent(ladder), path)
        return analyzed(path, period, settings)


@cache
def demo() -> Facts:
    """The facts of pcaps/demo.pcapng."""
    return analyzed(DEMO, DEMO_WEEK)
