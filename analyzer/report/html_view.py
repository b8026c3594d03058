"""A document as its template wants it: names for what is linked, charts put in, the words of the controls."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from analyzer.report.document import (
    Block,
    Cell,
    ChartRef,
    Document,
    Figures,
    Findings,
    Link,
    Paragraph,
    Section,
    Table,
)
from analyzer.report.html_cells import rows, step, told
from analyzer.views.words import Words

#: Rows of a table before a reader asks for the rest; emergency calls and grids are always whole.
SHOWN = 12
_WHOLE = frozenset({"emergency-calls", "emergency"})
#: Charts that the page has as a table with tints, whose numbers lead to their calls.
_AS_TABLES = frozenset({"heat"})
_KINDS: dict[type[Block], str] = {
    Table: "table",
    ChartRef: "chart",
    Paragraph: "paragraph",
    Figures: "figures",
    Findings: "findings",
}


@dataclass(frozen=True)
class View:
    """One language of the page. ``prefix``: stands before its identifiers, empty for the language that is open.

    ``sections``: each with its blocks as (kind, block or charts side by side); ``links``: what numbers lead to, by
    identifier.
    """

    document: Document
    prefix: str
    is_first: bool
    sections: list[tuple[Section, list[tuple[str, Any]]]]
    links: dict[str, Link]
    controls: dict[str, str]

    def link_id(self, link: Link) -> str:
        """The identifier of the calls behind a number, the same in every language and every week."""
        return self.prefix + link_name(link)

    def call_id(self, key: str) -> str:
        """The identifier of a call's row."""
        return f"{self.prefix}call-{_name(key)}"

    def step(self, weight: float | None) -> str:
        """The class of a bar or tint."""
        return step(weight)

    def told(self, cell: Cell) -> Any:
        """The text of a cell, in the terms of SIP, ISDN and makers."""
        from markupsafe import Markup

        return Markup(told(cell))  # escaped there

    def rows(self, table: Table, is_named: bool) -> Any:
        """The rows of a table; ``is_named``: numbers lead to them."""
        from markupsafe import Markup

        made = rows(table, self.shown(table), self.link_id, self.call_id if is_named else None)
        return Markup("".join(made))  # escaped there

    def shown(self, table: Table) -> int:
        """How many rows are open at first."""
        return len(table.rows) if table.is_grid or table.id in _WHOLE or len(table.rows) <= SHOWN + 3 else SHOWN


def view(made: Document, words: Words, charts: Mapping[str, tuple[str, str]], is_first: bool) -> View:
    """One language of the page."""
    links = {link_name(link): link for link in _links(made)}
    prefix = "" if is_first else f"{made.language}-"
    sections = [(section, list(_blocks(section, charts))) for section in made.sections]
    return View(made, prefix, is_first, sections, links, controls(words))


def link_name(link: Link) -> str:
    """A name that the same calls have in every language: a part of the digest of what they are."""
    return "calls-" + _name("\n".join((str(link.calls), link.command, *link.keys)))


def _name(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:12]


def _blocks(section: Section, charts: Mapping[str, tuple[str, str]]) -> Iterator[tuple[str, Any]]:
    """Blocks by kind; charts that follow each other stand side by side, and those that are not there are left out."""
    from markupsafe import Markup

    beside: list[tuple[ChartRef, Any, str]] = []
    for block in section.blocks:
        if isinstance(block, ChartRef):
            if block.name in charts and block.name not in _AS_TABLES:
                # Drawn by us from plain values; what is written in it was escaped as it was drawn.
                svg, alt = charts[block.name]
                beside.append((block, Markup(svg), alt))
            continue
        if beside:
            yield "charts", beside
            beside = []
        yield _KINDS[type(block)], block
    if beside:
        yield "charts", beside


def _links(made: Document) -> Iterator[Link]:
    """Every link, in the order of the page."""
    for section in made.sections:
        for block in section.blocks:
            if isinstance(block, Table):
                yield from _cell_links(block)
            elif isinstance(block, Figures | Findings):
                entries = block.figures if isinstance(block, Figures) else block.findings
                yield from (entry.link for entry in entries if entry.link is not None)


def _cell_links(table: Table) -> Iterator[Link]:
    cells: Iterator[Cell] = (cell for row in table.rows for cell in row)
    yield from (cell.link for cell in cells if cell.link is not None)


def controls(words: Words) -> dict[str, str]:
    """The words of what is pressed and typed in, those with blanks for the script to fill."""
    return {
        "skip": words("Skip to the report"),
        "contents": words("Contents"),
        "language": words("Language"),
        "terms": words("Codes and causes"),
        "own": words("as seen"),
        "sip": "SIP",
        "isdn": "ISDN",
        "vendor": words("maker's"),
        "theme": words("Colours"),
        "auto": words("automatic"),
        "light": words("light"),
        "dark": words("dark"),
        "filter": words("Filter"),
        "count": words("{shown} of {all} rows", shown="{shown}", all="{all}"),
        "all": words("Show all {count} rows", count="{count}"),
        "fewer": words("Show fewer rows"),
        "close": words("Close"),
        "copy": words("Copy"),
        "copied": words("Copied"),
        "calls": words("{count} calls", count="{count}"),
        "one_call": words("1 call"),
        "first": words("The first {count} of them", count="{count}"),
        "list": words("To list all of them"),
        "explain": words("To explain one of them"),
        "behind": words("Numbers and their calls"),
        "see": words("See the calls"),
    }


#: The languages by their own names, and by what the page calls them.
NAMES = {"en": "English", "nl": "Nederlands"}
