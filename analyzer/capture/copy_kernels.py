"""Which messages are the same packet captured once more: what `analyzer.capture.copies` asks for each message.

A *packet* is what was sent once: octets, addresses, ports and transport. Each *channel* (capture, interface, network,
inside HEP or not, put together or not) may show it, once or again. A message that shows a packet once more, stamped
within 10 ms of it, is a *repeat*. Which repeats are copies is told by the IP identification, and where there is none
by the *pair* of channels: how many of the messages of one are repeats of the other's.
"""

from __future__ import annotations

from analyzer.batch import (
    D_CAPTURE_NO,
    D_COPY,
    D_INTERFACE_NO,
    D_IP_ID,
    D_LAYERS,
    D_LENGTH,
    D_NETWORK,
    D_SRC_HI,
    D_SRC_LO,
    D_TRANSPORT,
    D_TS,
    Ints,
    Octets,
)
from analyzer.capture.layer_kernels import BITS, L_FRAGMENT, L_HEP
from analyzer.capture.packet_kernels import (
    P_IP_ID,
    P_PLACE,
    P_PLACES,
    P_TS,
    ST_CLOCK,
    ST_PACKETS,
    WINDOW_V6_NS,
    find_packet,
    is_within,
    new_packet,
    packet_key,
    show,
    times_shown,
)
from analyzer.capture.pair_kernels import (
    CH_CAPTURE_NO,
    CH_COUNT,
    CH_INTERFACE_NO,
    CH_KIND,
    CH_NETWORK,
    CH_NODE,
    CH_TOTAL,
    CHANNELS,
    KIND_ASSEMBLED,
    KIND_HEP,
    NODE_HEP,
    NODE_NETWORK,
    NODE_PARENT,
    PAIR_IS_PATTERN,
    ST_CHANNELS,
    ST_NODES,
    add_copy,
    add_twins,
    age,
    pair_number,
    root,
    settle_pair,
)
from analyzer.hash_kernels import Words
from analyzer.jit import inlined, kernel

# The state, between what `packet_kernels` and what `pair_kernels` keep there.
ST_MESSAGES = 2  # what was measured so far: messages, repeats among them, octets, the first one's time
ST_REPEATS = 3
ST_OCTETS = 4
ST_FIRST_TS = 5
ST_ENOUGH = 6  # enough was measured to say what the pattern is

# What `watch` does.
MEASURE = 1
MARK = 2

# When measuring is over: any of these is reached, the time only with so many messages. Memory is bounded by them.
MOST_MESSAGES = 2000
MOST_REPEATS = 500
MOST_OCTETS = 8 << 20
MOST_TIME_NS = 5_000_000_000
LEAST_MESSAGES = 100

UDP = 0  # position in vocab.Transport
_MAPPED = 0xFFFF  # ::ffff:0:0/96, the upper half of the low 64 bits of an IPv4 address


@inlined
def kind_of(layers: int, transport: int) -> int:
    """Whether a capture agent sent the message (KIND_HEP), and whether it was put together (KIND_ASSEMBLED).

    Of streams and fragments, what is captured twice in one place is dropped where they are put together: whether that
    place repeats itself can only be told by its whole datagrams.
    """
    kind = KIND_ASSEMBLED if transport != UDP else 0
    while layers:
        layer = layers & 31
        if layer == L_HEP:
            kind |= KIND_HEP
        elif layer == L_FRAGMENT:
            kind |= KIND_ASSEMBLED
        layers >>= BITS
    return kind


@inlined
def node_number(network: int, hep: int, state: Ints, nodes: Ints) -> int:
    """The number of a network as it was captured, a new one if it was not seen before."""
    number: int = state[ST_NODES]
    for node in range(number):
        if nodes[node, NODE_NETWORK] == network and nodes[node, NODE_HEP] == hep:
            return node
    nodes[number, NODE_NETWORK] = network
    nodes[number, NODE_HEP] = hep
    nodes[number, NODE_PARENT] = number
    state[ST_NODES] = number + 1
    return number


@inlined
def channel_number(rows: Ints, i: int, kind: int, last: int, state: Ints, channels: Ints, nodes: Ints) -> int:
    """The number of a message's channel, a new one if it was not seen before; -1 when there are too many."""
    capture_no, interface_no, network = rows[i, D_CAPTURE_NO], rows[i, D_INTERFACE_NO], rows[i, D_NETWORK]
    count: int = state[ST_CHANNELS]
    for step in range(-1, count):
        channel = last if step < 0 else step  # mostly the channel of the message before it
        if (
            channel >= 0
            and channels[channel, CH_NETWORK] == network
            and channels[channel, CH_INTERFACE_NO] == interface_no
            and channels[channel, CH_CAPTURE_NO] == capture_no
            and channels[channel, CH_KIND] == kind
        ):
            return channel
    if count == CHANNELS:
        return -1
    channels[count, CH_CAPTURE_NO] = capture_no
    channels[count, CH_INTERFACE_NO] = interface_no
    channels[count, CH_NETWORK] = network
    channels[count, CH_KIND] = kind
    channels[count, CH_NODE] = node_number(network, kind & KIND_HEP, state, nodes)
    state[ST_CHANNELS] = count + 1
    return count


