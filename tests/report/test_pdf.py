"""The PDF: its pages, their texts, that nothing is fetched and nothing of a stranger's is more than text."""

from __future__ import annotations

import builtins
import re
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from analyzer.errors import OutputError
from analyzer.registry import load_registry
from analyzer.report import typesetting as made
from analyzer.report.files import write
from analyzer.report.lines_of_traffic import DestinationLine
from analyzer.report.pdf import ROWS, paper, pdf
from analyzer.stats.kpi import Ratio
from tests.report import sample
from tests.report.told import told

REGISTRY = load_registry()


def weasyprint() -> Any:
    try:
        import weasyprint
    except (ImportError, OSError) as error:
        pytest.skip(f"no WeasyPrint: {error}")
    return weasyprint


@pytest.fixture(scope="module")
def sheet() -> str:
    """The HTML that the PDF of the sample is made of."""
    return paper(told(), REGISTRY)


@pytest.fixture(scope="module")
def rendered(sheet: str) -> tuple[list[str], list[str]]:
    """The text of every page, and what was to be fetched."""
    asked: list[str] = []

    def fetch(url: str, *_: Any, **__: Any) -> Any:
        asked.append(url)
        raise ValueError(url)

    document = weasyprint().HTML(string=sheet, url_fetcher=fetch).render()
    return [_text(page._page_box) for page in document.pages], asked


@pytest.fixture
def pages(rendered: tuple[list[str], list[str]]) -> list[str]:
    return rendered[0]


def _text(box: Any) -> str:
    if hasattr(box, "text"):
        return str(box.text)
    return (
        " ".join(_text(child) for child in getattr(box, "all_children", lambda: box.children)())
        if hasattr(box, "children")
        else ""
    )


def test_pages_have_the_verdict_contents_and_footers(pages: list[str]) -> None:
    assert 6 <= len(pages) <= 20
    first = pages[0]
    assert "Failed calls, week 46" in first
    assert "Failures rose from 3.0% to 8.6%" in first
    assert "Contents" in first
    for number, page in enumerate(pages, 1):
        assert f"{number}/{len(pages)}" in page
        assert "/srv/sip cause/store" in page
        assert "9 Nov 2026 to 15 Nov 2026" in page
    starts = next(n for n, page in enumerate(pages, 1) if "Whose failures they were" in page and n > 1)
    assert re.search(rf"Whose failures they were[ .]+{starts}\b", first)


def test_every_section_and_its_tables_are_there(pages: list[str]) -> None:
    whole = " ".join(pages)
    for text in (
        "Calls by outcome",
        "Failures by code",
        "Emergency calls",
        "Outages and gaps",
        "Calls behind the numbers",
    ):
        assert text in whole
    assert "<script>window.pwned=1</script>" in whole, "hostile texts stay text"


def test_the_file_is_a_pdf_with_its_title_and_language(tmp_path: Path) -> None:
    weasyprint()
    (path,) = write(sample.empty(), REGISTRY, tmp_path, ["pdf"], "nl")
    octets = path.read_bytes()
    assert octets.startswith(b"%PDF-")
    objects = b"".join(_unpacked(octets))
    assert b"/Lang (nl)" in objects
    assert b"/Author (sipcause)" in objects
    assert b"Mislukte gesprekken, week 46" in objects
    assert octets == pdf(sample.empty(), REGISTRY, "nl"), "the same report gives the same octets"


def _unpacked(octets: bytes) -> Iterator[bytes]:
    """What stands in the streams of a PDF, where they are deflated."""
    for found in re.finditer(rb"stream\n(.*?)\nendstream", octets, re.DOTALL):
        with suppress(zlib.error):
            yield zlib.decompress(found[1])


def test_nothing_is_fetched(rendered: tuple[list[str], list[str]]) -> None:
    assert rendered[1] == []
    with pytest.raises(ValueError, match="nothing is fetched: file:///etc/passwd"):
        made._refuse("file:///etc/passwd")


def test_paper_holds_no_element_of_a_stranger(sheet: str) -> None:
    assert "<script" not in sheet
    assert "<img" not in sheet
    assert "</style></script>" not in sheet
    assert "{{ 7*7 }}" in sheet, "what looks like a template is a text"


def test_long_tables_are_cut_and_say_so() -> None:
    line = DestinationLine(
        "+1", None, sample.count(9), sample.count(3), Ratio(6, 9), Ratio(6, 9), None, 1.0, None, False
    )
    lines = tuple(replace(line, prefix=f"+{1000 + n}") for n in range(500))
    text = paper(replace(told(), destinations=lines), REGISTRY)
    assert text.count("+10") <= 2 * ROWS
    assert f"… and {500 - ROWS} more rows, in the page and the CSV files" in text


def test_charts_stand_in_the_ink_of_paper(sheet: str) -> None:
    assert sheet.count('<svg class="chart"') == 8  # without the second grid of hours
    assert "currentColor" not in sheet
    assert "var(--chart" not in sheet


def test_a_report_of_nothing_has_a_page() -> None:
    document = weasyprint().HTML(string=paper(sample.empty(), REGISTRY)).render()
    assert 1 <= len(document.pages) <= 4


@pytest.mark.parametrize(
    ("error", "says"),
    [(ImportError("weasyprint"), r"pip install 'sipcause\[pdf\]'"), (OSError("libpango"), "apt-get install libpango")],
)
def test_what_is_missing_is_named_before_anything_is_written(
    error: Exception, says: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    real = builtins.__import__

    def failing(name: str, *rest: Any) -> Any:
        if name == "weasyprint":
            raise error
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", failing)
    with pytest.raises(OutputError, match=says) as found:
        write(told(), REGISTRY, tmp_path, ["json", "pdf"])
    assert "\n" not in str(found.value)
    assert list(tmp_path.iterdir()) == []
