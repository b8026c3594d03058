"""HTTP over TCP as most of a wire is: short connections, requests, responses in full segments, ACKs between them."""

from __future__ import annotations

import heapq
from collections.abc import Iterator

import numpy as np

from bench.ladders import BEGIN_US, noise
from bench.segments import ACK, FIN_ACK, MSS, PUSH_ACK, WIRE_US, Connection, stamped

REQUESTS = 4
#: Segments of a response, and of those as many as are on their way at a time.
SEGMENTS, FLIGHT = 16, 4
ROUND_TRIP_US = 20_000
THINK_US = 1_000_000
_VARIANTS = 8


class Downloads:
    """``count`` connections, ``per_second`` of them opened in a second: `REQUESTS` responses of `SEGMENTS` segments."""

    def __init__(self, count: int, per_second: float) -> None:
        starts = (np.arange(count) + noise(21, count)) / per_second * 1e6
        self._starts = (BEGIN_US + starts.astype(np.int64)).tolist()
        self._responses = [_response(variant) for variant in range(_VARIANTS)]

    def records(self) -> Iterator[tuple[int, bytes]]:
        """Time and record of every frame, in order of time."""
        active: list[tuple[int, int, bytes, Iterator[tuple[int, bytes]]]] = []
        for number, start_us in enumerate([*self._starts, 1 << 62]):
            while active and active[0][0] <= start_us:
                ts_us, which, frame, following = active[0]
                yield ts_us, stamped(ts_us, frame)
                after = next(following, None)
                if after is None:
                    heapq.heappop(active)
                else:
                    heapq.heapreplace(active, (after[0], which, after[1], following))
            if number < len(self._starts):
                frames = self._frames(number, start_us)
                ts_us, frame = next(frames)
                heapq.heappush(active, (ts_us, number, frame, frames))

    def _frames(self, number: int, ts_us: int) -> Iterator[tuple[int, bytes]]:
        ends = f"10.40.{number % 4}.{number // 4 % 250 + 1}", f"198.51.100.{number % 97 + 1}"
        connection = Connection(ends, (32_768 + number % 28_000, 80), number + 5_000)
        for n, frame in enumerate(connection.opening()):
            yield ts_us + (n + 1) // 2 * ROUND_TRIP_US // 2, frame
        ts_us += ROUND_TRIP_US
        for request in range(REQUESTS):
            yield ts_us, connection.frame(0, PUSH_ACK, _request(ends[1], number, request))
            response = self._responses[(number + request) % _VARIANTS]
            for n in range(SEGMENTS):
                if n % FLIGHT == 0:
                    ts_us += ROUND_TRIP_US
                ts_us += WIRE_US
                flags = PUSH_ACK if n == SEGMENTS - 1 else ACK
                yield ts_us, connection.frame(1, flags, response[n * MSS : n * MSS + MSS])
                if n % 2:
                    yield ts_us + 3, connection.frame(0, ACK)
            ts_us += THINK_US
        yield ts_us, connection.frame(0, FIN_ACK)
        yield ts_us + ROUND_TRIP_US, connection.frame(1, FIN_ACK)
        yield ts_us + ROUND_TRIP_US + 3, connection.frame(0, ACK)


def _request(host: str, number: int, request: int) -> bytes:
    lines = (
        f"GET /pool/{number:05}/{request}.bin HTTP/1.1",
        f"Host: {host}",
        "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
        "Accept: */*",
        "Accept-Language: en-US,en;q=0.5",
        "Accept-Encoding: gzip, deflate",
        "Connection: keep-alive",
    )
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def _response(variant: int) -> bytes:
    """Header section and a packed file, `SEGMENTS` full segments long."""
    head = (
        "HTTP/1.1 200 OK\r\nServer: nginx/1.24.0\r\nDate: Mon, 02 Mar 2026 08:00:00 GMT\r\n"
        "Content-Type: application/zip\r\nContent-Length: %d\r\nConnection: keep-alive\r\n\r\n"
    )
    room = SEGMENTS * MSS - len(head % 10_000)
    return (head % room).encode() + (noise(30 + variant, room) * 256).astype(np.uint8).tobytes()
