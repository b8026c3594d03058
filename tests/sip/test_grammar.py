from __future__ import annotations

import time

import pytest

from analyzer.sip.grammar import (
    COMPACT_NAMES,
    leading_number,
    masked,
    parameter,
    parameters,
    unquoted,
    whole_number,
)
from analyzer.sip.span_kernels import READ_NAMES


def test_quoted_strings_are_blotted_out() -> None:
    value = masked(b'a "b;\\";c" d "e')
    assert value.mask == b'a QQQQQQQQ d "e'
    assert [piece.text for piece in masked(b'x="a,b",y').split(b",")] == [b'x="a,b"', b"y"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b'"a b"', b"a b"),
        (b'"a\\"b\\\\"', b'a"b\\'),
        (b'"a"b', b'"a"b'),
        (b'"a', b'"a'),
        (b'"', b'"'),
        (b"a", b"a"),
        (b'""', b""),
    ],
)
def test_unquoted(text: bytes, expected: bytes) -> None:
    assert unquoted(text) == expected


def test_parameters() -> None:
    given = parameters(masked(b'ignored=0;A=1; b = "x;y" ;c;d=;=e'))
    assert given == ((b"a", b"1"), (b"b", b"x;y"), (b"c", None), (b"d", b""), (b"", b"e"))
    assert parameter(given, b"b") == b"x;y"
    assert parameter(given, b"c") is None
    assert parameter(given, b"d") is None
    assert parameter(given, b"ignored") is None


@pytest.mark.parametrize(
    ("text", "whole", "leading"),
    [
        (b"70", 70, 70), (b"007", 7, 7), (b"", None, None), (b"-1", None, None), (b"1 (x)", None, 1),
        (b"1;a", None, 1), (b"1x", None, None), (b"9" * 18, 10**18 - 1, 10**18 - 1),
        (b"1" + b"0" * 18, None, None), (b"0" * 30 + b"5", 5, 5), (None, None, None),
    ],
)  # fmt: skip
def test_numbers(text: bytes | None, whole: int | None, leading: int | None) -> None:
    assert whole_number(text) == whole
    assert leading_number(text) == leading


def test_the_kernels_know_the_compact_names_of_what_they_read() -> None:
    for compact, name in COMPACT_NAMES.items():
        assert (compact in READ_NAMES) == (name in READ_NAMES), name


def test_hostile_quotes_cost_linear_time() -> None:
    started = time.perf_counter()
    for hostile in (b'"\\' * 30000, b'";' * 30000, b'"\\";' * 15000, b";" * 60000, b'""' * 30000):
        parameters(masked(hostile))
    assert time.perf_counter() - started < 5
