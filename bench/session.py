"""One session of measuring: make the captures, run every program in turn, print figures, ratios, verdicts."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.check import differences
from bench.machine import described, factor, factors
from bench.measure import Figures, in_turn, read_through, run
from bench.programs import OTHERS, Program, ours, version
from bench.targets import Evidence, Verdict, verdicts

ROOT = Path(__file__).resolve().parent.parent
#: The large ones last, so that they do not push the others out of the page cache.
CAPTURES = [
    *("small", "sip-dense", "sip-dense-10", "sip-mixed", "open-50k", "sip-tcp"),
    *("http-heavy", "vxlan", "rtp-heavy", "rtp-heavy-10"),
]
NAMES = [*CAPTURES, "start", "two"]


def _arguments() -> argparse.Namespace:
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    parser = argparse.ArgumentParser(prog="bench/run", description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path(base) / "sipcause-bench", help="of the captures")
    parser.add_argument("--only", action="append", choices=NAMES, metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--skip-10gb", action="store_true", help="leave out rtp-heavy-10")
    parser.add_argument("--programs", help="of the others, e.g. tshark,tcpdump; 'none' for sipcause alone")
    parser.add_argument("--runs", type=int, default=5, help="runs of each command (default 5)")
    parser.add_argument("--limit", type=float, default=400, help="seconds after which a run is stopped")
    parser.add_argument("--slow", type=float, default=60, help="seconds beyond which once is enough")
    parser.add_argument("--by", choices=("auto", "wall", "cpu"), default="auto", help="what is compared")
    parser.add_argument("--sipcause", help="command to measure (default: the one of this Python)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every run and verdict there too")
    return parser.parse_args()


def _say(text: str = "") -> None:
    print(text, flush=True)


def _sipcause(chosen: str | None) -> list[str]:
    if chosen:
        return shlex.split(chosen)
    beside = Path(sys.executable).with_name("sipcause")
    found = str(beside) if beside.exists() else shutil.which("sipcause")
    return [found] if found else [sys.executable, "-m", "analyzer"]


def _interpreter(sipcause: list[str]) -> str:
    """The Python that sipcause runs in: it has numpy, which the generator needs."""
    beside = Path(sipcause[0]).with_name("python")
    return str(beside) if beside.exists() else sys.executable


def _chosen(names: str | None) -> list[Program]:
    if names is None:
        return OTHERS
    wanted = set(names.split(",")) - {"none"}
    unknown = wanted - {program.executable for program in OTHERS}
    if unknown:
        raise SystemExit(f"bench/run: no such program: {', '.join(sorted(unknown))}")
    return [program for program in OTHERS if program.executable in wanted]


class Session:
    """Holds what has been measured so far."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.arguments = arguments
        self.sipcause = _sipcause(arguments.sipcause)
        self.python = _interpreter(self.sipcause)
        self.names = [name for name in NAMES if not arguments.only or name in arguments.only]
        if arguments.skip_10gb and "rtp-heavy-10" in self.names:
            self.names.remove("rtp-heavy-10")
        self.load = os.getloadavg()[0]
        # Beside other work a process waits, which is not its doing: then only the CPU time tells.
        quiet = "wall_s" if self.load <= 0.5 else "cpu_s"
        self.by = {"wall": "wall_s", "cpu": "cpu_s", "auto": quiet}[arguments.by]
        self.figures: dict[tuple[str, str], Figures] = {}
        self.content: dict[str, dict[str, object]] = {}
        self.wrong: dict[str, list[str]] = {}
        self.versions = {"sipcause": self._own_version()}

    def _own_version(self) -> str:
        shown = subprocess.run([*self.sipcause, "--version"], capture_output=True, text=True, check=False)
        if shown.returncode:
            raise SystemExit(f"bench/run: {shlex.join(self.sipcause)} does not run: {shown.stderr.strip()}")
        return shown.stdout.strip()

    def make(self, names: list[str]) -> None:
        """Make the captures that are not there yet and note what they hold."""
        folder = str(self.arguments.folder)
        subprocess.run([self.python, "-m", "bench.captures", *names, "--folder", folder], check=True)
        for name in names:
            self.content[name] = json.loads((self.arguments.folder / f"{name}.json").read_text())

    def measure(self) -> None:
        """Everything that was asked for, in one go."""
        captures = [name for name in CAPTURES if name in self.names]
        needed = {*captures, *(["sip-dense-10"] if "two" in self.names else [])}
        self.make([name for name in CAPTURES if name in needed])
        others = _chosen(self.arguments.programs)
        for executable in dict.fromkeys(program.executable for program in others):
            shown = version(executable)
            self.versions[executable] = shown or "not installed, left out"
        others = [program for program in others if shutil.which(program.executable)]
        _say(f"{platform.platform()}, {os.cpu_count()} cores, load {self.load:.2f} at the start")
        for executable, shown in self.versions.items():
            _say(f"{executable}: {shown}")
        _say(f"compared by {'wall time' if self.by == 'wall_s' else 'CPU seconds'}")
        # Compiling is measured on its own (start); every other run finds the kernels in the cache.
        run([*self.sipcause, "warm"], self.arguments.limit)
        with tempfile.TemporaryDirectory(prefix="sipcause-bench-") as out:
            for name in captures:
                self._capture(name, others, Path(out))
            if "start" in self.names:
                self._start(Path(out))
        if "two" in self.names:
            self._two()

    def _capture(self, name: str, others: list[Program], out: Path) -> None:
        path = self.arguments.folder / f"{name}.pcap"
        content = self.content[name]
        size = f"{content['frames']:,} frames, {content['sip_messages']:,} SIP messages"
        _say()
        _say(f"{name}: {content['about']}; {size}")
        read_through(path)
        wrong = self.wrong[name] = differences(self.sipcause, path)
        _say(
            "  sipcause counts " + ("WRONG: " + "; ".join(wrong) if wrong else "every message and call as it was made")
        )
        rows = []
        for program in [*ours(out), *others]:
            if name in program.captures:
                head = self.sipcause if program.executable == "sipcause" else [program.executable]
                rows.append(Figures(name, program.label, [*head, *program.arguments(str(path))]))
        self._in_turn(rows)

    def _start(self, out: Path) -> None:
        _say()
        _say("start")
        self._in_turn([Figures("start", "sipcause --help", [*self.sipcause, "--help"])])
        cold = Figures("start", "sipcause warm, no cache", [*self.sipcause, "warm"])
        cold.runs.append(run(cold.command, self.arguments.limit, {"SIPCAUSE_CACHE": str(out / "no-cache")}))
        self.figures[cold.capture, cold.program] = cold
        _say(f"  1/1 start         {cold.program:26} {cold.runs[0].wall_s:8.2f} s wall")

    def _two(self) -> None:
        _say()
        path = str(self.arguments.folder / "sip-dense-10.pcap")
        _say("two captures (sip-dense-10 twice) in one process, on one thread and on two")
        self._in_turn(
            [
                Figures("two captures", label, [self.python, "-m", "bench.two", threads, path, path])
                for label, threads in (("one by one", "1"), ("at once", "2"))
            ]
        )

    def _in_turn(self, rows: list[Figures]) -> None:
        for figures in rows:
            _say(f"  $ {shlex.join(figures.command)}")
        in_turn(rows, self.arguments.runs, self.arguments.limit, self.arguments.slow, _say)
        for figures in rows:
            self.figures[figures.capture, figures.program] = figures

    def verdicts(self) -> list[Verdict]:
        """The targets, judged by what has been measured."""
        messages, sizes = (
            {name: int(str(content[what])) for name, content in self.content.items()}
            for what in ("sip_messages", "octets")
        )
        return verdicts(Evidence(self.figures, messages, sizes, self.by, factor(self.machine())))

    def machine(self) -> dict[str, float]:
        """How many times slower than the reference machine this one is, by capture."""
        return factors(self.figures, {name: int(str(content["octets"])) for name, content in self.content.items()})

    def table(self) -> str:
        """Medians, and how many times sipcause's time each program takes."""
        lines = [
            f"{'capture':13} {'program':26} {'runs':>4} {'wall s':>9} {'CPU s':>9} {'peak MB':>8} "
            f"{'x wall':>8} {'x CPU':>8}"
        ]
        for (capture, label), figures in self.figures.items():
            own = self.figures.get((capture, "sipcause"))
            ratios = ["", ""]
            if own is not None and own.good and figures.runs:
                ratios = [f"{figures.median(by) / own.median(by):.2f}" for by in ("wall_s", "cpu_s")]
            lines.append(
                f"{capture:13} {label:26} {len(figures.runs):4} {figures.median('wall_s'):9.3f} "
                f"{figures.median('cpu_s'):9.3f} {figures.median('rss') / 1e6:8.0f} "
                f"{ratios[0]:>8} {ratios[1]:>8}  {figures.note}".rstrip()
            )
        return "\n".join(lines)

    def document(self, judged: list[Verdict]) -> dict[str, object]:
        """Everything, for a file."""
        return {
            "machine": platform.platform(),
            "cores": os.cpu_count(),
            "load_at_start": self.load,
            "compared_by": self.by,
            "versions": self.versions,
            "captures": self.content,
            "wrong_counts": self.wrong,
            "figures": [figures.as_dict() for figures in self.figures.values()],
            "times_slower_than_reference_machine": self.machine(),
            "targets": [vars(verdict) for verdict in judged],
        }


def main() -> int:
    """Exit status 1 when sipcause failed or counted wrong; a missed target is a result, not an error."""
    arguments = _arguments()
    arguments.folder = arguments.folder.absolute()
    arguments.json = arguments.json and arguments.json.absolute()
    os.chdir(ROOT)
    session = Session(arguments)
    session.measure()
    judged = session.verdicts()
    _say()
    _say(session.table())
    _say()
    _say(described(session.machine()))
    _say()
    _say(f"{'target':42} {'asked':27} {'measured':44} verdict")
    for verdict in judged:
        word = {True: "met", False: "MISSED", None: "-"}[verdict.met]
        _say(f"{verdict.what:42} {verdict.target:27} {verdict.measured:44} {word}")
        if verdict.on_reference:
            there = {True: "would be met", False: "would be missed", None: ""}[verdict.met_on_reference]
            _say(f"{'':42} {'':27} = {verdict.on_reference} by the reference machine's measure: {there}")
    if arguments.json:
        arguments.json.write_text(json.dumps(session.document(judged), indent=1) + "\n")
    failed = [row for row in session.figures.values() if "sipcause" in row.program and not row.good]
    return 1 if failed or any(session.wrong.values()) else 0
