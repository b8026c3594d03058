"""The counting corpus: each folder of pcaps/ yields the tables that were reasoned out for it, with either reader."""

from __future__ import annotations

import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from pcaps.make import HERE, stale
from tests.reading import Messages, Row, analyse, as_expected, cell, document, expected, rows

#: Made ones and recorded ones.
FOLDERS = sorted(folder.parent.name for folder in HERE.glob("*/expected"))
ORDERED = ("calls", "registrations", "transactions")
#: Tables whose rows have an order of their own.
IN_ORDER = {*ORDERED, "evidence", "links", "midcall", "sessions"}
#: Tables that are told in part: each expected line must fit one row, the others are not looked at.
IN_PART = ("kpis", "vantage")
TRUNK_2, PRACTICE = "203.0.113.22", "198.51.100.110"


def tables_of(folder: str) -> list[Path]:
    """The expected tables of a folder; without any it shows nothing."""
    tables = sorted((HERE / folder / "expected").glob("*.tsv"))
    assert tables, folder
    return tables


def compared(result: Any, path: Path) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """An expected table, and what the program says in its place: rows in the order of the expected ones."""
    table = path.stem
    wanted, seen = expected(path), rows(result, table)
    if table in IN_PART:
        fitting = [[row for row in seen if as_expected(row, line) == line] for line in wanted]
        return wanted, [line for line, found in zip(wanted, fitting, strict=True) if len(found) == 1]
    if table not in IN_ORDER and wanted:
        columns = dict.fromkeys(wanted[0], "")
        seen.sort(key=lambda row: tuple(as_expected(row, columns).values()))
        wanted.sort(key=lambda row: tuple(row.values()))
    said = [as_expected(row, line) for row, line in zip(seen, wanted, strict=False)]
    return wanted, said + [{name: cell(row[name]) for name in row} for row in seen[len(wanted) :]]


@pytest.mark.parametrize("name", FOLDERS)
def test_the_expected_tables_come_out(name: str) -> None:
    result = analyse(HERE / name / "capture.pcapng")
    for path in tables_of(name):
        wanted, seen = compared(result, path)
        assert seen == wanted, path.stem


@pytest.mark.parametrize("name", FOLDERS)
def test_both_readers_see_the_same(name: str) -> None:
    path = HERE / name / "capture.pcapng"
    by_kernels, whole = Messages(), Messages()
    fast = analyse(path, reader="kernels", message_sink=by_kernels)
    slow = analyse(path, reader="scapy", message_sink=whole)
    assert by_kernels.rows == whole.rows
    assert by_kernels.rows
    for table in (*ORDERED, "responses", "requests"):
        assert rows(fast, table) == rows(slow, table), table
    assert document(fast) == document(slow)


def test_the_key_log_beside_a_capture_opens_it_as_secrets_in_it_do() -> None:
    inside = document(analyse(HERE / "tls" / "capture.pcapng"))
    beside = document(analyse(HERE / "tls" / "capture.pcap", keylog=str(HERE / "tls" / "keylog")))
    for said in (inside, beside):
        said["captures"][0].pop("source")
    assert inside == beside


def test_without_a_key_log_all_is_opaque() -> None:
    said = document(analyse(HERE / "tls" / "capture.pcap"))
    assert said["calls"]["total"] == 0
    assert said["captures"][0]["sip_messages"] == 0
    assert said["captures"][0]["opaque_connections"] == 7


def test_every_folder_says_what_it_shows() -> None:
    listed = (HERE / "README.md").read_text(encoding="utf-8")
    for name in FOLDERS:
        assert (HERE / name / "README.md").read_text(encoding="utf-8").startswith("# ")
        assert f"`{name}`" in listed, f"pcaps/README.md does not list {name}"


def test_captures_are_as_their_flows_say() -> None:
    assert not stale(), "run python pcaps/make.py"


@pytest.fixture(scope="module")
def book() -> dict[str, dict[str, int]]:
    return tomllib.loads((HERE / "demo.toml").read_text(encoding="utf-8"))


def test_the_demo_yields_what_was_planted(book: dict[str, dict[str, int]]) -> None:
    result = analyse(HERE / "demo.pcapng")
    said = document(result)
    calls = rows(result, "calls")
    planted = dict(book["calls"])
    for name in ("by_outcome", "by_status_code", "by_release"):
        assert {key: count for key, count in said["calls"][name].items() if count} == planted.pop(name), name
    assert {name: said["calls"][name] for name in planted} == planted
    assert {str(row["cause"]): row["calls"] for row in said["causes"]} == book["causes"]
    charged = {row["ip"]: row["failures_as_responder"] for row in said["endpoints"] if row["failures_as_responder"]}
    assert charged == book["failures_as_responder"]
    for name, key in (("responses", "status_code"), ("requests", "method")):
        messages: Counter[str] = Counter()
        for row in said[name]:
            messages[str(row[key])] += row["messages"]
        assert messages == book[name], name
    registered = {key: count for key, count in said["registrations"]["by_outcome"].items() if count}
    assert registered == book["registrations"]
    assert said["captures"][0]["frames"] == book["frames"]["total"]
    assert _incident(calls, rows(result, "transactions")) == book["incident"]
    addresses = {row["caller_ip"] for row in calls} | {row["callee_ip"] for row in calls}
    documentation = ("192.0.2.", "198.51.100.", "203.0.113.")  # RFC 5737
    assert all(address.startswith(documentation) for address in addresses)


def _incident(calls: list[Row], transactions: list[Row]) -> dict[str, int]:
    """The incident as a reader of the calls would count it, by time and addresses."""
    begin, end = 1773130320 * 10**9, 1773132420 * 10**9  # 09:12 and 09:47 in Amsterdam
    refused = {row["call_no"] for row in transactions if row["server_ip"] == TRUNK_2 and row["status_code"] == 503}
    during = [row for row in calls if begin <= row["invite_ts"] < end]
    trunk = [row for row in during if row["failed_by_ip"] == TRUNK_2]
    read = [row for row in trunk if row["cause"] == 34 and row["cause_from"] == "reason"]
    practice = [row for row in during if row["failed_by_ip"] == PRACTICE and row["status_code"] == 488]
    return {
        "failed_with_read_cause_34": len(read),
        "failed_without_reason": len([row for row in trunk if row not in read]),
        "refused_488_by_one_device": len(practice),
        "rerouted_and_answered": len(
            [row for row in during if row["outcome"] == "answered" and row["call_no"] in refused]
        ),
    }


def test_the_readme_gives_the_planted_numbers(book: dict[str, dict[str, int]]) -> None:
    lines = (HERE / "README.md").read_text(encoding="utf-8").splitlines()
    cells = [line.strip("| ").split(" | ")[-1] for line in lines if line.startswith("| ")]
    calls, incident = book["calls"], book["incident"]
    by_outcome: Any = calls["by_outcome"]
    assert [int(text) for text in cells if text.isdigit()] == [
        calls["total"],
        by_outcome["answered"],
        calls["unsuccessful"],
        calls["failures"],
        incident["failed_with_read_cause_34"],
        incident["failed_without_reason"],
        incident["rerouted_and_answered"],
        incident["refused_488_by_one_device"],
    ]
