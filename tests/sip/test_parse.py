"""One whole message as a value."""

from __future__ import annotations

import pytest

from analyzer.sip.message import Message
from analyzer.sip.parse import ParseError, parse_message

INVITE = (
    b"INVITE sip:bob@biloxi.example.com;user=phone SIP/2.0\r\n"
    b"Via: SIP/2.0/UDP pc33.example.com:5066;branch=z9hG4bK776asdhds, SIP/2.0/UDP b;branch=2\r\n"
    b"v: SIP/2.0/UDP c\r\n"
    b"Max-Forwards: 70\r\n"
    b'To: "Bob" <sip:bob@biloxi.example.com>\r\n'
    b"From: Alice <sip:alice@example.com>;tag=1928301774\r\n"
    b"Call-ID: a84b4c76e66710@pc33.example.com\r\n"
    b"CSeq: 314159 INVITE\r\n"
    b"Contact: <sip:alice@pc33.example.com>;expires=60, <sip:c@d>\r\n"
    b"User-Agent: Phone/1.0\r\n"
    b"Session-Expires: 1800;refresher=uac\r\n"
    b"Session-ID: ab30317f1a784dc48ff824d0d3715d86\r\n"
    b"Proxy-Authorization: Digest username=x\r\n"
    b"Content-Type: application/SDP ; x=y\r\n"
    b"Content-Length: 5\r\n\r\nv=0\r\n"
)


def response(*lines: bytes, status: bytes = b"486 Busy Here", body: bytes = b"") -> Message:
    return parse_message(b"SIP/2.0 " + status + b"\r\n" + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body)


def test_a_request() -> None:
    message = parse_message(INVITE)
    assert (message.method, message.request_uri) == ("INVITE", b"sip:bob@biloxi.example.com;user=phone")
    assert (message.status_code, message.reason_phrase) == (None, None)
    assert message.call_id == b"a84b4c76e66710@pc33.example.com"
    assert (message.cseq, message.cseq_method) == (314159, "INVITE")
    assert (message.from_uri, message.from_tag) == (b"sip:alice@example.com", b"1928301774")
    assert (message.to_uri, message.to_tag) == (b"sip:bob@biloxi.example.com", None)
    assert (message.contact_uri, message.expires) == (b"sip:alice@pc33.example.com", 60)
    assert (message.via_branch, message.via_sent_by) == (b"z9hG4bK776asdhds", b"pc33.example.com:5066")
    assert (message.via_count, message.has_cookie, message.max_forwards) == (3, True, 70)
    assert (message.user_agent, message.session_expires) == (b"Phone/1.0", 1800)
    assert (message.content_type, message.content_length, message.body) == (b"application/SDP", 5, b"v=0\r\n")
    assert message.session_id == b"ab30317f1a784dc48ff824d0d3715d86"
    assert message.has_sdp
    assert message.has_credentials
    assert message.defects == ()
    assert message.octets == INVITE
    assert message == parse_message(INVITE)


def test_a_response() -> None:
    message = response(
        b'Reason: Q.850;cause=17;location=U;text="User busy"',
        b'Warning: 399 host "a, b"',
        b"Retry-After: 120 (meeting)",
        b"RSeq: 7",
        b"Server: Proxy",
        b"User-Agent:",
        b'WWW-Authenticate: Digest realm="x", stale=true',
        b"X-Asterisk-HangupCauseCode: 145",
    )
    assert (message.method, message.status_code, message.reason_phrase) == (None, 486, b"Busy Here")
    assert (message.reason_summary.q850, message.reason_summary.location) == (17, 0)
    assert message.reason == b'Q.850;cause=17;location=U;text="User busy"'
    assert (message.warning_code, message.warning) == (399, b'399 host "a, b"')
    assert (message.retry_after, message.rseq, message.user_agent) == (120, 7, b"Proxy")
    assert message.is_stale
    assert message.vendor_cause is None


def test_a_makers_cause_header() -> None:
    octets = b"SIP/2.0 500 x\r\nX-Cause: 0\r\nX-CAUSE: 145\r\nX-Cause: 3\r\n\r\n"
    assert parse_message(octets, cause_headers={"x-cause": "q850_cause"}).vendor_cause == 17
    assert parse_message(octets, cause_headers={"x-cause": "something_else"}).vendor_cause is None


