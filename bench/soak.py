"""A live run under load for long: is memory flat, and what do kills and a full disk cost?

    sudo bench/soak memory [--minutes 20] [--rate 500]      resident memory over time, store and frames file written
    sudo bench/soak kills [--kills 20] [--rate 100]         kill -9 and start again; the store beside what tcpdump saw
    sudo bench/soak disk [--rate 100]                       a store on a small tmpfs that fills up, and room again

SIPp calls on the loopback interface of a network namespace of its own: every fifth call is answered, the others are
refused with 486, 503, 404 and 488. ``--rate`` is calls a second.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from analyzer.tables.store_read import open_store

SCENARIOS = Path(__file__).resolve().parent.parent / "tests" / "live" / "sipp"
NUMBERS = ("200", "486", "503", "404", "488")
#: A store is written so often.
EVERY_S = 2.0
_PORTS = (5060, 5070)
_SECOND = 1_000_000_000
#: Timer B: a call of which nothing more was heard is over by then, and lingers as long again.
_OVER_S = 64 + 5


@contextmanager
def traffic(folder: Path, rate: int) -> Iterator[None]:
    """Calls at a rate until the block ends."""
    (folder / "numbers.csv").write_text("SEQUENTIAL\n" + "\n".join(NUMBERS) + "\n")
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder}
    common = ["-i", "127.0.0.1", "-nostdin", "-l", "100000"]
    server = subprocess.Popen(["sipp", "-sf", str(SCENARIOS / "uas.xml"), "-p", str(_PORTS[1]), *common], **quiet)
    client = subprocess.Popen(
        ["sipp", "-sf", str(SCENARIOS / "uac.xml"), "-inf", "numbers.csv", "-p", str(_PORTS[0]), "-r", str(rate),
         "-d", "2000", "-m", "1000000000", f"127.0.0.1:{_PORTS[1]}", *common],
        **quiet,
    )  # fmt: skip
    try:
        yield
    finally:
        for process in (client, server):
            process.kill()
            process.wait()


class Run:
    """A ``sipcause live --json`` with a store."""

    def __init__(self, folder: Path, store: Path, *options: str) -> None:
        self.out, self.err = folder / "live.json", folder / "live.err"
        command = [
            sys.executable, "-m", "analyzer", "live", "-i", "lo", "--user", "root", "--json", "--store", str(store),
            "--store-every", f"{EVERY_S:g}s", *options,
        ]  # fmt: skip
        with self.out.open("wb") as out, self.err.open("ab") as err:
            self.process = subprocess.Popen(command, stdout=out, stderr=err)
        while b'"type":"status"' not in self.out.read_bytes():
            if self.process.poll() is not None:
                sys.exit(self.err.read_text())
            time.sleep(0.1)

    def memory(self) -> float:
        """Resident memory, MiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        return int(found.group(1)) / 1024 if found else 0.0

    def end(self) -> dict[str, object]:
        """SIGTERM; the summary."""
        self.process.send_signal(signal.SIGTERM)
        if self.process.wait(120):
            sys.exit(self.err.read_text())
        return json.loads(self.out.read_bytes().splitlines()[-1])

    def notices(self) -> list[str]:
        """What happened to it."""
        lines = (json.loads(line) for line in self.out.read_bytes().splitlines())
        return [line["text"] for line in lines if line["type"] == "notice"]


def memory(folder: Path, given: argparse.Namespace) -> None:
    """Resident memory every ten seconds."""
    run = Run(folder, folder / "store", "-w", str(folder / "frames"), "--rotate-size", "20M", "--keep-files", "5")
    samples: list[tuple[float, float]] = []
    with traffic(folder, given.rate):
        start = time.monotonic()
        while (passed := time.monotonic() - start) < given.minutes * 60:
            time.sleep(10)
            samples.append((passed, run.memory()))
            print(f"{passed:7.0f} s  {samples[-1][1]:7.1f} MiB", flush=True)
    summary = run.end()
    later = [mib for passed, mib in samples if passed >= 120]
    print(f"messages {sum(source['sip_messages'] for source in summary['captures']):,}, calls "
          f"{summary['calls']['total']:,}, dropped {summary['dropped']}, evicted {summary['evicted']}")
    print(f"from the second minute on {min(later):.0f} to {max(later):.0f} MiB; "
          f"first tenth {sum(later[: len(later) // 10]) / (len(later) // 10):.0f}, "
          f"last tenth {sum(later[-(len(later) // 10) :]) / (len(later) // 10):.0f}")
    calls = open_store(folder / "store").calls(columns=["call_key", "outcome"])
    print(f"store: {len(calls):,} calls")


