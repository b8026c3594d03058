"""``sipcause store``: what is in a store, and whether all of it can be read."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from analyzer.views.words import LANGUAGES

#: Days, runs and gaps that are shown; ``--json`` has all.
TOP = 14

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


def _dump(document: dict[str, object]) -> None:
    json.dump(document, sys.stdout, indent=2)
    sys.stdout.write("\n")
