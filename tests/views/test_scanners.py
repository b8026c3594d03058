"""Scanners on a table of their own, and the headline with and without them."""

from __future__ import annotations

import pytest

from analyzer.registry import load_registry
from analyzer.registry.languages import language
from analyzer.stats.document import document
from analyzer.stats.select import Choice, chosen
from analyzer.views.overview import overview
from analyzer.views.words import words
from tests.stats.made import START, MadeAnalysis, calls

REGISTRY = load_registry()
SCAN = {
    "outcome": "rejected", "status_code": 403, "caller_ip": "198.51.100.66", "caller_agent": "friendly-scanner",
    "is_scanner": True, "messages": 2, "hops": 1,
}  # fmt: skip
REAL = {"messages": 7, "hops": 1, "ack_ts": START, "release": "normal"}
BUSY = {**REAL, "outcome": "busy", "status_code": 486, "release": None}


def made() -> MadeAnalysis:
    return MadeAnalysis({"calls": calls(REAL, REAL, BUSY, *[SCAN] * 5)})


def test_the_headline_counts_all_calls_and_then_those_without_scanners() -> None:
    assert overview(made(), words()).headline == (
        "8 calls: 2 answered (25.0%), 6 unsuccessful (75.0%), 5 of them failures (62.5%). "
        "Scanning addresses (1) made 5 of the calls; without these 3 calls: 2 answered (66.7%), 0 failures (0.0%)."
    )


def test_who_scans_and_why() -> None:
    found = next(shown for shown in overview(made(), words()).tables if shown.title == "Scanners")
    cells = [cell.text for cell in found.rows[0]]
    assert len(found.rows) == 1
    assert cells[:3] == ["198.51.100.66", "160", "5"]
    assert cells[-2:] == [
        "friendly-scanner",
        "User-Agent of SIPVicious (svmap/svwar/svcrack); not one success; refused calls never acknowledged: 5",
    ]


def test_without_scanners_nothing_is_said_of_them() -> None:
    seen = overview(MadeAnalysis({"calls": calls(REAL, BUSY)}), words())
    assert "scanners" not in seen.headline
    assert "Scanners" not in [shown.title for shown in seen.tables]


def test_the_document_keeps_totals_and_gives_them_without_scanners() -> None:
    found = document(made())
    assert found["calls"]["total"] == 8
    assert found["calls"]["scanners"] == 5
    assert found["calls"]["without_scanners"] == {"total": 3, "answered": 2, "unsuccessful": 1, "failures": 0}
    assert [(row["ip"], row["calls"], row["successes"]) for row in found["scanners"]] == [("198.51.100.66", 5, 0)]


def test_calls_are_chosen_by_who_scans() -> None:
    table_of_calls = made().columns("calls")
    assert chosen(table_of_calls, Choice(is_scanner=True)).tolist() == [3, 4, 5, 6, 7]
    assert chosen(table_of_calls, Choice(is_scanner=False)).tolist() == [0, 1, 2]
    assert len(chosen(table_of_calls, Choice())) == 8


@pytest.mark.parametrize("signal", [s for s in REGISTRY.signals.values() if s.says], ids=lambda s: s.id)
def test_every_reason_is_there_in_dutch_with_the_same_blanks(signal: object) -> None:
    says = str(getattr(signal, "says", ""))
    dutch = language("nl").ui[says]
    assert {blank for blank in ("{count}", "{tool}") if blank in says} == {
        blank for blank in ("{count}", "{tool}") if blank in dutch
    }
