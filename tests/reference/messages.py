"""A SIP message as the reference sees it, a parser for well-formed ones, and a reader for plain captures.

Nothing here is shared with the package: no kernel, no numpy, no scapy. What is odd on the wire (broken header
lines, octets that are not UTF-8, several Reason fields in strange places) is none of its business.
"""

from __future__ import annotations

import ipaddress
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

COMPACT = {
    "v": "via",
    "f": "from",
    "t": "to",
    "i": "call-id",
    "m": "contact",
    "l": "content-length",
    "c": "content-type",
    "k": "supported",
    "s": "subject",
    "e": "content-encoding",
    "x": "session-expires",
}


@dataclass
class Message:
    """One SIP message. Texts as on the wire, times in ns, what is missing is None."""

    ts: int
    src: tuple[str, int]
    dst: tuple[str, int]
    method: str | None = None  # of a request
    status: int | None = None  # of a response
    phrase: str = ""
    request_uri: str | None = None
    call_id: str | None = None
    cseq: int | None = None
    cseq_method: str | None = None
    from_tag: str | None = None
    to_tag: str | None = None
    from_uri: str | None = None
    to_uri: str | None = None
    contact_uri: str | None = None
    branch: str | None = None
    sent_by: str | None = None
    via_count: int = 0
    agent: str | None = None
    q850: int | None = None
    q850_location: str | None = None
    reason_sip: int | None = None
    reason_stir: bool = False
    reason_release_cause: bool = False
    reason_preemption: bool = False
    reason_session_timer: bool = False
    vendor_cause: int | None = None
    retry_after: int | None = None
    stale: bool = False
    has_credentials: bool = False
    rseq: int = 0
    expires: int | None = None
    session_expires: int | None = None
    network: int | None = None
    interface: int = 0
    ip_id: int = 0
    octets: bytes = field(default=b"", repr=False)
    is_copy: bool = False
    frame_no: int = 0
    no: int = 0  # capture order, from 1
    clock: int = 0  # high-water mark of capture time when it was captured
    is_resend: bool = False
    headers: dict[str, list[str]] = field(default_factory=dict, repr=False)

    @property
    def is_request(self) -> bool:
        return self.method is not None


def split_outside(text: str, separator: str) -> list[str]:
    """Pieces of a header value, separators in quotes and angle brackets left alone."""
    pieces, piece, quoted, angle, escaped = [], "", False, False, False
    for octet in text:
        if escaped:
            escaped = False
        elif quoted and octet == "\\":
            escaped = True
        elif octet == '"':
            quoted = not quoted
        elif not quoted and octet == "<":
            angle = True
        elif not quoted and octet == ">":
            angle = False
        elif octet == separator and not quoted and not angle:
            pieces.append(piece)
            piece = ""
            continue
        piece += octet
    return [*pieces, piece]


