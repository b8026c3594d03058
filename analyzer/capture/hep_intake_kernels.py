"""What stands where in a HEP 3 packet that has just come in, and its end in order."""

from __future__ import annotations

from analyzer.batch import Ints, Octets
from analyzer.capture.wire_kernels import be16
from analyzer.jit import kernel

I_LENGTH = 0  # octets that the packet states and that are there; what stands behind them is none of it
I_SECONDS = 1  # where the seconds of the agent's clock stand, -1 without
I_MICROSECONDS = 2
I_KEY = 3  # where the authentication key stands, -1 without
I_KEY_LENGTH = 4
I_KEYS = 5  # authentication keys in the packet
INTAKE_COLUMNS = 6

_SECONDS, _MICROSECONDS, _KEY, _PAYLOAD = 9, 10, 14, 15


@kernel
def intake_marks(octets: Octets, length: int, marks: Ints) -> None:
    """Fill ``marks`` (I_*) for the HEP 3 packet in the first ``length`` octets, six or more.

    Chunks are walked as `hep.hep_packet` does. From the place on where they make no sense octets are set to 0, because
    a key may hide there; the packet contradicts itself as before.
    """
    end = min(be16(octets, 4), length)
    marks[I_LENGTH] = end
    marks[I_SECONDS] = marks[I_MICROSECONDS] = marks[I_KEY] = -1
    marks[I_KEY_LENGTH] = marks[I_KEYS] = 0
    at = 6
    while at < end:
        is_whole = end - at >= 6
        size = be16(octets, at + 4) if is_whole else 0
        kind = be16(octets, at + 2) if is_whole else 0
        if size < 6 or (at + size > end and kind != _PAYLOAD):
            for place in range(at, end):
                octets[place] = 0
            break
        if be16(octets, at) == 0:
            if kind == _SECONDS and size == 10:
                marks[I_SECONDS] = at + 6
            elif kind == _MICROSECONDS and size == 10:
                marks[I_MICROSECONDS] = at + 6
            elif kind == _KEY:
                marks[I_KEY] = at + 6
                marks[I_KEY_LENGTH] = size - 6
                marks[I_KEYS] += 1
        at += size
