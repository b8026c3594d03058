"""Which messages are the same packet captured once more: the definitions of docs/counting.md, everything at once.

The pattern is that of the whole capture; the program measures it over the first messages, and further as it goes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from tests.reference.messages import Message

MS = 1_000_000
FEW = 8
Channel: TypeAlias = tuple[int, int | None]  # interface, network
Pair: TypeAlias = tuple[Channel, Channel]


@dataclass
class Packet:
    """What was sent once, and who showed it, how often."""

    first: Message
    ip_id: int
    shown: Counter[Channel] = field(default_factory=Counter)


def mark_copies(messages: Sequence[Message]) -> None:
    """Set `is_copy`, and one network where a pattern joins two."""
    total = Counter(channel(message) for message in messages)
    twins = showings(messages)
    patterns = {pair for pair, count in twins.items() if enough(count, total[pair[0]])}
    patterns |= {(other, one) for one, other in patterns}
    for message, is_copy in zip(messages, copies(messages, patterns), strict=True):
        message.is_copy = is_copy
    join(messages, patterns)


def channel(message: Message) -> Channel:
    return message.interface, message.network


def enough(twins: int, count: int) -> bool:
    return (twins >= FEW and twins >= 0.9 * count) or twins == count > 0


def showings(messages: Sequence[Message]) -> Counter[Pair]:
    """How many messages of one channel stand in another (a channel with itself: come more than once)."""
    twins: Counter[Pair] = Counter()
    for message, packet in found(messages):
        here = channel(message)
        for other, times in packet.shown.items():
            if other == here:
                twins[here, here] += 2 if times == 1 else 1
            elif times > packet.shown[here]:
                twins[here, other] += 1
                twins[other, here] += 1
        packet.shown[here] += 1
    return twins


def copies(messages: Sequence[Message], patterns: set[Pair]) -> list[bool]:
    marks = []
    for message, packet in found(messages):
        here = channel(message)
        is_repeat = packet.first is not message
        certain = message.ip_id != 0 and message.ip_id == packet.ip_id
        soon = ":" in message.src[0] and abs(message.ts - packet.first.ts) <= MS
        explained = any(
            (here, other) in patterns and (other == here or times > packet.shown[here])
            for other, times in packet.shown.items()
            if times
        )
        marks.append(is_repeat and (certain or soon or explained))
        packet.shown[here] += 1
        packet.ip_id = packet.ip_id or message.ip_id
    return marks


def found(messages: Sequence[Message]) -> Sequence[tuple[Message, Packet]]:
    """Each message with its packet: that of its own identification first, else the newest that fits."""
    by_octets: dict[object, list[Packet]] = {}
    pairs = []
    for message in messages:
        key = (message.octets, message.src, message.dst)
        near = [
            packet
            for packet in reversed(by_octets.setdefault(key, []))
            if abs(message.ts - packet.first.ts) <= 10 * MS
            and (message.ip_id == 0 or packet.ip_id in (0, message.ip_id))
        ]
        near.sort(key=lambda packet: packet.ip_id != message.ip_id or not message.ip_id)
        if not near:
            near = [Packet(message, message.ip_id)]
            by_octets[key].append(near[0])
        near[0].ip_id = near[0].ip_id or message.ip_id
        pairs.append((message, near[0]))
    return pairs


def join(messages: Sequence[Message], patterns: set[Pair]) -> None:
    """Networks that carry the same packets are the one of them that was seen first."""
    order = list(dict.fromkeys(message.network for message in messages))
    stands_for = {network: network for network in order}
    for (_, one), (_, other) in patterns:
        first, second = sorted((stands_for[one], stands_for[other]), key=order.index)
        stands_for = {network: first if now == second else now for network, now in stands_for.items()}
    for message in messages:
        message.network = stands_for[message.network]
