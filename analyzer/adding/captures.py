"""Adding captures to a store, each once by what is in it, all of them or none."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import numpy as np

from analyzer.adding.about import capture_row, doubt_rows, intervals
from analyzer.adding.rows import AddedRows
from analyzer.adding.shared_rows import SharedRows
from analyzer.adding.tallies import by_hour
from analyzer.batch import D_CAPTURE_NO, D_FILE_OFFSET, D_TRANSPORT, D_TS, MISSING, Ints, MessageBatch
from analyzer.capture.source import STDIN
from analyzer.config import Config
from analyzer.correlate.correlator import Ended
from analyzer.correlate.rules import Rules
from analyzer.errors import StoreError
from analyzer.findings import DoubtRow, IntervalRow, KeptCaptureRow
from analyzer.gathered import Gathered
from analyzer.pipeline import Pipeline
from analyzer.tables import columns_of_rows
from analyzer.tables.capture_digest import CaptureDigest
from analyzer.tables.store_add import AddingLog, KnownCapture, known_captures
from analyzer.tables.store_keys import source_row
from analyzer.tables.store_locks import whole_store
from analyzer.tables.store_tables import local_days
from analyzer.vocab import SourceKind

#: Days of a store that captures of one run may lie on: each is a folder for each table.
MOST_DAYS = 4000


class Known(NamedTuple):
    """A capture that was left out because the store has it."""

    source: str
    #: What it is called in the store, and when it was added, ns; as another one of those that were given: None.
    known_as: str
    added_ts: int | None


class Added(NamedTuple):
    """What came of adding captures to a store."""

    #: Name of the run that added them; None when all were known.
    run: str | None
    captures: int
    #: Calls of earlier captures that went on in these; calls that are open at their end.
    went_on: int
    open_calls: int
    left_out: tuple[Known, ...]
    notices: tuple[str, ...]


class Adding:
    """A message sink that adds what passes to a store; `finish` makes it true, and without it nothing was added.

    A context manager. Raises StoreError for a folder that is no store, one that is written by an older version, and
    what the system refuses.
    """

    def __init__(self, folder: str | Path, rules: Rules, config: Config, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._rules = rules
        self._log = AddingLog(folder, config.zone)
        self._folder = self._log.folder
        self._sources = [path if path == STDIN else os.path.abspath(path) for path in pipeline.paths]
        self._digests = [CaptureDigest() for _ in pipeline.paths]
        #: Captures with messages in streams or fragments: which are whole depends on what is read beside them.
        self._streams: set[int] = set()
        self._days: Counter[tuple[int, date]] = Counter()
        #: The rows of the analysis, unless something of earlier captures may go on in these.
        self._rows: SharedRows | AddedRows = SharedRows(pipeline, self._log)
        self._has_begun = False
        self._clock = MISSING
        self._earlier: dict[tuple[str, int], KeptCaptureRow] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._log.close()

    # -- while it is read ------------------------------------------------------------------------------------------

    def __call__(self, batch: MessageBatch, links: Ints) -> None:
        """Take a batch: a message sink, the last of several (it may number the messages anew)."""
        if not len(batch):
            return
        numbers = batch.numbers
        captures = numbers[:, D_CAPTURE_NO]
        days = local_days(numbers[:, D_TS], self._log.zone)
        for capture_no in np.unique(captures).tolist():
            of_it = captures == capture_no
            rows = numbers if of_it.all() else numbers[of_it]
            self._digests[capture_no - 1].add(batch.octets, rows)
            if ((rows[:, D_TRANSPORT] != 0) | (rows[:, D_FILE_OFFSET] == MISSING)).any():
                self._streams.add(capture_no)
            for day, count in zip(*np.unique(days[of_it], return_counts=True), strict=True):
                self._days[capture_no, day.item()] += int(count)
        if len(self._days) > MOST_DAYS + len(self._digests):
            reason = f"times of its messages lie on more than {MOST_DAYS} days: set its clock right with editcap -t"
            raise StoreError(self._sources[int(captures[0]) - 1], reason)
        self._rows.follow(batch, links)

    def cut(self, batch: MessageBatch) -> Iterator[MessageBatch]:
        """A batch that comes next, hour by hour (`pipeline.Beside`)."""
        if not len(batch):
            return
        if not self._has_begun:
            self._has_begun = True
            self._go_on(int(batch.numbers[0, D_TS]))
        for hour, piece, clock in by_hour(batch, self._clock):
            self._clock = clock
            self._rows.enter(hour)
            yield piece

    def ended(self, ended: Sequence[Ended]) -> None:
        """What has ended in the analysis."""
        self._rows.ended(ended)

    def at_end(self) -> None:
        """Everything was read."""
        self._rows.at_end()

    def _go_on(self, first_ts: int) -> None:
        starts = [reader.start_ts for reader in self._pipeline.timeline.readers]
        begin = min([first_ts, *(ts for ts in starts if ts is not None)])
        if self._log.adopt(begin):
            runs = {one.run for one in self._log.adopted}
            found = {(one.run, one.capture_no): one for one in known_captures(self._folder) if one.run in runs}
            wire = self._pipeline.assembly.wire
            rows = AddedRows(self._rules, self._pipeline.methods, self._log, lambda: wire.events)
            rows.go_on(begin, lambda run, number: self._earlier_capture(run, number, found))
            self._rows = rows

    def _earlier_capture(self, run: str, number: int, found: Mapping[tuple[str, int], KnownCapture]) -> int:
        """The number in this run of a capture of an earlier one, from which calls go on in these."""
        if (run, number) not in self._earlier:
            own = len(self._sources) + len(self._earlier) + 1
            one = found.get((run, number))
            source, start, end = ("?", 0, 0) if one is None else (one.source, one.start_ts, one.end_ts)
            self._earlier[run, number] = source_row(self._log.run, own, source, SourceKind.FILE, start, end)
        return self._earlier[run, number].capture_no

    # -- when it was read ------------------------------------------------------------------------------------------

    def finish(self, analysis: Gathered, again: Callable[..., Added]) -> Added:
        """Everything was read: add it. ``analysis`` is of the same captures; ``again`` adds some of them (paths) alone,
        where others of them are known."""
        digests = self._own_digests(analysis)
        if twice := self._known(digests):
            return self._without(twice, again)
        ends = [row.end_ts for row in analysis.captures if row.end_ts is not None]
        end_ts = max(ends, default=MISSING)
        still_open = self._rows.close(end_ts, analysis)
        self._tell(analysis, self._rows.open_calls)
        captures = [
            capture_row(row, digest, source)
            for row, digest, source in zip(analysis.captures, digests, self._sources, strict=True)
        ]
        try:
            with whole_store(self._folder):
                twice = self._known(digests)
                if not twice:
                    rows = [*captures, *self._earlier.values()]
                    self._log.add("captures", columns_of_rows(KeptCaptureRow, rows), {})
                    self._log.commit(max(end_ts, self._rows.clock), still_open, self._rows.taken)
        except OSError as error:
            raise StoreError(str(self._folder), f"cannot be locked: {error.strerror or error}") from error
        if twice:  # another process added them just now
            return self._without(twice, again)
        self._log.tidy()
        notices = tuple(self._log.notices)
        self._log.close()
        return Added(self._log.run, len(captures), len(self._rows.calls_on), self._rows.open_calls, (), notices)

    def _own_digests(self, analysis: Gathered) -> list[str]:
        """The digest of each capture as if it had been read alone."""
        found = []
        for row, digest, path in zip(analysis.captures, self._digests, self._pipeline.paths, strict=True):
            if len(self._digests) > 1 and row.capture_no in self._streams and path != STDIN:
                digest = self._alone(path)
            found.append(digest.text(row.start_ts or 0, row.end_ts or 0, row.frames))
        return found

    def _alone(self, path: str) -> CaptureDigest:
        made = CaptureDigest()
        alone = Pipeline([path], self._rules, reader=self._pipeline.reader, keylog=self._pipeline.keylog)
        try:
            for datagrams in alone.datagrams():
                made.add(datagrams.octets, datagrams.rows)
        finally:
            alone.timeline.close()
        return made

    def _known(self, digests: list[str]) -> dict[int, Known]:
        """By their place, those that the store has, or that are there twice."""
        there = {one.digest: one for one in known_captures(self._folder)}
        found: dict[int, Known] = {}
        first: dict[str, str] = {}
        for place, (digest, source) in enumerate(zip(digests, self._sources, strict=True)):
            if digest in there:
                found[place] = Known(source, there[digest].source, there[digest].added_ts)
            elif digest in first:
                found[place] = Known(source, first[digest], None)
            first.setdefault(digest, source)
        return found

    def _without(self, twice: Mapping[int, Known], again: Callable[..., Added]) -> Added:
        """Add the others alone: what is read beside a capture that is known must not be told twice."""
        self._log.close()
        notices = tuple(self._log.notices)
        left_out = tuple(twice.values())
        rest = [path for place, path in enumerate(self._pipeline.paths) if place not in twice]
        if not rest:
            return Added(None, 0, 0, 0, left_out, notices)
        if STDIN in rest:
            known = ", ".join(one.source for one in left_out)
            reason = f"standard input cannot be read twice: leave out {known}, which the store has; nothing was added"
            raise StoreError(str(self._folder), reason)
        added = again(*rest)
        return added._replace(left_out=(*left_out, *added.left_out), notices=(*notices, *added.notices))

    def _tell(self, analysis: Gathered, open_calls: int) -> None:
        rows: list[IntervalRow] = []
        for row, source in zip(analysis.captures, self._sources, strict=True):
            by_day = {day: count for (number, day), count in self._days.items() if number == row.capture_no}
            rows += intervals(row, source, by_day, self._log.zone, open_calls)
        self._log.add("intervals", columns_of_rows(IntervalRow, rows), {})
        self._log.add("doubts", columns_of_rows(DoubtRow, doubt_rows(analysis)), {})
