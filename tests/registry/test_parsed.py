"""Parsed copies of registry files: equal to the text they were made from, and never older than it."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any

import pytest

from analyzer.registry import parsed
from analyzer.registry.load import DATA


@pytest.fixture
def copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "copies"
    folder.mkdir()
    monkeypatch.setattr(parsed, "cache_folder", lambda name: folder)
    return folder


def written(folder: Path, text: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(text, "utf-8")
    os.utime(path, (1_700_000_000, 1_700_000_000))
    return path


@pytest.mark.parametrize("path", sorted(DATA.rglob("*.toml")), ids=lambda path: path.stem)
def test_the_copy_says_what_the_file_says(path: Path, copies: Path) -> None:
    expected = tomllib.loads(path.read_text("utf-8"))
    assert parsed.document(path) == expected
    assert len(list(copies.iterdir())) == 1
    assert parsed.document(path) == expected


def test_the_copy_is_what_is_read(tmp_path: Path, copies: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, "[status.499]\nphrase = 'Odd'\n")
    parsed.document(path)

    def refuse(text: str) -> dict[str, Any]:
        raise AssertionError(text)

    monkeypatch.setattr(tomllib, "loads", refuse)
    assert parsed.document(path) == {"status": {"499": {"phrase": "Odd"}}}


def test_a_changed_file_is_noticed_though_size_and_time_stay(tmp_path: Path, copies: Path) -> None:
    assert parsed.document(written(tmp_path, "a = 1\n")) == {"a": 1}
    assert parsed.document(written(tmp_path, "a = 2\n")) == {"a": 2}
    assert parsed.document(written(tmp_path, "a = 1\n")) == {"a": 1}


@pytest.mark.parametrize("damage", [b"", b'{"a":', b"[1]", b"\xff"])
def test_a_damaged_copy_is_made_anew(damage: bytes, tmp_path: Path, copies: Path) -> None:
    path = written(tmp_path, "a = 1\n")
    copy = parsed.copy_of(path, path.read_bytes())
    assert copy is not None
    copy.write_bytes(damage)
    assert parsed.document(path) == {"a": 1}
    assert copy.read_bytes() == b'{"a":1}'


def test_what_json_cannot_say_is_not_kept(tmp_path: Path, copies: Path) -> None:
    path = written(tmp_path, "checked = 2026-11-01\n")
    assert parsed.document(path) == parsed.document(path) == tomllib.loads(path.read_text("utf-8"))
    assert not list(copies.iterdir())


def test_nothing_is_needed_of_a_cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, "a = 1\n")
    for folder in (None, tmp_path / "gone"):
        monkeypatch.setattr(parsed, "cache_folder", lambda name, folder=folder: folder)
        assert parsed.document(path) == {"a": 1}
    assert list(tmp_path.iterdir()) == [path]


def test_a_fault_is_told_every_time(tmp_path: Path, copies: Path) -> None:
    path = written(tmp_path, "a =\n")
    for _ in range(2):
        with pytest.raises(tomllib.TOMLDecodeError):
            parsed.document(path)
