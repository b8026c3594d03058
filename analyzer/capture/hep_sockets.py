"""The sockets of ``--hep``: the place as text, binding it for UDP and TCP at once, and what the kernel says beside."""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import socket
import struct
import time
from typing import NamedTuple

from analyzer.errors import CaptureError

#: Octets that datagrams may wait in, in the kernel: more than a second at 20,000 messages.
BUFFER_OCTETS = 64 << 20
#: Packets that may wait to be taken into a connection.
_BACKLOG = 64
_KEEPALIVE_S = 60
#: Attempts to find one port that is free for UDP and TCP, where any will do.
_ATTEMPTS = 16

# Of Linux, by number where Python has no name for them.
_SO_RCVBUFFORCE, _SO_TIMESTAMPNS, _SO_MEMINFO = 33, 35, 55
_MEMINFO_OCTETS, _MEMINFO_DROPS = 36, 8
_IP_PKTINFO, _IPV6_RECVPKTINFO, _IPV6_PKTINFO = 8, 49, 50
_TIMESPEC = struct.Struct("@ll")
#: Room for a time and the address that a datagram was sent to.
ANCILLARY_OCTETS = socket.CMSG_SPACE(_TIMESPEC.size) + socket.CMSG_SPACE(20)


class Place(NamedTuple):
    """Where to listen: a numeric address, empty for all of them, and a port."""

    address: str
    port: int


def place(text: str) -> Place:
    """The place that ``--hep`` names: ``ADDRESS:PORT``, ``[IPV6]:PORT``, ``:PORT`` or ``PORT``.

    Port 0 is any that is free. CaptureError when the text is none of these.
    """
    address, colon, port = text.strip().rpartition(":")
    if address.startswith("[") and address.endswith("]"):
        address = address[1:-1]
    elif ":" in address or (colon and address == "" and not port):
        raise _bad(text)
    address = {"*": "", "localhost": "127.0.0.1"}.get(address, address)
    if not (port.isascii() and port.isdigit() and len(port) <= 5 and int(port) <= 65_535):
        raise _bad(text)
    if address:
        try:
            ipaddress.ip_address(address)
        except ValueError:
            raise _bad(text) from None
    return Place(address, int(port))


def _bad(text: str) -> CaptureError:
    reason = "is no address and port; write one like 192.0.2.1:9060, [2001:db8::1]:9060 or :9060 for all addresses"
    return CaptureError(f"--hep {text}", reason)


def bound(text: str) -> tuple[socket.socket, socket.socket]:
    """A UDP socket and a listening TCP socket at the place that ``text`` names.

    Without an address on all that the machine has, IPv4 and IPv6. CaptureError, with what to do, when that cannot be.
    """
    where = place(text)
    for attempt in range(_ATTEMPTS):
        udp = _bound(text, where, socket.SOCK_DGRAM)
        port = udp.getsockname()[1]
        try:
            return udp, _bound(text, where._replace(port=port), socket.SOCK_STREAM)
        except CaptureError:
            udp.close()
            if where.port or attempt == _ATTEMPTS - 1:
                raise
    raise AssertionError("unreachable")


def _bound(text: str, where: Place, kind: socket.SocketKind) -> socket.socket:
    addresses = [where.address] if where.address else ["::", "0.0.0.0"]
    for number, address in enumerate(addresses):
        try:
            (family, _, _, _, target), *_ = socket.getaddrinfo(
                address, where.port, type=kind, flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
            )
        except (socket.gaierror, UnicodeError):
            raise _bad(text) from None
        try:
            opened = socket.socket(family, kind)
        except OSError:
            if number + 1 < len(addresses):
                continue  # a machine without IPv6
            raise CaptureError(f"--hep {text}", "this machine does not know that kind of address") from None
        try:
            _set_up(opened)
            opened.bind(target)
            if kind == socket.SOCK_STREAM:
                opened.listen(_BACKLOG)
        except OSError as error:
            opened.close()
            if number + 1 < len(addresses) and error.errno == errno.EADDRNOTAVAIL:
                continue  # IPv6 switched off
            raise CaptureError(f"--hep {text}", _reason(error, where.port, kind)) from None
        return opened
    raise AssertionError("unreachable")


def _reason(error: OSError, port: int, kind: socket.SocketKind) -> str:
    protocol = "UDP" if kind == socket.SOCK_DGRAM else "TCP"
    if error.errno == errno.EADDRINUSE:
        return f"{protocol} port {port} is in use; stop what listens there, or choose another port"
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"not allowed; ports below 1024 need CAP_NET_BIND_SERVICE, {protocol} port 9060 does not"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"this machine has no such address; :{port} listens on all that it has"
    return f"cannot listen there ({error.strerror})"


def _set_up(opened: socket.socket) -> None:
    opened.setblocking(False)
    opened.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
    is_ipv6 = opened.family == socket.AF_INET6
    if is_ipv6:
        opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    if opened.type == socket.SOCK_STREAM:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Every connection inherits these: that the other side is gone is noticed within minutes.
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _KEEPALIVE_S)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _KEEPALIVE_S)
        return
    if is_ipv6:
        opened.setsockopt(socket.IPPROTO_IPV6, _IPV6_RECVPKTINFO, 1)
    else:
        opened.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)
    # Beyond the system's bound only with CAP_NET_ADMIN; else as much as the bound lets us have.
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_OCTETS)
    with contextlib.suppress(OSError):
        opened.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, BUFFER_OCTETS)


def arrival(ancillary: list[tuple[int, int, bytes]]) -> int:
    """When the kernel got what was read, in ns since the epoch; now, where it does not say."""
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS and len(data) == _TIMESPEC.size:
            seconds, rest = _TIMESPEC.unpack(data)
            return int(seconds * 10**9 + rest)
    return time.time_ns()


def sent_to(ancillary: list[tuple[int, int, bytes]]) -> bytes | None:
    """The address that a datagram was sent to, packed."""
    for level, kind, data in ancillary:
        if level == socket.IPPROTO_IPV6 and kind == _IPV6_PKTINFO and len(data) >= 16:
            return data[:16]
        if level == socket.IPPROTO_IP and kind == _IP_PKTINFO and len(data) >= 12:
            return data[8:12]
    return None


def kernel_drops(opened: socket.socket) -> int:
    """Datagrams that the kernel threw away because nobody read them in time, modulo 2**32; 0 before Linux 4.12."""
    try:
        words = opened.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _MEMINFO_OCTETS)
    except OSError:
        return 0
    return struct.unpack("=9I", words)[_MEMINFO_DROPS] if len(words) == _MEMINFO_OCTETS else 0
