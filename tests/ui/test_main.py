"""The command line: its commands on the counting corpus, its errors, and what it does not import."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest

from analyzer.ui.cli.main import COMMANDS, main
from tests.flow import sent
from tests.frames import write_pcap

ROOT = Path(__file__).parents[2]
PCAPS = ROOT / "pcaps"
BUSY = str(PCAPS / "busy_with_reason" / "capture.pcapng")
TRUNK = str(PCAPS / "trunk_503_cause_34" / "capture.pcapng")
SCHEMA = json.loads((ROOT / "docs" / "analyze.schema.json").read_text(encoding="utf-8"))

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Runs a command line in an empty folder; gives exit code, standard output and standard error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "120")

    def call(*arguments: object) -> tuple[int, str, str]:
        exit_code = 0
        try:
            main([str(argument) for argument in arguments])
        except SystemExit as leaving:
            exit_code = int(leaving.code or 0)
        out, err = capsys.readouterr()
        return exit_code, out, err

    return call


def test_help_names_every_command(run: Run) -> None:
    exit_code, out, _ = run("--help")
    assert exit_code == 0
    for name in COMMANDS:
        assert f"  {name} " in out


@pytest.mark.parametrize("name", ["analyze", "calls", "captures", "warm"])
def test_every_command_has_help(run: Run, name: str) -> None:
    exit_code, out, _ = run(name, "--help")
    assert exit_code == 0
    assert out.startswith(f"Usage: sipcause {name}")


def test_analyze_shows_what_failed_and_why(run: Run) -> None:
    exit_code, out, err = run("analyze", TRUNK, "-q")
    assert (exit_code, err) == (0, "")
    assert "No circuit/channel available" in out
    assert "Endpoints by failures originated" in out
    assert "\x1b" not in out


def test_analyze_speaks_dutch(run: Run) -> None:
    exit_code, out, _ = run("analyze", BUSY, "-q", "--lang", "nl")
    assert exit_code == 0
    assert "Gesprekken per uitkomst" in out
    assert "bezet" in out


def test_json_is_one_document_that_follows_its_schema(run: Run) -> None:
    exit_code, out, _ = run("analyze", PCAPS, "-q", "--json")
    assert exit_code == 0
    found = json.loads(out)
    jsonschema.validate(found, SCHEMA)
    assert len(found["captures"]) > 8
    assert found["calls"]["total"] == sum(found["calls"]["by_outcome"].values())


def test_both_readers_give_the_same_document(run: Run) -> None:
    documents = [
        json.loads(run("analyze", BUSY, TRUNK, "-q", "--json", "--reader", r)[1]) for r in ("kernels", "scapy")
    ]
    assert documents[0] == documents[1]


def test_tables_and_charts_are_written(run: Run, tmp_path: Path) -> None:
    exit_code, _, err = run("analyze", BUSY, "-o", tmp_path / "out", "--format", "csv,json,parquet")
    assert exit_code == 0
    assert "files written to" in err
    names = {path.name for path in (tmp_path / "out").iterdir()}
    for table in ("messages", "transactions", "calls", "registrations", "responses", "requests", "causes", "releases",
                  "endpoints", "issues", "captures"):  # fmt: skip
        assert {f"{table}.csv", f"{table}.json", f"{table}.parquet"} <= names
    for chart in ("responses_by_family", "calls_by_outcome", "failures_by_cause", "failures_by_endpoint"):
        assert {f"{chart}.png", f"{chart}.svg"} <= names
    with open(tmp_path / "out" / "calls.csv", encoding="utf-8", newline="") as file:
        assert [row["outcome"] for row in csv.DictReader(file)] == ["busy"]


def test_only_the_tables_that_were_asked_for(run: Run, tmp_path: Path) -> None:
    exit_code, _, _ = run("analyze", BUSY, "-q", "-o", tmp_path / "out", "--tables", "calls,causes", "--no-charts")
    assert exit_code == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"calls.csv", "causes.csv"}


def test_calls_are_chosen_and_listed(run: Run) -> None:
    exit_code, out, _ = run("calls", TRUNK, BUSY, "-q", "--cause", "34", "--format", "json")
    assert exit_code == 0
    rows = json.loads(out)
    assert rows
    assert {(row["status_code"], row["cause"], row["outcome"]) for row in rows} == {(503, 34, "failed")}
    assert run("calls", TRUNK, BUSY, "-q", "--status", "4xx", "--failed", "--format", "csv")[1].count("\n") >= 2


def test_no_fitting_call_is_no_error(run: Run) -> None:
    assert run("calls", BUSY, "-q", "--endpoint", "203.0.113.99", "--format", "json")[:2] == (0, "[]\n")
    exit_code, out, _ = run("calls", BUSY, "-q", "--endpoint", "203.0.113.99")
    assert exit_code == 0
    assert out.startswith("0 of ")


def test_times_choose_calls_in_the_zone(run: Run) -> None:
    rows = json.loads(run("calls", BUSY, "-q", "--format", "json")[1])
    at = rows[0]["time"]
    assert json.loads(run("calls", BUSY, "-q", "--format", "json", "--from", at[:26])[1]) != []
    assert json.loads(run("calls", BUSY, "-q", "--format", "json", "--to", at[:19], "--tz", "UTC")[1]) == []


def test_csv_of_calls_holds_no_formula(run: Run) -> None:
    _, out, _ = run("calls", PCAPS, "-q", "--format", "csv")
    for row in csv.reader(io.StringIO(out)):
        assert not any(cell[:1] in "=+-@\t\r" for cell in row if cell)


def test_frames_of_chosen_calls_are_cut_out(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "cut.pcapng"
    exit_code, _, err = run("calls", TRUNK, BUSY, "--outcome", "busy", "-w", out)
    assert exit_code == 0
    assert "written to" in err
    found = json.loads(run("analyze", out, "-q", "--json")[1])
    assert found["calls"]["by_outcome"] == {"busy": 1}
    assert (
        found["captures"][0]["frames"] == json.loads(run("analyze", BUSY, "-q", "--json")[1])["captures"][0]["frames"]
    )


CARRIED = [
    "over_tcp", "over_websocket", "over_sctp", "in_fragments", "in_vxlan", "in_erspan", "in_gtp", "in_hep3",
    "udp_to_tcp",
]  # fmt: skip


@pytest.mark.parametrize("name", CARRIED)
def test_calls_that_are_cut_out_are_the_same_calls(run: Run, tmp_path: Path, name: str) -> None:
    capture, out = PCAPS / name / "capture.pcapng", tmp_path / "cut.pcapng"
    assert run("calls", capture, "-q", "-w", out)[0] == 0
    before, after = (json.loads(run("calls", path, "-q", "--format", "json")[1]) for path in (capture, out))
    for row in (*before, *after):
        row.pop("frame_no")
    assert after == before
    assert before


def test_tls_is_cut_out_with_the_secrets_of_the_chosen_calls(run: Run, tmp_path: Path) -> None:
    out, tls = tmp_path / "cut.pcapng", PCAPS / "tls"
    assert run("calls", tls / "capture.pcap", "--keylog", tls / "keylog", "--status", "503", "-q", "-w", out)[0] == 0
    found = json.loads(run("analyze", out, "-q", "--json")[1])
    assert found["calls"]["by_status_code"] == {"503": 1}
    assert found["captures"][0]["opaque_connections"] == 0
    lines = (tls / "keylog").read_text(encoding="ascii").splitlines()
    kept = [line for line in lines if line.split()[-1].encode() in out.read_bytes()]
    assert 0 < len(kept) < len(lines)


def test_a_capture_is_not_overwritten(run: Run, tmp_path: Path) -> None:
    copy = tmp_path / "copy.pcapng"
    copy.write_bytes(Path(BUSY).read_bytes())
    exit_code, _, err = run("calls", copy, "-q", "-w", copy)
    assert exit_code == 1
    assert len(err.splitlines()) == 1
    assert copy.read_bytes() == Path(BUSY).read_bytes()


def test_captures_tell_what_is_in_them(run: Run) -> None:
    exit_code, out, _ = run("captures", BUSY, TRUNK, "-q")
    assert exit_code == 0
    assert "2 captures" in out
    assert [row["truncated"] for row in json.loads(run("captures", BUSY, "-q", "--json")[1])] == [False]


@pytest.mark.parametrize("command", ["analyze", "calls", "captures"])
def test_our_errors_are_one_line_and_exit_code_1(run: Run, tmp_path: Path, command: str) -> None:
    (tmp_path / "text.pcap").write_text("this is no capture, but long enough to be looked at\n" * 3)
    (tmp_path / "empty").mkdir()
    for given in ("missing.pcap", "text.pcap", "empty"):
        exit_code, out, err = run(command, given, "-q")
        assert (exit_code, out) == (1, ""), given
        assert len(err.splitlines()) == 1
        assert err.startswith("sipcause: ")
        assert "Traceback" not in err


def test_an_unknown_profile_names_those_there_are(run: Run) -> None:
    exit_code, out, err = run("analyze", BUSY, "-q", "--causes", "dss2")
    assert (exit_code, out) == (1, "")
    assert "rfc3398" in err


def test_an_empty_capture_is_zeros(run: Run, tmp_path: Path) -> None:
    import struct

    (tmp_path / "empty.pcap").write_bytes(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
    exit_code, out, err = run("analyze", "empty.pcap", "-q", "--json")
    assert (exit_code, err) == (0, "")
    found = json.loads(out)
    jsonschema.validate(found, SCHEMA)
    zeros = {"total": 0, "unsuccessful": 0, "failures": 0, "orphans": 0}
    assert found["calls"] == {
        **zeros,
        "by_outcome": {},
        "by_status_code": {},
        "by_release": {},
        "scanners": 0,
        "without_scanners": {"total": 0, "answered": 0, "unsuccessful": 0, "failures": 0},
    }
    assert found["vantage"]["grade"] == "good"
    assert run("analyze", "empty.pcap", "-q")[0] == 0
    assert run("calls", "empty.pcap", "-q")[0] == 0
    assert run("analyze", "empty.pcap", "-q", "-o", "out", "--format", "csv,parquet,json")[0] == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ("analyze",),
        ("analyse", BUSY),
        ("analyze", BUSY, "--format", "xlsx"),
        ("analyze", BUSY, "--tables", "nothing"),
        ("analyze", BUSY, "--reader", "fast"),
        ("calls", BUSY, "--status", "4x"),
        ("calls", BUSY, "--cause", "x"),
        ("calls", BUSY, "--tz", "Nowhere"),
        ("calls", BUSY, "--from", "soon"),
        ("calls", "-", "-w", "out.pcapng"),
    ],
)
def test_wrong_usage_is_exit_code_2(run: Run, arguments: tuple[str, ...]) -> None:
    exit_code, out, err = run(*arguments)
    assert (exit_code, out) == (2, "")
    assert "Traceback" not in err


def test_a_folder_that_cannot_be_written_is_our_error(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    exit_code, out, err = run("analyze", BUSY, "-q", "-o", "file")
    assert (exit_code, out) == (1, "")
    assert len(err.splitlines()) == 1


def script(code: str) -> str:
    """What a Python program prints that ran by itself."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    return done.stdout


