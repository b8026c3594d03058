"""Numbers out of octets: the loads that every kernel of this folder is made of.

An unsigned index lets the compiler merge the single loads into one and leaves Python's negative indices out.
"""

from __future__ import annotations

import numpy as np

from analyzer.batch import Octets
from analyzer.jit import inlined, kernel


@inlined
def be16(octets: Octets, at: int) -> int:
    """Two octets in network order."""
    i = np.uint64(at)
    return int(np.int64(octets[i]) << 8 | np.int64(octets[i + np.uint64(1)]))


@inlined
def be32(octets: Octets, at: int) -> int:
    """Four octets in network order."""
    i = np.uint64(at)
    return int(
        np.int64(octets[i]) << 24
        | np.int64(octets[i + np.uint64(1)]) << 16
        | np.int64(octets[i + np.uint64(2)]) << 8
        | np.int64(octets[i + np.uint64(3)])
    )


@inlined
def le32(octets: Octets, at: int) -> int:
    """Four octets, least significant first."""
    i = np.uint64(at)
    return int(
        np.int64(octets[i])
        | np.int64(octets[i + np.uint64(1)]) << 8
        | np.int64(octets[i + np.uint64(2)]) << 16
        | np.int64(octets[i + np.uint64(3)]) << 24
    )


@inlined
def file16(octets: Octets, at: int, is_big: bool) -> int:
    """Two octets in the byte order of the machine that wrote the file."""
    word = be16(octets, at)
    return word if is_big else word >> 8 | (word & 255) << 8


@inlined
def file32(octets: Octets, at: int, is_big: bool) -> int:
    """Four octets in the byte order of the machine that wrote the file."""
    return be32(octets, at) if is_big else le32(octets, at)


@inlined
def be64(octets: Octets, at: int) -> int:
    """Eight octets in network order, as a signed number: half of an IPv6 address."""
    return be32(octets, at) << 32 | be32(octets, at + 4)


@kernel
def names_sip(octets: Octets, start: int, end: int) -> bool:
    """Whether ``SIP/2.0`` stands anywhere in ``octets[start:end]``."""
    at = start
    last = end - 7
    while at <= last:
        if (
            octets[at] == 83
            and octets[at + 1] == 73
            and octets[at + 2] == 80
            and octets[at + 3] == 47
            and octets[at + 4] == 50
            and octets[at + 5] == 46
            and octets[at + 6] == 48
        ):
            return True
        at += 1
    return False
