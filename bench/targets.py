"""What sipcause is to reach, and whether a set of figures shows that it does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bench.measure import Figures

MIB = 1 << 20


@dataclass(frozen=True)
class Verdict:
    """One target: what was promised and what was measured; `met` is None where figures are missing.

    `on_reference` says what an absolute figure would be on the machine that it was set on (`bench.machine`), and
    `met_on_reference` whether that meets it; neither changes what was measured.
    """

    what: str
    target: str
    measured: str
    met: bool | None
    on_reference: str = ""
    met_on_reference: bool | None = None


@dataclass(frozen=True)
class Evidence:
    """The figures of one session: by (capture, program), judged by `by` (``wall_s`` or ``cpu_s``).

    ``messages`` and ``sizes`` (octets of the file) are what the captures hold; ``machine`` is how many times slower
    this machine is than the reference machine, None when that is not known.
    """

    figures: Mapping[tuple[str, str], Figures]
    messages: Mapping[str, int]
    sizes: Mapping[str, int]
    by: str
    machine: float | None = None

    def seconds(self, capture: str, program: str = "sipcause", by: str = "") -> float:
        """Median seconds; KeyError when there is no good run."""
        figures = self.figures[capture, program]
        if not figures.good:
            raise KeyError(capture, program)
        return figures.median(by or self.by)

    def beyond_start(self, capture: str) -> float:
        """Median seconds of sipcause, without those that it takes for next to nothing."""
        return self.seconds(capture) - self.seconds("small")

    def octets(self, capture: str) -> float:
        """Median peak memory of sipcause."""
        self.seconds(capture)
        return self.figures[capture, "sipcause"].median("rss")


Judge = Callable[[Evidence], tuple[str, bool]]


@dataclass(frozen=True)
class Absolute:
    """A target in seconds, or in what is done in one: it depends on the machine. Seconds are divided by a factor."""

    judge: Callable[[Evidence, float], tuple[str, bool]]

    def __call__(self, seen: Evidence, factor: float = 1.0) -> tuple[str, bool]:
        return self.judge(seen, factor)


def _faster(capture: str, other: str, times: float) -> Judge:
    def judge(seen: Evidence) -> tuple[str, bool]:
        figures = seen.figures[capture, other]
        stopped = bool(figures.runs) and figures.runs[0].stopped
        theirs = figures.median(seen.by) if stopped else seen.seconds(capture, other)
        ratio = theirs / seen.seconds(capture)
        # A program that was stopped would have taken longer: enough if that is already enough, else unknown.
        if stopped and ratio < times:
            raise KeyError(capture, other)
        return f"{'more than ' if stopped else ''}{ratio:.1f} times", ratio >= times

    return judge


def _at_most(capture: str, program: str, times: float) -> Judge:
    def judge(seen: Evidence) -> tuple[str, bool]:
        ratio = seen.seconds(capture, program) / seen.seconds(capture)
        return f"{ratio:.2f} times", ratio <= times

    return judge


def _below(capture: str, program: str, limit_s: float, by: str = "") -> Absolute:
    def judge(seen: Evidence, factor: float) -> tuple[str, bool]:
        spent = seen.seconds(capture, program, by) / factor
        return f"{spent:.2f} s", spent <= limit_s

    return Absolute(judge)


def _memory(capture: str, limit: int) -> Judge:
    def judge(seen: Evidence) -> tuple[str, bool]:
        return f"{seen.octets(capture) / MIB:.0f} MiB", seen.octets(capture) < limit

    return judge


def _rate(seen: Evidence, factor: float) -> tuple[str, bool]:
    more = seen.messages["sip-dense-10"] - seen.messages["sip-dense"]
    rate = more / (seen.seconds("sip-dense-10") - seen.seconds("sip-dense")) * factor
    return f"{rate / 1e6:.2f} million/s", rate >= 1e6


def _third(capture: str, of: str, what: str) -> Judge:
    """At least a third of the messages or octets a second of another capture, both beyond the start."""

    def judge(seen: Evidence) -> tuple[str, bool]:
        there = seen.messages if what == "messages" else seen.sizes
        spent = [seen.beyond_start(name) for name in (capture, of)]
        if min(spent) <= 0:  # lost in how much the start varies
            raise KeyError(capture, of)
        rates = [there[capture] / spent[0], there[of] / spent[1]]
        share = rates[0] / rates[1]
        return f"{share:.2f} ({rates[0] / 1e6:,.2f} against {rates[1] / 1e6:,.2f} million {what}/s)", share >= 1 / 3

    return judge


def _growth(capture: str) -> Judge:
    def judge(seen: Evidence) -> tuple[str, bool]:
        once = seen.beyond_start(capture)
        more = (seen.seconds(capture + "-10") - seen.seconds(capture)) / 9
        return f"{more / once:.2f} (each further fold {more:.3f} s, the first {once:.3f} s)", (
            0.75 <= more / once <= 1.25
        )

    return judge


def _two(seen: Evidence) -> tuple[str, bool]:
    together, apart = (seen.seconds("two captures", way, "wall_s") for way in ("at once", "one by one"))
    return f"{together / apart:.2f} of the time", together / apart <= 0.6


TARGETS: list[tuple[str, str, Judge]] = [
    ("rtp-heavy against tshark -T fields", "40 times faster", _faster("rtp-heavy", "tshark -T fields", 40)),
    (
        "rtp-heavy against tshark -z sip,stat",
        "20 times faster",
        _faster("rtp-heavy", "tshark -z sip,stat", 20),
    ),
    ("rtp-heavy-10 against tcpdump", "faster", _faster("rtp-heavy-10", "tcpdump port 5060", 1)),
    ("sip-dense-10 against sngrep", "10 times faster", _faster("sip-dense-10", "sngrep -l 1000000", 10)),
    (
        "sip-dense-10 against tshark -z sip,stat",
        "7 times faster",
        _faster("sip-dense-10", "tshark -z sip,stat", 7),
    ),
    ("messages from sip-dense to sip-dense-10", "1 million/s", Absolute(_rate)),
    ("sip-dense-10 with -o", "at most 1.5 times", _at_most("sip-dense-10", "sipcause -o", 1.5)),
    (
        "sip-dense-10 with -o and messages",
        "at most 4 times",
        _at_most("sip-dense-10", "sipcause -o, with messages", 4),
    ),
    ("growth of sip-dense", "0.75 to 1.25", _growth("sip-dense")),
    ("growth of rtp-heavy", "0.75 to 1.25", _growth("rtp-heavy")),
    ("memory for rtp-heavy-10", "under 700 MiB", _memory("rtp-heavy-10", 700 * MIB)),
    ("memory for sip-dense-10", "under 1024 MiB", _memory("sip-dense-10", 1024 * MIB)),
    ("sip-tcp against sip-dense-10", "a third of the messages/s", _third("sip-tcp", "sip-dense-10", "messages")),
    ("http-heavy against rtp-heavy", "a third of the octets/s", _third("http-heavy", "rtp-heavy", "octets")),
    ("vxlan against rtp-heavy", "a third of the octets/s", _third("vxlan", "rtp-heavy", "octets")),
    ("memory for sip-tcp", "under 700 MiB", _memory("sip-tcp", 700 * MIB)),
    ("memory for http-heavy", "under 300 MiB", _memory("http-heavy", 300 * MIB)),
    ("memory for vxlan", "under 300 MiB", _memory("vxlan", 300 * MIB)),
    ("--help", "under 0.2 s", _below("start", "sipcause --help", 0.2)),
    ("a 20 kB capture", "under 1.2 s CPU", _below("small", "sipcause", 1.2, "cpu_s")),
    ("a 20 kB capture, --json", "under 1.2 s CPU", _below("small", "sipcause --json", 1.2, "cpu_s")),
    ("first run: compiling", "under 60 s", _below("start", "sipcause warm, no cache", 60)),
    ("two captures at once", "at most 0.6 of one by one", _two),
]


def verdicts(seen: Evidence) -> list[Verdict]:
    """Every target, judged."""
    rows = []
    for what, target, judge in TARGETS:
        try:
            measured, met = judge(seen)
        except KeyError:
            rows.append(Verdict(what, target, "not measured", None))
        else:
            there = judge(seen, seen.machine) if isinstance(judge, Absolute) and seen.machine else ("", None)
            rows.append(Verdict(what, target, measured, met, *there))
    return rows
