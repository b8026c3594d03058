"""What a live run is asked for; the command line, or any other caller, fills it in."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from analyzer.config import Config
    from analyzer.registry import Registry

#: Octets of the kernel's buffer for each interface; seconds between two writings of the store.
BUFFER, STORE_EVERY_S = 64_000_000, 10.0
#: A frames file is closed at so many octets, or after so many seconds.
ROTATE_OCTETS, ROTATE_S = 100_000_000, 3600.0
#: Calls, registrations and transactions that may be open at a time; endpoints that a metrics page names.
MAX_OPEN, METRICS_TOP = 1_000_000, 20


@dataclass(frozen=True)
class HepOptions:
    """Where capture agents send to, and who may.

    ``addresses``: host and port to listen at, UDP and TCP. ``senders``: networks that may send; empty: the
    listener's own default. ``rate``: packets a second that are taken; None: the listener's own default.
    ``key_file``: a file with the key that packets must carry.
    """

    addresses: tuple[tuple[str, int], ...] = ()
    senders: tuple[str, ...] = ()
    rate: int | None = None
    key_file: Path | None = None


@dataclass(frozen=True)
class FramesOptions:
    """Keeping the SIP frames as rotated pcapng files in a folder; ``keep``: files at most, None = all of them."""

    folder: Path
    rotate_octets: int = ROTATE_OCTETS
    rotate_s: float = ROTATE_S
    keep: int | None = None


@dataclass(frozen=True)
class LiveOptions:
    """Everything that `analyzer.live.run.run` is asked for.

    ``interfaces``: names, ``any`` among them. ``filter``: a capture filter in tcpdump's words; ``ports``: SIP ports
    that narrow the default filter, None = every port. ``buffer_octets``: the kernel's buffer, each interface.
    ``duration_s``, ``count``: stop after so many seconds or frames, None = never. ``user``: whom to become once
    everything is open. ``metrics``: where the page is (`analyzer.ops.metrics.Metrics`). ``alerts``: the file with
    rules. ``causes``: the mapping profile. ``keylog``: secrets of TLS connections, read again as they come.
    """

    config: Config
    registry: Registry
    interfaces: tuple[str, ...] = ()
    filter: str | None = None
    ports: tuple[int, ...] | None = None
    is_promiscuous: bool = True
    buffer_octets: int = BUFFER
    hep: HepOptions = field(default_factory=HepOptions)
    duration_s: float | None = None
    count: int | None = None
    frames: FramesOptions | None = None
    store: Path | None = None
    store_every_s: float = STORE_EVERY_S
    user: str | None = None
    metrics: str | None = None
    metrics_top: int = METRICS_TOP
    alerts: Path | None = None
    max_open: int = MAX_OPEN
    causes: str = "dss1"
    keylog: str | None = None
    keep_copies: bool = False
