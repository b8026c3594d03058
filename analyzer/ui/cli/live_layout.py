"""Where everything stands on the live screen: a view and a size make lines of styled texts, and nothing else.

Rows and columns give way by importance: a table keeps its first rows, columns of the highest rank go first, and a
section that has no room even for its first rows is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from rich.cells import cell_len

from analyzer.ui.cli.printing import ASCII, cut, fitted
from analyzer.views.live import HeaderLine, LiveView, Section
from analyzer.views.table import Cell, Column, Table, Tone
from analyzer.wiretext import printable_text

#: One line of the screen: texts and what they want to say; `None` stands for a heading.
Piece: TypeAlias = tuple[str, Tone | None]
Line: TypeAlias = list[Piece]

#: From this width on tables stand in two columns, with so many blanks between.
TWO_COLUMNS, BETWEEN = 120, 3
#: Sections of the right column.
RIGHT = frozenset({"newest", "endpoints"})
#: A column of numbers is so wide at least, so that it does not jump when a number grows.
_NUMBER = 7
_GAP = 2


def laid_out(view: LiveView, footer: Sequence[Cell], width: int, height: int, is_unicode: bool = True) -> list[Line]:
    """Exactly ``height`` lines of at most ``width`` cells; no text in them can steer a terminal."""
    page = _Page(max(width, 1), is_unicode)
    lines = [page.spread(view.title)]
    lines += [page.joined(line.cells) for line in _fitting(view.header, max(height // 3, 2))]
    room = height - len(lines) - 1
    for hint in view.hints:
        lines += page.paragraph(hint, room)
        room = height - len(lines) - 1
    if width >= TWO_COLUMNS:
        half = (width - BETWEEN) // 2
        left = page.column([s for s in view.sections if s.name not in RIGHT], half, room)
        right = page.column([s for s in view.sections if s.name in RIGHT], width - BETWEEN - half, room)
        lines += page.beside(left, right, half)
    else:
        lines += page.column(view.sections, width, room)
    lines = lines[: height - 1] if height > 1 else lines[:1]
    lines += [[] for _ in range(height - 1 - len(lines))]
    return [*lines, page.joined(footer)] if height > 1 else lines


def _fitting(header: Sequence[HeaderLine], room: int) -> list[HeaderLine]:
    """The lines that fit, in their order; those of the highest rank are left out first, the last of them first."""
    order = sorted(range(len(header)), key=lambda number: (header[number].rank, number))
    return [header[number] for number in sorted(order[:room])]


class _Page:
    """A screen of some width that can hold Unicode or not."""

    def __init__(self, width: int, is_unicode: bool) -> None:
        self._width = width
        self._is_unicode = is_unicode

    def text(self, text: str) -> str:
        safe = printable_text(text)
        return safe if self._is_unicode else safe.translate(ASCII).encode("ascii", "backslashreplace").decode()

    def joined(self, cells: Sequence[Cell]) -> Line:
        """Cells side by side; what finds no room is cut, and what stands behind it left out."""
        line: Line = []
        left = self._width
        for cell in cells:
            gap = _GAP if line else 0
            if left <= gap:
                break
            text = cut(self.text(cell.text), left - gap)
            line += [(" " * gap, Tone.PLAIN)] if gap else []
            line.append((text, cell.tone))
            left -= gap + cell_len(text)
        return line

    def spread(self, cells: Sequence[Cell]) -> Line:
        """The same with the last cell at the right edge, where there is room."""
        line = self.joined(cells)
        used = sum(cell_len(text) for text, _ in line)
        if len(line) > 1 and used < self._width:
            line.insert(-1, (" " * (self._width - used), Tone.PLAIN))
        return line

    def paragraph(self, text: str, room: int) -> list[Line]:
        """A text, wrapped, with a blank line above it."""
        import textwrap

        wrapped = textwrap.wrap(self.text(text), max(self._width, 1))
        return [[], *([(line, Tone.STRONG)] for line in wrapped)][: max(room, 0)]

    def column(self, sections: Sequence[Section], width: int, room: int) -> list[Line]:
        """Sections beneath each other in so many lines."""
        heights = shared(sections, room)
        shown = [(section, lines) for section, lines in zip(sections, heights, strict=True) if lines]
        spare = room - sum(heights)
        found: list[Line] = []
        for section, lines in shown:
            if spare > 0:
                found.append([])
                spare -= 1
            found += self.table(section.table, width, lines - 1)
        return found

    def table(self, table: Table, width: int, count: int) -> list[Line]:
        """A heading and the first rows of a table, as wide as it may be; a heading says how many rows are not shown."""
        rows = [[cell._replace(text=self.text(cell.text)) for cell in row] for row in table.rows[:count]]
        columns = list(table.columns)
        wide = next((number for number, column in enumerate(columns) if column.shrink), 0)
        titles = [self.text(column.title) for column in columns]
        if count < len(table.rows):
            titles[wide] = f"{titles[wide]} ({count}/{len(table.rows)})"
        natural = [
            max([_least(column), cell_len(titles[number]), *(cell_len(row[number].text) for row in rows)])
            for number, column in enumerate(columns)
        ]
        widths, gap = fitted(columns, natural, width)
        shown = [number for number, given in enumerate(widths) if given is not None]
        used = sum(widths[number] or 0 for number in shown) + gap * (len(shown) - 1)
        widths[wide] = max((widths[wide] or 0) + width - used, 0)
        heading: Line = _cells([Cell(title) for title in titles], columns, widths, shown, gap, width)
        return [
            [(text, None) for text, _ in heading],
            *(_cells(row, columns, widths, shown, gap, width) for row in rows),
        ]

    def beside(self, left: list[Line], right: list[Line], half: int) -> list[Line]:
        """Two columns of lines."""
        count = max(len(left), len(right))
        lines: list[Line] = []
        for number in range(count):
            line = list(left[number]) if number < len(left) else []
            blanks = half + BETWEEN - sum(cell_len(text) for text, _ in line)
            if number < len(right) and right[number]:
                line += [(" " * blanks, Tone.PLAIN), *right[number]]
            lines.append(line)
        return lines


def _least(column: Column) -> int:
    return _NUMBER if column.align_right and not column.rank and len(column.title) > 4 else 0


def _cells(
    cells: Sequence[Cell],
    columns: Sequence[Column],
    widths: Sequence[int | None],
    shown: Sequence[int],
    gap: int,
    width: int,
) -> Line:
    line: Line = []
    left = width
    for number in shown:
        if line:
            line.append((" " * min(gap, left), Tone.PLAIN))
            left -= min(gap, left)
        # On the narrowest screens even what cannot shrink is cut.
        given = min(widths[number] or 0, left)
        text = cut(cells[number].text, given) if given else ""
        blanks = " " * (given - cell_len(text))
        left -= given
        padding: Piece = (blanks, Tone.PLAIN)
        piece: Piece = (text, cells[number].tone)
        line += [padding, piece] if columns[number].align_right else [piece, padding]
    return line


def shared(sections: Sequence[Section], room: int) -> list[int]:
    """Lines of each section: first the least of each, the most pressing first, then one after the other one more."""
    wants = [len(section.table.rows) + 1 for section in sections]
    given = [0] * len(sections)
    for number, section in enumerate(sections):
        least = min(section.least, wants[number])
        if room >= least:
            given[number] = least
            room -= least
    while room > 0:
        growing = [number for number, lines in enumerate(given) if 0 < lines < wants[number]]
        if not growing:
            break
        for number in growing[:room]:
            given[number] += 1
        room -= min(len(growing), room)
    return given
