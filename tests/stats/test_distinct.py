"""The different texts of a column, wherever their octets stand."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from analyzer.batch import Texts
from analyzer.stats.distinct import distinct

OCTETS = bytes(range(200, 256)) + b"sip:abcabcab"
SPANS = st.lists(st.tuples(st.integers(0, len(OCTETS) - 6), st.integers(-1, 5)))


def texts_of(spans: list[tuple[int, int]]) -> Texts:
    starts = np.array([start for start, _ in spans], dtype=np.int64)
    lengths = np.array([length for _, length in spans], dtype=np.int32)
    return Texts(np.frombuffer(OCTETS, dtype=np.uint8), starts, lengths)


@given(SPANS)
def test_every_row_has_its_text_and_each_text_is_there_once(spans: list[tuple[int, int]]) -> None:
    found = distinct(texts_of(spans))
    told = [None if code < 0 else found.values[code] for code in found.codes.tolist()]
    assert told == [None if length < 0 else OCTETS[start : start + length] for start, length in spans]
    assert len(set(found.values)) == len(found.values)


@given(st.lists(st.integers(0, 5), min_size=1), st.integers(0, 20))
def test_texts_end_to_end_as_a_store_has_them(lengths: list[int], first: int) -> None:
    lengths = [length for at, length in enumerate(lengths) if sum(lengths[: at + 1]) + first <= len(OCTETS)]
    ends = np.cumsum(lengths) + first
    spans = [(int(end) - length, length) for end, length in zip(ends, lengths, strict=True)]
    found = distinct(texts_of(spans))
    assert [found.values[code] for code in found.codes.tolist()] == [OCTETS[s : s + n] for s, n in spans]
