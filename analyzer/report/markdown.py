"""The report as Markdown, for a chat or a ticket: the headline, what changed, short tables, calls as proof.

Strangers' texts are escaped: none becomes a link, a picture, a heading or HTML, nor leaves its cell.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from analyzer.report.document import Block, Cell, Document, Figures, Finding, Findings, Paragraph, Section, Table
from analyzer.report.sections import document
from analyzer.report.telling import DASH
from analyzer.views.words import Words, words

if TYPE_CHECKING:
    from analyzer.registry import Registry
    from analyzer.report.model import WeeklyReport

#: Rows of a table, findings that are told, and calls that prove each.
ROWS, FINDINGS, PROOF = 8, 5, 3
#: What CommonMark, its tables and its HTML could take for more than a text.
_MARKS = re.compile(r"([\\`*_\[\]<>#|~&])")
#: Bare addresses that chats make links of.
_LINKS = re.compile(r"(?i)\b(https?|ftp|javascript|mailto|www)(?=[:.])")


def markdown(report: WeeklyReport, registry: Registry, lang: str = "en") -> str:
    """The report in one language, as CommonMark with tables."""
    speech = words(lang)
    return "\n".join(_lines(document(report, speech, registry), speech)) + "\n"


def safe(text: str) -> str:
    """A text that Markdown shows as it is."""
    return _LINKS.sub(r"\1\\", _MARKS.sub(r"\\\1", text)).replace("\n", " ")


def _lines(made: Document, speech: Words) -> Iterator[str]:
    yield f"# {safe(made.title)}"
    yield ""
    yield f"**{safe(made.verdict)}**"
    yield ""
    yield safe(made.subtitle)
    for number, section in enumerate(made.sections):
        yield from _section(section, speech, is_first=number == 0)
    for line in made.footer:
        yield ""
        yield f"*{safe(line)}*"


def _section(section: Section, speech: Words, is_first: bool) -> Iterator[str]:
    if not is_first:
        yield ""
        yield f"## {safe(section.title)}"
    for sentence in section.lead:
        yield ""
        yield safe(sentence)
    for block in section.blocks:
        yield from _block(block, speech)


def _block(block: Block, speech: Words) -> Iterator[str]:
    if isinstance(block, Table):
        if not block.is_grid and not block.keys:
            yield from _table(block, speech)
        elif block.keys:
            yield ""
            yield f"**{safe(block.title)}**"
            yield ""
            yield from _proof(block, ROWS, speech)
    elif isinstance(block, Paragraph):
        yield ""
        yield safe(block.text)
    elif isinstance(block, Figures):
        yield ""
        for figure in block.figures:
            change = f", {figure.change}" if figure.change else ""
            yield f"- **{safe(figure.title)}** {safe(figure.value + change)}"
    elif isinstance(block, Findings):
        for number, finding in enumerate(block.findings[:FINDINGS], 1):
            yield from _finding(number, finding, speech)


def _finding(number: int, finding: Finding, speech: Words) -> Iterator[str]:
    yield ""
    yield f"{number}. **{safe(finding.sentence)}**"
    for detail in finding.details:
        yield f"   {safe(detail)}"
    if finding.link and finding.link.command:
        yield ""
        yield f"   {_code(finding.link.command)}"
    if finding.proof:
        yield ""
        yield from (f"   {line}" for line in _proof(finding.proof, PROOF, speech))


def _proof(table: Table, most: int, speech: Words) -> Iterator[str]:
    """Calls, a line each: what is known of them with its headings."""
    for row in table.rows[:most]:
        known = [(column, cell) for column, cell in zip(table.columns, row, strict=True) if cell.text != DASH]
        first, rest = known[0][1], known[1:]
        yield f"- {safe(first.text)} " + ", ".join(f"{safe(column.title)} {safe(cell.text)}" for column, cell in rest)
    yield from _more(len(table.rows) - most, speech)


def _table(table: Table, speech: Words) -> Iterator[str]:
    if not table.rows:
        return
    yield ""
    yield f"**{safe(table.title)}**"
    yield ""
    yield "| " + " | ".join(safe(column.title) or " " for column in table.columns) + " |"
    yield "|" + "|".join("--:" if column.kind.is_number else ":--" for column in table.columns) + "|"
    for row in table.rows[:ROWS]:
        yield "| " + " | ".join(_cell(cell) for cell in row) + " |"
    if len(table.rows) > ROWS:
        yield ""
        yield from _more(len(table.rows) - ROWS, speech)


def _cell(cell: Cell) -> str:
    note = f" ({safe(cell.note)})" if cell.note else ""
    return (safe(cell.text) + note) or " "


def _more(count: int, speech: Words) -> Iterator[str]:
    if count > 0:
        yield safe(speech("… and {count} more", count=speech.number(count)))


def _code(text: str) -> str:
    """A command line as code: between more backquotes than it holds."""
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return f"{fence} {text} {fence}" if "`" in text else f"{fence}{text}{fence}"
