"""``sipcause warm``: compile the kernels ahead, so that the first analysis on a machine is as fast as the next."""

from __future__ import annotations

import struct
import tempfile
import time
from pathlib import Path

import click

from analyzer.ui.cli.common import notice

_INVITE = (
    b"INVITE sip:2@192.0.2.2 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK%d\r\n"
    b"From: <sip:1@192.0.2.1>;tag=a\r\nTo: <sip:2@192.0.2.2>\r\nCall-ID: warm-%d\r\nCSeq: 1 INVITE\r\n"
    b"Contact: <sip:1@192.0.2.1>\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
)
_RESPONSE = (
    b"SIP/2.0 %d Busy Here\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK%d\r\n"
    b"From: <sip:1@192.0.2.1>;tag=a\r\nTo: <sip:2@192.0.2.2>;tag=b\r\nCall-ID: warm-%d\r\nCSeq: 1 INVITE\r\n"
    b"Reason: Q.850;cause=17\r\nContent-Length: 0\r\n\r\n"
)


@click.command()
def warm() -> None:
    """Compile the kernels ahead of the first analysis; they are kept for this machine and version."""
    from analyzer.jit import FOLDER
    from analyzer.schema import TABLES
    from analyzer.ui.cli.common import settings
    from analyzer.ui.cli.output import analyze_into

    start = time.monotonic()
    config, registry = settings(None, ())
    with tempfile.TemporaryDirectory(prefix="sipcause-") as folder:
        captures = [str(path) for path in warm_captures(Path(folder))]
        options = {"causes": "dss1", "reader": "kernels", "config": config, "registry": registry}
        analyze_into(f"{folder}/out", captures, options, ("csv", "parquet", "json"), list(TABLES), False, _silent)
    kept = f"kept in {FOLDER}" if FOLDER is not None else "not kept: no folder can be written"
    notice(f"compiled in {time.monotonic() - start:.1f} s, {kept}")


def _silent(share: float, frames: int) -> None:
    """No progress: what is analysed is tiny."""


def warm_captures(folder: Path) -> list[Path]:
    """A small capture of each container, with a call that is refused and one that is not over."""
    messages = [_INVITE % (1, 1), _RESPONSE % (486, 1, 1), _INVITE % (2, 2)]
    frames = [_frame(message, to_callee=message.startswith(b"INVITE")) for message in messages]
    pcap = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
    pcapng = _block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)) + _block(1, struct.pack("<HHI", 1, 0, 0))
    for number, frame in enumerate(frames):
        pcap += struct.pack("<IIII", 1_700_000_000, number, len(frame), len(frame)) + frame
        stamp = 1_700_000_000_000_000 + number
        padded = frame + bytes(-len(frame) % 4)
        pcapng += _block(6, struct.pack("<IIIII", 0, stamp >> 32, stamp & 0xFFFFFFFF, len(frame), len(frame)) + padded)
    (folder / "warm.pcap").write_bytes(pcap)
    (folder / "warm.pcapng").write_bytes(pcapng)
    return [folder / "warm.pcap", folder / "warm.pcapng"]


def _frame(payload: bytes, to_callee: bool) -> bytes:
    """Ethernet, IPv4 and UDP around a message."""
    hosts = (b"\xc0\x00\x02\x01", b"\xc0\x00\x02\x02")
    source, destination = hosts if to_callee else hosts[::-1]
    udp = struct.pack(">HHHH", 5060, 5060, 8 + len(payload), 0) + payload
    ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0) + source + destination
    return bytes(12) + b"\x08\x00" + ip + udp


def _block(kind: int, body: bytes) -> bytes:
    length = len(body) + 12
    return struct.pack("<II", kind, length) + body + struct.pack("<I", length)
