"""Codes that changed on the way, and which of them RFC 3261 asks for."""

from __future__ import annotations

from typing import Any

import pytest

from analyzer.correlate.branches import Translation
from analyzer.registry import load_registry
from analyzer.stats.translations import translations
from tests.stats.made import MadeConfig

PROXY = "198.51.100.1"
CONFIG: Any = MadeConfig(aliases={PROXY: "Edge"})


@pytest.mark.parametrize(
    ("received", "sent", "expected"),
    [(503, 500, True), (None, 408, True), (487, 408, True), (404, 500, False), (None, 500, False), (503, 503, False)],
)
def test_what_is_expected(received: int | None, sent: int, expected: bool) -> None:
    (row,) = translations({Translation(PROXY, 10, received, sent): [1, 4, 5]}, load_registry(), CONFIG)
    assert (row.ip, row.network, row.name, row.received, row.sent, row.calls) == (PROXY, 10, "Edge", received, sent, 3)
    assert row.expected is expected


def test_the_unexpected_come_first() -> None:
    seen = {Translation(PROXY, None, 503, 500): range(90), Translation(PROXY, None, 404, 500): [1]}
    assert [row.received for row in translations(seen, load_registry(), CONFIG)] == [404, 503]
