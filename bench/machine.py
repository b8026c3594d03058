"""How this machine compares with the one that the absolute targets were set on, by what tcpdump takes on both.

Seconds and messages a second say as much about the machine as about the program. tcpdump walks the same records on any
machine, so its CPU seconds there and here give a factor. It is rough (memory, disk cache and compiler differ too), so
a figure that is converted with it stands beside the measured one and never in its place.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping

from bench.measure import Figures

TCPDUMP = "tcpdump port 5060"
#: CPU seconds of tcpdump with its port filter on the reference machine, by capture, and the octets that it read there.
REFERENCE = {
    "rtp-heavy": (0.30, 1_041_000_000),
    "rtp-heavy-10": (2.9, 10_413_000_000),
    "sip-dense-10": (0.39, 1_300_000_000),
}


def factors(figures: Mapping[tuple[str, str], Figures], octets: Mapping[str, int]) -> dict[str, float]:
    """How many times longer tcpdump takes here, by capture; captures of another size are compared by octet."""
    found = {}
    for capture, (seconds, size) in REFERENCE.items():
        measured = figures.get((capture, TCPDUMP))
        if measured is not None and measured.good and octets.get(capture):
            found[capture] = measured.median("cpu_s") / (seconds * octets[capture] / size)
    return found


def factor(by_capture: Mapping[str, float]) -> float | None:
    """One factor for the machine: the median; None when tcpdump was not measured."""
    return statistics.median(by_capture.values()) if by_capture else None


def described(by_capture: Mapping[str, float]) -> str:
    """A line about the machine."""
    one = factor(by_capture)
    if one is None:
        return "the machine: not compared with the reference machine (tcpdump was not measured)"
    each = ", ".join(f"{capture} {times:.2f}" for capture, times in by_capture.items())
    return f"the machine: by tcpdump {one:.2f} times the CPU seconds of the reference machine ({each})"
