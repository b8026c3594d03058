"""``sipcause report``: how many calls failed in a week, why, whose failures they were, and what caused the change."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from analyzer.ui.cli.common import KEEP_COPIES, analyzing, listed, notice, reading_options, say_when_cold, settings
from analyzer.ui.cli.period_options import asked_period, compared, period_options

if TYPE_CHECKING:
    from analyzer.config import Config
    from analyzer.periods import Period
    from analyzer.registry import Registry
    from analyzer.report.document import Document
    from analyzer.report.lines import NoteLine
    from analyzer.report.model import WeeklyReport

FORMATS = ("html", "pdf", "csv", "md", "json")
#: Exit code when a limit of the configuration was crossed.
CROSSED = 3


@dataclass(frozen=True)
class _Site:
    """What was asked for, settled."""

    config: Config
    registry: Registry
    zone: tzinfo
    causes: str | None
    compare: str
    notes: tuple[NoteLine, ...]


@click.command()
@click.argument("captures", nargs=-1, metavar="[CAPTURE...]")
@click.option("--store", "folder", metavar="DIR", help="The history that live --store and analyze --store write.")
@period_options
@reading_options
@KEEP_COPIES
@click.option("-o", "--output", default="reports", metavar="DIR", help="Files go into DIR/2026-W46. [reports]")
@click.option("--format", "formats", default=",".join(FORMATS), metavar="LIST", help="[html,pdf,csv,md,json]")
@click.option("--mail", "mail", multiple=True, metavar="ADDRESS", help="Mail it too. May be repeated.")
@click.option(
    "--numbers", type=click.Choice(["full", "masked"]), help="Telephone numbers. [full in files, masked in mail]"
)
@click.option("--json", "as_json", is_flag=True, help="The JSON document on standard output instead of the summary.")
@click.pass_context
def report(
    ctx: click.Context,
    captures: tuple[str, ...],
    folder: str | None,
    week: str | None,
    first: str | None,
    last: str | None,
    compare: str,
    zone_name: str | None,
    causes: str | None,
    reader: str,
    lang: str,
    config: str | None,
    registry: tuple[str, ...],
    quiet: bool,
    keylog: str | None,
    keep_copies: bool,
    output: str,
    formats: str,
    mail: tuple[str, ...],
    numbers: str | None,
    as_json: bool,
) -> None:
    """How many calls failed in a week, why, whose failures they were, and what caused the change (docs/report.md).

    Of the history in a store, or of captures: the last whole ISO week, with captures the latest week that has calls.
    Exit code 3: a limit of [report.thresholds], or what was agreed with a trunk, was crossed.
    """
    if bool(captures) == (folder is not None):
        raise click.UsageError("a history or captures: --store DIR or CAPTURE...")
    chosen = listed(formats, FORMATS, "--format")
    if ctx.get_parameter_source("formats") is click.core.ParameterSource.DEFAULT:
        chosen = _possible(chosen, quiet)
    to = tuple(dict.fromkeys(one for text in mail for one in text.replace(",", " ").split()))
    settled, codes = settings(config, registry)
    if ctx.get_parameter_source("lang") is click.core.ParameterSource.DEFAULT:
        lang = _spoken(settled, lang)
    zone = _zone(zone_name, settled, folder)
    asked = asked_period(week, first, last, zone)
    if to:
        _check_mail(to, settled)
    notes = _notes(settled, zone)
    codes.profile(causes or settled.causes)
    site = _Site(settled, codes, zone, causes, compare, notes)
    if folder is not None:
        made = _of_store(folder, asked, site)
    else:
        say_when_cold(quiet)
        options = analyzing(settled, codes, causes, reader, keylog, keep_copies)
        made = _of_captures(captures, options, asked, site, quiet)
    written = _written(made, codes, Path(output), chosen, lang, numbers == "masked")
    told = _told(made, codes, lang, numbers == "masked")
    if as_json:
        from analyzer.report.files import json_text

        sys.stdout.write(json_text(_shown(made, numbers == "masked")))
    elif not quiet:
        _show(told, written, Path(output) / made.about.period.label)
    if to:
        _send(made, site, chosen, lang, to, numbers != "full", written if numbers is not None else None)
        notice(f"mailed to {', '.join(to)}", quiet)
    from analyzer.report.brief import limits

    if made.crossed:
        for line in limits(told):
            notice(f"limit crossed: {line}")
        sys.exit(CROSSED)


def _possible(formats: tuple[str, ...], quiet: bool) -> tuple[str, ...]:
    """The formats that this installation can write: a PDF, which nobody asked for by name, may lack its library."""
    from analyzer.errors import OutputError
    from analyzer.report.pdf import check

    try:
        check()
    except OutputError as error:
        notice(f"without a PDF: {error.reason}", quiet)
        return tuple(form for form in formats if form != "pdf")
    return formats


def _spoken(config: Config, default: str) -> str:
    """The language of the configuration; ConfigError when it is not spoken here."""
    from analyzer.errors import ConfigError
    from analyzer.views.words import LANGUAGES

    found = config.report.lang
    if found is None:
        return default
    if found not in LANGUAGES:
        raise ConfigError(str(config.origin), "report.lang", f"is one of {', '.join(LANGUAGES)}")
    return found


def _zone(name: str | None, config: Config, folder: str | None) -> tzinfo:
    """The zone that was asked for, else the configuration's, else the store's."""
    from analyzer.ui.cli.moments import zone_named

    if name is None and folder is not None and not config.has_zone:
        from analyzer.tables.store_read import open_store

        return open_store(folder).zone
    return zone_named(name, config.zone)


def _notes(config: Config, zone: tzinfo) -> tuple[NoteLine, ...]:
    from analyzer.report.notes import read_notes

    if config.report.notes is None:
        return ()
    base = config.origin.parent if config.origin else Path()
    return read_notes(base / config.report.notes, zone)


def _check_mail(to: Sequence[str], config: Config) -> None:
    """Say what cannot be mailed before anything is counted."""
    from analyzer.ops.mail import address, check, sender_of

    check(config.mail)
    sender_of(config.mail)
    for one in to:
        address(one)


def _of_store(folder: str, asked: Period | None, site: _Site) -> WeeklyReport:
    import time

    from analyzer.periods import last_whole_week
    from analyzer.reporting import of_store

    period = asked or last_whole_week(time.time_ns(), site.zone)
    return of_store(
        folder, period, compared(period, site.compare), site.config, site.registry, site.causes, site.notes, _version()
    )


def _of_captures(
    captures: Sequence[str], options: dict[str, Any], asked: Period | None, site: _Site, quiet: bool
) -> WeeklyReport:
    import time

    from analyzer.periods import last_whole_week
    from analyzer.reporting import Analysed
    from analyzer.ui.cli.progress import Progress

    with Progress(quiet) as progress:
        analysed = Analysed(captures, site.zone, {**options, "progress": progress})
    period = asked or analysed.week() or last_whole_week(time.time_ns(), site.zone)
    made = analysed.report(period, compared(period, site.compare), site.notes, _version())
    outside = analysed.calls - made.about.calls
    if asked is None and outside:
        notice(f"the week {period.label} has {made.about.calls} calls; {outside} lie outside it (--week)", quiet)
    return made


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("sipcause")
    except PackageNotFoundError:
        return ""


def _shown(made: WeeklyReport, is_masked: bool) -> WeeklyReport:
    from analyzer.report.masked import masked

    return masked(made) if is_masked else made


def _told(made: WeeklyReport, codes: Registry, lang: str, is_masked: bool) -> Document:
    from analyzer.report.sections import document
    from analyzer.views.words import words

    return document(_shown(made, is_masked), words(lang), codes)


def _written(
    made: WeeklyReport, codes: Registry, output: Path, formats: Sequence[str], lang: str, is_masked: bool
) -> list[Path]:
    from analyzer.report.files import write

    return write(_shown(made, is_masked), codes, output / made.about.period.label, formats, lang)


def _show(told: Document, written: Sequence[Path], folder: Path) -> None:
    from analyzer.report.brief import brief
    from analyzer.ui.cli.printing import Screen

    short, screen = brief(told), Screen()
    screen.line((short.title, "bold"))
    screen.line((short.subtitle, "bright_black"))
    screen.line()
    screen.paragraph(short.headline, "bold")
    for line in short.lead:
        screen.paragraph(line)
    screen.line()
    for finding in short.findings:
        screen.paragraph(f"- {finding}")
    screen.line()
    names = [path.name for path in written if path.parent == folder]
    tables = len(written) - len(names)
    screen.paragraph(f"{folder}: {', '.join([*names, *([f'csv/ ({tables})'] if tables else [])])}")


def _send(
    made: WeeklyReport,
    site: _Site,
    formats: Sequence[str],
    lang: str,
    to: Sequence[str],
    is_masked: bool,
    written: Sequence[Path] | None,
) -> None:
    """Mail it; ``written``: its files, None when those on the disk have numbers that the mail must not have."""
    from tempfile import TemporaryDirectory

    from analyzer.ops.mail import send, sender_of
    from analyzer.ops.report_mail import report_mail
    from analyzer.report.brief import brief
    from analyzer.views.words import words

    told = brief(_told(made, site.registry, lang, is_masked))
    with TemporaryDirectory(prefix="sipcause-") as folder:
        files = written
        if files is None:
            asked = [form for form in formats if form in ("html", "pdf", "csv")]
            files = _written(made, site.registry, Path(folder), asked, lang, is_masked) if asked else []
        label, sender = made.about.period.label, sender_of(site.config.mail)
        send(report_mail(told, label, files, sender, to, words(lang), is_masked), site.config.mail)
