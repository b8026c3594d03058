"""Which rows of a store do not count, because another run told the same: found without reading more than is needed.

What one run wrote it wrote once, so only days that several wrote are looked at. Equal rows have equal times: first
the times are compared, then of the rows that share one the columns that make rows the same (`store_tables.Stored`).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import numpy as np
import pyarrow
import pyarrow.compute as pc
from numpy.typing import NDArray

from analyzer.batch import Ints
from analyzer.tables.from_arrow import ints_of_arrow
from analyzer.tables.store_pieces import Piece, read_all
from analyzer.tables.store_roll import united
from analyzer.tables.store_tables import STORED, ArrowTable, conformed

#: Hashes that the time of their row went into.
_KEYS = {"call_key", "registration_key"}


def losers(pieces: Sequence[Piece], table: str) -> dict[int, Ints]:
    """By the position of a piece the rows of it that do not count, ascending.

    Raises FileNotFoundError when a part has gone.
    """
    stored = STORED[table]
    found: dict[int, Ints] = {}
    if not stored.same:
        return found
    numbered = list(enumerate(pieces))
    # Rows that stand with the day of their call may stand with their own in another run, which had not that call.
    groups = [numbered] if stored.of_call else [list(day) for _, day in groupby(numbered, lambda one: one[1].day)]
    for group in groups:
        if len({piece.writer for _, piece in group}) > 1:
            own = _losers([piece for _, piece in group], table)
            found.update({group[place][0]: rows for place, rows in own.items()})
    return found


def without(rows: ArrowTable, lost: Ints | None) -> ArrowTable:
    """The rows of a piece that count."""
    if lost is None or not len(lost):
        return rows
    stay = np.ones(len(rows), dtype=np.bool_)
    stay[lost] = False
    return rows.filter(pyarrow.array(stay))


def _losers(pieces: Sequence[Piece], table: str) -> dict[int, Ints]:
    stored = STORED[table]
    chosen = _suspects(pieces, table)
    places = [place for place, rows in enumerate(chosen) if len(rows)]
    if not places:
        return {}
    names = list(dict.fromkeys(["run", *stored.same, *stored.prefer]))
    parts = read_all([pieces[place] for place in places], names)
    taken = [
        conformed(part, stored.row_type, names).take(pyarrow.array(chosen[place]))
        for place, part in zip(places, parts, strict=True)
    ]
    writers = {writer: number for number, writer in enumerate(sorted({piece.writer for piece in pieces}))}
    writer = np.repeat([writers[pieces[place].writer] for place in places], [len(chosen[place]) for place in places])
    stays = counting(united(taken, table, names), table, writer)
    ends = np.cumsum([len(chosen[place]) for place in places])
    found = {}
    for place, own in zip(places, np.split(stays, ends[:-1]), strict=True):
        if not own.all():
            found[place] = chosen[place][~own]
    return found


def _suspects(pieces: Sequence[Piece], table: str) -> list[Ints]:
    """Of each piece the rows whose time another row has as well; all where time does not make rows the same."""
    stored = STORED[table]
    if stored.time not in stored.same and not _KEYS & set(stored.same):
        return [np.arange(piece.row_count()) for piece in pieces]
    read = read_all(pieces, [stored.time])
    times = [_ints(conformed(part, stored.row_type, [stored.time]).column(0)) for part in read]
    in_order = np.sort(np.concatenate(times))
    shared = np.unique(in_order[1:][in_order[1:] == in_order[:-1]])
    if not len(shared):
        return [np.empty(0, dtype=np.int64) for _ in pieces]
    found = []
    for own in times:
        near = np.minimum(np.searchsorted(shared, own), len(shared) - 1)
        found.append(np.flatnonzero(shared[near] == own))
    return found


def counting(rows: ArrowTable, table: str, writer: Ints) -> NDArray[np.bool_]:
    """Which rows count: of those that several writers told the best one.

    Of equal rows of one writer the n-th is the n-th. ``writer`` has a number for each row's.
    """
    stored = STORED[table]
    columns = [_codes(rows.column(name)) for name in stored.same]
    at = np.arange(len(rows))
    order = np.lexsort((at, writer, *columns))
    nth = np.empty(len(rows), dtype=np.int64)
    nth[order] = _places(order, [writer, *columns])
    age = _ranks(rows.column("run"))
    prefers = [_preferred(rows.column(name), name) for name in reversed(stored.prefer)]
    order = np.lexsort((at, age if stored.is_first else -age, *(-column for column in prefers), nth, *columns))
    stays = np.zeros(len(rows), dtype=np.bool_)
    stays[order[_places(order, [nth, *columns]) == 0]] = True
    return stays


def _places(order: Ints, columns: list[Ints]) -> Ints:
    """Of rows in an order the place of each among those before it with the same values."""
    changes = np.zeros(len(order), dtype=np.bool_)
    changes[0] = True
    for column in columns:
        changes[1:] |= np.diff(column[order]) != 0
    starts = np.flatnonzero(changes)
    return np.arange(len(order)) - np.repeat(starts, np.diff(starts, append=len(order)))


def _joined(column: Any) -> Any:
    one = column.combine_chunks()
    if isinstance(one, pyarrow.ChunkedArray):
        one = one.chunk(0) if one.num_chunks else pyarrow.array([], type=one.type)
    return one


def _ints(column: Any) -> Ints:
    return ints_of_arrow(_joined(column))


def _coded(column: Any) -> tuple[Ints, Any]:
    """Numbers for the cells of a column, -1 for missing ones, and what they stand for."""
    if not pyarrow.types.is_dictionary(column.type):
        column = pc.dictionary_encode(column)
    one = _joined(column.unify_dictionaries())
    return np.asarray(one.indices.fill_null(-1).to_numpy(zero_copy_only=False), dtype=np.int64), one.dictionary


def _codes(column: Any) -> Ints:
    """Equal numbers for equal cells; missing ones are equal."""
    if pyarrow.types.is_integer(column.type) or pyarrow.types.is_timestamp(column.type):
        return _ints(column)
    return _coded(column)[0]


def _ranks(column: Any) -> Ints:
    """The rank of each row's text among the different ones."""
    codes, names = _coded(column)
    _, ranks = np.unique(np.array(names.to_pylist(), dtype=object), return_inverse=True)
    return np.append(ranks, -1)[codes]


def _preferred(column: Any, name: str) -> Ints:
    if name != "outcome":
        return _ints(column)
    codes, names = _coded(column)
    return np.array([*(text != "open" for text in names.to_pylist()), True], dtype=np.int64)[codes]
