"""What packets are wrapped in on their way to a capture: tunnels, mirrors, capture agents."""

from __future__ import annotations

import ipaddress
import struct

from tests.packets import DONT_FRAGMENT, Packet, ethernet, ip, udp

#: The two ends of every tunnel.
NEAR, FAR = "192.0.2.241", "192.0.2.242"
KINDS = {"vxlan", "erspan", "gtp", "hep3"}
_GRE = 47
_VXLAN_PORT, _GTP_PORT, HEP_PORT = 4789, 2152, 9060


def frame(packet: Packet) -> bytes:
    """The Ethernet frame in which a packet is seen."""
    if packet.inside is None:
        return ethernet(packet)
    kind, number = packet.inside
    plain = packet._replace(inside=None, vlan=None)
    outer = packet._replace(src=NEAR, dst=FAR, inside=None, place=DONT_FRAGMENT)
    if kind == "vxlan":
        payload = struct.pack("!B3xI", 8, number << 8) + ethernet(plain)  # RFC 7348 §5
        return ethernet(outer._replace(protocol=17, payload=udp(NEAR, 49321, FAR, _VXLAN_PORT, payload)))
    if kind == "gtp":
        inner = ip(plain)
        payload = struct.pack("!BBHI", 0x30, 0xFF, len(inner), number) + inner  # 3GPP TS 29.281 §5.1
        return ethernet(outer._replace(protocol=17, payload=udp(NEAR, _GTP_PORT, FAR, _GTP_PORT, payload)))
    assert kind == "erspan"
    # GRE with a sequence number (RFC 2890), ERSPAN type II (draft-foschiano-erspan §4.2): version, VLAN, session.
    head = struct.pack("!HHIHHI", 0x1000, 0x88BE, packet.ip_id, 0x1000 | (packet.vlan or 0), number, 0)
    return ethernet(outer._replace(protocol=_GRE, vlan=None, payload=head + ethernet(plain)))


def hep3(packet: Packet, src_port: int, dst_port: int, message: bytes) -> bytes:
    """What a capture agent sends of a message: HEP 3 with the addresses, ports, protocol and time of ``packet``."""
    assert packet.inside is not None
    version = ipaddress.ip_address(packet.src).version
    chunks = [
        (1, struct.pack("!B", 2 if version == 4 else 10)),
        (2, struct.pack("!B", packet.protocol)),
        (3 if version == 4 else 5, ipaddress.ip_address(packet.src).packed),
        (4 if version == 4 else 6, ipaddress.ip_address(packet.dst).packed),
        (7, struct.pack("!H", src_port)),
        (8, struct.pack("!H", dst_port)),
        (9, struct.pack("!I", packet.ts // 10**9)),
        (10, struct.pack("!I", packet.ts % 10**9 // 1000)),
        (11, b"\x01"),  # SIP
        (12, struct.pack("!I", packet.inside[1])),
        (15, message),
    ]
    body = b"".join(struct.pack("!HHH", 0, kind, 6 + len(value)) + value for kind, value in chunks)
    return b"HEP3" + struct.pack("!H", 6 + len(body)) + body
