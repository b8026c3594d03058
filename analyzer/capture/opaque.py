"""TLS connections by the pairs of their flows, and how much of them could not be read."""

from __future__ import annotations

from collections.abc import Callable

from analyzer.capture.carriers import Connection
from analyzer.capture.flows import FlowKey

#: Ports on which TLS that cannot be read is counted; on the web's own only where SIP over WebSocket was seen.
OPAQUE_PORTS = frozenset({5061, 5081, 8443})
WEB_PORT = 443


class Pair:
    """A TLS connection, the capture it was first seen in, which of its directions were seen and how many are left."""

    def __init__(self, key: FlowKey, connection: Connection, capture_no: int) -> None:
        self.key = key
        self.connection = connection
        self.capture_no = capture_no
        self.was_seen = [False, False]
        self.left = 0

    @property
    def unread(self) -> tuple[int, int]:
        """Connections (0 or 1) and octets that could not be read."""
        return int(self.connection.is_opaque), self.connection.opaque_octets


class Pairs:
    """The TLS connections of a run. A direction is 0 or 1, by the order of the two ends."""

    def __init__(self, connect: Callable[[], Connection]) -> None:
        self._connect = connect
        self._pairs: dict[FlowKey, Pair] = {}
        self._over: dict[tuple[int, bool], tuple[int, int]] = {}  # by capture and whether on the web's port
        self._with_websocket: set[int] = set()

    def join(self, key: FlowKey, capture_no: int) -> tuple[Pair, int]:
        """The connection that a flow is one direction of, and which; one that begins anew begins a new connection."""
        name = min(key, key.opposite)
        direction = int(key != name)
        pair = self._pairs.get(name)
        if pair is None or pair.was_seen[direction]:
            if pair is not None:
                self._retire(pair)
            pair = self._pairs[name] = Pair(name, self._connect(), capture_no)
        pair.was_seen[direction] = True
        pair.left += 1
        return pair, direction

    def leave(self, pair: Pair) -> None:
        """One of its directions is over."""
        pair.left -= 1
        if not pair.left and self._pairs.get(pair.key) is pair:
            self._retire(pair)

    def saw_websocket(self, capture_no: int) -> None:
        """SIP over WebSocket is in this capture: TLS on the web's port may be it too."""
        self._with_websocket.add(capture_no)

    @property
    def opaque(self) -> dict[int, tuple[int, int]]:
        """Connections on SIP's ports that could not be read, and their octets, by capture."""
        sums = dict(self._over)
        for pair in self._pairs.values():
            _add(sums, pair)
        opaque: dict[int, tuple[int, int]] = {}
        for (capture_no, is_web), (connections, octets) in sums.items():
            if not is_web or capture_no in self._with_websocket:
                before = opaque.get(capture_no, (0, 0))
                opaque[capture_no] = before[0] + connections, before[1] + octets
        return opaque

    def _retire(self, pair: Pair) -> None:
        del self._pairs[pair.key]
        _add(self._over, pair)


def _add(sums: dict[tuple[int, bool], tuple[int, int]], pair: Pair) -> None:
    ports = {pair.key.src_port, pair.key.dst_port}
    is_web = WEB_PORT in ports
    connections, octets = pair.unread
    if (is_web or ports & OPAQUE_PORTS) and (connections or octets):
        before = sums.get((pair.capture_no, is_web), (0, 0))
        sums[pair.capture_no, is_web] = before[0] + connections, before[1] + octets
