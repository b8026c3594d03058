"""The report as a PDF: the document of `sections` on A4, with contents, running footer and charts.

WeasyPrint, which makes it, needs Pango, so it is asked for by name: ``pip install 'sipcause[pdf]'``. Nothing is
fetched: fonts are those of the machine, charts stand in the text. The same report gives the same octets with the same
fonts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from analyzer.report.document import Cell, ChartRef, Column, Link, Section, Table
from analyzer.report.drawn import Drawings, Drawn, charts_of
from analyzer.report.html_cells import step
from analyzer.report.sections import document
from analyzer.report.telling import DASH
from analyzer.report.typesetting import library, typeset
from analyzer.views.table import Tone
from analyzer.views.words import Words, words
from analyzer.wiretext import printable_text

if TYPE_CHECKING:
    from analyzer.registry import Registry
    from analyzer.report.model import WeeklyReport

#: Rows of a table and of the calls at the end; the rest is in the page and the CSV files.
ROWS, CALLS = 10, 20
#: Columns from which a table is set smaller, and smaller still.
_WIDE, _WIDEST = 9, 13
#: Letters that a column of texts asks for at most; longer ones are broken.
_LETTERS = 34
_TEMPLATES = Path(__file__).parent / "templates"


class _Group(NamedTuple):
    """A block of a section; charts that stand side by side are one."""

    kind: str
    item: Any
    items: tuple[Drawn, ...] = ()


def pdf(report: WeeklyReport, registry: Registry, lang: str = "en") -> bytes:
    """The report as a PDF. Raises OutputError where WeasyPrint or Pango is missing, with what to install."""
    check()
    return typeset(paper(report, registry, lang))


def paper(report: WeeklyReport, registry: Registry, lang: str = "en") -> str:
    """The HTML that the PDF is made of."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    speech = words(lang)
    made = document(report, speech, registry)
    drawn = charts_of(report, speech, registry, on_paper=True)
    shown = set(made.calls.keys[:CALLS])

    def anchor(link: Link | None) -> str:
        """Where the first call of a number stands in the list at the end."""
        return next((f"call-{key}" for key in link.keys if key in shown), "") if link else ""

    environment = Environment(loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined)
    return environment.get_template("paper.html").render(
        document=made,
        css=(_TEMPLATES / "paper.css").read_text(encoding="utf-8"),
        words=speech,
        store=_source(report, speech),
        scope="s-",
        rows=ROWS,
        calls=CALLS,
        calls_id=made.calls.id,
        anchor=anchor,
        told=_told,
        drawn_rows=lambda table: _rows(table, anchor),
        heads=lambda table: zip(_classes(table), table.columns, strict=True),
        width=_width,
        widths=_widths,
        grouped=lambda section: list(_grouped(section, drawn)),
    )


def check() -> None:
    """Raises OutputError where `pdf` would, before any work is done."""
    library()


def _grouped(section: Section, drawn: Drawings) -> Iterator[_Group]:
    """Blocks, charts next to each other as one; a grid that is drawn as a chart is not repeated in figures."""
    charts: list[Drawn] = []
    for block in section.blocks:
        if isinstance(block, ChartRef):
            if block.name in drawn:
                charts.append(drawn[block.name])
            continue
        for first in range(0, len(charts), 2):
            yield _Group("charts", None, tuple(charts[first : first + 2]))
        charts = []
        if isinstance(block, Table) and block.is_grid and block.id in drawn:
            continue
        yield _Group(type(block).__name__, block)
    for first in range(0, len(charts), 2):
        yield _Group("charts", None, tuple(charts[first : first + 2]))


def _told(columns: Sequence[Column], row: Sequence[Cell]) -> list[tuple[Column, Cell]]:
    """What is known of a call, with its headings."""
    return [(column, cell) for column, cell in zip(columns, row, strict=True) if cell.text != DASH]


def _classes(table: Table) -> list[str]:
    """The class of each column's cells: numbers, and texts that stand right of numbers."""
    found, before = [], False
    for column in table.columns:
        found.append("number" if column.kind.is_number else "after" if before else "")
        before = column.kind.is_number
    return found


def _rows(table: Table, anchor: Callable[[Link | None], str]) -> Any:
    """The rows that stand on paper. No element more than is needed: WeasyPrint asks a dear price for each."""
    from markupsafe import Markup

    made = []
    for row in table.rows[:ROWS]:
        cells = "".join(_cell(cell, kind, anchor) for cell, kind in zip(row, _classes(table), strict=True))
        made.append(f"<tr>{cells}</tr>\n")
    return Markup("".join(made))  # escaped there


def _cell(cell: Cell, kind: str, anchor: Callable[[Link | None], str]) -> str:
    tone = "" if cell.tone is Tone.PLAIN else cell.tone.value
    names = " ".join(filter(None, (kind, tone, step(cell.weight) if cell.weight else "")))
    target = anchor(cell.link)
    inside = f'<a href="#{target}">{escape(cell.text)}</a>' if target else escape(cell.text)
    note = f"<br><small>{escape(cell.note)}</small>" if cell.note else ""
    return f'<td class="{names}">{inside}{note}</td>' if names else f"<td>{inside}{note}</td>"


def _width(table: Table) -> str:
    columns = len(table.columns)
    return "widest" if columns >= _WIDEST else "wide" if columns >= _WIDE else ""


def _widths(table: Table) -> list[str]:
    """Per cent of the width for each column by the letters in it: trying lines out would take WeasyPrint seconds."""
    needs = []
    for place, column in enumerate(table.columns):
        cells = [row[place] for row in table.rows[:ROWS]]
        longest = max((max(len(cell.text), round(0.8 * len(cell.note))) for cell in cells), default=0)
        heading = max((len(word) for word in column.title.split()), default=0)
        needs.append(max(heading, longest if column.kind.is_number else min(longest, _LETTERS)) + 1.5)
    return [f"{100 * need / sum(needs):.2f}" for need in needs]


def _source(report: WeeklyReport, speech: Words) -> str:
    """What the report was made from, for every page's foot."""
    about = report.about
    if about.store is not None:
        return _cut(printable_text(about.store))
    count = len(about.sources)
    first = _cut(printable_text(Path(about.sources[0].source).name)) if count else ""
    return first if count < 2 else speech("{first} and {count} more", first=first, count=speech.number(count - 1))


def _cut(text: str, most: int = 40) -> str:
    return text if len(text) <= most else "…" + text[1 - most :]
