"""reports/sample/ is what the program makes today: `python3 reports/make_sample.py` writes it anew."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

REPORTS = Path(__file__).parents[2] / "reports"


@pytest.fixture(scope="module")
def maker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_sample", REPORTS / "make_sample.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def fresh(maker: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample as it is made now, without what depends on the machine's fonts."""
    folder: Path = tmp_path_factory.mktemp("sample")
    maker.make(folder, "json,csv,md")
    return folder


def test_the_sample_is_up_to_date(fresh: Path) -> None:
    made = json.loads((fresh / "report.json").read_text("utf-8"))
    kept = json.loads((REPORTS / "sample" / "report.json").read_text("utf-8"))
    kept["about"]["version"] = made["about"]["version"]
    assert made == kept, "run python3 reports/make_sample.py"
    for path in sorted(fresh.rglob("*.csv")):
        assert path.read_text("utf-8") == (REPORTS / "sample" / path.relative_to(fresh)).read_text("utf-8")
    version = json.loads((REPORTS / "sample" / "report.json").read_text("utf-8"))["about"]["version"]
    text = (REPORTS / "sample" / "report.md").read_text("utf-8")
    assert text.replace(version, made["about"]["version"]) == (fresh / "report.md").read_text("utf-8")


def test_the_sample_has_every_format_and_tells_what_is_planted() -> None:
    names = {path.name for path in (REPORTS / "sample").iterdir()}
    assert {"report.html", "report.pdf", "report.md", "report.json", "csv"} <= names
    made = json.loads((REPORTS / "sample" / "report.json").read_text("utf-8"))
    (first, *_) = sorted(made["change"]["lines"], key=lambda line: -(line["share"] or 0))
    assert (first["endpoint"], first["name"]) == ("203.0.113.22", "Trunk 2")
    assert first["began_ts"].startswith("2026-03-10T08:")  # 09:12 in Amsterdam
    assert "34" in first["read_causes"]
    assert [note["kind"] for note in made["notes"]] == ["note", "note"]
    assert {line["subject"] for line in made["crossed"]} == {"report", "Trunk 2"}
