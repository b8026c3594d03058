"""Which TCP flow carries what: a table that every segment with octets is looked up in.

One direction of a connection is a flow. What it carries is judged once, by its first octets (docs/transports.md); from
then on a segment costs one look-up. The table is a cache of fixed size: four places a set, the one that was unused for
the longest gives way, those that carry nothing of ours first. So a flood of connections can cost other flows their
places, but neither memory nor time; a flow of ours that lost its place is told again at the next start line.
"""

from __future__ import annotations

import numpy as np

from analyzer.batch import (
    FLOW_HEP,
    FLOW_OTHER,
    FLOW_SIP,
    FLOW_TLS,
    FLOW_UNDECIDED,
    FLOW_WEBSOCKET,
    MISSING,
    Ints,
    Octets,
)
from analyzer.capture.wire_kernels import be32
from analyzer.jit import inlined, kernel
from analyzer.sip.start_kernels import NOT_SIP, SIP_MESSAGE, start_line

# A place in the table.
FLOW_SRC_HI = 0
FLOW_SRC_LO = 1
FLOW_DST_HI = 2
FLOW_DST_LO = 3
FLOW_TAIL = 4  # `flow_tail`; 0 = empty
FLOW_STATE = 5  # STATE_* | segments seen while it is undecided << 8
FLOW_FIRST = 6  # sequence number of its first octet; MISSING when no SYN was seen
FLOW_USED = 7  # tick of its last use
FLOW_COLUMNS = 8
WAYS = 4
SETS = 1 << 14

# What is known of a flow: FLOW_* of `batch`, or one of these.
STATE_FRESH = 16  # its SYN was seen, its first octets not yet
STATE_MIDDLE = 17  # it began before the capture, or its first octets are lost
STATE_SMALL = 18  # its first octets are too few to tell: whoever puts the stream together decides

#: Beside such a state: its SYN was sent again, and nothing has answered it yet.
SYN_AGAIN = 1 << 30
#: The segments in a FLOW_STATE, behind its lowest eight bits.
SEGMENT_BITS = 0xFFFF

# Scalars beside the table.
TICK = 0
HAS_KEYS = 1  # 1 = TLS can be opened: its segments are of interest
OPAQUE_CONNECTIONS = 2
OPAQUE_OCTETS = 3
EVICTED = 4  # flows of ours that lost their place
SEED = 5  # secret, so that nobody outside can fill one set
KEY = 6  # FLOW_SRC_HI to FLOW_TAIL of the flow that is asked for
FLOW_SCALARS = KEY + FLOW_STATE

#: Segments of a flow that began unseen which are searched for a start line.
SEGMENTS = 8
#: Segments that are handed over without a verdict; whoever puts them together tells it long before.
UNDECIDED = 16_384
#: Octets that are enough to tell what a stream begins with.
ENOUGH = 64
PORT_SIPS, PORT_SIPS_OTHER = 5061, 5081

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX = np.uint64(0xBF58476D1CE4E5B9)
_32, _29 = np.uint64(32), np.uint64(29)
_PROTOCOL = np.frombuffer(b"sec-websocket-protocol:", dtype=np.uint8)
_VERSION = np.frombuffer(b"SIP/2.0 ", dtype=np.uint8)


# What a flow is one of, in FLOW_TAIL; never 0, which marks an empty place.
OF_TCP, OF_SCTP, OF_FRAGMENTS = 1, 2, 3


@inlined
def flow_tail(network: int, number: int, of: int) -> int:
    """FLOW_TAIL of a flow: its network (24 bits or MISSING), its ports (source << 16 | target) or identification."""
    return int((0 if network == MISSING else network + 1) << 34 | number << 2 | of)


def flow_of_tail(tail: int) -> tuple[int, int]:
    """Network and number that `flow_tail` was made of."""
    network = tail >> 34
    return (network - 1 if network else MISSING), tail >> 2 & 0xFFFFFFFF


@inlined
def is_ours(state: int) -> bool:
    """Whether a flow (FLOW_STATE without its segments) is known to carry something of ours."""
    return FLOW_SIP <= state <= FLOW_HEP


@inlined
def _mixed(x: np.uint64, y: int) -> np.uint64:
    x = (x ^ np.uint64(y)) * _MIX
    return x ^ x >> _29


