"""ICMP: the errors that quote what may have been SIP are handed on, the rest is counted unread."""

from __future__ import annotations

from analyzer.batch import Ints, Octets
from analyzer.capture.found_kernels import (
    FOUND_AT,
    FOUND_END,
    FOUND_INFO,
    FOUND_LAYERS,
    FOUND_PORTS,
    FOUND_RAW,
    FOUND_START,
    K_ICMP,
    K_RAW,
    RAW_ICMP,
)
from analyzer.capture.layer_kernels import L_ICMP, push
from analyzer.capture.wire_kernels import be16
from analyzer.jit import kernel
from analyzer.sip.start_kernels import SHORTEST, SIP_MESSAGE, start_line

_TCP, _UDP, _ICMP = 6, 17, 1
_HEADER = 8
#: Octets of an error that are kept: far more than RFC 1812 §4.3.2.3 (576) and RFC 4443 §2.4 (1280) let it have.
ERROR_OCTETS = 2048


@kernel
def icmp(octets: Octets, protocol: int, found: Ints) -> int:
    """RFC 792, RFC 4443: K_RAW for an error about what may have been SIP, K_ICMP for everything else."""
    at, end = found[FOUND_AT], found[FOUND_END]
    found[FOUND_LAYERS] = push(found[FOUND_LAYERS], L_ICMP)
    if end - at < _HEADER + 28:
        return K_ICMP
    kind = octets[at]
    if protocol == _ICMP:
        if kind != 3 and kind != 11:  # destination unreachable, time exceeded
            return K_ICMP
    elif kind < 1 or kind > 3:  # and packet too big, which ICMPv4 has as a code of the first
        return K_ICMP
    if not quotes_sip(octets, at + _HEADER, end):
        return K_ICMP
    found[FOUND_START] = at
    found[FOUND_END] = min(end, at + ERROR_OCTETS)
    found[FOUND_PORTS] = -1
    found[FOUND_INFO] = protocol
    found[FOUND_RAW] = RAW_ICMP
    return K_RAW


@kernel
def quotes_sip(octets: Octets, at: int, end: int) -> bool:
    """Whether the packet quoted at ``at`` is TCP, or a datagram that was SIP as far as its quote tells.

    Most routers quote eight octets behind the IP header, the ports and no more: whether these are SIP's, others know.
    """
    version = octets[at] >> 4
    if version == 4:
        header = int(octets[at] & 15) << 2
        protocol = octets[at + 9]
        if header < 20 or be16(octets, at + 6) & 0x1FFF:
            return False
    elif version == 6:
        header = 40
        protocol = octets[at + 6]
    else:
        return False
    start = at + header + 8
    if start > end:
        return False
    if protocol != _UDP:
        return bool(protocol == _TCP)
    if start == end:
        return True
    if octets[start] >= 0x7F:
        return False
    if end - start < SHORTEST or start_line(octets, start, end, True) == SIP_MESSAGE:
        return True
    if octets[start] <= 32:
        return False
    while start < end:  # a start line that is not whole
        if octets[start] == 10:
            return False
        start += 1
    return True
