"""Which frames the kernel lets through: the default filter, one by ports, and one in libpcap's language.

Linux takes the outermost VLAN tag out before it asks the filter; what stands in the frame may be two more. A frame that
ends within its own headers is dropped, because a load beyond its end is. docs/live.md says what passes; the reader
(`transport_kernels.udp`) looks into nothing that the default filter drops.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from analyzer.capture.bpf import (
    A_TO_X,
    ADD,
    ADD_X,
    AND,
    DROP,
    JUMP,
    JUMP_EQUAL,
    JUMP_GREATER,
    JUMP_IF_ANY,
    LD_HALF,
    LD_HALF_AT,
    LD_MEMORY,
    LD_OCTET,
    LD_OCTET_AT,
    LDX,
    MOST_INSTRUCTIONS,
    PACKET_OUTGOING,
    PACKET_TYPE,
    PASS,
    RETURN,
    SHIFT_LEFT,
    SNAPLEN,
    STORE,
    X_TO_A,
    Program,
    Step,
    Steps,
    assembled,
    number_runs,
    return_if_in,
)
from analyzer.capture.expression import compiled
from analyzer.capture.interfaces import Interface, known_link_type
from analyzer.capture.link_kernels import (
    ETHER_IPV4,
    ETHER_IPV6,
    ETHER_OLD_VLAN,
    ETHER_SERVICE_VLAN,
    ETHER_VLAN,
    LINK_ETHERNET,
)
from analyzer.capture.tunnel_kernels import (
    PORT_ESP,
    PORT_GENEVE,
    PORT_GTP_U,
    PORT_L2TP,
    PORT_SCTP,
    PORT_TZSP,
    PORT_VXLAN,
    PORT_VXLAN_GPE,
    PORT_VXLAN_LINUX,
)
from analyzer.errors import CaptureError

_TCP, _UDP, _SCTP = 6, 17, 132
_TAGS = (ETHER_VLAN, ETHER_SERVICE_VLAN, ETHER_OLD_VLAN)
_MORE_OR_OFFSET = 0x3FFF  # of IPv4's flags and fragment offset: all but "don't fragment" and the reserved bit
_FRAGMENT_HEADER = 44
#: IPv6 extension headers that may stand before the fragment header (RFC 8200 §4.1): hop-by-hop, routing, destination.
_BEFORE_FRAGMENT_HEADER = (0, 43, 60)
_EXTENSION_HEADERS = 3
#: UDP ports behind which a packet stands whatever their first octet is: SPIs, inner ports and flags of later versions
#: have their first bit set too.
_TUNNEL_PORTS = (PORT_ESP, PORT_SCTP, PORT_VXLAN, PORT_VXLAN_LINUX, PORT_VXLAN_GPE)
#: And all that `tunnel_kernels` looks into.
_ALL_TUNNEL_PORTS = (*_TUNNEL_PORTS, PORT_GTP_U, PORT_GENEVE, PORT_TZSP, PORT_L2TP)


def kernel_filter(interface: Interface, ports: Sequence[int] = (), expression: str | None = None) -> Program:
    """The kernel's filter for an interface. CaptureError when it cannot be made or is too long."""
    link_type = known_link_type(interface)
    try:
        if expression is not None:
            theirs = compiled(expression, link_type, interface.name)
            return behind_fragments(theirs, link_type, interface.is_loopback)
        if ports:
            return ports_filter(link_type, ports, interface.is_loopback)
    except ValueError as error:
        raise CaptureError("filter" if expression is None else f"filter '{expression}'", str(error)) from error
    return default_filter(link_type, interface.is_loopback)


def default_filter(link_type: int, is_loopback: bool = False) -> Program:
    """Everything passes but UDP whose payload begins with a set bit: RTP and RTCP (version 2), never SIP or HEP.

    Fragments, tunnels, empty datagrams and all that is not UDP directly in IP pass. ``link_type`` is Ethernet or raw
    IP.
    """
    look = [
        *_ip_headers(link_type),
        "IPv4",
        *_to_pass_if_fragment(),
        Step(LD_OCTET_AT, 9),
        Step(JUMP_EQUAL, _UDP, "UDP/IPv4", PASS),
        "UDP/IPv4",
        *_behind_ipv4(),
        Step(JUMP, 0, "UDP"),
        "IPv6",
        Step(LD_OCTET_AT, 6),
        Step(JUMP_EQUAL, _UDP, "UDP/IPv6", PASS),
        "UDP/IPv6",
        *_behind_ipv6(),
        "UDP",
        *(step for at in (0, 2) for step in (Step(LD_HALF_AT, at), *_to_pass_if(_TUNNEL_PORTS))),
        Step(LD_HALF_AT, 4),
        Step(JUMP_GREATER, 8, "", PASS),
        Step(LD_OCTET_AT, 8),
        Step(JUMP_IF_ANY, 0x80, DROP, PASS),
    ]
    return assembled([*_front(is_loopback), *look, *_ends()])


