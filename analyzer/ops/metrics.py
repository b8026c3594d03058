"""``--metrics``: what a live run counts, as a page for Prometheus.

    metrics = Metrics("127.0.0.1:9108", registry, config)    listens
    metrics.show(snapshot)                                   once a second, by the loop; microseconds
    metrics.close()

The page is written in the server's thread when it is asked for, from numbers that no longer change.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from analyzer.ops.metrics_page import MetricsPage, Numbers
from analyzer.ops.metrics_server import MetricsServer, place_of

if TYPE_CHECKING:
    from prometheus_client import Metric

    from analyzer.config import Config
    from analyzer.registry import Registry
    from analyzer.stats.snapshot import LiveSnapshot

#: Endpoints that have series of their own; see `analyzer.ops.named_endpoints`.
TOP = 20


class Metrics(Collector):
    """The metrics page of a live run.

    ``address``: a text as `place_of` reads it, or host and port. ``top``: endpoints that are named, 0 for none. Raises
    AnalyzerError for an address that cannot be read or listened on. The first `show` starts the server's thread, so
    that privileges may be given up before.
    """

    def __init__(self, address: str | tuple[str, int], registry: Registry, config: Config, top: int = TOP) -> None:
        self._numbers: Numbers | None = None
        self._writer = MetricsPage(registry, config, top)
        # Which endpoints are named is state of the page; several may ask for it at once.
        self._writing = threading.Lock()
        self._collectors = CollectorRegistry(auto_describe=False)
        self._collectors.register(self)
        place = place_of(address) if isinstance(address, str) else address
        self._server = MetricsServer(place, self._page)

    @property
    def url(self) -> str:
        """Where the page is."""
        host, port = self._server.server_address[:2]
        return f"http://[{host!s}]:{port}/metrics" if ":" in str(host) else f"http://{host!s}:{port}/metrics"

    def show(self, snapshot: LiveSnapshot) -> None:
        """Take the numbers of the moment; those before are forgotten."""
        self._numbers = Numbers.of(snapshot)
        self._server.start()

    def close(self) -> None:
        """Stop serving; twice does no harm."""
        self._server.close()

    def collect(self) -> Iterable[Metric]:
        """The families of the newest numbers; for the client library."""
        numbers = self._numbers
        return self._writer.families(numbers) if numbers is not None else []

    def _page(self, accept: str) -> tuple[bytes, str]:
        encoder, content_type = choose_encoder(accept)
        with self._writing:
            return encoder(self._collectors), content_type
