"""What compiles every kernel: small made captures and messages that reach all of them.

Reading and correlating are apart, so that two processes can compile them side by side.
"""

from __future__ import annotations

import struct
import tempfile
from pathlib import Path

import numpy as np

from analyzer.batch import (
    D_CAPTURE_NO,
    D_COLUMNS,
    D_FRAME_NO,
    D_LENGTH,
    D_OFFSET,
    D_SRC_LO,
    D_TS,
    D_WIRE_LENGTH,
    M_MESSAGE_NO,
    Columns,
    Datagrams,
    Labels,
    MethodNames,
)
from analyzer.capture.assembly import Assembly
from analyzer.capture.copies import Copies
from analyzer.capture.flow_table import FlowTable
from analyzer.capture.hep_intake import Intake
from analyzer.capture.ring_kernels import AT_COLUMNS, BLOCK_FIRST, read_block
from analyzer.capture.rotate import FramesFile
from analyzer.capture.timeline import timeline
from analyzer.config import Config
from analyzer.correlate.calls import CallTable
from analyzer.correlate.correlator import Ended
from analyzer.correlate.rules import Rules
from analyzer.correlate.sessions import Sessions
from analyzer.correlate.text_kernels import move_texts
from analyzer.correlate.traffic import Traffic
from analyzer.correlate.unending import UnendingCorrelator
from analyzer.issues import IssueLog
from analyzer.registry import load_registry
from analyzer.sip.read import read_messages

_INVITE = (
    b"INVITE sip:2@192.0.2.2 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK%d\r\n"
    b"From: <sip:1@192.0.2.1>;tag=a\r\nTo: <sip:2@192.0.2.2>\r\nCall-ID: warm-%d\r\nCSeq: 1 INVITE\r\n"
    b"Contact: <sip:1@192.0.2.1>\r\nUser-Agent: %d\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
)
_RESPONSE = (
    b"SIP/2.0 %d Busy Here\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK%d\r\n"
    b"From: <sip:1@192.0.2.1>;tag=a\r\nTo: <sip:2@192.0.2.2>;tag=b\r\nCall-ID: warm-%d\r\nCSeq: 1 INVITE\r\n"
    b"Reason: Q.850;cause=17\r\nContent-Length: 0\r\n\r\n"
)
#: More calls, endpoints and agents than the correlator has places for at first: it must grow, by kernels too.
_CALLS = 1100
_SECOND = 1_000_000_000


def compile_reading() -> None:
    """Compile the kernels from containers, the kernel's receive ring and HEP that comes in, to whole datagrams."""
    Intake()
    block = np.zeros(BLOCK_FIRST + 4, dtype=np.uint8)
    read_block(block, np.zeros(AT_COLUMNS, dtype=np.int64), np.empty(0, dtype=np.uint8), 0)
    with tempfile.TemporaryDirectory(prefix="sipcause-") as folder:
        for path in warm_captures(Path(folder)):
            flows, issues = FlowTable(), IssueLog()
            assembly = Assembly(issues, flows)
            for raw in timeline([str(path)], issues):
                list(assembly.receive(raw))
        records = np.frombuffer(bytearray(struct.pack("<IIII", 1, 1, 4, 4) + bytes(4)), dtype=np.uint8)
        frames = FramesFile(folder, [("warm", 1)])
        frames.add(1, records, len(records), 1, np.array([1]))
        frames.close()


def load_kernels() -> None:
    """Have every kernel in memory, so that a live run need not load one while frames wait."""
    compile_reading()
    compile_correlating()


def compile_correlating() -> None:
    """Compile the kernels from datagrams to calls, growth among them."""
    messages = [_INVITE % (n, n, n) for n in range(_CALLS)] + [_RESPONSE % (486, 1, 1)]
    lengths = np.array([len(message) for message in messages])
    rows = np.zeros((len(messages), D_COLUMNS), dtype=np.int64)
    rows[:, D_LENGTH] = rows[:, D_WIRE_LENGTH] = lengths
    rows[:, D_OFFSET] = np.cumsum(lengths) - lengths
    rows[:, D_FRAME_NO] = rows[:, D_SRC_LO] = np.arange(1, len(messages) + 1)
    rows[:, D_CAPTURE_NO] = 1
    rows[:, D_TS] = _SECOND
    rows[-1, D_TS] = 200 * _SECOND
    octets = np.frombuffer(bytearray(b"".join(messages)), dtype=np.uint8)
    copies = Copies(IssueLog())
    rules, methods = Rules(load_registry(), "dss1"), MethodNames()
    traffic = Traffic(rules, methods.names)
    correlator = UnendingCorrelator()
    calls = CallTable(rules, correlator)
    ended: list[Ended] = []
    number = 1
    for datagrams in [*copies.receive(Datagrams(octets, rows)), *copies.close()]:
        batch = read_messages(datagrams, methods)
        batch.numbers[:, M_MESSAGE_NO] = np.arange(number, number + len(batch))
        number += len(batch)
        ended += correlator.receive(batch, traffic.counts, traffic.special)[1]
    correlator.make_room_for_texts(1)
    ended += correlator.advance(correlator.clock)
    correlator.told()
    correlator.stages()
    correlator.open_numbers()
    correlator.evict(_CALLS // 2)
    for part in [*ended, *correlator.advance(400 * _SECOND), *correlator.close()]:
        calls.add(part)
    _link(calls.columns(), rules)
    correlator.forget_names()
    move_texts(octets, rows[:, D_OFFSET].copy(), lengths.astype(np.int32), np.empty_like(octets), 0)


def _link(calls: Columns, rules: Rules) -> None:
    """Compile what links calls: every other one as the leg behind the one before, and as one that names its Call-ID."""
    few = calls.take(np.arange(8))
    parties = Labels(np.arange(8, dtype=np.int32) % 2, ["192.0.2.1", "192.0.2.2"])
    behind = Labels(1 - parties.codes, parties.names)
    for linked in (few["linked_id"], few["call_id"]):
        legs = {**few.columns, "caller_ip": parties, "callee_ip": behind, "linked_id": linked}
        Sessions(Columns(few.row_type, legs, len(few)), rules.registry, Config()).columns()


def warm_captures(folder: Path) -> list[Path]:
    """A small capture of each container, with a call that is refused and one that is not over."""
    messages = [_INVITE % (1, 1, 1), _RESPONSE % (486, 1, 1), _INVITE % (2, 2, 2)]
    frames = [_frame(message, to_callee=message.startswith(b"INVITE")) for message in messages]
    frames.append(_frame(messages[0], to_callee=True, is_tcp=True))
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


def _frame(payload: bytes, to_callee: bool, is_tcp: bool = False) -> bytes:
    """Ethernet, IPv4 and UDP or TCP around a message."""
    hosts = (b"\xc0\x00\x02\x01", b"\xc0\x00\x02\x02")
    source, destination = hosts if to_callee else hosts[::-1]
    if is_tcp:
        packet = struct.pack(">HHIIBBHHH", 5060, 5060, 1, 1, 0x50, 0x18, 1, 0, 0) + payload
    else:
        packet = struct.pack(">HHHH", 5060, 5060, 8 + len(payload), 0) + payload
    protocol = 6 if is_tcp else 17
    ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(packet), 0, 0, 64, protocol, 0) + source + destination
    return bytes(12) + b"\x08\x00" + ip + packet


def _block(kind: int, body: bytes) -> bytes:
    length = len(body) + 12
    return struct.pack("<II", kind, length) + body + struct.pack("<I", length)
