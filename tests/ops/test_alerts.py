"""Alerts over made snapshots with time moving: what is measured, when it is told, that everything is bounded."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from analyzer.config import Aliases, Config
from analyzer.config_entries import Settings
from analyzer.ops.alert_file import AlertRule
from analyzer.ops.alert_readings import SAMPLES, Rise, reading
from analyzer.ops.alert_rules import parse
from analyzer.ops.alert_ways import Command
from analyzer.ops.alerts import REST_S, Alerts, AlertState, load_alerts
from analyzer.stats.tally import SECOND, Counts, Tally
from tests.ops.made import CONFIG, REGISTRY, START, Run, source

ANSWERED: dict[str, Any] = {"outcome": "answered", "status_code": 200, "family": "success"}
FAILED: dict[str, Any] = {"outcome": "failed", "status_code": 503, "family": "server_error", "cause": 34,
                          "failed_by_ip": "192.0.2.9"}  # fmt: skip


class Watched:
    """A run with alerts; ``said`` holds what was told, without what each line begins with."""

    def __init__(self, *texts: str, hold_s: int = 0, every_s: int = 3600, config: Config = CONFIG) -> None:
        rules = [
            AlertRule(f"a{number}", parse(text, REGISTRY, CONFIG), hold_s, every_s, True, ())
            for number, text in enumerate(texts, 1)
        ]
        self.said: list[str] = []
        self.alerts = Alerts(rules, config, self.said.append)
        self.run = Run(Tally(REGISTRY, CONFIG, self.alerts.spans, self.alerts.watched))

    def at(self, second: float, **more: Any) -> list[str]:
        """What is told at a second."""
        self.said.clear()
        self.run.at(second)
        self.alerts.check(self.run.snapshot(**more))
        return list(self.said)

    @property
    def state(self) -> AlertState:
        return self.alerts.states["a1"]


def test_a_share_fires_by_sample_and_bound_and_is_over_when_it_recovers() -> None:
    watched = Watched("SER < 0.9 over 5m, n >= 50")
    watched.run.add(30, **ANSWERED).add(19, **FAILED)
    assert watched.at(1) == []  # 49 of the 50 calls
    assert watched.state is AlertState.QUIET
    watched.run.add(1, **ANSWERED)
    assert watched.at(2) == ["alert a1: firing: SER 62.0 % (31 of 50) over 5m (rule: SER < 90 % over 5m, n >= 50)"]
    assert watched.alerts.firing == ["a1: SER 62.0 % (31 of 50) over 5m"]
    watched.run.add(140, **ANSWERED)
    assert watched.at(3) == ["alert a1: over: SER 90.0 % (171 of 190) over 5m (rule: SER < 90 % over 5m, n >= 50)"]
    assert watched.alerts.firing == []


def test_exactly_the_bound_is_not_less() -> None:
    watched = Watched("SER < 0.9 over 5m, n >= 1", "SER <= 90 % over 5m, n >= 1")
    watched.run.add(9, **ANSWERED).add(1, **FAILED)
    assert [line.split(":")[0] for line in watched.at(1)] == ["alert a2"]


def test_it_is_over_when_the_sample_is_gone() -> None:
    watched = Watched("SER < 0.9 over 1m, n >= 2")
    watched.run.add(4, **FAILED)
    assert len(watched.at(1)) == 1
    assert watched.at(55) == []
    assert watched.at(61) == ["alert a1: over: SER 0 of 0, fewer than 2 over 1m (rule: SER < 90 % over 1m, n >= 2)"]
    assert watched.state is AlertState.OVER
    assert watched.at(62) == []
    assert watched.state is AlertState.QUIET


def test_for_must_hold_so_long_in_both_directions() -> None:
    watched = Watched("count(code 503) > 0 over 10s", hold_s=30)
    told = []
    for second in range(200):
        if second in range(20, 35) or second in range(60, 120):
            watched.run.at(second).add(1, **FAILED)
        told += [(second, line.split(": ")[1]) for line in watched.at(second)]
        if second == 40:
            assert watched.state is AlertState.PENDING or not watched.alerts.firing
    # The bucket of the last failure ends at 120.
    assert told == [(90, "firing"), (150, "over")]


def test_every_repeats_and_a_flapping_alert_rests() -> None:
    watched = Watched("count(code 503) > 0 over 10s", every_s=1000)
    told = []
    for second in range(0, 4000, 20):
        if second < 2500 or second % 80 == 0:  # from then on it comes and goes
            watched.run.at(second).add(1, **FAILED)
        told += [(second, line.split(": ")[1]) for line in watched.at(second)]
    assert told[:3] == [(0, "firing"), (1000, "firing"), (2000, "firing")]
    flapping = told[3:]
    fired = [second for second, state in flapping if state == "firing"]
    assert [state for _, state in flapping][:4] == ["over", "firing", "over", "firing"]
    assert min(b - a for a, b in pairwise(fired)) >= REST_S
    assert len(flapping) <= 2 * (1500 // REST_S + 1)


def test_what_is_not_told_is_not_told_to_be_over() -> None:
    watched = Watched("count(code 503) > 0 over 10s")
    watched.run.add(1, **FAILED)
    assert len(watched.at(0)) == 1
    assert len(watched.at(10)) == 1
    watched.run.add(1, **FAILED)
    assert watched.at(11) == []  # it rests
    assert watched.state is AlertState.FIRING
    assert watched.at(20) == []
    assert watched.state is AlertState.OVER


def test_one_that_stays_is_told_when_the_rest_is_over() -> None:
    watched = Watched("count(code 503) > 0 over 10s", every_s=3600)
    watched.run.add(1, **FAILED)
    told = []
    for second in range(0, 700, 10):
        if second >= 20:
            watched.run.at(second).add(1, **FAILED)
        told += [(second, line.split(": ")[1]) for line in watched.at(second)]
    assert told == [(0, "firing"), (10, "over"), (REST_S, "firing")]


def test_a_clock_that_was_set_back_does_not_silence() -> None:
    watched = Watched("count(code 503) > 0 over 10s", "silence over 1m", every_s=60)
    watched.run.at(100_000).add(1, **FAILED)
    assert len(watched.at(100_000)) == 1
    watched.run = Run(Tally(REGISTRY, CONFIG, watched.alerts.spans))
    told = []
    for second in range(0, 200, 5):
        watched.run.at(second).add(1, **FAILED)
        told += [(second, line.split(": ")[0]) for line in watched.at(second)]
    assert [second for second, name in told if name == "alert a1"] == [60, 120, 180]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("failures > 1 % over 1m, n >= 1", (3, 8)),
        ("unsuccessful > 1 % over 1m, n >= 1", (5, 8)),
        ("outcome busy > 1 % over 1m, n >= 1", (2, 8)),
        ("cause 34 > 1 % over 1m, n >= 1", (3, 8)),
        ("cause none > 1 % over 1m, n >= 1", (2, 8)),
        ("code 503 > 1 % over 1m, n >= 1", (3, 10)),
        ("family client_error > 1 % over 1m, n >= 1", (3, 10)),
        ("registrations failed > 1 % over 1m, n >= 1", (1, 4)),
        ("count(outcome elsewhere) > 1 over 1m", (1, None)),
        ("calls > 1 over 1m", (11, None)),
        ("endpoint 192.0.2.9 failures > 1 % over 1m, n >= 1", (3, 11)),
        ("count(endpoint 192.0.2.9 failures) > 1 over 1m", (3, None)),
    ],
)
def test_what_is_measured(text: str, parts: tuple[int, int | None]) -> None:
    run = Run().add(3, {"registered": 3, "failed": 1, "open": 5}, **ANSWERED).add(3, **FAILED)
    run.add(2, outcome="busy", status_code=486, family="client_error")
    run.add(1, outcome="elsewhere", status_code=487, family="client_error")
    run.add(1, outcome="redirected", status_code=302, family="redirection").add(1, outcome="open")
    found = reading(parse(text, REGISTRY, CONFIG), run.tally.span(60))
    assert (found.numerator, found.denominator) == parts


def test_any_endpoint_names_the_worst_and_no_more_than_five() -> None:
    config = Config(Settings(aliases=Aliases(endpoints={"10.0.0.11": "SBC 11"})))
    watched = Watched("any endpoint failures > 50 % over 5m, n >= 10", config=config)
    for number in range(12):
        callee = f"10.0.0.{number}"
        watched.run.add(number, **{**FAILED, "failed_by_ip": callee, "callee_ip": callee})
        watched.run.add(2, **ANSWERED, callee_ip=callee)
    (line,) = watched.at(1)
    assert "10.0.0.11 (SBC 11) 84.6 % (11 of 13), 10.0.0.10 83.3 % (10 of 12), 10.0.0.9" in line
    assert "10.0.0.8 80.0 % (8 of 10) over 5m" in line
    for number in range(50):
        callee = f"10.0.1.{number}"
        watched.run.add(10, **{**FAILED, "failed_by_ip": callee, "callee_ip": callee})
    assert watched.at(5) == []  # all endpoints are looked at every ten seconds
    watched.at(12)
    assert watched.alerts.firing[0].endswith("and 49 more over 5m")
    assert watched.alerts.firing[0].count("%") == 5


def test_an_endpoint_behind_a_proxy_has_no_share() -> None:
    watched = Watched("any endpoint failures > 50 % over 5m, n >= 5", "count(endpoint 192.0.2.9 failures) > 5 over 5m")
    watched.run.add(20, **FAILED, callee_ip="192.0.2.200")
    assert [line.split(":")[0] for line in watched.at(1)] == ["alert a2"]


def test_a_watched_endpoint_is_measured_in_any_crowd() -> None:
    watched = Watched("endpoint 192.0.2.7 failures > 20 % over 5m, n >= 10")
    for second in range(20):
        watched.run.at(second).add(1, **{**FAILED, "failed_by_ip": "192.0.2.7", "callee_ip": "192.0.2.7"})
        counts = watched.run.tally._spans[300]
        crowd = {(f"10.{second}.0.{n}", None): [0, 9, 0, 9] for n in range(200)}
        counts.add(watched.run.now_ts, Counts(endpoints=crowd))
    assert watched.at(20)[0].startswith("alert a1: firing: endpoint 192.0.2.7 failures 100.0 % (20 of 20) over 5m")


def test_drops_wherever_they_happen() -> None:
    watched = Watched("drops > 5 over 1m")
    assert watched.at(1, sources=[source(dropped=4)]) == []
    (line,) = watched.at(2, sources=[source(dropped=4)], queue_dropped=2)
    assert line == "alert a1: firing: drops 6 over 1m (rule: drops > 5 over 1m)"
    assert watched.at(30, sources=[source(dropped=4)], queue_dropped=2) == []
    (line,) = watched.at(62, sources=[source(dropped=5)], queue_dropped=2)
    assert line.startswith("alert a1: over: drops 1 over 1m")


def test_silence_needs_its_whole_span() -> None:
    watched = Watched("silence over 1m")
    told = []
    for second in range(400):
        messages = 7 if second < 100 else 8
        told += [(second, line) for line in watched.at(second, sources=[source(sip_messages=messages)])]
    assert [second for second, _ in told] == [61, 100, 61 + REST_S]
    assert told[0][1] == "alert a1: firing: no SIP message over 1m (rule: silence over 1m)"
    assert told[1][1].startswith("alert a1: over: SIP messages 1 over 1m")


def test_what_was_before_the_first_look_is_no_silence_but_frames_may_be_lost() -> None:
    watched = Watched("silence over 1m", "drops > 3 over 1m")
    assert [line.split(":")[0] for line in watched.at(500, sources=[source(dropped=4)])] == ["alert a2"]
    watched.at(555, sources=[source(dropped=4)])
    assert watched.state is AlertState.QUIET


def test_drops_of_long_ago_are_none_when_the_clock_is_set_back() -> None:
    watched = Watched("drops > 3 over 1m")
    assert len(watched.at(100_000, sources=[source(dropped=9)])) == 1
    told = [line for second in range(0, 500, 50) for line in watched.at(second, sources=[source(dropped=9)])]
    assert [line.split(": ")[1] for line in told] == ["over"]


def test_a_rise_keeps_few_samples_and_stands_a_counter_that_began_anew() -> None:
    rise = Rise(86_400, START)
    risen = [rise.add(START + step * SECOND, step) for step in range(1, 100_000, 7)]
    assert 86_000 <= risen[-1] <= 86_400 + 240
    assert len(rise._samples) <= SAMPLES + 2
    assert rise.add(START + 100_000 * SECOND, 3) == pytest.approx(risen[-1], abs=300)


def test_one_look_costs_by_the_number_of_rules_not_of_calls() -> None:
    """A rule looks at its sums alone: a tally that refuses to be walked through is enough."""

    class Unwalkable(dict[Any, Any]):
        def items(self) -> Any:
            raise AssertionError("walked through")

    watched = Watched("SER < 0.9 over 5m, n >= 1", "code 503 > 1 % over 5m, n >= 1", "cause 34 > 1 % over 5m, n >= 1")
    watched.run.add(5, **FAILED)
    watched.run.tally.span(300).endpoints = Unwalkable()
    assert len(watched.at(1)) == 3


def test_a_test_goes_every_way_once(tmp_path: Path) -> None:
    condition = parse("drops > 0 over 1m", REGISTRY, CONFIG)
    outs = [tmp_path / name for name in ("one", "two")]
    one, two = (Command(("/bin/sh", "-c", f"echo $SIPCAUSE_ALERT_NAME >> {out}")) for out in outs)
    said: list[str] = []
    rules = [
        AlertRule("a1", condition, 0, 60, False, (one,)),
        AlertRule("a2", condition, 0, 60, True, (one, two)),
        AlertRule("a3", condition, 0, 60, True, (two,)),
    ]
    alerts = Alerts(rules, CONFIG, said.append)
    alerts.send_test(START)
    alerts.close(30)
    assert said == ["alert a2: test: a test (rule: drops > 0 over 1m)"]
    assert [out.read_text() for out in outs] == ["a1\n", "a2\n"]


def test_spans_and_addresses_for_the_tally() -> None:
    texts: Sequence[str] = ("SER < 1 over 20m, n >= 1", "drops > 0 over 3h", "silence over 4h",
                            "count(endpoint 192.0.2.7 failures) > 3 over 30s")  # fmt: skip
    alerts = Watched(*texts).alerts
    assert alerts.spans == {1200, 30}
    assert alerts.watched == {"192.0.2.7"}


def test_without_say_a_line_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    rule = AlertRule("x\x1b[2J", parse("calls >= 0 over 1m", REGISTRY, CONFIG), 0, 60, True, ())
    Alerts([rule], CONFIG).check(Run().snapshot())
    shown = "sipcause: alert x\\x1b[2J: firing: calls 0 over 1m (rule: calls >= 0 over 1m)\n"
    assert capsys.readouterr() == ("", shown)


def test_alerts_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "alerts.toml"
    path.write_text('[[alert]]\nname = "x"\nalert = "calls >= 0 over 20m"\nto = ["stderr"]\n')
    said: list[str] = []
    alerts = Alerts(load_alerts(path, REGISTRY, CONFIG), CONFIG, said.append)
    alerts.check(Run(Tally(REGISTRY, CONFIG, alerts.spans)).snapshot())
    alerts.close()
    assert said == ["alert x: firing: calls 0 over 20m (rule: calls >= 0 over 20m)"]
