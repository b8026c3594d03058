"""A call explained in words: what decided, what else would have fitted, where the cause comes from, who is charged."""

from __future__ import annotations

import ast
import tomllib
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

import analyzer.correlate.ledger as ledger
from analyzer.registry import load_registry
from analyzer.views.explain import Explanation, explanation
from analyzer.views.table import Table
from analyzer.views.words import words
from tests.explaining import explain_flow
from tests.stats.made import MadeConfig

REGISTRY = load_registry()
CONFIG: Any = MadeConfig(aliases={"203.0.113.20": "Trunk 1"})
PEOPLE = "alice = 192.0.2.10\nproxy = 198.51.100.1\nbob = 203.0.113.20\n"
LEDGER = Path(ledger.__path__[0])


def explain(text: str, lang: str = "en", **options: Any) -> Explanation:
    return explanation(explain_flow(PEOPLE + text, **options), REGISTRY, CONFIG, UTC, words(lang))


def verdict(seen: Explanation, title: str) -> list[str]:
    return list(dict(seen.verdict)[title])


def lines(table: Table) -> list[list[str]]:
    return [[cell.text for cell in row] for row in table.rows]


CONFLICT = 'alice -> bob INVITE\nalice <- bob 486 +1s reason="Q.850;cause=34;location=LN"\nalice -> bob ACK'


def test_a_read_cause_outranks_the_code_and_contradicts_it() -> None:
    seen = explain(CONFLICT)
    assert seen.headline == "Call 1: failed, 486 Busy Here, cause 34 No circuit/channel available"
    outcome = verdict(seen, "Outcome")
    assert outcome[0].startswith("failed – rule cause_network: ")
    assert outcome[1].startswith("asked before it, in this order, and not fitting: answered_after_cancel, answered, ")
    assert outcome[2:] == ["would also fit, but comes later: busy, which leads to busy"]
    cause = verdict(seen, "Cause")
    assert cause[0] == "34 No circuit/channel available – Reason Q.850 of the deciding message"
    assert cause[1] == "an ISDN caller would be told, by the code alone: dss1 17 User busy, rfc3398 17 User busy"
    assert cause[2] == "conflict: the code says 486 Busy Here, the Reason says 34 No circuit/channel available"
    candidates, said = seen.tables
    assert lines(candidates)[0][-1] == "chosen"
    assert lines(candidates)[1:] == [
        ["the code, by the profile", "17", "User busy", "an earlier source says more surely"],
        ["the code, by RFC 3398 or 31", "17", "User busy", "an earlier source says more surely"],
    ]
    assert lines(said) == [
        ["2", "486", "Trunk 1 (203.0.113.20)", "Q.850", "34", "No circuit/channel available (location LN)"]
    ]


def test_who_is_charged_and_who_only_passed_it_on() -> None:
    seen = explain(
        "alice -> proxy INVITE\nproxy -> bob INVITE\nproxy <- bob 503 +1s\nproxy -> bob ACK\nalice <- proxy 500\n"
        "alice -> proxy ACK\nend +60s"
    )
    assert verdict(seen, "Charged") == [
        "Trunk 1 (203.0.113.20), at_or_behind: it sent the final at the deepest hop seen (hop 1); "
        "what stands behind it was not seen",
        "relayed by 198.51.100.1",
    ]


def test_who_never_answered() -> None:
    seen = explain("alice -> proxy INVITE\nproxy -> bob INVITE\nalice <- proxy 408 +6s\nalice -> proxy ACK\nend +60s")
    assert verdict(seen, "Charged")[0] == (
        "Trunk 1 (203.0.113.20), at_or_behind: it was sent the deepest INVITE (hop 1) that nobody answered"
    )


def test_a_cancelled_call_charges_nobody_and_has_no_cause_by_its_code() -> None:
    seen = explain(
        "alice -> bob INVITE\nalice <- bob 180\nalice -> bob CANCEL +5s\nalice <- bob 200\nalice <- bob 487\n"
        "alice -> bob ACK"
    )
    assert verdict(seen, "Charged") == ["cancelled charges nobody as responder"]
    assert verdict(seen, "Cause") == [f"16 {REGISTRY.cause(16).name} – what happened"]
    assert verdict(seen, "Outcome")[-1] == "would also fit, but comes later: rejected, which leads to rejected"
    assert any(note.startswith("a CANCEL ended the call: its code is not asked") for note in seen.tables[0].notes)


def test_the_release_of_an_answered_call() -> None:
    seen = explain(
        "alice -> bob INVITE\nalice <- bob 200\nalice -> bob ACK\nalice <- bob BYE +9s reason=Q.850;cause=41\n"
        "alice -> bob 200"
    )
    assert verdict(seen, "Release") == [
        "abnormal – rule bye_reason: BYE with a cause that says it broke",
        "would also fit, but comes later: normal, which leads to normal",
    ]


def test_the_reason_of_the_ringing_and_a_vague_final() -> None:
    seen = explain(
        "alice -> bob INVITE\nalice <- bob 183 reason=Q.850;cause=1\nalice <- bob 480 reason=Q.850;cause=31\n"
        "alice -> bob ACK"
    )
    assert lines(seen.tables[0])[:2] == [
        ["Reason Q.850 of the deciding message", "31", REGISTRY.cause(31).name, "says nothing specific; the 18x does"],
        ["Reason Q.850 of the last 18x", "1", REGISTRY.cause(1).name, "chosen"],
    ]


def test_the_ledger_names_its_rules_by_number() -> None:
    seen = explain(CONFLICT + "\nalice -> bob ACK +1s resend")
    assert [(line.frame, line.since_start, line.rule) for line in seen.ledger] == [
        ("1", "+0.000", ""),
        ("2", "+1.000", ""),
        ("3", "+1.010", ""),
        ("4", "+2.010", "resends 1.7"),
    ]
    assert seen.ledger[1].message == "486 from Trunk 1"


def test_in_dutch() -> None:
    seen = explain(CONFLICT, "nl")
    assert seen.headline.startswith("Gesprek 1: mislukt, 486 Busy Here, oorzaak 34 ")
    assert seen.ledger[0].text == "begint het gesprek: een INVITE zonder To-tag"
    assert seen.ledger[1].since_start == "+1,000"


def texts_of(source: Path) -> set[str]:
    """The texts of a ledger file: every constant with a blank in it that is no docstring."""
    tree = ast.parse(source.read_text(encoding="utf-8"))
    documented = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    parts = {id(value) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for value in node.values}
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and " " in node.value.strip()
        and id(node) not in documented | parts
    }


@pytest.mark.parametrize("name", ["requests.py", "responses.py", "clock.py", "book.py", "../trace.py"])
def test_every_line_of_a_ledger_has_its_dutch(name: str) -> None:
    place = LEDGER.parents[1] / "data" / "lang" / "nl.toml"
    dutch = tomllib.loads(place.read_text(encoding="utf-8"))["ui"]
    texts = texts_of(LEDGER / name)
    assert texts
    assert not texts - set(dutch)
    for english in texts:
        assert set(_places(english)) == set(_places(dutch[english])), english


def _places(text: str) -> list[str]:
    return [part.partition("}")[0] for part in text.split("{")[1:]]


def test_an_event_on_the_wire_is_told_with_the_call_that_it_explains() -> None:
    seen = explain("alice -> bob INVITE\nalice <- bob icmp error=port +1ms\nend +60s")
    assert verdict(seen, "Charged")[1].startswith("on the wire: ")
    assert [line[1] for line in lines(seen.tables[1])] == ["(wire)"]
