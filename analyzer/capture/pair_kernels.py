"""Channels in pairs: how many of the messages of one repeat the other's, and what follows from that.

A pair is a *pattern* when at least 90 % of the messages of one of the two, and at least eight, stand in the other as
well (or, of a channel with itself, come more than once). Both orders count: of a switch that is recorded at its
entry and its exit, requests come first in one VLAN and responses in the other. Counts age, so that a pattern that
begins in the middle of a capture is noticed; one that holds is given up below 50 % only.

A pattern joins the two networks: what carries the same packets is one network.
"""

from __future__ import annotations

from analyzer.batch import Ints
from analyzer.jit import inlined, kernel

#: Channels and pairs beyond these have no pattern: their copies are told by the IP identification alone.
CHANNELS = 128
PAIRS = 1024

# The state, behind what `copy_kernels` keeps there.
ST_CHANNELS = 7
ST_NODES = 8
ST_PAIRS = 9
ST_UNPAIRED = 10  # copies whose pair is not kept
ST_COLUMNS = 11

# Columns of a channel.
CH_CAPTURE_NO, CH_INTERFACE_NO, CH_NETWORK = range(3)
CH_KIND = 3  # KIND_HEP: inside HEP; KIND_ASSEMBLED: from a stream or from fragments
CH_NODE = 4
CH_TOTAL = 5  # messages so far
CH_COUNT = 6  # the same, aged
CH_COLUMNS = 7
KIND_HEP, KIND_ASSEMBLED = 1, 2

# Columns of a network as it was captured; `NODE_PARENT` is the one that stands for all that are joined with it.
NODE_NETWORK, NODE_HEP, NODE_PARENT = range(3)
NODE_COLUMNS = 3

# Columns of a pair. Its two channels are in order; they are the same where a channel repeats itself.
PAIR_LOW, PAIR_HIGH = range(2)
PAIR_LOW_TWINS, PAIR_HIGH_TWINS = 2, 3  # messages of each with a twin in the other, aged
PAIR_IS_PATTERN = 4
PAIR_LOW_COPIES, PAIR_HIGH_COPIES = 5, 6  # copies that stand in each
PAIR_LAG_COUNT, PAIR_LAG_STRIDE = 7, 8  # every so-manieth lag is kept: a sample of the whole capture
PAIR_LAGS = 9
PAIR_LAG = 10
LAGS = 64
PAIR_COLUMNS = PAIR_LAG + LAGS

LEAST = 8
AGED = 4096


@inlined
def pair_number(one: int, other: int, pair_of: Ints, pairs: Ints, state: Ints) -> int:
    """The number of a pair of channels, a new one if it was not seen before; -1 when there are too many."""
    low, high = min(one, other), max(one, other)
    if low < 0:
        return -1
    number: int = pair_of[low, high] - 1
    if number < 0 and state[ST_PAIRS] < PAIRS:
        number = state[ST_PAIRS]
        state[ST_PAIRS] = number + 1
        pair_of[low, high] = number + 1
        pairs[number, PAIR_LOW] = low
        pairs[number, PAIR_HIGH] = high
        pairs[number, PAIR_LAG_STRIDE] = 1
    return number


@inlined
def add_twins(pair: int, count: int, pairs: Ints) -> None:
    """Note messages that stand in both channels (in a channel more than once)."""
    if pair >= 0:
        pairs[pair, PAIR_LOW_TWINS] += count
        pairs[pair, PAIR_HIGH_TWINS] += count


@kernel
def age(channel: int, channels: Ints, pair_of: Ints, pairs: Ints, state: Ints) -> None:
    """Halve a channel's counts when they have become large."""
    if channels[channel, CH_COUNT] < AGED:
        return
    channels[channel, CH_COUNT] //= 2
    for other in range(state[ST_CHANNELS]):
        pair = pair_of[min(channel, other), max(channel, other)] - 1
        if pair >= 0:
            if channel <= other:
                pairs[pair, PAIR_LOW_TWINS] //= 2
            if channel >= other:
                pairs[pair, PAIR_HIGH_TWINS] //= 2


@inlined
def root(nodes: Ints, node: int) -> int:
    """The network that stands for a network and all that are joined with it."""
    parent: int = nodes[node, NODE_PARENT]
    return parent


@kernel
def join_networks(one: int, other: int, nodes: Ints, state: Ints) -> None:
    """Make two networks one: that of the two which was seen first stands for both, plain traffic before HEP."""
    first, second = min(root(nodes, one), root(nodes, other)), max(root(nodes, one), root(nodes, other))
    if nodes[first, NODE_HEP] > nodes[second, NODE_HEP]:
        first, second = second, first
    for node in range(state[ST_NODES]):
        if nodes[node, NODE_PARENT] == second:
            nodes[node, NODE_PARENT] = first


@kernel
def settle_pair(pair: int, is_short: bool, channels: Ints, nodes: Ints, pairs: Ints, state: Ints) -> None:
    """Decide anew whether a pair is a pattern; where the capture is that short, all of fewer messages are enough."""
    low, high = pairs[pair, PAIR_LOW], pairs[pair, PAIR_HIGH]
    begins, ends = False, True
    for side in range(2):
        twins = pairs[pair, PAIR_LOW_TWINS + side]
        count = channels[low if side == 0 else high, CH_COUNT]
        enough = twins >= LEAST or (is_short and twins == count)
        begins = begins or (enough and 10 * twins >= 9 * count)
        ends = ends and 2 * twins < count
    if begins:
        pairs[pair, PAIR_IS_PATTERN] = 1
        join_networks(channels[low, CH_NODE], channels[high, CH_NODE], nodes, state)
    elif ends:
        pairs[pair, PAIR_IS_PATTERN] = 0


@kernel
def settle(is_short: bool, channels: Ints, nodes: Ints, pairs: Ints, state: Ints) -> None:
    """Decide about every pair, when enough was measured or there is no more."""
    for pair in range(state[ST_PAIRS]):
        settle_pair(pair, is_short, channels, nodes, pairs, state)


@kernel
def add_copy(origin: int, channel: int, lag: int, pair_of: Ints, pairs: Ints, state: Ints) -> None:
    """Count a copy in ``channel`` of what ``origin`` showed, so many ns apart."""
    pair = pair_number(origin, channel, pair_of, pairs, state)
    if pair < 0:
        state[ST_UNPAIRED] += 1
        return
    pairs[pair, PAIR_LOW_COPIES if pairs[pair, PAIR_LOW] == channel else PAIR_HIGH_COPIES] += 1
    number = pairs[pair, PAIR_LAG_COUNT]
    pairs[pair, PAIR_LAG_COUNT] = number + 1
    if number % pairs[pair, PAIR_LAG_STRIDE] != 0:
        return
    if pairs[pair, PAIR_LAGS] == LAGS:
        # The sample is full: every second one goes, and from now on half as many are taken.
        for k in range(LAGS // 2):
            pairs[pair, PAIR_LAG + k] = pairs[pair, PAIR_LAG + 2 * k]
        pairs[pair, PAIR_LAGS] = LAGS // 2
        pairs[pair, PAIR_LAG_STRIDE] *= 2
    pairs[pair, PAIR_LAG + pairs[pair, PAIR_LAGS]] = lag
    pairs[pair, PAIR_LAGS] += 1
