"""The rows of tables as HTML: tens of thousands of cells, which a template engine would take seconds for.

Every text goes through `escape` exactly once, here as in the template.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from html import escape

from analyzer.report.document import Cell, Column, Kind, Link, Table
from analyzer.views.table import Tone

#: Steps of bars and tints: classes, since the page's policy is sparing with styles.
STEPS = 20
_TERMS = ("own", "sip", "isdn", "vendor")


def step(weight: float | None) -> str:
    """The class of a bar or tint; empty without one."""
    return "" if weight is None else f"w{round(STEPS * min(max(weight, 0.0), 1.0))}"


def told(cell: Cell) -> str:
    """The text of a cell, in three more ways where it has them; style shows the one that was chosen."""
    text = escape(cell.text)
    if cell.terms is None or set(cell.terms) == {cell.text}:
        return text
    ways = "".join(
        f'<span data-t="{name}">{escape(way)}</span>'
        for name, way in zip(_TERMS, (cell.text, *cell.terms), strict=True)
    )
    return f'<span class="terms">{ways}</span>'


def rows(
    table: Table, shown: int, link_id: Callable[[Link], str], row_id: Callable[[str], str] | None = None
) -> Iterable[str]:
    """Its rows; those from ``shown`` on wait until they are asked for. ``row_id``: names rows by their keys."""
    classes = [_classes(column) for column in table.columns]
    head = "td" if table.keys else "th"
    for place, cells in enumerate(table.rows):
        name = f' id="{row_id(table.keys[place])}"' if row_id is not None else ""
        later = ' class="more"' if place >= shown else ""
        inside = "".join(
            _cell(cell, kind, link_id, "td" if number else head)
            for number, (cell, kind) in enumerate(zip(cells, classes, strict=True))
        )
        yield f"<tr{name}{later}>{inside}</tr>\n"


def _classes(column: Column) -> str:
    return f"{column.kind.value} n" if column.kind.is_number else "" if column.kind is Kind.TEXT else column.kind.value


def _cell(cell: Cell, kind: str, link_id: Callable[[Link], str], element: str) -> str:
    tone = "" if cell.tone is Tone.PLAIN else cell.tone.value
    names = " ".join(filter(None, (kind, tone, step(cell.weight))))
    attributes = ' scope="row"' if element == "th" else ""
    if names:
        attributes += f' class="{names}"'
    if cell.sort is not None:
        attributes += f' data-v="{cell.sort}"'
    inside = told(cell)
    if cell.link is not None:
        label = f"{escape(cell.text)}: {escape(cell.link.title)}"
        inside = f'<a href="#{link_id(cell.link)}" aria-label="{label}">{inside}</a>'
    note = f"<small>{escape(cell.note)}</small>" if cell.note else ""
    return f"<{element}{attributes}>{inside}{note}</{element}>"
