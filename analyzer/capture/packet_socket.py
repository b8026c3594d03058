"""Packet sockets of Linux (``packet(7)``): what is asked of one beyond what Scapy sets."""

from __future__ import annotations

import ctypes
import errno
import socket
import struct
from collections.abc import Iterable
from typing import NamedTuple

from analyzer.capture.bpf import Instruction

SOL_PACKET = 263
PACKET_ADD_MEMBERSHIP, PACKET_RX_RING, PACKET_STATISTICS, PACKET_VERSION = 1, 5, 6, 10
TPACKET_V3 = 2
_PROMISCUOUS = 1
_SO_ATTACH_FILTER, _SO_RCVBUFFORCE = 26, 33
_ETH_P_ALL = 3
_SIOCGIFFLAGS, _SIOCGIFMTU, _SIOCGIFHWADDR, _SIOCGIFINDEX = 0x8913, 0x8921, 0x8927, 0x8933
IFF_UP, IFF_LOOPBACK, IFF_RUNNING = 0x1, 0x8, 0x40
#: Octets of ``struct ifreq``; the name takes the first 16 of them.
_IFREQ, _NAME = 40, 16


class Counters(NamedTuple):
    """What the kernel counted since it was asked before: frames that passed the filter (lost ones among them), frames
    lost for want of room, and how often a whole ring was full."""

    frames: int
    dropped: int
    freezes: int


def attach_filter(receiving: socket.socket, program: Iterable[Instruction]) -> None:
    """Let only frames through that a program passes."""
    code = b"".join(struct.pack("=HBBI", *instruction) for instruction in program)
    octets = ctypes.create_string_buffer(code, len(code))
    receiving.setsockopt(
        socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("HP", len(code) // 8, ctypes.addressof(octets))
    )


def receive_from(receiving: socket.socket, name: str, is_promiscuous: bool) -> None:
    """Bind to an interface for frames of all protocols, which begin to come in now. It needs no right to capture.

    It may be down: frames come once it is up.
    """
    receiving.bind((name, _ETH_P_ALL))
    if is_promiscuous:
        request = struct.pack("iHH8s", interface_index(receiving, name), _PROMISCUOUS, 0, b"")
        receiving.setsockopt(SOL_PACKET, PACKET_ADD_MEMBERSHIP, request)


def counters(receiving: socket.socket) -> Counters:
    """What was counted; asking sets the kernel's counters back to 0."""
    octets = receiving.getsockopt(SOL_PACKET, PACKET_STATISTICS, 12)
    numbers = struct.unpack(f"{len(octets) // 4}I", octets)
    return Counters(numbers[0], numbers[1], numbers[2] if len(numbers) > 2 else 0)


def clear_error(receiving: socket.socket) -> bool:
    """Take the socket's pending error, which would keep ``poll`` from waiting; returns whether there was one."""
    return receiving.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) != 0


def enlarge(receiving: socket.socket, octets: int) -> None:
    """Room for frames that wait: as much as asked where the right CAP_NET_ADMIN is there, else what everybody gets."""
    try:
        receiving.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, octets)
    except PermissionError:
        receiving.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, octets)


def bound_to(receiving: socket.socket) -> str:
    """The name of the interface that a socket is bound to, as it is called now; empty when that is gone."""
    return str(receiving.getsockname()[0])


def interface_flags(asked: socket.socket, name: str) -> int:
    """IFF_* of an interface; OSError when there is none of that name."""
    return int(struct.unpack_from("H", _ask(asked, _SIOCGIFFLAGS, name))[0])


def interface_index(asked: socket.socket, name: str) -> int:
    """The number of an interface, another one each time that it is made; OSError when there is none of that name."""
    return int(struct.unpack_from("i", _ask(asked, _SIOCGIFINDEX, name))[0])


def interface_mtu(asked: socket.socket, name: str) -> int:
    """The longest packet of an interface, octets; OSError when there is none of that name."""
    return int(struct.unpack_from("i", _ask(asked, _SIOCGIFMTU, name))[0])


def hardware_type(asked: socket.socket, name: str) -> int:
    """ARPHRD_* of an interface; OSError when there is none of that name."""
    return int(struct.unpack_from("H", _ask(asked, _SIOCGIFHWADDR, name))[0])


def _ask(asked: socket.socket, request: int, name: str) -> bytes:
    """Any socket's answer about an interface in its network namespace."""
    from fcntl import ioctl

    encoded = name.encode()
    if not 0 < len(encoded) < _NAME:
        raise OSError(errno.ENODEV, "no such interface", name)
    return bytes(ioctl(asked, request, encoded.ljust(_IFREQ, b"\0")))[_NAME:]
