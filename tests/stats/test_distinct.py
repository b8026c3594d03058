"""The different texts of a column, wherever their octets stand."""

from __future__ import annotations

import re

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from analyzer.batch import Texts
from analyzer.stats.distinct import Fold, distinct, folded

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


@given(st.lists(st.from_regex(rb"(sip|tel):\+?[0-9x]{0,9}(@h[0-9])?", fullmatch=True)), st.booleans())
def test_kinds_are_what_the_fold_leaves_and_each_value_is_one_of_its_kind(uris: list[bytes], keeps: bool) -> None:
    fold = Fold(rb"^([a-z]+:\+?[0-9]{1,3})[0-9]*@.*$", rb"\1", keeps)
    lengths = np.array([len(uri) for uri in uris], dtype=np.int32)
    starts = np.cumsum(lengths, dtype=np.int64) - lengths
    column = Texts(np.frombuffer(b"".join(uris), dtype=np.uint8), starts, lengths)
    found = folded(column, fold)

    def kind(uri: bytes) -> tuple[bytes, int]:
        return re.sub(fold.pattern, fold.replacement, uri), uri.find(b"@") if keeps else 0

    assert [kind(found.values[code]) for code in found.codes.tolist()] == [kind(uri) for uri in uris]
    assert len({kind(value) for value in found.values}) == len(found.values)
    assert set(found.values) <= set(uris)
