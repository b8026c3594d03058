"""A real Kamailio sends HEP to a listener: every message comes, and the calls are as they were made."""

from __future__ import annotations

import contextlib
import shutil
import socket
import struct
from pathlib import Path

import pytest

from analyzer.capture.hep import hep_packet
from analyzer.capture.hep_listener import hep_listener
from pcaps.hep_kamailio.calls import Party, kamailio, make_call
from tests.capture.test_hep_intake import pcap_of
from tests.capture.test_hep_listener import read_until
from tests.reading import analyse, rows

pytestmark = pytest.mark.skipif(
    not (shutil.which("kamailio") or Path("/usr/sbin/kamailio").exists()), reason="no kamailio on this machine"
)

#: Call-ID, final status of the callee; code that the caller gets, that of who is charged, outcome.
CALLS = [
    ("answered", "200 OK", 200, None, "answered"),
    ("busy", "486 Busy Here", 486, 486, "busy"),
    ("full", "503 Service Unavailable", 500, 503, "failed"),
]


def free_port() -> int:
    """A port that is free for UDP and TCP."""
    with contextlib.closing(hep_listener("127.0.0.1:0")) as tried:
        return tried.port


@pytest.mark.parametrize(("version", "transport"), [(3, "udp"), (3, "tcp"), (2, "udp"), (1, "udp")])
def test_kamailio(tmp_path: Path, version: int, transport: str) -> None:
    caller, callee, proxy = Party(), Party(), free_port()
    with (
        contextlib.closing(hep_listener("127.0.0.1:0")) as listener,
        contextlib.closing(caller),
        contextlib.closing(callee),
        kamailio(proxy, callee.port, listener.port, version, transport),
    ):
        for call_id, status, *_ in CALLS:
            make_call(caller, callee, proxy, call_id, status)
        seen = sorted(caller.seen + callee.seen)
        got = read_until(listener, lambda got: len(got) >= len(seen))
        said = [hep_packet(one.packet, one.ts) for one in got]
        assert sorted(packet.payload for packet in said if packet is not None) == seen
        assert {(one.packet[:1], one.frame[9]) for one in got} == {
            (b"H" if version == 3 else bytes([version]), socket.IPPROTO_UDP)
        }
        assert listener.dropped == 0
        assert listener.taken_notes(1) == []  # its clock is ours
    heads = [struct.pack("<IIII", *divmod(one.ts, 10**9), len(one.frame), len(one.frame)) for one in got]
    path = tmp_path / "kept.pcap"
    path.write_bytes(pcap_of(*(head + one.frame for head, one in zip(heads, got, strict=True))))
    asked = ("call_id", "status_code", "failed_code", "outcome", "hops")
    made = [[f"{call_id}@example.com", code, failed, outcome, 2] for call_id, _, code, failed, outcome in CALLS]
    assert [[row[name] for name in asked] for row in rows(analyse(path), "calls")] == made
