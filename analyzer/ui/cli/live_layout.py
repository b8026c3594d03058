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
#: With so many lines left a blank one stands between header and tables.
_ROOMY = 20
_GAP = 2


def laid_out(view: LiveView, footer: Sequence[Cell], width: int, height: int, is_unicode: bool = True) -> list[Line]:
    """Exactly ``height`` lines of at most ``width`` cells; no text in them can steer a terminal."""
    page = _Page(max(width, 1), is_unicode)
    lines = [page.spread(view.title)]
    lines += [page.joined(line.cells) for line in _fitting(view.header, max(height // 3, 2))]
    for hint in view.hints:
        lines += page.paragraph(hint, height - len(lines) - 1)
    if height - len(lines) > _ROOMY:
        lines.append([])
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
    if height > 1:
        lines.append(page.joined(footer))
    return lines if is_unicode else [[(text.replace("…", "~"), tone) for text, tone in line] for line in lines]


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

    def joined(self, given: Sequence[Cell]) -> Line:
        """Cells side by side; what finds no room is cut, and what stands behind it left out."""
        line: Line = []
        left = self._width
        for cell in given:
            gap = _GAP if line else 0
            if left <= gap:
                break
            text = cut(self.text(cell.text), left - gap)
            line += [(" " * gap, Tone.PLAIN)] if gap else []
            line.append((text, cell.tone))
            left -= gap + cells(text)
        return line

    def spread(self, given: Sequence[Cell]) -> Line:
        """The same with the last cell at the right edge, where there is room."""
        line = self.joined(given)
        used = sum(cells(text) for text, _ in line)
        if len(line) > 1 and used < self._width:
            line.insert(-1, (" " * (self._width - used), Tone.PLAIN))
        return line

    def paragraph(self, text: str, room: int) -> list[Line]:
        """A text, wrapped, with a blank line above it."""
        import textwrap

        wrapped = textwrap.wrap(self.text(text), max(self._width, 1))
        strong: Tone | None = Tone.STRONG
        lines: list[Line] = [[], *([(line, strong)] for line in wrapped)]
        return lines[: max(room, 0)]

    def column(self, sections: Sequence[Section], width: int, room: int) -> list[Line]:
        """Sections beneath each other in so many lines."""
        heights = shared(sections, room)
        shown = [(section, lines) for section, lines in zip(sections, heights, strict=True) if lines]
        spare = room - sum(heights)
        found: list[Line] = []
        for section, lines in shown:
            if spare > 0 and found:
                found.append([])
                spare -= 1
            found += self.table(section.table, width, lines - 1)
        return found

    def table(self, table: Table, width: int, count: int) -> list[Line]:
        """A heading and the first rows of a table, as wide as it may be; a heading says how many rows are not shown."""
        rows = [[(self.text(text), tone) for text, tone in row] for row in table.rows[:count]]
        columns = list(table.columns)
        # The column that bears the title takes what room is left.
        wide = next((number for number, column in enumerate(columns) if column.title == table.title), 0)
        titles = [self.text(column.title) for column in columns]
        if count < len(table.rows):
            titles[wide] = f"{titles[wide]} ({count}/{len(table.rows)})"
        natural = [
            max([cells(title), *(cells(row[number][0]) for row in rows)]) for number, title in enumerate(titles)
        ]
        widths, gap = fitted(columns, natural, width)
        shown = [number for number, given in enumerate(widths) if given is not None]
        used = sum(widths[number] or 0 for number in shown) + gap * (len(shown) - 1)
        widths[wide] = max((widths[wide] or 0) + width - used, 0)
        places = _places(columns, widths, shown, gap, width)
        heading = _placed([(title, None) for title in titles], places)
        return [[(text, None) for text, _ in heading], *(_placed(row, places) for row in rows)]

    def beside(self, left: list[Line], right: list[Line], half: int) -> list[Line]:
        """Two columns of lines."""
        count = max(len(left), len(right))
        lines: list[Line] = []
        for number in range(count):
            line = list(left[number]) if number < len(left) else []
            blanks = half + BETWEEN - sum(cells(text) for text, _ in line)
            if number < len(right) and right[number]:
                line += [(" " * blanks, Tone.PLAIN), *right[number]]
            lines.append(line)
        return lines


def _places(
    columns: Sequence[Column], widths: Sequence[int | None], shown: Sequence[int], gap: int, width: int
) -> list[tuple[int, int, int, bool]]:
    """Of each column that is shown: its number, the blanks before it, its width, whether it stands at the right."""
    found: list[tuple[int, int, int, bool]] = []
    left = width
    for number in shown:
        before = min(gap, left) if found else 0
        # On the narrowest screens even what cannot shrink is cut.
        given = min(widths[number] or 0, left - before)
        left -= before + given
        found.append((number, before, given, columns[number].align_right))
    return found


def _placed(row: Sequence[Piece], places: Sequence[tuple[int, int, int, bool]]) -> Line:
    """The cells of a row at their places."""
    line: Line = []
    blanks = 0
    for number, before, width, is_right in places:
        text, tone = row[number]
        used = cells(text)
        if used > width:
            text = cut(text, width) if width else ""
            used = cells(text)
        blanks += before + (width - used if is_right else 0)
        if blanks:
            line.append((" " * blanks, Tone.PLAIN))
        line.append((text, tone))
        blanks = 0 if is_right else width - used
    if blanks:
        line.append((" " * blanks, Tone.PLAIN))
    return line


def cells(text: str) -> int:
    """How wide a text is on a terminal."""
    return len(text) if text.isascii() else cell_len(text)


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