@pytest.mark.parametrize(
    ("status", "code", "phrase"),
    [(b"200", 200, None), (b"200 ", 200, None), (b"200  a  b ", 200, b"a  b"), (b"703 \xfc", 703, b"\xfc")],
)
def test_status_lines(status: bytes, code: int, phrase: bytes | None) -> None:
    message = response(status=status)
    assert (message.status_code, message.reason_phrase) == (code, phrase)


def test_a_code_below_100_is_a_defect() -> None:
    assert "sip.status_below_100" in response(status=b"099 Low").defects


def test_mandatory_fields_that_are_missing() -> None:
    expected = {"sip.no_call_id", "sip.no_cseq", "sip.no_from", "sip.no_to", "sip.no_via"}
    assert set(response().defects) == expected
    assert set(response(b"Call-ID:", b"CSeq: ", b"From:", b"To:", b"Via: ,").defects) == expected
    assert "sip.no_via" not in response(b"Via: , x").defects


@pytest.mark.parametrize("value", [b"INVITE", b"1", b"1INVITE", b"x INVITE", b"1 INVITE x", b"1 IN:VITE", b"-1 A"])
def test_cseq_that_is_not_number_and_method(value: bytes) -> None:
    message = response(b"CSeq: " + value)
    assert (message.cseq, message.cseq_method) == (None, None)
    assert "sip.bad_cseq" in message.defects


def test_cseq_of_another_method() -> None:
    assert "sip.cseq_mismatch" in parse_message(INVITE.replace(b"314159 INVITE", b"314159 ACK")).defects
    assert "sip.cseq_mismatch" not in response(b"CSeq: 1 ACK").defects


@pytest.mark.parametrize(
    ("declared", "body", "read", "defect"),
    [
        (b"4", b"body", b"body", None),
        (b"2", b"body", b"bo", "sip.octets_after_body"),
        (b"9", b"body", b"body", "sip.content_length_too_long"),
        (b"x", b"body", b"body", "sip.bad_content_length"),
        (b"", b"body", b"body", None),
    ],
)
def test_content_length(declared: bytes, body: bytes, read: bytes, defect: str | None) -> None:
    message = response(b"Content-Length: " + declared, body=body)
    assert message.body == read
    assert [code for code in message.defects if "body" in code or "length" in code] == ([defect] if defect else [])


def test_a_message_that_the_snaplen_cut() -> None:
    at = INVITE.index(b"314159 INVITE") + 8
    message = parse_message(INVITE[:at], len(INVITE))
    assert message.is_cut
    assert message.call_id == b"a84b4c76e66710@pc33.example.com"
    assert message.cseq is None, "half a CSeq is none"
    assert message.defects == ()
    in_body = parse_message(INVITE[:-2], len(INVITE))
    assert (in_body.body, in_body.defects) == (b"v=0", ())
    assert parse_message(b"SIP/2.0 404 Not Fo", 300).reason_phrase is None


def test_octets_that_are_not_utf8() -> None:
    assert "sip.not_utf8" in response(b"To: J\xf6rg <sip:j@x>").defects
    assert "sip.not_utf8" not in response(b"To: J\xc3\xb6rg <sip:j@x>", body=b"\xff").defects


def test_isup_in_a_body_and_in_a_part() -> None:
    release = bytes((0x0C, 2, 0, 2, 0x84, 0xA9))
    assert response(b"Content-Type: application/ISUP;version=x", body=release).isup_cause == 41
    mixed = b"--b\r\nc: application/sdp\r\n\r\nv=0\r\n--b\r\nc: application/isup\r\n\r\n" + release + b"\r\n--b--"
    message = response(b"c: multipart/mixed;boundary=b", body=mixed)
    assert (message.isup_cause, message.has_sdp) == (41, True)
    assert response(b"c: text/plain", body=release).isup_cause is None


def test_expires_of_the_message_outranks_the_contacts() -> None:
    contact = b"Contact: <sip:a>;expires=60"
    assert response(contact, b"Expires: 120").expires == 120
    assert response(contact, b"Expires: soon").expires == 60
    assert response(b"Contact: *").expires is None


def test_errors_say_where() -> None:
    with pytest.raises(ParseError) as caught:
        parse_message(b"\r\n\r\nSIP/2.0 2000 OK\r\n\r\n")
    assert (caught.value.code, caught.value.offset) == ("sip.bad_start_line", 4)
    assert isinstance(caught.value, ValueError)
    with pytest.raises(ParseError, match=r"sip\.not_sip"):
        parse_message(b"GET / HTTP/1.1\r\n\r\n")
