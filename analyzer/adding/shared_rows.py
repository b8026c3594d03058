"""The rows of captures that go on with nothing: those of the analysis itself, which are the rows of the store.

Numbers, outcomes and keys are what the analysis says; what only all calls of these captures together tell (sessions,
scanners by what they do) is left to who reads the store, which may know more calls.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from analyzer.adding.tallies import Tallies
from analyzer.batch import Columns, Ints, MessageBatch, OpenNumbers
from analyzer.correlate.correlator import Ended
from analyzer.correlate.unending import open_groups
from analyzer.gathered import Gathered
from analyzer.pipeline import Pipeline
from analyzer.stats.counting import is_outcome, one_of
from analyzer.stats.scanners import named
from analyzer.tables.store_add import AddingLog
from analyzer.tables.store_open import kept
from analyzer.vocab import Outcome, Release

#: Rows of a table that are written at a time.
PIECE = 1 << 16


class SharedRows:
    """From what a pipeline holds to the rows of a store."""

    def __init__(self, pipeline: Pipeline, log: AddingLog) -> None:
        self._pipeline = pipeline
        self._log = log
        self._tallies = Tallies(pipeline, log)
        self._still_open = OpenNumbers.none()
        #: Nothing of earlier captures goes on.
        self.calls_on: set[int] = set()
        self.taken: list[tuple[str, OpenNumbers]] = []
        #: Calls without an end when the captures were over.
        self.open_calls = 0

    def enter(self, hour: int) -> None:
        """What comes next is of this hour since the epoch."""
        self._tallies.enter(hour)

    def follow(self, batch: MessageBatch, links: Ints) -> None:
        """Take a batch that the analysis has taken."""
        self._log.keep(kept(batch, links))
        if self._log.holds_much:
            self._log.forget(self._open())

    def ended(self, ended: Sequence[Ended]) -> None:
        """This has ended."""
        self._tallies.ended(ended)

    def at_end(self) -> None:
        """Everything was read; what is open now ends next."""
        self._still_open = self._open()
        self._log.forget(self._still_open)  # before there are tables

    def close(self, end_ts: int, analysis: Gathered) -> OpenNumbers:
        """Write the rows of the analysis; returns what is open at its end."""
        self._tallies.close()
        calls, branches, blocks = analysis.lone_calls, analysis.columns("branches"), analysis.columns("blocks")
        self.open_calls = open_calls(calls, self._still_open)
        # Rows of calls look up the keys of theirs: of all others no key is held.
        wanted = set(branches.ints("call_no").tolist()) | set(blocks.ints("call_no").tolist())
        keys: dict[int, str] = {}
        for piece in _pieces(calls):
            of_piece: dict[int, str] = {}
            is_scanner = named(piece, self._pipeline.rules.registry)
            piece = Columns(piece.row_type, {**piece.columns, "is_scanner": is_scanner}, len(piece))
            self._log.add("calls", piece, of_piece)
            keys.update((number, of_piece[number]) for number in wanted & of_piece.keys())
        for table, rows in (("branches", branches), ("blocks", blocks)):
            self._add(table, rows, keys)
        for table in ("registrations", "midcall"):
            self._add(table, analysis.columns(table), {})
        return self._still_open

    @property
    def clock(self) -> int:
        """The clock of the captures, ns."""
        return self._pipeline.correlator.clock

    def _open(self) -> OpenNumbers:
        return OpenNumbers(*open_groups(self._pipeline.correlator), np.empty(0, dtype=np.int64))

    def _add(self, table: str, rows: Columns, keys: dict[int, str]) -> None:
        for piece in _pieces(rows):
            self._log.add(table, piece, keys)


def open_calls(calls: Columns, still_open: OpenNumbers) -> int:
    """How many calls have no end though nothing more comes."""
    if not len(calls):
        return 0
    up = one_of(calls.labels("release"), {Release.STILL_UP}) | is_outcome(calls, {Outcome.OPEN})
    return int((up & np.isin(calls.ints("call_no"), still_open.calls)).sum())


def _pieces(rows: Columns) -> Iterator[Columns]:
    for start in range(0, len(rows), PIECE):
        yield rows.take(slice(start, start + PIECE)) if len(rows) > PIECE else rows
