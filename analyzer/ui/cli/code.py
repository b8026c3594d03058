"""``sipcause code``, ``cause`` and ``codes``: what a number means, who says so, and what ISDN makes of it."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import click

from analyzer.views.table import Tone
from analyzer.views.words import LANGUAGES
from analyzer.vocab import Family
from analyzer.wiretext import printable_text

if TYPE_CHECKING:
    from analyzer.registry import Registry
    from analyzer.ui.cli.printing import Screen
    from analyzer.views.code_card import Card, Fact

_F = TypeVar("_F", bound=Callable[..., Any])

_STYLES = {Tone.STRONG: "bold", Tone.WARN: "yellow", Tone.FAINT: "bright_black"}

#: What ``--family`` takes: the names, and the first digit as people write it.
_FAMILIES: dict[str, Family] = {
    **{family.value: family for family in Family},
    **{f"{digit}xx": family for digit, family in enumerate(Family, start=1)},
    "8xx": Family.VENDOR,
    "9xx": Family.VENDOR,
}


def _options(command: _F) -> _F:
    for option in (
        click.option("--json", "as_json", is_flag=True, help="The same facts as JSON."),
        click.option("--lang", type=click.Choice(LANGUAGES), default="en", help="Language of hints and words. [en]"),
        click.option("--config", metavar="FILE", help="Settings; default: sipcause.toml here or of the user."),
        click.option("--registry", multiple=True, metavar="DIR", help="More codes and makers: a folder of TOML files."),
    ):
        command = option(command)
    return command


_SOURCES = click.option(
    "--sources", "has_sources", is_flag=True, help="The profiles' sources in full, not cut to a line."
)


class StatusNumber(click.ParamType[int]):
    """A status code, or a number on a handset's display: there ``0x`` is decoration, 0x703 is 703 (never 1795)."""

    name = "code"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The digits as a number; wrong usage for anything but one to three of them."""
        text = str(value).strip()
        digits = text[2:] if text[:2].lower() == "0x" else text
        if not (digits.isascii() and digits.isdecimal() and len(digits) <= 3):
            self.fail(
                f"{text!r} is no code: one to three digits, such as 486 or 0x703 (the 0x on handsets is no hexadecimal "
                "sign; for an ISDN cause in hexadecimal: sipcause cause 0x22)"
            )
        return int(digits)


class CauseNumber(click.ParamType[int]):
    """A cause in decimal, or in hexadecimal with ``0x``; the DSS1 octet with its extension bit is understood too."""

    name = "cause"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The cause value, 1-127; wrong usage for anything else."""
        text = str(value).strip()
        try:
            number = int(text[2:], 16) if text[:2].lower() == "0x" else int(text)
        except ValueError:
            number = -1
        if not 1 <= number & 0x7F <= 127 or not 1 <= number <= 255:
            self.fail(f"{text!r} is no cause: 1 to 127, such as 17, 0x11 or the DSS1 octet 0x91")
        return number & 0x7F


@click.command()
@click.argument("code", type=StatusNumber())
@_SOURCES
@_options
def code(code: int, registry: tuple[str, ...], config: str | None, lang: str, as_json: bool, has_sources: bool) -> None:
    """Explain a SIP status code, a maker's code from 700 on, or a number on a handset's display (0x703).

    Phrase, meaning, likely party, RFC, the ISDN cause by every mapping profile and back, what published lists say and
    where they are wrong, and where each fact comes from.
    """
    from analyzer.views.code_card import status_card
    from analyzer.views.code_facts import status_facts
    from analyzer.views.words import words

    facts = status_facts(_registry(config, registry), code, lang)
    if as_json:
        _print_json(facts)
    else:
        screen = _screen()
        # Cause, hex and DSS1 take a fifth of a narrow screen; the rest is for the text and the names.
        _draw(screen, status_card(facts, words(lang), names_width=(screen.width - 20) * 9 // 20), has_sources)


@click.command()
@click.argument("cause", type=CauseNumber())
@_SOURCES
@_options
def cause(
    cause: int, registry: tuple[str, ...], config: str | None, lang: str, as_json: bool, has_sources: bool
) -> None:
    """Explain an ISDN (Q.850) cause: 17, 0x11, or the DSS1 octet 0x91."""
    from analyzer.views.code_card import cause_card
    from analyzer.views.code_facts import cause_facts
    from analyzer.views.words import words

    facts = cause_facts(_registry(config, registry), cause, lang)
    if as_json:
        _print_json(facts)
    else:
        _draw(_screen(), cause_card(facts, words(lang)), has_sources)


@click.command()
@click.option("--family", metavar="FAMILY", help="4xx, client_error, ..., or vendor: makers' codes. [all]")
@_options
def codes(family: str | None, registry: tuple[str, ...], config: str | None, lang: str, as_json: bool) -> None:
    """List the status codes, and makers' own beside them."""
    from analyzer.ui.cli.printing import Screen
    from analyzer.views.code_card import list_tables
    from analyzer.views.code_facts import list_facts
    from analyzer.views.words import words

    if family is not None and family.lower() not in _FAMILIES:
        raise click.BadParameter(f"{family!r}; known: {', '.join(_FAMILIES)}", param_hint="--family")
    facts = list_facts(_registry(config, registry), _FAMILIES[family.lower()] if family else None)
    if as_json:
        _print_json(facts)
    else:
        screen = Screen()
        for table in list_tables(facts, words(lang)):
            screen.table(table)


def _registry(config: str | None, folders: tuple[str, ...]) -> Registry:
    from analyzer.ui.cli.common import settings

    return settings(config, folders)[1]


def _print_json(facts: Mapping[str, Any]) -> None:
    json.dump(facts, sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")


def _screen() -> Screen:
    from analyzer.ui.cli.printing import Screen

    return Screen()


def _draw(screen: Screen, card: Card, has_sources: bool) -> None:
    from analyzer.views.table import Table

    screen.line((printable_text(card.title), "bold"))
    labels = [fact.label for part in card.parts if not isinstance(part, Table) for fact in part.facts]
    indent = min(max((len(label) for label in labels), default=0), screen.width // 3) + 2
    for part in card.parts:
        if isinstance(part, Table):
            rows = [[cell._replace(text=printable_text(cell.text)) for cell in row] for row in part.rows]
            screen.table(replace(part, rows=rows, notes=[printable_text(note) for note in part.notes]))
            continue
        if part.title:
            screen.paragraph(part.title, "bold")
        for fact in part.facts:
            _draw_fact(screen, fact, indent, is_short=part.is_bulky and not has_sources)
        screen.line()


def _draw_fact(screen: Screen, fact: Fact, indent: int, is_short: bool = False) -> None:
    """One fact: its label, and beside it the text, wrapped under itself or cut to one line."""
    from analyzer.ui.cli.printing import cut

    width = max(screen.width - indent, 20)
    text = printable_text(fact.text)
    lines = [cut(text, width)] if is_short else textwrap.wrap(text, width, break_on_hyphens=False)
    for number, line in enumerate(lines):
        label = printable_text(fact.label) if number == 0 else ""
        screen.line((label.ljust(indent), "bright_black"), (line, _STYLES.get(fact.tone, "")))
