"""``sipcause captures``: what is in capture files, and what of it was not understood."""

from __future__ import annotations

import json
import sys

import click

from analyzer.ui.cli.common import CAPTURES, analyzing, reading_options, say_when_cold, settings


@click.command()
@CAPTURES
@reading_options
@click.option("--json", "as_json", is_flag=True, help="The list as JSON (captures[] of docs/json.md).")
def captures(
    captures: tuple[str, ...],
    causes: str | None,
    reader: str,
    lang: str,
    config: str | None,
    registry: tuple[str, ...],
    quiet: bool,
    keylog: str | None,
    as_json: bool,
) -> None:
    """Format, frames, SIP messages and span of each capture, and the frames that were not read, by reason."""
    settled, codes = settings(config, registry)
    say_when_cold(quiet)
    from analyzer import api
    from analyzer.ui.cli.progress import Progress

    with Progress(quiet) as progress:
        options = analyzing(settled, codes, causes, reader, keylog)
        result = api.analyze(*captures, **options, keep=(), progress=progress)
    if as_json:
        from analyzer.stats.document import capture_documents

        json.dump(capture_documents(result.captures), sys.stdout, indent=2)
        sys.stdout.write("\n")
        return
    from analyzer.ui.cli.printing import Screen
    from analyzer.views.captures import captures_table, layers_table, unread_table
    from analyzer.views.words import words

    screen = Screen()
    screen.table(captures_table(result.captures, words(lang), settled.zone, len(result.captures)))
    screen.table(layers_table(result.captures, words(lang), 40))
    unread = unread_table(result.captures, words(lang))
    if unread.rows:
        screen.table(unread)
