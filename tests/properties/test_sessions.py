"""Promises of sessions: neither the order of calls matters nor calls that have nothing to do with them."""

from __future__ import annotations

from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.correlate.blame import ORIGINATED
from analyzer.correlate.sessions import Sessions
from analyzer.registry import load_registry
from analyzer.stats.counting import failures
from analyzer.stats.endpoints import endpoints
from tests.stats.made import SECOND, START, MadeConfig, calls

REGISTRY = load_registry()
few = settings(max_examples=60, deadline=None, derandomize=True)
ADDRESSES = [f"192.0.2.{n}" for n in range(1, 5)]
OUTCOMES = [
    ("answered", 200), ("failed", 503), ("invalid_number", 404), ("busy", 486), ("timed_out", None), ("open", None),
]  # fmt: skip


def made_call(random: Random, addresses: list[str], number: int) -> dict[str, Any]:
    """A call between a few elements at about the same time, so that legs of all kinds come about."""
    start = START + random.randrange(40) * 100_000_000
    outcome, code = random.choice(OUTCOMES)
    end = start + random.randrange(1, 60) * 100_000_000
    caller, callee = random.choice(addresses), random.choice(addresses)
    prefix = addresses[0].rpartition(".")[0]
    row = {
        "call_no": number, "call_id": f"{prefix}-{number}", "from_tag": f"t{number}", "caller_ip": caller,
        "callee_ip": callee, "invite_ts": start, "outcome": outcome, "status_code": code,
        "end_ts": None if outcome == "open" else end, "answer_ts": end if outcome == "answered" else None,
        "bye_ts": end + SECOND if outcome == "answered" else None,
        "failed_by_ip": None if outcome in ("answered", "open") else callee,
        "from_uri": f"sip:{prefix}{random.randrange(3)}@x", "to_uri": "sip:y@x",
        "request_uri": f"sip:{random.choice(['', '0', '31'])}20123456{random.randrange(3)}@x",
    }  # fmt: skip
    kind = random.randrange(6)
    if kind == 0:
        uuid = (prefix * 9).replace(".", "")[:31] + str(random.randrange(3))
        row["session_id"] = f"{uuid};remote={0:032x}"
    elif kind == 1:
        row["linked_id"] = f"{prefix}-{random.randrange(1, 12)}"
    if outcome == "answered":
        row["end_ts"] = row["bye_ts"]
    return row


def sessions_of(rows: list[dict[str, Any]]) -> Sessions:
    return Sessions(calls(*rows), REGISTRY, MadeConfig())


def groups(rows: list[dict[str, Any]]) -> set[tuple[frozenset[int], str, str | None, int | None]]:
    """Each session by its calls, and what was made of it."""
    found = sessions_of(rows)
    members: dict[int, set[int]] = {}
    for row, number in zip(rows, found.session_no.tolist(), strict=True):
        members.setdefault(number, set()).add(row["call_no"])
    return {
        (frozenset(members[row["session_no"]]), row["outcome"], row["failed_by_ip"], row["failed_in_call"])
        for row in found.columns().rows()
    }


@few
@given(st.integers(0, 2**32), st.integers(1, 14))
def test_the_order_of_the_table_does_not_matter(seed: int, count: int) -> None:
    random = Random(seed)
    rows = [made_call(random, ADDRESSES, number) for number in range(1, count + 1)]
    shuffled = random.sample(rows, count)
    assert groups(rows) == groups(shuffled)


@few
@given(st.integers(0, 2**32), st.integers(1, 10))
def test_calls_of_others_do_not_matter(seed: int, count: int) -> None:
    random = Random(seed)
    rows = [made_call(random, ADDRESSES, number) for number in range(1, count + 1)]
    others = [made_call(random, ["198.51.100.1", "198.51.100.2", "198.51.100.3"], 100 + n) for n in range(6)]
    together = groups(random.sample([*rows, *others], count + 6))
    assert {group for group in together if min(group[0]) < 100} == groups(rows)


@few
@given(st.integers(0, 2**32), st.integers(1, 14))
def test_a_session_is_a_tree_and_fails_once(seed: int, count: int) -> None:
    random = Random(seed)
    rows = [made_call(random, ADDRESSES, number) for number in range(1, count + 1)]
    made, found = calls(*rows), sessions_of(rows)
    table, links = found.columns(), list(found.links().rows())
    assert sorted(table.ints("session_no").tolist()) == list(range(1, len(found) + 1))
    assert len(links) == count - len(found)
    start = {row["call_no"]: row["invite_ts"] for row in rows}
    assert all(start[row["upstream_call_no"]] <= start[row["call_no"]] for row in links)
    failed = failures(table)
    assert int((found.charges.role == ORIGINATED).sum()) == int(failed.sum())
    charged = failed & (table.labels("failed_by_ip").codes >= 0)
    rows_of = endpoints(made, MadeConfig(), None, None, found.charges)  # type: ignore[arg-type]
    assert sum(row.failures_as_responder for row in rows_of) == int(charged.sum())