@inlined
def is_certain(rows: Ints, i: int, packets: Ints, at: int, ip_id: int) -> bool:
    """Whether a repeat is a copy whatever the channels: the same IP identification, or IPv6 within 1 ms."""
    if ip_id != 0 and packets[at, P_IP_ID] == ip_id:
        return True
    is_v4 = rows[i, D_SRC_HI] == 0 and (rows[i, D_SRC_LO] >> 32) & 0xFFFFFFFF == _MAPPED
    return not is_v4 and is_within(rows[i, D_TS] - packets[at, P_TS], WINDOW_V6_NS)


@kernel
def repeated(
    packets: Ints,
    at: int,
    channel: int,
    doing: int,
    state: Ints,
    channels: Ints,
    nodes: Ints,
    pair_of: Ints,
    pairs: Ints,
) -> tuple[int, bool]:
    """The channel that showed the packet before this message did, and whether a pattern says that this is a copy.

    Each showing in one channel has one twin in another: the second one in the same channel is the twin of the other
    channel's second, not of its first.
    """
    times = times_shown(packets, at, channel)
    origin, best, by_pattern = -1, -1, False
    for k in range(packets[at, P_PLACES]):
        other = packets[at, P_PLACE + 2 * k]
        if other != channel and packets[at, P_PLACE + 2 * k + 1] <= times:
            continue
        pair = pair_number(channel, other, pair_of, pairs, state)
        follows = False
        if pair >= 0:
            if doing & MEASURE:
                # The second time in one channel makes two messages that are not alone.
                add_twins(pair, 2 if other == channel and times == 1 else 1, pairs)
                if doing & MARK:
                    settle_pair(pair, False, channels, nodes, pairs, state)
            follows = pairs[pair, PAIR_IS_PATTERN] != 0
        rank = (2 if follows else 0) + (1 if other != channel else 0)
        if rank > best:
            origin, best, by_pattern = other, rank, follows
    if origin < 0 and packets[at, P_PLACES] > 0:
        origin = packets[at, P_PLACE]
    return origin, by_pattern


@kernel
def watch(
    octets: Octets,
    rows: Ints,
    start: int,
    doing: int,
    keeps: bool,
    seeds: Words,
    state: Ints,
    channels: Ints,
    nodes: Ints,
    packets: Ints,
    heads: Ints,
    pair_of: Ints,
    pairs: Ints,
) -> int:
    """Look at messages ``start`` and after; returns the message to go on with.

    ``doing`` MEASURE alone ends as soon as enough was measured. With MARK, copies get D_COPY and messages
    the network that theirs is joined with, unless ``keeps``, which only counts.
    """
    measures, marks = doing & MEASURE != 0, doing & MARK != 0
    last = -1
    for i in range(start, len(rows)):
        ts = rows[i, D_TS]
        if state[ST_PACKETS] == 0 or ts > state[ST_CLOCK]:
            state[ST_CLOCK] = ts
        clock = state[ST_CLOCK]
        kind = kind_of(rows[i, D_LAYERS], rows[i, D_TRANSPORT])
        # An agent's packet has an identification of its own, which says nothing about what is in it.
        ip_id = 0 if kind & KIND_HEP else rows[i, D_IP_ID]
        channel = last = channel_number(rows, i, kind, last, state, channels, nodes)
        if channel >= 0 and measures:
            channels[channel, CH_TOTAL] += 1
            channels[channel, CH_COUNT] += 1
            age(channel, channels, pair_of, pairs, state)
        key_0, key_1 = packet_key(octets, rows, i, seeds)
        length = rows[i, D_LENGTH]
        at = find_packet(key_0, key_1, length, ts, clock, ip_id, state, packets, heads)
        is_repeat = at >= 0
        if is_repeat:
            origin, by_pattern = repeated(packets, at, channel, doing, state, channels, nodes, pair_of, pairs)
            is_copy = by_pattern or is_certain(rows, i, packets, at, ip_id)
            if is_copy and marks:
                add_copy(origin, channel, abs(ts - packets[at, P_TS]), pair_of, pairs, state)
                if not keeps:
                    rows[i, D_COPY] = 1
            if packets[at, P_IP_ID] == 0:
                packets[at, P_IP_ID] = ip_id
        else:
            at = new_packet(key_0, key_1, length, ts, clock, ip_id, state, packets, heads)
        show(packets, at, channel)
        if marks and not keeps and channel >= 0:
            rows[i, D_NETWORK] = nodes[root(nodes, channels[channel, CH_NODE]), NODE_NETWORK]
        if measures and not marks:
            if state[ST_MESSAGES] == 0:
                state[ST_FIRST_TS] = ts
            state[ST_MESSAGES] += 1
            state[ST_REPEATS] += 1 if is_repeat else 0
            state[ST_OCTETS] += length
            if (
                state[ST_MESSAGES] >= MOST_MESSAGES
                or state[ST_REPEATS] >= MOST_REPEATS
                or state[ST_OCTETS] >= MOST_OCTETS
                or (clock - state[ST_FIRST_TS] >= MOST_TIME_NS and state[ST_MESSAGES] >= LEAST_MESSAGES)
            ):
                state[ST_ENOUGH] = 1
                return i + 1
    return len(rows)
