"""A PDF that is made in a process beside ours, and what happens when that process does not do it."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from analyzer.report import typesetting
from analyzer.report.typesetting import Typesetter, typeset

try:
    import weasyprint  # noqa: F401  without Pango it cannot even be imported
except (ImportError, OSError) as missing:
    pytest.skip(f"no WeasyPrint: {missing}", allow_module_level=True)

TEXT = "<html lang=en><title>Week 46</title><body><p>503 from 192.0.2.7</p></body></html>"


def test_a_process_beside_us_makes_the_same_octets() -> None:
    with Typesetter() as typesetter:
        typesetter.give(TEXT)
        assert typesetter.take() == typeset(TEXT)
        assert typesetter._process is not None
        assert typesetter._process.returncode == 0


def test_what_lies_in_the_folder_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "weasyprint.py").write_text("open('ran', 'w')\n", "utf-8")
    monkeypatch.chdir(tmp_path)
    with Typesetter() as typesetter:
        typesetter.give(TEXT)
        assert typesetter.take().startswith(b"%PDF")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("program", ["/nowhere/python", "/bin/false"])
def test_where_that_fails_it_is_made_here(program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", program)
    with Typesetter() as typesetter:
        typesetter.give(TEXT)
        assert typesetter.take() == typeset(TEXT)


def test_nobody_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[subprocess.Popen[bytes]] = []
    really = subprocess.Popen

    def popen(*given: Any, **options: Any) -> subprocess.Popen[bytes]:
        begun.append(really(*given, **options))
        return begun[-1]

    monkeypatch.setattr(typesetting.subprocess, "Popen", popen)

    with suppress(KeyboardInterrupt), Typesetter() as typesetter:
        typesetter.give(TEXT)
        raise KeyboardInterrupt
    with Typesetter():
        pass
    assert [process.returncode is not None for process in begun] == [True, True]
