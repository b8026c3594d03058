"""Whole processes are measured truly, and targets are judged by what was measured."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from bench.check import counted, differences
from bench.machine import TCPDUMP, described, factor, factors
from bench.measure import Figures, Run, in_turn, read_through, run
from bench.targets import MIB, TARGETS, Evidence, verdicts


def _python(code: str) -> list[str]:
    return [sys.executable, "-S", "-c", code]


def _figures(capture: str, program: str, seconds: float, rss: int = 0, stopped: bool = False) -> Figures:
    return Figures(capture, program, ["x"], [Run(seconds * 2, seconds, rss, -9 if stopped else 0, stopped)])


def test_processor_time_and_memory_are_the_childs() -> None:
    busy = run(_python("import time\nwhile time.process_time() < 0.3: pass"), 30)
    assert 0.3 <= busy.cpu_s < 1.5
    assert busy.wall_s >= 0.3
    idle = run(_python("import time; time.sleep(0.3)"), 30)
    assert idle.wall_s >= 0.3
    assert idle.cpu_s < 0.3
    large = run(_python("x = b'1' * 200_000_000"), 30)
    assert large.rss >= 200_000_000
    assert large.rss >= idle.rss  # which is never below the parent's, whose copy a child is at first
    assert (busy.exit_code, busy.stopped) == (0, False)


def test_children_that_were_waited_for_count_too() -> None:
    work = "import time\nwhile time.process_time() < 0.3: pass"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-S', '-c', {work!r}])"
    assert run(_python(parent), 30).cpu_s >= 0.3


def test_a_run_beyond_the_limit_is_stopped_with_its_children() -> None:
    begin = time.perf_counter()
    stopped = run(["sh", "-c", "sleep 30 & wait"], 0.2)
    assert stopped.stopped
    assert time.perf_counter() - begin < 10
    assert run(_python("raise SystemExit(3)"), 30).exit_code == 3


def test_commands_run_in_turn_and_the_slow_and_the_failing_once(tmp_path: Path) -> None:
    note = tmp_path / "order"
    rows = [
        Figures("c", "a", ["sh", "-c", f"printf a >> {note}"]),
        Figures("c", "slow", ["sh", "-c", f"printf s >> {note}; sleep 0.3"]),
        Figures("c", "fails", ["sh", "-c", f"printf f >> {note}; exit 2"]),
        Figures("c", "b", ["sh", "-c", f"printf b >> {note}"]),
    ]
    said: list[str] = []
    in_turn(rows, 3, 30, 0.25, said.append)
    assert note.read_text() == "asfb" + "ab" * 2
    assert [len(row.runs) for row in rows] == [3, 1, 1, 3]
    assert [row.good for row in rows] == [True, True, False, True]
    assert rows[2].note == "exit status 2"
    assert len(said) == 8


def test_medians() -> None:
    figures = Figures("c", "p", ["x"], [Run(3, 1, 10, 0, False), Run(1, 2, 30, 0, False), Run(2, 9, 20, 0, False)])
    assert (figures.median("wall_s"), figures.median("cpu_s"), figures.median("rss")) == (2, 2, 20)
    assert json.loads(json.dumps(figures.as_dict()))["median"]["wall_s"] == 2


def test_read_through_reads_a_file_of_any_size(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    read_through(tmp_path / "empty")


def _evidence(**changed: Figures) -> Evidence:
    """Figures with which every target is just met."""
    rows = {
        "small": _figures("small", "sipcause", 0.5),
        "small_json": _figures("small", "sipcause --json", 1.2),
        "dense": _figures("sip-dense", "sipcause", 0.7),
        "dense10": _figures("sip-dense-10", "sipcause", 2.5, 1000 * MIB),
        "tables": _figures("sip-dense-10", "sipcause -o", 3.75),
        "messages": _figures("sip-dense-10", "sipcause -o, with messages", 10),
        "sngrep": _figures("sip-dense-10", "sngrep -l 1000000", 25),
        "stat10": _figures("sip-dense-10", "tshark -z sip,stat", 17.5),
        "rtp": _figures("rtp-heavy", "sipcause", 0.8),
        "rtp10": _figures("rtp-heavy-10", "sipcause", 3.5, 699 * MIB),
        "tcpdump": _figures("rtp-heavy-10", "tcpdump port 5060", 3.6),
        "fields": _figures("rtp-heavy", "tshark -T fields", 32),
        "stat": _figures("rtp-heavy", "tshark -z sip,stat", 16),
        "tcp": _figures("sip-tcp", "sipcause", 3.5, 699 * MIB),
        "http": _figures("http-heavy", "sipcause", 1.3, 299 * MIB),
        "vxlan": _figures("vxlan", "sipcause", 1.4, 299 * MIB),
        "help": _figures("start", "sipcause --help", 0.1),
        "warm": _figures("start", "sipcause warm, no cache", 40),
        "apart": _figures("two captures", "one by one", 5),
        "together": _figures("two captures", "at once", 3),
        **changed,
    }
    found = {(row.capture, row.program): row for row in rows.values()}
    messages = {"sip-dense": 200_000, "sip-dense-10": 2_000_000, "sip-tcp": 1_000_000}
    sizes = {"rtp-heavy": 10**9, "http-heavy": 10**9, "vxlan": 10**9}
    return Evidence(found, messages, sizes, "cpu_s")


def test_every_target_can_be_met() -> None:
    judged = verdicts(_evidence())
    assert len(judged) == len(TARGETS)
    assert [verdict.what for verdict in judged if not verdict.met] == []


def test_every_target_can_be_missed() -> None:
    slow = _evidence(
        small=_figures("small", "sipcause", 1.3),
        small_json=_figures("small", "sipcause --json", 1.3),
        dense=_figures("sip-dense", "sipcause", 2),
        dense10=_figures("sip-dense-10", "sipcause", 60, 1025 * MIB),
        tables=_figures("sip-dense-10", "sipcause -o", 100),
        messages=_figures("sip-dense-10", "sipcause -o, with messages", 250),
        rtp=_figures("rtp-heavy", "sipcause", 2),
        tcp=_figures("sip-tcp", "sipcause", 120, 701 * MIB),
        http=_figures("http-heavy", "sipcause", 4, 301 * MIB),
        vxlan=_figures("vxlan", "sipcause", 4, 301 * MIB),
        rtp10=_figures("rtp-heavy-10", "sipcause", 40, 701 * MIB),
        help=_figures("start", "sipcause --help", 0.3),
        warm=_figures("start", "sipcause warm, no cache", 61),
        together=_figures("two captures", "at once", 4),
    )
    assert [verdict.what for verdict in verdicts(slow) if verdict.met is not False] == []


def test_what_is_missing_or_failed_is_not_measured() -> None:
    failed = Figures("sip-dense-10", "sipcause", ["x"], [Run(1, 1, 1, 2, False)])
    judged = {verdict.what: verdict for verdict in verdicts(_evidence(dense10=failed))}
    assert judged["sip-dense-10 against sngrep"].met is None
    assert judged["memory for sip-dense-10"].measured == "not measured"
    assert judged["--help"].met


def test_a_rate_within_the_noise_of_the_start_is_not_measured() -> None:
    judged = {verdict.what: verdict for verdict in verdicts(_evidence(rtp=_figures("rtp-heavy", "sipcause", 0.4)))}
    assert judged["vxlan against rtp-heavy"].met is None
    assert judged["sip-tcp against sip-dense-10"].met


@pytest.mark.parametrize(("seconds", "met"), [(25.0, True), (24.0, None)])
def test_a_program_that_was_stopped_proves_only_what_it_has_taken(seconds: float, met: bool | None) -> None:
    stopped = _figures("sip-dense-10", "sngrep -l 1000000", seconds, stopped=True)
    judged = {verdict.what: verdict for verdict in verdicts(_evidence(sngrep=stopped))}
    assert judged["sip-dense-10 against sngrep"].met is met


def test_wrong_counts_are_named(tmp_path: Path) -> None:
    document = {
        "responses": [{"status_code": 486, "method": "INVITE", "messages": 3}],
        "requests": [{"method": "INVITE", "messages": 5}],
        "calls": {"by_outcome": {"busy": 3, "open": 0, "answered": 2}},
    }
    assert counted(document) == {"486 INVITE": 3, "INVITE": 5, "calls busy": 3, "calls open": 0, "calls answered": 2}
    content = {"messages": {"486 INVITE": 4, "INVITE": 5, "ACK": 1}, "outcomes": {"busy": 4, "answered": 2}}
    (tmp_path / "x.json").write_text(json.dumps(content))
    program = [*_python(f"print({json.dumps(document)!r})"), "--"]
    assert differences(program, tmp_path / "x.pcap") == [
        "486 INVITE: 3 counted, 4 there",
        "ACK: 0 counted, 1 there",
        "calls busy: 3 counted, 4 there",
    ]
    assert differences(_python("raise SystemExit(1)"), tmp_path / "x.pcap") == ["exit status 1"]


def test_byte_code_is_cached_as_it_is_for_users(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    assert run(_python("import sys; sys.exit(sys.dont_write_bytecode)"), 30).exit_code == 0


def test_the_machine_is_compared_by_tcpdump_and_by_octet() -> None:
    figures = {
        ("rtp-heavy", TCPDUMP): _figures("rtp-heavy", TCPDUMP, 0.9),
        ("sip-dense-10", TCPDUMP): _figures("sip-dense-10", TCPDUMP, 1.56),
        ("rtp-heavy-10", TCPDUMP): _figures("rtp-heavy-10", TCPDUMP, 99, stopped=True),
    }
    octets = {"rtp-heavy": 1_041_000_000, "sip-dense-10": 2_600_000_000, "rtp-heavy-10": 1}
    found = factors(figures, octets)
    assert found == pytest.approx({"rtp-heavy": 3.0, "sip-dense-10": 2.0})
    assert factor(found) == pytest.approx(2.5)
    assert "2.50 times" in described(found)
    assert factor({}) is None
    assert "not compared" in described({})


def test_absolute_figures_are_told_for_the_reference_machine_beside_what_was_measured() -> None:
    seen = _evidence(small=_figures("small", "sipcause", 2.4), help=_figures("start", "sipcause --help", 0.9))
    judged = {verdict.what: verdict for verdict in verdicts(replace(seen, machine=2.0))}
    small = judged["a 20 kB capture"]
    assert (small.measured, small.met, small.on_reference, small.met_on_reference) == ("2.40 s", False, "1.20 s", True)
    rate = judged["messages from sip-dense to sip-dense-10"]
    assert (rate.measured, rate.on_reference) == ("1.00 million/s", "2.00 million/s")
    assert judged["--help"].met_on_reference is False
    ratio = judged["sip-dense-10 against sngrep"]
    assert (ratio.on_reference, ratio.met_on_reference) == ("", None)
    assert all(verdict.on_reference == "" for verdict in verdicts(seen))
