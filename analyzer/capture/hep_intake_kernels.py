"""A HEP 3 packet that has just come in: where its clock and key stand, a wrong clock set right, its end in order.

A packet stands in a buffer of its own behind HEADROOM octets, in which `frame_headers` puts what a capture would show.
"""

from __future__ import annotations

import numpy as np

from analyzer.batch import Ints, Octets
from analyzer.capture.wire_kernels import be16, be32
from analyzer.jit import inlined, kernel

#: Room for the header of a record, IPv6 and UDP.
HEADROOM = 64

I_CLOCK_OFF = 0  # ns that the agent's clock was ahead of the arrival when it was set right; else 0
I_KEY = 1  # where the authentication key stands
I_KEY_LENGTH = 2
I_KEYS = 3  # authentication keys in the packet
INTAKE_COLUMNS = 4

_SECONDS, _MICROSECONDS, _KEY, _PAYLOAD = 9, 10, 14, 15
_SECOND = 1_000_000_000
_RECORD, _IPV4, _IPV6, _UDP = 16, 20, 40, 8
_PROTOCOL_UDP, _HOPS, _DONT_FRAGMENT = 17, 64, 0x4000
_MAPPED = 0xFFFF << 32


@kernel
def hep3_intake(octets: Octets, length: int, arrival: int, bound: int, marks: Ints) -> int:
    """The octets that count of the HEP 3 packet of ``length`` (6 or more) that came in at ``arrival``; 0: it is none.

    They are negative when there is something in ``marks`` (I_*): a key, or a clock that was more than ``bound`` ns off
    and set right. Chunks are walked as `hep.hep_packet` does. Where they make no sense all of them become 0, because a
    key may hide anywhere; the packet contradicts itself as before.
    """
    start = HEADROOM
    end = start + min(be16(octets, start + 4), length)
    if end < start + 6:
        return 0
    marks[I_CLOCK_OFF] = marks[I_KEYS] = 0
    seconds_at, micros_at = -1, -1
    at = start + 6
    while at < end:
        is_whole = end - at >= 6
        size = be16(octets, at + 4) if is_whole else 0
        kind = be16(octets, at + 2) if is_whole else 0
        if size < 6 or (at + size > end and kind != _PAYLOAD):
            octets[start + 6 : end] = 0
            marks[I_KEYS] = 0
            return end - start
        if be16(octets, at) == 0:
            if kind == _SECONDS and size == 10:
                seconds_at = at + 6
            elif kind == _MICROSECONDS and size == 10:
                micros_at = at + 6
            elif kind == _KEY:
                marks[I_KEY] = at + 6
                marks[I_KEY_LENGTH] = size - 6
                marks[I_KEYS] += 1
        at += size
    if seconds_at >= 0:
        ts = be32(octets, seconds_at) * _SECOND + (be32(octets, micros_at) * 1000 if micros_at >= 0 else 0)
        if abs(ts - arrival) > bound:
            marks[I_CLOCK_OFF] = ts - arrival
            _put(octets, seconds_at, 4, arrival // _SECOND)
            if micros_at >= 0:
                _put(octets, micros_at, 4, arrival % _SECOND // 1000)
    return start - end if marks[I_CLOCK_OFF] != 0 or marks[I_KEYS] != 0 else end - start


@kernel
def frame_headers(
    octets: Octets, length: int, ts: int, src_hi: int, src_lo: int, dst_hi: int, dst_lo: int, ports: int
) -> int:
    """Put record header, IPv4 or IPv6 and UDP in front of the payload of ``length``; returns where the record starts.

    Addresses are halves, IPv4 when both are; ``ports`` is source << 16 | destination. -1: the payload is longer than a
    datagram's can be (RFC 768; over IPv6 without jumbograms, RFC 2675).
    """
    is_ipv4 = src_hi == 0 and dst_hi == 0 and src_lo >> 32 == 0xFFFF and dst_lo >> 32 == 0xFFFF
    ip_length = _IPV4 + _UDP + length if is_ipv4 else _IPV6 + _UDP + length
    if (ip_length if is_ipv4 else _UDP + length) > 0xFFFF:
        return -1
    udp = HEADROOM - _UDP
    ip = udp - (_IPV4 if is_ipv4 else _IPV6)
    record = ip - _RECORD
    octets[record:HEADROOM] = 0
    _put(octets, udp, 4, ports)
    _put(octets, udp + 4, 2, _UDP + length)
    if is_ipv4:  # without UDP's checksum, which IPv4 leaves to the sender
        octets[ip] = 0x45
        _put(octets, ip + 2, 2, ip_length)
        _put(octets, ip + 6, 2, _DONT_FRAGMENT)  # with it an identification of 0 says nothing (RFC 6864)
        octets[ip + 8], octets[ip + 9] = _HOPS, _PROTOCOL_UDP
        _put(octets, ip + 12, 4, src_lo & 0xFFFFFFFF)
        _put(octets, ip + 16, 4, dst_lo & 0xFFFFFFFF)
        _put(octets, ip + 10, 2, 0xFFFF - _sum(octets, ip, udp))
    else:
        octets[ip] = 0x60
        _put(octets, ip + 4, 2, _UDP + length)
        octets[ip + 6], octets[ip + 7] = _PROTOCOL_UDP, _HOPS
        _put(octets, ip + 8, 8, src_hi)
        _put(octets, ip + 16, 8, src_lo)
        _put(octets, ip + 24, 8, dst_hi)
        _put(octets, ip + 32, 8, dst_lo)
        # RFC 8200 §8.1: the sum of addresses, length and protocol, and of the datagram; 0 is written as its other form.
        total = _sum(octets, ip + 8, HEADROOM + length) + _UDP + length + _PROTOCOL_UDP
        checksum = 0xFFFF - _folded(total)
        _put(octets, udp + 6, 2, checksum if checksum else 0xFFFF)
    for place, value in ((0, ts // _SECOND), (4, ts % _SECOND), (8, ip_length), (12, ip_length)):
        for i in range(4):
            octets[record + place + i] = value >> 8 * i & 255
    return record


@inlined
def _put(octets: Octets, at: int, size: int, value: int) -> None:
    """A number in network order."""
    for i in range(size):
        octets[at + i] = value >> 8 * (size - 1 - i) & 255


@inlined
def _sum(octets: Octets, start: int, end: int) -> int:
    """RFC 1071: the ones' complement sum of 16-bit words."""
    total = 0
    for at in range(start, end - 1, 2):
        total += be16(octets, at)
    if end - start & 1:
        total += int(np.int64(octets[end - 1])) << 8
    return _folded(total)


@inlined
def _folded(total: int) -> int:
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total
