"""The blocks of a pcapng that this program writes: little endian, nanoseconds.

https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-02.html. Packets in bulk: `analyzer.capture.record_kernels`.
"""

from __future__ import annotations

import struct

from analyzer.capture.pcapng_kernels import (
    DECRYPTION_SECRETS,
    ENHANCED_PACKET,
    INTERFACE_DESCRIPTION,
    INTERFACE_STATISTICS,
    SECTION_HEADER,
)

# Options: of any block; shb_userappl; if_name, if_tsresol; isb_starttime, isb_endtime, isb_ifrecv, isb_ifdrop.
_END_OF_OPTIONS = bytes(4)
_USER_APPLICATION = 4
_NAME, _RESOLUTION = 2, 9
_START, _END, _RECEIVED, _DROPPED = 2, 3, 4, 5


def section_header(application: str = "") -> bytes:
    """The beginning of a file or section; ``application`` is who writes it."""
    options = _option(_USER_APPLICATION, application.encode()) + _END_OF_OPTIONS if application else b""
    return _block(SECTION_HEADER, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1) + options)


def interface_description(link_type: int, name: str = "") -> bytes:
    """An interface whose time stamps are nanoseconds; interfaces of a section are numbered from 0 as they come."""
    options = _option(_NAME, name.encode(errors="backslashreplace")) if name else b""
    options += _option(_RESOLUTION, b"\x09") + _END_OF_OPTIONS
    return _block(INTERFACE_DESCRIPTION, struct.pack("<HHI", link_type, 0, 0) + options)


def enhanced_packet(interface_no: int, ts: int, octets: bytes, wire_length: int) -> bytes:
    """A frame; ``ts`` in ns since 1970, of ``wire_length`` octets on the wire."""
    header = struct.pack("<I", interface_no) + _ticks(ts) + struct.pack("<II", len(octets), wire_length)
    return _block(ENHANCED_PACKET, header + octets + bytes(-len(octets) % 4))


def decryption_secrets(kind: int, text: bytes) -> bytes:
    """Secrets (0x544c534b = TLS key log) of the packets behind it."""
    return _block(DECRYPTION_SECRETS, struct.pack("<II", kind, len(text)) + text + bytes(-len(text) % 4))


def interface_statistics(interface_no: int, start_ts: int, end_ts: int, received: int, dropped: int) -> bytes:
    """How many frames came to an interface between two moments (ns since 1970), and how many of these were lost."""
    options = _option(_START, _ticks(start_ts)) + _option(_END, _ticks(end_ts))
    options += _option(_RECEIVED, struct.pack("<Q", received)) + _option(_DROPPED, struct.pack("<Q", dropped))
    return _block(INTERFACE_STATISTICS, struct.pack("<I", interface_no) + _ticks(end_ts) + options + _END_OF_OPTIONS)


def _ticks(ts: int) -> bytes:
    ts = max(ts, 0)
    return struct.pack("<II", ts >> 32, ts & 0xFFFFFFFF)


def _option(code: int, value: bytes) -> bytes:
    return struct.pack("<HH", code, len(value)) + value + bytes(-len(value) % 4)


def _block(kind: int, body: bytes) -> bytes:
    length = struct.pack("<I", 12 + len(body))
    return struct.pack("<I", kind) + length + body + length
