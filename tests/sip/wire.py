# ruff: noqa: E501  tables of values read better in rows than one to a line
"""Messages for the tests: a generator of SIP as it should not be, and the two roads to a batch side by side."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import numpy as np

from analyzer.batch import (
    D_COLUMNS,
    D_LENGTH,
    D_OFFSET,
    D_WIRE_LENGTH,
    F_WHOLE,
    M_FLAGS,
    S_COLUMNS,
    Datagrams,
    MessageBatch,
    MethodNames,
)
from analyzer.sip.parse import ParseError, parse_message
from analyzer.sip.read import read_messages, read_messages_whole

#: Octets of a datagram as captured, and how many were sent.
Wire = tuple[bytes, int]

CAUSE_HEADERS = {
    "x-asterisk-hangupcausecode": "q850_cause", "x-later-kind": "something_else", "x-cid": "call_id",
    "cisco-guid": "shared_id", "p-charging-vector": "icid_value",
}  # fmt: skip

ADDRESSES = (
    "<sip:alice@example.com>", '"Alice" <sip:alice@example.com>;tag=a1', "Alice <sip:alice@example.com>;tag=a1",
    "sip:alice@example.com;tag=a1", "sip:alice@example.com ; tag = a1", '"A. ""B\\" <x>" <sip:a@b>;tag=1',
    '"Doe, John; <jr>" <sip:j@d;user=phone>;x="a;tag=no";tag=yes', "<sip:a@[2001:db8::1]:5060>;TAG=t",
    "<tel:+31201234567;phone-context=+31>;tag=q", "tel:+31-20-1234567;tag=z", "<sip:a%20b%3bc@d>;tag=%41",
    "<sip:no-close;tag=1", '"never closed <sip:a@b>;tag=1', "<>;tag=1", "", ";tag=1", "<sip:a@b>;tag", "<sip:a@b>;tag=",
    '<sip:a@b>;tag="quoted"', '<sip:a@b>;tag="q\\"x";tag=2', "<sip:a@b>;tagx=1;tag=2;tag=3", "<sip:a@b>garbage;tag=9",
    "Jos\u00e9 <sip:jos\u00e9@b>;tag=\u00e9", '<sip:"a"@b>;tag=1', "<sip:a@b> ; expires = 60;tag=1", "sip:a@b,sip:c@d;tag=1",
    "<sip:a@b>;tag=1 2", '<sip:a@b>;x="',
)  # fmt: skip
VIAS = (
    "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK77", "SIP/2.0/UDP host.example;rport;branch=Z9HG4BKabc;received=192.0.2.9",
    "SIP/2.0/TCP [2001:db8::9]:5061;branch=z9hG4bK1, SIP/2.0/UDP b;branch=z9hG4bK2", "SIP / 2.0 / UDP h : 5060 ;branch=1",
    "SIP/2.0/UDP h;branch=", "SIP/2.0/UDP h", "SIP/2.0/UDP", "sip/2.0/udp h;branch=x", "garbage", "", ",", "a,,b", " , x",
    'SIP/2.0/UDP h;x="a,b";branch=z9hG4bKq, SIP/2.0/UDP c', 'SIP/2.0/UDP h;branch="z9hG4bKq"', "SIP/2.0/UDP h (comment);branch=1",
    "SIP/2.0/UDP 1.2.3.4:5060 ;branch=z9hG4bK-1 ", "SIP/2.0/UDP\th;branch=1", 'SIP/2.0/UDP "h";branch=1', "SIP/2.0/UDP h,",
    "SIP/2.0/UDP 256.1.1.1", "SIP/2.0/UDP 1.2.3", "SIP/2.0/UDP 1.2.3.4.5", "SIP/2.0/UDP 0001.2.3.4", "SIP/2.0/UDP 010.2.3.4:1", "SIP/2.0/UDP 1.2.3.4x",
    "SIP/2.0/UDP [::1]", "SIP/2.0/UDP [1:2:3:4:5:6:7:8]:5060", "SIP/2.0/UDP [1:2:3:4:5:6:7::]", "SIP/2.0/UDP [1:2:3:4:5:6:7::8]", "SIP/2.0/UDP [::ffff:1.2.3.4]",
    "SIP/2.0/UDP [fe80::1%eth0]", "SIP/2.0/UDP [1::2::3]", "SIP/2.0/UDP [12345::]", "SIP/2.0/UDP []", "SIP/2.0/UDP [::1", "SIP/2.0/UDP [::1]x", "SIP/2.0/UDP [:1::2]",
    "SIP/2.0/UDP [1:2:]", "SIP/2.0/UDP [FFff::ABCD]:1", "SIP/2.0/UDP [1:2:3:4:5:6:7:8:9]", "SIP/2.0/UDP [::]",
)  # fmt: skip
REASONS = (
    'Q.850;cause=16;text="Terminated"', "Q.850;cause=34", "q.850 ; cause = 17 ; location=LN", "SIP;cause=200;text=\"Call completed elsewhere\"",
    'SIP;cause=580, Q.850;cause=41', "Q.850;cause=16, Q.850;cause=34;location=U", "Q.850;cause=144", "Q.850;cause=0", "Q.850;cause=300",
    "Q.850;cause=", "Q.850", "Q.850;text=\"a, b; cause=3\";cause=9", "STIR;cause=436;text=\"x\"", "Preemption;cause=1",
    "RELEASE_CAUSE;cause=4", "RELEASE_CAUSE;cause=1", "SIP;cause=408;text=\"Session timer expired\"", "SIP;text=session-expires",
    'Q.850;cause="16"', 'Q.850;text="open;cause=3', ";cause=1", ", Q.850;cause=31", "Q.850;cause=127;location=LOC-12", "Q.850;location=LOC-7;cause=31",
    "Q.850;cause=1;cause=2", "", "SIP;cause=abc, SIP;cause=486", "Q.850;cause=00016;location=intl", "Q.850;location=BI;cause=128",
    "Session\\Timer;cause=1", "Q.850;cause=16,", "Q.850;ca\"use\"=1;cause=2", "Q.850;location=LOC-06;cause=1",
)  # fmt: skip
VALUES: dict[str, tuple[str, ...]] = {
    "Via": VIAS,
    "From": ADDRESSES,
    "To": ADDRESSES,
    "Contact": (*ADDRESSES, "*", '"x, y" <sip:a@b>;expires=60;q=0.1, <sip:c@d>;expires=1', "<sip:a@b>;expires=soon", "<sip:a@b>, x;expires=5",
                "sip:a@b;expires=77,sip:c@d;expires=1", '<sip:a@b>;expires="60"'),
    "Call-ID": ("a84b4c76e66710@pc33.example.com", "", "with blanks  in it", "\u00fcber@x", "<odd>;tag=1"),
    "CSeq": ("1 INVITE", "314159 INVITE", "0009  BYE", "1\tOPTIONS", "INVITE", "1", "1INVITE", "x INVITE", "", "1 NEWMETHOD", "1 OTHER",
             "999999999999999999 ACK", "9999999999999999999 ACK", "1 INVITE x", "2 SUBSCRIBE", "3 SUBSCRIBES", "1 IN\u00e9"),
    "Max-Forwards": ("70", "0", "-1", "", "70 ", "1000000000000000000", "000070"),
    "Content-Length": ("0", "4", "5", "99999", "", "abc", "-1", "1 2", "0x4"),
    "Content-Type": ("application/sdp", "Application/SDP ; charset=utf-8", "text/plain", "", "application/isup;version=itu-t92+",
                     "multipart/mixed;boundary=b1", "Multipart/mixed", 'x;a="b', '"application/sdp"', "application/sdpx", "message/sipfrag"),
    "User-Agent": ("Made/1.0", "", "\u65e5\u672c", "a (b) c"),
    "Server": ("Kamailio (5.6)", ""),
    "Reason": REASONS,
    "Warning": ('399 host "text"', "370", "30 x", "0307 a", "3070 x", "", '307 isi.edu "a, b", 301 x "y"', "abc"),
    "Retry-After": ("120", "18000;duration=3600", "120 (I'm in a meeting)", "Fri, 31 Dec 1999", "", "5(x)", "5x"),
    "RSeq": ("1", "988789", "x", ""),
    "Expires": ("3600", "0", "Thu, 01 Dec 1994 16:00:00 GMT", "", "7 "),
    "Session-Expires": ("1800;refresher=uac", "90", "x", ""),
    "Session-ID": ("ab30317f1a784dc48ff824d0d3715d86;remote=47755a9de7794ba387653f2099600ef2", ""),
    "WWW-Authenticate": ('Digest realm="a", nonce="b", stale=TRUE', 'Digest stale="true", realm="x"', 'Digest realm="stale=true"', "stale",
                         'Digest stale=false', 'Digest x="open, stale=true', '"x" stale=true', "Digest\tstale = true", "stale=tr\\ue", ""),
    "Proxy-Authenticate": ('Digest realm="x\\", stale=true", nonce=1', "Digest stale=true"),
    "Authorization": ('Digest username="bob"', ""),
    "Proxy-Authorization": ("Digest x",),
    "X-Asterisk-HangupCauseCode": ("16", "0", "145", "abc", "300", ""),
    "X-Later-Kind": ("17",),
    "X-CID": ("a84b4c76e66710@pc33.example.com", "abc@x;leg=1", "", ";", "two words ;x", "\u00fcber@x"),
    "Cisco-Guid": ("0323255855-4127789543-2194997273-1451141520", ""),
    "P-Charging-Vector": ('icid-value="AAS:852-e271";orig-ioi=a', "icid-value=1234bc9876e ;icid-generated-at=192.0.2.8", "ICID-Value = x", 'icid-value=""',
                          'icid-value="open', 'icid-value="a\\"b"', "orig-ioi=a;icid-value=7", "icid-value", "icid-value=", "icid-valuex=1", 'icid-value=a"b"', 'icid-value=" a "'),
    "Allow": ("INVITE, ACK", ""),
    "Subject": ("x" * 40, "", "Reason: Q.850;cause=3"),
    "X": ("1",),
}  # fmt: skip
COMPACT = {
    "Via": "v", "From": "f", "To": "t", "Contact": "m", "Call-ID": "i", "Content-Length": "l",
    "Content-Type": "c", "Session-Expires": "x",
}  # fmt: skip
BAD_LINES = ("no colon here", ": nameless", "na\u00efve: x", "Bad Name: y", "\x00: x", "Call\rID: 7", "Call-ID\x1a 5")
START_LINES = (
    "INVITE sip:bob@example.com SIP/2.0", "SIP/2.0 200 OK", "SIP/2.0 486 Busy Here", "SIP/2.0 503", "SIP/2.0 180 ", "SIP/2.0 099 Low",
    "SIP/2.0 000 None", "ACK sip:x SIP/2.0", "BYE tel:+31 SIP/2.0", "CANCEL sip:a;b=c?d=e SIP/2.0", "SUBSCRIBE sip:x SIP/2.0",
    "SUBSCRIBES sip:x SIP/2.0", "NEWMETHOD sip:x SIP/2.0", "NEWMETHOB sip:x SIP/2.0", "A b SIP/2.0", "A /// SIP/2.0", "SIP/2.0 703 Siemens \u00fc",
    "SIP/2.0 200  \t spaced  ", "!%*_+`'~.- <sip:x> SIP/2.0", "MESSAGE \u00e9 SIP/2.0", "REGISTER sip:[::1] SIP/2.0", "PRACK * SIP/2.0",
    "invite sip:x SIP/2.0", "INFO sip:x SIP/2.0", "SIP sip:x SIP/2.0",
)  # fmt: skip
NEAR_MISSES = (
    "SIP/2.0 2000 x", "SIP/2.0 20 x", "SIP/2.0  200 OK", "SIP/7.0 200 OK", "sip/2.0 200 OK", "SIP/2.0 200OK", "INVITE  sip:x SIP/2.0",
    "INVITE sip:x  SIP/2.0", "INVITE sip:x SIP/2.0 ", "INVITE sip:x; lr SIP/2.0", "INVITE sip:x sip/2.0", "INVITE sip:x SIP/2", "INVITE sip:x SIP/3.0",
    "GET / HTTP/1.1", "OPTIONS * RTSP/1.0", "NOTIFY * HTTP/1.1", "this text has SIP/2.0", "12:00 x:y SIP/2.0", "SIP/2.0 is a protocol", "SIP/2.0",
    "INVITE SIP/2.0", "INVITE sip:x", "IN\tVITE sip:x SIP/2.0", "a 12:30 SIP/2.0", "a b:c SIP/.", "a b:c xSIP/2.0", "\x00INVITE sip:x SIP/2.0",
)  # fmt: skip
BODIES = (
    b"", b"v=0\r\no=- 3 3 IN IP4 192.0.2.1\r\ns=-\r\n", b"v=0\r\n", b"v=0\no= x \n", b"v=0\r\no=\r\n", b"\no=a", b"v=0\r\nO=a\r\n", b"v=0\r\no=", b"o=a\no=b\n", b"body", b"\r\n", b"\xff\xfe binary", bytes((0x0C, 2, 0, 2, 0x80, 0x90)),
    b"--b1\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--b1\r\nc: application/isup\r\n\r\n"
    + bytes((0x0C, 2, 0, 2, 0x80, 0xA2))
    + b"\r\n--b1--\r\n",
)  # fmt: skip
NASTY = b'\r\n\t ";,<>\\=:\x00\x80\xff/0aZ'


def _cased(random: Random, name: str) -> str:
    style = random.randrange(8)
    if style == 0:
        return name.upper()
    if style == 1:
        return name.lower()
    if style == 2 and name in COMPACT:
        return COMPACT[name] if random.random() < 0.5 else COMPACT[name].upper()
    return name


def _line(random: Random, name: str, line_end: str) -> str:
    # Mostly the ordinary values, which stand first, so that most messages stay on the kernels' road.
    value = random.choice(VALUES[name][:2] if random.random() < 0.7 else VALUES[name])
    colon = random.choice((": ", ": ", ": ", ":", " : ", "\t:\t", ":   "))
    line = _cased(random, name) + colon + value + random.choice(("", "", "", " ", "\t"))
    if random.random() < 0.015:
        words = line.split(" ")
        at = random.randrange(len(words)) + 1
        line = (line_end + random.choice((" ", "\t", "  "))).join((" ".join(words[:at]), " ".join(words[at:])))
    return line + line_end


def made_message(random: Random) -> Wire:
    """A message: mostly readable, with anything that a header field can hold; sometimes cut, sometimes mutated."""
    line_end = "\n" if random.random() < 0.1 else "\r\n"
    start = random.choice(START_LINES if random.random() < 0.95 else NEAR_MISSES)
    names = random.choices(list(VALUES), k=random.randrange(9)) + random.sample(
        ["Via", "From", "To", "Call-ID", "CSeq", "Contact"], k=random.randrange(7)
    )
    lines = [_line(random, name, line_end) for name in names]
    if random.random() < 0.08:
        lines.insert(random.randrange(len(lines) + 1), random.choice(BAD_LINES) + line_end)
    random.shuffle(lines)
    text = random.choice(("", "", "", "\r\n", "\n\n")) + start + line_end + "".join(lines)
    octets = text.encode("latin-1" if text.isascii() or (random.random() < 0.2 and max(text) < "\u0100") else "utf-8")
    if random.random() < 0.9:
        octets += line_end.encode() + random.choice(BODIES)
    wire_length = len(octets)
    if random.random() < 0.15:
        octets = octets[: random.randrange(len(octets) + 1)]
        if random.random() < 0.3:
            wire_length = len(octets)
    if octets and random.random() < 0.2:
        mutable = bytearray(octets)
        for _ in range(random.randrange(1, 4)):
            mutable[random.randrange(len(mutable))] = random.choice(NASTY)
        octets = bytes(mutable)
    return octets, max(wire_length, len(octets))


def is_message(wire: Wire) -> bool:
    """Whether the whole-message parser takes it."""
    try:
        parse_message(*wire)
    except ParseError:
        return False
    return True


def datagrams(wires: Sequence[Wire]) -> Datagrams:
    """Messages one behind the other in one window, the numbers of the datagram columns all different."""
    rows = np.arange(len(wires) * D_COLUMNS, dtype=np.int64).reshape(-1, D_COLUMNS)
    at = 0
    for row, (octets, wire_length) in enumerate(wires):
        rows[row, [D_OFFSET, D_LENGTH, D_WIRE_LENGTH]] = at, len(octets), wire_length
        at += len(octets)
    window = np.frombuffer(b"".join(octets for octets, _ in wires), dtype=np.uint8).copy()
    return Datagrams(window, rows)


def row_texts(batch: MessageBatch, row: int) -> list[bytes | None]:
    """The octets of every text column."""
    found: list[bytes | None] = []
    for column in range(S_COLUMNS):
        offset, length = batch.spans[row, column]
        found.append(None if length < 0 else batch.octets[offset : offset + length].tobytes())
    return found


def assert_roads_equal(wires: Sequence[Wire], cause_headers: dict[str, str] | None = None) -> int:
    """Kernels and whole-message parser give the same batch, F_WHOLE apart; returns how many rows were left whole."""
    headers = CAUSE_HEADERS if cause_headers is None else cause_headers
    window = datagrams(wires)
    kernel_methods, whole_methods = MethodNames(), MethodNames()
    kernel_road = read_messages(window, kernel_methods, headers)
    whole_road = read_messages_whole(window, whole_methods, headers)
    assert kernel_methods.names == whole_methods.names
    is_whole = (kernel_road.numbers[:, M_FLAGS] & F_WHOLE) != 0
    kernel_numbers, whole_numbers = kernel_road.numbers.copy(), whole_road.numbers.copy()
    kernel_numbers[:, M_FLAGS] |= F_WHOLE
    for row, wire in enumerate(wires):
        different = np.flatnonzero(kernel_numbers[row] != whole_numbers[row])
        assert not len(different), (wire, [(c, kernel_numbers[row, c], whole_numbers[row, c]) for c in different])
        assert row_texts(kernel_road, row) == row_texts(whole_road, row), wire
    assert kernel_road.numbers.flags.c_contiguous
    assert kernel_road.spans.flags.c_contiguous
    return int(is_whole.sum())
