"""The headers around a message, packed into one number: what the table of what was read is made of.

Each header is a code of five bits; the innermost stands in the lowest bits. Kernels push them while they walk down a
frame; equal headers in a row (stacked VLAN tags, MPLS labels, IPv6 extensions) are pushed once, and of more than twelve
only the innermost stay.
"""

from __future__ import annotations

from analyzer.batch import Ints
from analyzer.jit import inlined, kernel

BITS = 5
MOST = 12
_ROOM = (1 << BITS * MOST) - 1

L_ETHERNET = 1
L_SLL = 2  # Linux cooked capture, both versions
L_NULL = 3
L_PPP = 4
L_VLAN = 5
L_MPLS = 6
L_PPPOE = 7
L_IPV4 = 8
L_IPV6 = 9
L_FRAGMENT = 10  # put together from IP fragments
L_UDP = 11
L_TCP = 12
L_SCTP = 13
L_TLS = 14
L_WEBSOCKET = 15
L_HEP = 16
L_GRE = 17
L_ERSPAN = 18
L_VXLAN = 19
L_GENEVE = 20
L_GTP = 21
L_L2TP = 22
L_TZSP = 23
L_ESP = 24
L_ICMP = 25
L_OTHER = 31
NAMES: dict[int, str] = {
    L_ETHERNET: "eth", L_SLL: "sll", L_NULL: "null", L_PPP: "ppp", L_VLAN: "vlan", L_MPLS: "mpls", L_PPPOE: "pppoe",
    L_IPV4: "ip", L_IPV6: "ipv6", L_FRAGMENT: "fragments", L_UDP: "udp", L_TCP: "tcp", L_SCTP: "sctp", L_TLS: "tls",
    L_WEBSOCKET: "websocket", L_HEP: "hep", L_GRE: "gre", L_ERSPAN: "erspan", L_VXLAN: "vxlan", L_GENEVE: "geneve",
    L_GTP: "gtp", L_L2TP: "l2tp", L_TZSP: "tzsp", L_ESP: "esp", L_ICMP: "icmp", L_OTHER: "other",
}  # fmt: skip


@inlined
def push(layers: int, layer: int) -> int:
    """The headers with one more inside."""
    if layers & 31 == layer:
        return layers
    return layers << 5 & _ROOM | layer


# A table of what was read, open addressing: headers, frames, frames of them that were not understood.
P_LAYERS = 0
P_FRAMES = 1
P_UNREAD = 2
P_COLUMNS = 3
PATHS = 256
_PROBES = 16


@kernel
def count_layers(paths: Ints, layers: int, frames: int, unread: int) -> None:
    """Count frames with these headers; what finds no place is counted as other (place 0)."""
    place = 1 + (layers * 0x9E3779B1 >> 7) % (PATHS - 1)
    for _ in range(_PROBES):
        if paths[place, P_LAYERS] == layers or paths[place, P_FRAMES] == 0:
            paths[place, P_LAYERS] = layers
            paths[place, P_FRAMES] += frames
            paths[place, P_UNREAD] += unread
            return
        place = place % (PATHS - 1) + 1
    paths[0, P_LAYERS] = L_OTHER
    paths[0, P_FRAMES] += frames
    paths[0, P_UNREAD] += unread


def codes(layers: int) -> tuple[int, ...]:
    """The codes of the headers, outermost first."""
    found: list[int] = []
    while layers:
        found.append(layers & 31)
        layers >>= BITS
    return tuple(reversed(found))


def text(layers: int) -> str:
    """The headers as Wireshark names them, outermost first: ``eth vlan ip udp``."""
    return " ".join(NAMES.get(code, "other") for code in codes(layers)) or "none"