def kills(folder: Path, given: argparse.Namespace) -> None:
    """Kill it at random moments; at the end hold the store against what tcpdump saw."""
    chosen = random.Random(given.seed)
    store, seen = folder / "store", folder / "tcpdump.pcap"
    tcpdump = subprocess.Popen(
        ["tcpdump", "-i", "lo", "-U", "-Z", "root", "-w", str(seen), f"udp port {_PORTS[0]} or udp port {_PORTS[1]}"],
        stderr=subprocess.DEVNULL,
    )
    away: list[tuple[int, int]] = []
    run = Run(folder, store)
    with traffic(folder, given.rate):
        for number in range(given.kills):
            time.sleep(chosen.uniform(3, 12))
            killed = time.time_ns()
            run.process.kill()
            run.process.wait()
            calls = open_store(store).calls(columns=["call_key"])
            checked = subprocess.run(
                [sys.executable, "-m", "analyzer", "store", "verify", str(store)], capture_output=True, check=False
            )
            run = Run(folder, store)
            away.append((killed - int(EVERY_S * _SECOND), time.time_ns()))
            print(f"kill {number + 1:2}: {len(calls):,} calls in the store, verify {checked.returncode}, "
                  f"away {(time.time_ns() - killed) / _SECOND:.1f} s; {run.notices()}", flush=True)
        time.sleep(10)
    time.sleep(_OVER_S)
    run.end()
    tcpdump.send_signal(signal.SIGINT)
    tcpdump.wait()
    compare(store, seen, away)


def compare(store: Path, seen: Path, away: list[tuple[int, int]]) -> None:
    """Calls of the store beside those of a capture; what lay in the moments of the kills may be missing or cut."""
    from analyzer.api import analyze

    columns = ["call_id", "invite_ts", "outcome", "status_code"]
    stored = {row["call_id"]: row for row in open_store(store).calls(columns=columns).to_pylist()}
    met = same = 0
    wrong: list[object] = []
    rows = list(analyze(str(seen)).columns("calls").rows())
    for row in rows:
        end = row["end_ts"] or row["invite_ts"]
        # A call in progress when it was killed, or begun while nobody listened.
        if any(row["invite_ts"] <= back and end >= gone - _SECOND for gone, back in away):
            met += 1
            continue
        found = stored.get(row["call_id"])
        if found is not None and (found["outcome"], found["status_code"]) == (row["outcome"], row["status_code"]):
            same += 1
        else:
            wrong.append((row["call_id"], row["outcome"], found))
    print(f"{len(rows):,} calls on the wire: {same:,} equal in the store, {met:,} met one of {len(away)} kills (one "
          f"interval of {EVERY_S:g} s before it, and the time away), {len(wrong)} wrong; {len(stored):,} stored")
    for one in wrong[:10]:
        print("  ", one)


def disk(folder: Path, given: argparse.Namespace) -> None:
    """Let the store's disk fill up, and give it room again."""
    place = folder / "small"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(place)], check=True)
    try:
        run = Run(folder, place / "store")
        with traffic(folder, given.rate):
            time.sleep(5)
            filler = place / "filler"
            with filler.open("wb") as file:
                try:
                    while True:
                        file.write(bytes(1 << 16))
                        file.flush()
                except OSError:
                    print("full", flush=True)
            for _ in range(20):
                time.sleep(1)
            print(run.notices(), flush=True)
            filler.unlink()
            print("room again", flush=True)
            time.sleep(10)
        print(run.notices(), flush=True)
        time.sleep(_OVER_S)
        summary = run.end()
        stored = open_store(place / "store").calls(columns=["call_key"])
        print(f"calls {summary['calls']['total']:,}, stored {len(stored):,}")
        verify = [sys.executable, "-m", "analyzer", "store", "verify", str(place / "store")]
        checked = subprocess.run(verify, check=False)
        print(f"verify {checked.returncode}")
    finally:
        subprocess.run(["umount", str(place)], check=False)


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("memory", "kills", "disk"))
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--rate", type=int, default=100, help="calls a second")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    if missing := [name for name in ("sipp", "tcpdump", "unshare", "ip") if shutil.which(name) is None]:
        sys.exit(f"needs {', '.join(missing)}")
    if os.environ.get("SIPCAUSE_OWN_NETWORK") != "1":
        os.environ["SIPCAUSE_OWN_NETWORK"] = "1"
        os.execvp("unshare", ["unshare", "-n", "-m", sys.executable, "-m", "bench.soak", *sys.argv[1:]])
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    with tempfile.TemporaryDirectory(prefix="sipcause-soak-") as name:
        {"memory": memory, "kills": kills, "disk": disk}[given.what](Path(name), given)


if __name__ == "__main__":
    main()
