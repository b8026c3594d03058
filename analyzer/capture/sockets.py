"""Network interfaces as listeners: Scapy opens the socket, the kernel filters, a ring hands over the frames.

Nothing comes in before the filter and the ring are there: the socket is opened for no protocol at all, and bound for
all of them last. Where the kernel gives no ring, frames are taken one by one by Scapy's raw receive.
"""

from __future__ import annotations

import logging
import socket
import struct
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import TYPE_CHECKING, Protocol

import numpy as np

from analyzer.batch import Octets
from analyzer.capture.bpf import Program
from analyzer.capture.filters import kernel_filter
from analyzer.capture.interfaces import Interface, how_to_be_allowed, interfaces, known_link_type
from analyzer.capture.listening import LEAST_BUFFER, RECORD_OCTETS
from analyzer.capture.packet_socket import (
    IFF_RUNNING,
    IFF_UP,
    attach_filter,
    bound_to,
    clear_error,
    counters,
    enlarge,
    hardware_type,
    interface_flags,
    receive_from,
)
from analyzer.capture.ring import RING_OCTETS, Ring
from analyzer.errors import CaptureError, suggestion
from analyzer.vocab import SourceKind

if TYPE_CHECKING:
    from scapy.arch.linux import L2ListenSocket

#: The name that stands for every interface that is up.
ANY = "any"
_LONGEST_FRAME = 1 << 16
_DOWN, _NO_CARRIER, _GONE, _OTHER_KIND = "is down", "has no carrier", "is gone", "came back with other frames"


class Receiving(Protocol):
    """How frames come out of a socket."""

    def read_into(self, buffer: Octets) -> int:
        """Records of the frames that wait, as many as fit; returns the octets used, 0 when none waits."""

    def close(self) -> None:
        """Let go of what belongs to it; the socket is not its own."""


def listeners(
    names: Iterable[str],
    *,
    ports: Sequence[int] = (),
    expression: str | None = None,
    is_promiscuous: bool = True,
    ring_octets: int = RING_OCTETS,
) -> list[InterfaceListener]:
    """A listener for each interface named; ``any`` is every one that is up and understood.

    ``ports`` and ``expression`` (libpcap's language) narrow what the kernel lets through, one or the other. The first
    interface that cannot be had is a CaptureError, and none stays open.
    """
    if ports and expression is not None:
        raise CaptureError(f"filter '{expression}'", "give ports or a filter, not both")
    opened: list[InterfaceListener] = []
    try:
        for interface in _named(names):
            program = kernel_filter(interface, ports, expression)
            opened.append(InterfaceListener(interface, program, is_promiscuous, ring_octets))
    except BaseException:
        for listener in opened:
            listener.close()
        raise
    return opened


class InterfaceListener:
    """An interface as a `Listener`: waits while it is down or gone, and goes on when it is back.

    Only opening it needs the right to capture.
    """

    kind = SourceKind.LIVE

    def __init__(
        self,
        interface: Interface,
        program: Program,
        is_promiscuous: bool = True,
        ring_octets: int = RING_OCTETS,
    ) -> None:
        """``ring_octets`` 0: no ring. CaptureError when the interface cannot be listened to."""
        self.name = interface.name
        self.link_type = known_link_type(interface)
        #: How often frames were lost because the whole ring was full.
        self.freezes = 0
        self._dropped = 0
        self._hardware = interface.hardware
        self._is_promiscuous = is_promiscuous
        self._trouble: str | None = None
        self._is_closed = False
        with _as_capture_errors(self.name):
            self._scapy = _open(self.name)
            self._socket: socket.socket = self._scapy.ins
            try:
                attach_filter(self._socket, program)
                self._receiving = _receiving(self._scapy, ring_octets)
                receive_from(self._socket, self.name, is_promiscuous)
            except BaseException:
                self._socket.close()
                raise
        self.tick()

    @property
    def has_ring(self) -> bool:
        """Whether frames come by the ring, and not one by one."""
        return isinstance(self._receiving, Ring)

    @property
    def dropped(self) -> int:
        """Frames that passed the filter and were lost for want of room."""
        self._count()
        return self._dropped

    @property
    def trouble(self) -> str | None:
        """Why no frame can come at the moment, as `tick` found it."""
        return self._trouble

    def filenos(self) -> Sequence[int]:
        """The socket: readable when a block of the ring is full or old enough."""
        return () if self._is_closed else (self._socket.fileno(),)

    def read_into(self, buffer: Octets) -> int:
        """Records of the frames that wait, as many as fit; returns the octets used, 0 when none waits."""
        assert len(buffer) >= LEAST_BUFFER
        if self._is_closed:
            return 0
        # An interface that went down leaves an error, which would wake whoever waits for frames again and again.
        try:
            used = self._receiving.read_into(buffer)
            is_in_trouble = not used and clear_error(self._socket)
        except OSError:
            used, is_in_trouble = 0, True
        if is_in_trouble:
            self._look()
        return used

    def tick(self) -> None:
        """Look whether the interface is up, bind to it again when it was made anew, and read the kernel's counters."""
        if self._is_closed:
            return
        clear_error(self._socket)
        self._look()
        self._count()

    def close(self) -> None:
        """Stop receiving, and let go of ring and socket."""
        if self._is_closed:
            return
        self._count()
        self._is_closed = True
        self._receiving.close()
        self._scapy.close()

    def _count(self) -> None:
        if not self._is_closed:
            counted = counters(self._socket)
            self._dropped += counted.dropped
            self.freezes += counted.freezes

    def _look(self) -> None:
        try:
            name = bound_to(self._socket)  # another one when it was renamed
            if not name:
                if hardware_type(self._socket, self.name) != self._hardware:
                    self._trouble = _OTHER_KIND
                    return
                receive_from(self._socket, self.name, self._is_promiscuous)
                clear_error(self._socket)
                name = self.name
            flags = interface_flags(self._socket, name)
        except OSError:
            self._trouble = _GONE
            return
        self._trouble = _DOWN if not flags & IFF_UP else None if flags & IFF_RUNNING else _NO_CARRIER


