"""Addresses as two int64 halves, and back as text.

An IPv6 address is its first and its last eight octets in network order; IPv4 is the mapped address ``::ffff:a.b.c.d``
(RFC 4291 §2.5.5.2), so that one pair of integer columns holds both and compares them at once.
"""

from __future__ import annotations

import ipaddress
from functools import lru_cache

import numpy as np

from analyzer.batch import Ints

#: Upper half of the low word of an IPv4-mapped address.
MAPPED = 0xFFFF << 32
_SIGN = 1 << 63
_WORD = 1 << 64


@lru_cache(maxsize=65_536)
def address_text(hi: int, lo: int) -> str:
    """The canonical text of an address: dotted quad for IPv4 and IPv4-mapped ones, else RFC 5952."""
    if hi == 0 and 0 <= lo - MAPPED < 1 << 32:
        value = lo - MAPPED
        return f"{value >> 24}.{value >> 16 & 255}.{value >> 8 & 255}.{value & 255}"
    # Python's own text of IPv6 follows RFC 5952; a mapped address never comes here.
    return str(ipaddress.IPv6Address((hi % _WORD) << 64 | lo % _WORD))


def address_texts(hi: Ints, lo: Ints) -> list[str]:
    """The texts of two columns; each different address is put into words once."""
    if not len(hi):
        return []
    pairs = np.stack([hi, lo], axis=1)
    different, which = np.unique(pairs, axis=0, return_inverse=True)
    texts = [address_text(*pair) for pair in different.tolist()]
    return [texts[number] for number in which.reshape(-1).tolist()]


def address_halves(text: str) -> tuple[int, int]:
    """The two halves of an address given as text, a zone (``%eth0``) left out; ValueError when it is none."""
    address = ipaddress.ip_address(text.partition("%")[0])
    if address.version == 4:
        return 0, MAPPED | int(address)
    value = int(address)
    return _signed(value >> 64), _signed(value & (_WORD - 1))


def halves(octets: bytes) -> tuple[int, int]:
    """The two halves of an address given as its 4 or 16 octets in network order."""
    if len(octets) == 4:
        return 0, MAPPED | int.from_bytes(octets, "big")
    return _signed(int.from_bytes(octets[:8], "big")), _signed(int.from_bytes(octets[8:], "big"))


def _signed(word: int) -> int:
    return word - _WORD if word & _SIGN else word
