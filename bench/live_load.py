"""What is lost on a wire that gets busier: SIPp at rising rates with RTP beside it, sipcause and tcpdump listening.

    sudo bench/live [--rates 2000,5000,...] [--seconds 60] [--noise 10000] [--sngrep]

Everything happens on the loopback interface of a network namespace of its own. Each line is one rate: what SIPp was
asked for, what the kernel says was sent, what each program that listened took and what it says it lost. With
``--sngrep`` the rate is offered once more with sngrep listening in the place of sipcause: it takes a whole core, which
would be missing to the others.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from bench.listening import send

RATES = (1000, 2000, 5000, 10_000, 15_000, 20_000)
#: Messages of a call of SIPp's own scenario: INVITE 180 200 ACK BYE 200.
PER_CALL = 6
_CLIENT, _SERVER = 5060, 5070
_FILTER = f"udp port {_CLIENT} or udp port {_SERVER}"
_SETTLES_S = 4.0
#: An RTP packet of G.711: its first bit is set.
_RTP = b"\x80" + bytes(171)


@dataclass
class Line:
    """One rate: messages a second asked for, sent as the kernel counted them, and what each program made of them."""

    asked: int
    listener: str
    sent: int = 0
    seconds: float = 0.0
    taken: int = 0
    lost: int = 0
    tcpdump_taken: int = 0
    tcpdump_lost: int = 0
    cpu_s: float = 0.0
    memory_octets: int = 0

    @property
    def rate(self) -> float:
        """Messages a second that were really sent."""
        return self.sent / self.seconds if self.seconds else 0.0


def processor_s(process: int) -> float:
    """User and system seconds of a process so far."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Sipcause:
    """``sipcause live --json``."""

    name = "sipcause"

    def __init__(self, folder: Path, options: list[str]) -> None:
        self._out = folder / "live.json"
        with self._out.open("wb") as out, (folder / "live.err").open("wb") as err:
            command = [sys.executable, "-m", "analyzer", "live", "-i", "lo", "--user", "root", "--json", *options]
            self.process = subprocess.Popen(command, stdout=out, stderr=err)
        while b'"type":"status"' not in self._out.read_bytes():
            if self.process.poll() is not None:
                sys.exit((folder / "live.err").read_text())
            time.sleep(0.2)

    def end(self, line: Line) -> None:
        """Stop it; what it took and lost."""
        line.cpu_s = processor_s(self.process.pid)
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        line.memory_octets = int(found.group(1)) * 1024 if found else 0
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()
        summary = json.loads(self._out.read_bytes().splitlines()[-1])
        line.taken = sum(source["sip_messages"] for source in summary["captures"])
        line.lost = summary["dropped"] + summary["queue_dropped"]


class Sngrep:
    """``sngrep`` without a screen, saving what it takes."""

    name = "sngrep"

    def __init__(self, folder: Path, options: list[str]) -> None:
        self._file = folder / "sngrep.pcap"
        command = ["sngrep", "-N", "-q", "-l", "1000000", "-d", "lo", "-O", str(self._file), *_FILTER.split()]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(1.0)

    def end(self, line: Line) -> None:
        """Stop it; what stands in its file. It does not say what it lost."""
        line.cpu_s = processor_s(self.process.pid)
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        counted = subprocess.run(
            [sys.executable, "-m", "analyzer", "analyze", "--json", str(self._file)], capture_output=True, check=False
        )
        line.taken = json.loads(counted.stdout)["captures"][0]["sip_messages"] if counted.returncode == 0 else 0
        line.lost = max(line.sent - line.taken, 0)


