"""Promises of sip/: any octets give a Message or a ParseError; kernels and whole-message parser agree on all."""

from __future__ import annotations

from random import Random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.batch import MethodNames
from analyzer.sip.columns import message_numbers, message_texts
from analyzer.sip.parse import BAD_START_LINE, ParseError, parse_message
from analyzer.sip.start_kernels import BROKEN_START_LINE, NOT_SIP, SIP_MESSAGE, start_line
from tests.sip.wire import NEAR_MISSES, START_LINES, assert_roads_equal, is_message, made_message

few = settings(max_examples=100, deadline=None, derandomize=True)

pieces = st.sampled_from([*'\r\n\t ;,:=<>"\\/.aZ09@\u00e9\x00', "SIP/2.0", "cause=", "tag=", "branch="])
texts = st.lists(pieces, max_size=40).map("".join)
start_lines = st.sampled_from([*START_LINES, *NEAR_MISSES]) | texts
octets = st.binary(max_size=300) | st.tuples(start_lines, texts, texts, texts).map(
    lambda parts: f"{parts[0]}\r\nVia: {parts[1]}\r\nFrom: {parts[2]}\r\nReason: {parts[3]}".encode()
)


@few
@given(octets, st.integers(0, 50))
def test_any_octets_give_a_message_or_a_parse_error(octets: bytes, missing: int) -> None:
    try:
        message = parse_message(octets, len(octets) + missing)
    except ParseError:
        return
    assert (message.method is None) != (message.status_code is None)
    message_numbers(message, 0, MethodNames())
    assert all(text is None or text for text in message_texts(message).values())


@few
@given(octets, st.integers(0, 1))
def test_the_content_test_is_what_the_parser_accepts(octets: bytes, missing: int) -> None:
    window = np.frombuffer(octets, dtype=np.uint8)
    found = start_line(window, 0, len(octets), missing > 0)
    try:
        parse_message(octets, len(octets) + missing)
        expected = SIP_MESSAGE
    except ParseError as error:
        expected = BROKEN_START_LINE if error.code == BAD_START_LINE else NOT_SIP
    assert found == expected


@few
@given(st.lists(octets, max_size=4), st.integers(0, 50))
def test_kernels_equal_the_parser_on_any_octets(several: list[bytes], missing: int) -> None:
    wires = [(octets, len(octets) + missing) for octets in several]
    assert_roads_equal([wire for wire in wires if is_message(wire)])


@few
@given(st.integers(0, 2**32))
def test_kernels_equal_the_parser_on_made_messages(seed: int) -> None:
    random = Random(seed)
    wires = [made_message(random) for _ in range(10)]
    assert_roads_equal([wire for wire in wires if is_message(wire)])


@few
@given(st.integers(0, 2**32), st.integers(1, 5))
def test_windows_do_not_matter(seed: int, size: int) -> None:
    random = Random(seed)
    wires = [wire for wire in (made_message(random) for _ in range(6)) if is_message(wire)]
    for at in range(0, len(wires), size):
        assert_roads_equal(wires[at : at + size])
