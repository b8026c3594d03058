"""Judging by column: the same choices as numpy's own, and columns as they stand in the rows."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from analyzer.correlate.judging import ByColumn, among, first_of

numbers = st.lists(st.integers(-(2**63), 2**63 - 1), max_size=20).map(lambda values: np.array(values, dtype=np.int64))


@given(st.integers(0, 20), st.integers(1, 6), st.integers(0, 2**32 - 1))
def test_the_first_condition_that_holds_decides(rows: int, count: int, seed: int) -> None:
    made = np.random.default_rng(seed)
    conditions = [made.random(rows) < 0.4 for _ in range(count)]
    choices = [made.integers(-9, 9, rows) if k % 2 else int(made.integers(-9, 9)) for k in range(count)]
    assert np.array_equal(first_of(conditions, choices, -77), np.select(conditions, choices, default=-77))


@given(numbers, st.lists(st.sampled_from([0, 16, -1, 2**63 - 1]), max_size=4))
def test_one_of_a_few(values: np.ndarray, few: list[int]) -> None:  # type: ignore[type-arg]
    assert np.array_equal(among(values, few), np.isin(values, few))


def test_columns_are_those_of_the_rows_that_were_picked() -> None:
    rows = np.arange(60).reshape(6, 10)
    picked = ByColumn(np.asfortranarray(rows), np.array([4, 1, 1]))
    assert len(picked) == 3
    assert picked[:, 7].tolist() == [47, 17, 17]
    assert picked[:, 2:5].tolist() == rows[[4, 1, 1], 2:5].tolist()
    assert picked[:, 7] is picked[:, 7]
