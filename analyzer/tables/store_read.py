"""Reading a store, while others write to it: parts and what is in journals and not in parts yet, each row once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from analyzer.errors import StoreError
from analyzer.tables.store_files import read_about
from analyzer.tables.store_once import losers, without
from analyzer.tables.store_pieces import TRIES, Days, Piece, Wanted, listed, pieces_of, read_all
from analyzer.tables.store_roll import united
from analyzer.tables.store_tables import STORED, ArrowTable, stored_schema

if TYPE_CHECKING:
    from pandas import DataFrame

_T = TypeVar("_T")


def open_store(folder: Path | str) -> Store:
    """The store in a folder, to be read. Raises StoreError when there is none that this version reads."""
    return Store(folder)


class Store:
    """Tables of a store as Arrow tables; ``.to_pandas()`` makes DataFrames of them.

    ``days`` are texts such as ``2026-11-26`` in the store's zone, None for all; ``columns`` the names of those that
    are wanted. Each method looks at what is there when it is called. Raises StoreError when a part cannot be read.
    """

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)
        about = read_about(self.folder)
        self.schema, self.zone, self.created = about

    def calls(self, days: Days | None = None, columns: Sequence[str] | None = None) -> ArrowTable:
        """The calls: of several rows with one key the one that is not open, then that with more messages."""
        return self.table("calls", days, columns)

    def registrations(self, days: Days | None = None, columns: Sequence[str] | None = None) -> ArrowTable:
        """The registrations."""
        return self.table("registrations", days, columns)

    def others(self, days: Days | None = None, columns: Sequence[str] | None = None) -> ArrowTable:
        """Tallies of other transactions; to be added up."""
        return self.table("others", days, columns)

    def midcall(self, days: Days | None = None, columns: Sequence[str] | None = None) -> ArrowTable:
        """Requests inside dialogs that were refused or unanswered."""
        return self.table("midcall", days, columns)

    def branches(self, days: Days | None = None, columns: Sequence[str] | None = None) -> ArrowTable:
        """The INVITE transactions of calls."""
        return self.table("branches", days, columns)

    def blocks(self, days: Days | None = None, columns: Sequence[str] | None = None) -> ArrowTable:
        """Endpoints that asked to be left alone."""
        return self.table("blocks", days, columns)

    def traffic(self, days: Days | None = None, columns: Sequence[str] | None = None) -> ArrowTable:
        """Messages by hour, code, method and maker; to be added up."""
        return self.table("traffic", days, columns)

    def intervals(self, days: Days | None = None, columns: Sequence[str] | None = None) -> ArrowTable:
        """What each source of each run did between two writings."""
        return self.table("intervals", days, columns)

    def frame(self, table: str, days: Days | None = None, columns: Sequence[str] | None = None) -> DataFrame:
        """A table as a DataFrame, typed as `docs/tables.md` says."""
        made: DataFrame = self.table(table, days, columns).to_pandas()
        return made

    def table(self, table: str, days: Days | None = None, columns: Sequence[str] | None = None) -> ArrowTable:
        """A table of `STORED`, each row once. Raises KeyError for a table or column that there is not."""
        stored = STORED[table]
        known = stored_schema(stored.row_type)
        wanted = list(columns) if columns is not None else list(known.names)
        if strangers := [name for name in wanted if name not in known.names]:
            raise KeyError(f"{table} has no column {strangers[0]}")
        asked = {table: None if days is None else set(days).__contains__}
        rows = self.looking(asked, lambda pieces: _once(pieces[table], table, wanted))
        return united(rows, table, wanted)

    def days(self, table: str = "calls") -> list[str]:
        """The days that a table has rows of, in order."""
        return sorted({piece.day for piece in self.pieces({table: None})[table]})

    # -- parts and journals ----------------------------------------------------------------------------------------

    def pieces(self, tables: Mapping[str, Wanted]) -> dict[str, list[Piece]]:
        """Where the rows of some tables stand now, of each the wanted days. Raises StoreError."""
        return pieces_of(self.folder, self.zone, tables)

    def looking(self, tables: Mapping[str, Wanted], work: Callable[[dict[str, list[Piece]]], _T]) -> _T:
        """What ``work`` makes of the pieces of some tables, which are those of one moment.

        It is done anew when one of them was replaced meanwhile. Raises StoreError.
        """
        for _ in range(TRIES):
            with suppress(FileNotFoundError):
                return work(self.pieces(tables))
        raise StoreError(str(self.folder), "changes faster than it can be read: try again")

    def every_part(self) -> Iterator[tuple[str, Path]]:
        """Every part of every table that is there, those that were compacted and are not removed yet included."""
        for table in STORED:
            yield from ((table, path) for _, path in listed(self.folder, table))


def _once(pieces: Sequence[Piece], table: str, names: list[str]) -> list[ArrowTable]:
    """Some columns of pieces, with of each row that several runs wrote the one that counts."""
    lost = losers(pieces, table)
    return [without(rows, lost.get(place)) for place, rows in enumerate(read_all(pieces, names))]
