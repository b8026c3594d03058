"""``sipcause live``: the same counts from network interfaces and capture agents, for weeks."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from analyzer.live import options as asked
from analyzer.ui.cli.common import KEEP_COPIES, say_when_cold, settings
from analyzer.ui.cli.units import Duration, HostPort, Network, Ports, Size
from analyzer.views.words import LANGUAGES

if TYPE_CHECKING:
    from analyzer.config import Config
    from analyzer.live.screen import Screen
    from analyzer.registry import Registry

_F = TypeVar("_F", bound=Callable[..., Any])

_FOLDER = click.Path(file_okay=False, path_type=Path)
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_COUNT = click.IntRange(min=1)


def _listening(command: _F) -> _F:
    """What is listened to, in the order of the help page."""
    for option in reversed((
        click.option("-i", "--interface", "interfaces", multiple=True, metavar="IFACE",
                     help="Listen here; any: everywhere. May be repeated."),
        click.option("-f", "--filter", "capture_filter", metavar="FILTER", help="Capture filter, as tcpdump's."),
        click.option("--ports", type=Ports(), help="SIP ports, 5060,5061 or 5060-5080. [every port]"),
        click.option("--no-promiscuous", is_flag=True, help="Only what is sent to this machine."),
        click.option("--buffer", "buffer_octets", type=Size(65_536), default="64M",
                     help="The kernel's buffer, each interface. [64M]"),
        click.option("--hep", "hep_addresses", type=HostPort(), multiple=True, metavar="ADDR:PORT",
                     help="Listen to capture agents (HEP, UDP and TCP). May be repeated."),
        click.option("--hep-from", type=Network(), multiple=True, metavar="NET",
                     help="Agents that may send. May be repeated. [private networks]"),
        click.option("--hep-rate", type=_COUNT, metavar="N", help="HEP packets a second at most."),
        click.option("--hep-key-file", type=_FILE, metavar="FILE", help="The key that HEP packets must carry."),
        click.option("--duration", type=Duration(), help="Stop after 90s, 1h, 2d."),
        click.option("--count", type=_COUNT, metavar="N", help="Stop after N frames."),
    )):  # fmt: skip
        command = option(command)
    return command


def _keeping(command: _F) -> _F:
    """What is kept and told to whom."""
    for option in reversed((
        click.option("-w", "--write", "write", type=_FOLDER, metavar="DIR", help="Keep the SIP frames as pcapng here."),
        click.option("--rotate-size", type=Size(1_000_000), default="100M", help="A new file at this size. [100M]"),
        click.option("--rotate-time", type=Duration(), default="1h", help="A new file after this time. [1h]"),
        click.option("--keep-files", type=_COUNT, metavar="N", help="Files to keep at most. [all]"),
        click.option("--store", type=_FOLDER, metavar="DIR", help="Keep the calls here, for reports."),
        click.option("--store-every", type=Duration(), default="10s", help="How much a power cut may cost. [10s]"),
        click.option("--metrics", metavar="ADDR:PORT", help="A page for Prometheus: 127.0.0.1:9108."),
        click.option("--metrics-top", type=click.IntRange(min=0), default=asked.METRICS_TOP, metavar="N",
                     help=f"Endpoints that the page names. [{asked.METRICS_TOP}]"),
        click.option("--alerts", type=_FILE, metavar="FILE", help="Rules (TOML) of when to tell whom."),
        click.option("--json", "as_json", is_flag=True, help="JSON lines on standard output (docs/live.md)."),
        click.option("--max-open", type=_COUNT, default=asked.MAX_OPEN, metavar="N",
                     help=f"Calls and the like in memory at most. [{asked.MAX_OPEN}]"),
        click.option("--user", metavar="NAME", help="Become this user once everything is open."),
    )):  # fmt: skip
        command = option(command)
    return command


def _understanding(command: _F) -> _F:
    """How it is read and understood, as for files."""
    for option in reversed((
        click.option("--keylog", metavar="FILE", help="Secrets of TLS connections (SSLKEYLOGFILE)."),
        click.option("--config", metavar="FILE", help="Settings; default: sipcause.toml here or of the user."),
        click.option("--registry", multiple=True, metavar="DIR", help="More codes and vendors: TOML files."),
        click.option("--causes", metavar="PROFILE", help="Causes for codes: dss1 (default), rfc3398, ..."),
        click.option("--lang", type=click.Choice(LANGUAGES), default="en", help="Language of titles and hints."),
        click.option("-q", "--quiet", is_flag=True, help="No notices on standard error."),
        KEEP_COPIES,
    )):  # fmt: skip
        command = option(command)
    return command


#: Where a section of the help page begins: name of its first option, title.
_SECTIONS = {
    "interfaces": "Listen to",
    "duration": "Stop by itself",
    "write": "Keep",
    "metrics": "Tell",
    "max_open": "Run as",
    "keylog": "Read and count",
}


class _Sectioned(click.Command):
    """A command whose options stand in sections."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The options in their order, beneath the titles of `_SECTIONS`."""
        sections: list[tuple[str, list[tuple[str, str]]]] = []
        for parameter in self.get_params(ctx):
            if parameter.name in _SECTIONS:
                sections.append((_SECTIONS[parameter.name], []))
            if (record := parameter.get_help_record(ctx)) is not None:
                sections[-1][1].append(record)
        for title, records in sections:
            with formatter.section(title):
                formatter.write_dl(records)