@kernel
def flow_place(flows: Ints, scalars: Ints) -> int:
    """The place of the flow KEY: where it stands, or -1 - the place that it may take."""
    hashed = np.uint64(scalars[SEED])
    for column in range(FLOW_STATE):
        hashed = _mixed(hashed, scalars[KEY + column])
    first = int(np.int64(hashed * _GOLDEN >> _32) & (SETS - 1)) * WAYS
    victim, best = first, np.int64(-1)
    for place in range(first, first + WAYS):
        if flows[place, FLOW_TAIL] == scalars[KEY + FLOW_TAIL] and (
            flows[place, FLOW_SRC_LO] == scalars[KEY + FLOW_SRC_LO]
            and flows[place, FLOW_DST_LO] == scalars[KEY + FLOW_DST_LO]
            and flows[place, FLOW_SRC_HI] == scalars[KEY + FLOW_SRC_HI]
            and flows[place, FLOW_DST_HI] == scalars[KEY + FLOW_DST_HI]
        ):
            return place
        age = scalars[TICK] - flows[place, FLOW_USED]
        if flows[place, FLOW_TAIL] == 0:
            age = np.int64(1) << 62
        elif not is_ours(flows[place, FLOW_STATE] & 255):
            age += np.int64(1) << 61
        if age > best:
            victim, best = place, age
    return -1 - victim


@inlined
def opposite_place(flows: Ints, scalars: Ints) -> int:
    """`flow_place` of the other direction of the flow KEY, of a network whose directions share their VLAN."""
    turn_round(scalars)
    place = flow_place(flows, scalars)
    turn_round(scalars)
    return place


@inlined
def turn_round(scalars: Ints) -> None:
    """Make KEY the other direction."""
    hi, lo = scalars[KEY + FLOW_SRC_HI], scalars[KEY + FLOW_SRC_LO]
    scalars[KEY + FLOW_SRC_HI] = scalars[KEY + FLOW_DST_HI]
    scalars[KEY + FLOW_SRC_LO] = scalars[KEY + FLOW_DST_LO]
    scalars[KEY + FLOW_DST_HI], scalars[KEY + FLOW_DST_LO] = hi, lo
    tail = scalars[KEY + FLOW_TAIL]
    source, target = tail >> 18 & 0xFFFF, tail >> 2 & 0xFFFF
    scalars[KEY + FLOW_TAIL] = tail >> 34 << 34 | target << 18 | source << 2 | OF_TCP


@kernel
def take_place(flows: Ints, scalars: Ints, place: int, state: int, first: int) -> int:
    """Put the flow KEY where `flow_place` said; returns its place."""
    place = -1 - place
    if flows[place, FLOW_TAIL] and is_ours(flows[place, FLOW_STATE] & 255):
        scalars[EVICTED] += 1
    for column in range(FLOW_STATE):
        flows[place, column] = scalars[KEY + column]
    flows[place, FLOW_STATE] = state
    flows[place, FLOW_FIRST] = first
    flows[place, FLOW_USED] = scalars[TICK]
    return place


@kernel
def first_octets(octets: Octets, at: int, end: int) -> int:
    """What a stream carries by the octets that it begins with: FLOW_*; FLOW_UNDECIDED when they are too few."""
    while at < end and (octets[at] == 13 or octets[at] == 10):  # keep-alives, RFC 5626 §3.5.1
        at += 1
    if at == end:
        return FLOW_UNDECIDED
    length = end - at
    first = octets[at]
    if first == 0x16:
        if length < 6:
            return FLOW_UNDECIDED
        # A record with a handshake message, of a client or a server (RFC 8446 §4, §5.1).
        is_hello = octets[at + 1] == 3 and octets[at + 2] <= 4 and 1 <= octets[at + 5] <= 2
        return FLOW_TLS if is_hello else FLOW_OTHER
    if start_line(octets, at, end, True) != NOT_SIP:
        return FLOW_SIP
    if first == 72 and length >= 4 and be32(octets, at) == 0x48455033:  # HEP3
        return FLOW_HEP
    if length >= 4 and be32(octets, at) == 0x47455420:  # GET and a space
        return _upgrade(octets, at, end)
    if length >= 12 and be32(octets, at) == 0x48545450 and be32(octets, at + 8) == 0x20313031:  # HTTP/1.1 101
        return _upgrade(octets, at, end)
    is_text = 32 < first < 127
    # The line that decides is not whole yet.
    return FLOW_UNDECIDED if is_text and length < ENOUGH and not _has_line_end(octets, at, end) else FLOW_OTHER


