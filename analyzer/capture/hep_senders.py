"""Who sends HEP: who may, how much of the rate each may use, and what is to be said about whom."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import TypeAlias

from analyzer.batch import MISSING
from analyzer.capture.address import halves
from analyzer.capture.fair_rate import FairRate, Share
from analyzer.errors import CaptureError

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

#: Messages a second over all senders, unless the user says otherwise.
DEFAULT_RATE = 50_000.0
#: Who may send when the user names nobody: this machine, and networks that are not routed in the Internet (RFC 1918,
#: RFC 6598, RFC 3927, RFC 4193, RFC 4291).
LOCAL_NETWORKS = (
    "127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16",
    "::1/128", "fc00::/7", "fe80::/10",
)  # fmt: skip
#: Senders that are told apart; what more there are share one part of the rate.
SENDERS_MOST = 1024
#: A sender that sends nothing for so long leaves its part of the rate to the others.
IDLE_NS = 10_000_000_000


def networks(texts: Sequence[str]) -> tuple[Network, ...]:
    """The networks of ``--hep-from``; CaptureError when one is none. A single address is a network of itself."""
    found: list[Network] = []
    for text in texts:
        try:
            found.append(ipaddress.ip_network(text.strip(), strict=False))
        except ValueError:
            reason = "is no network; write one like 192.0.2.0/24 or 2001:db8::/32, or an address (0.0.0.0/0: everybody)"
            raise CaptureError(f"--hep-from {text}", reason) from None
    return tuple(found)


class Sender:
    """One address that packets come from: its text and halves, whether it may send, its part of the rate."""

    __slots__ = ("halves", "is_allowed", "last_ts", "share", "text")

    def __init__(self, text: str, packed: bytes, is_allowed: bool, share: Share) -> None:
        self.text = text
        self.halves = halves(packed)
        self.is_allowed = is_allowed
        self.share = share
        self.last_ts = MISSING


class Senders:
    """The senders of the last seconds, bounded."""

    def __init__(self, allowed: Sequence[Network], rate: float) -> None:
        self._allowed = allowed
        self._rate = FairRate(rate)
        self._known: dict[str, Sender] = {}
        self._strangers: dict[str, Sender] = {}
        self._common = Share()

    def sender(self, text: str) -> Sender:
        """The sender with this address, as a socket writes it (a zone behind ``%``, IPv4 mapped or not)."""
        return self._known.get(text) or self._strangers.get(text) or self._new(text)

    def admits(self, sender: Sender, ts: int) -> bool:
        """Whether one more message of it is within the bound on the rate."""
        sender.last_ts = ts
        return self._rate.admits(sender.share, ts)

    def forget_idle(self, ts: int) -> None:
        """Let go of those who have sent nothing for a while before ``ts``."""
        self._known = {text: one for text, one in self._known.items() if abs(ts - one.last_ts) < IDLE_NS}
        self._rate.share_by(len(self._known))

    def _new(self, text: str) -> Sender:
        address = ipaddress.ip_address(text.partition("%")[0])
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        if not any(address in network for network in self._allowed):
            if len(self._strangers) >= SENDERS_MOST:
                self._strangers.clear()
            self._strangers[text] = stranger = Sender(str(address), address.packed, False, self._common)
            return stranger
        is_known = len(self._known) < SENDERS_MOST
        sender = Sender(str(address), address.packed, True, Share() if is_known else self._common)
        if is_known:
            self._known[text] = sender
            self._rate.share_by(len(self._known))
        return sender