def test_help_imports_nothing_heavy() -> None:
    heavy = script(
        "import sys\nfrom analyzer.ui.cli.main import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "print('heavy:', sorted({'numpy', 'numba', 'pandas', 'pyarrow', 'scapy', 'matplotlib', 'rich', 'msgspec'}"
        " & set(sys.modules)))"
    )
    assert heavy.splitlines()[-1] == "heavy: []"


@pytest.mark.parametrize("option", ["--lang=en", "--json"])
def test_analyze_on_a_terminal_needs_neither_pandas_nor_charts(option: str) -> None:
    heavy = script(
        "import sys\nfrom analyzer.ui.cli.main import main\n"
        f"main(['analyze', {BUSY!r}, '-q', {option!r}])\n"
        "print('heavy:', sorted({'pandas', 'pyarrow', 'scapy', 'matplotlib'} & set(sys.modules)))"
    )
    assert heavy.splitlines()[-1] == "heavy: []"


def test_a_reader_that_leaves_early_is_no_error() -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = f"{sys.executable} -m analyzer calls {PCAPS} -q --limit 0 --format csv; echo exit $? >&2"
    done = subprocess.run(
        ["bash", "-c", f"({command}) | head -1"], capture_output=True, text=True, env=environment, check=True, cwd=ROOT
    )
    assert done.stdout.count("\n") == 1
    assert done.stderr.strip() == "exit 0"


def test_calls_from_standard_input() -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with open(BUSY, "rb") as capture:
        done = subprocess.run(
            [sys.executable, "-m", "analyzer", "calls", "-", "-q", "--format", "json"],
            stdin=capture, capture_output=True, text=True, env=environment, check=True,
        )  # fmt: skip
    assert [row["outcome"] for row in json.loads(done.stdout)] == ["busy"]


def test_warm_analyses_both_containers_and_leaves_nothing_behind(run: Run, tmp_path: Path) -> None:
    from analyzer.warming import warm_captures

    found = json.loads(run("analyze", *warm_captures(tmp_path), "-q", "--json")[1])
    assert [(row["frames"], row["sip_messages"]) for row in found["captures"]] == [(4, 4), (4, 3)]
    exit_code, out, err = run("warm")
    assert (exit_code, out) == (0, "")
    assert "compiled in" in err


def test_an_interrupt_is_one_line_and_exit_code_130(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_paths: str, **_options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("analyzer.api.analyze", interrupted)
    with pytest.raises(SystemExit) as left:
        main(["analyze", str(ROOT / "pcaps" / "answered" / "capture.pcapng"), "-q"])
    assert left.value.code == 130
    captured = capsys.readouterr()
    assert (captured.out, captured.err.strip()) == ("", "sipcause: interrupted")


def test_copies_are_removed_or_kept(run: Run) -> None:
    twice = str(PCAPS / "copies_vlan_in_and_out" / "capture.pcapng")
    _, removed, _ = run("analyze", "-q", twice)
    assert "VLAN 20 and VLAN 10 hold the same packets, 14 µs apart: 10 copies removed." in " ".join(removed.split())
    assert "VLAN/VNI" not in removed  # there is only one network
    _, kept, _ = run("analyze", "-q", "--keep-copies", twice)
    assert "counted all the same, because of --keep-copies: 10." in " ".join(kept.split())
    for option, duplicates in ([], 10), (["--keep-copies"], 0):
        _, said, _ = run("analyze", "-q", "--json", *option, twice)
        document = json.loads(said)
        jsonschema.validate(document, SCHEMA)
        assert document["captures"][0]["duplicates"] == duplicates
        assert document["captures"][0]["sip_messages"] == 20
    exit_code, out, err = run("calls", "--keep-copies", "--format", "csv", twice)
    assert exit_code == 0
    assert len(out.splitlines()) == 3
    assert "--keep-copies: 10." in err


def test_scanners_calls_are_listed_alone_or_left_out(run: Run, tmp_path: Path) -> None:
    scan = 'scanner = 198.51.100.66 agent="friendly-scanner"\n'
    scan += "".join(f"call s{n}\nscanner -> pbx INVITE to={n}\npbx -> scanner 404\n" for n in range(3))
    real = "call real\nalice -> pbx INVITE\npbx -> alice 486\nalice -> pbx ACK\nend +60s"
    write_pcap(sent(scan + real), tmp_path / "s.pcap")

    def outcomes(*options: str) -> list[str]:
        return [row["outcome"] for row in json.loads(run("calls", "s.pcap", "-q", "--format", "json", *options)[1])]

    assert outcomes("--scanners") == ["invalid_number"] * 3
    assert outcomes("--no-scanners") == ["busy"]
    assert len(outcomes()) == 4
    exit_code, out, _ = run("analyze", "s.pcap", "-q")
    assert exit_code == 0
    assert out.startswith("Capture: good")
    assert "Scanning addresses (1) made 3 of the calls" in " ".join(out.split())
