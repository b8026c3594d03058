"""Network interfaces of this machine: what they are, and whether they can be listened to."""

from __future__ import annotations

import ctypes
import ipaddress
import os
import shlex
import socket
import struct
import sys
from collections.abc import Iterator
from typing import NamedTuple

from analyzer.capture.link_kernels import LINK_ETHERNET, LINK_RAW
from analyzer.capture.packet_socket import IFF_RUNNING, IFF_UP, interface_mtu
from analyzer.errors import CaptureError

#: Link types by what Linux calls the hardware (ARPHRD_* of linux/if_arp.h); frames of tunnels are bare IP packets.
LINK_TYPES = {
    1: LINK_ETHERNET,
    772: LINK_ETHERNET,  # loopback
    512: LINK_RAW,  # PPP
    519: LINK_RAW,  # RAWIP: mobile modems
    768: LINK_RAW,  # IP in IP
    769: LINK_RAW,  # IP in IPv6
    776: LINK_RAW,  # IPv6 in IPv4
    778: LINK_RAW,  # GRE
    823: LINK_RAW,  # GRE over IPv6
    0xFFFE: LINK_RAW,  # none: tun, WireGuard
}
_LOOPBACK = 772


class Interface(NamedTuple):
    """An interface. ``hardware`` is ARPHRD_*; ``link_type`` a number of the LINKTYPE registry, None when its frames are
    not understood; ``addresses`` with the length of their prefix."""

    name: str
    hardware: int
    link_type: int | None
    is_up: bool
    has_carrier: bool
    mtu: int
    addresses: tuple[str, ...]

    @property
    def is_loopback(self) -> bool:
        """Whether it only leads back to this machine."""
        return self.hardware == _LOOPBACK

    @property
    def link(self) -> str:
        """What its frames are, in words."""
        if self.is_loopback:
            return "loopback"
        return {LINK_ETHERNET: "Ethernet", LINK_RAW: "raw IP"}.get(self.link_type or 0, f"ARPHRD {self.hardware}")


def interfaces() -> list[Interface]:
    """Every interface of this network namespace, in the kernel's order. CaptureError on other systems than Linux."""
    if sys.platform != "linux":
        advice = "elsewhere: tcpdump -i en0 -U -w - | sipcause analyze -"
        raise CaptureError("network interfaces", f"can be listened to on Linux only; {advice}")
    found: dict[str, tuple[int, int, list[str]]] = {}
    for name, flags, hardware, address in _addresses():
        known = found.setdefault(name, (flags, -1, []))
        if hardware is not None:
            found[name] = (known[0], hardware, known[2])
        if address is not None:
            known[2].append(address)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        return [
            Interface(
                name,
                hardware,
                LINK_TYPES.get(hardware),
                bool(flags & IFF_UP),
                bool(flags & IFF_RUNNING),
                _mtu(asked, name),
                tuple(addresses),
            )
            for name, (flags, hardware, addresses) in found.items()
            if hardware >= 0  # else an address label of IPv4 (eth0:1), which is no interface
        ]


def may_capture() -> bool:
    """Whether this process is allowed to listen to interfaces (the capability CAP_NET_RAW)."""
    try:
        socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0).close()
    except PermissionError:
        return False
    return True


def how_to_be_allowed() -> str:
    """What grants the right to capture, in one line: a command, or another way to start."""
    python = shlex.quote(os.path.realpath(sys.executable))
    return f"sudo setcap cap_net_raw+ep {python}, or run it with sudo and --user"


def known_link_type(interface: Interface) -> int:
    """The link type of an interface's frames. CaptureError when they are not understood."""
    if interface.link_type is None:
        understood = f"understood are {', '.join(map(str, LINK_TYPES))} (Ethernet, loopback, PPP and IP tunnels)"
        raise CaptureError(interface.name, f"its frames (ARPHRD {interface.hardware}) are not understood; {understood}")
    return interface.link_type


def _mtu(asked: socket.socket, name: str) -> int:
    try:
        return interface_mtu(asked, name)
    except OSError:  # gone since it was listed
        return 0


class _IfAddrs(ctypes.Structure):
    """``struct ifaddrs`` of getifaddrs(3), as glibc and musl lay it out."""


_IfAddrs._fields_ = [
    ("next", ctypes.POINTER(_IfAddrs)),
    ("name", ctypes.c_char_p),
    ("flags", ctypes.c_uint),
    ("address", ctypes.c_void_p),
    ("netmask", ctypes.c_void_p),
    ("other", ctypes.c_void_p),
    ("data", ctypes.c_void_p),
]


def _addresses() -> Iterator[tuple[str, int, int | None, str | None]]:
    """(name, flags, hardware or None, address or None), one for the link and one for each address of an interface."""
    libc = ctypes.CDLL(None, use_errno=True)
    first = ctypes.POINTER(_IfAddrs)()
    if libc.getifaddrs(ctypes.byref(first)):
        raise CaptureError("network interfaces", f"cannot be listed ({os.strerror(ctypes.get_errno())})")
    try:
        entry = first
        while entry:
            one = entry.contents
            yield os.fsdecode(one.name), one.flags, *_address(one.address, one.netmask)
            entry = one.next
    finally:
        libc.freeifaddrs(first)


def _address(address: int | None, netmask: int | None) -> tuple[int | None, str | None]:
    """What a ``sockaddr`` says: the hardware of a link, or an IP address."""
    if address is None:
        return None, None
    (family,) = struct.unpack("H", ctypes.string_at(address, 2))
    if family == socket.AF_PACKET:
        return struct.unpack_from("H", ctypes.string_at(address, 12), 8)[0], None
    place, size = {socket.AF_INET: (4, 4), socket.AF_INET6: (8, 16)}.get(family, (0, 0))
    if not size:
        return None, None
    packed = ctypes.string_at(address + place, size)
    mask = ctypes.string_at(netmask + place, size) if netmask else b"\xff" * size
    return None, f"{ipaddress.ip_address(packed)}/{int.from_bytes(mask).bit_count()}"
