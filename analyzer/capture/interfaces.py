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
from analyzer.capture.packet_socket import IFF_RUNNING, IFF_UP, hardware_type, interface_flags, interface_mtu
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
    addresses: dict[str, list[str]] = {}
    for name, address in _addresses():
        addresses.setdefault(name, []).append(address)
    found = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        for _, name in socket.if_nameindex():
            try:
                flags, hardware, mtu = (ask(asked, name) for ask in (interface_flags, hardware_type, interface_mtu))
            except OSError:  # gone since it was listed
                continue
            is_up, has_carrier = bool(flags & IFF_UP), bool(flags & IFF_RUNNING)
            own = tuple(addresses.get(name, ()))
            found.append(Interface(name, hardware, LINK_TYPES.get(hardware), is_up, has_carrier, mtu, own))
    return found


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


def _addresses() -> Iterator[tuple[str, str]]:
    """Name and IP address, once for each address that an interface has."""
    libc = ctypes.CDLL(None, use_errno=True)
    first = ctypes.POINTER(_IfAddrs)()
    if libc.getifaddrs(ctypes.byref(first)):
        raise CaptureError("network interfaces", f"cannot be listed ({os.strerror(ctypes.get_errno())})")
    try:
        entry = first
        while entry:
            one = entry.contents
            if one.address and (address := _address(one.address, one.netmask)):
                yield os.fsdecode(one.name).partition(":")[0], address  # eth0:1 is a label of eth0's second address
            entry = one.next
    finally:
        libc.freeifaddrs(first)


def _address(address: int, netmask: int | None) -> str | None:
    """The IP address in a ``sockaddr``, with the length of its prefix; None when it holds something else."""
    (family,) = struct.unpack("H", ctypes.string_at(address, 2))
    place, size = {socket.AF_INET: (4, 4), socket.AF_INET6: (8, 16)}.get(family, (0, 0))
    if not size:
        return None
    packed = ctypes.string_at(address + place, size)
    mask = ctypes.string_at(netmask + place, size) if netmask else b"\xff" * size
    return f"{ipaddress.ip_address(packed)}/{int.from_bytes(mask).bit_count()}"