def parameters(pieces: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for piece in pieces:
        name, _, value = piece.partition("=")
        found.setdefault(name.strip().lower(), value.strip())
    return found


def name_addr(value: str) -> tuple[str, dict[str, str]]:
    """URI and header parameters of From, To or Contact."""
    angle = re.match(r'\s*(?:"(?:[^"\\]|\\.)*"|[^"<]*)\s*<([^>]*)>(.*)$', value, re.S)
    if angle:
        return angle.group(1).strip(), parameters(angle.group(2).split(";")[1:])
    if re.search(r".<[^>]*>", value):  # a display name that is quoted wrongly
        return name_addr(value[value.rindex("<") :])
    pieces = split_outside(value, ";")
    return pieces[0].strip(), parameters(pieces[1:])


def number(text: str | None) -> int | None:
    found = re.match(r"\s*(\d+)", text or "")
    return int(found.group(1)) if found else None


def read_reasons(message: Message, values: list[str]) -> None:
    """RFC 3326: the first specific Q.850 value counts, else the first; 0 is none, 128-255 are masked."""
    isdn: list[tuple[int, str | None]] = []
    for value in values:
        pieces = split_outside(value, ";")
        protocol, found = pieces[0].strip().lower(), parameters(pieces[1:])
        cause, text = number(found.get("cause", "").strip('"')), found.get("text", "").lower()
        if protocol == "q.850" and cause is not None and cause & 0x7F and cause <= 255:
            isdn.append((cause & 0x7F, found.get("location")))
        elif protocol == "sip" and message.reason_sip is None:
            message.reason_sip = cause
        elif protocol == "stir":
            message.reason_stir = True
        elif protocol == "release_cause" and cause is not None and 2 <= cause <= 6:
            message.reason_release_cause = True
        elif protocol == "preemption":
            message.reason_preemption = True
        if re.search(r"session[ -]?(timer|expire)", text):
            message.reason_session_timer = True
    if isdn:
        specific = [value for value in isdn if value[0] not in (16, 31, 127)]
        message.q850, message.q850_location = (specific or isdn)[0]


def parse(payload: bytes, ts: int, src: tuple[str, int], dst: tuple[str, int]) -> Message | None:
    """The message in a datagram; None where the datagram does not begin with a SIP start line."""
    text = payload.lstrip(b"\r\n").decode("utf-8", "replace").replace("\r\n", "\n")
    head, _, _body = text.partition("\n\n")
    start, *lines = re.sub(r"\n[ \t]+", " ", head).split("\n")
    message = Message(ts=ts, src=src, dst=dst)
    status_line = re.match(r"SIP/2\.0 (\d{3})(?: (.*))?$", start)
    request_line = re.match(r"([A-Za-z0-9.!%*_+`'~-]+) (\S+) SIP/2\.0$", start)
    if status_line:
        message.status, message.phrase = int(status_line.group(1)), (status_line.group(2) or "").strip()
    elif request_line:
        message.method, message.request_uri = request_line.groups()
    else:
        return None
    headers = message.headers
    for line in lines:
        name, colon, value = line.partition(":")
        if colon:
            name = name.strip().lower()
            headers.setdefault(COMPACT.get(name, name), []).append(value.strip())

    def first(name: str) -> str | None:
        return headers[name][0] if headers.get(name) else None

    message.call_id = first("call-id")
    cseq = re.match(r"(\d+)\s+(\S+)$", first("cseq") or "")
    if cseq:
        message.cseq, message.cseq_method = int(cseq.group(1)), cseq.group(2)
    for name in ("from", "to"):
        address = first(name)
        if address is not None:
            uri, found = name_addr(address)
            setattr(message, f"{name}_uri", uri or None)
            setattr(message, f"{name}_tag", found.get("tag"))
    vias = [via for line in headers.get("via", []) for via in split_outside(line, ",") if via.strip()]
    message.via_count = len(vias)
    if vias:
        pieces = split_outside(vias[0], ";")
        sent = re.match(r"\s*SIP\s*/\s*2\.0\s*/\s*\S+\s+(.*?)\s*$", pieces[0], re.S)
        message.sent_by = re.sub(r"\s", "", sent.group(1)).removesuffix(":5060") if sent else None
        message.branch = parameters(pieces[1:]).get("branch")
    contact = first("contact")
    contact_expires = None
    if contact is not None:
        uri, found = name_addr(split_outside(contact, ",")[0])
        message.contact_uri, contact_expires = uri, number(found.get("expires"))
    message.agent = first("user-agent") or first("server")
    reasons = [value for line in headers.get("reason", []) for value in split_outside(line, ",")]
    read_reasons(message, reasons)
    message.vendor_cause = number(first("x-asterisk-hangupcausecode"))
    message.retry_after = number(first("retry-after"))
    challenges = headers.get("www-authenticate", []) + headers.get("proxy-authenticate", [])
    message.stale = any(re.search(r'stale\s*=\s*"?true', value, re.I) for value in challenges)
    message.has_credentials = "authorization" in headers or "proxy-authorization" in headers
    message.rseq = number(first("rseq")) or 0
    expires = number(first("expires"))
    message.expires = expires if expires is not None else contact_expires
    message.session_expires = number(first("session-expires"))
    return message


# ----------------------------------------------------------------------------------------------------
# Captures: classic pcap and pcapng with Ethernet, SLL, SLL2, NULL and raw IP, unfragmented UDP.


def frames(path: Path) -> Iterator[tuple[int, int, int, bytes]]:
    """(ts in ns, interface, link type, octets) of every packet."""
    raw = path.read_bytes()
    if raw[:4] == b"\x0a\x0d\x0d\x0a":
        yield from pcapng_frames(raw)
        return
    magics = {0xA1B2C3D4: 1000, 0xA1B23C4D: 1}
    for order in "<>":
        unit = magics.get(struct.unpack(order + "I", raw[:4])[0] if len(raw) >= 24 else 0)
        if unit is None:
            continue
        link = struct.unpack(order + "I", raw[20:24])[0] & 0xFFFF
        at = 24
        while at + 16 <= len(raw):
            seconds, part, length, _ = struct.unpack(order + "IIII", raw[at : at + 16])
            octets = raw[at + 16 : at + 16 + length]
            if len(octets) < length:
                return
            yield seconds * 1_000_000_000 + part * unit, 0, link, octets
            at += 16 + length


def pcapng_frames(raw: bytes) -> Iterator[tuple[int, int, int, bytes]]:
    at, order, before = 0, "<", 0
    interfaces: list[tuple[int, int, int]] = []  # link type, units a second, offset in s
    while at + 12 <= len(raw):
        if raw[at : at + 4] == b"\x0a\x0d\x0d\x0a":
            order = "<" if raw[at + 8 : at + 12] == b"\x4d\x3c\x2b\x1a" else ">"
            before += len(interfaces)
            interfaces = []
        kind, length = struct.unpack(order + "II", raw[at : at + 8])
        body = raw[at + 8 : at + length - 4]
        if length < 12 or at + length > len(raw):
            return
        at += length
        if kind == 1:
            units, offset, option = 1_000_000, 0, 8
            while option + 4 <= len(body):
                code, size = struct.unpack(order + "HH", body[option : option + 4])
                value = body[option + 4 : option + 4 + size]
                if code == 9:
                    units = 2 ** (value[0] & 0x7F) if value[0] & 0x80 else 10 ** value[0]
                elif code == 14:
                    offset = struct.unpack(order + "q", value)[0]
                elif code == 0:
                    break
                option += 4 + (size + 3) // 4 * 4
            interfaces.append((struct.unpack(order + "H", body[:2])[0], units, offset))
        elif kind == 6:
            interface, high, low, captured, _ = struct.unpack(order + "IIIII", body[:20])
            link, units, offset = interfaces[interface]
            ts = ((high << 32) | low) * 1_000_000_000 // units + offset * 1_000_000_000
            yield ts, before + interface, link, body[20 : 20 + captured]


def datagrams(path: Path) -> Iterator[tuple[int, int, Place, tuple[str, int], tuple[str, int], bytes]]:
    """(frame_no, ts, place, source, destination, payload) of every unfragmented UDP datagram."""
    for frame_no, (ts, interface, link, octets) in enumerate(frames(path), 1):
        network = None
        if link == 1:
            at, kind = 14, octets[12:14]
            while kind in (b"\x81\x00", b"\x88\xa8", b"\x91\x00"):
                if network is None:
                    network = int.from_bytes(octets[at : at + 2], "big") & 0xFFF
                kind, at = octets[at + 2 : at + 4], at + 4
            if kind not in (b"\x08\x00", b"\x86\xdd"):
                continue
        elif link in (113, 276):
            at = 16 if link == 113 else 20
        elif link in (0, 108):
            at = 4
        elif link in (12, 14, 101, 228, 229):
            at = 0
        else:
            continue
        packet = octets[at:]
        if not packet:
            continue
        if packet[0] >> 4 == 4 and len(packet) >= 20:
            header = (packet[0] & 15) * 4
            if packet[9] != 17 or int.from_bytes(packet[6:8], "big") & 0x3FFF:
                continue
            ends = [str(ipaddress.ip_address(packet[n : n + 4])) for n in (12, 16)]
            ip_id = int.from_bytes(packet[4:6], "big")
            packet = packet[: int.from_bytes(packet[2:4], "big") or None]
        elif packet[0] >> 4 == 6 and len(packet) >= 40:
            if packet[6] != 17:
                continue
            header, ip_id = 40, 0
            ends = [str(ipaddress.ip_address(packet[n : n + 16])) for n in (8, 24)]
        else:
            continue
        if len(packet) < header + 8:
            continue
        source, destination, length = struct.unpack(">HHH", packet[header : header + 6])
        payload = packet[header + 8 : header + max(length, 8)]
        yield frame_no, ts, Place(network, interface, ip_id), (ends[0], source), (ends[1], destination), payload


class Place(NamedTuple):
    """Where a datagram was captured, and its IP identification."""

    network: int | None
    interface: int
    ip_id: int


def read_capture(path: Path) -> tuple[list[Message], int]:
    """The SIP messages of a capture in capture order, and what the clock shows at its end.

    The clock is the high-water mark of time over all frames, SIP or not.
    """
    clocks, clock = [], 0
    for ts, _, _, _ in frames(path):
        clock = max(clock, ts)
        clocks.append(clock)
    found = []
    for frame_no, ts, place, source, destination, payload in datagrams(path):
        message = parse(payload, ts, source, destination)
        if message is not None:
            message.frame_no, message.clock = frame_no, clocks[frame_no - 1]
            message.network, message.interface, message.ip_id = place
            message.octets = payload
            found.append(message)
    return found, clock
