"""The open-addressed tables against dicts, compiled and as plain Python."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer import hash_kernels
from analyzer.correlate import table_kernels as t
from analyzer.correlate.layout import S_COLUMNS, S_ENDPOINTS, S_WORD_OCTETS, S_WORDS

#: Few homes and few tags, so that keys meet; negative ones because keys are signed words.
keys = st.tuples(st.sampled_from([0, 1, 7, 8, 15, -1, -8, 2**62]), st.sampled_from([1, 2, -3, 2**31, 2**31 + 1]))
acts = st.lists(st.tuples(st.sampled_from(["put", "drop", "find"]), keys), max_size=60)
ROWS = 8
WAYS = ("compiled", "plain")


def way(name: str) -> Callable[[str], Any]:
    return lambda kernel: getattr(t, kernel) if name == "compiled" else getattr(t, kernel).py_func


@pytest.mark.parametrize("how", WAYS)
@given(acts)
def test_put_find_and_drop_are_those_of_a_dict(how: str, acts: list[tuple[str, tuple[int, int]]]) -> None:
    call = way(how)
    index, rows = np.zeros(2 * ROWS, dtype=np.int64), np.zeros((ROWS, 2), dtype=np.int64)
    model: dict[tuple[int, int], int] = {}
    free = list(range(ROWS))
    for act, key in acts:
        words = np.int64(key[0]), np.int64(key[1])
        if act == "put" and key not in model and free:
            slot = model[key] = free.pop()
            rows[slot] = words
            call("put")(index, *words, slot)
        elif act == "drop" and key in model:
            slot = model.pop(key)
            call("drop")(index, rows, 0, slot)
            rows[slot] = 0
            free.append(slot)
        else:
            assert call("find_slot")(index, rows, 0, *words) == model.get(key, -1)
    for key, slot in model.items():
        assert call("find_slot")(index, rows, 0, np.int64(key[0]), np.int64(key[1])) == slot
    assert np.count_nonzero(index) == len(model)


@pytest.mark.parametrize("how", WAYS)
def test_what_stands_behind_a_dropped_entry_moves_up(how: str) -> None:
    call = way(how)
    index, rows = np.zeros(8, dtype=np.int64), np.zeros((4, 2), dtype=np.int64)
    homes = (6, 6, 7, 6)  # a chain over the end of the index: places 6, 7, 0, 1
    for slot, home in enumerate(homes):
        rows[slot] = home, slot + 1
        call("put")(index, *rows[slot], slot)
    assert [int(entry & t.SLOT) for entry in index[[6, 7, 0, 1]]] == [1, 2, 3, 4]
    call("drop")(index, rows, 0, 0)
    assert [int(entry & t.SLOT) for entry in index[[6, 7, 0, 1]]] == [2, 3, 4, 0]
    assert [call("find_slot")(index, rows, 0, *row) for row in rows] == [-1, 1, 2, 3]
    call("drop")(index, rows, 0, 1)  # home 7 may not move before its home; home 6 may
    assert [int(entry & t.SLOT) for entry in index[[6, 7, 0, 1]]] == [4, 3, 0, 0]


@pytest.mark.parametrize("how", WAYS)
def test_a_row_that_another_one_of_its_key_has_replaced_is_not_dropped(how: str) -> None:
    call = way(how)
    index, rows = np.zeros(8, dtype=np.int64), np.array([[3, 4], [3, 4]], dtype=np.int64)
    call("put")(index, *rows[1], 1)
    call("drop")(index, rows, 0, 0)
    assert call("find_slot")(index, rows, 0, *rows[1]) == 1


@pytest.mark.parametrize("how", WAYS)
def test_a_longer_index_holds_what_the_shorter_held(how: str) -> None:
    call = way(how)
    rows = np.array([[5, 1], [5, 2], [0, 0], [-5, 3], [9, 9]], dtype=np.int64)
    kinds = np.array([1, 1, 1, 1, 0])  # the last one is free
    table = np.column_stack([rows, kinds])
    index = np.zeros(16, dtype=np.int64)
    call("refill")(index, table, 0, 5, 2)
    assert [call("find_slot")(index, table, 0, *row) for row in rows] == [0, 1, -1, 3, -1]
    longer = np.zeros(64, dtype=np.int64)
    call("reenter")(longer, index, table, 0)
    assert [call("find_slot")(longer, table, 0, *row) for row in rows] == [0, 1, -1, 3, -1]


seeds = np.array([11, 12, 13], dtype=np.uint64)


@pytest.fixture(params=WAYS)
def kernels(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The module with its kernels compiled, or all of them plain."""
    if request.param == "plain":
        for module in (hash_kernels, t):
            for name, kernel in vars(module).copy().items():
                if hasattr(kernel, "py_func"):
                    monkeypatch.setattr(module, name, kernel.py_func)
    with np.errstate(over="ignore"):  # words wrap: plain Python's numpy says so, compiled code does not
        yield t


def test_endpoints_are_numbered_once(kernels: Any) -> None:
    scalars, table, index = np.zeros(S_COLUMNS, np.int64), np.zeros((9, 3), np.int64), np.zeros(32, np.int64)
    places = np.array([(network, high, low) for network in (-(2**63), 5) for high in (0, -1) for low in (1, 2)])
    for _ in range(2):
        numbers = [kernels.endpoint_number(*place, scalars, table, index, seeds) for place in places]
        assert numbers == list(range(8))
    assert scalars[S_ENDPOINTS] == 8
    longer = np.zeros(64, dtype=np.int64)
    kernels.refill_endpoints(longer, table, 8, seeds)
    assert [kernels.endpoint_number(*place, scalars, table, longer, seeds) for place in places] == numbers
    assert (table[:8] == places).all()


def test_words_are_kept_once_with_their_octets(kernels: Any) -> None:
    octets = np.frombuffer(b"Phone 1Phone 2Phone 1", dtype=np.uint8)
    scalars, words = np.zeros(S_COLUMNS, np.int64), np.zeros((8, 4), np.int64)
    index, kept = np.zeros(32, np.int64), np.zeros(64, np.uint8)
    numbers = [
        kernels.word_number(octets, start, length, scalars, words, index, kept, seeds)
        for start, length in ((0, 7), (7, 7), (14, 7), (0, -1), (0, 0), (3, 0), (0, 5))
    ]
    assert numbers == [0, 1, 0, -1, 2, 2, 3]
    assert scalars[S_WORDS] == 4
    assert kept[: scalars[S_WORD_OCTETS]].tobytes() == b"Phone 1Phone 2Phone"
    assert [tuple(row) for row in words[:4, 2:].tolist()] == [(0, 7), (7, 7), (14, 0), (14, 5)]