@inlined
def _has_line_end(octets: Octets, at: int, end: int) -> bool:
    while at < end:
        if octets[at] == 10:
            return True
        at += 1
    return False


@kernel
def _upgrade(octets: Octets, at: int, end: int) -> int:
    """An HTTP header section: one that speaks of the WebSocket subprotocol sip (RFC 7118 §4)?"""
    while True:
        line = at
        while at < end and octets[at] != 10:
            at += 1
        if at >= end:
            return FLOW_UNDECIDED
        if at - line <= 1:
            return FLOW_OTHER
        is_it = at - line > len(_PROTOCOL)
        for n in range(len(_PROTOCOL) if is_it else 0):
            if octets[line + n] | 32 != _PROTOCOL[n] | 32:
                is_it = False
                break
        if is_it and _names_sip(octets, line + len(_PROTOCOL), at):
            return FLOW_WEBSOCKET
        at += 1


@inlined
def _names_sip(octets: Octets, at: int, end: int) -> bool:
    """The token sip in a list of tokens."""
    while at + 3 <= end:
        if (octets[at] | 32) == 115 and (octets[at + 1] | 32) == 105 and (octets[at + 2] | 32) == 112:
            before, after = octets[at - 1], octets[at + 3] if at + 3 < end else np.uint8(32)
            if (before == 58 or before == 44 or before <= 32) and (after == 44 or after <= 32):
                return True
        at += 1
    return False


@kernel
def middle_octets(octets: Octets, at: int, end: int, is_new: bool, is_sips: bool) -> tuple[int, int]:
    """What a segment of a flow that began unseen tells: FLOW_* and where the stream is to be taken up.

    ``is_new``: the flow's first segments are also searched for a start line at the beginning of a line.
    """
    verdict = first_octets(octets, at, end)
    if FLOW_SIP <= verdict <= FLOW_HEP:
        return verdict, at
    if is_sips and end - at >= 5 and 0x14 <= octets[at] <= 0x17 and octets[at + 1] == 3 and octets[at + 2] <= 4:
        return FLOW_TLS, at
    # A WebSocket frame: text or binary, whole or the first of several; whoever unmasks it decides.
    if end - at >= 16 and (octets[at] & 0x7F == 1 or octets[at] & 0x7F == 2) and _holds_sip(octets, at, end):
        return FLOW_WEBSOCKET, at
    if is_new:
        line = at
        while line < end - 11:
            is_line = octets[line] == 10 and octets[line + 1] >= 65
            if is_line and start_line(octets, line + 1, end, True) == SIP_MESSAGE:
                return FLOW_SIP, line + 1
            line += 1
    return FLOW_OTHER, at


@kernel
def _holds_sip(octets: Octets, at: int, end: int) -> bool:
    """Whether a WebSocket frame's payload begins like SIP: a version, or a method and the scheme of a URI."""
    is_masked = octets[at + 1] & 0x80 != 0
    length = octets[at + 1] & 0x7F
    payload = at + 2
    if length == 126:
        payload += 2
    elif length == 127:
        payload += 8
    mask = payload
    if is_masked:
        payload += 4
    if end - payload < 12:
        return False
    is_status, spaces, letters = True, 0, 0
    for n in range(24):
        if payload + n >= end:
            break
        octet = octets[payload + n]
        if is_masked:
            octet ^= octets[mask + (n & 3)]
        if n < 8 and octet != _VERSION[n]:
            is_status = False
        if is_status:
            if n == 7:
                return True
        elif spaces == 0:
            if octet == 32 and letters >= 3:
                spaces = n
            elif 65 <= octet <= 90:
                letters += 1
            else:
                return False
        elif n == spaces + 1 and octet != 115 and octet != 116:  # sip:, sips:, tel:
            return False
        elif octet == 58:
            return True
    return False


@inlined
def is_sips_port(ports: int) -> bool:
    """Whether either port (source << 16 | destination) is one of SIP over TLS."""
    src, dst = ports >> 16, ports & 0xFFFF
    return src == PORT_SIPS or dst == PORT_SIPS or src == PORT_SIPS_OTHER or dst == PORT_SIPS_OTHER


