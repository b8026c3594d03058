"""Carriers and outages out of real packets: what the correlator makes of proxies, challenges and captures."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzer.config import Config
from analyzer.report.lines_of_traffic import TrunkLine
from analyzer.report.outages import outage_lines
from analyzer.report.proof import Proof
from analyzer.report.traffic import destination_lines, durations, emergency_lines, trunk_lines
from analyzer.stats.facts import Facts
from analyzer.stats.kpi import Ratio
from tests.report.made_facts import DEMO_WEEK, demo, played
from tests.report.made_traffic import configured

PEOPLE = """
alice = 10.0.0.1
proxy = 10.0.0.9
one = 198.51.100.1
two = 203.0.113.1
"""
SITE = """
timezone = "Europe/Amsterdam"
own = ["10.0.0.0/8"]
[aliases.trunks]
"One" = ["198.51.100.0/24"]
"Two" = ["203.0.113.0/24"]
"""


@pytest.fixture
def site(tmp_path: Path) -> Config:
    return configured(tmp_path, SITE)


def lines(made: Facts) -> dict[tuple[str, str], TrunkLine]:
    return {(line.name, line.direction): line for line in trunk_lines(made, (), Proof(made))}


def test_an_overflow_behind_a_proxy_is_a_failure_of_the_trunk_that_refused(site: Config) -> None:
    ladder = """
    alice -> proxy INVITE
    proxy -> one INVITE
    proxy <- one 503 +1s
    proxy -> one ACK
    proxy -> two INVITE
    proxy <- two 180 +1s
    alice <- proxy 180
    proxy <- two 200 +2s
    alice <- proxy 200
    alice -> proxy ACK
    proxy -> two ACK
    alice -> proxy BYE +60s
    proxy -> two BYE
    proxy <- two 200
    alice <- proxy 200
    """
    found = lines(played(PEOPLE + ladder, DEMO_WEEK, site))
    assert set(found) == {("One", "to"), ("Two", "to")}
    one, two = found["One", "to"], found["Two", "to"]
    assert (one.attempts.calls, one.failures.calls, one.asr, one.peak_hour_503) == (1, 1, Ratio(0, 1), 1)
    assert (two.attempts.calls, two.failures.calls, two.asr, two.peak_hour_503) == (1, 0, Ratio(1, 1), 0)
    assert two.minutes == pytest.approx(1.0, abs=0.01)
    assert one.minutes == 0


def test_a_challenged_call_straight_to_a_trunk_is_one_attempt(site: Config) -> None:
    ladder = """
    alice -> one INVITE
    alice <- one 407
    alice -> one ACK
    alice -> one INVITE
    alice <- one 180 +1s
    alice <- one 200 +2s
    alice -> one ACK
    alice -> one BYE +30s
    alice <- one 200
    """
    found = lines(played(PEOPLE + ladder, DEMO_WEEK, site))
    assert set(found) == {("One", "to")}
    there = found["One", "to"]
    assert (there.attempts.calls, there.asr, there.ner, there.failures.calls) == (1, Ratio(1, 1), Ratio(1, 1), 0)
    assert there.acd_s == pytest.approx(30.0, abs=0.1)


def test_a_fork_to_two_trunks_is_answered_by_one_and_left_by_the_other(site: Config) -> None:
    ladder = """
    alice -> proxy INVITE
    proxy -> one INVITE
    proxy -> two INVITE
    proxy <- one 180
    proxy <- two 180
    proxy <- two 200 +2s
    alice <- proxy 200
    proxy -> one CANCEL
    proxy <- one 200
    proxy <- one 487 for=INVITE
    proxy -> one ACK
    alice -> proxy ACK
    proxy -> two ACK
    """
    found = lines(played(PEOPLE + ladder, DEMO_WEEK, site))
    assert (found["One", "to"].attempts.calls, found["One", "to"].asr) == (1, Ratio(0, 0))
    assert found["Two", "to"].asr == Ratio(1, 1)


def test_the_parts_of_the_demo_add_up() -> None:
    made = demo()
    proof = Proof(made)
    destinations = destination_lines(made, (), proof)
    assert sum(line.attempts.calls for line in destinations) == len(made.calls)
    assert sum(line.failures.calls for line in destinations) == int(made.failed.sum())
    answered = made.answered & (made.calls.ints("bye_ts") > 0)
    assert sum(bin.calls.calls for bin in durations(made, proof).bins) == int(answered.sum())
    to = [line for line in trunk_lines(made, (), proof) if line.direction == "to"]
    assert to
    assert all(line.attempts.calls >= line.asr.denominator >= line.asr.numerator for line in to)
    for line in emergency_lines(made, proof):
        assert line.calls.calls == line.answered + line.failed.calls
    gaps = [line for line in outage_lines(made, (), proof) if line.kind == "capture_gap"]
    # A capture of a few hours: nobody listened before and after it.
    assert gaps[0].from_ts == DEMO_WEEK.from_ts
    assert gaps[-1].to_ts == DEMO_WEEK.to_ts
    assert set(proof.calls) >= {key for line in to for key in line.attempts.shown}
