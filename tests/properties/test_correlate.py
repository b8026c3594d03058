"""The correlator against a second, plain implementation of the same definitions (tests/reference/README.md)."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import analyzer
from tests.frames import Datagram, write_pcap
from tests.reference.ladders import SECOND, START, Sent, ladder
from tests.reference.messages import read_capture
from tests.reference.rows import Reference, Row, reference

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT / ".." / "shared" / "captures"
KINDS = ("realistic", "unruly", "registration")
EXAMPLES = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)

#: Columns that the reference does not decide: numbers of our own, texts for people, packs and profiles.
CALL_COLUMNS = (
    "frame_no", "call_id", "from_tag", "to_tag", "from_uri", "to_uri", "request_uri", "network", "caller_ip",
    "callee_ip", "invite_ts", "progress_ts", "answer_ts", "ack_ts", "bye_ts", "end_ts", "status_code", "outcome",
    "outcome_detail", "fault", "release", "release_cause", "released_by", "cause", "cause_from", "cause_mapped",
    "cause_conflict", "failed_by_ip", "charged_grade", "relayed_by", "attempts", "challenges", "forks", "hops",
    "messages", "resends", "srd_ms", "sdd_ms", "sdt_s",
)  # fmt: skip
RESEND_COLUMNS = {"messages", "resends", "request_resends", "response_resends"}


def differences(kind: str, expected: Iterable[Row], seen: Iterable[Row], key: tuple[str, ...]) -> Iterator[str]:
    """One line for each cell that differs, and for each row that only one side has."""
    ordered = [sorted(rows, key=lambda row: str([row[name] for name in key])) for rows in (expected, seen)]
    if len(ordered[0]) != len(ordered[1]):
        sides = [{tuple(str(row[name]) for name in key) for row in rows} for rows in ordered]
        yield f"{kind}: {len(ordered[0])} rows expected, {len(ordered[1])} seen; only expected "
        yield f"{sorted(sides[0] - sides[1])[:3]}, only seen {sorted(sides[1] - sides[0])[:3]}"
        return
    for wanted, got in zip(*ordered, strict=True):
        for name, value in wanted.items():
            if name in got and not same(value, got[name]):
                where = [wanted[column] for column in key]
                yield f"{kind} {where}: {name} is {got[name]!r}, expected {value!r}"


def same(expected: Any, seen: Any) -> bool:
    if isinstance(expected, float) and isinstance(seen, float):
        return abs(expected - seen) < 1e-6
    if isinstance(expected, tuple):
        return set(expected) == set((seen or "").split())
    return bool(expected == seen)


def compare(path: Path, **options: Any) -> list[str]:
    """Everything in which the program and the reference differ on one capture."""
    messages, end = read_capture(path)
    return list(unlike(reference(messages, end), tables(path, **options)))


def tables(path: Path, **options: Any) -> Any:
    return analyzer.analyze(str(path), keep=("calls", "registrations", "transactions"), **options)


def unlike(wanted: Reference, result: Any) -> Iterator[str]:
    calls = [{name: row[name] for name in CALL_COLUMNS} for row in result.columns("calls").rows()]
    yield from differences("call", wanted.calls, calls, ("call_id", "frame_no"))
    transactions = result.columns("transactions").rows()
    yield from differences("transaction", wanted.transactions, transactions, ("request_no",))
    registrations = result.columns("registrations").rows()
    yield from differences("registration", wanted.registrations, registrations, ("call_id", "request_ts"))
    for kind, counts, keys in (
        ("responses", wanted.responses, ("status_code", "method")),
        ("requests", wanted.requests, ("method",)),
    ):
        seen: dict[Any, list[int]] = {}
        for row in result.columns(kind).rows():
            own = tuple(row[name] for name in keys)
            count = seen.setdefault(own if len(own) > 1 else own[0], [0, 0, 0])
            for place, name in enumerate(("messages", "unique", "resends")):
                count[place] += row[name]
        for what in counts.keys() | seen.keys():
            if counts.get(what) != tuple(seen.get(what, ())):
                yield f"{kind} {what}: {seen.get(what)}, expected {counts.get(what)}"
    endpoints = {row["ip"]: row for row in result.columns("endpoints").rows()}
    for ip, row in wanted.endpoints.items():
        yield from differences("endpoint", [{"ip": ip, **row}], [endpoints.get(ip, {"ip": ip})], ("ip",))


def write(sent: list[Sent], path: Path, end: int = 0) -> Path:
    """A ladder as a capture; `end`: a last frame that is not SIP."""
    datagrams = [
        Datagram(one.ts, one.src, 5060, one.dst, 5060, one.payload, number % 65_535 + 1)
        for number, one in enumerate(sent)
    ]
    if end:
        datagrams.append(Datagram(end, "192.0.2.250", 40000, "192.0.2.251", 40002, b"\x80" + bytes(27)))
    write_pcap(datagrams, path)
    return path


def drawn(seed: int, kind: str, disturb: bool) -> list[Sent]:
    return ladder(Random(seed), kind, disturb)


ladders = st.tuples(st.integers(0, 2**32), st.sampled_from(KINDS), st.booleans())


# ----------------------------------------------------------------------------------------------------


@EXAMPLES
@given(ladders, st.sampled_from((0, 1, 31, 33, 170, 400)))
def test_random_ladders_as_the_reference(tmp_path_factory: Any, drawing: Any, rest: int) -> None:
    sent = drawn(*drawing)
    end = max((one.ts for one in sent), default=START) + rest * SECOND
    path = write(sent, tmp_path_factory.getbasetemp() / "random.pcap", end)
    assert compare(path) == []
