"""A store of millions of calls: what do its summary, a week of it, and what a report asks first, cost?

    bench/store make DIR [--calls 1000000] [--days 28] [--parts 288] [--runs 1] [--seed 1]
    bench/store measure DIR [info] [summary] [week] [weeks] [report] ...      each in a process of its own

``make`` writes parts as rolling writes them: of one seed always the same. ``--parts``: how many a day has; live runs
write one every five minutes, 288. ``--runs``: by turns, with some calls that two of them told. ``week``: all columns
of the first ISO week; ``weeks``: four weeks, and of each what a report asks first (scanners, sessions, who is
charged); ``report``: the command itself, of the fourth week beside the third, in every format; ``page``: the same, its
HTML alone. ``compact`` comes last: it changes the store.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from analyzer.batch import Columns, concat
from analyzer.config import Config
from analyzer.periods import Period, midnight, week_of
from analyzer.registry import load_registry
from analyzer.stats.facts import Facts
from analyzer.tables.build import arrow
from analyzer.tables.store_files import Disk, LogName, make_store, part_path
from analyzer.tables.store_read import open_store
from analyzer.tables.store_roll import parquet_octets
from analyzer.tables.store_slice import read_slice
from analyzer.tables.store_tables import stored_columns
from bench.store_calls import SECOND, branch_rows, call_rows, interval_rows, registration_rows, traffic_rows

ZONE = ZoneInfo("Europe/Amsterdam")
FIRST = date(2026, 9, 28)  # a Monday
_EVERY = 10 * SECOND
_UNIT = 1 << 20


def make(folder: Path, calls: int, days: int, parts: int, runs: int, seed: int) -> None:
    """Write the parts of a store."""
    disk = _NoSync()
    make_store(folder, ZONE, disk)
    # Calls come by day as people make them: by the hour, and fewer at night.
    shape = np.clip(np.sin((np.arange(parts) / parts - 0.3) * 2 * np.pi) + 0.7, 0.02, None)
    for number in range(days):
        chance = np.random.default_rng([seed, number])
        day = FIRST + timedelta(days=number)
        begin, end = midnight(day, ZONE), midnight(day + timedelta(days=1), ZONE)
        counts = chance.multinomial(calls // days, shape / shape.sum())
        edges = np.linspace(begin, end, parts + 1).astype(np.int64)
        told: Columns | None = None
        for part, count in enumerate(counts.tolist()):
            name = LogName(f"20260928T000000000000Z-bench-{1 + part % runs}", number * parts + part + 1)
            rows = call_rows(chance, np.sort(chance.integers(edges[part], edges[part + 1], count)))
            rows.columns["call_no"] = rows.ints("call_no") + (number * parts + part) * 1_000_000
            tables = {
                "calls": rows if told is None else concat(rows.row_type, [told, rows]),
                "branches": branch_rows(chance, rows),
                "registrations": registration_rows(chance, np.sort(chance.integers(edges[part], edges[part + 1], 20))),
                "traffic": traffic_rows(int(edges[part]) // (3600 * SECOND) * 3600 * SECOND, count),
                "intervals": interval_rows(int(edges[part]), int(edges[part + 1]), _EVERY),
            }
            told = rows.take(np.arange(min(count, 5))) if runs > 1 else None
            keys: dict[int, str] = {}
            for table, columns in tables.items():
                stored = arrow(stored_columns(table, columns, name.run, keys))
                disk.put(part_path(folder, table, day.isoformat(), name), parquet_octets(stored, table))


class _NoSync(Disk):
    """A disk that is not waited for: nothing is lost with a store that one seed makes again."""

    def sync(self, number: int) -> None:
        pass


def info(folder: Path) -> str:
    """``sipcause store info``."""
    from analyzer.tables.store_info import store_info

    found = store_info(open_store(folder))
    return f"{found.parts:,} parts, {found.octets / _UNIT:,.0f} MiB, {found.rows['calls']:,} calls"


def summary(folder: Path) -> str:
    """``sipcause store summary``."""
    from analyzer.tables.store_summary import summarise

    found = summarise(open_store(folder))
    return f"{found.calls:,} calls, {len(found.days)} days, {len(found.endpoints)} endpoints"


def compact(folder: Path) -> str:
    """``sipcause store compact``."""
    from analyzer.tables.store_compact import compact as merge

    found = merge(open_store(folder))
    return f"{found.parts:,} parts became {found.made}"


def week(folder: Path) -> str:
    """A week with all its columns."""
    found = read_slice(open_store(folder), week_of(FIRST, ZONE))
    return ", ".join(f"{table} {len(rows):,}" for table, rows in found.tables.items() if len(rows))


def report(folder: Path, formats: str = "html,pdf,csv,md,json") -> str:
    """``sipcause report`` of the fourth week."""
    from analyzer.ui.cli.main import group

    label = week_of(FIRST + timedelta(days=21), ZONE).label
    with tempfile.TemporaryDirectory() as place:
        given = ["report", "--store", str(folder), "--week", label, "--format", formats, "-o", place, "-q"]
        group.main(given, standalone_mode=False)
        return ", ".join(f"{path.name} {path.stat().st_size:,}" for path in sorted(Path(place).rglob("report.*")))


def page(folder: Path) -> str:
    """The same, its page alone."""
    return report(folder, "html")


def weeks(folder: Path) -> str:
    """Four weeks, and of each what a report asks first."""
    store, registry, config = open_store(folder), load_registry(), Config()
    periods: list[Period] = [week_of(FIRST + timedelta(days=7 * number), ZONE) for number in range(4)]
    took = dict.fromkeys(("read", "scanners", "population", "sessions", "charges"), 0.0)
    count = 0
    for period in periods:
        began = time.perf_counter()

        def lap(what: str) -> None:
            nonlocal began
            now = time.perf_counter()
            took[what] += now - began
            began = now

        facts = Facts(read_slice(store, period), registry, config, "rfc3398")
        lap("read")
        count += len(facts.calls)
        lap("scanners")
        _ = facts.counted.any(), facts.failed.any()
        lap("population")
        _ = len(facts.sessions)
        lap("sessions")
        _ = facts.began.any()
        lap("charges")
    return f"{count:,} calls: " + ", ".join(f"{what} {seconds:.2f} s" for what, seconds in took.items())


WORK = {
    "info": info, "summary": summary, "week": week, "weeks": weeks, "report": report, "page": page, "compact": compact
}  # fmt: skip


def measure(folder: Path, names: list[str]) -> None:
    """Run each in a process of its own, and say what it took."""
    print(f"{'':10} {'wall s':>8} {'CPU s':>8} {'RSS MiB':>8}")
    for name in names:
        begin = time.perf_counter()
        child = os.fork()
        if not child:
            os.execv(sys.executable, [sys.executable, sys.argv[0], "do", str(folder), name])
        # The peak is that of the child, whose program is a fresh one; of a fork it would begin with ours.
        _, status, usage = os.wait4(child, 0)
        if status:
            sys.exit(f"{name} failed")
        cpu = usage.ru_utime + usage.ru_stime
        print(f"{name:10} {time.perf_counter() - begin:8.2f} {cpu:8.2f} {usage.ru_maxrss / 1024:8.0f}", flush=True)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("make")
    one.add_argument("folder", type=Path)
    for option, default in (("--calls", 1_000_000), ("--days", 28), ("--parts", 288), ("--runs", 1), ("--seed", 1)):
        one.add_argument(option, type=int, default=default)
    for command in ("measure", "do"):
        one = commands.add_parser(command)
        one.add_argument("folder", type=Path)
        one.add_argument("work", nargs="*", choices=[*WORK, []], default=[])
    options = parser.parse_args()
    if options.command == "make":
        make(options.folder, options.calls, options.days, options.parts, options.runs, options.seed)
    elif options.command == "measure":
        measure(options.folder, options.work or ["info", "summary", "week", "weeks", "report"])
    else:
        for name in options.work:
            print(WORK[name](options.folder), flush=True)
