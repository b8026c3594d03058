"""Frames of every kind: which are SIP, which are understood, which are counted unread and why. Both readers agree."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from analyzer.batch import (
    D_CAPTURE_NO,
    D_DST_HI,
    D_DST_LO,
    D_DST_PORT,
    D_FILE_OFFSET,
    D_FRAME_NO,
    D_IP_ID,
    D_LENGTH,
    D_NETWORK,
    D_SRC_HI,
    D_SRC_LO,
    D_SRC_PORT,
    D_TRANSPORT,
    D_WIRE_LENGTH,
    FLOW_SIP,
    MISSING,
    R_INFO,
    R_KIND,
    R_SEQ,
    RAW_FRAGMENT,
    RAW_HEP,
    RAW_SCTP,
    RAW_SEGMENT,
)
from analyzer.capture.address import address_text
from analyzer.capture.found_kernels import RAW_ICMP
from analyzer.capture.reader import UNREAD
from tests.capture.made import INVITE, RINGING, RTP, ether, ipv4, ipv6, pcap, read_octets_of, sip, udp

PAYLOAD = ipv4(udp(INVITE))
PAYLOAD6 = ipv6(udp(INVITE))
SLL = struct.pack(">HHH8s", 0, 1, 6, bytes(8))
SLL2 = struct.pack(">HIHBB8s", 0, 3, 1, 0, 6, bytes(8))
AH = struct.pack(">BBHII", 17, 4, 0, 1, 1) + bytes(12)
HOP = struct.pack(">BB", 60, 1) + bytes(14)
DESTINATION = struct.pack(">BB", 17, 0) + bytes(6)
ATOMIC = struct.pack(">BBHI", 17, 0, 0, 9)
#: Port unreachable.
ICMP, ICMP6 = b"\3\3\0\0\0\0\0\0", b"\1\4\0\0\0\0\0\0"
GTP = struct.pack(">BBHIHBB", 0x34, 255, len(PAYLOAD) + 8, 9, 0, 0, 0x85)
L2TP = struct.pack(">HHHHHH", 0x4802, 16 + len(PAYLOAD), 1, 1, 0, 0)
ESP_TRAILER = bytes(range(1, (-len(INVITE) - 10) % 4 + 1)) + bytes([(-len(INVITE) - 10) % 4, 17]) + bytes(12)

#: Frames that hold the INVITE, with their link type.
SIP_FRAMES: dict[str, tuple[int, bytes]] = {
    "ethernet": (1, sip()),
    "padding of ethernet": (1, ether(ipv4(udp(b"SIP/2.0 200 OK"))) + bytes(18)),
    "one tag": (1, ether(PAYLOAD, tags=[(0x8100, 0x2064)])),
    "priority tag": (1, ether(PAYLOAD, tags=[(0x8100, 0x2000)])),
    "priority tag over a tag": (1, ether(PAYLOAD, tags=[(0x8100, 0), (0x8100, 100)])),
    "service tag": (1, ether(PAYLOAD, tags=[(0x88A8, 100), (0x8100, 7)])),
    "old stack of tags": (1, ether(PAYLOAD, tags=[(0x9100, 100), (0x9100, 7), (0x8100, 9)])),
    "ten tags": (1, ether(PAYLOAD, tags=[(0x8100, 100 + n) for n in range(10)])),
    "options": (1, ether(ipv4(udp(INVITE), options=b"\x94\x04\0\0" + b"\x01" * 8))),
    "authentication header": (1, ether(ipv4(AH + udp(INVITE), protocol=51))),
    "no total length": (1, ether(ipv4(udp(INVITE), total=0))),
    "no udp length": (1, ether(ipv4(udp(INVITE, length=0)))),
    "ipv6": (1, ether(PAYLOAD6, 0x86DD)),
    "ipv6 tagged": (1, ether(PAYLOAD6, 0x86DD, tags=[(0x8100, 100)])),
    "ipv6 extensions": (1, ether(ipv6(HOP + DESTINATION + udp(INVITE), 0), 0x86DD)),
    "ipv6 authentication": (1, ether(ipv6(AH + udp(INVITE), 51), 0x86DD)),
    "ipv6 atomic fragment": (1, ether(ipv6(ATOMIC + udp(INVITE), 44), 0x86DD)),
    "ipv6 without length": (1, ether(ipv6(udp(INVITE), length=0), 0x86DD)),
    "sll": (113, SLL + struct.pack(">H", 0x0800) + PAYLOAD),
    "sll ipv6": (113, SLL + struct.pack(">H", 0x86DD) + PAYLOAD6),
    "sll tagged": (113, SLL + struct.pack(">HHH", 0x8100, 100, 0x0800) + PAYLOAD),
    "sll service tag": (113, SLL + struct.pack(">HHH", 0x88A8, 100, 0x0800) + PAYLOAD),
    "sll2": (276, struct.pack(">H", 0x0800) + SLL2 + PAYLOAD),
    "sll2 ipv6": (276, struct.pack(">H", 0x86DD) + SLL2 + PAYLOAD6),
    "null little": (0, b"\2\0\0\0" + PAYLOAD),
    "null big": (0, b"\0\0\0\2" + PAYLOAD),
    "null ipv6": (0, b"\x1e\0\0\0" + PAYLOAD6),
    "loop": (108, b"\0\0\0\2" + PAYLOAD),
    "loop ipv6": (108, b"\0\0\0\x18" + PAYLOAD6),
    "raw 101": (101, PAYLOAD),
    "raw 12": (12, PAYLOAD),
    "raw 14": (14, PAYLOAD6),
    "raw ipv6": (101, PAYLOAD6),
    "ipv4": (228, PAYLOAD),
    "ipv6 alone": (229, PAYLOAD6),
    "ppp": (9, b"\x00\x21" + PAYLOAD),
    "ppp with address": (9, b"\xff\x03\x00\x21" + PAYLOAD),
    "ppp compressed": (9, b"\x21" + PAYLOAD),
    "ppp ipv6": (9, b"\x00\x57" + PAYLOAD6),
    "ppp hdlc": (50, b"\xff\x03\x00\x21" + PAYLOAD),
    "ppp over ethernet": (51, b"\x11\x00\x00\x01" + struct.pack(">H", 2 + len(PAYLOAD)) + b"\x00\x21" + PAYLOAD),
    # Tunnels and labels.
    "pppoe": (
        1,
        ether(b"\x11\x00\x00\x01" + struct.pack(">H", 2 + len(PAYLOAD)) + b"\x00\x21" + PAYLOAD, 0x8864),
    ),
    "mpls": (1, ether(struct.pack(">II", 16 << 12 | 0x40, 17 << 12 | 0x140) + PAYLOAD, 0x8847)),
    "ip in ip": (1, ether(ipv4(PAYLOAD, 4))),
    "6in4": (1, ether(ipv4(PAYLOAD6, 41))),
    "4in6": (1, ether(ipv6(PAYLOAD, 4), 0x86DD)),
    "gre": (1, ether(ipv4(b"\0\0\x08\0" + PAYLOAD, 47))),
    "gre ethernet": (1, ether(ipv4(b"\0\0\x65\x58" + sip(), 47))),
    "vxlan": (1, ether(ipv4(udp(b"\x08\0\0\0\0\0\x64\0" + sip(), 1234, 4789)))),
    "vxlan of linux": (1, ether(ipv4(udp(b"\x08\0\0\0\0\0\x64\0" + sip(), 1234, 8472)), tags=[(0x8100, 5)])),
    "geneve": (1, ether(ipv4(udp(b"\0\0\x65\x58\0\0\x64\0" + sip(), 1234, 6081)))),
    "gtp": (1, ether(ipv4(udp(struct.pack(">BBHI", 0x30, 255, len(PAYLOAD), 9) + PAYLOAD, 2152, 2152)))),
    "tzsp": (1, ether(ipv4(udp(b"\x01\0\0\x01\x01" + sip(), 1234, 37008)))),
    "gre with key and number": (1, ether(ipv4(b"\x30\0\x08\0" + bytes(8) + PAYLOAD, 47))),
    "gre with everything": (1, ether(ipv4(b"\xb0\0\x65\x58" + bytes(12) + sip(), 47))),
    "erspan 1": (1, ether(ipv4(b"\0\0\x88\xbe" + sip(), 47))),
    "erspan 2": (1, ether(ipv4(b"\x10\0\x88\xbe" + bytes(4) + b"\x10\x64\0\1" + bytes(4) + sip(), 47))),
    "erspan 3": (1, ether(ipv4(b"\x10\0\x22\xeb" + bytes(4) + b"\x20\x64\0\1" + bytes(8) + sip(), 47))),
    "erspan 3 with subheader": (
        1,
        ether(ipv4(b"\x10\0\x22\xeb" + bytes(4) + b"\x20\x64\0\1" + bytes(7) + b"\1" + bytes(8) + sip(), 47)),
    ),
    "ethernet in mpls": (1, ether(struct.pack(">I", 16 << 12 | 0x140) + bytes(4) + sip(), 0x8847)),
    "geneve with options": (1, ether(ipv4(udp(b"\2\0\x65\x58\0\0\x64\0" + bytes(8) + sip(), 1234, 6081)))),
    "gtp with extension": (
        1,
        ether(ipv4(udp(GTP + b"\1\x10\5\0" + PAYLOAD, 9, 2152))),
    ),
    "l2tp": (1, ether(ipv4(udp(b"\0\2\0\1\0\1\xff\3\0\x21" + PAYLOAD, 1701, 1701)))),
    "l2tp with length and numbers": (
        1,
        ether(ipv4(udp(L2TP + b"\xff\3\0\x21" + PAYLOAD, 1701, 1701))),
    ),
    "tzsp with tags": (1, ether(ipv4(udp(b"\x01\0\0\x01\x0a\1\x55\0\x01" + sip(), 1234, 37008)))),
    "esp": (1, ether(ipv4(bytes(8) + udp(INVITE) + ESP_TRAILER, 50))),
    "esp in udp": (1, ether(ipv4(udp(b"\0\0\0\1" + bytes(4) + udp(INVITE) + ESP_TRAILER, 4500, 4500)))),
    "seven deep": (1, ether(ipv4(ipv4(ipv4(ipv4(ipv4(ipv4(PAYLOAD, 4), 4), 4), 4), 4), 4))),
    "802.3 snap": (
        1,
        ether(b"\xaa\xaa\x03\0\0\0\x08\x00" + PAYLOAD, 8 + len(PAYLOAD)),
    ),
    "radiotap": (
        127,
        b"\0\0\x08\0\0\0\0\0" + b"\x08\x00" + bytes(22) + b"\xaa\xaa\x03\0\0\0\x08\x00" + PAYLOAD,
    ),
}
NETWORKS = dict.fromkeys(
    ["one tag", "priority tag over a tag", "service tag", "old stack of tags", "ten tags", "ipv6 tagged"], 100
) | dict.fromkeys(["sll tagged", "sll service tag", "vxlan", "vxlan of linux", "geneve", "geneve with options"], 100)


@pytest.mark.parametrize("how", ["kernels", "scapy"])
@pytest.mark.parametrize("what", SIP_FRAMES)
def test_sip_is_found(tmp_path: Path, what: str, how: str) -> None:
    link_type, frame = SIP_FRAMES[what]
    octets = pcap([frame], link_type)
    got = read_octets_of(tmp_path, octets, how)
    payload = b"SIP/2.0 200 OK" if "padding" in what else INVITE
    assert got.payloads == [payload]
    row = got.rows[0].tolist()
    is_ipv6 = "ipv6" in what or what in ("raw 14", "6in4")
    assert address_text(row[D_SRC_HI], row[D_SRC_LO]) == ("2001:db8::1" if is_ipv6 else "192.0.2.1")
    assert address_text(row[D_DST_HI], row[D_DST_LO]) == ("2001:db8:ffff:ffff:8000::2" if is_ipv6 else "192.0.2.2")
    assert (row[D_SRC_PORT], row[D_DST_PORT], row[D_TRANSPORT]) == (5060, 5060, 0)
    assert row[D_LENGTH] == row[D_WIRE_LENGTH] == len(payload)
    assert row[D_FILE_OFFSET] == octets.index(payload)
    assert row[D_IP_ID] == (0 if is_ipv6 else 7)
    assert row[D_NETWORK] == NETWORKS.get(what, MISSING)
    assert (row[D_FRAME_NO], row[D_CAPTURE_NO]) == (1, 1)
    assert not got.reader.unread


TCP = struct.pack(">HHIIBBHHH", 5060, 5060, 1, 1, 0x50, 0x18, 1, 0, 0)
HEP1 = struct.pack(">BBBBHH", 1, 16, 2, 17, 5060, 5060) + bytes(8)
SCTP = bytes(12) + struct.pack(">BBHIHHI", 0, 3, 16 + len(INVITE), 1, 0, 0, 0) + INVITE + bytes(-len(INVITE) % 4)
FRAGMENT6 = struct.pack(">BBHI", 17, 0, 1, 9)
LATER6 = struct.pack(">BBHI", 17, 0, 8, 9)

#: Frames without a SIP datagram, with their link type and the reason; None = understood.
OTHER_FRAMES: dict[str, tuple[int, bytes, str | None]] = {
    "rtp": (1, sip(RTP), None),
    "dns": (1, ether(ipv4(udp(b"\x12\x34\x01\0\0\1" + bytes(30), 53, 53))), None),
    "nothing in it": (1, ether(ipv4(udp(b""))), None),
    "keep-alive": (1, sip(b"\r\n\r\n"), None),
    "text that names SIP": (1, sip(b"<134>proxy: SIP/2.0 200 OK\r\nVia: x\r\n"), None),
    "http": (1, sip(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"), None),
    "tcp": (1, ether(ipv4(TCP, 6)), None),
    "tcp of ten octets": (1, ether(ipv4(TCP[:10], 6)), "damaged"),
    "tcp cut": (1, ether(ipv4(TCP, 6))[:50], "cut"),
    "tcp with lying header": (1, ether(ipv4(TCP[:12] + b"\xf0" + TCP[13:] + INVITE[:20], 6)), "damaged"),
    "tcp data": (1, ether(ipv4(TCP + b"POST / HTTP/1.1\r\n\r\n", 6)), None),
    "tls without keys": (1, ether(ipv4(TCP[:2] + b"\x13\xc5" + TCP[4:] + b"\x16\3\1\0\4\1" + bytes(9), 6)), "tls"),
    "tls on another port": (1, ether(ipv4(TCP[:2] + b"\x01\xbb" + TCP[4:] + b"\x16\3\1\0\4\1" + bytes(9), 6)), None),
    "sctp": (1, ether(ipv4(bytes(12), 132)), None),
    "icmp error about media": (1, ether(ipv4(b"\3\3\0\0\0\0\0\0" + ipv4(udp(RTP)), 1)), "icmp"),
    "icmpv6 error about media": (1, ether(ipv6(b"\1\4\0\0\0\0\0\0" + ipv6(udp(RTP)), 58), 0x86DD), "icmp"),
    "icmp redirect": (1, ether(ipv4(b"\5\0\0\0\0\0\0\0" + PAYLOAD, 1)), "icmp"),
    "icmp error about icmp": (1, ether(ipv4(b"\3\1\0\0\0\0\0\0" + ipv4(bytes(40), 1), 1)), "icmp"),
    "icmp error about a later fragment": (1, ether(ipv4(ICMP + ipv4(INVITE, place=0x00B9), 1)), "icmp"),
    "icmp error without ports": (1, ether(ipv4(ICMP + PAYLOAD[:24] + bytes(4), 1))[:66], "icmp"),
    "icmp error of no ip": (1, ether(ipv4(ICMP + b"\x75" + PAYLOAD[1:], 1)), "icmp"),
    "ping": (1, ether(ipv4(b"\x08\0\0\0\0\1\0\1" + INVITE, 1)), "icmp"),
    "first fragment of another": (1, ether(ipv4(udp(RTP, length=3000), place=0x2000)), None),
    "esp of another kind": (1, ether(ipv4(bytes(40), 50)), "other_ip"),
    "no next header": (1, ether(ipv6(b"", 59), 0x86DD), "other_ip"),
    "arp": (1, ether(bytes(28), 0x0806), "not_ip"),
    "spanning tree": (1, ether(b"\x42\x42\x03" + bytes(35), 38), "not_ip"),
    "vxlan without sip": (
        1,
        ether(ipv4(udp(b"\x08\0\0\0\0\0\x64\0" + ether(bytes(28), 0x0806), 9, 4789))),
        "not_ip",
    ),
    "rtp on vxlan's port": (1, ether(ipv4(udp(RTP, 9, 4789))), None),
    "appletalk on null": (0, b"\x10\0\0\0" + bytes(40), "not_ip"),
    "ppp control": (9, b"\xc0\x21" + bytes(40), "not_ip"),
    "raw of version 5": (101, b"\x55" + bytes(40), "not_ip"),
    "empty": (1, b"", "cut"),
    "empty raw": (101, b"", "cut"),
    "half of ethernet": (1, sip()[:13], "cut"),
    "ethernet alone": (1, sip()[:14], "cut"),
    "half of a tag": (1, ether(b"", 0x8100) + b"\0", "cut"),
    "half of ip": (1, sip()[:33], "cut"),
    "half of udp": (1, sip()[:41], "cut"),
    "half of the options": (1, ether(ipv4(udp(INVITE), options=bytes(40)))[:50], "cut"),
    "half of ipv6": (1, ether(PAYLOAD6, 0x86DD)[:53], "cut"),
    "half of sll": (113, SLL, "cut"),
    "half of null": (0, b"\2\0\0", "cut"),
    "half of an extension": (1, ether(ipv6(HOP + udp(INVITE), 0), 0x86DD)[:58], "cut"),
    "ip of version 7": (1, ether(b"\x75" + PAYLOAD[1:]), "damaged"),
    "ipv6 where ipv4 should be": (1, ether(PAYLOAD6), "damaged"),
    "ipv4 where ipv6 should be": (1, ether(PAYLOAD + bytes(30), 0x86DD), "damaged"),
    "header of four words": (1, ether(ipv4(udp(INVITE), first=0x44)), "damaged"),
    "total below header": (1, ether(ipv4(udp(INVITE), total=19)), "damaged"),
    "no room for udp": (1, ether(ipv4(udp(INVITE), total=27)), "damaged"),
    "udp length of seven": (1, ether(ipv4(udp(INVITE, length=7))), "damaged"),
    "seventeen extensions": (1, ether(ipv6(b"\x3c\0\0\0\0\0\0\0" * 17 + udp(INVITE), 60), 0x86DD), "damaged"),
    "usb": (220, bytes(64), "link_type_220"),
    "usb that names SIP": (220, bytes(64) + INVITE, "link_type_220"),
    "ping in gre": (1, ether(ipv4(b"\0\0\x08\0" + ipv4(b"\x08\0" + bytes(38), 1), 47)), "icmp"),
}


@pytest.mark.parametrize("how", ["kernels", "scapy"])
@pytest.mark.parametrize("what", OTHER_FRAMES)
def test_what_is_no_sip_is_counted_by_kind(tmp_path: Path, what: str, how: str) -> None:
    link_type, frame, reason = OTHER_FRAMES[what]
    got = read_octets_of(tmp_path, pcap([frame, frame], link_type), how)
    assert len(got.rows) == 0
    if how == "scapy" and what in ("ethernet alone", "empty", "half of null"):
        reason = "not_ip"  # Scapy takes an empty payload for none
    assert got.reader.unread == ({reason: 2} if reason else {})
    assert set(got.reader.unread) <= UNREAD.keys() | {"link_type_220"}
    assert got.reader.frames == 2
    assert len(got.raw) == 0 or how == "scapy"
    assert sum(frames for _, frames, _ in got.reader.layers) == 2
    assert sum(unread for _, _, unread in got.reader.layers) == (2 if reason else 0)


#: Frames in which SIP may stand: what they are, and what is handed over of them.
PARTS: dict[str, tuple[bytes, int, bytes]] = {
    "tcp": (ether(ipv4(TCP + INVITE, 6)), RAW_SEGMENT, INVITE),
    "tcp ipv6": (ether(ipv6(TCP + RINGING, 6), 0x86DD), RAW_SEGMENT, RINGING),
    "tcp in gre": (ether(ipv4(b"\0\0\x08\0" + ipv4(TCP + INVITE, 6), 47)), RAW_SEGMENT, INVITE),
    "tcp that begins within a message": (ether(ipv4(TCP + b"body\r\n" + INVITE, 6)), RAW_SEGMENT, INVITE),
    "first fragment": (ether(ipv4(udp(INVITE, length=3000), place=0x2000)), RAW_FRAGMENT, udp(INVITE, length=3000)),
    "later fragment": (ether(ipv4(INVITE, place=0x00B9)), RAW_FRAGMENT, INVITE),
    "fragment of tcp": (ether(ipv4(TCP + INVITE, 6, place=0x2000)), RAW_FRAGMENT, TCP + INVITE),
    "first ipv6 fragment": (ether(ipv6(FRAGMENT6 + udp(INVITE), 44), 0x86DD), RAW_FRAGMENT, udp(INVITE)),
    "later ipv6 fragment": (ether(ipv6(LATER6 + INVITE, 44), 0x86DD), RAW_FRAGMENT, INVITE),
    "icmp error": (ether(ipv4(ICMP + PAYLOAD, 1)), RAW_ICMP, ICMP + PAYLOAD),
    "icmp error with eight octets": (ether(ipv4(ICMP + PAYLOAD[:28], 1)), RAW_ICMP, ICMP + PAYLOAD[:28]),
    "icmp error within the start line": (ether(ipv4(ICMP + PAYLOAD[:50], 1)), RAW_ICMP, ICMP + PAYLOAD[:50]),
    "icmpv6 error": (ether(ipv6(ICMP6 + PAYLOAD6, 58), 0x86DD), RAW_ICMP, ICMP6 + PAYLOAD6),
    "icmp error about tcp": (ether(ipv4(ICMP + ipv4(TCP, 6), 1)), RAW_ICMP, ICMP + ipv4(TCP, 6)),
    "icmp error in gre": (ether(ipv4(b"\0\0\x08\0" + ipv4(ICMP + PAYLOAD, 1), 47)), RAW_ICMP, ICMP + PAYLOAD),
    "hep": (ether(ipv4(udp(b"HEP3\0\x40" + PAYLOAD, 9060, 9060))), RAW_HEP, b"HEP3\0\x40" + PAYLOAD),
    "hep 1": (ether(ipv4(udp(HEP1 + INVITE, 9060, 9060))), RAW_HEP, HEP1 + INVITE),
    "sctp": (ether(ipv4(SCTP, 132)), RAW_SCTP, SCTP),
    "sctp in udp": (ether(ipv4(udp(SCTP, 9899, 9899))), RAW_SCTP, SCTP),
}


@pytest.mark.parametrize("how", ["kernels", "scapy"])
@pytest.mark.parametrize("what", PARTS)
def test_what_may_hold_sip_is_handed_over(tmp_path: Path, what: str, how: str) -> None:
    frame, kind, payload = PARTS[what]
    got = read_octets_of(tmp_path, pcap([frame]), how)
    assert got.parts == [payload]
    assert not got.payloads
    row = got.raw[0]
    assert row[R_KIND] == kind
    if kind == RAW_SEGMENT:
        assert row[R_SEQ] == 1 + (6 if "within" in what else 0)
        assert row[R_INFO] == 0x18 | FLOW_SIP << 8
    if kind == RAW_FRAGMENT:
        assert row[R_SEQ] == {"later fragment": 0xB9 << 4, "later ipv6 fragment": 8 << 1}.get(what, 1)
        assert row[R_INFO] == (6 if "tcp" in what else 17) << 32 | (9 if "ipv6" in what else 7)
    assert not got.reader.unread


def data_chunk(flags: int, payload: bytes, tsn: int) -> bytes:
    """An SCTP packet with one DATA chunk: flags 2 = begins a user message, 1 = ends it."""
    return bytes(12) + struct.pack(">BBHIHHI", 0, flags, 16 + len(payload), tsn, 0, 0, 0) + payload


@pytest.mark.parametrize("how", ["kernels", "scapy"])
def test_the_end_of_a_user_message_may_come_first(tmp_path: Path, how: str) -> None:
    packets = [data_chunk(1, INVITE[64:], 2), data_chunk(2, INVITE[:64], 1)]
    got = read_octets_of(tmp_path, pcap([ether(ipv4(octets, 132)) for octets in packets]), how)
    assert got.parts == packets


def test_an_association_of_something_else_is_left_out_until_it_carries_sip(tmp_path: Path) -> None:
    begin, end, sip_begin = data_chunk(2, b"\1\0\0\x14", 1), data_chunk(1, b"abcd", 2), data_chunk(2, INVITE[:64], 3)
    packets = [begin, end, sip_begin, data_chunk(1, INVITE[64:], 4)]
    got = read_octets_of(tmp_path, pcap([ether(ipv4(octets, 132)) for octets in packets]))
    assert got.parts == packets[2:]


@pytest.mark.parametrize("how", ["kernels", "scapy"])
def test_broken_start_lines_are_issues(tmp_path: Path, how: str) -> None:
    got = read_octets_of(tmp_path, pcap([sip(), sip(b"INVITE sip:x SIP/7.0\r\nVia: a\r\n\r\n")]), how)
    assert len(got.rows) == 1
    assert got.issues.counts == {"sip.bad_start_line": 1}
    assert got.issues.notes[0].frame_no == 2
    assert got.issues.notes[0].ts == 1001 * 10**9
    assert not got.reader.unread


@pytest.mark.parametrize("how", ["kernels", "scapy"])
def test_what_the_snaplen_took_is_known(tmp_path: Path, how: str) -> None:
    frame = sip()
    frames: list[bytes | tuple[int, bytes, int]] = [(1, frame[:100], len(frame)), (1, frame[:100], 100)]
    got = read_octets_of(tmp_path, pcap(frames), how)
    assert got.column(D_LENGTH) == [58, 58]
    # The second frame lies about itself, or was cut by a program that does not say so: octets are missing all the same.
    assert got.column(D_WIRE_LENGTH) == [len(INVITE), len(INVITE)]


@pytest.mark.parametrize("how", ["kernels", "scapy"])
def test_lengths_that_contradict_each_other(tmp_path: Path, how: str) -> None:
    behind = b"behind the end"
    frames = [
        ether(ipv4(udp(INVITE + behind, length=8 + len(INVITE)))),
        ether(ipv4(udp(INVITE, length=60_000))),
        ether(ipv4(udp(INVITE), total=28 + len(INVITE)) + behind),
        ether(ipv6(udp(INVITE), length=8 + len(INVITE)) + behind, 0x86DD),
    ]
    got = read_octets_of(tmp_path, pcap(list(frames)), how)
    assert got.payloads == [INVITE] * 4
    assert got.column(D_WIRE_LENGTH) == [len(INVITE)] * 4


def test_thousands_of_tags_take_linear_time(tmp_path: Path) -> None:
    frame = ether(PAYLOAD, tags=[(0x8100, 5)] * 60_000)
    got = read_octets_of(tmp_path, pcap([frame] * 20))
    assert got.payloads == [INVITE] * 20


def test_nested_tunnels_end(tmp_path: Path) -> None:
    frame = PAYLOAD
    for _ in range(3000):
        frame = ipv4(frame, 4, total=min(20 + len(frame), 65_535))
    got = read_octets_of(tmp_path, pcap([ether(frame), sip()]))
    assert got.payloads == [INVITE]
    assert got.reader.unread == {"nested": 1}


def test_scapy_is_not_imported_for_ordinary_captures(tmp_path: Path) -> None:
    import subprocess
    import sys

    path = tmp_path / "x"
    path.write_bytes(pcap([sip(), sip(RTP)]))
    code = (
        "import sys; from tests.capture.made import read; got = read(sys.argv[1]); assert len(got.rows) == 1;"
        "print([name for name in ('scapy', 'pandas', 'pyarrow', 'matplotlib', 'cryptography') if name in sys.modules])"
    )
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, cwd=root, check=True)
    assert done.stdout == b"[]\n"
