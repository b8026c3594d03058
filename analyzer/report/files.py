"""A report as files: the page, the PDF, CSV tables, Markdown and JSON.

    write(report, registry, Path("reports/2026-W46"), ("html", "pdf", "csv"), "nl")

Every file is written beside its name and renamed when it is whole. The same report gives the same octets.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from analyzer.errors import OutputError
from analyzer.report.plain import csv_sheets, json_document

if TYPE_CHECKING:
    from analyzer.registry import Registry
    from analyzer.report.model import WeeklyReport

#: The formats there are, in the order in which they are written.
FORMATS = ("json", "csv", "md", "html", "pdf")
#: Name of the files but for their ending; CSV tables lie in a folder of their own.
NAME, TABLES = "report", "csv"


def write(
    report: WeeklyReport, registry: Registry, folder: Path, formats: Sequence[str] = ("html",), lang: str = "en"
) -> list[Path]:
    """Write the report in some of `FORMATS`; returns the files.

    Raises OutputError where the folder cannot be written to or a PDF lacks its library, ValueError for other formats.
    """
    unknown = [kind for kind in formats if kind not in FORMATS]
    if unknown:
        raise ValueError(f"no such format: {unknown[0]} (there are {', '.join(FORMATS)})")
    if "pdf" in formats:
        from analyzer.report.pdf import check

        check()
    with ExitStack() as stack:
        made = _pdf(report, registry, lang, stack if len(formats) > 1 else None) if "pdf" in formats else None
        return _written(report, registry, folder, formats, lang, made)


def _written(
    report: WeeklyReport,
    registry: Registry,
    folder: Path,
    formats: Sequence[str],
    lang: str,
    made: Callable[[], bytes] | None,
) -> list[Path]:
    makers: dict[str, Callable[[], Iterator[tuple[str, bytes]]]] = {
        "json": lambda: iter([(f"{NAME}.json", json_text(report).encode())]),
        "csv": lambda: csv_files(report),
        "md": lambda: iter([(f"{NAME}.md", _markdown(report, registry, lang).encode())]),
        "html": lambda: iter([(f"{NAME}.html", _page(report, registry, lang).encode())]),
        "pdf": lambda: iter([(f"{NAME}.pdf", made() if made is not None else b"")]),
    }
    return [_put(folder / name, octets) for kind in FORMATS if kind in formats for name, octets in makers[kind]()]


def json_text(report: WeeklyReport) -> str:
    """The whole report as one JSON document (docs/report.schema.json)."""
    return json.dumps(json_document(report), ensure_ascii=False, indent=1) + "\n"


def csv_files(report: WeeklyReport) -> Iterator[tuple[str, bytes]]:
    """Names and octets of the CSV tables: RFC 4180 with LF, UTF-8, a header line; empty tables have it alone."""
    for sheet in csv_sheets(report):
        lines = [",".join(sheet.headings), *(",".join(row) for row in sheet.rows)]
        yield f"{TABLES}/{sheet.name}.csv", ("\n".join(lines) + "\n").encode()


def _markdown(report: WeeklyReport, registry: Registry, lang: str) -> str:
    from analyzer.report.markdown import markdown

    return markdown(report, registry, lang)


def _page(report: WeeklyReport, registry: Registry, lang: str) -> str:
    from analyzer.report.drawn import charts_of
    from analyzer.report.html import page
    from analyzer.views.words import LANGUAGES, words

    # Each chart is drawn when the page asks for it.
    charts = {each: charts_of(report, words(each), registry) for each in LANGUAGES}
    return page(report, registry, charts, lang)


def _pdf(report: WeeklyReport, registry: Registry, lang: str, beside: ExitStack | None) -> Callable[[], bytes]:
    """What gives the PDF; with ``beside`` it is made meanwhile, by another processor where there is one."""
    from analyzer.report.pdf import paper, pdf
    from analyzer.report.typesetting import Typesetter

    if beside is None or len(os.sched_getaffinity(0)) < 2:
        return lambda: pdf(report, registry, lang)
    typesetter = beside.enter_context(Typesetter())
    typesetter.give(paper(report, registry, lang))
    return typesetter.take


def _put(path: Path, octets: bytes) -> Path:
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(octets)
        part.replace(path)
    except OSError as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise OutputError(str(path), error.strerror or str(error)) from error
    return path
