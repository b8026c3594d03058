"""HEP 3 in volume: what an agent says of an ordinary message, straight into its row.

Version 3 with whole chunks and an uncompressed payload is read here; anything else is left to `hep.hep_packet`, with
which a property test holds this equal.
"""

from __future__ import annotations

from analyzer.batch import (
    D_COLUMNS,
    D_DST_HI,
    D_DST_LO,
    D_DST_PORT,
    D_FILE_OFFSET,
    D_IP_ID,
    D_LAYERS,
    D_LENGTH,
    D_NETWORK,
    D_OFFSET,
    D_SRC_HI,
    D_SRC_LO,
    D_SRC_PORT,
    D_TRANSPORT,
    D_TS,
    D_WIRE_LENGTH,
    MISSING,
    Ints,
    Octets,
)
from analyzer.capture.flow_kernels import is_sips_port
from analyzer.capture.layer_kernels import L_HEP, push
from analyzer.capture.wire_kernels import be16, be32, be64
from analyzer.jit import inlined, kernel
from analyzer.sip.start_kernels import SIP_MESSAGE, start_line

HEP_ODD = 0  # for `hep.hep_packet`
HEP_MESSAGE = 1
HEP_OTHER = 2  # understood, and not SIP

_MAPPED = 0xFFFF << 32
_SIZES = (0, 0, 1, 4, 4, 16, 16, 2, 2, 4, 4, 0, 0, 0, 0, 0, 0, 0, 2)
_TCP, _SCTP, _IDP = 6, 132, 22
# Positions in vocab.Transport.
_BY_UDP, _BY_TCP, _BY_TLS, _BY_SCTP = 0, 1, 2, 5


@kernel
def hep_message(octets: Octets, row: Ints, made: Ints) -> int:
    """Fill ``made`` (D_*) for the datagram of ``row`` if it is a HEP packet with SIP: HEP_MESSAGE.

    D_OFFSET and D_LENGTH then say where its payload stands in ``octets``.
    """
    start = row[D_OFFSET]
    end = start + row[D_LENGTH]
    if row[D_WIRE_LENGTH] != row[D_LENGTH] or end - start < 6:
        return HEP_ODD
    if be32(octets, start) != 0x48455033 or be16(octets, start + 4) != end - start:  # HEP3
        return HEP_ODD
    for column in range(D_COLUMNS):
        made[column] = row[column]
    made[D_SRC_HI] = made[D_DST_HI] = 0
    made[D_SRC_LO] = made[D_DST_LO] = _MAPPED
    made[D_SRC_PORT] = made[D_DST_PORT] = made[D_IP_ID] = 0
    made[D_NETWORK] = MISSING
    protocol, seconds, micros = 17, MISSING, 0
    payload, payload_end = start, start
    at = start + 6
    while at < end:
        if end - at < 6:
            return HEP_ODD
        vendor, kind, size = be16(octets, at), be16(octets, at + 2), be16(octets, at + 4)
        value = at + 6
        if size < 6 or at + size > end:
            return HEP_ODD
        at += size
        if vendor or kind > 18 or (kind < 15 and kind > 10):
            continue
        if kind == 15:
            payload, payload_end = value, at
            continue
        if kind == 16 or (_SIZES[kind] and size - 6 != _SIZES[kind]):
            return HEP_ODD
        if kind == 2:
            protocol = int(octets[value])
        elif kind == 3 or kind == 5:
            made[D_SRC_HI], made[D_SRC_LO] = _address(octets, value, kind == 3)
        elif kind == 4 or kind == 6:
            made[D_DST_HI], made[D_DST_LO] = _address(octets, value, kind == 4)
        elif kind == 7:
            made[D_SRC_PORT] = be16(octets, value)
        elif kind == 8:
            made[D_DST_PORT] = be16(octets, value)
        elif kind == 9:
            seconds = be32(octets, value)
        elif kind == 10:
            micros = be32(octets, value)
        elif kind == 18:
            made[D_NETWORK] = be16(octets, value)
    if start_line(octets, payload, payload_end, False) != SIP_MESSAGE:
        return HEP_OTHER
    if seconds != MISSING:
        made[D_TS] = seconds * 1_000_000_000 + micros * 1000
    made[D_OFFSET] = payload
    made[D_LENGTH] = made[D_WIRE_LENGTH] = payload_end - payload
    if row[D_FILE_OFFSET] != MISSING:
        made[D_FILE_OFFSET] = row[D_FILE_OFFSET] + payload - start
    made[D_LAYERS] = push(row[D_LAYERS], L_HEP)
    made[D_TRANSPORT] = _transport(protocol, made[D_SRC_PORT] << 16 | made[D_DST_PORT])
    return HEP_MESSAGE


@inlined
def _address(octets: Octets, at: int, is_ipv4: bool) -> tuple[int, int]:
    return (0, _MAPPED | be32(octets, at)) if is_ipv4 else (be64(octets, at), be64(octets, at + 8))


@inlined
def _transport(protocol: int, ports: int) -> int:
    if protocol == _TCP:
        return _BY_TLS if is_sips_port(ports) else _BY_TCP
    if protocol == _SCTP:
        return _BY_SCTP
    return _BY_TLS if protocol == _IDP else _BY_UDP
