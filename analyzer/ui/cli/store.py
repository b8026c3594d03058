"""``sipcause store``: what is in a store, whether all of it can be read; its parts merged, old days removed."""

from __future__ import annotations

import json
import math
import sys
import time
from datetime import datetime
from pathlib import Path

import click

from analyzer.ui.cli.units import Duration
from analyzer.views.words import LANGUAGES

#: Days, runs and gaps that are shown; ``--json`` has all.
TOP = 14
_DAY_S = 86_400.0

_FOLDER = click.argument("folder", metavar="DIR")
_LANG = click.option("--lang", type=click.Choice(LANGUAGES), default="en", help="Language of titles.")


@click.group()
def store() -> None:
    """The history that live runs write with --store DIR."""


@store.command()
@_FOLDER
@_LANG
@click.option("--json", "as_json", is_flag=True, help="All of it as one JSON document.")
def info(folder: str, lang: str, as_json: bool) -> None:
    """Calls by day, the runs that wrote them, what is open, gaps and drops. Works while others write."""
    from analyzer.tables.store_info import store_info
    from analyzer.tables.store_read import open_store

    opened = open_store(Path(folder))
    found = store_info(opened)
    if as_json:
        document = found._asdict()
        for name in ("runs", "spans", "gaps"):
            document[name] = [row._asdict() for row in document[name]]
        _dump(document)
        return
    from analyzer.ui.cli.printing import Screen
    from analyzer.views.store import days_table, gaps_table, runs_table
    from analyzer.views.words import words

    spoken = words(lang)
    screen = Screen()
    size = {"parts": spoken.number(found.parts), "octets": spoken.octets(found.octets)}
    parts = spoken("{parts} parts, {octets} with what is open", **size)
    screen.line((f"{found.path}: schema {found.schema}, {found.zone}, {parts}", ""))
    screen.table(days_table(found.calls, spoken, TOP))
    screen.table(runs_table(found.runs, found.spans, spoken, opened.zone, TOP))
    if found.gaps:
        screen.table(gaps_table(found.gaps, spoken, opened.zone, TOP))


@store.command()
@_FOLDER
@_LANG
@click.option("--json", "as_json", is_flag=True, help="What was found as one JSON document.")
def verify(folder: str, lang: str, as_json: bool) -> None:
    """Read everything. Says what is torn or damaged; exit code 1 when something that was written is lost."""
    from analyzer.tables.store_read import open_store
    from analyzer.tables.store_verify import verify as read_all

    found = read_all(open_store(Path(folder)))
    if as_json:
        document = found._asdict() | {"faults": [fault._asdict() for fault in found.faults], "is_sound": found.is_sound}
        _dump(document)
    else:
        from analyzer.ui.cli.printing import Screen
        from analyzer.views.store import faults_table
        from analyzer.views.words import words

        spoken = words(lang)
        counts = {name: spoken.number(getattr(found, name)) for name in ("parts", "rows", "logs", "messages")}
        screen = Screen()
        screen.line(
            (spoken("Read: {parts} parts with {rows} rows, {logs} logs with {messages} messages", **counts), "")
        )
        if found.faults:
            screen.table(faults_table(found.faults, spoken))
    if not found.is_sound:
        sys.exit(1)


@store.command()
@_FOLDER
@click.option(
    "--from", "first", type=click.DateTime(["%Y-%m-%d"]), metavar="DAY", help="First day, in the store's zone."
)
@click.option("--to", "last", type=click.DateTime(["%Y-%m-%d"]), metavar="DAY", help="Last day.")
@click.option("--top", type=click.IntRange(1), default=TOP, help="Rows of each table; --json has all.")
@_LANG
@click.option("--json", "as_json", is_flag=True, help="All of it as one JSON document.")
def summary(folder: str, first: datetime | None, last: datetime | None, top: int, lang: str, as_json: bool) -> None:
    """Calls by outcome, code, cause and day, and the endpoints that failed most; quick for millions of calls."""
    from analyzer.tables.store_read import open_store
    from analyzer.tables.store_summary import summarise

    days = [day.date().isoformat() if day else None for day in (first, last)]
    if all(days) and str(days[0]) > str(days[1]):
        raise click.UsageError(f"--from {days[0]} lies after --to {days[1]}")
    found = summarise(open_store(Path(folder)), *days)
    if as_json:
        document = found._asdict() | {"endpoints": [one._asdict() for one in found.endpoints]}
        for name in ("codes", "causes"):
            document[name] = {"none" if key is None else str(key): count for key, count in document[name].items()}
        _dump(document)
        return
    from analyzer.registry import load_registry
    from analyzer.ui.cli.printing import Screen
    from analyzer.views.store import days_table, summary_tables
    from analyzer.views.words import words

    spoken = words(lang)
    screen = Screen()
    counts = {"calls": spoken.number(found.calls), "unsuccessful": spoken.number(found.unsuccessful)}
    screen.line((spoken("{calls} calls, {unsuccessful} unsuccessful", **counts), ""))
    for table in summary_tables(found, load_registry(), spoken, top):
        screen.table(table)
    screen.table(days_table(found.days, spoken, top))


@store.command()
@_FOLDER
@_LANG
@click.option("--json", "as_json", is_flag=True, help="What was done as one JSON document.")
def compact(folder: str, lang: str, as_json: bool) -> None:
    """Merge the parts of each day into one, so that reading is quick. Works while others write and read."""
    from analyzer.tables.store_compact import compact as merge
    from analyzer.tables.store_read import open_store

    done = merge(open_store(Path(folder)))
    if as_json:
        _dump(done._asdict())
        return
    from analyzer.views.words import words

    spoken = words(lang)
    counts = {name: spoken.number(getattr(done, name)) for name in ("parts", "made", "dropped")}
    sizes = {name: spoken.octets(getattr(done, name)) for name in ("octets_before", "octets_after")}
    said = "{parts} parts became {made}: {octets_before}, now {octets_after}; {dropped} rows stood there twice"
    click.echo(spoken(said, **counts, **sizes))


@store.command()
@_FOLDER
@click.option("--keep", required=True, type=Duration(), help="How much of the past stays: 400d, 26w. Whole days go.")
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@_LANG
@click.option("--json", "as_json", is_flag=True, help="What went as one JSON document.")
def prune(folder: str, keep: float, dry_run: bool, lang: str, as_json: bool) -> None:
    """Remove whole days that are older. Works while others write and read."""
    from analyzer.tables.store_prune import prune as remove
    from analyzer.tables.store_read import open_store

    opened = open_store(Path(folder))
    gone = remove(opened, math.ceil(keep / _DAY_S), time.time_ns(), dry_run=dry_run)
    if as_json:
        _dump(gone._asdict() | {"dry_run": dry_run})
        return
    from analyzer.views.words import words

    spoken = words(lang)
    counts = {"days": spoken.number(len(gone.days)), "parts": spoken.number(sum(gone.parts.values()))}
    counts |= {"octets": spoken.octets(gone.octets), "day": gone.first_kept}
    if not gone.days:
        click.echo(spoken("Nothing is older than {day}", **counts))
        return
    counts |= {"first": gone.days[0], "last": gone.days[-1]}
    if dry_run:
        click.echo(spoken("{days} days would go, from {first} to {last}: {parts} parts, {octets}", **counts))
    else:
        click.echo(spoken("{days} days went, from {first} to {last}: {parts} parts, {octets}", **counts))


def _dump(document: dict[str, object]) -> None:
    json.dump(document, sys.stdout, indent=2)
    sys.stdout.write("\n")
