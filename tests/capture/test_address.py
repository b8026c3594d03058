from __future__ import annotations

import ipaddress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.capture.address import MAPPED, address_halves, address_text, address_texts


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("255.255.255.255", "255.255.255.255"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:DB8:0:0:0:0:0:1", "2001:db8::1"),
        ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
        ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("fe80::1%eth0", "fe80::1"),
        ("::", "::"),
        ("::1.2.3.4", "::102:304"),
    ],
)
def test_texts_are_canonical(text: str, canonical: str) -> None:
    assert address_text(*address_halves(text)) == canonical


def test_ipv4_is_a_mapped_address() -> None:
    assert address_halves("192.0.2.1") == (0, MAPPED | 0xC0000201)


def test_halves_fit_int64() -> None:
    hi, lo = address_halves("ffff::8000:0:0:1")
    assert hi < 0
    assert lo < 0
    assert np.array([hi, lo], dtype=np.int64).tolist() == [hi, lo]


def test_no_address() -> None:
    with pytest.raises(ValueError, match="pbx"):
        address_halves("pbx.example.net")


@given(st.lists(st.integers(0, 2**128 - 1), max_size=20))
def test_columns_give_the_same_texts(values: list[int]) -> None:
    halves = [address_halves(str(ipaddress.IPv6Address(value))) for value in values]
    columns = np.array(halves, dtype=np.int64).reshape(-1, 2)
    assert address_texts(columns[:, 0], columns[:, 1]) == [address_text(*pair) for pair in halves]


@given(st.integers(0, 2**128 - 1))
def test_there_and_back(value: int) -> None:
    halves = address_halves(str(ipaddress.IPv6Address(value)))
    assert address_halves(address_text(*halves)) == halves
