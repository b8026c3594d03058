"""What an INVITE says about its other legs, and whether a request comes from where its Via says."""

from __future__ import annotations

from ipaddress import ip_address

import numpy as np
import pytest

from analyzer.batch import (
    D_SRC_HI,
    D_SRC_LO,
    F_BEHIND_NAT,
    F_WHOLE,
    M_FLAGS,
    S_LINKED_ID,
    S_ORIGIN,
    MethodNames,
)
from analyzer.sip.legs import literal_address, sdp_origin
from analyzer.sip.parse import parse_message
from analyzer.sip.read import read_messages, read_messages_whole
from tests.sip.wire import CAUSE_HEADERS, datagrams, row_texts

SDP = b"v=0\r\no=alice 2890844526 1 IN IP4 192.0.2.1\r\ns=-\r\n"


def invite(*fields: bytes, body: bytes = b"", start: bytes = b"INVITE sip:bob@example.com SIP/2.0") -> bytes:
    return b"\r\n".join((start, *fields, b"", body))


def halves(address: str) -> tuple[int, int]:
    packed = ip_address(address if ":" in address else f"::ffff:{address}").packed
    return int.from_bytes(packed[:8], "big", signed=True), int.from_bytes(packed[8:], "big", signed=True)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ((b"X-CID: abc@192.0.2.1",), b"abc@192.0.2.1"),
        ((b"x-cid: abc@192.0.2.1;leg=2",), b"abc@192.0.2.1"),
        ((b"X-CID:", b"Cisco-Guid: 1-2-3-4"), b"1-2-3-4"),
        ((b"Cisco-Guid: 1-2-3-4", b"X-CID: abc"), b"1-2-3-4"),
        ((b'P-Charging-Vector: icid-value="AAS:1";orig-ioi=home1.net',), b"AAS:1"),
        ((b"P-Charging-Vector: icid-value=1234bc9876e;icid-generated-at=192.0.2.8",), b"1234bc9876e"),
        ((b"P-Charging-Vector: orig-ioi=home1.net",), None),
        ((b"X-Later-Kind: 17",), None),
    ],
)
def test_an_invite_names_another_leg(fields: tuple[bytes, ...], expected: bytes | None) -> None:
    octets = invite(*fields)
    assert parse_message(octets, cause_headers=CAUSE_HEADERS).linked_id == expected
    batch = read_messages(datagrams([(octets, len(octets))]), MethodNames(), CAUSE_HEADERS)
    assert not batch.numbers[0, M_FLAGS] & F_WHOLE
    assert row_texts(batch, 0)[S_LINKED_ID] == expected


def test_only_invites_are_asked() -> None:
    for start in (b"BYE sip:bob@example.com SIP/2.0", b"SIP/2.0 200 OK"):
        octets = invite(b"X-CID: abc", b"Content-Type: application/sdp", body=SDP, start=start)
        message = parse_message(octets, cause_headers=CAUSE_HEADERS)
        assert (message.linked_id, message.origin) == (None, None)
        texts = row_texts(read_messages(datagrams([(octets, len(octets))]), MethodNames(), CAUSE_HEADERS), 0)
        assert (texts[S_LINKED_ID], texts[S_ORIGIN]) == (None, None)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (SDP, b"alice 2890844526 1 IN IP4 192.0.2.1"),
        (b"v=0\no=- 1 1 IN IP6 ::1\n", b"- 1 1 IN IP6 ::1"),
        (b"v=0\r\no=- 1 1 IN IP4 192.0", None),
        (b"v=0\r\ns=-\r\no=- 1 1\r\n", None),
        (b"v=0\r\no= \r\n", None),
        (b"v=0", None),
        (b"", None),
    ],
)
def test_the_origin_of_sdp(content: bytes, expected: bytes | None) -> None:
    assert sdp_origin(content) == expected
    octets = invite(b"Content-Type: application/sdp", body=content)
    batch = read_messages(datagrams([(octets, len(octets))]), MethodNames())
    assert not batch.numbers[0, M_FLAGS] & F_WHOLE
    assert row_texts(batch, 0)[S_ORIGIN] == expected


def test_the_origin_stands_in_a_part_too() -> None:
    body = b"--b\r\nContent-Type: application/sdp\r\n\r\n" + SDP + b"\r\n--b--\r\n"
    octets = invite(b"Content-Type: multipart/mixed;boundary=b", body=body)
    batch = read_messages(datagrams([(octets, len(octets))]), MethodNames())
    assert row_texts(batch, 0)[S_ORIGIN] == b"alice 2890844526 1 IN IP4 192.0.2.1"


@pytest.mark.parametrize("address", ["192.0.2.1", "255.255.255.255", "2001:db8::9", "::1", "1:2:3:4:5:6:7:8"])
def test_an_address_in_via(address: str) -> None:
    bracketed = f"[{address}]" if ":" in address else address
    assert literal_address(bracketed.encode()) == halves(address)
    assert literal_address(f"{bracketed}:5060".encode()) == halves(address)


@pytest.mark.parametrize(
    "sent_by",
    [b"pbx.example", b"192.0.2", b"192.0.2.256", b"0192.0.2.1", b"192.0.2.1x", b"[::1]x", b"[::1", b"::1", b"[1::2::3]",
     b"[fe80::1%eth0]", b"", None],
)  # fmt: skip
def test_what_is_no_address(sent_by: bytes | None) -> None:
    assert literal_address(sent_by) is None


@pytest.mark.parametrize(
    ("sent_by", "source", "start", "behind_nat"),
    [
        ("192.168.1.20:5060", "203.0.113.7", b"INVITE sip:b@x SIP/2.0", True),
        ("203.0.113.7:5060", "203.0.113.7", b"INVITE sip:b@x SIP/2.0", False),
        ("phone.invalid", "203.0.113.7", b"REGISTER sip:x SIP/2.0", False),
        ("[2001:db8::9]:5061", "2001:db8::9", b"REGISTER sip:x SIP/2.0", False),
        ("[2001:db8::8]", "2001:db8::9", b"BYE sip:b@x SIP/2.0", True),
        ("[::ffff:203.0.113.7]", "203.0.113.7", b"BYE sip:b@x SIP/2.0", False),
        ("192.168.1.20", "203.0.113.7", b"SIP/2.0 200 OK", False),
    ],
)
def test_a_request_from_behind_a_nat(sent_by: str, source: str, start: bytes, behind_nat: bool) -> None:
    octets = invite(f"Via: SIP/2.0/UDP {sent_by};rport;branch=z9hG4bK1".encode(), start=start)
    window = datagrams([(octets, len(octets))])
    window.rows[0, [D_SRC_HI, D_SRC_LO]] = halves(source)
    for read in (read_messages, read_messages_whole):
        assert bool(read(window, MethodNames()).numbers[0, M_FLAGS] & F_BEHIND_NAT) is behind_nat, read


def test_names_that_share_a_place_in_the_filter_are_told_apart() -> None:
    octets = invite(b"Y-CID: no", b"X-cia: no", b"X-CID: yes")
    batch = read_messages(datagrams([(octets, len(octets))]), MethodNames(), {"x-cid": "call_id"})
    assert row_texts(batch, 0)[S_LINKED_ID] == b"yes"
    assert np.count_nonzero(batch.spans[0, S_LINKED_ID]) == 2
