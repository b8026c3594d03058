"""Messages counted by code and method: what the kernel counts, what it leaves out, and the timeline."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from analyzer import batch as b
from analyzer.correlate import traffic as module
from analyzer.correlate.correlator import Correlator
from analyzer.correlate.traffic import MINUTE, Traffic
from analyzer.vocab import Family
from tests.correlate.made import SECOND, START, Sent, batch_of, invite, request, response, rules

GIGASET = "User-Agent: Gigaset N510 IP PRO/42.258"


def counted(sent: Sequence[Sent], timeline: bool = False, cut: int = 2048) -> Traffic:
    methods = b.MethodNames()
    traffic = Traffic(rules(), methods.names, timeline)
    correlator = Correlator()
    for at in range(0, len(sent), cut):
        batch = batch_of(sent[at : at + cut], methods, at + 1)
        links, _, _ = correlator.receive(batch, traffic.counts, traffic.special)
        traffic.receive(batch, links)
    return traffic


def responses(traffic: Traffic) -> list[tuple[int, str | None, str | None, int, int]]:
    return [(r.status_code, r.method, r.vendor, r.messages, r.resends) for r in traffic.responses()]


def test_messages_are_unique_ones_and_resends() -> None:
    busy = response(1, "a", 486)
    traffic = counted([invite(0, "a"), invite(0.5, "a"), busy, busy, busy, request(2, "a", "ACK", 1)])
    assert responses(traffic) == [(486, "INVITE", None, 3, 2)]
    assert [(r.method, r.messages, r.unique, r.resends) for r in traffic.requests()] == [
        ("INVITE", 2, 1, 1),
        ("ACK", 1, 1, 0),
    ]


def test_most_come_first_then_code_and_method() -> None:
    sent = [response(n, f"c{n}", code) for n, code in enumerate((503, 486, 404, 486))]
    sent += [response(9, "d", 404, "1 BYE")]
    assert [row[:4] for row in responses(counted(sent))] == [
        (486, "INVITE", None, 2),
        (404, "BYE", None, 1),
        (404, "INVITE", None, 1),
        (503, "INVITE", None, 1),
    ]


def test_codes_that_no_rfc_lists_are_counted_with_their_maker() -> None:
    sent = [
        response(0, "a", 703, "1 INVITE", "t", GIGASET),
        response(1, "b", 703, "1 INVITE", "t", GIGASET),
        response(1, "b", 703, "1 INVITE", "t", GIGASET),
        response(2, "c", 703),
        response(3, "d", 599),
    ]
    traffic = counted(sent)
    assert responses(traffic) == [
        (703, "INVITE", "gigaset", 3, 1),
        (599, "INVITE", None, 1, 0),
        (703, "INVITE", None, 1, 0),
    ]
    families = {row.status_code: row.family for row in traffic.responses()}
    assert families == {703: Family.VENDOR, 599: Family.SERVER_ERROR}
    guesses = {(row.status_code, row.vendor): row.vendor_guess for row in traffic.responses()}
    assert guesses[703, "gigaset"] is None
    assert "gigaset" in (guesses[703, None] or "").split()
    assert not traffic.counts[[599, 703]].any()


def test_a_listed_code_is_counted_without_its_maker() -> None:
    assert responses(counted([response(0, "a", 486, "1 INVITE", "t", GIGASET)])) == [(486, "INVITE", None, 1, 0)]


def test_methods_that_nobody_lists_are_counted_by_name() -> None:
    sent = [request(0, "a", "WAVE", 1), response(1, "a", 200, "1 WAVE"), request(2, "b", "SHOUT", 1)]
    sent += [request(3, "b", "SHOUT", 1)]
    traffic = counted(sent)
    assert [(r.method, r.messages, r.resends) for r in traffic.requests()] == [("SHOUT", 2, 1), ("WAVE", 1, 0)]
    assert responses(traffic) == [(200, "WAVE", None, 1, 0)]


def test_how_batches_are_cut_does_not_matter() -> None:
    sent = [response(n, f"c{n % 7}", (486, 703, 200)[n % 3], "1 INVITE", "t", GIGASET) for n in range(40)]
    assert responses(counted(sent, cut=3)) == responses(counted(sent))


def test_a_flood_of_rare_keys_shares_one_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MAX_RARE", 5)
    methods = [request(n, f"c{n}", f"METHOD{n}", 1) for n in range(20)]
    traffic = counted(methods)
    rows = {row.method: row.messages for row in traffic.requests()}
    assert sum(rows.values()) == 20
    assert rows["(other)"] == 15
    assert len(traffic._rare) == 6


# -- over time --------------------------------------------------------------------------------------------------


def at(minute: float) -> int:
    return START + round(minute * 60) * SECOND


def test_responses_stand_in_the_minute_they_were_seen_in() -> None:
    sent = [response(n, f"c{n}", code) for n, code in ((0, 486), (59.9, 404), (60, 503), (61, 486), (200, 200))]
    traffic = counted([invite(0, "x"), *sent], timeline=True)
    assert START % MINUTE == 0
    found = {family: (times.tolist(), counts.tolist()) for family, (times, counts) in traffic.family_timeline.items()}
    assert found == {
        Family.CLIENT_ERROR: ([at(0), at(1)], [2, 1]),
        Family.SERVER_ERROR: ([at(1)], [1]),
        Family.SUCCESS: ([at(3)], [1]),
    }


def test_too_many_buckets_are_joined_in_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_BUCKETS", 4)
    sent = [response(60 * n, f"c{n}", 486) for n in range(16)]
    traffic = counted(sent, timeline=True, cut=1)
    times, counts = traffic.family_timeline[Family.CLIENT_ERROR]
    assert len(times) <= 4
    assert counts.sum() == 16
    bucket = traffic.timeline_bucket_ns
    assert bucket in {MINUTE << n for n in range(1, 8)}
    assert (times % bucket == 0).all()
    expected: dict[int, int] = {}
    for n in range(16):
        expected[at(n) // bucket * bucket] = expected.get(at(n) // bucket * bucket, 0) + 1
    assert dict(zip(times.tolist(), counts.tolist(), strict=True)) == expected


def test_without_a_timeline_nothing_is_kept() -> None:
    assert counted([response(0, "a", 486)]).family_timeline == {}
