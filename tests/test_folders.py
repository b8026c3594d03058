"""Where results are kept that can be worked out again."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from analyzer.folders import cache_folder, write_whole


@pytest.fixture(autouse=True)
def _asked_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("SIPCAUSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path))
    cache_folder.cache_clear()
    yield
    cache_folder.cache_clear()


def test_it_is_made_for_its_user_alone(tmp_path: Path) -> None:
    folder = cache_folder("kernels")
    assert folder == tmp_path / "cache" / "kernels"
    assert folder is not None
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_where_it_cannot_be_made_a_temporary_one_serves(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file stands where the folder should")
    folder = cache_folder("kernels")
    assert folder is not None
    assert folder.parent.parent == tmp_path


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="owners are told apart on POSIX systems")
def test_a_strangers_folder_is_not_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    owner = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    assert cache_folder("kernels") is None


def test_a_file_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    write_whole(tmp_path / "copy.json", b"{}")
    write_whole(tmp_path / "copy.json", b"[]")
    write_whole(tmp_path / "gone" / "copy.json", b"{}")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"copy.json": b"[]"}
