"""The calls of a store in a few numbers, however many there are: DuckDB counts over the parts, nothing is loaded.

Every call is counted once, those in journals too; scanners' calls are calls here, since who scans shows only when all
calls of a period are looked at together (`stats.scanners`).
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow

from analyzer.errors import StoreError
from analyzer.tables.store_once import losers, without
from analyzer.tables.store_pieces import Piece
from analyzer.tables.store_roll import united
from analyzer.vocab import FAILURES, NOT_UNSUCCESSFUL

if TYPE_CHECKING:
    from analyzer.tables.store_read import Store

#: Memory that DuckDB may use; what does not fit goes to a temporary folder.
MEMORY = "1GB"
_COLUMNS = ["outcome", "status_code", "cause", "network", "caller_ip", "callee_ip", "failed_by_ip"]


class EndpointSum(NamedTuple):
    """An endpoint that originated failures, as `schema.EndpointRow` counts them call by call."""

    ip: str
    network: int | None
    calls_as_caller: int
    calls_as_callee: int
    failures: int


class StoreSummary(NamedTuple):
    """Calls of a store, each once. Keys that are None: calls that have none."""

    calls: int
    #: Unsuccessful calls (docs/counting.md).
    unsuccessful: int
    outcomes: dict[str, int]
    #: Unsuccessful calls by their final code.
    codes: dict[int | None, int]
    #: Unsuccessful calls by their ISDN cause.
    causes: dict[int | None, int]
    #: Day in the store's zone → outcome → calls.
    days: dict[str, dict[str, int]]
    #: Those that originated failures, the most first.
    endpoints: list[EndpointSum]


def summarise(
    store: Store, first: str | None = None, last: str | None = None, *, endpoints: bool = True
) -> StoreSummary:
    """Count the calls of the days from ``first`` to ``last`` (``2026-11-26``, both in it; None: from or to the end).

    ``endpoints``: without them it is cheaper. Raises StoreError when a part cannot be read.
    """

    def is_wanted(day: str) -> bool:
        return (first is None or day >= first) and (last is None or day <= last)

    wanted = None if first is None and last is None else is_wanted
    return store.looking({"calls": wanted}, lambda pieces: _counted(pieces["calls"], endpoints))


def _counted(pieces: Sequence[Piece], with_endpoints: bool) -> StoreSummary:
    lost = losers(pieces, "calls")
    parts = [place for place, piece in enumerate(pieces) if piece.path is not None]
    journals = [place for place, piece in enumerate(pieces) if piece.path is None]
    if not pieces:
        return StoreSummary(0, 0, {}, {}, {}, {}, [])
    with _database() as base:
        sources = []
        if parts:
            sources.append(_of_parts(base, pieces, parts, lost))
        if journals:
            sources.append(_of_journals(base, pieces, journals, lost))
        try:
            base.execute(f"CREATE TEMP VIEW calls AS {' UNION ALL '.join(sources)}")
            return _summary(base, [pieces[place].day for place in (*parts, *journals)], with_endpoints)
        except Exception as error:
            raise _trouble(error, pieces) from error


@contextmanager
def _database() -> Iterator[Any]:
    """A DuckDB of its own that leaves nothing behind and asks nothing of the network."""
    import duckdb

    with tempfile.TemporaryDirectory(prefix="sipcause-") as folder:
        config: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": MEMORY,
            "temp_directory": folder,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
        with duckdb.connect(":memory:", config=config) as base:
            yield base


def _of_parts(base: Any, pieces: Sequence[Piece], parts: list[int], lost: dict[int, Any]) -> str:
    """SQL for the calls of parts, ``piece`` being the position of each in the list."""
    files = ", ".join(_quoted(str(pieces[place].path)) for place in parts)
    source = f"SELECT file_index::BIGINT AS piece, {', '.join(_COLUMNS)} FROM read_parquet([{files}])"
    rows = [(at, lost[place]) for at, place in enumerate(parts) if place in lost]
    if not rows:
        return source
    table = pyarrow.table(
        {
            "piece": np.repeat([at for at, _ in rows], [len(numbers) for _, numbers in rows]),
            "row": np.concatenate([numbers for _, numbers in rows]),
        }
    )
    base.register("lost", table)
    return f"{source} AS part ANTI JOIN lost ON part.file_index = lost.piece AND part.file_row_number = lost.row"


def _of_journals(base: Any, pieces: Sequence[Piece], journals: list[int], lost: dict[int, Any]) -> str:
    tables = []
    behind = len(pieces) - len(journals)
    for at, place in enumerate(journals):
        rows = united([without(pieces[place].read(_COLUMNS), lost.get(place))], "calls", _COLUMNS)
        tables.append(rows.append_column("piece", pyarrow.array(np.full(len(rows), behind + at))))
    base.register("journal", pyarrow.concat_tables(tables).unify_dictionaries())
    return f"SELECT piece, {', '.join(_COLUMNS)} FROM journal"


def _quoted(path: str) -> str:
    """A path as a text of SQL; what DuckDB would take for a pattern stands for itself."""
    for special in "[*?":
        path = path.replace(special, f"[{special}]") if special != "[" else path.replace("[", "[[]")
    return "'" + path.replace("'", "''") + "'"


def _summary(base: Any, day_of: list[str], with_endpoints: bool) -> StoreSummary:
    days: dict[str, dict[str, int]] = {}
    outcomes: dict[str, int] = {}
    by_piece = base.execute("SELECT piece, outcome, count(*) FROM calls GROUP BY ALL ORDER BY ALL").fetchall()
    for piece, outcome, count in by_piece:
        of_day = days.setdefault(day_of[piece], {})
        of_day[outcome] = of_day.get(outcome, 0) + count
        outcomes[outcome] = outcomes.get(outcome, 0) + count
    codes: dict[int | None, int] = {}
    causes: dict[int | None, int] = {}
    left_out = ", ".join(f"'{outcome}'" for outcome in sorted(NOT_UNSUCCESSFUL))
    asked = f"SELECT status_code, cause, count(*) FROM calls WHERE outcome NOT IN ({left_out}) GROUP BY ALL"
    for code, cause, count in base.execute(asked).fetchall():
        codes[code] = codes.get(code, 0) + count
        causes[cause] = causes.get(cause, 0) + count
    return StoreSummary(
        sum(outcomes.values()),
        sum(codes.values()),
        _most_first(outcomes),
        _most_first(codes),
        _most_first(causes),
        {day: _most_first(days[day]) for day in sorted(days)},
        _endpoints(base) if with_endpoints else [],
    )


def _most_first(counts: dict[Any, int]) -> dict[Any, int]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0] is None, item[0] or 0)))


def _endpoints(base: Any) -> list[EndpointSum]:
    failures = ", ".join(f"'{outcome}'" for outcome in sorted(FAILURES))
    found = base.execute(
        f"""
        WITH bad AS (SELECT failed_by_ip AS ip, network, count(*) AS n FROM calls
                     WHERE outcome IN ({failures}) AND failed_by_ip IS NOT NULL GROUP BY ALL),
             made AS (SELECT caller_ip AS ip, network, count(*) AS n FROM calls GROUP BY ALL),
             sent AS (SELECT callee_ip AS ip, network, count(*) AS n FROM calls GROUP BY ALL)
        SELECT bad.ip, bad.network, coalesce(made.n, 0), coalesce(sent.n, 0), bad.n FROM bad
        LEFT JOIN made ON made.ip = bad.ip AND made.network IS NOT DISTINCT FROM bad.network
        LEFT JOIN sent ON sent.ip = bad.ip AND sent.network IS NOT DISTINCT FROM bad.network
        ORDER BY bad.n DESC, bad.ip, bad.network NULLS FIRST
        """
    )
    return [EndpointSum(*row) for row in found.fetchall()]


def _trouble(error: Exception, pieces: Sequence[Piece]) -> Exception:
    """FileNotFoundError when a part has gone meanwhile, StoreError for other trouble of DuckDB's."""
    import duckdb

    if not isinstance(error, duckdb.Error):
        return error
    if gone := [piece.path for piece in pieces if piece.path is not None and not piece.path.exists()]:
        return FileNotFoundError(str(gone[0]))
    said = str(error).splitlines()[0]
    return StoreError("the store", f"cannot be counted ({said}): sipcause store verify says what is damaged")
