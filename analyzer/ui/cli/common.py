"""Options that several commands share, and what they lead to."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from analyzer.views.words import LANGUAGES
from analyzer.wiretext import printable_text

if TYPE_CHECKING:
    from analyzer.config import Config
    from analyzer.registry import Registry

_F = TypeVar("_F", bound=Callable[..., Any])

CAPTURES = click.argument("captures", nargs=-1, required=True, metavar="CAPTURE...")
MAYBE_CAPTURES = click.argument("captures", nargs=-1, metavar="[CAPTURE...]")
STORE = click.option("--store", metavar="DIR", help="Ask the store in this folder instead of captures (docs/store.md).")
KEEP_COPIES = click.option(
    "--keep-copies", is_flag=True, help="Count packets that were captured twice as often as they stand there."
)


def reading_options(command: _F) -> _F:
    """Everything that decides how captures are read and understood."""
    for option in (
        click.option("-q", "--quiet", is_flag=True, help="No progress and no notices on standard error."),
        click.option(
            "--registry", multiple=True, metavar="DIR", help="More codes and vendors: a folder of TOML files."
        ),
        click.option("--config", metavar="FILE", help="Settings; default: sipcause.toml here or of the user."),
        click.option("--lang", type=click.Choice(LANGUAGES), default="en", help="Language of titles and hints."),
        click.option(
            "--keylog", metavar="FILE", help="Secrets of TLS connections (SSLKEYLOGFILE), to read SIP over TLS."
        ),
        click.option(
            "--reader",
            type=click.Choice(["kernels", "scapy"]),
            default="kernels",
            help="scapy: every frame through Scapy, slow and obvious.",
        ),
        click.option(
            "--causes",
            metavar="PROFILE",
            help="Which table gives an ISDN cause for a code: dss1 (default), rfc3398, ...",
        ),
    ):
        command = option(command)
    return command


def settings(config_file: str | None, folders: Sequence[str]) -> tuple[Config, Registry]:
    """The configuration, and the registry with the folders that configuration and command line name."""
    from analyzer.config import load_config
    from analyzer.registry import load_registry

    config = load_config(config_file, Path.cwd())
    return config, load_registry([*config.registry, *folders])


def analyzing(
    settled: Config, codes: Registry, causes: str | None, reader: str, keylog: str | None, keep_copies: bool = False
) -> dict[str, Any]:
    """What the reading options of a command mean for `analyzer.api.analyze`."""
    return {
        "causes": causes or settled.causes,
        "reader": reader,
        "config": settled,
        "registry": codes,
        "keylog": keylog,
        "keep_copies": keep_copies,
    }


def notice(text: str, quiet: bool = False) -> None:
    """One line on standard error."""
    if not quiet:
        print(f"sipcause: {printable_text(text)}", file=sys.stderr, flush=True)


def say_when_cold(quiet: bool) -> None:
    """Say why the first run on a machine takes longer, and compile with both hands."""
    from analyzer.jit import FOLDER, is_warm

    if is_warm():
        return
    notice("compiling the kernels; this happens once on a machine (sipcause warm does it ahead)", quiet)
    if FOLDER is not None:
        from analyzer.ui.cli.compiling import compile_ahead

        compile_ahead()


def listed(value: str, known: Sequence[str], option: str) -> tuple[str, ...]:
    """The words of a comma-separated option; a word that is not known is wrong usage."""
    words = tuple(dict.fromkeys(word.strip() for word in value.split(",") if word.strip()))
    unknown = [word for word in words if word not in known]
    if unknown or not words:
        raise click.BadParameter(f"{', '.join(unknown) or 'nothing'}: known are {', '.join(known)}", param_hint=option)
    return words
