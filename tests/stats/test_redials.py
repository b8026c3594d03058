"""Redials: the same two parties again within five minutes."""

from __future__ import annotations

import numpy as np

from analyzer.batch import labels_of
from analyzer.stats.redials import WITHIN, pairs, redialled, same_texts
from tests.stats.made import texts_of

SECOND = 10**9


def test_equal_texts_have_equal_numbers_over_columns_of_both_kinds() -> None:
    texts = ["a", "bb", None, "", "bb", "a\x00", "ab"]
    first, second = same_texts([texts_of(texts), labels_of(reversed(texts))])
    together = list(zip([*first.tolist(), *second.tolist()], [*texts, *reversed(texts)], strict=True))
    for number, text in together:
        assert (number == -1) == (text is None)
        assert all((number == other) == (text == beside) for other, beside in together)


def test_no_columns_and_empty_columns() -> None:
    assert same_texts([]) == []
    assert [len(part) for part in same_texts([texts_of([]), labels_of([])])] == [0, 0]
    assert pairs([], []) == []


def test_a_pair_is_both_parties() -> None:
    (found,) = pairs([texts_of(["a", "a", "b", "a", None])], [texts_of(["x", "y", "x", "x", "x"])])
    assert found[0] == found[3]
    assert len(set(found.tolist())) == 4


def test_redials_follow_a_failure_within_five_minutes_in_any_order() -> None:
    times = np.array([0, WITHIN, 2 * WITHIN + 1, 10 * SECOND, 2 * WITHIN + 2])
    pair = np.array([1, 1, 1, 2, 2])
    assert redialled(pair, times).tolist() == [False, True, False, False, False]
    order = np.array([4, 2, 0, 3, 1])
    assert redialled(pair[order], times[order]).tolist() == [False, False, False, False, True]
    assert redialled(np.empty(0, np.int64), np.empty(0, np.int64)).tolist() == []
