"""The same traffic, captured by another program and counted as it passes, gives equal calls, responses and causes."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.live.wire import PATIENCE_S, free_ports, live, needs_capture, send

SIPP = Path(__file__).parent / "sipp"
#: What the number that is dialled gives.
NUMBERS = ("200", "486", "503", "404", "488")
EQUAL = ("responses", "requests", "calls", "causes", "releases", "registrations", "midcall")
#: Of calls only a run without an end has no scanners (docs/live.md).
OF_ALL = ("scanners", "without_scanners")

pytestmark = needs_capture


def document(capture: Path) -> dict[str, Any]:
    """What the file path says of a capture."""
    command = [sys.executable, "-m", "analyzer", "analyze", "--json", str(capture)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, timeout=PATIENCE_S).stdout)


def same(live_document: dict[str, Any], of_file: dict[str, Any]) -> None:
    for key in EQUAL:
        expected = of_file[key]
        if key == "calls":
            expected = {name: value for name, value in expected.items() if name not in OF_ALL}
        assert live_document[key] == expected, key


@pytest.mark.parametrize("programs", [("sipp", "tcpdump")])
def test_tcpdump_and_live_see_the_same(tmp_path: Path, programs: tuple[str, ...]) -> None:
    if missing := [program for program in programs if shutil.which(program) is None]:
        pytest.skip(f"not installed: {', '.join(missing)}")
    client, server = free_ports(2)
    dumped = tmp_path / "tcpdump.pcap"
    (tmp_path / "numbers.csv").write_text("SEQUENTIAL\n" + "\n".join(NUMBERS) + "\n")
    expression = f"udp port {client} or udp port {server}"
    with live(tmp_path, "-i", "lo", "-f", expression, "-w", str(tmp_path / "frames")) as run:
        tcpdump = subprocess.Popen(
            ["tcpdump", "-i", "lo", "-U", "-w", str(dumped), "-Z", "root", expression], stderr=subprocess.DEVNULL
        )
        address = ["-i", "127.0.0.1", "-nostdin"]
        called = subprocess.Popen(
            ["sipp", "-sf", str(SIPP / "uas.xml"), "-p", str(server), *address],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=tmp_path,
        )  # fmt: skip
        try:
            while not dumped.exists() or not dumped.stat().st_size:
                time.sleep(0.1)
            calling = ["sipp", "-sf", str(SIPP / "uac.xml"), "-inf", "numbers.csv", "-p", str(client)]
            subprocess.run(
                [*calling, f"127.0.0.1:{server}", "-r", "50", "-m", "100", "-d", "200", *address],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=tmp_path, timeout=PATIENCE_S, check=True,
            )  # fmt: skip
        finally:
            called.kill()
            called.wait()
            time.sleep(1.0)  # tcpdump reads what the kernel still holds
            tcpdump.terminate()
            tcpdump.wait()
        summary = run.end()
        calls = run.lines("call")
    of_file = document(dumped)
    same(summary, of_file)
    assert summary["dropped"] == 0
    assert summary["calls"]["total"] == len(calls) == 100
    assert summary["calls"]["by_status_code"] == dict.fromkeys(sorted(NUMBERS), 20)
    # What was kept for proof holds all of it again.
    kept = document(tmp_path / "frames")
    same(summary, kept)


def message(kind: str, call: str, *more: str) -> str:
    lines = [
        kind,
        f"Via: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK{call}{'a' if kind.startswith('ACK') else ''}",
        f"From: <sip:1@example.com>;tag=f{call}",
        f"To: <sip:2@example.com>{'' if kind.startswith('INVITE') else f';tag=t{call}'}",
        f"Call-ID: {call}",
        f"CSeq: 1 {'ACK' if kind.startswith('ACK') else 'INVITE'}",
        *more,
        "Content-Length: 0",
    ]
    return "\r\n".join(lines) + "\r\n\r\n"


def test_calls_on_loopback_are_told_as_they_were_made(tmp_path: Path) -> None:
    ports = free_ports(2)
    said: list[tuple[bool, str]] = []
    for number in range(30):
        call = f"live-{number}"
        final = ("SIP/2.0 486 Busy", "SIP/2.0 503 Full", "SIP/2.0 850 Ours")[number % 3]
        said += [
            (True, message("INVITE sip:2@example.com SIP/2.0", call)),
            (False, message("SIP/2.0 180 Ringing", call)),
            (False, message(final, call, *(["Reason: Q.850;cause=34"] if number % 3 == 1 else []))),
        ]
    with live(tmp_path, "-i", "lo", "--ports", ",".join(map(str, ports))) as run:
        send((ports[0], ports[1]), said)
        time.sleep(2.0)
        summary = run.end()
        calls = run.lines("call")
    assert {call["call_id"]: (call["status_code"], call["outcome"], call["cause"]) for call in calls} == {
        f"live-{number}": ((486, "busy", 17), (503, "failed", 34), (850, "failed", None))[number % 3]
        for number in range(30)
    }
    assert len({call["call_key"] for call in calls}) == 30
    assert summary["calls"]["by_status_code"] == {"486": 10, "503": 10, "850": 10}
    assert [row["messages"] for row in summary["requests"]] == [30]
