"""A document as its template wants it: names for what is linked, charts put in, the words of the controls."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from analyzer.report.document import (
    Block,
    Cell,
    ChartRef,
    Column,
    Document,
    Figures,
    Findings,
    Link,
    Paragraph,
    Section,
    Table,
)
from analyzer.report.html_cells import both, call_rows, rows, step, told
from analyzer.views.words import Words

#: Rows of a table before a reader asks for the rest; emergency calls and grids are always whole.
SHOWN = 12
#: Rows of a table that a page has; the CSV files have all of them.
ROWS = 100
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
    words: Words

    def link_id(self, link: Link) -> str:
        """The identifier of the calls behind a number, the same in every language and every week."""
        return link_name(link)

    def step(self, weight: float | None) -> str:
        """The class of a bar or tint."""
        return step(weight)

    def told(self, cell: Cell) -> Any:
        """The text of a cell, in the terms of SIP, ISDN and makers."""
        from markupsafe import Markup

        return Markup(told(cell))  # escaped there

    def rows(self, table: Table) -> Any:
        """The rows of a table."""
        from markupsafe import Markup

        return Markup("".join(rows(table, self.shown(table), self.link_id)))  # escaped there

    def shown(self, table: Table) -> int:
        """How many rows are open at first."""
        return _shown(table)


@dataclass(frozen=True)
class Calls:
    """The calls behind the numbers, once for all languages. ``views``: the page's, whose words it takes.

    ``most``: calls that a page has; commands list the others.
    """

    views: list[View]
    most: int

    @property
    def tables(self) -> dict[str, Table]:
        """The calls that the page has, by language."""
        return {view.document.language: _first(view.document.calls, self.most) for view in self.views}

    @property
    def is_cut(self) -> bool:
        """Whether there are more calls than the page has."""
        return len(self.views[0].document.calls.keys) > self.most

    def both(self, get: Callable[[View], str]) -> Any:
        """What each language says, for the style to choose from."""
        from markupsafe import Markup

        return Markup(both({view.document.language: get(view) for view in self.views}))  # escaped there

    def control(self, name: str, **blanks: int) -> Any:
        """One of the `controls`, its blanks filled with numbers."""

        def said(view: View) -> str:
            text = view.controls[name]
            for blank, value in blanks.items():
                text = text.replace(f"{{{blank}}}", view.words.number(value))
            return text

        return self.both(said)

    @property
    def title(self) -> Any:
        """The heading above them."""
        return self.both(lambda view: view.document.calls.title)

    @property
    def headings(self) -> list[tuple[Column, Any]]:
        """Each column with its title."""
        first = self.views[0].document.calls.columns
        return [
            (column, self.both(lambda view, place=place: view.document.calls.columns[place].title))  # type: ignore[misc]
            for place, column in enumerate(first)
        ]

    @property
    def shown(self) -> int:
        """How many rows are open at first."""
        return _shown(next(iter(self.tables.values())))

    @property
    def rows(self) -> Any:
        """The rows, to which numbers lead."""
        from markupsafe import Markup

        return Markup("".join(call_rows(self.tables, self.shown, _call_id)))  # escaped there

    @property
    def behind(self) -> list[tuple[str, Link, Any, list[tuple[str, str]]]]:
        """What numbers lead to: identifier, link, title, and the calls that the page has with their identifiers."""
        here = set(next(iter(self.tables.values())).keys)
        return [
            (
                name,
                link,
                self.both(lambda view, name=name: view.links[name].title),  # type: ignore[misc]
                [(_call_id(key), key) for key in link.keys if key in here],
            )
            for name, link in self.views[0].links.items()
        ]


def _call_id(key: str) -> str:
    """The identifier of a call's row."""
    return f"call-{_name(key)}"


def _first(table: Table, most: int) -> Table:
    return replace(table, rows=table.rows[:most], keys=table.keys[:most])


def _shown(table: Table) -> int:
    return len(table.rows) if table.is_grid or table.id in _WHOLE or len(table.rows) <= SHOWN + 3 else SHOWN


def view(made: Document, words: Words, charts: Mapping[str, tuple[str, str]], is_first: bool) -> View:
    """One language of the page."""
    prefix = "" if is_first else f"{made.language}-"
    sections = [(section, list(_blocks(section, charts, words))) for section in made.sections]
    links = {link_name(link): link for link in _links(block for _, blocks in sections for _, block in blocks)}
    return View(made, prefix, is_first, sections, links, controls(words), words)


def link_name(link: Link) -> str:
    """A name that the same calls have in every language: a part of the digest of what they are."""
    return "calls-" + _name("\n".join((str(link.calls), link.command, *link.keys)))


def _name(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:12]


def _blocks(section: Section, charts: Mapping[str, tuple[str, str]], words: Words) -> Iterator[tuple[str, Any]]:
    """Blocks by kind; charts that follow each other stand side by side, and those that are not there are left out."""
    from markupsafe import Markup

    beside: list[tuple[ChartRef, Any, str]] = []
    for block in section.blocks:
        if isinstance(block, ChartRef):
            # In this order: a chart is drawn when it is asked for.
            if block.name not in _AS_TABLES and block.name in charts:
                # Drawn by us from plain values; what is written in it was escaped as it was drawn.
                svg, alt = charts[block.name]
                beside.append((block, Markup(svg), alt))
            continue
        if beside:
            yield "charts", beside
            beside = []
        yield _KINDS[type(block)], block if not isinstance(block, Table) else _bounded(block, words)
    if beside:
        yield "charts", beside


def _bounded(table: Table, words: Words) -> Table:
    """A table with no more rows than a page has; what is left out is said."""
    rest = len(table.rows) - ROWS
    if rest <= 0 or table.is_grid or table.id in _WHOLE:
        return table
    note = words("… and {count} more rows, in the CSV files", count=words.number(rest))
    return replace(table, rows=table.rows[:ROWS], keys=table.keys[:ROWS], notes=(note, *table.notes))


def _links(blocks: Iterable[Any]) -> Iterator[Link]:
    """Every link, in the order of the page."""
    for block in blocks:
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
        "cut": words("The first {count} calls; the command of a number lists all of its calls.", count="{count}"),
    }


#: The languages by their own names, and by what the page calls them.
NAMES = {"en": "English", "nl": "Nederlands"}
