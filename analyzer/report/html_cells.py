"""The rows of tables as HTML: tens of thousands of cells, which a template engine would take seconds for.

Every text goes through `escape` exactly once, here as in the template.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
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
    names: dict[str, list[str]] = {}
    for name, way in zip(_TERMS, (cell.text, *cell.terms), strict=True):
        names.setdefault(way, []).append(name)
    ways = "".join(f'<span data-t="{" ".join(found)}">{escape(way)}</span>' for way, found in names.items())
    return f'<span class="terms">{ways}</span>'


def rows(table: Table, shown: int, link_id: Callable[[Link], str]) -> Iterable[str]:
    """Its rows; those from ``shown`` on wait until they are asked for."""
    classes = [_classes(column) for column in table.columns]
    head = "td" if table.keys else "th"
    for place, cells in enumerate(table.rows):
        later = ' class="more"' if place >= shown else ""
        inside = "".join(
            _cell(cell, kind, link_id, "td" if number else head)
            for number, (cell, kind) in enumerate(zip(cells, classes, strict=True))
        )
        yield f"<tr{later}>{inside}</tr>\n"


def call_rows(tables: Mapping[str, Table], shown: int, row_id: Callable[[str], str]) -> Iterable[str]:
    """The rows of one table of calls for all languages; what they say differently stands in each of them.

    ``tables``: the same calls by language; ``row_id``: names rows by their keys.
    """
    first = next(iter(tables.values()))
    languages = list(tables)
    classes = [_classes(column) for column in first.columns]
    for place, key in enumerate(first.keys):
        told_rows = [table.rows[place] for table in tables.values()]
        inside = "".join(_call_cell(cells, kind, languages) for *cells, kind in zip(*told_rows, classes, strict=True))
        later = ' class="more"' if place >= shown else ""
        yield f'<tr id="{row_id(key)}"{later}>{inside}</tr>\n'


def both(texts: Mapping[str, str]) -> str:
    """A text in every language, by language; once where all say the same. Style shows the one that is read."""
    return _both([escape(text) for text in texts.values()], list(texts))


def _both(escaped: Sequence[str], languages: Sequence[str]) -> str:
    if all(text == escaped[0] for text in escaped[1:]):
        return escaped[0]
    return "".join(f'<span lang="{lang}">{text}</span>' for lang, text in zip(languages, escaped, strict=True))


def _call_cell(cells: Sequence[Cell], kind: str, languages: Sequence[str]) -> str:
    """Times sort as texts here, since they are written in their order."""
    one = cells[0]
    tone = "" if one.tone is Tone.PLAIN else one.tone.value
    names = f"{kind} {tone}" if kind and tone else kind or tone
    attributes = f' class="{names}"' if names else ""
    if one.sort is not None and kind != Kind.TIME.value:
        attributes += f' data-v="{one.sort:.12g}"'
    if all(cell == one for cell in cells[1:]):
        inside, note = told(one), escape(one.note)
    else:
        inside = _both([told(cell) for cell in cells], languages)
        note = _both([escape(cell.note) for cell in cells], languages)
    return f"<td{attributes}>{inside}<small>{note}</small></td>" if note else f"<td{attributes}>{inside}</td>"


def _classes(column: Column) -> str:
    return f"{column.kind.value} n" if column.kind.is_number else "" if column.kind is Kind.TEXT else column.kind.value


def _cell(cell: Cell, kind: str, link_id: Callable[[Link], str], element: str) -> str:
    tone = "" if cell.tone is Tone.PLAIN else cell.tone.value
    names = " ".join(filter(None, (kind, tone, step(cell.weight))))
    attributes = ' scope="row"' if element == "th" else ""
    if names:
        attributes += f' class="{names}"'
    if cell.sort is not None:
        attributes += f' data-v="{cell.sort:.12g}"'
    inside = told(cell)
    if cell.link is not None:
        label = f"{escape(cell.text)}: {escape(cell.link.title)}"
        inside = f'<a href="#{link_id(cell.link)}" aria-label="{label}">{inside}</a>'
    note = f"<small>{escape(cell.note)}</small>" if cell.note else ""
    return f"<{element}{attributes}>{inside}{note}</{element}>"
