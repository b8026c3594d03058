"""``sipcause kpis``: figures of merit, whole and broken down."""

from __future__ import annotations

import click

from analyzer.schema import KpiRow
from analyzer.ui.cli.common import CAPTURES, KEEP_COPIES, analyzing, listed, reading_options, say_when_cold, settings

#: What ``--by`` takes; `analyzer.stats.parts.GROUPS` says which break-downs each is.
BY = ("endpoint", "pair", "domain", "prefix", "agent", "hour")
_LIMIT = 20


@click.command()
@CAPTURES
@reading_options
@KEEP_COPIES
@click.option("--by", "groups", metavar="LIST", help="Broken down by endpoint, pair, domain, prefix, agent, hour.")
@click.option(
    "--prefix-digits",
    type=click.IntRange(1, 15),
    metavar="N",
    help="Digits of a number's prefix. [country of an international one, 3 of others]",
)
@click.option("--with-scanners", is_flag=True, help="Count scanners with the others.")
@click.option("--format", "form", type=click.Choice(["table", "csv", "json"]), default="table", help="[table]")
@click.option(
    "--limit", type=click.IntRange(min=0), default=_LIMIT, help=f"Parts of each break-down; 0 = all. [{_LIMIT}]"
)
def kpis(
    captures: tuple[str, ...],
    causes: str | None,
    reader: str,
    lang: str,
    config: str | None,
    registry: tuple[str, ...],
    quiet: bool,
    keylog: str | None,
    keep_copies: bool,
    groups: str | None,
    prefix_digits: int | None,
    with_scanners: bool,
    form: str,
    limit: int,
) -> None:
    """Figures of merit: RFC 6076, ASR, NER and the like, each with what it counts (docs/counting.md).

    Ratios have their numerator, denominator and 95 % interval, delays their percentiles. Calls, sessions and
    registrations are never mixed; other readings of a figure stand on lines of their own.
    """
    chosen = listed(groups, BY, "--by") if groups is not None else ()
    settled, codes = settings(config, registry)
    say_when_cold(quiet)
    from analyzer import api
    from analyzer.stats.kpis import Request, kpis_of
    from analyzer.stats.parts import GROUPS
    from analyzer.ui.cli.progress import Progress

    options = analyzing(settled, codes, causes, reader, keylog, keep_copies)
    with Progress(quiet) as progress:
        result = api.analyze(*captures, **options, progress=progress)
    by = tuple(dimension for group in chosen for dimension in GROUPS[group]) or ("all",)
    # Whole figures on a terminal show both; everything else is one or the other.
    both = form == "table" and by == ("all",) and not with_scanners
    request = Request(by, limit, None if both else with_scanners, prefix_digits)
    found = kpis_of(result, request)
    if form == "table":
        from analyzer.ui.cli.printing import Screen
        from analyzer.views.kpis import kpi_tables, part_tables
        from analyzer.views.words import words

        word, screen = words(lang), Screen()
        tables = part_tables(found, word, settled) if chosen else kpi_tables(found, word, is_compact=False)
        for table in tables:
            screen.table(table)
        if not tables:
            screen.paragraph(word("No calls."))
    else:
        from analyzer.ui.cli.records import write_records

        write_records(KpiRow._fields, (kpi.row()._asdict() for kpi in found), form)
