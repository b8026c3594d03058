"""Every text of charts, PDF and Markdown has its Dutch."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from analyzer.registry.languages import language

PACKAGE = Path(__file__).parents[2] / "analyzer"
FILES = [*sorted((PACKAGE / "charts").glob("weekly_*.py")), PACKAGE / "charts" / "narrow.py"] + [
    PACKAGE / "report" / f"{name}.py" for name in ("drawn", "pdf", "markdown")
]


def spoken(path: Path) -> set[str]:
    """The texts that a file gives to `Words`."""
    return {
        node.args[0].value
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in ("words", "speech")
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
    }


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_texts_have_their_dutch(path: Path) -> None:
    assert sorted(spoken(path) - set(language("nl").ui) - {"en", "nl"}) == []


def test_texts_of_the_paper_have_their_dutch() -> None:
    found = set(re.findall(r'words\("(.*?)"', (PACKAGE / "report/templates/paper.html").read_text(encoding="utf-8")))
    assert found
    assert sorted(found - set(language("nl").ui)) == []


def test_charts_name_months_weekdays_and_families_in_dutch() -> None:
    from analyzer.charts.narrow import _MONTHS, _WEEKDAYS, FAILING, family_title
    from analyzer.views.words import words

    assert {*_MONTHS, *_WEEKDAYS} <= set(language("nl").ui)
    assert all(family_title(family, words("nl")) for family in FAILING)
