"""``sipcause analyze``: from captures to their failures."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import click

from analyzer.schema import TABLES
from analyzer.ui.cli.common import (
    CAPTURES,
    KEEP_COPIES,
    analyzing,
    listed,
    notice,
    reading_options,
    say_when_cold,
    settings,
)

if TYPE_CHECKING:
    from analyzer.ui.cli.printing import Screen
    from analyzer.views.overview import Overview

FORMATS = ("csv", "parquet", "json")


@click.command()
@CAPTURES
@reading_options
@KEEP_COPIES
@click.option("-o", "--output", metavar="DIR", help="Write tables and charts into this folder.")
@click.option("--format", "formats", default="csv", metavar="LIST", help="Of the tables: csv, parquet, json. [csv]")
@click.option("--tables", default=",".join(TABLES), metavar="LIST", help="Which tables. [all]")
@click.option("--no-charts", is_flag=True, help="Tables only.")
@click.option("--store", metavar="DIR", help="Add what is found to the store in this folder, each capture once.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output (docs/json.md).")
def analyze(
    captures: tuple[str, ...],
    causes: str | None,
    reader: str,
    lang: str,
    config: str | None,
    registry: tuple[str, ...],
    quiet: bool,
    keylog: str | None,
    keep_copies: bool,
    output: str | None,
    formats: str,
    tables: str,
    no_charts: bool,
    store: str | None,
    as_json: bool,
) -> None:
    """Which calls failed, why, whose failure it was, and which ISDN cause the other side saw.

    CAPTURE is a file (pcap or pcapng, also packed with gzip, zstd or xz), a folder, or - for standard input; several
    are one timeline.
    """
    chosen_formats, chosen_tables = listed(formats, FORMATS, "--format"), listed(tables, list(TABLES), "--tables")
    settled, codes = settings(config, registry)
    say_when_cold(quiet)
    from analyzer import api
    from analyzer.ui.cli.progress import Progress

    options = analyzing(settled, codes, causes, reader, keylog, keep_copies)
    if store is not None:
        options["store"] = store
    with Progress(quiet) as progress:
        if output is None:
            result = api.analyze(*captures, **options, progress=progress)
        else:
            from analyzer.ui.cli.output import analyze_into

            result, written = analyze_into(
                output, captures, options, chosen_formats, chosen_tables, not no_charts, progress
            )
    if as_json:
        from analyzer.stats.document import document

        json.dump(document(result), sys.stdout, indent=2)
        sys.stdout.write("\n")
    else:
        from analyzer.ui.cli.printing import Screen
        from analyzer.views.overview import overview
        from analyzer.views.words import words

        show(Screen(), overview(result, words(lang)))
    if output is not None:
        notice(f"{len(written)} files written to {output}", quiet)
    if result.added is not None and store is not None:
        from analyzer.views.adding import added_lines
        from analyzer.views.words import words

        for line in added_lines(result.added, store, words(lang), settled.zone):
            notice(line, quiet)


def show(screen: Screen, seen: Overview) -> None:
    """Grade, headline, tables, remarks: the remarks last, where the eye rests when the output has scrolled by."""
    if seen.vantage:
        screen.paragraph(seen.vantage, "bold")
    screen.paragraph(seen.headline, "bold")
    screen.line()
    for table in seen.tables:
        screen.table(table)
    for remark in seen.remarks:
        screen.paragraph(f"! {remark}", "yellow")
