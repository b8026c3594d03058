"""A report in a few lines: what a terminal shows when it was made, and what a mail says above its attachments."""

from __future__ import annotations

from dataclasses import dataclass

from analyzer.report.document import Document, Figures, Findings, Section, Table

#: Findings that are told.
FINDINGS = 3


@dataclass(frozen=True)
class Brief:
    """``headline`` is the verdict, ``figures`` and ``findings`` a line each, ``limits`` those that were crossed."""

    title: str
    subtitle: str
    headline: str
    lead: tuple[str, ...]
    figures: tuple[str, ...]
    findings: tuple[str, ...]
    limits: tuple[str, ...]

    @property
    def lines(self) -> tuple[str, ...]:
        """All of it, with empty lines between its parts."""
        parts = (
            (self.title, self.subtitle),
            (self.headline, *self.lead),
            self.figures,
            tuple(f"- {one}" for one in self.findings),
            tuple(f"! {one}" for one in self.limits),
        )
        return tuple(line for part in parts if part for line in (*part, ""))[:-1]


def brief(document: Document) -> Brief:
    """The few lines of a report in words; a figure or finding that there is not is left out."""
    sections = {section.id: section for section in document.sections}
    short, change = sections["short"], sections["change"]
    findings = tuple(one.sentence for block in change.blocks if isinstance(block, Findings) for one in block.findings)
    return Brief(
        title=document.title,
        subtitle=document.subtitle,
        headline=document.verdict,
        lead=short.lead,
        figures=tuple(_figures(short)),
        findings=findings[:FINDINGS] or change.lead,
        limits=limits(document),
    )


def limits(document: Document) -> tuple[str, ...]:
    """Each limit that was crossed, in one line: what, which limit, what was agreed, what was met, when first."""
    found = []
    for table in _tables(document, "crossed"):
        titles = [column.title for column in table.columns]
        for subject, limit, *cells in table.rows:
            rest = [
                f"{title} {cell.text}" for title, cell in zip(titles[2:], cells, strict=True) if cell.sort is not None
            ]
            found.append(f"{subject.text}: {limit.text}: {', '.join(rest)}")
    return tuple(found)


def _tables(document: Document, id: str) -> list[Table]:
    """The tables of a document with an id."""
    return [table for section in document.sections for table in section.tables if table.id == id]


def _figures(short: Section) -> list[str]:
    return [
        f"{figure.title} {figure.value}" + (f" ({figure.change})" if figure.change else "")
        for block in short.blocks
        if isinstance(block, Figures)
        for figure in block.figures
    ]
