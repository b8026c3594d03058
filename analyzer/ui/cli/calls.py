"""``sipcause calls``: the list of calls, chosen, and cut out for Wireshark."""

from __future__ import annotations

import click

from analyzer.ui.cli.choosing import Asked, choosing_options
from analyzer.ui.cli.common import (
    KEEP_COPIES,
    MAYBE_CAPTURES,
    STORE,
    analyzing,
    notice,
    reading_options,
    say_when_cold,
    settings,
)

#: Lines of the table unless --limit says otherwise.
_LIMIT = 200


@click.command()
@MAYBE_CAPTURES
@STORE
@reading_options
@KEEP_COPIES
@choosing_options
@click.option("--tz", "zone_name", metavar="ZONE", help="Time zone of what is typed and shown. [the configuration's]")
@click.option("--format", "form", type=click.Choice(["table", "csv", "json"]), default="table", help="[table]")
@click.option("--limit", type=click.IntRange(min=0), default=_LIMIT, help=f"Lines of the table; 0 = all. [{_LIMIT}]")
@click.option("-w", "--write", "cut_out", metavar="FILE", help="Write the frames of these calls as pcapng.")
def calls(
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
    form: str,
    limit: int,
    cut_out: str | None,
) -> None:
    """List calls: when, who called whom, how it ended and why, who is charged.

    All that is asked for must fit; an option that is repeated gives alternatives. With --store DIR the calls are those
    of a store; -w cuts them out of the captures that were added, where these still are.
    """
    if (store is None) == (not captures):
        raise click.UsageError("give captures, or --store DIR")
    from analyzer.ui.cli.moments import zone_named

    settled, codes = settings(config, registry)
    zone = zone_named(zone_name, settled.zone)
    asked = Asked(failed, outcomes, statuses, causes_chosen, endpoints, numbers, since, until, scanners)
    if cut_out is not None and "-" in captures:
        raise click.BadParameter("frames cannot be cut out of standard input; give a file", param_hint="-w")
    if store is not None:
        from analyzer.ui.cli.stored import StoredCalls
        from analyzer.views.words import words

        reading = analyzing(settled, codes, causes, reader, keylog, keep_copies)
        stored = StoredCalls(store, reading, zone, words(lang), quiet)
        table, rows = stored.chosen(asked)
        if cut_out is not None:
            stored.cut(table, rows, cut_out)
        stored.show_list(table, rows, form, limit)
        return
    say_when_cold(quiet)
    from analyzer import api
    from analyzer.stats.select import chosen
    from analyzer.ui.cli.progress import Progress

    options = analyzing(settled, codes, causes, reader, keylog, keep_copies)
    with Progress(quiet) as progress:
        result = api.analyze(*captures, **options, keep=("calls",), progress=progress)
    table = result.columns("calls")
    first_ts = min((row.start_ts for row in result.captures if row.start_ts is not None), default=None)
    choice = asked.choice(zone, first_ts)
    rows = chosen(table, choice)
    # First what takes long: whoever reads our output may leave before its end.
    if cut_out is not None:
        from analyzer.ui.cli.cutting import cut_calls

        with Progress(quiet) as progress:
            frames = cut_calls(cut_out, captures, options, table.ints("call_no")[rows], progress)
        notice(f"{frames} frames of {len(rows)} calls written to {cut_out}", quiet)
    if keep_copies:
        from analyzer.views.copies import copies_remarks
        from analyzer.views.words import words

        for remark in copies_remarks(result, words(lang)):
            notice(remark, quiet)
    if form == "table":
        from analyzer.ui.cli.printing import Screen
        from analyzer.views.call_list import call_table
        from analyzer.views.words import words

        Screen(is_list=True).table(call_table(table, rows, codes, settled, zone, words(lang), limit))
    else:
        from analyzer.ui.cli.records import write_records
        from analyzer.views.call_list import FIELDS, records

        write_records(FIELDS, records(table, rows, codes), form)
