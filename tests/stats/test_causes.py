"""Causes of unsuccessful calls, and what mapping profiles say of them."""

from __future__ import annotations

from analyzer.registry import load_registry
from analyzer.stats.causes import Told, causes, mapped, told
from analyzer.stats.releases import release_causes, released_by, releases
from analyzer.vocab import Release, ReleasedBy
from tests.stats.made import START, calls

REGISTRY = load_registry()
BUSY = {"outcome": "busy", "status_code": 486, "cause": 17, "cause_from": "reason"}
TRUNK = {"outcome": "failed", "status_code": 503, "cause": 34, "cause_from": "reason"}
DERIVED = {"outcome": "failed", "status_code": 503, "cause": 34, "cause_from": "profile"}
CANCELLED = {"outcome": "cancelled", "status_code": 487, "cause": 16, "cause_from": "event"}


def test_causes_are_grouped_by_where_they_come_from() -> None:
    rows = causes(calls({}, BUSY, TRUNK, DERIVED, {"outcome": "rejected", "status_code": 751}), REGISTRY)
    assert [(row.cause, row.hex, row.dss1_hex, row.calls, row.read, row.derived) for row in rows] == [
        (34, "22", "A2", 2, 1, 1),
        (17, "11", "91", 1, 1, 0),
        (None, None, None, 1, 0, 0),
    ]
    assert rows[1].text == "User busy"


def test_answered_and_left_out_calls_have_no_cause_row() -> None:
    quiet = [
        {"outcome": word, "cause": 16, "cause_from": "event"}
        for word in ("answered", "elsewhere", "redirected", "open")
    ]
    assert causes(calls(*quiet), REGISTRY) == []


def test_profiles_stand_side_by_side_and_differ_where_they_differ() -> None:
    rows = told(calls(BUSY, TRUNK, TRUNK), REGISTRY, ("dss1", "rfc3398"))
    assert rows == [
        Told(34, 503, 2, {"dss1": 63, "rfc3398": 41}),
        Told(17, 486, 1, {"dss1": 17, "rfc3398": 17}),
    ]
    assert [row.is_disputed for row in rows] == [True, False]


def test_no_profile_speaks_of_callers_who_hung_up() -> None:
    assert told(calls(CANCELLED), REGISTRY, ("dss1", "rfc3398")) == [Told(16, 487, 1, {})]


def test_a_487_is_spoken_of_only_when_no_cancel_was_seen() -> None:
    timer = {"outcome": "no_answer", "status_code": 487, "cause": 19, "cause_from": "reason"}
    rows = told(calls(timer, {**timer, "released_by": "caller"}), REGISTRY, ("dss1",))
    assert [row.by_profile for row in rows] == [{"dss1": 127}, {}]


def test_silence_and_vendor_codes_are_told_nothing() -> None:
    rows = told(
        calls({"outcome": "timed_out", "cause": 18}, {"outcome": "rejected", "status_code": 751}), REGISTRY, ("dss1",)
    )
    assert {row.status_code: row.by_profile for row in rows} == {None: {"dss1": None}, 751: {"dss1": None}}


def test_a_code_that_a_profile_does_not_list_falls_back_to_rfc3398() -> None:
    assert mapped(REGISTRY, "rfc3398", 499) == 31


def test_releases_count_answered_calls_that_a_bye_ended() -> None:
    up = {"release": "still_up"}
    normal = {"release": "normal", "released_by": "caller", "bye_ts": START}
    broken = {"release": "abnormal", "release_cause": 38, "released_by": "callee", "bye_ts": START}
    table = calls(up, normal, broken, broken, BUSY)
    rows = releases(table, REGISTRY)
    assert [(row.cause, row.text, row.calls) for row in rows] == [(38, "Network out of order", 2), (None, None, 1)]
    assert released_by(table)[Release.ABNORMAL] == {ReleasedBy.CALLEE: 2}
    assert release_causes(table, Release.ABNORMAL) == {38: 2}
