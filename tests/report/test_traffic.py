"""Carriers, destinations, emergency calls and durations, each with what was planted."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from analyzer.config import Config
from analyzer.report.lines import Breach
from analyzer.report.lines_of_traffic import TrunkLine
from analyzer.report.proof import Proof
from analyzer.report.traffic import destination_lines, durations, emergency_lines, trunk_lines
from analyzer.stats.facts import Facts
from analyzer.stats.kpi import Ratio
from tests.report.made_traffic import EARLIER, HOUR, MINUTE, SECOND, WEEK, call, configured, facts

START = WEEK.from_ts
CARRIER, OTHER, PROXY, PHONE = "198.51.100.1", "203.0.113.5", "10.0.0.9", "10.0.0.1"
SITE = """
own = ["10.0.0.0/8"]
[aliases.trunks]
"A" = ["198.51.100.0/24"]
"B" = ["203.0.113.0/24"]
[numbers]
country = "31"
[trunks."A"]
channels = 3
calls_per_second = 2
asr_min = 90
ner_min = 80
pdd_p95_ms_max = 900
"""


@pytest.fixture
def site(tmp_path: Path) -> Config:
    return configured(tmp_path, SITE)


def lines(made: Facts, *before: Facts) -> dict[tuple[str, str], TrunkLine]:
    found = trunk_lines(made, before, Proof(made))
    assert len({(line.name, line.direction) for line in found}) == len(found)
    return {(line.name, line.direction): line for line in found}


def branch(call_no: int, server: str, fate: str, status: int | None = None, **more: Any) -> dict[str, Any]:
    at = START + call_no * MINUTE
    return {
        "call_no": call_no, "run": "run-1", "call_key": f"run-1-{call_no}", "server_ip": server, "client_ip": PROXY,
        "request_ts": at, "final_ts": at + SECOND, "status_code": status, "fate": fate, "attempt": 1, **more,
    }  # fmt: skip


def test_each_direction_of_a_trunk(site: Config) -> None:
    rows = [call(START + n * HOUR) for n in range(4)]
    rows += [call(START + 5 * HOUR, "failed", status_code=503), call(START + 6 * HOUR, "busy", status_code=486)]
    rows += [call(START + 7 * HOUR, caller_ip=CARRIER, callee_ip=PHONE), call(START, "elsewhere", callee_ip=OTHER)]
    found = lines(facts(rows, config=site))
    assert set(found) == {("A", "to"), ("A", "from"), ("B", "to")}
    there = found["A", "to"]
    assert (there.attempts.calls, there.failures.calls) == (6, 1)
    assert (there.asr, there.ner) == (Ratio(4, 6), Ratio(5, 6))
    assert (there.acd_s, there.minutes, there.pdd_p50_ms) == (120.0, 8.0, 1000.0)
    assert there.failures.shown == ("run-1-5",)
    assert found["A", "from"].asr == Ratio(1, 1)
    assert found["B", "to"].asr == Ratio(0, 0)


def test_without_a_bye_a_call_lasts_as_long_as_it_was_heard(site: Config) -> None:
    row = call(START, bye_ts=None, end_ts=None, last_ts=START + 63 * SECOND)
    there = lines(facts([row, call(START + 30 * SECOND)], config=site))["A", "to"]
    assert (there.minutes, there.acd_s) == (3.0, 120.0)
    assert (there.peak_calls, there.peak_calls_ts) == (2, START + 30 * SECOND)


def test_a_trunk_behind_a_proxy_and_one_that_overflowed(site: Config) -> None:
    """Trunk A refuses, the proxy tries B, which answers; the second call is A's, relayed."""
    rows = [call(START + n * MINUTE, callee_ip=PROXY) for n in (1, 2)]
    rows += [call(START + 3 * MINUTE, "busy", callee_ip=PROXY, status_code=486)]
    branches = [
        branch(1, PROXY, "decided", 200), branch(1, CARRIER, "outranked", 503, advanced=True),
        branch(1, OTHER, "relayed", 200),
        branch(2, PROXY, "decided", 200), branch(2, CARRIER, "relayed", 200),
        branch(3, PROXY, "decided", 486), branch(3, CARRIER, "unanswered"), branch(3, OTHER, "relayed", 486),
    ]  # fmt: skip
    found = lines(facts(rows, branches=branches, config=site))
    assert set(found) == {("A", "to"), ("B", "to")}  # the proxy is ours
    a, b = found["A", "to"], found["B", "to"]
    assert (a.attempts.calls, a.asr, a.failures.calls, a.minutes) == (3, Ratio(1, 3), 2, 2.0)
    assert (b.attempts.calls, b.asr, b.ner, b.failures.calls) == (2, Ratio(1, 2), Ratio(2, 2), 0)
    assert (a.peak_hour_attempts, a.peak_hour_503) == (3, 1)
    # While the second call is up the third is tried; the refused try was over in a second.
    assert (a.peak_calls, a.peak_calls_ts) == (2, START + 3 * MINUTE)


