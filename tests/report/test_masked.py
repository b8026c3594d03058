"""No number of anybody's is left in a masked report, wherever it stood."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.periods import Period
from analyzer.report.lines import CallRef, Count, NoteLine
from analyzer.report.lines_of_traffic import DestinationLine
from analyzer.report.masked import masked, masked_user
from analyzer.report.model import WeeklyReport
from tests.report.sample import HOSTILE, key, report

NUMBER, LOCAL, USER = "+31205559876", "0205559876", "annabel"


def with_call(made: WeeklyReport, **changed: Any) -> WeeklyReport:
    """The report with another A number (and what else is given) in one of its calls."""
    call = replace(made.calls[key(20)], **{"a_number": NUMBER, **changed})
    return replace(made, calls={**made.calls, key(20): call})


def only_call(call_id: str, **changed: Any) -> CallRef:
    """What becomes of that call."""
    return masked(with_call(report(), call_id=call_id, **changed)).calls[key(20)]


@pytest.mark.parametrize(
    ("user", "shown"),
    [
        ("+31205559876", "+31…76"),
        ("0031205559876", "0031…76"),
        ("%2B31205559876", "%2B31…76"),
        ("0205559876", "02…76"),
        ("020-555 98.76", "02…76"),
        ("5559876", "…76"),
        ("1234", "…4"),
        ("101", "…1"),
        ("12", "…"),
        ("7", "…"),
        ("112", "112"),
        ("alice", "a…"),
        ("a", "…"),
        ("0205559876-trunk", "…"),
        ("*21*0205559876#", "…"),
        ("anonymous", "anonymous"),
        ("Anonymous", "Anonymous"),
        ("", ""),
    ],
)
def test_what_a_user_becomes(user: str, shown: str) -> None:
    assert masked_user(user, frozenset({"112"})) == shown


@given(st.from_regex(r"\+?[0-9]{3,20}", fullmatch=True))
def test_no_number_tells_more_than_its_ends(number: str) -> None:
    shown = masked_user(number)
    assert masked_user(number) == shown != number
    hidden = len(re.sub(r"\D", "", number)) - len(re.sub(r"\D", "", shown))
    assert hidden >= (3 if len(number.lstrip("+")) >= 5 else 2)


def test_numbers_of_calls_are_masked_and_all_else_stays() -> None:
    before = report()
    after = masked(before)
    for name, call in before.calls.items():
        other = after.calls[name]
        assert other.a_number == masked_user(call.a_number or "")
        assert replace(other, a_number=call.a_number, b_number=call.b_number, call_id=call.call_id) == replace(
            call, caller_agent=other.caller_agent, callee_agent=other.callee_agent, source=other.source,
            carrier=other.carrier,
        )  # fmt: skip
    for field in ("headline", "outcomes", "codes", "causes", "endpoints", "trunks", "emergency", "heat", "crossed"):
        assert getattr(after, field) == getattr(before, field)
    assert after.about == before.about


def test_a_number_is_found_in_every_text_of_a_report() -> None:
    planted = with_call(_planted(report()))
    assert str(planted).count("5559876") > 150
    left = str(masked(planted))
    assert "5559876" not in left
    assert "…76" in left


def _planted(value: Any) -> Any:
    """A value with a number behind every text in it but keys."""
    if type(value) is str:
        return f"{value} {NUMBER}"
    if isinstance(value, Period):
        return value
    if isinstance(value, Count):
        return replace(value, choice=f"--number {NUMBER}")
    if is_dataclass(value) and not isinstance(value, type):
        kept = ("key", "shown", "id", "kpi", "calls") if isinstance(value, (CallRef, WeeklyReport)) else ("id", "kpi")
        made = replace(value, **{f.name: _planted(getattr(value, f.name)) for f in fields(value) if f.name not in kept})
        if isinstance(made, WeeklyReport):
            made = replace(made, calls={name: _planted(call) for name, call in value.calls.items()})
        return made
    if isinstance(value, tuple) and not hasattr(value, "_fields"):
        return tuple(_planted(one) for one in value)
    if isinstance(value, Mapping):
        return {_planted(name): _planted(one) for name, one in value.items()}
    return value


@pytest.mark.parametrize(
    ("call_id", "shown"),
    [
        (f"{LOCAL}-1a2b@192.0.2.10", "02…76-1a2b@192.0.2.10"),
        ("31205559876", "31…76"),
        ("20261110120531205559876@pbx", "20…76@pbx"),
        ("+4930123456789-x", "+49…89-x"),  # + and digits: a number, whosever
        ("8f14e45f-99105559@192.0.2.10", "8f14e45f-99105559@192.0.2.10"),  # chance stays: a ticket needs it
        ("1731242@192.0.2.101", "1731242@192.0.2.101"),
    ],
)
def test_numbers_in_call_ids(call_id: str, shown: str) -> None:
    assert only_call(call_id).call_id == shown


def test_extensions_and_names_in_call_ids() -> None:
    assert only_call("101-77@192.0.2.101", a_number="101").call_id == "…1-77@192.0.2.101"
    assert only_call("Annabel-77@192.0.2.1", b_number=USER).call_id == "A…-77@192.0.2.1"
    assert only_call("112-77@192.0.2.1", b_number="112").call_id == "112-77@192.0.2.1"
    assert only_call("112-77@192.0.2.1", b_number="112").b_number == "112"


@pytest.mark.parametrize(
    ("a_number", "shown"),
    [
        ("sip:192.0.2.9", "sip:192.0.2.9"),
        (None, None),
        ("urn:service:sos", "u…"),
        ("im:alice@example.net", "i…"),
    ],
)
def test_callers_without_a_number(a_number: str | None, shown: str | None) -> None:
    assert only_call("x", a_number=a_number).a_number == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("call +31 (20) 555-9876 on 2026-11-10 at 14:05", "call +31…76 on 2026-11-10 at 14:05"),
        ("10-11-2026 20:00 192.0.2.100 moved", "10-11-2026 20:00 192.0.2.100 moved"),
        ("020.555.98.76 is Annabel", "02…76 is A…"),
        ("sip:annabel@example.net; tel:0307654321", "sip:a…@example.net; tel:03…21"),
        ("ticket INC0012345, 412 calls of 1.024", "ticket INC0012345, 412 calls of 1.024"),
        (f"ticket INC{LOCAL}", "ticket INC02…76"),
    ],
)
def test_numbers_in_notes(text: str, shown: str) -> None:
    made = with_call(report(), b_number=USER)
    note = NoteLine("note", date(2026, 11, 10), text)
    assert masked(replace(made, notes=(note,))).notes[0].text == shown


def test_addresses_of_record_and_files() -> None:
    made = with_call(report(), source=f"calls-of-{LOCAL}.pcap")
    outage = replace(made.outages[0], subject="sip:0307654321@example.net")
    after = masked(replace(made, outages=(outage,)))
    assert after.outages[0].subject == "sip:03…21@example.net"
    assert after.calls[key(20)].source == "calls-of-02…76.pcap"


def test_dial_codes_stay_and_numbers_with_a_name_do_not() -> None:
    line = report().destinations[0]
    after = masked(replace(report(), destinations=(line, replace(line, prefix="+31207654321"))))
    assert [one.prefix for one in after.destinations if isinstance(one, DestinationLine)] == ["+49", "+31…21"]


def test_hostile_texts_take_no_time() -> None:
    endless = ("a" * 20_000 + "@ ") * 3
    call = only_call("0" * 60_000, caller_agent=endless, callee_agent="tel:" + "1" * 60_000)
    assert call.callee_agent != "tel:" + "1" * 60_000
    assert set(HOSTILE) & {call.caller_agent for call in masked(report()).calls.values()}