class PlainReceiving:
    """Frames one by one by Scapy's raw receive, which puts VLAN tags back; times to a quarter of a microsecond."""

    def __init__(self, scapy_socket: L2ListenSocket, octets: int) -> None:
        enlarge(scapy_socket.ins, octets)
        scapy_socket.ins.setblocking(False)
        self._scapy = scapy_socket

    def read_into(self, buffer: Octets) -> int:
        """Records of the frames that wait, as many as fit; returns the octets used, 0 when none waits."""
        used = 0
        while used + RECORD_OCTETS + _LONGEST_FRAME + 4 <= len(buffer):
            try:
                _, octets, ts = self._scapy.recv_raw(_LONGEST_FRAME)
            except BlockingIOError:
                break
            except OSError:  # the interface went down: that is said once, and not where frames would be lost by it
                if used:
                    break
                raise
            if not octets or ts is None:
                break
            ns = round(ts * 1e6) * 1000
            header = struct.pack("<4I", ns // 10**9, ns % 10**9, len(octets), len(octets))
            record = np.frombuffer(header + octets, dtype=np.uint8)
            buffer[used : used + len(record)] = record
            used += len(record)
        return used

    def close(self) -> None:
        """There is nothing but the socket."""


def _receiving(scapy_socket: L2ListenSocket, ring_octets: int) -> Receiving:
    """The ring, else the plain way: on kernels without rings, or where a sandbox refuses them."""
    if ring_octets:
        try:
            return Ring(scapy_socket.ins, ring_octets)
        except (OSError, ValueError):
            pass
    return PlainReceiving(scapy_socket, ring_octets or RING_OCTETS)


def _open(name: str) -> L2ListenSocket:
    """Scapy's socket, bound to the interface for no protocol: nothing comes in yet."""
    from scapy.arch.linux import L2ListenSocket

    runtime = logging.getLogger("scapy.runtime")
    level = runtime.level
    runtime.setLevel(logging.ERROR)  # it would say that it knows no dissector for the link; none is wanted
    try:
        return L2ListenSocket(iface=name, type=0, promisc=False, nofilter=1)
    finally:
        runtime.setLevel(level)


def _named(names: Iterable[str]) -> Iterator[Interface]:
    """The interfaces of these names, each once, ``any`` expanded."""
    there = {interface.name: interface for interface in interfaces()}
    every = [one.name for one in there.values() if one.is_up and one.link_type is not None]
    wanted = dict.fromkeys(chain.from_iterable(every if name == ANY else [name] for name in names))
    if not wanted:
        raise CaptureError(ANY, "no interface is up; sipcause interfaces lists what there is")
    for name in wanted:
        if name not in there:
            raise CaptureError(name, f"no such interface{suggestion(name, [*there, ANY])}")
        yield there[name]


@contextmanager
def _as_capture_errors(name: str) -> Iterator[None]:
    """What goes wrong while opening, in one line."""
    try:
        yield
    except PermissionError as error:
        raise CaptureError(name, f"not allowed to capture; {how_to_be_allowed()}") from error
    except (OSError, ValueError) as error:
        said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise CaptureError(name, f"cannot be listened to ({said})") from error
