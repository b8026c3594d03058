from __future__ import annotations

import pytest

from analyzer.sip.address import read_address, read_addresses, read_first_address


@pytest.mark.parametrize(
    ("text", "display_name", "uri", "tag"),
    [
        (b'"Alice" <sip:alice@example.com>;tag=1', b"Alice", b"sip:alice@example.com", b"1"),
        (b"Alice <sip:alice@example.com;user=phone> ; TAG = 1", b"Alice", b"sip:alice@example.com;user=phone", b"1"),
        (b"<sip:alice@example.com>", None, b"sip:alice@example.com", None),
        (b"sip:alice@example.com;tag=1", None, b"sip:alice@example.com", b"1"),
        (b'"a;b, <c> \\" d" <sip:x>;tag=1', b'a;b, <c> " d', b"sip:x", b"1"),
        (b"<sip:a@[2001:db8::1]:5060>;tag=1", None, b"sip:a@[2001:db8::1]:5060", b"1"),
        (b"<tel:+31;phone-context=x>;tag=1", None, b"tel:+31;phone-context=x", b"1"),
        (b'<sip:%61%3b@x?h=v>;x=";tag=9";tag=1', None, b"sip:%61%3b@x?h=v", b"1"),
        (b"Doe, John <sip:j@d>;tag=1", b"Doe, John", b"sip:j@d", b"1"),
        (b'"never closed <sip:a@b>;tag=1', b'"never closed', b"sip:a@b", b"1"),
        (b"<sip:no-close;tag=1", None, b"sip:no-close;tag=1", None),
        (b"<>;tag=1", None, None, b"1"),
        (b'<sip:a>;tag="q\\"q"', None, b"sip:a", b'q"q'),
        (b"<sip:a>;tag=;tag=2", None, b"sip:a", None),
        (b"", None, None, None),
    ],
)
def test_forms(text: bytes, display_name: bytes | None, uri: bytes | None, tag: bytes | None) -> None:
    address = read_address(text)
    assert (address.display_name, address.uri, address.parameter(b"tag")) == (display_name, uri, tag)


def test_lists() -> None:
    text = b'"x, y" <sip:a@b,c>;expires=60;q=0.1, sip:c@d;expires=1 ,, *'
    assert [address.uri for address in read_addresses(text)] == [b"sip:a@b,c", b"sip:c@d", None, b"*"]
    assert read_first_address(text).parameter(b"expires") == b"60"
    assert read_first_address(b"sip:a@b,sip:c@d;expires=1").parameter(b"expires") is None


def test_a_hostile_list_costs_linear_time() -> None:
    assert sum(1 for _ in read_addresses(b"<," * 30000)) == 1
    assert sum(1 for _ in read_addresses(b"," * 60000)) == 60001
