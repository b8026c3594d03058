"""HEP 3 over TCP: connections of capture agents, none of which can harm the others.

Each has a buffer of at most one packet and one read; there are so many at most, and so many of one sender. A
connection is read once a turn, a silent one is closed after a while, one that sends no HEP 3 at once.
"""

from __future__ import annotations

import contextlib
import select
import socket
import time
from collections import Counter
from typing import NamedTuple

from analyzer.capture.address import address_halves
from analyzer.capture.hep import HepStream
from analyzer.capture.hep_senders import Sender, Senders
from analyzer.capture.hep_sockets import ANCILLARY_OCTETS, arrival
from analyzer.capture.hep_tally import HepTally

#: Connections at once, and of one sender among them.
CONNECTIONS_MOST, OF_ONE_SENDER = 256, 32
#: Silence after which a connection is closed; agents connect anew.
IDLE_S = 3600.0
#: Octets in a row that are no HEP 3 packet, after which the other side is taken to speak something else.
RUBBISH_OCTETS = 65_536
#: Octets of one read.
READ_OCTETS = 32_768
#: What the packets of one read can be at most: the smallest is 6 octets, and 80 are put in front of each (hep_frames).
READ_RECORDS_MOST = 65_535 + READ_OCTETS + (READ_OCTETS // 6 + 1) * 80
_ACCEPTED_AT_ONCE = 64


class Peer(NamedTuple):
    """The ends of a connection: address and port of the agent, address (as halves) and port of ours."""

    address: str
    port: int
    our_address: tuple[int, int]
    our_port: int


class Connection:
    """One connection, and what has come of a packet."""

    def __init__(self, link: socket.socket, peer: Peer) -> None:
        self.link = link
        self.peer = peer
        self.stream = HepStream()
        self.read_s = time.monotonic()
        self.sound_to = 0  # octets of the stream up to the end of its last packet


class HepConnections:
    """What ``listening`` (a TCP socket that listens already) is connected by.

    ``senders`` says who may connect; ``tally`` is told of what was refused or lost. ``poll`` is readable when there is
    something to read; other sockets may be registered with it.
    """

    def __init__(self, listening: socket.socket, senders: Senders, tally: HepTally) -> None:
        self._listening = listening
        self._all_senders = senders
        self._tally = tally
        self._open: dict[int, Connection] = {}
        self._senders: Counter[str] = Counter()
        self.trouble: str | None = None
        self.poll = select.epoll()
        self.poll.register(listening, select.EPOLLIN)

    def __len__(self) -> int:
        return len(self._open)

    def ready(self) -> list[Connection]:
        """Connections with something to read, those first that were not read for longest; newcomers are taken."""
        ready = []
        for fileno, _ in self.poll.poll(0):
            if fileno == self._listening.fileno():
                self._accept()
            elif fileno in self._open:
                ready.append(self._open[fileno])
        return sorted(ready, key=lambda connection: connection.read_s)

    def read(self, connection: Connection) -> tuple[int, list[bytes]]:
        """Read once: when that came, and the packets that it completed."""
        try:
            octets, ancillary, _, _ = connection.link.recvmsg(READ_OCTETS, ANCILLARY_OCTETS)
        except (BlockingIOError, InterruptedError):
            return 0, []
        except OSError:
            octets, ancillary = b"", []
        if not octets:
            self._close(connection)
            return 0, []
        connection.read_s = time.monotonic()
        ts = arrival(ancillary)
        stream = connection.stream
        packets = [packet for _, packet in stream.receive(octets)]
        for code, _ in stream.notes:
            self._tally.add(code, self._name(connection), ts)
        stream.notes.clear()
        if packets:
            connection.sound_to = stream.position - stream.pending
        elif stream.position - stream.pending - connection.sound_to > RUBBISH_OCTETS:
            self._tally.refuse("not_hep", self._name(connection), ts)
            self._close(connection)
        return ts, packets

    def tick(self) -> None:
        """Close what has been silent for too long; take connections again after the machine had no place for them."""
        now = time.monotonic()
        for connection in [one for one in self._open.values() if now - one.read_s > IDLE_S]:
            self._close(connection)
        if self.trouble is not None:
            self.trouble = None
            self.poll.register(self._listening, select.EPOLLIN)

    def close(self) -> None:
        """Close everything but the socket that listens."""
        for connection in list(self._open.values()):
            self._close(connection)
        self.poll.close()

    def _accept(self) -> None:
        for _ in range(_ACCEPTED_AT_ONCE):
            try:
                link, place = self._listening.accept()
            except (BlockingIOError, ConnectionError, InterruptedError):
                return
            except OSError as error:  # no file descriptors or no memory: asking again at once would not help
                self.trouble = f"takes no more TCP connections ({error.strerror})"
                self.poll.unregister(self._listening)
                return
            sender = self._all_senders.sender(place[0])
            refused = self._refused(sender, place[0])
            if refused:
                self._tally.refuse(refused, sender.text, time.time_ns())
                link.close()
                continue
            link.setblocking(False)
            ours = link.getsockname()
            peer = Peer(place[0], place[1], address_halves(ours[0]), ours[1])
            self._open[link.fileno()] = Connection(link, peer)
            self._senders[peer.address] += 1
            self.poll.register(link, select.EPOLLIN)

    def _refused(self, sender: Sender, address: str) -> str | None:
        if not sender.is_allowed:
            return "sender"
        if len(self._open) >= CONNECTIONS_MOST or self._senders[address] >= OF_ONE_SENDER:
            return "connections"
        return None

    def _name(self, connection: Connection) -> str:
        return self._all_senders.sender(connection.peer.address).text

    def _close(self, connection: Connection) -> None:
        if connection.stream.pending:
            self._tally.refuse("cut", self._name(connection), time.time_ns())
        del self._open[connection.link.fileno()]
        self._senders[connection.peer.address] -= 1
        if not self._senders[connection.peer.address]:
            del self._senders[connection.peer.address]
        with contextlib.suppress(OSError):
            self.poll.unregister(connection.link)
        connection.link.close()
