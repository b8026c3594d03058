"""What the ladder language makes of links; the corpus shows the rest."""

from __future__ import annotations

import struct

import pytest

from tests.flow import sent
from tests.frames import Datagram
from tests.packets import ACK, FIN, SYN, Packet, checksum, fragments, ip, sctp, udp

CALL = """
alice = 192.0.2.10
bob = 198.51.100.20
alice -- bob   tcp mss=200
alice -> bob   INVITE   {options}
alice <- bob   486
alice -> bob   close    +1s
"""


def segments(options: str = "") -> list[tuple[str, int, int, int]]:
    """Sender, flags, sequence number behind that of its SYN, octets."""
    found = []
    first: dict[str, int] = {}
    for packet in sent(CALL.format(options=options)):
        assert isinstance(packet, Packet)
        seq, place, flags = struct.unpack_from("!I4xBB", packet.payload, 4)
        seq -= first.setdefault(packet.src, seq)
        found.append((packet.src[-2:], flags, seq, len(packet.payload) - (place >> 4) * 4))
    return found


def test_a_connection_has_its_handshake_its_numbers_and_its_end() -> None:
    seen = segments()
    assert seen[:3] == [("10", SYN, 0, 0), ("20", SYN | ACK, 0, 0), ("10", ACK, 1, 0)]
    of_invite = [(seq, octets) for who, _, seq, octets in seen if who == "10" and octets]
    assert of_invite == [(1, 200), (201, 200), (401, of_invite[2][1])]
    assert [flags for _, flags, _, _ in seen[-4:]] == [FIN | ACK, ACK, FIN | ACK, ACK]


def test_segments_are_dropped_swapped_and_repeated() -> None:
    def places(options: str) -> list[int]:
        return [seq for who, _, seq, octets in segments(options) if who == "10" and octets]

    assert places("drop=2") == [1, 401]
    assert places("late=1") == [201, 1, 401]
    assert places("again=1") == [1, 201, 401, 1]
    assert places("lost") == []


def test_messages_share_a_segment() -> None:
    together = CALL.format(options="").replace("486", "100 together\nalice <- bob 486")
    sizes = [len(p.payload) - 20 for p in sent(together) if isinstance(p, Packet) and p.src == "198.51.100.20"]
    assert sizes.count(200) >= 2


def test_what_is_said_of_a_link_must_be_known() -> None:
    for line in ("a -- b   dccp", "a -- b   udp colour=red", "a -- b   udp inside=pipe\na -> b INVITE", "a -> b ping"):
        with pytest.raises(ValueError, match="line"):
            sent(line)


def test_without_a_link_a_message_is_a_datagram() -> None:
    assert [type(one) for one in sent("alice -> bob INVITE")] == [Datagram]


def test_checksums_are_right() -> None:
    src, dst = "192.0.2.1", "192.0.2.2"
    datagram = udp(src, 5060, dst, 5060, b"abc")
    pseudo = bytes((192, 0, 2, 1, 192, 0, 2, 2)) + struct.pack("!II", len(datagram), 17)
    assert checksum(pseudo + datagram) == 0
    assert checksum(ip(Packet(0, src, dst, 17, datagram))[:20]) == 0
    # CRC32c of 32 octets of zero is 0x8a9136aa, RFC 3720 appendix B.4.
    assert sctp(0, 0, 0, bytes(20))[8:12] == bytes.fromhex("aa36918a")


def test_fragments_hold_what_the_packet_held() -> None:
    packet = Packet(0, "192.0.2.1", "192.0.2.2", 17, bytes(range(250)), 7)
    parts = list(fragments(packet, 96))
    assert b"".join(part.payload for part in parts) == packet.payload
    assert [part.place for part in parts] == [0x2000, 0x200C, 0x18]
