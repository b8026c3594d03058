"""``--hep``: capture agents (heplify, captagent, Kamailio, OpenSIPS, Asterisk) as a place that frames come from.

HEP 1, 2 and 3 over UDP and HEP 3 over TCP, on one port. What comes in is handed on as the frames that a capture on this
machine would hold, at the time of arrival, so that the kernels and `capture/hep.py` read it as they read HEP in a file.
Who may send, how much, and whose clock is believed is decided here and in the files beside this one (docs/live.md).
"""

from __future__ import annotations

import ipaddress
import select
from collections.abc import Mapping, Sequence

import numpy as np

from analyzer.batch import Octets
from analyzer.capture.address import address_halves, halves
from analyzer.capture.hep_connections import READ_RECORDS_MOST, HepConnections
from analyzer.capture.hep_intake import RECORD_OCTETS_MOST, Intake
from analyzer.capture.hep_senders import DEFAULT_RATE, LOCAL_NETWORKS, Network, Sender, Senders, networks
from analyzer.capture.hep_sockets import ANCILLARY_OCTETS, arrival, bound, kernel_drops, sent_to
from analyzer.capture.hep_tally import HepTally
from analyzer.errors import CaptureError
from analyzer.issues import IssueNote
from analyzer.vocab import SourceKind

#: Of the LINKTYPE registry: IPv4 or IPv6 without anything in front.
LINKTYPE_RAW = 101
#: Datagrams looked at in one `HepListener.read_into`, refused ones among them: the loop must come round under a flood.
DATAGRAMS_AT_ONCE = 8192
#: Addresses of ours that are remembered.
ADDRESSES_MOST = 1024


def hep_listener(
    text: str, allowed: Sequence[str] = (), rate: float | None = None, key: str | None = None
) -> HepListener:
    """The listener of one ``--hep TEXT`` with all ``--hep-from``, ``--hep-rate`` and the key of ``--hep-key-file``.

    Without ``allowed`` this machine and private networks may send (`hep_senders.LOCAL_NETWORKS`).

    CaptureError, one line with what to do, when a text is wrong or the place cannot be listened at.
    """
    if rate is not None and not rate > 0:
        raise CaptureError(f"--hep-rate {rate:g}", "is no number of messages a second; write one above 0")
    if key == "":
        raise CaptureError("--hep-key-file", "holds no key; leave the option out to take packets without one")
    found = networks(allowed or LOCAL_NETWORKS)
    return HepListener(text, found, DEFAULT_RATE if rate is None else rate, key, is_default=not allowed)