def test_challenges_and_hops_of_one_trunk_are_one_attempt(site: Config) -> None:
    rows = [call(START + MINUTE, callee_ip=CARRIER, attempts=2)]
    branches = [
        branch(1, CARRIER, "step", 407), branch(1, CARRIER, "decided", 200, attempt=2),
        branch(1, "198.51.100.77", "relayed", 200, attempt=2),
    ]  # fmt: skip
    there = lines(facts(rows, branches=branches, config=site))["A", "to"]
    assert (there.attempts.calls, there.asr) == (1, Ratio(1, 1))


def test_a_branch_that_was_cancelled_is_nobodys_failure(site: Config) -> None:
    rows = [call(START + MINUTE, callee_ip=PROXY), call(START + 2 * MINUTE, "cancelled", callee_ip=PROXY)]
    branches = [branch(1, CARRIER, "cancelled", 487), branch(1, OTHER, "relayed", 200), branch(2, CARRIER, "cancelled")]
    there = lines(facts(rows, branches=branches, config=site))["A", "to"]
    assert (there.attempts.calls, there.failures.calls, there.ner) == (2, 0, Ratio(1, 1))


def test_branches_of_a_call_that_another_run_wrote_are_found_by_its_key(site: Config) -> None:
    rows = [call(START + MINUTE, callee_ip=PROXY), call(START + 2 * MINUTE, callee_ip=PROXY)]
    branches = [
        branch(7, CARRIER, "relayed", 200, run="run-2", call_key="run-1-2"),
        branch(1, OTHER, "relayed", 200, run="run-3", call_key=None),  # its call was written by nobody
    ]
    found = lines(facts(rows, branches=branches, config=site))
    assert set(found) == {("A", "to")}
    assert found["A", "to"].attempts.shown == ("run-1-2",)


def test_scanners_calls_are_nobodys_attempts(site: Config) -> None:
    rows = [call(START, "rejected", caller_ip="192.0.2.66", caller_agent="friendly-scanner") for _ in range(5)]
    rows += [call(START + 6 * MINUTE, callee_ip=PROXY)]
    made = facts(rows, config=site, branches=[branch(6, CARRIER, "relayed", 200)])
    assert len(made.calls) == 1
    found = lines(made)
    assert {key: line.attempts.calls for key, line in found.items()} == {("A", "to"): 1}


