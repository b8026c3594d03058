"""What a capture holds, as one short text: the same whatever its file is called, packed in or written as.

The digest is over its SIP messages in their order: octets, addresses, ports, transport and time in microseconds,
which is what every format keeps. Frames that are not SIP, their numbers, VLANs and what the reader made of copies are
not in it. A capture without a message is told by its first and last frame and how many there are.
"""

from __future__ import annotations

import hashlib

import numpy as np

from analyzer.batch import (
    D_DST_HI,
    D_DST_LO,
    D_DST_PORT,
    D_LENGTH,
    D_OFFSET,
    D_SRC_HI,
    D_SRC_LO,
    D_SRC_PORT,
    D_TRANSPORT,
    D_TS,
    Ints,
    Octets,
)
from analyzer.tables.store_keys import KEY_OCTETS
from analyzer.tables.texts import end_to_end

_MICROSECOND = 1000
_COLUMNS = (D_TS, D_LENGTH, D_SRC_HI, D_SRC_LO, D_DST_HI, D_DST_LO, D_SRC_PORT, D_DST_PORT, D_TRANSPORT)


class CaptureDigest:
    """The digest of one capture, made of its messages as they pass; how they are cut into batches does not matter."""

    def __init__(self) -> None:
        # One for what stands around messages and one for what is in them: each may be fed in pieces.
        self._around = hashlib.blake2b(digest_size=32, person=b"sipcause around")
        self._inside = hashlib.blake2b(digest_size=32, person=b"sipcause inside")
        self.messages = 0

    def add(self, octets: Octets, rows: Ints) -> None:
        """Some messages: rows (D_*) into octets."""
        told = rows[:, _COLUMNS].astype("<i8")
        told[:, 0] //= _MICROSECOND
        self._around.update(told.tobytes())
        whole = end_to_end(octets, rows[:, D_OFFSET].copy(), rows[:, D_LENGTH].astype(np.int32))
        self._inside.update(whole.octets.data)
        self.messages += len(rows)

    def text(self, start_ts: int, end_ts: int, frames: int) -> str:
        """The digest, as hexadecimal digits; the arguments tell a capture without messages (ns)."""
        made = hashlib.blake2b(digest_size=KEY_OCTETS, person=b"sipcause capture")
        made.update(self._around.digest() + self._inside.digest())
        if not self.messages:
            made.update(f"{start_ts // _MICROSECOND} {end_ts // _MICROSECOND} {frames}".encode())
        return made.hexdigest()