class HepListener:
    """A `listening.Listener`. ``notice`` is a line that the user should see at the start, None when there is none.

    ``refused`` counts what did not get through by reason: ``sender`` (not allowed), ``key``, ``rate``, ``not_hep``,
    ``too_long`` (over TCP, longer than a datagram), ``connections`` (refused ones), ``cut`` (a connection ended within
    a packet), ``kernel`` (not read in time). `dropped` is their sum.
    """

    kind = SourceKind.HEP
    link_type = LINKTYPE_RAW

    def __init__(
        self, text: str, allowed: Sequence[Network], rate: float, key: str | None, is_default: bool = False
    ) -> None:
        self._udp, self._tcp = bound(text)
        host, self.port = self._udp.getsockname()[:2]
        self.name = f"hep:[{host}]:{self.port}" if ":" in host else f"hep:{host}:{self.port}"
        self._ours = address_halves(host)
        self._addresses: dict[bytes, tuple[int, int]] = {}
        self._senders = Senders(allowed, rate)
        self._tally = HepTally()
        self._kernel_drops = 0
        self._intake = Intake(key)
        self._into = [self._intake.packet]
        self._is_closed = False
        self._connections = HepConnections(self._tcp, self._senders, self._tally)
        self._connections.poll.register(self._udp, select.EPOLLIN)
        is_loopback = ipaddress.ip_address(host.partition("%")[0]).is_loopback
        self.notice = (
            None
            if not is_default or is_loopback
            else f"{self.name} takes HEP from private networks alone; --hep-from NETWORK names others"
        )

    @property
    def refused(self) -> Mapping[str, int]:
        """What did not get through, by reason."""
        self._ask_kernel()
        return {reason: count for reason, count in self._tally.refused.items() if count}

    @property
    def dropped(self) -> int:
        """Packets that came here and are in no count."""
        return sum(self.refused.values())

    @property
    def trouble(self) -> str | None:
        """Why no more connections can come at the moment; datagrams always can."""
        return self._connections.trouble

    def filenos(self) -> Sequence[int]:
        """One that is readable when any of the sockets is."""
        return [] if self._is_closed else [self._connections.poll.fileno()]

    def read_into(self, buffer: Octets) -> int:
        """Records of what waits: datagrams, one read of each connection, more datagrams."""
        if self._is_closed:
            return 0
        records: list[tuple[int, bytes]] = []
        room = len(buffer)
        # However many datagrams wait, there is room for one read.
        used, left = self._datagrams(records, 0, room - READ_RECORDS_MOST, DATAGRAMS_AT_ONCE)
        before = len(records)
        used = self._streams(records, used, room)
        if left:
            used, _ = self._datagrams(records, used, room, left)
        if before < len(records):
            records.sort(key=lambda record: record[0])
        buffer[:used] = np.frombuffer(b"".join([record for _, record in records]), dtype=np.uint8)
        return used

    def tick(self) -> None:
        """Look after senders and connections that have gone silent, and the kernel's count of drops."""
        if self._is_closed:
            return
        self._senders.forget_idle(arrival([]))
        self._connections.tick()
        self._ask_kernel()

    def close(self) -> None:
        """Close all sockets; counts stay."""
        if self._is_closed:
            return
        self._ask_kernel()
        self._is_closed = True
        self._connections.close()
        self._udp.close()
        self._tcp.close()

    def taken_notes(self, capture_no: int, at_once: bool = False) -> list[tuple[IssueNote, int]]:
        """What is odd about senders (`listening.Noting`): ``hep.clock``, ``hep.refused``, ``hep.bad_packet``.

        A row a minute for each code and sender.
        """
        return self._tally.taken(arrival([]), capture_no, at_once)

    def _datagrams(self, records: list[tuple[int, bytes]], used: int, most: int, count: int) -> tuple[int, int]:
        """Read up to ``count`` datagrams while the longest has room below ``most``; octets used, rest of the count."""
        receive, into, addresses = self._udp.recvmsg_into, self._into, self._addresses
        while count and used + RECORD_OCTETS_MOST <= most:
            try:
                length, ancillary, _, place = receive(into, ANCILLARY_OCTETS)
            except OSError:  # nothing waits, or the kernel has no memory: the next turn will show
                return used, 0
            count -= 1
            packed = sent_to(ancillary)
            ours = self._ours if packed is None else addresses.get(packed) or self._address(packed)
            sender = self._senders.sender(place[0])
            used += self._take(records, length, arrival(ancillary), sender, ours, place[1] << 16 | self.port)
        return used, count

    def _address(self, packed: bytes) -> tuple[int, int]:
        """One of our addresses, as halves; there are as many as this machine has."""
        if len(self._addresses) >= ADDRESSES_MOST:
            self._addresses.clear()
        self._addresses[packed] = found = halves(packed)
        return found

    def _streams(self, records: list[tuple[int, bytes]], used: int, room: int) -> int:
        """One read of each connection, while there is room for all that a read may bring."""
        for connection in self._connections.ready():
            if room - used < READ_RECORDS_MOST:
                break
            ts, packets = self._connections.read(connection)
            peer = connection.peer
            for packet in packets:
                self._intake.packet[: len(packet)] = packet
                sender = self._senders.sender(peer.address)
                used += self._take(records, len(packet), ts, sender, peer.our_address, peer.port << 16 | peer.our_port)
        return used

    def _take(
        self,
        records: list[tuple[int, bytes]],
        length: int,
        ts: int,
        sender: Sender,
        ours: tuple[int, int],
        ports: int,
    ) -> int:
        """Hand on the packet that has been put in place, unless something is against it; octets of its record."""
        if not sender.is_allowed:
            self._tally.refuse("sender", sender.text, ts)
            return 0
        if not self._senders.admits(sender, ts):
            self._tally.refuse("rate", sender.text, ts)
            return 0
        record = self._intake.record(length, ts, sender.halves, ours, ports)
        if isinstance(record, str):
            self._tally.refuse(record, sender.text, ts)
            return 0
        if self._intake.clock_off:
            self._tally.clock(sender.text, ts, self._intake.clock_off)
        records.append((ts, bytes(record)))
        return len(record)

    def _ask_kernel(self) -> None:
        if not self._is_closed:
            drops = kernel_drops(self._udp)
            self._tally.refused["kernel"] += drops - self._kernel_drops & 0xFFFFFFFF
            self._kernel_drops = drops
