"""``sipcause calls``: the list of calls, chosen, and cut out for Wireshark."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator
from typing import Any

import click

from analyzer.ui.cli.common import CAPTURES, KEEP_COPIES, notice, reading_options, say_when_cold, settings
from analyzer.vocab import Outcome
from analyzer.wiretext import neutral_cell

#: Lines of the table unless --limit says otherwise.
_LIMIT = 200


@click.command()
@CAPTURES
@reading_options
@KEEP_COPIES
@click.option("--failed", is_flag=True, help="Unsuccessful calls only.")
@click.option("--scanners/--no-scanners", "scanners", default=None, help="Scanners' calls only; all but these.")
@click.option(
    "--outcome", "outcomes", multiple=True, type=click.Choice([o.value for o in Outcome]), help="May be repeated."
)
@click.option("--status", "statuses", multiple=True, metavar="CODE", help="486, 5xx, 500-599, none. May be repeated.")
@click.option("--cause", "causes_chosen", multiple=True, metavar="CAUSE", help="34, none. May be repeated.")
@click.option("--endpoint", "endpoints", multiple=True, metavar="IP", help="As caller, callee, charged or relaying.")
@click.option(
    "--number", "numbers", multiple=True, metavar="DIGITS", help="Beginning of the caller's or called number."
)
@click.option("--from", "since", metavar="TIME", help="First INVITE at or after: 2026-11-22T09:12, or 09:12.")
@click.option("--to", "until", metavar="TIME", help="First INVITE before.")
@click.option("--tz", "zone_name", metavar="ZONE", help="Time zone of what is typed and shown. [the configuration's]")
@click.option("--format", "form", type=click.Choice(["table", "csv", "json"]), default="table", help="[table]")
@click.option("--limit", type=click.IntRange(min=0), default=_LIMIT, help=f"Lines of the table; 0 = all. [{_LIMIT}]")
@click.option("-w", "--write", "cut_out", metavar="FILE", help="Write the frames of these calls as pcapng.")
def calls(
    captures: tuple[str, ...],
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

    All that is asked for must fit; an option that is repeated gives alternatives.
    """
    from analyzer.ui.cli.moments import moment, zone_named

    settled, codes = settings(config, registry)
    zone = zone_named(zone_name, settled.zone)
    bounds = [_status(text) for text in statuses]
    causes_wanted = [_cause(text) for text in causes_chosen]
    if cut_out is not None and "-" in captures:
        raise click.BadParameter("frames cannot be cut out of standard input; give a file", param_hint="-w")
    say_when_cold(quiet)
    from analyzer import api
    from analyzer.stats.select import Choice, chosen
    from analyzer.ui.cli.progress import Progress

    options: dict[str, Any] = {
        "causes": causes or settled.causes,
        "reader": reader,
        "config": settled,
        "registry": codes,
        "keylog": keylog,
        "keep_copies": keep_copies,
    }
    with Progress(quiet) as progress:
        result = api.analyze(*captures, **options, keep=("calls",), progress=progress)
    table = result.columns("calls")
    first_ts = min((row.start_ts for row in result.captures if row.start_ts is not None), default=None)
    choice = Choice(
        is_unsuccessful=failed,
        is_scanner=scanners,
        outcomes=tuple(Outcome(word) for word in outcomes),
        statuses=tuple(bounds),
        causes=tuple(causes_wanted),
        endpoints=endpoints,
        numbers=numbers,
        since=None if since is None else moment(since, zone, first_ts, "--from"),
        until=None if until is None else moment(until, zone, first_ts, "--to"),
    )
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
        from analyzer.views.call_list import records

        _write_records(records(table, rows, codes), form)


def _status(text: str) -> tuple[int, int] | None:
    """486, 5xx, 500-599 or none as first and last code."""
    lowered = text.strip().lower()
    if lowered == "none":
        return None
    first, _, last = lowered.partition("-")
    if len(lowered) == 3 and lowered[0].isdecimal() and lowered[1:] == "xx":
        return int(lowered[0]) * 100, int(lowered[0]) * 100 + 99
    if first.isdecimal() and (last.isdecimal() or not last):
        return int(first), int(last or first)
    raise click.BadParameter(f"{text}: write 486, 5xx, 500-599 or none", param_hint="--status")


def _cause(text: str) -> int | None:
    if text.strip().lower() == "none":
        return None
    if not text.strip().isdecimal():
        raise click.BadParameter(f"{text}: write a Q.850 cause such as 34, or none", param_hint="--cause")
    return int(text)


def _write_records(records: Iterator[dict[str, Any]], form: str) -> None:
    """Records as CSV with a header line, or as one JSON array with a record a line."""
    if form == "csv":
        from analyzer.views.call_list import FIELDS

        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(FIELDS)
        for record in records:
            writer.writerow(neutral_cell(v) if isinstance(v, str) else "" if v is None else v for v in record.values())
        return
    separator = "[\n"
    for record in records:
        sys.stdout.write(separator + json.dumps(record))
        separator = ",\n"
    sys.stdout.write("[]\n" if separator == "[\n" else "\n]\n")
