"""The kernels of tables, compiled and not: digits, times, texts and the numbers of what repeats."""

from __future__ import annotations

import io
import random
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from analyzer.batch import MISSING
from analyzer.schema import CallRow
from analyzer.tables import dictionary_kernels, frame, gather_kernels, row_kernels, rows, texts, write_rows
from analyzer.tables.gather_kernels import LENGTH_BITS, SPARE
from tests.tables.made import HOSTILE, REALS, made_columns, texts_of

KERNELS = {
    row_kernels: ["eight_digits", "digits", "decimals", "date", "write_time", "load", "store"],
    gather_kernels: ["load", "store", "has_unplain"],
    dictionary_kernels: ["load", "stirred", "text_hash", "same_octets"],
}
CALLED = {
    rows: ["write_rows", "gather"],
    texts: ["gather", "mark_unplain"],
    dictionary_kernels: ["number_texts", "number_pairs"],
    row_kernels: ["write_rows"],
    gather_kernels: ["gather", "mark_unplain"],
}


@pytest.fixture
def uncompiled(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every kernel of tables as the plain Python that it is written in."""
    for modules in (KERNELS, CALLED):
        for module, names in modules.items():
            for name in names:
                monkeypatch.setattr(module, name, getattr(module, name).py_func)
    with np.errstate(over="ignore"):  # hashes wrap around
        yield


def test_uncompiled_rows_are_the_same(request: pytest.FixtureRequest) -> None:
    def written() -> list[bytes]:
        made = []
        for kind in ("csv", "json"):
            stream = io.BytesIO()
            write_rows(stream, made_columns(CallRow, 40, 9), kind)
            made.append(stream.getvalue())
        return made

    compiled, table = written(), frame(made_columns(CallRow, 40, 9))
    request.getfixturevalue("uncompiled")
    assert written() == compiled
    assert frame(made_columns(CallRow, 40, 9)).equals(table)


def written_cells(kind: int, values: list[int]) -> list[str]:
    """Some cells of one kind, each on a line of its own."""
    out = np.empty(len(values) * 64 + 64, dtype=np.uint8)
    nothing = np.zeros(SPARE, dtype=np.uint8)
    end = row_kernels.write_rows(
        np.array([kind]),
        np.array([values], dtype=np.int64),
        nothing.copy(),
        nothing,
        np.array([0, 0]),
        np.uint64(ord("-")),
        np.uint64(1),
        10,
        0,
        out,
    )
    return out[:end].tobytes().decode().splitlines()


def test_whole_numbers() -> None:
    edges = [10**power + step for power in range(19) for step in (-1, 0, 1)]
    numbers = [*edges, *(-n for n in edges), 2**63 - 1, -(2**63) + 1]
    chance = random.Random(1)
    numbers += [chance.randrange(10 ** chance.randrange(1, 19)) for _ in range(3000)]
    assert written_cells(row_kernels.NUMBER, numbers) == [str(number) for number in numbers]
    assert written_cells(row_kernels.NUMBER, [MISSING]) == ["-"]


def test_dates_of_every_day() -> None:
    first = date(1678, 1, 1)
    days = [first + timedelta(days=n) for n in range(584 * 365)]
    epoch = date(1970, 1, 1).toordinal()
    shown = written_cells(row_kernels.TIME, [(day.toordinal() - epoch) * 86_400 * 10**9 for day in days])
    assert shown == [f"{day}T00:00:00.000000000Z" for day in days]


def test_times_of_day() -> None:
    chance = random.Random(2)
    moments = [chance.randrange(86_400 * 10**9) for _ in range(3000)]
    shown = written_cells(row_kernels.TIME, moments)
    for text, moment in zip(shown, moments, strict=True):
        second, nanosecond = divmod(moment, 10**9)
        assert text == f"1970-01-01T{timedelta(seconds=second)!s:0>8}.{nanosecond:09}Z"
    assert written_cells(row_kernels.TIME, [-1]) == ["1969-12-31T23:59:59.999999999Z"]


def test_reals_read_back_as_they_were() -> None:
    chance = random.Random(3)
    reals = [*REALS, *(chance.randrange(10**13) / 1e6 for _ in range(2000)), *(chance.random() for _ in range(500))]
    columns = made_columns(CallRow, len(reals))
    columns.columns["srd_ms"] = np.array(reals)
    stream = io.BytesIO()
    write_rows(stream, columns, "csv")
    place = list(columns).index("srd_ms") - len(list(columns))  # from the end: no quotes there
    shown = [line.split(",")[place] for line in stream.getvalue().decode().splitlines()[1:]]
    assert [float(text) for text in shown] == reals
    assert shown[:4] == ["0.0", "0.0", "1.5", "0.1"]


@pytest.mark.parametrize("plain", [True, False], ids=["compiled", "uncompiled"])
def test_equal_texts_get_equal_numbers(plain: bool, request: pytest.FixtureRequest) -> None:
    if not plain:
        request.getfixturevalue("uncompiled")
    chance = random.Random(4)
    values = [chance.choice([None, *HOSTILE, b"x" * chance.randrange(20)]) for _ in range(500)]
    column = texts_of(values)
    codes, firsts, count = number(dictionary_kernels.number_texts, column, size=1024)
    names = [values[row] for row in firsts[:count].tolist()]
    assert [None if code < 0 else names[code] for code in codes.tolist()] == values
    assert len(set(names)) == count
    assert firsts[:count].tolist() == sorted(firsts[:count].tolist())


@pytest.mark.parametrize("plain", [True, False], ids=["compiled", "uncompiled"])
def test_crowded_table_never_mixes_texts_up(plain: bool, request: pytest.FixtureRequest) -> None:
    """Past the bound on probing a text may be numbered twice, but no two texts share a number."""
    if not plain:
        request.getfixturevalue("uncompiled")
    values: list[bytes | None] = [b"%d" % (n % 300) for n in range(600)]
    codes, firsts, count = number(dictionary_kernels.number_texts, texts_of(values), size=64)
    assert count > 300
    assert [values[firsts[code]] for code in codes.tolist()] == values


def test_equal_pairs_get_equal_numbers() -> None:
    chance = random.Random(6)
    hi = np.array([chance.choice([0, -1, 2**63 - 1]) for _ in range(300)], dtype=np.int64)
    lo = np.array([chance.randrange(-3, 3) for _ in range(300)], dtype=np.int64)
    table = np.full(1024, -1, dtype=np.int32)
    codes, firsts = np.empty(300, dtype=np.int32), np.empty(300, dtype=np.int64)
    count = dictionary_kernels.number_pairs(hi, lo, np.uint64(7), table, codes, firsts)
    pairs = list(zip(hi.tolist(), lo.tolist(), strict=True))
    assert [pairs[firsts[code]] for code in codes.tolist()] == pairs
    assert count == len(set(pairs))


def number(kernel: Any, column: texts.Texts, size: int) -> tuple[Any, Any, int]:
    table = np.full(size, -1, dtype=np.int32)
    codes = np.empty(len(column.starts), dtype=np.int32)
    firsts = np.empty(len(column.starts), dtype=np.int64)
    return codes, firsts, kernel(*column, np.uint64(0x1234567), table, codes, firsts)


def test_gathered_texts_stand_where_their_places_say() -> None:
    column = texts_of([b"first", None, b"", b"second one, longer", b"x"])
    out = np.zeros(64, dtype=np.uint8)
    places = np.full(5, -1, dtype=np.int64)
    marks = np.array([0, 0, 0, 0, 1], dtype=np.uint8)
    end = gather_kernels.gather(*column, marks, ord("'"), out, 3, places)
    assert out[3:end].tobytes() == b"'first''''second one, longer'"
    assert places[[1, 4]].tolist() == [-1, -1]
    start, length = int(places[3]) >> LENGTH_BITS, int(places[3]) & (2**LENGTH_BITS - 1)
    assert out[start : start + length].tobytes() == b"'second one, longer'"


def test_unplain_octets_are_found_wherever_they_stand() -> None:
    odd = [octet for octet in range(256) if not 0x20 <= octet < 0x7F or octet in b'",']
    for length in (1, 7, 8, 9, 16, 17):
        for place in range(length):
            values: list[bytes | None] = [b"a" * place + bytes([octet]) + b"a" * (length - place - 1) for octet in odd]
            plain = [bytes([octet]) * length for octet in range(0x20, 0x7F) if octet not in b'",']
            marks, count, octets = texts.unplain(texts_of(values + plain), texts.plain(b'"', b","))
            assert marks.tolist() == [1] * len(odd) + [0] * len(plain)
            assert (count, octets) == (len(odd), length * len(marks))


def test_text_outside_its_octets_is_our_mistake() -> None:
    column = texts_of([b"abc"])
    with pytest.raises(AssertionError, match="outside its octets"):
        texts.shown(column._replace(starts=column.starts + 5))
