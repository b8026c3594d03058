"""A capture filter in libpcap's language (``pcap-filter(7)``), as a program for the kernel.

libpcap compiles it, called as Scapy calls it; it is the one thing that may be missing on a bare machine. Nothing of
ours needs it: the default filter and ``--ports`` are put together in `bpf`.
"""

from __future__ import annotations

import ctypes
from typing import Any

from analyzer.capture.bpf import SNAPLEN, Instruction, Program
from analyzer.capture.link_kernels import LINK_ETHERNET
from analyzer.errors import CaptureError

#: Numbers of link types as libpcap gives them to programs on this system; they differ from those in files for raw IP.
_DLT_ETHERNET, _DLT_RAW = 1, 12
_UNKNOWN_NETMASK = 0xFFFFFFFF


def compiled(expression: str, link_type: int, interface: str | None = None) -> Program:
    """The program of an expression for frames of a link type.

    With the name of an ``interface`` it is compiled for that one, as tcpdump does: then ``vlan`` finds the tag that
    Linux keeps beside the frame, and ``inbound`` means something. That needs the right to capture; without it, and
    without a name, it is compiled as for a file. CaptureError when libpcap is missing or refuses the expression.
    """
    place = f"filter '{expression}'"
    try:
        from scapy.libs import winpcapy as libpcap
        from scapy.libs.structures import bpf_program
    except OSError as error:
        needs = "needs libpcap, which is not installed (sudo apt install libpcap0.8)"
        raise CaptureError(place, f"{needs}; --ports 5060,5061 needs no libpcap") from error
    wanted = _DLT_ETHERNET if link_type == LINK_ETHERNET else _DLT_RAW
    handle = _live(libpcap, interface, wanted) or libpcap.pcap_open_dead(wanted, SNAPLEN)
    program = bpf_program()
    try:
        if libpcap.pcap_compile(handle, ctypes.byref(program), expression.encode(), 1, _UNKNOWN_NETMASK):
            raise CaptureError(place, ctypes.string_at(libpcap.pcap_geterr(handle)).decode(errors="replace"))
        steps = [program.bf_insns[number] for number in range(program.bf_len)]
        made = tuple(Instruction(step.code, step.jt, step.jf, step.k & 0xFFFFFFFF) for step in steps)
        libpcap.pcap_freecode(ctypes.byref(program))
    finally:
        libpcap.pcap_close(handle)
    return made


def _live(libpcap: Any, interface: str | None, wanted: int) -> Any:
    """libpcap's handle for an interface; None where it must not be had, or would see other frames than we do."""
    if interface is None:
        return None
    handle = libpcap.pcap_open_live(interface.encode(), SNAPLEN, 0, 0, ctypes.create_string_buffer(256))
    if handle and libpcap.pcap_datalink(handle) != wanted:
        libpcap.pcap_close(handle)
        return None
    return handle or None
