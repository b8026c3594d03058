"""Captures read by the program, as plain rows for tests to compare."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from analyzer import batch as b

#: Where the octets of a message happen to stand, and which parser read it: no part of what a message says.
PLACES = {b.D_OFFSET, b.M_START}
SAID = [column for column in range(b.M_COLUMNS) if column not in PLACES]
Row = dict[str, Any]


class Messages:
    """A message sink: every message as one tuple of numbers and texts."""

    def __init__(self) -> None:
        self.rows: list[tuple[Any, ...]] = []

    def __call__(self, messages: b.MessageBatch, links: b.Ints) -> None:
        numbers = messages.numbers[:, SAID].copy()
        numbers[:, SAID.index(b.M_FLAGS)] &= ~b.F_WHOLE
        for row, (values, linked) in enumerate(zip(numbers.tolist(), links.tolist(), strict=True)):
            texts = [messages.text(row, which) for which in range(b.S_COLUMNS)]
            self.rows.append((*values, *texts, *linked))


def analyse(path: Path, **options: Any) -> Any:
    """The result with every table that it can keep, by the configuration that stands beside the capture."""
    import analyzer
    from analyzer.config import read_config

    beside = path.with_name("sipcause.toml")
    if beside.exists():
        options.setdefault("config", read_config(beside))
    options.setdefault("keep", ("calls", "registrations", "transactions"))
    return analyzer.analyze(str(path), **options)


def document(result: Any) -> dict[str, Any]:
    """The JSON document of a result."""
    from analyzer.stats.document import document as document_of

    return document_of(result)


def rows(result: Any, table: str) -> list[Row]:
    """A table of `schema.TABLES`, whatever keeps it. Raises KeyError for one that there is not.

    Issues (by code, with their count) and captures come as the JSON document has them.
    """
    from analyzer.stats.listing import LISTED, listed

    if table in ("issues", "captures"):
        return list(document(result)[table])
    if table in LISTED:
        return [row._asdict() for row in listed(result, table)]
    if table in ("evidence", "messages"):  # not kept: the capture is read again
        frame = getattr(result, table)
        return list(frame.astype(object).where(frame.notna(), None).to_dict("records"))
    return list(result.columns(table).rows())


def cell(value: Any) -> str:
    """A value as the expected tables write it.

    Missing is empty, numbers have no trailing zeros, counts by key are ``404:2 none:1``.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return " ".join(f"{key}:{count}" for key, count in value.items())
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def expected(path: Path) -> list[dict[str, str]]:
    """An expected table: tab-separated, the first line names the columns."""
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))


def as_expected(row: Mapping[str, Any], wanted: Mapping[str, str]) -> dict[str, str]:
    """The cells of a row that an expected row has something to say about."""
    return {name: "*" if text == "*" else cell(row[name]) for name, text in wanted.items()}
