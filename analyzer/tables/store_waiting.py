"""What waits to be written to a store: bounded, the oldest goes first when there is no room, and is counted."""

from __future__ import annotations

import threading
from collections import deque
from typing import NamedTuple

import numpy as np

from analyzer.batch import AnyColumn, Columns, Labels, OpenNumbers, Texts
from analyzer.tables.store_open import Kept, needed
from analyzer.tables.texts import end_to_end


class Bounds(NamedTuple):
    """Octets of memory."""

    #: Rows that wait: beyond it the oldest are dropped.
    rows: int = 128 << 20
    #: Messages that wait: beyond it the oldest are dropped.
    messages: int = 128 << 20
    #: So many octets of messages are written ahead of the next commit.
    ahead: int = 32 << 20


class _Rows(NamedTuple):
    table: str
    columns: Columns
    size: int


class Waiting:
    """Rows and messages on their way from one thread to another.

    `add`, `keep` and `forget` are for the one that brings them, `hand_over` gives all of it to the one that writes;
    that one ends with `written` or, when it could not write, `take_back`.
    """

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._guard = threading.Lock()
        self._rows: deque[_Rows] = deque()
        self._messages: deque[Kept] = deque()
        self._row_octets = self._message_octets = 0
        self._handed_rows: list[_Rows] = []
        self.handed_messages: list[Kept] = []
        self.lost_rows = 0
        self.lost_messages = 0

    @property
    def row_count(self) -> int:
        """Rows that wait, those that are being written included."""
        with self._guard:
            return sum(len(one.columns) for one in (*self._rows, *self._handed_rows))

    @property
    def is_much(self) -> bool:
        """So many messages wait that they should be written ahead."""
        return self._message_octets >= self._bounds.ahead

    def add(self, table: str, columns: Columns) -> None:
        """Rows to be written."""
        compact = _compact(columns)
        with self._guard:
            self._rows.append(_Rows(table, compact, _size(compact)))
            self._row_octets += self._rows[-1].size
            self._bound()

    def keep(self, messages: Kept) -> None:
        """Messages to be written."""
        if len(messages):
            with self._guard:
                self._messages.append(messages)
                self._message_octets += messages.size
                self._bound()

    def forget(self, still_open: OpenNumbers) -> None:
        """Drop the messages of what has ended already."""
        with self._guard:
            before, self._messages, self._message_octets = self._messages, deque(), 0
            for part in before:
                chosen = needed(part.rows, still_open)
                if chosen.any():
                    self._messages.append(part.take(chosen))
                    self._message_octets += self._messages[-1].size

    def hand_over(self) -> None:
        """Everything that waits is about to be written."""
        with self._guard:
            self._handed_rows, self.handed_messages = list(self._rows), list(self._messages)
            self._rows, self._messages = deque(), deque()
            self._row_octets = self._message_octets = 0

    def handed_rows(self, table: str) -> list[Columns]:
        """What was handed over of a table."""
        return [one.columns for one in self._handed_rows if one.table == table]

    def written(self, *, with_rows: bool) -> int:
        """What was handed over is written, or of it only the messages: the number of these."""
        with self._guard:
            count = sum(map(len, self.handed_messages))
            self.handed_messages = []
            if not with_rows:
                self._return_rows()
            self._handed_rows = []
            return count

    def take_back(self) -> None:
        """What was handed over could not be written: it waits again, in its old place."""
        with self._guard:
            self._return_rows()
            self._messages.extendleft(reversed(self.handed_messages))
            self._message_octets += sum(part.size for part in self.handed_messages)
            self._handed_rows, self.handed_messages = [], []
            self._bound()

    def _return_rows(self) -> None:
        self._rows.extendleft(reversed(self._handed_rows))
        self._row_octets += sum(one.size for one in self._handed_rows)

    def _bound(self) -> None:
        while self._row_octets > self._bounds.rows and len(self._rows) > 1:
            oldest = self._rows.popleft()
            self._row_octets -= oldest.size
            self.lost_rows += len(oldest.columns)
        while self._message_octets > self._bounds.messages and len(self._messages) > 1:
            first = self._messages.popleft()
            self._message_octets -= first.size
            self.lost_messages += len(first)


def _compact(columns: Columns) -> Columns:
    """The same rows, holding on to nothing but what they need."""
    return Columns(columns.row_type, {name: _own(columns[name]) for name in columns}, len(columns))


def _own(column: AnyColumn) -> AnyColumn:
    if isinstance(column, Texts):
        gathered = end_to_end(*column)
        return Texts(gathered.octets, gathered.offsets[:-1], column.lengths.copy())
    if isinstance(column, Labels):
        codes, places = np.unique(column.codes, return_inverse=True)
        names = [column.names[code] for code in codes.tolist() if code >= 0]
        return Labels((places - (len(codes) - len(names))).astype(np.int32), names)
    return column.copy()


def _size(columns: Columns) -> int:
    total = 0
    for name in columns:
        column = columns[name]
        if isinstance(column, Texts):
            total += len(column.octets) + column.starts.nbytes + column.lengths.nbytes
        elif isinstance(column, Labels):
            total += column.codes.nbytes + sum(map(len, column.names))
        else:
            total += column.nbytes
    return total
