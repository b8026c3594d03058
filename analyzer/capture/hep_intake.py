"""A HEP packet that has just come in, made fit to be kept: sender's key blanked, a wrong clock set right.

What is changed is changed in the packet itself, so that the frames file holds what was counted and every reader of it,
`capture/hep.py` first, counts the same.
"""

from __future__ import annotations

import hmac
import struct
from typing import NamedTuple

import numpy as np

from analyzer.batch import MISSING, Ints, Octets
from analyzer.capture.hep import hep_packet
from analyzer.capture.hep_intake_kernels import (
    I_KEY,
    I_KEY_LENGTH,
    I_KEYS,
    I_LENGTH,
    I_MICROSECONDS,
    I_SECONDS,
    INTAKE_COLUMNS,
    intake_marks,
)

#: An agent's time that is further from the arrival than this is not taken: a live run's clock is the highest time seen,
#: and one agent an hour ahead would time out everybody's calls.
CLOCK_BOUND_NS = 5_000_000_000
#: Why a packet is refused.
NOT_HEP, KEY = "not_hep", "key"

_ADDRESSES = {2: 8}  # octets of two IPv4 addresses in HEP 1 and 2; any other family is IPv6
_MICROSECOND = 1000


class Taken(NamedTuple):
    """What became of a packet: the octets of it that count, or why it is refused.

    ``clock_off`` is how far the agent's clock was ahead of the arrival where it was not taken, in ns; 0 where it was,
    MISSING where it said nothing that can be a time.
    """

    length: int
    refused: str | None = None
    clock_off: int = 0


class Intake:
    """Looks at packets in a buffer of its own, ``octets``, and changes them there.

    ``key`` is what the authentication key of every packet must be; None when packets are taken with any and without.
    """

    def __init__(self, octets: bytearray, key: str | None = None, clock_bound_ns: int = CLOCK_BOUND_NS) -> None:
        self._octets = octets
        self._array: Octets = np.frombuffer(octets, dtype=np.uint8)
        self._key = None if key is None else key.encode()
        self._bound = clock_bound_ns
        self._marks: Ints = np.zeros(INTAKE_COLUMNS, dtype=np.int64)
        intake_marks(self._array, 6, self._marks)  # loads what is compiled before the first packet waits for it

    def take(self, length: int, arrival: int) -> Taken:
        """The packet in the first ``length`` octets, which came in at ``arrival``."""
        if length >= 6 and self._octets.startswith(b"HEP3"):
            return self._version_3(length, arrival)
        return self._version_1_or_2(length, arrival)

    def _version_3(self, length: int, arrival: int) -> Taken:
        marks, octets = self._marks, self._octets
        intake_marks(self._array, length, marks)
        length, seconds_at, micros_at = int(marks[I_LENGTH]), int(marks[I_SECONDS]), int(marks[I_MICROSECONDS])
        keys, key_at, key_length = int(marks[I_KEYS]), int(marks[I_KEY]), int(marks[I_KEY_LENGTH])
        if length < 6 or keys > 1:
            return Taken(0, NOT_HEP)
        if self._key is not None and not (
            keys and hmac.compare_digest(bytes(octets[key_at : key_at + key_length]), self._key)
        ):
            return Taken(0, KEY)
        if keys:
            octets[key_at : key_at + key_length] = bytes(key_length)
        if seconds_at < 0:
            return Taken(length)  # the frame's time counts
        ts = int.from_bytes(octets[seconds_at : seconds_at + 4], "big") * 10**9
        if micros_at >= 0:
            ts += int.from_bytes(octets[micros_at : micros_at + 4], "big") * _MICROSECOND
        if abs(ts - arrival) <= self._bound:
            return Taken(length)
        seconds, rest = divmod(arrival, 10**9)
        struct.pack_into(">I", octets, seconds_at, seconds)
        if micros_at >= 0:
            struct.pack_into(">I", octets, micros_at, rest // _MICROSECOND)
        return Taken(length, clock_off=ts - arrival)

    def _version_1_or_2(self, length: int, arrival: int) -> Taken:
        octets = self._octets
        packet = hep_packet(bytes(octets[:length]), arrival)
        if packet is None:
            return Taken(0, NOT_HEP)
        if self._key is not None:
            return Taken(0, KEY)  # these versions have no place for one
        if octets[0] == 1 or (packet.ts != MISSING and abs(packet.ts - arrival) <= self._bound):
            return Taken(length)
        seconds, rest = divmod(arrival, 10**9)
        struct.pack_into("<II", octets, 8 + _ADDRESSES.get(octets[2], 32), seconds, rest // _MICROSECOND)
        return Taken(length, clock_off=MISSING if packet.ts == MISSING else packet.ts - arrival)