def offer(asked: int, seconds: float, folder: Path) -> None:
    """Calls of SIPp over loopback."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder}
    uas = subprocess.Popen(["sipp", "-sn", "uas", "-i", "127.0.0.1", "-p", str(_SERVER), "-nostdin"], **quiet)
    time.sleep(0.5)
    calls = asked / PER_CALL
    uac = subprocess.Popen(
        ["sipp", "-sn", "uac", "-i", "127.0.0.1", "-p", str(_CLIENT), f"127.0.0.1:{_SERVER}", "-nostdin", "-d", "0",
         "-r", f"{calls:.0f}", "-m", f"{calls * seconds:.0f}", "-l", "1000000"],
        **quiet,
    )  # fmt: skip
    try:
        uac.wait(seconds * 2)
    except subprocess.TimeoutExpired:
        uac.kill()
        uac.wait()
    uas.kill()
    uas.wait()


def offer_again(capture: Path, asked: int, seconds: float, folder: Path) -> None:
    """The frames of a capture, by tcpreplay, which needs less of the processor than SIPp."""
    command = ["tcpreplay", "-q", "-i", "lo", "--pps", str(asked), "--limit", str(int(asked * seconds)), str(capture)]
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)


def measure(
    asked: int,
    seconds: float,
    noise: float,
    listener: type[Sipcause] | type[Sngrep],
    options: list[str],
    replay: Path | None = None,
) -> Line:
    """Offer a rate for so many seconds; by replaying a capture, if one is given."""
    line = Line(asked, listener.name)
    with tempfile.TemporaryDirectory(prefix="sipcause-live-") as name:
        folder = Path(name)
        listening = listener(folder, options)
        with (folder / "tcpdump.err").open("wb") as err:
            tcpdump = subprocess.Popen(
                ["tcpdump", "-i", "lo", "-Z", "root", "-w", str(folder / "tcpdump.pcap"), _FILTER], stderr=err
            )
        time.sleep(1.0)
        rtp = os.fork()
        if not rtp:
            send(noise, seconds, _RTP)
            os._exit(0)
        start = time.monotonic()
        (offer if replay is None else partial(offer_again, replay))(asked, seconds, folder)
        line.seconds = time.monotonic() - start
        os.waitpid(rtp, 0)
        time.sleep(_SETTLES_S)
        tcpdump.send_signal(signal.SIGINT)
        tcpdump.wait()
        said = (folder / "tcpdump.err").read_text()
        line.tcpdump_taken, line.tcpdump_lost = (
            int(found.group(1)) if (found := re.search(rf"(\d+) packets? {words}", said)) else 0
            for words in ("captured", "dropped by kernel")
        )
        # What passed tcpdump's filter in the kernel, whether it was in time for it or not.
        line.sent = line.tcpdump_taken + line.tcpdump_lost
        listening.end(line)
    return line


_HEADINGS = (
    f"{'asked':>7} {'msgs/s':>8} {'sent':>10}  {'listener':9} {'taken':>10} {'lost':>8} {'CPU s':>6} {'MiB':>5}"
    f"  {'tcpdump':>10} {'lost':>8}"
)


def shown(line: Line) -> str:
    """A line of the table."""
    return (
        f"{line.asked:7,} {line.rate:8,.0f} {line.sent:10,}  {line.listener:9} {line.taken:10,} {line.lost:8,}"
        f" {line.cpu_s:6.1f} {line.memory_octets / 2**20:5.0f}  {line.tcpdump_taken:10,} {line.tcpdump_lost:8,}"
    )


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rates", default=",".join(map(str, RATES)), help="SIP messages a second, with commas")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--noise", type=float, default=10_000.0, help="RTP packets a second")
    parser.add_argument("--sngrep", action="store_true", help="once more with sngrep")
    parser.add_argument("--replay", type=Path, help="frames of this capture by tcpreplay, in the place of SIPp")
    parser.add_argument("--json", type=Path, help="every figure, for other programs")
    parser.add_argument("options", nargs="*", help="more options of sipcause live, behind --")
    given = parser.parse_args()
    if missing := [name for name in ("sipp", "tcpdump", "unshare", "ip") if shutil.which(name) is None]:
        sys.exit(f"needs {', '.join(missing)}")
    if os.environ.get("SIPCAUSE_OWN_NETWORK") != "1":
        os.environ["SIPCAUSE_OWN_NETWORK"] = "1"
        os.execvp("unshare", ["unshare", "-n", sys.executable, "-m", "bench.live_load", *sys.argv[1:]])
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    listeners: list[type[Sipcause] | type[Sngrep]] = [Sipcause, *([Sngrep] if given.sngrep else [])]
    print(_HEADINGS, flush=True)
    lines = []
    for asked in map(int, given.rates.split(",")):
        for listener in listeners:
            line = measure(asked, given.seconds, given.noise, listener, given.options, given.replay)
            lines.append(line)
            print(shown(line), flush=True)
    if given.json is not None:
        given.json.write_text(json.dumps([{**asdict(line), "rate": line.rate} for line in lines], indent=2) + "\n")


if __name__ == "__main__":
    main()
