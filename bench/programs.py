"""The programs that are measured and their command lines: the same question, as near as each comes to it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

#: What people who script with tshark ask for: one line per response.
_FIELDS = ("frame.time_epoch", "ip.src", "ip.dst", "sip.Call-ID", "sip.CSeq", "sip.Status-Code")
AGGREGATES = "registrations,responses,requests,causes,releases,endpoints,issues,captures"


@dataclass(frozen=True)
class Program:
    """A row of the result: what it is called there, the executable, and its arguments for a capture."""

    label: str
    executable: str
    arguments: Callable[[str], list[str]]
    captures: tuple[str, ...]


_RTP, _DENSE = ("rtp-heavy", "rtp-heavy-10"), ("sip-dense", "sip-dense-10")
_OTHERS = ("sip-mixed", "open-50k")
_CARRIED = ("sip-tcp", "http-heavy", "vxlan")

OTHERS = [
    Program(
        "tcpdump port 5060",
        "tcpdump",
        lambda file: ["-n", "-r", file, "-w", "/dev/null", "udp port 5060"],
        _RTP + _DENSE,
    ),
    Program(
        "tcpdump tcp port 5060",
        "tcpdump",
        lambda file: ["-n", "-r", file, "-w", "/dev/null", "tcp port 5060"],
        ("sip-tcp", "http-heavy"),
    ),
    Program(
        "tcpdump vxlan, port 5060",
        "tcpdump",
        # The filters of libpcap 1.10 know no VXLAN: the ports inside stand 42 octets behind the outer UDP header's end.
        lambda file: [
            *("-n", "-r", file, "-w", "/dev/null"),
            "udp dst port 4789 and (udp[50:2] = 5060 or udp[52:2] = 5060)",
        ],
        ("vxlan",),
    ),
    Program("sipgrep", "sipgrep", lambda file: ["-I", file, "-C", "-G"], _RTP + _DENSE),
    Program(
        "tshark -z sip,stat",
        "tshark",
        lambda file: ["-n", "-q", "-r", file, "-z", "sip,stat"],
        ("rtp-heavy", *_DENSE, *_OTHERS, *_CARRIED),
    ),
    Program(
        "tshark -T fields",
        "tshark",
        lambda file: [
            *("-n", "-r", file, "-Y", "sip.Status-Code", "-T", "fields"),
            *(part for name in _FIELDS for part in ("-e", name)),
        ],
        ("rtp-heavy", *_DENSE),
    ),
    Program(
        "sngrep -l 1000000",
        "sngrep",
        # Without -l it stops taking new dialogs at 20,000.
        lambda file: ["-l", "1000000", "-I", file, "-r", "-N", "-q"],
        ("rtp-heavy", *_DENSE, *_OTHERS),
    ),
]


def ours(folder: Path) -> list[Program]:
    """sipcause's rows; what it writes goes below `folder`."""

    def to(name: str, tables: str) -> Callable[[str], list[str]]:
        out = str(folder / name)
        return lambda file: ["analyze", file, "-q", "-o", out, "--tables", tables, "--no-charts"]

    every = ("small", *_RTP, *_DENSE, *_OTHERS, *_CARRIED)
    calls = f"calls,transactions,{AGGREGATES}"
    return [
        Program("sipcause", "sipcause", lambda file: ["analyze", file, "-q"], every),
        Program("sipcause --json", "sipcause", lambda file: ["analyze", file, "--json"], ("small", *_DENSE)),
        Program("sipcause -o", "sipcause", to("calls", calls), _DENSE),
        Program("sipcause -o, with messages", "sipcause", to("messages", f"messages,{calls}"), _DENSE),
    ]


def version(executable: str) -> str | None:
    """The first line with which a program says its version; None when it is not installed."""
    path = shutil.which(executable)
    if path is None:
        return None
    flag = "-V" if executable in ("sngrep", "sipgrep") else "--version"
    null = subprocess.DEVNULL
    shown = subprocess.run([path, flag], capture_output=True, text=True, check=False, stdin=null)
    lines = [line for line in (shown.stdout + shown.stderr).splitlines() if line.strip()]
    return lines[0].strip() if lines else path
