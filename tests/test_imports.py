"""Who may import whom: the line of docs/architecture.md, read off the syntax trees."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "analyzer"
#: Left is lower: a room imports only what stands to its left, and names between two bars do not import each other.
LINE = """
    errors vocab wiretext folders periods config_entries | jit coltypes | findings | schema | batch
    | issues hash_kernels
    | registry config | sip | capture | correlate
    | ahead stages | pipeline warming | tables | stats | views | charts | report | gathered | adding | result | api
    | ops reporting | live | ui
"""
LEVEL = {room: level for level, rooms in enumerate(LINE.split("|")) for room in rooms.split()}
#: Where an outside library may be imported: folders, files, endings of file names.
OWNERS = {
    "scapy": "capture/ scapy_layer.py",
    "numba": "jit.py",
    "numpy": "batch.py _kernels.py capture/ sip/ correlate/ stages.py warming.py tables/ stats/ charts/ result.py"
    " adding/ live/",
    "pandas": "tables/ stats/",
    "duckdb": "tables/ stats/",
    "jinja2": "report/",
    "weasyprint": "report/",
    "smtplib": "ops/",
    "pyarrow": "tables/ stats/",
    "matplotlib": "charts/",
    "click": "ui/",
    "rich": "ui/",
    "isal": "capture/",
    "cryptography": "capture/",
    "backports": "capture/",
    "compression": "capture/",
    "msgspec": "registry/ config.py config_entries.py ops/",
    "prometheus_client": "ops/",
}
SOURCES = {path.relative_to(PACKAGE).as_posix(): path for path in sorted(PACKAGE.rglob("*.py"))}


def imported(place: str) -> Iterator[str]:
    """Every module that a file imports, anywhere in it, by its absolute name."""
    package = ["analyzer", *place.split("/")[:-1]]
    for node in ast.walk(ast.parse(SOURCES[place].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*above, *filter(None, [node.module])])
            yield from (f"{module}.{alias.name}" for alias in node.names) if module == "analyzer" else [module]


def room(place: str) -> str:
    """The room that a file or a dotted name below the package stands in."""
    return place.replace(".py", "").replace("/", ".").split(".")[0]


@pytest.mark.parametrize("place", [place for place in SOURCES if room(place) in LEVEL])
def test_a_room_imports_only_what_stands_to_its_left(place: str) -> None:
    ours = {room(module.removeprefix("analyzer.")) for module in imported(place) if module.startswith("analyzer.")}
    others = ours - {room(place)}
    assert others <= set(LEVEL), "imports what has no place in the line"
    assert not [other for other in others if LEVEL[other] >= LEVEL[room(place)]]


@pytest.mark.parametrize("place", SOURCES)
def test_libraries_stay_with_their_owner(place: str) -> None:
    for library in {module.split(".")[0] for module in imported(place)} & set(OWNERS):
        assert any(place.startswith(owner) or place.endswith(owner) for owner in OWNERS[library].split()), library


def test_every_room_has_its_place() -> None:
    assert {room(place) for place in SOURCES} - set(LEVEL) <= {"__init__", "__main__", "scapy_layer"}
