"""How the messages between two participants of a ladder travel, when that is not one UDP datagram each.

    alice -- bob   tcp mss=536              alice opens the connection
    pbx -- proxy   udp fragments=600        IP fragments with so much payload at most
    pbx -- proxy   udp inside=vxlan:100     in a tunnel, with its VNI, session, TEID or agent's number

Transports: ``udp tcp websocket sctp``; ``inside=``: ``vxlan erspan gtp hep3``. On a message's line the packets that
hold its octets are meant by number, from 1: ``drop=2`` (not in the capture), ``late=1`` (behind the next one),
``again=2`` (once more, 200 ms later); ``together`` sends it in the segment of the next message of that direction.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from tests.flow_octets import Party
from tests.flow_streams import Ends, Sctp, Sent, Tcp, WebSocket
from tests.frames import Datagram
from tests.packets import Packet, fragments, udp
from tests.tunnels import FAR, HEP_PORT, KINDS, NEAR, hep3

#: What the message of a line may say of its packets.
WORDS = {"drop", "late", "again", "together", "number"}
#: Lines that are no messages, but something of the connection.
EVENTS = {"ping", "pong", "close", "open", "syn", "reset", "hello", "alert"}
_TRANSPORTS = {"udp": "UDP", "tcp": "TCP", "websocket": "WS", "sctp": "SCTP"}
_PROTOCOLS = {"udp": 17, "tcp": 6, "websocket": 6, "sctp": 132}
_STREAMS = {"tcp": Tcp, "websocket": WebSocket}
_LINK = re.compile(r"(\S+)\s+--\s+(\S+)\s+(\S+)(.*)$")
_AGAIN = 200_000_000
_LATER = 5_000


class Link(NamedTuple):
    """Two participants, and what is said of their packets."""

    client: Party
    server: Party
    transport: str
    options: dict[str, str]

    @property
    def inside(self) -> tuple[str, int] | None:
        """What the packets are wrapped in."""
        if "inside" not in self.options:
            return None
        kind, _, number = self.options["inside"].partition(":")
        if kind not in KINDS:
            raise ValueError(f"{kind}: packets are not wrapped in that")
        return kind, int(number or 1)


def split_link(line: str) -> tuple[str, str, str, dict[str, str]] | None:
    """The names, transport and options of a line with ``--``; None when it is another line."""
    match = _LINK.match(line.strip())
    if match is None:
        return None
    options = dict(word.split("=", 1) for word in match[4].split())
    if match[3] not in _TRANSPORTS:
        raise ValueError(f"{match[3]}: no such transport")
    if unknown := options.keys() - {"mss", "fragments", "inside"}:
        raise ValueError(f"{unknown}: not said of a link")
    return match[1], match[2], match[3], options


class Links:
    """The links of a ladder, and the connections over them."""

    def __init__(self) -> None:
        self._links: dict[frozenset[str], tuple[Link, Tcp | Sctp | None]] = {}
        self._ip_id = 30_000

    def add(self, client: Party, server: Party, transport: str, options: dict[str, str]) -> None:
        """Messages between these two go so from here on."""
        link = Link(client, server, transport, options)
        mss = int(options.get("mss", 1460))
        ends = Ends(client.ip, 49_152 + len(self._links), server.ip, server.port)
        stream: Tcp | Sctp | None = None
        if transport == "sctp":
            stream = Sctp(ends._replace(client_port=client.port), mss)
        elif transport in _STREAMS:
            stream = _STREAMS[transport](ends, mss)
        self._links[frozenset((client.name, server.name))] = (link, stream)

    def knows(self, one: Party, other: Party) -> bool:
        """Whether something is said of the packets between these two."""
        return frozenset((one.name, other.name)) in self._links

    def transport(self, one: Party, other: Party) -> str:
        """The transport as a Via header field names it."""
        if not self.knows(one, other):
            return "UDP"
        return _TRANSPORTS[self._links[frozenset((one.name, other.name))][0].transport]

    def packets(self, source: Party, target: Party, datagram: Datagram, options: dict[str, str]) -> list[Packet]:
        """What is seen on the wire of a message."""
        link, stream = self._links[frozenset((source.name, target.name))]
        by_client = source.name == link.client.name
        kind = link.inside[0] if link.inside else ""
        if kind == "hep3":
            return [self._by_agent(link, stream, by_client, datagram)]
        if stream is None:
            ends = datagram.src, datagram.src_port, datagram.dst, datagram.dst_port
            sent = [Sent(0, by_client, udp(*ends, datagram.payload), is_data=True)]
        elif "together" in options:
            stream.hold(by_client, datagram.payload)
            return []
        else:
            sent = list(stream.message(by_client, datagram.payload))
        return list(_seen(self._wrapped(link, datagram, sent), options))

    def event(
        self, source: Party, target: Party, what: str, datagram: Datagram, options: dict[str, str]
    ) -> list[Packet]:
        """The packets of a line that is no message; ``datagram`` has its time."""
        link, stream = self._links[frozenset((source.name, target.name))]
        if stream is None or not hasattr(stream, what):
            raise ValueError(f"{what}: of connections only")
        by_client = source.name == link.client.name
        if what == "alert":
            assert isinstance(stream, Tcp)
            sent = stream.alert(by_client, int(options["number"]))
        else:
            sent = getattr(stream, what)(by_client)
        return [packet for packet, _ in self._wrapped(link, datagram, sent)]

    def _wrapped(self, link: Link, datagram: Datagram, sent: Iterable[Sent]) -> Iterator[tuple[Packet, bool]]:
        """Packets, and whether they hold octets of the message."""
        for one in sent:
            src, dst = (link.client, link.server) if one.by_client else (link.server, link.client)
            packet = Packet(
                datagram.ts + one.delay, src.ip, dst.ip, _PROTOCOLS[link.transport], one.payload, self._number(),
                src.vlan, datagram.interface, inside=link.inside,
            )  # fmt: skip
            if "fragments" not in link.options:
                yield packet, one.is_data
                continue
            for number, fragment in enumerate(fragments(packet, int(link.options["fragments"]))):
                yield fragment._replace(ts=packet.ts + number * 10_000), one.is_data

    def _by_agent(self, link: Link, stream: Tcp | Sctp | None, by_client: bool, datagram: Datagram) -> Packet:
        """One message as a capture agent sends it to its collector, 300 µs later."""
        protocol = _PROTOCOLS[link.transport]
        about = Packet(datagram.ts, datagram.src, datagram.dst, protocol, b"", inside=link.inside)
        ports = datagram.src_port, datagram.dst_port
        if stream is not None:
            ports = stream.ends.client_port, stream.ends.server_port
            ports = ports if by_client else ports[::-1]
        payload = udp(NEAR, HEP_PORT, FAR, HEP_PORT, hep3(about, *ports, datagram.payload))
        return Packet(datagram.ts + 300_000, NEAR, FAR, 17, payload, self._number(), interface=datagram.interface)

    def _number(self) -> int:
        self._ip_id += 1
        return self._ip_id % 65_536


def _seen(packets: Iterable[tuple[Packet, bool]], options: dict[str, str]) -> Iterator[Packet]:
    """What the capture has of some packets, by the words of a message's line."""
    packets = list(packets)
    data = [place for place, (_, is_data) in enumerate(packets) if is_data]
    wanted = {word: data[int(options[word]) - 1] for word in ("drop", "late", "again") if word in options}
    for place, (packet, is_data) in enumerate(packets):
        if ("lost" in options and is_data) or place == wanted.get("drop"):
            continue
        if place == wanted.get("late"):
            following = packets[data[data.index(place) + 1]][0]
            yield packet._replace(ts=following.ts + _LATER)
            continue
        yield packet
        if place == wanted.get("again"):
            yield packet._replace(ts=packet.ts + _AGAIN)