@click.command(cls=_Sectioned)
@_listening
@_keeping
@_understanding
def live(
    interfaces: tuple[str, ...],
    capture_filter: str | None,
    ports: tuple[int, ...] | None,
    no_promiscuous: bool,
    buffer_octets: int,
    hep_addresses: tuple[tuple[str, int], ...],
    hep_from: tuple[str, ...],
    hep_rate: int | None,
    hep_key_file: Path | None,
    duration: float | None,
    count: int | None,
    write: Path | None,
    rotate_size: int,
    rotate_time: float,
    keep_files: int | None,
    store: Path | None,
    store_every: float,
    user: str | None,
    metrics: str | None,
    metrics_top: int,
    alerts: Path | None,
    as_json: bool,
    max_open: int,
    keylog: str | None,
    config: str | None,
    registry: tuple[str, ...],
    causes: str | None,
    lang: str,
    quiet: bool,
    keep_copies: bool,
) -> None:
    """Which calls fail, why and whose failure it is, while it happens.

    Shows a screen on a terminal, else a line a minute. Ends with q, Ctrl-C or SIGTERM: everything is written, exit
    code 0. SIGHUP begins a new frames file.
    """
    if not interfaces and not hep_addresses:
        raise click.UsageError(
            "nothing to listen to: give -i IFACE (sipcause interfaces lists them) or --hep ADDR:PORT"
        )
    if not hep_addresses and (hep_from or hep_rate is not None or hep_key_file is not None):
        raise click.UsageError("--hep-from, --hep-rate and --hep-key-file go with --hep ADDR:PORT")
    if capture_filter is not None and ports is not None:
        raise click.UsageError("--ports narrows the default filter; with -f write the ports into the filter")
    settled, codes = settings(config, registry)
    wanted = asked.LiveOptions(
        config=settled,
        registry=codes,
        interfaces=tuple(dict.fromkeys(interfaces)),
        filter=capture_filter,
        ports=ports,
        is_promiscuous=not no_promiscuous,
        buffer_octets=buffer_octets,
        hep=asked.HepOptions(tuple(dict.fromkeys(hep_addresses)), hep_from, hep_rate, hep_key_file),
        duration_s=duration,
        count=count,
        frames=None if write is None else asked.FramesOptions(write, rotate_size, rotate_time, keep_files),
        store=store,
        store_every_s=store_every,
        user=user,
        metrics=metrics,
        metrics_top=metrics_top,
        alerts=alerts,
        max_open=max_open,
        causes=causes or settled.causes,
        keylog=keylog,
        keep_copies=keep_copies,
    )
    codes.profile(wanted.causes)  # a mistyped one is said before anything is opened
    say_when_cold(quiet)
    from analyzer.live.run import run

    screen = screen_for(as_json, settled, codes, lang, quiet)
    try:
        run(wanted, screen)
    finally:
        screen.close()


def screen_for(as_json: bool, config: Config, registry: Registry, lang: str, is_quiet: bool) -> Screen:
    """JSON lines where they are asked for, a full screen on a terminal that can have one, else a line a minute."""
    if as_json:
        from analyzer.tables.store_keys import call_keys
        from analyzer.ui.cli.json_lines import JsonLines

        return JsonLines(call_keys)
    from analyzer.views.words import words

    if sys.stdout.isatty() and os.environ.get("TERM", "dumb") not in ("dumb", "unknown", ""):
        from analyzer.ui.cli.live_screen import LiveScreen

        return LiveScreen(registry, config, words(lang))
    from analyzer.ui.cli.live_lines import LinePrinter

    return LinePrinter(config, words(lang), is_quiet)
