"""What sipcause, tshark and sngrep say about a capture: how many calls, what became of each, its code, what was resent.

Nothing here judges. A figure that a program does not give is None; `Opinion.messages` is 0 where it saw no SIP at all.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import analyzer
from analyzer.schema import RequestRow, ResponseRow
from analyzer.stats.calls import by_outcome
from analyzer.vocab import FAILURES

#: Long enough for any capture of the corpus; a program that takes longer has no opinion.
PATIENCE_S = 20.0


@dataclass(frozen=True)
class Opinion:
    """One program's answer; ``states`` and ``codes`` have an entry for each call, in order of their first messages."""

    messages: int | None = None
    calls: int | None = None
    states: tuple[str, ...] | None = None
    codes: tuple[int | None, ...] | None = None
    failures: int | None = None
    resends: int | None = None


def sipcause(capture: Path) -> Opinion:
    """Our own figures, through the Python interface."""
    result = analyzer.analyze(str(capture))
    calls = result.columns("calls")
    rows = list(calls.rows())
    traffic: list[ResponseRow | RequestRow] = [*result.responses, *result.requests]
    return Opinion(
        messages=sum(row.messages for row in traffic),
        calls=len(calls),
        states=tuple(row["outcome"] for row in rows),
        codes=tuple(row["status_code"] for row in rows),
        failures=sum(count for outcome, count in by_outcome(calls).items() if outcome in FAILURES),
        resends=sum(row.resends for row in traffic),
    )


def _tshark(capture: Path, *arguments: str) -> str | None:
    command = ["tshark", "-n", "-r", str(capture), *arguments]
    with suppress(OSError, subprocess.TimeoutExpired):
        run = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=PATIENCE_S, stdin=subprocess.DEVNULL
        )
        if run.returncode == 0:
            return run.stdout
    return None


def tshark_statistics(capture: Path) -> Opinion:
    """``tshark -z sip,stat``: messages and resent ones; it counts packets and does not speak of calls."""
    shown = _tshark(capture, "-q", "-z", "sip,stat")
    if shown is None:
        return Opinion()
    found = re.search(r"messages: (\d+)\s+Number of resent SIP messages: (\d+)", shown)
    return Opinion(messages=int(found[1]), resends=int(found[2])) if found else Opinion()


def tshark_fields(capture: Path) -> Opinion:
    """What is made of ``tshark -T fields``: a call for each Call-ID of an INVITE, its code the last final."""
    fields = ("sip.Call-ID", "sip.CSeq.method", "sip.Method", "sip.Status-Code")
    wanted = [part for field in fields for part in ("-e", field)]
    shown = _tshark(capture, "-Y", "sip", "-T", "fields", "-E", "occurrence=a", "-E", "aggregator=|", *wanted)
    if shown is None:
        return Opinion()
    last: dict[str, int | None] = {}
    messages = 0
    for line in shown.splitlines():
        call_ids, methods, requests, codes = (cell.split("|") if cell else [] for cell in line.split("\t"))
        messages += len(call_ids)
        answers = iter(codes if len(codes) == len(call_ids) - len(requests) else [])
        for call_id, method in zip(call_ids, methods, strict=False):
            code = int(next(answers, "0")) if not requests else 0
            if "INVITE" in requests and method == "INVITE":
                last.setdefault(call_id, None)
            elif method == "INVITE" and code >= 200 and call_id in last:
                last[call_id] = code
    return Opinion(messages=messages, calls=len(last), codes=tuple(last.values()))


#: The columns that are read off the screen, with their widths; `-F` keeps a user's own settings out.
_SNGREP_COLUMNS = (("index", 6), ("method", 12), ("state", 14), ("msgcnt", 6), ("callid", 30))
_WIDTH, _HEIGHT = 240, 200


def sngrep(capture: Path) -> Opinion:
    """sngrep's list of dialogs, read off its screen in a detached terminal: it has no other way to tell."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Path(folder) / "settings"
        lines = [
            f"set cl.column{number} {name}\nset cl.column{number}.width {width}\n"
            for number, (name, width) in enumerate(_SNGREP_COLUMNS)
        ]
        settings.write_text("".join(lines))
        tmux = ["tmux", "-L", f"sipcause-score-{Path(folder).name}", "-f", "/dev/null"]
        size = ["-x", str(_WIDTH), "-y", str(_HEIGHT), "-P", "-F", "#{pane_pid}"]
        command = ["sngrep", "-F", "-f", str(settings), "-I", str(capture)]
        pid = int(_shown(*tmux, "new-session", "-d", "-s", "s", *size, *command))
        try:
            return _dialogs(lambda: _shown(*tmux, "capture-pane", "-p", "-t", "s"))
        finally:
            # It outlives its terminal and then never rests.
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            _shown(*tmux, "kill-server")


def _shown(*command: str) -> str:
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    return run.stdout


def _dialogs(screen: Callable[[], str]) -> Opinion:
    """Wait until the screen is at rest, and read its list."""
    shown, before, until = "", None, time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        time.sleep(0.4)
        before, shown = shown, screen()
        if shown == before and re.search(r"Mode: Offline\s+Dialogs: \d+", shown):
            return dialogs_of(shown)
    return Opinion()


def dialogs_of(screen: str) -> Opinion:
    """The dialogs on sngrep's screen that an INVITE began, with their states."""
    states: list[str] = []
    messages = 0
    places: tuple[int, int, int] | None = None
    for line in screen.splitlines():
        if "Idx" in line and "Msgs" in line:
            places = line.index("Method"), line.index("Call State"), line.index("Msgs")
        elif places and re.match(r"\s*\[.\] \d+ ", line):
            method, state, count = places
            messages += int(line[count:].split()[0])
            if line[method:state].strip() == "INVITE":
                states.append(line[state:count].strip())
    return Opinion(messages=messages, calls=len(states), states=tuple(states))


#: Who is asked, as the page calls it: the executables that it takes, and how.
PROGRAMS: dict[str, tuple[tuple[str, ...], Callable[[Path], Opinion]]] = {
    "sipcause": ((), sipcause),
    "tshark, Call-IDs": (("tshark",), tshark_fields),
    "tshark, sip,stat": (("tshark",), tshark_statistics),
    "sngrep": (("sngrep", "tmux"), sngrep),
}


def installed(name: str) -> bool:
    """Whether a program of `PROGRAMS` can be asked here."""
    return all(shutil.which(executable) for executable in PROGRAMS[name][0])
