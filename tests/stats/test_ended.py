"""Sums over calls that have ended: whatever the pieces, those of the document over all of them."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from analyzer.api import analyze
from analyzer.batch import Columns
from analyzer.config import Config
from analyzer.schema import MidcallRow
from analyzer.stats.analysis import Analysis
from analyzer.stats.document import document
from analyzer.stats.ended import ENDPOINT_CODES, FIGURES, MIDCALL, EndedTotals
from analyzer.stats.endpoints import endpoints
from pcaps.make import HERE
from tests.stats.made import calls, empty, table
from tests.stats.test_document import many

FOLDERS = sorted(path.parent.name for path in HERE.glob("*/expected"))


def pieces(columns: Columns, seed: int) -> list[Columns]:
    """The rows of a table in another order and in random pieces; all rows of a call in one."""
    rnd = random.Random(seed)
    if not len(columns):
        return [columns]
    keys = columns.ints("call_no").tolist() if "call_no" in columns else list(range(len(columns)))
    count = rnd.randint(1, 7)
    part = {key: rnd.randrange(count) for key in dict.fromkeys(keys)}
    where = np.array([part[key] for key in keys])
    return [columns.take(where == number) for number in range(count)]


def summed(analysis: Analysis, seed: int, **given: Any) -> dict[str, Any]:
    """What the sums say of an analysis whose tables come in pieces."""
    totals = EndedTotals(analysis.registry, analysis.config, analysis.causes_profile, **given)
    for piece in pieces(analysis.columns("calls"), seed):
        totals.add(piece)
    for piece in pieces(analysis.columns("registrations"), seed):
        totals.add(empty(MidcallRow), piece)
    for piece in pieces(analysis.columns("midcall"), seed):
        totals.add(empty(MidcallRow), None, piece)
    return totals.document()


def wanted(analysis: Analysis) -> dict[str, Any]:
    """The same keys of the document, each call by itself."""
    whole = document(analysis)
    counted = whole["calls"]
    for name in ("orphans", "scanners", "without_scanners"):
        counted.pop(name)
    for row in whole["midcall"]:
        row.pop("calls")
    whole["endpoints"] = [
        {
            "ip": row.ip,
            "network": row.network,
            "side": row.side.value,
            **{name: getattr(row, name) for name in FIGURES},
            "by_status_code": row.by_status_code,
        }
        for row in endpoints(analysis.columns("calls"), analysis.config)
    ]
    return {name: whole[name] for name in ("calls", "causes", "releases", "endpoints", "registrations", "midcall")}


@pytest.mark.parametrize("name", FOLDERS)
def test_the_sums_over_a_capture_are_its_document(name: str) -> None:
    result = analyze(HERE / name / "capture.pcapng")
    assert summed(result, len(name)) == wanted(result)


@pytest.mark.parametrize("seed", range(4))
def test_the_sums_over_many_calls_are_their_document_in_its_order(seed: int) -> None:
    analysis = many(seed)
    seen, expected = summed(analysis, seed), wanted(analysis)
    assert repr(seen) == repr(expected)


def test_without_calls_there_is_nothing_and_every_key() -> None:
    assert summed(many(0), 1).keys() == EndedTotals(many(0).registry, Config(), "dss1").document().keys()
    nothing = EndedTotals(many(0).registry, Config(), "dss1").document()
    assert nothing["calls"]["total"] == 0
    assert nothing["endpoints"] == nothing["causes"] == nothing["midcall"] == []


def test_endpoints_are_bounded_and_their_sums_exact() -> None:
    rows = [
        {"outcome": "failed", "status_code": 503, "callee_ip": f"10.0.{n // 250}.{n % 250}",
         "failed_by_ip": f"10.0.{n // 250}.{n % 250}"}
        for n in range(3000)
    ]  # fmt: skip
    rows += [{"outcome": "failed", "status_code": 500, "callee_ip": "192.0.2.66", "failed_by_ip": "192.0.2.66"}] * 9
    totals = EndedTotals(many(0).registry, Config(), "dss1", room=100)
    everything = calls(*rows)
    for first in range(0, len(rows), 50):
        totals.add(everything.take(np.arange(first, min(first + 50, len(rows)))))
    found = totals.document()["endpoints"]
    assert len(found) <= 101
    assert found[0]["ip"] == "192.0.2.66"
    assert found[-1]["ip"] == "other"
    assert sum(row["failures_as_responder"] for row in found) == len(rows)
    assert sum(row["calls_as_callee"] for row in found) == len(rows)


def test_codes_of_an_endpoint_are_bounded() -> None:
    rows = [
        {"outcome": "failed", "status_code": 400 + n, "failed_by_ip": "192.0.2.9"} for n in range(ENDPOINT_CODES + 20)
    ]
    totals = EndedTotals(many(0).registry, Config(), "dss1")
    totals.add(calls(*rows))
    found = next(row for row in totals.document()["endpoints"] if row["ip"] == "192.0.2.9")["by_status_code"]
    assert len(found) == ENDPOINT_CODES + 1
    assert found["other"] == 20


def test_methods_that_strangers_make_up_are_bounded() -> None:
    totals = EndedTotals(many(0).registry, Config(), "dss1")
    for number in range(MIDCALL + 50):
        row = {"method": f"M{number}", "kind": "failure", "status_code": 500, "call_no": 1}
        totals.add(empty(MidcallRow), None, table(MidcallRow, [row]))
    found = totals.document()["midcall"]
    assert len(found) == MIDCALL + 1
    assert found[0]["method"] == "(other)"
    assert sum(row["transactions"] for row in found) == MIDCALL + 50
