"""A HEP packet that has just come in, made a frame that may be kept: sender's key blanked, a wrong clock set right.

What is changed is changed in the packet itself, so that the frames file holds what was counted and every reader of it,
`capture/hep.py` first, counts the same.
"""

from __future__ import annotations

import hmac
import struct

import numpy as np

from analyzer.batch import MISSING, Ints, Octets
from analyzer.capture.hep import hep_packet
from analyzer.capture.hep_intake_kernels import (
    HEADROOM,
    I_CLOCK_OFF,
    I_KEY,
    I_KEY_LENGTH,
    I_KEYS,
    INTAKE_COLUMNS,
    frame_headers,
    hep3_intake,
)

#: An agent's time that is further from the arrival than this is not taken: a live run's clock is the highest time seen,
#: and one agent an hour ahead would time out everybody's calls.
CLOCK_BOUND_NS = 5_000_000_000
#: The longest packet that a datagram or HEP 3's length field can hold, and room to see that one is longer.
PACKET_OCTETS = 65_536
#: The longest record: its header, IPv6 and UDP around the longest packet.
RECORD_OCTETS_MOST = HEADROOM + PACKET_OCTETS


class Intake:
    """Takes one packet at a time out of ``packet``, where it has been put, and makes a record of it.

    ``key`` is what the authentication key of every packet must be; None when packets are taken with any and without.
    """

    def __init__(self, key: str | None = None, clock_bound_ns: int = CLOCK_BOUND_NS) -> None:
        octets = bytearray(HEADROOM + PACKET_OCTETS)
        self._view = memoryview(octets)
        self.packet = self._view[HEADROOM:]
        self._array: Octets = np.frombuffer(octets, dtype=np.uint8)
        self._key = None if key is None else key.encode()
        self._bound = clock_bound_ns
        self._marks: Ints = np.zeros(INTAKE_COLUMNS, dtype=np.int64)
        #: Of the last packet: how far its clock was ahead of the arrival when it was not believed, in ns; MISSING when
        #: it said nothing that can be a time; 0 when all was well.
        self.clock_off = 0
        # Loads what is compiled before the first packet waits for it.
        hep3_intake(self._array, 6, 0, self._bound, self._marks)
        frame_headers(self._array, 0, 0, 0, 0, 0, 0, 0)

    def record(
        self, length: int, arrival: int, src: tuple[int, int], dst: tuple[int, int], ports: int
    ) -> memoryview | str:
        """The record of the packet in the first ``length`` octets, until the next one is put there.

        Addresses are halves, ``ports`` is source << 16 | destination. A text says why it is refused: ``not_hep``,
        ``key`` or ``too_long``.
        """
        packet = self.packet
        if length >= 6 and bytes(packet[:4]) == b"HEP3":
            self.clock_off = 0
            length = hep3_intake(self._array, length, arrival, self._bound, self._marks)
            if length <= 0 or self._key is not None:  # 0, something marked, or a key to ask for
                length = -length if length < 0 else length
                refused = self._marked() if length else "not_hep"
                if refused is not None:
                    return refused
        else:
            refused = self._version_1_or_2(length, arrival)
            if refused is not None:
                return refused
        start = frame_headers(self._array, length, arrival, *src, *dst, ports)
        return self._view[start : HEADROOM + length] if start >= 0 else "too_long"

    def _marked(self) -> str | None:
        """Compare and blank the key; more than one contradict each other."""
        clock_off, key_at, key_length, keys = (
            int(self._marks[column]) for column in (I_CLOCK_OFF, I_KEY, I_KEY_LENGTH, I_KEYS)
        )
        if keys > 1:
            return "not_hep"
        key = bytes(self._view[key_at : key_at + key_length]) if keys else None
        if self._key is not None and (key is None or not hmac.compare_digest(key, self._key)):
            return "key"
        if keys:
            self._view[key_at : key_at + key_length] = bytes(key_length)
        self.clock_off = clock_off
        return None

    def _version_1_or_2(self, length: int, arrival: int) -> str | None:
        octets = self.packet
        packet = hep_packet(bytes(octets[:length]), arrival)
        if packet is None:
            return "not_hep"
        if self._key is not None:
            return "key"  # these versions have no place for one
        if octets[0] == 1 or (packet.ts != MISSING and abs(packet.ts - arrival) <= self._bound):
            self.clock_off = 0
            return None
        seconds, rest = divmod(arrival, 10**9)
        addresses = 8 if octets[2] == 2 else 32
        struct.pack_into("<II", octets, 8 + addresses, seconds, rest // 1000)
        self.clock_off = MISSING if packet.ts == MISSING else packet.ts - arrival
        return None
