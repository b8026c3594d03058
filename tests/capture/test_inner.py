"""What stands in packets that were put together from fragments, as a capture shows it."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

import analyzer
from tests.frames import write_pcap
from tests.packets import UDP, Packet, fragments, ip, udp
from tests.tunnels import FAR, NEAR

MS = 1_000_000
SIP = b"OPTIONS sip:bob@192.0.2.2 SIP/2.0\r\nCall-ID: a\r\nCSeq: 1 OPTIONS\r\nContent-Length: 400\r\n\r\n" + b"v" * 400


def plain(ts: int, ip_id: int, src: str = "192.0.2.1", dst: str = "192.0.2.2") -> Packet:
    return Packet(ts, src, dst, UDP, udp(src, 5060, dst, 5060, SIP), ip_id)


def in_fragments_of_a_tunnel(packet: Packet, outer_id: int) -> list[Packet]:
    """The packet in GTP-U, whose packet had to be cut in two."""
    inner = ip(packet)
    payload = struct.pack("!BBHI", 0x30, 0xFF, len(inner), 9) + inner
    outer = Packet(packet.ts, NEAR, FAR, UDP, udp(NEAR, 2152, FAR, 2152, payload), outer_id)
    return list(fragments(outer, 400))


@pytest.mark.parametrize("reader", ["kernels", "scapy"])
@pytest.mark.parametrize(("other_id", "copies", "resends"), [(7, 1, 0), (8, 0, 1)])
def test_the_identification_is_that_of_the_packet_in_the_tunnel(
    tmp_path: Path, reader: str, other_id: int, copies: int, resends: int
) -> None:
    """Not that of the fragments around it: the same packet outside of the tunnel is a copy, another one is not."""
    write_pcap([*in_fragments_of_a_tunnel(plain(MS, 7), 8), plain(2 * MS, other_id)], tmp_path / "a.pcap")
    (row,) = analyzer.analyze(str(tmp_path / "a.pcap"), reader=reader).requests
    assert (row.messages, row.copies, row.resends) == (2, copies, resends)


@pytest.mark.parametrize("reader", ["kernels", "scapy"])
def test_a_packet_that_is_no_tunnel_keeps_the_identification_of_its_fragments(tmp_path: Path, reader: str) -> None:
    first, second = plain(MS, 7), plain(2 * MS, 7)
    write_pcap([*fragments(first, 400), *fragments(second, 400)], tmp_path / "a.pcap")
    (row,) = analyzer.analyze(str(tmp_path / "a.pcap"), reader=reader).requests
    assert (row.messages, row.copies) == (2, 1)
