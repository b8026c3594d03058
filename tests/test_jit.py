"""The kernel cache: a changed file compiles anew what depends on it, and nothing else."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from analyzer import jit

PACKAGE = Path(jit.__file__).parent
KERNELS = sorted(file for file in jit.kernel_files() if file.name.endswith("_kernels.py"))


def _imported(file: Path) -> set[Path]:
    """What a file imports from, read off its syntax tree."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("analyzer"):
            module = PACKAGE.joinpath(*(node.module or "").split(".")[1:])
            found |= {module.with_suffix(".py"), *(module / f"{alias.name}.py" for alias in node.names)}
    return found & set(jit.kernel_files())


@pytest.mark.parametrize("file", KERNELS, ids=lambda file: file.stem)
def test_a_kernel_depends_on_what_it_imports(file: Path) -> None:
    expected = {file, PACKAGE / "jit.py"}
    while True:
        more = expected.union(*(_imported(known) for known in expected))
        if more == expected:
            break
        expected = more
    assert jit.depends_on(file) == expected


def test_a_kernel_imports_policy_from_nowhere_else() -> None:
    """What a kernel imports is a kernel file too: else a change there would go unnoticed."""
    for file in KERNELS:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("analyzer"):
                assert _imported(file), file
                module = PACKAGE.joinpath(*(node.module or "").split(".")[1:])
                assert module.with_suffix(".py") in jit.kernel_files() or module.is_dir(), (file, node.module)


def test_a_changed_constant_changes_the_name_of_its_dependants(monkeypatch: pytest.MonkeyPatch) -> None:
    wire = PACKAGE / "capture" / "wire_kernels.py"
    before = {file: jit.digest(jit.depends_on(file)) for file in KERNELS}
    changed = {**jit.kernel_files(), wire: jit.kernel_files()[wire] + b"\n# changed\n"}
    monkeypatch.setattr(jit, "kernel_files", lambda: changed)
    for file in KERNELS:
        assert (jit.digest(jit.depends_on(file)) != before[file]) == (wire in jit.depends_on(file)), file


_ADDING = """
from analyzer.jit import kernel

@kernel
def add(numbers):
    return numbers[0] + numbers[1]
"""
_ASKING = """
import sys
import numpy as np
from adding_kernels import add
print(add(np.array([1, 2])), sum(add.stats.cache_hits.values()), "numba.np.linalg" in sys.modules)
"""


def test_a_kept_kernel_is_loaded_without_the_compiler(tmp_path: Path) -> None:
    (tmp_path / "adding_kernels.py").write_text(_ADDING)
    places = os.pathsep.join([str(tmp_path), str(PACKAGE.parent)])
    environment = {**os.environ, "SIPCAUSE_CACHE": str(tmp_path / "cache"), "PYTHONPATH": places}
    said = [
        subprocess.run([sys.executable, "-c", _ASKING], env=environment, capture_output=True, text=True, check=True)
        for _ in range(2)
    ]
    assert [one.stdout.split() for one in said] == [["3", "0", "True"], ["3", "1", "False"]]
