"""The JSON document: its schema, its invariants, its order."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from analyzer.registry import family_of
from analyzer.schema import RegistrationRow, RequestRow, ResponseRow
from analyzer.stats.document import document, rfc3339
from analyzer.vocab import Outcome, Release
from tests.stats.made import START, MadeAnalysis, MadeConfig, calls, capture, table

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "analyze.schema.json").read_text(encoding="utf-8"))
PAGE = (Path(__file__).parents[2] / "docs" / "json.md").read_text(encoding="utf-8")

KINDS: list[dict[str, Any]] = [
    {"outcome": "answered", "status_code": 200, "release": "normal", "release_cause": 16, "bye_ts": START},
    {"outcome": "answered", "status_code": 200, "release": "abnormal", "release_cause": 38, "bye_ts": START},
    {"outcome": "answered", "status_code": 200, "release": "still_up"},
    {"outcome": "busy", "status_code": 486, "cause": 17, "cause_from": "reason", "fault": "user"},
    {"outcome": "cancelled", "status_code": 487, "cause": 16, "cause_from": "event", "fault": "user"},
    {
        "outcome": "failed", "status_code": 503, "cause": 34, "cause_from": "reason", "fault": "network",
        "failed_by_ip": "198.51.100.7", "relayed_by": "192.0.2.9 192.0.2.8",
    },
    {
        "outcome": "failed", "status_code": 503, "cause": 63, "cause_from": "profile", "fault": "server",
        "failed_by_ip": "198.51.100.7", "relayed_by": "192.0.2.9",
    },
    {"outcome": "timed_out", "cause": 18, "cause_from": "event", "fault": "network", "failed_by_ip": "2001:db8::1"},
    {"outcome": "unauthorized", "status_code": 407, "cause": 21, "cause_from": "profile", "fault": "caller"},
    {"outcome": "rejected", "status_code": 703, "fault": "caller", "failed_by_ip": "192.0.2.31"},
    {"outcome": "open", "status_code": None},
    {"outcome": "redirected", "status_code": 302},
]  # fmt: skip


def many(seed: int, count: int = 400) -> MadeAnalysis:
    """Random calls of every kind."""
    rnd = random.Random(seed)
    rows = [
        {**rnd.choice(KINDS), "caller_ip": f"192.0.2.{rnd.randrange(4)}", "network": rnd.choice([None, 10, 20])}
        for _ in range(count)
    ]
    registrations = [
        {"registration_no": n + 1, "outcome": rnd.choice(["registered", "rejected", "open"])} for n in range(20)
    ]
    counted = {"messages": 10, "unique": 7, "resends": 2, "copies": 1}
    return MadeAnalysis(
        {"calls": calls(*rows, texts=bool(seed % 2)), "registrations": table(RegistrationRow, registrations)},
        responses=[
            ResponseRow(
                status_code=code, method="INVITE", family=family_of(code), vendor=None, vendor_guess=None, **counted
            )
            for code in (703, 200, 100)
        ],
        requests=[RequestRow(method=name, **counted) for name in ("OPTIONS", "INVITE")],
        captures=[capture(unread={"tcp": 2, "not_ip": 5}), capture(start_ts=None, end_ts=None)],
        issue_counts={"sip.orphan_response": 2, "capture.truncated": 1, "never.heard_of": 2},
        orphans=3,
    )


EMPTY = MadeAnalysis({})


@pytest.mark.parametrize("analysis", [EMPTY, many(1), many(2)], ids=["empty", "texts", "labels"])
def test_document_follows_its_schema(analysis: MadeAnalysis) -> None:
    jsonschema.validate(json.loads(json.dumps(document(analysis))), SCHEMA)


def test_schema_names_every_word_of_the_vocabulary() -> None:
    by = SCHEMA["properties"]["calls"]["properties"]
    assert by["by_outcome"]["propertyNames"]["enum"] == [word.value for word in Outcome]
    assert by["by_release"]["propertyNames"]["enum"] == [word.value for word in Release]


def test_every_key_is_described_and_nothing_else_is_written() -> None:
    def walk(value: Any, schema: dict[str, Any], path: str) -> None:
        if isinstance(value, list):
            for item in value:
                walk(item, schema["items"], path)
        elif isinstance(value, dict) and "properties" in schema:
            assert list(value) == list(schema["properties"]), path
            for key, inner in value.items():
                assert key in PAGE, f"docs/json.md does not mention {path}.{key}"
                walk(inner, schema["properties"][key], f"{path}.{key}")

    walk(document(many(1)), SCHEMA, "")


@pytest.mark.parametrize("seed", range(4))
def test_figures_add_up(seed: int) -> None:
    analysis = many(seed)
    found = document(analysis)
    totals = found["calls"]
    assert totals["total"] == 400 == sum(totals["by_outcome"].values()) == sum(totals["by_status_code"].values())
    left_out = sum(totals["by_outcome"].get(word, 0) for word in ("answered", "open", "elsewhere", "redirected"))
    assert totals["unsuccessful"] == totals["total"] - left_out
    assert sum(row["calls"] for row in found["causes"]) == totals["unsuccessful"]
    for row in found["causes"]:
        grouped = row["read"] + row["vendor"] + row["event"] + row["derived"]
        assert grouped == (row["calls"] if row["cause"] is not None else 0)
    unauthorized = totals["by_outcome"]["unauthorized"]
    charged = sum(row["failures_as_responder"] for row in found["endpoints"])
    assert charged == totals["failures"] - unauthorized
    assert sum(row["failures_as_caller"] for row in found["endpoints"]) == totals["failures"]
    assert sum(row["calls_as_caller"] for row in found["endpoints"]) == totals["total"]
    for row in found["endpoints"]:
        assert sum(row["by_status_code"].values()) == row["failures_as_responder"]
    assert sum(totals["by_release"].values()) == totals["by_outcome"]["answered"]
    for row in found["responses"] + found["requests"]:
        assert row["messages"] == row["unique"] + row["resends"] + row["copies"]


def test_lists_are_sorted_by_count_then_key() -> None:
    found = document(many(3))
    assert [row["status_code"] for row in found["responses"]] == [100, 200, 703]
    assert [row["method"] for row in found["requests"]] == ["INVITE", "OPTIONS"]
    assert [row["code"] for row in found["issues"]] == ["never.heard_of", "sip.orphan_response", "capture.truncated"]
    assert list(found["captures"][0]["unread"]) == ["not_ip", "tcp"]
    counts = [row["calls"] for row in found["causes"]]
    assert counts == sorted(counts, reverse=True)
    ranks = [(-row["failures_as_responder"], row["ip"]) for row in found["endpoints"]]
    assert ranks == sorted(ranks)


def test_missing_codes_stand_under_none() -> None:
    found = document(
        MadeAnalysis({"calls": calls({"outcome": "open"}, {"outcome": "timed_out", "failed_by_ip": "192.0.2.9"})})
    )
    assert found["calls"]["by_status_code"] == {"none": 2}
    assert found["endpoints"][0]["by_status_code"] == {"none": 1}


def test_a_failure_is_charged_once_and_relayed_by_others() -> None:
    analysis = MadeAnalysis(
        {"calls": calls(KINDS[5], KINDS[6], KINDS[8])},
        config=MadeConfig(own=("192.0.2.9",), aliases={"192.0.2.9": "SBC"}),
    )
    rows = {row["ip"]: row for row in document(analysis)["endpoints"]}
    assert rows["198.51.100.7"]["failures_as_responder"] == 2
    assert rows["198.51.100.7"]["by_status_code"] == {"503": 2}
    assert (rows["192.0.2.9"]["failures_relayed"], rows["192.0.2.8"]["failures_relayed"]) == (2, 1)
    assert rows["192.0.2.1"]["failures_as_caller"] == 3
    assert (rows["192.0.2.9"]["side"], rows["192.0.2.1"]["side"]) == ("own", "other")


def test_endpoints_of_different_networks_are_different() -> None:
    rows = document(MadeAnalysis({"calls": calls({"network": 10}, {"network": 20}, {"network": None})}))["endpoints"]
    assert [(row["ip"], row["network"]) for row in rows] == [
        (ip, network) for ip in ("192.0.2.1", "192.0.2.9") for network in (None, 10, 20)
    ]


@pytest.mark.parametrize(
    ("ts", "text"),
    [
        (0, "1970-01-01T00:00:00.000000000Z"),
        (1_234_567_890_123_456_789, "2009-02-13T23:31:30.123456789Z"),
        (-1, "1969-12-31T23:59:59.999999999Z"),
        (2**63 - 1, "2262-04-11T23:47:16.854775807Z"),
        (None, None),
    ],
)
def test_times_are_exact(ts: int | None, text: str | None) -> None:
    assert rfc3339(ts) == text