def ports_filter(link_type: int, ports: Iterable[int], is_loopback: bool = False) -> Program:
    """UDP, TCP and SCTP with one of these ports at either end, and whatever may carry such packets inside.

    That is every fragment, everything that is not IP (labels, PPPoE, LLC, a third tag), every other IP protocol (GRE,
    ESP, IP in IP, ICMP, whose errors quote a packet), IPv6 with extension headers, and the UDP ports of tunnels.
    ValueError when the ports are scattered so widely that the kernel would not take the program.
    """
    runs = number_runs(ports)
    by_port = [step for at in (0, 2) for step in (Step(LD_HALF_AT, at), *return_if_in(runs))]
    by_tunnel = [
        step for at in (0, 2) for step in (Step(LD_HALF_AT, at), *return_if_in(number_runs(_ALL_TUNNEL_PORTS)))
    ]
    look = [
        *_ip_headers(link_type),
        "IPv4",
        *_to_pass_if_fragment(),
        Step(LD_OCTET_AT, 9),
        Step(STORE, 0),
        *_behind_ipv4(),
        Step(JUMP, 0, "protocol"),
        "IPv6",
        Step(LD_OCTET_AT, 6),
        Step(STORE, 0),
        *_behind_ipv6(),
        "protocol",
        Step(LD_MEMORY, 0),
        *(Step(JUMP_EQUAL, protocol, "ports") for protocol in (_TCP, _UDP, _SCTP)),
        # The ends stand here, within the reach of a jump; the ports behind them may be many.
        *_ends(),
        "ports",
        *by_port,
        Step(LD_MEMORY, 0),
        Step(JUMP_EQUAL, _UDP, "", "nothing"),
        *by_tunnel,
        "nothing",
        Step(RETURN, 0),
    ]
    # The kernel refuses to load what was not stored on every way there, and thinks that a return goes on: so the store
    # stands in front of everything.
    program = assembled([Step(STORE, 0), *_front(is_loopback), *look])
    if len(program) > MOST_INSTRUCTIONS:
        raise ValueError(f"{len(runs)} separate ports and ranges are more than the kernel's filter can hold")
    return program


def behind_fragments(program: Program, link_type: int, is_loopback: bool = False) -> Program:
    """A filter of somebody else's, in front of which every IP fragment passes: it would know the first ones at best.

    The fragment header of IPv6 is looked for behind up to three extension headers. ValueError when both together are
    longer than the kernel takes.
    """
    look: Steps = [
        *_ip_headers(link_type, "theirs"),
        "IPv4",
        *_to_pass_if_fragment("theirs"),
        Step(JUMP, 0, "theirs"),
        "IPv6",
        Step(LD_OCTET_AT, 6),
        Step(STORE, 0),
        *_behind_ipv6(),
        Step(LD_MEMORY, 0),
    ]
    for number in range(_EXTENSION_HEADERS + 1):
        look.append(Step(JUMP_EQUAL, _FRAGMENT_HEADER, PASS))
        if number == _EXTENSION_HEADERS:
            break
        look += [Step(JUMP_EQUAL, kind, f"extension {number}") for kind in _BEFORE_FRAGMENT_HEADER]
        look += [
            Step(JUMP, 0, "theirs"),
            f"extension {number}",
            Step(LD_OCTET_AT, 0),
            Step(STORE, 0),
            Step(LD_OCTET_AT, 1),  # its length in units of eight octets, beyond the first
            Step(ADD, 1),
            Step(SHIFT_LEFT, 3),
            Step(ADD_X),
            Step(A_TO_X),
            Step(LD_MEMORY, 0),
        ]
    ours = assembled([*_front(is_loopback), *look, Step(JUMP, 0, "theirs"), *_ends(), "theirs"])
    if len(ours) + len(program) > MOST_INSTRUCTIONS:
        raise ValueError(f"{len(program)} instructions are more than the kernel's filter can hold")
    return ours + program


def _front(is_loopback: bool) -> Steps:
    """On loopback every packet is seen as it goes out and as it comes in: once is enough."""
    return [Step(LD_OCTET, PACKET_TYPE), Step(JUMP_EQUAL, PACKET_OUTGOING, DROP)] if is_loopback else []


def _ends() -> Steps:
    return [PASS, Step(RETURN, SNAPLEN), DROP, Step(RETURN, 0)]


def _ip_headers(link_type: int, otherwise: str = PASS) -> Steps:
    """Go to "IPv4" or "IPv6" with the header's place in X, else to ``otherwise``."""
    if link_type != LINK_ETHERNET:
        return [
            Step(LDX, 0),
            Step(LD_OCTET, 0),
            Step(AND, 0xF0),
            Step(JUMP_EQUAL, 0x40, "IPv4"),
            Step(JUMP_EQUAL, 0x60, "IPv6", otherwise),
        ]
    return [
        Step(LDX, 14),
        Step(LD_HALF, 12),
        *(Step(JUMP_EQUAL, tag, "tag") for tag in _TAGS),
        Step(JUMP, 0, "network"),
        "tag",
        Step(LDX, 18),
        Step(LD_HALF, 16),
        *(Step(JUMP_EQUAL, tag, "second tag") for tag in _TAGS),
        Step(JUMP, 0, "network"),
        "second tag",
        Step(LDX, 22),
        Step(LD_HALF, 20),
        "network",
        Step(JUMP_EQUAL, ETHER_IPV4, "IPv4"),
        Step(JUMP_EQUAL, ETHER_IPV6, "IPv6", otherwise),
    ]


def _to_pass_if_fragment(otherwise: str = "") -> Steps:
    return [Step(LD_HALF_AT, 6), Step(JUMP_IF_ANY, _MORE_OR_OFFSET, PASS, otherwise)]


def _behind_ipv4() -> Steps:
    """Move X behind the IPv4 header that it stands at."""
    return [Step(LD_OCTET_AT, 0), Step(AND, 15), Step(SHIFT_LEFT, 2), Step(ADD_X), Step(A_TO_X)]


def _behind_ipv6() -> Steps:
    return [Step(X_TO_A), Step(ADD, 40), Step(A_TO_X)]


def _to_pass_if(values: Sequence[int]) -> Steps:
    return [Step(JUMP_EQUAL, value, PASS) for value in values]
