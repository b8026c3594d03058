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
from analyzer.stats.endpoints import endpoints
from tests.frames import Datagram, write_pcap
from tests.reference.ladders import SECOND, START, Sent, ladder
from tests.reference.messages import read_capture
from tests.reference.rows import Reference, Row, reference

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT / ".." / "shared" / "captures"
KINDS = ("orderly", "realistic", "unruly", "registration")
EXAMPLES = settings(
    max_examples=25,
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
    "cause_conflict", "failed_by_ip", "failed_code", "charged_grade", "relayed_by", "attempts", "challenges",
    "forks", "hops", "messages", "resends", "srd_ms", "sdd_ms", "sdt_s",
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
            if name in got and not same(value, got[name]) and not unsettled(kind, wanted, name):
                where = [wanted[column] for column in key]
                yield f"{kind} {where}: {name} is {got[name]!r}, expected {value!r}"


def unsettled(kind: str, row: Row, name: str) -> bool:
    """Cells in which program and reference still read the definitions differently (tests/reference/README.md)."""
    if kind == "call":
        return (
            (name == "ack_ts" and row["answer_ts"] is None)  # 5
            or (name in ("end_ts", "outcome_detail") and row["status_code"] is None)  # 9
            or (name in ("cause", "cause_from") and row["release"] == "no_ack")  # 42
            or name == "sdd_ms"  # 55
        )
    return kind == "transaction" and name == "ended_by" and row["kind"] == "invite"  # 9


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
    for row in calls:  # the reference reads no SDP, and so knows no announcements
        row["outcome_detail"] = None if row["outcome_detail"] == "announcement" else row["outcome_detail"]
    yield from differences("call", wanted.calls, calls, ("call_id", "frame_no"))
    # Responses without a request stand among the transactions as well; the reference keeps them apart.
    transactions = [
        row for row in result.columns("transactions").rows() if row["request_no"] is not None and row["method"] != "ACK"
    ]
    yield from differences("transaction", wanted.transactions, transactions, ("request_no",))
    registrations = result.columns("registrations").rows()
    yield from differences("registration", wanted.registrations, registrations, ("call_id", "request_ts"))
    yield from unlike_counts(wanted, result)
    if result.orphans != wanted.orphans:
        yield f"orphans: {result.orphans}, expected {wanted.orphans}"
    seen = {(row.ip, row.network): row._asdict() for row in endpoints(result.columns("calls"), result.config)}
    if set(seen) != set(wanted.endpoints):
        yield f"endpoints: {sorted(seen, key=str)}, expected {sorted(wanted.endpoints, key=str)}"
    for place, row in wanted.endpoints.items():
        where = dict(zip(("ip", "network"), place, strict=True))
        yield from differences("endpoint", [{**where, **row}], [seen.get(place, where)], ("ip", "network"))


def unlike_counts(wanted: Reference, result: Any) -> Iterator[str]:
    for kind, counts, keys in (
        ("responses", wanted.responses, ("status_code", "method")),
        ("requests", wanted.requests, ("method",)),
    ):
        seen: dict[Any, list[int]] = {}
        for row in getattr(result, kind):
            own = tuple(getattr(row, name) for name in keys)
            count = seen.setdefault(own if len(own) > 1 else own[0], [0, 0, 0, 0])
            for place, name in enumerate(("messages", "unique", "resends", "copies")):
                count[place] += getattr(row, name)
        for what in counts.keys() | seen.keys():
            if counts.get(what) != tuple(seen.get(what, ())):
                yield f"{kind} {what}: {seen.get(what)}, expected {counts.get(what)}"


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
@given(
    st.integers(0, 2**32), st.sampled_from(("orderly", "orderly", "registration")), st.sampled_from((0, 1, 31, 33, 400))
)
def test_random_ladders_as_the_reference(tmp_path_factory: Any, seed: int, kind: str, rest: int) -> None:
    sent = drawn(seed, kind, False)
    end = sent[-1].ts + rest * SECOND
    path = write(sent, tmp_path_factory.getbasetemp() / "random.pcap", end)
    assert compare(path) == []


@EXAMPLES
@given(ladders)
def test_messages_of_any_ladder_are_counted_as_the_reference(tmp_path_factory: Any, drawing: Any) -> None:
    path = write(drawn(*drawing), tmp_path_factory.getbasetemp() / "counted.pcap")
    messages, end = read_capture(path)
    assert list(unlike_counts(reference(messages, end), tables(path))) == []


#: The reference reads nothing but plain datagrams: recorded samples and other transports are not its business.
CORPUS = [
    path
    for path in sorted((ROOT / "pcaps").glob("*/capture.pcapng"))
    if (path.parent / "flow.txt").exists() and " -- " not in (path.parent / "flow.txt").read_text(encoding="utf-8")
]


@pytest.mark.parametrize("path", CORPUS, ids=[path.parent.name for path in CORPUS])
def test_corpus_as_the_reference(path: Path) -> None:
    assert compare(path) == []


def test_demo_as_the_reference() -> None:
    assert compare(ROOT / "pcaps" / "demo.pcapng") == []


#: Captures whose messages are damaged, fragmented, out of order or without Via and Call-ID: what to make of them is
#: not the reference's business.
NOT_PLAIN = {
    "generated/udp_fragments.pcap", "irontec__sngrep/ipv6frag.pcap", "ntop__nDPI/fuzz-2006-06-26-2594.pcap",
    "goffinet__sip_captures/private-test-sip-2.pcapng", "generated/d_out_of_order_2.pcap",
    "javier-pastor__ptavi-p6/invite.pcap", "marcelocubria__ptavi-p4/register.pcap", "generated/snaplen_200.pcap",
}  # fmt: skip


def shared_paths() -> list[str]:
    """Captures with SIP over UDP alone and without tunnels."""
    if not (SHARED / "INDEX.tsv").exists():
        return []
    with (SHARED / "INDEX.tsv").open(encoding="utf-8") as index:
        rows = list(csv.DictReader(index, delimiter="\t"))
    plain = [row["path"] for row in rows if row["encapsulations"] == "-" and udp_only(row["sip_transports"])]
    return [path for path in plain if path not in NOT_PLAIN]


def udp_only(transports: str) -> bool:
    return transports.startswith("udp:") and "," not in transports


def test_shared_captures_as_the_reference() -> None:
    paths = shared_paths()
    if not paths:
        pytest.skip("no captures beside the repository")
    found = {path: unlike_here for path in paths if (unlike_here := compare(SHARED / path))}
    assert found == {}


# ----------------------------------------------------------------------------------------------------
# Properties that need no second implementation.


def outcomes(path: Path, *more: Path) -> list[tuple[Any, ...]]:
    """The calls in the order of their first INVITE, without what says where in a file they stand."""
    result = analyzer.analyze(*(str(one) for one in (path, *more)), keep=("calls",))
    left_out = {"frame_no", "capture_no", "call_no"}
    rows = sorted(result.columns("calls").rows(), key=lambda row: (row["invite_ts"], row["call_id"]))
    return [tuple((name, value) for name, value in row.items() if name not in left_out) for row in rows]


@EXAMPLES
@given(ladders, st.integers(1, 200))
def test_cutting_a_capture_in_two_changes_nothing(tmp_path_factory: Any, drawing: Any, place: int) -> None:
    seed, kind, _ = drawing
    sent = drawn(seed, kind, False)
    place = min(place, len(sent) - 1)
    if place < 1 or sent[place].ts == sent[place - 1].ts:
        return
    folder = tmp_path_factory.getbasetemp()
    whole = write(sent, folder / "whole.pcap")
    parts = write(sent[:place], folder / "first.pcap"), write(sent[place:], folder / "second.pcap")
    assert outcomes(whole) == outcomes(*parts)


@EXAMPLES
@given(ladders, st.integers(0, 200))
def test_resending_a_message_changes_only_resend_columns(tmp_path_factory: Any, drawing: Any, place: int) -> None:
    seed, kind, _ = drawing
    sent = drawn(seed, kind, False)
    if not sent:
        return
    place %= len(sent)
    folder = tmp_path_factory.getbasetemp()
    again = [*sent[: place + 1], sent[place], *sent[place + 1 :]]
    before, after = (outcomes(write(one, folder / "resent.pcap")) for one in (sent, again))
    for old, new in zip(before, after, strict=True):
        changed = {name for (name, value), pair in zip(old, new, strict=True) if (name, value) != pair}
        # A 2xx that was resent until somebody gave up is what no_ack means.
        if ("release", "no_ack") in (*old, *new):
            changed -= {"release", "cause", "cause_from"}
        assert changed <= RESEND_COLUMNS


@EXAMPLES
@given(ladders, st.integers(0, 2**32))
def test_copies_change_only_their_own_count_and_that_of_messages(
    tmp_path_factory: Any, drawing: Any, draw: int
) -> None:
    sent = drawn(*drawing)
    if not sent:
        return
    random = Random(draw)
    packets = [
        Datagram(one.ts, one.src, 5060, one.dst, 5060, one.payload, number % 65_535 + 1)
        for number, one in enumerate(sent)
    ]
    lag, vlan = random.choice((0, 3_000, 2_000_000)), random.choice((None, 10))
    shown = [(packet, packet) for packet in packets]
    shown += [(packet, packet._replace(ts=packet.ts + lag, vlan=vlan)) for packet in packets if random.random() < 0.9]
    path = tmp_path_factory.getbasetemp() / "copied.pcap"
    # The capture holds them in order of time; where time goes back, a copy comes right behind its packet.
    places = {packet: place for place, packet in enumerate(packets)}
    end = Datagram(max(packet.ts for packet in packets) + SECOND, "192.0.2.250", 40000, "192.0.2.251", 40002, b"\x80")
    write_pcap([*(packet for _, packet in sorted(shown, key=lambda pair: places[pair[0]])), end], path)
    copied = tables(path)
    once = tables(write(sent, path, end.ts))
    assert copied.captures[0].duplicates == len(shown) - len(packets)
    for table in ("calls", "registrations", "transactions"):
        assert told(copied, table) == told(once, table)
    for kind in ("requests", "responses"):
        rows, wanted = ({row[:-4]: row[-4:] for row in getattr(result, kind)} for result in (copied, once))
        assert {what: counts[1:3] for what, counts in rows.items()} == {
            what: counts[1:3] for what, counts in wanted.items()
        }
        assert all(messages == unique + resends + copies for messages, unique, resends, copies in rows.values())


def told(result: Any, table: str) -> list[Row]:
    """A table without the numbers of frames and messages, which copies move."""
    moved = {"frame_no", "request_no", "final_no", "ack_no"}
    return [{name: value for name, value in row.items() if name not in moved} for row in result.columns(table).rows()]


@EXAMPLES
@given(st.integers(0, 2**32), st.integers(1, 200))
def test_closing_early_leaves_an_outcome_or_open(tmp_path_factory: Any, seed: int, place: int) -> None:
    sent = drawn(seed, "orderly", False)
    if not sent:
        return
    folder = tmp_path_factory.getbasetemp()
    whole = write(sent, folder / "whole.pcap", sent[-1].ts + 400 * SECOND)
    late = {(row["call_id"], row["frame_no"]): row for row in tables(whole).columns("calls").rows()}
    early = tables(write(sent[: min(place, len(sent))], folder / "early.pcap")).columns("calls")
    for row in early.rows():
        if row["outcome"] != "open":
            assert row["outcome"] == late[row["call_id"], row["frame_no"]]["outcome"]


@EXAMPLES
@given(ladders)
def test_closing_early_fails_no_call_without_final_or_timer(tmp_path_factory: Any, drawing: Any) -> None:
    sent = [one for one in drawn(*drawing) if one.ts < START + 31 * SECOND]
    if not sent:
        return
    path = write(sent, tmp_path_factory.getbasetemp() / "early.pcap")
    for row in tables(path).columns("calls").rows():
        if row["status_code"] is None:
            assert row["outcome"] == "open"