def test_limits_that_were_agreed(site: Config) -> None:
    """Four calls at once, one of them coming in: channels are for both directions."""
    many = [call(START + HOUR + n * 10 * MINUTE, "failed" if n < 8 else "answered", status_code=503) for n in range(60)]
    rows = [*many, *(call(START + n * SECOND // 4) for n in range(3))]
    rows += [call(START + 2 * SECOND, caller_ip=CARRIER, callee_ip=PHONE)]
    found = lines(facts(rows, config=site))
    there = found["A", "to"]
    assert (there.peak_calls, there.channels, there.peak_cps, there.contracted_cps) == (3, 3, 3, 2.0)
    asr = there.asr.value
    assert asr is not None
    assert there.breaches == (
        Breach("A", "channels", 3.0, 4.0, START + 2 * SECOND), Breach("A", "calls_per_second", 2.0, 3.0, START),
        Breach("A", "asr_min", 90.0, asr), Breach("A", "pdd_p95_ms_max", 900.0, 1000.0),
    )  # fmt: skip
    assert found["A", "from"].breaches == ()
    # Few calls break no quality, and a limit that is just met is kept.
    few = lines(facts([*rows[-4:-1], rows[0]], config=site))["A", "to"]
    assert [breach.limit for breach in few.breaches] == ["calls_per_second"]


def test_causes_and_codes_at_the_peak_hour(site: Config) -> None:
    at = START + 50 * HOUR
    said = {"cause_from": "reason"}
    rows = [call(START + n * HOUR) for n in range(40)] + [call(at + n * SECOND) for n in range(5)]
    rows += [call(at, "failed", status_code=503, cause=cause, **said) for cause in (34, 42)]
    rows += [call(at, "failed", status_code=500, cause=34, cause_from="isup")]
    rows += [call(at, "failed", status_code=503, cause=41, **said)]
    rows += [call(at, "failed", status_code=503, cause=34, cause_from="profile")]  # a table's word, not the trunk's
    rows += [call(START, "failed", status_code=503, cause=34, **said)]
    there = lines(facts(rows, config=site))["A", "to"]
    assert (there.peak_hour_ts, there.peak_hour_attempts) == (at, 10)
    assert (there.peak_hour_34, there.peak_hour_42, there.peak_hour_503) == (2, 1, 4)


def test_the_time_before_is_the_mean_of_its_weeks(site: Config) -> None:
    now = facts([call(START)], config=site)
    before = [
        facts([call(period.from_ts + n, o) for n, o in enumerate(outcomes)], period=period, config=site)
        for period, outcomes in zip(EARLIER, (["answered"] * 3, ["failed"]), strict=False)
    ]
    there = lines(now, *before)["A", "to"]
    assert (there.attempts_before, there.asr_before) == (2.0, Ratio(3, 4))
    assert (lines(now)["A", "to"].attempts_before, lines(now)["A", "to"].asr_before) == (None, None)


def test_a_trunk_that_has_no_calls_any_more_is_still_there(site: Config) -> None:
    before = facts([call(EARLIER[0].from_ts + n, callee_ip=OTHER) for n in range(5)], period=EARLIER[0], config=site)
    for rows in ([call(START)], []):
        there = lines(facts(rows, config=site), before)["B", "to"]
        assert (there.attempts.calls, there.attempts_before, there.asr) == (0, 5.0, Ratio(0, 0))
        assert (there.peak_calls, there.peak_hour_ts, there.minutes, there.pdd_p95_ms) == (0, None, 0.0, None)


def test_addresses_without_a_name_are_the_busiest_and_few() -> None:
    rows = [call(START + n, callee_ip=f"192.0.2.{n % 20}") for n in range(20 * 40)]
    rows += [call(START, callee_ip="192.0.2.200") for _ in range(3)]
    rows += [call(START, callee_ip="192.0.2.7") for _ in range(3)]
    found = trunk_lines(made := facts(rows), (), Proof(made))
    to = [line for line in found if line.direction == "to"]
    assert len(to) == 10
    assert not any(line.is_named for line in to)
    assert to[0].name == "192.0.2.7"
    assert "192.0.2.200" not in {line.name for line in to}  # too few to say anything


@pytest.mark.parametrize("seed", range(6))
def test_attempts_of_all_directions_add_up_to_the_calls(seed: int, site: Config) -> None:
    """Without proxies every call goes to one named trunk or comes from one, or both."""
    chance = random.Random(seed)
    rows = [
        call(START + chance.randrange(WEEK.hours * HOUR), chance.choice(["answered", "failed", "busy", "open"]),
             caller_ip=chance.choice([PHONE, CARRIER, OTHER]), callee_ip=chance.choice([PHONE, CARRIER, OTHER]))
        for _ in range(200)
    ]  # fmt: skip
    made = facts(rows, config=site)
    found = lines(made)
    trunks = {CARRIER, OTHER}
    for direction, column in (("to", "callee_ip"), ("from", "caller_ip")):
        total = sum(line.attempts.calls for (_, way), line in found.items() if way == direction)
        assert total == sum(row[column] in trunks for row in rows)
    failed = sum(line.failures.calls for (_, way), line in found.items() if way == "to")
    assert failed == sum(row["callee_ip"] in trunks and row["outcome"] == "failed" for row in rows)


def test_destinations_add_up_to_the_calls(site: Config) -> None:
    chance = random.Random(3)
    users = ["0201234567", "+31209", "0612345678", "00441234567890", "alice", "201", "*21#", "112"]
    outcomes = ["answered", "failed", "busy", "elsewhere"]
    rows = [call(START + n, chance.choice(outcomes), to_uri=f"sip:{chance.choice(users)}@x") for n in range(500)]
    made = facts(rows, config=site)
    found = destination_lines(made, (), Proof(made))
    assert sum(line.attempts.calls for line in found) == 500
    assert sum(line.failures.calls for line in found) == int(made.failed.sum())
    assert sum(line.asr.denominator for line in found) == int(made.counted.sum())
    assert sum(line.asr.numerator for line in found) == int(made.answered.sum())
    assert sum(line.minutes for line in found) == pytest.approx(2.0 * int(made.answered.sum()))
    names = {line.prefix: line.name for line in found}
    assert names == {"+3120": "NL", "+316": "NL", "+44": "GB", "(none)": None, "201": None, "*21": None, "112": None}
    counts = [line.attempts.calls for line in found]
    assert counts == sorted(counts, reverse=True)


def test_many_destinations_are_bounded_and_the_rest_is_one(site: Config) -> None:
    made = facts([call(START + n, to_uri=f"sip:{100 + n}@x") for n in range(300)], config=site)
    found = destination_lines(made, [made], Proof(made))
    assert len(found) == 101
    assert (found[-1].prefix, found[-1].attempts.calls) == ("(other)", 200)
    assert found[-1].failure_share_before is None
    assert all(line.is_small for line in found[:-1])


def test_failure_shares_of_a_destination_before(site: Config) -> None:
    now = facts([call(START)], config=site)
    rows = [call(EARLIER[0].from_ts, outcome) for outcome in ("failed", "answered", "answered", "open")]
    (line,) = destination_lines(now, [facts(rows, period=EARLIER[0], config=site)], Proof(now))
    assert (line.prefix, line.failure_share_before) == ("+3120", Ratio(1, 3))
    other = facts([call(EARLIER[0].from_ts, to_uri="sip:201@x")], period=EARLIER[0], config=site)
    (line,) = destination_lines(now, [other], Proof(now))
    assert line.failure_share_before == Ratio(0, 0)


def test_every_failed_emergency_call_is_listed(site: Config) -> None:
    rows = [call(START + n, "failed" if n % 2 else "answered", to_uri="sip:112@x") for n in range(40)]
    rows += [call(START + 99, "failed", to_uri="sip:1123@x"), call(START + 99, "cancelled", to_uri="urn:service:sos")]
    made = facts(rows, config=site)
    proof = Proof(made)
    first, second = emergency_lines(made, proof)
    assert (first.number, first.calls.calls, first.answered, first.failed.calls) == ("112", 40, 20, 20)
    assert len(first.failed.shown) == 20
    assert len(first.calls.shown) == 5
    assert (second.number, second.failed.shown) == ("urn:service:sos", ("run-1-42",))
    assert set(first.failed.shown) <= set(proof.calls)


def lasting(seconds: float, number: int = 0, **more: Any) -> dict[str, Any]:
    at = START + number * MINUTE
    end = at + 3 * SECOND + int(seconds * SECOND)
    return call(at, bye_ts=end, end_ts=end, **more)


def test_a_timer_is_a_spike_and_a_smooth_distribution_is_none() -> None:
    chance = random.Random(11)
    rows = [lasting(chance.expovariate(1 / 200), n) for n in range(6000)]
    smooth = durations(made := facts(rows), Proof(made))
    assert [spike.at_s for spike in smooth.spikes] == [32, 900, 1800, 3600]
    assert not any(spike.is_spike for spike in smooth.spikes)
    around = smooth.spikes[0]
    assert abs(around.calls.calls - around.expected) < 4 * around.expected**0.5
    planted = durations(made := facts(rows + [lasting(32 + chance.uniform(-0.3, 0.6)) for _ in range(80)]), Proof(made))
    assert [spike.is_spike for spike in planted.spikes] == [True, False, False, False]
    assert planted.spikes[0].calls.calls == around.calls.calls + 80
    assert planted.spikes[0].expected == around.expected
    few = durations(made := facts([lasting(1800) for _ in range(9)]), Proof(made))
    assert not any(spike.is_spike for spike in few.spikes)
    ten = durations(made := facts([lasting(1800) for _ in range(10)]), Proof(made))
    assert [spike.is_spike for spike in ten.spikes] == [False, False, True, False]


def test_bins_are_all_answered_calls_with_a_known_end() -> None:
    rows = [lasting(seconds) for seconds in (0, 5.9, 6, 29, 30, 7200, 90_000, -2)]
    rows += [call(START, bye_ts=None), call(START, "failed")]
    found = durations(made := facts(rows), Proof(made))
    counted = {(bin.from_s, bin.to_s): bin.calls.calls for bin in found.bins if bin.calls.calls}
    assert counted == {(0.0, 6.0): 3, (6.0, 10.0): 1, (10.0, 30.0): 1, (30.0, 60.0): 1, (7200.0, None): 2}
    assert found.short == {"6": Ratio(3, 8), "10": Ratio(4, 8), "30": Ratio(5, 8)}


def test_who_answers_falsely() -> None:
    """192.0.2.1 is left at once. A phone that rang, a patient caller and a callee who hangs up are something else."""
    false = {"alert_ts": None, "callee_ip": "192.0.2.1"}
    rows = [lasting(2, n, **false) for n in range(40)] + [lasting(60, n, callee_ip="192.0.2.1") for n in range(40)]
    rows += [lasting(2, n, callee_ip="192.0.2.2") for n in range(80)]
    rows += [lasting(2, n, callee_ip="192.0.2.3", alert_ts=None, released_by="callee") for n in range(80)]
    rows += [lasting(60, n, callee_ip="192.0.2.4", alert_ts=None) for n in range(80)]
    rows += [lasting(2, n, callee_ip="192.0.2.5", alert_ts=None) for n in range(20)]  # too few
    found = durations(made := facts(rows), Proof(made)).false_answers
    assert [(line.ip, line.calls.calls, line.share) for line in found] == [("192.0.2.1", 40, Ratio(40, 80))]
    # What everybody has is usual: three endpoints with half of their answers left at once.
    alike = [row | {"callee_ip": ip} for ip in ("192.0.2.1", "192.0.2.6", "192.0.2.7") for row in rows[:80]]
    usual = durations(made := facts(alike), Proof(made)).false_answers
    assert usual == ()
    alone = durations(made := facts(rows[:80]), Proof(made)).false_answers
    assert [line.ip for line in alone] == ["192.0.2.1"]


def test_of_nothing_there_is_nothing() -> None:
    made = facts()
    proof = Proof(made)
    assert trunk_lines(made, [made], proof) == destination_lines(made, [made], proof) == ()
    assert emergency_lines(made, proof) == ()
    found = durations(made, proof)
    assert not any(bin.calls.calls for bin in found.bins)
    assert not any(spike.is_spike or spike.expected for spike in found.spikes)
    assert (found.false_answers, found.short["6"]) == ((), Ratio(0, 0))
