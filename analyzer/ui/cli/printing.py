"""Draws tables on a terminal or into a pipe: aligned text without boxes, colours only where a person sees them."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from collections.abc import Sequence
from typing import TextIO

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from analyzer.views.table import Cell, Column, Table, Tone
from analyzer.wiretext import printable_text

STYLES = {
    Tone.PLAIN: "",
    Tone.GOOD: "green",
    Tone.BAD: "red",
    Tone.WARN: "yellow",
    Tone.FAINT: "bright_black",
    Tone.STRONG: "bold",
}
#: What we write ourselves beyond ASCII, for a standard output that cannot hold it.
ASCII = str.maketrans(
    {"…": "...", "×": "x", "–": "-", "≠": "!", "─": "-", "│": "|", "┼": "+", "→": "->", "·": ".", "§": "section "}
)
_GAP = 2
#: A column that may be cut keeps this much before others are left out, and this much in the end.
_COMFORTABLE, _LEAST = 24, 8
#: Width of what goes into a pipe or file, unless COLUMNS says otherwise.
_PIPE_WIDTH = 120
_UNBOUNDED = 100_000


class Screen:
    """Standard output (or another stream) as a place for tables."""

    def __init__(self, file: TextIO | None = None, width: int | None = None, is_list: bool = False) -> None:
        """``is_list``: a list that goes into a pipe is for another program; nothing of it is cut."""
        stream = sys.stdout if file is None else file
        self.width = width or shutil.get_terminal_size((_PIPE_WIDTH, 24)).columns
        is_pipe = not stream.isatty() and "COLUMNS" not in os.environ
        self._table_width = _UNBOUNDED if is_list and is_pipe and width is None else self.width
        # rich wraps and crops nothing here: the lines are as wide as they should be already.
        self.console = Console(file=stream, width=max(self.width, 1), highlight=False, soft_wrap=True)
        encoding = (stream.encoding or "utf-8").lower().replace("-", "")
        self._is_unicode = encoding.startswith("utf")

    def text(self, line: str) -> str:
        """A text as this stream can hold it; whatever it is, it cannot steer a terminal."""
        safe = printable_text(line)
        return safe if self._is_unicode else safe.translate(ASCII)

    def line(self, *parts: tuple[str, str]) -> None:
        """One line of (text, style) parts, without trailing blanks."""
        text = Text.assemble(*((self.text(part), style) for part, style in parts))
        text.rstrip()
        self.console.print(text)

    def paragraph(self, text: str, style: str = "", indent: str = "") -> None:
        """A text, wrapped at the width of the screen."""
        for line in textwrap.wrap(
            self.text(text), max(self.width, 20), initial_indent=indent, subsequent_indent=indent
        ) or [""]:
            self.line((line, style))

    def table(self, table: Table) -> None:
        """A table with its title, its columns as far as they fit, and its notes."""
        rows = [[cell._replace(text=self.text(cell.text)) for cell in row] for row in table.rows]
        titles = [self.text(column.title) for column in table.columns]
        natural = [
            max([cell_len(title), *(cell_len(row[number].text) for row in rows)]) for number, title in enumerate(titles)
        ]
        widths, gap = fitted(table.columns, natural, self._table_width)
        shown = [number for number in range(len(titles)) if widths[number] is not None]
        self.line((table.title, "bold"))
        self._row([Cell(titles[number]) for number in shown], shown, table.columns, widths, gap, is_header=True)
        for row in rows:
            self._row([row[number] for number in shown], shown, table.columns, widths, gap)
        for note in table.notes:
            self.paragraph(note, STYLES[Tone.FAINT])
        self.line()

    def _row(
        self,
        cells: Sequence[Cell],
        numbers: Sequence[int],
        columns: Sequence[Column],
        widths: Sequence[int | None],
        gap: int,
        is_header: bool = False,
    ) -> None:
        parts: list[tuple[str, str]] = []
        for cell, number in zip(cells, numbers, strict=True):
            width = widths[number] or 0
            text = cut(cell.text, width, columns[number].is_path)
            blanks = " " * (width - cell_len(text))
            style = "underline" if is_header else STYLES[cell.tone]
            padding = (blanks, "")
            parts += [(" " * gap, "")] if parts else []
            parts += [padding, (text, style)] if columns[number].align_right else [(text, style), padding]
        self.line(*parts)


def cut(text: str, width: int, is_path: bool = False) -> str:
    """A text of at most so many cells; a cut one ends in an ellipsis, of a path the end is what tells."""
    if cell_len(text) <= width:
        return text
    if is_path:
        return "…" + set_cell_size(text[::-1], max(width - 1, 0)).rstrip()[::-1]
    return set_cell_size(text, max(width - 1, 0)).rstrip() + "…"


def fitted(columns: Sequence[Column], natural: Sequence[int], width: int) -> tuple[list[int | None], int]:
    """The width of each column, None for one that is left out, and the blanks between columns.

    Columns that may be cut shrink to a comfortable width first, then columns are left out by rank, then the blanks
    become one, then the rest shrinks further. What room is left in the end goes back to columns that were left out, if
    it is enough for them, and to those that were cut.
    """
    widths: list[int | None] = list(natural)
    gap = _GAP

    def excess() -> int:
        present = [w for w in widths if w is not None]
        return sum(present) + gap * (len(present) - 1) - width

    def shrink(least: int) -> None:
        while (too_much := excess()) > 0:
            able = [n for n, c in enumerate(columns) if c.shrink and (widths[n] or 0) > least]
            if not able:
                return
            widest = max(able, key=lambda n: widths[n] or 0)
            current = widths[widest] or 0
            # Down to the next widest at once, and where they are equal by one at a time.
            floor = max([least, *(widths[n] or 0 for n in able if n != widest)])
            widths[widest] = max(current - max(min(too_much, current - floor), 1), least)

    shrink(_COMFORTABLE)
    for rank in sorted({column.rank for column in columns if column.rank}, reverse=True):
        if excess() <= 0:
            break
        for number, column in enumerate(columns):
            if column.rank == rank:
                widths[number] = None
    if excess() > 0:
        gap = 1
    shrink(_LEAST)
    for number in sorted(range(len(columns)), key=lambda n: columns[n].rank):
        if widths[number] is None and -excess() >= natural[number] + gap:
            widths[number] = natural[number]
    for number, column in enumerate(columns):
        room = -excess()
        if room > 0 and column.shrink and widths[number] is not None:
            widths[number] = min(natural[number], (widths[number] or 0) + room)
    return widths, gap
