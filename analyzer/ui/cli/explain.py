"""``sipcause explain``: the ledger of a call, and the calls behind a number."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import click

from analyzer.ui.cli.choosing import Asked, choosing_options
from analyzer.ui.cli.common import KEEP_COPIES, STORE, analyzing, notice, reading_options, say_when_cold, settings

if TYPE_CHECKING:
    from analyzer.batch import Columns, Ints

#: Calls that are listed where several fit.
_LIMIT = 200


@click.command()
@click.argument("captures", nargs=-1, metavar="CAPTURE... [CALL] | KEY")
@STORE
@reading_options
@KEEP_COPIES
@choosing_options
@click.option("--tz", "zone_name", metavar="ZONE", help="Time zone of what is typed and shown. [the configuration's]")
@click.option("--json", "as_json", is_flag=True, help="The same for programs (docs/json.md).")
def explain(
    captures: tuple[str, ...],
    store: str | None,
    causes: str | None,
    reader: str,
    lang: str,
    config: str | None,
    registry: tuple[str, ...],
    quiet: bool,
    keylog: str | None,
    keep_copies: bool,
    failed: bool,
    scanners: bool | None,
    outcomes: tuple[str, ...],
    statuses: tuple[str, ...],
    causes_chosen: tuple[str, ...],
    endpoints: tuple[str, ...],
    numbers: tuple[str, ...],
    since: str | None,
    until: str | None,
    zone_name: str | None,
    as_json: bool,
) -> None:
    """Explain a call line by line: which rule did what with which frame, what was rejected, and the verdict.

    CALL is the call's number, its Call-ID or its lasting key. With options that choose calls instead, as those of
    `sipcause calls`, the calls behind a number are listed, and explained where it is one.

    With --store DIR the call is one of a store, and KEY its key, the beginning of that, or its Call-ID: shows all that
    the store knows, and explains it line by line where its captures still are.
    """
    from analyzer.ui.cli.moments import zone_named

    asked = Asked(failed, outcomes, statuses, causes_chosen, endpoints, numbers, since, until, scanners)
    if store is not None:
        reading = analyzing(*settings(config, registry), causes, reader, keylog, keep_copies)
        _stored(store, captures, asked, reading, zone_name, lang, quiet, as_json)
        return
    if not captures:
        raise click.UsageError("give captures, or --store DIR and the KEY of a call")
    which = None
    if not asked.is_anything and len(captures) > 1:
        *files, which = captures
        captures = tuple(files)
    if "-" in captures:
        raise click.BadParameter("standard input cannot be read twice; give a file", param_hint="CAPTURE")
    settled, codes = settings(config, registry)
    zone = zone_named(zone_name, settled.zone)
    say_when_cold(quiet)
    from analyzer import api
    from analyzer.stats.select import chosen
    from analyzer.ui.cli.progress import Progress
    from analyzer.views.words import words

    with Progress(quiet) as progress:
        options = analyzing(settled, codes, causes, reader, keylog, keep_copies)
        result = api.analyze(*captures, **options, keep=("calls",), progress=progress)
    table = result.columns("calls")
    if which is None:
        first_ts = min((row.start_ts for row in result.captures if row.start_ts is not None), default=None)
        rows = chosen(table, asked.choice(zone, first_ts))
    else:
        rows = _named(table, which)
    if len(rows) == 1:
        with Progress(quiet) as progress:
            seen = result.explain(int(table.ints("call_no")[rows[0]]), progress)
        if as_json:
            from analyzer.stats.explained_document import explained_document

            json.dump(explained_document(seen), sys.stdout, indent=2)
            sys.stdout.write("\n")
        else:
            from analyzer.ui.cli.explaining import show
            from analyzer.ui.cli.printing import Screen
            from analyzer.views.explain import explanation

            show(Screen(), explanation(seen, codes, settled, zone, words(lang)), zone, words(lang))
        return
    if as_json:
        from analyzer.views.call_list import records

        listed: list[dict[str, Any]] = list(records(table, rows, codes))
        json.dump(listed, sys.stdout, indent=2)
        sys.stdout.write("\n")
        return
    from analyzer.ui.cli.printing import Screen
    from analyzer.views.call_list import call_table

    Screen(is_list=True).table(call_table(table, rows, codes, settled, zone, words(lang), _LIMIT, is_numbered=True))
    if len(rows):
        example = f"sipcause explain {' '.join(captures)} {table.ints('call_no')[rows[0]]}"
        notice(words(lang)("one of them, line by line: {command}", command=example), quiet)


def _stored(
    folder: str,
    arguments: tuple[str, ...],
    asked: Asked,
    options: dict[str, Any],
    zone_name: str | None,
    lang: str,
    quiet: bool,
    as_json: bool,
) -> None:
    """The same of a store."""
    from analyzer.ui.cli.moments import zone_named
    from analyzer.ui.cli.stored import StoredCalls
    from analyzer.views.words import words

    if len(arguments) > 1 or (not arguments) != asked.is_anything:
        raise click.UsageError("give --store DIR and the KEY of a call, or options that choose calls")
    stored = StoredCalls(folder, options, zone_named(zone_name, options["config"].zone), words(lang), quiet)
    if arguments:
        table, rows = stored.named(arguments[0])
    else:
        table, rows = stored.chosen(asked)
    if len(rows) == 1:
        stored.explain(table, int(rows[0]), as_json)
        return
    stored.show_list(table, rows, "json" if as_json else "table", _LIMIT)


def _named(table: Columns, which: str) -> Ints:
    """The calls of a number or a Call-ID; wrong usage where there is none."""
    from analyzer.stats.select import called

    rows = called(table, which)
    if not len(rows):
        raise click.BadParameter(
            f"{which}: no call has this number, Call-ID or key; there are {len(table)} calls"
            " (sipcause calls lists them)",
            param_hint="CALL",
        )
    return rows
