"""Packets of the last moments, and which channels showed them how often.

They stand in a ring, the newest in place of the oldest, and are found by chains from a table of heads, newest first.
"""

from __future__ import annotations

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
    D_WIRE_LENGTH,
    Ints,
    Octets,
)
from analyzer.hash_kernels import Key, Words, hash_long, join
from analyzer.jit import inlined

WINDOW_NS = 10_000_000  # a repeat comes within this time of the packet's first sight
WINDOW_V6_NS = 1_000_000  # and is a copy without an IP identification within this
#: Interfaces are written in turn and agents send late: how much later than it happened a repeat may be captured.
REACH_NS = 2_000_000_000
PACKETS = 1 << 14
HEADS = 1 << 15
#: Packets of the same octets that are looked at: a flood of them must not cost more than its own length.
SAME_PACKETS = 16

# The state, before what `copy_kernels` keeps there.
ST_CLOCK = 0  # highest time so far, ns
ST_PACKETS = 1  # packets so far: the number of the newest

# Columns of a packet.
P_KEY_0, P_KEY_1, P_LENGTH, P_TS, P_CLOCK = range(5)
P_IP_ID = 5  # 0 = not known
P_OLDER = 6  # number of the packet before it in its chain
P_PLACES = 7  # channels that showed it, in order: then (channel, how often) for each
P_PLACE = 8
PLACES = 6
P_COLUMNS = P_PLACE + 2 * PLACES


@inlined
def packet_key(octets: Octets, rows: Ints, i: int, seeds: Words) -> tuple[Key, Key]:
    """128 bits of octets, addresses, ports, transport and the length that was sent."""
    one, two = hash_long(octets, rows[i, D_OFFSET], rows[i, D_LENGTH], seeds)
    source = join(np.uint64(rows[i, D_SRC_HI]) ^ seeds[0], np.uint64(rows[i, D_SRC_LO]) ^ seeds[1])
    target = join(np.uint64(rows[i, D_DST_HI]) ^ seeds[1], np.uint64(rows[i, D_DST_LO]) ^ seeds[0])
    ports = np.uint64(rows[i, D_SRC_PORT] * 65536 + rows[i, D_DST_PORT])
    kind = np.uint64(rows[i, D_WIRE_LENGTH] * 16 + rows[i, D_TRANSPORT])
    place = join(join(source, target), join(ports ^ seeds[0], kind))
    return np.int64(join(one, place)), np.int64(join(two ^ seeds[1], place + seeds[2]))


@inlined
def is_within(difference: int, bound: int) -> bool:
    """Whether two times are that close. A difference so large that it wraps round has no magnitude to compare."""
    return -bound <= difference <= bound


@inlined
def find_packet(
    key_0: Key, key_1: Key, length: int, ts: int, clock: int, ip_id: int, state: Ints, packets: Ints, heads: Ints
) -> int:
    """Where in the ring the packet stands that a message shows once more; -1 if there is none.

    Different IP identifications are different packets. Of several packets that fit, the one with the same
    identification is meant, else the newest.
    """
    number = heads[key_0 & (HEADS - 1)]
    found = -1
    same = 0
    while number > 0 and number > state[ST_PACKETS] - PACKETS and same < SAME_PACKETS:
        at = number & (PACKETS - 1)
        if clock - packets[at, P_CLOCK] > REACH_NS:
            break  # the clock never goes back: what is older is still longer ago
        if packets[at, P_KEY_0] == key_0 and packets[at, P_KEY_1] == key_1 and packets[at, P_LENGTH] == length:
            same += 1
            other = packets[at, P_IP_ID]
            if is_within(ts - packets[at, P_TS], WINDOW_NS) and (other == ip_id or other == 0 or ip_id == 0):
                if other == ip_id and ip_id != 0:
                    return int(at)
                if found < 0:
                    found = at
        number = packets[at, P_OLDER]
    return found


@inlined
def new_packet(
    key_0: Key, key_1: Key, length: int, ts: int, clock: int, ip_id: int, state: Ints, packets: Ints, heads: Ints
) -> int:
    """Where in the ring a packet stands that was not seen before, in place of the oldest one."""
    number = state[ST_PACKETS] + 1
    state[ST_PACKETS] = number
    at: int = number & (PACKETS - 1)
    packets[at, P_KEY_0] = key_0
    packets[at, P_KEY_1] = key_1
    packets[at, P_LENGTH] = length
    packets[at, P_TS] = ts
    packets[at, P_CLOCK] = clock
    packets[at, P_IP_ID] = ip_id
    packets[at, P_OLDER] = heads[key_0 & (HEADS - 1)]
    packets[at, P_PLACES] = 0
    heads[key_0 & (HEADS - 1)] = number
    return at


@inlined
def times_shown(packets: Ints, at: int, channel: int) -> int:
    """How often a channel has shown a packet."""
    for k in range(packets[at, P_PLACES]):
        if packets[at, P_PLACE + 2 * k] == channel:
            times: int = packets[at, P_PLACE + 2 * k + 1]
            return times
    return 0


@inlined
def show(packets: Ints, at: int, channel: int) -> None:
    """Note that a channel has shown a packet; of more than `PLACES` channels the first are remembered."""
    count = packets[at, P_PLACES]
    for k in range(count):
        if packets[at, P_PLACE + 2 * k] == channel:
            packets[at, P_PLACE + 2 * k + 1] += 1
            return
    if count < PLACES and channel >= 0:
        packets[at, P_PLACE + 2 * count] = channel
        packets[at, P_PLACE + 2 * count + 1] = 1
        packets[at, P_PLACES] = count + 1
