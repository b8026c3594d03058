"""One command as a whole process: how long, how much of the processors, how much memory.

The figures are the operating system's own account of the finished process and of the children it waited for
(wait4). Linux hands the peak of the process that starts another down to it, so no memory reads lower than
this program's own (about 20 MB); for what is compared here that makes no difference.
"""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

#: ru_maxrss is in KiB on Linux and in octets on macOS (getrusage(2) of each).
_RSS_UNIT = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True)
class Run:
    """One finished run. `cpu_s` is user and system time together, `rss` the peak resident size in octets."""

    wall_s: float
    cpu_s: float
    rss: int
    exit_code: int
    stopped: bool


@dataclass
class Figures:
    """The runs of one command on one capture."""

    capture: str
    program: str
    command: list[str]
    runs: list[Run] = field(default_factory=list)
    note: str = ""

    @property
    def good(self) -> bool:
        """At least one run, each of which came to its end without an error."""
        return bool(self.runs) and all(run.exit_code == 0 and not run.stopped for run in self.runs)

    def median(self, what: str) -> float:
        """The median of ``wall_s``, ``cpu_s`` or ``rss`` over the runs."""
        return float(statistics.median(getattr(run, what) for run in self.runs))

    def as_dict(self) -> dict[str, object]:
        """For the JSON file: every run, and the medians."""
        medians = {what: self.median(what) for what in ("wall_s", "cpu_s", "rss")} if self.runs else {}
        return {**asdict(self), "good": self.good, "median": medians}


def run(command: Sequence[str], limit_s: float, extra: Mapping[str, str] | None = None) -> Run:
    """Run a command to its end, its output dropped; after `limit_s` seconds it is stopped."""
    environment = {**os.environ, **(extra or {})}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # users have their byte code cached
    null = subprocess.DEVNULL
    begin = time.perf_counter()
    process = subprocess.Popen(command, stdin=null, stdout=null, stderr=null, env=environment, start_new_session=True)
    stopped = threading.Event()

    def stop() -> None:
        stopped.set()
        os.killpg(process.pid, signal.SIGKILL)

    timer = threading.Timer(limit_s, stop)
    timer.start()
    try:
        _, status, usage = os.wait4(process.pid, 0)
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    finally:
        timer.cancel()
    wall_s = time.perf_counter() - begin
    # Popen must not wait for a process that wait4 has already taken.
    process.returncode = os.waitstatus_to_exitcode(status)
    cpu_s = usage.ru_utime + usage.ru_stime
    return Run(wall_s, cpu_s, usage.ru_maxrss * _RSS_UNIT, process.returncode, stopped.is_set())


def in_turn(
    all_figures: Sequence[Figures],
    runs: int,
    limit_s: float,
    slow_s: float,
    said: Callable[[str], None],
) -> None:
    """Run the commands in turn (A B C A B C …) so that a machine that changes its pace is fair to each.

    A command whose first run takes longer than `slow_s` is not run again, nor is one that fails.
    """
    for number in range(runs):
        for figures in all_figures:
            if number and (not figures.good or figures.runs[0].wall_s > slow_s):
                continue
            done = run(figures.command, limit_s)
            figures.runs.append(done)
            if done.stopped:
                figures.note = f"stopped after {limit_s:.0f} s"
            elif done.exit_code:
                figures.note = f"exit status {done.exit_code}"
            seconds = f"{done.wall_s:8.2f} s wall {done.cpu_s:8.2f} s CPU {done.rss / 1e6:7.0f} MB"
            said(f"  {number + 1}/{runs} {figures.capture:13} {figures.program:26} {seconds} {figures.note}")


def read_through(path: Path) -> None:
    """Bring a file into the page cache."""
    with path.open("rb", buffering=0) as file:
        buffer = bytearray(4 << 20)
        while file.readinto(buffer):
            pass
