"""What was dialled: users of many URIs, numbers that count up, prefixes before one number."""

from __future__ import annotations

import numpy as np
import pytest

from analyzer.batch import labels_of
from analyzer.stats.dialled import counted_up, octets, prefixes, users
from tests.stats.made import texts_of


@pytest.mark.parametrize("make", [texts_of, labels_of])
def test_octets_of_some_rows(make: object) -> None:
    column = make(["a", None, "", "élan", "d"])  # type: ignore[operator]
    assert octets(column, np.array([3, 1, 0, 2])) == ["élan".encode(), b"", b"a", b""]


def test_users_are_compared_as_numbers() -> None:
    found = users([b"sip:+31 20-123@x", b"tel:003120123", b"sip:alice@x;user=phone", b"sip:x", b""])
    assert list(found.values()).count("3120123") == 2
    assert found[b"sip:alice@x;user=phone"] == "alice"
    assert found[b""] == ""


@pytest.mark.parametrize(
    ("numbers", "count"),
    [
        ([], 0),
        (["100", "101", "102", "200"], 2),
        (["099", "100"], 1),
        (["99", "100"], 0),  # another length is another range
        (["1" * 30, "1" * 29 + "2"], 0),  # no number that anybody dials
        (["9", "7", "5"], 0),
    ],
)
def test_numbers_that_count_up(numbers: list[str], count: int) -> None:
    assert counted_up(numbers) == count


@pytest.mark.parametrize(
    ("numbers", "count"),
    [
        ([], 0),
        (["0201234567", "0101234567"], 1),
        (["0442079460101", "00442079460101", "9442079460101", "442079460101"], 4),
        (["112", "0112"], 0),
    ],
)
def test_prefixes_before_one_number(numbers: list[str], count: int) -> None:
    assert prefixes(numbers) == count
