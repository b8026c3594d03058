"""The pages of docs/ that are made from the code say what the code says."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from analyzer.schema import TABLES
from analyzer.tables.store_tables import STORED

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_pages_are_fresh(generate: ModuleType) -> None:
    assert generate.stale() == [], "run python docs/generate.py"


def test_stale_page_is_named_and_written(
    generate: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(generate, "FOLDER", tmp_path)
    assert generate.main(["--check"]) == 1
    assert "docs/tables.md is stale" in capsys.readouterr().out
    assert not (tmp_path / "tables.md").exists()
    assert generate.main([]) == 0
    assert generate.main(["--check"]) == 0


def test_every_column_is_described(generate: ModuleType) -> None:
    page = generate.tables_page()
    assert "| `srd_ms` | `float64`, may be missing | ms | Session Request Delay, RFC 6076 §4.3 |  |" in page
    assert "| `call_id` | `str`, may be missing |  | Call-ID | `sip.Call-ID` |" in page
    assert page.count("\n## ") == len(TABLES) + len(STORED) + 2
